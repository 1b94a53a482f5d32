//! Clients that are made over the API: with a secret that is shown once, another one, a key, addresses; and apps that become
//! clients by themselves (RFC 7591).

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, BOT_SECRET, HOST, If, World, bot_secret_hash, tenant_at, token_at};
use crate::openapi::{check_answer, document};

async fn make(world: &World, client: Value) -> Answer {
    world.call(Method::POST, "/v1/clients", If::Nothing, Some(client)).await
}

async fn token(world: &World, id: &str, secret: &str) -> Answer {
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    Answer::of(world.broker.plain(Method::POST, "/v1/oauth/token").header("host", HOST).form(&form)).await
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("{name} in {json}"))
}

async fn listed(world: &World, id: &str) -> Value {
    let list = world.call(Method::GET, "/v1/clients", If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/clients", 200, &list.body);
    let items = list.body["items"].as_array().unwrap().clone();
    items.into_iter().find(|client| client["clientId"] == id).unwrap_or_default()
}

#[tokio::test]
async fn a_secret_is_shown_once_and_another_takes_its_place_without_a_failed_call() {
    let world = World::start().await;
    let made = make(&world, json!({"clientId": "bot", "scopes": ["read:contacts"]})).await.is(201);
    check_answer(&document(), "POST", "/v1/clients", 201, &made.body);
    let first = text(&made.body, "clientSecret").to_owned();
    token(&world, "bot", &first).await.is(200);
    assert!(listed(&world, "bot").await.get("clientSecret").is_none());
    let rotate =
        |body: Value| world.call(Method::POST, "/v1/clients/bot/rotate-secret", If::Nothing, Some(body));
    let rotated = rotate(json!({"overlapSeconds": 600})).await.is(200);
    check_answer(&document(), "POST", "/v1/clients/{id}/rotate-secret", 200, &rotated.body);
    let second = text(&rotated.body, "clientSecret").to_owned();
    token(&world, "bot", &first).await.is(200);
    token(&world, "bot", &second).await.is(200);
    assert_eq!(listed(&world, "bot").await["previousSecretUntil"], rotated.body["previousSecretUntil"]);
    rotate(json!({})).await.refused(409, "conflict");
    token(&world, "bot", &first).await.is(200);
    world.broker.clock.advance(std::time::Duration::from_mins(11));
    token(&world, "bot", &first).await.is(401);
    token(&world, "bot", &second).await.is(200);
    assert!(listed(&world, "bot").await["previousSecretUntil"].is_null());
    let third = rotate(json!({"overlapSeconds": 0})).await.is(200).body;
    token(&world, "bot", &second).await.is(401);
    token(&world, "bot", text(&third, "clientSecret")).await.is(200);
    rotate(json!({"overlapSeconds": 604_801})).await.is(422);
    let nobody = world.call(Method::POST, "/v1/clients/nobody/rotate-secret", If::Nothing, Some(json!({})));
    nobody.await.is(404);
    let told: Vec<_> = world.audit().await.into_iter().map(|(action, ..)| action).collect();
    assert_eq!(told.iter().filter(|action| *action == "client.secret_rotated").count(), 2);
}

#[tokio::test]
async fn an_app_has_addresses_and_no_secret_and_what_does_not_fit_is_refused() {
    let world = World::start().await;
    let app = json!({
        "clientId": "shop", "name": "The Shop's app", "auth": "none", "scopes": ["openid", "email"],
        "grantTypes": ["authorization_code", "refresh_token"], "redirectUris": ["com.acme.shop:/callback"],
    });
    let made = make(&world, app.clone()).await.is(201).body;
    assert!(made.get("clientSecret").is_none() && made["auth"] == "none", "{made}");
    let shown = listed(&world, "shop").await;
    assert_eq!((text(&shown, "name"), text(&shown, "pkce")), ("The Shop's app", "required"));
    assert_eq!(shown["redirectUris"], json!(["com.acme.shop:/callback"]));
    let with = |name: &str, value: Value| {
        let mut client = app.clone();
        client["clientId"] = json!("other");
        client[name] = value;
        client
    };
    for (name, value) in [
        ("redirectUris", json!(["http://shop.example/callback"])),
        ("redirectUris", json!(["javascript:alert(1)"])),
        ("redirectUris", json!([])),
        ("pkce", json!("optional")),
        ("grantTypes", json!(["client_credentials"])),
        ("allowFrom", json!(["everywhere"])),
        ("jwks", json!({"keys": []})),
        ("auth", json!("private_key_jwt")),
    ] {
        let refused = make(&world, with(name, value.clone())).await;
        assert_eq!(refused.status.as_u16(), 422, "{name} {value}: {}", refused.text);
    }
    let private = json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]});
    let mut keyed = with("auth", json!("private_key_jwt"));
    keyed["jwks"] = private;
    make(&world, keyed).await.is(422);
}

