//! How often a link may be opened, and what becomes of openings that it can no longer remember.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

fn url(link: &Value) -> &str {
    link["url"].as_str().unwrap()
}

/// Presses *Continue* as a browser without cookies does.
async fn press(broker: &Harness, link: &Value) -> reqwest::Response {
    let path = url(link).strip_prefix(&broker.origin).unwrap();
    broker.plain(Method::POST, path).header("origin", &broker.origin).send().await.unwrap()
}

async fn attempts(broker: &Harness) -> Vec<Value> {
    broker.get("/v1/attempts?limit=200").await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_link_takes_fifty_openings_and_leaves_no_more_than_fifty_records() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    for _ in 0..50 {
        assert_eq!(press(&broker, &link).await.status(), StatusCode::SEE_OTHER);
    }
    let refused = press(&broker, &link).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let page = refused.text().await.unwrap();
    assert!(page.contains("opened too often") && page.contains("Ask for a new one"), "{page}");
    assert_eq!(attempts(&broker).await.len(), 50);
    assert_eq!(
        press(&broker, &broker.link("conv-1").await).await.status(),
        StatusCode::SEE_OTHER,
        "a new one"
    );
}

#[tokio::test]
async fn an_opening_that_eight_others_crowd_out_can_no_longer_complete() {
    let broker = Harness::minimum("none").await;
    let link = broker.link("conv-1").await;
    let mut first = Browser::new();
    let callback = first.reach_callback(url(&link)).await;
    let mut second = Browser::new();
    let later = second.reach_callback(url(&link)).await;
    for _ in 0..7 {
        press(&broker, &link).await;
    }
    assert_eq!(attempts(&broker).await.last().unwrap()["status"], "abandoned");
    assert_eq!(first.arrive(&callback).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(broker.status(&link).await["status"], "opened");
    assert_eq!(second.arrive(&later).await.status, StatusCode::OK, "one that the link remembers goes on");
    assert_eq!(broker.status(&link).await["status"], "completed");
}

#[tokio::test]
async fn the_landing_page_names_everything_that_the_business_may_learn() {
    let further = "Further details of your account";
    for (provider, told, untold) in [
        // The answer decides which fields there are.
        ("mapping = 'user'", vec!["Email", "Name", "Phone", further], vec![]),
        ("", vec!["Email", "Name", "Phone", further], vec![]),
        ("mapping = '{tier: user.tier, email: user.email}'", vec!["Email", further], vec!["Phone"]),
        // The event tells it, whatever becomes of the contact.
        (
            "mapping = '{email: user.email}'\n[provider.enrich]\nemail = \"ignore\"",
            vec!["Email"],
            vec![further],
        ),
        ("mapping = { phone = 'user.phone' }", vec!["Phone"], vec!["Email", further]),
    ] {
        let broker = Harness::with(Choices { provider: provider.to_owned(), ..Choices::default() }).await;
        let link = broker.link("conv-1").await;
        // A browser names itself; whoever does not is taken for a robot, which is told nothing of the chat.
        let page = broker.plain(Method::GET, url(&link).strip_prefix(&broker.origin).unwrap());
        let page = page.header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0");
        let html = page.send().await.unwrap().text().await.unwrap();
        let list = html.split_once("<ul class=\"shares\">").unwrap().1.split_once("</ul>").unwrap().0;
        assert!(told.iter().all(|word| list.contains(word)), "{provider}: {list}");
        assert!(!untold.iter().any(|word| list.contains(word)), "{provider}: {list}");
    }
}

#[tokio::test]
async fn a_link_without_an_address_speaks_of_the_one_that_is_known() {
    let broker = Harness::start().await;
    broker.link("conv-1").await;
    let order = serde_json::json!({"conversation": {"id": "conv-1", "channel": "sms"}});
    let link = broker.post("/v1/auth-links", order).await;
    let events = broker.get("/v1/events?limit=200").await;
    let told = events["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&told["data"]["authLinkId"], &told["data"]["conversation"]["handle"]),
        (&link["id"], &"+15550100".into())
    );
    let other = serde_json::json!({"conversation": {"id": "conv-1", "channel": "whatsapp"}});
    broker.post("/v1/auth-links", other).await;
    let events = broker.get("/v1/events?limit=200").await;
    let told = events["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(told["data"]["conversation"].get("handle"), None, "another channel, another address");
}
