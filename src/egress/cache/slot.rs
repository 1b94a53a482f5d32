//! One document that is fetched and kept: who has it, who fetches it, and when the next fetch may
//! begin. At most one fetch is under way; it goes on when whoever began it has left.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::egress::error::EgressError;

/// Nothing older is believed, however long the provider fails: a key that it has withdrawn dies here.
pub(super) const OLDEST: SignedDuration = SignedDuration::from_hours(24);
/// How long a failed fetch is not repeated while nothing is at hand: a provider that comes back is
/// found soon, and until then costs one call.
const AGAIN_WITHOUT: SignedDuration = SignedDuration::from_secs(5);
/// The same while something older is at hand.
const AGAIN_WITH: SignedDuration = SignedDuration::from_secs(30);
/// How often a fetch may be forced that time alone would not ask for.
pub(super) const COOL_DOWN: SignedDuration = SignedDuration::from_secs(30);

/// How many logins may wait for one document.
const WAITING: usize = 64;

/// A document and what is known of fetching it.
pub(super) struct Slot<T, E> {
    clock: Clock,
    waiting: Semaphore,
    state: Mutex<State<T, E>>,
}

struct State<T, E> {
    kept: Option<Kept<T>>,
    flight: Option<Flight<T, E>>,
    failed: Option<(Timestamp, E)>,
    forced: Option<Timestamp>,
}

struct Kept<T> {
    document: Arc<T>,
    fetched: Timestamp,
    fresh_until: Timestamp,
}

/// A fetch under way, for everybody who waits for it.
type Flight<T, E> = Shared<BoxFuture<'static, Result<Arc<T>, E>>>;

/// What a caller does next.
enum Next<T, E> {
    /// Takes what is kept.
    Take(Arc<T>),
    /// Gives up at once.
    Fail(E),
    /// Waits.
    Wait(Flight<T, E>),
}

/// What a fetch brings: the document and how long it is fresh.
pub(super) type Fetched<T, E> = Result<(T, Duration), E>;

