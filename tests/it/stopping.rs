//! A broker that is told to stop under load: no request fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::json;

use crate::harness::{Choices, Harness, eventually};

/// What the clients saw.
#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    last: AtomicU64,
    failed: std::sync::Mutex<Vec<String>>,
    stops: AtomicBool,
}

/// Asks again and again, as a platform does through a load balancer that stops to send once
/// `/readyz` says so.
async fn ask(http: Client, origin: String, token: String, number: u64, seen: Arc<Seen>) {
    for round in 0_u64.. {
        if seen.stops.load(Ordering::Relaxed) {
            return;
        }
        let request = if number.is_multiple_of(2) {
            let conversation = json!({"id": format!("conv-{number}-{round}"), "channel": "sms"});
            http.post(format!("{origin}/v1/auth-links")).json(&json!({"conversation": conversation}))
        } else {
            http.get(format!("{origin}/v1/events?limit=1"))
        };
        match request.bearer_auth(&token).send().await {
            Ok(answer) if answer.status().is_success() => {
                let last = answer.headers().get("connection").is_some_and(|value| value == "close");
                seen.last.fetch_add(u64::from(last), Ordering::Relaxed);
                match answer.bytes().await {
                    Ok(_) => drop(seen.answered.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => seen.failed.lock().unwrap().push(error.to_string()),
                }
            }
            Ok(answer) => seen.failed.lock().unwrap().push(answer.status().to_string()),
            Err(error) => seen.failed.lock().unwrap().push(format!("{error:?}")),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "some clients keep no connection")]
fn client(number: u64) -> Client {
    let kept = if number < 4 { 4 } else { 0 };
    Client::builder().no_proxy().pool_max_idle_per_host(kept).timeout(Duration::from_mins(1)).build().unwrap()
}

#[tokio::test]
async fn a_stop_under_load_fails_no_request_and_ends_with_0() {
    let main = Some("[limits]\nlinger_ms = 3000\n".to_owned());
    let mut broker = Harness::process(Choices { main, ..Choices::default() }).await;
    let (token, origin) = (broker.token().await, broker.origin.clone());
    let seen = Arc::new(Seen::default());
    let clients: Vec<_> = (0..8)
        .map(|number| {
            tokio::spawn(ask(client(number), origin.clone(), token.clone(), number, Arc::clone(&seen)))
        })
        .collect();
    let enough = async || (seen.answered.load(Ordering::Relaxed) > 100).then_some(());
    eventually("a hundred requests are answered", enough).await;
    broker.running_process().terminate();
    let http = client(9);
    eventually("it says that it stops", async || {
        let answer = http.get(format!("{origin}/readyz")).send().await.unwrap();
        (answer.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    let told = async || (seen.last.load(Ordering::Relaxed) > 8).then_some(());
    eventually("each client is answered and told that it was the last time", told).await;
    seen.stops.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(*seen.failed.lock().unwrap(), Vec::<String>::new());
    assert_eq!(broker.running_process().ended().await, Some(0));
}
