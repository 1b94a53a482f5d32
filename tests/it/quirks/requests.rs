//! Authorization request, callback, client authentication, token request and its answer.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign::cli::demo::provider::DemoProvider;
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::Choices;
use crate::harness::receiver::HOOK_SECRET;
use crate::harness::scripted::answer::Answer;
use crate::harness::scripted::keys::pem;
use crate::harness::scripted::{Asked, Scripted, value};
use crate::harness::stage::Stage;

const ID: &str = DemoProvider::CLIENT_ID;
const SECRET: &str = DemoProvider::CLIENT_SECRET;

/// What `Authorization: Basic` says, decoded twice (RFC 6749, 2.3.1).
fn basic(asked: &Asked) -> Option<(String, String)> {
    let pair = STANDARD.decode(asked.header("authorization").strip_prefix("Basic ")?).unwrap();
    let pair = String::from_utf8(pair).unwrap();
    let (name, password) = pair.split_once(':').unwrap();
    let decoded = |text: &str| {
        let form = format!("x={text}");
        url::form_urlencoded::parse(form.as_bytes()).next().unwrap().1.into_owned()
    };
    Some((decoded(name), decoded(password)))
}

/// The only token request.
fn token_request(stage: &Stage) -> Asked {
    let mut asked = stage.provider.asked("/token");
    assert_eq!(asked.len(), 1);
    asked.remove(0)
}

/// The only authorization request.
fn authorize_request(stage: &Stage) -> Vec<(String, String)> {
    let mut asked = stage.provider.asked("/auth");
    assert_eq!(asked.len(), 1);
    asked.remove(0).query
}

#[rstest]
#[case::auto("")]
#[case::post("client_auth = \"client_secret_post\"")]
#[tokio::test]
async fn client_auth_in_the_body(#[case] setting: &str) {
    let mut stage = Stage::by_urls(setting).await;
    stage.completes().await;
    let asked = token_request(&stage);
    let form = asked.form();
    assert_eq!((value(&form, "client_id"), value(&form, "client_secret")), (ID, SECRET));
    assert!(asked.header("authorization").is_empty(), "never both");
    assert_eq!(value(&form, "grant_type"), "authorization_code");
}

#[tokio::test]
async fn client_auth_by_basic() {
    let mut stage = Stage::by_urls("client_auth = \"client_secret_basic\"").await;
    stage.completes().await;
    let asked = token_request(&stage);
    assert_eq!(basic(&asked), Some((ID.to_owned(), SECRET.to_owned())));
    assert_eq!((value(&asked.form(), "client_secret"), value(&asked.form(), "client_id")), ("", ""));
}

#[tokio::test]
async fn client_auth_with_the_secret_as_user() {
    let mut stage = Stage::by_urls("client_auth = \"secret_as_user\"").await;
    stage.completes().await;
    assert_eq!(basic(&token_request(&stage)), Some((SECRET.to_owned(), String::new())));
}

#[tokio::test]
async fn client_auth_none_sends_the_client_id_alone() {
    let mut stage = Stage::by_urls("client_auth = \"none\"").await;
    stage.completes().await;
    let asked = token_request(&stage);
    assert!(asked.header("authorization").is_empty());
    assert_eq!((value(&asked.form(), "client_id"), value(&asked.form(), "client_secret")), (ID, ""));
    assert!(value(&asked.form(), "code_verifier").len() >= 43);
}

#[tokio::test]
async fn client_auth_by_an_assertion_of_the_secret() {
    let mut stage = Stage::by_urls("client_auth = \"client_secret_jwt\"").await;
    stage.completes().await;
    let form = token_request(&stage).form();
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!((value(&form, "client_assertion_type"), value(&form, "client_secret")), (kind, ""));
    let assertion = value(&form, "client_assertion");
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &signature).expect("the secret has signed it");
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(ID), &json!(ID)));
    assert_eq!(claims["aud"], format!("{}/token", stage.provider.origin()));
}

