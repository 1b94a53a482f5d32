//! What is kept of events on their way to webhooks: which events are new, the deliveries, the lanes
//! in which they wait, and what is not delivered yet.
//!
//! An event's batch holds one due entry more if the tenant has a webhook that wants it
//! ([`Tx::tell_webhooks`]). Whoever has the partition's lease makes deliveries of such events, in the
//! order of the log, and puts each at the end of its lane; the first of a lane has a due entry.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::delivery::{Delivery, DeliveryState, Lane, Queued};
use crate::domain::event::Event;
use crate::domain::ids::{DeliveryId, EventId, TenantId, WebhookId};

use super::backend::{Expect, Partition};
use super::keys::{Due, DueKind, millis, undelivered_set};
use super::lists::{Asked, List, Row, delivery_place};
use super::read::Page;
use super::records::{Record as _, Stored};
use super::tx::{DEAD, DELIVERIES, EVENTS, LINK_KEPT, LINK_TTL, Op, Place, Tx, end_of_hour};
use super::{Store, StoreError, TenantStore};

/// How far the log of a tenant's events was given to its webhooks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The last position.
    pub position: u64,
    /// How much waits for each webhook. It is counted from the first event on that was given to webhooks; who resends
    /// or tries a webhook before that is not in it.
    #[serde(default)]
    pub pending: BTreeMap<WebhookId, u64>,
}

impl Told {
    /// With what a transaction changes of what waits.
    #[must_use]
    pub fn with(mut self, tx: &Tx) -> Self {
        for (webhook, change) in &tx.pending {
            let count = self.pending.remove(webhook).unwrap_or_default().saturating_add_signed(*change);
            if count > 0 {
                self.pending.insert(webhook.clone(), count);
            }
        }
        self
    }
}

/// Something that is not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// When it happened.
    pub since: Timestamp,
    /// Whose.
    pub tenant: TenantId,
    /// Which delivery.
    pub delivery: DeliveryId,
}

/// What stands in a place of a lane, as it was read.
#[derive(Debug)]
pub struct Waiting {
    /// The delivery; none if it is gone.
    pub delivery: Result<Option<Stored<Delivery>>, StoreError>,
    /// Its event; none if it is gone or cannot be read.
    pub event: Option<Event>,
}

impl Tx {
    /// Webhooks are to be told of this event, which is written in the same batch.
    pub fn tell_webhooks(&mut self, event: &EventId) {
        self.due(DueKind::Telling, Timestamp::UNIX_EPOCH, event.as_str());
        self.delivers = true;
    }

    /// There are deliveries of this event now, or nobody wants it any more.
    pub fn told_webhooks(&mut self, event: &str) {
        self.not_due(DueKind::Telling, Timestamp::UNIX_EPOCH, event);
    }

    /// How far the log was read; `stored` is what was read of it.
    pub fn put_told(&mut self, stored: Option<&Stored<Told>>, told: &Told) {
        match stored {
            Some(stored) => self.replace(stored, told, None),
            None => self.put(Place::Only, Some(Expect::Absent), told, None),
        }
    }

    /// A new delivery: listed, not delivered, and forgotten when it was kept for long enough.
    pub fn create_delivery(&mut self, delivery: &Delivery) {
        let until = Some(delivery.created_at + LINK_TTL);
        self.put(Place::Named(delivery.id.to_string()), Some(Expect::Absent), delivery, until);
        self.list(true, Place::Only, DELIVERIES, delivery_place(delivery));
        self.undelivered(true, delivery);
        *self.pending.entry(delivery.webhook.clone()).or_default() += 1;
        self.due(DueKind::DeliverySweep, end_of_hour(delivery.created_at) + LINK_KEPT, "");
    }

    /// A changed delivery.
    pub fn update_delivery(&mut self, stored: &Stored<Delivery>, delivery: &Delivery) {
        self.replace(stored, delivery, Some(delivery.created_at + LINK_TTL));
        let is = |state, delivery: &Delivery| delivery.state == state;
        for (state, now) in
            [DeliveryState::Pending, DeliveryState::Dead].map(|state| (state, is(state, delivery)))
        {
            if now == is(state, stored) {
                continue;
            }
            if state == DeliveryState::Dead {
                self.list(now, Place::Only, DEAD, delivery_place(delivery));
            } else {
                self.undelivered(now, delivery);
                *self.pending.entry(delivery.webhook.clone()).or_default() += if now { 1 } else { -1 };
            }
        }
    }

    /// Forgets a delivery that was kept for long enough.
    pub fn forget_delivery(&mut self, row: &Row<Delivery>) {
        self.list(false, Place::Only, DELIVERIES, row.member.clone());
        self.list(false, Place::Only, DEAD, row.member.clone());
        if let Some(delivery) = &row.record {
            self.undelivered(false, delivery);
            self.ops.push(Op::Delete(delivery.key.clone()));
        }
    }

