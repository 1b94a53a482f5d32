//! `oidc-provider`, a certified server, with a client of every kind. The tenant knows the issuer, and
//! what an admin would be told when registering the client; discovery does the rest.

use std::path::Path;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use countersign::cli::demo::provider::DemoProvider;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::npm::{Client, Lineup};
use crate::harness::scripted::keys::{Key, pem};

/// A kind of client: its name, what it registers, and what the tenant writes.
struct Variant {
    id: &'static str,
    registers: Value,
    settings: String,
}

fn variant(id: &'static str, registers: Value, settings: &str) -> Variant {
    Variant { id, registers, settings: settings.to_owned() }
}

fn plain() -> Vec<Variant> {
    let auth = |method: &str| json!({"token_endpoint_auth_method": method});
    let signed = |algorithm: &str| json!({"id_token_signed_response_alg": algorithm});
    vec![
        variant("basic", auth("client_secret_basic"), ""),
        variant("basic-said", auth("client_secret_basic"), "client_auth = \"client_secret_basic\""),
        variant("post", auth("client_secret_post"), "client_auth = \"client_secret_post\""),
        variant("secret-jwt", auth("client_secret_jwt"), "client_auth = \"client_secret_jwt\""),
        variant("public", auth("none"), "client_auth = \"none\""),
        variant("es256", signed("ES256"), ""),
        variant("ps256", signed("PS256"), ""),
        variant("ed25519", signed("Ed25519"), ""),
        variant("hs256", signed("HS256"), "id_token_algs = [\"HS256\"]"),
        variant(
            "signed-userinfo",
            json!({"userinfo_signed_response_alg": "RS256"}),
            "userinfo_alg = \"RS256\"",
        ),
        variant(
            "es256-userinfo",
            json!({"userinfo_signed_response_alg": "ES256"}),
            "userinfo_alg = \"ES256\"",
        ),
        variant("pushed", json!({"require_pushed_authorization_requests": true}), ""),
        variant(
            "pushed-jwt",
            json!({"require_pushed_authorization_requests": true, "token_endpoint_auth_method": "client_secret_jwt"}),
            "par = \"required\"\nclient_auth = \"client_secret_jwt\"",
        ),
        variant("pairwise", json!({"subject_type": "pairwise"}), ""),
        variant("short", json!({}), ""),
        variant("named", json!({}), "iss = \"required\""),
        variant("form-post", json!({}), "response_mode = \"form_post\""),
        variant("levels", json!({}), "acr_values = [\"gold\"]"),
        variant("recent", json!({}), "max_age = 60\nprompt = \"login\""),
        variant("hinted", json!({}), "login_hint = \"billy\""),
        variant(
            "claims",
            json!({}),
            "scope = \"openid\"\nidentity = \"id_token\"\n\
             claims = { id_token = { email = { essential = true }, email_verified = {} } }",
        ),
    ]
}

/// Clients that sign their assertions, each with a key of another kind in a file.
fn with_own_keys(folder: &Path) -> Vec<Variant> {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let ed = Ed25519KeyPair::generate().unwrap();
    let keys = [
        ("jwt-rs256", "RS256", pem(rsa.as_der().unwrap().as_ref()), Key::Rsa(rsa)),
        ("jwt-es256", "ES256", pem(ec.to_pkcs8v1().unwrap().as_ref()), Key::Ec(ec)),
        ("jwt-eddsa", "EdDSA", pem(ed.to_pkcs8().unwrap().as_ref()), Key::Ed(ed)),
    ];
    let variant = |(id, algorithm, pem, key): (&'static str, &str, String, Key)| {
        let file = folder.join(id);
        std::fs::write(&file, pem).unwrap();
        Variant {
            id,
            registers: json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "token_endpoint_auth_signing_alg": algorithm,
                "jwks": {"keys": [key.public("ours")]},
            }),
            settings: format!(
                "client_auth = \"private_key_jwt\"\nprivate_key = {{ file = {:?} }}\nprivate_key_id = \"ours\"",
                file.display().to_string()
            ),
        }
    };
    keys.into_iter().map(variant).collect()
}

/// Clients whose settings are not those that were registered.
fn wrong() -> Vec<(Variant, &'static str, &'static str)> {
    let assertion = json!({"token_endpoint_auth_method": "client_secret_jwt"});
    let secret = json!({"client_secret": "another secret than the tenant's, of the same kind"});
    let signed = json!({"id_token_signed_response_alg": "HS256"});
    vec![
        (variant("wrong-way", assertion, ""), "exchange", "invalid_client"),
        (variant("wrong-secret", secret, ""), "exchange", "invalid_client"),
        (variant("wrong-algorithm", signed, ""), "id_token", "id_token_algorithm"),
        (variant("unsigned-userinfo", json!({}), "userinfo_alg = \"RS256\""), "whoami", "whoami_unsigned"),
        (variant("level-not-reached", json!({}), "acr_values = [\"silver\"]"), "id_token", "id_token_claims"),
    ]
}

fn registered(variant: &Variant, redirect_uri: &str) -> Value {
    let mut client = json!({
        "client_id": variant.id,
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    for (name, value) in variant.registers.as_object().unwrap() {
        client[name] = value.clone();
    }
    let method = client["token_endpoint_auth_method"].as_str().unwrap();
    if !["none", "private_key_jwt"].contains(&method) && client.get("client_secret").is_none() {
        client["client_secret"] = DemoProvider::CLIENT_SECRET.into();
    }
    client
}

async fn start(variants: &[&Variant]) -> Lineup {
    let clients: Vec<_> =
        variants.iter().map(|it| Client { id: it.id, settings: it.settings.clone() }).collect();
    Lineup::start("variants.mjs", &clients, |redirect_uri| {
        let all: Vec<_> = variants.iter().map(|it| registered(it, &redirect_uri(it.id))).collect();
        vec![("CLIENTS", Value::from(all).to_string())]
    })
    .await
}

#[tokio::test]
async fn every_kind_of_client_signs_in_at_the_certified_server() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let variants: Vec<_> = plain().into_iter().chain(with_own_keys(folder.path())).collect();
    let lineup = start(&variants.iter().collect::<Vec<_>>()).await;
    let mut wrong = Vec::new();
    for Variant { id, .. } in &variants {
        match lineup.completes(id).await {
            Ok(done) => {
                let contact =
                    lineup.broker.get(&format!("/v1/contacts/{}", done["contactId"].as_str().unwrap())).await;
                let subjects = contact["identities"].as_array().unwrap().iter();
                let mut subject =
                    subjects.filter(|known| known["provider"] == *id).map(|known| &known["subject"]);
                let is_billy = subject.next_back().is_some_and(|subject| *subject == "billy");
                if is_billy == (*id == "pairwise") {
                    wrong.push(format!("{id}: {contact}"));
                }
            }
            Err(what) => wrong.push(what),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(lineup.asked("POST /request"), variants.len(), "its metadata name a place for that");
    assert_eq!(lineup.asked("POST /token"), variants.len());
    let discovered = lineup.asked("GET /.well-known/openid-configuration");
    assert_eq!((discovered, lineup.asked("GET /jwks")), (1, 1), "of {}", lineup.origin);
}

#[tokio::test]
async fn settings_that_are_not_those_of_the_registration_end_with_their_code() {
    let cases = wrong();
    let lineup = start(&cases.iter().map(|(variant, ..)| variant).collect::<Vec<_>>()).await;
    let mut wrong = Vec::new();
    for (variant, step, code) in &cases {
        wrong.extend(lineup.fails(variant.id, step, code).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lineup.broker.contacts().await.is_empty());
}
