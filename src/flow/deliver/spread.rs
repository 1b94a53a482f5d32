//! From new events to deliveries: one for each webhook that wants the event, at the end of the lane of
//! its conversation. The order is that of the log, whatever the clocks of the brokers said.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::delivery::{Delivery, Lane};
use crate::domain::event::Event;
use crate::domain::ids::{DeliveryId, EventId, TenantId, WebhookId};
use crate::domain::webhook::Webhook;
use crate::flow::Broker;
use crate::store::deliveries::Told;
use crate::store::keys::{Due, DueKind};
use crate::store::{Durability, StoreError, Stored, TenantStore, Tx};

/// Entries of the log that are looked at together.
const AT_ONCE: usize = 100;
/// Such parts of one tenant's log before the others have their turn.
const PARTS: usize = 50;
/// What the keyed hash of a conversation's lane is made for.
const LANE: &str = "lane";
/// An event that nobody wants is let go after so long: until then another broker may know a webhook that
/// this one has not read of yet, in milliseconds.
const SETTLED: u64 = 10 * 60 * 1000;

impl Broker {
    /// Makes deliveries of the new events of every tenant that these due entries name.
    pub(super) async fn spread(&self, new: &[Due]) -> Result<(), StoreError> {
        let mut tenants: HashMap<&TenantId, HashSet<&str>> = HashMap::new();
        for due in new {
            tenants.entry(&due.tenant).or_default().insert(&due.id);
        }
        for (tenant, new) in tenants {
            let directory = self.directory();
            let served = directory.by_id(tenant).map(|served| Arc::clone(&served.tenant));
            let webhooks = served.as_ref().map_or(&[][..], |tenant| &tenant.webhooks);
            if webhooks.iter().any(|webhook| webhook.enabled) {
                self.spread_of(tenant, webhooks, &new).await?;
            } else {
                self.let_go(tenant, &new).await?;
            }
        }
        Ok(())
    }

    /// In the order of the log. An entry of the log and its due entry are written together, and only the holder of
    /// the lease takes a due entry away: so a part of the log that is read *before* the due entries has none that
    /// waits and is not among them, whatever comes meanwhile. That part was looked at then.
    async fn spread_of(
        &self,
        tenant: &TenantId,
        webhooks: &[Arc<Webhook>],
        known: &HashSet<&str>,
    ) -> Result<(), StoreError> {
        let store = self.store.at(tenant);
        for _ in 0..PARTS {
            let told = store.told().await?;
            let position = match &told {
                Some(told) => told.position,
                None => first_of(&store, known).await?,
            };
            let part = store.event_ids_after(position, AT_ONCE).await?;
            let new = self.waiting_of(&store).await?;
            if new.is_empty() {
                return Ok(());
            }
            let mut tx = Tx::new();
            let ids = match part.last() {
                Some((last, _)) => {
                    tx.put_told(told.as_ref(), &Told { position: *last });
                    part.into_iter().map(|(_, id)| id).filter(|id| new.contains(id.as_str())).collect()
                }
                None => late(&store, &mut tx, &new, position).await?,
            };
            self.queue(&store, &mut tx, webhooks, &ids).await?;
            if !tx.is_empty() {
                store.commit(tx, Durability::Relaxed).await?;
            }
        }
        Ok(())
    }

    /// The ids of the tenant's events that wait to be told.
    async fn waiting_of(&self, store: &TenantStore) -> Result<HashSet<String>, StoreError> {
        let is_its = |due: &Due| due.kind == DueKind::Telling && due.tenant == *store.tenant();
        let now = Timestamp::UNIX_EPOCH;
        let waiting = self.store.due_of(store.partition(), now, usize::MAX, is_its).await?;
        Ok(waiting.into_iter().map(|due| due.id).collect())
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
        let mut lanes = Lanes::default();
        for event in readable(store, ids).await? {
            for webhook in webhooks.iter().filter(|webhook| webhook.wants(event.kind)) {
                let lane = lanes.of(store, &webhook.id, &event).await?;
                let id = DeliveryId::from_uuid(self.clock.fresh_uuid());
                let what = (event.id.clone(), event.kind);
                let delivery = Delivery::new(id, webhook.id.clone(), what, lane, now);
                lanes.push(&delivery, now);
                tx.create_delivery(&delivery);
            }
        }
        lanes.write(tx);
        for id in ids {
            tx.told_webhooks(id.as_str());
        }
        Ok(())
    }

    /// The tenant has no webhook any more, or this broker does not know of it yet.
    async fn let_go(&self, tenant: &TenantId, new: &HashSet<&str>) -> Result<(), StoreError> {
        let now = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        let is_old = |id: &str| id.parse::<EventId>().map_or(true, |id| id.millis() + SETTLED < now);
        let mut tx = Tx::new();
        for id in new.iter().filter(|id| is_old(id)) {
            tx.told_webhooks(id);
        }
        self.store.at(tenant).commit(tx, Durability::Relaxed).await
    }
}

/// The position before the first of some events.
async fn first_of(store: &TenantStore, new: &HashSet<&str>) -> Result<u64, StoreError> {
    let mut first = u64::MAX;
    for id in new {
        if let Ok(id) = id.parse::<EventId>()
            && let Some(at) = store.event_position(&id).await?
        {
            first = first.min(at);
        }
    }
    // If none of them stands there, the end of the log says so.
    Ok(first.saturating_sub(1))
}

/// Events that wait although the log was read past them: told now, before any that comes. One whose record is gone is
/// let go.
async fn late(
    store: &TenantStore,
    tx: &mut Tx,
    new: &HashSet<String>,
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
#[derive(Default)]
struct Lanes {
    known: HashMap<String, (Option<Stored<Lane>>, Lane)>,
}

impl Lanes {
    /// The name of the lane of an event.
    async fn of(
        &mut self,
        store: &TenantStore,
        webhook: &WebhookId,
        event: &Event,
    ) -> Result<String, StoreError> {
        let names = store.hashes(LANE, &of_event(event));
        let names: Vec<_> = names.into_iter().map(|hash| lane_name(webhook, &hash)).collect();
        for name in &names {
            if self.known.contains_key(name) {
                return Ok(name.clone());
            }
        }
        // While the index key is replaced, what waits goes on under its old name.
        for name in &names {
            if let Some(stored) = store.lane(name).await? {
                let lane = stored.value.clone();
                self.known.insert(name.clone(), (Some(stored), lane));
                return Ok(name.clone());
            }
        }
        self.known.insert(names[0].clone(), (None, Lane::default()));
        Ok(names[0].clone())
    }

    fn push(&mut self, delivery: &Delivery, now: Timestamp) {
        if let Some((_, lane)) = self.known.get_mut(&delivery.lane) {
            lane.push(delivery, now);
        }
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
