//! `POST /v1/oauth/token`: who gets a token, for what, and what the others are told.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::wire::Answer;
use super::world::{CLIENT, SECRET, World};

fn claims(token: &str) -> (Value, Value) {
    let part = |at| {
        let text: &str = token.split('.').nth(at).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    (part(0), part(1))
}

/// Checks what every refusal has in common.
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, &answer.json()["error"]), (status, &error.into()), "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
    assert!(!answer.body.contains(SECRET));
}

fn basic(client: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")))
}

#[tokio::test]
async fn the_request_of_seed_001_works_as_printed() {
    let world = World::start().await;
    let answer = world
        .json(
            "{\n\"grant_type\": \"client_credentials\",\n\"client_id\": \"oauth_client_abc123xyz789\",\n\
             \"client_secret\": \"secret_def456uvw012\",\n\"scope\": \"read:principals write:policies\"\n}",
        )
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let body = answer.json();
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "token_type", "expires_in", "scope", "created_at"]);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["scope"], "read:principals write:policies");
    let created = body["created_at"].as_i64().unwrap();
    assert!((world.clock.now().as_second() - created).abs() < 60);
}

#[tokio::test]
async fn the_token_has_the_header_and_the_claims_of_rfc_9068() {
    let world = World::start().await;
    let token = world.token_of(CLIENT).await;
    let (header, claims) = claims(&token);
    assert_eq!(header, json!({ "typ": "at+jwt", "alg": "RS256", "kid": "key_1" }));
    let iat = claims["iat"].as_i64().unwrap();
    let jti = claims["jti"].as_str().unwrap();
    assert_eq!(
        claims,
        json!({
            "iss": "https://acme.example.com", "sub": CLIENT, "aud": "https://acme.example.com",
            "exp": iat + 3600, "iat": iat, "jti": jti, "client_id": CLIENT,
            "scope": "read:principals write:policies delete:policies", "tenant": "acme",
        })
    );
    let (_, other) = self::claims(&world.token_of(CLIENT).await);
    assert_ne!(other["jti"], jti);
}

#[tokio::test]
async fn form_json_and_basic_lead_to_the_same_token() {
    let world = World::start().await;
    let form = "application/x-www-form-urlencoded";
    let id_and_secret = format!("client_id={CLIENT}&client_secret={SECRET}");
    let basic = basic(CLIENT, SECRET);
    let requests = [
        (form, None, format!("grant_type=client_credentials&{id_and_secret}&unknown=1&scope=")),
        (form, Some(&basic), "grant_type=client_credentials".to_owned()),
        (form, Some(&basic), format!("grant_type=client_credentials&client_id={CLIENT}")),
        (
            "application/json; charset=utf-8",
            Some(&basic),
            r#"{"grant_type":"client_credentials"}"#.to_owned(),
        ),
        (
            "application/json",
            None,
            json!({ "grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET,
                    "unknown": {"a": [1]} })
            .to_string(),
        ),
    ];
    for (content_type, authorization, body) in requests {
        let mut headers = vec![("Content-Type", content_type)];
        headers.extend(authorization.map(|value| ("Authorization", value.as_str())));
        let answer = world.ask("POST /v1/oauth/token", &headers, &body).await;
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        assert_eq!(answer.json()["scope"], "read:principals write:policies delete:policies");
    }
}

#[tokio::test]
async fn an_id_with_special_characters_is_form_encoded_in_basic() {
    let world = World::start().await;
    let form = "application/x-www-form-urlencoded";
    let authorization = basic("my+bot%3A1%2B%25", SECRET);
    let headers = [("Content-Type", form), ("Authorization", authorization.as_str())];
    let answer = world.ask("POST /v1/oauth/token", &headers, "grant_type=client_credentials").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_secret_that_is_wrong_empty_blank_null_missing_or_no_text_is_refused_alike() {
    let world = World::start().await;
    for secret in
        ["\"wrong\"", "\"\"", "\" \"", "\"\\t\\n\"", "null", "[\"secret_def456uvw012\"]", "7", "{}", "true"]
    {
        let body = format!(
            r#"{{"grant_type":"client_credentials","client_id":"{CLIENT}","client_secret":{secret}}}"#
        );
        refused(&world.json(&body).await, 401, "invalid_client");
    }
    for rest in ["", "&client_secret=", "&client_secret=+", "&client_secret=%00", "&client_secret=wrong"] {
        let body = format!("grant_type=client_credentials&client_id={CLIENT}{rest}");
        refused(&world.form(&body).await, 401, "invalid_client");
    }
    for authorization in [basic(CLIENT, ""), basic(CLIENT, " "), basic(CLIENT, "wrong"), basic("", SECRET)] {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Authorization", authorization.as_str()),
        ];
        let answer = world.ask("POST /v1/oauth/token", &headers, "grant_type=client_credentials").await;
        refused(&answer, 401, "invalid_client");
        assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"oauth\""));
    }
}

