//! Leases: one holder at a time, nobody for ever.

use std::time::Duration;

use countersign::clock::Clock;
use countersign::store::Store;
use countersign::store::backend::Partition;
use countersign::store::lease::Work;

use super::conformance::Shared;
use super::samples::keys;

const LASTS: Duration = Duration::from_secs(30);

/// Runs every case.
pub async fn check(backend: &Shared) {
    let clock = Clock::system();
    one_holder_at_a_time(backend, &clock).await;
    what_lapsed_is_anybodys(backend, &clock).await;
    a_lapsed_lease_that_nobody_took_can_be_renewed(backend, &clock).await;
    of_many_who_want_it_one_gets_it(backend, &clock).await;
}

/// Two brokers over one backend.
fn two(backend: &Shared, clock: &Clock) -> [Store; 2] {
    [0, 1].map(|_| Store::new(backend.clone(), keys(), clock.clone()))
}

async fn one_holder_at_a_time(backend: &Shared, clock: &Clock) {
    let here = Partition::new(0x17);
    let [one, other] = two(backend, clock);
    let mut lease = one.lease(here, Work::Deliver, LASTS).await.unwrap().expect("nobody has it");
    assert!(other.lease(here, Work::Deliver, LASTS).await.unwrap().is_none());
    assert!(one.lease(here, Work::Deliver, LASTS).await.unwrap().is_none(), "not even the same process");
    assert!(other.lease(here, Work::Sweep, LASTS).await.unwrap().is_some(), "other work is free");
    assert!(other.lease(Partition::new(0x18), Work::Deliver, LASTS).await.unwrap().is_some());
    clock.advance(Duration::from_secs(20));
    assert!(one.renew_lease(&mut lease, LASTS).await.unwrap());
    clock.advance(Duration::from_secs(20));
    assert!(other.lease(here, Work::Deliver, LASTS).await.unwrap().is_none(), "it was renewed");
    one.end_lease(lease).await.unwrap();
    assert!(other.lease(here, Work::Deliver, LASTS).await.unwrap().is_some(), "it was given back");
}

async fn what_lapsed_is_anybodys(backend: &Shared, clock: &Clock) {
    let here = Partition::new(0x37);
    let [one, other] = two(backend, clock);
    let mut lost = one.lease(here, Work::Sweep, LASTS).await.unwrap().unwrap();
    assert!(lost.is_good_for(Duration::from_secs(5), clock.now()));
    clock.advance(LASTS);
    assert!(!lost.is_good_for(Duration::ZERO, clock.now()));
    let taken = other.lease(here, Work::Sweep, LASTS).await.unwrap().expect("its holder is gone");
    assert!(!one.renew_lease(&mut lost, LASTS).await.unwrap(), "another has it");
    one.end_lease(lost).await.unwrap();
    assert!(
        one.lease(here, Work::Sweep, LASTS).await.unwrap().is_none(),
        "giving back what was lost frees nothing"
    );
    drop(taken);
}

async fn a_lapsed_lease_that_nobody_took_can_be_renewed(backend: &Shared, clock: &Clock) {
    let here = Partition::new(0x57);
    let [one, _] = two(backend, clock);
    let mut lease = one.lease(here, Work::SealAudit, LASTS).await.unwrap().unwrap();
    clock.advance(LASTS * 3);
    assert!(one.renew_lease(&mut lease, LASTS).await.unwrap());
    assert!(lease.is_good_for(Duration::from_secs(25), clock.now()));
}

async fn of_many_who_want_it_one_gets_it(backend: &Shared, clock: &Clock) {
    let brokers: Vec<_> = (0..8).flat_map(|_| two(backend, clock)).collect();
    for round in 0..5_u8 {
        let wanted = brokers.iter().cloned().map(|broker| {
            let place = Partition::new(0x20 + round);
            tokio::spawn(async move { broker.lease(place, Work::Sweep, LASTS).await.unwrap() })
        });
        let mut got = 0;
        for one in wanted.collect::<Vec<_>>() {
            got += usize::from(one.await.unwrap().is_some());
        }
        assert_eq!(got, 1, "round {round}");
    }
}
