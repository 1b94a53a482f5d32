//! Several brokers over one store, and brokers that die: every event is delivered, and none overtakes
//! another of its conversation.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::with_webhook;
use crate::harness::receiver::{Answer, Receiver};
use crate::harness::{Choices, Harness, http_client};

/// The ids of all events, per conversation in their order.
async fn told(broker: &Harness) -> BTreeMap<String, Vec<String>> {
    let (mut lanes, mut after): (BTreeMap<String, Vec<String>>, String) = (BTreeMap::new(), String::new());
    loop {
        let page = broker.get(&format!("/v1/events?limit=200&after={after}")).await;
        for event in page["items"].as_array().unwrap() {
            let conversation = event["data"]["conversation"]["id"].as_str().unwrap_or("nobody").to_owned();
            lanes.entry(conversation).or_default().push(event["id"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => return lanes,
        }
    }
}

/// Orders a link at one of several brokers.
async fn order(origin: &str, token: &str, conversation: &str) {
    let body = json!({"conversation": {"id": conversation, "channel": "sms", "handle": "+15550100"}});
    let request = http_client().request(Method::POST, format!("{origin}/v1/auth-links"));
    let answer = request.bearer_auth(token).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_brokers_deliver_everything_in_order() {
    let receiver = Receiver::start().await;
    let one = with_webhook(&receiver, "").await;
    let two = one.beside().await;
    let token = one.token().await;
    let mut number = 0;
    receiver.does(move |_| {
        number += 1;
        // Some fail, so that both have to come back.
        if number % 7 == 0 { Answer::Status(503) } else { Answer::Status(200) }
    });
    for round in 0..12 {
        for conversation in ["conv-1", "conv-2", "conv-3"] {
            let origin = if round % 2 == 0 { &one.origin } else { &two.address };
            order(origin, &token, conversation).await;
        }
    }
    // One of them stops in the middle.
    two.stop().await;
    receiver.does(|_| Answer::Status(200));
    one.clock.advance(Duration::from_mins(2));
    one.all_sent().await;
    assert_eq!(receiver.ids_by_lane(), told(&one).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_written_while_others_are_given_out_is_not_passed_over() {
    let receiver = Receiver::start().await;
    let one = with_webhook(&receiver, r#"events = ["auth.link_created"]"#).await;
    let two = one.beside().await;
    let token = one.token().await;
    let orders: Vec<_> = (0..80)
        .map(|number| {
            let origin = if number % 2 == 0 { one.origin.clone() } else { two.address.clone() };
            let token = token.clone();
            tokio::spawn(async move { order(&origin, &token, &format!("conv-{number}")).await })
        })
        .collect();
    for order in orders {
        order.await.unwrap();
    }
    one.all_sent().await;
    assert_eq!(receiver.ids_by_lane(), told(&one).await);
    assert_eq!(receiver.got().len(), 80, "and none twice");
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_loses_nothing_and_its_successor_goes_on() {
    let receiver = Receiver::start().await;
    let tenant = receiver.webhook("crm", "");
    let allow = vec![receiver.address.clone()];
    let mut broker = Harness::process(Choices { tenant, allow, ..Choices::default() }).await;
    let mut number = 0;
    receiver.does(move |_| {
        number += 1;
        // The first goes through; then the broker is killed while it waits for answers.
        if number == 1 { Answer::Status(200) } else { Answer::Hang }
    });
    for round in 0..5 {
        for conversation in ["conv-1", "conv-2"] {
            broker.link(conversation).await;
        }
        if round == 3 {
            super::came(&receiver, 2).await;
            broker.kill_and_start().await;
        }
    }
    receiver.does(|_| Answer::Status(200));
    // The lease of the dead one lapses first, in 8 s: it was half a minute.
    tokio::time::timeout(Duration::from_secs(20), broker.all_sent()).await.expect("the lanes go on soon");
    assert_eq!(receiver.ids_by_lane(), told(&broker).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_broker_does_is_heard_at_the_other() {
    let one = Harness::minimum("none").await;
    let two = one.beside().await;
    let token = one.token().await;
    let link = one.link("conv-1").await;
    let path =
        format!("{}/v1/auth-links/{}?wait=60&status=created", two.address, link["id"].as_str().unwrap());
    let request = http_client().get(path).bearer_auth(&token);
    let waiting = tokio::spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    crate::harness::browser::Browser::new().open(link["url"].as_str().unwrap()).await;
    let heard =
        tokio::time::timeout(Duration::from_secs(40), waiting).await.expect("not only at its end").unwrap();
    assert_eq!(heard["status"], "opened");
    two.stop().await;
}

#[tokio::test]
async fn a_broker_that_stops_finishes_what_it_has_begun() {
    let receiver = Receiver::start().await;
    let mut broker = with_webhook(&receiver, "").await;
    broker.link("conv-1").await;
    super::came(&receiver, 1).await;
    broker.link("conv-2").await;
    broker.stop().await;
    let before = receiver.got().len();
    broker.restart().await;
    broker.all_sent().await;
    // What was begun was written down: the successor had the lease at once, and repeated nothing.
    let all = receiver.got().len();
    assert!(before <= all && all == 2, "{before} before the stop, {all} in the end");
    assert_eq!(receiver.ids_by_lane(), told(&broker).await);
}
