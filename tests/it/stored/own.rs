//! What a tenant's own admin sets: the document, webhooks and clients.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, HOST, If, World, token_at};
use crate::harness::receiver::{HOOK_SECRET, NEXT_SECRET};
use crate::openapi::{check_answer, document};

#[tokio::test]
async fn the_tenants_document_is_changed_by_its_admin_but_for_what_is_the_operators() {
    let world = World::start().await;
    let own = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/tenant", 200, &own.body);
    assert_eq!(own.body["settings"]["clients"][0]["secretHash"], json!({"set": true}));
    let sent = json!({"name": "Another Shop", "binding": {"minimum": "code"}, "snippets": [{"id": "s", "text": {"en": "{link}"}}]});
    let put = async |demand: If<'_>, sent: &Value| {
        world.call(Method::PUT, "/v1/tenant", demand, Some(sent.clone())).await
    };
    put(If::Nothing, &sent).await.refused(428, "precondition_required");
    let done = put(If::Is(own.etag()), &sent).await.is(200);
    check_answer(&document(), "PUT", "/v1/tenant", 200, &done.body);
    assert_eq!(
        (&done.body["settings"]["name"], &done.body["settings"]["hosts"]),
        (&json!("Another Shop"), &json!([HOST]))
    );
    assert_eq!(
        done.body["settings"]["clients"], own.body["settings"]["clients"],
        "what is changed elsewhere stays"
    );
    put(If::Is(own.etag()), &sent).await.refused(412, "stale");
    for (member, value) in [
        ("hosts", json!(["evil.example"])),
        ("providers", json!([])),
        ("clients", json!([])),
        ("webhooks", json!([])),
    ] {
        let mut sent = sent.clone();
        sent[member] = value;
        let refused = put(If::Is(done.etag()), &sent).await.refused(422, "invalid");
        assert_eq!(refused.pointers(), [format!("/{member}")]);
    }
    let refused =
        put(If::Is(done.etag()), &json!({"name": "x", "snippets": [{"id": "s", "text": {"en": "no link"}}]}))
            .await;
    assert_eq!(refused.refused(422, "invalid").pointers(), ["/snippets/0/text/en"]);
    let (action, actor, detail) = world.audit().await.pop().unwrap();
    assert_eq!((action.as_str(), actor.as_str()), ("tenant.changed", "client:admin"));
    assert_eq!(detail, "binding/minimum name snippets");
}

