//! A settings file's text, and the part of it that a terminal or a log may see.
//!
//! A fault shows the line it speaks of, and that line may hold a secret: a literal
//! `client_secret`, a password in a URL, a key under a misspelt name. So nothing is shown but
//! [`Source::shown`], where all of these are starred out. It has the same byte positions.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::shape::{Kind, Table};
use super::text::VARIABLE;

/// A file's text with its name, as faults refer to it.
pub struct Source {
    name: String,
    text: String,
    shape: &'static Table,
    hidden: bool,
    plain: bool,
}

/// The shape of what is no settings file.
static NONE: Table = Table { doc: "No settings.", fields: &[], each: None };

impl Source {
    /// A file that is read by `shape`. `name` is its path as the reader was given it.
    pub fn new(name: impl Into<String>, text: impl Into<String>, shape: &'static Table) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), shape, hidden: false, plain: false })
    }

    /// A file of keys: faults say line and column, and never show or quote what stands there.
    pub fn hidden(name: impl Into<String>, text: impl Into<String>, shape: &'static Table) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), shape, hidden: true, plain: false })
    }

    /// A text that somebody typed for us to look at, and no settings file: it is shown as it is.
    pub fn typed(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), shape: &NONE, hidden: false, plain: true })
    }

    /// The path as the reader was given it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text, secrets included: for parsing only.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the file may hold.
    pub fn shape(&self) -> &'static Table {
        self.shape
    }

    /// Whether nothing of the text may be shown or quoted.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Line and column (in characters) of a byte position, both from 1.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let line = String::from_utf8_lossy(before).matches('\n').count() + 1;
        (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
    }

    /// The text with secrets starred out, byte for byte as long as the original.
    pub fn shown(&self) -> String {
        let mut bytes = self.text.clone().into_bytes();
        let (document, errors) = DeTable::parse_recoverable(if self.plain { "" } else { &self.text });
        if self.plain {
            // Nothing of it is secret to who typed it.
        } else if errors.is_empty() {
            let mut spans = Vec::new();
            secret_spans(document.get_ref(), self.shape, &mut spans);
            for span in spans {
                star(&mut bytes, span, |_| true);
            }
            star_passwords(&mut bytes);
        } else {
            // A tree that was guessed cannot say where the secrets are: only keys stay readable.
            star_values(&self.text, &mut bytes);
        }
        star_controls(&self.text, &mut bytes);
        String::from_utf8(bytes).unwrap_or_else(|broken| "*".repeat(broken.as_bytes().len()))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}

/// Where secrets stand: values of secret settings, and values under names that nobody knows.
fn secret_spans(table: &DeTable<'_>, shape: &'static Table, spans: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        match shape.kind_of(key.get_ref()) {
            Some(kind) => collect(value, kind, spans),
            None => collect_all(value, spans),
        }
    }
}

fn collect(value: &Spanned<DeValue<'_>>, kind: &'static Kind, spans: &mut Vec<Range<usize>>) {
    match (value.get_ref(), kind) {
        // A reference may be shown; what stands beside it may be the secret itself.
        (DeValue::Table(table), Kind::Secret) => {
            for (key, value) in table {
                match (key.get_ref().as_ref(), value.get_ref().as_str()) {
                    ("file", Some(_)) => {}
                    ("env", Some(name)) if (VARIABLE.holds)(name) => {}
                    _ => collect_all(value, spans),
                }
            }
        }
        (_, Kind::Text(text)) if text.masked => collect_all(value, spans),
        (DeValue::Table(table), Kind::Table(shape)) => secret_spans(table, shape, spans),
        (DeValue::Array(items), Kind::List(inner)) => {
            for item in items {
                collect(item, inner, spans);
            }
        }
        (_, Kind::Either(kinds)) => match kinds.iter().find(|kind| kind.fits(value.get_ref())) {
            Some(kind) => collect(value, kind, spans),
            None => collect_all(value, spans),
        },
        // A table or list where neither belongs may hold anything.
        (_, Kind::Secret | Kind::Later) | (DeValue::Table(_) | DeValue::Array(_), _) => {
            collect_all(value, spans);
        }
        _ => {}
    }
}

/// Every value within: the span of a table may be that of its header only.
fn collect_all(value: &Spanned<DeValue<'_>>, spans: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => table.iter().for_each(|(_, value)| collect_all(value, spans)),
        DeValue::Array(items) => items.iter().for_each(|value| collect_all(value, spans)),
        _ => spans.push(value.span()),
    }
}

/// Stars the characters of `span` that `hide` says, but for line ends.
fn star(bytes: &mut [u8], span: Range<usize>, hide: impl Fn(u8) -> bool) {
    let end = span.end.min(bytes.len());
    for byte in &mut bytes[span.start.min(end)..end] {
        if !matches!(byte, b'\n' | b'\r') && hide(*byte) {
            *byte = b'*';
        }
    }
}

