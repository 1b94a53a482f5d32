//! What is wrong with what was typed, beside the field that it is about.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::flow::preview::place_in;
use crate::flow::settings::described::{Described, Holds};
use crate::flow::settings::format::Remark;

use super::words::{Html, html, label, sentence};

/// Something wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The field; empty if it is about the whole.
    pub field: String,
    /// What is wrong, as a sentence.
    pub message: Html,
    /// How to mend it.
    pub help: Html,
    /// The line at fault with a caret below it.
    pub caret: Option<String>,
}

impl Fault {
    /// Something wrong with a field.
    pub fn new(field: &str, message: &str, help: &str) -> Self {
        Self {
            field: field.to_owned(),
            message: html(&sentence(message)),
            help: html(&sentence(help)),
            caret: None,
        }
    }

    /// Something wrong with a line of a field.
    pub fn in_line(field: &str, line: usize, message: &str) -> Self {
        Self::new(field, &format!("line {line}: {message}"), "")
    }

    /// What a check of settings found, beside the field that its pointer leads to.
    pub fn of_remark(table: &[Described], sent: &Map<String, Value>, remark: &Remark) -> Self {
        if let Some(missing) = missing(table, &remark.message) {
            let message = format!("{} is missing", label(missing.name));
            return Self::new(missing.name, &message, remark.help.as_deref().unwrap_or_default());
        }
        let (message, help) = (remark.message.as_str(), remark.help.as_deref().unwrap_or_default());
        let caret =
            Value::Object(sent.clone()).pointer(&remark.pointer).and_then(Value::as_str).and_then(|text| {
                // An expression has its own place, which a text with quotes or several lines loses on the way.
                place_in(text)
                    .filter(|_| message.contains("JMESPath"))
                    .or_else(|| remark.column.and_then(|column| under(text, column)))
            });
        let entry = entry_of(table, &remark.pointer);
        let field = match (field_of(table, &remark.pointer), entry, asked_for(message)) {
            // A preset's variables have fields of their own.
            (setting, Some(entry), _) if setting == "vars" => format!("vars.{entry}"),
            (setting, _, Some(variable)) if setting == "preset" => format!("vars.{variable}"),
            (setting, ..) => setting,
        };
        let named = entry.map(|entry| format!("`{entry}`: {message}"));
        Self { caret, ..Self::new(&field, named.as_deref().unwrap_or(message), help) }
    }
}

/// A text with a caret under a column from 1; none of a text of several lines.
fn under(text: &str, column: usize) -> Option<String> {
    if text.contains('\n') || column > text.chars().count() + 1 {
        return None;
    }
    let mut shown = text.to_owned();
    let _ = write!(shown, "\n{}^", " ".repeat(column.saturating_sub(1)));
    Some(shown)
}

/// The name of the field that a JSON pointer leads to: `/whoami/0/url` is `whoami.0.url`, `/mapping/email` is `mapping`.
fn field_of(table: &[Described], pointer: &str) -> String {
    let mut rest = pointer.split('/').skip(1);
    let Some(setting) = rest.next().and_then(|member| table.iter().find(|known| known.member == member))
    else {
        return String::new();
    };
    let within = |fields: &[Described], member: Option<&str>| {
        let found = member.and_then(|member| fields.iter().find(|known| known.member == member));
        found.map(|found| found.name)
    };
    match &setting.holds {
        Holds::Tables(fields) => match (rest.next(), within(fields, rest.next())) {
            (Some(number), Some(name)) => format!("{}.{number}.{name}", setting.name),
            (Some(number), None) => {
                format!("{}.{number}.{}", setting.name, fields.first().map_or("", |first| first.name))
            }
            _ => setting.name.to_owned(),
        },
        Holds::Table(fixed, _) => match within(fixed, rest.next()) {
            Some(name) => format!("{}.{name}", setting.name),
            None => setting.name.to_owned(),
        },
        _ => setting.name.to_owned(),
    }
}

/// The setting that a check of the whole did not find: its remark leads to no field, and names it.
fn missing<'t>(table: &'t [Described], message: &str) -> Option<&'t Described> {
    let name = message.strip_prefix('`')?.strip_suffix("` is missing")?;
    table.iter().find(|known| known.member == name || known.name == name)
}

