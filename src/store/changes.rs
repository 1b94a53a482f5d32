//! Who waits for a change of a link in this process. Changes that other processes make are found by
//! reading again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::domain::ids::LinkId;

/// A channel per link that somebody waits for; no more.
#[derive(Debug, Default)]
pub(super) struct Changes {
    waited_for: Mutex<HashMap<LinkId, watch::Sender<()>>>,
}

/// One who waits. Dropping it ends the waiting.
#[derive(Debug)]
pub struct LinkWatch {
    changes: Arc<Changes>,
    link: LinkId,
    heard: watch::Receiver<()>,
}

impl Changes {
    /// Hears of changes from now on.
    pub(super) fn watch(self: &Arc<Self>, link: &LinkId) -> LinkWatch {
        let mut waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = waited_for.entry(link.clone()).or_insert_with(|| watch::channel(()).0);
        LinkWatch { changes: Arc::clone(self), link: link.clone(), heard: sender.subscribe() }
    }

    /// These links have changed, and the change is done.
    pub(super) fn tell(&self, links: &[LinkId]) {
        if links.is_empty() {
            return;
        }
        let waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in links.iter().filter_map(|link| waited_for.get(link)) {
            sender.send_replace(());
        }
    }
}

impl LinkWatch {
    /// Resolves when the link was changed here since the last call.
    pub async fn changed(&mut self) {
        if self.heard.changed().await.is_err() {
            // The sender lives as long as anybody listens.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for LinkWatch {
    fn drop(&mut self) {
        let mut waited_for = self.changes.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        if waited_for.get(&self.link).is_some_and(|sender| sender.receiver_count() <= 1) {
            waited_for.remove(&self.link);
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
        let changes = Arc::new(Changes::default());
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
        let changes = Arc::new(Changes::default());
        let (one, two) = (changes.watch(&link(1)), changes.watch(&link(1)));
        let known = || changes.waited_for.lock().unwrap().len();
        drop(one);
        assert_eq!(known(), 1);
        drop(two);
        assert_eq!(known(), 0);
    }
}
