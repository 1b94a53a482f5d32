//! Binding `match`, and the end of a verified conversation.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness};

/// A broker whose provider vouches for this phone number.
async fn vouching(minimum: &'static str, phone: &str) -> Harness {
    let provider = format!(
        r#"mapping = {{ userName = "user.id", fullName = "user.name", email = "user.email", phone = "'{phone}'" }}
subject = "user.id"
trusted = ["phone"]"#
    );
    Harness::with(Choices { minimum, provider, ..Choices::default() }).await
}

/// Signs in on a link to `+15550100`.
async fn sign_in(broker: &Harness) -> (Value, Page) {
    let link = broker.link("conv-1").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    (link, page)
}

async fn told(broker: &Harness, kind: &str) -> usize {
    broker.event_types().await.iter().filter(|told| *told == kind).count()
}

#[tokio::test]
async fn a_verified_number_that_is_the_chats_own_spares_the_code() {
    let broker = vouching("match", "+1 555 0100").await;
    let (link, page) = sign_in(&broker).await;
    assert_eq!((page.status, page.code()), (StatusCode::OK, None));
    let done = broker.status(&link).await;
    assert_eq!(done["binding"], json!({"minimum": "match", "reached": "match"}));
    assert_eq!(broker.get("/v1/conversations/conv-1").await["binding"], "match");
}

#[tokio::test]
async fn where_nothing_is_demanded_a_match_is_reported_all_the_same() {
    let broker = vouching("none", "+15550100").await;
    let (link, _) = sign_in(&broker).await;
    assert_eq!(broker.status(&link).await["binding"], json!({"minimum": "none", "reached": "match"}));
}

#[tokio::test]
async fn another_number_falls_back_to_the_code_and_is_told() {
    let broker = vouching("match", "+15550199").await;
    let (link, page) = sign_in(&broker).await;
    let code = page.code().expect("the chat must confirm it");
    broker.message("conv-1", "+15550100", &code).await;
    let binding = broker.status(&link).await["binding"].clone();
    assert_eq!(binding, json!({"minimum": "match", "reached": "code", "mismatch": true}));
}

#[tokio::test]
async fn a_match_is_not_enough_where_the_code_is_demanded() {
    let broker = vouching("code", "+15550100").await;
    assert!(sign_in(&broker).await.1.code().is_some());
    let raised = vouching("match", "+15550100").await;
    let link = raised.link_with("conv-1", json!({"binding": {"minimum": "code"}})).await;
    assert!(Browser::new().sign_in(link["url"].as_str().unwrap()).await.code().is_some());
}

#[tokio::test]
async fn a_match_in_a_browser_that_did_not_open_the_link_needs_the_code() {
    let broker = vouching("match", "+15550100").await;
    let link = broker.link("conv-1").await;
    let callback = Browser::new().reach_callback(link["url"].as_str().unwrap()).await;
    assert!(Browser::new().arrive(&callback).await.code().is_some());
}

#[tokio::test]
async fn an_ended_conversation_is_verified_no_more() {
    let broker = Harness::minimum("none").await;
    sign_in(&broker).await;
    let ended = broker.post("/v1/conversations/conv-1/end", json!({})).await;
    assert_eq!((&ended["verified"], &ended["contactId"]), (&json!(false), &Value::Null));
    assert_eq!(told(&broker, "conversation.unverified").await, 1);
    broker.post("/v1/conversations/conv-1/end", json!({})).await;
    assert_eq!(told(&broker, "conversation.unverified").await, 1, "it is told once");
    let unknown = broker.api(Method::POST, "/v1/conversations/conv-2/end", None).await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_conversation_stops_to_be_verified_when_its_time_is_over() {
    let broker = Harness::minimum("none").await;
    sign_in(&broker).await;
    broker.clock.advance(Duration::from_hours(12));
    assert_eq!(broker.get("/v1/conversations/conv-1").await["verified"], false);
    for _ in 0..600 {
        if told(&broker, "conversation.unverified").await == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody told of it");
}