#[tokio::test]
async fn whoever_may_do_everything_gives_scopes_that_mean_nothing_here_and_nobody_else() {
    let world = World::start().await;
    let made =
        make(&world, json!({"clientId": "policies", "scopes": ["delete:principals"]})).await.is(201).body;
    let issued = token(&world, "policies", text(&made, "clientSecret")).await.is(200).body;
    assert_eq!(issued["scope"], "delete:principals");
    let made = make(&world, json!({"clientId": "small", "scopes": ["write:clients"]})).await.is(201).body;
    let small = token(&world, "small", text(&made, "clientSecret")).await.is(200).body;
    let order = |body: Value| {
        let request = world.broker.plain(Method::POST, "/v1/clients").header("host", HOST).json(&body);
        Answer::of(request.bearer_auth(text(&small, "access_token")))
    };
    order(json!({"clientId": "more", "scopes": ["delete:principals"]})).await.is(422);
    order(json!({"clientId": "less", "scopes": ["openid"]})).await.is(201);
}

#[tokio::test]
async fn a_client_is_looked_at_and_changed_where_it_was_said_to_be() {
    let world = World::start().await;
    let made = make(&world, json!({"clientId": "bot", "scopes": ["read:contacts"]})).await.is(201);
    let place = "/v1/clients/bot".to_owned();
    let secret = text(&made.body, "clientSecret").to_owned();
    let seen = world.call(Method::GET, &place, If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/clients/{id}", 200, &seen.body);
    assert!(seen.body["scopes"] == json!(["read:contacts"]) && seen.body.get("clientSecret").is_none());
    let change =
        json!({"name": "The bot", "scopes": ["read:events", "read:contacts"], "allowFrom": ["127.0.0.0/8"]});
    world.call(Method::PUT, &place, If::Nothing, Some(change.clone())).await.is(428);
    let put = |etag: String, body: Value| {
        let (world, place) = (&world, place.clone());
        async move { world.call(Method::PUT, &place, If::Is(&etag), Some(body)).await }
    };
    let now = put(seen.etag().to_owned(), change.clone()).await.is(200);
    check_answer(&document(), "PUT", "/v1/clients/{id}", 200, &now.body);
    assert_eq!((&now.body["name"], &now.body["allowFrom"]), (&json!("The bot"), &change["allowFrom"]));
    assert_ne!(now.etag(), seen.etag());
    put(seen.etag().to_owned(), change.clone()).await.is(412);
    let issued = token(&world, "bot", &secret).await.is(200).body;
    assert_eq!(issued["scope"], "read:events read:contacts", "its secret is as it was");
    for (name, value) in [
        ("grantTypes", json!(["authorization_code"])),
        ("redirectUris", json!(["http://evil.example/cb"])),
        ("scopes", json!(["é"])),
        ("jwks", json!({"keys": []})),
        ("clientId", json!("other")),
    ] {
        let mut bad = change.clone();
        bad[name] = value;
        put(now.etag().to_owned(), bad).await.is(422);
    }
    let small = make(&world, json!({"clientId": "small", "scopes": ["write:clients"]})).await.is(201).body;
    let small = token(&world, "small", text(&small, "clientSecret")).await.is(200).body;
    let order = world.broker.plain(Method::PUT, &place).header("host", HOST).header("if-match", "*");
    Answer::of(order.bearer_auth(text(&small, "access_token")).json(&json!({"scopes": []}))).await.is(409);
    world.call(Method::GET, "/v1/clients/nobody", If::Nothing, None).await.is(404);
}

#[tokio::test]
async fn an_order_that_is_sent_again_makes_no_second_client_and_tells_no_secret() {
    let world = World::start().await;
    let order = |body: Value| {
        let world = &world;
        async move {
            let token = token_at(&world.broker, HOST, "admin").await;
            let request = world.broker.plain(Method::POST, "/v1/clients").header("host", HOST);
            Answer::of(request.header("idempotency-key", "k-1").bearer_auth(token).json(&body)).await
        }
    };
    let first = order(json!({"clientId": "bot", "scopes": []})).await.is(201).body;
    let again = order(json!({"clientId": "bot", "scopes": []})).await.is(201).body;
    assert!(first.get("clientSecret").is_some() && again.get("clientSecret").is_none());
    order(json!({"clientId": "bot2", "scopes": []})).await.refused(422, "key_reused");
}

#[tokio::test]
async fn when_a_client_was_here_last_is_told() {
    let world = World::start().await;
    let made = make(&world, json!({"clientId": "bot", "scopes": []})).await.is(201).body;
    assert!(listed(&world, "bot").await["lastUsedAt"].is_null());
    token(&world, "bot", text(&made, "clientSecret")).await.is(200);
    let told = crate::harness::eventually("the use is written down", async || {
        listed(&world, "bot").await["lastUsedAt"].as_str().map(str::to_owned)
    });
    assert!(told.await.ends_with('Z'));
}

/// Registers an app at the tenant `shop`.
async fn register(world: &World, token: Option<&str>, body: Value) -> Answer {
    let request = world.broker.plain(Method::POST, "/v1/oauth/register").header("host", HOST).json(&body);
    Answer::of(match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    })
    .await
}

