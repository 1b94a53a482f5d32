//! Tests of the token endpoint. Answers seen in the wild are files under `fixtures/oauth/token/`:
//! `{status, contentType?, body, expect: {code} | {accessToken, expiresIn?, quirks?}}`, where a body
//! that is no text is the JSON to send.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::provider::{ClientAuth, Pkce};
use crate::oauth::client_auth::{Proof, build_credentials};
use crate::oauth::response::tests::{grant, provider};

fn built(provider: &Provider) -> OutboundRequest {
    let server = Server::of(provider, None).unwrap();
    let proof = Proof::Secret(provider.client_secret.as_ref());
    let credentials = build_credentials(provider, provider.client_auth, proof);
    build_token_request(provider, &server, &grant(), &credentials)
}

/// Read as the settings of a plain provider want it.
fn parse(answer: &ProviderAnswer) -> Result<TokenResponse, Fault> {
    parse_token_response(answer, Reading { find: None, any_type: false })
}

fn body_of(provider: &Provider) -> (String, &'static str) {
    let body = built(provider).body.unwrap();
    (body.text.expose().to_owned(), body.content_type)
}

fn headers_of(provider: &Provider) -> Vec<(String, String)> {
    let headers = built(provider).headers;
    headers.into_iter().map(|(name, value)| (name.into_owned(), value.expose().to_owned())).collect()
}

#[test]
fn the_exchange_is_the_form_of_the_rfc() {
    let request = built(&provider());
    assert_eq!((request.method, request.url.as_str()), (Method::Post, "https://yoursite.com/auth/token"));
    let (body, content_type) = body_of(&provider());
    assert_eq!(content_type, "application/x-www-form-urlencoded");
    assert_eq!(
        body,
        "grant_type=authorization_code&code=the-code\
         &redirect_uri=https%3A%2F%2Facme.example.com%2Fidp%2Feu%2Foauth%2Fcallback\
         &code_verifier=the-verifier&client_id=Quiq+Client&client_secret=the-secret"
    );
    assert_eq!(headers_of(&provider()), [("accept".to_owned(), "application/json".to_owned())]);
}

#[test]
fn a_secret_in_the_header_is_not_in_the_body() {
    let mut provider = provider();
    provider.client_auth = ClientAuth::ClientSecretBasic;
    let (body, _) = body_of(&provider);
    assert!(!body.contains("client_") && !body.contains("the-secret"));
    // `Quiq+Client:the-secret`
    let header = "Basic UXVpcStDbGllbnQ6dGhlLXNlY3JldA==".to_owned();
    assert_eq!(headers_of(&provider)[1], ("authorization".to_owned(), header));
}

#[test]
fn a_provider_that_wants_json_gets_the_same_names() {
    let mut provider = provider();
    provider.token_request = TokenRequestForm::Json;
    let (body, content_type) = body_of(&provider);
    assert_eq!(content_type, "application/json");
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({
            "grant_type": "authorization_code", "code": "the-code", "code_verifier": "the-verifier",
            "redirect_uri": "https://acme.example.com/idp/eu/oauth/callback",
            "client_id": "Quiq Client", "client_secret": "the-secret",
        })
    );
}

#[test]
fn a_public_client_names_itself_and_nothing_else() {
    let mut provider = provider();
    provider.client_auth = ClientAuth::None;
    provider.pkce = Pkce::S256;
    let (body, _) = body_of(&provider);
    assert!(body.ends_with("&code_verifier=the-verifier&client_id=Quiq+Client"));
}

#[test]
fn a_provider_may_want_a_get_with_everything_in_the_query() {
    let mut provider = provider();
    provider.token_request = TokenRequestForm::Query;
    let request = built(&provider);
    assert_eq!(request.method, Method::Get);
    assert!(request.body.is_none());
    let query = request.url.query().unwrap();
    assert!(query.starts_with("grant_type=authorization_code&code=the-code&"));
    assert!(query.ends_with("&client_id=Quiq+Client&client_secret=the-secret"));
}

