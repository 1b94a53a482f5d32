//! From a tree of settings to the text of a tenant file, in the order of the table of settings; and
//! from a place in that text back to the JSON pointer of what stands there.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::config::fault::{Fault, Place};
use crate::config::shape::{Kind, Table};
use crate::domain::ids::TenantId;
use crate::domain::stored::Settings;
use crate::flow::settings::format::Remark;

use super::super::shape::SHAPE;
use super::names::{choose, in_json, member_named};

/// The text of a file, and where each setting stands in it.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) text: String,
    marks: Vec<Mark>,
}

#[derive(Debug)]
struct Mark {
    /// From the name to the end of the value.
    whole: Range<usize>,
    /// Where the text of the value begins, behind its quote; none if it is no text.
    text: Option<usize>,
    pointer: String,
}

/// Writes a whole tenant.
pub(super) fn write(tree: &Settings) -> Written {
    // Nothing stands at the very start, which is the place of the file as a whole.
    let mut written = Written { text: "\n".to_owned(), marks: Vec::new() };
    written.table(Some(&SHAPE), tree, "", "");
    written
}

/// Writes a whole tenant as a file of its own: in place of each secret a variable, which a comment names.
pub(super) fn export(id: &TenantId, tree: &Settings) -> String {
    let mut named = Naming { names: BTreeSet::new() };
    let tree = named.table(Some(&SHAPE), tree, &variable(id.as_str()));
    let mut text = format!("# The tenant `{id}`, as it was in the store: tenants/{id}.toml\n");
    if !named.names.is_empty() {
        text.push_str("# Its secrets are not in here. Put them into these environment variables:\n");
    }
    for name in &named.names {
        let _ = writeln!(text, "#   {name}");
    }
    text.push_str(&write(&tree).text);
    text
}

impl Written {
    /// A fault of the reader, as whoever sent the settings is told.
    pub(super) fn remark(&self, fault: &Fault) -> Remark {
        let (message, help) = (in_json(fault.message()), fault.help().map(in_json));
        let mark = match fault.place() {
            Place::At(_, span) => self.at(span.start).map(|mark| (mark, span.start)),
            _ => None,
        };
        let Some((mark, start)) = mark else { return Remark::new("", message, help) };
        let within = mark.text.filter(|text| start > *text).and_then(|text| self.text.get(text..start));
        let column = within.map(|before| before.chars().count() + 1);
        Remark { column, ..Remark::new(mark.pointer.clone(), message, help) }
    }

    /// The innermost setting at a place.
    fn at(&self, place: usize) -> Option<&Mark> {
        let here = self.marks.iter().filter(|mark| mark.whole.contains(&place));
        here.min_by_key(|mark| mark.whole.len())
    }

    fn table(&mut self, shape: Option<&'static Table>, tree: &Settings, path: &str, pointer: &str) {
        let (sections, lines): (Vec<_>, Vec<_>) = ordered(shape, tree)
            .into_iter()
            .map(|(name, value)| (name, value, kind_of(shape, name, value)))
            .partition(|(_, value, kind)| is_section(value, *kind));
        for (name, value, _) in lines {
            let pointer = below(pointer, shape, name);
            self.marked(&pointer, |written| {
                key(&mut written.text, name);
                written.text.push_str(" = ");
                let start = value.is_string().then_some(written.text.len() + 1);
                written.inline(value, &pointer);
                start
            });
            self.text.push('\n');
        }
        for (name, value, kind) in sections {
            let pointer = below(pointer, shape, name);
            let mut path = if path.is_empty() { String::new() } else { format!("{path}.") };
            key(&mut path, name);
            match (value, kind) {
                (Value::Object(tree), Some(Kind::Table(shape))) => {
                    self.section(&format!("[{path}]"), shape, tree, (&path, &pointer));
                }
                (Value::Array(items), Some(Kind::List(Kind::Table(shape)))) => {
                    for (index, tree) in items.iter().filter_map(Value::as_object).enumerate() {
                        let pointer = format!("{pointer}/{index}");
                        self.section(&format!("[[{path}]]"), shape, tree, (&path, &pointer));
                    }
                }
                _ => {}
            }
        }
    }

    fn section(
        &mut self,
        header: &str,
        shape: &'static Table,
        tree: &Settings,
        (path, pointer): (&str, &str),
    ) {
        self.text.push('\n');
        self.marked(pointer, |written| {
            written.text.push_str(header);
            written.text.push('\n');
            written.table(Some(shape), tree, path, pointer);
            None
        });
    }

