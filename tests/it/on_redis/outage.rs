//! A Redis that is killed, frozen or full: callers hear so within two seconds, nothing is sent to a
//! provider that cannot be recorded, and everything goes on when it is back.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::on;
use crate::harness::browser::Browser;
use crate::harness::redis::{SAFE, Server};
use crate::harness::{Harness, eventually, http_client};

/// What a caller waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// Requests that are under way together.
const AT_ONCE: usize = 32;

/// How a server goes away, and comes back.
#[derive(Debug, Clone, Copy)]
enum Outage {
    Killed,
    Frozen,
    /// It takes no more writes.
    Full,
}

impl Outage {
    fn begin(self, server: &mut Server) {
        match self {
            Self::Killed => server.kill(),
            Self::Frozen => server.freeze(),
            Self::Full => drop(server.cli(&["config", "set", "maxmemory", "1"])),
        }
    }

    fn end(self, server: &mut Server) {
        match self {
            Self::Killed => server.start_again(),
            Self::Frozen => server.thaw(),
            Self::Full => drop(server.cli(&["config", "set", "maxmemory", "0"])),
        }
    }
}

/// Asks without waiting longer than a caller does.
async fn ask(broker: &Harness, token: &str, method: Method, path: &str, body: Option<Value>) -> Response {
    let mut request = broker.plain(method, path).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    timeout(PATIENCE, request.send()).await.unwrap_or_else(|_| panic!("{path} takes too long")).unwrap()
}

fn assert_unavailable(answer: &Response, what: &str) {
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{what}");
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{what}");
}

#[rstest]
#[case::killed(Outage::Killed)]
#[case::frozen(Outage::Frozen)]
#[case::full(Outage::Full)]
#[tokio::test]
async fn while_the_store_is_away_callers_hear_so_in_time_and_no_code_is_spent(#[case] outage: Outage) {
    let mut server = Server::start(SAFE);
    let broker = on(&server, "code").await;
    let link = broker.link("conv-1").await;
    let token = broker.token().await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    outage.begin(&mut server);

    let create = json!({"conversation": {"id": "conv-2", "channel": "sms", "handle": "+15550100"}});
    let said = ask(&broker, &token, Method::POST, "/v1/auth-links", Some(create.clone())).await;
    assert_unavailable(&said, "create");
    let problem: Value = said.json().await.unwrap();
    assert_eq!(problem["code"], "unavailable");
    let page = timeout(PATIENCE, browser.get(&callback)).await.expect("the callback's page in time");
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.html);
    assert!(page.headers.contains_key("retry-after"));
    assert_eq!(broker.provider.counters().token, 0, "no code was sent to the provider");
    if !matches!(outage, Outage::Full) {
        let path = format!("/v1/auth-links/{}", link["id"].as_str().unwrap());
        assert_unavailable(&ask(&broker, &token, Method::GET, &path, None).await, "read");
        let landing = ask(
            &broker,
            &token,
            Method::GET,
            link["url"].as_str().unwrap().split_at(broker.origin.len()).1,
            None,
        );
        assert_unavailable(&landing.await, "the landing page");
    }
    for path in ["/livez", "/v1/oauth/.well-known/jwks.json", "/api/oauth2/jwks"] {
        assert_eq!(ask(&broker, &token, Method::GET, path, None).await.status(), StatusCode::OK, "{path}");
    }
    let ready = ask(&broker, &token, Method::GET, "/readyz", None).await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!(ready["store"], "unavailable");

    outage.end(&mut server);
    let back = broker.clock.tick();
    eventually("the first success", async || {
        let said = ask(&broker, &token, Method::POST, "/v1/auth-links", Some(create.clone())).await;
        (said.status() == StatusCode::CREATED).then_some(())
    })
    .await;
    assert!(back.elapsed() < PATIENCE, "{:?} after it was back", back.elapsed());
    assert_eq!(ask(&broker, &token, Method::GET, "/readyz", None).await.status(), StatusCode::OK);
    // The state was not spent, and the browser is still the same.
    let page = browser.arrive(&callback).await;
    assert!(page.code().is_some(), "{}", page.html);
    assert_eq!(broker.provider.counters().token, 1);
}

#[tokio::test]
async fn requests_that_are_given_up_never_hand_their_answers_to_others() {
    let server = Server::start(SAFE);
    let broker = on(&server, "code").await;
    let token = broker.token().await;
    let mut links = Vec::new();
    for number in 0..20 {
        links.push(broker.link(&format!("conv-{number}")).await);
    }
    let (http, turns) = (http_client(), Arc::new(Semaphore::new(AT_ONCE)));
    let tasks: Vec<_> = (0..2_000_usize)
        .map(|number| {
            let link = &links[number % links.len()];
            let id = link["id"].as_str().unwrap().to_owned();
            let url = format!("{}/v1/auth-links/{id}", broker.origin);
            let (request, turns) = (http.get(url).bearer_auth(&token), Arc::clone(&turns));
            // Every second caller hangs up somewhere on the way.
            let patience = match number % 2 {
                0 => Duration::from_mins(1),
                _ => Duration::from_micros(400 * (number as u64 % 23)),
            };
            tokio::spawn(async move {
                let _turn = turns.acquire().await.unwrap();
                let asked = async { request.send().await.unwrap().json::<Value>().await.unwrap() };
                let Ok(body) = timeout(patience, asked).await else { return false };
                assert_eq!(body["id"], id.as_str());
                true
            })
        })
        .collect();
    let mut answered = 0;
    for task in tasks {
        answered += usize::from(task.await.unwrap());
    }
    assert!(answered >= 1_000, "whoever waits is answered: {answered}");
    assert!(answered < 2_000, "somebody hung up");
}
