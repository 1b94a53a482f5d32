//! `POST /v1/auth-links/{id}/resend`: the message once more.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

const SNIPPETS: &str = r#"
[[snippet]]
id = "sign-in"
tag = "/auth"
text.en = "Please sign in: {link}"
text.de = "Bitte anmelden: {link}"
[[snippet]]
id = "again"
text.en = "Once more: {link}"
"#;

async fn resend(broker: &Harness, link: &Value, body: Option<Value>) -> (StatusCode, Value) {
    let path = format!("/v1/auth-links/{}/resend", link["id"].as_str().unwrap());
    broker.api(Method::POST, &path, body).await
}

fn text(answer: &Value) -> String {
    let url = answer["url"].as_str().unwrap();
    answer["message"]["text"].as_str().unwrap().replace(url, "<link>")
}

#[tokio::test]
async fn the_same_link_is_told_again_and_counted() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    assert_eq!(link["resends"], 0);
    for count in 1..=3 {
        let (status, again) = resend(&broker, &link, None).await;
        assert_eq!(
            (status, &again["url"], &again["message"]),
            (StatusCode::OK, &link["url"], &link["message"])
        );
        assert_eq!((&again["id"], &again["resends"]), (&link["id"], &json!(count)));
    }
    assert_eq!(broker.status(&link).await["resends"], 3);
    assert_eq!(broker.event_types().await, ["auth.link_created"], "the platform asked for it itself");
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert!(page.code().is_some(), "the link still works");
}

#[tokio::test]
async fn it_takes_other_words_and_another_language_which_the_pages_speak_too() {
    let broker = Harness::with(Choices { tenant: SNIPPETS.to_owned(), ..Choices::default() }).await;
    let link = broker.link_with("conv-1", json!({"snippet": "sign-in"})).await;
    assert_eq!(text(&link), "Please sign in: <link>");
    let told = async |body: Value| text(&resend(&broker, &link, Some(body)).await.1);
    assert_eq!(told(json!({"locale": "de"})).await, "Bitte anmelden: <link>");
    assert_eq!(told(json!({"snippet": "again"})).await, "Once more: <link>");
    assert_eq!(told(json!({"snippet": "/auth"})).await, "Bitte anmelden: <link>", "the language stays");
    let landing = Browser::new().get(&link["url"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(landing.headers["content-language"], "de");
}

#[tokio::test]
async fn what_cannot_be_rendered_is_refused_and_not_counted() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    for (body, status, pointer) in [
        (json!({"snippet": "nobody"}), 422, "/snippet"),
        (json!({"snippet": ""}), 422, "/snippet"),
        (json!({"locale": "not a tag"}), 422, "/locale"),
        (json!({"locale": 7}), 422, "/locale"),
        (json!([]), 422, ""),
    ] {
        let (answered, problem) = resend(&broker, &link, Some(body.clone())).await;
        assert_eq!(
            (answered.as_u16(), &problem["faults"][0]["pointer"]),
            (status, &json!(pointer)),
            "{body}"
        );
    }
    let path = format!("/v1/auth-links/{}/resend", link["id"].as_str().unwrap());
    let request = broker.plain(Method::POST, &path).bearer_auth(broker.token().await);
    let plain = request.header("content-type", "text/plain").body("{}").send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let request = broker.plain(Method::POST, &path).bearer_auth(broker.token().await);
    let broken = request.header("content-type", "application/json").body("{").send().await.unwrap();
    assert_eq!(broken.status(), StatusCode::BAD_REQUEST);
    assert_eq!(broker.status(&link).await["resends"], 0);
}

#[tokio::test]
async fn a_link_that_nobody_can_open_is_not_told_again() {
    let broker = Harness::minimum("none").await;
    let unknown = json!({"id": format!("al_{}", "0".repeat(32))});
    assert_eq!(resend(&broker, &unknown, None).await.0, StatusCode::NOT_FOUND);

    let completed = broker.link("conv-1").await;
    Browser::new().sign_in(completed["url"].as_str().unwrap()).await;
    let superseded = broker.link("conv-2").await;
    broker.link("conv-2").await;
    let (expired, at_provider) = (broker.link("conv-3").await, broker.link("conv-4").await);
    broker.clock.advance(Duration::from_mins(14));
    Browser::new().open(at_provider["url"].as_str().unwrap()).await;
    broker.clock.advance(Duration::from_mins(2));
    assert_eq!(broker.status(&at_provider).await["status"], "opened");
    for link in [completed, superseded, expired, at_provider] {
        let (status, problem) = resend(&broker, &link, None).await;
        assert_eq!((status, &problem["code"]), (StatusCode::GONE, &json!("gone")), "{problem}");
    }
}
