//! Customers' apps: the authorization code grant from the first page to the last token, by our own hand, by clients that
//! nobody here wrote, and with the seeds' commands as they are printed.
//!
//! To add a client from npm: 1. a file in `tests/providers/clients/`, 2. a test in `real.rs`. To add a case: a test in the
//! file of its subject.

mod authorize;
mod confusion;
mod emailed;
mod freshness;
mod grant;
mod keys;
mod real;
mod seeds;

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use url::Url;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness};

/// The app on a device: public, with PKCE.
pub const SHOP: &str = "shop-app";
/// Where it is answered.
pub const SHOP_URI: &str = "http://127.0.0.1:4711/callback";
/// The client of seed 001.
pub const SEED: &str = "oauth_client_abc123xyz789";
/// Its secret.
pub const SEED_SECRET: &str = "secret_def456uvw012";
/// Where it is answered.
pub const SEED_URI: &str = "https://yourapp.com/callback";
/// The verifier and the challenge of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The same, hashed.
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The clients of the tests, as lines of a tenant file.
pub fn clients() -> String {
    static HASH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let hash = HASH.get_or_init(|| {
        let secret = countersign::secret::Secret::new(SEED_SECRET);
        countersign::issuer::secret_hash::build(&secret, &countersign::clock::Clock::system()).unwrap()
    });
    format!(
        r#"
[[client]]
client_id = "{SHOP}"
name = "Acme Shop"
auth = "none"
grant_types = ["authorization_code", "refresh_token"]
scopes = ["openid", "profile", "email", "read:orders"]
redirect_uris = ["http://127.0.0.1/callback", "com.acme.shop:/callback", "https://shop.example/cb?from=us"]
[[client]]
client_id = "{SEED}"
secret_hash = "{hash}"
grant_types = ["client_credentials", "authorization_code", "refresh_token"]
scopes = ["openid", "read:principals", "write:policies"]
redirect_uris = ["{SEED_URI}"]
pkce = "optional"
[[client]]
client_id = "strict"
secret_hash = "{hash}"
grant_types = ["authorization_code"]
scopes = ["openid"]
redirect_uris = ["{SEED_URI}"]
[[client]]
client_id = "elsewhere"
secret_hash = "{hash}"
scopes = ["read:contacts"]
allow_from = ["192.0.2.0/24"]
[[client]]
client_id = "machine"
secret_hash = "{hash}"
scopes = ["read:contacts"]
"#
    )
}

/// A broker whose tenant has these clients.
pub async fn start() -> Harness {
    Harness::with(Choices { tenant: clients(), ..Choices::default() }).await
}

/// The parameters of the shop's authorization request.
pub fn shop_asks() -> Vec<(&'static str, String)> {
    [
        ("response_type", "code"),
        ("client_id", SHOP),
        ("redirect_uri", SHOP_URI),
        ("scope", "openid profile email"),
        ("state", "state-1"),
        ("nonce", "nonce-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// The same with one parameter changed, added, or taken away.
pub fn with(
    mut parameters: Vec<(&'static str, String)>,
    name: &'static str,
    value: Option<&str>,
) -> Vec<(&'static str, String)> {
    parameters.retain(|(known, _)| *known != name);
    parameters.extend(value.map(|value| (name, value.to_owned())));
    parameters
}

/// The address of an authorization request.
pub fn authorize_url(broker: &Harness, parameters: &[(&str, String)]) -> Url {
    Url::parse_with_params(&format!("{}/v1/oauth/authorize", broker.origin), parameters).unwrap()
}

/// Loads the page of consent.
pub async fn ask(broker: &Harness, browser: &mut Browser, parameters: &[(&str, String)]) -> Page {
    browser.get(&authorize_url(broker, parameters)).await
}

/// From the page of consent through the provider to the app's address, which is not loaded.
pub async fn consent(browser: &mut Browser, page: &Page, decision: &str) -> Url {
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let sent = browser.submit(page, &page.form(), &[("decision", "provider:acme")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    let callback = browser.sign_in_at_provider(&sent.location(), decision).await;
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    answer.location()
}

/// The whole way, from an authorization request to the app's address.
pub async fn sign_in(broker: &Harness, parameters: &[(&str, String)]) -> Url {
    let mut browser = Browser::new();
    let page = ask(broker, &mut browser, parameters).await;
    consent(&mut browser, &page, "allow").await
}

/// A page without the marks that keep names in their own direction.
pub fn bare(html: &str) -> String {
    html.replace(['\u{2068}', '\u{2069}'], "")
}

/// A parameter of an address.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// A request of a client to one of our endpoints, as a form.
pub async fn post(broker: &Harness, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
    let answer = broker.plain(Method::POST, path).form(fields).send().await.unwrap();
    read(answer).await
}

/// Status and JSON of an answer; null if it has no body.
pub async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect(&text) })
}

/// Redeems a code of the shop's.
pub async fn redeem(broker: &Harness, code: &str, more: &[(&str, &str)]) -> (StatusCode, Value) {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("client_id", SHOP),
        ("redirect_uri", SHOP_URI),
        ("code_verifier", VERIFIER),
        ("code", code),
    ];
    for (name, value) in more {
        fields.retain(|(known, _)| known != name);
        fields.push((*name, *value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    post(broker, "/v1/oauth/token", &fields).await
}

/// A code of the shop's.
pub async fn code(broker: &Harness) -> String {
    parameter(&sign_in(broker, &shop_asks()).await, "code").unwrap()
}

/// Tokens of the shop's.
pub async fn tokens(broker: &Harness) -> Value {
    let (status, tokens) = redeem(broker, &code(broker).await, &[]).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    tokens
}

/// What `userinfo` says to a token.
pub async fn userinfo(broker: &Harness, token: &str) -> (StatusCode, Value) {
    let answer = broker.plain(Method::GET, "/v1/oauth/userinfo").bearer_auth(token).send().await.unwrap();
    read(answer).await
}

/// The error word of an answer.
pub fn error(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["error"].as_str().unwrap_or_default())
}
