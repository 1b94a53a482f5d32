//! Robots at the pages of sign-ins that the channel vouches for: Apple's authorize URL, whose GET begins a sign-in, and
//! the page that Messenger's *Log In* opens. Neither stands in a message's text, but people copy addresses into chats.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::messenger_world;
use super::visitors::{look, robots};
use super::world::{AppleWorld, BILLY, BUSINESS, is_success};
use crate::harness::page;

/// Path and query of an address.
fn path(url: &url::Url) -> String {
    format!("{}?{}", url.path(), url.query().unwrap())
}

#[tokio::test]
async fn robots_spend_no_message_of_apples_before_its_sheet_is_opened_or_while_it_is() {
    for settings in ["", "flow = \"v1\""] {
        let world = AppleWorld::start(settings).await;
        let link = world.link("conv-1", &BILLY, json!({})).await;
        let sheet = BILLY.press(&link["message"]["payload"], &world.registered());
        let address = path(&sheet.unwrap_or_else(|fault| panic!("{fault}")).url);
        for robot in robots() {
            look(&world.broker, &address, &robot).await;
        }
        assert_eq!(world.status(&link).await["status"], "created");
        assert_eq!(world.broker.event_types().await, ["auth.link_created"], "nothing is told of robots");
        assert!(world.broker.provider.authorize_requests().is_empty());
        // The customer's sheet is the first that opens it, and goes on as if nobody had looked.
        let mut opened = world.press(&BILLY, &link).await;
        assert_eq!(opened.answer.status, StatusCode::SEE_OTHER, "{}", opened.answer.html);
        let request = world.broker.plain(Method::HEAD, &address).header("user-agent", &robots()[0]);
        assert!(request.send().await.unwrap().headers().get("set-cookie").is_none());
        let back = opened.reach_callback("allow").await;
        for robot in robots() {
            let request = world.broker.plain(Method::GET, &path(&back)).header("user-agent", robot);
            let early = request.header("sec-purpose", "prefetch").send().await.unwrap();
            assert_eq!(early.status(), StatusCode::NO_CONTENT);
        }
        assert_eq!(world.broker.provider.counters().token, 0);
        if settings.is_empty() {
            let page = opened.arrive(&back).await;
            assert!(is_success(&page), "{page:?}");
            let reply = BILLY.reply(BUSINESS, &opened.sheet, &page);
            assert_eq!(world.post(&reply).await.1["items"][0]["matched"], true);
        }
    }
}

#[tokio::test]
async fn whoever_is_taken_for_a_robot_at_apples_page_presses_a_button_instead() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let sheet = BILLY.press(&link["message"]["payload"], &world.registered());
    let sheet = sheet.unwrap_or_else(|fault| panic!("{fault}"));
    let request = world.broker.plain(Method::GET, &path(&sheet.url)).header("user-agent", "Applebot/0.1");
    let shown = request.send().await.unwrap();
    assert_eq!((shown.status(), shown.headers().get("set-cookie")), (StatusCode::OK, None));
    let html = shown.text().await.unwrap();
    assert!(html.contains("content=\"Sign in to continue your chat\"") && !html.contains("MBID"), "{html}");
    let forms = page::forms(&html);
    assert_eq!((forms.len(), forms[0].action.as_str()), (1, path(&sheet.url).as_str()));
    let foreign = world.broker.plain(Method::POST, &path(&sheet.url)).header("sec-fetch-site", "cross-site");
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN, "no other page presses it");
    assert_eq!(world.status(&link).await["status"], "created");
    let press = world.broker.plain(Method::POST, &path(&sheet.url)).header("sec-fetch-site", "same-origin");
    let pressed = press.send().await.unwrap();
    assert_eq!(pressed.status(), StatusCode::SEE_OTHER);
    assert!(pressed.headers().contains_key("set-cookie"));
    assert_eq!(world.status(&link).await["status"], "opened");
}

#[tokio::test]
async fn a_robot_with_a_made_up_address_of_apples_learns_nothing() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let sheet = BILLY.press(&link["message"]["payload"], &world.registered());
    let mut address = path(&sheet.unwrap_or_else(|fault| panic!("{fault}")).url);
    address.push('x');
    let request = world.broker.plain(Method::GET, &address).header("user-agent", "Twitterbot/1.0");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn robots_spend_nothing_at_the_page_that_log_in_opens() {
    let world = messenger_world::start().await;
    let link = world.link("conv-1", "BILLY").await;
    let (mut view, page, url) = world.press("BILLY", &link).await;
    for robot in robots() {
        look(&world.broker, &path(&url), &robot).await;
    }
    assert_eq!(world.broker.status(&link).await["status"], "created");
    assert_eq!(world.broker.event_types().await, ["auth.link_created"]);
    let answer = view.submit(&page, &page.form(), &[]).await;
    for robot in robots() {
        look(&world.broker, &path(&url), &robot).await;
    }
    let callback = view.sign_in_at_provider(&answer.location(), "allow").await;
    let back = view.get(&callback).await.location();
    assert_eq!(world.comes_back(&back).await.1["items"][0]["matched"], true);
    assert_eq!(world.broker.provider.authorize_requests().len(), 1);
}
