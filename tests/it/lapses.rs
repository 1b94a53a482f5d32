//! A sign-in that nobody confirmed in time is told of, whoever touches its link first.

use std::time::Duration;

use countersign::cli::demo::provider::Trick;
use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::{Harness, eventually};

/// The auth events behind `auth.provisional`, with their codes.
async fn told(broker: &Harness) -> Vec<(String, Value)> {
    let events = broker.get("/v1/events?limit=200").await;
    let items = events["items"].as_array().unwrap().iter();
    let told = items.map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"]["code"].clone()));
    told.skip_while(|(kind, _)| kind != "auth.provisional").skip(1).collect()
}

fn failed(code: &str) -> (String, Value) {
    ("auth.failed".to_owned(), json!(code))
}

async fn attempt(broker: &Harness, link: &Value) -> Value {
    let query = format!("/v1/attempts?authLinkId={}", link["id"].as_str().unwrap());
    broker.get(&query).await["items"].as_array().unwrap().last().unwrap().clone()
}

/// Opens a link, and signs in up to the code.
async fn waiting(broker: &Harness, expires_in: u32) -> Value {
    let link = broker.link_with("conv-1", json!({"expiresIn": expires_in})).await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await.code().unwrap();
    link
}

#[rstest]
#[case::resend("resend")]
#[case::cancel("cancel")]
#[case::open("open")]
#[case::decline("decline")]
#[case::supersede("supersede")]
#[tokio::test]
async fn a_lapsed_sign_in_is_told_of_by_whoever_touches_its_link_first(#[case] way: &str) {
    let broker = Harness::start().await;
    let link = waiting(&broker, 900).await;
    broker.clock.advance(Duration::from_secs(301));
    let path = format!("/v1/auth-links/{}", link["id"].as_str().unwrap());
    let url = link["url"].as_str().unwrap();
    match way {
        "open" => assert_eq!(Browser::new().open(url).await.status, StatusCode::SEE_OTHER),
        "decline" => {
            let decline = broker.plain(Method::POST, &format!("{}/decline", &url[broker.origin.len()..]));
            let sent = decline.header("origin", &broker.origin).form(&[("confirm", "yes")]).send().await;
            assert_eq!(sent.unwrap().status(), StatusCode::OK);
        }
        "supersede" => drop(broker.link("conv-1").await),
        way => drop(broker.post(&format!("{path}/{way}"), json!({})).await),
    }
    let told = told(&broker).await;
    assert_eq!(told[0], failed("not_confirmed"), "{way}: {told:?}");
    let again = told.iter().filter(|(kind, _)| kind == "auth.failed").count();
    assert_eq!(again, 1, "{way}: {told:?}");
    let attempt = attempt(&broker, &link).await;
    assert_eq!((&attempt["status"], &attempt["code"]), (&json!("lapsed"), &json!("not_confirmed")), "{way}");
}

#[tokio::test]
async fn a_code_that_lapses_behind_its_links_expiry_was_not_confirmed_and_not_voided() {
    let broker = Harness::start().await;
    let link = waiting(&broker, 60).await;
    broker.clock.advance(Duration::from_mins(6));
    let told = eventually("the link expires", async || {
        let told = told(&broker).await;
        told.iter().any(|(kind, _)| kind == "auth.expired").then_some(told)
    })
    .await;
    let kinds: Vec<_> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!((kinds, &told[0]), (vec!["auth.failed", "auth.expired"], &failed("not_confirmed")));
    assert_eq!(attempt(&broker, &link).await["status"], "lapsed");
}

#[tokio::test]
async fn a_contact_is_not_found_by_a_conversation_that_is_no_longer_verified() {
    let broker = Harness::minimum("none").await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    let found = || broker.get("/v1/contacts?conversationId=conv-1");
    assert_eq!(found().await["items"].as_array().unwrap().len(), 1);
    broker.clock.advance(Duration::from_hours(12));
    assert_eq!(found().await["items"], json!([]), "as soon as it lapses, and not when a sweep comes by");
}

#[tokio::test]
async fn a_link_whose_record_cannot_be_read_keeps_nobody_else_from_expiring() {
    let broker = Harness::start().await;
    let (broken, whole) = (broker.link("conv-1").await, broker.link("conv-2").await);
    let key = format!("%:link:{}", broken["id"].as_str().unwrap());
    let database = rusqlite::Connection::open(broker.folder().join("countersign.db")).unwrap();
    eventually("the record stands in its table", async || {
        let sql = "UPDATE record SET value = x'00' WHERE CAST(key AS TEXT) LIKE ?1";
        (database.execute(sql, [&key]).unwrap() == 1).then_some(())
    })
    .await;
    broker.clock.advance(Duration::from_mins(16));
    eventually("the other link expires", async || {
        let events = broker.get("/v1/events?limit=200").await;
        let expired = |event: &&Value| event["type"] == "auth.expired";
        let found = events["items"].as_array().unwrap().iter().find(expired)?.clone();
        assert_eq!(found["data"]["authLinkId"], whole["id"]);
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_login_that_was_interrupted_is_told_of_when_its_link_is_opened_again() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let url = link["url"].as_str().unwrap();
    let mut browser = Browser::new();
    let callback = browser.reach_callback(url).await;
    broker.provider.script(Trick::TokenSlow);
    let arriving = tokio::spawn(async move { browser.arrive(&callback).await.status });
    while broker.provider.counters().token == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    broker.clock.advance(Duration::from_secs(31));
    assert_eq!(Browser::new().open(url).await.status, StatusCode::SEE_OTHER);
    let kinds = broker.event_types().await;
    assert_eq!(kinds, ["auth.link_created", "auth.opened", "auth.failed", "auth.opened"]);
    assert_eq!(attempt(&broker, &link).await["code"], "interrupted");
    arriving.await.unwrap();
    assert_eq!(broker.status(&link).await["status"], "opened", "what comes too late changes nothing");
}
