//! The real program, killed in the middle of a sign-in that the channel vouches for: what it said to the phone or the
//! browser holds, and the channel's word completes it afterwards.

use reqwest::Method;
use serde_json::{Value, json};

use super::messages_app::Page;
use super::messenger_world::{self, brought, linked};
use super::world::{AppleWorld, BILLY, BUSINESS, apple, is_success};
use crate::harness::{Choices, Harness};

async fn process(settings: &str) -> AppleWorld {
    let choices = Choices { tenant: apple(settings), ..Choices::default() };
    AppleWorld { broker: Harness::process(choices).await }
}

/// The sign-in is complete, once, and nothing is half done.
async fn assert_native(broker: &Harness, link: &Value) {
    let done = broker.status(link).await;
    assert_eq!((&done["status"], &done["binding"]["reached"]), (&json!("completed"), &json!("native")));
    let types = broker.event_types().await;
    for kind in ["auth.provisional", "contact.created", "auth.completed"] {
        assert_eq!(types.iter().filter(|found| *found == kind).count(), 1, "{kind}: {types:?}");
    }
    let contacts = broker.contacts().await;
    assert_eq!((contacts.len(), &contacts[0]["id"]), (1, &done["contactId"]));
    assert_eq!(broker.get("/v1/conversations/conv-1").await["verified"], true);
    assert_eq!(broker.provider.counters().token, 1, "the code was exchanged once");
}

#[tokio::test]
async fn killed_at_every_step_of_apples_newer_sign_in_the_reply_still_completes_it() {
    let mut world = process("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    world.broker.kill_and_start().await;
    let mut opened = world.press(&BILLY, &link).await;
    world.broker.kill_and_start().await;
    let page = opened.sign_in("allow").await;
    assert!(is_success(&page), "{page:?}");
    world.broker.kill_and_start().await;
    let reply = BILLY.reply(BUSINESS, &opened.sheet, &page);
    assert_eq!(world.post(&reply).await.1["items"][0]["matched"], true);
    assert_native(&world.broker, &link).await;
    world.broker.kill_and_start().await;
    assert_eq!(world.post(&reply).await.1["items"][0]["matched"], false, "and once only");
    assert_native(&world.broker, &link).await;
}

#[tokio::test]
async fn killed_between_the_code_and_the_token_of_apples_older_sign_in_both_still_count() {
    let mut world = process("flow = \"v1\"").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    let Page::Caught { code } = opened.sign_in("allow").await else { panic!("the code was not caught") };
    world.broker.kill_and_start().await;
    let form = opened.sheet.redeem("countersign", &code);
    let post = world.broker.plain(Method::POST, "/web/inbound/abc/oauth/token");
    let post = post.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer: Value = post.send().await.unwrap().json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("no token but {answer}"));
    world.broker.kill_and_start().await;
    let reply = BILLY.reply_with(BUSINESS, &opened.sheet, token);
    assert_eq!(world.post(&reply).await.1["items"][0]["matched"], true);
    assert_native(&world.broker, &link).await;
}

#[tokio::test]
async fn killed_before_facebook_tells_who_came_back_its_word_still_completes_the_sign_in() {
    let choices = Choices::default();
    let mut world = messenger_world::start_as(choices, async |choices| Harness::process(choices).await).await;
    let link = world.link("conv-1", "BILLY").await;
    let (mut view, answer) = world.go_on("BILLY", &link).await;
    world.broker.kill_and_start().await;
    let callback = view.sign_in_at_provider(&answer.location(), "allow").await;
    let code = brought(&view.get(&callback).await.location());
    world.broker.kill_and_start().await;
    assert_eq!(world.tells(&[linked("BILLY", &code, world.now())]).await.1["items"][0]["matched"], true);
    assert_native(&world.broker, &link).await;
}
