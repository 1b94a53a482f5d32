//! A round: everything that one broker does in a partition while it has the lease. Its loop holds what is known of the
//! lanes and never waits for a call or for the store: turns and errands run beside it.
//!
//! To add a stage that lanes go through: 1. its field in [`Round`], 2. how they come into it and leave it
//! in `lanes.rs`, 3. when a round may end with something in it (`run`), 4. a case in `tests/it/deliveries/`.

mod lanes;

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

use crate::domain::ids::TenantId;
use crate::flow::Broker;
use crate::store::StoreError;
use crate::store::backend::Partition;
use crate::store::keys::Due;
use crate::store::lease::{Lease, Work};

use super::attempt::{FRESH, Loaded, Turn};
use super::errand::{Brought, Errand};
use super::pace::Receiver;
use super::record::Fate;
use super::scan::Scan;
use super::{HELD, Term, spread};
use lanes::{key_of, leave, receiver_of};

/// How long a lease lasts, and from which rest on it is renewed. A broker that is killed is succeeded within this time;
/// one that lives renews it several times before it ends.
const LEASED: Duration = Duration::from_secs(8);
const RENEWED: Duration = Duration::from_millis(5500);
/// How often a round looks whether there is more while calls are under way.
const TICK: Duration = Duration::from_millis(500);
/// And how soon at the earliest: what comes in between goes to the store together.
const SOONEST: Duration = Duration::from_millis(20);
/// So many lanes are known at once.
const KNOWN: usize = 32 * 1024;
/// With so few known ones, those that were passed over are looked for again.
const FEW: usize = 256;
/// Deliveries that were made and not written down, at most: so many come twice if the process is killed.
const UNWRITTEN: usize = 512;
/// A retry that is due within this time is waited for here; later ones are found by the sweep.
const SOON: Duration = Duration::from_mins(1);

/// What a round leaves undone.
pub(super) enum Left {
    /// Nothing that is due.
    Nothing,
    /// Something, to be looked at after this time.
    Later(Duration),
}

/// A lane of a tenant.
type LaneKey = (TenantId, String);

struct Round<'a> {
    broker: &'a Arc<Broker>,
    lease: Lease,
    term: Term,
    /// Every lane that is dealt with here in any way.
    known: HashSet<LaneKey>,
    /// Lanes that are due: not read yet, or not any more.
    ready: VecDeque<Due>,
    /// How many of them each webhook has.
    ready_for: HashMap<Receiver, usize>,
    /// Lanes that were read a moment ago.
    loaded: VecDeque<Loaded>,
    calls: JoinSet<Turn>,
    /// How many lanes of each webhook are read or under way, and how many are under way.
    held: HashMap<Receiver, usize>,
    under_way: HashMap<Receiver, usize>,
    /// Turns that are not written down, and how many deliveries these are, with those of the errand.
    turns: Vec<Turn>,
    unwritten: usize,
    /// One at most.
    errand: JoinSet<Result<Brought, StoreError>>,
    sent_out: Option<Instant>,
    scan: Scan,
    /// Whether lanes were passed over since there were enough of their webhook.
    is_crowded: bool,
    /// Whether there may be something new.
    is_rung: bool,
    /// Whether every webhook that lanes are ready for has as many as it can take.
    is_full: bool,
    /// When the first of the failed ones is tried again.
    next: Option<Timestamp>,
    failed: Option<StoreError>,
}

impl Broker {
    /// Delivers what is due in a partition. Costs a few reads if nothing is.
    pub(super) async fn round(
        self: &Arc<Self>,
        partition: Partition,
        bell: &Notify,
    ) -> Result<Left, StoreError> {
        let mut scan = self.delivering.take_scan(partition);
        let found = self.first_work(partition, &mut scan).await?;
        let Some(found) = found.filter(|_| !*self.delivering.stopping.borrow()) else {
            self.delivering.keep_scan(partition, scan);
            return Ok(Left::Nothing);
        };
        let now = self.clock.now();
        let Some(lease) = self.store.lease(partition, Work::Deliver, LEASED).await? else {
            return Ok(Left::Later(HELD));
        };
        let mut round = Round::new(self, lease, scan);
        round.term.extend(now + LEASED);
        round.found(found);
        round.run(bell).await;
        let Round { lease, next, failed, scan, .. } = round;
        self.store.end_lease(lease).await?;
        failed.map_or(Ok(()), Err)?;
        if !*self.delivering.stopping.borrow() {
            self.delivering.keep_scan(partition, scan);
        }
        let wait =
            next.map(|next| Duration::try_from(next.duration_since(self.clock.now())).unwrap_or_default());
        Ok(wait.filter(|wait| *wait <= SOON).map_or(Left::Nothing, Left::Later))
    }

