//! From new events to deliveries: one for each webhook that wants the event, at the end of the lane of
//! its conversation. The order is that of the log, whatever the clocks of the brokers said.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::delivery::{Delivery, Lane};
use crate::domain::event::Event;
use crate::domain::ids::{DeliveryId, EventId, WebhookId};
use crate::domain::webhook::Webhook;
use crate::flow::Broker;
use crate::store::backend::Partition;
use crate::store::deliveries::Told;
use crate::store::{Durability, Store, StoreError, Stored, TenantStore, Tx};

use super::overflow::LANE_HOLDS;

/// Entries of the log that are looked at together.
const AT_ONCE: usize = 100;
/// Such parts of one tenant's log before the others have their turn.
const PARTS: usize = 4;
/// A log that was never read is begun so many entries before the first of these events that can be read.
const BEFORE: u64 = 1000;
const FIRST: usize = 10;
/// What the keyed hash of a conversation's lane is made for.
const LANE: &str = "lane";
/// An event that nobody wants is let go after so long: until then another broker may know a webhook that
/// this one has not read of yet, in milliseconds.
const SETTLED: u64 = 10 * 60 * 1000;

/// Whether a partition has events that webhooks are to be told of.
pub(super) async fn is_new(store: &Store, partition: Partition) -> Result<bool, StoreError> {
    Ok(store.next_untold(partition, None).await?.is_some())
}

impl Broker {
    /// Makes deliveries of the new events of every tenant of a partition. True if there are more.
    pub(super) async fn spread(&self, partition: Partition) -> Result<bool, StoreError> {
        let (mut is_more, mut last) = (false, None);
        while let Some(tenant) = self.store.next_untold(partition, last.as_ref()).await? {
            if self.is_held_back(&tenant) {
                last = Some(tenant);
                continue;
            }
            let directory = self.directory();
            let served = directory.by_id(&tenant).map(|served| Arc::clone(&served.tenant));
            let webhooks = served.as_ref().map_or(&[][..], |tenant| &tenant.webhooks);
            let store = self.store.at(&tenant);
            if webhooks.iter().any(|webhook| webhook.enabled) {
                is_more |= self.spread_of(&store, webhooks).await?;
            } else {
                self.let_go(&store).await?;
            }
            last = Some(tenant);
        }
        Ok(is_more)
    }

