//! Events are sent to webhooks: signed, in order, again and again until they are taken.

mod backlog;
mod brokers;
mod log;
mod targets;

use std::collections::BTreeSet;
use std::time::Duration;

use countersign::domain::delivery::DeliveryCode;
use reqwest::Method;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::harness::browser::Browser;
use crate::harness::receiver::{Answer, HOOK_SECRET, NEXT_SECRET, Receiver};
use crate::harness::{Choices, Harness, eventually};

/// A broker whose tenant has one webhook.
pub async fn with_webhook(receiver: &Receiver, more: &str) -> Harness {
    with_settings(&[receiver], &receiver.webhook("crm", more)).await
}

/// A broker with these lines in its tenant's file, which may call these receivers.
pub async fn with_settings(receivers: &[&Receiver], tenant: &str) -> Harness {
    let allow = receivers.iter().map(|receiver| receiver.address.clone()).collect();
    Harness::with(Choices { minimum: "none", tenant: tenant.to_owned(), allow, ..Choices::default() }).await
}

/// A whole login in a conversation.
pub async fn log_in(broker: &Harness, conversation: &str) {
    let link = broker.link(conversation).await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
}

/// The delivery log of a webhook, newest first.
pub async fn log(broker: &Harness, webhook: &str, query: &str) -> Vec<Value> {
    let answer = broker.get(&format!("/v1/webhooks/{webhook}/deliveries?limit=200{query}")).await;
    answer["items"].as_array().unwrap().clone()
}

/// Waits until so many deliveries of a webhook have failed and are written down.
pub async fn failed(broker: &Harness, webhook: &str, count: usize) {
    eventually("the failures are written down", async || {
        let log = log(broker, webhook, "").await;
        (log.iter().filter(|delivery| delivery["lastCode"].is_string()).count() >= count).then_some(())
    })
    .await;
}

/// Waits until so many messages came.
pub async fn came(receiver: &Receiver, count: usize) {
    eventually("the messages come", async || (receiver.got().len() >= count).then_some(())).await;
}

#[test]
fn every_code_of_an_attempt_stands_in_the_docs_and_no_other() {
    let page = std::fs::read_to_string("docs/webhooks.md").unwrap();
    let table = page.split("| code | why |").nth(1).unwrap().split("## ").next().unwrap();
    let told: BTreeSet<_> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(told, DeliveryCode::ALL.iter().map(|code| code.as_str()).collect());
}

