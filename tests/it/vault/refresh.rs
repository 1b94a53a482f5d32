//! A fresh token at the provider.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::harness::redis::{SAFE, Server};

/// Until less than a minute is left of a token that lives for an hour.
const NEARLY_AN_HOUR: Duration = Duration::from_mins(59).saturating_add(Duration::from_secs(30));

#[tokio::test]
async fn with_less_than_a_minute_left_the_token_is_refreshed_and_each_refresh_token_is_shown_once() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    for round in 1..=3 {
        world.broker().clock.advance(NEARLY_AN_HOUR);
        let told = world.ask(&contact).await;
        assert_eq!(told.token(), format!("canary-access-{}", round + 1));
        assert_eq!(told.body["scope"], "read", "what a refresh leaves out stays");
        assert_eq!(world.ask(&contact).await.token(), told.token(), "it is kept");
    }
    assert_eq!(world.seen(), ["canary-refresh-1", "canary-refresh-2", "canary-refresh-3"]);
    let asked = world.stage.provider.asked("/token").pop().unwrap();
    let form = asked.form();
    let names: Vec<_> = form.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["grant_type", "refresh_token", "client_id", "client_secret"], "and no scope");
}

#[tokio::test]
async fn a_provider_that_rotates_nothing_is_shown_the_same_refresh_token_again() {
    let mut world = World::with(Choices { minimum: "none", ..Choices::default() }, false).await;
    let contact = world.sign_in().await;
    for round in 1..=2 {
        world.broker().clock.advance(NEARLY_AN_HOUR);
        assert_eq!(world.ask(&contact).await.token(), format!("canary-access-{}", round + 1));
    }
    assert_eq!(world.seen(), ["canary-refresh-1", "canary-refresh-1"]);
}

