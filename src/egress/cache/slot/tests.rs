//! Tests of a slot, with fetches that answer when they are told to.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;

/// Long enough that only a fault waits for it.
const LONG: Duration = Duration::from_secs(20);

/// A provider whose next answers are in the test's hand.
#[derive(Clone)]
struct Source {
    fetches: Arc<AtomicUsize>,
    /// Whether the next fetch fails.
    broken: Arc<Mutex<bool>>,
    /// How long its document is fresh.
    lasts: Arc<Mutex<Duration>>,
    /// A fetch ends when there is a permit.
    gate: Arc<Semaphore>,
}

struct World {
    clock: Clock,
    slot: Arc<Slot<usize, EgressError>>,
    source: Source,
}

impl World {
    fn new() -> Self {
        let clock = Clock::system();
        let slot = Arc::new(Slot::new(clock.clone()));
        let source = Source {
            fetches: Arc::default(),
            broken: Arc::default(),
            lasts: Arc::new(Mutex::new(Duration::from_hours(1))),
            gate: Arc::new(Semaphore::new(10_000)),
        };
        Self { clock, slot, source }
    }

    fn fetches(&self) -> usize {
        self.source.fetches.load(Ordering::SeqCst)
    }

    fn set_broken(&self, broken: bool) {
        *self.source.broken.lock().unwrap() = broken;
    }

    async fn get(&self) -> Result<usize, EgressError> {
        self.get_within(LONG).await
    }

    async fn get_within(&self, time: Duration) -> Result<usize, EgressError> {
        self.document(time).await.map(|document| *document)
    }

    async fn document(&self, time: Duration) -> Result<Arc<usize>, EgressError> {
        let source = self.source.clone();
        self.slot.get(|| source.fetch(), self.clock.tick() + time).await
    }

