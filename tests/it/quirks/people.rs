//! WhoAmI and its like, and where else the person's data may come from.

use countersign::cli::demo::provider::DemoProvider;
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::scripted::answer::Answer;
use crate::harness::scripted::keys::{Key, Seal, sign};
use crate::harness::scripted::{Asked, SUBJECT, billy, value};
use crate::harness::stage::Stage;

const ID: &str = DemoProvider::CLIENT_ID;

/// The only WhoAmI request, with the token that was given out as `the-token`.
async fn asked_with(settings: &str) -> Asked {
    let mut stage = Stage::by_urls(&format!("whoami_url = \"{{origin}}/me\"\n{settings}")).await;
    stage.provider.token(|told| told["access_token"] = "the-token".into());
    stage.completes().await;
    let mut asked = stage.provider.asked("/me");
    assert_eq!(asked.len(), 1);
    let asked = asked.remove(0);
    let places = [asked.header("authorization"), asked.header("x-access-token"), asked.body.as_str()];
    let in_query = asked.query.iter().any(|(_, value)| value == "the-token");
    let count = places.iter().filter(|place| place.contains("the-token")).count() + usize::from(in_query);
    assert_eq!(count, 1, "the token stands in one place: {asked:?}");
    asked
}

#[tokio::test]
async fn whoami_auth_bearer() {
    assert_eq!(asked_with("whoami_auth = \"bearer\"").await.header("authorization"), "Bearer the-token");
}

#[tokio::test]
async fn whoami_auth_with_another_scheme() {
    assert_eq!(asked_with("whoami_auth = \"scheme:token\"").await.header("authorization"), "token the-token");
}

#[tokio::test]
async fn whoami_auth_in_a_header_of_its_own() {
    let asked = asked_with("whoami_auth = \"header:X-Access-Token\"").await;
    assert_eq!((asked.header("x-access-token"), asked.header("authorization")), ("the-token", ""));
}

#[tokio::test]
async fn whoami_auth_in_the_query() {
    let asked = asked_with("whoami_auth = \"query:oauth_token\"\nwhoami_params = { v = \"5.1\" }").await;
    assert_eq!((value(&asked.query, "oauth_token"), value(&asked.query, "v")), ("the-token", "5.1"));
}

#[tokio::test]
async fn whoami_auth_in_the_body_of_a_post() {
    let asked = asked_with(
        "whoami_auth = \"body:access_token\"\nwhoami_method = \"POST\"\nwhoami_params = { fields = \"a b\" }",
    )
    .await;
    assert_eq!(asked.method, "POST");
    assert_eq!((value(&asked.form(), "access_token"), value(&asked.form(), "fields")), ("the-token", "a b"));
    assert!(asked.query.is_empty());
}

#[tokio::test]
async fn whoami_by_post_without_a_body() {
    let asked = asked_with("whoami_method = \"POST\"").await;
    assert_eq!((asked.method.as_str(), asked.body.as_str()), ("POST", ""));
}

#[tokio::test]
async fn whoami_params_and_headers_are_sent_and_know_our_client_id() {
    let asked = asked_with(
        "whoami_params = { f = \"json&x\", key = \"{client_id}\" }\nwhoami_headers = { Client-Id = \"{client_id}\", X-Version = \"2022-06-28\" }",
    )
    .await;
    assert_eq!((value(&asked.query, "f"), value(&asked.query, "key")), ("json&x", ID));
    assert_eq!((asked.header("client-id"), asked.header("x-version")), (ID, "2022-06-28"));
}

#[tokio::test]
async fn whoami_params_are_a_json_body_where_the_header_says_so() {
    let asked = asked_with(
        "whoami_method = \"POST\"\nwhoami_params = { query = \"{ me { id \\\"name\\\" } }\" }\nwhoami_headers = { Content-Type = \"application/json\" }",
    )
    .await;
    assert_eq!(asked.header("content-type"), "application/json");
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body, json!({"query": "{ me { id \"name\" } }"}));
}

#[tokio::test]
async fn a_part_of_the_whoami_url_may_stand_in_the_token_answer() {
    let mut stage = Stage::by_urls("whoami_url = \"{origin}/users/{user_id}/me?site={site}\"").await;
    stage.provider.token(|told| {
        told["user_id"] = serde_json::from_str("9007199254740993123").unwrap();
        told["account"] = json!({"site": "a b&c"});
    });
    stage.provider.at("/users/9007199254740993123/me", |_| Answer::json(&billy()));
    stage.completes().await;
    let asked = &stage.provider.asked("/users/9007199254740993123/me")[0];
    assert_eq!(asked.query, [("site".to_owned(), "a b&c".to_owned())]);
}

