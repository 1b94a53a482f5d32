//! One lane: its first delivery is sent, the outcome is written down, and it is the next one's turn.
//!
//! The outcome is written after the call: if the process dies between the two, the event is sent
//! again, with the same id. It is never lost.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::delivery::{Attempt, Delivery, DeliveryCode, DeliveryState, Lane};
use crate::domain::event::Event;
use crate::domain::ids::TenantId;
use crate::domain::webhook::Webhook;
use crate::egress::error::EgressError;
use crate::egress::webhook::{Answer, Message};
use crate::flow::{Broker, RACES};
use crate::store::keys::Due;
use crate::store::{Durability, StoreError, Stored, TenantStore, Tx};

use super::Term;

/// Deliveries of one lane that are made in a row, before others have their turn.
const IN_A_ROW: usize = 50;
/// And the time after which no further one is begun: a slow receiver gives its place up.
const TURN: Duration = Duration::from_secs(1);

/// What came of an attempt, and how long the receiver wants us to wait.
struct Tried {
    attempt: Attempt,
    asked: Option<Duration>,
}

/// The first of a lane, as it was read.
struct First {
    lane: Stored<Lane>,
    delivery: Stored<Delivery>,
    event: Option<Event>,
}

impl Broker {
    /// Delivers what waits in a lane, in its order, until one fails. Answers when that one is tried again.
    pub(super) async fn run_lane(
        &self,
        due: &Due,
        term: &Term,
    ) -> Result<Option<jiff::Timestamp>, StoreError> {
        let (began, stopping) = (self.clock.tick(), self.delivering.stopping.subscribe());
        for _ in 0..IN_A_ROW {
            let is_over = began.elapsed() >= TURN || *stopping.borrow();
            if is_over || !term.allows_a_call(self.clock.now()) {
                return Ok(None);
            }
            let Some(first) = self.first_of(due).await? else { return Ok(None) };
            let tried = self.try_first(&due.tenant, &first).await;
            let done = self.write_down(due, &first, tried).await?;
            if done.state == DeliveryState::Pending {
                return Ok(done.next_at);
            }
        }
        Ok(None)
    }

