//! Defects that a review found, each a test named for it.

use std::time::Duration;

use countersign::cli::demo::provider::Trick;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness, MAPPING};

fn url_of(link: &Value) -> &str {
    link["url"].as_str().unwrap()
}

fn count(types: &[String], kind: &str) -> usize {
    types.iter().filter(|known| *known == kind).count()
}

fn another(code: &str) -> String {
    let digits: u32 = code.trim_start_matches("CS-").parse().unwrap();
    format!("{:06}", (digits + 1) % 1_000_000)
}

#[tokio::test]
async fn a_path_segment_that_is_no_text_is_answered_like_any_unknown_name() {
    let broker = Harness::start().await;
    for path in ["/a/%ff", "/a/r/%ff", "/assets/%ff"] {
        let answer = broker.plain(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(answer.headers().contains_key("content-security-policy"), "{path}");
    }
    let answer = broker.plain(Method::GET, "/idp/eu/oauth/callback/%ff?state=x&code=y").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.headers().contains_key("content-security-policy"));
    let (status, problem) = broker.api(Method::GET, "/v1/contacts/%ff", None).await;
    assert_eq!((status, problem["code"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")));
}

#[tokio::test]
async fn what_operators_ask_is_answered_to_get_and_head_only() {
    let broker = Harness::start().await;
    for path in ["/livez", "/readyz", "/version"] {
        assert_eq!(broker.plain(Method::HEAD, path).send().await.unwrap().status(), StatusCode::OK);
        for method in [Method::TRACE, Method::POST, Method::DELETE] {
            let answer = broker.plain(method, path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
    }
}

#[tokio::test]
async fn a_misspelt_handle_is_refused_and_not_left_out() {
    let broker = Harness::start().await;
    let body = json!({"conversation": {"id": "conv-1", "channel": "sms", "handel": "+15550100"}});
    let (status, problem) = broker.api(Method::POST, "/v1/auth-links", Some(body)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["faults"][0]["pointer"], "/conversation/handel");
}

#[tokio::test]
async fn a_completion_elsewhere_voids_the_sign_in_that_waits_for_its_code() {
    let broker = Harness::minimum("none").await;
    let link = broker.link("conv-1").await;
    let (mut first, mut second) = (Browser::new(), Browser::new());
    let without_cookie = first.reach_callback(url_of(&link)).await;
    first.tamper(|_, _| None);
    let waiting = first.arrive(&without_cookie).await;
    assert!(waiting.code().is_some());
    assert_eq!(second.sign_in(url_of(&link)).await.status, StatusCode::OK);
    assert_eq!(broker.status(&link).await["status"], "completed");
    let after = first.get(&waiting.url).await;
    assert_eq!((after.code(), after.status), (None, StatusCode::GONE), "no code that nobody takes");
}

#[tokio::test]
async fn the_last_guesses_at_once_spend_the_sign_in_and_every_one_gets_an_answer() {
    let broker = std::sync::Arc::new(Harness::start().await);
    for round in 0..4 {
        let conversation = format!("conv-{round}");
        let link = broker.link(&conversation).await;
        let code = Browser::new().sign_in(url_of(&link)).await.code().unwrap();
        let path = format!("/v1/auth-links/{}/confirm", link["id"].as_str().unwrap());
        let tries = (0..8).map(|_| {
            let (broker, path, code) = (std::sync::Arc::clone(&broker), path.clone(), another(&code));
            tokio::spawn(async move { broker.api(Method::POST, &path, Some(json!({"code": code}))).await.0 })
        });
        for done in tries.collect::<Vec<_>>() {
            let status = done.await.unwrap();
            assert!([StatusCode::UNPROCESSABLE_ENTITY, StatusCode::GONE].contains(&status), "{status}");
        }
        assert_eq!(broker.status(&link).await["code"], "guesses_spent");
        assert_eq!(count(&broker.event_types().await, "auth.failed"), round + 1);
    }
}

#[tokio::test]
async fn six_digits_after_the_completion_are_an_ordinary_message() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let code = Browser::new().sign_in(url_of(&link)).await.code().unwrap();
    assert_eq!(broker.message("conv-1", "+15550100", &code).await["matched"], true);
    assert_eq!(broker.message("conv-1", "+15550100", "471147").await, json!({"matched": false}));
}

#[tokio::test]
async fn another_spelling_of_the_number_or_none_leaves_the_conversation_verified() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let code = Browser::new().sign_in(url_of(&link)).await.code().unwrap();
    broker.message("conv-1", "+15550100", &code).await;
    for conversation in [
        json!({"id": "conv-1", "channel": "sms", "handle": "+1 (555) 01-00"}),
        json!({"id": "conv-1", "channel": "sms"}),
    ] {
        broker.link_with("conv-1", json!({"conversation": conversation})).await;
        assert_eq!(broker.get("/v1/conversations/conv-1").await["verified"], true);
    }
    let link = broker.link_with("conv-1", json!({"conversation": {"id": "conv-1", "channel": "sms"}})).await;
    let code = Browser::new().sign_in(url_of(&link)).await.code().unwrap();
    assert_eq!(
        broker.message("conv-1", "+15550199", &code).await["matched"],
        false,
        "the address that is known still counts"
    );
    let elsewhere = json!({"id": "conv-1", "channel": "sms", "handle": "+15550199"});
    broker.link_with("conv-1", json!({"conversation": elsewhere})).await;
    assert_eq!(broker.get("/v1/conversations/conv-1").await["verified"], false);
    assert_eq!(count(&broker.event_types().await, "conversation.unverified"), 1);
}

#[tokio::test]
async fn a_link_whose_time_is_over_offers_no_continue_while_a_sign_in_still_runs() {
    let broker = Harness::start().await;
    let link = broker.link_with("conv-1", json!({"expiresIn": 20})).await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(url_of(&link)).await;
    broker.clock.advance(Duration::from_secs(30));
    let url: Url = url_of(&link).parse().unwrap();
    assert_eq!(Browser::new().get(&url).await.status, StatusCode::GONE);
    let decline = broker.plain(Method::POST, &format!("{}/decline", url.path()));
    let asked = decline.header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::OK, "a running sign-in can still be declined");
    assert!(browser.arrive(&callback).await.code().is_some());
}

#[tokio::test]
async fn a_browser_that_leaves_while_its_callback_runs_cuts_nothing() {
    let broker = Harness::minimum("none").await;
    for n in 0..6 {
        let link = broker.link(&format!("conv-{n}")).await;
        let mut browser = Browser::new();
        let callback = browser.reach_callback(url_of(&link)).await;
        let mut leaving = browser.clone();
        let gone = callback.clone();
        let left = tokio::time::timeout(Duration::from_millis(n), async move { leaving.get(&gone).await });
        let _ = left.await;
        browser.arrive(&callback).await;
        let mut status = broker.status(&link).await;
        for _ in 0..200 {
            if status["status"] == "completed" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            status = broker.status(&link).await;
        }
        assert_eq!(status["status"], "completed", "left after {n} ms");
    }
}

#[tokio::test]
async fn two_first_sign_ins_of_one_person_at_once_are_one_contact() {
    let broker = Harness::minimum("none").await;
    let mut arrivals = Vec::new();
    for n in 0..6 {
        let link = broker.link(&format!("conv-{n}")).await;
        let mut browser = Browser::new();
        let callback = browser.reach_callback(url_of(&link)).await;
        arrivals.push((browser, callback));
    }
    let tasks: Vec<_> = arrivals
        .into_iter()
        .map(|(mut browser, callback)| tokio::spawn(async move { browser.arrive(&callback).await.status }))
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), StatusCode::OK);
    }
    let contacts = broker.contacts().await;
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0]["conversations"].as_array().unwrap().len(), 6);
    let types = broker.event_types().await;
    assert_eq!((count(&types, "contact.created"), count(&types, "auth.completed")), (1, 6));
}