/// The variable that a preset asks for.
fn asked_for(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("asks for `")?;
    rest.split_once('`').map(|(variable, _)| variable)
}

/// The entry of a table that a pointer leads to, whose name the tenant chose.
fn entry_of<'p>(table: &[Described], pointer: &'p str) -> Option<&'p str> {
    let (member, entry) = pointer.strip_prefix('/')?.split_once('/')?;
    let setting = table.iter().find(|known| known.member == member)?;
    let is_open = match &setting.holds {
        Holds::Table(fixed, _) => !fixed.iter().any(|known| known.member == entry),
        Holds::TextOrTable => true,
        _ => false,
    };
    is_open.then_some(entry)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn setting(name: &'static str, member: &str, holds: Holds) -> Described {
        let member = member.to_owned();
        Described { name, member, doc: "", example: None, default: None, required: false, holds }
    }

    fn table() -> Vec<Described> {
        let calls = vec![setting("name", "name", Holds::Text), setting("url", "url", Holds::Text)];
        let required = vec![setting("required", "required", Holds::List(Vec::new()))];
        vec![
            setting("token_url", "tokenUrl", Holds::Text),
            setting("mapping", "mapping", Holds::TextOrTable),
            setting("preset", "preset", Holds::Text),
            setting("vars", "vars", Holds::Table(Vec::new(), Some(Box::new(Holds::Text)))),
            setting("enrich", "enrich", Holds::Table(required, Some(Box::new(Holds::Text)))),
            setting("whoami", "whoami", Holds::Tables(calls)),
        ]
    }

    fn fault(pointer: &str, message: &str, column: Option<usize>) -> Fault {
        let sent = json!({"tokenUrl": "http:/x", "mapping": {"email": "a |"}, "subject": "a"});
        let remark = Remark { column, ..Remark::new(pointer, message, "write it so".to_owned()) };
        Fault::of_remark(&table(), sent.as_object().unwrap(), &remark)
    }

    #[test]
    fn a_pointer_leads_to_the_field_that_was_typed_into() {
        for (pointer, field) in [
            ("/tokenUrl", "token_url"),
            ("/mapping/email", "mapping"),
            ("/vars/domain", "vars.domain"),
            ("/enrich/required", "enrich.required"),
            ("/enrich/email", "enrich"),
            ("/whoami/1/url", "whoami.1.url"),
            ("/whoami/1", "whoami.1.name"),
            ("/whoami", "whoami"),
            ("/else", ""),
            ("", ""),
        ] {
            assert_eq!(fault(pointer, "it is wrong", None).field, field, "{pointer}");
        }
        assert_eq!(fault("/preset", "the preset `x` asks for `domain` (Domain)", None).field, "vars.domain");
    }

    #[test]
    fn a_place_within_a_text_has_a_caret_below_it() {
        assert_eq!(fault("/tokenUrl", "no host", Some(6)).caret.as_deref(), Some("http:/x\n     ^"));
        assert_eq!(fault("/tokenUrl", "no host", None).caret, None);
        let caret = fault("/mapping/email", "no JMESPath expression", None).caret.unwrap();
        assert!(caret.starts_with("a |\n") && caret.contains('^'), "{caret}");
    }

    #[test]
    fn an_entry_that_the_tenant_named_is_named_in_the_words() {
        let told = fault("/enrich/email", "the policy `x` is none", None);
        assert!(
            told.message.to_string().starts_with("<code><bdi>email</bdi></code>: the policy"),
            "{told:?}"
        );
        assert_eq!(told.help.to_string(), "Write it so.");
    }

    #[test]
    fn what_is_missing_is_told_at_its_field_in_the_words_of_the_form() {
        let told = |message: &str| {
            let (pointer, message) = (String::new(), message.to_owned());
            Fault::of_remark(&table(), &Map::new(), &Remark::new(pointer, message, None))
        };
        let fault = told("`tokenUrl` is missing");
        assert_eq!((fault.field.as_str(), fault.message), ("token_url", html("Token URL is missing.")));
        assert_eq!(told("`nothing` is missing").field, "");
    }
}
