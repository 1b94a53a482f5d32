//! What waits is bounded, so that a receiver that is away for a day does not fill the store: where a webhook or one of
//! its lanes has too much, the oldest is given up for the newest. It becomes a dead letter, which can be sent again.

use std::collections::{BTreeMap, HashMap};

use crate::domain::delivery::{Delivery, DeliveryCode, DeliveryState};
use crate::domain::ids::{DeliveryId, WebhookId};
use crate::flow::Broker;
use crate::store::deliveries::Told;
use crate::store::{Durability, StoreError, Stored, TenantStore, Tx};

use super::record::recount;

/// Events that wait for one webhook, and in one of its lanes, at most.
pub(super) const HOLDS: u64 = 100_000;
pub(in crate::flow) const LANE_HOLDS: usize = 1_000;
/// Deliveries that are looked at, or given up, together: as many as become new together for two webhooks.
const AT_ONCE: usize = 200;

impl Broker {
    /// Gives up what is too much for the webhooks of a tenant, some of it.
    pub(super) async fn shed(&self, store: &TenantStore, told: &Told) -> Result<(), StoreError> {
        let too_much = excess(&told.pending, HOLDS);
        if too_much.is_empty() {
            return Ok(());
        }
        // Somewhat more than is too much, so that it is not looked for at every event.
        let mut left: BTreeMap<_, _> =
            too_much.into_iter().map(|(webhook, over)| (webhook, over + HOLDS / 50)).collect();
        let mut after = Vec::new();
        while left.values().any(|left| *left > 0) {
            let (oldest, next) = store.waiting_since(&after, AT_ONCE).await?;
            let given_up = oldest.into_iter().filter(|delivery| {
                let left = left.get_mut(&delivery.webhook).filter(|left| **left > 0);
                left.map(|left| *left -= 1).is_some()
            });
            self.give_up(store, given_up.collect()).await?;
            let Some(next) = next else { break };
            after = next;
        }
        Ok(())
    }

    /// Gives up deliveries of a tenant, if nobody changes them meanwhile.
    pub(super) async fn give_up(
        &self,
        store: &TenantStore,
        deliveries: Vec<Stored<Delivery>>,
    ) -> Result<(), StoreError> {
        if deliveries.is_empty() {
            return Ok(());
        }
        let mut by_lane: HashMap<&str, Vec<DeliveryId>> = HashMap::new();
        for delivery in &deliveries {
            by_lane.entry(&delivery.lane).or_default().push(delivery.id.clone());
        }
        let names: Vec<_> = by_lane.keys().copied().collect();
        let (lanes, told) = tokio::try_join!(store.lanes(&names), store.told())?;
        let (now, mut tx) = (self.clock.now(), Tx::new());
        for (name, lane) in names.iter().zip(lanes) {
            if let Some(lane) = lane? {
                let mut next = lane.value.clone();
                next.take_out(&by_lane[name], now);
                tx.put_lane(name, Some(&lane), &next);
            }
        }
        for before in deliveries.iter().filter(|delivery| delivery.state == DeliveryState::Pending) {
            tx.update_delivery(before, &before.value.clone().overflow(now));
        }
        recount(&mut tx, told.as_ref());
        match store.commit(tx, Durability::Relaxed).await {
            Ok(()) => {
                let outcome = DeliveryCode::Overflow.as_str();
                metrics::counter!("countersign_deliveries_total", "outcome" => outcome)
                    .increment(deliveries.len() as u64);
                tracing::warn!(tenant = %store.tenant(), count = deliveries.len(), "delivery.overflow");
                Ok(())
            }
            // Some of it was delivered or resent meanwhile: the next event looks again.
            Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// By how much each webhook has more than it may.
fn excess(pending: &BTreeMap<WebhookId, u64>, holds: u64) -> BTreeMap<WebhookId, u64> {
    let over = |(webhook, count): (&WebhookId, &u64)| Some((webhook.clone(), count.checked_sub(holds)?));
    pending.iter().filter_map(over).filter(|(_, over)| *over > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_more_than_a_webhook_may_have_is_given_up() {
        let pending = [("full", 10), ("over", 13), ("empty", 0)];
        let pending = pending.map(|(webhook, count)| (webhook.parse().unwrap(), count));
        assert_eq!(excess(&pending.into(), 10), [("over".parse().unwrap(), 3)].into());
    }
}
