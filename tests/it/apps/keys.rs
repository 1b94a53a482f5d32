//! Clients that prove who they are by a key of their own (`private_key_jwt`).

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{error, post};
use crate::harness::{Choices, Harness};

/// A P-256 key that was made for these tests, as a JWK; the broker knows its public part only.
const PRIVATE: &str = include_str!("../../../fixtures/apps/client-key.pem");
const PUBLIC: &str = include_str!("../../../fixtures/apps/client-jwks.json");
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn start() -> Harness {
    let jwks = PUBLIC.replace('\n', "");
    let tenant = format!(
        "[[client]]\nclient_id = \"keyed\"\nauth = \"private_key_jwt\"\njwks = '{jwks}'\nscopes = [\"read:contacts\"]\n"
    );
    Harness::with(Choices { tenant, ..Choices::default() }).await
}

fn claims(broker: &Harness, jti: &str) -> Value {
    let now = broker.clock.now().as_second();
    json!({
        "iss": "keyed", "sub": "keyed", "aud": format!("{}/v1/oauth/token", broker.origin),
        "iat": now, "exp": now + 60, "jti": jti,
    })
}

fn with(mut claims: Value, name: &str, value: Option<Value>) -> Value {
    match value {
        Some(value) => claims[name] = value,
        None => drop(claims.as_object_mut().unwrap().remove(name)),
    }
    claims
}

fn signed(claims: &Value) -> String {
    let key = jsonwebtoken::EncodingKey::from_ec_pem(PRIVATE.as_bytes()).unwrap();
    let header = jsonwebtoken::Header {
        kid: Some("client-1".to_owned()),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256)
    };
    jsonwebtoken::encode(&header, claims, &key).unwrap()
}

async fn ask(broker: &Harness, assertion: &str) -> (StatusCode, Value) {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    post(broker, "/v1/oauth/token", &fields).await
}

#[tokio::test]
async fn a_client_proves_itself_by_its_key_and_each_proof_is_good_once() {
    let broker = start().await;
    let assertion = signed(&claims(&broker, "one"));
    let (status, tokens) = ask(&broker, &assertion).await;
    assert_eq!((status, &tokens["scope"]), (StatusCode::OK, &json!("read:contacts")), "{tokens}");
    assert_eq!(error(&ask(&broker, &assertion).await), (401, "invalid_client"), "shown before");
    assert_eq!(ask(&broker, &signed(&claims(&broker, "two"))).await.0, StatusCode::OK);
    let issuer = with(claims(&broker, "three"), "aud", Some(json!(broker.origin)));
    assert_eq!(ask(&broker, &signed(&issuer)).await.0, StatusCode::OK, "the issuer's name will do");
}

#[tokio::test]
async fn a_proof_that_says_something_else_is_none() {
    let broker = start().await;
    let now = broker.clock.now().as_second();
    let cases = [
        ("iss", Some(json!("acme-bot"))),
        ("iss", None),
        ("sub", Some(json!("acme-bot"))),
        ("sub", None),
        ("aud", Some(json!("https://evil.example"))),
        ("aud", Some(json!([broker.origin, "https://evil.example"]))),
        ("aud", None),
        ("exp", Some(json!(now - 60))),
        ("exp", Some(json!(now + 7200))),
        ("exp", Some(json!("soon"))),
        ("exp", Some(json!(1e300))),
        ("exp", None),
        ("nbf", Some(json!(now + 300))),
        ("jti", Some(json!(""))),
        ("jti", Some(json!(7))),
        ("jti", None),
    ];
    for (index, (name, value)) in cases.into_iter().enumerate() {
        let said = with(claims(&broker, &format!("bad-{index}")), name, value.clone());
        assert_eq!(error(&ask(&broker, &signed(&said)).await), (401, "invalid_client"), "{name} {value:?}");
    }
    let own = signed(&claims(&broker, "good"));
    for bad in ["", "x", "a.b.c", &own[..own.len() - 5]] {
        let word = if bad.is_empty() { (400, "invalid_request") } else { (401, "invalid_client") };
        assert_eq!(error(&ask(&broker, bad).await), word, "{bad}");
    }
    let hmac = jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256),
        &claims(&broker, "hs"),
        &jsonwebtoken::EncodingKey::from_secret(PUBLIC.as_bytes()),
    );
    assert_eq!(
        error(&ask(&broker, &hmac.unwrap()).await),
        (401, "invalid_client"),
        "the public key as a secret"
    );
    let both = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", own.as_str()),
        ("client_secret", "x"),
    ];
    assert_eq!(error(&post(&broker, "/v1/oauth/token", &both).await), (400, "invalid_request"));
    let secret = [("grant_type", "client_credentials"), ("client_id", "keyed"), ("client_secret", "x")];
    assert_eq!(error(&post(&broker, "/v1/oauth/token", &secret).await), (401, "invalid_client"));
    let nothing = [("grant_type", "client_credentials"), ("client_id", "keyed")];
    assert_eq!(error(&post(&broker, "/v1/oauth/token", &nothing).await), (401, "invalid_client"));
}
