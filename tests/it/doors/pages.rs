//! The pages of this area in a real browser, in every look and with axe-core; and the way in by the keyboard.

use std::time::Duration;

use countersign::domain::staff::{Role, SignedInBy};
use countersign::flow::staff::session::Browser as Letting;
use reqwest::Method;
use serde_json::json;
use thirtyfour::Key;

use super::{Office, another, code_of};
use crate::browser::inspector::Inspector;
use crate::harness::scripted::Scripted;
use crate::harness::staff::ADMIN;
use crate::harness::{Choices, Harness, eventually};
use crate::stored::{HOST, If, World};

#[tokio::test]
async fn the_way_in_by_a_code_is_fit_to_be_seen_and_to_be_typed() {
    let office = Office::start().await;
    let mut inspector = Inspector::start().await;
    inspector.look_at(&office.broker, "/signin?next=/account", "signin").await;
    let field = inspector.browser.see("#email").await;
    // What a browser takes for an address need not be one.
    let long = format!("{}@acme.example", "a".repeat(65));
    field.send_keys(long + Key::Return).await.unwrap();
    inspector.browser.see("#email-fault").await;
    inspector.look_at_refusal("signin-fault").await;
    let field = inspector.browser.see("#email").await;
    field.clear().await.unwrap();
    field.send_keys(ADMIN.to_owned() + Key::Return).await.unwrap();
    inspector.browser.see("#code").await;
    inspector.look("signin-code").await;
    let code = code_of(&office.letter(0).await);
    let field = inspector.browser.see("#code").await;
    field.send_keys(another(&code) + Key::Return).await.unwrap();
    inspector.browser.see("#code-fault").await;
    // The page's script moves the focus once it is loaded.
    eventually("the fault is read first", async || {
        let focus = inspector.browser.driver().active_element().await.ok()?;
        focus.text().await.ok()?.contains("That is not the code").then_some(())
    })
    .await;
    inspector.look_at_refusal("signin-code-fault").await;
    let field = inspector.browser.see("#code").await;
    field.send_keys(code + Key::Return).await.unwrap();
    inspector.browser.see("#zone").await;
    assert_eq!(inspector.browser.url().await.path(), "/account");
    inspector.browser.command("Network.clearBrowserCookies", json!({})).await;
    inspector.browser.open(office.url("/signin").as_str()).await;
    let field = inspector.browser.see("#email").await;
    field.send_keys(ADMIN.to_owned() + Key::Return).await.unwrap();
    let field = inspector.browser.see("#code").await;
    office.broker.clock.advance(Duration::from_mins(11));
    field.send_keys("123456" + Key::Return).await.unwrap();
    inspector.browser.see("a[href='/signin']").await;
    inspector.look_at_refusal("signin-code-over").await;
}

#[tokio::test]
async fn the_way_by_a_provider_passes_the_policy_of_the_page() {
    let provider = Scripted::start().await;
    let (block, listed) = (provider.by_issuer(""), provider.listed());
    provider.person(|told| told["email"] = json!(ADMIN));
    let choices = Choices { provider_block: Some(block), allow: vec![listed], ..Choices::default() };
    let broker = Harness::with(choices).await;
    let mut inspector = Inspector::start().await;
    inspector.look_at(&broker, "/signin?next=/account", "signin-without-mail").await;
    inspector.browser.press("form[action='/signin/provider'] button").await;
    inspector.browser.see("#zone").await;
    assert_eq!(inspector.browser.url().await.path(), "/account");
    assert!(inspector.browser.console().await.is_empty());

    provider.person(|told| told["email"] = json!("billy@example.com"));
    let mut stranger = inspector;
    stranger.browser.command("Network.clearBrowserCookies", json!({})).await;
    stranger.browser.open(&format!("{}/signin", broker.origin)).await;
    stranger.browser.press("form[action='/signin/provider'] button").await;
    stranger.browser.see("code").await;
    assert!(stranger.browser.url().await.path().starts_with("/signin/refused/"));
    stranger.look_at_refusal("signin-refused").await;
}

