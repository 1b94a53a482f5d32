//! From the text of a tenant file to a tree of settings.

use serde_json::{Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::domain::stored::Settings;

/// Reads a text; none if it is no TOML.
pub(super) fn parse(text: &str) -> Option<Settings> {
    let document = DeTable::parse(text).ok()?;
    table(document.get_ref())
}

/// A table in the order of the text.
fn table(table: &DeTable<'_>) -> Option<Settings> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries.into_iter().map(|(key, found)| Some((key.get_ref().to_string(), value(found)?))).collect()
}

fn value(found: &Spanned<DeValue<'_>>) -> Option<Value> {
    Some(match found.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(digits) => {
            Value::Number(Number::from(i64::from_str_radix(digits.as_str(), digits.radix()).ok()?))
        }
        DeValue::Float(digits) => match digits.as_str().parse::<Number>() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::Number(Number::from_f64(digits.as_str().parse().ok()?)?),
        },
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => Value::Array(items.iter().map(value).collect::<Option<_>>()?),
        DeValue::Table(inner) => Value::Object(table(inner)?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tree_holds_what_the_file_says() {
        let text = "name = 'A'\n[binding]\nlasts = \"1h\"\n[[rule]]\nset = { n = 0x10, f = 1.5, on = true, at = 2026-01-31 }\n";
        let wanted = json!({"name": "A", "binding": {"lasts": "1h"},
            "rule": [{"set": {"n": 16, "f": 1.5, "on": true, "at": "2026-01-31"}}]});
        assert_eq!(parse(text).map(Value::Object), Some(wanted));
        assert_eq!(parse("name = "), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "[a-z=\\[\\]{}\"'., 0-9\\n_-]{0,60}") {
            parse(&text);
        }
    }
}
