//! `Idempotency-Key`: an order that is sent again is answered again, and one link is made.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::{BOT_SECRET, Choices, Harness};

/// An answer with its headers.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn is_replayed(&self) -> bool {
        self.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
    }

    fn problem(&self) -> (u16, &str) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.body);
        (self.status.as_u16(), self.body["code"].as_str().unwrap())
    }
}

fn order(conversation: &str) -> Value {
    json!({"conversation": {"id": conversation, "channel": "sms", "handle": "+15550100"}, "metadata": {"b": 1, "a": 2}})
}

async fn send_as(broker: &Harness, token: &str, key: &str, body: String) -> Answer {
    let request = broker.plain(Method::POST, "/v1/auth-links").bearer_auth(token);
    let request = request.header("idempotency-key", key).header("content-type", "application/json");
    let response = request.body(body).send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.json().await.unwrap() }
}

async fn send(broker: &Harness, key: &str, body: &Value) -> Answer {
    send_as(broker, &broker.token().await, key, body.to_string()).await
}

async fn links(broker: &Harness) -> Vec<Value> {
    broker.get("/v1/auth-links").await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_same_order_again_is_the_same_answer_and_makes_nothing() {
    let broker = Harness::start().await;
    let first = send(&broker, "k-1", &order("conv-1")).await;
    assert_eq!((first.status, first.is_replayed()), (StatusCode::CREATED, false));
    let events = broker.event_types().await;
    let spelled = r#"{"metadata":{"a":2,"b":1},
        "conversation":{"handle":"\u002b15550100","channel":"sms","id":"conv-1"}}"#;
    for body in [order("conv-1").to_string(), spelled.to_owned()] {
        let again = send_as(&broker, &broker.token().await, "k-1", body).await;
        assert_eq!((again.status, again.is_replayed()), (StatusCode::CREATED, true));
        assert_eq!((&again.body, &again.headers["location"]), (&first.body, &first.headers["location"]));
    }
    assert_eq!((links(&broker).await.len(), broker.event_types().await), (1, events));
}

#[tokio::test]
async fn the_answer_is_as_it_was_whatever_became_of_the_link() {
    let broker = Harness::minimum("none").await;
    let first = send(&broker, "k-1", &order("conv-1")).await;
    Browser::new().sign_in(first.body["url"].as_str().unwrap()).await;
    assert_eq!(broker.status(&first.body).await["status"], "completed");
    assert_eq!(send(&broker, "k-1", &order("conv-1")).await.body, first.body);
    broker.clock.advance(Duration::from_hours(23));
    let late = send(&broker, "k-1", &order("conv-1")).await;
    assert_eq!((late.is_replayed(), late.body), (true, first.body));
}

#[tokio::test]
async fn another_order_with_the_same_key_is_refused() {
    let broker = Harness::start().await;
    let first = send(&broker, "k-1", &order("conv-1")).await;
    for other in [
        order("conv-2"),
        json!({"conversation": {"id": "conv-1", "channel": "sms"}}),
        json!({"conversation": {"id": "conv-1", "channel": "sms", "handle": "+15550100"}, "metadata": {"b": 1, "a": 2}, "expiresIn": 900}),
    ] {
        assert_eq!(send(&broker, "k-1", &other).await.problem(), (422, "key_reused"));
    }
    assert_eq!(links(&broker).await.len(), 1);
    let second = send(&broker, "k-2", &order("conv-1")).await;
    assert!(!second.is_replayed() && second.body["id"] != first.body["id"], "another key is another order");
}

#[tokio::test]
async fn a_key_belongs_to_its_client_and_its_tenant() {
    let secret = countersign::secret::Secret::new(BOT_SECRET);
    let hash =
        countersign::issuer::secret_hash::build(&secret, &countersign::clock::Clock::system()).unwrap();
    let tenant = format!(
        "[[client]]\nclient_id = \"other-bot\"\nsecret_hash = \"{hash}\"\n\
        grant_types = [\"client_credentials\"]\nscopes = [\"write:auth_links\"]\n"
    );
    let broker = Harness::with(Choices { tenant, ..Choices::default() }).await;
    let first = send(&broker, "k-1", &order("conv-1")).await;
    let body =
        json!({"grant_type": "client_credentials", "client_id": "other-bot", "client_secret": BOT_SECRET});
    let token = broker.plain(Method::POST, "/v1/oauth/token").json(&body).send().await.unwrap();
    let token: Value = token.json().await.unwrap();
    let other =
        send_as(&broker, token["access_token"].as_str().unwrap(), "k-1", order("conv-1").to_string()).await;
    assert!(!other.is_replayed() && other.body["id"] != first.body["id"], "{}", other.body);
}

