//! Test logins, discovery and `doctor`: what they find, what they say of it, and that they store
//! nothing.
//!
//! To add a misconfiguration: 1. what the provider does in [`provider`], if it is new, 2. a case in
//! `mended` that reads cause and remedy only.

#[cfg(test)]
mod discover;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod mended;
#[cfg(test)]
mod proposals;
#[cfg(test)]
pub mod provider;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness};
use provider::Provider;

/// Values that must never be shown.
const CANARIES: [&str; 6] = [
    provider::CODE,
    provider::TOKEN,
    provider::REFRESH,
    countersign::cli::demo::provider::DemoProvider::CLIENT_SECRET,
    "demo%2Bsecret",
    "demo+secret",
];

/// A broker whose tenant has this provider.
async fn broker(provider: &Provider, more: &str) -> Harness {
    Harness::with(choices(provider, more)).await
}

/// The settings of such a broker.
fn choices(provider: &Provider, more: &str) -> Choices {
    let origin = provider.origin();
    let block = format!(
        r#"
[[provider]]
id = "acme"
label = "Acme online banking"
client_id = "acme-client"
client_secret = {{ env = "ACME_SECRET" }}
authorize_url = "{origin}/authorize"
token_url = "{origin}/token"
whoami_url = "{origin}/whoami"
{more}
"#
    );
    Choices {
        provider_block: Some(block),
        allow: vec![origin.trim_start_matches("http://").to_owned()],
        ..Choices::default()
    }
}

/// Begins a test.
async fn begin(broker: &Harness) -> Value {
    broker.post("/v1/providers/acme/test", Value::Null).await
}

/// Opens the test's page and presses the button: the answer is the redirect to the provider.
async fn open(browser: &mut Browser, begun: &Value) -> Page {
    let url: Url = begun["url"].as_str().unwrap_or_else(|| panic!("{begun}")).parse().unwrap();
    let page = browser.get(&url).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let form = page.form();
    browser.submit(&page, &form, &[]).await
}

/// The whole test, at the provider of this folder; the page at its end, and its result.
async fn try_it(broker: &Harness) -> (Page, Value) {
    let begun = begin(broker).await;
    assert_eq!(begun["state"], "waiting", "{begun:#}");
    let mut browser = Browser::new();
    let opened = open(&mut browser, &begun).await;
    let back = provider::signed_in(&opened.location());
    let page = browser.arrive(&back).await;
    (page, result(broker, &begun).await)
}

/// What a test found, as soon as it is over.
async fn result(broker: &Harness, begun: &Value) -> Value {
    let path = format!("/v1/providers/acme/tests/{}?wait=20", begun["id"].as_str().unwrap());
    let found = broker.get(&path).await;
    check_nothing_leaks(&found);
    found
}

/// A step of a test.
fn step<'a>(test: &'a Value, name: &str) -> &'a Value {
    let steps = test["steps"].as_array().unwrap();
    steps.iter().rev().find(|step| step["step"] == name).unwrap_or_else(|| panic!("no {name} in {test:#}"))
}

/// The names and outcomes of all steps.
fn outcomes(test: &Value) -> Vec<(&str, &str)> {
    let steps = test["steps"].as_array().unwrap();
    steps.iter().map(|step| (step["step"].as_str().unwrap(), step["outcome"].as_str().unwrap())).collect()
}

/// Cause and remedy of the only step that failed: all that an admin reads.
fn words(test: &Value) -> (String, String) {
    assert_eq!(test["state"], "failed", "{test:#}");
    let steps = test["steps"].as_array().unwrap();
    let failed: Vec<_> = steps.iter().filter(|step| step["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{test:#}");
    let text =
        |name: &str| failed[0][name].as_str().unwrap_or_else(|| panic!("no {name}: {test:#}")).to_owned();
    (text("cause"), text("remedy"))
}

/// The settings that are proposed, as lines of a file.
fn proposed(test: &Value) -> Vec<&str> {
    test["proposals"].as_array().unwrap().iter().map(|proposal| proposal["toml"].as_str().unwrap()).collect()
}

/// No contact, no event, no link, no attempt, no conversation.
async fn check_nothing_is_stored(broker: &Harness) {
    assert!(broker.contacts().await.is_empty());
    assert!(broker.event_types().await.is_empty());
    for path in ["/v1/attempts", "/v1/auth-links?conversationId=conv-1"] {
        let listed = broker.get(path).await;
        assert_eq!(listed["items"], serde_json::json!([]), "{path}");
    }
    let (status, _) = broker.api(Method::GET, "/v1/conversations/conv-1", None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

/// No secret, code or token stands anywhere in an answer.
fn check_nothing_leaks(answer: &Value) {
    let text = answer.to_string();
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} stands in {answer:#}");
    }
}
