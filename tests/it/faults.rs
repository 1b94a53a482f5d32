//! Bad input from the provider: whatever it does, the login ends with its step and code, nothing is
//! written about anybody, the customer reads a calm page with a reference, and may try again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use countersign::cli::demo::provider::Trick;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness, MAPPING, log};

/// What the provider says to make people call somebody, and what only engineers should read.
const NOT_FOR_CUSTOMERS: [&str; 9] = [
    "0199",
    "unlock",
    "It works",
    "server_error",
    "invalid_",
    "javascript:alert",
    "exchange",
    "whoami",
    "127.0.0.1",
];

/// The security headers of a page (SECURITY 20).
pub fn assert_page_headers(page: &Page) {
    let header = |name: &str| {
        let value = page.headers.get(name).unwrap_or_else(|| panic!("no {name} at {}", page.status));
        value.to_str().unwrap()
    };
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("x-frame-options"), "DENY");
    assert!(["no-referrer", "same-origin"].contains(&header("referrer-policy")));
    let policy = header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action "] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    assert!(!header("x-request-id").is_empty());
}

/// The page of a failed login: calm, with a reference that the log knows, and without the provider's words.
fn assert_calm(page: &Page, status: StatusCode) -> String {
    assert_quiet(page, status);
    let start = page.html.find("at_").unwrap_or_else(|| panic!("no reference in {}", page.html));
    page.html[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// A page with its headers and without the provider's words.
fn assert_quiet(page: &Page, status: StatusCode) {
    assert_eq!(page.status, status, "{}", page.html);
    assert_page_headers(page);
    for word in NOT_FOR_CUSTOMERS {
        assert!(!page.html.contains(word), "`{word}` stands in {}", page.html);
    }
}

/// Nothing is known about anybody, and the failure stands in status, event and log, once each.
async fn assert_failed(broker: &Harness, link: &Value, step: &str, code: &str) {
    let id = link["id"].as_str().unwrap();
    let denied = code == "access_denied";
    let word = if denied { "denied" } else { "failed" };
    let now = broker.status(link).await;
    assert_eq!((now["status"].as_str(), now["final"].as_bool()), (Some(word), Some(false)), "{now}");
    assert_eq!((now["step"].as_str(), now["code"].as_str()), (Some(step), Some(code)), "{now}");
    assert!(now[format!("{word}At")].is_string(), "{now}");
    for absent in ["profile", "contactId", "completedAt"] {
        assert!(now.get(absent).is_none(), "{absent}: {now}");
    }
    assert_eq!(now["binding"]["reached"], Value::Null);
    assert!(broker.contacts().await.is_empty());
    let conversation = broker.get("/v1/conversations/conv-1").await;
    assert_eq!((conversation["verified"].as_bool(), &conversation["contactId"]), (Some(false), &Value::Null));
    let events = broker.get("/v1/events").await;
    let events = events["items"].as_array().unwrap();
    let ended: Vec<_> = events.iter().filter(|event| event["data"]["step"].is_string()).collect();
    assert_eq!(ended.len(), 1, "{events:?}");
    assert_eq!(ended[0]["type"], format!("auth.{word}"));
    assert_eq!((&ended[0]["data"]["step"], &ended[0]["data"]["code"]), (&json!(step), &json!(code)));
    for event in events {
        assert!(
            event["data"].get("profile").is_none() && !event.to_string().contains("example.com"),
            "{event}"
        );
    }
    let lines = log::lines(id);
    let failed: Vec<_> = lines.iter().filter(|line| line["event"] == "callback.failed").collect();
    assert_eq!(failed.len(), 1, "{lines:?}");
    assert_eq!((&failed[0]["step"], &failed[0]["code"]), (&json!(step), &json!(code)));
    assert_eq!((failed[0]["tenant"].as_str(), failed[0]["provider"].as_str()), (Some("acme"), Some("acme")));
}

/// The same link, opened again in the same browser, ends well.
async fn assert_second_try_works(broker: &Harness, link: &Value, browser: &mut Browser) {
    let page = browser.sign_in(link["url"].as_str().unwrap()).await;
    let code = page.code().unwrap_or_else(|| panic!("no code in {}", page.html));
    assert_eq!(broker.message("conv-1", "+15550100", &code).await["matched"], true);
    let done = broker.status(link).await;
    assert_eq!(done["status"], "completed");
    assert!(done.get("code").is_none() && done.get("step").is_none(), "{done}");
    assert_eq!(broker.contacts().await.len(), 1);
}

#[rstest]
#[case::error(Trick::AuthorizeError, 400, "verify", "provider_error", (0, 0))]
#[case::wrong_code(Trick::WrongCode, 400, "exchange", "invalid_grant", (1, 0))]
#[case::invalid_grant(Trick::TokenInvalidGrant, 400, "exchange", "invalid_grant", (1, 0))]
#[case::invalid_client(Trick::TokenInvalidClient, 502, "exchange", "invalid_client", (1, 0))]
#[case::token_500(Trick::TokenError, 502, "exchange", "token_failed", (1, 0))]
#[case::token_garbage(Trick::TokenGarbage, 502, "exchange", "token_garbage", (1, 0))]
#[case::token_huge(Trick::TokenHuge, 502, "exchange", "token_too_large", (1, 0))]
#[case::token_redirect(Trick::TokenRedirect, 502, "exchange", "token_failed", (1, 0))]
#[case::token_twice(Trick::TokenTwice, 502, "exchange", "token_garbage", (1, 0))]
#[case::token_missing(Trick::TokenMissing, 502, "exchange", "token_garbage", (1, 0))]
#[case::token_hangs(Trick::TokenHang, 504, "exchange", "token_timeout", (1, 0))]
#[case::whoami_refused(Trick::WhoamiRefused, 502, "whoami", "whoami_refused", (1, 1))]
#[case::whoami_500(Trick::WhoamiError, 502, "whoami", "whoami_failed", (1, 1))]
#[case::whoami_garbage(Trick::WhoamiGarbage, 502, "whoami", "whoami_garbage", (1, 1))]
#[case::whoami_huge(Trick::WhoamiHuge, 502, "whoami", "whoami_too_large", (1, 1))]
#[case::whoami_hangs(Trick::WhoamiHang, 504, "whoami", "whoami_timeout", (1, 1))]
#[tokio::test]
async fn a_misbehaving_provider_ends_the_login_and_the_link_can_be_opened_again(
    #[case] trick: Trick,
    #[case] status: u16,
    #[case] step: &str,
    #[case] code: &str,
    #[case] calls: (u64, u64),
) {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    broker.provider.script(trick);
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    let page = browser.arrive(&callback).await;
    let reference = assert_calm(&page, StatusCode::from_u16(status).unwrap());
    let seen = broker.provider.counters();
    assert_eq!((seen.token, seen.whoami), calls);
    assert_failed(&broker, &link, step, code).await;
    assert!(!log::lines(&reference).is_empty(), "the log knows the customer's reference");

    // A reload shows the same and asks the provider no more.
    assert_eq!(assert_calm(&browser.arrive(&callback).await, page.status), reference);
    assert_eq!(broker.provider.counters(), seen);
    assert_second_try_works(&broker, &link, &mut browser).await;
}

#[tokio::test]
async fn a_customer_who_declines_at_the_provider_needs_no_reference_and_may_try_again() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    broker.provider.script(Trick::Deny);
    let mut browser = Browser::new();
    let page = browser.sign_in(link["url"].as_str().unwrap()).await;
    assert_quiet(&page, StatusCode::BAD_REQUEST);
    assert!(
        page.html.contains(link["url"].as_str().unwrap().rsplit('/').next().unwrap()),
        "a way back to the link"
    );
    assert_eq!(broker.provider.counters().token, 0);
    assert_failed(&broker, &link, "verify", "access_denied").await;
    assert_second_try_works(&broker, &link, &mut browser).await;
}

#[rstest]
#[case::no_state(Trick::NoState, "params_missing")]
#[case::wrong_state(Trick::WrongState, "state_unknown")]
#[case::two_codes(Trick::TwoCodes, "params_conflict")]
#[tokio::test]
async fn an_answer_that_fits_no_login_changes_nothing(#[case] trick: Trick, #[case] code: &str) {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    broker.provider.script(trick);
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    let before = broker.event_types().await;
    let page = browser.arrive(&callback).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_page_headers(&page);
    assert_eq!(
        (broker.provider.counters().token, broker.status(&link).await["status"].as_str()),
        (0, Some("opened"))
    );
    assert_eq!(broker.event_types().await, before);
    let refused = log::lines(page.headers["x-request-id"].to_str().unwrap());
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(
        (refused[0]["event"].as_str(), refused[0]["code"].as_str()),
        (Some("callback.refused"), Some(code))
    );
    assert_second_try_works(&broker, &link, &mut browser).await;
}

#[tokio::test]
async fn a_form_that_nobody_asked_for_is_refused_and_the_state_is_not_spent() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    broker.provider.script(Trick::FormPost);
    let mut browser = Browser::new();
    let opened = browser.open(link["url"].as_str().unwrap()).await;
    let login = browser.get(&opened.location()).await;
    let consent = browser.submit(&login, &login.form(), &[("person", "billy")]).await;
    let form = browser.submit(&consent, &consent.form(), &[("decision", "allow")]).await;
    let page = browser.submit(&form, &form.form(), &[]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_page_headers(&page);
    assert_eq!(broker.provider.counters().token, 0);
    assert_second_try_works(&broker, &link, &mut browser).await;
}

#[rstest]
#[case::no_type(Trick::TokenNoType)]
#[case::text_expiry(Trick::TokenTextExpiry)]
#[case::plain(Trick::TokenPlain)]
#[case::unannounced_issuer(Trick::WrongIss)]
#[case::slow_token(Trick::TokenSlow)]
#[case::slow_whoami(Trick::WhoamiSlow)]
#[tokio::test]
async fn what_many_providers_do_is_tolerated(#[case] trick: Trick) {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    broker.provider.script(trick);
    assert_second_try_works(&broker, &link, &mut Browser::new()).await;
    assert!(broker.provider.backstage().scripted().is_empty(), "the trick was played");
}

#[rstest]
#[case::a_list(Trick::WhoamiWrong)]
#[case::nobody(Trick::WhoamiNobody)]
#[tokio::test]
async fn an_answer_that_names_nobody_makes_no_contact(#[case] trick: Trick) {
    let broker = Harness::minimum("none").await;
    let link = broker.link("conv-1").await;
    broker.provider.script(trick);
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_page_headers(&page);
    let done = broker.status(&link).await;
    assert_eq!((done["status"].as_str(), &done["contactId"]), (Some("completed"), &Value::Null), "{done}");
    assert_eq!(done["profile"], json!({}));
    assert!(broker.contacts().await.is_empty());
    let conversation = broker.get("/v1/conversations/conv-1").await;
    assert_eq!((conversation["verified"].as_bool(), &conversation["contactId"]), (Some(true), &Value::Null));
}

#[tokio::test]
async fn a_required_field_that_is_missing_fails_the_login_at_normalise() {
    let provider = format!("{MAPPING}\n[provider.enrich]\nrequired = [\"phone\"]");
    let broker = Harness::with(Choices { provider, ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_calm(&page, StatusCode::BAD_GATEWAY);
    assert_failed(&broker, &link, "normalise", "required_missing").await;
}

#[tokio::test]
async fn a_mapping_that_cannot_be_evaluated_fails_the_login_at_normalise() {
    let provider = "mapping = \"user.name\"\nsubject = \"user.id\"".to_owned();
    let broker = Harness::with(Choices { provider, ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_calm(&page, StatusCode::BAD_GATEWAY);
    assert_failed(&broker, &link, "normalise", "mapping_failed").await;
    assert!(!log::text().lines().any(|line| line.contains("mapping.failed") && line.contains("Billy")));
}

/// An HTTP server that gives every request the same answer and counts its connections.
async fn canned(answer: String) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, connections)
}

#[rstest]
#[case(301)]
#[case(302)]
#[case(303)]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn a_redirect_is_not_followed(#[case] status: u16) {
    let (target, reached) = canned("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let redirect = format!(
        "HTTP/1.1 {status} Elsewhere\r\nlocation: http://{target}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (first, asked) = canned(redirect).await;
    for at_token in [true, false] {
        let url = Some(format!("http://{first}/x"));
        let (token_url, whoami_url) = if at_token { (url, None) } else { (None, url) };
        let allow = vec![first.clone(), target.clone()];
        let broker = Harness::with(Choices { token_url, whoami_url, allow, ..Choices::default() }).await;
        let link = broker.link("conv-1").await;
        let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
        assert_calm(&page, StatusCode::BAD_GATEWAY);
        let (step, code) = if at_token { ("exchange", "token_failed") } else { ("whoami", "whoami_failed") };
        assert_failed(&broker, &link, step, code).await;
    }
    assert_eq!((asked.load(Ordering::SeqCst), reached.load(Ordering::SeqCst)), (2, 0));
}

#[tokio::test]
async fn a_connection_that_is_refused_or_closed_is_a_failure_of_the_provider() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let (closes, _) = canned(String::new()).await;
    for address in [free, closes] {
        for at_token in [true, false] {
            let url = Some(format!("http://{address}/x"));
            let (token_url, whoami_url) = if at_token { (url, None) } else { (None, url) };
            let allow = vec![address.clone()];
            let broker = Harness::with(Choices { token_url, whoami_url, allow, ..Choices::default() }).await;
            let link = broker.link("conv-1").await;
            let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
            assert_calm(&page, StatusCode::BAD_GATEWAY);
            let (step, code) =
                if at_token { ("exchange", "token_failed") } else { ("whoami", "whoami_failed") };
            assert_failed(&broker, &link, step, code).await;
        }
    }
}

#[rstest]
#[case::at_the_token_url(true, "exchange", "token_url_refused")]
#[case::at_the_whoami_url(false, "whoami", "whoami_url_refused")]
#[tokio::test]
async fn an_address_of_the_own_network_is_never_dialled(
    #[case] at_token: bool,
    #[case] step: &str,
    #[case] code: &str,
) {
    let (private, reached) = canned("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let url = Some(format!("http://{private}/x"));
    let (token_url, whoami_url) = if at_token { (url, None) } else { (None, url) };
    let choices = Choices {
        token_url,
        whoami_url,
        allow: vec![private],
        refuse_when_dialled: true,
        ..Choices::default()
    };
    let broker = Harness::with(choices).await;
    let link = broker.link("conv-1").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_calm(&page, StatusCode::BAD_GATEWAY);
    assert_failed(&broker, &link, step, code).await;
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_page_of_every_status_carries_the_security_headers() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let url: url::Url = link["url"].as_str().unwrap().parse().unwrap();
    let path = url.path();
    let plain = |method: &str, path: &str| broker.plain(method.parse().unwrap(), path);
    let callback = "/idp/eu/oauth/callback";
    let asked = [
        (200, plain("GET", path)),
        (400, plain("GET", callback)),
        (400, plain("POST", callback)),
        (403, plain("POST", path)),
        (403, plain("POST", &format!("{path}/decline"))),
        (404, plain("GET", "/a/unknown")),
        (404, plain("GET", "/a/r/unknown")),
        (404, plain("GET", "/nothing")),
        (404, plain("GET", "/assets/nothing.css")),
        (405, plain("PUT", path)),
        (405, plain("TRACE", path)),
        (405, plain("DELETE", callback)),
        (405, plain("POST", "/a/r/unknown")),
        (405, plain("GET", &format!("{path}/decline"))),
        (413, plain("POST", callback).body(vec![b'a'; 64 * 1024 + 1])),
        (421, plain("GET", path).header("host", "evil.test")),
        (421, plain("GET", "/nothing").header("host", "evil.test")),
    ];
    for (status, request) in asked {
        let response = request.send().await.unwrap();
        let (got, headers) = (response.status(), response.headers().clone());
        let page = Page { status: got, url: url.clone(), headers, html: response.text().await.unwrap() };
        assert_eq!(got, status, "{}", page.html);
        assert_page_headers(&page);
        assert_eq!(got == 405, page.headers.contains_key("allow"));
    }
    broker.post(&format!("/v1/auth-links/{}/cancel", link["id"].as_str().unwrap()), json!({})).await;
    let gone = Browser::new().get(&url).await;
    assert_eq!(gone.status, StatusCode::GONE);
    assert_page_headers(&gone);
}