impl<T, E> Slot<T, E>
where
    T: Send + Sync + 'static,
    E: Clone + From<EgressError> + Send + Sync + 'static,
{
    pub(super) fn new(clock: Clock) -> Self {
        let state = State { kept: None, flight: None, failed: None, forced: None };
        Self { clock, waiting: Semaphore::new(WAITING), state: Mutex::new(state) }
    }

    /// The document, fresh if it can be had before `deadline`; else an older one, if it is not too old.
    pub(super) async fn get<F>(
        self: &Arc<Self>,
        fetch: impl FnOnce() -> F,
        deadline: Instant,
    ) -> Result<Arc<T>, E>
    where
        F: Future<Output = Fetched<T, E>> + Send + 'static,
    {
        let next = self.next(fetch);
        match next {
            Next::Take(document) => Ok(document),
            Next::Fail(fault) => Err(fault),
            Next::Wait(flight) => {
                // A document that hangs must not hold up the whole process: whoever comes last goes away at once.
                let Ok(_place) = self.waiting.try_acquire() else {
                    return self.usable().ok_or_else(|| EgressError::Timeout.into());
                };
                let landed = tokio::time::timeout_at(deadline.into(), flight).await;
                let landed = landed.unwrap_or_else(|_| Err(EgressError::Timeout.into()));
                landed.or_else(|fault| self.usable().ok_or(fault))
            }
        }
    }

    /// Another document than `known`, which did not do: one that somebody else has fetched meanwhile,
    /// or a fresh one, unless one was forced a moment ago. None if there is no other one.
    pub(super) async fn replace<F>(
        self: &Arc<Self>,
        known: &Arc<T>,
        fetch: impl FnOnce() -> F,
        deadline: Instant,
    ) -> Option<Arc<T>>
    where
        F: Future<Output = Fetched<T, E>> + Send + 'static,
    {
        let flight = match self.force(known, fetch)? {
            Next::Take(document) => return Some(document),
            Next::Fail(_) => return None,
            Next::Wait(flight) => flight,
        };
        tokio::time::timeout_at(deadline.into(), flight).await.ok()?.ok()
    }

    fn next<F>(self: &Arc<Self>, fetch: impl FnOnce() -> F) -> Next<T, E>
    where
        F: Future<Output = Fetched<T, E>> + Send + 'static,
    {
        let now = self.clock.now();
        let mut state = self.state();
        state.forget(now);
        if let Some(kept) = &state.kept
            && now < kept.fresh_until
        {
            return Next::Take(Arc::clone(&kept.document));
        }
        if let Some((at, fault)) = &state.failed {
            // In an outage one caller tries, and the others do not wait for what he will hear.
            let again = if state.kept.is_some() { AGAIN_WITH } else { AGAIN_WITHOUT };
            let waits = now.duration_since(*at) < again || (state.flight.is_some() && state.kept.is_some());
            if waits {
                let kept = state.kept.as_ref().map(|kept| Arc::clone(&kept.document));
                return kept.map_or_else(|| Next::Fail(fault.clone()), Next::Take);
            }
        }
        Next::Wait(self.fly(&mut state, fetch))
    }

    /// None if it was forced a moment ago.
    fn force<F>(self: &Arc<Self>, known: &Arc<T>, fetch: impl FnOnce() -> F) -> Option<Next<T, E>>
    where
        F: Future<Output = Fetched<T, E>> + Send + 'static,
    {
        let now = self.clock.now();
        let mut state = self.state();
        state.forget(now);
        if let Some(kept) = &state.kept
            && !Arc::ptr_eq(&kept.document, known)
        {
            return Some(Next::Take(Arc::clone(&kept.document)));
        }
        if state.flight.is_none() {
            if state.forced.is_some_and(|at| now.duration_since(at) < COOL_DOWN) {
                return None;
            }
            state.forced = Some(now);
        }
        Some(Next::Wait(self.fly(&mut state, fetch)))
    }

    /// The fetch under way, or a new one.
    fn fly<F>(self: &Arc<Self>, state: &mut State<T, E>, fetch: impl FnOnce() -> F) -> Flight<T, E>
    where
        F: Future<Output = Fetched<T, E>> + Send + 'static,
    {
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let (slot, fetch) = (Arc::clone(self), fetch());
        let task = tokio::spawn(async move {
            // Ends the flight even if the fetch should panic.
            let mut landing = Landing { slot: &slot, outcome: None };
            let outcome = fetch.await;
            let (told, outcome) = match outcome {
                Ok((document, lasts)) => {
                    let document = Arc::new(document);
                    (Ok(Arc::clone(&document)), Ok((document, lasts)))
                }
                Err(fault) => (Err(fault.clone()), Err(fault)),
            };
            landing.outcome = Some(outcome);
            told
        });
        let flight = async move { task.await.unwrap_or_else(|_| Err(EgressError::Broken.into())) };
        let flight = flight.boxed().shared();
        state.flight = Some(flight.clone());
        flight
    }

    fn land(&self, outcome: Result<(Arc<T>, Duration), E>) {
        let now = self.clock.now();
        let mut state = self.state();
        state.flight = None;
        match outcome {
            Ok((document, lasts)) => {
                let lasts = SignedDuration::try_from(lasts).unwrap_or(OLDEST).min(OLDEST);
                state.kept = Some(Kept { document, fetched: now, fresh_until: now + lasts });
                state.failed = None;
            }
            Err(fault) => state.failed = Some((now, fault)),
        }
    }

    fn usable(&self) -> Option<Arc<T>> {
        let mut state = self.state();
        state.forget(self.clock.now());
        state.kept.as_ref().map(|kept| Arc::clone(&kept.document))
    }

    /// Whether the last fetch failed, so that what is kept grows old.
    pub(super) fn is_failing(&self) -> bool {
        self.state().failed.is_some()
    }
}

impl<T, E> Slot<T, E> {
    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        // Nothing panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, E> State<T, E> {
    fn forget(&mut self, now: Timestamp) {
        if self.kept.as_ref().is_some_and(|kept| now.duration_since(kept.fetched) >= OLDEST) {
            self.kept = None;
        }
    }
}

/// Puts the outcome of a flight into its slot, whatever becomes of the task.
struct Landing<'a, T, E>
where
    T: Send + Sync + 'static,
    E: Clone + From<EgressError> + Send + Sync + 'static,
{
    slot: &'a Slot<T, E>,
    outcome: Option<Result<(Arc<T>, Duration), E>>,
}

impl<T, E> Drop for Landing<'_, T, E>
where
    T: Send + Sync + 'static,
    E: Clone + From<EgressError> + Send + Sync + 'static,
{
    fn drop(&mut self) {
        self.slot.land(self.outcome.take().unwrap_or_else(|| Err(EgressError::Broken.into())));
    }
}

#[cfg(test)]
mod tests;
