//! Schemas as people read them: a line for what a value is, and a row per member of an object.

use serde_json::Value;

use super::prose;

/// The most words of an enumeration that stand in a line; longer ones are a type of their own.
const WORDS: usize = 5;

/// The types of refusals, which stand on the first page.
pub const REFUSED: [&str; 2] = ["Problem", "Fault"];

/// The schemas of the document by their names.
#[derive(Clone, Copy)]
pub struct Schemas<'a>(pub &'a Value);

/// A schema that has a place of its own on a page.
pub struct TypeView {
    /// Its name, which is its anchor.
    pub name: String,
    /// What it is, as HTML.
    pub text: String,
    /// Types whose members it has too, as HTML.
    pub parts: Vec<String>,
    /// The members of an object, without those of its parts.
    pub members: Vec<Member>,
    /// The words of an enumeration.
    pub words: Vec<String>,
    /// Other forms that it may have, as HTML.
    pub forms: Vec<String>,
    /// Whether it is sent to us, and not answered.
    pub is_sent: bool,
}

/// A member of an object, or a parameter.
pub struct Member {
    /// Its name.
    pub name: String,
    /// What it is, as HTML: a type with links.
    pub kind: String,
    /// Whether it must be sent, or is always there.
    pub required: bool,
    /// What it means, as HTML.
    pub text: String,
    /// Its bounds, as HTML.
    pub bounds: String,
}

impl<'a> Schemas<'a> {
    /// A schema, or the one that it refers to, with its name.
    pub fn resolve(self, schema: &'a Value) -> (Option<&'a str>, &'a Value) {
        let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        name.map_or((None, schema), |name| (Some(name), &self.0[name]))
    }

    /// The type of this name.
    pub fn view(self, name: &str) -> TypeView {
        let schema = &self.0[name];
        let words = words_of(schema).unwrap_or_default().into_iter().map(str::to_owned).collect();
        let forms = schema["oneOf"].as_array().into_iter().flatten();
        let named = |part: &&Value| part["$ref"].is_string();
        let (parts, own): (Vec<_>, Vec<_>) =
            schema["allOf"].as_array().into_iter().flatten().partition(named);
        TypeView {
            name: name.to_owned(),
            text: prose::line(schema["description"].as_str().unwrap_or_default()),
            parts: parts.into_iter().map(|part| self.kind(part)).collect(),
            members: own.into_iter().chain([schema]).flat_map(|part| self.own_members(part)).collect(),
            words,
            forms: forms.map(|form| self.kind(form)).collect(),
            // What we read is closed; what we answer may grow.
            is_sent: schema["additionalProperties"] == false,
        }
    }

    /// The members of an object, those of its parts (`allOf`) included.
    pub fn members(self, schema: &'a Value) -> Vec<Member> {
        let (_, schema) = self.resolve(schema);
        let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| self.members(part));
        parts.chain(self.own_members(schema)).collect()
    }

    fn own_members(self, schema: &'a Value) -> Vec<Member> {
        let required = |name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|known| known == name))
        };
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties.map(|(name, member)| self.member(name, member, required(name))).collect()
    }

    /// One member.
    pub fn member(self, name: &str, schema: &'a Value, required: bool) -> Member {
        let inner = without_null(schema).unwrap_or(schema);
        let (_, resolved) = self.resolve(inner);
        let said = [schema, inner, resolved].into_iter().find_map(|schema| schema["description"].as_str());
        Member {
            name: name.to_owned(),
            kind: self.kind(schema),
            required,
            text: prose::line(said.unwrap_or_default()),
            bounds: bounds(resolved),
        }
    }

    /// What a value is, as HTML.
    pub fn kind(self, schema: &'a Value) -> String {
        if let Some(inner) = without_null(schema) {
            return format!("{} or null", self.kind(inner));
        }
        let (name, resolved) = self.resolve(schema);
        match name {
            Some(name) if self.stands_alone(name) => {
                let page = if REFUSED.contains(&name) { "/docs" } else { "" };
                format!("<a href=\"{page}#type-{name}\">{}</a>", prose::escape(name))
            }
            _ => self.plain_kind(resolved),
        }
    }

    /// Whether a schema has a place of its own: objects, unions and long enumerations.
    pub fn stands_alone(self, name: &str) -> bool {
        let schema = &self.0[name];
        let long = words_of(schema).is_some_and(|words| words.len() > WORDS);
        long || schema["properties"].is_object() || schema["allOf"].is_array() || schema["oneOf"].is_array()
    }

    /// The names of the types that a part of the document needs, those that they need included, in
    /// the order in which they are met.
    pub fn needed(self, part: &Value, names: &mut Vec<String>) {
        match part {
            Value::Object(members) => {
                let name = members
                    .get("$ref")
                    .and_then(Value::as_str)
                    .and_then(|at| at.strip_prefix("#/components/schemas/"));
                if let Some(name) = name.filter(|name| !names.iter().any(|known| known == name)) {
                    names.push(name.to_owned());
                    self.needed(&self.0[name], names);
                }
                let described =
                    members.iter().filter(|(name, _)| !matches!(name.as_str(), "examples" | "example"));
                described.for_each(|(_, part)| self.needed(part, names));
            }
            Value::Array(parts) => parts.iter().for_each(|part| self.needed(part, names)),
            _ => {}
        }
    }

    fn plain_kind(self, schema: &'a Value) -> String {
        if let Some(words) = words_of(schema) {
            let words: Vec<_> =
                words.into_iter().map(|word| format!("<code>{}</code>", prose::escape(word))).collect();
            return words.join(" or ");
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => return "any JSON".to_owned(),
        };
        let of_type = |name: &str| match (name, schema["format"].as_str()) {
            ("string", Some("date-time")) => "time".to_owned(),
            ("string", Some("uri")) => "URL".to_owned(),
            ("string", _) => "text".to_owned(),
            ("integer", _) => "whole number".to_owned(),
            ("array", _) => format!("list of {}", self.kind(&schema["items"])),
            ("object", _) => match &schema["additionalProperties"] {
                inner if inner["$ref"].is_string() => format!("object, each member {}", self.kind(inner)),
                _ => "object".to_owned(),
            },
            (other, _) => other.to_owned(),
        };
        types.into_iter().map(of_type).collect::<Vec<_>>().join(" or ")
    }
}

