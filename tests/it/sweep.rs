//! What falls due without anybody asking: the sweep of a running broker ends it and tells of it.

use std::time::Duration;

use serde_json::Value;

use crate::harness::Harness;
use crate::harness::browser::Browser;

/// Waits until an event of this type was told, and returns it.
async fn event(broker: &Harness, kind: &str) -> Value {
    for _ in 0..600 {
        let events = broker.get("/v1/events?limit=200").await;
        let found = events["items"].as_array().unwrap().iter().find(|event| event["type"] == kind);
        if let Some(event) = found {
            return event.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody told of `{kind}`");
}

#[tokio::test]
async fn a_link_that_nobody_opens_expires_and_the_platform_is_told() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    broker.clock.advance(Duration::from_mins(16));
    let told = event(&broker, "auth.expired").await;
    assert_eq!(
        (&told["data"]["authLinkId"], &told["data"]["status"]),
        (&link["id"], &Value::from("expired"))
    );
    assert_eq!(broker.status(&link).await["status"], "expired");
}

#[tokio::test]
async fn a_sign_in_that_nobody_confirms_lapses_and_the_platform_is_told() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    broker.clock.advance(Duration::from_mins(6));
    let told = event(&broker, "auth.failed").await;
    assert_eq!((&told["data"]["step"], &told["data"]["code"]), (&"bind".into(), &"not_confirmed".into()));
    assert!(!told.to_string().contains("billy"), "nothing of the person is told: {told}");
    let answer = broker.message("conv-1", "+15550100", &page.code().unwrap()).await;
    assert_eq!(answer["matched"], false);
    assert!(
        Browser::new().sign_in(link["url"].as_str().unwrap()).await.code().is_some(),
        "but it may be tried again"
    );
}

#[tokio::test]
async fn a_completed_link_is_left_alone_when_its_time_comes() {
    let broker = Harness::minimum("none").await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    let other = broker.link("conv-2").await;
    broker.clock.advance(Duration::from_mins(16));
    let told = event(&broker, "auth.expired").await;
    assert_eq!(told["data"]["authLinkId"], other["id"]);
    assert_eq!(broker.status(&link).await["status"], "completed");
}
