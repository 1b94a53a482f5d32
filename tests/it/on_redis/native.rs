//! Sign-ins that the channel vouches for, over two brokers on one Redis: the message is made at one, the sheet or the
//! browser is sent to the other, and the channel's webhook reaches the first again, as behind a load balancer.

use countersign::domain::conversation::Channel;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::channel::messages_app::Page;
use crate::channel::messenger_world::{self, brought, linked};
use crate::channel::world::{AppleWorld, BILLY, BUSINESS, apple, is_success};
use crate::harness::browser::Browser;
use crate::harness::redis::{SAFE, Server};
use crate::harness::{Beside, Choices, Harness};

/// A world whose tenant signs in at Apple, and a second broker.
async fn two(server: &Server, settings: &str) -> (AppleWorld, Beside) {
    let choices = Choices { tenant: apple(settings), store: Some(server.url()), ..Choices::default() };
    let world = AppleWorld::with(choices).await;
    let second = world.broker.beside().await;
    (world, second)
}

/// A web view whose requests reach the second broker.
fn sent_to(second: &Beside, first: &Harness) -> Browser {
    let mut view = Browser::new();
    view.detour(&first.origin, &second.address);
    view
}

/// The link is complete at both, once, and the contact is there once.
async fn assert_native(first: &Harness, second: &Beside, link: &Value) {
    let token = first.token().await;
    let path = format!("/v1/auth-links/{}", link["id"].as_str().unwrap());
    let there = second.api(&token, Method::GET, &path, None).await.1;
    for told in [first.status(link).await, there] {
        assert_eq!((&told["status"], &told["binding"]["reached"]), (&json!("completed"), &json!("native")));
    }
    let types = first.event_types().await;
    for kind in ["auth.opened", "auth.provisional", "contact.created", "auth.completed"] {
        assert_eq!(types.iter().filter(|found| *found == kind).count(), 1, "{kind}: {types:?}");
    }
    assert_eq!((first.provider.counters().token, first.contacts().await.len()), (1, 1));
}

#[tokio::test]
async fn apples_newer_sheet_is_served_by_another_broker_than_its_message_and_its_reply() {
    let server = Server::start(SAFE);
    let (world, second) = two(&server, "").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press_in(sent_to(&second, &world.broker), &BILLY, &link).await;
    let back = opened.reach_callback("allow").await;
    let page = opened.arrive(&back).await;
    assert!(is_success(&page), "{page:?}");
    // A sheet arrives once: a second time is worth nothing, at whichever broker, and takes nothing away.
    opened.view.detour(&world.broker.origin, &world.broker.origin);
    assert!(!is_success(&opened.arrive(&back).await));
    assert_eq!(world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await.1["items"][0]["matched"], true);
    assert_native(&world.broker, &second, &link).await;
}

#[tokio::test]
async fn apples_older_code_is_redeemed_at_another_broker_than_its_message_and_its_reply() {
    let server = Server::start(SAFE);
    let (world, second) = two(&server, "flow = \"v1\"").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press_in(Browser::new(), &BILLY, &link).await;
    opened.view.detour(&world.broker.origin, &second.address);
    let Page::Caught { code } = opened.sign_in("allow").await else { panic!("the code was not caught") };
    let form = opened.sheet.redeem("countersign", &code);
    let post = second.request(Method::POST, "/web/inbound/abc/oauth/token");
    let post = post.header("content-type", "application/x-www-form-urlencoded").body(form.clone());
    let answer: Value = post.send().await.unwrap().json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("no token but {answer}"));
    // What was redeemed at one is spent at the other.
    let again = world.broker.plain(Method::POST, "/web/inbound/abc/oauth/token");
    let again = again.header("content-type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(again.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    let reply = BILLY.reply_with(BUSINESS, &opened.sheet, token);
    assert_eq!(world.post(&reply).await.1["items"][0]["matched"], true);
    assert_native(&world.broker, &second, &link).await;
}

#[tokio::test]
async fn who_presses_log_in_at_one_broker_comes_back_at_another_and_is_told_of_at_the_first() {
    let server = Server::start(SAFE);
    let choices = Choices { store: Some(server.url()), ..Choices::default() };
    let world = messenger_world::start_as(choices, async |choices| Harness::with(choices).await).await;
    let second = world.broker.beside().await;
    let link = world.link("conv-1", "BILLY").await;
    let view = sent_to(&second, &world.broker);
    let (mut view, answer) = world.go_on_in(view, "BILLY", &link).await;
    let callback = view.sign_in_at_provider(&answer.location(), "allow").await;
    let code = brought(&view.get(&callback).await.location());
    assert_eq!(world.broker.status(&link).await["status"], "provisional");
    let told = world.tells(&[linked("BILLY", &code, world.now())]).await;
    assert_eq!(told.1["items"][0]["matched"], true, "{told:?}");
    assert_native(&world.broker, &second, &link).await;
}

#[tokio::test]
async fn a_reply_that_reaches_two_brokers_at_once_counts_once() {
    let server = Server::start(SAFE);
    let (world, second) = two(&server, "").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    let reply = BILLY.reply(BUSINESS, &opened.sheet, &page);
    let token = world.broker.token().await;
    let path = format!("/v1/inbound/{}", Channel::Apple);
    let (here, there) =
        tokio::join!(world.post(&reply), second.api(&token, Method::POST, &path, Some(reply.clone())));
    assert_eq!((here.0, there.0), (StatusCode::OK, StatusCode::OK));
    let matched = [&here.1, &there.1].iter().filter(|told| told["items"][0]["matched"] == true).count();
    assert_eq!(matched, 1, "{here:?} {there:?}");
    assert_native(&world.broker, &second, &link).await;
}