    /// The delivery whose turn it is now. What stands in the way of it is taken out of it.
    async fn first_of(&self, due: &Due) -> Result<Option<First>, StoreError> {
        let store = self.store.at(&due.tenant);
        loop {
            let now = self.clock.now();
            let lane = store.lane(&due.id).await?;
            let Some(lane) = lane.filter(|lane| lane.due.is_some_and(|at| at <= now)) else {
                // Somebody else has moved or emptied it; what is left of it is this entry at most.
                return self.not_due(&store, due).await.map(|()| None);
            };
            let Some(head) = lane.queue.first().cloned() else { return Ok(None) };
            let (delivery, event) = (store.delivery(&head.delivery).await?, store.event(&head.event).await);
            if let Some(delivery) = delivery.filter(|delivery| delivery.state == DeliveryState::Pending) {
                let event = match event {
                    Ok(event) => event.map(Stored::into_value),
                    Err(StoreError::Unreadable { .. } | StoreError::Malformed { .. }) => None,
                    Err(error) => return Err(error),
                };
                return Ok(Some(First { lane, delivery, event }));
            }
            let mut tx = Tx::new();
            let mut advanced = lane.value.clone();
            advanced.advance(now);
            tx.put_lane(&due.id, Some(&lane), &advanced);
            match store.commit(tx, Durability::Relaxed).await {
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn not_due(&self, store: &TenantStore, due: &Due) -> Result<(), StoreError> {
        if store.lane(&due.id).await?.is_some_and(|lane| lane.due == Some(due.at)) {
            return Ok(());
        }
        let mut tx = Tx::new();
        tx.not_due(due.kind, due.at, &due.id);
        store.commit(tx, Durability::Relaxed).await
    }

    /// Sends the event, as its body is now: an erasure may have rewritten it.
    async fn try_first(&self, tenant: &TenantId, first: &First) -> Tried {
        let (at, began) = (self.clock.now(), self.clock.tick());
        let directory = self.directory();
        let served = directory.by_id(tenant).map(|served| &served.tenant);
        let webhook = served.and_then(|tenant| tenant.webhook(&first.delivery.webhook));
        let sent = match (webhook.filter(|webhook| webhook.enabled), &first.event) {
            (Some(webhook), Some(event)) => self.send(tenant, webhook, event, at).await,
            (None, _) => Err(DeliveryCode::WebhookGone),
            (_, None) => Err(DeliveryCode::EventGone),
        };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, asked) = sent.map_or((None, None), |answer| (Some(answer.status), answer.retry_after));
        let code = sent.map_or_else(Some, |answer| judge(answer.status));
        Tried { attempt: Attempt { at, took_ms, status, code }, asked }
    }

    async fn send(
        &self,
        tenant: &TenantId,
        webhook: &Arc<Webhook>,
        event: &Event,
        at: jiff::Timestamp,
    ) -> Result<Answer, DeliveryCode> {
        let body = serde_json::to_string(event).map_err(|_| DeliveryCode::EventGone)?;
        let message =
            Message { url: &webhook.url, secrets: &webhook.secrets, id: event.id.as_str(), at, body };
        self.webhook.send(tenant, message).await.map_err(|error| {
            tracing::debug!(tenant = %tenant, webhook = %webhook.id, detail = %error, "delivery.no_answer");
            code_of(&error)
        })
    }

    /// Writes down what came of it, and whose turn it is now.
    async fn write_down(&self, due: &Due, first: &First, tried: Tried) -> Result<Delivery, StoreError> {
        let store = self.store.at(&due.tenant);
        let now = self.clock.now();
        let before = first.delivery.value.clone();
        let after = match tried.attempt.code {
            None => before.deliver(tried.attempt.clone(), now),
            Some(_) => before.fail(tried.attempt.clone(), tried.asked, self.clock.below(201), now),
        };
        let mut lane = Some(first.lane.clone());
        for _ in 0..RACES {
            // Somebody may have put more at its end meanwhile, or taken this one over.
            let Some(stored) =
                lane.filter(|lane| lane.queue.first().map(|head| &head.delivery) == Some(&after.id))
            else {
                break;
            };
            let mut next = stored.value.clone();
            match after.state {
                DeliveryState::Pending => next.due = after.next_at,
                _ => next.advance(now),
            }
            let mut tx = Tx::new();
            tx.update_delivery(&first.delivery, &after);
            tx.put_lane(&due.id, Some(&stored), &next);
            match store.commit(tx, Durability::Relaxed).await {
                Err(StoreError::Conflict) => lane = store.lane(&due.id).await?,
                done => {
                    self.count(&due.tenant, &after, &tried.attempt);
                    return done.map(|()| after);
                }
            }
            if store.delivery(&after.id).await?.map(|delivery| delivery.version())
                != Some(first.delivery.version())
            {
                break;
            }
        }
        // It was resent, or another broker had the lease meanwhile: they know better.
        self.count(&due.tenant, &after, &tried.attempt);
        Err(StoreError::Conflict)
    }

    fn count(&self, tenant: &TenantId, delivery: &Delivery, attempt: &Attempt) {
        let receiver = (tenant.clone(), delivery.webhook.clone());
        let outcome = attempt.code.map_or("delivered", DeliveryCode::as_str);
        metrics::counter!("countersign_deliveries_total", "outcome" => outcome).increment(1);
        let Some(code) = attempt.code else { return self.delivering.paces.works(&receiver) };
        if is_of_the_receiver(code, attempt.status) {
            self.delivering.paces.fails(&receiver, self.clock.now());
        }
        let (id, webhook, status) = (&delivery.id, &delivery.webhook, attempt.status);
        if delivery.state == DeliveryState::Dead {
            tracing::warn!(tenant = %tenant, webhook = %webhook, delivery = %id, code = code.as_str(), status, attempts = delivery.attempts_made, "delivery.dead");
        } else {
            tracing::info!(tenant = %tenant, webhook = %webhook, delivery = %id, code = code.as_str(), status, attempts = delivery.attempts_made, "delivery.failed");
        }
    }
}

/// Whether a status is a failure, and which.
fn judge(status: u16) -> Option<DeliveryCode> {
    match status {
        200..=299 => None,
        300..=399 => Some(DeliveryCode::Redirected),
        410 => Some(DeliveryCode::Gone),
        _ => Some(DeliveryCode::Status),
    }
}

fn code_of(error: &EgressError) -> DeliveryCode {
    match error {
        EgressError::Refused(_) => DeliveryCode::Refused,
        EgressError::Connect => DeliveryCode::Unreachable,
        EgressError::Tls(_) => DeliveryCode::Tls,
        EgressError::Timeout => DeliveryCode::Timeout,
        EgressError::Unsendable | EgressError::Broken | EgressError::TooLarge => DeliveryCode::Broken,
    }
}

/// Whether another event would fare no better there.
fn is_of_the_receiver(code: DeliveryCode, status: Option<u16>) -> bool {
    match code {
        DeliveryCode::Status => status.is_some_and(|status| status == 429 || status >= 500),
        DeliveryCode::EventGone | DeliveryCode::WebhookGone | DeliveryCode::Gone => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_2xx_is_a_success_and_nothing_is_followed() {
        for (status, code) in [
            (200, None),
            (204, None),
            (301, Some(DeliveryCode::Redirected)),
            (307, Some(DeliveryCode::Redirected)),
            (410, Some(DeliveryCode::Gone)),
            (404, Some(DeliveryCode::Status)),
            (500, Some(DeliveryCode::Status)),
            (101, Some(DeliveryCode::Status)),
        ] {
            assert_eq!(judge(status), code, "{status}");
        }
    }

    #[test]
    fn an_event_that_is_refused_says_nothing_of_the_others() {
        assert!(!is_of_the_receiver(DeliveryCode::Status, Some(422)));
        assert!(is_of_the_receiver(DeliveryCode::Status, Some(503)));
        assert!(is_of_the_receiver(DeliveryCode::Timeout, None));
        assert!(!is_of_the_receiver(DeliveryCode::Gone, Some(410)));
    }
}
