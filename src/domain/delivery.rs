//! Deliveries: an event on its way to a webhook, with every attempt; and the lane in which it
//! waits, so that what belongs to one conversation arrives in its order.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::EventType;
use super::ids::{DeliveryId, EventId, WebhookId};

/// How long an event is tried to be delivered, from its first attempt (or the latest resend) on.
pub const TRIED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// How long to wait after each failed attempt; after the last of these, as long again.
const PAUSES: [SignedDuration; 8] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(2),
    SignedDuration::from_mins(10),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(4),
];
/// The longest wait that a receiver can ask for.
const LONGEST_ASKED: SignedDuration = SignedDuration::from_hours(4);
/// Attempts that a delivery remembers, the latest.
pub const REMEMBERED: usize = 30;

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits for its turn or its next attempt.
    Pending,
    /// The receiver has it: it answered with a 2xx status.
    Delivered,
    /// It is given up, after 24 hours or a final answer. It can be resent.
    Dead,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl std::str::FromStr for DeliveryState {
    type Err = NoSuchState;

    fn from_str(text: &str) -> Result<Self, NoSuchState> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(NoSuchState)
    }
}

/// A text that is no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no state of a delivery; use `pending`, `delivered` or `dead`")]
pub struct NoSuchState;

/// Why an attempt failed.
///
/// To add a code: 1. a variant, 2. its word in `as_str`, 3. a line in `ALL`, 4. its row in
/// `docs/webhooks.md` (a test asks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryCode {
    /// It was not called: its address is private, or not https on an allowed port.
    Refused,
    /// Its name does not resolve, or nobody listens there.
    Unreachable,
    /// Somebody listens, but cannot prove to be the host.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection ended early, or what came is no HTTP.
    Broken,
    /// It answered with a redirect, which is never followed.
    Redirected,
    /// It answered with a status that is not 2xx.
    Status,
    /// It answered 410: it wants this event never again. It is not tried again.
    Gone,
    /// No enabled webhook of the tenant has this id any more.
    WebhookGone,
    /// The event cannot be read from the store. It is not tried again.
    EventGone,
    /// Too much waited already: it was given up, unsent, for newer ones. It can be resent.
    Overflow,
}

impl DeliveryCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::Refused,
        Self::Unreachable,
        Self::Tls,
        Self::Timeout,
        Self::Broken,
        Self::Redirected,
        Self::Status,
        Self::Gone,
        Self::WebhookGone,
        Self::EventGone,
        Self::Overflow,
    ];

    /// The word in JSON, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Redirected => "redirected",
            Self::Status => "status",
            Self::Gone => "gone",
            Self::WebhookGone => "webhook_gone",
            Self::EventGone => "event_gone",
            Self::Overflow => "overflow",
        }
    }

    /// Whether another attempt could not go better.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Gone | Self::EventGone | Self::Overflow)
    }
}

/// One attempt to deliver. Nothing of the receiver's answer but its status is kept: it may repeat what
/// it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAttempt)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The status of the answer; left out where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u16)]
    pub status: Option<u16>,
    /// Why it failed; left out where it worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = DeliveryCode)]
    pub code: Option<DeliveryCode>,
}

