//! The way of a test login, from its beginning to its page.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::provider::{Provider, back_with, signed_in};
use super::*;
use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

#[tokio::test]
async fn a_healthy_provider_passes_and_nothing_is_stored() {
    let broker = Harness::start().await;
    let begun = begin(&broker).await;
    assert_eq!(begun["state"], "waiting", "{begun:#}");
    assert_eq!(
        outcomes(&begun),
        [("dns", "ok"), ("tls", "ok"), ("discovery", "skipped"), ("jwks", "skipped"), ("authorize", "ok")]
    );
    let mut browser = Browser::new();
    let opened = open(&mut browser, &begun).await;
    let back = browser.sign_in_at_provider(&opened.location(), "allow").await;
    let page = browser.arrive(&back).await;
    assert!(page.html.contains("Test passed"), "{}", page.html);
    assert!(page.url.path().starts_with("/t/") && page.url.query().is_none());
    let found = result(&broker, &begun).await;
    assert_eq!(found["state"], "passed", "{found:#}");
    assert_eq!(
        outcomes(&found)[5..],
        [("callback", "ok"), ("token", "ok"), ("id_token", "skipped"), ("whoami", "ok"), ("mapping", "ok")]
    );
    assert_eq!(found["result"]["whoami"]["user"]["email"], "billy.bob@example.com");
    assert_eq!(found["result"]["profile"]["email"], "billy.bob@example.com");
    assert_eq!(found["result"]["subject"], found["result"]["whoami"]["user"]["id"]);
    let changes = found["result"]["contactChanges"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["field"] == "email"), "{changes:?}");
    let after: u64 =
        found["steps"].as_array().unwrap()[5..].iter().map(|step| step["ms"].as_u64().unwrap()).sum();
    assert!(after < 2000, "{after} ms from the sign-in to the end");
    check_nothing_is_stored(&broker).await;
}

#[tokio::test]
async fn what_was_sent_is_shown_with_its_names_and_without_its_values() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let (page, found) = try_it(&broker).await;
    assert_eq!(page.status, StatusCode::OK);
    let token = step(&found, "token");
    let body = &token["sent"]["body"];
    assert_eq!(body["grant_type"], "authorization_code");
    for name in ["code", "client_secret", "code_verifier"] {
        assert_eq!(body[name], "•••", "{body}");
    }
    assert_eq!(token["received"]["body"]["access_token"], "•••");
    assert_eq!(token["received"]["body"]["expires_in"], 60);
    assert_eq!(step(&found, "whoami")["sent"]["headers"]["authorization"], "Bearer •••");
    assert_eq!(step(&found, "callback")["received"]["body"], json!({"code": "•••", "state": "•••"}));
    for cookie in Browser::new().cookies(&page.url).into_values() {
        assert!(!found.to_string().contains(&cookie));
    }
    let text = found.to_string();
    for name in ["code_challenge=•••", "state=•••", "client_id=acme-client"] {
        assert!(text.contains(name), "{name} in {text}");
    }
}

#[tokio::test]
async fn whoever_reads_what_a_test_told_of_a_person_stands_in_the_audit() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let begun = begin(&broker).await;
    let path = format!("/v1/providers/acme/tests/{}", begun["id"].as_str().unwrap());
    let told = async || broker.get("/v1/audit?action=provider.test_read").await["items"].clone();
    broker.get(&path).await;
    assert_eq!(told().await, json!([]), "nobody has signed in yet");
    let mut browser = Browser::new();
    let opened = open(&mut browser, &begun).await;
    browser.arrive(&signed_in(&opened.location())).await;
    assert!(result(&broker, &begun).await["result"].is_object());
    let entries = told().await;
    assert_eq!(entries.as_array().unwrap().len(), 1, "{entries}");
    let entry = &entries[0];
    assert_eq!(
        (&entry["actor"], &entry["object"], &entry["detail"]),
        (&json!("client:acme-bot"), &json!("acme"), &begun["id"])
    );
    assert!(entry["requestId"].is_string(), "{entry}");
}