#[tokio::test]
async fn after_a_day_the_key_is_free_again() {
    let broker = Harness::start().await;
    let first = send(&broker, "k-1", &order("conv-1")).await;
    broker.clock.advance(Duration::from_hours(24));
    let second = send(&broker, "k-1", &order("conv-2")).await;
    assert_eq!((second.status, second.is_replayed()), (StatusCode::CREATED, false));
    assert_ne!(second.body["id"], first.body["id"]);
    assert_eq!(send(&broker, "k-1", &order("conv-2")).await.body, second.body);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_before_anything_is_made() {
    let broker = Harness::start().await;
    let token = broker.token().await;
    let post = || broker.plain(Method::POST, "/v1/auth-links").bearer_auth(&token).json(&order("conv-1"));
    let long = "k".repeat(256);
    let cases = [
        post().header("idempotency-key", ""),
        post().header("idempotency-key", "a b"),
        post().header("idempotency-key", &b"\xc3\xa4"[..]),
        post().header("idempotency-key", &long),
        post().header("idempotency-key", "a").header("idempotency-key", "a"),
    ];
    for request in cases {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["code"], &body["faults"][0]["pointer"]),
            (&json!("malformed"), &json!("Idempotency-Key"))
        );
    }
    assert!(links(&broker).await.is_empty());
    assert_eq!(send(&broker, &"k".repeat(255), &order("conv-1")).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_order_that_was_refused_does_not_use_the_key() {
    let broker = Harness::start().await;
    let mut bad = order("conv-1");
    bad["provider"] = json!("nobody");
    for _ in 0..2 {
        assert_eq!(send(&broker, "k-1", &bad).await.problem(), (422, "invalid"));
    }
    assert_eq!(send(&broker, "k-1", &order("conv-1")).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn sixteen_equal_orders_at_once_make_one_link() {
    let broker = Arc::new(Harness::start().await);
    broker.token().await;
    let sent = (0..16).map(|_| {
        let broker = Arc::clone(&broker);
        tokio::spawn(async move { send(&broker, "k-1", &order("conv-1")).await })
    });
    let mut ids = std::collections::BTreeSet::new();
    let mut made = 0;
    for answer in sent.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        if answer.status == StatusCode::CREATED {
            made += usize::from(!answer.is_replayed());
            ids.insert(answer.body["id"].as_str().unwrap().to_owned());
        } else {
            assert_eq!(answer.problem(), (409, "still_running"));
            assert_eq!(answer.headers["retry-after"], "1");
        }
    }
    assert_eq!((made, ids.len(), links(&broker).await.len()), (1, 1, 1));
    assert!(send(&broker, "k-1", &order("conv-1")).await.is_replayed(), "and the key is not blocked");
    let types = broker.event_types().await;
    assert_eq!(types, ["auth.link_created"]);
}

#[tokio::test]
async fn a_killed_broker_leaves_link_and_key_or_neither() {
    let mut broker = Harness::process(Choices::default()).await;
    let first = send(&broker, "k-0", &order("conv-0")).await;
    broker.kill_and_start().await;
    let again = send(&broker, "k-0", &order("conv-0")).await;
    assert_eq!((again.is_replayed(), &again.body), (true, &first.body));
    for round in 1..4 {
        let (key, order) = (format!("k-{round}"), order(&format!("conv-{round}")));
        let request = broker.plain(Method::POST, "/v1/auth-links").bearer_auth(broker.token().await);
        let request = request.header("idempotency-key", &key).json(&order);
        let cut = tokio::spawn(request.send());
        tokio::time::sleep(Duration::from_millis(round)).await;
        broker.kill_and_start().await;
        cut.await.unwrap().ok();
        let answer = send(&broker, &key, &order).await;
        assert_eq!(answer.status, StatusCode::CREATED, "the key is not blocked: {}", answer.body);
        let listed = broker.get(&format!("/v1/auth-links?conversationId=conv-{round}")).await;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "one link, before or after the kill");
        assert_eq!(listed["items"][0]["id"], answer.body["id"]);
    }
}