    /// A lane as it is now; `stored` is what was read of it. An empty one is forgotten.
    pub fn put_lane(&mut self, name: &str, stored: Option<&Stored<Lane>>, lane: &Lane) {
        match stored {
            Some(stored) if lane.queue.is_empty() => {
                self.ops.push(Op::Expect(stored.key.clone(), stored.version));
                self.ops.push(Op::Delete(stored.key.clone()));
            }
            Some(stored) => self.replace(stored, lane, None),
            None => self.put(Place::Named(name.to_owned()), Some(Expect::Absent), lane, None),
        }
        let before = stored.and_then(|stored| stored.due);
        if before != lane.due {
            if let Some(at) = before {
                self.not_due(DueKind::Lane, at, name);
            }
            if let Some(at) = lane.due {
                self.due(DueKind::Lane, at, name);
                self.delivers = true;
            }
        }
    }

    fn undelivered(&mut self, is_in: bool, delivery: &Delivery) {
        self.ops.push(Op::Undelivered { is_in, at: delivery.created_at, id: delivery.id.clone() });
    }
}

impl Store {
    /// At most `limit` of what is not delivered yet in a partition, the oldest first.
    pub async fn undelivered(
        &self,
        partition: Partition,
        limit: usize,
    ) -> Result<Vec<Undelivered>, StoreError> {
        let members = self.inner.backend.range(&undelivered_set(partition), &[], limit).await?;
        Ok(members.iter().filter_map(|member| parse_undelivered(member)).collect())
    }
}

impl Store {
    /// The next tenant of a partition, in the order of their names, that has events which webhooks are to be told of.
    pub async fn next_untold(
        &self,
        partition: Partition,
        behind: Option<&TenantId>,
    ) -> Result<Option<TenantId>, StoreError> {
        // A semicolon is the very next behind the colon that ends a tenant's name.
        let after = behind.map_or_else(|| untold_place(":"), |tenant| untold_place(&format!(":{tenant};")));
        let page = self.due_page(partition, Timestamp::UNIX_EPOCH, &after, 1).await?;
        let found = page.found.into_iter().next().filter(|due| due.kind == DueKind::Telling);
        Ok(found.map(|due| due.tenant))
    }
}

impl TenantStore {
    /// At most `limit` ids of events that webhooks are to be told of.
    pub async fn untold(&self, limit: usize) -> Result<BTreeSet<String>, StoreError> {
        let after = untold_place(&format!(":{}:", self.tenant()));
        let page = self.store.due_page(self.partition(), Timestamp::UNIX_EPOCH, &after, limit).await?;
        let ours = page.found.into_iter().take_while(|due| self.is_ours(due));
        Ok(ours.map(|due| due.id).collect())
    }

    /// Those of these events that webhooks are to be told of; with others that were written at about the same time.
    pub async fn untold_of(&self, ids: &[EventId]) -> Result<BTreeSet<String>, StoreError> {
        let mut found = BTreeSet::new();
        let ids = || ids.iter().map(EventId::as_str);
        let (Some(first), Some(last)) = (ids().min(), ids().max()) else { return Ok(found) };
        // Behind a place there is only what is longer or larger: the first id without its end is before it.
        let mut after = untold_place(&format!(":{}:{}", self.tenant(), &first[..first.len() - 1]));
        loop {
            let page = self.store.due_page(self.partition(), Timestamp::UNIX_EPOCH, &after, 200).await?;
            for due in page.found {
                if !self.is_ours(&due) || due.id.as_str() > last {
                    return Ok(found);
                }
                found.insert(due.id);
            }
            match page.next {
                Some(next) => after = next,
                None => return Ok(found),
            }
        }
    }

    fn is_ours(&self, due: &Due) -> bool {
        due.kind == DueKind::Telling && due.tenant == *self.tenant()
    }

    /// A delivery by its id.
    pub async fn delivery(&self, id: &DeliveryId) -> Result<Option<Stored<Delivery>>, StoreError> {
        self.one(self.keys.key(Delivery::KIND, id.as_str())).await
    }

    /// A lane by its name.
    pub async fn lane(&self, name: &str) -> Result<Option<Stored<Lane>>, StoreError> {
        self.one(self.keys.key(Lane::KIND, name)).await
    }

    /// The tenant's deliveries that wait, the oldest first: a page of at most `limit` behind a place, and where the
    /// next one begins. Those that cannot be read are left out.
    pub async fn waiting_since(
        &self,
        after: &[u8],
        limit: usize,
    ) -> Result<(Vec<Stored<Delivery>>, Option<Vec<u8>>), StoreError> {
        let set = undelivered_set(self.partition());
        let mut members = self.store.inner.backend.range(&set, after, limit).await?;
        let ours = members.iter().filter_map(|member| parse_undelivered(member));
        let ours = ours.filter(|found| found.tenant == *self.tenant()).map(|found| found.delivery);
        let found = self.deliveries_of(&ours.collect::<Vec<_>>()).await?;
        let next = members.pop().filter(|_| members.len() + 1 == limit);
        Ok((found, next))
    }

