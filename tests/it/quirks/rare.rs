//! What few providers want: secrets that a key signs, keys that are being replaced, scopes with a bare separator, answers
//! inside of a function call, callbacks with something to be kept.

use std::path::Path;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::cli::demo::provider::DemoProvider;
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::scripted::answer::Answer;
use crate::harness::scripted::keys::pem;
use crate::harness::scripted::{billy, value};
use crate::harness::stage::Stage;

fn key_file(folder: &Path, name: &str, der: &[u8]) -> String {
    let file = folder.join(name);
    std::fs::write(&file, pem(der)).unwrap();
    format!("{{ file = {:?} }}", file.display().to_string())
}

/// Header and claims of a JWT whose signature is this key's.
fn opened(jwt: &str, key: &EcdsaKeyPair) -> (Value, Value) {
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
    public.verify(signed.as_bytes(), &signature).expect("the key has signed it");
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    (part(header), part(claims))
}

#[rstest]
#[case::of_the_issuer("", "{origin}")]
#[case::of_the_settings("assertion_audience = \"https://appleid.example\"\n", "https://appleid.example")]
#[tokio::test]
async fn a_secret_may_be_signed_by_a_key_for_each_use(#[case] more: &str, #[case] audience: &str) {
    let folder = tempfile::tempdir().unwrap();
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let file = key_file(folder.path(), "AuthKey.p8", key.to_pkcs8v1().unwrap().as_ref());
    let settings = format!(
        "client_auth = \"signed_secret\"\nprivate_key = {file}\nprivate_key_id = \"ABC123DEFG\"\n\
         assertion_issuer = \"DEF123GHIJ\"\n{more}"
    );
    let mut stage = Stage::by_issuer(&settings).await;
    stage.completes().await;
    let form = stage.provider.asked("/token")[0].form();
    assert_eq!((value(&form, "client_id"), value(&form, "client_assertion")), (DemoProvider::CLIENT_ID, ""));
    let (header, claims) = opened(value(&form, "client_secret"), &key);
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!("ABC123DEFG")));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("DEF123GHIJ"), &json!(DemoProvider::CLIENT_ID)));
    assert_eq!(claims["aud"], audience.replace("{origin}", stage.provider.origin()));
    let long = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((1..=300).contains(&long), "it is made anew each time: {long}");
    stage.again("conv-2").await;
    let second = stage.provider.asked("/token")[1].form();
    assert_ne!(value(&second, "client_secret"), value(&form, "client_secret"));
}

#[tokio::test]
async fn while_a_key_is_replaced_the_previous_one_has_a_try() {
    let folder = tempfile::tempdir().unwrap();
    let [new, old] = ["new", "old"].map(|name| {
        let key = Ed25519KeyPair::generate().unwrap();
        key_file(folder.path(), name, key.to_pkcs8().unwrap().as_ref())
    });
    let settings = format!(
        "client_auth = \"private_key_jwt\"\nprivate_key = {new}\nprivate_key_id = \"new\"\n\
         private_key_previous = {old}\nprivate_key_previous_id = \"old\""
    );
    let mut stage = Stage::by_urls(&settings).await;
    let kid = |form: &[(String, String)]| {
        let header = value(form, "client_assertion").split('.').next().unwrap().to_owned();
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        header["kid"].as_str().unwrap().to_owned()
    };
    stage.provider.at("/token", move |asked| {
        if kid(&asked.form()) == "old" {
            return Answer::json(&json!({"access_token": "a-token", "token_type": "Bearer"}));
        }
        Answer::with(401, "application/json", r#"{"error":"invalid_client"}"#)
    });
    stage.completes().await;
    let asked = stage.provider.asked("/token");
    assert_eq!(asked.iter().map(|asked| kid(&asked.form())).collect::<Vec<_>>(), ["new", "old"]);
    assert!(stage.attempt().await["notes"].to_string().contains("the previous one was tried"));
}

#[rstest]
#[case::comma(",", "scope=read:all,a%26b")]
#[case::plus("+", "scope=read:all+a%26b")]
#[tokio::test]
async fn the_separator_of_scopes_may_stand_as_it_is(#[case] separator: &str, #[case] sent: &str) {
    let settings =
        format!("scope = \"read:all a&b\"\nscope_separator = \"{separator}\"\nscope_encoding = \"bare\"");
    let mut stage = Stage::by_urls(&settings).await;
    let opened = stage.browser.open(&stage.url()).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.html);
    let sent = sent.replace("read:all", "read%3Aall");
    let url = opened.location();
    assert!(url.query().unwrap().split('&').any(|part| part == sent), "{url}");
}

