//! Contacts: what a platform may change, what a merge and an erasure do, and to whom a sign-in belongs.
//!
//! | file | what it shows |
//! |---|---|
//! | `edits` | patch, undo, suggestions, and who is told of a change in between |
//! | `merges` | two records become one |
//! | `erasure` | a person is gone from everywhere, whatever happens meanwhile |
//! | `owners` | hints and verified emails |

mod edits;
mod erasure;
mod merges;
mod owners;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness};
use crate::openapi;

/// The provider's settings of most tests: the seed's mapping, and an email that the tenant trusts.
const TRUSTED: &str = r#"mapping = '{"userName": user.id, "fullName": user.name, "email": user.email}'
subject = "user.id"
trusted = ["email"]"#;

/// A second provider beside `acme`, with the same people.
const OTHER: &str = r#"
[[provider]]
id = "other"
callback_path = "named"
client_id = "Demo Client"
client_secret = { env = "ACME_SECRET" }
authorize_url = "{origin}/auth"
token_url = "{origin}/auth/token"
whoami_url = "{origin}/whoami"
mapping = '{"userName": user.id, "fullName": user.name, "email": user.email}'
subject = "user.id"
"#;

/// What a call was answered.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// The answer, if it is a success.
    #[track_caller]
    fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    /// The places that are to blame.
    fn pointers(&self) -> Vec<&str> {
        self.body["faults"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| fault["pointer"].as_str().unwrap())
            .collect()
    }

    fn etag(&self) -> &str {
        self.headers["etag"].to_str().unwrap()
    }
}

/// A call of the contacts' API; its answer is compared with the description.
async fn call(
    broker: &Harness,
    method: &str,
    path: &str,
    if_match: Option<&str>,
    body: Option<Value>,
) -> Answer {
    let method: Method = method.parse().unwrap();
    let mut request =
        broker.plain(method.clone(), &format!("/v1/contacts/{path}")).bearer_auth(broker.token().await);
    if let Some(tag) = if_match {
        request = request.header("if-match", tag);
    }
    if let Some(body) = body {
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        request = request.header("content-type", kind).body(body.to_string());
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    if status != StatusCode::NO_CONTENT {
        let described = described(path);
        openapi::check_answer(&openapi::document(), method.as_str(), &described, status.as_u16(), &body);
    }
    Answer { status, headers, body }
}

/// The path in the description.
fn described(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [_] => "/v1/contacts/{id}".to_owned(),
        [_, "suggestions", _, act] => format!("/v1/contacts/{{id}}/suggestions/{{field}}/{act}"),
        [_, act] => format!("/v1/contacts/{{id}}/{act}"),
        other => panic!("{other:?}"),
    }
}

async fn patch(broker: &Harness, id: &str, body: Value) -> Answer {
    call(broker, "PATCH", id, None, Some(body)).await
}

/// A broker that demands nothing of the chat.
pub async fn start() -> Harness {
    start_with(TRUSTED, "").await
}

async fn start_with(provider: &str, tenant: &str) -> Harness {
    let (provider, tenant) = (provider.to_owned(), tenant.to_owned());
    Harness::with(Choices { minimum: "none", provider, tenant, ..Choices::default() }).await
}

/// Signs a person in on a link with more members of the order, and returns the link's end.
async fn sign_in_with(broker: &Harness, conversation: &str, person: &str, more: Value) -> Value {
    let link = broker.link_with(conversation, more).await;
    finish(&link, person).await;
    broker.status(&link).await
}

async fn finish(link: &Value, person: &str) -> Page {
    let mut browser = Browser::new();
    let opened = browser.open(link["url"].as_str().unwrap()).await;
    let login = browser.get(&opened.location()).await;
    let consent = browser.submit(&login, &login.form(), &[("person", person)]).await;
    let done = browser.submit(&consent, &consent.form(), &[("decision", "allow")]).await;
    browser.arrive(&done.location()).await
}

/// Signs a person in at `acme`, and returns the id of the contact.
pub async fn sign_in(broker: &Harness, conversation: &str, person: &str) -> String {
    let done = sign_in_with(broker, conversation, person, json!({"provider": "acme"})).await;
    id_of(&done)
}

fn id_of(link: &Value) -> String {
    link["contactId"].as_str().unwrap_or_else(|| panic!("no contact in {link}")).to_owned()
}

async fn contact(broker: &Harness, id: &str) -> Value {
    call(broker, "GET", id, None, None).await.ok()
}

/// Every event so far.
async fn events(broker: &Harness) -> Vec<Value> {
    let mut all = Vec::new();
    let mut path = "/v1/events?limit=200".to_owned();
    loop {
        let page = broker.get(&path).await;
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { return all };
        path = format!("/v1/events?limit=200&after={next}");
    }
}

/// The data of every event of one type.
async fn told(broker: &Harness, kind: &str) -> Vec<Value> {
    events(broker)
        .await
        .into_iter()
        .filter(|event| event["type"] == kind)
        .map(|event| event["data"].clone())
        .collect()
}
