//! Several brokers on one Redis: each goes on where another one was.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::on;
use crate::harness::browser::Browser;
use crate::harness::redis::{SAFE, Server};
use crate::stream::Stream;

/// Longer than anything takes that does not wait to its end.
const SOON: Duration = Duration::from_secs(40);

#[tokio::test]
async fn a_link_that_was_opened_at_one_broker_comes_back_at_another_and_is_confirmed_at_a_third() {
    let server = Server::start(SAFE);
    let first = on(&server, "code").await;
    let (second, third) = (first.beside().await, first.beside().await);
    let link = first.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    browser.detour(&first.origin, &second.address);
    let page = browser.arrive(&callback).await;
    let code = page.code().unwrap_or_else(|| panic!("no code in {}", page.html));
    let token = first.token().await;
    let message = json!({"conversationId": "conv-1", "channel": "sms", "from": "+15550100", "text": code});
    let (status, said) = third.api(&token, Method::POST, "/v1/inbound/messages", Some(message)).await;
    assert_eq!((status, &said["matched"]), (StatusCode::OK, &json!(true)), "{said}");
    for at in [&second, &third] {
        let path = format!("/v1/auth-links/{}", link["id"].as_str().unwrap());
        assert_eq!(at.api(&token, Method::GET, &path, None).await.1["status"], "completed");
    }
    assert_eq!(first.status(&link).await["profile"]["email"], "billy.bob@example.com");
    let types = first.event_types().await;
    let wanted =
        ["auth.link_created", "auth.opened", "auth.provisional", "contact.created", "auth.completed"];
    assert!(wanted.iter().all(|kind| types.iter().filter(|found| found == kind).count() == 1), "{types:?}");
    assert_eq!(first.provider.counters().token, 1);
}

#[tokio::test]
async fn fifty_equal_callbacks_over_two_brokers_are_one_login() {
    let server = Server::start(SAFE);
    let first = on(&server, "none").await;
    let second = first.beside().await;
    let link = first.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    let mut elsewhere = browser.clone();
    elsewhere.detour(&first.origin, &second.address);
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let mut browser = if number % 2 == 0 { browser.clone() } else { elsewhere.clone() };
            let callback = callback.clone();
            tokio::spawn(async move { browser.get(&callback).await.status })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::SEE_OTHER);
    }
    let seen = first.provider.counters();
    assert_eq!((seen.token, seen.whoami), (1, 1));
    let types = first.event_types().await;
    for kind in ["auth.completed", "contact.created"] {
        assert_eq!(types.iter().filter(|found| *found == kind).count(), 1, "{types:?}");
    }
    let contacts = first.contacts().await;
    assert_eq!((contacts.len(), &contacts[0]["version"]), (1, &json!(1)));
}

#[tokio::test]
async fn customer_numbers_are_given_once_however_many_brokers_give_them() {
    let server = Server::start(SAFE);
    let first = on(&server, "none").await;
    let second = first.beside().await;
    for (number, person) in ["billy", "amelie"].into_iter().enumerate() {
        let link = first.link(&format!("conv-{number}")).await;
        let mut browser = Browser::new();
        let opened = browser.open(link["url"].as_str().unwrap()).await;
        let login = browser.get(&opened.location()).await;
        let consent = browser.submit(&login, &login.form(), &[("person", person)]).await;
        let done = browser.submit(&consent, &consent.form(), &[("decision", "allow")]).await;
        if number == 1 {
            browser.detour(&first.origin, &second.address);
        }
        assert_eq!(browser.arrive(&done.location()).await.status, StatusCode::OK);
    }
    let contacts = first.contacts().await;
    assert_eq!(contacts.len(), 2, "{contacts:?}");
    assert_ne!(contacts[0]["customerNumber"], contacts[1]["customerNumber"]);
}

#[tokio::test]
async fn what_one_broker_does_is_heard_on_the_streams_of_all_of_them_once_and_in_order() {
    let server = Server::start(SAFE);
    let first = on(&server, "none").await;
    let second = first.beside().await;
    let token = first.token().await;
    let path = "/v1/events/stream?after=0";
    let mut here = Stream::open(first.plain(Method::GET, path).bearer_auth(&token)).await;
    let mut there = Stream::open(second.request(Method::GET, path).bearer_auth(&token)).await;
    first.link("conv-1").await;
    let order = json!({"conversation": {"id": "conv-2", "channel": "sms", "handle": "+15550100"}});
    let (status, _) = second.api(&token, Method::POST, "/v1/auth-links", Some(order)).await;
    assert_eq!(status, StatusCode::CREATED);
    let listed = first.get("/v1/events").await["items"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    for stream in [&mut here, &mut there] {
        for event in listed.as_array().unwrap() {
            assert_eq!(stream.event().await.as_ref(), Some(event));
        }
    }
}

#[tokio::test]
async fn who_waits_at_one_broker_hears_of_what_another_one_did() {
    let server = Server::start(SAFE);
    let first = on(&server, "none").await;
    let second = first.beside().await;
    let (token, link) = (first.token().await, first.link("conv-1").await);
    let id = link["id"].as_str().unwrap();
    let path = format!("/v1/auth-links/{id}?wait=60&status=created");
    let waiting = second.api(&token, Method::GET, &path, None);
    let cancel = async {
        let (status, _) = first.api(Method::POST, &format!("/v1/auth-links/{id}/cancel"), None).await;
        assert_eq!(status, StatusCode::OK);
    };
    let both = async { tokio::join!(waiting, cancel).0 };
    let (status, told) = tokio::time::timeout(SOON, both).await.expect("it does not wait to the end");
    assert_eq!((status, &told["status"]), (StatusCode::OK, &json!("cancelled")), "{told}");
}
