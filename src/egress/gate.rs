//! The gate in front of every provider: nothing is sent to one but through a [`Pass`].
//!
//! A provider that is slow, dead or broken must cost nobody but its own customers anything. So a
//! login first passes the provider's [breaker](super::breaker), then it takes one of the provider's
//! places, for which it waits a moment at most, and the fuller the whole process is, the fewer
//! places one provider may hold. All this comes before the login's claim: who is turned away has
//! spent nothing and may try again. What a login can do without goes [aside] of all that.

mod aside;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::domain::health::Sight;
use crate::domain::ids::{ProviderId, TenantId};
use crate::oauth::wire::{OutboundRequest, ProviderAnswer};

use super::breaker::{Breaker, Change, Outcome, Position, Ticket};
use super::error::EgressError;
use super::inside::Inside;
use super::provider::ProviderClient;

use aside::Aside;

/// Gates that are remembered; of one that nobody came to for an hour nothing is worth it.
const REMEMBERED: u64 = 100_000;
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);
/// So many places a provider has, however full the process is.
const FLOOR: usize = 2;
/// A provider may hold this part of the places that nobody holds.
const PART: usize = 4;
/// How often a failing provider is written down again.
const STILL_FAILS: SignedDuration = SignedDuration::from_secs(20);
/// How often the record of a working one is looked at: somebody may have died who saw it fail.
const STILL_WORKS: SignedDuration = SignedDuration::from_mins(1);
/// How soon a telling that failed is tried again.
const TELL_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// How much of the process logins at providers may take.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Logins at one provider at the same time.
    pub per_provider: usize,
    /// Logins at all providers, beyond which each has two.
    pub in_all: usize,
    /// How long a login waits for a place; as many as there are places may wait.
    pub wait: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self { per_provider: 64, in_all: 2048, wait: Duration::from_millis(500) }
    }
}

impl Room {
    /// How many places one provider may hold while so many logins are at all providers.
    fn share(&self, inside: usize) -> usize {
        let free = self.in_all.saturating_sub(inside);
        self.per_provider.min(FLOOR.max(free / PART))
    }
}

/// Why a login is turned away; it has spent nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// The provider fails for everybody.
    #[error("the provider fails for everybody")]
    Unhealthy {
        /// After how long another try is worth it.
        retry_after: SignedDuration,
    },
    /// What its issuer says of it cannot be read.
    #[error("the metadata of its issuer cannot be read")]
    Undiscovered,
    /// It did not take the request that was pushed to it.
    #[error("the provider did not take the pushed request")]
    NotPushed,
    /// The provider is so slow that too many logins are at it already.
    #[error("too many logins are at the provider already")]
    Full,
}

impl Withheld {
    /// A word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unhealthy { .. } => "unhealthy",
            Self::NotPushed => "not_pushed",
            Self::Undiscovered => "undiscovered",
            Self::Full => "full",
        }
    }

    /// After how many seconds another try is worth it; at least one.
    pub fn retry_after(self) -> u32 {
        let Self::Unhealthy { retry_after } = self else { return 2 };
        u32::try_from(retry_after.as_millis().max(0).unsigned_abs().div_ceil(1000)).unwrap_or(2).max(1)
    }
}

/// The gates of all providers, and the way through them. A clone shares them.
#[derive(Clone)]
pub struct Gates {
    client: ProviderClient,
    clock: Clock,
    room: Room,
    gates: Cache<(TenantId, ProviderId), Arc<Gate>>,
    /// Logins at all providers.
    inside: Arc<AtomicUsize>,
}

/// One provider's.
struct Gate {
    tenant: TenantId,
    provider: ProviderId,
    breaker: Mutex<Breaker>,
    places: Arc<Semaphore>,
    waiting: Semaphore,
    told: Mutex<Told>,
    aside: Mutex<Aside>,
}

/// What the record in the store is known to say.
struct Told {
    healthy: Option<bool>,
    at: Timestamp,
}

impl Gates {
    /// Gates in front of `client`, all open.
    pub fn new(client: ProviderClient, clock: Clock, room: Room) -> Self {
        let gates = Cache::builder().max_capacity(REMEMBERED).time_to_idle(FORGOTTEN_AFTER).build();
        Self { client, clock, room, gates, inside: Arc::default() }
    }

    /// Whether a customer may be sent to the provider: not while it fails for everybody.
    pub fn check(&self, tenant: &TenantId, provider: &ProviderId) -> Result<(), Withheld> {
        let Some(gate) = self.gates.get(&(tenant.clone(), provider.clone())) else { return Ok(()) };
        let checked = gate.breaker().check(self.clock.now()).map_err(unhealthy);
        checked.inspect_err(|withheld| count(*withheld))
    }

