//! Settings from an issuer, however it is written.

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::broker;
use super::provider::Provider;

#[rstest]
#[case::exact("{origin}")]
#[case::slash("{origin}/")]
#[case::well_known("{origin}/.well-known/openid-configuration")]
#[case::spaces("  {origin}  ")]
#[tokio::test]
async fn an_issuer_is_found(#[case] given: &str) {
    let provider = Provider::start().await;
    provider.announce(
        "/.well-known/openid-configuration",
        provider.origin(),
        &json!({"scopes_supported": ["openid", "email"]}),
    );
    let broker = broker(&provider, "").await;
    let issuer = given.replace("{origin}", provider.origin());
    let found = broker.post("/v1/providers/discover", json!({ "issuer": issuer })).await;
    assert_eq!(found["issuer"], provider.origin());
    assert_eq!(found["settings"], json!({"issuer": provider.origin(), "scope": "openid email"}));
    assert!(found["toml"].as_str().unwrap().contains(&format!("issuer = \"{}\"\n", provider.origin())));
    assert_eq!(found["announced"]["tokenEndpoint"], format!("{}/token", provider.origin()));
    assert_eq!(found["announced"]["pkce"], json!(["S256"]));
}

#[tokio::test]
async fn an_issuer_that_calls_itself_otherwise_is_named_exactly() {
    let provider = Provider::start().await;
    let exact = format!("{}/tenant/", provider.origin());
    provider.announce("/tenant/.well-known/openid-configuration", &exact, &json!({}));
    let broker = broker(&provider, "").await;
    let given = format!("{}/tenant", provider.origin());
    let found = broker.post("/v1/providers/discover", json!({ "issuer": given })).await;
    assert_eq!(found["issuer"], exact.as_str());
    assert_eq!(found["tried"][0]["issuer"], given.as_str());
    assert!(found["warnings"].to_string().contains("must be written exactly so"), "{found:#}");
}

#[tokio::test]
async fn what_is_missing_is_warned_of() {
    let provider = Provider::start().await;
    let more = json!({"userinfo_endpoint": null, "code_challenge_methods_supported": ["plain"]});
    provider.announce("/.well-known/openid-configuration", provider.origin(), &more);
    let broker = broker(&provider, "").await;
    let found = broker.post("/v1/providers/discover", json!({"issuer": provider.origin()})).await;
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("S256 is not announced") && warnings.contains("no UserInfo"), "{warnings}");
    assert_eq!(found["settings"]["identity"], "id_token");
}

#[rstest]
#[case::nothing("{origin}", "404")]
#[case::inward("https://169.254.169.254/", "is refused")]
#[case::no_url("https://", "url")]
#[case::empty(" ", "issuer")]
#[tokio::test]
async fn what_cannot_be_found_is_told(#[case] given: &str, #[case] told: &str) {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let issuer = given.replace("{origin}", provider.origin());
    let (status, answer) =
        broker.api(Method::POST, "/v1/providers/discover", Some(json!({ "issuer": issuer }))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    let faults: &Value = &answer["faults"];
    assert_eq!(faults[0]["pointer"], "/issuer");
    assert!(faults[0]["detail"].as_str().unwrap().contains(told), "{faults}");
}
