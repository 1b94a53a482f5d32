//! Who looks at a link beside the customer: preview robots, scanners and prefetches, before and during a login; and
//! customers in an app's own browser that the provider refuses. Real browsers do the same in `browser/web_chat.rs`.

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use url::Url;

use super::devices::customer;
use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};
use countersign::domain::conversation::Channel;

/// Every visitor of the fixtures that is a robot.
pub fn robots() -> Vec<String> {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/visitors.json")).unwrap();
    let visitors: Value = serde_json::from_str(&text).unwrap();
    let robots = visitors.as_array().unwrap().iter().filter(|visitor| visitor["is"] == "Robot");
    robots.filter_map(|robot| robot["agent"].as_str().map(str::to_owned)).collect()
}

/// What a robot does with an address: it asks for the head, for the page, for the page before it is wanted, and for it
/// as a browser with nothing to tell it by.
pub async fn look(broker: &Harness, path: &str, agent: &str) {
    let habits: [(Method, &[(&str, &str)]); 5] = [
        (Method::HEAD, &[]),
        (Method::GET, &[]),
        (Method::GET, &[("sec-purpose", "prefetch")]),
        (Method::GET, &[("sec-purpose", "prefetch;prerender")]),
        (Method::GET, &[("purpose", "prefetch")]),
    ];
    for (method, headers) in habits {
        let mut request = broker.plain(method, path).header("user-agent", agent);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        assert!(
            !answer.status().is_server_error() && !answer.status().is_redirection(),
            "{path}: {}",
            answer.status()
        );
        assert!(answer.headers().get("set-cookie").is_none(), "{path}");
    }
}

#[tokio::test]
async fn robots_spend_nothing_before_a_login_and_while_it_runs() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let url: Url = link["url"].as_str().unwrap().parse().unwrap();
    let robots = robots();
    assert!(robots.len() > 20);
    for robot in &robots {
        look(&broker, url.path(), robot).await;
    }
    assert_eq!(broker.status(&link).await["status"], "created");
    assert_eq!(broker.event_types().await, ["auth.link_created"], "nothing is told of robots");
    // The customer opens the link; then they come again, and one follows the redirect to the provider as well.
    let mut customer = Browser::new();
    let callback = customer.reach_callback(url.as_str()).await;
    for robot in &robots {
        look(&broker, url.path(), robot).await;
    }
    let page = customer.arrive(&callback).await;
    let code = page.code().expect("the login went on as if nobody had looked");
    for robot in &robots {
        look(&broker, url.path(), robot).await;
        look(&broker, page.url.path(), robot).await;
    }
    assert_eq!(broker.message("conv-1", "+15550100", &code).await["matched"], true);
    assert_eq!(broker.status(&link).await["binding"]["reached"], "code");
    assert_eq!(broker.provider.counters().token, 1);
}

#[tokio::test]
async fn a_scanner_that_loads_the_callback_first_takes_nothing_from_the_customer() {
    let broker = Harness::minimum("none").await;
    let link = broker.link("conv-1").await;
    let mut customer = Browser::new();
    let callback = customer.reach_callback(link["url"].as_str().unwrap()).await;
    // Prefetches are not even looked at; a scanner with the face of a browser finishes the login, without the cookie.
    let path = format!("{}?{}", callback.path(), callback.query().unwrap());
    let early = broker.plain(Method::GET, &path).header("sec-purpose", "prefetch").send().await.unwrap();
    assert_eq!(early.status(), StatusCode::NO_CONTENT);
    assert_eq!(broker.provider.counters().token, 0);
    let mut scanner = Browser::new();
    let found = scanner.arrive(&callback).await;
    assert!(found.code().is_some(), "without the cookie nothing counts but the code");
    let page = customer.arrive(&callback).await;
    assert_eq!(page.code(), found.code(), "the customer sees what came of it, and can go on");
    assert_eq!(broker.provider.counters().token, 1);
    assert_eq!(broker.message("conv-1", "+15550100", &page.code().unwrap()).await["matched"], true);
}