#[tokio::test]
async fn a_cancel_a_newer_link_and_a_completion_at_once_leave_one_end() {
    let broker = std::sync::Arc::new(Harness::minimum("none").await);
    for n in 0..6 {
        let conversation = format!("conv-{n}");
        let link = broker.link(&conversation).await;
        let mut browser = Browser::new();
        let callback = browser.reach_callback(url_of(&link)).await;
        let before = broker.event_types().await.len();
        let path = format!("/v1/auth-links/{}/cancel", link["id"].as_str().unwrap());
        let (cancelling, making) = (std::sync::Arc::clone(&broker), std::sync::Arc::clone(&broker));
        let tasks = [
            tokio::spawn(async move { drop(browser.arrive(&callback).await) }),
            tokio::spawn(async move { drop(cancelling.api(Method::POST, &path, None).await) }),
            tokio::spawn(async move { drop(making.link(&conversation).await) }),
        ];
        for task in tasks {
            task.await.unwrap();
        }
        let types = broker.event_types().await.split_off(before);
        let ends = ["auth.completed", "auth.cancelled", "auth.superseded"].map(|kind| count(&types, kind));
        assert_eq!(ends.iter().sum::<usize>(), 1, "{types:?}");
        let conversation = broker.get(&format!("/v1/conversations/conv-{n}")).await;
        assert_eq!(conversation["verified"] == true, ends[0] == 1);
    }
}

#[tokio::test]
async fn a_provider_that_is_gone_at_the_confirmation_is_no_fault_of_the_message() {
    let mut broker = Harness::with(Choices { provider: MAPPING.to_owned(), ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    let code = Browser::new().sign_in(url_of(&link)).await.code().unwrap();
    let file = broker.config.tenants.join("acme.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("id = \"acme\"", "id = \"renamed\"")).unwrap();
    broker.restart().await;
    let answer = broker.message("conv-1", "+15550100", &code).await;
    assert_eq!(answer["matched"], false);
    assert!(broker.contacts().await.is_empty());
}

#[tokio::test]
async fn an_attempt_that_was_interrupted_reads_as_failed() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(url_of(&link)).await;
    broker.provider.script(Trick::TokenSlow);
    let arriving = tokio::spawn(async move { browser.arrive(&callback).await.status });
    while broker.provider.counters().token == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(broker.status(&link).await["status"], "opened");
    broker.clock.advance(Duration::from_secs(31));
    let status = broker.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("failed"), &json!("interrupted")));
    assert_eq!(status["final"], false);
    arriving.await.unwrap();
    assert_eq!(broker.status(&link).await["status"], "provisional", "it was only slow");
}

#[tokio::test]
async fn metadata_cannot_make_the_events_unreadable() {
    let broker = Harness::start().await;
    let number = json!({"$serde_json::private::Number": "x"});
    for metadata in [number.clone(), json!({"deep": [number]}), json!({"$serde_json::private::Number": "1"})]
    {
        let body = json!({"conversation": {"id": "conv-1", "channel": "sms"}, "metadata": metadata});
        let (status, problem) = broker.api(Method::POST, "/v1/auth-links", Some(body)).await;
        assert!([400, 422].contains(&status.as_u16()), "{status} {problem}");
    }
    broker.link("conv-2").await;
    assert_eq!(broker.event_types().await, ["auth.link_created"]);
}
