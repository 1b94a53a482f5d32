//! The description of the API: it is the committed one, it can be followed, and the broker does what
//! it says.

use std::collections::BTreeSet;

use countersign::web::caller::SCOPES;
use countersign::web::openapi::{ANYWHERE, pretty};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{BOT_SECRET, Harness};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

pub fn document() -> Value {
    serde_json::from_str(&pretty(ANYWHERE)).unwrap()
}

/// An operation with its method and path.
struct Operation {
    method: Method,
    path: String,
    body: Value,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The path with something in the place of its parameters that no tenant has.
    fn unknown(&self) -> String {
        self.path.replace("{id}", "al_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b")
    }

    /// Whether it is served at the bare base domain only.
    fn is_the_operators(&self) -> bool {
        self.path.starts_with("/v1/tenants")
    }

    /// The scope that it demands.
    fn scope(&self) -> Option<&str> {
        self.body["security"][0]["oauth2"][0].as_str()
    }

    fn statuses(&self) -> BTreeSet<u16> {
        let responses = self.body["responses"].as_object().unwrap();
        responses.keys().map(|status| status.parse().unwrap()).collect()
    }
}

fn operations() -> Vec<Operation> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().clone();
    let of_path = |(path, item): (String, Value)| {
        let methods = item.as_object().unwrap().clone();
        methods.into_iter().map(move |(method, body)| Operation {
            method: method.to_uppercase().parse().unwrap(),
            path: path.clone(),
            body,
        })
    };
    let operations: Vec<_> = paths.into_iter().flat_map(of_path).collect();
    assert!(operations.len() > 15, "{}", operations.len());
    operations
}

/// Every value in a document, with its JSON pointer.
fn walk<'a>(at: &str, value: &'a Value, visit: &mut dyn FnMut(&str, &'a Value)) {
    visit(at, value);
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            walk(&format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), value, visit);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| walk(&format!("{at}/{n}"), value, visit));
        }
        _ => {}
    }
}