#[tokio::test]
async fn an_unknown_client_and_a_wrong_secret_get_the_same_answer() {
    let world = World::start().await;
    let wrong = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret=wrong");
    let unknown = "grant_type=client_credentials&client_id=nobody&client_secret=wrong";
    let broken = format!("grant_type=client_credentials&client_id=broken&client_secret={SECRET}");
    let public = format!("grant_type=client_credentials&client_id=public&client_secret={SECRET}");
    let first = world.form(&wrong).await;
    refused(&first, 401, "invalid_client");
    for body in [unknown, &broken, &public] {
        assert_eq!(world.form(body).await.body, first.body);
    }
}

#[tokio::test]
async fn malformed_requests_are_told_what_is_wrong_with_them() {
    let world = World::start().await;
    let good = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    for body in [
        String::new(),
        format!("client_id={CLIENT}&client_secret={SECRET}"),
        format!("{good}&grant_type=client_credentials"),
        format!("{good}&client_secret={SECRET}"),
        format!("{good}&x=1&x=2"),
    ] {
        refused(&world.form(&body).await, 400, "invalid_request");
    }
    for body in [
        "",
        "[]",
        "{",
        "{} {}",
        r#"{"grant_type": null}"#,
        r#"{"grant_type": ["client_credentials"]}"#,
        r#"{"grant_type":"client_credentials","client_id":7,"client_secret":"x"}"#,
        r#"{"grant_type":"client_credentials","client_id":"a","client_secret":"x","scope":null}"#,
        r#"{"grant_type":"client_credentials","client_id":"a","client_id":"a","client_secret":"x"}"#,
    ] {
        refused(&world.json(body).await, 400, "invalid_request");
    }
    for headers in [vec![], vec![("Content-Type", "text/plain")]] {
        refused(&world.ask("POST /v1/oauth/token", &headers, &good).await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn two_ways_to_authenticate_at_once_are_refused() {
    let world = World::start().await;
    let basic = basic(CLIENT, SECRET);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let one = ("Authorization", basic.as_str());
    let body = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    refused(&world.ask("POST /v1/oauth/token", &[form, one], &body).await, 400, "invalid_request");
    let body = "grant_type=client_credentials";
    refused(&world.ask("POST /v1/oauth/token", &[form, one, one], body).await, 400, "invalid_request");
    let bearer = ("Authorization", "Bearer abc");
    refused(&world.ask("POST /v1/oauth/token", &[form, bearer], body).await, 401, "invalid_client");
}

#[tokio::test]
async fn grants_and_scopes_that_a_client_may_not_have_are_refused() {
    let world = World::start().await;
    let body = |grant: &str, client: &str, scope: &str| {
        format!("grant_type={grant}&client_id={client}&client_secret={SECRET}&scope={scope}")
    };
    for grant in ["password", "implicit", "CLIENT_CREDENTIALS", "%20"] {
        refused(&world.form(&body(grant, CLIENT, "")).await, 400, "unsupported_grant_type");
    }
    for grant in ["authorization_code", "refresh_token"] {
        refused(&world.form(&body(grant, CLIENT, "")).await, 400, "unauthorized_client");
        refused(&world.form(&body(grant, "app", "")).await, 400, "invalid_request");
    }
    refused(&world.form(&body("client_credentials", "app", "")).await, 400, "unauthorized_client");
    let public = "grant_type=client_credentials&client_id=public";
    refused(&world.form(public).await, 400, "unauthorized_client");
    for scope in
        ["admin:all", "read:principals+other", "read%3Aprincipals%22", "r%C3%A9ad", "READ:PRINCIPALS"]
    {
        refused(&world.form(&body("client_credentials", CLIENT, scope)).await, 400, "invalid_scope");
    }
    // Whoever may do everything may ask for less.
    let less = world.form(&body("client_credentials", "operator", "read:principals")).await;
    assert_eq!(less.json()["scope"], "read:principals");
    refused(&world.form(&body("client_credentials", "operator", "principals")).await, 400, "invalid_scope");
    let some = world.form(&body("client_credentials", CLIENT, "write:policies+read:principals")).await;
    assert_eq!(some.json()["scope"], "write:policies read:principals");
}

#[tokio::test]
async fn a_body_beyond_64_kib_is_not_read_announced_or_not() {
    let world = World::start().await;
    let long = "x".repeat(70_000);
    refused(&world.form(&long).await, 413, "invalid_request");
    let chunked = format!(
        "POST /v1/oauth/token HTTP/1.1\r\nHost: acme.example.com\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    let answer = super::wire::send(world.address, chunked.as_bytes()).await;
    refused(&Answer::parse(&answer), 413, "invalid_request");
}

#[tokio::test]
async fn other_methods_are_405_with_the_one_that_is_allowed() {
    let world = World::start().await;
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] {
        let answer = world.ask(&format!("{method} /v1/oauth/token"), &[], "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
}

#[tokio::test]
async fn credentials_in_the_query_are_not_looked_at() {
    let world = World::start().await;
    let query = format!("client_id={CLIENT}&client_secret={SECRET}");
    let line = format!("POST /v1/oauth/token?{query}");
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    refused(&world.ask(&line, &form, "grant_type=client_credentials").await, 401, "invalid_client");
}

#[tokio::test]
async fn a_remembered_client_is_forgotten_when_its_secret_changes_or_after_five_minutes() {
    use countersign::issuer::{Credentials, TokenError, TokenRequest, secret_hash};
    use countersign::secret::Secret;

    let World { issuer, mut acme, clock, .. } = World::start().await;
    let request = |secret: &str| {
        TokenRequest::new("client_credentials", Credentials::with_secret(CLIENT, Secret::new(secret)))
    };
    issuer.token(&acme, request(SECRET)).await.unwrap();
    issuer.token(&acme, request(SECRET)).await.unwrap();
    assert_eq!(issuer.token(&acme, request("other")).await.unwrap_err(), TokenError::Client);

    let changed = secret_hash::build(&Secret::new("other"), &clock).unwrap();
    let former = acme.clients[0].secret_hash.replace(changed);
    assert_eq!(issuer.token(&acme, request(SECRET)).await.unwrap_err(), TokenError::Client);
    issuer.token(&acme, request("other")).await.unwrap();

    acme.clients[0].secret_hash = former;
    clock.advance(Duration::from_secs(301));
    issuer.token(&acme, request(SECRET)).await.unwrap();
    let gone = acme.clients.remove(0);
    assert_eq!(issuer.token(&acme, request(SECRET)).await.unwrap_err(), TokenError::Client);
    acme.clients.push(gone);
}

#[tokio::test]
async fn the_secret_of_one_tenant_is_nothing_in_another() {
    use countersign::issuer::{Credentials, TokenError, TokenRequest};
    use countersign::secret::Secret;

    let World { issuer, acme, mut globex, clock, .. } = World::start().await;
    globex.clients[0].secret_hash =
        Some(countersign::issuer::secret_hash::build(&Secret::new("theirs"), &clock).unwrap());
    let request = |secret: &str| {
        TokenRequest::new("client_credentials", Credentials::with_secret(CLIENT, Secret::new(secret)))
    };
    issuer.token(&acme, request(SECRET)).await.unwrap();
    assert_eq!(issuer.token(&globex, request(SECRET)).await.unwrap_err(), TokenError::Client);
    issuer.token(&globex, request("theirs")).await.unwrap();
    assert_eq!(issuer.token(&acme, request("theirs")).await.unwrap_err(), TokenError::Client);
}

#[tokio::test]
async fn a_flood_of_wrong_secrets_is_turned_away_while_a_known_client_still_gets_tokens() {
    let world = World::start().await;
    world.token_of(CLIENT).await;
    let wrong = |number: usize| {
        let body = format!("grant_type=client_credentials&client_id=operator&client_secret=wrong{number}");
        let world = &world;
        async move { world.form(&body).await.status }
    };
    // More than may wait on this machine: one check per core runs, 64 wait.
    let many = std::thread::available_parallelism().unwrap().get() + 164;
    let flood = futures_util::future::join_all((0..many).map(wrong));
    let (statuses, _token) = tokio::join!(flood, world.token_of(CLIENT));
    assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&503) && statuses.contains(&401), "{statuses:?}");
}
