//! `GET /v1/auth-links/{id}?wait=`: the answer comes when something happened. Every time below is
//! either one that must pass wholly or one that is much longer than it takes.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::harness::Harness;
use crate::harness::browser::Browser;

/// Longer than anything takes that does not wait.
const SOON: Duration = Duration::from_secs(40);

/// A caller that waits, while the test goes on.
fn wait(broker: &Arc<Harness>, link: &Value, query: &str) -> JoinHandle<Value> {
    let path = format!("/v1/auth-links/{}?{query}", link["id"].as_str().unwrap());
    let broker = Arc::clone(broker);
    tokio::spawn(async move { broker.get(&path).await })
}

async fn soon(waiting: JoinHandle<Value>) -> Value {
    timeout(SOON, waiting).await.expect("the answer comes without waiting to the end").unwrap()
}

#[tokio::test]
async fn a_caller_hears_of_every_step_of_a_login() {
    let broker = Arc::new(Harness::start().await);
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let created = wait(&broker, &link, "wait=60&status=created");
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    assert_eq!(soon(created).await["status"], "opened");
    let opened = wait(&broker, &link, "wait=60&status=opened");
    let code = browser.arrive(&callback).await.code().unwrap();
    assert_eq!(soon(opened).await["status"], "provisional");
    let provisional = wait(&broker, &link, "wait=60&status=provisional");
    broker.message("conv-1", "+15550100", &code).await;
    let completed = soon(provisional).await;
    assert_eq!((&completed["status"], &completed["final"]), (&json!("completed"), &json!(true)));
    assert_eq!(completed, broker.status(&link).await, "the same answer as without waiting");
}

#[tokio::test]
async fn what_is_over_or_has_changed_already_is_answered_at_once() {
    let broker = Arc::new(Harness::start().await);
    let link = broker.link("conv-1").await;
    assert_eq!(soon(wait(&broker, &link, "wait=60&status=opened")).await["status"], "created");
    let path = format!("/v1/auth-links/{}/cancel", link["id"].as_str().unwrap());
    broker.post(&path, json!({})).await;
    for query in ["wait=60", "wait=60&status=cancelled", "wait=0", "status=cancelled"] {
        assert_eq!(soon(wait(&broker, &link, query)).await["status"], "cancelled", "{query}");
    }
}

#[tokio::test]
async fn at_the_end_of_its_time_a_caller_is_told_that_nothing_happened() {
    let broker = Arc::new(Harness::start().await);
    let link = broker.link("conv-1").await;
    for query in ["wait=1", "wait=2&status=created"] {
        assert_eq!(soon(wait(&broker, &link, query)).await["status"], "created", "{query}");
    }
}

#[tokio::test]
async fn many_callers_of_one_link_hear_of_it_together() {
    let broker = Arc::new(Harness::start().await);
    let (link, other) = (broker.link("conv-1").await, broker.link("conv-2").await);
    let waiting: Vec<_> = (0..50).map(|_| wait(&broker, &link, "wait=60&status=created")).collect();
    Browser::new().open(link["url"].as_str().unwrap()).await;
    for caller in waiting {
        assert_eq!(soon(caller).await["status"], "opened");
    }
    assert_eq!(broker.status(&other).await["status"], "created");
}

#[tokio::test]
async fn what_nobody_wrote_down_is_seen_too() {
    let broker = Arc::new(Harness::start().await);
    let link = broker.link("conv-1").await;
    let waiting = wait(&broker, &link, "wait=60&status=created");
    tokio::time::sleep(Duration::from_millis(200)).await;
    broker.clock.advance(Duration::from_mins(15));
    assert_eq!(soon(waiting).await["status"], "expired");
}

#[tokio::test]
async fn a_broker_that_stops_answers_those_who_wait() {
    let mut broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let path = format!("/v1/auth-links/{}?wait=60", link["id"].as_str().unwrap());
    let request = broker.plain(Method::GET, &path).bearer_auth(broker.token().await);
    let waiting = tokio::spawn(request.send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stopped = async {
        broker.stop().await;
        waiting.await.unwrap().unwrap()
    };
    // The listener would cut a request off after ten seconds: it must be answered, not cut.
    let answer = timeout(SOON, stopped).await.expect("nobody waits for those who wait");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], "created");
}

#[tokio::test]
async fn a_wait_that_cannot_be_read_is_refused() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let path = format!("/v1/auth-links/{}", link["id"].as_str().unwrap());
    for (query, pointer) in [
        ("wait=61", "?wait"),
        ("wait=-1", "?wait"),
        ("wait=soon", "?wait"),
        ("wait=1.5", "?wait"),
        ("wait=99999999999999999999", "?wait"),
        ("wait=1&status=done", "?status"),
        ("wait=1&wait=2", "?wait"),
        ("until=1", "?until"),
    ] {
        let (status, body) = broker.api(Method::GET, &format!("{path}?{query}"), None).await;
        assert_eq!(
            (status, &body["faults"][0]["pointer"]),
            (StatusCode::BAD_REQUEST, &json!(pointer)),
            "{query}"
        );
    }
    let unknown = format!("/v1/auth-links/al_{}?wait=60", "0".repeat(32));
    let answer = timeout(SOON, broker.api(Method::GET, &unknown, None)).await.expect("nothing to wait for");
    assert_eq!(answer.0, StatusCode::NOT_FOUND);
}