    /// Lets a login through to its provider. It holds its place as long as it keeps the pass.
    pub async fn enter(&self, tenant: &TenantId, provider: &ProviderId) -> Result<Pass, Withheld> {
        let entered = self.enter_at(self.gate(tenant, provider)).await;
        entered.inspect_err(|withheld| count(*withheld))
    }

    /// How a provider's breaker stands.
    pub fn position(&self, tenant: &TenantId, provider: &ProviderId) -> Position {
        let gate = self.gates.get(&(tenant.clone(), provider.clone()));
        gate.map_or(Position::Closed, |gate| gate.breaker().position())
    }

    /// What is to be told of a provider now, if anything. Whoever takes it tells it, or says
    /// [`untold`](Self::untold).
    pub fn take_news(&self, tenant: &TenantId, provider: &ProviderId) -> Option<Sight> {
        let gate = self.gates.get(&(tenant.clone(), provider.clone()))?;
        let healthy = gate.breaker().position() == Position::Closed;
        let now = self.clock.now();
        let mut told = gate.told.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.duration_since(told.at);
        let sight = match (healthy, told.healthy) {
            (_, None) if age < TELL_AGAIN => return None,
            (false, None | Some(true)) => Sight::Fails,
            (false, Some(false)) if age >= STILL_FAILS => Sight::StillFails,
            (true, Some(false)) => Sight::Recovered,
            (true, None) => Sight::Works,
            (true, Some(true)) if age >= STILL_WORKS => Sight::Works,
            (_, Some(_)) => return None,
        };
        *told = Told { healthy: Some(healthy), at: now };
        Some(sight)
    }

    /// What was taken could not be told: it will be news again. A recovery stays one.
    pub fn untold(&self, tenant: &TenantId, provider: &ProviderId, sight: Sight) {
        let Some(gate) = self.gates.get(&(tenant.clone(), provider.clone())) else { return };
        let healthy = (sight == Sight::Recovered).then_some(false);
        let mut told = gate.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told = Told { healthy, at: self.clock.now() };
    }

    async fn enter_at(&self, gate: Arc<Gate>) -> Result<Pass, Withheld> {
        gate.breaker().check(self.clock.now()).map_err(unhealthy)?;
        let place = gate.place(self.room.wait).await?;
        let inside = Inside::enter(&self.inside);
        if self.held(&gate) > self.room.share(inside.others) {
            return Err(Withheld::Full);
        }
        let ticket = gate.breaker().admit(self.clock.now()).map_err(unhealthy)?;
        Ok(self.pass(gate, Some(ticket), place, inside))
    }

    fn gate(&self, tenant: &TenantId, provider: &ProviderId) -> Arc<Gate> {
        let key = (tenant.clone(), provider.clone());
        self.gates.get_with(key, || Arc::new(Gate::new(tenant, provider, self.room, &self.clock)))
    }

    /// How many places of a gate are taken.
    fn held(&self, gate: &Gate) -> usize {
        self.room.per_provider.saturating_sub(gate.places.available_permits())
    }

    fn pass(
        &self,
        gate: Arc<Gate>,
        ticket: Option<Ticket>,
        place: OwnedSemaphorePermit,
        inside: Inside,
    ) -> Pass {
        let (client, clock) = (self.client.clone(), self.clock.clone());
        Pass { gate, ticket, outcome: Outcome::Unused, client, clock, _place: place, _inside: inside }
    }
}

impl std::fmt::Debug for Gates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gates").field("room", &self.room).finish_non_exhaustive()
    }
}

impl Gate {
    fn new(tenant: &TenantId, provider: &ProviderId, room: Room, clock: &Clock) -> Self {
        Self {
            tenant: tenant.clone(),
            provider: provider.clone(),
            breaker: Mutex::default(),
            places: Arc::new(Semaphore::new(room.per_provider)),
            waiting: Semaphore::new(room.per_provider),
            told: Mutex::new(Told { healthy: None, at: clock.now() - TELL_AGAIN }),
            aside: Mutex::default(),
        }
    }

