//! The delivery log: dead letters, what is sent again, and tests.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{came, failed, log, log_in, with_settings, with_webhook};
use crate::harness::receiver::{Answer, Receiver};
use crate::harness::{Choices, Harness, eventually};

#[tokio::test]
async fn after_a_day_an_event_is_given_up_and_can_be_sent_again() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, r#"events = ["auth.link_created"]"#).await;
    receiver.does(|_| Answer::Later(500, 3600));
    for conversation in ["conv-1", "conv-1", "conv-2"] {
        broker.link(conversation).await;
    }
    failed(&broker, "crm", 2).await;
    broker.clock.advance(Duration::from_hours(25));
    eventually("what was tried is given up", async || {
        (log(&broker, "crm", "&state=dead").await.len() >= 2).then_some(())
    })
    .await;
    // The one behind it had no turn until now: it has its own day.
    failed(&broker, "crm", 3).await;
    broker.clock.advance(Duration::from_hours(25));
    broker.all_sent().await;
    let dead = log(&broker, "crm", "&state=dead").await;
    assert_eq!(dead.len(), 3);
    assert!(dead.iter().all(|delivery| delivery["attemptsMade"] == 2 && delivery["endedAt"].is_string()));
    receiver.does(|_| Answer::Status(200));
    receiver.forget();
    let one = dead[0]["id"].as_str().unwrap();
    let again = broker.post(&format!("/v1/webhooks/crm/deliveries/{one}/resend"), json!({})).await;
    assert_eq!((&again["state"], &again["id"]), (&json!("pending"), &json!(one)));
    broker.all_sent().await;
    assert_eq!(receiver.got().len(), 1);
    let rest = broker.post("/v1/webhooks/crm/resend-dead", json!({})).await;
    assert_eq!(rest, json!({"resent": 2, "more": false}));
    broker.all_sent().await;
    assert_eq!((log(&broker, "crm", "&state=dead").await.len(), receiver.got().len()), (0, 3));
}

#[tokio::test]
async fn what_was_delivered_can_be_sent_again_under_the_same_id() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, "").await;
    broker.link("conv-1").await;
    broker.all_sent().await;
    let delivery = log(&broker, "crm", "").await[0]["id"].as_str().unwrap().to_owned();
    broker.post(&format!("/v1/webhooks/crm/deliveries/{delivery}/resend"), json!({})).await;
    came(&receiver, 2).await;
    broker.all_sent().await;
    let got = receiver.got();
    assert_eq!(got[0].headers["webhook-id"], got[1].headers["webhook-id"]);
    let seen = broker.get(&format!("/v1/webhooks/crm/deliveries/{delivery}")).await;
    assert_eq!((&seen["state"], &seen["attemptsMade"]), (&json!("delivered"), &json!(2)));
}