    /// Lanes that are due, perhaps none if there are new events; nothing at all if nothing can be done.
    async fn first_work(
        &self,
        partition: Partition,
        scan: &mut Scan,
    ) -> Result<Option<Vec<Due>>, StoreError> {
        if spread::is_new(&self.store, partition).await? {
            return Ok(Some(Vec::new()));
        }
        loop {
            let now = self.clock.now();
            let mut found = scan.go_on(&self.store, partition, now).await?;
            found.retain(|due| {
                let receiver = receiver_of(due).filter(|at| self.room_for(at, now) == 0);
                if let Some(at) = &receiver {
                    scan.pass_over(self.back_at(at, now));
                }
                receiver.is_none()
            });
            if !found.is_empty() || scan.has_ended {
                return Ok(Some(found).filter(|found| !found.is_empty()));
            }
        }
    }
}

impl<'a> Round<'a> {
    fn new(broker: &'a Arc<Broker>, lease: Lease, scan: Scan) -> Self {
        Self {
            broker,
            lease,
            term: Term::default(),
            known: HashSet::new(),
            ready: VecDeque::new(),
            ready_for: HashMap::new(),
            loaded: VecDeque::new(),
            calls: JoinSet::new(),
            held: HashMap::new(),
            under_way: HashMap::new(),
            turns: Vec::new(),
            unwritten: 0,
            errand: JoinSet::new(),
            sent_out: None,
            scan,
            is_crowded: false,
            is_rung: true,
            is_full: false,
            next: None,
            failed: None,
        }
    }

    async fn run(&mut self, bell: &Notify) {
        let mut stopping = self.broker.delivering.stopping.subscribe();
        loop {
            let goes_on = !*stopping.borrow_and_update() && self.failed.is_none() && self.renew().await;
            if goes_on {
                self.begin_calls();
            } else {
                (self.ready, self.loaded) = (VecDeque::new(), VecDeque::new());
            }
            let is_more = self.is_more(goes_on);
            let pause = if is_more { self.pause() } else { TICK };
            if is_more && pause.is_zero() && self.errand.is_empty() {
                self.send_out(goes_on);
            }
            let is_idle = self.calls.is_empty() && self.errand.is_empty();
            if !is_more && is_idle && self.ready.is_empty() && self.loaded.is_empty() {
                return;
            }
            tokio::select! {
                Some(done) = self.calls.join_next() => self.called(done),
                Some(done) = self.errand.join_next() => self.brought(done),
                () = bell.notified() => self.is_rung = true,
                _ = stopping.changed() => {}
                () = tokio::time::sleep(pause) => self.is_rung |= !is_more,
            }
            while let Some(done) = self.calls.try_join_next() {
                self.called(done);
            }
        }
    }

    /// False if the lease is lost, or will be.
    async fn renew(&mut self) -> bool {
        let now = self.broker.clock.now();
        if self.lease.is_good_for(RENEWED, now) {
            return true;
        }
        match self.broker.store.renew_lease(&mut self.lease, LEASED).await {
            Ok(renewed) => {
                if renewed {
                    self.term.extend(now + LEASED);
                }
                renewed
            }
            Err(error) => {
                self.failed = Some(error);
                false
            }
        }
    }

    /// Whether an errand has something to do.
    fn is_more(&self, goes_on: bool) -> bool {
        let is_looking = self.is_rung || !self.scan.has_ended || !self.ready.is_empty() && !self.is_full;
        self.failed.is_none() && (!self.turns.is_empty() || goes_on && is_looking)
    }

