//! A customer and the bot that serves him, who do not give up: whatever fails is done again, as a
//! person at a browser would.

use std::time::Duration;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::broker::{http, path_of};

/// How often one step is done again before the run has failed, and how long it waits between.
const TRIES: u32 = 1200;
const PAUSE: Duration = Duration::from_millis(50);
/// What stands on the page of a login that is complete, in English.
const SUCCESS: &str = "You are signed in";

/// How it went for one customer.
#[derive(Debug, Clone)]
pub struct Went {
    /// Also the number in the names of conversation and person.
    pub number: u64,
    /// The link's id.
    pub link: String,
    /// Whether the success page was shown to him.
    pub shown: bool,
    /// How often he had to press *Continue* again.
    pub again: u64,
}

/// One customer after the other.
pub struct Customer {
    http: Client,
    /// Every broker; each request goes to the next one, as behind a load balancer.
    origins: Vec<String>,
    next: usize,
    token: String,
}

/// How a page ended an attempt.
enum End {
    Shown,
    Gone,
    Again,
}

impl Customer {
    /// Speaks to the brokers at `origins` in turn, as the bot with this token.
    pub fn new(origins: Vec<String>, token: String, next: usize) -> Self {
        Self { http: http(), origins, next, token }
    }

    /// Signs the person of this number in, in a conversation of his own.
    pub async fn sign_in(&mut self, number: u64) -> Went {
        let link = self.link(number).await;
        let id = link["id"].as_str().unwrap().to_owned();
        let path = path_of(link["url"].as_str().unwrap());
        let mut went = Went { number, link: id, shown: false, again: 0 };
        for _ in 0..TRIES {
            match self.attempt(&path, number).await {
                End::Shown => {
                    went.shown = true;
                    return went;
                }
                // It was completed, but its page never arrived.
                End::Gone => return went,
                End::Again => went.again += 1,
            }
        }
        panic!("customer {number} cannot sign in");
    }

    async fn link(&mut self, number: u64) -> Value {
        let order = json!({
            "conversation": {"id": format!("conv-{number}"), "channel": "sms", "handle": "+15550100"},
            "sender": {"kind": "bot", "id": "bench"}, "locale": "en", "expiresIn": 3600,
        });
        let (token, key) = (self.token.clone(), format!("order-{number}"));
        let create = |http: &Client, origin: &str| {
            let post = http.post(format!("{origin}/v1/auth-links")).bearer_auth(&token);
            post.header("idempotency-key", &key).json(&order)
        };
        let (_, answer) = self.until(&[StatusCode::CREATED], create).await;
        answer
    }

    async fn attempt(&mut self, path: &str, number: u64) -> End {
        let (status, _) = self.pages(path, None).await;
        if status == StatusCode::GONE {
            return End::Gone;
        }
        let Some(opened) = self.press(path).await else { return End::Gone };
        let cookie = opened.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let at_provider = format!("{}&person=p{number}", location(&opened));
        let back = self.http.get(at_provider).send().await.unwrap();
        let callback = path_of(&location(&back));
        let (status, place) = self.pages(&callback, Some(&cookie)).await;
        match status {
            StatusCode::SEE_OTHER => {}
            StatusCode::GONE => return End::Gone,
            _ => return End::Again,
        }
        let (status, page) = self.pages(&place, Some(&cookie)).await;
        if status == StatusCode::OK && page.contains(SUCCESS) { End::Shown } else { End::Again }
    }

    /// Presses *Continue*; none if the link is over.
    async fn press(&mut self, path: &str) -> Option<Response> {
        for _ in 0..TRIES {
            let origin = self.origin();
            let press = self.http.post(format!("{origin}{path}")).header("sec-fetch-site", "same-origin");
            match press.send().await {
                Ok(answer) if answer.status() == StatusCode::SEE_OTHER => return Some(answer),
                Ok(answer) if answer.status() == StatusCode::GONE => return None,
                answer => assert_worth_another(answer.as_ref().ok()),
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("nobody can press *Continue*");
    }

    /// Loads a page until it is there, whatever it says; of a redirect its place instead of its text.
    async fn pages(&mut self, path: &str, cookie: Option<&str>) -> (StatusCode, String) {
        for _ in 0..TRIES {
            let origin = self.origin();
            let mut get = self.http.get(format!("{origin}{path}"));
            if let Some(cookie) = cookie {
                get = get.header(COOKIE, cookie);
            }
            match get.send().await {
                Ok(answer) if answer.status() == StatusCode::SEE_OTHER => {
                    return (answer.status(), location(&answer));
                }
                Ok(answer) if answer.status() != StatusCode::SERVICE_UNAVAILABLE => {
                    let status = answer.status();
                    if let Ok(text) = answer.text().await {
                        return (status, text);
                    }
                }
                _ => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("a page does not come");
    }

    /// Asks the API until it answers with one of these statuses.
    pub async fn until(
        &mut self,
        wanted: &[StatusCode],
        request: impl Fn(&Client, &str) -> RequestBuilder,
    ) -> (StatusCode, Value) {
        for _ in 0..TRIES {
            let origin = self.origin();
            let answer = request(&self.http, &origin).send().await;
            match answer {
                Ok(answer) if wanted.contains(&answer.status()) => {
                    let status = answer.status();
                    if let Ok(json) = answer.json().await {
                        return (status, json);
                    }
                }
                answer => assert_worth_another(answer.as_ref().ok()),
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("the API does not answer");
    }

    fn origin(&mut self) -> String {
        self.next += 1;
        self.origins[self.next % self.origins.len()].clone()
    }
}

/// Only a broker that is down, or says so itself, is asked again.
fn assert_worth_another(answer: Option<&Response>) {
    let Some(status) = answer.map(Response::status) else { return };
    let passing = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS];
    assert!(passing.contains(&status) || status.is_success(), "an answer of {status}");
}

fn location(answer: &Response) -> String {
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}