    async fn replace(&self, known: &Arc<usize>) -> Option<usize> {
        let source = self.source.clone();
        let fresh = self.slot.replace(known, || source.fetch(), self.clock.tick() + LONG).await;
        fresh.map(|document| *document)
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

impl Source {
    /// The number of the fetch is the document.
    async fn fetch(self) -> Fetched<usize, EgressError> {
        let number = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        self.gate.acquire().await.unwrap().forget();
        if *self.broken.lock().unwrap() {
            return Err(EgressError::Connect);
        }
        Ok((number, *self.lasts.lock().unwrap()))
    }
}

#[tokio::test]
async fn a_document_is_fetched_once_while_it_is_fresh() {
    let world = World::new();
    assert_eq!(world.get().await, Ok(1));
    world.advance(3599);
    assert_eq!((world.get().await, world.fetches()), (Ok(1), 1));
    world.advance(2);
    assert_eq!((world.get().await, world.fetches()), (Ok(2), 2));
}

#[tokio::test]
async fn many_who_wait_cost_one_fetch_and_share_its_failure() {
    for broken in [false, true] {
        let world = World::new();
        world.set_broken(broken);
        let wanted = if broken { Err(EgressError::Connect) } else { Ok(1) };
        let all = futures_util::future::join_all((0..50).map(|_| world.get())).await;
        assert!(all.iter().all(|one| *one == wanted), "{all:?}");
        assert_eq!(world.fetches(), 1);
    }
}

#[tokio::test]
async fn a_fetch_goes_on_when_whoever_began_it_has_left() {
    let world = World::new();
    world.source.gate.forget_permits(10_000);
    assert_eq!(world.get_within(Duration::from_millis(20)).await, Err(EgressError::Timeout));
    world.source.gate.add_permits(1);
    assert_eq!((world.get().await, world.fetches()), (Ok(1), 1));
}

#[tokio::test]
async fn a_failure_is_not_repeated_at_once_and_forgotten_soon() {
    let world = World::new();
    world.set_broken(true);
    assert_eq!(world.get().await, Err(EgressError::Connect));
    assert_eq!((world.get().await, world.fetches()), (Err(EgressError::Connect), 1));
    world.set_broken(false);
    world.advance(5);
    assert_eq!((world.get().await, world.slot.is_failing()), (Ok(2), false));
}

#[tokio::test]
async fn an_older_document_counts_while_the_provider_fails_but_not_for_ever() {
    let world = World::new();
    assert_eq!(world.get().await, Ok(1));
    world.set_broken(true);
    world.advance(3600);
    assert_eq!((world.get().await, world.slot.is_failing(), world.fetches()), (Ok(1), true, 2));
    world.advance(29);
    assert_eq!((world.get().await, world.fetches()), (Ok(1), 2));
    world.advance(1);
    assert_eq!((world.get().await, world.fetches()), (Ok(1), 3));
    world.advance(22 * 3600);
    assert_eq!((world.get().await, world.fetches()), (Ok(1), 4));
    world.advance(3600);
    assert_eq!((world.get().await, world.fetches()), (Err(EgressError::Connect), 5));
}

#[tokio::test]
async fn in_an_outage_nobody_waits_for_what_somebody_tries() {
    let world = World::new();
    assert_eq!(world.get().await, Ok(1));
    world.set_broken(true);
    world.advance(3600);
    assert_eq!(world.get().await, Ok(1));
    world.advance(30);
    world.source.gate.forget_permits(10_000);
    // The first one tries and waits; the others take what is there.
    assert_eq!(world.get_within(Duration::from_millis(20)).await, Ok(1));
    assert_eq!(tokio::time::timeout(LONG / 2, world.get()).await, Ok(Ok(1)));
    assert_eq!(world.fetches(), 3);
}

#[tokio::test]
async fn a_document_that_says_it_lasts_for_days_is_fetched_daily() {
    let world = World::new();
    *world.source.lasts.lock().unwrap() = Duration::MAX;
    assert_eq!(world.get().await, Ok(1));
    world.advance(24 * 3600 - 60);
    assert_eq!(world.get().await, Ok(1));
    world.advance(60);
    assert_eq!(world.get().await, Ok(2));
}

#[tokio::test]
async fn a_fetch_can_be_forced_only_every_thirty_seconds() {
    let world = World::new();
    let first = world.document(LONG).await.unwrap();
    assert_eq!(world.replace(&first).await, Some(2), "at once, however young the first one is");
    let second = world.document(LONG).await.unwrap();
    assert_eq!((world.replace(&second).await, world.fetches()), (None, 2));
    world.advance(29);
    assert_eq!((world.replace(&second).await, world.fetches()), (None, 2));
    world.advance(1);
    assert_eq!((world.replace(&second).await, world.fetches()), (Some(3), 3));
}

#[tokio::test]
async fn what_somebody_else_has_fetched_meanwhile_is_taken() {
    let world = World::new();
    let first = world.document(LONG).await.unwrap();
    let all = futures_util::future::join_all((0..50).map(|_| world.replace(&first))).await;
    assert_eq!((all, world.fetches()), (vec![Some(2); 50], 2));
    assert_eq!((world.replace(&first).await, world.fetches()), (Some(2), 2));
}

#[tokio::test]
async fn a_forced_fetch_that_fails_leaves_what_was_there() {
    let world = World::new();
    let first = world.document(LONG).await.unwrap();
    world.set_broken(true);
    assert_eq!((world.replace(&first).await, world.fetches()), (None, 2));
    assert_eq!((world.get().await, world.fetches()), (Ok(1), 2));
}

#[tokio::test]
async fn a_fetch_that_panics_is_a_failure_and_blocks_nobody() {
    let world = World::new();
    let deadline = world.clock.tick() + LONG;
    let fetch = || async { panic!("a fetch that panics") };
    assert_eq!(world.slot.get(fetch, deadline).await, Err(EgressError::Broken));
    world.advance(5);
    assert_eq!(world.get().await, Ok(1));
}
