//! What lies in the store when a broker starts: too much of it, or out of its order.

use std::path::Path;
use std::sync::Arc;

use countersign::clock::Clock;
use countersign::domain::event::{Event, EventType};
use countersign::domain::ids::EventId;
use countersign::keyring::KeyRing;
use countersign::store::seal::SealKeys;
use countersign::store::sqlite::SqliteBackend;
use countersign::store::{Durability, Store, TenantStore, Tx};
use serde_json::json;

use super::{came, log, with_webhook};
use crate::harness::eventually;
use crate::harness::receiver::{Answer, Receiver};

/// The tenant's store of a broker that is stopped.
fn open(folder: &Path, keys: &Path, clock: &Clock) -> TenantStore {
    let ring = KeyRing::read(keys).unwrap();
    let seal = (ring.active_seal().id().to_owned(), *ring.active_seal().expose());
    let keys = SealKeys::new(&seal.0.clone(), [seal], *ring.index_keys().expose_active()).unwrap();
    let backend = SqliteBackend::open(folder.join("countersign.db"), clock.clone()).unwrap();
    Store::new(Arc::new(backend), keys, clock.clone()).at(&"acme".parse().unwrap())
}

fn event(clock: &Clock, number: usize) -> Event {
    let data = json!({"conversation": {"id": "conv-1"}, "number": number});
    let id = EventId::from_uuid(clock.fresh_uuid());
    Event { id, kind: EventType::LinkCreated, timestamp: clock.now(), tenant: "acme".parse().unwrap(), data }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_too_much_in_a_conversation_the_oldest_is_given_up_and_can_be_sent_again() {
    let receiver = Receiver::start().await;
    let mut broker = with_webhook(&receiver, "").await;
    receiver.does(|_| Answer::Later(503, 3600));
    broker.stop().await;
    let store = open(broker.folder(), &broker.config.keys, &broker.clock);
    let mut tx = Tx::new();
    for number in 0..1030 {
        let event = event(&broker.clock, number);
        tx.event(&event.telling());
        tx.tell_webhooks(&event.id);
    }
    store.commit(tx, Durability::Durable).await.unwrap();
    drop(store);
    broker.restart().await;
    let dead = eventually("the oldest are given up", async || {
        let dead = log(&broker, "crm", "&state=dead").await;
        (dead.len() == 30).then_some(dead)
    })
    .await;
    assert!(dead.iter().all(|delivery| delivery["lastCode"] == "overflow"), "{dead:?}");
    receiver.forget();
    receiver.does(|_| Answer::Status(200));
    broker.clock.advance(std::time::Duration::from_secs(3601));
    broker.all_sent().await;
    let numbers: Vec<_> = receiver.got().iter().map(|got| got.body["data"]["number"].as_u64()).collect();
    assert_eq!(numbers, (30..1030).map(Some).collect::<Vec<_>>());
    let resent = broker.post("/v1/webhooks/crm/resend-dead", json!({})).await;
    assert_eq!(resent["resent"], 30, "{resent}");
    broker.all_sent().await;
    assert_eq!(receiver.got().len(), 1030);
}

#[tokio::test]
async fn an_event_that_the_log_was_read_past_is_told_before_those_that_come() {
    let receiver = Receiver::start().await;
    let mut broker = with_webhook(&receiver, "").await;
    broker.stop().await;
    let (folder, keys, clock) =
        (broker.folder().to_owned(), broker.config.keys.clone(), broker.clock.clone());
    let events: Vec<_> = (0..3).map(|number| event(&clock, number)).collect();
    let store = open(&folder, &keys, &clock);
    let mut tx = Tx::new();
    for event in &events {
        tx.event(&event.telling());
    }
    // The first two stand in the log, and nobody is told of them yet.
    tx.tell_webhooks(&events[2].id);
    store.commit(tx, Durability::Durable).await.unwrap();
    drop(store);
    broker.restart().await;
    came(&receiver, 1).await;
    broker.all_sent().await;
    broker.stop().await;
    let store = open(&folder, &keys, &clock);
    let mut tx = Tx::new();
    events.iter().take(2).rev().for_each(|event| tx.tell_webhooks(&event.id));
    let unknown = EventId::from_uuid(clock.fresh_uuid());
    tx.tell_webhooks(&unknown);
    store.commit(tx, Durability::Durable).await.unwrap();
    drop(store);
    broker.restart().await;
    came(&receiver, 3).await;
    broker.all_sent().await;
    let numbers: Vec<_> = receiver.got().iter().map(|got| got.body["data"]["number"].as_u64()).collect();
    assert_eq!(numbers, [2, 0, 1].map(Some), "in the order of the log");
    broker.stop().await;
    let store = open(&folder, &keys, &clock);
    assert!(store.untold(10).await.unwrap().is_empty(), "one that stands in no log is let go");
}
