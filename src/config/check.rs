//! Compares a parsed file with its [`Table`]: unknown names, wrong types, words and forms, and
//! what is missing. It finds everything at once and changes nothing.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::fault::Report;
use super::shape::{Each, Field, Kind, Names, Need, Table};
use super::source::Source;
use super::text::{PLAIN, SEALED, VARIABLE};
use super::words::{listed, quoted, suggest};

/// Whether a secret may stand in the file as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literals {
    /// Only references to a variable or a file.
    Refused,
    /// Literals too: for the demonstration.
    Accepted,
}

/// Parses a file and checks it against its shape; what is wrong goes into the report.
pub fn parse<'a>(source: &'a Arc<Source>, literals: Literals, report: &mut Report) -> Spanned<DeTable<'a>> {
    let (document, errors) = DeTable::parse_recoverable(source.text());
    let broken: Vec<usize> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or(0..0);
            let message = match (source.is_hidden(), error.message().trim()) {
                (true, _) | (_, "") => "this is no TOML".to_owned(),
                (false, told) => format!("this is no TOML: {}", told.replace('\n', ", ")),
            };
            let line = source.line_and_column(span.start).0;
            report.fault(span, message, "mend the syntax; see https://toml.io");
            line
        })
        .collect();
    let mut checker = Checker { report, literals, broken };
    checker.table(document.get_ref(), 0..0, source.shape());
    document
}

/// How a secret is written.
const REFERENCE: &str = "write `{ env = \"NAME\" }`, `{ file = \"path\" }` or `{ sealed = \"…\" }`";

struct Checker<'r> {
    report: &'r mut Report,
    literals: Literals,
    /// Lines that did not parse: what the parser guessed there is not worth a word.
    broken: Vec<usize>,
}