#[test]
fn names_fixed_parameters_and_headers_are_the_providers() {
    let mut provider = provider();
    let table = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    provider.rename = table(&[("client_id", "appid"), ("client_secret", "secret")]);
    provider.token_params = table(&[("audience", "x y"), ("grant_type", ""), ("me", "{client_id}")]);
    provider.token_headers = table(&[("accept", "text/plain"), ("x-version", "7")]);
    let (body, _) = body_of(&provider);
    assert!(body.starts_with("code=the-code&"), "an empty value takes a parameter out: {body}");
    assert!(body.ends_with("&appid=Quiq+Client&secret=the-secret&audience=x+y&me=Quiq+Client"), "{body}");
    let headers = headers_of(&provider);
    let header = |name: &str| headers.iter().filter(|(known, _)| known == name).collect::<Vec<_>>();
    assert_eq!(header("accept").len(), 1);
    assert_eq!(header("x-version")[0].1, "7");
}

#[test]
fn the_object_with_the_token_may_stand_within() {
    let answer = |body: &Value| ProviderAnswer {
        status: 200,
        content_type: Some("application/json".to_owned()),
        body: body.to_string().into_bytes(),
    };
    let told = json!({"ok": true, "team": "t", "authed_user": {"access_token": "in", "token_type": "user"}});
    let find = |body: &Value| body.get("authed_user").cloned();
    let within = Reading { find: Some(&find), any_type: true };
    let token = parse_token_response(&answer(&told), within).unwrap();
    assert!(token.access_token.matches("in"));
    assert_eq!(token.body, told, "a mapping sees the whole answer");
    let strict = Reading { find: Some(&find), any_type: false };
    assert!(parse_token_response(&answer(&told), strict).is_err());
    for told in [json!({"authed_user": "x"}), json!({"access_token": "out"})] {
        assert_eq!(parse_token_response(&answer(&told), within).unwrap_err().code, Code::TokenGarbage);
    }
}

#[test]
fn a_second_exchange_sends_what_the_settings_say() {
    let provider = provider();
    let exchange = Exchange {
        url: "https://yoursite.com/long".parse().unwrap(),
        params: [
            ("t".to_owned(), "{access_token}".to_owned()),
            ("s".to_owned(), "{client_secret}".to_owned()),
        ]
        .into(),
    };
    let request = build_exchange_request(&provider, &exchange, &Secret::new("a&b"), Some(&Secret::new("x")));
    assert_eq!(request.url, exchange.url);
    assert_eq!(request.body.unwrap().text.expose(), "s=x&t=a%26b");
}

#[test]
fn a_refresh_says_who_we_are_as_the_exchange_does_and_leaves_its_own_words_out() {
    let refresh = |provider: &Provider| {
        let server = Server::of(provider, None).unwrap();
        let proof = Proof::Secret(provider.client_secret.as_ref());
        let credentials = build_credentials(provider, server.client_auth, proof);
        build_refresh_request(provider, &server, &Secret::new("r&1"), &credentials)
    };
    let mut provider = provider();
    let body = |request: OutboundRequest| request.body.unwrap().text.expose().to_owned();
    let plain = body(refresh(&provider));
    assert!(plain.starts_with("grant_type=refresh_token&refresh_token=r%261&"), "{plain}");
    assert!(plain.ends_with("client_id=Quiq+Client&client_secret=the-secret"), "{plain}");
    provider.rename = [("client_id".to_owned(), "appid".to_owned())].into();
    let fixed = [("grant_type", ""), ("client_secret", ""), ("audience", "x")];
    provider.token_params =
        fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(
        body(refresh(&provider)),
        "grant_type=refresh_token&refresh_token=r%261&appid=Quiq+Client&audience=x"
    );
    provider.token_request = TokenRequestForm::Json;
    let told: Value = serde_json::from_str(&body(refresh(&provider))).unwrap();
    assert_eq!(told["refresh_token"], "r&1");
}

