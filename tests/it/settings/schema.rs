//! The JSON schema says the same as the reader.

use std::fs;
use std::sync::Arc;

use countersign::config::check::{Literals, parse};
use countersign::config::fault::Report;
use countersign::config::source::Source;
use countersign::tenants::{json_schema, shape};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::fixtures;

const FILE: &str = "tenants/schema.json";

fn validator() -> Validator {
    jsonschema::draft202012::new(&json_schema()).unwrap()
}

/// Whether the reader has nothing to say against the shape of a file.
fn reader_accepts(text: &str) -> bool {
    let source = Source::new("t.toml", text, &shape::SHAPE);
    let mut report = Report::new(Arc::clone(&source));
    parse(&source, Literals::Refused, &mut report);
    report.is_clean()
}

#[test]
fn the_published_schema_is_that_of_the_code() {
    let made = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(FILE, &made).unwrap();
    }
    let published = fs::read_to_string(FILE).unwrap();
    assert_eq!(made, published, "UPDATE_SCHEMA=1 cargo test --test it settings:: rewrites {FILE}");
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::draft202012::meta::is_valid(&json_schema()));
}

#[test]
fn every_setting_is_described() {
    let mut stack = vec![("file".to_owned(), json_schema())];
    let mut count = 0;
    while let Some((path, schema)) = stack.pop() {
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            let text = inner["description"].as_str().unwrap_or_default();
            assert!(text.len() > 10 && text.ends_with('.'), "{path}: `{text}`");
            stack.push((path.clone(), inner.clone()));
            stack.push((path, inner["items"].clone()));
            count += 1;
        }
    }
    assert!(count > 60, "{count} settings were looked at");
}

#[test]
fn schema_and_reader_agree_on_every_fixture() {
    let validator = validator();
    let mut refused = 0;
    for path in fixtures("good").into_iter().chain(fixtures("bad")).chain(["tenants/example.toml".into()]) {
        let text = fs::read_to_string(&path).unwrap();
        // What is no TOML has no shape.
        let Ok(json) = toml::from_str::<Value>(&text) else { continue };
        assert_eq!(reader_accepts(&text), validator.is_valid(&json), "{}", path.display());
        refused += usize::from(!reader_accepts(&text));
    }
    assert!(refused > 5, "some fixtures have faults of shape");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn schema_and_reader_agree_on_any_change_of_a_good_file(
        steps in prop::collection::vec(any::<prop::sample::Index>(), 1..6),
        change in change(),
    ) {
        let text = fs::read_to_string("fixtures/settings/good/everything.toml").unwrap();
        let mut json: Value = toml::from_str(&text).unwrap();
        alter(&mut json, &steps, &change);
        let text = toml::to_string(&json).unwrap();
        prop_assert_eq!(reader_accepts(&text), validator().is_valid(&json), "{}", text);
    }
}

#[derive(Debug, Clone)]
enum Change {
    Set(Value),
    Remove,
    Rename(&'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let values = prop::sample::select(vec![
        json!(""),
        json!(" "),
        json!("x"),
        json!("code"),
        json!("none"),
        json!("bare"),
        json!("query"),
        json!("1d"),
        json!("12"),
        json!("S256"),
        json!(5),
        json!(-1),
        json!(true),
        json!([]),
        json!(["x"]),
        json!([5]),
        json!([{}]),
        json!({}),
        json!({"env": "X"}),
        json!({"file": "X"}),
        json!({"env": "X", "file": "Y"}),
        json!({"sealed": "X"}),
        json!({"env": " "}),
        json!({"env": 5}),
        json!({"en": "{link}"}),
        json!({"e": "x"}),
        json!({"text": {"en": "x"}}),
        json!({"a b": "x"}),
        json!({"required": ["email"]}),
        json!({"required": "email"}),
        json!({"email": "fill"}),
        json!("$argon2id$x"),
        json!("authorization_code"),
        json!("private_key_jwt"),
        json!("a.example"),
    ]);
    let names = prop::sample::select(vec![
        "name", "rule", "sms", "webchat", "id", "x", "required", "de", "é", "text", "issuer", "lasts", "env",
    ]);
    prop_oneof![4 => values.prop_map(Change::Set), 1 => Just(Change::Remove), 2 => names.prop_map(Change::Rename)]
}

/// Walks into the value as far as the steps lead, and makes the change there.
fn alter(value: &mut Value, steps: &[prop::sample::Index], change: &Change) {
    let Some((step, rest)) = steps.split_first() else {
        if let Change::Set(new) = change {
            *value = new.clone();
        }
        return;
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let key = map.keys().nth(step.index(map.len())).unwrap().clone();
            let is_leaf = !map[&key].is_object() && !map[&key].is_array();
            if rest.is_empty() || is_leaf {
                alter_entry(map, &key, change);
            } else {
                alter(map.get_mut(&key).unwrap(), rest, change);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = step.index(items.len());
            if matches!(change, Change::Remove) && rest.is_empty() {
                items.remove(index);
            } else {
                alter(&mut items[index], rest, change);
            }
        }
        other => alter(other, &[], change),
    }
}

fn alter_entry(map: &mut Map<String, Value>, key: &str, change: &Change) {
    match change {
        Change::Set(new) => {
            map.insert(key.to_owned(), new.clone());
        }
        Change::Remove => {
            map.remove(key);
        }
        Change::Rename(name) => {
            let value = map.remove(key).unwrap();
            map.insert((*name).to_owned(), value);
        }
    }
}
