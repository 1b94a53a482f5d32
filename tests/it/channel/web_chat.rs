//! The web chat on a page of the tenant's own: what the browser proves by itself, and every way in which somebody else
//! could want to look like it. The same with a real browser stands in `browser/web_chat.rs`.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use url::Url;

use crate::harness::browser::{Browser, Page};
use crate::harness::page::Form;
use crate::harness::{Choices, Harness, log};

/// Where the chat's page is.
const SHOP: &str = "https://shop.example";

async fn broker() -> Harness {
    with(Choices::default()).await
}

async fn with(choices: Choices) -> Harness {
    let tenant = format!("[webchat]\norigins = [\"{SHOP}\", \"https://other.example\"]\n{}", choices.tenant);
    Harness::with(Choices { minimum: "browser", tenant, ..choices }).await
}

/// A card in a web chat.
async fn card(broker: &Harness, conversation: &str) -> Value {
    let at = json!({"id": conversation, "channel": "webchat", "handle": "visitor-1"});
    broker.post("/v1/auth-links", json!({"conversation": at})).await
}

fn token(link: &Value) -> &str {
    link["message"]["payload"]["embed"]["token"].as_str().expect("the card has a token")
}

/// A browser sends the form of the chat's page, from the page of `origin`, into the window of the sign-in.
async fn come_from(browser: &mut Browser, broker: &Harness, origin: &str, token: &str) -> Page {
    let page = Page::blank(&origin.parse::<Url>().unwrap());
    let action = format!("{}/embed/open", broker.origin);
    let form = Form { action, fields: vec![("token".to_owned(), token.to_owned())], ..Form::default() };
    browser.submit(&page, &form, &[]).await
}

