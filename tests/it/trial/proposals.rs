//! Quirks of providers that a test finds, with the setting that would mend each.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use serde_json::json;

use super::provider::{Provider, TOKEN};
use super::*;

#[tokio::test]
async fn a_token_within_another_object() {
    let provider = Provider::start().await;
    let answer = json!({"code": 0, "data": {"access_token": TOKEN, "token_type": "Bearer"}}).to_string();
    provider.script(|script| script.token = Some((200, "application/json", answer)));
    let one = broker(&provider, "").await;
    let (_, found) = try_it(&one).await;
    let (_, remedy) = words(&found);
    assert!(remedy.contains("token_path = \"data\""), "{remedy}");
    assert_eq!(proposed(&found), ["token_path = \"data\""]);
    let mended = broker(&provider, proposed(&found)[0]).await;
    assert_eq!(try_it(&mended).await.1["state"], "passed");
}

#[tokio::test]
async fn an_id_token_that_nobody_asked_for() {
    let provider = Provider::start().await;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"iss": "https://id.acme.example", "sub": "u-7", "nonce": "n"});
    let id_token = format!("{}.{}.AAAA", part(json!({"alg": "RS256", "kid": "k1"})), part(claims));
    let answer = json!({"access_token": TOKEN, "token_type": "Bearer", "id_token": id_token}).to_string();
    provider.script(|script| script.token = Some((200, "application/json", answer)));
    let broker = broker(&provider, "").await;
    let (_, found) = try_it(&broker).await;
    assert_eq!(found["state"], "passed");
    assert!(proposed(&found).contains(&"issuer = \"https://id.acme.example\""), "{found:#}");
    let shown = &step(&found, "id_token")["received"]["body"];
    assert_eq!(shown["header"]["kid"], "k1");
    assert_eq!(shown["claims"]["sub"], "u-7");
    assert_eq!(step(&found, "token")["received"]["body"]["id_token"], "•••");
}

#[tokio::test]
async fn a_person_without_a_known_id() {
    let provider = Provider::start().await;
    let person = json!({"result": {"account": {"uuid": "u-7"}}, "email": "b@example.com"}).to_string();
    provider.script(|script| script.whoami = (200, "application/json", person));
    let broker = broker(&provider, "mapping = '{firstName: email}'").await;
    let (_, found) = try_it(&broker).await;
    assert_eq!(proposed(&found), ["subject = \"result.account.uuid\""], "{found:#}");
}

#[tokio::test]
async fn a_whoami_that_is_signed() {
    let provider = Provider::start().await;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}.AAAA", part(json!({"alg": "ES256"})), part(json!({"sub": "u-7"})));
    provider.script(|script| script.whoami = (200, "application/jwt", signed));
    let broker = broker(&provider, "").await;
    let (_, found) = try_it(&broker).await;
    let (_, remedy) = words(&found);
    assert!(remedy.contains("userinfo_alg"), "{remedy}");
    assert_eq!(proposed(&found), ["userinfo_alg = \"ES256\""]);
}

#[rstest]
#[case("Unsupported parameter: code_challenge", "pkce_refused", Some("pkce = \"off\""))]
#[case("Error: invalid_scope", "scope_refused", Some("scope_separator = \",\""))]
#[case("Client not found", "client_unknown", None)]
#[tokio::test]
async fn a_page_that_complains(#[case] said: &str, #[case] code: &str, #[case] proposal: Option<&str>) {
    let provider = Provider::start().await;
    provider.script(|script| {
        script.page = Some((400, format!("<html><body><h1>Error</h1><p>{said}</p></body></html>")));
    });
    let broker = broker(&provider, "scope = \"read write\"").await;
    let begun = begin(&broker).await;
    assert_eq!(step(&begun, "authorize")["code"], code, "{begun:#}");
    assert_eq!(proposed(&begun), proposal.into_iter().collect::<Vec<_>>());
    check_nothing_leaks(&begun);
}

#[rstest]
#[case(404, "correct `authorize_url`")]
#[case(503, "provider's own log")]
#[tokio::test]
async fn a_page_that_is_not_there(#[case] status: u16, #[case] remedy: &str) {
    let provider = Provider::start().await;
    provider.script(|script| script.page = Some((status, "<h1>?</h1>".to_owned())));
    let broker = broker(&provider, "").await;
    assert!(words(&begin(&broker).await).1.contains(remedy));
}

#[tokio::test]
async fn a_host_that_does_not_exist() {
    let provider = Provider::start().await;
    let mut choices = choices(&provider, "");
    let block = choices.provider_block.unwrap().replace(provider.origin(), "https://nowhere.invalid");
    choices.provider_block = Some(block);
    let broker = Harness::with(choices).await;
    let begun = begin(&broker).await;
    let (cause, remedy) = words(&begun);
    assert!(cause.contains("`nowhere.invalid`") && remedy.contains("nowhere.invalid"), "{cause} {remedy}");
    assert_eq!(step(&begun, "dns")["outcome"], "failed");
}
