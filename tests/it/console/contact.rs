//! The contact card: the source of each field, suggestions, and the way back.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{audit, hidden, part, plain, verified, with};
use crate::harness::staff::StaffBrowser;
use crate::harness::{Choices, Harness, MAPPING};

const PAGE: &str = "/console/conversations/conv-1";

/// A verified customer for whose email the provider makes a suggestion, beside a typed one.
async fn suggested() -> (Harness, StaffBrowser, Value) {
    let provider = format!("{MAPPING}\n[provider.enrich]\nemail = \"suggest\"");
    let (broker, agent) = with(Choices { provider, ..Choices::default() }).await;
    verified(&broker, "conv-1").await;
    let id = broker.contacts().await[0]["id"].clone();
    let typed = json!({"email": "typed@example.com"});
    let path = format!("/v1/contacts/{}", id.as_str().unwrap());
    let (_, contact) = broker.api(Method::PATCH, &path, Some(typed)).await;
    assert_eq!(contact["suggestions"]["email"]["value"], "billy.bob@example.com", "{contact}");
    (broker, agent, contact)
}

fn row(html: &str, label: &str) -> String {
    let rows = html.split("<div id=\"field-").skip(1).map(plain);
    rows.map(|row| row.split_once("> ").map_or(row.clone(), |(_, rest)| rest.to_owned()))
        .find(|row| row.contains(label))
        .unwrap_or_else(|| panic!("no `{label}` in {html}"))
}

#[tokio::test]
async fn each_field_says_where_it_came_from() {
    let (_broker, mut agent, _) = suggested().await;
    let page = agent.text(PAGE).await;
    let (name, email) = (row(&page, "Billy Bob"), row(&page, "typed@example.com"));
    assert!(name.contains("From Acme online banking, "), "{name}");
    assert!(email.contains("Written by the app acme-bot, ") && email.contains("Before: blank"), "{email}");
    assert!(email.contains("Suggested: billy.bob@example.com From Acme online banking"), "{email}");
    assert!(!name.contains("Undo"), "what a provider has filled in first is not undone by a slip: {name}");
    assert!(part(&page, "contact").contains("Known from: Acme online banking since"));
}

#[tokio::test]
async fn a_suggestion_is_accepted_and_taken_back_by_name() {
    let (broker, mut agent, contact) = suggested().await;
    let page = agent.get(PAGE).await;
    let path = format!("/console/contacts/{}", contact["id"].as_str().unwrap());
    let version = hidden(&page, "version");
    let fields = [("field", "email"), ("version", version.as_str()), ("conversation", "conv-1")];
    let done = agent.post(&format!("{path}/accept"), &fields).await;
    assert_eq!((done.status, done.location().path()), (StatusCode::SEE_OTHER, PAGE));
    let page = agent.follow(done).await;
    assert!(page.html.contains("The suggestion was taken over."));
    let email = row(&page.html, "billy.bob@example.com");
    assert!(email.contains("Before: typed@example.com") && !email.contains("Suggested"), "{email}");

    let version = hidden(&page, "version");
    let fields = [("field", "email"), ("version", version.as_str()), ("conversation", "conv-1")];
    let done = agent.post(&format!("{path}/undo"), &fields).await;
    let page = agent.follow(done).await;
    assert!(page.html.contains("as it was before"));
    let email = row(&page.html, "typed@example.com");
    assert!(email.contains("Typed by you, ") && !email.contains("Undo"), "{email}");
    let contact = broker.contacts().await.remove(0);
    assert!(contact["provenance"]["email"]["source"].as_str().unwrap().starts_with("staff:st_"));
    for action in ["contact.suggestion_accepted", "contact.undone"] {
        assert!(audit(&broker, action).await[0].0.starts_with("staff:st_"), "{action}");
    }
}

#[tokio::test]
async fn a_suggestion_is_dismissed_once() {
    let (broker, mut agent, contact) = suggested().await;
    let path = format!("/console/contacts/{}/dismiss", contact["id"].as_str().unwrap());
    let version = contact["version"].to_string();
    let fields = [("field", "email"), ("version", version.as_str()), ("conversation", "conv-1")];
    let done = agent.post(&path, &fields).await;
    let page = agent.follow(done).await;
    assert!(page.html.contains("The suggestion was dismissed.") && !page.html.contains("Suggested:"));
    let version = hidden(&page, "version");
    let fields = [("field", "email"), ("version", version.as_str()), ("conversation", "conv-1")];
    let again = agent.post(&path, &fields).await;
    assert!(agent.follow(again).await.html.contains("Nothing was changed"));
    assert_eq!(broker.contacts().await[0]["email"], "typed@example.com");
}

#[tokio::test]
async fn a_card_that_somebody_else_changed_meanwhile_changes_nothing() {
    let (broker, mut agent, contact) = suggested().await;
    let path = format!("/console/contacts/{}", contact["id"].as_str().unwrap());
    for version in ["1", "", "nonsense"] {
        for verb in ["accept", "dismiss", "undo"] {
            let fields = [("field", "email"), ("version", version), ("conversation", "conv-1")];
            let done = agent.post(&format!("{path}/{verb}"), &fields).await;
            let page = agent.follow(done).await;
            assert!(
                page.html.contains("Somebody else changed this contact"),
                "{version} {verb}: {}",
                page.html
            );
        }
    }
    assert_eq!(broker.contacts().await[0]["version"], contact["version"]);
}

#[tokio::test]
async fn a_contact_that_is_not_there_is_not_found() {
    let (_broker, mut agent, _) = suggested().await;
    for id in ["ct_00000000000000000000000000000000", "nonsense", "%FF"] {
        for verb in ["accept", "dismiss", "undo"] {
            let page = agent.post(&format!("/console/contacts/{id}/{verb}"), &[("field", "email")]).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{id} {verb}");
        }
    }
}

#[tokio::test]
async fn an_erased_contact_is_gone_from_the_page() {
    let (broker, mut agent, contact) = suggested().await;
    let path = format!("/v1/contacts/{}", contact["id"].as_str().unwrap());
    broker.api(Method::DELETE, &path, None).await;
    let page = agent.text(PAGE).await;
    for word in ["Billy", "billy", "typed@example.com"] {
        assert!(!page.contains(word), "{word}: {page}");
    }
}
