//! Around the id_token: callbacks and who sent them, metadata, UserInfo, pushed requests.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::Choices;
use crate::harness::scripted::answer::Answer;
use crate::harness::scripted::keys::{Key, Seal, sign};
use crate::harness::scripted::{SUBJECT, Scripted, billy, value};
use crate::harness::stage::Stage;

type Pairs = Vec<(String, String)>;

fn set(pairs: &mut Pairs, name: &str, to: &str) {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), to.to_owned()));
}

fn error_instead(pairs: &mut Pairs, error: &str) {
    pairs.retain(|(known, _)| known != "code");
    set(pairs, "error", error);
    set(pairs, "error_description", "call +1 555 0199 and tell billy's password");
}

fn names_itself(metadata: &mut Value) {
    metadata["authorization_response_iss_parameter_supported"] = true.into();
}

#[tokio::test]
async fn a_server_that_announces_it_must_name_itself_at_the_callback() {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.metadata(names_itself);
    let page = stage.sign_in().await;
    stage.refused(&page, "issuer_mismatch").await;
    for other in ["https://other.example.com", "", "http://127.0.0.1"] {
        stage.provider.callback(move |pairs| set(pairs, "iss", other));
        let page = stage.sign_in().await;
        stage.refused(&page, "issuer_mismatch").await;
    }
    let issuer = stage.provider.origin().to_owned();
    stage.provider.callback(move |pairs| set(pairs, "iss", &issuer));
    stage.completes().await;
}

#[rstest]
#[case::required("iss = \"required\"", "", false)]
#[case::required_and_there("iss = \"required\"", "{origin}", true)]
#[case::not_announced_but_another("", "https://other.example.com", false)]
#[case::not_announced_and_right("", "{origin}", true)]
#[case::off_and_missing("iss = \"off\"", "", true)]
#[tokio::test]
async fn the_issuer_at_the_callback_counts_by_the_setting(
    #[case] setting: &str,
    #[case] iss: &'static str,
    #[case] passes: bool,
) {
    let mut stage = Stage::by_issuer(setting).await;
    let iss = iss.replace("{origin}", stage.provider.origin());
    stage.provider.callback(move |pairs| {
        if !iss.is_empty() {
            set(pairs, "iss", &iss);
        }
    });
    if passes {
        stage.completes().await;
    } else {
        let page = stage.sign_in().await;
        stage.refused(&page, "issuer_mismatch").await;
    }
}

#[rstest]
#[case::declined("access_denied", "access_denied")]
#[case::login_required("login_required", "provider_error")]
#[case::server_error("server_error", "provider_error")]
#[case::made_up("<script>", "provider_error")]
#[tokio::test]
async fn an_error_with_the_state_ends_the_attempt_without_the_providers_words(
    #[case] error: &'static str,
    #[case] code: &str,
) {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.callback(move |pairs| error_instead(pairs, error));
    let page = stage.fails("verify", code).await;
    assert!(!page.html.contains("0199") && !page.html.contains("password"), "{}", page.html);
    assert!(stage.provider.asked("/token").is_empty());
    stage.provider.callback(|_| {});
    stage.completes().await;
}

#[tokio::test]
async fn a_form_post_answer_completes_and_its_cookie_may_cross_sites() {
    let mut stage = Stage::by_issuer("response_mode = \"form_post\"").await;
    let page = stage.sign_in_by_form().await;
    stage.confirmed(&page).await;
    let asked = &stage.provider.asked("/auth")[0];
    assert_eq!(value(&asked.query, "response_mode"), "form_post");
}

#[rstest]
#[case::declined("access_denied", "access_denied")]
#[case::error("temporarily_unavailable", "provider_error")]
#[tokio::test]
async fn form_post_errors_end_the_attempt(#[case] error: &'static str, #[case] code: &str) {
    let mut stage = Stage::by_issuer("response_mode = \"form_post\"").await;
    stage.provider.callback(move |pairs| error_instead(pairs, error));
    let page = stage.sign_in_by_form().await;
    stage.failed(&page, "verify", code).await;
}

