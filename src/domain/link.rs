//! The auth link: the URL sent into a conversation, and its life (DESIGN §5.6).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::secret::Secret;

use super::binding::Binding;
use super::conversation::{ConversationRef, GuessWindow};
use super::fault::{Code, Fault, Step};
use super::ids::{ContactId, LinkId, ProviderId};
pub use super::link_status::{LinkStatus, UnknownLinkStatus};
pub use super::opening::{MOST_OPENINGS, NotOpened, OPENINGS, Opening};
use super::profile::Profile;
use super::request::{REQUEST_LIFETIME, Route};
pub use super::sender::{ContactHint, Sender, SenderKind};

/// An auth link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Link {
    /// Its public name.
    pub id: LinkId,
    /// What stands in the URL. Found by its keyed hash; kept here for resend and replay.
    pub token: Secret,
    /// Where it was sent.
    pub conversation: ConversationRef,
    /// Where the customer will sign in.
    pub provider: ProviderId,
    /// Which redirect URI is used.
    pub route: Route,
    /// Who asked for it.
    pub sender: Option<Sender>,
    /// The language of message and pages, a BCP 47 tag; none means the browser's.
    pub locale: Option<String>,
    /// The wording that was used.
    pub snippet: Option<String>,
    /// What the customer's device can show, as the platform said it.
    pub capabilities: Vec<String>,
    /// Which contact the platform believes this is.
    pub contact: Option<ContactHint>,
    /// What the chat must prove.
    pub minimum: Binding,
    /// The platform's own data, handed back with every event.
    pub metadata: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it can no longer be opened.
    pub expires_at: Timestamp,
    /// How far it came.
    pub state: LinkState,
    /// When it reached each status last.
    pub times: Times,
    /// Why the latest attempt failed, if it did.
    pub failure: Option<Failure>,
    /// Codes that were tried on it.
    pub guesses: GuessWindow,
    /// How often its message was rendered again.
    #[serde(default)]
    pub resends: u32,
    /// The request identifier of its newest authentication message, if it is one (Apple).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// When the customer took it back in the channel's app last, by the channel's clock (Messenger): a sign-in from
    /// before is worth nothing, whenever it is told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back_at: Option<Timestamp>,
    /// Its latest openings, newest last, at most 8: a browser that opens it again gives up its older one.
    pub openings: Vec<Opening>,
    /// How often it was opened, at most [`MOST_OPENINGS`] times.
    #[serde(default)]
    pub times_opened: u32,
}

/// How far a link came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum LinkState {
    /// Sent, not opened.
    Created,
    /// The customer pressed *Continue*.
    Opened,
    /// The customer signed in; the chat must confirm it.
    Provisional {
        /// The key of the authorization request that holds the sign-in.
        request: String,
        /// When it lapses.
        until: Timestamp,
    },
    /// The customer declined at the provider.
    Denied,
    /// The latest attempt failed.
    Failed,
    /// Done.
    Completed(Box<Completion>),
    /// Taken back by the sender, or declined by the customer (then `failure` says `declined`).
    Cancelled,
    /// A newer link of the conversation took its place.
    Superseded,
    /// Its time is over.
    Expired,
}

/// What a completed link knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Completion {
    /// The contact; none where the provider named no person.
    pub contact: Option<ContactId>,
    /// Who it is.
    pub profile: Profile,
    /// How it was proved.
    pub binding: Binding,
    /// A verified phone or email of the provider contradicts the conversation's handle.
    pub mismatch: bool,
    /// The hinted contact was not the one that owns this identity.
    pub contact_mismatch: bool,
    /// What rules have set.
    pub fields: Map<String, Value>,
}

/// What the chat must prove and what it has proved, as the API and events tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct LinkBinding {
    /// What is demanded.
    pub minimum: Binding,
    /// What was reached; none before the end.
    #[schema(required)]
    pub reached: Option<Binding>,
    /// A verified phone or email of the provider contradicts the conversation's address.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mismatch: bool,
}

/// Why the latest attempt did not complete, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Where; none for a customer's own decision on our pages.
    pub step: Option<Step>,
    /// What.
    pub code: Code,
    /// When.
    pub at: Timestamp,
}

