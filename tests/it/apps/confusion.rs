//! Tokens that pass for another, at every place that takes one: all are refused.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{start, tokens, userinfo};
use crate::harness::Harness;

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn parts_of(token: &str) -> (Value, Value, String) {
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (read(parts[0]), read(parts[1]), parts[2].to_owned())
}

fn with(json: &Value, name: &str, value: Option<Value>) -> Value {
    let mut json = json.clone();
    match value {
        Some(value) => json[name] = value,
        None => drop(json.as_object_mut().unwrap().remove(name)),
    }
    json
}

/// A key of the broker's key ring that signs, as whoever stole it could.
fn stolen_key(broker: &Harness) -> EncodingKey {
    let ring = std::fs::read_to_string(broker.folder().join("keys.toml")).unwrap();
    let start = ring.find("-----BEGIN PRIVATE KEY-----").unwrap();
    let end = ring.find("-----END PRIVATE KEY-----").unwrap() + "-----END PRIVATE KEY-----".len();
    let pem = ring[start..end].replace("\\n", "\n");
    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
}

fn signed(header: &Value, claims: &Value, key: &EncodingKey) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = sign(message.as_bytes(), key, Algorithm::RS256).unwrap();
    format!("{message}.{signature}")
}

async fn refused(broker: &Harness, token: &str, why: &str) {
    let (status, body) = userinfo(broker, token).await;
    assert_eq!((status, &body["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_token")), "{why}");
    let api = broker.plain(Method::GET, "/v1/contacts").bearer_auth(token).send().await.unwrap();
    assert_eq!(api.status(), StatusCode::UNAUTHORIZED, "{why} at the API");
    for (method, path) in [(Method::GET, "profile"), (Method::GET, "sign-ins"), (Method::POST, "logout")] {
        let call =
            broker.plain(method, &format!("/api/client/v1/{path}")).bearer_auth(token).send().await.unwrap();
        let (status, body) = super::read(call).await;
        let told = (status, &body["error"]["code"]);
        assert_eq!(told, (StatusCode::UNAUTHORIZED, &json!("invalid_token")), "{why} at {path} of customers");
    }
}

#[tokio::test]
async fn a_token_that_we_did_not_sign_as_it_stands_is_refused() {
    let broker = start().await;
    let own = tokens(&broker).await;
    let token = own["access_token"].as_str().unwrap();
    let (header, claims, signature) = parts_of(token);
    let none = with(&header, "alg", Some(json!("none")));
    refused(&broker, &format!("{}.{}.", part(&none), part(&claims)), "alg none").await;
    refused(&broker, &format!("{}.{}.{signature}", part(&none), part(&claims)), "alg none, signed").await;
    let jwks: Value = broker
        .plain(Method::GET, "/v1/oauth/.well-known/jwks.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let hs = with(&header, "alg", Some(json!("HS256")));
    for secret in
        [jwks["keys"][0]["n"].as_str().unwrap().to_owned(), jwks["keys"][0].to_string(), jwks.to_string()]
    {
        let message = format!("{}.{}", part(&hs), part(&claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let mac = URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes()));
        refused(&broker, &format!("{message}.{mac}"), "HS256 with the public key").await;
    }
    let admin = with(&claims, "scope", Some(json!("admin:all")));
    refused(&broker, &format!("{}.{}.{signature}", part(&header), part(&admin)), "changed claims").await;
    refused(&broker, &token[..token.len() - 4], "a cut signature").await;
    refused(&broker, &format!("{token}.{signature}"), "four parts").await;
}

#[tokio::test]
async fn a_header_that_we_would_not_write_is_refused_though_our_key_signed_it() {
    let broker = start().await;
    let own = tokens(&broker).await;
    let key = stolen_key(&broker);
    let (header, claims, _) = parts_of(own["access_token"].as_str().unwrap());
    let cases = [
        ("kid", Some(json!("another"))),
        ("kid", None),
        ("jku", Some(json!("https://evil.example/jwks.json"))),
        ("x5u", Some(json!("https://evil.example/cert"))),
        ("jwk", Some(json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}))),
        ("crit", Some(json!(["exp"]))),
        ("typ", Some(json!("JWT"))),
        ("typ", None),
    ];
    for (name, value) in cases {
        let token = signed(&with(&header, name, value.clone()), &claims, &key);
        refused(&broker, &token, &format!("{name} {value:?}")).await;
    }
}

#[tokio::test]
async fn a_token_with_a_claim_missing_or_of_another_place_is_refused() {
    let broker = start().await;
    let own = tokens(&broker).await;
    let key = stolen_key(&broker);
    let (header, claims, _) = parts_of(own["access_token"].as_str().unwrap());
    let good = signed(&header, &claims, &key);
    assert_eq!(userinfo(&broker, &good).await.0, StatusCode::OK, "the forger is able to");
    let own = broker.plain(Method::GET, "/api/client/v1/profile").bearer_auth(&good).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::OK, "at the customers' API as well");
    for (name, _) in claims.as_object().unwrap() {
        if !name.starts_with("email") {
            refused(&broker, &signed(&header, &with(&claims, name, None), &key), name).await;
        }
    }
    // One for the API opens the API, and nothing of a customer's.
    let api = signed(&header, &with(&claims, "aud", Some(json!(broker.origin))), &key);
    assert_eq!(userinfo(&broker, &api).await.0, StatusCode::UNAUTHORIZED);
    for (name, value) in [
        ("iss", json!("http://beta.test")),
        ("aud", json!(["countersign-client-api"])),
        ("tenant", json!("beta")),
        ("organization_id", json!("beta")),
        ("exp", json!(1)),
        ("exp", json!("9999999999")),
        ("iat", json!(9_999_999_999_u64)),
        ("nbf", json!(9_999_999_999_u64)),
        ("sid", json!("tf_00000000000000000000000000000009")),
        ("token_source", json!("mail")),
        ("client_id", json!("nobody")),
    ] {
        refused(&broker, &signed(&header, &with(&claims, name, Some(value.clone())), &key), name).await;
    }
}

#[tokio::test]
async fn an_id_token_a_refresh_token_and_a_clients_own_token_are_no_customers_token() {
    let broker = start().await;
    let own = tokens(&broker).await;
    for name in ["id_token", "refresh_token"] {
        refused(&broker, own[name].as_str().unwrap(), name).await;
    }
    let machine = broker.token().await;
    assert_eq!(userinfo(&broker, &machine).await.0, StatusCode::UNAUTHORIZED);
    let customer = own["access_token"].as_str().unwrap();
    let api = broker.plain(Method::GET, "/v1/contacts").bearer_auth(customer).send().await.unwrap();
    assert_eq!(api.status(), StatusCode::UNAUTHORIZED);
    let missing = broker.plain(Method::GET, "/v1/oauth/userinfo").send().await.unwrap();
    assert_eq!(missing.status(), StatusCode::UNAUTHORIZED);
    assert!(missing.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer realm="));
}

#[tokio::test]
async fn a_token_of_another_tenant_is_refused() {
    let broker = start().await;
    let own = tokens(&broker).await;
    let token = own["access_token"].as_str().unwrap();
    let there =
        broker.plain(Method::GET, "/v1/oauth/userinfo").header("host", "beta.test").bearer_auth(token);
    assert_eq!(there.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}