#[rstest]
#[case::no_state(|pairs: &mut Pairs| pairs.retain(|(name, _)| name != "state"), "params_missing")]
#[case::another_state(|pairs: &mut Pairs| set(pairs, "state", "made-up"), "state_unknown")]
#[case::code_and_error(|pairs: &mut Pairs| pairs.push(("error".to_owned(), "x".to_owned())), "params_conflict")]
#[case::iss_twice(|pairs: &mut Pairs| { for _ in 0..2 { pairs.push(("iss".to_owned(), "x".to_owned())); } }, "params_conflict")]
#[tokio::test]
async fn a_form_that_fits_no_login_is_refused(#[case] change: fn(&mut Pairs), #[case] code: &str) {
    let mut stage = Stage::by_issuer("response_mode = \"form_post\"").await;
    stage.provider.callback(change);
    let page = stage.sign_in_by_form().await;
    stage.refused(&page, code).await;
}

#[tokio::test]
async fn an_answer_by_redirect_where_a_form_was_asked_for_is_refused() {
    let mut stage = Stage::by_issuer("response_mode = \"form_post\"").await;
    let opened = stage.browser.open(&stage.url()).await;
    let page = stage.browser.get(&opened.location()).await;
    let form = page.form();
    let mut callback: url::Url = form.action.parse().unwrap();
    callback.query_pairs_mut().extend_pairs(&form.fields);
    let page = stage.browser.get(&callback).await;
    stage.refused(&page, "route_mismatch").await;
}

#[rstest]
#[case::another(|told: &mut Value| told["sub"] = "mallory".into())]
#[case::missing(|told: &mut Value| { told.as_object_mut().unwrap().remove("sub"); })]
#[case::a_number(|told: &mut Value| told["sub"] = 1.into())]
#[case::in_a_list(|told: &mut Value| *told = json!([told]))]
#[tokio::test]
async fn userinfo_bad_sub_claim_ends_the_login(#[case] change: fn(&mut Value)) {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.person(change);
    stage.fails("whoami", "subject_mismatch").await;
}

#[tokio::test]
async fn userinfo_is_asked_with_the_bearer_in_the_header_alone() {
    let mut stage = Stage::by_issuer("").await;
    stage.completes().await;
    let asked = &stage.provider.asked("/me")[0];
    assert_eq!(asked.method, "GET");
    assert!(asked.header("authorization").starts_with("Bearer ") && asked.query.is_empty());
    assert!(asked.body.is_empty());
}

#[tokio::test]
async fn userinfo_may_be_asked_with_the_bearer_in_the_body() {
    let settings =
        "whoami_url = \"{origin}/me\"\nwhoami_auth = \"body:access_token\"\nwhoami_method = \"POST\"";
    let mut stage = Stage::by_issuer(settings).await;
    stage.completes().await;
    let asked = &stage.provider.asked("/me")[0];
    assert_eq!((asked.method.as_str(), asked.header("authorization")), ("POST", ""));
    assert!(!value(&asked.form(), "access_token").is_empty());
    stage.provider.person(|told| told["sub"] = "mallory".into());
    stage.again("conv-2").await;
    assert_eq!(stage.attempt().await["code"], "subject_mismatch", "it is still the issuer's own endpoint");
}

fn signed(claims: &Value, seal: &Seal) -> Answer {
    let header = json!({"alg": "RS256", "kid": "rsa-1"});
    Answer::with(200, "application/jwt", sign(&header, claims, seal))
}

#[tokio::test]
async fn a_signed_userinfo_answer_passes_if_the_setting_wants_it_and_it_is_right() {
    let mut stage = Stage::by_issuer("userinfo_alg = \"RS256\"").await;
    stage.provider.at("/me", |_| signed(&billy(), &Seal::With(Key::rsa())));
    stage.completes().await;
}