    /// How long the next errand waits.
    fn pause(&self) -> Duration {
        if !self.errand.is_empty() {
            return TICK;
        }
        // While calls are under way more comes together; otherwise there is nothing to wait for.
        let since = self.sent_out.filter(|_| !self.calls.is_empty());
        since.map_or(Duration::ZERO, |at| SOONEST.saturating_sub(self.broker.clock.tick().duration_since(at)))
    }

    fn send_out(&mut self, goes_on: bool) {
        self.sent_out = Some(self.broker.clock.tick());
        if self.is_crowded && self.ready.len() < FEW {
            self.scan.begin_again();
            self.is_crowded = false;
        }
        let wanted = if goes_on { self.wanted() } else { Vec::new() };
        let looks = goes_on && self.known.len() < KNOWN;
        let errand = Errand {
            partition: self.lease.partition(),
            turns: std::mem::take(&mut self.turns),
            spreads: goes_on && self.is_rung,
            scan: looks.then(|| self.scan.clone()),
            wanted,
        };
        (self.is_rung, self.is_full) = (false, errand.wanted.is_empty());
        self.errand.spawn(errand.run(Arc::clone(self.broker)));
    }

    /// Begins as many turns as there is room for, here and in the process.
    fn begin_calls(&mut self) {
        let now = self.broker.clock.now();
        for lane in std::mem::take(&mut self.loaded) {
            let Some(receiver) = receiver_of(&lane.due) else { continue };
            if lane.read.elapsed() >= FRESH {
                leave(&mut self.held, &receiver);
                self.make_ready(lane.due);
                continue;
            }
            let has_room = self.unwritten < UNWRITTEN
                && self.under_way.get(&receiver).copied().unwrap_or(0) < self.room(&receiver, now);
            let slot = has_room.then(|| Arc::clone(&self.broker.delivering.slots).try_acquire_owned());
            let Some(Ok(slot)) = slot else {
                self.loaded.push_back(lane);
                continue;
            };
            *self.under_way.entry(receiver).or_default() += 1;
            let (broker, term) = (Arc::clone(self.broker), self.term.clone());
            let due = lane.due.clone();
            self.calls.spawn(async move {
                let _slot = slot;
                let turn = AssertUnwindSafe(broker.take_turn(lane, &term)).catch_unwind().await;
                turn.unwrap_or_else(|_| Turn { due, done: Vec::new(), broke: true })
            });
        }
    }

    fn called(&mut self, turn: Result<Turn, JoinError>) {
        let Ok(turn) = turn else { return self.panicked() };
        self.is_full = false;
        if let Some(receiver) = receiver_of(&turn.due) {
            leave(&mut self.under_way, &receiver);
            leave(&mut self.held, &receiver);
        }
        if turn.broke {
            // Nobody else has to wait for it: it stays known, and is looked at again in another round.
            let (tenant, lane) = (&turn.due.tenant, &turn.due.id);
            tracing::error!(tenant = %tenant, lane = %lane, "delivery.lane_panicked");
            return;
        }
        if turn.done.is_empty() {
            return self.make_ready(turn.due);
        }
        self.unwritten += turn.done.len();
        self.turns.push(turn);
    }

    fn brought(&mut self, brought: Result<Result<Brought, StoreError>, JoinError>) {
        let Ok(brought) = brought else { return self.panicked() };
        let Brought { fates, found, scan, is_more, wanted, loaded } = match brought {
            Ok(brought) => brought,
            Err(error) => {
                self.failed = Some(error);
                return;
            }
        };
        self.unwritten = self.turns.iter().map(|turn| turn.done.len()).sum();
        self.is_rung |= is_more;
        if let Some(scan) = scan {
            self.scan = scan;
        }
        for (due, fate) in fates {
            match fate {
                Fate::Now(due) => {
                    self.make_ready(due);
                    continue;
                }
                Fate::Later(at) => self.next = [self.next, Some(at)].into_iter().flatten().min(),
                Fate::Lost => self.scan.begin_again(),
                Fate::Empty => {}
            }
            self.known.remove(&key_of(&due));
        }
        self.found(found);
        self.take_loaded(&wanted, loaded);
    }

    /// Whose it was is not known any more: the sweep begins another round.
    fn panicked(&mut self) {
        tracing::error!("delivery.lane_panicked");
        self.failed = Some(StoreError::Conflict);
    }
}
