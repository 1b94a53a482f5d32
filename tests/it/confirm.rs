//! The chat confirms a sign-in: the code, its guesses, and who may send it.

use std::sync::Arc;
use std::time::Duration;

use countersign::domain::conversation::{Channel, Handle};
use countersign::domain::ids::ConversationId;
use countersign::flow::inbound::{InboundMessage, Reading};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::harness::browser::Browser;
use crate::harness::mortal::{Mortal, flows, open};

/// A sign-in that waits for its code.
async fn waiting(broker: &Harness) -> (Value, String) {
    let link = broker.link("conv-1").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    (link, page.code().unwrap())
}

fn wrong(code: &str) -> String {
    let digits: u32 = code.trim_start_matches("CS-").parse().unwrap();
    format!("CS-{:06}", (digits + 1) % 1_000_000)
}

async fn confirm(broker: &Harness, link: &Value, code: &str) -> (StatusCode, Value) {
    let path = format!("/v1/auth-links/{}/confirm", link["id"].as_str().unwrap());
    broker.api(Method::POST, &path, Some(json!({"code": code}))).await
}

#[tokio::test]
async fn the_platform_may_pass_the_code_itself() {
    let broker = Harness::start().await;
    let (link, code) = waiting(&broker).await;
    let (status, body) = confirm(&broker, &link, &code.to_lowercase()).await;
    assert_eq!((status, body["status"].as_str()), (StatusCode::OK, Some("completed")));
    assert_eq!(confirm(&broker, &link, &code).await.0, StatusCode::GONE, "once");
}

#[tokio::test]
async fn after_five_wrong_codes_the_sign_in_is_spent_and_forgotten() {
    let broker = Harness::start().await;
    let (link, code) = waiting(&broker).await;
    for left in (0..5).rev() {
        let (status, body) = confirm(&broker, &link, &wrong(&code)).await;
        assert_eq!((status, body["attemptsLeft"].as_u64()), (StatusCode::UNPROCESSABLE_ENTITY, Some(left)));
    }
    assert_eq!(confirm(&broker, &link, &code).await.0, StatusCode::GONE, "the right one comes too late");
    let status = broker.status(&link).await;
    assert_eq!((status["status"].as_str(), status["code"].as_str()), (Some("failed"), Some("guesses_spent")));
    assert!(broker.contacts().await.is_empty());
    assert!(
        Browser::new().sign_in(link["url"].as_str().unwrap()).await.code().is_some(),
        "but it may be tried again"
    );
}

#[tokio::test]
async fn guesses_in_parallel_are_counted_one_by_one() {
    let broker = std::sync::Arc::new(Harness::start().await);
    let (link, code) = waiting(&broker).await;
    let guesses = (0..40).map(|n| {
        let (broker, link, code) = (std::sync::Arc::clone(&broker), link.clone(), code.clone());
        tokio::spawn(async move {
            let guess = (code.trim_start_matches("CS-").parse::<u32>().unwrap() + 1 + n) % 1_000_000;
            confirm(&broker, &link, &format!("{guess:06}")).await.0
        })
    });
    let mut evaluated = 0;
    for guess in guesses.collect::<Vec<_>>() {
        match guess.await.unwrap() {
            StatusCode::UNPROCESSABLE_ENTITY => evaluated += 1,
            status => assert_eq!(status, StatusCode::GONE),
        }
    }
    assert_eq!(evaluated, 5);
}

#[tokio::test]
async fn the_right_code_twenty_times_at_once_completes_once() {
    let broker = std::sync::Arc::new(Harness::start().await);
    let (link, code) = waiting(&broker).await;
    let tries = (0..20).map(|_| {
        let (broker, link, code) = (std::sync::Arc::clone(&broker), link.clone(), code.clone());
        tokio::spawn(async move { confirm(&broker, &link, &code).await.0 })
    });
    for done in tries.collect::<Vec<_>>() {
        let status = done.await.unwrap();
        assert!([StatusCode::OK, StatusCode::GONE].contains(&status), "{status}");
    }
    let types = broker.event_types().await;
    assert_eq!(types.iter().filter(|kind| *kind == "auth.completed").count(), 1);
    assert_eq!(broker.contacts().await.len(), 1);
}

