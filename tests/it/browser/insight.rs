//! Overview, attempts, binding policy and web chat, each in every state that an admin may see, looked at closely.

use countersign::cli::demo::provider::Trick;
use countersign::domain::staff::Role;
use serde_json::{Value, json};

use super::inspector::Inspector;
use crate::harness::Harness;
use crate::harness::browser::Browser;
use crate::stored::{HOST, World};

/// What was opened is refused on purpose: Chromium says so, and that is no fault of the page.
async fn look_at_refused(inspector: &mut Inspector, url: &str, name: &str) {
    inspector.browser.open(url).await;
    inspector.look_at_refusal(name).await;
}

async fn link(broker: &Harness, id: &str, channel: &str) -> Value {
    let conversation = json!({"id": id, "channel": channel, "handle": "+15550100"});
    broker.link_with(id, json!({"conversation": conversation})).await
}

async fn sign_in(broker: &Harness, id: &str, channel: &str) -> String {
    let link = link(broker, id, channel).await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    attempt_of(broker, &link).await
}

async fn attempt_of(broker: &Harness, link: &Value) -> String {
    let query = format!("/v1/attempts?authLinkId={}", link["id"].as_str().unwrap());
    broker.get(&query).await["items"][0]["id"].as_str().unwrap().to_owned()
}

async fn fail(broker: &Harness, id: &str, trick: Trick) -> String {
    let link = link(broker, id, "sms").await;
    broker.provider.script(trick);
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    attempt_of(broker, &link).await
}

#[tokio::test]
async fn the_overview_is_fit_to_be_seen_with_and_without_figures_and_in_trouble() {
    let broker = Harness::minimum("none").await;
    let mut inspector = Inspector::signed_in(&broker, Role::Admin).await;
    inspector.look_at(&broker, "/admin", "overview-empty").await;
    for (number, channel) in ["sms", "whatsapp", "sms", "webchat"].into_iter().enumerate() {
        sign_in(&broker, &format!("conv-{number}"), channel).await;
    }
    link(&broker, "unopened", "sms").await;
    fail(&broker, "secret", Trick::TokenInvalidClient).await;
    fail(&broker, "denied", Trick::Deny).await;
    inspector.look_at(&broker, "/admin", "overview-full").await;
    inspector.look_at(&broker, "/admin?period=24h", "overview-day").await;
    for number in 0..5 {
        fail(&broker, &format!("down-{number}"), Trick::TokenError).await;
    }
    inspector.look_at(&broker, "/admin", "overview-unhealthy").await;
}

#[tokio::test]
async fn attempts_are_fit_to_be_seen_as_a_list_and_one_by_one() {
    let broker = Harness::start().await;
    let mut inspector = Inspector::signed_in(&broker, Role::Admin).await;
    inspector.look_at(&broker, "/admin/attempts", "attempts-empty").await;
    let waits = sign_in(&broker, "waits", "sms").await;
    let failed = fail(&broker, "secret", Trick::TokenInvalidClient).await;
    fail(&broker, "denied", Trick::Deny).await;
    let opened = link(&broker, "away", "whatsapp").await;
    Browser::new().open(opened["url"].as_str().unwrap()).await;
    let away = attempt_of(&broker, &opened).await;
    inspector.look_at(&broker, "/admin/attempts", "attempts-list").await;
    inspector.look_at(&broker, "/admin/attempts?status=completed", "attempts-none-found").await;
    let refused = format!("{}/admin/attempts?from=yesterday&link=x", broker.origin);
    look_at_refused(&mut inspector, &refused, "attempts-filter-at-fault").await;
    for (id, name) in [(waits, "attempt-waiting"), (failed, "attempt-failed"), (away, "attempt-away")] {
        inspector.look_at(&broker, &format!("/admin/attempts/{id}"), name).await;
    }
    let missing = format!("{}/admin/attempts/at_{}", broker.origin, "0".repeat(32));
    look_at_refused(&mut inspector, &missing, "attempt-missing").await;
}

#[tokio::test]
async fn the_binding_policy_is_fit_to_be_seen_and_changed_by_the_keyboard_alone() {
    let file = Harness::minimum("none").await;
    let mut inspector = Inspector::signed_in(&file, Role::Admin).await;
    inspector.look_at(&file, "/admin/binding", "binding-in-a-file").await;
    let world: World = crate::insight::binding::shop(json!({"minimum": "code"})).await;
    let origin = world.broker.origin.replace("127.0.0.1", HOST);
    inspector.browser.hold_staff_at(&world.broker, HOST, Role::Admin).await;
    let url = format!("{origin}/admin/binding");
    inspector.browser.open(&url).await;
    inspector.look("binding-policy").await;
    inspector.browser.fill("#binding-sms", "Nothing").await;
    inspector.browser.fill("button[value=preview]", "\u{e007}").await;
    inspector.browser.see("p.notice[role=status]").await;
    inspector.look("binding-preview").await;
    inspector.browser.fill("button[value=save]", "\u{e007}").await;
    inspector.browser.see("#binding-accept_none-fault").await;
    inspector.browser.console().await;
    inspector.look("binding-at-fault").await;
    let focused = "return document.activeElement.hasAttribute('data-focus')";
    let focused = inspector.browser.driver().execute(focused, vec![]).await.unwrap();
    assert_eq!(focused.json(), &json!(true), "what is wrong is read first");
    inspector.browser.fill("#binding-accept_none", " ").await;
    crate::insight::binding::change_elsewhere(&world).await;
    inspector.browser.fill("button[value=save]", "\u{e007}").await;
    inspector.browser.see("#conflict-caption").await;
    inspector.browser.console().await;
    inspector.look("binding-conflict").await;
    inspector.browser.fill("button[value=save]", "\u{e007}").await;
    inspector.browser.see("p.notice.good").await;
    inspector.look("binding-saved").await;
}

#[tokio::test]
async fn the_pages_of_the_web_chat_are_fit_to_be_seen_and_changed_by_the_keyboard_alone() {
    let file = Harness::minimum("none").await;
    let mut inspector = Inspector::signed_in(&file, Role::Admin).await;
    inspector.look_at(&file, "/admin/webchat", "webchat-in-a-file").await;
    let world: World = crate::insight::webchat::shop(&["https://www.shop.example"]).await;
    let origin = world.broker.origin.replace("127.0.0.1", HOST);
    inspector.browser.hold_staff_at(&world.broker, HOST, Role::Admin).await;
    inspector.browser.open(&format!("{origin}/admin/webchat")).await;
    inspector.look("webchat").await;
    inspector.browser.fill("#webchat-origins", "\u{e007}https://www.shop.example/chat").await;
    inspector.browser.fill("form.in-form button.primary", "\u{e007}").await;
    inspector.browser.see("#webchat-origins-fault").await;
    inspector.browser.console().await;
    inspector.look("webchat-at-fault").await;
    let short = "\u{e008}\u{e008}\u{e008}\u{e008}\u{e008}";
    inspector.browser.fill("#webchat-origins", short).await;
    crate::insight::webchat::change_elsewhere(&world, "https://other.example").await;
    inspector.browser.fill("form.in-form button.primary", "\u{e007}").await;
    inspector.browser.see(".notice.warn").await;
    inspector.browser.console().await;
    inspector.look("webchat-conflict").await;
}
