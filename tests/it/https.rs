//! What customers get where they come by https: the cookie that no other host can set, and the
//! headers that keep them there. TLS ends in front of the broker; here the test stands there.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness, MAPPING};

async fn broker(more: &str) -> Harness {
    let provider = format!("{more}\n{MAPPING}");
    Harness::with(Choices { minimum: "none", https: true, provider, ..Choices::default() }).await
}

/// Presses *Continue* as a browser does, with these cookies.
async fn open(broker: &Harness, link: &Value) -> Response {
    let url: Url = link["url"].as_str().unwrap().parse().unwrap();
    assert_eq!(url.scheme(), "https");
    let post = broker.plain(Method::POST, url.path()).header("sec-fetch-site", "same-origin");
    post.send().await.unwrap()
}

/// The one cookie that an answer sets, and its attributes.
fn cookie(answer: &Response) -> (String, Vec<String>) {
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let mut parts = cookies[0].to_str().unwrap().split("; ").map(str::to_owned);
    (parts.next().unwrap(), parts.collect())
}

/// Signs in at the provider; the callback's path and query.
async fn callback(opened: &Response) -> String {
    let authorize = opened.headers()["location"].to_str().unwrap().parse().unwrap();
    let back = Browser::new().sign_in_at_provider(&authorize, "allow").await;
    assert_eq!(back.scheme(), "https", "the redirect URI is the customer's address: {back}");
    format!("{}?{}", back.path(), back.query().unwrap())
}

#[tokio::test]
async fn the_cookie_is_bound_to_the_host_and_completes_the_login() {
    let broker = broker("").await;
    let link = broker.link("conv-1").await;
    let opened = open(&broker, &link).await;
    assert_eq!(opened.status(), StatusCode::SEE_OTHER);
    let (pair, attributes) = cookie(&opened);
    let (name, value) = pair.split_once('=').unwrap();
    assert!(name.starts_with("__Host-cs-") && name.len() == "__Host-cs-".len() + 8, "{name}");
    assert!(value.len() >= 22, "128 bits at least");
    assert_eq!(attributes, ["Path=/", "Max-Age=600", "HttpOnly", "SameSite=Lax", "Secure"]);

    let path = callback(&opened).await;
    let tossed = format!("{}=x; {pair}", name.trim_start_matches("__Host-"));
    let answer = broker.plain(Method::GET, &path).header("cookie", tossed).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "a cookie without the prefix is not looked at");
    assert_eq!(broker.status(&link).await["binding"]["reached"], "none");
    assert!(answer.headers()["strict-transport-security"].to_str().unwrap().contains("max-age="));
}

#[tokio::test]
async fn a_provider_that_posts_from_its_own_site_gets_a_cookie_that_follows_it_there() {
    let broker = broker("response_mode = \"form_post\"").await;
    let link = broker.link("conv-1").await;
    let opened = open(&broker, &link).await;
    let (_, attributes) = cookie(&opened);
    assert_eq!(attributes, ["Path=/", "Max-Age=600", "HttpOnly", "SameSite=None", "Secure"]);
}

#[tokio::test]
async fn a_form_of_the_plain_origin_is_a_foreign_one() {
    let broker = broker("").await;
    let link = broker.link("conv-1").await;
    let url: Url = link["url"].as_str().unwrap().parse().unwrap();
    let post = |origin: String| broker.plain(Method::POST, url.path()).header("origin", origin).send();
    assert_eq!(post(broker.origin.clone()).await.unwrap().status(), StatusCode::FORBIDDEN);
    let own = broker.origin.replace("http:", "https:");
    assert_eq!(post(own).await.unwrap().status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_issuer_of_the_tenants_tokens_is_the_customers_address() {
    let broker = broker("").await;
    let token = broker.token().await;
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let own = json!(broker.origin.replace("http:", "https:"));
    assert_eq!((&claims["iss"], &claims["aud"]), (&own, &own));
}
