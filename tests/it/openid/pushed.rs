//! Requests that are pushed though nobody demands it (RFC 9126): whatever becomes of that, sign-ins go on.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::browser::Browser;
use crate::harness::scripted::answer::Answer;
use crate::harness::scripted::value;
use crate::harness::stage::Stage;

/// A provider that offers to take pushed requests, and answers them so.
async fn offered(answer: fn() -> Answer) -> Stage {
    let stage = Stage::by_issuer("").await;
    stage.provider.takes_pushed(false);
    stage.provider.at("/par", move |_| answer());
    stage
}

fn broken() -> Answer {
    Answer::with(500, "text/html", "<html>")
}

/// Whether the browser carried the last request itself.
fn last_went_in_the_open(stage: &Stage) -> bool {
    let asked = stage.provider.asked("/auth");
    !value(&asked.last().unwrap().query, "code_challenge").is_empty()
}

/// Five minutes later, `since` the beginning: the provider's clock goes on with ours.
fn goes_on(stage: &Stage, since: i64) {
    stage.broker.clock.advance(Duration::from_mins(5));
    stage.provider.id_token(move |draft| {
        for time in ["iat", "exp", "auth_time"] {
            draft.claims[time] = (draft.claims[time].as_i64().unwrap() + since * 60).into();
        }
    });
}

#[tokio::test]
async fn a_place_for_pushed_requests_that_fails_took_the_whole_provider_down() {
    let mut stage = offered(broken).await;
    stage.completes().await;
    for turn in 2..=10 {
        let page = stage.again(&format!("conv-{turn}")).await;
        assert!(page.code().is_some(), "{turn}: {}", page.html);
        assert!(last_went_in_the_open(&stage));
    }
    assert_eq!(stage.provider.asked("/par").len(), 1, "what fails is left alone");
}

#[tokio::test]
async fn what_is_left_alone_is_tried_again_after_some_minutes_by_one_for_all() {
    let mut stage = offered(broken).await;
    stage.completes().await;
    goes_on(&stage, 5);
    for conversation in ["conv-2", "conv-3"] {
        assert!(stage.again(conversation).await.code().is_some());
    }
    assert_eq!(stage.provider.asked("/par").len(), 2);
    stage.provider.mend("/par");
    goes_on(&stage, 10);
    for conversation in ["conv-4", "conv-5"] {
        assert!(stage.again(conversation).await.code().is_some());
        assert!(!last_went_in_the_open(&stage), "it works again");
    }
    assert_eq!(stage.provider.asked("/par").len(), 4);
}

#[tokio::test]
async fn a_place_for_pushed_requests_that_is_silent_makes_nobody_else_wait_nor_fail() {
    let mut stage = offered(|| Answer::Silence).await;
    let mut opening = Vec::new();
    for turn in 0..10 {
        let link = stage.broker.link(&format!("conv-many-{turn}")).await;
        let url = link["url"].as_str().unwrap().to_owned();
        opening.push(tokio::spawn(async move {
            let mut browser = Browser::new();
            let opened = browser.open(&url).await;
            (browser, opened)
        }));
    }
    for opening in opening {
        let (mut browser, opened) = opening.await.unwrap();
        assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.html);
        let callback = browser.get(&opened.location()).await.location();
        let page = browser.arrive(&callback).await;
        assert!(page.code().is_some(), "{}", page.html);
    }
    let waited_for = stage.provider.asked("/par").len();
    stage.completes().await;
    assert_eq!(stage.provider.asked("/par").len(), waited_for, "what is silent is left alone");
}

#[tokio::test]
async fn a_request_that_is_not_taken_goes_in_the_open_and_the_next_one_is_pushed() {
    let refusal = || Answer::with(400, "application/json", r#"{"error":"invalid_request"}"#);
    let mut stage = offered(refusal).await;
    stage.completes().await;
    assert!(last_went_in_the_open(&stage));
    stage.provider.mend("/par");
    assert!(stage.again("conv-2").await.code().is_some());
    assert!(!last_went_in_the_open(&stage), "what one request asked for says nothing of the next");
    assert_eq!(stage.provider.asked("/par").len(), 2);
}

#[tokio::test]
async fn a_test_warns_of_it_and_does_not_fail() {
    let stage = offered(|| Answer::with(403, "text/html", "<html>mTLS only</html>")).await;
    let begun = stage.broker.post("/v1/providers/acme/test", Value::Null).await;
    assert_eq!(begun["state"], "waiting", "{begun:#}");
    let steps = begun["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["step"] == "authorize").unwrap();
    assert_eq!((&step["outcome"], &step["code"]), (&"warning".into(), &"par_failed".into()), "{step:#}");
    assert!(step["cause"].as_str().unwrap().contains("/par` does not take the pushed request (status 403)"));
    assert!(step["remedy"].as_str().unwrap().contains("par = \"off\""), "{step:#}");
    assert!(step["found"].as_str().unwrap().ends_with(", in the open"), "{step:#}");
}
