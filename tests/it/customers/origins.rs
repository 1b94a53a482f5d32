//! Only pages of a tenant's websites may call, and browsers are told exactly that (the Fetch standard).

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::*;

/// Origins that are none of the shop's.
const FOREIGN: [&str; 8] = [
    "https://evil.example",
    "http://shop.acme.example",
    "https://shop.acme.example:8443",
    "https://shop.acme.example.evil.example",
    "https://SHOP.acme.example",
    "https://acme.example",
    "null",
    "",
];

#[tokio::test]
async fn a_preflight_of_a_website_is_answered_with_exactly_its_origin() {
    let shop = Shop::start().await;
    for path in ["otp/send", "profile", "sign-ins/x"] {
        let preflight = shop
            .request(Method::OPTIONS, path)
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,content-type");
        let answer = preflight.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], ORIGIN);
        assert_eq!(headers["access-control-allow-methods"], "GET, POST, PATCH, DELETE");
        assert_eq!(headers["access-control-allow-headers"], "authorization, content-type");
        assert_eq!(headers["access-control-max-age"], "600");
        assert!(varies(headers), "{headers:?}");
        assert!(!headers.contains_key("access-control-allow-credentials"), "no cookie takes part");
    }
}

#[tokio::test]
async fn every_answer_to_a_website_can_be_read_by_it_and_nobody_else() {
    let shop = Shop::start().await;
    let answers = [
        shop.send(DANA).await,
        shop.send("nobody").await,
        shop.get("no-token", "profile").await,
        shop.post("no-such-path", &json!({})).await,
        answer(shop.request(Method::PUT, "profile")).await,
    ];
    for answer in answers {
        assert_eq!(answer.headers["access-control-allow-origin"], ORIGIN, "{:?}", answer.body);
        let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
        assert!(exposed.contains("retry-after") && exposed.contains("x-request-id"), "{exposed}");
        assert!(varies(&answer.headers), "{:?}", answer.headers);
    }
}

#[tokio::test]
async fn other_origins_are_refused_before_anything_is_done() {
    let shop = Shop::start().await;
    let token = shop.token(DANA).await;
    let letters = shop.office.letters().len();
    for origin in FOREIGN {
        let from = |method: Method, path: &str| {
            shop.broker().plain(method, &format!("/api/client/v1/{path}")).header("origin", origin)
        };
        let preflight = from(Method::OPTIONS, "profile").header("access-control-request-method", "GET");
        let send = from(Method::POST, "otp/send").json(&json!({"publicKey": KEY, "email": EVE}));
        for request in [preflight, send, from(Method::GET, "profile").bearer_auth(&token)] {
            let refused = answer(request).await.refused(403, "origin_not_allowed");
            assert!(
                !refused.headers.keys().any(|name| name.as_str().starts_with("access-control")),
                "{origin}"
            );
            assert!(varies(&refused.headers), "{origin}");
        }
    }
    let twice = shop.request(Method::GET, "profile").header("origin", ORIGIN).bearer_auth(&token);
    answer(twice).await.refused(403, "origin_not_allowed");
    assert_eq!(shop.office.letters().len(), letters);
}

#[tokio::test]
async fn a_publishable_key_is_for_the_origins_of_its_own_website() {
    let shop = Shop::start().await;
    for (key, origin, status, code) in [
        (KEY, OTHER_ORIGIN, 403, "origin_not_allowed"),
        (OTHER_KEY, ORIGIN, 403, "origin_not_allowed"),
        ("pk_dom_0000000000000000", ORIGIN, 401, "unknown_key"),
        ("", ORIGIN, 401, "unknown_key"),
    ] {
        let request = shop.broker().plain(Method::POST, "/api/client/v1/otp/send").header("origin", origin);
        let body = json!({"publicKey": key, "email": DANA});
        answer(request.json(&body)).await.refused(status, code);
    }
    let no_page = shop.broker().plain(Method::POST, "/api/client/v1/otp/send");
    let body = json!({"publicKey": KEY, "email": DANA});
    answer(no_page.json(&body)).await.refused(403, "origin_not_allowed");
    assert!(shop.office.letters().is_empty());
}

#[tokio::test]
async fn an_app_that_is_no_page_calls_with_its_token_alone() {
    let shop = Shop::start().await;
    let token = shop.token(DANA).await;
    let request = shop.broker().plain(Method::GET, "/api/client/v1/profile").bearer_auth(token);
    let profile = answer(request).await;
    assert_eq!(profile.data()["user"]["email"], DANA);
    assert!(!profile.headers.contains_key("access-control-allow-origin") && varies(&profile.headers));
}

#[tokio::test]
async fn other_paths_of_the_house_tell_no_page_anything() {
    let shop = Shop::start().await;
    for path in ["/v1/contacts", "/livez", "/signin", "/v1/oauth/token"] {
        let request = shop.broker().plain(Method::OPTIONS, path).header("origin", ORIGIN);
        let answer = answer(request.header("access-control-request-method", "GET")).await;
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn the_module_and_its_types_are_public_files() {
    let shop = Shop::start().await;
    for (name, kind) in
        [("dom.js", "text/javascript; charset=utf-8"), ("dom.d.ts", "text/plain; charset=utf-8")]
    {
        let get = || {
            shop.broker().plain(Method::GET, &format!("/sdk/{name}")).header("origin", "https://any.example")
        };
        let file = get().send().await.unwrap();
        assert_eq!(
            (file.status(), &file.headers()["content-type"]),
            (StatusCode::OK, &kind.parse().unwrap())
        );
        assert_eq!(file.headers()["access-control-allow-origin"], "*");
        assert_eq!(file.headers()["cross-origin-resource-policy"], "cross-origin");
        let etag = file.headers()["etag"].clone();
        assert!(file.text().await.unwrap().contains("CountersignAuth"));
        assert_eq!(
            get().header("if-none-match", etag).send().await.unwrap().status(),
            StatusCode::NOT_MODIFIED
        );
    }
    let unknown = shop.broker().plain(Method::GET, "/sdk/other.js").send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

fn varies(headers: &reqwest::header::HeaderMap) -> bool {
    headers.get_all("vary").iter().any(|value| value.to_str().unwrap().to_lowercase().contains("origin"))
}

#[test]
fn every_code_of_the_client_api_stands_in_the_docs_and_no_other() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/customers.md")).unwrap();
    let (_, codes) = page.split_once("## Codes of the Client API").unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, code, status, ..] = cells.as_slice() else { return None };
        Some((code.strip_prefix('`')?.strip_suffix('`')?.to_owned(), status.parse::<u16>().ok()?))
    };
    let mut told: Vec<_> = codes.lines().filter_map(row).collect();
    let mut known: Vec<_> = countersign::web::client_api::answer::ClientError::CODES
        .iter()
        .map(|(code, status)| ((*code).to_owned(), *status))
        .collect();
    told.sort();
    known.sort();
    assert_eq!(told, known);
}