    /// One of the places, if there is one in time.
    async fn place(&self, wait: Duration) -> Result<OwnedSemaphorePermit, Withheld> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| Withheld::Full)?;
        let place = tokio::time::timeout(wait, Arc::clone(&self.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(Withheld::Full)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // Its methods do not panic half-way.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, ticket: &Ticket, outcome: Outcome, now: Timestamp) {
        let change = self.breaker().settle(ticket, outcome, now);
        let (tenant, provider) = (&self.tenant, &self.provider);
        match change {
            None => {}
            Some(Change::Opened) => {
                tracing::warn!(%tenant, %provider, "provider.unhealthy");
                metrics::gauge!("countersign_providers_unhealthy").increment(1.0);
            }
            Some(Change::Closed) => {
                tracing::info!(%tenant, %provider, "provider.recovered");
                metrics::gauge!("countersign_providers_unhealthy").decrement(1.0);
            }
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if self.breaker().position() != Position::Closed {
            metrics::gauge!("countersign_providers_unhealthy").decrement(1.0);
        }
    }
}

/// A login's permission to call its provider. Dropping it gives the place back and tells the
/// breaker what came of the calls.
pub struct Pass {
    gate: Arc<Gate>,
    /// None of a call that the breaker does not hear of.
    ticket: Option<Ticket>,
    outcome: Outcome,
    client: ProviderClient,
    clock: Clock,
    _place: OwnedSemaphorePermit,
    _inside: Inside,
}

impl Pass {
    /// Sends a request to the provider, as [`ProviderClient::send`] does.
    pub async fn send(
        &mut self,
        request: &OutboundRequest,
        deadline: Instant,
    ) -> Result<ProviderAnswer, EgressError> {
        let answer = self.client.send(&self.gate.tenant, request, deadline).await;
        self.outcome = match (self.outcome, outcome(&answer)) {
            (Outcome::Failed, _) => Outcome::Failed,
            (before, Outcome::Unused) => before,
            (_, now) => now,
        };
        answer
    }
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pass").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(ticket) = &self.ticket {
            self.gate.settle(ticket, self.outcome, self.clock.now());
        }
    }
}

/// Whether an answer says that the provider is out of order. What it says to this customer, and
/// what stands in its settings, does not.
fn outcome(answer: &Result<ProviderAnswer, EgressError>) -> Outcome {
    match answer {
        Ok(answer) if answer.status >= 500 => Outcome::Failed,
        Ok(_) | Err(EgressError::TooLarge) => Outcome::Answered,
        Err(EgressError::Refused(_) | EgressError::Unsendable) => Outcome::Unused,
        Err(EgressError::Connect | EgressError::Tls(_) | EgressError::Timeout | EgressError::Broken) => {
            Outcome::Failed
        }
    }
}

fn unhealthy(retry_after: SignedDuration) -> Withheld {
    Withheld::Unhealthy { retry_after }
}

fn count(withheld: Withheld) {
    metrics::counter!("countersign_provider_withheld_total", "reason" => withheld.as_str()).increment(1);
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_thousand_dead_providers_leave_room_for_another_one() {
        let room = Room::default();
        let (mut held, mut inside) = (vec![0; 1000], 0);
        // They take whatever they may, in turns, until none may take any more.
        loop {
            let before = inside;
            for held in &mut held {
                if *held < room.share(inside) {
                    (*held, inside) = (*held + 1, inside + 1);
                }
            }
            if inside == before {
                break;
            }
        }
        assert!(inside < room.in_all + room.in_all / 2, "{inside}");
        assert!(room.share(inside) >= FLOOR);
        assert_eq!(room.share(0), room.per_provider);
    }

    fn answer(status: u16) -> ProviderAnswer {
        ProviderAnswer { status, content_type: None, body: Vec::new() }
    }

    #[rstest]
    #[case(Ok(answer(200)), Outcome::Answered)]
    #[case(Ok(answer(302)), Outcome::Answered)]
    #[case(Ok(answer(400)), Outcome::Answered)]
    #[case(Ok(answer(401)), Outcome::Answered)]
    #[case(Ok(answer(429)), Outcome::Answered)]
    #[case(Ok(answer(500)), Outcome::Failed)]
    #[case(Ok(answer(503)), Outcome::Failed)]
    #[case(Err(EgressError::Timeout), Outcome::Failed)]
    #[case(Err(EgressError::Connect), Outcome::Failed)]
    #[case(Err(EgressError::Tls("expired".to_owned())), Outcome::Failed)]
    #[case(Err(EgressError::Broken), Outcome::Failed)]
    #[case(Err(EgressError::TooLarge), Outcome::Answered)]
    #[case(Err(EgressError::Unsendable), Outcome::Unused)]
    fn only_what_is_out_of_order_counts(
        #[case] answer: Result<ProviderAnswer, EgressError>,
        #[case] wanted: Outcome,
    ) {
        assert_eq!(outcome(&answer), wanted);
    }
}
