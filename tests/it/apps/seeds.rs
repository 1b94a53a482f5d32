//! The seeds' commands as they are printed, by `curl`, with only the host changed: `fixtures/apps/seed-*.sh`.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::{SEED, SEED_URI, ask, consent, parameter, start};
use crate::harness::Harness;
use crate::harness::browser::Browser;

/// Runs a printed command with our host in the place of theirs, and what it was given in the place of its example.
async fn curl(broker: &Harness, file: &str, given: &[(&str, &str)]) -> Value {
    let path = format!("{}/fixtures/apps/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut command =
        std::fs::read_to_string(path).unwrap().replace("https://api.tigeridentity.com", &broker.origin);
    for (example, real) in given {
        assert!(command.contains(example), "{example} in {command}");
        command = command.replace(example, real);
    }
    let run =
        move || Command::new("sh").arg("-c").arg(command.replacen("curl ", "curl -sS ", 1)).output().unwrap();
    let done = tokio::task::spawn_blocking(run).await.unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text} {}", String::from_utf8_lossy(&done.stderr)))
}

fn part(token: &Value, index: usize) -> Value {
    let part = token.as_str().unwrap().split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn names(json: &Value) -> Vec<&str> {
    json.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn client_credentials_work_as_seed_001_prints_them() {
    let broker = start().await;
    let answer = curl(&broker, "seed-client-credentials.sh", &[]).await;
    assert_eq!(names(&answer), ["access_token", "token_type", "expires_in", "scope", "created_at"]);
    assert_eq!(answer["scope"], "read:principals write:policies");
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let (header, claims) = (part(&answer["access_token"], 0), part(&answer["access_token"], 1));
    assert_eq!(header["alg"], "RS256");
    for name in ["iss", "sub", "aud", "exp", "iat", "scope", "client_id"] {
        assert!(claims.get(name).is_some(), "{name}");
    }
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(broker.origin), &json!(broker.origin)));
    assert_eq!(claims["client_id"], SEED);
    let keys = curl(&broker, "seed-jwks.sh", &[]).await;
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    assert_eq!(names(key), ["kty", "kid", "use", "alg", "n", "e"]);
}

#[tokio::test]
async fn the_authorization_code_works_as_seed_001_prints_it() {
    let broker = start().await;
    let mut browser = Browser::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/apps/seed-authorize.url");
    let printed = std::fs::read_to_string(path).unwrap();
    let printed: String = printed.split_whitespace().collect();
    let url: Url = printed.replace("https://api.tigeridentity.com", &broker.origin).parse().unwrap();
    let page = browser.get(&url).await;
    let back = consent(&mut browser, &page, "allow").await;
    assert!(back.as_str().starts_with(SEED_URI), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("random_state_string"));
    let code = parameter(&back, "code").unwrap();
    let answer = curl(&broker, "seed-code.sh", &[("auth_code_xyz789abc123", &code)]).await;
    let wanted = ["access_token", "token_type", "expires_in", "refresh_token", "scope", "created_at"];
    assert_eq!(names(&answer), wanted, "{answer}");
    assert_eq!(answer["scope"], "read:principals write:policies");
    let refresh = answer["refresh_token"].as_str().unwrap();
    assert!(refresh.starts_with("rt_"));
    let next = curl(&broker, "seed-refresh.sh", &[("rt_abc123def456ghi789", refresh)]).await;
    for name in ["access_token", "token_type", "expires_in", "refresh_token", "scope"] {
        assert!(next.get(name).is_some(), "{name}: {next}");
    }
    assert_ne!(next["refresh_token"], answer["refresh_token"]);
}

#[tokio::test]
async fn a_customers_token_has_the_claims_of_seed_000() {
    let broker = start().await;
    let tokens = super::tokens(&broker).await;
    let claims = part(&tokens["access_token"], 1);
    for name in [
        "sub",
        "email",
        "token_source",
        "organization_id",
        "org_customer_id",
        "customer_number",
        "iss",
        "aud",
        "exp",
        "iat",
    ] {
        assert!(claims.get(name).is_some(), "{name}: {claims}");
    }
    assert_eq!(
        (&claims["token_source"], &claims["customer_number"]),
        (&json!("oauth"), &json!("CUST-000001"))
    );
    let keys = broker.plain(reqwest::Method::GET, "/api/oauth2/jwks").send().await.unwrap();
    assert_eq!(keys.status(), StatusCode::OK);
    let page = ask(&broker, &mut Browser::new(), &super::shop_asks()).await;
    assert_eq!(page.status, StatusCode::OK);
}
