//! What is counted in one hour of one tenant. The hour of a link is the one in which it was sent, that
//! of an attempt the one in which it began: so the stages of a period speak of the same links.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::conversation::Channel;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::ProviderId;

use super::counted::{Counted, What};
use super::histogram::Histogram;

/// An hour of UTC, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

/// How far a link came at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It was made.
    Sent,
    /// Somebody pressed *Continue*.
    Opened,
    /// Somebody signed in at the provider, and the provider's answer was good.
    SignedIn,
    /// It is complete.
    Verified,
    /// The customer said *This wasn't me*.
    Declined,
}

/// Links by how far they came. Each link counts once in each stage that it reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names are those of the stages")]
pub struct Funnel {
    pub sent: u64,
    pub opened: u64,
    pub signed_in: u64,
    pub verified: u64,
    pub declined: u64,
}

/// A stretch of a sign-in whose time is measured, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// From the message to the customer's *Continue*, the first one.
    Message,
    /// From *Continue* to the callback: the customer is at the provider.
    Provider,
    /// [`Step::Claim`].
    Claim,
    /// [`Step::Exchange`].
    Exchange,
    /// [`Step::IdToken`].
    IdToken,
    /// [`Step::Whoami`].
    Whoami,
    /// [`Step::Normalise`].
    Normalise,
    /// From the result page to the code in the chat.
    Chat,
}

/// One hour's counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// By provider.
    #[serde(default)]
    pub providers: BTreeMap<ProviderId, ProviderTally>,
}

/// One hour's counts of one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProviderTally {
    /// Links by channel.
    pub channels: BTreeMap<Channel, Funnel>,
    /// Openings of links.
    pub attempts: u64,
    /// How long the parts took.
    pub times: BTreeMap<Leg, Histogram>,
    /// Why attempts failed.
    pub faults: BTreeMap<Step, BTreeMap<Code, u64>>,
}

