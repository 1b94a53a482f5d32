//! Several brokers on one Redis: each goes on where another one was.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::on;
use crate::harness::browser::Browser;
use crate::harness::redis::{SAFE, Server};

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
