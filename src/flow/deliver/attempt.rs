//! A turn of a lane: its first deliveries are sent one behind the other, until one fails.
//!
//! What came of them is written down afterwards, for all of a turn and of several lanes together
//! ([`super::record`]): if the process dies between the two, the events are sent again, in the same order and with the
//! same ids. None is ever lost, and none overtakes another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::delivery::{Attempt, Delivery, DeliveryCode, DeliveryState};
use crate::domain::event::Event;
use crate::domain::ids::{DeliveryId, TenantId};
use crate::domain::webhook::Webhook;
use crate::egress::error::EgressError;
use crate::egress::webhook::{Answer, Message};
use crate::flow::Broker;
use crate::store::Stored;
use crate::store::keys::Due;

use super::Term;

/// An event is sent within this time after it was read, or it is read again: an erasure may have rewritten it.
pub(super) const FRESH: Duration = Duration::from_secs(1);

/// A lane whose first deliveries were read.
#[derive(Debug)]
pub(super) struct Loaded {
    /// Its place in the set of what is due.
    pub(super) due: Due,
    /// What stands first in it, in its order.
    pub(super) places: Vec<Place>,
    /// When it was read.
    pub(super) read: Instant,
}

/// A delivery in a lane.
#[derive(Debug)]
pub(super) struct Place {
    /// Its name.
    pub(super) id: DeliveryId,
    /// The delivery; none if nothing is to be sent any more.
    pub(super) delivery: Option<Stored<Delivery>>,
    /// What is sent; none if it is gone.
    pub(super) event: Option<Event>,
}

/// What came of a turn.
#[derive(Debug)]
pub(super) struct Turn {
    /// Whose it was.
    pub(super) due: Due,
    /// The first of the lane that were dealt with, in its order. Only the last may be one that waits.
    pub(super) done: Vec<Done>,
    /// Whether it was cut short by a fault of our own. The lane has no other turn in this round.
    pub(super) broke: bool,
}

/// What came of a delivery.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) id: DeliveryId,
    /// The delivery as it was read and as it is now; none if there is nothing to write down.
    pub(super) change: Option<(Stored<Delivery>, Delivery)>,
}

impl Done {
    /// Whether it waits for another attempt, so that the lane waits with it.
    pub(super) fn waits(&self) -> Option<&Delivery> {
        let (_, after) = self.change.as_ref()?;
        Some(after).filter(|after| after.state == DeliveryState::Pending)
    }
}

impl Broker {
    /// Sends what stands first in a lane, in its order, until one fails or the time is over.
    pub(super) async fn take_turn(&self, lane: Loaded, term: &Term) -> Turn {
        let Loaded { due, places, read } = lane;
        let stopping = self.delivering.stopping.subscribe();
        let mut done = Vec::with_capacity(places.len());
        for Place { id, delivery, event } in places {
            let Some(delivery) = delivery else {
                done.push(Done { id, change: None });
                continue;
            };
            let is_over = read.elapsed() >= FRESH || *stopping.borrow();
            // A tenant that is not served just now is no webhook that is gone.
            if is_over || !term.allows_a_call(self.clock.now()) || self.is_held_back(&due.tenant) {
                break;
            }
            let tried =
                term.within(&self.clock, self.call_webhook(&due.tenant, &delivery, event.as_ref())).await;
            // Another may have the lane: it sends the event again, and knows better what comes of it.
            let Some((attempt, asked)) = tried else { break };
            let after = self.judge(&due.tenant, &delivery, &attempt, asked);
            done.push(Done { id, change: Some((delivery, after)) });
            if done.last().is_some_and(|done| done.waits().is_some()) {
                break;
            }
        }
        Turn { due, done, broke: false }
    }

    /// Sends an event; says what came of it, and how long the receiver wants us to wait.
    async fn call_webhook(
        &self,
        tenant: &TenantId,
        delivery: &Delivery,
        event: Option<&Event>,
    ) -> (Attempt, Option<Duration>) {
        let (at, began) = (self.clock.now(), self.clock.tick());
        let directory = self.directory();
        let served = directory.by_id(tenant).map(|served| &served.tenant);
        let webhook = served.and_then(|tenant| tenant.webhook(&delivery.webhook));
        let sent = match (webhook.filter(|webhook| webhook.enabled), event) {
            (Some(webhook), Some(event)) => self.send(tenant, webhook, event, at).await,
            (None, _) => Err(DeliveryCode::WebhookGone),
            (_, None) => Err(DeliveryCode::EventGone),
        };
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, asked) = sent.map_or((None, None), |answer| (Some(answer.status), answer.retry_after));
        let code = sent.map_or_else(Some, |answer| code_of_status(answer.status));
        (Attempt { at, took_ms, status, code }, asked)
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

    /// The delivery after an attempt.
    fn judge(
        &self,
        tenant: &TenantId,
        before: &Delivery,
        attempt: &Attempt,
        asked: Option<Duration>,
    ) -> Delivery {
        let now = self.clock.now();
        let after = match attempt.code {
            None => before.clone().deliver(attempt.clone(), now),
            Some(_) => before.clone().fail(attempt.clone(), asked, self.clock.below(201), now),
        };
        self.count(tenant, &after, attempt);
        after
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
fn code_of_status(status: u16) -> Option<DeliveryCode> {
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
        DeliveryCode::EventGone | DeliveryCode::WebhookGone | DeliveryCode::Gone | DeliveryCode::Overflow => {
            false
        }
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
            assert_eq!(code_of_status(status), code, "{status}");
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
