//! Orders that make settings, sent again with their `Idempotency-Key`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, HOST, If, World, token_at};

/// Every order that makes a thing, with a body, another body, and where its things are listed.
fn orders() -> [(&'static str, Value, Value); 3] {
    [
        (
            "/v1/webhooks",
            json!({"url": "https://hooks.acme.example/a", "secrets": ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"]}),
            json!({"url": "https://hooks.acme.example/b", "secrets": ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"]}),
        ),
        (
            "/v1/snippets",
            json!({"id": "greet", "text": {"en": "Sign in: {link}"}}),
            json!({"id": "other", "text": {"en": "Sign in: {link}"}}),
        ),
        (
            "/v1/staff",
            json!({"email": "ada@acme.example", "role": "agent"}),
            json!({"email": "eve@acme.example", "role": "agent"}),
        ),
    ]
}

async fn send(world: &World, path: &str, key: &str, body: &Value) -> (Answer, bool) {
    let request = world.broker.plain(Method::POST, path).header("host", HOST).header("idempotency-key", key);
    let token = token_at(&world.broker, HOST, "admin").await;
    let response = request.bearer_auth(token).json(body).send().await.unwrap();
    let replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
    assert_eq!(response.headers().contains_key("location"), response.status() == 201);
    (Answer::of_response(response).await, replayed)
}

async fn count(world: &World, path: &str) -> usize {
    let listed = world.call(Method::GET, path, If::Nothing, None).await.is(200);
    listed.body["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_order_makes_one_thing_and_is_answered_with_it() {
    let world = World::start().await;
    for (path, body, _) in orders() {
        let key = format!("k{}", path.replace('/', "-"));
        let before = count(&world, path).await;
        let (first, replayed) = send(&world, path, &key, &body).await;
        assert!(!replayed, "{path}");
        let first = first.is(201);
        let (again, replayed) = send(&world, path, &key, &body).await;
        assert!(replayed, "{path}");
        assert_eq!(again.is(201).body, first.body);
        assert_eq!(count(&world, path).await, before + 1, "{path}");
    }
}

#[tokio::test]
async fn another_order_with_the_key_is_refused_and_changes_nothing() {
    let world = World::start().await;
    for (path, body, other) in orders() {
        let key = format!("k{}", path.replace('/', "-"));
        send(&world, path, &key, &body).await.0.is(201);
        let before = count(&world, path).await;
        send(&world, path, &key, &other).await.0.refused(422, "key_reused");
        // A key belongs to one order, of whatever kind.
        send(&world, "/v1/snippets", &key, &json!({"id": "third", "text": {"en": "{link}"}}))
            .await
            .0
            .refused(422, "key_reused");
        assert_eq!(count(&world, path).await, before, "{path}");
    }
}

#[tokio::test]
async fn a_refused_order_leaves_its_key_free() {
    let world = World::start().await;
    send(&world, "/v1/snippets", "k-1", &json!({"id": "a", "text": {"en": "no link"}}))
        .await
        .0
        .refused(422, "invalid");
    let (made, replayed) =
        send(&world, "/v1/snippets", "k-1", &json!({"id": "a", "text": {"en": "{link}"}})).await;
    made.is(201);
    assert!(!replayed);
}

#[tokio::test]
async fn many_at_once_with_one_key_make_one_thing() {
    let world = World::start().await;
    let (path, body, _) = orders()[0].clone();
    let before = count(&world, path).await;
    let sends = (0..8).map(|_| send(&world, path, "k-1", &body));
    for (answer, _) in futures_util::future::join_all(sends).await {
        if answer.status != 201 {
            answer.refused(409, "still_running");
        }
    }
    assert_eq!(count(&world, path).await, before + 1);
}

#[tokio::test]
async fn a_new_secret_of_a_client_is_made_once_and_told_again_to_whoever_ordered_it() {
    let world = World::start().await;
    let bot = json!({"clientId": "bot", "scopes": ["read:contacts"]});
    world.call(Method::POST, "/v1/clients", If::Nothing, Some(bot)).await.is(201);
    let (path, order) = ("/v1/clients/bot/rotate-secret", json!({"overlapSeconds": 600}));
    let (first, replayed) = send(&world, path, "k-1", &order).await;
    assert!(!replayed);
    let first = first.is(200).body;
    let (again, replayed) = send(&world, path, "k-1", &order).await;
    assert!(replayed, "the answer was lost, and is not lost any more");
    assert_eq!(again.is(200).body, first);
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "bot"),
        ("client_secret", first["clientSecret"].as_str().unwrap()),
    ];
    let token = world.broker.plain(Method::POST, "/v1/oauth/token").header("host", HOST).form(&form);
    Answer::of(token).await.is(200);
    send(&world, path, "k-1", &json!({"overlapSeconds": 0})).await.0.refused(422, "key_reused");
    send(&world, path, "k-2", &order).await.0.refused(409, "conflict");
    let told = world.audit().await;
    assert_eq!(told.iter().filter(|(action, ..)| action == "client.secret_rotated").count(), 1);
    world.broker.clock.advance(std::time::Duration::from_hours(24));
    let (later, replayed) = send(&world, path, "k-1", &order).await;
    assert!(
        !replayed && later.is(200).body["clientSecret"] != first["clientSecret"],
        "a day later it is a new order"
    );
}

#[tokio::test]
async fn a_secret_that_was_ended_meanwhile_was_told_again_as_the_good_one() {
    let world = World::start().await;
    let bot = json!({"clientId": "bot", "scopes": ["read:contacts"]});
    let make = async || world.call(Method::POST, "/v1/clients", If::Nothing, Some(bot.clone())).await.is(201);
    make().await;
    let (path, order) = ("/v1/clients/bot/rotate-secret", json!({"overlapSeconds": 0}));
    send(&world, path, "k-1", &order).await.0.is(200);
    // It leaked, and somebody ended it.
    let (now, _) = send(&world, path, "k-2", &order).await;
    let refused = send(&world, path, "k-1", &order).await.0.refused(409, "conflict");
    assert!(refused.text.contains("replaced since"), "{}", refused.text);
    assert_eq!(
        send(&world, path, "k-2", &order).await.0.is(200).body,
        now.is(200).body,
        "the last one is told"
    );
    world.call(Method::DELETE, "/v1/clients/bot", If::Nothing, None).await.is(204);
    send(&world, path, "k-2", &order).await.0.refused(404, "not_found");
    make().await;
    send(&world, path, "k-2", &order).await.0.refused(409, "conflict");
}

#[tokio::test]
async fn what_may_be_left_out_may_be_null_as_the_description_says() {
    let world = World::start().await;
    let bot = json!({
        "clientId": "bot", "name": null, "scopes": ["read:contacts"], "grantTypes": null, "auth": null, "jwks": null,
        "redirectUris": null, "pkce": null, "allowFrom": null,
    });
    world.call(Method::POST, "/v1/clients", If::Nothing, Some(bot)).await.is(201);
    let order = json!({"overlapSeconds": null});
    world.call(Method::POST, "/v1/clients/bot/rotate-secret", If::Nothing, Some(order)).await.is(200);
    let described = crate::openapi::document();
    for (schema, member) in
        [("ClientSecretRotation", "overlapSeconds"), ("OtpSend", "locale"), ("NewClient", "jwks")]
    {
        let member = &described["components"]["schemas"][schema]["properties"][member];
        assert!(member.to_string().contains("\"null\""), "{schema}: {member}");
    }
}