#[tokio::test]
async fn only_the_person_of_the_conversation_is_heard() {
    let broker = Harness::start().await;
    let (link, code) = waiting(&broker).await;
    assert_eq!(broker.message("conv-1", "+15550199", &code).await, json!({"matched": false}));
    assert_eq!(broker.message("conv-2", "+15550100", &code).await, json!({"matched": false}));
    let other = json!({"conversationId": "conv-1", "channel": "whatsapp", "from": "+15550100", "text": code});
    assert_eq!(broker.post("/v1/inbound/messages", other).await["matched"], false);
    assert_eq!(broker.status(&link).await["status"], "provisional");
    assert_eq!(broker.message("conv-1", "+15550100", &code).await["matched"], true);
}

#[tokio::test]
async fn ordinary_messages_cost_no_guess() {
    let broker = Harness::start().await;
    let (_, code) = waiting(&broker).await;
    for text in ["hello", "my order is 4711", "what code?", ""] {
        assert_eq!(broker.message("conv-1", "+15550100", text).await, json!({"matched": false}));
    }
    let answer = broker.message("conv-1", "+15550100", &wrong(&code)).await;
    assert_eq!((answer["matched"].as_bool(), answer["attemptsLeft"].as_u64()), (Some(false), Some(4)));
    assert_eq!(broker.message("conv-1", "+15550100", &code).await["matched"], true);
}

#[tokio::test]
async fn a_newer_sign_in_voids_the_older_code() {
    let broker = Harness::start().await;
    let (link, older) = waiting(&broker).await;
    let newer = Browser::new().sign_in(link["url"].as_str().unwrap()).await.code().unwrap();
    if older != newer {
        assert_eq!(confirm(&broker, &link, &older).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(confirm(&broker, &link, &newer).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_code_lapses_after_five_minutes() {
    let broker = Harness::start().await;
    let (link, code) = waiting(&broker).await;
    broker.clock.advance(Duration::from_secs(301));
    assert_eq!(confirm(&broker, &link, &code).await.0, StatusCode::GONE);
    let status = broker.status(&link).await;
    assert_eq!((status["status"].as_str(), status["code"].as_str()), (Some("failed"), Some("not_confirmed")));
}

#[tokio::test]
async fn before_anybody_signed_in_there_is_nothing_to_confirm() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    assert_eq!(confirm(&broker, &link, "123456").await.0, StatusCode::CONFLICT);
    let (status, body) = confirm(&broker, &link, "not a code").await;
    assert_eq!(
        (status, body["faults"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/code"))
    );
}

#[tokio::test]
async fn a_conversation_stays_verified_as_long_as_the_tenant_says() {
    let broker = Harness::start().await;
    let (_, code) = waiting(&broker).await;
    broker.message("conv-1", "+15550100", &code).await;
    broker.clock.advance(Duration::from_hours(11));
    assert_eq!(broker.get("/v1/conversations/conv-1").await["verified"], true, "twelve hours by default");
}

#[tokio::test]
async fn a_right_code_that_was_not_recorded_counts_when_the_channel_sends_its_message_again() {
    let mut broker = Harness::start().await;
    let (link, code) = waiting(&broker).await;
    broker.stop().await;
    let message = |text: &str| InboundMessage {
        conversation: "conv-1".parse::<ConversationId>().unwrap(),
        channel: Channel::Sms,
        from: Handle::parse("+15550100").unwrap(),
        text: text.to_owned(),
        name: Some("m-1".to_owned()),
    };
    {
        let (flows, tenant) = flows(&broker, Mortal::open(&broker, 1));
        let failed = flows.read_message(&tenant, &message(&code)).await;
        assert!(failed.is_err(), "the guess was counted, the sign-in not recorded: {failed:?}");
    }
    let (flows, tenant) = flows(&broker, Arc::new(open(&broker)));
    let other = flows.read_message(&tenant, &message(&wrong(&code))).await.unwrap();
    assert!(
        matches!(other, Reading::Wrong { attempts_left: 3, .. }),
        "other digits are a guess of their own: {other:?}"
    );
    let again = flows.read_message(&tenant, &message(&wrong(&code))).await.unwrap();
    assert_eq!(again, Reading::Nothing, "the same ones are not");
    let id = link["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(flows.read_message(&tenant, &message(&code)).await.unwrap(), Reading::Confirmed(id));
}
