//! What a setting is called in JSON: its name in camelCase, and lists of tables of the tenant in the
//! plural (`[[webhook]]` is `webhooks`, `[[staff]]` is plural already). Names that a tenant chooses stay as they are.

use std::fmt::Write as _;

use crate::config::shape::{Each, Field, Kind, Names, Table};
use crate::config::words::suggest;
use crate::flow::settings::format::Part;

use super::super::shape::SHAPE;

/// The table of a part.
pub(super) fn shape_of(part: Part) -> &'static Table {
    match part {
        Part::Tenant => &SHAPE,
        Part::Provider => list_of("provider"),
        Part::Webhook => list_of("webhook"),
        Part::Snippet => list_of("snippet"),
    }
}

/// The tables of one of the tenant's lists.
fn list_of(name: &str) -> &'static Table {
    match SHAPE.field(name).map(|field| &field.kind) {
        Some(Kind::List(Kind::Table(shape))) => shape,
        _ => unreachable!("`{name}` is a list of tables"),
    }
}

/// What is found under a name in JSON.
pub(super) enum Member {
    /// A setting of the table: its name in the file and what it may hold.
    Setting(&'static str, &'static Kind),
    /// A name that the tenant chooses.
    Open(&'static Kind),
    /// Nothing; the words say what it could be.
    Unknown(String),
}

/// The name in JSON of a setting of a table.
pub(super) fn member_of(shape: &'static Table, field: &Field) -> String {
    let mut member = camel(field.name);
    let is_list = matches!(field.kind, Kind::List(Kind::Table(_))) && field.name != "staff";
    if std::ptr::eq(shape, &raw const SHAPE) && is_list {
        member.push('s');
    }
    member
}

/// The name in JSON of a name in a file.
pub(super) fn member_named(shape: &'static Table, name: &str) -> String {
    shape.field(name).map_or_else(|| name.to_owned(), |field| member_of(shape, field))
}

/// What a table has under a name in JSON.
pub(super) fn find(shape: &'static Table, member: &str) -> Member {
    if let Some(field) = shape.fields.iter().find(|field| member_of(shape, field) == member) {
        return Member::Setting(field.name, &field.kind);
    }
    if let Some(each) = shape.each.as_ref().filter(|each| each.names.take(member)) {
        return Member::Open(each.kind);
    }
    if let (Some(Each { names: Names::Like(text), .. }), true) = (&shape.each, shape.fields.is_empty()) {
        return Member::Unknown(text.hint.to_owned());
    }
    let known = shape.fields.iter().filter(|field| !matches!(field.kind, Kind::Later));
    let mut known: Vec<String> = known.map(|field| member_of(shape, field)).collect();
    known.extend(shape.names().into_iter().filter(|name| shape.field(name).is_none()).map(str::to_owned));
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    Member::Unknown(suggest(member, &known))
}

/// The kind of an [`Kind::Either`] that a JSON value is of; the kind itself for all others.
pub(super) fn choose(kind: &'static Kind, value: &serde_json::Value) -> &'static Kind {
    let Kind::Either(kinds) = kind else { return kind };
    let fits = |kind: &&Kind| match kind {
        Kind::Table(_) => value.is_object(),
        Kind::List(_) => value.is_array(),
        Kind::Flag => value.is_boolean(),
        Kind::Count(..) => value.is_number(),
        _ => value.is_string(),
    };
    kinds.iter().find(fits).unwrap_or(kind)
}

/// Whether a value is kept from who reads settings: a secret, or what could be one by mistake.
pub(super) fn is_secret(kind: &Kind) -> bool {
    match kind {
        Kind::Secret => true,
        Kind::Text(text) => text.masked,
        Kind::List(inner) => is_secret(inner),
        _ => false,
    }
}

/// A text of the reader, which speaks of files, in the words of the API: settings by their names in JSON.
pub(super) fn in_json(text: &str) -> String {
    if text.contains("{ env =") || text.contains("{ file =") {
        let or = text.split_once(", or `").map(|(_, rest)| format!(", or `{rest}"));
        return in_json(&format!("send the secret as a text{}", or.unwrap_or_default()));
    }
    let text = text
        .replace("write `[[provider]]` with its settings below", "send at least one")
        .replace("[[", "")
        .replace("]]", "");
    let mut told = String::new();
    for (index, part) in text.split('`').enumerate() {
        if index > 0 {
            told.push('`');
        }
        if index % 2 == 0 {
            told.push_str(part);
        } else {
            let _ = write!(told, "{}", renamed(part));
        }
    }
    told
}

/// A quoted text: the name of a setting alone, or in front of its value.
fn renamed(quoted: &str) -> String {
    let (name, rest) = quoted.split_once(" =").map_or((quoted, None), |(name, rest)| (name, Some(rest)));
    let is_name = name.contains('_') && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let known = is_name && has(&SHAPE, name);
    match (known, rest) {
        (true, Some(rest)) => format!("{} ={rest}", camel(name)),
        (true, None) => camel(name),
        _ => quoted.to_owned(),
    }
}

/// Whether a table or one within it has this setting.
fn has(shape: &'static Table, name: &str) -> bool {
    shape.field(name).is_some() || shape.fields.iter().any(|field| within(&field.kind, name))
}

fn within(kind: &'static Kind, name: &str) -> bool {
    match kind {
        Kind::Table(shape) => has(shape, name),
        Kind::List(inner) => within(inner, name),
        Kind::Either(kinds) => kinds.iter().any(|kind| within(kind, name)),
        _ => false,
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn tables(shape: &'static Table, seen: &mut Vec<&'static Table>) {
        if seen.iter().any(|known| std::ptr::eq(*known, shape)) {
            return;
        }
        seen.push(shape);
        let mut kinds: Vec<&Kind> = shape.fields.iter().map(|field| &field.kind).collect();
        kinds.extend(shape.each.iter().map(|each| each.kind));
        while let Some(kind) = kinds.pop() {
            match kind {
                Kind::Table(table) => tables(table, seen),
                Kind::List(inner) => kinds.push(inner),
                Kind::Either(inner) => kinds.extend(inner.iter()),
                _ => {}
            }
        }
    }

    #[test]
    fn every_setting_of_every_table_has_one_name_in_json_that_leads_back_to_it() {
        let mut seen = Vec::new();
        tables(&SHAPE, &mut seen);
        assert!(seen.len() > 10);
        for shape in seen {
            let mut members = BTreeSet::new();
            for field in shape.fields {
                let member = member_of(shape, field);
                assert!(members.insert(member.clone()) && !member.contains('_'), "{member}");
                let Member::Setting(name, _) = find(shape, &member) else { panic!("{member}") };
                assert_eq!(name, field.name);
            }
        }
    }

    #[test]
    fn names_are_camel_case_and_lists_of_the_tenant_plural() {
        assert_eq!(camel("client_secret_previous"), "clientSecretPrevious");
        assert_eq!(member_named(&SHAPE, "webhook"), "webhooks");
        assert_eq!(member_named(&SHAPE, "hosts"), "hosts");
        assert_eq!(member_named(shape_of(Part::Provider), "whoami_url"), "whoamiUrl");
    }

    #[test]
    fn a_name_of_the_file_is_unknown_and_leads_to_its_name_in_json() {
        let Member::Unknown(words) = find(shape_of(Part::Provider), "client_id") else {
            panic!("it is no name in JSON")
        };
        assert_eq!(words, "did you mean `clientId`?");
    }

    #[test]
    fn words_of_the_reader_become_words_of_the_api() {
        for (said, told) in [
            ("`client_id` is missing", "`clientId` is missing"),
            ("write `callback_path = \"named\"`: its", "write `callbackPath = \"named\"`: its"),
            (
                "write `client_secret = { env = \"NAME\" }`, or `client_auth = \"none\"` for a public client",
                "send the secret as a text, or `clientAuth = \"none\"` for a public client",
            ),
            ("no field is called `full_nmae`", "no field is called `full_nmae`"),
        ] {
            assert_eq!(in_json(said), told);
        }
    }
}