    fn inline(&mut self, value: &Value, pointer: &str) {
        match value {
            Value::Null => self.text.push_str("\"\""),
            Value::Bool(flag) => self.text.push_str(if *flag { "true" } else { "false" }),
            Value::Number(number) => self.text.push_str(number.as_str()),
            Value::String(text) => quote(&mut self.text, text),
            Value::Array(items) => {
                self.text.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.text.push_str(if index == 0 { "" } else { ", " });
                    self.within(item, &format!("{pointer}/{index}"));
                }
                self.text.push(']');
            }
            Value::Object(members) => {
                self.text.push('{');
                for (index, (name, item)) in members.iter().enumerate() {
                    self.text.push_str(if index == 0 { " " } else { ", " });
                    key(&mut self.text, name);
                    self.text.push_str(" = ");
                    let name = name.replace('~', "~0").replace('/', "~1");
                    self.within(item, &format!("{pointer}/{name}"));
                }
                self.text.push_str(" }");
            }
        }
    }

    fn within(&mut self, value: &Value, pointer: &str) {
        self.marked(pointer, |written| {
            let start = value.is_string().then_some(written.text.len() + 1);
            written.inline(value, pointer);
            start
        });
    }

    fn marked(&mut self, pointer: &str, write: impl FnOnce(&mut Self) -> Option<usize>) {
        let start = self.text.len();
        let text = write(self);
        let whole = start..self.text.len();
        self.marks.push(Mark { whole, text, pointer: pointer.to_owned() });
    }
}

/// Gives every secret the name of a variable.
struct Naming {
    names: BTreeSet<String>,
}

impl Naming {
    fn table(&mut self, shape: Option<&'static Table>, tree: &Settings, front: &str) -> Settings {
        let mut named = Settings::new();
        for (name, value) in ordered(shape, tree) {
            let value = self.value(kind_of(shape, name, value), value, front, name);
            named.insert(name.to_owned(), value);
        }
        named
    }

    fn value(&mut self, kind: Option<&'static Kind>, value: &Value, front: &str, name: &str) -> Value {
        match (kind, value) {
            (Some(Kind::Secret), Value::Object(_)) => {
                serde_json::json!({ "env": self.fresh(&format!("{front}_{}", variable(name))) })
            }
            (Some(Kind::Table(shape)), Value::Object(tree)) => {
                Value::Object(self.table(Some(shape), tree, &format!("{front}_{}", variable(name))))
            }
            (Some(Kind::List(Kind::Table(shape))), Value::Array(items)) => {
                let tables = items.iter().map(|item| {
                    let Some(tree) = item.as_object() else { return item.clone() };
                    let own = tree.get("id").or_else(|| tree.get("client_id")).and_then(Value::as_str);
                    let front = format!("{front}_{}", variable(own.unwrap_or(name)));
                    Value::Object(self.table(Some(shape), tree, &front))
                });
                Value::Array(tables.collect())
            }
            (Some(Kind::List(inner)), Value::Array(items)) => {
                Value::Array(items.iter().map(|item| self.value(Some(inner), item, front, name)).collect())
            }
            (_, value) => value.clone(),
        }
    }

    fn fresh(&mut self, wanted: &str) -> String {
        // A variable does not begin with a digit.
        let wanted = if wanted.starts_with(|c: char| c.is_ascii_digit()) {
            format!("TENANT_{wanted}")
        } else {
            wanted.to_owned()
        };
        let numbered = (2_u32..).map(|number| format!("{wanted}_{number}"));
        let mut names = std::iter::once(wanted.clone()).chain(numbered);
        let name = names.find(|name| !self.names.contains(name)).unwrap_or(wanted);
        self.names.insert(name.clone());
        name
    }
}

/// A name as a part of a variable's.
fn variable(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The settings in the order of the table, then those with names of the tenant's.
fn ordered<'t>(shape: Option<&'static Table>, tree: &'t Map<String, Value>) -> Vec<(&'t str, &'t Value)> {
    let place = |name: &str| {
        let fields = shape.map(|shape| shape.fields).unwrap_or_default();
        fields.iter().position(|field| field.name == name).unwrap_or(fields.len())
    };
    let mut entries: Vec<_> = tree.iter().map(|(name, value)| (name.as_str(), value)).collect();
    entries.sort_by_key(|(name, _)| place(name));
    entries
}

