//! What a sign-in, an end, a merge and an erasure do to what is kept.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::*;
use crate::customers::Shop;
use crate::harness::{MAPPING, eventually};

#[tokio::test]
async fn at_the_end_of_the_conversation_its_tokens_are_deleted() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    assert_eq!(kept(world.broker()).await.len(), 1);
    world.broker().post("/v1/conversations/conv-1/end", json!({})).await;
    assert_eq!(world.ask(&contact).await.refusal(), (409, "not_verified"));
    assert!(kept(world.broker()).await.is_empty());
    world.sign_in_at("conv-1", "acme").await;
    assert_eq!(world.ask(&contact).await.token(), "canary-access-2");
}

#[tokio::test]
async fn another_conversation_of_the_same_person_keeps_them() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    assert_eq!(world.sign_in_at("conv-2", "acme").await, contact);
    world.broker().post("/v1/conversations/conv-2/end", json!({})).await;
    assert_eq!(world.ask(&contact).await.token(), "canary-access-2");
    world.broker().post("/v1/conversations/conv-1/end", json!({})).await;
    assert!(kept(world.broker()).await.is_empty());
}

#[tokio::test]
async fn another_address_in_the_conversation_is_another_person() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    let conversation = json!({"id": "conv-1", "channel": "sms", "handle": "+15550199"});
    world.broker().post("/v1/auth-links", json!({"provider": "acme", "conversation": conversation})).await;
    assert_eq!(world.ask(&contact).await.refusal(), (409, "not_verified"));
    assert!(kept(world.broker()).await.is_empty());
}

#[tokio::test]
async fn who_takes_a_provider_from_the_own_record_takes_its_tokens_along() {
    let provider = format!("{MAPPING}\ntrusted = [\"email\"]\nvault = true");
    let choices = Choices { minimum: "none", provider, ..Choices::default() };
    let shop = Shop::of("merge_by_email = true", choices).await;
    crate::api::sign_in(shop.broker(), "conv-1", "billy").await;
    let billy = shop.token("billy.bob@example.com").await;
    assert_eq!(kept(shop.broker()).await.len(), 1);
    let known = shop.get(&billy, "sign-ins").await.data()["signIns"].clone();
    let is_provider = |one: &&Value| one["kind"] == "provider";
    let there = known.as_array().unwrap().iter().find(is_provider).unwrap();
    let path = format!("sign-ins/{}", there["id"].as_str().unwrap());
    shop.call(&billy, Method::DELETE, &path, None).await.data();
    assert!(kept(shop.broker()).await.is_empty());
}

#[tokio::test]
async fn when_the_time_of_a_conversation_is_over_nothing_is_left() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    world.broker().clock.advance(Duration::from_hours(12));
    assert_eq!(world.ask(&contact).await.refusal(), (409, "not_verified"));
    eventually("the tokens are deleted", async || kept(world.broker()).await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn an_erased_person_has_no_tokens() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    let (status, _) = world.broker().api(Method::DELETE, &format!("/v1/contacts/{contact}"), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(world.ask(&contact).await.refusal(), (404, "not_found"));
    assert!(kept(world.broker()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_person_who_is_erased_during_a_refresh_has_no_tokens_afterwards() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    world.broker().clock.advance(Duration::from_hours(1));
    let ((began, begins), (go, goes)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
    let goes = Mutex::new(goes);
    let began = Mutex::new(began);
    world.stage.provider.at("/token", move |_| {
        began.lock().unwrap().send(()).unwrap();
        tokio::task::block_in_place(|| goes.lock().unwrap().recv().unwrap());
        let told = json!({"access_token": "canary-access-late", "refresh_token": "canary-refresh-late", "token_type": "bearer"});
        Answer::json(&told)
    });
    let erase = async {
        tokio::task::spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
        let erased = world.broker().api(Method::DELETE, &format!("/v1/contacts/{contact}"), None).await;
        assert_eq!(erased.0, StatusCode::NO_CONTENT);
        go.send(()).unwrap();
    };
    let (told, ()) = tokio::join!(world.ask(&contact), erase);
    assert_eq!(told.refusal(), (404, "not_found"));
    assert!(kept(world.broker()).await.is_empty());
}

#[tokio::test]
async fn a_merged_contact_answers_with_the_tokens_of_both_ids() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    let other = world.sign_in_at("conv-2", "other").await;
    world.broker().post(&format!("/v1/contacts/{other}/merge"), json!({"from": contact})).await;
    for id in [&contact, &other] {
        assert_eq!(world.ask(id).await.token(), "canary-access-1");
        let body = json!({"provider": "other", "conversationId": "conv-2"});
        assert_eq!(world.ask_with(id, body).await.token(), "canary-access-2");
    }
    let names = kept(world.broker()).await;
    assert!(names.len() == 2 && names.iter().all(|name| name.contains(&other)), "{names:?}");
    let (status, _) = world.broker().api(Method::DELETE, &format!("/v1/contacts/{contact}"), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(kept(world.broker()).await.is_empty());
}

#[tokio::test]
async fn two_people_at_one_provider_who_become_one_contact_keep_the_newer_tokens_for_their_own_chat() {
    let mut world = World::start().await;
    let billy = world.sign_in().await;
    world.stage.provider.person(|told| told["sub"] = "amelie-2".into());
    let amelie = world.sign_in_at("conv-2", "acme").await;
    world.broker().post(&format!("/v1/contacts/{billy}/merge"), json!({"from": amelie})).await;
    let at = |conversation: &str| json!({"provider": "acme", "conversationId": conversation});
    assert_eq!(world.ask_with(&billy, at("conv-2")).await.token(), "canary-access-2");
    let told = world.ask_with(&billy, at("conv-1")).await;
    assert_eq!(told.refusal(), (409, "sign_in_again"), "those are another account's tokens");
    assert_eq!(kept(world.broker()).await.len(), 1);
}
