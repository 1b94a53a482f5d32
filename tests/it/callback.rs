//! What must not work at the callback. Every bad state gets one neutral page and changes nothing.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use rstest::rstest;
use url::Url;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Harness, log};

/// A login that is about to come back.
async fn at_the_provider(broker: &Harness) -> (serde_json::Value, Browser, Url) {
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    (link, browser, callback)
}

/// The neutral page without its reference.
fn neutral(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.html);
    let reference = page.headers["x-request-id"].to_str().unwrap();
    assert!(page.html.contains(reference), "the page names its reference");
    page.html.replace(reference, "")
}

fn with(callback: &Url, change: impl Fn(&str, &str) -> Vec<(String, String)>) -> Url {
    let pairs: Vec<_> = callback.query_pairs().flat_map(|(name, value)| change(&name, &value)).collect();
    let mut changed = callback.clone();
    changed.query_pairs_mut().clear().extend_pairs(pairs);
    changed
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[rstest]
#[case::no_state(|name: &str, value: &str| if name == "state" { vec![] } else { vec![pair(name, value)] })]
#[case::unknown_state(|name: &str, value: &str| vec![pair(name, if name == "state" { "x" } else { value })])]
#[case::state_twice(|name: &str, value: &str| if name == "state" { vec![pair(name, value), pair(name, value)] } else { vec![pair(name, value)] })]
#[case::code_twice(|name: &str, value: &str| if name == "code" { vec![pair(name, value), pair(name, "b")] } else { vec![pair(name, value)] })]
#[case::code_and_error(|name: &str, value: &str| if name == "code" { vec![pair(name, value), pair("error", "access_denied")] } else { vec![pair(name, value)] })]
#[case::no_code(|name: &str, value: &str| if name == "code" { vec![] } else { vec![pair(name, value)] })]
#[tokio::test]
async fn a_bad_state_gets_the_neutral_page_and_the_right_browser_can_still_finish(
    #[case] change: fn(&str, &str) -> Vec<(String, String)>,
) {
    let broker = Harness::start().await;
    let (link, mut browser, callback) = at_the_provider(&broker).await;
    let before = broker.event_types().await;
    let page = browser.get(&with(&callback, change)).await;
    let elsewhere =
        Browser::new().get(&format!("{}/idp/eu/oauth/callback", broker.origin).parse().unwrap()).await;
    assert_eq!(neutral(&page), neutral(&elsewhere), "all neutral pages are alike");
    assert_eq!(broker.provider.counters().token, 0);
    assert_eq!(broker.event_types().await, before);
    assert_eq!(broker.status(&link).await["status"], "opened");
    assert!(browser.arrive(&callback).await.code().is_some());
}

#[tokio::test]
async fn bytes_that_are_no_text_are_no_server_error() {
    let broker = Harness::start().await;
    for query in [
        "state=%ff%fe&code=x",
        "state=x&code=%zz",
        "state=x&code=%00",
        "%",
        "state",
        "&&&",
        "state=%u0041&code=1",
    ] {
        let url = format!("{}/idp/eu/oauth/callback?{query}", broker.origin).parse().unwrap();
        assert_eq!(Browser::new().get(&url).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn another_login_of_the_same_browser_is_no_pass_for_this_one() {
    let broker = Harness::start().await;
    let (_, mut victim, callback) = at_the_provider(&broker).await;
    let mut attacker = Browser::new();
    let own = broker.link("conv-attacker").await;
    attacker.reach_callback(own["url"].as_str().unwrap()).await;
    assert_eq!(attacker.get(&callback).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(broker.provider.counters().token, 0);
    assert!(victim.arrive(&callback).await.code().is_some(), "the right browser can still finish");
}

#[tokio::test]
async fn a_cookie_of_the_right_name_and_another_value_is_refused() {
    let broker = Harness::start().await;
    let (_, browser, callback) = at_the_provider(&broker).await;
    let mut forger = browser.clone();
    forger
        .tamper(|name, value| Some(if name.starts_with("cs-") { "x".repeat(43) } else { value.to_owned() }));
    assert_eq!(forger.get(&callback).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(broker.provider.counters().token, 0);
}

#[tokio::test]
async fn a_browser_without_the_cookie_must_be_confirmed_by_the_chat_whatever_the_minimum() {
    let broker = Harness::minimum("none").await;
    let (link, _, callback) = at_the_provider(&broker).await;
    let page = Browser::new().arrive(&callback).await;
    let code = page.code().expect("without the cookie the code is needed");
    assert_eq!(broker.status(&link).await["status"], "provisional");
    broker.message("conv-1", "+15550100", &code).await;
    assert_eq!(broker.status(&link).await["binding"]["reached"], "code");
}

#[tokio::test]
async fn whoever_sent_the_providers_page_to_somebody_else_is_not_shown_the_code_of_that_sign_in() {
    let broker = Harness::start().await;
    let (link, mut attacker, callback) = at_the_provider(&broker).await;
    let page = Browser::new().arrive(&callback).await;
    let code = page.code().expect("the browser that signed in sees the code");
    // The attacker knows the state, and holds the cookie of the browser that opened the link; not the answer.
    let denied = |name: &str, value: &str| {
        vec![if name == "code" { pair("error", "access_denied") } else { pair(name, value) }]
    };
    for forged in [
        with(&callback, |name, value| vec![pair(name, if name == "code" { "x" } else { value })]),
        with(&callback, denied),
    ] {
        let page = attacker.get(&forged).await;
        neutral(&page);
        assert!(!page.html.contains(&code));
    }
    assert_eq!(broker.status(&link).await["status"], "provisional");
    assert_eq!(broker.provider.counters().token, 1);
}

#[tokio::test]
async fn a_callback_on_another_tenants_host_is_unknown_there() {
    let broker = Harness::start().await;
    let (_, mut browser, callback) = at_the_provider(&broker).await;
    let path = format!("{}?{}", callback.path(), callback.query().unwrap());
    let foreign = broker.plain(Method::GET, &path).header("host", "beta.test").send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::BAD_REQUEST);
    let nobody = broker.plain(Method::GET, &path).header("host", "nobody.test").send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(broker.provider.counters().token, 0);
    assert!(browser.arrive(&callback).await.code().is_some());
}

#[rstest]
#[case("/web/inbound/abc/oauth/redirect")]
#[case("/web/inbound/abc/oauth/abcAuth2Redirect")]
#[case("/idp/eu/oauth/callback/acme")]
#[tokio::test]
async fn a_callback_on_another_route_is_refused(#[case] path: &str) {
    let broker = Harness::start().await;
    let (_, mut browser, callback) = at_the_provider(&broker).await;
    let mut elsewhere = callback.clone();
    elsewhere.set_path(path);
    assert_eq!(browser.get(&elsewhere).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(broker.provider.counters().token, 0);
    assert!(browser.arrive(&callback).await.code().is_some());
}

#[rstest]
#[case("//idp/eu/oauth/callback")]
#[case("/idp/eu/oauth/callback/")]
#[case("/idp/eu/oauth/%63allback")]
#[case("/idp/eu/oauth/callback;x=1")]
#[tokio::test]
async fn only_the_exact_path_is_a_callback(#[case] path: &str) {
    let broker = Harness::start().await;
    let (_, _, callback) = at_the_provider(&broker).await;
    let answer =
        broker.plain(Method::GET, &format!("{path}?{}", callback.query().unwrap())).send().await.unwrap();
    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert_eq!(broker.provider.counters().token, 0);
}

#[tokio::test]
async fn other_methods_and_prefetches_do_not_consume_the_state() {
    let broker = Harness::start().await;
    let (_, mut browser, callback) = at_the_provider(&broker).await;
    let path = format!("{}?{}", callback.path(), callback.query().unwrap());
    for method in [Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = broker.plain(method.clone(), &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.headers()["allow"], "GET, POST");
    }
    for (name, value) in [("purpose", "prefetch"), ("sec-purpose", "prefetch;prerender")] {
        let answer = broker.plain(Method::GET, &path).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(broker.provider.counters().token, 0);
    assert!(browser.arrive(&callback).await.code().is_some());
}

#[tokio::test]
async fn a_form_is_refused_where_the_provider_answers_by_query() {
    let broker = Harness::start().await;
    let (_, _, callback) = at_the_provider(&broker).await;
    let form: Vec<_> = callback.query_pairs().into_owned().collect();
    let answer = broker.plain(Method::POST, callback.path()).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(broker.provider.counters().token, 0);
}

#[tokio::test]
async fn a_reload_in_the_same_browser_shows_the_same_outcome_and_asks_the_provider_no_more() {
    let broker = Harness::start().await;
    let (_, mut browser, callback) = at_the_provider(&broker).await;
    let first = browser.arrive(&callback).await;
    let again = browser.arrive(&callback).await;
    assert_eq!((first.code(), again.status), (again.code(), StatusCode::OK));
    assert_eq!(broker.provider.counters().token, 1);
    assert_eq!(
        Browser::new().get(&callback).await.status,
        StatusCode::BAD_REQUEST,
        "but nobody else sees it"
    );
    assert_eq!(Browser::new().get(&first.url).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn fifty_equal_callbacks_at_once_are_one_login() {
    let broker = Harness::minimum("none").await;
    let (_, browser, callback) = at_the_provider(&broker).await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (mut browser, callback) = (browser.clone(), callback.clone());
            tokio::spawn(async move { browser.get(&callback).await.status })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::SEE_OTHER);
    }
    let seen = broker.provider.counters();
    assert_eq!((seen.token, seen.whoami), (1, 1));
    let types = broker.event_types().await;
    assert_eq!(types.iter().filter(|kind| *kind == "auth.completed").count(), 1);
    assert_eq!(broker.contacts().await[0]["version"], 1);
}

#[tokio::test]
async fn a_late_callback_is_refused() {
    let broker = Harness::start().await;
    let (_, mut browser, callback) = at_the_provider(&broker).await;
    broker.clock.advance(Duration::from_secs(601));
    assert_eq!(browser.get(&callback).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(broker.provider.counters().token, 0);
}

#[tokio::test]
async fn a_browser_that_opens_a_link_again_gives_up_its_older_opening() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let older = browser.reach_callback(link["url"].as_str().unwrap()).await;
    let newer = browser.reach_callback(link["url"].as_str().unwrap()).await;
    assert_eq!(browser.get(&older).await.status, StatusCode::BAD_REQUEST);
    assert!(browser.arrive(&newer).await.code().is_some());
}

#[tokio::test]
async fn the_cookie_lives_as_long_as_the_result_page() {
    let broker = Harness::start().await;
    let (_, mut browser, callback) = at_the_provider(&broker).await;
    let answer = browser.get(&callback).await;
    let again = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(again.starts_with("cs-") && again.contains("Max-Age=600"), "the same login's cookie, anew");
    let names: Vec<_> = browser.cookies(&callback).into_keys().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let without = broker.plain(Method::GET, answer.location().path()).send().await.unwrap();
    assert!(without.headers().get("set-cookie").is_none(), "a page sets none");
}

#[tokio::test]
async fn neither_code_nor_state_stays_in_the_address_bar() {
    let broker = Harness::start().await;
    let (_, mut browser, callback) = at_the_provider(&broker).await;
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    let location = answer.location();
    assert!(location.query().is_none() && location.path().starts_with("/a/r/"), "{location}");
    for (_, value) in callback.query_pairs() {
        assert!(!location.as_str().contains(&*value));
    }
}

#[rstest]
#[case::cross_site(&[("sec-fetch-site", "cross-site")])]
#[case::same_site(&[("sec-fetch-site", "same-site")])]
#[case::foreign_origin(&[("origin", "https://evil.test")])]
#[case::null_origin(&[("origin", "null")])]
#[case::nothing(&[])]
#[tokio::test]
async fn a_foreign_page_cannot_start_a_sign_in(#[case] headers: &[(&str, &str)]) {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let url: Url = link["url"].as_str().unwrap().parse().unwrap();
    for path in [url.path().to_owned(), format!("{}/decline", url.path())] {
        let mut request = broker.plain(Method::POST, &path).form(&[("confirm", "yes")]);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(broker.status(&link).await["status"], "created");
}

#[tokio::test]
async fn every_line_of_a_request_carries_its_name() {
    let broker = Harness::start().await;
    let denied = broker.plain(Method::GET, "/v1/contacts").send().await.unwrap();
    let name = denied.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert!(log::lines(&name).iter().any(|line| line["event"] == "auth.rejected"), "{name}");
    let link = broker.link("conv-named").await;
    let mut browser = Browser::new();
    let away = browser.open(link["url"].as_str().unwrap()).await;
    let callback = browser.sign_in_at_provider(&away.location(), "allow").await;
    let answer = browser.get(&callback).await;
    let name = answer.headers["x-request-id"].to_str().unwrap();
    assert!(log::lines(name).iter().any(|line| line["event"] == "callback.signed_in"), "{name}");
}
