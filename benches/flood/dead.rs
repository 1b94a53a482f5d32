//! A tenant whose provider takes connections and never answers, and its customers.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign::clock::Clock;
use reqwest::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::broker::{Broker, Site, http};

/// The host of its tenant.
pub const AT: &str = "dead.test";

/// A customer who comes back: path with query, and cookie.
pub type Callback = (String, String);

/// Starts the provider; answers its origin.
pub async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    origin
}

/// So many logins of its tenant, which stands at [`AT`], up to the callback.
pub async fn prepare(site: &Site, broker: &Broker, count: u64) -> Vec<Callback> {
    let http = http();
    let at = |path: &str| format!("{}{path}", broker.origin);
    let token = site.token_at(broker, AT).await;
    let mut callbacks = Vec::new();
    for number in 0..count {
        let order = json!({"conversation": {"id": format!("dead-{number}"), "channel": "sms"}});
        let create = http.post(at("/v1/auth-links")).header(HOST, AT).bearer_auth(&token);
        let link: Value = create.json(&order).send().await.unwrap().json().await.unwrap();
        let url: Url = link["url"].as_str().unwrap().parse().unwrap();
        let press = http.post(at(url.path())).header(HOST, AT).header("sec-fetch-site", "same-origin");
        let opened = press.send().await.unwrap();
        let cookie = opened.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let authorize: Url = opened.headers()[LOCATION].to_str().unwrap().parse().unwrap();
        let state = authorize.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        callbacks.push((format!("/idp/eu/oauth/callback?code=c&state={state}"), cookie));
    }
    callbacks
}

/// Sends them back, so many a second; answers how many had which status.
pub async fn run(
    broker: &Broker,
    clock: &Clock,
    a_second: u64,
    callbacks: Vec<Callback>,
) -> BTreeMap<String, u32> {
    let (http, began) = (http(), clock.tick());
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(a_second).unwrap());
    let mut tasks = Vec::new();
    for (path, cookie) in callbacks {
        ticks.tick().await;
        let request = http.get(format!("{}{path}", broker.origin)).header(HOST, AT);
        tasks.push(tokio::spawn(request.header(COOKIE, cookie).send()));
    }
    let mut statuses = BTreeMap::new();
    for task in tasks {
        let status = match task.await.unwrap() {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(_) => "none".to_owned(),
        };
        *statuses.entry(status).or_insert(0) += 1;
    }
    statuses.insert("seconds".to_owned(), u32::try_from(began.elapsed().as_secs()).unwrap_or(u32::MAX));
    statuses
}