/// An event on its way to a webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// Its name.
    pub id: DeliveryId,
    /// Where to.
    pub webhook: WebhookId,
    /// What: the body is the event's, as it is when it is sent.
    pub event: EventId,
    /// The event's type.
    pub kind: EventType,
    /// The lane it waits in.
    pub lane: String,
    /// How it stands.
    pub state: DeliveryState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
    /// When it is tried next at the earliest; only the first of a lane has one.
    pub next_at: Option<Timestamp>,
    /// Since when it is tried: its first attempt, or the first after it was resent.
    pub tried_since: Option<Timestamp>,
    /// Attempts that failed since then.
    pub failures: u32,
    /// All attempts so far.
    pub attempts_made: u32,
    /// The latest attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// One that nobody has tried yet.
    pub fn new(
        id: DeliveryId,
        webhook: WebhookId,
        (event, kind): (EventId, EventType),
        lane: String,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            webhook,
            event,
            kind,
            lane,
            state: DeliveryState::Pending,
            created_at,
            ended_at: None,
            next_at: None,
            tried_since: None,
            failures: 0,
            attempts_made: 0,
            attempts: Vec::new(),
        }
    }

    /// The receiver has it.
    #[must_use]
    pub fn deliver(mut self, attempt: Attempt, now: Timestamp) -> Self {
        self.note(attempt);
        self.state = DeliveryState::Delivered;
        self.ended_at = Some(now);
        self.next_at = None;
        self
    }

    /// An attempt failed: it is tried again, or given up if that would be later than 24 hours after the first
    /// attempt. `asked` is what the receiver wants us to wait; `jitter` spreads the attempts, in thousandths.
    #[must_use]
    pub fn fail(mut self, attempt: Attempt, asked: Option<Duration>, jitter: u32, now: Timestamp) -> Self {
        let since = *self.tried_since.get_or_insert(attempt.at);
        let is_final = attempt.code.is_some_and(DeliveryCode::is_final);
        let next = now + pause(self.failures, asked, jitter);
        self.failures += 1;
        self.note(attempt);
        if is_final || next > since + TRIED_FOR {
            self.state = DeliveryState::Dead;
            self.ended_at = Some(now);
            self.next_at = None;
        } else {
            self.next_at = Some(next);
        }
        self
    }

    /// It is given up for newer ones: too much waits.
    #[must_use]
    pub fn overflow(self, now: Timestamp) -> Self {
        let attempt = Attempt { at: now, took_ms: 0, status: None, code: Some(DeliveryCode::Overflow) };
        self.fail(attempt, None, 0, now)
    }

    /// It is to be sent once more, from the beginning of the schedule.
    #[must_use]
    pub fn resend(mut self) -> Self {
        self.state = DeliveryState::Pending;
        self.ended_at = None;
        self.next_at = None;
        self.tried_since = None;
        self.failures = 0;
        self
    }

    fn note(&mut self, attempt: Attempt) {
        self.attempts_made += 1;
        if self.attempts.len() >= REMEMBERED {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }
}

/// How long to wait after the failure of this number, from 0: spread by up to a tenth either way, and not less
/// than the receiver asks for.
fn pause(number: u32, asked: Option<Duration>, jitter: u32) -> SignedDuration {
    let last = PAUSES[PAUSES.len() - 1];
    let pause = usize::try_from(number).ok().and_then(|number| PAUSES.get(number)).copied().unwrap_or(last);
    let thousandth = i64::try_from(pause.as_millis() / 1000).unwrap_or(0);
    let spread = SignedDuration::from_millis(thousandth * (900 + i64::from(jitter.min(200))));
    let asked =
        asked.map(|asked| SignedDuration::try_from(asked).unwrap_or(LONGEST_ASKED).min(LONGEST_ASKED));
    asked.map_or(spread, |asked| asked.max(spread))
}

/// What waits for one webhook in one conversation, in its order. Only the first is ever tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// What waits, first the one whose turn it is.
    pub queue: Vec<Queued>,
    /// When the first one is tried next.
    pub due: Option<Timestamp>,
}

/// A place in a lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Its event.
    pub event: EventId,
}

impl Lane {
    /// Puts one at the end. If it is the only one, it is its turn at `now`.
    pub fn push(&mut self, delivery: &Delivery, now: Timestamp) {
        self.queue.push(Queued { delivery: delivery.id.clone(), event: delivery.event.clone() });
        self.due.get_or_insert(now);
    }

    /// The first `count` have ended: it is the next one's turn at `now`.
    pub fn advance(&mut self, count: usize, now: Timestamp) {
        self.queue.drain(..count.min(self.queue.len()));
        self.due = (!self.queue.is_empty()).then_some(now);
    }

    /// Takes some out, wherever they stand. If the first is among them, it is the next one's turn at `now`.
    pub fn take_out(&mut self, gone: &[DeliveryId], now: Timestamp) {
        let first = self.queue.first().cloned();
        self.queue.retain(|queued| !gone.contains(&queued.delivery));
        if self.queue.first() != first.as_ref() {
            self.due = (!self.queue.is_empty()).then_some(now);
        }
    }

