//! How many deliveries go to one webhook at once. A receiver that fails for everybody is called
//! seldom, so that it takes no room from others; one that fails for one event only is not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::{TenantId, WebhookId};

/// Deliveries to one webhook at once.
const AT_ONCE: usize = 16;
/// After so many failures without a success between them a webhook is left alone for a while.
const PATIENCE: u32 = 5;
/// For so long; then one call finds out whether it is back.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// A webhook.
pub(super) type Receiver = (TenantId, WebhookId);

/// Which webhooks fail, as this process has seen it.
#[derive(Debug, Default)]
pub(super) struct Paces {
    failing: Mutex<HashMap<Receiver, Failing>>,
}

#[derive(Debug, Clone, Copy)]
struct Failing {
    times: u32,
    since: Timestamp,
}

impl Paces {
    /// How many deliveries may be under way to a webhook.
    pub(super) fn room(&self, receiver: &Receiver, now: Timestamp) -> usize {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        match failing.get(receiver) {
            None => AT_ONCE,
            Some(failing) if failing.times >= PATIENCE && now < failing.since + PAUSE => 0,
            Some(_) => 1,
        }
    }

    /// When a webhook is called again that is left alone now.
    pub(super) fn back_at(&self, receiver: &Receiver, now: Timestamp) -> Timestamp {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.get(receiver).map_or(now, |failing| failing.since + PAUSE)
    }

    /// It took a delivery.
    pub(super) fn works(&self, receiver: &Receiver) {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).remove(receiver);
    }

    /// It failed in a way that has nothing to do with the event.
    pub(super) fn fails(&self, receiver: &Receiver, now: Timestamp) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failing.entry(receiver.clone()).or_insert(Failing { times: 0, since: now });
        known.times = known.times.saturating_add(1);
        known.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_that_fails_for_everybody_is_asked_seldom_until_it_is_back() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let receiver = |id: &str| ("acme".parse().unwrap(), id.parse().unwrap());
        let (dead, well) = (receiver("dead"), receiver("well"));
        let paces = Paces::default();
        assert_eq!(paces.room(&dead, start), AT_ONCE);
        paces.fails(&dead, start);
        assert_eq!(paces.room(&dead, start), 1, "carefully");
        (1..PATIENCE).for_each(|_| paces.fails(&dead, start));
        assert_eq!(paces.room(&dead, start + SignedDuration::from_secs(29)), 0);
        assert_eq!((paces.back_at(&dead, start), paces.back_at(&well, start)), (start + PAUSE, start));
        assert_eq!(paces.room(&dead, start + PAUSE), 1);
        paces.fails(&dead, start + PAUSE);
        assert_eq!(paces.room(&dead, start + PAUSE), 0, "one call was enough to see that it is not back");
        assert_eq!(paces.room(&well, start), AT_ONCE);
        paces.works(&dead);
        assert_eq!(paces.room(&dead, start + PAUSE), AT_ONCE);
        assert!(paces.failing.lock().unwrap().is_empty(), "who works takes no room");
    }
}
