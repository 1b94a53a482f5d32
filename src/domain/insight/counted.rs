//! What a change of a link or an attempt adds to the counts. The change itself is compared, wherever
//! it is made: so no use case can forget to count, and none counts twice.

use jiff::Timestamp;

use crate::domain::conversation::Channel;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::ProviderId;
use crate::domain::link::Link;
use crate::domain::request::{AuthorizationRequest, Outcome, Phase};
use crate::domain::timeline::Timeline;

use super::tally::{Hour, Leg, Stage};

/// One thing to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// In which hour.
    pub hour: Hour,
    /// For which provider.
    pub provider: ProviderId,
    /// What.
    pub what: What,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A link of this channel reached a stage.
    Link(Channel, Stage),
    /// A link was opened.
    Attempt,
    /// A part of a sign-in took so many milliseconds.
    Took(Leg, u64),
    /// An attempt failed.
    Failed(Fault),
}

/// What is news in a link; `before` is none of a new one.
pub fn of_link(before: Option<&Link>, after: &Link) -> Vec<Counted> {
    let channel = after.conversation.channel;
    let reached = |stage: Stage| match before {
        None => has_reached(after, stage),
        Some(before) => !has_reached(before, stage) && has_reached(after, stage),
    };
    let stages = [Stage::Sent, Stage::Opened, Stage::SignedIn, Stage::Verified, Stage::Declined];
    let mut news: Vec<_> =
        stages.into_iter().filter(|stage| reached(*stage)).map(|stage| What::Link(channel, stage)).collect();
    if reached(Stage::Opened) {
        let took = after.times.opened.map(|opened| millis(after.created_at, opened));
        news.extend(took.map(|ms| What::Took(Leg::Message, ms)));
    }
    let hour = Hour::of(after.created_at);
    news.into_iter().map(|what| Counted { hour, provider: after.provider.clone(), what }).collect()
}

/// What is news in an attempt; `before` is none of a new one.
pub fn of_attempt(before: Option<&AuthorizationRequest>, after: &AuthorizationRequest) -> Vec<Counted> {
    let news = match (before.map(|before| &before.phase), &after.phase) {
        (None, _) => vec![What::Attempt],
        (Some(Phase::Claimed { .. }), Phase::Provisional(_)) => times(&after.timeline),
        (Some(Phase::Claimed { .. }), Phase::Finished { outcome, .. }) => {
            times(&after.timeline).into_iter().chain(failed(*outcome)).collect()
        }
        (Some(Phase::Finished { .. }), Phase::Finished { .. }) => Vec::new(),
        (Some(Phase::Provisional(_)), Phase::Finished { outcome: Outcome::Completed { .. }, .. }) => {
            wait_in_the_chat(&after.timeline).into_iter().collect()
        }
        (Some(_), Phase::Finished { outcome, .. }) => failed(*outcome).into_iter().collect(),
        (Some(_), _) => Vec::new(),
    };
    let hour = Hour::of(after.created_at);
    news.into_iter().map(|what| Counted { hour, provider: after.provider.clone(), what }).collect()
}

/// Whether a refusal is counted though nothing else of it is written down: its reason stands in the settings,
/// where somebody can mend it, and it takes a sign-in that was begun.
pub fn is_counted_alone(code: Code) -> bool {
    matches!(
        code,
        Code::RouteMismatch | Code::ProviderChanged | Code::IssuerMismatch | Code::VariableMismatch
    )
}

fn has_reached(link: &Link, stage: Stage) -> bool {
    match stage {
        Stage::Sent => true,
        Stage::Opened => link.times_opened > 0,
        Stage::SignedIn => link.times.provisional.is_some() || link.times.completed.is_some(),
        Stage::Verified => link.times.completed.is_some(),
        Stage::Declined => link.failure.is_some_and(|failure| failure.code == Code::Declined),
    }
}

fn failed(outcome: Outcome) -> Option<What> {
    match outcome {
        Outcome::Failed(fault) => Some(What::Failed(fault)),
        Outcome::Completed { .. } => None,
    }
}

/// The times of a callback, from the opening on.
fn times(timeline: &Timeline) -> Vec<What> {
    let laps = timeline.laps();
    let at_provider = laps.first().filter(|lap| lap.step == Step::Claim);
    let at_provider = at_provider.map(|claim| What::Took(Leg::Provider, claim.at));
    let steps = laps.iter().filter_map(|lap| Some(What::Took(Leg::of_step(lap.step)?, lap.took?)));
    at_provider.into_iter().chain(steps).collect()
}

