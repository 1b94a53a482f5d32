//! Where a round is in the set of what is due. What can be done is taken out of the set, but what waits for a receiver
//! that is left alone stays in it, be it a hundred thousand lanes: so the set is read in pages, each behind the one
//! before, and from its beginning only now and then.

use std::time::Duration;

use jiff::Timestamp;

use crate::store::backend::Partition;
use crate::store::keys::{Due, DueKind, due_before};
use crate::store::{Store, StoreError};

/// Entries of a page.
const PAGE: usize = 500;
/// Pages that are read before others have their turn.
const PAGES: usize = 4;
/// What was due so long ago may still be on its way into the set: clocks differ, and commits take their time.
const RECENT: Duration = Duration::from_secs(10);
/// After this time it begins again whatever was found, so that nothing that came in behind it waits for ever.
const AFRESH: Duration = Duration::from_secs(30);

/// A place in a partition's set of what is due. It is kept from one round to the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Scan {
    /// Behind this the next page begins.
    after: Vec<u8>,
    /// When it began.
    began: Option<Timestamp>,
    /// Whether it came to the end of what was due then.
    pub(super) has_ended: bool,
    /// When something that was passed over can be done.
    again: Option<Timestamp>,
}

impl Scan {
    /// Lanes that are due, a few pages of them. None that was found before is found again until the scan is at its end
    /// and begins again.
    pub(super) async fn go_on(
        &mut self,
        store: &Store,
        partition: Partition,
        now: Timestamp,
    ) -> Result<Vec<Due>, StoreError> {
        let is_time = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        if self.has_ended && (is_time(self.again) || is_time(self.began.map(|began| began + AFRESH))) {
            self.begin_again();
        }
        self.began.get_or_insert(now);
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let page = store.due_page(partition, now, &self.after, PAGE).await?;
            found.extend(page.found.into_iter().filter(|due| due.kind == DueKind::Lane));
            self.has_ended = page.next.is_none();
            if let Some(next) = page.next {
                self.after = next;
            } else {
                self.after = self.after.split_off(0).max(due_before(now - RECENT));
                break;
            }
        }
        Ok(found)
    }

    /// Something that was found was left where it is; it can be done at this time.
    pub(super) fn pass_over(&mut self, until: Timestamp) {
        self.again = Some(self.again.map_or(until, |again| again.min(until)));
    }

    /// It begins at the beginning: something that was found and not done may be due still.
    pub(super) fn begin_again(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::ids::TenantId;
    use crate::store::keys::partition_of;
    use crate::store::seal::SealKeys;
    use crate::store::sqlite::SqliteBackend;
    use crate::store::{Durability, Tx};

    async fn add(store: &Store, ids: std::ops::Range<usize>, kind: DueKind, at: Timestamp) {
        let mut tx = Tx::new();
        ids.for_each(|id| tx.due(kind, at, &format!("crm:{id}")));
        store.at(&tenant()).commit(tx, Durability::Relaxed).await.unwrap();
    }

    fn tenant() -> TenantId {
        "acme".parse().unwrap()
    }

    #[tokio::test]
    async fn a_long_backlog_is_read_once_and_what_comes_behind_it_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let backend = SqliteBackend::open(folder.path().join("a.db"), clock.clone()).unwrap();
        let keys = SealKeys::new("k", [("k".to_owned(), [1; 32])], [2; 32]).unwrap();
        let store = Store::new(Arc::new(backend), keys, clock);
        let (here, start) = (partition_of(&tenant()), Timestamp::from_second(1_800_000_000).unwrap());
        let (all, once) = (PAGE * PAGES * 2 + 7, PAGE * PAGES);
        add(&store, 0..all, DueKind::Lane, start).await;
        add(&store, 0..3, DueKind::LinkExpiry, start).await;
        add(&store, all..all + 1, DueKind::Lane, start + Duration::from_secs(99)).await;
        let now = start + Duration::from_mins(1);
        let (mut scan, mut found) = (Scan::default(), HashSet::new());
        for expected in [once, once, 7] {
            assert!(!scan.has_ended);
            let page = scan.go_on(&store, here, now).await.unwrap();
            assert_eq!(page.len(), expected, "nobody's lane is read twice");
            found.extend(page.into_iter().map(|due| due.id));
        }
        assert!(scan.has_ended && found.len() == all);
        assert!(scan.go_on(&store, here, now).await.unwrap().is_empty(), "and not begun afresh");
        // One that comes a little late into the set is not missed.
        add(&store, 5000..5001, DueKind::Lane, now - Duration::from_secs(5)).await;
        assert_eq!(scan.go_on(&store, here, now).await.unwrap().len(), 1);
        let later = start + Duration::from_mins(2);
        scan.began = Some(later);
        assert_eq!(
            scan.go_on(&store, here, later).await.unwrap().len(),
            2,
            "with the one that is due by now"
        );
        // What was passed over is found again when it can be done, and everything after a while.
        scan.pass_over(later + Duration::from_secs(3));
        scan.pass_over(later + Duration::from_secs(9));
        assert!(scan.go_on(&store, here, later + Duration::from_secs(2)).await.unwrap().len() < once);
        assert_eq!(scan.go_on(&store, here, later + Duration::from_secs(4)).await.unwrap().len(), once);
        while !scan.has_ended {
            scan.go_on(&store, here, later).await.unwrap();
        }
        assert_eq!(scan.go_on(&store, here, later + AFRESH * 2).await.unwrap().len(), once);
    }
}