#[rstest]
#[case::missing(json!({}))]
#[case::null(json!({"user_id": null}))]
#[case::a_list(json!({"user_id": ["a"]}))]
#[case::blank(json!({"user_id": ""}))]
#[case::up_the_path(json!({"user_id": ".."}))]
#[case::a_line_break(json!({"user_id": "a\r\nx"}))]
#[case::too_long(json!({"user_id": "a".repeat(600)}))]
#[tokio::test]
async fn a_part_that_is_missing_or_unfit_ends_the_login_and_no_call_goes_out(#[case] told: Value) {
    let mut stage = Stage::by_urls("whoami_url = \"{origin}/users/{user_id}/me\"").await;
    stage.provider.token(move |answer| {
        for (name, value) in told.as_object().unwrap() {
            answer[name] = value.clone();
        }
    });
    let before = stage.provider.everything().len();
    stage.fails("whoami", "whoami_url_unfilled").await;
    let paths: Vec<_> =
        stage.provider.everything()[before..].iter().map(|asked| asked.path.clone()).collect();
    assert_eq!(paths, ["/auth", "/token"], "the token went nowhere");
}

#[tokio::test]
async fn a_part_cannot_lead_the_call_to_another_path_or_host() {
    let mut stage = Stage::by_urls("whoami_url = \"{origin}/users/{user_id}\"").await;
    stage.provider.token(|told| told["user_id"] = "a/../../evil?x=#@h".into());
    let page = stage.sign_in().await;
    let asked = stage.provider.everything();
    let last = &asked.last().unwrap().path;
    assert!(last == "/token" || last.starts_with("/users/a%2F"), "{last}");
    assert!(page.code().is_none());
}

const EMAILS: &str = r#"
[[provider.whoami]]
name = "emails"
url = "{origin}/me/emails"
auth = "scheme:token"
headers = { X-Version = "1" }
params = { all = "yes" }
[[provider.whoami]]
name = "company"
url = "{origin}/companies/{company_id}"
method = "POST"
"#;

#[tokio::test]
async fn several_calls_stand_under_their_names_in_the_mapping() {
    let settings = format!(
        "mapping = {{ email = \"emails[?primary && verified] | [0].email\", fullName = \"name\", company = \"company.title\" }}\n\
         subject = \"sub\"\n{EMAILS}"
    );
    let mut stage = Stage::by_urls(&settings).await;
    stage.provider.person(|told| *told = json!({"sub": SUBJECT, "name": "Billy Bob"}));
    stage.provider.token(|told| told["company_id"] = 7.into());
    stage.provider.at("/me/emails", |_| {
        Answer::json(&json!([
            {"email": "old@example.com", "primary": false, "verified": true},
            {"email": "billy.bob@example.com", "primary": true, "verified": true},
        ]))
    });
    stage.provider.at("/companies/7", |_| Answer::json(&json!({"title": "Acme"})));
    let contact = stage.completes().await;
    assert_eq!(contact["fields"]["company"], "Acme", "{contact}");
    let emails = &stage.provider.asked("/me/emails")[0];
    assert!(emails.header("authorization").starts_with("token "));
    assert_eq!((emails.header("x-version"), value(&emails.query, "all")), ("1", "yes"));
    assert_eq!(stage.provider.asked("/companies/7")[0].method, "POST");
}

#[tokio::test]
async fn a_further_call_that_fails_ends_the_login() {
    let mut stage = Stage::by_urls(EMAILS).await;
    stage.provider.at("/me/emails", |_| Answer::with(403, "application/json", "{}"));
    stage.fails("whoami", "whoami_refused").await;
    assert!(!stage.provider.everything().iter().any(|asked| asked.path.starts_with("/companies")));
}

#[tokio::test]
async fn identity_whoami_is_the_body_of_the_endpoint() {
    let mut stage = Stage::by_urls("identity = \"whoami\"").await;
    assert_eq!(stage.completes().await["identities"][0]["subject"], SUBJECT);
}

#[tokio::test]
async fn identity_token_response_needs_no_call_and_sees_no_token() {
    let settings = "identity = \"token_response\"\nmapping = { email = \"owner.email\", fullName = \"owner.name\", leaked = \"token_response.access_token\" }\nsubject = \"owner.id\"";
    let mut stage = Stage::by_urls(settings).await;
    stage.provider.token(|told| {
        told["owner"] = json!({"id": 7, "email": "billy.bob@example.com", "name": "Billy Bob"});
        told["token_type"] = "custom".into();
    });
    let contact = stage.completes().await;
    assert_eq!(contact["identities"][0]["subject"], "7");
    assert!(contact["fields"].get("leaked").is_none_or(Value::is_null), "{contact}");
    assert!(stage.provider.asked("/me").is_empty());
}

