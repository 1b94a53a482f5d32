//! A backend that loses replies: what `Store` says is true all the same.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use countersign::clock::Clock;
use countersign::store::backend::{
    AsOf, Backend, Batch, Commit, Durability, Key, Partition, Piece, Unavailable, Versioned,
};
use countersign::store::{Store, StoreError, Tx};
use tokio::sync::{Semaphore, mpsc};

use super::conformance::Shared;
use super::samples::{event, keys, link, start, tenant};

/// What happens to one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It never reaches the backend.
    LostBefore,
    /// It takes effect, and the reply is lost.
    LostAfter,
    /// The reply is given up, and it reaches the backend only after the next commit.
    Late,
    /// The backend is known not to have taken it.
    Refused,
}

struct Flaky {
    inner: Shared,
    fates: Mutex<VecDeque<Fate>>,
    rest: Fate,
    under_way: Mutex<Option<(Partition, Batch)>>,
}

impl Flaky {
    fn over(inner: &Shared, fates: impl IntoIterator<Item = Fate>, rest: Fate) -> Arc<Self> {
        let fates = Mutex::new(fates.into_iter().collect());
        Arc::new(Self { inner: Arc::clone(inner), fates, rest, under_way: Mutex::new(None) })
    }

    async fn deliver_late(&self) {
        let late = self.under_way.lock().unwrap().take();
        if let Some((partition, batch)) = late {
            self.inner.commit(partition, batch, Durability::Relaxed).await.unwrap();
        }
    }
}