#[tokio::test]
async fn a_login_is_told_signed_and_in_its_order() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, "").await;
    log_in(&broker, "conv-1").await;
    broker.all_sent().await;
    let events = broker.get("/v1/events?limit=200").await;
    let told: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["data"]["conversation"].is_object())
        .cloned()
        .collect();
    let got = receiver.got();
    let came: Vec<_> = got.iter().filter(|got| got.about() == "conv-1").map(|got| got.body.clone()).collect();
    assert_eq!(came, told, "the same events in the same order and words");
    assert!(got.iter().any(|got| got.kind() == "contact.created"));
    let judge = Webhook::new(HOOK_SECRET).unwrap();
    for got in &got {
        judge.verify(got.text.as_bytes(), &got.headers).unwrap();
        assert_eq!(got.headers["webhook-id"], got.id(), "a receiver knows an event by it");
        assert_eq!(got.headers["content-type"], "application/json");
    }
    assert!(Webhook::new(NEXT_SECRET).unwrap().verify(got[0].text.as_bytes(), &got[0].headers).is_err());
    let log = log(&broker, "crm", "").await;
    assert_eq!(log.len(), got.len());
    for delivery in &log {
        assert_eq!(
            (&delivery["state"], &delivery["attemptsMade"]),
            (&json!("delivered"), &json!(1)),
            "{delivery}"
        );
        assert_eq!(delivery["attempts"][0]["status"], 204);
    }
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_can_check() {
    let receiver = Receiver::start().await;
    let broker =
        with_webhook(&receiver, r#"secrets = [{ env = "ACME_HOOK_NEXT" }, { env = "ACME_HOOK" }]"#).await;
    broker.link("conv-1").await;
    broker.all_sent().await;
    let got = &receiver.got()[0];
    for secret in [HOOK_SECRET, NEXT_SECRET] {
        Webhook::new(secret).unwrap().verify(got.text.as_bytes(), &got.headers).unwrap();
    }
    assert_eq!(broker.get("/v1/webhooks/crm").await["secrets"], 2);
}

#[tokio::test]
async fn a_webhook_is_told_of_what_it_wants_and_of_nothing_else() {
    let (all, some) = (Receiver::start().await, Receiver::start().await);
    let tenant = [
        all.webhook("all", ""),
        some.webhook("some", r#"events = ["contact.*", "auth.completed"]"#),
        some.webhook("off", "enabled = false"),
    ];
    let broker = with_settings(&[&all, &some], &tenant.concat()).await;
    log_in(&broker, "conv-1").await;
    broker.all_sent().await;
    let mut kinds: Vec<_> = some.got().iter().map(|got| got.kind().to_owned()).collect();
    kinds.sort();
    assert_eq!(kinds, ["auth.completed", "contact.created"]);
    assert_eq!(all.got().len(), broker.event_types().await.len());
}

#[tokio::test]
async fn what_fails_is_tried_again_and_holds_back_its_own_conversation_only() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, "").await;
    receiver.does(|got| if got.about() == "stuck" { Answer::Status(500) } else { Answer::Status(200) });
    broker.link("stuck").await;
    came(&receiver, 1).await;
    broker.link("stuck").await;
    log_in(&broker, "conv-2").await;
    eventually("the other conversation is told", async || {
        receiver
            .got()
            .iter()
            .any(|got| got.about() == "conv-2" && got.kind() == "auth.completed")
            .then_some(())
    })
    .await;
    let stuck = receiver
        .got()
        .iter()
        .filter(|got| got.about() == "stuck")
        .map(|got| got.id().to_owned())
        .collect::<BTreeSet<_>>();
    assert_eq!(stuck.len(), 1, "the later ones of the conversation wait for the first");
    receiver.does(|_| Answer::Status(200));
    broker.clock.advance(Duration::from_mins(3));
    broker.all_sent().await;
    let order: Vec<_> = receiver.ids_by_lane()["stuck"].clone();
    let events = broker.get("/v1/events?limit=200").await;
    let told = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["data"]["conversation"]["id"] == "stuck");
    assert_eq!(order, told.map(|event| event["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
    let tried = log(&broker, "crm", "&state=delivered").await;
    let first = tried.iter().find(|delivery| delivery["eventId"] == order[0].as_str()).unwrap();
    assert_eq!(
        (&first["attempts"][0]["status"], &first["attempts"][0]["code"]),
        (&json!(500), &json!("status"))
    );
    assert_eq!(first["lastCode"], Value::Null, "the last one worked");
}

#[tokio::test]
async fn a_receiver_that_asks_for_patience_gets_it() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, "").await;
    receiver.does(|_| Answer::Later(429, 600));
    broker.link("conv-1").await;
    came(&receiver, 1).await;
    let waits = eventually("it is written down", async || {
        let log = log(&broker, "crm", "&state=pending").await;
        log[0]["nextAttemptAt"].as_str().map(|at| at.parse::<jiff::Timestamp>().unwrap())
    })
    .await;
    let patience = waits.duration_since(broker.clock.now()).as_secs();
    assert!((590..=600).contains(&patience), "{patience}");
    receiver.does(|_| Answer::Status(200));
    broker.clock.advance(Duration::from_secs(601));
    broker.all_sent().await;
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn an_erased_person_stands_in_no_message_any_more() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, "").await;
    receiver.does(|_| Answer::Status(503));
    log_in(&broker, "conv-1").await;
    came(&receiver, 2).await;
    let contact = broker.contacts().await[0]["id"].as_str().unwrap().to_owned();
    broker.api(Method::DELETE, &format!("/v1/contacts/{contact}"), None).await;
    receiver.forget();
    receiver.does(|_| Answer::Status(200));
    for _ in 0..3 {
        broker.clock.advance(Duration::from_mins(10));
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    broker.all_sent().await;
    let got = receiver.got();
    assert!(got.iter().any(|got| got.kind() == "auth.completed" && got.body["data"]["erased"] == true));
    assert!(got.iter().any(|got| got.kind() == "contact.erased"));
    assert!(got.iter().all(|got| !got.text.contains("billy")), "the body is sent as it is now");
}

#[tokio::test]
async fn who_has_no_webhook_pays_nothing() {
    let mut broker = Harness::minimum("none").await;
    log_in(&broker, "conv-1").await;
    assert_eq!(broker.get("/v1/webhooks").await, json!({"items": [], "next": null}));
    broker.stop().await;
    broker.all_sent().await;
}