/// When a link reached each status last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "one time per status")]
pub struct Times {
    pub opened: Option<Timestamp>,
    pub provisional: Option<Timestamp>,
    pub denied: Option<Timestamp>,
    pub failed: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub cancelled: Option<Timestamp>,
    pub superseded: Option<Timestamp>,
    pub expired: Option<Timestamp>,
}

/// A change that a final link does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link is {0}, which is final")]
pub struct LinkIsFinal(pub LinkStatus);

impl Link {
    /// The word for its state.
    pub fn status(&self) -> LinkStatus {
        match self.state {
            LinkState::Created => LinkStatus::Created,
            LinkState::Opened => LinkStatus::Opened,
            LinkState::Provisional { .. } => LinkStatus::Provisional,
            LinkState::Denied => LinkStatus::Denied,
            LinkState::Failed => LinkStatus::Failed,
            LinkState::Completed(_) => LinkStatus::Completed,
            LinkState::Cancelled => LinkStatus::Cancelled,
            LinkState::Superseded => LinkStatus::Superseded,
            LinkState::Expired => LinkStatus::Expired,
        }
    }

    /// What the chat must prove and what it has proved.
    pub fn binding(&self) -> LinkBinding {
        let completion = self.completion();
        LinkBinding {
            minimum: self.minimum,
            reached: completion.map(|completion| completion.binding),
            mismatch: completion.is_some_and(|completion| completion.mismatch),
        }
    }

    /// What the completed link knows.
    pub fn completion(&self) -> Option<&Completion> {
        match &self.state {
            LinkState::Completed(completion) => Some(completion),
            _ => None,
        }
    }

    /// The link as it was when it was made: what the sender was told then.
    #[must_use]
    pub fn as_made(mut self) -> Self {
        self.state = LinkState::Created;
        self.times = Times::default();
        self.failure = None;
        self.resends = 0;
        self
    }

    /// Whether it waits for the confirmation of this authorization request's sign-in.
    pub fn is_held_by(&self, key: &str) -> bool {
        matches!(&self.state, LinkState::Provisional { request, .. } if request == key)
    }

    /// The customer took it back in the channel's app, at a time of the channel's clock. What was said of an earlier
    /// time before or comes again says nothing new.
    #[must_use]
    pub fn take_back(mut self, at: Timestamp) -> Self {
        self.taken_back_at = self.taken_back_at.max(Some(at));
        self
    }

    /// Whether the customer took back what the channel vouches for at this time of its clock. A sign-in without one is
    /// none of the channel's.
    pub fn was_taken_back_since(&self, vouched_at: Option<Timestamp>) -> bool {
        let since = |at| self.taken_back_at.is_some_and(|taken_back| taken_back >= at);
        vouched_at.is_some_and(since)
    }

