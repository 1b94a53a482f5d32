//! Events are sent to the tenants' webhooks: at least once, in order per conversation, with retries
//! over 24 hours (DESIGN §7).
//!
//! An event's own batch says that it is to be delivered, so that nothing is lost however a process
//! ends. Whoever has the lease of the partition does the rest, a [`round`]: many calls at a time, and one
//! [`errand`] to the store, so that what comes of many calls goes there together. [`spread`] makes a
//! delivery per webhook, at the end of the lane of its conversation; [`scan`] finds the lanes that are due;
//! [`record`] reads them and writes down what came of them; [`attempt`] sends what stands first in a lane;
//! [`overflow`] gives the oldest up where too much waits;
//! [`pace`] keeps a webhook that fails from taking the room of others. A round begins when this process
//! starts or writes an event, when somebody resends one, and when the sweep finds something due that
//! another broker left; it ends when there is nothing left to do.
//!
//! To add a reason why an attempt fails: 1. a variant of `DeliveryCode` in `domain/delivery.rs`, 2. where
//! [`attempt`] finds it, 3. its row in `docs/webhooks.md`, 4. a case in `tests/it/deliveries/targets.rs`.

mod attempt;
mod errand;
mod gauge;
mod overflow;
mod pace;
mod record;
mod round;
mod scan;
mod spread;
mod term;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, Semaphore, watch};

use crate::store::backend::Partition;

use super::Broker;
use pace::{Paces, Receiver};
use round::Left;
use scan::Scan;
use term::Term;

pub(super) use gauge::measure;
pub(super) use overflow::LANE_HOLDS;
pub(super) use record::recount;
pub(super) use spread::lane_name;

/// Deliveries that one process makes at once, to all webhooks together.
const AT_ONCE: usize = 256;
/// How long to wait when another broker has a partition, or the store failed.
const HELD: Duration = Duration::from_secs(1);
/// How long the lanes of a tenant wait that cannot be served at the moment.
const HELD_BACK: SignedDuration = SignedDuration::from_secs(10);
/// How often the loop looks whether its broker is still there.
const ALIVE: Duration = Duration::from_mins(1);
/// A stop waits so long for calls that are under way.
const STOPPING: Duration = Duration::from_secs(15);

/// What this process knows of its deliveries.
#[derive(Debug)]
pub(super) struct Delivering {
    paces: Paces,
    slots: Arc<Semaphore>,
    /// The partitions that are worked on, each with a bell that says that there is more.
    worked_on: Mutex<HashMap<Partition, Arc<Notify>>>,
    /// When partitions are woken next.
    timers: Mutex<HashMap<Partition, tokio::time::Instant>>,
    /// Where rounds that came to their ends have left off.
    scans: Mutex<HashMap<Partition, Scan>>,
    stopping: watch::Sender<bool>,
    rounds: watch::Sender<usize>,
}

impl Default for Delivering {
    fn default() -> Self {
        Self {
            paces: Paces::default(),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            worked_on: Mutex::default(),
            timers: Mutex::default(),
            scans: Mutex::default(),
            stopping: watch::channel(false).0,
            rounds: watch::channel(0).0,
        }
    }
}

impl Delivering {
    /// How many calls one webhook may take: an eighth of what is free. The fuller the process is, the less anybody
    /// gets, so that slow ones never have everything.
    fn share(&self) -> usize {
        (self.slots.available_permits() / 8).max(1)
    }

    /// Where the last round of a partition has left off; at the beginning if it was cut short.
    fn take_scan(&self, partition: Partition) -> Scan {
        self.scans.lock().unwrap_or_else(PoisonError::into_inner).remove(&partition).unwrap_or_default()
    }

    fn keep_scan(&self, partition: Partition, scan: Scan) {
        self.scans.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, scan);
    }

    /// The bell of a partition, if nobody works on it yet; whoever does is told that there is more.
    fn enter(&self, partition: Partition) -> Option<Arc<Notify>> {
        let mut worked_on = self.worked_on.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = worked_on.get(&partition) {
            bell.notify_one();
            return None;
        }
        let bell = Arc::new(Notify::new());
        worked_on.insert(partition, Arc::clone(&bell));
        self.rounds.send_modify(|rounds| *rounds += 1);
        Some(bell)
    }

    /// Whether a timer is needed: not if one ends as soon.
    fn set_timer(&self, partition: Partition, at: tokio::time::Instant) -> bool {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_sooner = timers.get(&partition).is_none_or(|known| at < *known);
        if is_sooner {
            timers.insert(partition, at);
        }
        is_sooner
    }

    /// Whether the timer that ends is the last one that was set.
    fn end_timer(&self, partition: Partition, at: tokio::time::Instant) -> bool {
        let mut timers = self.timers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = timers.get(&partition) == Some(&at);
        if is_it {
            timers.remove(&partition);
        }
        is_it
    }

    /// False if there is more to do.
    fn leave(&self, partition: Partition, bell: &Notify) -> bool {
        let mut worked_on = self.worked_on.lock().unwrap_or_else(PoisonError::into_inner);
        if bell.notified().now_or_never().is_some() && !*self.stopping.borrow() {
            return false;
        }
        worked_on.remove(&partition);
        self.rounds.send_modify(|rounds| *rounds -= 1);
        true
    }
}