/// Twenty callers; where the store is one for several brokers, at two of them.
async fn many_ask_at_once(store: Option<String>) {
    let has_two = store.is_some();
    let mut world = World::with(Choices { minimum: "none", store, ..Choices::default() }, true).await;
    let contact = world.sign_in().await;
    let beside = if has_two { Some(world.broker().beside().await) } else { None };
    for round in 1..=2 {
        world.broker().clock.advance(NEARLY_AN_HOUR);
        let token = vault_token(world.broker(), None).await;
        let host = world.broker().origin.trim_start_matches("http://").to_owned();
        let calls: Vec<_> = (0..20)
            .map(|number| {
                let (token, contact, host) = (token.clone(), contact.clone(), host.clone());
                let other = beside.as_ref().filter(|_| number % 2 == 1).map(|beside| beside.address.clone());
                let address = other.unwrap_or_else(|| world.broker().origin.clone());
                let body = json!({"provider": "acme", "conversationId": "conv-1"});
                tokio::spawn(async move { ask_at(&address, Some(&host), &token, &contact, body).await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap().token(), format!("canary-access-{}", round + 1));
        }
        assert_eq!(world.seen().len(), round, "one of them refreshed, the others read its result");
    }
    assert_eq!(world.audited().await.len(), 40);
    if let Some(beside) = beside {
        beside.stop().await;
    }
}

#[tokio::test]
async fn of_many_that_ask_at_once_one_refreshes() {
    many_ask_at_once(None).await;
}

#[tokio::test]
async fn of_many_that_ask_at_two_brokers_on_one_redis_one_refreshes() {
    let server = Server::start(SAFE);
    many_ask_at_once(Some(server.url())).await;
}

#[tokio::test]
async fn a_refresh_token_that_the_provider_takes_no_more_is_forgotten_and_the_customer_must_sign_in() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    world.memory.lock().unwrap().good = None;
    world.broker().clock.advance(NEARLY_AN_HOUR);
    assert_eq!(world.ask(&contact).await.refusal(), (409, "sign_in_again"));
    assert!(kept(world.broker()).await.is_empty());
    assert_eq!(world.ask(&contact).await.refusal(), (409, "sign_in_again"));
    assert_eq!(world.seen().len(), 1, "the provider is asked once");
    world.sign_in_at("conv-1", "acme").await;
    assert_eq!(world.ask(&contact).await.token(), "canary-access-2");
}

#[tokio::test]
async fn a_provider_that_fails_costs_nothing_that_is_kept() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    world.broker().clock.advance(NEARLY_AN_HOUR);
    let provider = &world.stage.provider;
    for (status, body) in [(500, "{}"), (200, "no json"), (401, r#"{"error": "invalid_client"}"#)] {
        provider.at("/token", move |_| Answer::with(status, "application/json", body));
        assert_eq!(world.ask(&contact).await.refusal(), (502, "provider_failed"), "{status} {body}");
    }
    issue_names(provider, &world.memory, true);
    assert_eq!(world.ask(&contact).await.token(), "canary-access-2", "the claim was given back");
    assert_eq!(world.seen(), ["canary-refresh-1"]);
}

#[tokio::test]
async fn a_provider_that_fails_for_everybody_is_asked_no_more_for_a_while() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    world.broker().clock.advance(NEARLY_AN_HOUR);
    world.stage.provider.at("/token", |_| Answer::with(500, "application/json", "{}"));
    for _ in 0..100 {
        let told = world.ask(&contact).await;
        match told.refusal() {
            (502, "provider_failed") => {}
            (503, "provider_out_of_order") => {
                let wait: u32 = told.headers["retry-after"].to_str().unwrap().parse().unwrap();
                assert!(wait >= 1);
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("the breaker never opened");
}

#[tokio::test]
async fn a_provider_that_says_nothing_ends_in_its_own_status() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    world.broker().clock.advance(NEARLY_AN_HOUR);
    world.stage.provider.at("/token", |_| Answer::Silence);
    assert_eq!(world.ask(&contact).await.refusal(), (504, "provider_timeout"));
}

#[tokio::test]
async fn without_a_refresh_token_a_token_is_handed_out_while_it_is_good() {
    let mut world = World::start().await;
    world.stage.provider.token(|told| told["access_token"] = "canary-access-only".into());
    let contact = world.sign_in().await;
    world.broker().clock.advance(NEARLY_AN_HOUR);
    assert_eq!(world.ask(&contact).await.token(), "canary-access-only");
    world.broker().clock.advance(Duration::from_mins(1));
    assert_eq!(world.ask(&contact).await.refusal(), (409, "sign_in_again"));
    assert!(world.seen().is_empty());
}

#[tokio::test]
async fn a_token_of_unknown_life_is_refreshed_after_some_minutes() {
    let mut world = World::start().await;
    world.stage.provider.token(|told| {
        told["refresh_token"] = "canary-refresh-x".into();
        told.as_object_mut().unwrap().shift_remove("expires_in");
    });
    world.memory.lock().unwrap().good = Some("canary-refresh-x".to_owned());
    let contact = world.sign_in().await;
    let told = world.ask(&contact).await;
    assert_eq!((told.token().is_empty(), &told.body["expiresAt"]), (false, &Value::Null));
    world.broker().clock.advance(Duration::from_mins(11));
    assert_eq!(world.ask(&contact).await.token(), "canary-access-1");
    assert_eq!(world.seen(), ["canary-refresh-x"]);
}

#[tokio::test]
async fn a_refresh_token_that_a_provider_gives_only_once_survives_the_next_sign_in() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    world.stage.provider.token(|told| told["access_token"] = "canary-access-next".into());
    assert_eq!(world.sign_in_at("conv-2", "acme").await, contact);
    assert_eq!(world.ask(&contact).await.token(), "canary-access-next", "the newer sign-in's, for both");
    world.broker().clock.advance(NEARLY_AN_HOUR);
    assert_eq!(world.ask(&contact).await.token(), "canary-access-2");
    assert_eq!(world.seen(), ["canary-refresh-1"]);
}

#[tokio::test]
async fn a_provider_that_was_set_up_anew_is_not_shown_the_refresh_token_of_before() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    let file = world.broker().tenant_file();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("/token\"", "/token?other=1\"", 1)).unwrap();
    world.stage.broker.restart().await;
    world.broker().clock.advance(NEARLY_AN_HOUR);
    assert_eq!(world.ask(&contact).await.refusal(), (409, "sign_in_again"));
    assert!(world.seen().is_empty());
}
