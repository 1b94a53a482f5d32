//! A cluster of which a master is killed in the middle of whole logins.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::redis::Cluster;
use crate::harness::{Choices, Harness, eventually};

/// Browsers that sign in at the same time.
const BROWSERS: usize = 4;
/// Logins before the master dies, and after.
const LOGINS: usize = 8;
/// The partition of the tenant `acme`.
const TAG: &str = "82";

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    /// Links that were answered with 201.
    links: Mutex<Vec<String>>,
    /// Links whose success page was shown.
    completed: Mutex<Vec<String>>,
    count: AtomicUsize,
    /// Customers that were told to try again.
    again: AtomicUsize,
}

/// A link and the login behind it; none as soon as an answer is not what it should be.
async fn login(broker: &Harness, conversation: String, seen: &Acknowledged) -> Option<()> {
    let body = json!({"conversation": {"id": conversation, "channel": "sms", "handle": "+15550100"}});
    let create = broker.plain(Method::POST, "/v1/auth-links").bearer_auth(broker.token().await).json(&body);
    let answer = create.send().await.unwrap();
    if answer.status() != StatusCode::CREATED {
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        return None;
    }
    let link: Value = answer.json().await.unwrap();
    let id = link["id"].as_str().unwrap().to_owned();
    seen.links.lock().unwrap().push(id.clone());
    let mut browser = Browser::new();
    let landing = browser.get(&link["url"].as_str().unwrap().parse().unwrap()).await;
    let landing = Some(landing).filter(|page| page.status == StatusCode::OK)?;
    let opened = browser.submit(&landing, &landing.form(), &[]).await;
    let opened = Some(opened).filter(|page| page.status == StatusCode::SEE_OTHER)?;
    let callback = browser.sign_in_at_provider(&opened.location(), "allow").await;
    let answer = browser.get(&callback).await;
    let answer = Some(answer).filter(|page| page.status == StatusCode::SEE_OTHER)?;
    let page = browser.get(&answer.location()).await;
    if page.status == StatusCode::OK && page.html.contains("signed in") {
        seen.completed.lock().unwrap().push(id);
        seen.count.fetch_add(1, Ordering::Relaxed);
        return Some(());
    }
    None
}

async fn every_event(broker: &Harness) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), "/v1/events?limit=200".to_owned());
    loop {
        let page = broker.get(&path).await;
        let items = page["items"].as_array().unwrap();
        all.extend(items.iter().cloned());
        match page["next"].as_str() {
            Some(next) if !items.is_empty() => path = format!("/v1/events?limit=200&after={next}"),
            _ => return all,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_go_on_after_a_master_was_killed_and_nothing_that_was_acknowledged_is_lost_or_doubled() {
    let mut cluster = Cluster::start();
    let master = cluster.master_of(TAG);
    let choices = Choices { minimum: "none", store: Some(cluster.url()), ..Choices::default() };
    let broker = Arc::new(Harness::with(choices).await);
    let (seen, stop) = (Arc::new(Acknowledged::default()), Arc::new(AtomicBool::new(false)));
    let browsers: Vec<_> = (0..BROWSERS)
        .map(|browser| {
            let (broker, seen, stop) = (Arc::clone(&broker), Arc::clone(&seen), Arc::clone(&stop));
            tokio::spawn(async move {
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    if login(&broker, format!("conv-{browser}-{number}"), &seen).await.is_none() {
                        seen.again.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            })
        })
        .collect();
    let reach = async |count: usize| {
        eventually("enough logins", async || (seen.count.load(Ordering::Relaxed) >= count).then_some(()))
            .await;
    };
    reach(LOGINS).await;
    cluster.nodes[master].kill();
    let at_death = seen.count.load(Ordering::Relaxed);
    reach(at_death + BROWSERS + LOGINS).await;
    stop.store(true, Ordering::Relaxed);
    for browser in browsers {
        browser.await.unwrap();
    }

    let events = every_event(&broker).await;
    let mut completed: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events.iter().filter(|event| event["type"] == "auth.completed") {
        *completed.entry(event["data"]["authLinkId"].as_str().unwrap()).or_default() += 1;
    }
    assert!(completed.values().all(|count| *count == 1), "one event for a link: {completed:?}");
    let count = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!((count("contact.created"), broker.contacts().await.len()), (1, 1), "one person, one contact");
    let links = |of: &Mutex<Vec<String>>| of.lock().unwrap().clone();
    for link in links(&seen.completed) {
        let now = broker.get(&format!("/v1/auth-links/{link}")).await;
        assert_eq!(now["status"], "completed", "the success page was shown");
        assert!(completed.contains_key(link.as_str()), "and its event is there");
    }
    for link in links(&seen.links) {
        broker.get(&format!("/v1/auth-links/{link}")).await;
    }
    let again = seen.again.load(Ordering::Relaxed);
    assert!(again > 0, "nobody noticed that a master was gone");
}