#[async_trait]
impl Backend for Flaky {
    fn may_lose_replies(&self) -> bool {
        true
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable> {
        self.inner.get(keys).await
    }

    async fn range(&self, set: &Key, after: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        self.inner.range(set, after, limit).await
    }

    async fn commit(
        &self,
        partition: Partition,
        batch: Batch,
        durability: Durability,
    ) -> Result<Commit, Unavailable> {
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(self.rest);
        let late = self.under_way.lock().unwrap().is_some();
        let answer = match fate {
            Fate::Refused => Err(Unavailable::new("refused")),
            Fate::LostBefore => Ok(Commit::Unknown),
            Fate::Late if !late => {
                *self.under_way.lock().unwrap() = Some((partition, batch));
                return Ok(Commit::Unknown);
            }
            Fate::LostAfter | Fate::Late => {
                self.inner.commit(partition, batch, durability).await?;
                Ok(Commit::Unknown)
            }
            Fate::Answered => self.inner.commit(partition, batch, durability).await,
        };
        self.deliver_late().await;
        answer
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        self.inner.read(log, after, limit).await
    }

    async fn reserve(&self, counter: &Key, n: u64) -> Result<u64, Unavailable> {
        self.inner.reserve(counter, n).await
    }

    async fn dump(&self, to: mpsc::Sender<Vec<Piece>>) -> Result<AsOf, Unavailable> {
        self.inner.dump(to).await
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.inner.ping().await
    }
}

/// Commits one event under these fates; answers what `Store` said and how many events there are in the end.
async fn commit(
    inner: &Shared,
    name: &str,
    fates: &[Fate],
    rest: Fate,
    durability: Durability,
) -> (Result<(), StoreError>, usize) {
    let clock = Clock::system();
    let flaky = Flaky::over(inner, fates.iter().copied(), rest);
    let at = Store::new(flaky.clone(), keys(), clock.clone()).at(&tenant(name));
    let mut tx = Tx::new();
    tx.event(&event(&clock, at.tenant(), start()).telling());
    let said = at.commit(tx, durability).await;
    flaky.deliver_late().await;
    (said, at.events_after(0, 9).await.unwrap().len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_four_fates_the_change_is_made_once_or_said_not_to_be() {
    const FATES: [Fate; 5] = [Fate::Answered, Fate::LostBefore, Fate::LostAfter, Fate::Late, Fate::Refused];
    let opened = super::open_sqlite();
    // So many at once as keep the machine busy, and no call waits so long that it is given up.
    let turns = Arc::new(Semaphore::new(40));
    let mut tasks = Vec::new();
    for number in 0..FATES.len().pow(4) {
        let fates: Vec<_> =
            (0..4).map(|digit| FATES[number / FATES.len().pow(digit) % FATES.len()]).collect();
        let durability = if number % 2 == 0 { Durability::Durable } else { Durability::Relaxed };
        let (inner, turns) = (Arc::clone(&opened.backend), Arc::clone(&turns));
        tasks.push(tokio::spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let name = format!("t{number}");
            match commit(&inner, &name, &fates, Fate::Answered, durability).await {
                (Ok(()), 1) | (Err(StoreError::Unavailable(_)), 0) => {}
                (said, events) => panic!("{fates:?}: {said:?}, and {events} events"),
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_that_is_still_under_way_when_it_is_given_up_never_takes_effect_twice() {
    let opened = super::open_sqlite();
    let answer = commit(&opened.backend, "acme", &[Fate::Late], Fate::Answered, Durability::Durable).await;
    assert!(matches!(answer, (Ok(()), 1)), "{answer:?}");
}

#[tokio::test]
async fn a_backend_that_stays_silent_leaves_it_open_and_says_so() {
    let opened = super::open_sqlite();
    let answer =
        commit(&opened.backend, "acme", &[Fate::LostAfter], Fate::LostBefore, Durability::Durable).await;
    assert!(matches!(answer, (Err(StoreError::Unknown), 1)), "{answer:?}");
    let answer = commit(&opened.backend, "other", &[], Fate::LostBefore, Durability::Relaxed).await;
    assert!(matches!(answer, (Err(StoreError::Unknown), 0)), "{answer:?}");
}

#[tokio::test]
async fn a_backend_that_was_not_there_changed_nothing() {
    let opened = super::open_sqlite();
    let answer = commit(&opened.backend, "acme", &[Fate::Refused], Fate::Answered, Durability::Durable).await;
    assert!(matches!(answer, (Err(StoreError::Unavailable(_)), 0)), "{answer:?}");
}

#[tokio::test]
async fn a_conflict_whose_reply_was_lost_is_still_a_conflict() {
    let opened = super::open_sqlite();
    let clock = Clock::system();
    let link = link(&clock, start());
    for (number, fate) in
        [Fate::Answered, Fate::LostAfter, Fate::LostBefore, Fate::Late].into_iter().enumerate()
    {
        let fates = [Fate::Answered, fate];
        let flaky = Flaky::over(&opened.backend, fates, Fate::Answered);
        let at = Store::new(flaky, keys(), clock.clone()).at(&tenant(&format!("t{number}")));
        let create = async || {
            let mut tx = Tx::new();
            tx.create_link(&link);
            at.commit(tx, Durability::Durable).await
        };
        create().await.unwrap();
        assert!(matches!(create().await, Err(StoreError::Conflict)), "{fate:?}");
    }
}

#[tokio::test]
async fn only_a_backend_that_can_lose_replies_pays_for_id_records() {
    let opened = super::open_sqlite();
    let path = opened.folder.path().join("store.db");
    // Every batch comes by the journal.
    let marks = || {
        let file = rusqlite::Connection::open(&path).unwrap();
        let count = "SELECT count(*) FROM journal WHERE instr(changes, CAST(':batch:' AS BLOB))";
        file.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let clock = Clock::system();
    let change = async |backend: Shared| {
        let at = Store::new(backend, keys(), clock.clone()).at(&tenant("acme"));
        let mut tx = Tx::new();
        tx.event(&event(&clock, at.tenant(), start()).telling());
        at.commit(tx, Durability::Relaxed).await.unwrap();
    };
    change(Arc::clone(&opened.backend)).await;
    assert_eq!(marks(), 0);
    change(Flaky::over(&opened.backend, [], Fate::Answered)).await;
    assert_eq!(marks(), 1);
}
