//! Counts of an hour, over any backend.

use countersign::clock::Clock;
use countersign::domain::insight::{Counted, Funnel, Hour, Tally, What};
use countersign::store::{Durability, Store, StoreError, Tx};

use super::samples::{link, start, tenant};
use super::typed::fresh;

/// Runs every case, each in a tenant of its own.
pub async fn check(store: &Store, clock: &Clock) {
    what_a_commit_brings_is_counted_once_it_is_done(store, clock).await;
    what_two_brokers_counted_is_added_up(store, clock).await;
    hours_are_told_apart_and_so_are_tenants(store, clock).await;
    what_cannot_be_written_waits(store, clock).await;
}

fn hour() -> Hour {
    Hour::of(start())
}

fn attempts(count: u64) -> Tally {
    let mut tally = Tally::default();
    for _ in 0..count {
        tally.add(Counted { hour: hour(), provider: "acme".parse().unwrap(), what: What::Attempt });
    }
    tally
}

/// What stands in the store and waits to be written, of some hours.
async fn sum(at: &countersign::store::TenantStore, hours: &[Hour]) -> Tally {
    let mut sum = Tally::default();
    at.figures(hours).await.unwrap().iter().for_each(|(_, tally)| sum.merge(tally));
    sum
}

async fn what_a_commit_brings_is_counted_once_it_is_done(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let link = link(clock, start());
    let mut tx = Tx::new();
    tx.create_link(&link);
    at.commit(tx, Durability::Relaxed).await.unwrap();
    let stored = at.link(&link.id).await.unwrap().unwrap();
    let hour = Hour::of(link.created_at);
    let sent = Funnel { sent: 1, ..Funnel::default() };
    assert_eq!(sum(&at, &[hour]).await.together().funnel(), sent);
    let (mut first, mut late) = (Tx::new(), Tx::new());
    first.update_link(&stored, &link.clone().cancel(true, link.created_at).unwrap());
    late.update_link(&stored, &link.clone().cancel(true, link.created_at).unwrap());
    at.commit(first, Durability::Relaxed).await.unwrap();
    assert!(matches!(at.commit(late, Durability::Relaxed).await, Err(StoreError::Conflict)));
    assert_eq!(sum(&at, &[hour]).await.together().funnel(), Funnel { declined: 1, ..sent });
}

async fn what_two_brokers_counted_is_added_up(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    assert!(at.figures_of(hour()).await.unwrap().is_none());
    let (mut ours, mut theirs) = (Tx::new(), Tx::new());
    ours.put_figures(None, hour(), &attempts(2));
    theirs.put_figures(None, hour(), &attempts(3));
    at.commit(ours, Durability::Relaxed).await.unwrap();
    assert!(matches!(at.commit(theirs, Durability::Relaxed).await, Err(StoreError::Conflict)));
    let known = at.figures_of(hour()).await.unwrap().unwrap();
    let mut both = known.value.clone();
    both.merge(&attempts(3));
    let mut again = Tx::new();
    again.put_figures(Some(&known), hour(), &both);
    at.commit(again, Durability::Relaxed).await.unwrap();
    assert_eq!(at.figures_of(hour()).await.unwrap().unwrap().value, attempts(5));
}

async fn hours_are_told_apart_and_so_are_tenants(store: &Store, clock: &Clock) {
    let (at, other) = (fresh(store, clock), fresh(store, clock));
    let mut tx = Tx::new();
    tx.put_figures(None, hour(), &attempts(2));
    at.commit(tx, Durability::Relaxed).await.unwrap();
    let later = Hour::of(hour().ends_after(30 * 24));
    let all: Vec<_> = later.last(31 * 24).collect();
    let found = at.figures(&all).await.unwrap();
    assert_eq!(found, [(hour(), attempts(2))]);
    assert!(other.figures(&all).await.unwrap().is_empty());
    assert!(at.figures(&[later]).await.unwrap().is_empty());
}

async fn what_cannot_be_written_waits(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    at.count(Counted { hour: hour(), provider: "acme".parse().unwrap(), what: What::Attempt });
    let mut own: Vec<_> = store.take_figures();
    own.retain(|gathering| gathering.tenant == *at.tenant());
    assert!(sum(&at, &[hour()]).await.is_empty(), "somebody writes it now");
    assert_eq!(own.len(), 1);
    store.put_back_figures(&own.remove(0));
    at.count(Counted { hour: hour(), provider: "acme".parse().unwrap(), what: What::Attempt });
    assert_eq!(sum(&at, &[hour()]).await, attempts(2));
    assert!(store.at(&tenant("nobody")).figures(&[hour()]).await.unwrap().is_empty());
}