#[test]
fn the_committed_description_is_the_generated_one() {
    let generated = pretty(ANYWHERE);
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(FILE, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(committed == generated, "write it anew: UPDATE_OPENAPI=1 cargo test --test it openapi");
}

#[test]
fn it_is_openapi_3_1_and_every_reference_leads_somewhere() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    for member in ["title", "version", "description"] {
        assert!(document["info"][member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
    }
    let mut used = BTreeSet::new();
    walk("", &document, &mut |at, value| {
        if let (Some(reference), false) = (value["$ref"].as_str(), at.contains("/examples/")) {
            let pointer =
                reference.strip_prefix('#').unwrap_or_else(|| panic!("{at}: {reference} is elsewhere"));
            assert!(document.pointer(pointer).is_some(), "{at}: {reference} leads nowhere");
            used.insert(pointer.to_owned());
        }
    });
    for kind in ["schemas", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(used.contains(&format!("/components/{kind}/{name}")), "nothing names the {kind} {name}");
        }
    }
}

#[test]
fn every_operation_is_told_whole() {
    let document = document();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    let mut used = BTreeSet::new();
    for operation in operations() {
        let (name, body) = (operation.name(), &operation.body);
        let id = body["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{name}: `{id}` stands twice");
        assert!(
            id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(char::is_alphanumeric),
            "{id}"
        );
        let summary = body["summary"].as_str().unwrap_or_default();
        assert!((5..60).contains(&summary.len()) && !summary.contains('`'), "{name}: {summary:?}");
        let [tag] = body["tags"].as_array().unwrap().as_slice() else { panic!("{name}: one tag") };
        assert!(tags.contains(&tag), "{name}: {tag} is not in TAGS");
        used.insert(tag.as_str().unwrap().to_owned());
        let placeholders: BTreeSet<_> =
            operation.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let parameters = body["parameters"].as_array().cloned().unwrap_or_default();
        for parameter in &parameters {
            let described = parameter["description"].as_str().is_some_and(|text| text.ends_with('.'));
            assert!(described && parameter["schema"].is_object(), "{name}: {parameter}");
        }
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        assert_eq!(
            in_path.map(|p| p["name"].as_str().unwrap()).collect::<BTreeSet<_>>(),
            placeholders,
            "{name}"
        );
        for (status, response) in body["responses"].as_object().unwrap() {
            let told = response["$ref"].is_string()
                || response["description"].as_str().is_some_and(|t| !t.is_empty());
            assert!(told, "{name} {status}");
        }
    }
    assert_eq!(used.len(), tags.len(), "a tag without an operation: {tags:?}");
}

#[test]
fn every_link_leads_to_an_operation() {
    let ids: BTreeSet<_> =
        operations().iter().map(|operation| operation.body["operationId"].clone().to_string()).collect();
    let mut links = 0;
    walk("", &document(), &mut |at, value| {
        for (name, link) in value.get("links").and_then(Value::as_object).into_iter().flatten() {
            assert!(ids.contains(&link["operationId"].to_string()), "{at}: {name}");
            links += 1;
        }
    });
    assert!(links >= 3, "{links}");
}

#[test]
fn every_operation_tells_of_the_refusals_of_what_it_takes() {
    for operation in operations() {
        let (name, statuses) = (operation.name(), operation.statuses());
        let mut owed = vec![];
        if operation.path.starts_with("/v1/") && !operation.path.starts_with("/v1/oauth/") {
            let scope = operation.scope().unwrap_or_else(|| panic!("{name} demands no scope"));
            assert!(SCOPES.iter().any(|(known, _)| *known == scope), "{name}: {scope}");
            owed.extend([400, 401, 403, 421]);
            if operation.path.contains("{id}") {
                owed.push(404);
            }
            if operation.body["requestBody"].is_object() {
                owed.extend([400, 413, 415, 422]);
                let optional = ["/resend", "/publish"].iter().any(|end| operation.path.ends_with(end));
                assert_eq!(operation.body["requestBody"]["required"] == true, !optional, "{name}");
            }
            if operation.path != "/v1/mapping/preview" && !operation.is_the_operators() {
                owed.extend([500, 503]);
            }
        } else {
            assert!(operation.scope().is_none(), "{name}");
        }
        for status in owed {
            assert!(statuses.contains(&status), "{name} says nothing of {status}");
        }
        assert!(statuses.iter().any(|status| (200..300).contains(status)), "{name} never works");
    }
}

/// A schema of the document as one that stands alone.
fn alone(document: &Value, schema: &Value) -> Value {
    let mut schema = schema.clone();
    schema["components"] = json!({"schemas": document["components"]["schemas"]});
    schema
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = document();
    let mut examples = 0;
    let mut check = |at: &str, schema: &Value, example: &Value| {
        let validator = jsonschema::draft202012::options().build(&alone(&document, schema)).unwrap();
        let faults: Vec<String> = validator.iter_errors(example).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{at}: {faults:?}\n{example:#}");
        examples += 1;
    };
    walk("", &document, &mut |at, value| {
        if let (Some(given), true) = (value["examples"].as_array(), at.contains("schema")) {
            for example in given {
                check(at, value, example);
            }
        }
        if let Some(example) = value.get("example").filter(|_| value.get("schema").is_some()) {
            check(at, &value["schema"], example);
        }
    });
    assert!(examples > 40, "{examples}");
}

/// Checks an answer of the broker against the description of its operation, to the last member.
#[track_caller]
pub fn check_answer(document: &Value, method: &str, path: &str, status: u16, answer: &Value) {
    let operation = &document["paths"][path][method.to_lowercase()];
    let response = &operation["responses"][status.to_string()];
    let response = match response["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => response,
    };
    let content =
        response["content"].as_object().unwrap_or_else(|| panic!("{method} {path} {status} is untold"));
    let mut schema = alone(document, &content.values().next().unwrap()["schema"]);
    schema["unevaluatedProperties"] = json!(false);
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(answer).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{method} {path} {status}: {faults:?}\n{answer:#}");
}

#[tokio::test]
async fn every_described_path_is_routed_and_demands_the_scope_that_it_names() {
    let broker = Harness::start().await;
    let document = document();
    let token = |scope: &'static str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "acme-bot"),
            ("client_secret", BOT_SECRET),
            ("scope", scope),
        ];
        let request = broker.plain(Method::POST, "/v1/oauth/token").form(&form);
        async {
            request.send().await.unwrap().json::<Value>().await.unwrap()["access_token"]
                .as_str()
                .unwrap()
                .to_owned()
        }
    };
    let (reader, writer) = (token("read:events").await, token("write:inbound").await);
    for operation in operations() {
        let Some(scope) = operation.scope() else {
            let answer = broker.plain(operation.method.clone(), &operation.unknown()).send().await.unwrap();
            assert!(
                operation.statuses().contains(&answer.status().as_u16()),
                "{}: {answer:?}",
                operation.name()
            );
            continue;
        };
        if operation.is_the_operators() {
            let request = broker.plain(operation.method.clone(), &operation.unknown()).bearer_auth(&reader);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{}", operation.name());
            let body: Value = answer.json().await.unwrap();
            check_answer(&document, operation.method.as_str(), &operation.path, 404, &body);
            continue;
        }
        let token = if scope == "read:events" { &writer } else { &reader };
        let request = broker.plain(operation.method.clone(), &operation.unknown()).bearer_auth(token);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{}", operation.name());
        let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{}: {challenge}", operation.name());
        let body: Value = answer.json().await.unwrap();
        check_answer(&document, operation.method.as_str(), &operation.path, 403, &body);
    }
}

#[test]
fn every_route_of_programs_is_described() {
    let table = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/mod.rs")).unwrap();
    for line in table.lines().filter(|line| line.trim_start().starts_with(".route(")) {
        let path = line.split('"').nth(1).unwrap();
        let of_browsers = ["/a/", "/idp/", "/web/inbound/abc/", "/docs", "/assets/", "/t/", "/sdk/"];
        assert!(
            of_browsers.iter().any(|start| path.starts_with(start)),
            "`{path}` is routed without a description; use `row` and `routes!`"
        );
    }
    let rows = table.lines().filter(|line| line.trim_start().starts_with(".routes(")).count();
    let paths = document()["paths"].as_object().unwrap().len();
    assert_eq!(rows, paths, "each row is a path");
}

#[tokio::test]
async fn it_is_served_on_every_host_of_a_tenant_with_that_host() {
    let broker = Harness::start().await;
    let get = || broker.plain(Method::GET, "/openapi.json");
    let answer = get().send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["cache-control"], "public, max-age=300");
    let served: Value = answer.json().await.unwrap();
    assert_eq!(served["servers"], json!([{"url": broker.origin}]));
    let mut expected = document();
    expected["servers"] = served["servers"].clone();
    assert!(served == expected, "what is served is what is generated");

    let again = get().header("if-none-match", headers["etag"].clone()).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert!(again.bytes().await.unwrap().is_empty());

    let port = broker.origin.rsplit(':').next().unwrap();
    for host in ["beta.test", "BETA.test:1234", "beta.localhost"] {
        let other: Value = get().header("host", host).send().await.unwrap().json().await.unwrap();
        let name = host.split(':').next().unwrap().to_lowercase();
        assert_eq!(other["servers"], json!([{"url": format!("http://{name}:{port}")}]), "the port is ours");
    }
    let nowhere = get().header("host", "evil.test").send().await.unwrap();
    assert_eq!(nowhere.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn the_broker_answers_what_is_described_to_the_last_member() {
    let broker = Harness::minimum("none").await;
    let document = document();
    let made = broker.link_with("conv-1", json!({"metadata": {"case": "81", "deep": [{"n": 1.10}]}})).await;
    check_answer(&document, "POST", "/v1/auth-links", 201, &made);
    check_answer(&document, "GET", "/v1/auth-links/{id}", 200, &broker.status(&made).await);
    check_answer(&document, "GET", "/v1/auth-links", 200, &broker.get("/v1/auth-links?limit=1").await);
    let resend = format!("/v1/auth-links/{}/resend", made["id"].as_str().unwrap());
    let told = broker.post(&resend, json!({"locale": "de"})).await;
    check_answer(&document, "POST", "/v1/auth-links/{id}/resend", 200, &told);
    crate::api::sign_in(&broker, "conv-1", "billy").await;
    let attempts = broker.get("/v1/attempts").await;
    check_answer(&document, "GET", "/v1/attempts", 200, &attempts);
    let attempt = format!("/v1/attempts/{}", attempts["items"][0]["id"].as_str().unwrap());
    check_answer(&document, "GET", "/v1/attempts/{id}", 200, &broker.get(&attempt).await);
    let link = broker.link("conv-2").await;
    let path = format!("/v1/auth-links/{}", link["id"].as_str().unwrap());
    let cancelled = broker.post(&format!("{path}/cancel"), json!(null)).await;
    check_answer(&document, "POST", "/v1/auth-links/{id}/cancel", 200, &cancelled);
    let over = broker.api(Method::POST, &format!("{path}/cancel"), None).await.1;
    check_answer(&document, "POST", "/v1/auth-links/{id}/cancel", 410, &over);
    check_answer(
        &document,
        "GET",
        "/v1/conversations/{id}",
        200,
        &broker.get("/v1/conversations/conv-1").await,
    );
    let ended = broker.post("/v1/conversations/conv-1/end", json!(null)).await;
    check_answer(&document, "POST", "/v1/conversations/{id}/end", 200, &ended);
    check_answer(&document, "GET", "/v1/contacts", 200, &broker.get("/v1/contacts").await);
    let id = broker.contacts().await[0]["id"].as_str().unwrap().to_owned();
    check_answer(
        &document,
        "GET",
        "/v1/contacts/{id}",
        200,
        &broker.get(&format!("/v1/contacts/{id}")).await,
    );
    let events = broker.get("/v1/events").await;
    check_answer(&document, "GET", "/v1/events", 200, &events);
    let completed =
        events["items"].as_array().unwrap().iter().find(|event| event["type"] == "auth.completed");
    let completed = format!("/v1/auth-links/{}", completed.unwrap()["data"]["authLinkId"].as_str().unwrap());
    check_answer(&document, "GET", "/v1/auth-links/{id}", 200, &broker.get(&completed).await);
    let sample = json!({"mapping": "{\\\"userName\\\": whoami.a}", "whoami": {"a": "b"}});
    check_answer(
        &document,
        "POST",
        "/v1/mapping/preview",
        200,
        &broker.post("/v1/mapping/preview", sample).await,
    );
    check_answer(
        &document,
        "POST",
        "/v1/inbound/messages",
        200,
        &broker.message("c", "+1", "CS-123456").await,
    );
    let bad = broker.api(Method::POST, "/v1/auth-links", Some(json!({"conversation": 1}))).await.1;
    check_answer(&document, "POST", "/v1/auth-links", 422, &bad);
    for path in ["/livez", "/readyz", "/version", "/v1/oauth/.well-known/jwks.json", "/api/oauth2/jwks"] {
        check_answer(&document, "GET", path, 200, &broker.get(path).await);
    }
    let form =
        [("grant_type", "client_credentials"), ("client_id", "acme-bot"), ("client_secret", BOT_SECRET)];
    let token = broker.plain(Method::POST, "/v1/oauth/token").form(&form).send().await.unwrap();
    check_answer(&document, "POST", "/v1/oauth/token", 200, &token.json().await.unwrap());
    let refused = broker.plain(Method::POST, "/v1/oauth/token").form(&[("a", "b")]).send().await.unwrap();
    check_answer(&document, "POST", "/v1/oauth/token", 400, &refused.json().await.unwrap());
}

#[tokio::test]
async fn a_sign_in_that_waits_and_one_that_failed_are_answered_as_described() {
    let broker = Harness::start().await;
    let document = document();
    crate::api::sign_in(&broker, "conv-1", "billy").await;
    let conversation = broker.get("/v1/conversations/conv-1").await;
    let id = conversation["authLinkId"].as_str().unwrap();
    let path = format!("/v1/auth-links/{id}");
    check_answer(&document, "GET", "/v1/auth-links/{id}", 200, &broker.get(&path).await);
    let (status, wrong) =
        broker.api(Method::POST, &format!("{path}/confirm"), Some(json!({"code": "CS-000000"}))).await;
    if status == StatusCode::UNPROCESSABLE_ENTITY {
        check_answer(&document, "POST", "/v1/auth-links/{id}/confirm", 422, &wrong);
    }
    broker.clock.advance(std::time::Duration::from_mins(6));
    let failed = broker.get(&path).await;
    assert_eq!(failed["code"], "not_confirmed");
    check_answer(&document, "GET", "/v1/auth-links/{id}", 200, &failed);
}