#[tokio::test]
async fn a_test_that_is_ordered_again_with_the_same_key_is_the_same_one() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let order = async |path: &str, key: &str| {
        let request = broker.plain(Method::POST, path).bearer_auth(broker.token().await);
        let answer = request.header("idempotency-key", key).send().await.unwrap();
        let replayed = answer.headers().contains_key("idempotent-replayed");
        (answer.status(), replayed, answer.json::<Value>().await.unwrap())
    };
    let path = "/v1/providers/acme/test";
    let (status, replayed, first) = order(path, "k-1").await;
    assert_eq!((status, replayed), (StatusCode::CREATED, false), "{first}");
    let (status, replayed, again) = order(path, "k-1").await;
    assert_eq!((status, replayed), (StatusCode::CREATED, true), "{again}");
    assert_eq!(again["id"], first["id"]);
    assert!(again["url"].is_string(), "somebody may still sign in: {again}");
    let (_, replayed, other) = order(path, "k-2").await;
    assert!(!replayed && other["id"] != first["id"], "{other}");
    let (status, _, reused) = order("/v1/providers/none/test", "k-1").await;
    assert_eq!((status, &reused["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("key_reused")));
    let (status, _, bad) = order(path, "").await;
    assert_eq!((status, &bad["code"]), (StatusCode::BAD_REQUEST, &json!("malformed")));
}

#[tokio::test]
async fn an_order_whose_test_is_forgotten_begins_another_one() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let order = async || {
        let request = broker.plain(Method::POST, "/v1/providers/acme/test").bearer_auth(broker.token().await);
        let answer = request.header("idempotency-key", "k-1").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let replayed = answer.headers().contains_key("idempotent-replayed");
        (replayed, answer.json::<Value>().await.unwrap()["id"].clone())
    };
    let (_, first) = order().await;
    broker.clock.advance(Duration::from_mins(61));
    let (replayed, second) = order().await;
    assert!(!replayed && second != first, "{second}");
    assert_eq!(order().await, (true, second), "and that one is the order's from now on");
}

#[tokio::test]
async fn a_test_is_good_once_and_for_the_browser_that_opened_it() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let begun = begin(&broker).await;
    let mut browser = Browser::new();
    let first = open(&mut browser, &begun).await;
    let second = open(&mut browser, &begun).await;
    let stale = browser.get(&signed_in(&first.location())).await;
    assert_eq!(stale.status, StatusCode::BAD_REQUEST, "the newer opening has taken its place");
    let back = signed_in(&second.location());
    let stranger = Browser::new().get(&back).await;
    assert_eq!(stranger.status, StatusCode::BAD_REQUEST, "without the cookie it is nobody's");
    let mut forged = back.clone();
    forged.set_query(Some(&back.query().unwrap().replace("state=t.", "state=t.x")));
    assert_eq!(browser.get(&forged).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.arrive(&back).await.status, StatusCode::OK);
    assert_eq!(browser.get(&back).await.status, StatusCode::BAD_REQUEST, "a state is good once");
    assert_eq!(result(&broker, &begun).await["state"], "passed");
    let over = browser.get(&begun["url"].as_str().unwrap().parse().unwrap()).await;
    assert!(over.html.contains("Test passed") && !over.html.contains("<form"), "{}", over.html);
}