#[tokio::test]
async fn client_auth_by_an_assertion_of_our_own_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let key = Ed25519KeyPair::generate().unwrap();
    std::fs::write(&file, pem(key.to_pkcs8().unwrap().as_ref())).unwrap();
    let settings = format!(
        "client_auth = \"private_key_jwt\"\nprivate_key = {{ file = {:?} }}\nprivate_key_id = \"ours-1\"",
        file.display().to_string()
    );
    let mut stage = Stage::by_urls(&settings).await;
    stage.completes().await;
    let form = token_request(&stage).form();
    let header = value(&form, "client_assertion").split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!((&header["kid"], &header["typ"]), (&json!("ours-1"), &json!("JWT")));
    assert_eq!(value(&form, "client_secret"), "");
}

#[tokio::test]
async fn while_a_secret_is_replaced_the_previous_one_has_a_try() {
    let mut stage = Stage::by_urls("client_secret_previous = { env = \"ACME_HOOK\" }").await;
    stage.provider.at("/token", |asked| {
        if value(&asked.form(), "client_secret") == HOOK_SECRET {
            return Answer::json(&json!({"access_token": "a-token", "token_type": "Bearer"}));
        }
        Answer::with(401, "application/json", r#"{"error":"invalid_client"}"#)
    });
    stage.completes().await;
    let asked = stage.provider.asked("/token");
    assert_eq!(asked.len(), 2);
    assert_eq!(value(&asked[0].form(), "client_secret"), SECRET, "the new one first");
    assert_eq!(value(&asked[0].form(), "code"), value(&asked[1].form(), "code"));
    let notes = stage.attempt().await["notes"].to_string();
    assert!(notes.contains("the previous one was tried"), "{notes}");
}

/// Right for whoever shows the previous secret, and for nobody else.
fn takes_the_previous_secret(asked: &Asked) -> Answer {
    let form = asked.form();
    if [value(&form, "client_secret"), value(&form, "key")].contains(&HOOK_SECRET) {
        return Answer::Right;
    }
    Answer::with(401, "application/json", r#"{"error":"invalid_client"}"#)
}

#[tokio::test]
async fn a_second_exchange_is_made_with_the_secret_that_did_for_the_first() {
    let settings = "client_secret_previous = { env = \"ACME_HOOK\" }\nexchange_url = \"{origin}/long\"\n\
                    exchange_params = { token = \"{access_token}\", key = \"{client_secret}\" }";
    let mut stage = Stage::by_urls(settings).await;
    stage.provider.at("/token", takes_the_previous_secret);
    stage.provider.at("/long", |asked| match takes_the_previous_secret(asked) {
        Answer::Right => Answer::json(&json!({"access_token": "long"})),
        refused => refused,
    });
    stage.completes().await;
    assert_eq!(stage.provider.asked("/me")[0].header("authorization"), "Bearer long");
}

#[tokio::test]
async fn a_push_is_made_with_the_secret_that_the_provider_takes() {
    let settings = "client_secret_previous = { env = \"ACME_HOOK\" }\nclient_auth = \"client_secret_post\"\npar = \"required\"";
    let mut stage = Stage::by_issuer(settings).await;
    stage.provider.takes_pushed(false);
    for path in ["/par", "/token"] {
        stage.provider.at(path, takes_the_previous_secret);
    }
    stage.completes().await;
    assert_eq!((stage.provider.asked("/par").len(), stage.provider.asked("/token").len()), (2, 2));
}

#[tokio::test]
async fn a_token_request_as_json_holds_everything_in_one_object() {
    let mut stage = Stage::by_urls("token_request = \"json\"\ntoken_params = { audience = \"api\" }").await;
    stage.completes().await;
    let asked = token_request(&stage);
    assert_eq!((asked.method.as_str(), asked.header("content-type")), ("POST", "application/json"));
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!((&body["client_id"], &body["client_secret"]), (&json!(ID), &json!(SECRET)));
    assert_eq!((&body["grant_type"], &body["audience"]), (&json!("authorization_code"), &json!("api")));
}

#[tokio::test]
async fn a_token_request_as_query_is_a_get() {
    let mut stage = Stage::by_urls("token_request = \"query\"").await;
    stage.completes().await;
    let asked = token_request(&stage);
    assert_eq!((asked.method.as_str(), asked.body.as_str()), ("GET", ""));
    assert_eq!((value(&asked.query, "client_id"), value(&asked.query, "client_secret")), (ID, SECRET));
}

#[tokio::test]
async fn token_params_and_headers_are_added_replaced_and_taken_out() {
    let settings = "token_params = { resource = \"x y\", who = \"{client_id}\", grant_type = \"\" }\n\
                    token_headers = { X-Version = \"2026-01-01\", Accept = \"application/vnd.x+json\", X-Client = \"{client_id}\" }";
    let mut stage = Stage::by_urls(settings).await;
    stage.completes().await;
    let asked = token_request(&stage);
    let form = asked.form();
    assert_eq!((value(&form, "resource"), value(&form, "who")), ("x y", ID));
    assert!(!form.iter().any(|(name, _)| name == "grant_type"), "a blank value takes a parameter out");
    assert_eq!(asked.header("x-version"), "2026-01-01");
    assert_eq!((asked.header("accept"), asked.header("x-client")), ("application/vnd.x+json", ID));
}

#[tokio::test]
async fn renamed_parameters_have_the_providers_names_in_both_requests() {
    let settings = "rename = { client_id = \"appid\", client_secret = \"secret\", redirect_uri = \"back\" }";
    let provider = Scripted::start().await;
    let block = provider.by_urls(settings);
    let mut stage = Stage::new(provider, block).await;
    let origin = stage.broker.origin.clone();
    stage.provider.at("/auth", move |asked| {
        let mut back: url::Url = value(&asked.query, "back").parse().unwrap();
        assert!(back.as_str().starts_with(&origin));
        back.query_pairs_mut().append_pair("code", "c").append_pair("state", value(&asked.query, "state"));
        Answer::redirect(302, back.as_str())
    });
    stage.provider.at("/token", |_| Answer::json(&json!({"access_token": "a", "token_type": "Bearer"})));
    stage.completes().await;
    let (sent, form) = (authorize_request(&stage), token_request(&stage).form());
    assert_eq!((value(&sent, "appid"), value(&sent, "client_id")), (ID, ""));
    assert_eq!((value(&form, "appid"), value(&form, "secret")), (ID, SECRET));
    assert_eq!(value(&sent, "back"), value(&form, "back"));
    for gone in ["client_id", "client_secret", "redirect_uri"] {
        assert!(value(&form, gone).is_empty() && value(&sent, gone).is_empty(), "{gone}");
    }
}

#[tokio::test]
async fn a_callback_may_name_code_and_state_otherwise() {
    let mut stage = Stage::by_urls("callback_rename = { code = \"auth_code\", state = \"custom\" }").await;
    stage.provider.callback(|pairs| {
        for (name, _) in pairs.iter_mut() {
            *name = if name == "code" { "auth_code" } else { "custom" }.to_owned();
        }
    });
    stage.completes().await;
}

#[tokio::test]
async fn a_refusal_under_the_usual_names_is_understood_where_code_and_state_have_others() {
    let mut stage = Stage::by_urls("callback_rename = { code = \"auth_code\", state = \"custom\" }").await;
    stage.provider.callback(|pairs| pairs[0] = ("error".to_owned(), "access_denied".to_owned()));
    stage.fails("verify", "access_denied").await;
}

#[tokio::test]
async fn authorize_params_may_ask_for_another_response_type_and_a_nonce() {
    let settings = "authorize_params = { response_type = \"web_server\", nonce = \"{nonce}\", access_type = \"offline\" }";
    let mut stage = Stage::by_urls(settings).await;
    stage.completes().await;
    let sent = authorize_request(&stage);
    assert_eq!((value(&sent, "response_type"), value(&sent, "access_type")), ("web_server", "offline"));
    assert!(value(&sent, "nonce").len() >= 22, "a fresh one: {sent:?}");
    assert_eq!(sent.iter().filter(|(name, _)| name == "nonce" || name == "response_type").count(), 2);
}

#[rstest]
#[case::comma(",", "read,write,offline")]
#[case::plus("+", "read+write+offline")]
#[case::blank(" ", "read write offline")]
#[tokio::test]
async fn scopes_stand_with_the_providers_separator(#[case] separator: &str, #[case] sent: &str) {
    let settings = format!("scope = \"read write offline\"\nscope_separator = \"{separator}\"");
    let mut stage = Stage::by_urls(&settings).await;
    stage.completes().await;
    assert_eq!(value(&authorize_request(&stage), "scope"), sent);
}

#[tokio::test]
async fn a_query_of_the_authorize_url_is_kept() {
    let provider = Scripted::start().await;
    let block = provider.by_urls("").replace("/auth\"", "/auth?tenant=acme&p=b2c\"");
    let mut stage = Stage::new(provider, block).await;
    stage.completes().await;
    let sent = authorize_request(&stage);
    assert_eq!((value(&sent, "tenant"), value(&sent, "p"), value(&sent, "client_id")), ("acme", "b2c", ID));
    assert!(value(&sent, "scope").is_empty() && !sent.iter().any(|(name, _)| name == "scope"));
}

#[tokio::test]
async fn without_pkce_neither_challenge_nor_verifier_is_sent() {
    let mut stage = Stage::by_urls("pkce = \"off\"").await;
    stage.completes().await;
    assert!(!authorize_request(&stage).iter().any(|(name, _)| name.starts_with("code_challenge")));
    assert!(!token_request(&stage).form().iter().any(|(name, _)| name == "code_verifier"));
}

#[tokio::test]
async fn with_pkce_a_code_of_another_login_is_no_use() {
    let mut stage = Stage::by_urls("").await;
    let first = stage.reach_callback().await;
    let stolen = first.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    stage.provider.callback(move |pairs| {
        for (_, value) in pairs.iter_mut().filter(|(name, _)| name == "code") {
            value.clone_from(&stolen);
        }
    });
    stage.fails("exchange", "invalid_grant").await;
}

#[rstest]
#[case::top("", json!({"access_token": "a", "token_type": "bearer"}))]
#[case::path("token_path = \"authed_user\"", json!({"ok": true, "authed_user": {"access_token": "a", "token_type": "user"}}))]
#[case::deep("token_path = \"data.body\"", json!({"data": {"body": {"access_token": "a"}}}))]
#[case::other_name("token_path = \"{access_token: token}\"", json!({"token": "a"}))]
#[tokio::test]
async fn the_token_is_found_where_token_path_says(#[case] setting: &str, #[case] answer: Value) {
    let mut stage = Stage::by_urls(&format!(
        "{setting}\nwhoami_url = \"{{origin}}/me\"\nwhoami_auth = \"scheme:Bearer\""
    ))
    .await;
    stage.provider.at("/token", move |_| Answer::json(&answer));
    stage.completes().await;
    assert_eq!(stage.provider.asked("/me")[0].header("authorization"), "Bearer a");
}

#[tokio::test]
async fn a_token_path_that_finds_nothing_ends_the_login() {
    let mut stage = Stage::by_urls("token_path = \"authed_user\"").await;
    stage.fails("exchange", "token_garbage").await;
}

#[tokio::test]
async fn a_second_exchange_gives_the_token_that_is_used() {
    let settings = "exchange_url = \"{origin}/long\"\n\
                    exchange_params = { grant_type = \"long_lived\", token = \"{access_token}\", id = \"{client_id}\", key = \"{client_secret}\" }";
    let mut stage = Stage::by_urls(settings).await;
    stage.provider.token(|told| told["access_token"] = "short".into());
    stage.provider.at("/long", |_| Answer::json(&json!({"access_token": "long", "expires_in": 5_184_000})));
    stage.completes().await;
    let form = stage.provider.asked("/long")[0].form();
    for (name, wanted) in [("grant_type", "long_lived"), ("token", "short"), ("id", ID), ("key", SECRET)] {
        assert_eq!(value(&form, name), wanted, "{name}");
    }
    assert_eq!(stage.provider.asked("/me")[0].header("authorization"), "Bearer long");
}

#[rstest]
#[case::refused(|| Answer::with(400, "application/json", r#"{"error":"invalid_grant"}"#), "invalid_grant")]
#[case::page(|| Answer::with(200, "text/html", "<html>"), "token_garbage")]
#[case::down(|| Answer::with(503, "text/plain", ""), "token_failed")]
#[tokio::test]
async fn a_second_exchange_that_fails_ends_the_login(#[case] answer: fn() -> Answer, #[case] code: &str) {
    let settings = "exchange_url = \"{origin}/long\"\nexchange_params = { token = \"{access_token}\" }";
    let mut stage = Stage::by_urls(settings).await;
    stage.provider.at("/long", move |_| answer());
    stage.fails("exchange", code).await;
    assert!(stage.provider.asked("/me").is_empty());
    assert!(stage.attempt().await["notes"].to_string().contains("second exchange"));
}

#[rstest]
#[case::created(|| Answer::with(201, "application/json", r#"{"access_token":"a","token_type":"BEARER"}"#), "token_status")]
#[case::no_type(|| Answer::with(200, "application/json", r#"{"access_token":"a"}"#), "token_type_missing")]
#[case::text_expiry(|| Answer::with(200, "application/json", r#"{"access_token":"a","token_type":"Bearer","expires_in":"3600"}"#), "expires_in_text")]
#[case::epoch_expiry(|| Answer::with(200, "application/json", r#"{"access_token":"a","token_type":"Bearer","expires_in":"1501138041000"}"#), "expires_in_epoch")]
#[case::scope_list(|| Answer::with(200, "application/json", r#"{"access_token":"a","token_type":"Bearer","scope":["a","b"]}"#), "scope_list")]
#[case::form(|| Answer::with(200, "application/x-www-form-urlencoded", "access_token=a&token_type=bearer"), "form_encoded")]
#[case::plain_text(|| Answer::with(200, "text/plain", r#"{"access_token":"a","token_type":"Bearer"}"#), "content_type")]
#[tokio::test]
async fn a_token_answer_that_is_a_little_odd_is_tolerated_and_noted(
    #[case] answer: fn() -> Answer,
    #[case] quirk: &str,
) {
    let mut stage = Stage::by_urls("").await;
    stage.provider.at("/token", move |_| answer());
    stage.completes().await;
    let notes = stage.attempt().await["notes"].to_string();
    assert!(notes.contains(quirk), "{quirk}: {notes}");
}

#[tokio::test]
async fn a_callback_that_contradicts_a_variable_is_refused() {
    let mut stage = Stage::by_urls("vars = { shop = \"acme.shop.example\" }").await;
    let told = |shop: &'static str| {
        move |pairs: &mut Vec<(String, String)>| pairs.push(("shop".to_owned(), shop.to_owned()))
    };
    stage.provider.callback(told("evil.shop.example"));
    let page = stage.sign_in().await;
    stage.refused(&page, "variable_mismatch").await;
    stage.provider.callback(told("ACME.shop.example"));
    stage.completes().await;
}

#[tokio::test]
async fn a_named_callback_path_ends_with_the_providers_id() {
    let provider = Scripted::start().await;
    let block = provider.by_urls("callback_path = \"named\"");
    let mut stage =
        Stage::with(provider, Choices { provider_block: Some(block), ..Choices::default() }).await;
    stage.completes().await;
    let sent = authorize_request(&stage);
    assert!(value(&sent, "redirect_uri").ends_with("/idp/eu/oauth/callback/acme"), "{sent:?}");
}