impl Broker {
    /// Starts delivering in the background.
    pub fn start_delivering(self: &Arc<Self>) {
        tokio::spawn(deliver_while_alive(Arc::downgrade(self)));
    }

    /// Begins no more deliveries, waits until those under way are written down, and gives the leases back.
    pub async fn finish_deliveries(&self) {
        self.delivering.stopping.send_replace(true);
        let mut rounds = self.delivering.rounds.subscribe();
        let ended = rounds.wait_for(|rounds| *rounds == 0);
        if tokio::time::timeout(STOPPING, ended).await.is_err() {
            tracing::warn!("delivery.stop_cut_short");
        }
    }

    /// Works on a partition until there is nothing left to do.
    async fn work_on(self: Arc<Self>, partition: Partition, bell: Arc<Notify>) {
        loop {
            let left = self.round(partition, &bell).await.unwrap_or_else(|error| {
                tracing::warn!(detail = %error, "delivery.delayed");
                Left::Later(HELD)
            });
            if let Left::Later(time) = left {
                self.wake_after(partition, time);
            }
            if self.delivering.leave(partition, &bell) {
                return;
            }
        }
    }

    /// How many deliveries may be under way to a webhook at this moment; none while its tenant cannot be served.
    fn room_for(&self, receiver: &Receiver, now: Timestamp) -> usize {
        if self.is_held_back(&receiver.0) { 0 } else { self.delivering.paces.room(receiver, now) }
    }

    /// When a webhook without room is looked at again.
    fn back_at(&self, receiver: &Receiver, now: Timestamp) -> Timestamp {
        if self.is_held_back(&receiver.0) {
            now + HELD_BACK
        } else {
            self.delivering.paces.back_at(receiver, now)
        }
    }

    /// Looks at a partition again after a while. What is farther off is found by the sweep.
    fn wake_after(self: &Arc<Self>, partition: Partition, time: Duration) {
        let at = tokio::time::Instant::from_std(self.clock.tick() + time);
        if !self.delivering.set_timer(partition, at) {
            return;
        }
        let broker = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep_until(at).await;
            let Some(broker) = broker.upgrade() else { return };
            if broker.delivering.end_timer(partition, at) {
                broker.store.wake(partition);
            }
        });
    }
}

/// Begins a round wherever there is something to deliver, until the broker is gone or stops.
async fn deliver_while_alive(broker: Weak<Broker>) {
    let Some((store, mut stopping, mut waiting)) = broker.upgrade().map(|broker| {
        (broker.store.clone(), broker.delivering.stopping.subscribe(), broker.served.waiting())
    }) else {
        return;
    };
    // Where the store's tenants send their events is not known before they are loaded.
    tokio::select! {
        loaded = async { waiting.wait_for(|waits| !waits).await.is_ok() } => if !loaded { return },
        _ = stopping.changed() => return,
    }
    // What a process that is gone left undone waits for nobody's event.
    Partition::all().for_each(|partition| store.wake(partition));
    loop {
        let woken = tokio::select! {
            woken = store.woken() => woken,
            _ = stopping.changed() => return,
            () = tokio::time::sleep(ALIVE) => Vec::new(),
        };
        let Some(broker) = broker.upgrade() else { return };
        for partition in woken {
            if let Some(bell) = broker.delivering.enter(partition) {
                tokio::spawn(Arc::clone(&broker).work_on(partition, bell));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_partition_has_one_timer_the_soonest() {
        let delivering = Delivering::default();
        let (here, now) = (Partition::new(7), tokio::time::Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        assert!(delivering.set_timer(here, at(5)));
        assert!(!delivering.set_timer(here, at(5)) && !delivering.set_timer(here, at(9)));
        assert!(delivering.set_timer(here, at(2)) && delivering.set_timer(Partition::new(8), at(9)));
        assert!(delivering.end_timer(here, at(2)) && !delivering.end_timer(here, at(5)), "it was replaced");
        assert!(delivering.set_timer(here, at(9)));
    }

    #[test]
    fn nobody_gets_more_than_an_eighth_of_what_is_free() {
        let delivering = Delivering::default();
        assert_eq!(delivering.share(), AT_ONCE / 8);
        let taken = delivering.slots.try_acquire_many(250).unwrap();
        assert_eq!(delivering.share(), 1);
        drop(taken);
    }

    #[test]
    fn a_partition_is_worked_on_once_and_hears_that_there_is_more() {
        let delivering = Delivering::default();
        let here = Partition::new(7);
        let bell = delivering.enter(here).unwrap();
        assert!(delivering.enter(here).is_none() && delivering.enter(Partition::new(8)).is_some());
        assert!(!delivering.leave(here, &bell), "there is more");
        assert!(delivering.leave(here, &bell));
        assert!(delivering.enter(here).is_some());
    }
}