#[tokio::test]
async fn a_test_lapses_after_ten_minutes_and_is_forgotten_after_an_hour() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let begun = begin(&broker).await;
    let mut browser = Browser::new();
    let opened = open(&mut browser, &begun).await;
    broker.clock.advance(Duration::from_mins(11));
    assert_eq!(browser.get(&signed_in(&opened.location())).await.status, StatusCode::BAD_REQUEST);
    let (cause, remedy) = words(&result(&broker, &begun).await);
    assert!(cause.contains("did not come back") && remedy.contains("another test"), "{cause} {remedy}");
    broker.clock.advance(Duration::from_mins(50));
    let path = format!("/v1/providers/acme/tests/{}", begun["id"].as_str().unwrap());
    let (status, _) = broker.api(Method::GET, &path, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let page = browser.get(&begun["url"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_test_of_another_provider_or_tenant_is_not_there() {
    let broker = Harness::with(Choices::default()).await;
    let (status, _) = broker.api(Method::POST, "/v1/providers/nobody/test", Some(Value::Null)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let begun = begin(&broker).await;
    let id = begun["id"].as_str().unwrap();
    for path in [format!("/v1/providers/nobody/tests/{id}"), "/v1/providers/acme/tests/pt_1".to_owned()] {
        let (status, _) = broker.api(Method::GET, &path, None).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let (status, _) = broker.api(Method::GET, &format!("/v1/providers/acme/tests/{id}?wait=31"), None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let handle = begun["url"].as_str().unwrap().rsplit('/').next().unwrap();
    let other = broker.plain(Method::GET, &format!("/t/{handle}"));
    let other = other.header("host", "beta.test").send().await.unwrap();
    assert_eq!(other.status(), StatusCode::NOT_FOUND, "a handle opens at its own tenant only");
}

#[tokio::test]
async fn looking_at_the_page_changes_nothing_and_a_foreign_form_is_refused() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let begun = begin(&broker).await;
    let url: url::Url = begun["url"].as_str().unwrap().parse().unwrap();
    for _ in 0..3 {
        assert!(Browser::new().get(&url).await.html.contains("Sign in as a test"));
    }
    let foreign = broker.plain(Method::POST, url.path()).header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(result_now(&broker, &begun).await["state"], "waiting");
}

#[tokio::test]
async fn a_refusal_at_the_provider_is_told_with_its_words() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let begun = begin(&broker).await;
    let mut browser = Browser::new();
    let opened = open(&mut browser, &begun).await;
    let back = back_with(&opened.location(), &[("error", "access_denied")]);
    let page = browser.arrive(&back).await;
    assert!(page.html.contains("Test failed"), "{}", page.html);
    let (cause, _) = words(&result(&broker, &begun).await);
    assert!(cause.contains("denied"), "{cause}");
    check_nothing_is_stored(&broker).await;
}

#[tokio::test]
async fn failing_tests_close_the_provider_to_nobody() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    provider.script(|script| script.token = Some((500, "text/html", "<h1>broken</h1>".to_owned())));
    for _ in 0..12 {
        let (_, found) = try_it(&broker).await;
        assert_eq!(step(&found, "token")["code"], "token_failed");
    }
    provider.script(|script| script.token = None);
    let link = broker.link("conv-9").await;
    let mut browser = Browser::new();
    let opened = browser.open(link["url"].as_str().unwrap()).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.html);
    let done = browser.arrive(&signed_in(&opened.location())).await;
    assert!(done.code().is_some(), "{}", done.html);
}

#[tokio::test]
async fn a_customer_whose_redirect_uri_is_refused_leaves_its_name_to_the_admin() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let opened = browser.open(link["url"].as_str().unwrap()).await;
    let said = [("error", "invalid_request"), ("error_description", "redirect_uri is not registered")];
    browser.arrive(&back_with(&opened.location(), &said)).await;
    let attempt = broker.get("/v1/attempts").await["items"][0].clone();
    assert_eq!(attempt["code"], "redirect_uri_refused");
    let uri = format!("{}/idp/eu/oauth/callback", broker.origin);
    assert!(attempt["notes"].to_string().contains(&uri), "{attempt:#}");
}

async fn result_now(broker: &Harness, begun: &Value) -> Value {
    broker.get(&format!("/v1/providers/acme/tests/{}", begun["id"].as_str().unwrap())).await
}
