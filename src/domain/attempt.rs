//! The attempt: an authorization request as the platform's engineers see it in a list, from its
//! opening to its end. It is the same record; nothing else is written for it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::binding::Binding;
use super::fault::{Code, Fault};
use super::request::{AuthorizationRequest, Outcome, Phase};

/// How an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttemptStatus {
    /// The customer is at the provider.
    Started,
    /// The callback came and is at work.
    Working,
    /// The customer signed in; the chat must confirm it.
    Provisional,
    /// The link is complete.
    Completed,
    /// A step failed.
    Failed,
    /// The customer declined at the provider.
    Denied,
    /// The broker was stopped in the middle.
    Interrupted,
    /// Nobody confirmed the sign-in in time.
    Lapsed,
    /// The customer never came back from the provider, or began anew in the same browser.
    Abandoned,
}

impl AttemptStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Started,
        Self::Working,
        Self::Provisional,
        Self::Completed,
        Self::Failed,
        Self::Denied,
        Self::Interrupted,
        Self::Lapsed,
        Self::Abandoned,
    ];

    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Working => "working",
            Self::Provisional => "provisional",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Denied => "denied",
            Self::Interrupted => "interrupted",
            Self::Lapsed => "lapsed",
            Self::Abandoned => "abandoned",
        }
    }
}

impl fmt::Display for AttemptStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AttemptStatus {
    type Err = UnknownAttemptStatus;

    fn from_str(text: &str) -> Result<Self, UnknownAttemptStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownAttemptStatus)
    }
}

/// A word that names no status of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a status of an attempt; use one of `started working provisional completed failed denied interrupted lapsed abandoned`"
)]
pub struct UnknownAttemptStatus;

/// An attempt as it is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How it stands.
    pub status: AttemptStatus,
    /// When it ended; none while it may go on.
    pub ended: Option<Timestamp>,
    /// Why it did not complete.
    pub fault: Option<Fault>,
    /// How it was proved, if it completed.
    pub binding: Option<Binding>,
}

impl AuthorizationRequest {
    /// How the attempt stands at `now`: nobody writes down that a customer did not come back, or
    /// that a broker was killed.
    pub fn standing_at(&self, now: Timestamp) -> Standing {
        let open = |status| Standing { status, ended: None, fault: None, binding: None };
        let over = |status, at| Standing { ended: Some(at), ..open(status) };
        match self.phase_at(now) {
            Phase::Started if now < self.expires_at => open(AttemptStatus::Started),
            Phase::Started => over(AttemptStatus::Abandoned, self.expires_at),
            Phase::GivenUp { at } => over(AttemptStatus::Abandoned, at),
            Phase::Claimed { .. } => open(AttemptStatus::Working),
            Phase::Provisional(_) => open(AttemptStatus::Provisional),
            Phase::Finished { at, outcome: Outcome::Completed { binding } } => {
                Standing { binding: Some(binding), ..over(AttemptStatus::Completed, at) }
            }
            Phase::Finished { at, outcome: Outcome::Failed(fault) } => {
                let status = match fault.code {
                    Code::AccessDenied => AttemptStatus::Denied,
                    Code::Interrupted => AttemptStatus::Interrupted,
                    Code::NotConfirmed => AttemptStatus::Lapsed,
                    _ => AttemptStatus::Failed,
                };
                Standing { fault: Some(fault), ..over(status, at) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::fault::Step;
    use super::super::ids::{AttemptId, LinkId};
    use super::super::provider::Revision;
    use super::super::request::{CLAIM_LIFETIME, REQUEST_LIFETIME, Route};
    use super::super::timeline::Timeline;
    use super::*;

    fn opened() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
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
            created_at: opened(),
            expires_at: opened() + REQUEST_LIFETIME,
            phase: Phase::Started,
            timeline: Timeline::default(),
        }
    }

    fn after(seconds: i64) -> Timestamp {
        opened() + SignedDuration::from_secs(seconds)
    }

    fn words(request: &AuthorizationRequest, now: Timestamp) -> (&'static str, Option<Timestamp>) {
        let standing = request.standing_at(now);
        (standing.status.as_str(), standing.ended)
    }

    #[test]
    fn a_customer_who_never_comes_back_has_abandoned_the_attempt() {
        assert_eq!(words(&request(), after(599)), ("started", None));
        assert_eq!(words(&request(), after(600)), ("abandoned", Some(after(600))));
        assert_eq!(words(&request().give_up(after(3)), after(4)), ("abandoned", Some(after(3))));
    }

    #[test]
    fn a_claim_without_an_end_was_interrupted() {
        let claimed = request().claim(after(60)).unwrap();
        assert_eq!(words(&claimed, after(89)), ("working", None));
        assert_eq!(words(&claimed, after(90)), ("interrupted", Some(after(60) + CLAIM_LIFETIME)));
        assert_eq!(claimed.timeline.laps()[0].at, 60_000);
    }

    #[test]
    fn an_end_reads_as_its_code_says() {
        let ended = |code| request().finish(Outcome::Failed(Fault::new(Step::Bind, code)), after(9));
        assert_eq!(words(&ended(Code::AccessDenied), after(9)).0, "denied");
        assert_eq!(words(&ended(Code::NotConfirmed), after(9)).0, "lapsed");
        assert_eq!(words(&ended(Code::GuessesSpent), after(9)).0, "failed");
        let done = request().finish(Outcome::Completed { binding: Binding::Match }, after(9));
        assert_eq!(words(&done, after(10_000)), ("completed", Some(after(9))));
        assert_eq!(done.standing_at(after(9)).binding, Some(Binding::Match));
    }

    #[test]
    fn every_status_is_read_by_its_word() {
        for status in AttemptStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert!(UnknownAttemptStatus.to_string().contains(status.as_str()));
        }
        assert_eq!("done".parse::<AttemptStatus>(), Err(UnknownAttemptStatus));
    }
}