#[tokio::test]
async fn a_scanner_that_presses_the_first_button_spends_nothing() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let mut scanner = Browser::new();
    let landing = scanner.get(&link["url"].as_str().unwrap().parse().unwrap()).await;
    for form in crate::harness::page::forms(&landing.html) {
        scanner.submit(&landing, &form, &[]).await;
    }
    assert_eq!(broker.status(&link).await["status"], "opened", "*This wasn't me* asks once more");
    let code = Browser::new().sign_in(link["url"].as_str().unwrap()).await.code();
    assert!(code.is_some(), "the customer's own opening is another one");
}

#[tokio::test]
async fn a_preview_names_the_business_and_nothing_else() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let path = link["url"].as_str().unwrap()[broker.origin.len()..].to_owned();
    let robot = customer(Channel::Whatsapp).robot;
    let answer = broker.plain(Method::GET, &path).header("user-agent", robot).send().await.unwrap();
    assert!(answer.headers()["x-robots-tag"].to_str().unwrap().contains("noindex"));
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let html = answer.text().await.unwrap();
    assert!(
        html.contains("<meta property=\"og:title\" content=\"Sign in to continue your chat\">"),
        "{html}"
    );
    assert!(html.contains("<meta property=\"og:site_name\" content=\"Acme Bank\">"));
    assert!(!html.contains("•") && !html.contains("SMS"), "the chat is not told: {html}");
    assert!(!html.contains("og:url") && !html.contains("http-equiv"));
}

/// A broker whose provider refuses apps' own browsers, or not.
async fn refusing(blocks: bool) -> Harness {
    let provider = format!("{}\nblocks_webviews = {blocks}", crate::harness::MAPPING);
    Harness::with(Choices { provider, ..Choices::default() }).await
}

const ANDROID: &str =
    "Mozilla/5.0 (Linux; Android 15; Pixel 9; wv) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Instagram 350.0";
const LINE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari Line/14.1";

#[rstest]
#[case::android(ANDROID, Some("href=\"intent://127.0.0.1:"))]
#[case::line(LINE, Some("?openExternalBrowser=1\""))]
#[case::iphone(IPHONE, None)]
#[tokio::test]
async fn an_app_that_the_provider_refuses_is_shown_the_way_out(
    #[case] agent: &str,
    #[case] way_out: Option<&str>,
) {
    let broker = refusing(true).await;
    let link = broker.link("conv-1").await;
    let url = link["url"].as_str().unwrap();
    let path = &url[broker.origin.len()..];
    let shown = async |path: &str| {
        let answer = broker.plain(Method::GET, path).header("user-agent", agent).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.unwrap()
    };
    let page = shown(path).await;
    assert!(page.contains("Open this page in your browser") && !page.contains("<form"), "{page}");
    assert!(page.contains(&format!("value=\"{url}\"")), "the address can be copied");
    match way_out {
        Some(way_out) => assert!(page.contains(way_out), "{page}"),
        None => assert!(!page.contains("intent:") && !page.contains("openExternalBrowser")),
    }
    let stayed = shown(&format!("{path}?here")).await;
    assert!(
        stayed.contains(&format!("<form method=\"post\" action=\"{path}\">")),
        "whoever wants may try it here"
    );
    assert_eq!(broker.status(&link).await["status"], "created");
}

#[tokio::test]
async fn an_app_is_left_alone_where_the_provider_takes_it_and_a_browser_everywhere() {
    let allowing = refusing(false).await;
    let link = allowing.link("conv-1").await;
    let path = link["url"].as_str().unwrap()[allowing.origin.len()..].to_owned();
    let answer = allowing.plain(Method::GET, &path).header("user-agent", ANDROID).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("<form"));
    let refusing = refusing(true).await;
    let link = refusing.link("conv-1").await;
    let path = link["url"].as_str().unwrap()[refusing.origin.len()..].to_owned();
    for agent in [customer(Channel::Sms).browser, customer(Channel::Whatsapp).robot] {
        let answer = refusing.plain(Method::GET, &path).header("user-agent", agent).send().await.unwrap();
        assert!(answer.text().await.unwrap().contains("<form"), "{agent}");
    }
    let code = Browser::new().sign_in(link["url"].as_str().unwrap()).await.code();
    assert!(code.is_some());
    assert_eq!(refusing.status(&link).await["status"], json!("provisional"));
}
