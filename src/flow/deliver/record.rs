//! Lanes are read and what came of their turns is written down, those of one tenant together: a round trip for each is
//! what delivering would be slow by.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::delivery::{DeliveryState, Lane};
use crate::domain::ids::TenantId;
use crate::flow::{Broker, RACES};
use crate::store::deliveries::Told;
use crate::store::keys::Due;
use crate::store::{Durability, StoreError, Stored, TenantStore, Tx};

use super::attempt::{Done, Loaded, Place, Turn};

/// Deliveries of one lane that are made in one turn, at most.
const IN_A_ROW: usize = 16;
/// Deliveries whose outcomes are written together: more would keep a login waiting that writes meanwhile.
const TOGETHER: usize = 100;

/// What became of a lane.
#[derive(Debug)]
pub(super) enum Fate {
    /// Nothing waits in it.
    Empty,
    /// The next one has its turn now, by this entry.
    Now(Due),
    /// The first one is tried again at this time.
    Later(Timestamp),
    /// Somebody else changed it, or it cannot be read: what it is now is found where it is due.
    Lost,
}

impl Broker {
    /// Reads what stands first in these lanes: nothing of one that cannot be read. Those that are not due any more are
    /// left out.
    pub(super) async fn load(&self, dues: Vec<Due>) -> Result<Vec<Loaded>, StoreError> {
        let mut loaded = Vec::with_capacity(dues.len());
        for (tenant, dues) in by_tenant(dues, |due| &due.tenant) {
            loaded.extend(self.load_of(&self.store.at(&tenant), dues).await?);
        }
        Ok(loaded)
    }

    async fn load_of(&self, store: &TenantStore, dues: Vec<Due>) -> Result<Vec<Loaded>, StoreError> {
        let (read, now) = (self.clock.tick(), self.clock.now());
        let names: Vec<_> = dues.iter().map(|due| due.id.as_str()).collect();
        let lanes = store.lanes(&names).await?;
        let (mut places, mut of_lanes) = (Vec::new(), Vec::new());
        for (due, lane) in dues.iter().zip(lanes) {
            let Some(lane) = readable(store, &due.id, lane) else {
                of_lanes.push((due, 0..0));
                continue;
            };
            match lane.filter(|lane| lane.due.is_some_and(|at| at <= now)) {
                Some(lane) => {
                    let from = places.len();
                    places.extend(lane.value.queue.into_iter().take(IN_A_ROW));
                    of_lanes.push((due, from..places.len()));
                }
                None => self.not_due(store, due).await?,
            }
        }
        let mut waiting = store.waiting(&places).await?.into_iter().zip(places);
        let of_lanes = of_lanes.into_iter().map(|(due, range)| {
            let mut read_of = Vec::with_capacity(range.len());
            for (waiting, place) in waiting.by_ref().take(range.len()).collect::<Vec<_>>() {
                let Some(delivery) = readable(store, &due.id, waiting.delivery) else { break };
                let delivery = delivery.filter(|delivery| delivery.state == DeliveryState::Pending);
                read_of.push(Place { id: place.delivery, delivery, event: waiting.event });
            }
            Loaded { due: due.clone(), places: read_of, read }
        });
        Ok(of_lanes.collect())
    }

    /// Takes an entry away that speaks of no lane, or of one that is due at another time. They are written together, so
    /// that there is none unless two backups were mixed.
    async fn not_due(&self, store: &TenantStore, due: &Due) -> Result<(), StoreError> {
        if store.lane(&due.id).await?.is_some_and(|lane| is_entry_of(due, &lane)) {
            return Ok(());
        }
        let mut tx = Tx::new();
        tx.not_due(due.kind, due.at, &due.id);
        store.commit(tx, Durability::Relaxed).await
    }

    /// Writes down what came of turns.
    pub(super) async fn write_down(&self, turns: Vec<Turn>) -> Result<Vec<(Due, Fate)>, StoreError> {
        let mut fates = Vec::with_capacity(turns.len());
        for (tenant, turns) in by_tenant(turns, |turn| &turn.due.tenant) {
            let store = self.store.at(&tenant);
            let mut some = Vec::new();
            let mut size = 0;
            for turn in turns {
                size += turn.done.len();
                some.push(turn);
                if size >= TOGETHER {
                    size = 0;
                    self.record_together(&store, std::mem::take(&mut some), &mut fates).await?;
                }
            }
            self.record_together(&store, some, &mut fates).await?;
        }
        Ok(fates)
    }