    /// The link as it is at `now`: a provisional sign-in that nobody confirmed has failed, and
    /// a link whose time is over has expired. Its expiry cuts neither a customer who is at the
    /// provider nor a sign-in that waits for its confirmation.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        if let LinkState::Provisional { until, .. } = self.state {
            if now < until {
                return self;
            }
            self = self.into_lapsed(until);
        }
        let ends = self.ends_at();
        if !self.status().is_final() && now >= ends {
            self.times.expired = Some(ends);
            self.state = LinkState::Expired;
        }
        self
    }

    /// What became of it when nobody confirmed its sign-in in time, before anything else became of it; none
    /// if no sign-in has lapsed by `now`.
    pub fn lapsed(&self, now: Timestamp) -> Option<Self> {
        match self.state {
            LinkState::Provisional { until, .. } if now >= until => Some(self.clone().into_lapsed(until)),
            _ => None,
        }
    }

    /// The word for its state at `now`, see [`as_of`](Self::as_of).
    pub fn status_at(&self, now: Timestamp) -> LinkStatus {
        let status = match &self.state {
            LinkState::Provisional { until, .. } if now < *until => return LinkStatus::Provisional,
            LinkState::Provisional { .. } => LinkStatus::Failed,
            _ => self.status(),
        };
        if status.is_final() || now < self.ends_at() { status } else { LinkStatus::Expired }
    }

    /// The customer pressed *Continue*. A sign-in that waits for its confirmation keeps waiting.
    pub fn open(mut self, opening: Opening, now: Timestamp) -> Result<Self, NotOpened> {
        self = self.as_of(now).live()?;
        if now >= self.expires_at {
            return Err(LinkIsFinal(LinkStatus::Expired).into());
        }
        if self.times_opened >= MOST_OPENINGS {
            return Err(NotOpened::TooOften);
        }
        self.times_opened += 1;
        self.times.opened = Some(now);
        if self.crowded_out().is_some() {
            self.openings.remove(0);
        }
        self.openings.push(opening);
        if !matches!(self.state, LinkState::Provisional { .. }) {
            self.state = LinkState::Opened;
            self.failure = None;
        }
        Ok(self)
    }

    /// The opening that the next one leaves no room for: nobody would find it any more, so it must be given up.
    pub fn crowded_out(&self) -> Option<&Opening> {
        self.openings.first().filter(|_| self.openings.len() >= OPENINGS)
    }

    /// The customer signed in, and the chat must confirm it.
    pub fn hold(mut self, request: String, until: Timestamp, now: Timestamp) -> Result<Self, LinkIsFinal> {
        self = self.as_of(now).live()?;
        self.times.provisional = Some(now);
        self.state = LinkState::Provisional { request, until };
        self.failure = None;
        Ok(self)
    }

    /// The sign-in is complete.
    pub fn complete(mut self, completion: Completion, now: Timestamp) -> Result<Self, LinkIsFinal> {
        self = self.as_of(now).live()?;
        self.times.completed = Some(now);
        self.state = LinkState::Completed(Box::new(completion));
        self.failure = None;
        Ok(self)
    }

    /// The attempt with this request failed, or its customer declined at the provider. A sign-in of
    /// another browser that waits for its confirmation keeps waiting, and so does a newer opening.
    pub fn fail(self, request: &str, fault: Fault, now: Timestamp) -> Result<Self, LinkIsFinal> {
        let link = self.as_of(now).live()?;
        let newer = link.openings.last().is_some_and(|latest| latest.request != request);
        match link.state {
            LinkState::Provisional { .. } => Ok(link),
            LinkState::Opened if newer => Ok(link),
            _ => Ok(link.into_failed(fault, now)),
        }
    }

    /// The broker was stopped in the middle of its latest attempt.
    #[must_use]
    pub fn interrupt(self, at: Timestamp) -> Self {
        self.into_failed(Fault::new(Step::Exchange, Code::Interrupted), at)
    }

    /// The provisional sign-in is spent (too many wrong codes).
    pub fn spend(self, now: Timestamp) -> Result<Self, LinkIsFinal> {
        self.refuse(Fault::new(Step::Bind, Code::GuessesSpent), now)
    }

    /// What it waits for will not come: the latest attempt, or the message itself, came to nothing.
    pub fn refuse(self, fault: Fault, now: Timestamp) -> Result<Self, LinkIsFinal> {
        Ok(self.as_of(now).live()?.into_failed(fault, now))
    }

    /// The sender takes it back, or the customer says *This wasn't me*.
    pub fn cancel(mut self, declined: bool, now: Timestamp) -> Result<Self, LinkIsFinal> {
        self = self.as_of(now).live()?;
        self.times.cancelled = Some(now);
        self.state = LinkState::Cancelled;
        self.failure = declined.then_some(Failure { step: None, code: Code::Declined, at: now });
        Ok(self)
    }

    /// A newer link of the conversation takes its place.
    pub fn supersede(mut self, now: Timestamp) -> Result<Self, LinkIsFinal> {
        self = self.as_of(now).live()?;
        self.times.superseded = Some(now);
        self.state = LinkState::Superseded;
        Ok(self)
    }

    /// When it expires: neither while a customer who opened it in time is at the provider, nor while
    /// a sign-in waits for its confirmation.
    pub fn ends_at(&self) -> Timestamp {
        match (&self.state, self.times.opened) {
            (LinkState::Provisional { until, .. }, _) => self.expires_at.max(*until),
            (LinkState::Opened, Some(opened)) => self.expires_at.max(opened + REQUEST_LIFETIME),
            _ => self.expires_at,
        }
    }

    fn live(self) -> Result<Self, LinkIsFinal> {
        let status = self.status();
        if status.is_final() { Err(LinkIsFinal(status)) } else { Ok(self) }
    }

    fn into_lapsed(self, until: Timestamp) -> Self {
        self.into_failed(Fault::new(Step::Bind, Code::NotConfirmed), until)
    }

    fn into_failed(mut self, fault: Fault, at: Timestamp) -> Self {
        if fault.code == Code::AccessDenied {
            self.times.denied = Some(at);
            self.state = LinkState::Denied;
        } else {
            self.times.failed = Some(at);
            self.state = LinkState::Failed;
        }
        self.failure = Some(Failure { step: Some(fault.step), code: fault.code, at });
        self
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const FAULT: Fault = Fault { step: Step::Exchange, code: Code::TokenFailed };

    fn start() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn minutes(minutes: i64) -> Timestamp {
        start() + SignedDuration::from_mins(minutes)
    }

    fn opening() -> Opening {
        Opening { cookie_name: "cs-1".to_owned(), request: "r".to_owned() }
    }

    fn link() -> Link {
        Link {
            id: LinkId::from_uuid(uuid::Uuid::from_u128(1)),
            token: Secret::new("t"),
            conversation: ConversationRef {
                id: "c".parse().unwrap(),
                channel: crate::domain::conversation::Channel::Sms,
                handle: None,
            },
            provider: "p".parse().unwrap(),
            route: Route::EndUser,
            sender: None,
            locale: None,
            snippet: None,
            capabilities: vec![],
            contact: None,
            minimum: Binding::Code,
            metadata: Map::new(),
            created_at: start(),
            expires_at: minutes(15),
            state: LinkState::Created,
            times: Times::default(),
            failure: None,
            guesses: GuessWindow::default(),
            resends: 0,
            ask: None,
            openings: vec![],
            times_opened: 0,
            taken_back_at: None,
        }
    }

    fn completion() -> Completion {
        Completion {
            contact: None,
            profile: Profile::default(),
            binding: Binding::Code,
            mismatch: false,
            contact_mismatch: false,
            fields: Map::new(),
        }
    }

    #[test]
    fn a_link_can_be_opened_again_after_a_failure_but_not_after_its_end() {
        let failed = link().open(opening(), minutes(1)).unwrap().fail("r", FAULT, minutes(2)).unwrap();
        assert_eq!(failed.status(), LinkStatus::Failed);
        let again = failed.open(opening(), minutes(3)).unwrap();
        assert_eq!((again.status(), again.failure), (LinkStatus::Opened, None));
        let done = again.complete(completion(), minutes(4)).unwrap();
        assert_eq!(
            done.open(opening(), minutes(5)).unwrap_err(),
            NotOpened::Final(LinkIsFinal(LinkStatus::Completed))
        );
    }

    #[test]
    fn expiry_does_not_cut_a_customer_who_is_at_the_provider() {
        let opened = link().open(opening(), minutes(14)).unwrap();
        assert_eq!(opened.clone().as_of(minutes(20)).status(), LinkStatus::Opened);
        assert!(opened.clone().open(opening(), minutes(15)).is_err(), "but nobody opens it any more");
        assert!(opened.clone().complete(completion(), minutes(20)).is_ok());
        assert_eq!(opened.as_of(minutes(24)).status(), LinkStatus::Expired);
    }

    #[test]
    fn an_unopened_link_expires_at_its_time() {
        assert_eq!(link().as_of(minutes(15)).times.expired, Some(minutes(15)));
        assert_eq!(link().as_of(minutes(14)).status(), LinkStatus::Created);
    }

    #[test]
    fn a_provisional_sign_in_outlives_the_link_and_then_fails_for_want_of_confirmation() {
        let held = link().open(opening(), minutes(9)).unwrap();
        let held = held.hold("r".to_owned(), minutes(17), minutes(12)).unwrap();
        assert_eq!(held.clone().as_of(minutes(16)).status(), LinkStatus::Provisional);
        let lapsed = held.as_of(minutes(17));
        assert_eq!(lapsed.status(), LinkStatus::Expired, "the link's own time is over too");
        assert_eq!(lapsed.failure.unwrap().code, Code::NotConfirmed);
    }

    #[test]
    fn a_failure_elsewhere_does_not_take_a_provisional_sign_in_away() {
        let held = link().hold("r".to_owned(), minutes(5), minutes(1)).unwrap();
        let after = held.fail("r", FAULT, minutes(2)).unwrap().open(opening(), minutes(2)).unwrap();
        assert_eq!(after.status(), LinkStatus::Provisional);
    }

    #[test]
    fn the_failure_of_an_older_opening_says_nothing_of_the_newer_one() {
        let newer = Opening { cookie_name: "cs-2".to_owned(), request: "newer".to_owned() };
        let twice = link().open(opening(), minutes(1)).unwrap().open(newer, minutes(2)).unwrap();
        let after = twice.clone().fail("r", FAULT, minutes(3)).unwrap();
        assert_eq!((after.status(), after.failure), (LinkStatus::Opened, None));
        assert_eq!(twice.fail("newer", FAULT, minutes(3)).unwrap().status(), LinkStatus::Failed);
    }

    #[test]
    fn a_decline_at_the_provider_and_one_on_our_page_are_told_apart() {
        let denied = link().fail("r", Fault::new(Step::Parse, Code::AccessDenied), minutes(1)).unwrap();
        assert_eq!((denied.status(), denied.status().is_final()), (LinkStatus::Denied, false));
        let declined = link().cancel(true, minutes(1)).unwrap();
        assert_eq!(
            (declined.status(), declined.failure.unwrap().code),
            (LinkStatus::Cancelled, Code::Declined)
        );
    }

    #[test]
    fn a_link_as_it_was_made_tells_nothing_of_what_came_of_it() {
        let done = link().open(opening(), minutes(1)).unwrap().complete(completion(), minutes(2)).unwrap();
        let made = Link { resends: 2, ..done }.as_made();
        assert_eq!((made.status(), made.resends, made.times.completed), (LinkStatus::Created, 0, None));
        assert_eq!((made.binding(), made.expires_at), (link().binding(), link().expires_at));
    }

    #[test]
    fn its_status_at_a_moment_is_that_of_the_link_as_of_then() {
        let opened = link().open(opening(), minutes(9)).unwrap();
        let held = opened.clone().hold("r".to_owned(), minutes(17), minutes(12)).unwrap();
        let early = opened.clone().hold("r".to_owned(), minutes(14), minutes(10)).unwrap();
        let failed = opened.clone().fail("r", FAULT, minutes(10)).unwrap();
        let done = opened.clone().complete(completion(), minutes(10)).unwrap();
        for link in [link(), opened, held, early, failed, done] {
            for minute in 0..40 {
                let now = minutes(minute);
                assert_eq!(link.status_at(now), link.clone().as_of(now).status(), "{link:?} at {minute}");
            }
        }
    }

    #[test]
    fn what_was_taken_back_last_counts_against_whatever_is_not_newer() {
        let link = link().take_back(minutes(5)).take_back(minutes(3));
        assert!(link.was_taken_back_since(Some(minutes(4))) && link.was_taken_back_since(Some(minutes(5))));
        assert!(!link.was_taken_back_since(Some(minutes(6))));
        assert!(!link.was_taken_back_since(None), "the channel has nothing to do with it");
    }

    #[test]
    fn nothing_follows_a_final_status() {
        for ended in
            [link().cancel(false, start()), link().supersede(start()), link().complete(completion(), start())]
        {
            let ended = ended.unwrap();
            assert!(ended.clone().fail("r", FAULT, start()).is_err());
            assert!(ended.clone().cancel(false, start()).is_err());
            assert!(ended.clone().supersede(start()).is_err());
            assert!(ended.hold("r".to_owned(), minutes(5), start()).is_err());
        }
    }
}
