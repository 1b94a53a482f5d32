//! One login after the other, as a bot and a browser make them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign::clock::Clock;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::broker::{http, path_of};

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
    pub fn new(origin: &str, token: &str, clock: Clock) -> Self {
        let (origin, token) = (origin.to_owned(), token.to_owned());
        Self { http: http(), clock, origin, token, times: vec![Vec::new(); STEPS.len()] }
    }

    /// A whole login in a conversation of its own.
    pub async fn login(&mut self, conversation: &str) {
        let began = self.clock.tick();
        let link = self.link(conversation).await;
        let url = format!("{}{}", self.origin, path_of(link["url"].as_str().unwrap()));

        let page = self.step(1, self.http.get(&url), 200).await.text().await.unwrap();
        assert!(page.contains("<form"), "it has the button");
        let press = self.http.post(&url).header("sec-fetch-site", "same-origin");
        let opened = self.step(2, press, 303).await;
        let cookie = opened.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();

        let at_provider = format!("{}&person={conversation}", location(&opened));
        let at_provider = self.http.get(at_provider).send().await.unwrap();
        let callback = format!("{}{}", self.origin, path_of(&location(&at_provider)));
        let callback = self.http.get(callback).header(COOKIE, &cookie);
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

    /// A link for a conversation.
    pub async fn link(&mut self, conversation: &str) -> Value {
        let order = json!({
            "conversation": {"id": conversation, "channel": "sms", "handle": "+15550100"},
            "sender": {"kind": "bot", "id": "bench"}, "expiresIn": 3600,
        });
        let create = self.http.post(format!("{}/v1/auth-links", self.origin));
        self.step(0, create.bearer_auth(&self.token).json(&order), 201).await.json().await.unwrap()
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

fn location(answer: &Response) -> String {
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

/// Walks `logins` logins with so many browsers at once, spread over the brokers at `origins`; answers the times of
/// each step.
pub async fn drive(
    origins: &[String],
    token: &str,
    clock: &Clock,
    browsers: u64,
    logins: u64,
    prefix: &'static str,
) -> Vec<Vec<Duration>> {
    let left = Arc::new(AtomicU64::new(logins));
    let tasks: Vec<_> = origins
        .iter()
        .cycle()
        .take(usize::try_from(browsers).unwrap())
        .map(|origin| {
            let (mut walk, left) = (Walk::new(origin, token, clock.clone()), Arc::clone(&left));
            tokio::spawn(async move {
                while let Ok(number) =
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                {
                    walk.login(&format!("{prefix}-{number}")).await;
                }
                walk.times
            })
        })
        .collect();
    let mut all = vec![Vec::new(); STEPS.len()];
    for task in tasks {
        for (all, times) in all.iter_mut().zip(task.await.unwrap()) {
            all.extend(times);
        }
    }
    for times in &mut all {
        times.sort_unstable();
    }
    all
}

/// A percentile of sorted times, in milliseconds.
pub fn percentile(times: &[Duration], percent: usize) -> f64 {
    let place = (times.len() * percent / 100).min(times.len() - 1);
    times[place].as_secs_f64() * 1000.0
}