    /// Whether a delivery waits here.
    pub fn holds(&self, delivery: &DeliveryId) -> bool {
        self.queue.iter().any(|queued| queued.delivery == *delivery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn id(number: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(number)
    }

    fn delivery() -> Delivery {
        let event = (EventId::from_uuid(id(2)), EventType::Completed);
        Delivery::new(
            DeliveryId::from_uuid(id(1)),
            "crm".parse().unwrap(),
            event,
            "crm:x".to_owned(),
            start(),
        )
    }

    fn attempt(at: Timestamp, code: Option<DeliveryCode>) -> Attempt {
        Attempt { at, took_ms: 3, status: code.is_none().then_some(200), code }
    }

    /// Fails until it is given up, and says when each attempt was.
    fn fail_for_good(jitter: u32, asked: Option<Duration>) -> Vec<SignedDuration> {
        let (mut delivery, mut now, mut made) = (delivery(), start(), Vec::new());
        while delivery.state == DeliveryState::Pending {
            made.push(now.duration_since(start()));
            delivery = delivery.fail(attempt(now, Some(DeliveryCode::Status)), asked, jitter, now);
            now = delivery.next_at.unwrap_or(now);
        }
        assert_eq!(delivery.state, DeliveryState::Dead);
        assert_eq!(delivery.ended_at, Some(now));
        made
    }

    #[test]
    fn attempts_are_spread_over_a_day_and_then_end() {
        for jitter in [0, 100, 200, 9999] {
            let made = fail_for_good(jitter, None);
            assert!((11..=14).contains(&made.len()), "{made:?}");
            let last = *made.last().unwrap();
            assert!(last > SignedDuration::from_hours(18) && last <= TRIED_FOR, "{last}");
        }
        assert_eq!(fail_for_good(100, None)[1], SignedDuration::from_secs(5));
    }

    #[test]
    fn a_receiver_may_ask_for_patience_but_not_for_ever() {
        let asked = |seconds| fail_for_good(100, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(60)[1], SignedDuration::from_mins(1));
        assert_eq!(asked(1)[1], SignedDuration::from_secs(5), "but not for haste");
        assert_eq!(asked(u64::MAX)[1], SignedDuration::from_hours(4));
    }

    #[test]
    fn a_final_answer_ends_it_at_once() {
        for code in DeliveryCode::ALL {
            let failed = delivery().fail(attempt(start(), Some(code)), None, 0, start());
            assert_eq!(failed.state == DeliveryState::Dead, code.is_final(), "{code:?}");
        }
    }

    #[test]
    fn what_was_resent_has_a_whole_day_again() {
        let late = start() + SignedDuration::from_hours(23);
        let first = delivery().fail(attempt(start(), Some(DeliveryCode::Status)), None, 0, start());
        let dead = first.fail(attempt(late, Some(DeliveryCode::Gone)), None, 0, late);
        let again = dead.resend();
        assert_eq!((again.state, again.failures, again.attempts_made), (DeliveryState::Pending, 0, 2));
        let failed = again.fail(attempt(late, Some(DeliveryCode::Timeout)), None, 100, late);
        assert_eq!(failed.next_at, Some(late + SignedDuration::from_secs(5)));
        let done = failed.deliver(attempt(late, None), late);
        assert_eq!((done.state, done.attempts.len(), done.next_at), (DeliveryState::Delivered, 4, None));
    }

    #[test]
    fn old_attempts_are_counted_but_not_remembered() {
        let mut many = delivery();
        for _ in 0..40 {
            many = many.resend().fail(attempt(start(), Some(DeliveryCode::Status)), None, 0, start());
        }
        assert_eq!((many.attempts.len(), many.attempts_made), (REMEMBERED, 40));
    }

    #[test]
    fn a_lane_has_one_turn_at_a_time() {
        let later = start() + SignedDuration::from_secs(9);
        let mut lane = Lane::default();
        let (first, second) = (delivery(), Delivery { id: DeliveryId::from_uuid(id(9)), ..delivery() });
        lane.push(&first, start());
        lane.push(&second, later);
        assert_eq!((lane.due, lane.holds(&second.id)), (Some(start()), true));
        lane.advance(1, later);
        assert_eq!((lane.due, lane.holds(&first.id)), (Some(later), false));
        lane.push(&first, later);
        lane.take_out(std::slice::from_ref(&first.id), start());
        assert_eq!((lane.due, lane.queue.len()), (Some(later), 1), "the second has its turn still");
        lane.push(&first, later);
        lane.take_out(std::slice::from_ref(&second.id), start());
        assert_eq!((lane.due, lane.holds(&first.id)), (Some(start()), true));
        lane.push(&second, later);
        lane.advance(2, later);
        assert_eq!(lane, Lane::default());
    }

    #[test]
    fn words_are_the_same_in_json_and_in_text() {
        for code in DeliveryCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        for state in DeliveryState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(state.as_str().parse(), Ok(state));
        }
    }
}