#[tokio::test]
async fn what_an_admin_sees_of_the_staff_is_fit_to_be_seen() {
    let world = World::start().await;
    let broker = world.broker.broker();
    let hostile = "<img src=x onerror=alert(1)>\u{202e}Dana Veryveryveryverylongname-Withoutanyspaceatall";
    for (email, role, name) in [("dana@shop.example", "admin", hostile), ("ari@shop.example", "agent", "Ari")]
    {
        let sent = json!({"email": email, "role": role, "name": name});
        world.call(Method::POST, "/v1/staff", If::Nothing, Some(sent)).await.is(201);
    }
    let tenant = broker.tenant_at(HOST).unwrap();
    let mut inspector = Inspector::start().await;
    let origin = world.broker.origin.replace("127.0.0.1", HOST);
    for member in &tenant.staff {
        let letting = Letting {
            device: "Firefox on Windows".to_owned(),
            locale: "en".to_owned(),
            zone: "UTC".to_owned(),
        };
        let begun = broker.begin_session(&tenant, member, SignedInBy::Code, &letting).await.unwrap();
        if member.role == Role::Admin {
            let cookie =
                json!({"name": "cs-staff", "value": begun.cookie.expose(), "url": origin, "httpOnly": true});
            inspector.browser.command("Network.setCookie", cookie).await;
        }
    }
    inspector.browser.open(&format!("{origin}/admin/staff")).await;
    inspector.look("staff-list").await;
    inspector.browser.fill("#email", "ari@shop.example").await;
    inspector.browser.press("form[action='/admin/staff'] button").await;
    inspector.browser.see("[role=alert]").await;
    inspector.look_at_refusal("staff-fault").await;
    inspector.browser.open(&format!("{origin}/admin/staff/{}", tenant.staff[1].id)).await;
    inspector.look("staff-member").await;
    inspector.browser.open(&format!("{origin}/admin/staff/{}", tenant.staff[0].id)).await;
    inspector.browser.press("#role-agent").await;
    inspector.browser.press("form:has(#role-agent) button").await;
    inspector.browser.see("[role=alert]").await;
    inspector.look_at_refusal("staff-last-admin").await;
    inspector.browser.open(&format!("{origin}/admin/staff/{}", tenant.staff[1].id)).await;
    inspector.browser.press("form[action$='/invite'] button").await;
    inspector.browser.see("#link").await;
    inspector.look("staff-invited").await;
    let link = inspector.browser.text("#link").await;
    let mut guest = inspector;
    let cookies = guest.browser.command("Network.getCookies", json!({"urls": [origin]})).await;
    guest.browser.command("Network.clearBrowserCookies", json!({})).await;
    guest.browser.open(&link).await;
    guest.look("signin-invitation").await;
    guest.browser.open(&format!("{link}x")).await;
    guest.look_at_refusal("signin-over").await;
    guest.browser.open(&format!("{origin}/account")).await;
    guest.look("signin-of-a-tenant-without-provider").await;
    let held =
        cookies["cookies"].as_array().unwrap().iter().find(|cookie| cookie["name"] == "cs-staff").unwrap();
    let held = json!({"name": "cs-staff", "value": held["value"], "url": origin, "httpOnly": true});
    guest.browser.command("Network.setCookie", held).await;
    guest.browser.open(&format!("{origin}/account")).await;
    guest.look("account-of-a-stored-tenant").await;
}

#[tokio::test]
async fn staff_in_a_file_and_several_browsers_are_fit_to_be_seen() {
    let broker = Harness::start().await;
    broker.staff(Role::Admin).await;
    let mut inspector = Inspector::signed_in(&broker, Role::Admin).await;
    inspector.look_at(&broker, "/admin/staff", "staff-in-a-file").await;
    inspector.look_at(&broker, "/account", "account-with-browsers").await;
    let field = inspector.browser.see("#zone").await;
    field.clear().await.unwrap();
    field.send_keys("Mars/Olympus" + Key::Return).await.unwrap();
    inspector.browser.see("#zone-fault").await;
    inspector.look_at_refusal("account-fault").await;
}
