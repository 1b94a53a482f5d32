//! Tests of metadata. Answers are files under `fixtures/oauth/metadata/`: `{about, issuer, status,
//! contentType?, body, expect: {…} | {fault}}`, where a body that is no text is the JSON to read.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn answer(status: u16, content_type: Option<&str>, body: &str) -> ProviderAnswer {
    ProviderAnswer { status, content_type: content_type.map(str::to_owned), body: body.into() }
}

fn names(algorithms: &[Algorithm]) -> Vec<&'static str> {
    algorithms.iter().map(|algorithm| algorithm.as_str()).collect()
}

/// What was read, with what is there only.
fn shown(metadata: &Metadata) -> Value {
    let mut shown = json!({
        "issuer": metadata.issuer.to_string(),
        "idTokenAlgorithms": names(&metadata.id_token_algorithms()),
        "userinfoAlgorithms": metadata.userinfo_signing_alg_values_supported.as_ref()
            .map(|_| names(&metadata.userinfo_algorithms())),
        "authorizationEndpoint": metadata.authorization_endpoint.as_ref().map(Url::as_str),
        "tokenEndpoint": metadata.token_endpoint.as_ref().map(Url::as_str),
        "userinfoEndpoint": metadata.userinfo_endpoint.as_ref().map(Url::as_str),
        "jwksUri": metadata.jwks_uri.as_ref().map(Url::as_str),
        "parEndpoint": metadata.pushed_authorization_request_endpoint.as_ref().map(Url::as_str),
        "clientAuth": metadata.token_endpoint_auth_methods_supported,
        "codeChallengeMethods": metadata.code_challenge_methods_supported,
        "responseModes": metadata.response_modes_supported,
        "parRequired": metadata.require_pushed_authorization_requests.then_some(true),
        "issInResponse": metadata.authorization_response_iss_parameter_supported.then_some(true),
    });
    shown.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    shown
}

#[test]
fn every_fixture_is_read_or_refused_with_its_reason() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/oauth/metadata");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let fixture: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let body = match &fixture["body"] {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        let status = fixture["status"].to_string().parse().unwrap();
        let answer = answer(status, fixture["contentType"].as_str(), &body);
        let outcome = match Metadata::parse(&answer, fixture["issuer"].as_str().unwrap()) {
            Ok(metadata) => shown(&metadata),
            Err(fault) => {
                let name = format!("{fault:?}");
                json!({ "fault": name.split(['(', ' ']).next().unwrap() })
            }
        };
        let wanted = &fixture["expect"];
        // As objects: the order of members means nothing.
        assert_eq!(outcome.as_object(), wanted.as_object(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 35, "{count}");
}

#[test]
fn metadata_beyond_the_cap_is_not_read() {
    let body = format!(r#"{{"issuer":"https://i.example","x":"{}"}}"#, "x".repeat(MAX_LENGTH));
    let answer = answer(200, Some("application/json"), &body);
    assert_eq!(Metadata::parse(&answer, "https://i.example"), Err(NoMetadata::TooLarge));
}

#[test]
fn another_issuer_is_named_but_cut() {
    let body = json!({ "issuer": "x".repeat(5000) }).to_string();
    let fault = Metadata::parse(&answer(200, None, &body), "https://i.example").unwrap_err();
    assert_eq!(fault, NoMetadata::OtherIssuer { announced: "x".repeat(200) });
}

#[test]
fn a_server_that_does_not_say_takes_basic_only() {
    let read = |body: &str| Metadata::parse(&answer(200, None, body), "https://i.example").unwrap();
    let silent = read(r#"{"issuer":"https://i.example"}"#);
    assert!(silent.allows_client_auth("client_secret_basic"));
    assert!(!silent.allows_client_auth("client_secret_post"));
    let post = read(
        r#"{"issuer":"https://i.example","token_endpoint_auth_methods_supported":["client_secret_post"]}"#,
    );
    assert!(post.allows_client_auth("client_secret_post") && !post.allows_client_auth("client_secret_basic"));
}

proptest! {
    #[test]
    fn any_bytes_are_metadata_or_refused(bytes: Vec<u8>) {
        let answer = ProviderAnswer { status: 200, content_type: None, body: bytes };
        let _ = Metadata::parse(&answer, "https://i.example");
    }

    #[test]
    fn no_url_of_another_scheme_comes_through(url in "(https?|ftp|javascript|file|data|HTTPS):(//)?[a-z.@:#/?0-9]{0,30}") {
        let body = json!({ "issuer": "https://i.example", "token_endpoint": url }).to_string();
        if let Ok(Metadata { token_endpoint: Some(url), .. }) =
            Metadata::parse(&answer(200, None, &body), "https://i.example")
        {
            prop_assert_eq!(url.scheme(), "https");
            prop_assert!(url.username().is_empty() && url.fragment().is_none());
        }
    }
}