/// The schema beside `null`, if it is one of the two forms of a value that may be null.
fn without_null(schema: &Value) -> Option<&Value> {
    let [one, other] = schema["oneOf"].as_array()?.as_slice() else { return None };
    let null = |schema: &Value| schema["type"] == "null";
    match (null(one), null(other)) {
        (true, false) => Some(other),
        (false, true) => Some(one),
        _ => None,
    }
}

fn words_of(schema: &Value) -> Option<Vec<&str>> {
    schema["enum"].as_array().map(|words| words.iter().filter_map(Value::as_str).collect())
}

/// What a value may be at most and at least, and an example of it.
fn bounds(schema: &Value) -> String {
    let number = |name: &str| schema[name].as_number().map(ToString::to_string);
    let between = |least: Option<String>, most: Option<String>, of: &str| match (least, most) {
        (Some(least), Some(most)) if least == most => Some(format!("{least}{of}")),
        (Some(least), Some(most)) => Some(format!("{least} to {most}{of}")),
        (Some(least), None) => Some(format!("at least {least}{of}")),
        (None, Some(most)) => Some(format!("at most {most}{of}")),
        (None, None) => None,
    };
    let length = match (schema["minLength"].as_u64(), schema["maxLength"].as_u64()) {
        (Some(1), None) => Some("not empty".to_owned()),
        _ => between(number("minLength"), number("maxLength"), " characters"),
    };
    let example =
        schema["examples"][0].as_str().map(|example| format!("e.g. <code>{}</code>", prose::escape(example)));
    let said = [
        between(number("minimum"), number("maximum"), ""),
        length,
        between(number("minItems"), number("maxItems"), " items"),
        example,
    ];
    said.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({"type": "string"}), "text")]
    #[case(json!({"type": ["string", "null"]}), "text or null")]
    #[case(json!({"type": "string", "format": "date-time"}), "time")]
    #[case(json!({"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}), "list of <a href=\"#type-Thing\">Thing</a>")]
    #[case(json!({"oneOf": [{"$ref": "#/components/schemas/Thing"}, {"type": "null"}]}), "<a href=\"#type-Thing\">Thing</a> or null")]
    #[case(json!({"$ref": "#/components/schemas/Word"}), "<code>a</code> or <code>&lt;b</code>")]
    #[case(json!({}), "any JSON")]
    fn a_type_is_said_in_a_line(#[case] schema: Value, #[case] said: &str) {
        let schemas =
            json!({"Thing": {"properties": {"a": {}}}, "Word": {"type": "string", "enum": ["a", "<b"]}});
        assert_eq!(Schemas(&schemas).kind(&schema), said);
    }

    #[test]
    fn the_members_of_the_parts_are_members_of_the_whole() {
        let schemas =
            json!({"Part": {"properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"]}});
        let whole = json!({"allOf": [{"$ref": "#/components/schemas/Part"}, {"properties": {"b": {"description": "*B*"}}}]});
        let members = Schemas(&schemas).members(&whole);
        let told: Vec<_> = members.iter().map(|m| (&*m.name, m.required, &*m.text, &*m.bounds)).collect();
        assert_eq!(told, [("a", true, "", "at most 3 characters"), ("b", false, "<em>B</em>", "")]);
    }

    #[test]
    fn the_types_that_are_needed_are_found_once_and_in_their_order() {
        let schemas = json!({
            "A": {"properties": {"b": {"$ref": "#/components/schemas/B"}, "a": {"$ref": "#/components/schemas/A"}}},
            "B": {"examples": [{"$ref": "#/components/schemas/C"}]},
            "C": {},
        });
        let mut names = Vec::new();
        Schemas(&schemas).needed(&json!([{"$ref": "#/components/schemas/A"}]), &mut names);
        assert_eq!(names, ["A", "B"]);
    }
}