impl Hour {
    /// The hour of a moment.
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(3600))
    }

    /// Its first moment.
    pub fn begins(self) -> Timestamp {
        Timestamp::from_second(self.0.saturating_mul(3600)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Its last moment and that of the hours behind it, `hours` in all.
    pub fn ends_after(self, hours: i64) -> Timestamp {
        self.begins().saturating_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
    }

    /// So many hours up to this one, oldest first.
    pub fn last(self, hours: u32) -> impl Iterator<Item = Self> {
        (0..i64::from(hours)).rev().map(move |before| Self(self.0 - before))
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Leg {
    /// Every one, in their order.
    pub const ALL: [Self; 8] = [
        Self::Message,
        Self::Provider,
        Self::Claim,
        Self::Exchange,
        Self::IdToken,
        Self::Whoami,
        Self::Normalise,
        Self::Chat,
    ];

    /// The stretch that is a step of the callback; none for a step that takes no time worth telling.
    pub fn of_step(step: Step) -> Option<Self> {
        match step {
            Step::Claim => Some(Self::Claim),
            Step::Exchange => Some(Self::Exchange),
            Step::IdToken => Some(Self::IdToken),
            Step::Whoami => Some(Self::Whoami),
            Step::Normalise => Some(Self::Normalise),
            Step::Parse | Step::Find | Step::Verify | Step::Bind | Step::Record | Step::Announce => None,
        }
    }
}

impl Funnel {
    /// A link reached a stage.
    pub fn add(&mut self, stage: Stage) {
        let count = match stage {
            Stage::Sent => &mut self.sent,
            Stage::Opened => &mut self.opened,
            Stage::SignedIn => &mut self.signed_in,
            Stage::Verified => &mut self.verified,
            Stage::Declined => &mut self.declined,
        };
        *count = count.saturating_add(1);
    }

    /// Adds the links of another one.
    pub fn merge(&mut self, other: &Self) {
        self.sent = self.sent.saturating_add(other.sent);
        self.opened = self.opened.saturating_add(other.opened);
        self.signed_in = self.signed_in.saturating_add(other.signed_in);
        self.verified = self.verified.saturating_add(other.verified);
        self.declined = self.declined.saturating_add(other.declined);
    }
}

impl ProviderTally {
    /// The links of all channels.
    pub fn funnel(&self) -> Funnel {
        let mut all = Funnel::default();
        self.channels.values().for_each(|funnel| all.merge(funnel));
        all
    }

    /// Every reason and how often it was one.
    pub fn faults(&self) -> impl Iterator<Item = (Fault, u64)> {
        self.faults
            .iter()
            .flat_map(|(step, codes)| codes.iter().map(|(code, count)| (Fault::new(*step, *code), *count)))
    }

    /// Adds the counts of another one.
    pub fn merge(&mut self, other: &Self) {
        for (channel, funnel) in &other.channels {
            self.channels.entry(*channel).or_default().merge(funnel);
        }
        self.attempts = self.attempts.saturating_add(other.attempts);
        for (leg, times) in &other.times {
            self.times.entry(*leg).or_default().merge(times);
        }
        for (fault, times) in other.faults() {
            self.fail(fault, times);
        }
    }

    fn fail(&mut self, fault: Fault, times: u64) {
        let count = self.faults.entry(fault.step).or_default().entry(fault.code).or_default();
        *count = count.saturating_add(times);
    }
}

impl Tally {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }

    /// Counts one thing more.
    pub fn add(&mut self, counted: Counted) {
        let provider = self.providers.entry(counted.provider).or_default();
        match counted.what {
            What::Link(channel, stage) => provider.channels.entry(channel).or_default().add(stage),
            What::Attempt => provider.attempts = provider.attempts.saturating_add(1),
            What::Took(leg, ms) => provider.times.entry(leg).or_default().add(ms),
            What::Failed(fault) => provider.fail(fault, 1),
        }
    }

    /// Adds the counts of another hour, or of another broker.
    pub fn merge(&mut self, other: &Self) {
        for (id, tally) in &other.providers {
            self.providers.entry(id.clone()).or_default().merge(tally);
        }
    }

    /// The counts of all providers together.
    pub fn together(&self) -> ProviderTally {
        let mut all = ProviderTally::default();
        self.providers.values().for_each(|tally| all.merge(tally));
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn counted(provider: u8, what: What) -> Counted {
        let provider = format!("p{}", provider % 3).parse().unwrap();
        Counted { hour: Hour::of(at("2026-11-22T20:10:00Z")), provider, what }
    }

    /// Any thing that can be counted.
    fn things() -> impl Strategy<Value = Vec<Counted>> {
        let stage = prop::sample::select(vec![
            Stage::Sent,
            Stage::Opened,
            Stage::SignedIn,
            Stage::Verified,
            Stage::Declined,
        ]);
        let channel = prop::sample::select(Channel::ALL.to_vec());
        let steps = vec![Step::Verify, Step::Exchange, Step::Whoami, Step::Bind];
        let fault = (prop::sample::select(steps), prop::sample::select(Code::ALL.to_vec()));
        let what = prop_oneof![
            (channel, stage).prop_map(|(channel, stage)| What::Link(channel, stage)),
            Just(What::Attempt),
            (prop::sample::select(Leg::ALL.to_vec()), any::<u64>()).prop_map(|(leg, ms)| What::Took(leg, ms)),
            fault.prop_map(|(step, code)| What::Failed(Fault::new(step, code))),
        ];
        prop::collection::vec((any::<u8>(), what).prop_map(|(provider, what)| counted(provider, what)), 0..40)
    }

    fn tally(things: &[Counted]) -> Tally {
        let mut tally = Tally::default();
        things.iter().cloned().for_each(|thing| tally.add(thing));
        tally
    }

    #[test]
    fn an_hour_begins_on_the_hour_also_before_1970() {
        assert_eq!(Hour::of(at("2026-11-22T20:59:59.999Z")).begins(), at("2026-11-22T20:00:00Z"));
        assert_eq!(Hour::of(at("1969-12-31T23:59:59Z")).begins(), at("1969-12-31T23:00:00Z"));
        let hour = Hour::of(at("2026-11-22T20:00:00Z"));
        let hours: Vec<_> = hour.last(3).map(Hour::begins).collect();
        assert_eq!(
            hours,
            [at("2026-11-22T18:00:00Z"), at("2026-11-22T19:00:00Z"), at("2026-11-22T20:00:00Z")]
        );
        assert_eq!(hour.ends_after(2), at("2026-11-22T22:00:00Z"));
        assert_eq!(hour.to_string(), "498716");
    }

    #[test]
    fn the_funnel_of_a_provider_is_that_of_all_its_channels() {
        let link = |channel, stage| counted(0, What::Link(channel, stage));
        let tally = tally(&[
            link(Channel::Sms, Stage::Sent),
            link(Channel::Sms, Stage::Opened),
            link(Channel::Line, Stage::Sent),
        ]);
        let funnel = tally.together().funnel();
        assert_eq!((funnel.sent, funnel.opened, funnel.verified), (2, 1, 0));
        assert!(!tally.is_empty() && Tally::default().is_empty());
    }

    #[test]
    fn an_hour_of_an_older_version_lacks_what_is_counted_since() {
        let old = r#"{"providers":{"acme":{"channels":{"sms":{"sent":3}}}}}"#;
        let tally: Tally = serde_json::from_str(old).unwrap();
        assert_eq!(tally.together().funnel(), Funnel { sent: 3, ..Funnel::default() });
        assert_eq!(serde_json::from_str::<Tally>("{}").unwrap(), Tally::default());
    }

    proptest! {
        #[test]
        fn what_two_brokers_counted_adds_up_in_any_order(a in things(), b in things()) {
            let (mut ab, mut ba) = (tally(&a), tally(&b));
            ab.merge(&tally(&b));
            ba.merge(&tally(&a));
            prop_assert_eq!(&ab, &tally(&[a, b].concat()));
            prop_assert_eq!(ab, ba);
        }

        #[test]
        fn it_survives_the_store(things in things()) {
            let tally = tally(&things);
            let text = serde_json::to_string(&tally).unwrap();
            prop_assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), tally);
        }
    }
}