    /// Some of one tenant. If somebody changed one meanwhile, each for itself.
    async fn record_together(
        &self,
        store: &TenantStore,
        turns: Vec<Turn>,
        fates: &mut Vec<(Due, Fate)>,
    ) -> Result<(), StoreError> {
        match self.record_in_one(store, &turns).await {
            Err(StoreError::Conflict) => {}
            done => return done.map(|done| fates.extend(done)),
        }
        for turn in turns {
            fates.extend(self.record_alone(store, turn).await?);
        }
        Ok(())
    }

    async fn record_alone(&self, store: &TenantStore, turn: Turn) -> Result<Vec<(Due, Fate)>, StoreError> {
        for _ in 0..RACES {
            match self.record_in_one(store, std::slice::from_ref(&turn)).await {
                Err(StoreError::Conflict) if is_as_read(store, &turn).await? => {}
                Err(StoreError::Conflict) => break,
                done => return done,
            }
        }
        // It was resent, or another broker had the lease meanwhile: they know better.
        Ok(vec![(turn.due, Fate::Lost)])
    }

    async fn record_in_one(
        &self,
        store: &TenantStore,
        turns: &[Turn],
    ) -> Result<Vec<(Due, Fate)>, StoreError> {
        let names: Vec<_> = turns.iter().map(|turn| turn.due.id.as_str()).collect();
        // They are read again: something may have been put at their ends meanwhile.
        let (lanes, told) = tokio::try_join!(store.lanes(&names), store.told())?;
        let now = self.clock.now();
        let (mut tx, mut fates) = (Tx::new(), Vec::with_capacity(turns.len()));
        for (turn, lane) in turns.iter().zip(lanes) {
            let lane = readable(store, &turn.due.id, lane).flatten();
            let fate = lane.map_or(Fate::Lost, |lane| write(&mut tx, turn, &lane, now));
            fates.push((turn.due.clone(), fate));
        }
        if !tx.is_empty() {
            recount(&mut tx, told.as_ref());
            store.commit(tx, Durability::Relaxed).await?;
        }
        Ok(fates)
    }
}

/// What came of a turn, into the batch.
fn write(tx: &mut Tx, turn: &Turn, lane: &Stored<Lane>, now: Timestamp) -> Fate {
    let waits = turn.done.last().and_then(Done::waits);
    let ids = turn.done.iter().map(|done| &done.id);
    if !ids.eq(lane.queue.iter().map(|queued| &queued.delivery).take(turn.done.len())) {
        return Fate::Lost;
    }
    for (before, after) in turn.done.iter().filter_map(|done| done.change.as_ref()) {
        tx.update_delivery(before, after);
    }
    let mut next = lane.value.clone();
    next.advance(turn.done.len() - usize::from(waits.is_some()), now);
    if let Some(delivery) = waits {
        next.due = delivery.next_at;
    }
    tx.put_lane(&turn.due.id, Some(lane), &next);
    match next.due {
        None => Fate::Empty,
        Some(at) if waits.is_some() => Fate::Later(at),
        Some(at) => Fate::Now(Due { at, ..turn.due.clone() }),
    }
}

/// Writes into the batch how much waits after it.
pub(in crate::flow) fn recount(tx: &mut Tx, told: Option<&Stored<Told>>) {
    let Some(told) = told else { return };
    let after = told.value.clone().with(tx);
    if after != told.value {
        tx.put_told(Some(told), &after);
    }
}

/// Whether nobody has changed a delivery of this turn since it was read.
async fn is_as_read(store: &TenantStore, turn: &Turn) -> Result<bool, StoreError> {
    for (before, _) in turn.done.iter().filter_map(|done| done.change.as_ref()) {
        if store.delivery(&before.id).await?.is_none_or(|found| found.version() != before.version()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether this is the lane's entry now: entries are as fine as a millisecond.
fn is_entry_of(due: &Due, lane: &Lane) -> bool {
    lane.due.is_some_and(|at| Due { at, ..due.clone() }.to_member() == due.to_member())
}

/// What was read; none if it cannot be read, which is said. Its lane stays as it is until it can.
fn readable<T>(store: &TenantStore, lane: &str, read: Result<T, StoreError>) -> Option<T> {
    read.inspect_err(|error| {
        tracing::error!(tenant = %store.tenant(), lane, detail = %error, "delivery.unreadable");
    })
    .ok()
}

/// What belongs to each tenant, in its order.
fn by_tenant<T>(all: Vec<T>, tenant: impl Fn(&T) -> &TenantId) -> HashMap<TenantId, Vec<T>> {
    let mut sorted: HashMap<TenantId, Vec<T>> = HashMap::new();
    for one in all {
        let whose = tenant(&one).clone();
        sorted.entry(whose).or_default().push(one);
    }
    sorted
}