/// Stars user name and password of everything that looks like a URL.
fn star_passwords(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(3).position(|window| window == b"://") {
        let start = at + found + 3;
        let ends = |b: &u8| matches!(b, b'/' | b'?' | b'#' | b'"' | b'\'' | b'\n' | b' ');
        let length = bytes[start..].iter().position(ends).unwrap_or(bytes.len() - start);
        if let Some(last) = bytes[start..start + length].iter().rposition(|b| *b == b'@') {
            star(bytes, start..start + last, |_| true);
        }
        at = start;
    }
}

/// Stars what stands behind the first word of a line; of a text with multi-line strings, everything.
fn star_values(text: &str, bytes: &mut [u8]) {
    let multi_line = text.contains("\"\"\"") || text.contains("'''");
    let readable = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let lead = line.len() - line.trim_start().len();
        let is_header = line.trim_start().starts_with('[') && !line.contains('=');
        let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let key = line[lead..].find(word).unwrap_or(0);
        let kept = if multi_line {
            0
        } else if is_header {
            line.len()
        } else {
            lead + key
        };
        star(bytes, start + kept..start + line.len(), readable);
        start += line.len();
    }
}

/// Stars control characters, so that a file cannot speak to the terminal.
fn star_controls(text: &str, bytes: &mut [u8]) {
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        star(bytes, at..at + c.len_utf8(), |_| true);
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::{Field, Kind, Need, PLAIN, SEALED_TEXT};
    use super::*;

    const INNER: Table = Table {
        doc: "inner",
        fields: &[
            Field { name: "id", kind: Kind::Text(&PLAIN), need: Need::Optional, doc: "id" },
            Field { name: "secret", kind: Kind::Secret, need: Need::Optional, doc: "secret" },
            Field { name: "hash", kind: Kind::Text(&SEALED_TEXT), need: Need::Optional, doc: "hash" },
        ],
        each: None,
    };
    static SHAPE: Table = Table {
        doc: "test",
        fields: &[
            Field {
                name: "inner",
                kind: Kind::List(&Kind::Table(&INNER)),
                need: Need::Optional,
                doc: "inner",
            },
            Field { name: "url", kind: Kind::Text(&PLAIN), need: Need::Optional, doc: "url" },
        ],
        each: None,
    };

    fn shown(text: &str) -> String {
        let shown = Source::new("t.toml", text, &SHAPE).shown();
        assert_eq!(shown.len(), text.len(), "positions stay");
        shown
    }

    #[test]
    fn a_literal_secret_is_starred_and_a_reference_is_not() {
        let text = "[[inner]]\nid = \"a\"\nsecret = \"canary\"\n[[inner]]\nsecret = { env = \"NAME\" }\n";
        let shown = shown(text);
        assert!(
            !shown.contains("canary") && shown.contains("id = \"a\"") && shown.contains("NAME"),
            "{shown}"
        );
    }

    #[test]
    fn values_under_unknown_names_and_hashes_are_starred() {
        let shown = shown("[[inner]]\nsecrte = \"canary\"\nhash = \"canary\"\n[other]\nx = ['canary']\n");
        assert!(!shown.contains("canary") && shown.contains("secrte"), "{shown}");
    }

    #[test]
    fn what_stands_beside_a_reference_is_starred() {
        let shown =
            shown("[[inner]]\nsecret = { envv = \"canary\", env = \"the-canary\", file = \"/run/x\" }\n");
        assert!(!shown.contains("canary") && shown.contains("/run/x"), "{shown}");
    }

    #[test]
    fn a_password_in_a_url_is_starred() {
        let shown = shown("url = \"https://me:canary@host.example/a@b\"\n");
        assert!(!shown.contains("canary") && shown.contains("host.example/a@b"), "{shown}");
    }

    #[test]
    fn a_text_that_does_not_parse_keeps_only_its_keys() {
        let broken = shown("[[inner]]\nid = \"a\nsecret \"canary\"\nsecret = canary\n");
        assert!(!broken.contains("canary") && broken.contains("[[inner]]") && broken.contains("secret"));
        assert!(!shown("secret = \"\"\"\ncanary\n\"\"\"\nid = \n").contains("canary"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert!(!shown("url = \"\u{1b}[31m\"\n# \u{9b}31m\n").contains(['\u{1b}', '\u{9b}']));
    }

    #[test]
    fn columns_are_counted_in_characters() {
        let source = Source::new("t.toml", "a = 1\nü = 2\n", &SHAPE);
        assert_eq!(source.line_and_column(6), (2, 1));
        assert_eq!(source.line_and_column(8), (2, 2));
        assert_eq!(source.line_and_column(usize::MAX), (3, 1));
    }
}
