//! One login after the other, as a bot and a browser make them.

use std::time::{Duration, Instant};

use countersign::clock::Clock;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use serde_json::{Value, json};

use super::broker::Broker;

/// What is timed.
pub const STEPS: [&str; 7] =
    ["create link", "landing page", "continue", "callback", "result page", "read link", "whole login"];

/// A bot and a browser.
pub struct Walk {
    http: Client,
    clock: Clock,
    origin: String,
    token: String,
    /// Times of each step so far.
    pub times: Vec<Vec<Duration>>,
}

impl Walk {
    /// Fresh connections, which are kept.
    pub fn new(broker: &Broker, clock: Clock) -> Self {
        let (origin, token) = (broker.origin.clone(), broker.token.clone());
        Self { http: http(), clock, origin, token, times: vec![Vec::new(); STEPS.len()] }
    }

    /// A whole login in a conversation of its own.
    pub async fn login(&mut self, conversation: &str) {
        let began = self.clock.tick();
        let order = json!({
            "conversation": {"id": conversation, "channel": "sms", "handle": "+15550100"},
            "sender": {"kind": "bot", "id": "bench"},
        });
        let create = self.http.post(format!("{}/v1/auth-links", self.origin));
        let link: Value =
            self.step(0, create.bearer_auth(&self.token).json(&order), 201).await.json().await.unwrap();
        let url = link["url"].as_str().unwrap();

        let page = self.step(1, self.http.get(url), 200).await.text().await.unwrap();
        assert!(page.contains("<form"), "it has the button");
        let press =
            self.http.post(url).header("sec-fetch-site", "same-origin").header("origin", &self.origin);
        let opened = self.step(2, press, 303).await;
        let cookie = opened.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();

        let at_provider = self.http.get(location(&opened)).send().await.unwrap();
        let callback = self.http.get(location(&at_provider)).header(COOKIE, &cookie);
        let arrived = self.step(3, callback, 303).await;
        let result = format!("{}{}", self.origin, location(&arrived));
        self.step(4, self.http.get(result).header(COOKIE, &cookie), 200).await.text().await.unwrap();

        let read = format!("{}/v1/auth-links/{}", self.origin, link["id"].as_str().unwrap());
        let read = self.step(5, self.http.get(read).bearer_auth(&self.token), 200).await;
        let read: Value = read.json().await.unwrap();
        assert_eq!(read["status"], "completed", "{read}");
        assert!(read["profile"]["email"].is_string(), "{read}");
        self.note(6, began);
    }

    async fn step(&mut self, step: usize, request: RequestBuilder, status: u16) -> Response {
        let began = self.clock.tick();
        let answer = request.send().await.unwrap();
        self.note(step, began);
        assert_eq!(answer.status(), StatusCode::from_u16(status).unwrap(), "{}", STEPS[step]);
        answer
    }

    fn note(&mut self, step: usize, began: Instant) {
        self.times[step].push(began.elapsed());
    }
}

/// A client that follows nothing and remembers nothing.
#[expect(clippy::disallowed_methods, reason = "the bench calls the broker from outside")]
pub fn http() -> Client {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap()
}

fn location(answer: &Response) -> String {
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}