#[tokio::test]
async fn an_app_with_an_initial_access_token_becomes_a_client_by_itself() {
    let world = World::start().await;
    let app = json!({"redirect_uris": ["https://yourapp.com/callback"], "client_name": "Your App", "scope": "openid email"});
    assert_eq!(register(&world, Some(BOT_SECRET), app.clone()).await.is(403).body["error"], "access_denied");
    let mut tenant = tenant_at(HOST);
    tenant["registration"] =
        json!({"tokenHash": bot_secret_hash(), "scopes": ["openid", "email", "profile"]});
    let before = world.tenant(Method::GET, "shop", If::Nothing, None).await.is(200);
    world.tenant(Method::PUT, "shop", If::Is(before.etag()), Some(tenant)).await.is(200);
    for token in [None, Some("wrong"), Some(" ")] {
        assert_eq!(register(&world, token, app.clone()).await.is(401).body["error"], "invalid_token");
    }
    let made = register(&world, Some(BOT_SECRET), app.clone()).await.is(201).body;
    assert_eq!((text(&made, "scope"), &made["client_secret_expires_at"]), ("openid email", &json!(0)));
    let shown = listed(&world, text(&made, "client_id")).await;
    assert_eq!(
        (text(&shown, "name"), shown["grantTypes"].clone()),
        ("Your App", json!(["authorization_code"]))
    );
    let own = token(&world, text(&made, "client_id"), text(&made, "client_secret")).await;
    assert_eq!(own.is(400).body["error"], "unauthorized_client", "it never acts for itself");
    let public = json!({"redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"});
    let public = register(&world, Some(BOT_SECRET), public).await.is(201).body;
    assert!(public.get("client_secret").is_none() && text(&public, "scope") == "openid email profile");
    for (name, value, word) in [
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["http://evil.example/cb"]), "invalid_redirect_uri"),
        ("redirect_uris", json!("https://a.example"), "invalid_client_metadata"),
        ("grant_types", json!(["client_credentials"]), "invalid_client_metadata"),
        ("grant_types", json!(["implicit"]), "invalid_client_metadata"),
        ("response_types", json!(["token"]), "invalid_client_metadata"),
        ("scope", json!("openid read:contacts"), "invalid_client_metadata"),
        ("client_name", json!(7), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("tls_client_auth"), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("private_key_jwt"), "invalid_client_metadata"),
    ] {
        let mut bad = app.clone();
        bad[name] = value;
        assert_eq!(register(&world, Some(BOT_SECRET), bad).await.is(400).body["error"], word, "{name}");
    }
    let said = world.broker.plain(Method::GET, "/.well-known/openid-configuration").header("host", HOST);
    let said = Answer::of(said).await.is(200).body;
    assert!(text(&said, "registration_endpoint").ends_with("/v1/oauth/register"));
}