    /// In the order of the log. An entry of the log and its due entry are written together, and only the holder of
    /// the lease takes a due entry away: so a part of the log that is read *before* the due entries has none that
    /// waits and is not among them, whatever comes meanwhile. That part was looked at then.
    async fn spread_of(&self, store: &TenantStore, webhooks: &[Arc<Webhook>]) -> Result<bool, StoreError> {
        for _ in 0..PARTS {
            let told = store.told().await?;
            let mut position = match &told {
                Some(told) => told.position,
                None => beginning(store).await?,
            };
            let part = store.event_ids_after(position, AT_ONCE).await?;
            let is_last = part.len() < AT_ONCE;
            let mut tx = Tx::new();
            let ids = match part.last() {
                Some((last, _)) => {
                    position = *last;
                    let ids: Vec<_> = part.into_iter().map(|(_, id)| id).collect();
                    let new = store.untold_of(&ids).await?;
                    ids.into_iter().filter(|id| new.contains(id.as_str())).collect()
                }
                None => late(store, &mut tx, &store.untold(AT_ONCE).await?, position).await?,
            };
            self.queue(store, &mut tx, webhooks, &ids).await?;
            let before = told.as_ref().map(|told| told.value.clone());
            let after = Told { position, ..before.clone().unwrap_or_default().with(&tx) };
            if before.as_ref() != Some(&after) {
                tx.put_told(told.as_ref(), &after);
            }
            if tx.is_empty() {
                return Ok(false);
            }
            let done = store.commit(tx, Durability::Relaxed).await;
            if done.is_ok() {
                self.shed(store, &after).await?;
            }
            match done {
                Ok(()) if is_last => return Ok(false),
                // Somebody changed a lane meanwhile: once more.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Deliveries of these events, in this order.
    async fn queue(
        &self,
        store: &TenantStore,
        tx: &mut Tx,
        webhooks: &[Arc<Webhook>],
        ids: &[EventId],
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let events = readable(store, ids).await?;
        let mut wanted = Vec::new();
        for event in &events {
            let hashes = store.hashes(LANE, &of_event(event));
            for webhook in webhooks.iter().filter(|webhook| webhook.wants(event.kind)) {
                let names: Vec<_> = hashes.iter().map(|hash| lane_name(&webhook.id, hash)).collect();
                wanted.push((event, &webhook.id, names));
            }
        }
        let mut lanes = Lanes::read(store, wanted.iter().flat_map(|(_, _, names)| names)).await?;
        for (event, webhook, names) in wanted {
            let lane = lanes.of(&names);
            let id = DeliveryId::from_uuid(self.clock.fresh_uuid());
            let what = (event.id.clone(), event.kind);
            let delivery = Delivery::new(id, webhook.clone(), what, lane, now);
            lanes.push(&delivery, now);
            tx.create_delivery(&delivery);
        }
        let too_many = lanes.too_many();
        if !too_many.is_empty() {
            for oldest in store.deliveries_of(&too_many).await? {
                tx.update_delivery(&oldest, &oldest.value.clone().overflow(now));
            }
            lanes.take_out(&too_many, now);
            tracing::warn!(tenant = %store.tenant(), count = too_many.len(), "delivery.overflow");
        }
        lanes.write(tx);
        for id in ids {
            tx.told_webhooks(id.as_str());
        }
        Ok(())
    }

    /// The tenant has no webhook any more, or this broker does not know of it yet.
    async fn let_go(&self, store: &TenantStore) -> Result<(), StoreError> {
        let now = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        let is_old = |id: &str| id.parse::<EventId>().map_or(true, |id| id.millis() + SETTLED < now);
        let mut tx = Tx::new();
        for id in store.untold(AT_ONCE).await?.iter().filter(|id| is_old(id)) {
            tx.told_webhooks(id);
        }
        store.commit(tx, Durability::Relaxed).await
    }
}

/// Where a log is begun that was never read: well before the first event that waits, since the clocks of brokers
/// differ, and with them the order of ids from that of the log.
async fn beginning(store: &TenantStore) -> Result<u64, StoreError> {
    for id in store.untold(FIRST).await? {
        if let Ok(id) = id.parse::<EventId>()
            && let Some(at) = store.event_position(&id).await?
        {
            return Ok(at.saturating_sub(BEFORE));
        }
    }
    // None of them stands there: the end of the log says so.
    store.events_end().await
}

/// Events that wait although the log was read past them: told now, before any that comes. One whose record is gone is
/// let go.
async fn late(
    store: &TenantStore,
    tx: &mut Tx,
    new: &BTreeSet<String>,
    position: u64,
) -> Result<Vec<EventId>, StoreError> {
    let mut late = Vec::new();
    for text in new {
        let id = text.parse::<EventId>().ok();
        let at = match &id {
            Some(id) => store.event_position(id).await?,
            None => None,
        };
        match (id, at) {
            (Some(id), Some(at)) if at <= position => late.push((at, id)),
            // It came behind the part that was read: the next part has it.
            (Some(_), Some(_)) => {}
            _ => {
                tracing::error!(tenant = %store.tenant(), "delivery.event_in_no_log");
                tx.told_webhooks(text);
            }
        }
    }
    late.sort_unstable_by_key(|(at, _)| *at);
    Ok(late.into_iter().map(|(_, id)| id).collect())
}

/// The events of these ids, without those that cannot be read: nobody else waits for them.
async fn readable(store: &TenantStore, ids: &[EventId]) -> Result<Vec<Stored<Event>>, StoreError> {
    match store.events(ids).await {
        Err(StoreError::Unreadable { .. } | StoreError::Malformed { .. }) => {}
        events => return events,
    }
    let mut events = Vec::new();
    for id in ids {
        match store.event(id).await {
            Ok(event) => events.extend(event),
            Err(error @ (StoreError::Unreadable { .. } | StoreError::Malformed { .. })) => {
                tracing::error!(tenant = %store.tenant(), event = %id, detail = %error, "delivery.skipped");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(events)
}

/// The lanes that one batch changes.
struct Lanes {
    known: HashMap<String, (Option<Stored<Lane>>, Lane)>,
}

impl Lanes {
    /// Those of these names that there are.
    async fn read(store: &TenantStore, names: impl Iterator<Item = &String>) -> Result<Self, StoreError> {
        let names: Vec<&str> = names.map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
        let lanes = store.lanes(&names).await?;
        let mut known = HashMap::new();
        for (name, stored) in names.into_iter().zip(lanes) {
            if let Some(stored) = stored? {
                let lane = stored.value.clone();
                known.insert(name.to_owned(), (Some(stored), lane));
            }
        }
        Ok(Self { known })
    }

    /// The one of these names that a lane has: while the index key is replaced, what waits goes on under its old name.
    fn of(&mut self, names: &[String]) -> String {
        if let Some(name) = names.iter().find(|name| self.known.contains_key(*name)) {
            return name.clone();
        }
        self.known.insert(names[0].clone(), (None, Lane::default()));
        names[0].clone()
    }

    fn push(&mut self, delivery: &Delivery, now: Timestamp) {
        if let Some((_, lane)) = self.known.get_mut(&delivery.lane) {
            lane.push(delivery, now);
        }
    }

    /// What stands first in lanes that have become too long. Nothing of it is new: a batch is shorter than a lane.
    fn too_many(&self) -> Vec<DeliveryId> {
        let too_many = |lane: &Lane| lane.queue.len().saturating_sub(LANE_HOLDS);
        let lanes = self.known.values().map(|(_, lane)| lane);
        lanes.flat_map(|lane| &lane.queue[..too_many(lane)]).map(|queued| queued.delivery.clone()).collect()
    }

    fn take_out(&mut self, gone: &[DeliveryId], now: Timestamp) {
        self.known.values_mut().for_each(|(_, lane)| lane.take_out(gone, now));
    }

    fn write(&self, tx: &mut Tx) {
        for (name, (stored, lane)) in &self.known {
            tx.put_lane(name, stored.as_ref(), lane);
        }
    }
}

/// What an event must not overtake: the earlier ones of its conversation, or of its contact.
fn of_event(event: &Event) -> String {
    let id_of = |what: &str| Some(format!("{what} {}", event.data.get(what)?.get("id")?.as_str()?));
    id_of("conversation").or_else(|| id_of("contact")).unwrap_or_else(|| "tenant".to_owned())
}

/// The lane's name: the webhook's, which has no colon, and a keyed hash.
pub(in crate::flow) fn lane_name(webhook: &WebhookId, hash: &str) -> String {
    format!("{webhook}:{hash}")
}

/// The webhook of a lane.
pub(super) fn webhook_of(lane: &str) -> Option<WebhookId> {
    lane.split_once(':')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::event::EventType;

    fn lane(data: Value) -> String {
        of_event(&Event {
            id: EventId::from_uuid(uuid::Uuid::from_u128(1)),
            kind: EventType::Completed,
            timestamp: Timestamp::UNIX_EPOCH,
            tenant: "acme".parse().unwrap(),
            data,
        })
    }

    #[test]
    fn events_of_one_conversation_or_contact_share_a_lane() {
        assert_eq!(lane(json!({"conversation": {"id": "c-1"}, "contact": {"id": "ct"}})), "conversation c-1");
        assert_eq!(lane(json!({"contact": {"id": "c-1"}})), "contact c-1");
        for other in [json!({}), json!(null), json!({"conversation": null}), json!({"contact": {"id": 7}})] {
            assert_eq!(lane(other), "tenant");
        }
    }

    #[test]
    fn a_lane_says_whose_it_is() {
        let webhook: WebhookId = "crm".parse().unwrap();
        assert_eq!(webhook_of(&lane_name(&webhook, "a_b-c:d")), Some(webhook));
        assert_eq!(webhook_of("nonsense"), None);
    }
}
