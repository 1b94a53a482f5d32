//! The bearer check: which tokens open the API, and what the others are told.

use std::collections::HashSet;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::domain::client::Scopes;
use countersign::issuer::keys::KeyState;
use countersign::issuer::tokens::AccessError;
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::world::{CLIENT, World, keys, pem};

/// A token from a header and claims as they are, signed with a key of the ring.
fn forge(header: &Value, claims: &Value, which: usize) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_rsa_pem(pem(which).expose().as_bytes()).unwrap();
    let signature = sign(message.as_bytes(), &key, Algorithm::RS256).unwrap();
    format!("{message}.{signature}")
}

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// The header that our tokens have.
fn header() -> Value {
    json!({ "typ": "at+jwt", "alg": "RS256", "kid": "key_1" })
}

/// The claims that our tokens of `acme` have.
fn claims(world: &World) -> Value {
    let now = world.clock.now().as_second();
    json!({
        "iss": "https://acme.example.com", "sub": CLIENT, "aud": "https://acme.example.com",
        "exp": now + 600, "iat": now, "jti": "j1", "client_id": CLIENT,
        "scope": "read:principals", "tenant": "acme",
    })
}

/// A value with one member changed, or taken away.
fn with(mut json: Value, name: &str, value: impl Into<Option<Value>>) -> Value {
    match value.into() {
        Some(value) => json[name] = value,
        None => {
            json.as_object_mut().unwrap().remove(name);
        }
    }
    json
}

/// Checks that a token is refused, here and over HTTP.
async fn refused(world: &World, token: &str, why: AccessError) {
    assert_eq!(world.issuer.verify_access(&world.acme, token), Err(why), "{token}");
    let answer = world.call(&format!("Bearer {token}")).await;
    assert_eq!(answer.status, 401, "{token}");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"acme\", error=\"invalid_token\""));
}

#[tokio::test]
async fn a_fresh_token_opens_the_api_in_any_case_of_the_scheme() {
    let world = World::start().await;
    let token = world.token_of(CLIENT).await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = world.call(&format!("{scheme} {token}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, CLIENT));
    }
    assert!(world.issuer.verify_access(&world.acme, &forge(&header(), &claims(&world), 0)).is_ok());
}

#[tokio::test]
async fn a_header_that_we_would_not_have_written_is_refused() {
    let world = World::start().await;
    let foreign: [(&str, Option<Value>); 15] = [
        ("typ", None),
        ("typ", Some("JWT".into())),
        ("typ", Some("AT+JWT".into())),
        ("typ", Some("application/at+jwt".into())),
        ("typ", Some("id+jwt".into())),
        ("alg", Some("RS384".into())),
        ("alg", Some("PS256".into())),
        ("alg", Some("HS256".into())),
        ("kid", None),
        ("jku", Some("https://evil.example/jwks.json".into())),
        ("x5u", Some("https://evil.example/chain.pem".into())),
        ("jwk", Some(json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }))),
        ("crit", Some(json!(["exp"]))),
        ("b64", Some(false.into())),
        ("cty", Some("JWT".into())),
    ];
    for (name, value) in foreign {
        refused(&world, &forge(&with(header(), name, value), &claims(&world), 0), AccessError::ForeignHeader)
            .await;
    }
    for alg in ["none", "None", "rs256", ""] {
        let token = forge(&with(header(), "alg", Value::from(alg)), &claims(&world), 0);
        refused(&world, &token, AccessError::Malformed).await;
    }
    refused(&world, &forge(&with(header(), "alg", None), &claims(&world), 0), AccessError::Malformed).await;
}

#[tokio::test]
async fn an_unsigned_token_is_refused_whatever_it_says() {
    let world = World::start().await;
    let none = with(header(), "alg", Value::from("none"));
    let unsigned = format!("{}.{}.", part(&none), part(&claims(&world)));
    refused(&world, &unsigned, AccessError::Malformed).await;
    let stripped = format!("{}.{}.", part(&header()), part(&claims(&world)));
    refused(&world, &stripped, AccessError::Signature).await;
}

