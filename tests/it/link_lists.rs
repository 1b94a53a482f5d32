//! `GET /v1/auth-links`: by conversation or all, newest first, with cursors; and how links leave.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::harness::browser::Browser;

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|link| link["id"].as_str().unwrap()).collect()
}

fn id(link: &Value) -> &str {
    link["id"].as_str().unwrap()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn the_links_of_a_conversation_are_listed_newest_first() {
    let broker = Harness::start().await;
    let (first, other, second) =
        (broker.link("conv-1").await, broker.link("conv-2").await, broker.link("conv-1").await);
    let page = broker.get("/v1/auth-links?conversationId=conv-1").await;
    assert_eq!((ids(&page), &page["next"]), (vec![id(&second), id(&first)], &Value::Null));
    assert_eq!(
        (&page["items"][0]["status"], &page["items"][1]["status"]),
        (&json!("created"), &json!("superseded"))
    );
    assert!(!page.to_string().contains("/a/"), "the URL is told at creation only");
    let all = broker.get("/v1/auth-links").await;
    assert_eq!(ids(&all), [id(&second), id(&other), id(&first)]);
    assert_eq!(all["items"][0], broker.status(&second).await, "an item is the link as it is");
    assert_eq!(broker.get("/v1/auth-links?conversationId=nobody").await, json!({"items": [], "next": null}));
}

#[tokio::test]
async fn a_list_is_walked_to_its_end_and_filtered_by_status_as_it_is_now() {
    let broker = Harness::minimum("none").await;
    let mut made = Vec::new();
    for number in 0..5 {
        made.insert(0, broker.link(&format!("conv-{number}")).await);
    }
    Browser::new().sign_in(made[1]["url"].as_str().unwrap()).await;
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = broker.get(&format!("/v1/auth-links?limit=2{cursor}")).await;
        walked.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={}", encoded(next));
    }
    assert_eq!(walked, made.iter().map(id).collect::<Vec<_>>());
    assert_eq!(ids(&broker.get("/v1/auth-links?status=completed").await), [id(&made[1])]);
    assert_eq!(ids(&broker.get("/v1/auth-links?status=created").await).len(), 4);
    broker.clock.advance(Duration::from_mins(16));
    let expired = broker.get("/v1/auth-links?status=expired&limit=3").await;
    assert_eq!(ids(&expired), [id(&made[0]), id(&made[2]), id(&made[3])], "whether it was swept or not");
    let next = expired["next"].as_str().unwrap();
    let rest = broker.get(&format!("/v1/auth-links?status=expired&limit=3&cursor={}", encoded(next))).await;
    assert_eq!((ids(&rest), &rest["next"]), (vec![id(&made[4])], &Value::Null));
}

#[tokio::test]
async fn a_cursor_from_elsewhere_is_refused() {
    let broker = Harness::start().await;
    for conversation in ["conv-1", "conv-1", "conv-2", "conv-2"] {
        let link = broker.link(conversation).await;
        Browser::new().open(link["url"].as_str().unwrap()).await;
    }
    let next = async |path: &str| encoded(broker.get(path).await["next"].as_str().unwrap());
    let of_one = next("/v1/auth-links?conversationId=conv-1&limit=1").await;
    let of_all = next("/v1/auth-links?limit=1").await;
    let of_attempts = next("/v1/attempts?limit=1").await;
    let of_some = next("/v1/attempts?limit=1&status=started").await;
    for path in [
        format!("/v1/auth-links?conversationId=conv-2&cursor={of_one}"),
        format!("/v1/auth-links?cursor={of_one}"),
        format!("/v1/auth-links?conversationId=conv-1&cursor={of_all}"),
        format!("/v1/auth-links?status=opened&cursor={of_all}"),
        format!("/v1/auth-links?cursor={of_attempts}"),
        format!("/v1/attempts?cursor={of_all}"),
        format!("/v1/attempts?cursor={of_some}"),
        format!("/v1/attempts?cursor={}", "A".repeat(80)),
        "/v1/auth-links?cursor=nonsense".to_owned(),
    ] {
        let (status, body) = broker.api(Method::GET, &path, None).await;
        assert_eq!(
            (status, &body["faults"][0]["pointer"]),
            (StatusCode::BAD_REQUEST, &json!("?cursor")),
            "{path}"
        );
    }
    let token = broker.plain(Method::POST, "/v1/oauth/token").header("host", "beta.test");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "acme-bot"),
        ("client_secret", crate::harness::BOT_SECRET),
    ];
    let token: Value = token.form(&form).send().await.unwrap().json().await.unwrap();
    let foreign = broker.plain(Method::GET, &format!("/v1/auth-links?cursor={of_all}"));
    let foreign = foreign.header("host", "beta.test").bearer_auth(token["access_token"].as_str().unwrap());
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_told_where() {
    let broker = Harness::start().await;
    for (query, pointer) in [
        ("status=done", "?status"),
        ("limit=0", "?limit"),
        ("conversationId=a%00b", "?conversationId"),
        ("conversation=x", "?conversation"),
        ("status=opened&status=opened", "?status"),
    ] {
        let (status, body) = broker.api(Method::GET, &format!("/v1/auth-links?{query}"), None).await;
        assert_eq!(
            (status, &body["faults"][0]["pointer"]),
            (StatusCode::BAD_REQUEST, &json!(pointer)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn after_a_month_links_and_attempts_are_gone_with_all_that_names_them() {
    let broker = Harness::minimum("none").await;
    let old = broker.link("conv-1").await;
    Browser::new().sign_in(old["url"].as_str().unwrap()).await;
    broker.clock.advance(Duration::from_hours(24 * 20));
    let young = broker.link("conv-1").await;
    Browser::new().open(young["url"].as_str().unwrap()).await;
    broker.clock.advance(Duration::from_hours(24 * 10 + 2));
    for _ in 0..600 {
        if ids(&broker.get("/v1/auth-links").await) == [id(&young)] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ids(&broker.get("/v1/auth-links").await), [id(&young)]);
    assert_eq!(ids(&broker.get("/v1/auth-links?conversationId=conv-1").await), [id(&young)]);
    let gone = format!("/v1/auth-links/{}", id(&old));
    assert_eq!(broker.api(Method::GET, &gone, None).await.0, StatusCode::NOT_FOUND);
    let page = Browser::new().get(&old["url"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let attempts = broker.get("/v1/attempts").await;
    let of: Vec<_> =
        attempts["items"].as_array().unwrap().iter().map(|attempt| &attempt["authLinkId"]).collect();
    assert_eq!(of, [&young["id"]]);
    assert_eq!(broker.contacts().await.len(), 1, "the person stays");
}
