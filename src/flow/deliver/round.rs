//! A round: everything that one broker does in a partition while it has the lease.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::domain::ids::TenantId;
use crate::flow::Broker;
use crate::store::StoreError;
use crate::store::backend::Partition;
use crate::store::keys::{Due, DueKind};
use crate::store::lease::{Lease, Work};

use super::pace::Receiver;
use super::{HELD, Term, spread};

/// How long a lease lasts, and from which rest on it is renewed: a call takes at most 12 seconds.
const LEASED: Duration = Duration::from_secs(30);
const RENEWED: Duration = Duration::from_secs(22);
/// How often a round looks whether there is more while calls are under way.
const TICK: Duration = Duration::from_millis(500);
/// And how soon at the earliest.
const SOONEST: Duration = Duration::from_millis(20);
/// Lanes of one webhook that are read at once.
const READ_AHEAD: usize = 256;
/// While so many lanes are known that can be run, further ones are looked for once in a while only: a look goes
/// through everything that is due.
const ENOUGH: usize = 32;
const AGAIN: Duration = Duration::from_secs(1);
/// A retry that is due within this time is waited for here; later ones are found by the sweep.
const SOON: Duration = Duration::from_mins(1);

/// What a round leaves undone.
pub(super) enum Left {
    /// Nothing that is due.
    Nothing,
    /// Something, to be looked at after this time.
    Later(Duration),
}

type LaneKey = (TenantId, String);

struct Round<'a> {
    broker: &'a Arc<Broker>,
    lease: Lease,
    term: Term,
    tasks: JoinSet<(Due, Result<Option<Timestamp>, StoreError>)>,
    under_way: HashMap<Receiver, usize>,
    busy: HashSet<LaneKey>,
    ready: VecDeque<Due>,
    looked: Option<Instant>,
    looked_for_lanes: Option<Instant>,
    /// When the first of the failed ones is tried again.
    next: Option<Timestamp>,
    failed: Option<StoreError>,
}

impl Broker {
    /// Delivers what is due in a partition. Costs one read if nothing is.
    pub(super) async fn round(
        self: &Arc<Self>,
        partition: Partition,
        bell: &Notify,
    ) -> Result<Left, StoreError> {
        let now = self.clock.now();
        let can_be_done = |due: &Due| due.kind.is_delivery() && self.has_room(due, now);
        let to_do = self.store.due_of(partition, now, 1, can_be_done).await?;
        if to_do.is_empty() || *self.delivering.stopping.borrow() {
            return Ok(Left::Nothing);
        }
        let Some(lease) = self.store.lease(partition, Work::Deliver, LEASED).await? else {
            return Ok(Left::Later(HELD));
        };
        let term = Term::default();
        term.extend(now + LEASED);
        let mut round = Round {
            broker: self,
            lease,
            term,
            tasks: JoinSet::new(),
            under_way: HashMap::new(),
            busy: HashSet::new(),
            ready: VecDeque::new(),
            looked: None,
            looked_for_lanes: None,
            next: None,
            failed: None,
        };
        let ran = round.run(bell).await;
        let Round { lease, next, failed, .. } = round;
        self.store.end_lease(lease).await?;
        ran?;
        failed.map_or(Ok(()), Err)?;
        let wait =
            next.map(|next| Duration::try_from(next.duration_since(self.clock.now())).unwrap_or_default());
        Ok(wait.filter(|wait| *wait <= SOON).map_or(Left::Nothing, Left::Later))
    }

    /// Whether something can be done about a due entry now.
    fn has_room(&self, due: &Due, now: Timestamp) -> bool {
        due.kind == DueKind::Telling
            || receiver_of(due).is_none_or(|receiver| self.delivering.paces.room(&receiver, now) > 0)
    }
}

