//! The JSON schema (draft 2020-12) of a settings file, for editors that complete and check while
//! one types. It is made from the same [`Table`] that the reader uses.

use serde_json::{Map, Value, json};

use super::shape::{Each, Field, Kind, Names, Need, Table, Text, Words};
use super::text::{PLAIN, SEALED, VARIABLE};

/// Builds the schema of `table`, with a title.
pub fn build(table: &'static Table, title: &str) -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!(title));
    schema.extend(of_table(table));
    Value::Object(schema)
}

fn of_table(table: &'static Table) -> Map<String, Value> {
    let fields = table.fields.iter().filter(|field| !matches!(field.kind, Kind::Later));
    let mut properties: Map<String, Value> =
        fields.clone().map(|field| (field.name.to_owned(), of_field(field))).collect();
    let required: Vec<_> =
        fields.filter(|field| field.need == Need::Required).map(|field| field.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("description".to_owned(), json!(table.doc));
    match &table.each {
        Some(Each { names: Names::Words(words), kind, doc }) => {
            for name in (words.known)() {
                properties.insert(name.to_owned(), described(of_kind(kind), doc));
            }
        }
        Some(Each { names: Names::Like(text), kind, doc }) => {
            let pattern = open_pattern(text, table.fields);
            schema.insert("patternProperties".to_owned(), json!({ pattern: described(of_kind(kind), doc) }));
        }
        None => {}
    }
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// The pattern of open names: a pattern would meet the fixed names too, so it leaves them out.
fn open_pattern(text: &Text, fixed: &[Field]) -> String {
    if fixed.is_empty() {
        return text.pattern.to_owned();
    }
    let names: Vec<_> = fixed.iter().map(|field| field.name).collect();
    format!("^(?!(?:{})$){}", names.join("|"), text.pattern.trim_start_matches('^'))
}

fn of_field(field: &'static Field) -> Value {
    let mut schema = described(of_kind(&field.kind), field.doc);
    if let (Need::Default(text), Some(object)) = (field.need, schema.as_object_mut()) {
        object.insert("default".to_owned(), default_of(text, &field.kind));
    }
    schema
}

fn default_of(text: &str, kind: &Kind) -> Value {
    match kind {
        Kind::List(inner) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| default_of(part, inner)).collect())
        }
        Kind::Count(..) => text.parse::<u32>().map_or(Value::Null, Value::from),
        Kind::Flag => json!(text == "true"),
        _ => json!(text),
    }
}

fn of_kind(kind: &'static Kind) -> Value {
    match kind {
        Kind::Text(text) => of_text(text),
        Kind::Word(words) => of_words(words),
        Kind::Count(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Literal => json!({}),
        Kind::Secret => secret(),
        Kind::Table(table) => Value::Object(of_table(table)),
        Kind::List(inner) => json!({ "type": "array", "items": of_kind(inner) }),
        Kind::Either(kinds) => json!({ "anyOf": kinds.iter().map(of_kind).collect::<Vec<_>>() }),
        Kind::Later => json!(false),
    }
}

fn of_text(text: &Text) -> Value {
    if text.pattern.is_empty() {
        return json!({ "type": "string" });
    }
    json!({ "type": "string", "pattern": text.pattern })
}

fn of_words(words: &Words) -> Value {
    json!({ "type": "string", "enum": (words.known)() })
}

/// A reference to a secret: a table with exactly one of its settings.
fn secret() -> Value {
    let one = |name: &str, form: &Text, doc: &str| {
        json!({
            "type": "object",
            "properties": { name: { "type": "string", "pattern": form.pattern, "description": doc } },
            "required": [name],
            "additionalProperties": false,
        })
    };
    json!({ "anyOf": [
        one("env", &VARIABLE, "The name of an environment variable that holds the secret."),
        one("file", &PLAIN, "The path of a file that holds the secret, from the working directory."),
        one("sealed", &SEALED, "The secret, sealed by `countersign secret seal` with the key ring."),
    ] })
}

fn described(schema: Value, doc: &str) -> Value {
    match schema {
        Value::Object(object) => {
            let mut described = Map::new();
            described.insert("description".to_owned(), json!(doc));
            described.extend(object.into_iter().filter(|(name, _)| name != "description"));
            Value::Object(described)
        }
        other => other,
    }
}