#[rstest]
#[case::script("application/javascript", "callback({});")]
#[case::page("text/html; charset=utf-8", "callback( {} );\n")]
#[case::json("application/json", "jQuery_17.done({})")]
#[tokio::test]
async fn an_answer_inside_of_a_function_call_is_read_and_noted(
    #[case] content_type: &'static str,
    #[case] call: &'static str,
) {
    let padded = move |value: &Value| Answer::with(200, content_type, call.replace("{}", &value.to_string()));
    let mut stage = Stage::by_urls("").await;
    stage.provider.at("/token", move |_| padded(&json!({"access_token": "a", "token_type": "Bearer"})));
    stage.provider.at("/me", move |_| padded(&billy()));
    stage.completes().await;
    let notes = stage.attempt().await["notes"].to_string();
    assert!(notes.contains("token response: padded") && notes.contains("WhoAmI: padded"), "{notes}");
}

#[rstest]
#[case::two_calls("a({});b({})")]
#[case::code("alert({}.x)")]
#[case::in_a_page("<script>callback({})</script>")]
#[tokio::test]
async fn what_only_looks_like_such_a_call_is_garbage(#[case] body: &'static str) {
    let mut stage = Stage::by_urls("").await;
    stage
        .provider
        .at("/me", move |_| Answer::with(200, "text/html", body.replace("{}", &billy().to_string())));
    stage.fails("whoami", "whoami_garbage").await;
}

#[tokio::test]
async fn what_is_kept_of_the_callback_fills_the_whoami_url_and_nothing_else() {
    let settings = "whoami_url = \"{origin}/company/{realmId}/me\"\ncallback_keep = [\"realmId\"]\n\
                    mapping = { userId = \"sub\", email = \"email\", custom = \"callback\", realm = \"realmId\" }";
    let mut stage = Stage::by_urls(settings).await;
    stage.provider.callback(|pairs| pairs.push(("realmId".to_owned(), "9130 7".to_owned())));
    stage.provider.at("/company/9130%207/me", |_| Answer::json(&billy()));
    let contact = stage.completes().await;
    assert!(!contact.to_string().contains("9130"), "nobody vouches for it: {contact}");
}

#[rstest]
#[case::missing(&[], "whoami", "whoami_url_unfilled")]
#[case::up_the_path(&[".."], "whoami", "whoami_url_unfilled")]
#[tokio::test]
async fn without_what_shall_be_kept_the_token_goes_nowhere(
    #[case] told: &'static [&'static str],
    #[case] step: &str,
    #[case] code: &str,
) {
    let settings = "whoami_url = \"{origin}/company/{realmId}/me\"\ncallback_keep = [\"realmId\"]";
    let mut stage = Stage::by_urls(settings).await;
    stage.provider.callback(move |pairs| {
        pairs.extend(told.iter().map(|value| ("realmId".to_owned(), (*value).to_owned())));
    });
    stage.fails(step, code).await;
    assert!(stage.provider.everything().iter().all(|asked| !asked.path.starts_with("/company")));
}

#[tokio::test]
async fn what_shall_be_kept_stands_in_the_callback_once() {
    let mut stage = Stage::by_urls("callback_keep = [\"realmId\"]").await;
    stage.provider.callback(|pairs| {
        pairs.extend(["1", "2"].map(|value| ("realmId".to_owned(), value.to_owned())));
    });
    let page = stage.sign_in().await;
    stage.refused(&page, "params_conflict").await;
}

/// Of two servers one is named by the callback.
const SERVERS: &str = "token_url_from = \"location\"\ntoken_urls = { eu = \"{origin}/eu/token\" }";

#[tokio::test]
async fn the_code_goes_to_the_server_that_the_callback_names_and_to_no_other() {
    let mut stage = Stage::by_urls(SERVERS).await;
    stage.provider.callback(|pairs| pairs.push(("location".to_owned(), "eu".to_owned())));
    stage.provider.at("/eu/token", |_| Answer::json(&json!({"access_token": "a", "token_type": "Bearer"})));
    stage.completes().await;
    assert_eq!((stage.provider.asked("/eu/token").len(), stage.provider.asked("/token").len()), (1, 0));
}

#[tokio::test]
async fn a_callback_that_names_no_server_is_exchanged_at_the_usual_one() {
    let mut stage = Stage::by_urls(SERVERS).await;
    stage.completes().await;
    assert!(stage.provider.asked("/eu/token").is_empty());
}

#[rstest]
#[case::unknown(&["us"], "variable_mismatch")]
#[case::an_address(&["https://evil.example/token"], "variable_mismatch")]
#[case::twice(&["eu", "eu"], "params_conflict")]
#[tokio::test]
async fn a_server_that_the_settings_do_not_have_gets_no_code(
    #[case] told: &'static [&'static str],
    #[case] code: &str,
) {
    let mut stage = Stage::by_urls(SERVERS).await;
    stage.provider.callback(move |pairs| {
        pairs.extend(told.iter().map(|value| ("location".to_owned(), (*value).to_owned())));
    });
    let page = stage.sign_in().await;
    stage.refused(&page, code).await;
    assert!(stage.provider.asked("/eu/token").is_empty());
}
