//! The pages that hold the tenant's web chat.

use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{admin, open, words};
use crate::harness::staff::StaffBrowser;
use crate::harness::{Choices, bot_secret_hash};
use crate::stored::{HOST, If, World};

const FIRST: &str = "https://www.shop.example";
const SECOND: &str = "https://help.shop.example:8443";

/// A tenant of the store with staff and these pages.
pub async fn shop(origins: &[&str]) -> World {
    let world = World::with(Choices::default()).await;
    let settings = json!({
        "name": "The Shop",
        "hosts": [HOST],
        "webchat": {"origins": origins},
        "clients": [{"clientId": "admin", "secretHash": bot_secret_hash(), "scopes": ["admin:all"]}],
        "staff": [
            {"email": "dana@shop.example", "role": "admin"},
            {"email": "ari@shop.example", "role": "agent"},
        ],
    });
    world.tenant(Method::PUT, "shop", If::New, Some(settings)).await.is(201);
    world
}

async fn dana(world: &World) -> StaffBrowser {
    world.broker.staff_at(HOST, Role::Admin).await
}

/// Somebody else changes the pages.
pub async fn change_elsewhere(world: &World, origins: &str) {
    let mut other = dana(world).await;
    let saved = save(&mut other, origins).await;
    assert_eq!(saved, StatusCode::SEE_OTHER);
}

/// Loads the page and saves.
async fn save(browser: &mut StaffBrowser, origins: &str) -> StatusCode {
    let seen = seen(&browser.text("/admin/webchat").await);
    browser.post("/admin/webchat", &[("seen", &seen), ("origins", origins)]).await.status
}

/// The pages in the settings.
async fn pages(world: &World) -> Value {
    let own = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200);
    own.body["settings"]["webchat"]["origins"].clone()
}

/// What a page was made from.
fn seen(html: &str) -> String {
    html.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn agents_are_refused_and_can_change_nothing() {
    let world = shop(&[FIRST]).await;
    let mut ari = world.broker.staff_at(HOST, Role::Agent).await;
    assert_eq!(ari.get("/admin/webchat").await.status, StatusCode::FORBIDDEN);
    let page = ari.post("/admin/webchat", &[("seen", FIRST), ("origins", SECOND)]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(pages(&world).await, json!([FIRST]));
}

#[tokio::test]
async fn the_page_says_what_stands_there_and_what_to_put_into_the_website() {
    let world = shop(&[FIRST, SECOND]).await;
    let page = dana(&world).await.text("/admin/webchat").await;
    assert!(page.contains(&format!("{FIRST}\n{SECOND}</textarea>")), "{page}");
    let text = words(&page);
    for told in ["Example: https://www.acme.example", "can pass for your chat", "at most 20"] {
        assert!(text.contains(told), "{told}");
    }
    assert!(page.contains(&format!("http://{HOST}:")) && page.contains("/embed/chat.js"), "{page}");
    assert!(!text.contains("Open the binding policy"), "the same browser is enough");
}

#[tokio::test]
async fn a_change_is_saved_as_the_api_would_and_counts_at_once() {
    let world = shop(&[]).await;
    let mut dana = dana(&world).await;
    let seen = seen(&dana.text("/admin/webchat").await);
    let typed = format!("  {FIRST} \r\n\r\n{SECOND}\r\n");
    let saved = dana.post("/admin/webchat", &[("seen", &seen), ("origins", &typed)]).await;
    assert_eq!((saved.status, saved.location().path()), (StatusCode::SEE_OTHER, "/admin/webchat"));
    assert!(dana.follow(saved).await.html.contains("role=\"status\">Saved.</p>"));
    assert_eq!(pages(&world).await, json!([FIRST, SECOND]));
    let own = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200).body;
    assert_eq!(own["settings"]["staff"].as_array().unwrap().len(), 2, "what stands beside it stays");
    let (action, actor, detail) = world.audit().await.pop().unwrap();
    assert_eq!((action.as_str(), detail.contains("webchat")), ("tenant.changed", true), "{detail}");
    assert!(actor.starts_with("staff:st_"), "{actor}");
    // Without a line nothing is left of it.
    assert_eq!(save(&mut dana, "").await, StatusCode::SEE_OTHER);
    assert_eq!(pages(&world).await, Value::Null);
}

#[tokio::test]
async fn what_no_browser_would_send_is_pointed_at_with_its_line_and_kept() {
    let world = shop(&[FIRST]).await;
    let mut dana = dana(&world).await;
    let hostile = "https://evil.example/<script>alert(1)</script>";
    for (second, told) in
        [(hostile, "Line 2: "), ("https://www.shop.example/", "Line 2: "), (FIRST, "stands here twice")]
    {
        let typed = format!("{FIRST}\n{second}");
        let page = dana.post("/admin/webchat", &[("seen", FIRST), ("origins", &typed)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{second}");
        assert!(
            page.html.contains("href=\"#webchat-origins\"") && page.html.contains("webchat-origins-fault")
        );
        assert!(page.html.contains(told), "{second}: {}", page.html);
        assert!(!page.html.contains("<script>alert") && page.html.contains("https://www.shop.example\n"));
    }
    assert_eq!(pages(&world).await, json!([FIRST]));
}

#[tokio::test]
async fn two_who_change_it_at_once_are_told_apart_and_nothing_typed_is_lost() {
    let world = shop(&[FIRST]).await;
    let mut dana = dana(&world).await;
    let first = seen(&dana.text("/admin/webchat").await);
    change_elsewhere(&world, SECOND).await;
    let late = dana.post("/admin/webchat", &[("seen", &first), ("origins", "https://mine.example")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains("Somebody else changed the pages") && late.html.contains(SECOND));
    assert!(late.html.contains("https://mine.example</textarea>"), "what was typed is still there");
    assert_eq!(pages(&world).await, json!([SECOND]));
    let again = seen(&late.html);
    let saved = dana.post("/admin/webchat", &[("seen", &again), ("origins", "https://mine.example")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(pages(&world).await, json!(["https://mine.example"]));
}

#[tokio::test]
async fn a_change_of_other_settings_meanwhile_is_no_obstacle() {
    let world = shop(&[FIRST]).await;
    let mut dana = dana(&world).await;
    let seen = seen(&dana.text("/admin/webchat").await);
    super::binding::change_elsewhere(&world).await;
    let saved = dana.post("/admin/webchat", &[("seen", &seen), ("origins", SECOND)]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    assert_eq!(pages(&world).await, json!([SECOND]));
    let own = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200).body;
    assert_eq!(own["settings"]["binding"]["email"], "match", "and the other change stays");
    // A policy that wants more than the same browser is told beside the pages.
    assert!(dana.text("/admin/webchat").await.contains("Open the binding policy"));
}

#[tokio::test]
async fn a_tenant_in_a_file_is_shown_with_its_file_and_not_changed() {
    let broker = open().await;
    let mut dana = admin(&broker).await;
    let page = dana.text("/admin/webchat").await;
    assert!(page.contains("tenants/acme.toml") && page.contains("[webchat]\norigins = ["), "{page}");
    assert!(page.contains("readonly") && !page.contains(">Save</button>"));
    let refused = dana.post("/admin/webchat", &[("seen", ""), ("origins", FIRST)]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.html.contains("not changed here"));
}