#[tokio::test]
async fn the_public_key_is_no_hmac_secret() {
    let world = World::start().await;
    let jwks = world.issuer.keys().jwks();
    let modulus = URL_SAFE_NO_PAD.decode(jwks["keys"][0]["n"].as_str().unwrap()).unwrap();
    let jwk = jwks["keys"][0].to_string().into_bytes();
    let message = format!("{}.{}", part(&with(header(), "alg", Value::from("HS256"))), part(&claims(&world)));
    for secret in [modulus, jwk, jwks.to_string().into_bytes(), Vec::new()] {
        let signature =
            sign(message.as_bytes(), &EncodingKey::from_secret(&secret), Algorithm::HS256).unwrap();
        refused(&world, &format!("{message}.{signature}"), AccessError::ForeignHeader).await;
    }
}

#[tokio::test]
async fn a_foreign_key_is_refused_under_its_own_name_and_under_ours() {
    let world = World::start().await;
    refused(&world, &forge(&header(), &claims(&world), 1), AccessError::Signature).await;
    for kid in ["key_2", "", "../key_1", "KEY_1"] {
        let token = forge(&with(header(), "kid", Value::from(kid)), &claims(&world), 1);
        refused(&world, &token, AccessError::UnknownKey).await;
    }
}

#[tokio::test]
async fn every_claim_is_required_and_has_its_kind() {
    let world = World::start().await;
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "tenant"] {
        for value in [None, Some(Value::Null), Some(json!({})), Some(json!(true)), Some(json!(1.5))] {
            let token = forge(&header(), &with(claims(&world), name, value), 0);
            refused(&world, &token, AccessError::Claims).await;
        }
    }
    let list = json!(["https://acme.example.com", "https://globex.example.com"]);
    refused(&world, &forge(&header(), &with(claims(&world), "aud", list), 0), AccessError::Claims).await;
    let text = Value::from("9999999999");
    refused(&world, &forge(&header(), &with(claims(&world), "exp", text), 0), AccessError::Claims).await;
    let twice = claims(&world).to_string().replacen('{', "{\"iss\":\"https://acme.example.com\",", 1);
    let message = format!("{}.{}", part(&header()), URL_SAFE_NO_PAD.encode(twice));
    let key = EncodingKey::from_rsa_pem(pem(0).expose().as_bytes()).unwrap();
    let signature = sign(message.as_bytes(), &key, Algorithm::RS256).unwrap();
    refused(&world, &format!("{message}.{signature}"), AccessError::Claims).await;
}

#[tokio::test]
async fn a_token_of_another_tenant_issuer_or_audience_is_refused() {
    let world = World::start().await;
    let elsewhere = [
        ("iss", "https://globex.example.com"),
        ("iss", "https://acme.example.com/"),
        ("iss", "https://ACME.example.com"),
        ("iss", "http://acme.example.com"),
        ("aud", "https://globex.example.com"),
        ("aud", "countersign-client-api"),
        ("aud", ""),
        ("tenant", "globex"),
        ("tenant", "Acme"),
    ];
    for (name, value) in elsewhere {
        let token = forge(&header(), &with(claims(&world), name, Value::from(value)), 0);
        refused(&world, &token, AccessError::Elsewhere).await;
    }
}