/// The same with headers of the test's choice.
async fn sent(broker: &Harness, headers: &[(&str, &str)], token: &str) -> Response {
    let mut request = broker.plain(Method::POST, "/embed/open").form(&[("token", token)]);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

/// Whether an answer gives the browser a pass.
fn gives_pass(answer: &Response) -> bool {
    answer.headers().get_all("set-cookie").iter().any(|cookie| cookie.to_str().unwrap().starts_with("csw-"))
}

#[tokio::test]
async fn the_browser_that_holds_the_chat_needs_no_code() {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    let mut browser = Browser::new();
    let came = come_from(&mut browser, &broker, SHOP, token(&link)).await;
    assert_eq!(came.status, StatusCode::SEE_OTHER);
    assert_eq!(came.location().as_str(), link["url"].as_str().unwrap(), "our own page comes first");
    assert_eq!(broker.status(&link).await["status"], "created", "coming starts nothing");
    let page = browser.sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!((page.status, page.code()), (StatusCode::OK, None));
    let done = broker.status(&link).await;
    assert_eq!(done["binding"], json!({"minimum": "browser", "reached": "browser"}));
    assert_eq!(broker.get("/v1/conversations/conv-1").await["binding"], "browser");
}

#[tokio::test]
async fn a_link_that_is_pressed_elsewhere_needs_the_code() {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    // Mallory's own browser has come from the chat, which helps the victim's in nothing.
    come_from(&mut Browser::new(), &broker, SHOP, token(&link)).await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert!(page.code().is_some());
    assert_eq!(broker.status(&link).await["status"], "provisional");
    assert!(broker.contacts().await.is_empty());
}

#[tokio::test]
async fn a_pass_is_for_one_link_and_one_browser_and_ten_minutes() {
    let broker = broker().await;
    let (own, foreign) = (card(&broker, "conv-1").await, card(&broker, "conv-2").await);
    let mut browser = Browser::new();
    come_from(&mut browser, &broker, SHOP, token(&own)).await;
    let page = browser.clone().sign_in(foreign["url"].as_str().unwrap()).await;
    assert!(page.code().is_some(), "the pass of another chat");
    let mut renamed = browser.clone();
    let tail = &foreign["id"].as_str().unwrap()[27..];
    let value = browser.cookies(&broker.origin.parse().unwrap()).into_values().next().unwrap();
    renamed.hold(&broker.origin, &format!("csw-{tail}"), &value);
    let page = renamed.sign_in(foreign["url"].as_str().unwrap()).await;
    assert!(page.code().is_some(), "the name of a cookie proves nothing");
    let mut tampered = browser.clone();
    tampered.tamper(|_, value| Some(format!("{}A", &value[..value.len() - 1])));
    assert!(
        tampered.sign_in(own["url"].as_str().unwrap()).await.code().is_some(),
        "a pass that was written by hand"
    );
    broker.clock.advance(Duration::from_secs(601));
    assert!(browser.sign_in(own["url"].as_str().unwrap()).await.code().is_some(), "an old pass");
}

#[tokio::test]
async fn a_callback_that_reaches_another_browser_needs_the_code() {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    let mut browser = Browser::new();
    come_from(&mut browser, &broker, SHOP, token(&link)).await;
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    assert!(Browser::new().arrive(&callback).await.code().is_some());
}

/// What a page that is none of the tenant's can send, and what browsers send where they keep the origin back.
#[rstest]
#[case::another_page(&[("origin", "https://evil.example")])]
#[case::no_origin(&[])]
#[case::kept_back(&[("origin", "null")])]
#[case::twice(&[("origin", SHOP), ("origin", SHOP)])]
#[case::a_longer_name(&[("origin", "https://shop.example.evil.example")])]
#[case::plain(&[("origin", "http://shop.example")])]
#[case::the_usual_port(&[("origin", "https://shop.example:443")])]
#[case::a_frame(&[("origin", SHOP), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")])]
#[case::a_script(&[("origin", SHOP), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "empty")])]
#[tokio::test]
async fn whoever_is_no_page_of_the_chat_gets_no_pass(#[case] headers: &[(&str, &str)]) {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    let answer = sent(&broker, headers, token(&link)).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "the customer goes on, by the code");
    assert!(!gives_pass(&answer));
    let good = [("origin", SHOP), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    assert!(gives_pass(&sent(&broker, &good, token(&link)).await), "the same is given to who is");
}

#[tokio::test]
async fn a_made_up_token_opens_nothing_and_tells_nothing() {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    let (id, url) = (link["id"].as_str().unwrap(), link["url"].as_str().unwrap());
    let other = card(&broker, "conv-2").await;
    let swapped = format!("{id}.{}", token(&other).split_once('.').unwrap().1);
    let long = "x".repeat(3000);
    for made_up in ["", id, &format!("{id}."), &swapped, url.rsplit('/').next().unwrap(), "al_x.y", &long] {
        let answer = sent(&broker, &[("origin", SHOP)], made_up).await;
        assert_eq!((answer.status(), gives_pass(&answer)), (StatusCode::NOT_FOUND, false), "{made_up}");
        let answer = listen(&broker, SHOP, made_up).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{made_up}");
    }
    // Of another tenant's chat it is made up as well.
    let foreign =
        broker.plain(Method::POST, "/embed/open").header("host", "beta.test").header("origin", SHOP);
    let answer = foreign.form(&[("token", token(&link))]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let get = broker.plain(Method::GET, &format!("/embed/open?token={}", token(&link))).send().await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED, "a token in a URL is read by nobody");
}

async fn listen(broker: &Harness, origin: &str, token: &str) -> Response {
    let request =
        broker.plain(Method::POST, "/embed/listen").header("origin", origin).form(&[("token", token)]);
    request.send().await.unwrap()
}

/// Reads until the page hears this status, and answers what it heard with it.
async fn hear(answer: &mut Response, status: &str) -> Value {
    let mut text = String::new();
    loop {
        for line in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
            if let Ok(data) = serde_json::from_str::<Value>(line)
                && data["status"] == status
            {
                return data;
            }
        }
        let piece = answer.chunk().await.unwrap().unwrap_or_else(|| panic!("no `{status}` in {text}"));
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
}

#[tokio::test]
async fn the_page_of_the_chat_hears_how_far_it_came_and_of_nobody() {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    let mut heard = listen(&broker, SHOP, token(&link)).await;
    assert_eq!(heard.headers()["content-type"], "text/event-stream");
    assert_eq!(heard.headers()["access-control-allow-origin"], SHOP, "this page and no other");
    assert!(!heard.headers().contains_key("access-control-allow-credentials"));
    assert!(heard.headers().get_all("vary").iter().any(|value| value == "origin"));
    assert_eq!(
        hear(&mut heard, "created").await,
        json!({"status": "created", "final": false, "binding": null})
    );
    let mut browser = Browser::new();
    come_from(&mut browser, &broker, SHOP, token(&link)).await;
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    hear(&mut heard, "opened").await;
    browser.arrive(&callback).await;
    let done = hear(&mut heard, "completed").await;
    assert_eq!(done, json!({"status": "completed", "final": true, "binding": "browser"}));
    assert!(heard.chunk().await.unwrap().is_none(), "nothing can follow");
    // Whoever comes late hears the end at once.
    let mut late = listen(&broker, "https://other.example", token(&link)).await;
    assert_eq!(hear(&mut late, "completed").await, done);
}

#[tokio::test]
async fn no_other_page_may_read_what_becomes_of_a_link() {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    for origin in ["https://evil.example", "null", "https://shop.example/", ""] {
        let answer = listen(&broker, origin, token(&link)).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{origin}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{origin}");
    }
    let preflight = broker.plain(Method::OPTIONS, "/embed/listen").header("origin", SHOP);
    let preflight = preflight.header("access-control-request-headers", "authorization").send().await.unwrap();
    assert_eq!(preflight.status(), StatusCode::METHOD_NOT_ALLOWED, "nothing but a plain form is sent");
}

#[tokio::test]
async fn without_a_page_of_the_chat_the_card_has_a_link_and_no_more() {
    let broker = Harness::minimum("browser").await;
    let link = card(&broker, "conv-1").await;
    assert_eq!(link["message"]["payload"]["embed"], Value::Null);
    let code = Browser::new().sign_in(link["url"].as_str().unwrap()).await.code();
    assert!(code.is_some(), "nothing proves the browser");
    let sms = with(Choices::default()).await.link("conv-2").await;
    assert_eq!(sms["message"]["payload"]["embed"], Value::Null, "another channel has no page");
}

#[tokio::test]
async fn a_demand_for_the_code_is_not_met_by_the_browser() {
    let broker = broker().await;
    let at = json!({"id": "conv-1", "channel": "webchat", "handle": "visitor-1"});
    let order = json!({"conversation": at, "binding": {"minimum": "code"}});
    let link = broker.post("/v1/auth-links", order).await;
    let mut browser = Browser::new();
    come_from(&mut browser, &broker, SHOP, token(&link)).await;
    assert!(browser.sign_in(link["url"].as_str().unwrap()).await.code().is_some());
}

#[tokio::test]
async fn a_card_is_the_same_however_often_it_is_asked_for() {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    let again =
        broker.post(&format!("/v1/auth-links/{}/resend", link["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(token(&again), token(&link));
}

#[tokio::test]
async fn neither_token_nor_pass_is_written_into_a_log_or_a_url() {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    let mut browser = Browser::new();
    let came = come_from(&mut browser, &broker, SHOP, token(&link)).await;
    let hash = token(&link).split_once('.').unwrap().1.to_owned();
    let pass = browser.cookies(&broker.origin.parse().unwrap()).into_values().next().unwrap();
    assert!(!came.location().as_str().contains(&hash));
    drop(listen(&broker, "https://evil.example", token(&link)).await);
    sent(&broker, &[("origin", "https://evil.example")], token(&link)).await;
    browser.sign_in(link["url"].as_str().unwrap()).await;
    let log = log::text();
    assert!(!log.contains(&hash) && !log.contains(&pass));
}

#[tokio::test]
async fn the_script_is_for_every_page_and_kept_for_minutes() {
    let broker = broker().await;
    let link = card(&broker, "conv-1").await;
    let script = link["message"]["payload"]["embed"]["script"].as_str().unwrap();
    let answer = broker.plain(Method::GET, &script[broker.origin.len()..]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
    assert_eq!(headers["cache-control"], "public, max-age=300");
    assert!(answer.text().await.unwrap().contains("countersign-sign-in"));
    let known =
        broker.plain(Method::GET, "/embed/chat.js").header("if-none-match", &headers["etag"]).send().await;
    assert_eq!(known.unwrap().status(), StatusCode::NOT_MODIFIED);
    let post = broker.plain(Method::POST, "/embed/chat.js").send().await.unwrap();
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
}