#[rstest]
#[case::bad_sig(|_: &str| signed(&billy(), &Seal::Broken(Key::rsa())), "id_token_signature")]
#[case::plain(|_: &str| Answer::json(&billy()), "whoami_unsigned")]
#[case::another_sub(|_: &str| { let mut told = billy(); told["sub"] = "mallory".into(); signed(&told, &Seal::With(Key::rsa())) }, "subject_mismatch")]
#[case::another_issuer(|_: &str| { let mut told = billy(); told["iss"] = "https://x.example".into(); signed(&told, &Seal::With(Key::rsa())) }, "id_token_issuer")]
#[case::another_audience(|issuer: &str| { let mut told = billy(); told["iss"] = issuer.into(); told["aud"] = "other".into(); signed(&told, &Seal::With(Key::rsa())) }, "id_token_audience")]
#[case::unsigned(|_: &str| Answer::with(200, "application/jwt", sign(&json!({"alg": "none"}), &billy(), &Seal::None)), "id_token_algorithm")]
#[tokio::test]
async fn a_signed_userinfo_answer_that_is_not_right_ends_the_login(
    #[case] answer: fn(&str) -> Answer,
    #[case] code: &str,
) {
    let mut stage = Stage::by_issuer("userinfo_alg = \"RS256\"").await;
    let issuer = stage.provider.origin().to_owned();
    stage.provider.at("/me", move |_| answer(&issuer));
    stage.fails("whoami", code).await;
}

#[rstest]
#[case::another_issuer(|told: &mut Value| told["issuer"] = "https://other.example.com".into())]
#[case::with_a_slash(|told: &mut Value| told["issuer"] = format!("{}/", told["issuer"].as_str().unwrap()).into())]
#[case::no_issuer(|told: &mut Value| told["issuer"] = Value::Null)]
#[case::no_token_endpoint(|told: &mut Value| told["token_endpoint"] = Value::Null)]
#[case::no_authorization_endpoint(|told: &mut Value| told["authorization_endpoint"] = "".into())]
#[case::no_keys(|told: &mut Value| { told.as_object_mut().unwrap().remove("jwks_uri"); })]
#[case::endpoint_is_a_script(|told: &mut Value| told["authorization_endpoint"] = "javascript:alert(1)".into())]
#[case::endpoint_with_a_password(|told: &mut Value| told["token_endpoint"] = "https://a:b@x.example/".into())]
#[case::endpoint_is_a_list(|told: &mut Value| told["token_endpoint"] = json!([]))]
#[tokio::test]
async fn metadata_that_cannot_be_used_let_nobody_begin(#[case] change: fn(&mut Value)) {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.metadata(change);
    stage.must_wait("provider.undiscovered").await;
    stage.provider.metadata(|_| {});
    stage.broker.clock.advance(std::time::Duration::from_secs(31));
    stage.completes().await;
}

#[tokio::test]
async fn metadata_send_no_token_to_an_address_that_may_not_be_called() {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.metadata(|told| told["token_endpoint"] = "http://127.0.0.1:9/token".into());
    stage.fails("exchange", "token_url_refused").await;
    assert!(stage.provider.asked("/token").is_empty());
}