fn kind_of(shape: Option<&'static Table>, name: &str, value: &Value) -> Option<&'static Kind> {
    Some(choose(shape?.kind_of(name)?, value))
}

/// Whether a value is written with a header of its own.
fn is_section(value: &Value, kind: Option<&'static Kind>) -> bool {
    match (value, kind) {
        (Value::Object(_), Some(Kind::Table(_))) => true,
        (Value::Array(items), Some(Kind::List(Kind::Table(_)))) => {
            !items.is_empty() && items.iter().all(Value::is_object)
        }
        _ => false,
    }
}

fn below(pointer: &str, shape: Option<&'static Table>, name: &str) -> String {
    let member = shape.map_or_else(|| name.to_owned(), |shape| member_named(shape, name));
    format!("{pointer}/{}", member.replace('~', "~0").replace('/', "~1"))
}

fn key(out: &mut String, name: &str) {
    let is_bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if !name.is_empty() && name.bytes().all(is_bare) {
        out.push_str(name);
    } else {
        quote(out, name);
    }
}

/// A text in double quotes: JSON's escapes are TOML's, but for the delete character, which TOML wants escaped.
fn quote(out: &mut String, text: &str) {
    out.push_str(&Value::String(text.to_owned()).to_string().replace('\u{7f}', "\\u007f"));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::parsed;
    use super::*;

    fn tree(value: Value) -> Settings {
        let Value::Object(tree) = value else { panic!("{value}") };
        tree
    }

    fn example() -> Settings {
        tree(json!({
            "webhook": [{"url": "https://a.example/", "secret": {"env": "SECRET_1"}}],
            "name": "Acme \"Bank\"\n", "hosts": ["a.example", "b.example"],
            "binding": {"minimum": "code", "sms": "match"},
            "provider": [
                {"id": "acme", "client_secret": {"env": "SECRET_2"}, "mapping": {"email": "user.email"}},
                {"id": "two", "mapping": "user", "client_secret": {"env": "SECRET_3"}},
            ],
            "rule": [{"when": "x", "set": {"queue": "vip", "deep": {"a": [1, {"b c": true}]}}}],
            "snippet": [{"id": "s", "text": {"en": "{link}"}, "sms": {"text": {"en": "{link}"}}}],
        }))
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        assert_eq!(Value::Object(parsed::parse(&write(&example()).text).unwrap()), Value::Object(example()));
    }

    #[test]
    fn a_place_in_the_text_leads_to_its_pointer() {
        let written = write(&example());
        let pointer = |needle: &str| {
            let at = written.text.find(needle).unwrap_or_else(|| panic!("{}", written.text));
            written.at(at).map(|mark| mark.pointer.as_str())
        };
        for (needle, wanted) in [
            ("name =", "/name"),
            ("\"b.example\"", "/hosts/1"),
            ("binding]", "/binding"),
            ("\"match\"", "/binding/sms"),
            ("[[provider]]\nid = \"two\"", "/providers/1"),
            ("\"user.email\"", "/providers/0/mapping/email"),
            ("client_secret = { env = \"SECRET_3\"", "/providers/1/clientSecret"),
            ("true", "/rules/0/set/deep/a/1/b c"),
        ] {
            assert_eq!(pointer(needle), Some(wanted), "{needle}");
        }
        assert!(written.at(0).is_none(), "the file as a whole is nowhere in particular");
    }

    #[test]
    fn an_export_names_a_variable_for_each_secret() {
        let text = export(&"acme-1".parse().unwrap(), &example());
        for name in ["ACME_1_ACME_CLIENT_SECRET", "ACME_1_TWO_CLIENT_SECRET", "ACME_1_WEBHOOK_SECRET"] {
            assert_eq!(text.matches(name).count(), 2, "in the comment and in its place: {text}");
        }
        assert!(!text.contains("SECRET_1\""), "{text}");
    }

    proptest! {
        #[test]
        fn any_text_and_name_is_written_so_that_it_is_read_again(text: String, name in "\\PC{0,12}") {
            let mut set = Map::new();
            set.insert(name, Value::String(text));
            let tree = tree(json!({"rule": [{"set": set}]}));
            prop_assert_eq!(parsed::parse(&write(&tree).text), Some(tree));
        }
    }
}