    /// The deliveries of these ids that there are and that can be read.
    pub async fn deliveries_of(&self, ids: &[DeliveryId]) -> Result<Vec<Stored<Delivery>>, StoreError> {
        let keys = ids.iter().map(|id| self.keys.key(Delivery::KIND, id.as_str())).collect();
        Ok(self.each(keys).await?.into_iter().filter_map(|found| found.ok().flatten()).collect())
    }

    /// The lanes of these names, in their order, in one read. One that cannot be read says nothing of the others.
    pub async fn lanes(
        &self,
        names: &[&str],
    ) -> Result<Vec<Result<Option<Stored<Lane>>, StoreError>>, StoreError> {
        self.each(names.iter().map(|name| self.keys.key(Lane::KIND, name)).collect()).await
    }

    /// What stands in these places, in their order, in one read.
    pub async fn waiting(&self, places: &[Queued]) -> Result<Vec<Waiting>, StoreError> {
        let deliveries = places.iter().map(|place| self.keys.key(Delivery::KIND, place.delivery.as_str()));
        let events = places.iter().map(|place| self.keys.key(Event::KIND, place.event.as_str()));
        let keys: Vec<_> = deliveries.chain(events).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.store.inner.backend.get(&keys).await?.into_iter().zip(keys);
        let deliveries: Vec<_> =
            found.by_ref().take(places.len()).map(|(found, key)| self.open(key, found)).collect();
        let events = found.map(|(found, key)| self.open(key, found).ok().flatten().map(Stored::into_value));
        Ok(deliveries.into_iter().zip(events).map(|(delivery, event)| Waiting { delivery, event }).collect())
    }

    /// How far the log was given to webhooks.
    pub async fn told(&self) -> Result<Option<Stored<Told>>, StoreError> {
        self.one(self.keys.key(Told::KIND, "")).await
    }

    /// An event by its id.
    pub async fn event(&self, id: &EventId) -> Result<Option<Stored<Event>>, StoreError> {
        self.one(self.keys.key(Event::KIND, id.as_str())).await
    }

    /// At most `limit` ids of events behind a position, with theirs.
    pub async fn event_ids_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<(u64, EventId)>, StoreError> {
        let log = self.keys.key(EVENTS, "");
        let entries = self.store.inner.backend.read(&log, position, limit).await?;
        let id = |entry: Vec<u8>| String::from_utf8(entry).ok()?.parse().ok();
        Ok(entries.into_iter().filter_map(|(at, entry)| Some((at, id(entry)?))).collect())
    }

    /// A part of the list of deliveries, or of the dead ones, those that `keep` wants.
    pub async fn deliveries(
        &self,
        dead: bool,
        asked: &Asked<'_>,
        keep: impl Fn(&Delivery) -> bool + Send,
    ) -> Result<Page<Stored<Delivery>>, StoreError> {
        let list = if dead { List::DeadDeliveries } else { List::Deliveries };
        self.page(list, asked, keep).await
    }

    /// At most `limit` deliveries that were made before `cut`.
    pub async fn deliveries_before(
        &self,
        cut: Timestamp,
        limit: usize,
    ) -> Result<Vec<Row<Delivery>>, StoreError> {
        self.rows_before(List::Deliveries, cut, limit).await
    }
}

pub(super) fn undelivered_place(tenant: &TenantId, at: Timestamp, id: &DeliveryId) -> Vec<u8> {
    [millis(at).to_be_bytes().as_slice(), format!("{tenant}:{id}").as_bytes()].concat()
}

/// A place among the entries of events that webhooks are to be told of.
fn untold_place(rest: &str) -> Vec<u8> {
    [0_u64.to_be_bytes().as_slice(), DueKind::Telling.as_str().as_bytes(), rest.as_bytes()].concat()
}

fn parse_undelivered(member: &[u8]) -> Option<Undelivered> {
    let (time, text) = member.split_first_chunk::<8>()?;
    let since = Timestamp::from_millisecond(i64::try_from(u64::from_be_bytes(*time)).ok()?).ok()?;
    let (tenant, delivery) = std::str::from_utf8(text).ok()?.split_once(':')?;
    Some(Undelivered { since, tenant: tenant.parse().ok()?, delivery: delivery.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_that_are_no_place_are_no_panic(member: Vec<u8>) {
            parse_undelivered(&member);
        }

        #[test]
        fn what_is_not_delivered_is_found_oldest_first(a in 0_i64..4_000_000_000_000, b in 0_i64..4_000_000_000_000) {
            let tenant: TenantId = "acme".parse().unwrap();
            let id = DeliveryId::from_uuid(uuid::Uuid::from_u128(5));
            let place = |millis| undelivered_place(&tenant, Timestamp::from_millisecond(millis).unwrap(), &id);
            let known = parse_undelivered(&place(a)).unwrap();
            prop_assert_eq!((known.since.as_millisecond(), known.delivery), (a, id.clone()));
            prop_assert_eq!(a.cmp(&b), place(a).cmp(&place(b)));
        }
    }
}