#[tokio::test]
async fn settings_win_over_metadata() {
    let mut stage =
        Stage::by_issuer("token_url = \"{origin}/own/token\"\nclient_auth = \"client_secret_post\"").await;
    stage
        .provider
        .at("/own/token", |_| Answer::with(400, "application/json", r#"{"error":"invalid_grant"}"#));
    stage.fails("exchange", "invalid_grant").await;
    assert!(stage.provider.asked("/token").is_empty());
    let asked = &stage.provider.asked("/own/token")[0];
    assert!(asked.header("authorization").is_empty() && !value(&asked.form(), "client_secret").is_empty());
}

#[tokio::test]
async fn what_the_settings_ask_for_stands_in_the_request() {
    let settings = "max_age = 120\nacr_values = [\"gold\", \"silver\"]\nprompt = \"login\"\nlogin_hint = \"handle\"\n\
                    claims = { id_token = { email = { essential = true } } }";
    let mut stage = Stage::by_issuer(settings).await;
    stage.provider.id_token(|draft| draft.claims["acr"] = "silver".into());
    stage.completes().await;
    let asked = &stage.provider.asked("/auth")[0].query;
    for (name, wanted) in [
        ("max_age", "120"),
        ("acr_values", "gold silver"),
        ("prompt", "login"),
        ("login_hint", "+15550100"),
        ("claims", r#"{"id_token":{"email":{"essential":true}}}"#),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(value(asked, name), wanted, "{name}");
    }
    assert!(value(asked, "nonce").len() >= 22 && value(asked, "state").len() >= 22);
}

#[tokio::test]
async fn the_language_of_the_link_is_told_to_the_provider() {
    let mut stage = Stage::by_issuer("login_hint = \"billy@example.com\"").await;
    stage.link = stage.broker.link_with("conv-1", json!({"locale": "de-CH"})).await;
    stage.completes().await;
    let asked = &stage.provider.asked("/auth")[0].query;
    assert_eq!((value(asked, "ui_locales"), value(asked, "login_hint")), ("de-CH", "billy@example.com"));
}

#[rstest]
#[case::demanded_by_the_server("", true)]
#[case::demanded_by_the_tenant("par = \"required\"", false)]
#[case::taken_by_the_server("", false)]
#[tokio::test]
async fn a_pushed_request_shows_the_browser_a_name_only(#[case] setting: &str, #[case] by_server: bool) {
    let mut stage = Stage::by_issuer(setting).await;
    stage.provider.takes_pushed(by_server);
    stage.completes().await;
    let pushed = &stage.provider.asked("/par")[0];
    assert!(pushed.header("authorization").starts_with("Basic "), "as the metadata announce");
    assert!(
        !value(&pushed.form(), "state").is_empty() && !value(&pushed.form(), "code_challenge").is_empty()
    );
    let names: Vec<_> = stage.provider.asked("/auth")[0].query.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
}

#[rstest]
#[case::refused(|| Answer::with(400, "application/json", r#"{"error":"invalid_request"}"#))]
#[case::unauthorised(|| Answer::with(401, "application/json", r#"{"error":"invalid_client"}"#))]
#[case::failed(|| Answer::with(500, "text/html", "<html>"))]
#[case::no_name(|| Answer::with(201, "application/json", "{}"))]
#[case::redirected(|| Answer::redirect(307, "http://127.0.0.1:1/"))]
#[case::truncated(|| Answer::Truncated(b"{".to_vec()))]
#[case::endless(|| Answer::Endless)]
#[case::silent(|| Answer::Silence)]
#[tokio::test]
async fn a_push_that_fails_lets_nobody_begin(#[case] answer: fn() -> Answer) {
    let mut stage = Stage::by_issuer("par = \"required\"").await;
    stage.provider.takes_pushed(false);
    stage.provider.at("/par", move |_| answer());
    stage.must_wait("provider.not_pushed").await;
    stage.provider.mend("/par");
    stage.completes().await;
}

#[tokio::test]
async fn a_push_that_fails_and_that_nobody_demands_goes_in_the_open() {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.takes_pushed(false);
    stage.provider.at("/par", |_| Answer::with(400, "application/json", r#"{"error":"invalid_request"}"#));
    stage.completes().await;
    assert_eq!(stage.provider.asked("/par").len(), 1);
    assert!(!value(&stage.provider.asked("/auth")[0].query, "code_challenge").is_empty());
}

#[tokio::test]
async fn two_providers_of_a_tenant_cannot_be_mixed_up() {
    let (honest, evil) = (Scripted::start().await, Scripted::start().await);
    let named = |provider: &Scripted, id: &str| {
        provider.by_issuer("callback_path = \"named\"").replace("id = \"acme\"", &format!("id = \"{id}\""))
    };
    let block = format!("{}\n{}", named(&honest, "acme"), named(&evil, "evil"));
    let choices = Choices { provider_block: Some(block), allow: vec![evil.listed()], ..Choices::default() };
    let mut stage = Stage::of(honest, choices, json!({"provider": "acme"})).await;
    let mut callback = stage.reach_callback().await;
    assert_eq!(callback.path(), "/idp/eu/oauth/callback/acme");
    // The evil one hands the honest one's code to its own callback, to get it at its own token endpoint.
    callback.set_path("/idp/eu/oauth/callback/evil");
    let page = stage.browser.arrive(&callback).await;
    stage.refused(&page, "route_mismatch").await;
    assert!(evil.asked("/token").is_empty());
    callback.set_path("/idp/eu/oauth/callback/acme");
    let page = stage.browser.arrive(&callback).await;
    let contact = stage.confirmed(&page).await;
    assert_eq!(contact["identities"][0]["subject"], SUBJECT);
}
