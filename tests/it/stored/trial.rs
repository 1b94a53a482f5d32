//! A draft is tried over HTTP before it is live, and the test opens its way.

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{If, World};
use crate::harness::browser::Browser;

/// Tests the draft of `acme` by a sign-in at the demo's provider; the result.
async fn try_it(world: &World) -> Value {
    let begun = world.post("acme", "test", Value::Null).await.is(201).body;
    assert_eq!(begun["state"], "waiting", "{begun:#}");
    assert!(begun["redirectUris"][0]["uri"].as_str().unwrap().ends_with("/idp/eu/oauth/callback"));
    let url: Url = begun["url"].as_str().unwrap().parse().unwrap();
    let mut browser = Browser::new();
    let page = browser.get(&url).await;
    let opened = browser.submit(&page, &page.form(), &[]).await;
    let back = browser.sign_in_at_provider(&opened.location(), "allow").await;
    browser.arrive(&back).await;
    let path = format!("/v1/providers/acme/tests/{}?wait=20", begun["id"].as_str().unwrap());
    world.call(Method::GET, &path, If::Nothing, None).await.is(200).body
}

#[tokio::test]
async fn a_draft_that_passed_its_test_goes_live() {
    let world = World::start().await;
    world.put("acme", If::New, world.settings()).await.is(201);
    world.post("acme", "publish", json!({})).await.refused(409, "conflict");
    let found = try_it(&world).await;
    assert_eq!(found["state"], "passed", "{found:#}");
    assert_eq!(found["result"]["profile"]["email"], "billy.bob@example.com");
    world.post("acme", "publish", json!({})).await.is(200);
    let audit = world.audit().await;
    let tested = audit.iter().find(|(action, ..)| action == "provider.tested").unwrap();
    assert_eq!((tested.1.as_str(), tested.2.as_str()), ("client:admin", found["id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_draft_that_failed_its_test_does_not() {
    let world = World::start().await;
    let mut settings = world.settings();
    settings["clientSecret"] = json!("another-secret-than-the-providers");
    world.put("acme", If::New, settings).await.is(201);
    let found = try_it(&world).await;
    assert_eq!(found["state"], "failed");
    assert!(!found.to_string().contains("another-secret"));
    world.post("acme", "publish", json!({})).await.refused(409, "conflict");
}