impl Round<'_> {
    async fn run(&mut self, bell: &Notify) -> Result<(), StoreError> {
        let mut stopping = self.broker.delivering.stopping.subscribe();
        loop {
            let goes_on = self.renew().await? && !*stopping.borrow_and_update() && self.failed.is_none();
            if goes_on {
                self.look().await?;
                self.start();
            }
            if self.tasks.is_empty() && (self.ready.is_empty() || !goes_on) {
                return Ok(());
            }
            tokio::select! {
                Some(done) = self.tasks.join_next() => self.ended(done),
                () = bell.notified() => {}
                _ = stopping.changed() => {}
                () = tokio::time::sleep(TICK) => {}
            }
            while let Some(done) = self.tasks.try_join_next() {
                self.ended(done);
            }
        }
    }

    /// False if the lease is lost.
    async fn renew(&mut self) -> Result<bool, StoreError> {
        let now = self.broker.clock.now();
        if self.lease.is_good_for(RENEWED, now) {
            return Ok(true);
        }
        let renewed = self.broker.store.renew_lease(&mut self.lease, LEASED).await?;
        if renewed {
            self.term.extend(now + LEASED);
        }
        Ok(renewed)
    }

    /// Reads what is due, unless enough of it is known.
    async fn look(&mut self) -> Result<(), StoreError> {
        let tick = self.broker.clock.tick();
        if self.looked.is_some_and(|looked| tick.duration_since(looked) < SOONEST) {
            tokio::time::sleep(SOONEST).await;
        }
        self.looked = Some(self.broker.clock.tick());
        let (store, partition) = (&self.broker.store, self.lease.partition());
        let now = self.broker.clock.now();
        let is_new = |due: &Due| due.kind == DueKind::Telling;
        let new = store.due_of(partition, Timestamp::UNIX_EPOCH, usize::MAX, is_new).await?;
        match self.broker.spread(&new).await {
            // Somebody changed a lane meanwhile: the next look does it.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
        let tick = self.broker.clock.tick();
        let is_recent = self.looked_for_lanes.is_some_and(|looked| tick.duration_since(looked) < AGAIN);
        if is_recent && self.ready.len() >= ENOUGH {
            return Ok(());
        }
        self.looked_for_lanes = Some(tick);
        let mut ahead: HashMap<Receiver, usize> = HashMap::new();
        for receiver in self.ready.iter().filter_map(receiver_of) {
            *ahead.entry(receiver).or_default() += 1;
        }
        let (broker, busy, ready) = (self.broker, &self.busy, &self.ready);
        let waits: HashSet<_> = ready.iter().map(key_of).collect();
        let found = store
            .due_of(partition, now, usize::MAX, |due| {
                let Some(receiver) = receiver_of(due).filter(|_| due.kind == DueKind::Lane) else {
                    return false;
                };
                let key = key_of(due);
                if busy.contains(&key)
                    || waits.contains(&key)
                    || broker.delivering.paces.room(&receiver, now) == 0
                {
                    return false;
                }
                let ahead = ahead.entry(receiver).or_default();
                *ahead += 1;
                *ahead <= READ_AHEAD
            })
            .await?;
        self.ready.extend(found);
        Ok(())
    }

    /// Begins as many as there is room for, here and in the process.
    fn start(&mut self) {
        let now = self.broker.clock.now();
        let mut waiting = VecDeque::new();
        for due in std::mem::take(&mut self.ready) {
            let Some(receiver) = receiver_of(&due) else { continue };
            let under_way = self.under_way.entry(receiver.clone()).or_default();
            let room = self.broker.delivering.paces.room(&receiver, now);
            if room == 0 {
                continue;
            }
            let room = room.min(self.broker.delivering.share());
            let slot =
                (*under_way < room).then(|| Arc::clone(&self.broker.delivering.slots).try_acquire_owned());
            let Some(Ok(slot)) = slot else {
                waiting.push_back(due);
                continue;
            };
            *under_way += 1;
            self.busy.insert(key_of(&due));
            let (broker, term) = (Arc::clone(self.broker), self.term.clone());
            self.tasks.spawn(async move {
                let _slot = slot;
                let ran = broker.run_lane(&due, &term).await;
                (due, ran)
            });
        }
        self.ready = waiting;
    }

    fn ended(&mut self, done: Result<(Due, Result<Option<Timestamp>, StoreError>), tokio::task::JoinError>) {
        let Ok((due, ran)) = done else {
            tracing::error!("delivery.lane_panicked");
            // Whose it was is not known any more: the sweep begins another round.
            self.failed = Some(StoreError::Conflict);
            return;
        };
        self.busy.remove(&key_of(&due));
        if let Some(under_way) = receiver_of(&due).and_then(|receiver| self.under_way.get_mut(&receiver)) {
            *under_way -= 1;
        }
        match ran {
            Ok(next) => self.next = [self.next, next].into_iter().flatten().min(),
            Err(StoreError::Conflict) => {}
            Err(error) => self.failed = Some(error),
        }
    }
}

fn key_of(due: &Due) -> LaneKey {
    (due.tenant.clone(), due.id.clone())
}

fn receiver_of(due: &Due) -> Option<Receiver> {
    Some((due.tenant.clone(), spread::webhook_of(&due.id)?))
}