#[tokio::test]
async fn a_remembered_token_is_still_no_token_of_another_tenant() {
    let world = World::start().await;
    let token = world.token_of(CLIENT).await;
    assert!(world.issuer.verify_access(&world.acme, &token).is_ok());
    assert_eq!(world.issuer.verify_access(&world.globex, &token), Err(AccessError::Elsewhere));
    let globex = [("Authorization", format!("Bearer {token}"))];
    let headers: Vec<(&str, &str)> = globex.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer =
        super::wire::request(world.address, "globex.example.com", "GET /v1/principals", &headers, "").await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn a_token_is_good_from_its_time_until_its_time() {
    let world = World::start().await;
    let now = world.clock.now().as_second();
    for (name, value, why) in [
        ("exp", now - 1, AccessError::Expired),
        ("exp", 0, AccessError::Expired),
        ("exp", -5, AccessError::Expired),
        ("iat", now + 300, AccessError::NotYet),
        ("nbf", now + 300, AccessError::NotYet),
    ] {
        refused(&world, &forge(&header(), &with(claims(&world), name, json!(value)), 0), why).await;
    }
    for (name, value) in [("iat", now + 20), ("nbf", now + 20), ("nbf", now - 5)] {
        let token = forge(&header(), &with(claims(&world), name, json!(value)), 0);
        assert!(world.issuer.verify_access(&world.acme, &token).is_ok(), "{name} {value}");
    }
}

#[tokio::test]
async fn a_remembered_token_expires_all_the_same() {
    let world = World::start().await;
    let token = world.token_of(CLIENT).await;
    assert!(world.issuer.verify_access(&world.acme, &token).is_ok());
    world.clock.advance(Duration::from_secs(3500));
    assert!(world.issuer.verify_access(&world.acme, &token).is_ok());
    world.clock.advance(Duration::from_secs(101));
    refused(&world, &token, AccessError::Expired).await;
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let world = World::start().await;
    let token = world.token_of(CLIENT).await;
    let (message, signature) = token.rsplit_once('.').unwrap();
    for broken in
        [".", "..", "...", "a.b.c", "eyJhbGciOiJSUzI1NiJ9", &format!("{token}.{signature}"), message]
    {
        let refusal = world.issuer.verify_access(&world.acme, broken).unwrap_err();
        assert!(
            matches!(refusal, AccessError::Malformed | AccessError::ForeignHeader),
            "{broken}: {refusal:?}"
        );
        assert_eq!(world.call(&format!("Bearer {broken}")).await.status, 401, "{broken}");
    }
    let other_claims = with(claims(&world), "scope", Value::from("admin:all"));
    let swapped = format!("{}.{}.{signature}", part(&header()), part(&other_claims));
    refused(&world, &swapped, AccessError::Signature).await;
    refused(&world, &"a".repeat(8 * 1024 + 1), AccessError::TooLong).await;
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let other_signature = format!("{first}{}", &signature[1..]);
    refused(&world, &format!("{message}.{other_signature}"), AccessError::Signature).await;
    refused(&world, &format!("{token}=="), AccessError::Malformed).await;
}

#[tokio::test]
async fn the_lack_of_a_usable_header_is_told_by_rfc_6750() {
    let world = World::start().await;
    let ask = async |headers: &[(&str, &str)]| world.ask("GET /v1/principals", headers, "").await;
    let realm = Some("Bearer realm=\"acme\"");
    for headers in [vec![], vec![("Authorization", "Basic dTpw")], vec![("Authorization", "%%%")]] {
        let answer = ask(&headers).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, realm), "{headers:?}");
    }
    let alone = ask(&[("Authorization", "Bearer")]).await;
    assert_eq!(alone.status, 401);
    assert!(alone.header("www-authenticate").unwrap().ends_with("error=\"invalid_token\""));
    let token = format!("Bearer {}", world.token_of(CLIENT).await);
    let twice = ask(&[("Authorization", &token), ("Authorization", &token)]).await;
    assert_eq!(twice.status, 400);
    assert!(twice.header("www-authenticate").unwrap().ends_with("error=\"invalid_request\""));
}

#[tokio::test]
async fn a_token_without_the_scope_is_403_with_the_scope_that_is_needed() {
    let world = World::start().await;
    let body = format!(
        "grant_type=client_credentials&client_id={CLIENT}&client_secret={}&scope=write:policies",
        super::world::SECRET
    );
    let token = world.form(&body).await.json()["access_token"].as_str().unwrap().to_owned();
    let answer = world.call(&format!("Bearer {token}")).await;
    assert_eq!(answer.status, 403);
    let challenge = answer.header("www-authenticate").unwrap();
    assert_eq!(challenge, "Bearer realm=\"acme\", error=\"insufficient_scope\", scope=\"read:principals\"");
    let operator = world.token_of("operator").await;
    assert_eq!(world.call(&format!("Bearer {operator}")).await.status, 200);
}

