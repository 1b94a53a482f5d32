//! The document as its pages show it: groups of operations, and what holds for all of them.

use serde_json::{Map, Value};

use super::types::{Member, REFUSED, Schemas, TypeView};
use super::{HERE, curl, prose};

/// The whole reference.
pub struct Book {
    /// The program's version.
    pub version: String,
    /// What stands above everything, as HTML.
    pub introduction: String,
    /// The groups in their order.
    pub groups: Vec<Group>,
    /// Every scope with what it allows.
    pub scopes: Vec<(String, String)>,
    /// What any call may be refused with.
    pub refusals: Vec<Answer>,
    /// The document that those are, and its parts.
    pub problem: Vec<TypeView>,
    /// One of them, as HTML of JSON.
    pub problem_example: String,
}

/// A group of operations.
pub struct Group {
    /// Its name in the URL.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// What it is about, as HTML.
    pub text: String,
    /// Its operations, by path.
    pub operations: Vec<Operation>,
    /// The types that they name.
    pub types: Vec<TypeView>,
}

/// One operation.
pub struct Operation {
    /// Its id, which is its anchor.
    pub id: String,
    /// In a few words.
    pub summary: String,
    /// The rest, as HTML.
    pub text: String,
    pub method: String,
    pub path: String,
    /// The scope that it demands; none if it needs no token.
    pub scope: Option<String>,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    /// A command, ready to paste.
    pub curl: String,
    /// What it answers when it works.
    pub answers: Vec<Answer>,
    /// What else it answers.
    pub refusals: Vec<Answer>,
    /// What it answers when it works, for example, as HTML of JSON.
    pub example: Option<String>,
}

/// A parameter and where it stands.
pub struct Parameter {
    /// `path`, `query` or `header`.
    pub place: String,
    pub member: Member,
}

/// What is sent.
pub struct Body {
    /// As which media types.
    pub media: Vec<String>,
    pub members: Vec<Member>,
}

/// An answer.
pub struct Answer {
    pub status: String,
    /// What it means, as HTML.
    pub text: String,
    /// What it holds, as HTML: a type with links.
    pub kind: Option<String>,
}

impl Book {
    /// Reads the document.
    pub fn of(document: &Value) -> Self {
        let components = &document["components"];
        let schemas = Schemas(&components["schemas"]);
        let groups = array(&document["tags"]).map(|tag| Group::of(document, schemas, tag)).collect();
        let oauth = &components["securitySchemes"]["oauth2"]["flows"]["clientCredentials"];
        let mut refusals: Vec<_> = components["responses"].as_object().into_iter().flatten().collect();
        let status = |response: &Value| problem_example(response)["status"].as_u64();
        refusals.sort_by_key(|(_, response)| status(response));
        let shared = |(_, response): &(&String, &Value)| {
            let number = status(response).unwrap_or_default();
            Answer::of(schemas, &number.to_string(), response, true)
        };
        let invalid = problem_example(&components["responses"]["Invalid"]);
        Self {
            version: text(&document["info"]["version"]),
            introduction: prose::paragraphs(&text(&document["info"]["description"])),
            groups,
            scopes: members(&oauth["scopes"])
                .map(|(name, what)| (name.clone(), prose::line(&text(what))))
                .collect(),
            refusals: refusals.iter().map(shared).collect(),
            problem: REFUSED.map(|name| schemas.view(name)).into(),
            problem_example: pretty(invalid),
        }
    }
}

