//! The platform looks at what was sent to its webhooks, sends something again, or tries one.

use serde_json::json;

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::delivery::{Delivery, DeliveryState};
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{DeliveryId, EventId, TenantId, WebhookId};
use crate::domain::tenant::Tenant;
use crate::domain::webhook::Webhook;
use crate::store::{Asked, Durability, Page, StoreError, Stored, Tx};

use super::deliver::{LANE_HOLDS, lane_name, recount};
use super::lists::Part;
use super::{Broker, RACES};

/// Dead deliveries that one call sends again.
const AT_ONCE: usize = 100;
/// The lane of test events: nobody else waits there. It is no keyed hash.
const TESTS: &str = "test";

/// Why nothing was sent again.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// No webhook or no delivery has this id.
    #[error("no webhook or no delivery has this id")]
    Unknown,
    /// It is told of nothing.
    #[error("the webhook is disabled; enable it in the tenant's settings first")]
    Disabled,
    /// As much waits in its conversation as a lane holds.
    #[error("too much waits for this webhook already; try again when some of it is delivered")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of all dead deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resent {
    /// So many are sent again.
    pub count: usize,
    /// Whether there are more.
    pub more: bool,
}

impl Broker {
    /// The file in which a tenant's settings stand; none if in none.
    pub fn settings_file(&self, tenant: &TenantId) -> Option<String> {
        self.directory().by_id(tenant).and_then(|served| served.source.clone())
    }

    /// Deliveries to a webhook, newest first. A page may hold fewer than were asked for, and say that there is more.
    pub async fn deliveries(
        &self,
        tenant: &Tenant,
        webhook: &WebhookId,
        state: Option<DeliveryState>,
        part: Part<'_>,
    ) -> Result<Page<Delivery>, StoreError> {
        let filter = format!("{webhook} {}", state.map_or("", DeliveryState::as_str));
        let asked =
            Asked { cursor: part.cursor, limit: part.limit, since: None, until: None, filter: &filter };
        let wanted = |delivery: &Delivery| {
            delivery.webhook == *webhook && state.is_none_or(|state| delivery.state == state)
        };
        let dead = state == Some(DeliveryState::Dead);
        let page = self.store.at(&tenant.id).deliveries(dead, &asked, wanted).await?;
        Ok(Page { items: page.items.into_iter().map(Stored::into_value).collect(), next: page.next })
    }

    /// One delivery to a webhook.
    pub async fn delivery(
        &self,
        tenant: &Tenant,
        webhook: &WebhookId,
        id: &DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        let found = self.store.at(&tenant.id).delivery(id).await?.map(Stored::into_value);
        Ok(found.filter(|delivery| delivery.webhook == *webhook))
    }

    /// Sends an event again, also one that was delivered; one that waits for its next attempt is tried now. It
    /// goes behind what waits in its conversation.
    pub async fn resend_delivery(
        &self,
        tenant: &Tenant,
        by: &Actor,
        webhook: &WebhookId,
        id: &DeliveryId,
    ) -> Result<Delivery, DeliverError> {
        usable(tenant, webhook)?;
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let stored = store.delivery(id).await?.filter(|delivery| delivery.webhook == *webhook);
            let stored = stored.ok_or(DeliverError::Unknown)?;
            let known = store.lane(&stored.lane).await?;
            let again = stored.value.clone().resend();
            let mut lane = known.as_ref().map(|known| known.value.clone()).unwrap_or_default();
            let now = self.clock.now();
            if !lane.holds(id) {
                if lane.queue.len() >= LANE_HOLDS {
                    return Err(DeliverError::Full);
                }
                lane.push(&again, now);
            }
            if lane.queue.first().is_some_and(|first| first.delivery == *id) {
                lane.due = Some(now);
            }
            let mut tx = Tx::new();
            tx.update_delivery(&stored, &again);
            tx.put_lane(&again.lane, known.as_ref(), &lane);
            recount(&mut tx, store.told().await?.as_ref());
            tx.audit(self.entry(&by.to_string(), AuditAction::WebhookResent, id.to_string()));
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    self.store.wake(store.partition());
                    return Ok(again);
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Sends everything again that was given up, the oldest of each page last.
    pub async fn resend_dead(
        &self,
        tenant: &Tenant,
        by: &Actor,
        webhook: &WebhookId,
    ) -> Result<Resent, DeliverError> {
        usable(tenant, webhook)?;
        let part = Part { cursor: None, limit: AT_ONCE };
        let page = self.deliveries(tenant, webhook, Some(DeliveryState::Dead), part).await?;
        let mut count = 0;
        // The list is newest first, but they are to arrive in their order.
        for delivery in page.items.iter().rev() {
            match self.resend_delivery(tenant, by, webhook, &delivery.id).await {
                Err(DeliverError::Full) if count > 0 => return Ok(Resent { count, more: true }),
                resent => resent?,
            };
            count += 1;
        }
        Ok(Resent { count, more: page.next.is_some() })
    }

    /// Sends a test event to a webhook, and to no other.
    pub async fn test_webhook(
        &self,
        tenant: &Tenant,
        by: &Actor,
        webhook: &WebhookId,
    ) -> Result<Delivery, DeliverError> {
        usable(tenant, webhook)?;
        let store = self.store.at(&tenant.id);
        let lane_name = lane_name(webhook, TESTS);
        for _ in 0..RACES {
            let now = self.clock.now();
            let event = Event {
                id: EventId::from_uuid(self.clock.fresh_uuid()),
                kind: EventType::WebhookTest,
                timestamp: now,
                tenant: tenant.id.clone(),
                data: json!({"webhook": webhook}),
            };
            let id = DeliveryId::from_uuid(self.clock.fresh_uuid());
            let what = (event.id.clone(), event.kind);
            let delivery = Delivery::new(id, webhook.clone(), what, lane_name.clone(), now);
            let known = store.lane(&lane_name).await?;
            let mut lane = known.as_ref().map(|known| known.value.clone()).unwrap_or_default();
            if lane.queue.len() >= LANE_HOLDS {
                return Err(DeliverError::Full);
            }
            lane.push(&delivery, now);
            let mut tx = Tx::new();
            // It stands in no log: nobody but this webhook hears of it.
            tx.rewrite_event(&event);
            tx.create_delivery(&delivery);
            tx.put_lane(&lane_name, known.as_ref(), &lane);
            recount(&mut tx, store.told().await?.as_ref());
            tx.audit(self.entry(&by.to_string(), AuditAction::WebhookTested, webhook.to_string()));
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    self.store.wake(store.partition());
                    return Ok(delivery);
                }
            }
        }
        Err(StoreError::Conflict.into())
    }
}

/// A webhook that is told of something.
fn usable<'t>(tenant: &'t Tenant, webhook: &WebhookId) -> Result<&'t Webhook, DeliverError> {
    let webhook = tenant.webhook(webhook).ok_or(DeliverError::Unknown)?;
    if webhook.enabled { Ok(webhook) } else { Err(DeliverError::Disabled) }
}