#[tokio::test]
async fn a_client_that_is_gone_or_lost_a_scope_loses_it_at_once() {
    let World { issuer, mut acme, .. } = {
        let world = World::start().await;
        let token = world.token_of(CLIENT).await;
        assert!(world.issuer.verify_access(&world.acme, &token).is_ok());
        let mut without = world.acme.clone();
        without.clients.retain(|client| client.client_id.as_str() != CLIENT);
        refused_by(&world, &without, &token, AccessError::ClientGone);
        world
    };
    let secret = countersign::secret::Secret::new(super::world::SECRET);
    let credentials = countersign::issuer::Credentials::with_secret(CLIENT, secret);
    let request = countersign::issuer::TokenRequest::new("client_credentials", credentials);
    let token = issuer.token(&acme, request).await.unwrap().access_token;
    acme.clients[0].scopes = Scopes::parse("delete:policies other").unwrap();
    let caller = issuer.verify_access(&acme, token.expose()).unwrap();
    assert_eq!(caller.scopes.to_string(), "delete:policies");
}

fn refused_by(world: &World, tenant: &countersign::domain::tenant::Tenant, token: &str, why: AccessError) {
    assert_eq!(world.issuer.verify_access(tenant, token), Err(why));
}

#[tokio::test]
async fn a_rotation_fails_no_token_and_a_revocation_all_of_its_key() {
    use KeyState::{Active, Next, Retired, Revoked};

    let world = World::with(keys(&[("a", 0, Active), ("b", 1, Next)])).await;
    let of_a = world.token_of(CLIENT).await;
    let of_next = forge(&with(header(), "kid", Value::from("b")), &claims(&world), 1);
    assert!(world.issuer.verify_access(&world.acme, &of_a).is_ok());
    assert!(
        world.issuer.verify_access(&world.acme, &of_next).is_ok(),
        "another broker may sign with it already"
    );

    world.issuer.replace_keys(keys(&[("a", 0, Retired), ("b", 1, Active)]));
    let of_b = world.token_of(CLIENT).await;
    let kid = |token: &str| {
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    assert_eq!((kid(&of_a).as_str(), kid(&of_b).as_str()), ("a", "b"));
    for token in [&of_a, &of_b, &of_next] {
        assert_eq!(world.call(&format!("Bearer {token}")).await.status, 200);
    }

    world.issuer.replace_keys(keys(&[("a", 0, Revoked), ("b", 1, Active)]));
    refused(&world, &of_a, AccessError::UnknownKey).await;
    assert_eq!(world.call(&format!("Bearer {of_b}")).await.status, 200);

    // The same name with another key: what was verified with the old one does not count.
    world.issuer.replace_keys(keys(&[("b", 2, Active)]));
    refused(&world, &of_b, AccessError::Signature).await;
}

#[tokio::test]
async fn requests_during_rotations_do_not_fail() {
    let world = World::with(keys(&[("a", 0, KeyState::Active), ("b", 1, KeyState::Next)])).await;
    world.token_of(CLIENT).await;
    let rotate = async {
        for turn in 0..20 {
            let (a, b) = if turn % 2 == 0 {
                (KeyState::Retired, KeyState::Active)
            } else {
                (KeyState::Active, KeyState::Retired)
            };
            world.issuer.replace_keys(keys(&[("a", 0, a), ("b", 1, b)]));
            tokio::task::yield_now().await;
        }
    };
    let work = async {
        let mut tokens = HashSet::new();
        for _ in 0..20 {
            let token = world.token_of(CLIENT).await;
            assert_eq!(world.call(&format!("Bearer {token}")).await.status, 200);
            tokens.insert(token);
        }
        tokens.len()
    };
    let ((), tokens) = tokio::join!(rotate, work);
    assert_eq!(tokens, 20);
}