/// An access token that is a JWT, as RFC 9068 has it or not.
fn jwt(issuer: &str, change: impl Fn(&mut Value, &mut Value)) -> String {
    let now = countersign::clock::Clock::system().now().as_second();
    let mut header = json!({"alg": "RS256", "kid": "rsa-1", "typ": "at+jwt"});
    let mut claims = json!({
        "iss": issuer, "sub": SUBJECT, "aud": "the api", "exp": now + 60, "iat": now,
        "email": "billy.bob@example.com", "customer_number": "CUST-9",
    });
    change(&mut header, &mut claims);
    sign(&header, &claims, &Seal::With(Key::rsa()))
}

const ACCESS_TOKEN: &str = "identity = \"access_token\"\nissuer = \"{origin}\"";

#[tokio::test]
async fn identity_access_token_is_believed_once_it_is_verified() {
    let mut stage = Stage::by_urls(ACCESS_TOKEN).await;
    let issuer = stage.provider.origin().to_owned();
    stage.provider.token(move |told| told["access_token"] = jwt(&issuer, |_, _| {}).into());
    let contact = stage.completes().await;
    assert_eq!(contact["identities"][0]["subject"], SUBJECT);
    assert!(stage.provider.asked("/me").is_empty());
}

#[rstest]
#[case::opaque(|_: &str| "opaque".to_owned(), "id_token_malformed")]
#[case::expired(|issuer: &str| jwt(issuer, |_, claims| claims["exp"] = 7.into()), "id_token_expired")]
#[case::other_issuer(|_: &str| jwt("https://x.example", |_, _| {}), "id_token_issuer")]
#[case::unsigned(|issuer: &str| jwt(issuer, |header, _| header["alg"] = "none".into()), "id_token_algorithm")]
#[case::of_another_kind(|issuer: &str| jwt(issuer, |header, _| header["typ"] = "logout+jwt".into()), "id_token_malformed")]
#[tokio::test]
async fn identity_access_token_that_is_not_right_ends_the_login(
    #[case] token: fn(&str) -> String,
    #[case] code: &str,
) {
    let mut stage = Stage::by_urls(ACCESS_TOKEN).await;
    let issuer = stage.provider.origin().to_owned();
    stage.provider.token(move |told| told["access_token"] = token(&issuer).into());
    stage.fails("id_token", code).await;
}

#[tokio::test]
async fn identity_id_token_where_there_are_keys_but_no_metadata() {
    // Whoever says everything that metadata might say does without.
    let settings = "identity = \"id_token\"\nscope = \"openid\"\njwks_url = \"{origin}/keys\"\nissuer = \"{origin}\"\n\
                    client_auth = \"client_secret_post\"\nid_token_algs = [\"RS256\"]\niss = \"off\"\npar = \"off\"";
    let mut stage = Stage::by_urls(settings).await;
    stage.provider.at("/.well-known/openid-configuration", |_| Answer::with(404, "text/plain", ""));
    stage.provider.at("/.well-known/oauth-authorization-server", |_| Answer::with(404, "text/plain", ""));
    stage.provider.id_token(|draft| draft.claims["email"] = "billy.bob@example.com".into());
    stage.completes().await;
    stage.provider.id_token(|draft| draft.claims["iss"] = "https://x.example".into());
    stage.again("conv-2").await;
    assert_eq!(stage.attempt().await["code"], "id_token_issuer");
}

#[tokio::test]
async fn without_a_whoami_url_a_login_proves_authentication_only() {
    let mut stage = Stage::by_urls("#whoami_url").await;
    let page = stage.sign_in().await;
    let code = page.code().unwrap();
    stage.broker.message("conv-1", "+15550100", &code).await;
    let done = stage.broker.status(&stage.link).await;
    assert_eq!((&done["status"], &done["contactId"]), (&json!("completed"), &Value::Null));
    assert!(stage.broker.contacts().await.is_empty());
}

#[rstest]
#[case::plain_text("text/plain")]
#[case::javascript("text/javascript; charset=utf-8")]
#[case::latin_1_by_its_word("application/json; charset=ISO-8859-1")]
#[tokio::test]
async fn whoami_is_json_in_utf_8_whatever_its_header_says(#[case] content_type: &'static str) {
    let mut stage = Stage::by_urls("").await;
    stage.provider.at("/me", move |_| {
        let mut told = billy();
        told["name"] = "李 小龙".into();
        Answer::with(200, content_type, told.to_string())
    });
    let contact = stage.completes().await;
    assert_eq!(contact["fullName"], "李 小龙");
}