#[tokio::test]
async fn a_webhook_is_made_changed_and_deleted_and_keeps_its_name() {
    let world = World::start().await;
    let sent = json!({"url": "https://a.example/hook", "secret": HOOK_SECRET, "events": ["auth.*"], "description": "desk"});
    let made = world.call(Method::POST, "/v1/webhooks", If::Nothing, Some(sent)).await.is(201);
    check_answer(&document(), "POST", "/v1/webhooks", 201, &made.body);
    let id = made.body["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/webhooks/{id}");
    let change = json!({"url": "https://b.example/hook", "secrets": [NEXT_SECRET, {"set": true}]});
    world
        .call(Method::PUT, &path, If::Nothing, Some(change.clone()))
        .await
        .refused(428, "precondition_required");
    world
        .call(Method::PUT, &path, If::Is(made.etag()), Some(json!({"url": "https://b.example/hook"})))
        .await
        .is(200);
    let listed = world.call(Method::GET, "/v1/webhooks", If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/webhooks", 200, &listed.body);
    let hook = &listed.body["items"][0];
    assert_eq!(
        (&hook["id"], &hook["url"], &hook["secrets"]),
        (&json!(id), &json!("https://b.example/hook"), &json!(1))
    );
    let changed = world.call(Method::PUT, &path, If::Is(listed.etag()), Some(change)).await.is(200);
    assert_eq!((&changed.body["secrets"], &changed.body["source"]), (&json!(2), &Value::Null));
    let bad = json!({"url": "https://b.example/", "secret": null, "secrets": ["short"]});
    let refused =
        world.call(Method::PUT, &path, If::Is(changed.etag()), Some(bad)).await.refused(422, "invalid");
    assert!(refused.pointers()[0].starts_with("/secrets"), "{}", refused.text);
    let shown = json!({"set": true});
    let third = json!({"url": "https://b.example/", "secrets": [shown.clone(), shown.clone(), shown]});
    let refused =
        world.call(Method::PUT, &path, If::Is(changed.etag()), Some(third)).await.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/secrets/2"], "there are two");
    world
        .call(Method::POST, "/v1/webhooks", If::Nothing, Some(json!({"url": "https://c.example/"})))
        .await
        .refused(422, "invalid");
    world.call(Method::DELETE, &path, If::Is(made.etag()), None).await.refused(412, "stale");
    world.call(Method::DELETE, &path, If::Is(changed.etag()), None).await.is(204);
    world.call(Method::GET, &path, If::Nothing, None).await.is(404);
    world.call(Method::PUT, &path, If::Is("*"), Some(json!({"url": "https://c.example/"}))).await.is(404);
    let told: Vec<_> = world.audit().await.into_iter().skip(1).map(|(action, ..)| action).collect();
    assert_eq!(told, ["webhook.created", "webhook.changed", "webhook.changed", "webhook.deleted"]);
}

#[tokio::test]
async fn a_client_is_made_with_a_secret_that_is_shown_once_and_no_more_than_its_makers_scopes() {
    let world = World::start().await;
    let made = async |token: &str, sent: Value| {
        let request = world.broker.plain(Method::POST, "/v1/clients").header("host", HOST).bearer_auth(token);
        Answer::of(request.json(&sent)).await
    };
    let admin = token_at(&world.broker, HOST, "admin").await;
    let sent = json!({"clientId": "bot", "scopes": ["write:clients", "read:contacts"]});
    let answer = made(&admin, sent.clone()).await.is(201);
    check_answer(&document(), "POST", "/v1/clients", 201, &answer.body);
    made(&admin, sent).await.refused(409, "conflict");
    let secret = answer.body["clientSecret"].as_str().unwrap();
    let form = [("grant_type", "client_credentials"), ("client_id", "bot"), ("client_secret", secret)];
    let request = world.broker.plain(Method::POST, "/v1/oauth/token").header("host", HOST).form(&form);
    let token = Answer::of(request).await.is(200).body["access_token"].as_str().unwrap().to_owned();
    made(&token, json!({"clientId": "more", "scopes": ["admin:all"]})).await.refused(422, "invalid");
    made(&token, json!({"clientId": "more", "scopes": ["read:events"]})).await.refused(422, "invalid");
    made(&token, json!({"clientId": "less", "scopes": ["read:contacts"]})).await.is(201);
    let listed = world.call(Method::GET, "/v1/clients", If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/clients", 200, &listed.body);
    assert!(!listed.text.contains(secret) && !listed.text.contains("argon2"), "{}", listed.text);
    let names: Vec<_> =
        listed.body["items"].as_array().unwrap().iter().map(|client| &client["clientId"]).collect();
    assert_eq!(names, ["admin", "bot", "less"]);
    world.call(Method::DELETE, "/v1/clients/bot", If::Nothing, None).await.is(204);
    world.call(Method::DELETE, "/v1/clients/bot", If::Nothing, None).await.is(404);
    let late = world.broker.plain(Method::GET, "/v1/clients").header("host", HOST).bearer_auth(&token);
    Answer::of(late).await.refused(401, "invalid_token");
}

#[tokio::test]
async fn scopes_of_settings_are_told_apart() {
    let world = World::start().await;
    let admin = token_at(&world.broker, HOST, "admin").await;
    let request = world.broker.plain(Method::POST, "/v1/clients").header("host", HOST).bearer_auth(admin);
    let sent = json!({"clientId": "reader", "scopes": ["read:providers", "read:settings"]});
    let made = Answer::of(request.json(&sent)).await.is(201);
    let secret = made.body["clientSecret"].as_str().unwrap();
    let form = [("grant_type", "client_credentials"), ("client_id", "reader"), ("client_secret", secret)];
    let request = world.broker.plain(Method::POST, "/v1/oauth/token").header("host", HOST).form(&form);
    let token = Answer::of(request).await.is(200).body["access_token"].as_str().unwrap().to_owned();
    for (method, path, status) in [
        (Method::GET, "/v1/providers", 200),
        (Method::GET, "/v1/tenant", 200),
        (Method::PUT, "/v1/tenant", 403),
        (Method::PUT, "/v1/providers/acme", 403),
        (Method::POST, "/v1/providers/acme/publish", 403),
        (Method::GET, "/v1/clients", 403),
        (Method::POST, "/v1/webhooks", 403),
    ] {
        let request = world.broker.plain(method, path).header("host", HOST).bearer_auth(&token);
        Answer::of(request.json(&json!({}))).await.is(status);
    }
}

#[tokio::test]
async fn accounts_at_channels_are_set_and_their_secrets_stay_where_they_are() {
    let world = World::start().await;
    let own = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200);
    let put = async |etag: &str, apple: Value| {
        let sent = json!({"name": "Shop", "channel": {"apple": apple}});
        world.call(Method::PUT, "/v1/tenant", If::Is(etag), Some(sent)).await
    };
    let apple = json!({"businessId": "b", "mspId": "m", "secret": "Y2FuYXJ5LXNlY3JldA=="});
    let done = put(own.etag(), apple).await.is(200);
    let shown = &done.body["settings"]["channel"]["apple"];
    assert_eq!((&shown["businessId"], &shown["secret"]["set"]), (&json!("b"), &json!(true)), "{}", done.text);
    assert!(!done.text.contains("Y2FuYXJ5"), "{}", done.text);
    // A secret that is not sent again stays.
    let changed = put(done.etag(), json!({"businessId": "c", "mspId": "m", "flow": "auto"})).await.is(200);
    assert_eq!(changed.body["settings"]["channel"]["apple"]["secret"]["set"], true);
    let wrong = json!({"businessId": "c", "mspId": "m", "secret": "no base64"});
    let refused = put(changed.etag(), wrong).await.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/channel/apple/secret"]);
    assert!(!refused.text.contains("\"no base64\""), "{}", refused.text);
}

#[tokio::test]
async fn a_token_of_a_channel_stays_only_where_it_is_sent_to_the_same_server() {
    let world = World::start().await;
    let own = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200);
    let put = async |etag: &str, page: Value| {
        let sent = json!({"name": "Shop", "channel": {"messenger": page}});
        world.call(Method::PUT, "/v1/tenant", If::Is(etag), Some(sent)).await
    };
    let page = |more: Value| {
        let mut page = json!({"pageId": "1066"});
        page.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        page
    };
    let all = json!({"appSecret": "of-the-app-0123456789", "pageToken": "of-the-page-0123456789"});
    let done = put(own.etag(), page(all)).await.is(200);
    let moved = json!({"graph": "https://elsewhere.example/v25.0"});
    let refused = put(done.etag(), page(moved.clone())).await.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/channel/messenger/pageToken"]);
    let newer = put(done.etag(), page(json!({"graph": "https://graph.facebook.com/v26.0"}))).await.is(200);
    let shown = &newer.body["settings"]["channel"]["messenger"];
    assert_eq!(
        (&shown["pageToken"]["set"], &shown["graph"]),
        (&json!(true), &json!("https://graph.facebook.com/v26.0"))
    );
    let mut anew = moved;
    anew["pageToken"] = json!("another-one-0123456789");
    put(newer.etag(), page(anew)).await.is(200);
}

#[tokio::test]
async fn lists_of_settings_have_pages_as_all_others_have() {
    let world = World::start().await;
    let get = async |path: &str| world.call(Method::GET, path, If::Nothing, None).await;
    for id in ["one", "two", "three"] {
        let snippet = json!({"id": id, "text": {"en": "{link}"}});
        world.call(Method::POST, "/v1/snippets", If::Nothing, Some(snippet)).await.is(201);
    }
    let all = get("/v1/snippets").await.is(200).body;
    assert_eq!(all["next"], Value::Null);
    let (mut seen, mut path) = (Vec::new(), "/v1/snippets?limit=2".to_owned());
    loop {
        let page = get(&path).await.is(200).body;
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/snippets?limit=2&cursor={next}");
    }
    assert_eq!(json!(seen), all["items"], "each once, in their order");
    let next = get("/v1/snippets?limit=1").await.is(200).body["next"].as_str().unwrap().to_owned();
    for list in ["webhooks", "clients", "staff", "providers"] {
        get(&format!("/v1/{list}?limit=1")).await.is(200);
        for bad in ["limit=0", "cursor=garbage", "page=2", &format!("cursor={next}")] {
            get(&format!("/v1/{list}?{bad}")).await.refused(400, "malformed");
        }
    }
}