#[tokio::test]
async fn a_test_event_goes_to_its_webhook_only() {
    let (one, other) = (Receiver::start().await, Receiver::start().await);
    let tenant = [one.webhook("one", r#"events = ["contact.*"]"#), other.webhook("other", "")].concat();
    let broker = with_settings(&[&one, &other], &tenant).await;
    let delivery = broker.post("/v1/webhooks/one/test", json!({})).await;
    assert_eq!(delivery["type"], "webhook.test");
    broker.all_sent().await;
    assert_eq!(one.got()[0].body["data"], json!({"webhook": "one"}));
    assert!(other.got().is_empty() && broker.event_types().await.is_empty());
    let path = format!("/v1/webhooks/one/deliveries/{}", delivery["id"].as_str().unwrap());
    assert_eq!(broker.get(&path).await["state"], "delivered");
}

#[tokio::test]
async fn the_log_is_read_in_pages_newest_first() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, r#"events = ["auth.*"]"#).await;
    log_in(&broker, "conv-1").await;
    broker.all_sent().await;
    let all = log(&broker, "crm", "").await;
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = broker.get(&format!("/v1/webhooks/crm/deliveries?limit=2{cursor}")).await;
        walked.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(walked, all);
    let first = broker.get("/v1/webhooks/crm/deliveries?limit=1").await;
    let next = first["next"].as_str().unwrap();
    let (status, _) =
        broker.api(Method::GET, &format!("/v1/webhooks/crm/deliveries?state=dead&cursor={next}"), None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "a cursor of another question");
}

#[tokio::test]
async fn webhooks_of_a_file_are_seen_and_not_changed() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, "description = \"Tells the CRM\"").await;
    let webhook = broker.get("/v1/webhooks/crm").await;
    assert_eq!((&webhook["url"], &webhook["events"]), (&json!(receiver.url()), &json!(["*"])));
    assert!(webhook["source"].as_str().unwrap().ends_with("acme.toml"), "{webhook}");
    assert!(!webhook.to_string().contains("whsec_"), "a secret is never shown");
    assert_eq!(broker.get("/v1/webhooks").await["items"][0], webhook);
    let file = json!({"url": receiver.url()});
    for method in [Method::PUT, Method::DELETE] {
        let (status, problem) = broker.api(method, "/v1/webhooks/crm", Some(file.clone())).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(problem["detail"].as_str().unwrap().contains("acme.toml"), "{problem}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let receiver = Receiver::start().await;
    let broker = with_settings(&[&receiver], &receiver.webhook("off", "enabled = false")).await;
    let unknown = format!("dl_{}", "0".repeat(32));
    for path in [
        "other".to_owned(),
        "other/deliveries".to_owned(),
        format!("off/deliveries/{unknown}"),
        "A/deliveries".to_owned(),
    ] {
        let (status, _) = broker.api(Method::GET, &format!("/v1/webhooks/{path}"), None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let post = async |path: &str| broker.api(Method::POST, &format!("/v1/webhooks/{path}"), None).await;
    assert_eq!(post("other/test").await.0, StatusCode::NOT_FOUND);
    let (status, body) = post("off/test").await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("conflict")), "it is told of nothing");
    let (status, body) = broker.api(Method::GET, "/v1/webhooks/off/deliveries?state=lost", None).await;
    assert_eq!((status, &body["faults"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("?state")));
}

#[tokio::test]
async fn a_webhook_that_is_taken_out_keeps_what_waits_for_a_day() {
    let receiver = Receiver::start().await;
    let broker = with_webhook(&receiver, r#"events = ["auth.link_created"]"#).await;
    receiver.does(|_| Answer::Later(500, 600));
    broker.link("conv-1").await;
    failed(&broker, "crm", 1).await;
    let file = broker.tenant_file();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("id = \"crm\"", "id = \"crm\"\nenabled = false")).unwrap();
    eventually("the edit is read", async || {
        (broker.get("/v1/webhooks/crm").await["enabled"] == false).then_some(())
    })
    .await;
    receiver.does(|_| Answer::Status(200));
    broker.clock.advance(Duration::from_secs(601));
    eventually("it was its turn", async || {
        (log(&broker, "crm", "").await[0]["lastCode"] == "webhook_gone").then_some(())
    })
    .await;
    assert_eq!(receiver.got().len(), 1, "nothing is sent there any more");
    std::fs::write(&file, text).unwrap();
    eventually("the edit is read", async || {
        (broker.get("/v1/webhooks/crm").await["enabled"] == true).then_some(())
    })
    .await;
    broker.clock.advance(Duration::from_mins(5));
    broker.all_sent().await;
    assert_eq!(receiver.got().len(), 2);
}

#[tokio::test]
async fn deliveries_are_forgotten_after_thirty_days() {
    let receiver = Receiver::start().await;
    let broker: Harness = with_webhook(&receiver, r#"events = ["auth.link_created"]"#).await;
    broker.link("conv-1").await;
    broker.all_sent().await;
    assert_eq!(log(&broker, "crm", "").await.len(), 1);
    broker.clock.advance(Duration::from_hours(30 * 24 + 2));
    eventually("the log is empty", async || log(&broker, "crm", "").await.is_empty().then_some(())).await;
}

/// Commits that need no sync, as the broker counts them.
async fn commits(broker: &Harness) -> u64 {
    let text = broker.plain(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("countersign_store_seconds_count") && line.contains("commit_relaxed"));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_of_a_conversation_in_a_row_is_written_down_together() {
    let receiver = Receiver::start().await;
    let tenant = receiver.webhook("crm", r#"events = ["auth.link_created"]"#);
    let allow = vec![receiver.address.clone()];
    let broker = Harness::process(Choices { tenant, allow, ..Choices::default() }).await;
    receiver.does(|_| Answer::Later(429, 3600));
    let mut links = vec![broker.link("conv-1").await["id"].clone()];
    failed(&broker, "crm", 1).await;
    let held_back = log(&broker, "crm", "").await[0]["id"].as_str().unwrap().to_owned();
    for _ in 0..60 {
        links.push(broker.link("conv-1").await["id"].clone());
    }
    eventually("all wait in their lane", async || (log(&broker, "crm", "").await.len() == 61).then_some(()))
        .await;
    receiver.does(|_| Answer::Status(204));
    receiver.forget();
    let before = commits(&broker).await;
    broker.post(&format!("/v1/webhooks/crm/deliveries/{held_back}/resend"), json!({})).await;
    broker.all_sent().await;
    let commits = commits(&broker).await - before;
    assert!(commits < 30, "{commits} for 61 deliveries");
    // Each has its row and its attempt all the same, and they came in their order.
    let delivered = log(&broker, "crm", "&state=delivered").await;
    assert_eq!(delivered.iter().filter(|row| row["attempts"].as_array().unwrap().len() == 1).count(), 60);
    let came: Vec<_> = receiver.got().iter().map(|got| got.body["data"]["authLinkId"].clone()).collect();
    assert_eq!(came, links);
}