impl Checker<'_> {
    fn table(&mut self, table: &DeTable<'_>, span: Range<usize>, shape: &'static Table) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if let Some(field) = shape.field(name) {
                self.field(field, key.span(), value);
            } else {
                self.open_name(name, key.span(), value, shape);
            }
        }
        if self.broken.is_empty() {
            for field in shape.fields.iter().filter(|field| field.need == Need::Required) {
                if !table.contains_key(field.name) {
                    let message = format!("`{}` is missing", field.name);
                    self.fault(span.clone(), message, format!("`{}`: {}", field.name, field.doc));
                }
            }
        }
    }

    fn field(&mut self, field: &'static Field, key: Range<usize>, value: &Spanned<DeValue<'_>>) {
        if matches!(field.kind, Kind::Later) {
            return self.later(field.name, key);
        }
        self.value(field.name, key, value, &field.kind);
    }

    fn open_name(
        &mut self,
        name: &str,
        key: Range<usize>,
        value: &Spanned<DeValue<'_>>,
        shape: &'static Table,
    ) {
        match &shape.each {
            Some(Each { names, kind, .. }) if names.take(name) => self.value(name, key, value, kind),
            Some(Each { names: Names::Like(text), .. }) => {
                let message = format!("{} is not {}", self.said(name), text.what);
                self.fault(key, message, text.hint);
            }
            _ => {
                let names: Vec<_> = shape
                    .names()
                    .into_iter()
                    .filter(|name| !matches!(shape.kind_of(name), Some(Kind::Later)))
                    .collect();
                let message = format!("unknown setting {}", self.said(name));
                self.fault(key, message, suggest(name, &names));
            }
        }
    }

    fn value(&mut self, name: &str, key: Range<usize>, value: &Spanned<DeValue<'_>>, kind: &'static Kind) {
        let span = value.span();
        match (value.get_ref(), kind) {
            (DeValue::String(given), Kind::Text(text)) if !(text.holds)(given) => {
                let message = match given.trim() {
                    "" => format!("`{name}` is blank"),
                    _ => format!("{} is not {}", self.said_unless(text.masked, given), text.what),
                };
                self.fault(span, message, text.hint);
            }
            (DeValue::String(_), Kind::Text(_)) | (DeValue::Boolean(_), Kind::Flag) | (_, Kind::Literal) => {}
            (DeValue::String(given), Kind::Word(words)) => {
                let known = (words.known)();
                if words.later.contains(&given.as_ref()) {
                    self.later(given, span);
                } else if !known.contains(&given.as_ref()) {
                    let message = format!("{} is not {}", self.said(given), words.what);
                    self.fault(span, message, suggest(given, &known));
                }
            }
            (DeValue::Integer(given), Kind::Count(low, high)) => {
                let count = u32::from_str_radix(given.as_str(), given.radix()).ok();
                if !count.is_some_and(|count| (*low..=*high).contains(&count)) {
                    let message = format!("`{name}` must be {}", kind.wanted());
                    self.fault(span, message, format!("write a number from {low} to {high}"));
                }
            }
            (given, Kind::Secret) => self.secret(name, key, given, span),
            // The caret of a table goes under its name, since its span may be the whole of it.
            (DeValue::Table(table), Kind::Table(shape)) => self.table(table, key, shape),
            (DeValue::Array(items), Kind::List(inner)) => self.entries(name, &key, items, inner),
            (given, Kind::Either(kinds)) => match kinds.iter().find(|kind| kind.fits(given)) {
                Some(kind) => self.value(name, key, value, kind),
                None => self.wrong_type(name, given, kind, span),
            },
            (given, kind) => self.wrong_type(name, given, kind, span),
        }
    }

    fn entries(&mut self, name: &str, key: &Range<usize>, items: &DeArray<'_>, kind: &'static Kind) {
        for item in items {
            let given = item.get_ref();
            if kind.fits(given) {
                let place = if given.is_table() { item.span() } else { key.clone() };
                self.value(name, place, item, kind);
            } else {
                let message =
                    format!("an entry of `{name}` must be {}, not {}", kind.wanted(), type_of(given));
                self.fault(item.span(), message, format!("write {}", kind.wanted()));
            }
        }
    }

    fn secret(&mut self, name: &str, key: Range<usize>, given: &DeValue<'_>, span: Range<usize>) {
        match given {
            DeValue::Table(table) => {
                let mut named = 0_usize;
                for (key, value) in table {
                    named += usize::from(self.reference(key, value));
                }
                if named != 1 {
                    self.fault(key, format!("`{name}` needs exactly one reference"), REFERENCE);
                }
            }
            DeValue::String(_) if self.literals == Literals::Accepted => {}
            DeValue::String(_) => {
                let message = format!("`{name}` stands here in clear, which only `countersign demo` accepts");
                self.fault(span, message, REFERENCE);
            }
            other => self.wrong_type(name, other, &Kind::Secret, span),
        }
    }

    /// One setting of a secret reference; whether it is one that names a secret.
    fn reference(&mut self, key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> bool {
        let form = match key.get_ref().as_ref() {
            "env" => &VARIABLE,
            "file" => &PLAIN,
            "sealed" => &SEALED,
            other => {
                let message = format!("unknown setting {}", self.said(other));
                self.fault(key.span(), message, suggest(other, &["env", "file", "sealed"]));
                return false;
            }
        };
        match value.get_ref() {
            DeValue::String(text) if (form.holds)(text) => {}
            DeValue::String(_) => self.fault(value.span(), format!("this is not {}", form.what), form.hint),
            _ => self.fault(
                value.span(),
                "a secret reference is a text: the name of a variable, a path, or a sealed secret",
                REFERENCE,
            ),
        }
        true
    }

    fn later(&mut self, name: &str, span: Range<usize>) {
        let message = format!("`{name}` is not supported by this version");
        self.fault(span, message, "take it out for now; the format reserves it for a later version");
    }

    fn wrong_type(&mut self, name: &str, given: &DeValue<'_>, kind: &Kind, span: Range<usize>) {
        let message = format!("`{name}` must be {}, not {}", kind.wanted(), type_of(given));
        let help = match kind {
            Kind::Text(_) => format!("put it in quotes: `{name} = \"…\"`"),
            Kind::Word(words) => format!("use one of {}", listed(&(words.known)())),
            Kind::List(Kind::Table(_)) => format!("write `[[{name}]]` with its settings below"),
            Kind::List(_) => format!("put it in brackets: `{name} = [\"…\"]`"),
            Kind::Table(_) => format!("write `[{name}]` with its settings below"),
            Kind::Secret => REFERENCE.to_owned(),
            Kind::Flag => format!("write `{name} = true` or `{name} = false`"),
            other => format!("write {}", other.wanted()),
        };
        self.fault(span, message, help);
    }

    fn fault(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let line = self.report.source().line_and_column(span.start).0;
        if !self.broken.contains(&line) {
            self.report.fault(span, message, help);
        }
    }

    fn said(&self, text: &str) -> String {
        self.said_unless(false, text)
    }

    /// What the file says, in backticks; `this` where that may be a secret.
    fn said_unless(&self, masked: bool, text: &str) -> String {
        if masked || self.report.source().is_hidden() { "this".to_owned() } else { quoted(text) }
    }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