impl Group {
    fn of(document: &Value, schemas: Schemas<'_>, tag: &Value) -> Self {
        let name = text(&tag["name"]);
        let (mut operations, mut needed, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        for (path, item) in members(&document["paths"]) {
            for (method, operation) in members(item) {
                if operation["tags"][0] == tag["name"] {
                    operations.push(Operation::of(document, schemas, method, path, operation));
                    schemas.needed(operation, &mut needed);
                    sent.extend(sent_as(operation));
                }
            }
        }
        // The members of a body stand at its operation, unless something else names its type.
        let shown = |name: &String| sent.contains(&name.as_str()) || REFUSED.contains(&name.as_str());
        needed.retain(|name| schemas.stands_alone(name) && !shown(name));
        Self {
            slug: name.to_lowercase().replace(' ', "-"),
            name,
            text: prose::line(&text(&tag["description"])),
            operations,
            types: needed.iter().map(|name| schemas.view(name)).collect(),
        }
    }
}

impl Operation {
    fn of(document: &Value, schemas: Schemas<'_>, method: &str, path: &str, operation: &Value) -> Self {
        let method = method.to_uppercase();
        let body = operation["requestBody"]["content"].as_object();
        // JSON is shown where there is a choice.
        let media = |content: &Map<String, Value>| content.keys().position(|name| name == "application/json");
        let sent = body.and_then(|content| content.iter().nth(media(content).unwrap_or_default()));
        let example = sent.map(|(_, media)| example_of(schemas, media)).filter(|example| !example.is_null());
        let shown_body = sent.map(|(name, _)| name.as_str()).zip(example.as_ref());
        let (mut answers, mut refusals) = (Vec::new(), Vec::new());
        let mut shown = None;
        for (status, response) in members(&operation["responses"]) {
            let named = response["$ref"].as_str();
            let resolved = named.and_then(|at| document.pointer(&at[1..])).unwrap_or(response);
            let answer = Answer::of(schemas, status, resolved, named.is_some());
            if status.starts_with(['4', '5']) {
                refusals.push(answer);
            } else {
                let media = members(&resolved["content"]).next();
                let example = media.map(|(_, media)| example_of(schemas, media));
                shown = shown.or_else(|| example.filter(|example| !example.is_null()).map(|it| pretty(&it)));
                answers.push(answer);
            }
        }
        Self {
            id: text(&operation["operationId"]),
            summary: text(&operation["summary"]),
            text: prose::paragraphs(&text(&operation["description"])),
            scope: operation["security"][0]["oauth2"][0].as_str().map(str::to_owned),
            parameters: array(&operation["parameters"]).map(|given| Parameter::of(schemas, given)).collect(),
            body: sent.zip(body).map(|((_, media), content)| Body {
                media: content.keys().cloned().collect(),
                members: schemas.members(&media["schema"]),
            }),
            curl: curl::line(HERE, &method, path, &with_examples(schemas, operation), shown_body),
            method,
            path: path.to_owned(),
            answers,
            refusals,
            example: shown,
        }
    }
}

impl Parameter {
    fn of(schemas: Schemas<'_>, given: &Value) -> Self {
        let mut member = schemas.member(&text(&given["name"]), &given["schema"], given["required"] == true);
        member.text = prose::line(&text(&given["description"]));
        Self { place: text(&given["in"]), member }
    }
}

impl Answer {
    fn of(schemas: Schemas<'_>, status: &str, response: &Value, shared: bool) -> Self {
        let media = members(&response["content"]).next();
        let kind = media.filter(|_| !shared).map(|(_, media)| schemas.kind(&media["schema"]));
        Self { status: status.to_owned(), text: prose::line(&text(&response["description"])), kind }
    }
}

/// The type of an operation's body.
fn sent_as(operation: &Value) -> Option<&str> {
    let (_, media) = members(&operation["requestBody"]["content"]).next()?;
    media["schema"]["$ref"].as_str()?.rsplit('/').next()
}

/// The operation with an example at each path parameter, from its type.
fn with_examples(schemas: Schemas<'_>, operation: &Value) -> Value {
    let mut operation = operation.clone();
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        let (_, schema) = schemas.resolve(&parameter["schema"]);
        let example = schema["examples"][0].clone();
        if parameter["in"] == "path" && parameter["example"].is_null() {
            parameter["example"] = example;
        }
    }
    operation
}

/// The example of a body: its own, its type's, or one of its members' examples; null if it has none.
fn example_of(schemas: Schemas<'_>, media: &Value) -> Value {
    let (_, schema) = schemas.resolve(&media["schema"]);
    let given = [&media["example"], &schema["examples"][0]].into_iter().find(|example| !example.is_null());
    let of_member =
        |(name, member): (&String, &Value)| Some((name.clone(), member["examples"].get(0)?.clone()));
    let collected = || members(&schema["properties"]).map(of_member).collect::<Option<Map<_, _>>>();
    given
        .cloned()
        .or_else(|| collected().filter(|whole| !whole.is_empty()).map(Value::Object))
        .unwrap_or_default()
}

fn problem_example(response: &Value) -> &Value {
    &response["content"]["application/problem+json"]["example"]
}

fn pretty(value: &Value) -> String {
    prose::json(&serde_json::to_string_pretty(value).expect("an example is JSON"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
