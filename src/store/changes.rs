//! Who waits in this process for a change of a link, for a tenant's next event, or for something to
//! deliver. Changes that other processes make are found by reading again.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use super::backend::Partition;
use crate::domain::ids::{LinkId, TenantId};

/// Everything that is waited for.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) links: Arc<Watched<LinkId>>,
    pub(super) events: Arc<Watched<TenantId>>,
    woken: Mutex<BTreeSet<u8>>,
    bell: Notify,
}

/// A channel per thing that somebody waits for; no more.
#[derive(Debug)]
pub(super) struct Watched<K> {
    waited_for: Mutex<HashMap<K, watch::Sender<()>>>,
}

/// One who waits. Dropping it ends the waiting.
#[derive(Debug)]
pub struct Watch<K: Eq + Hash> {
    changes: Arc<Watched<K>>,
    thing: K,
    heard: watch::Receiver<()>,
}

/// One who waits for a link.
pub type LinkWatch = Watch<LinkId>;
/// One who waits for the events of a tenant.
pub type EventWatch = Watch<TenantId>;

impl Changes {
    /// These links have changed, perhaps there are events of this tenant, and the change is done.
    pub(super) fn tell(&self, links: &[LinkId], tenant: &TenantId, has_events: bool) {
        self.links.tell(links);
        if has_events {
            self.events.tell(std::slice::from_ref(tenant));
        }
    }

    /// There is something to deliver in a partition.
    pub(super) fn wake(&self, partition: Partition) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).insert(partition.number());
        self.bell.notify_one();
    }

    /// The partitions that were named since the last call, at least one.
    pub(super) async fn woken(&self) -> Vec<Partition> {
        loop {
            let woken = std::mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner));
            if !woken.is_empty() {
                return woken.into_iter().map(Partition::new).collect();
            }
            self.bell.notified().await;
        }
    }
}

impl<K> Default for Watched<K> {
    fn default() -> Self {
        Self { waited_for: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> Watched<K> {
    /// Hears of changes from now on.
    pub(super) fn watch(self: &Arc<Self>, thing: &K) -> Watch<K> {
        let mut waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = waited_for.entry(thing.clone()).or_insert_with(|| watch::channel(()).0);
        Watch { changes: Arc::clone(self), thing: thing.clone(), heard: sender.subscribe() }
    }

    /// These have changed, and the change is done.
    pub(super) fn tell(&self, things: &[K]) {
        if things.is_empty() {
            return;
        }
        let waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in things.iter().filter_map(|thing| waited_for.get(thing)) {
            sender.send_replace(());
        }
    }
}

impl<K: Eq + Hash> Watch<K> {
    /// Resolves when it was changed here since the last call.
    pub async fn changed(&mut self) {
        if self.heard.changed().await.is_err() {
            // The sender lives as long as anybody listens.
            std::future::pending::<()>().await;
        }
    }
}

impl<K: Eq + Hash> Drop for Watch<K> {
    fn drop(&mut self) {
        let mut waited_for = self.changes.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        if waited_for.get(&self.thing).is_some_and(|sender| sender.receiver_count() <= 1) {
            waited_for.remove(&self.thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn link(number: u128) -> LinkId {
        LinkId::from_uuid(uuid::Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn a_change_is_heard_by_all_who_wait_for_it_and_by_nobody_else() {
        let changes = Arc::new(Watched::default());
        let (mut one, mut two, mut other) =
            (changes.watch(&link(1)), changes.watch(&link(1)), changes.watch(&link(2)));
        changes.tell(&[link(1), link(3)]);
        one.changed().await;
        two.changed().await;
        for mut quiet in [one.changed(), other.changed()].map(Box::pin) {
            assert!(timeout(Duration::from_millis(1), &mut quiet).await.is_err());
        }
    }

    #[test]
    fn what_nobody_waits_for_any_more_takes_no_room() {
        let changes = Arc::new(Watched::default());
        let (one, two) = (changes.watch(&link(1)), changes.watch(&link(1)));
        let known = || changes.waited_for.lock().unwrap().len();
        drop(one);
        assert_eq!(known(), 1);
        drop(two);
        assert_eq!(known(), 0);
    }

    #[tokio::test]
    async fn whoever_delivers_hears_of_each_partition_once() {
        let changes = Changes::default();
        for number in [7, 3, 7] {
            changes.wake(Partition::new(number));
        }
        assert_eq!(changes.woken().await, [Partition::new(3), Partition::new(7)]);
        assert!(timeout(Duration::from_millis(1), changes.woken()).await.is_err());
    }
}