#[test]
fn what_stands_beside_the_access_token_is_read_where_it_stands() {
    let read = |told: &Value, within: bool| {
        let (content_type, body) = (Some("application/json".to_owned()), told.to_string().into_bytes());
        let find = |body: &Value| body.get("in").cloned();
        let find = within.then_some(&find as &Find<'_>);
        let answer = ProviderAnswer { status: 200, content_type, body };
        let terms = parse_token_response(&answer, Reading { find, any_type: true }).unwrap().terms;
        (terms.refresh_token.map(|token| token.expose().to_owned()), terms.token_type, terms.scope)
    };
    let some = |text: &str| Some(text.to_owned());
    let all = json!({"access_token": "a", "refresh_token": "r 1", "token_type": "bearer", "scope": "x y"});
    assert_eq!(read(&all, false), (some("r 1"), some("bearer"), some("x y")));
    let list = json!({"access_token": "a", "scope": ["x", "y"]});
    assert_eq!(read(&list, false), (None, None, some("x y")));
    let within =
        json!({"refresh_token": "out", "scope": "s", "in": {"access_token": "a", "refresh_token": "r"}});
    assert_eq!(read(&within, true), (some("r"), None, some("s")));
    let beside = json!({"refresh_token": "out", "in": {"access_token": "a"}});
    assert_eq!(read(&beside, true), (some("out"), None, None));
    for odd in
        [json!(7), json!(""), json!("a\nb"), json!("\u{e4}"), json!("r".repeat(LONGEST + 1)), Value::Null]
    {
        let told = json!({"access_token": "a", "refresh_token": odd, "token_type": odd, "scope": odd});
        assert_eq!(read(&told, false), (None, None, None), "{odd}");
    }
}

#[test]
fn nothing_of_a_request_or_response_is_shown() {
    let request = format!("{:?}", built(&provider()));
    assert_eq!(request, "POST https://yoursite.com/auth/token");
    let body = br#"{"access_token":"canary","token_type":"bearer"}"#.to_vec();
    let answer = ProviderAnswer { status: 200, content_type: Some("application/json".to_owned()), body };
    assert_eq!(format!("{:?}", parse(&answer).unwrap()), "TokenResponse(quirks [])");
}

#[test]
fn every_answer_in_the_fixtures_ends_as_its_file_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/oauth/token");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let fixture: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let body = match &fixture["body"] {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        let answer = ProviderAnswer {
            status: u16::try_from(fixture["status"].as_u64().unwrap()).unwrap(),
            content_type: fixture["contentType"].as_str().map(str::to_owned),
            body: body.into_bytes(),
        };
        assert_eq!(outcome(&answer), fixture["expect"], "{name}");
        seen += 1;
    }
    assert!(seen >= 30, "only {seen} fixtures were found");
}

fn outcome(answer: &ProviderAnswer) -> Value {
    match parse(answer) {
        Err(fault) => {
            assert_eq!(fault.step, Step::Exchange);
            json!({ "code": fault.code })
        }
        Ok(response) => {
            let mut outcome = json!({ "accessToken": response.access_token.expose() });
            if let Some(lifetime) = response.expires_in {
                outcome["expiresIn"] = lifetime.as_secs().into();
            }
            if !response.quirks.is_empty() {
                outcome["quirks"] = json!(response.quirks);
            }
            outcome
        }
    }
}

proptest! {
    #[test]
    fn any_answer_is_a_token_or_a_fault_of_the_exchange(
        status in 100_u16..600,
        content_type in proptest::option::of("application/json|text/plain|text/html|application/x-www-form-urlencoded"),
        body in proptest::string::string_regex(r#"[{}\[\]":,&=a-z0-9_ .-]{0,60}"#).unwrap(),
    ) {
        let answer = ProviderAnswer { status, content_type, body: body.into_bytes() };
        if let Err(fault) = parse(&answer) {
            prop_assert_eq!(fault.step, Step::Exchange);
        }
    }

    #[test]
    fn a_taken_token_can_stand_in_a_header(token: String) {
        let body = json!({"access_token": token, "token_type": "Bearer"}).to_string().into_bytes();
        let answer = ProviderAnswer { status: 200, content_type: Some("application/json".to_owned()), body };
        let legal = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        prop_assert_eq!(parse(&answer).is_ok(), legal);
    }
}