/// From the result page to the code: the record of the sign-in is followed by a second binding.
fn wait_in_the_chat(timeline: &Timeline) -> Option<What> {
    let laps = timeline.laps();
    let waits = laps.iter().position(|lap| lap.step == Step::Record)?;
    let bound = laps[waits..].iter().find(|lap| lap.step == Step::Bind)?;
    Some(What::Took(Leg::Chat, bound.at.saturating_sub(laps[waits].at)))
}

fn millis(from: Timestamp, until: Timestamp) -> u64 {
    u64::try_from(until.duration_since(from).as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::Map;

    use crate::domain::binding::Binding;
    use crate::domain::conversation::{ConversationRef, GuessWindow};
    use crate::domain::ids::{AttemptId, LinkId};
    use crate::domain::link::{Completion, LinkState, Opening, Times};
    use crate::domain::profile::{Profile, SignedIn};
    use crate::domain::provider::Revision;
    use crate::domain::request::{CODE_LIFETIME, Provisional, REQUEST_LIFETIME, Route};
    use crate::secret::Secret;

    use super::*;

    fn start() -> Timestamp {
        "2026-01-01T10:59:00Z".parse().unwrap()
    }

    fn seconds(seconds: i64) -> Timestamp {
        start() + SignedDuration::from_secs(seconds)
    }

    fn link() -> Link {
        Link {
            id: LinkId::from_uuid(uuid::Uuid::from_u128(1)),
            token: Secret::new("t"),
            conversation: ConversationRef { id: "c".parse().unwrap(), channel: Channel::Sms, handle: None },
            provider: "acme".parse().unwrap(),
            route: Route::EndUser,
            sender: None,
            locale: None,
            snippet: None,
            capabilities: vec![],
            contact: None,
            minimum: Binding::Code,
            metadata: Map::new(),
            created_at: start(),
            expires_at: seconds(900),
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

    fn opened(link: Link, at: i64) -> Link {
        let opening = Opening { cookie_name: "cs-1".to_owned(), request: "k".to_owned() };
        link.open(opening, seconds(at)).unwrap()
    }

    fn completed(link: Link, at: i64) -> Link {
        let completion = Completion {
            contact: None,
            profile: Profile::default(),
            binding: Binding::Code,
            mismatch: false,
            contact_mismatch: false,
            fields: Map::new(),
        };
        link.complete(completion, seconds(at)).unwrap()
    }

    fn request() -> AuthorizationRequest {
        AuthorizationRequest {
            key: "k".to_owned(),
            id: AttemptId::from_uuid(uuid::Uuid::from_u128(1)),
            link: LinkId::from_uuid(uuid::Uuid::from_u128(2)),
            provider: "acme".parse().unwrap(),
            revision: Revision::new("r"),
            route: Route::EndUser,
            redirect_uri: "https://t.example/idp/eu/oauth/callback".to_owned(),
            code_verifier: None,
            nonce: None,
            issuer: None,
            names_issuer: false,
            brought: None,
            cookie_hash: "h".to_owned(),
            cookie_name: "cs-12345678".to_owned(),
            native: None,
            in_chat: false,
            created_at: start(),
            expires_at: start() + REQUEST_LIFETIME,
            phase: Phase::Started,
            timeline: Timeline::default(),
        }
    }

    /// A claimed attempt, and the same with the steps of a sign-in, as the one that records it has both.
    fn signed_in() -> (AuthorizationRequest, AuthorizationRequest) {
        let mut claimed = request().claim(seconds(8)).unwrap();
        for (step, at) in [
            (Step::Exchange, 8_002),
            (Step::Whoami, 8_100),
            (Step::Normalise, 8_150),
            (Step::Bind, 8_151),
            (Step::Record, 8_151),
        ] {
            claimed.timeline.begin(step, at);
        }
        let provisional = Provisional {
            code: Secret::new("123456"),
            until: seconds(9) + CODE_LIFETIME,
            guesses: 0,
            exchanged_at: seconds(8),
            signed_in: SignedIn::default(),
        };
        (claimed.clone(), claimed.hold(provisional))
    }

    fn whats(news: Vec<Counted>) -> Vec<What> {
        assert!(news.iter().all(|counted| counted.hour == Hour::of(start())), "{news:?}");
        assert!(news.iter().all(|counted| counted.provider.as_str() == "acme"));
        news.into_iter().map(|counted| counted.what).collect()
    }

    fn stage(stage: Stage) -> What {
        What::Link(Channel::Sms, stage)
    }

    #[test]
    fn a_link_counts_once_in_each_stage_and_in_the_hour_in_which_it_was_sent() {
        let sent = link();
        assert_eq!(whats(of_link(None, &sent)), [stage(Stage::Sent)]);
        let once = opened(sent.clone(), 65);
        assert_eq!(
            whats(of_link(Some(&sent), &once)),
            [stage(Stage::Opened), What::Took(Leg::Message, 65_000)]
        );
        let twice = opened(once.clone(), 70);
        assert_eq!(whats(of_link(Some(&once), &twice)), []);
        let held = twice.clone().hold("k".to_owned(), seconds(380), seconds(80)).unwrap();
        assert_eq!(whats(of_link(Some(&twice), &held)), [stage(Stage::SignedIn)]);
        let again = opened(held.clone(), 90).hold("k2".to_owned(), seconds(400), seconds(100)).unwrap();
        assert_eq!(whats(of_link(Some(&held), &again)), []);
        assert_eq!(whats(of_link(Some(&again), &completed(again.clone(), 110))), [stage(Stage::Verified)]);
    }

    #[test]
    fn a_sign_in_that_needs_no_code_is_signed_in_and_verified_at_once() {
        let before = opened(link(), 3);
        let after = completed(before.clone(), 9);
        assert_eq!(whats(of_link(Some(&before), &after)), [stage(Stage::SignedIn), stage(Stage::Verified)]);
        assert_eq!(whats(of_link(Some(&after), &after)), []);
    }

    #[test]
    fn a_link_that_a_customer_declines_is_told_from_one_that_its_sender_takes_back() {
        let cancelled = |declined| link().cancel(declined, seconds(5)).unwrap();
        assert_eq!(whats(of_link(Some(&link()), &cancelled(true))), [stage(Stage::Declined)]);
        assert_eq!(whats(of_link(Some(&link()), &cancelled(false))), []);
    }

    #[test]
    fn the_steps_are_counted_when_the_sign_in_is_recorded_and_not_before() {
        assert_eq!(whats(of_attempt(None, &request())), [What::Attempt]);
        let started = request();
        assert_eq!(whats(of_attempt(Some(&started), &request().claim(seconds(8)).unwrap())), []);
        let (claimed, held) = signed_in();
        assert_eq!(
            whats(of_attempt(Some(&claimed), &held)),
            [
                What::Took(Leg::Provider, 8_000),
                What::Took(Leg::Claim, 2),
                What::Took(Leg::Exchange, 98),
                What::Took(Leg::Whoami, 50),
                What::Took(Leg::Normalise, 1),
            ]
        );
        assert_eq!(whats(of_attempt(Some(&held), &held)), [], "a wrong code");
    }

    #[test]
    fn the_code_in_the_chat_is_timed_from_the_result_page() {
        let (_, mut held) = signed_in();
        held.timeline.begin(Step::Bind, 30_151);
        held.timeline.begin(Step::Record, 30_151);
        let done = held.clone().finish(Outcome::Completed { binding: Binding::Code }, seconds(31));
        assert_eq!(whats(of_attempt(Some(&held), &done)), [What::Took(Leg::Chat, 22_000)]);
        assert_eq!(whats(of_attempt(Some(&done), &done)), []);
    }

    #[test]
    fn a_failure_counts_with_the_time_that_it_took() {
        let mut claimed = request().claim(seconds(8)).unwrap();
        claimed.timeline.begin(Step::Exchange, 8_002);
        let fault = Fault::new(Step::Exchange, Code::TokenTimeout);
        claimed.timeline.fail(fault, 14_000);
        let failed = claimed.clone().finish(Outcome::Failed(fault), seconds(14));
        assert_eq!(
            whats(of_attempt(Some(&claimed), &failed)),
            [
                What::Took(Leg::Provider, 8_000),
                What::Took(Leg::Claim, 2),
                What::Took(Leg::Exchange, 5_998),
                What::Failed(fault),
            ]
        );
    }

    #[test]
    fn a_sign_in_that_nobody_confirms_has_failed() {
        let (_, held) = signed_in();
        let fault = Fault::new(Step::Bind, Code::NotConfirmed);
        let lapsed = held.clone().finish(Outcome::Failed(fault), seconds(400));
        assert_eq!(whats(of_attempt(Some(&held), &lapsed)), [What::Failed(fault)]);
        let given_up = request().give_up(seconds(3));
        assert_eq!(whats(of_attempt(Some(&request()), &given_up)), []);
    }
}
