//! Where secrets may go, what an operator's document leaves alone, and how large settings may become.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, HOST, If, World, token_at};

/// A server of somebody who would like to have the secret.
const ELSEWHERE: &str = "https://elsewhere.example";

async fn draft(world: &World, id: &str, change: Value) -> Answer {
    let etag = world.provider(id).await.etag().to_owned();
    let mut settings = world.settings();
    settings.as_object_mut().unwrap().shift_remove("clientSecret");
    for (name, value) in change.as_object().unwrap() {
        settings[name] = value.clone();
    }
    world.put(id, If::Is(&etag), settings).await
}

#[tokio::test]
async fn a_secret_that_nobody_sends_goes_nowhere_else() {
    let world = World::live().await;
    let secret = countersign::cli::demo::provider::DemoProvider::CLIENT_SECRET;
    for change in [
        json!({"tokenUrl": format!("{ELSEWHERE}/token")}),
        json!({"tokenUrl": format!("{ELSEWHERE}/token"), "clientSecret": {"set": true}}),
        json!({"exchangeUrl": format!("{ELSEWHERE}/exchange"), "exchangeParams": {"t": "{access_token}", "s": "{client_secret}"}}),
        json!({"issuer": ELSEWHERE}),
        json!({"issuer": ELSEWHERE, "tokenUrl": null}),
    ] {
        let refused = draft(&world, "acme", change.clone()).await.refused(422, "invalid");
        assert_eq!(refused.pointers(), ["/clientSecret"], "{change}: {}", refused.text);
        assert!(refused.text.contains(ELSEWHERE) && !refused.text.contains(secret), "{}", refused.text);
    }
    // Elsewhere at the same server it may go, and anywhere with whoever knows it.
    let origin = world.broker.provider.origin();
    draft(&world, "acme", json!({"tokenUrl": format!("{origin}/other")})).await.is(200);
    let known = json!({"tokenUrl": format!("{ELSEWHERE}/token"), "clientSecret": secret});
    draft(&world, "acme", known).await.is(200);
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    let back = world.post("acme", "rollback", json!({"version": 1})).await.refused(422, "invalid");
    assert_eq!(back.pointers(), ["/version"], "the other way round it is the same");
    // A draft is no way around it.
    draft(&world, "acme", json!({"tokenUrl": format!("{origin}/auth/token")})).await.refused(422, "invalid");
}

#[tokio::test]
async fn a_new_secret_is_not_handed_to_a_draft_that_goes_elsewhere() {
    let world = World::live().await;
    let bait = json!({"tokenUrl": format!("{ELSEWHERE}/token"), "clientSecret": "a bait"});
    draft(&world, "acme", bait).await.is(200);
    let sent = json!({"clientSecret": "canary-fresh-secret"});
    let refused = world.post("acme", "rotate-secret", sent.clone()).await.refused(409, "conflict");
    assert!(refused.text.contains(ELSEWHERE) && !refused.text.contains("canary"), "{}", refused.text);
    world.post("acme", "discard", Value::Null).await.is(200);
    world.post("acme", "rotate-secret", sent).await.is(200);
}

#[tokio::test]
async fn an_operator_who_writes_back_what_was_read_takes_nothing_back() {
    let world = World::live().await;
    let read = world.tenant(Method::GET, "shop", If::Nothing, None).await.is(200);
    let mut document = read.body["settings"].clone();
    // The admin's own document has a version of its own, which a draft does not change.
    let own = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200);
    assert_ne!(own.etag(), read.etag());
    let same = json!({"name": "The Shop", "binding": {"minimum": "none"}});
    world.call(Method::PUT, "/v1/tenant", If::Is(own.etag()), Some(same)).await.is(200);
    let read = world.tenant(Method::GET, "shop", If::Nothing, None).await.is(200);
    let mut second = world.settings();
    second["callbackPath"] = json!("named");
    second["label"] = json!("Second");
    world.put("second", If::New, second).await.is(201);
    world
        .tenant(Method::PUT, "shop", If::Is(read.etag()), Some(document.clone()))
        .await
        .refused(412, "stale");
    document["name"] = json!("The Other Shop");
    let etag = world.tenant(Method::GET, "shop", If::Nothing, None).await.etag().to_owned();
    let put = world.tenant(Method::PUT, "shop", If::Is(&etag), Some(document.clone())).await.is(200);
    assert_eq!(world.provider("second").await.is(200).body["state"], "draft", "nobody could read it there");
    // What was published meanwhile is not taken back.
    draft(&world, "acme", json!({"label": "Published meanwhile"})).await.is(200);
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    world.tenant(Method::PUT, "shop", If::Is(put.etag()), Some(document)).await.refused(412, "stale");
    let live = world.provider("acme").await.body;
    assert_eq!(live["live"]["settings"]["label"], "Published meanwhile");
}

#[tokio::test]
async fn settings_of_a_provider_have_a_size() {
    let world = World::start().await;
    let mut settings = world.settings();
    settings["authorizeParams"] = json!({"login_hint": "x".repeat(70_000)});
    let refused = world.put("acme", If::New, settings).await.refused(422, "invalid");
    assert!(refused.text.contains("64 KiB"), "{}", refused.text);
    world.provider("acme").await.is(404);
}

#[tokio::test]
async fn who_may_do_little_deletes_nobody_who_may_do_more() {
    let world = World::start().await;
    let sent = json!({"clientId": "bot", "scopes": ["write:clients", "read:contacts"]});
    let made = world.call(Method::POST, "/v1/clients", If::Nothing, Some(sent)).await.is(201);
    let secret = made.body["clientSecret"].as_str().unwrap();
    let form = [("grant_type", "client_credentials"), ("client_id", "bot"), ("client_secret", secret)];
    let request = world.broker.plain(Method::POST, "/v1/oauth/token").header("host", HOST).form(&form);
    let token = Answer::of(request).await.is(200).body["access_token"].as_str().unwrap().to_owned();
    let delete = async |id: &str| {
        let request = world.broker.plain(Method::DELETE, &format!("/v1/clients/{id}")).header("host", HOST);
        Answer::of(request.bearer_auth(&token)).await
    };
    delete("admin").await.refused(409, "conflict");
    token_at(&world.broker, HOST, "admin").await;
    delete("bot").await.is(204);
}
