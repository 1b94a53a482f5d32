//! The authorization request: one opening of a link on its way through the provider.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::secret::Secret;

use super::ask::Native;
use super::binding::Binding;
use super::fault::{Code, Fault, Step};
use super::ids::{AttemptId, LinkId, ProviderId};
use super::profile::SignedIn;
use super::provider::{CallbackPath, Revision};
use super::timeline::Timeline;

/// Which of the redirect URIs a login comes back to: `eu` for every link channel, `abc` and `abcAuth2` for
/// the two flows of Apple Messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[schema(as = CallbackRoute)]
pub enum Route {
    /// `/idp/eu/oauth/callback`, for every link channel.
    #[serde(rename = "eu")]
    EndUser,
    /// `/web/inbound/abc/oauth/redirect`, for Apple's older flow.
    #[serde(rename = "abc")]
    Abc,
    /// `/web/inbound/abc/oauth/abcAuth2Redirect`, for Apple's newer flow.
    #[serde(rename = "abcAuth2")]
    AbcAuth2,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 3] = [Self::EndUser, Self::Abc, Self::AbcAuth2];

    /// The word in the create call.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndUser => "eu",
            Self::Abc => "abc",
            Self::AbcAuth2 => "abcAuth2",
        }
    }

    /// The path on the tenant's host, without a provider.
    pub fn path(self) -> &'static str {
        match self {
            Self::EndUser => "/idp/eu/oauth/callback",
            Self::Abc => "/web/inbound/abc/oauth/redirect",
            Self::AbcAuth2 => "/web/inbound/abc/oauth/abcAuth2Redirect",
        }
    }

    /// The redirect URI on `origin` (`https://acme.example.com`) for a provider.
    pub fn redirect_uri(self, origin: &str, provider: &ProviderId, path: CallbackPath) -> String {
        match path {
            CallbackPath::Bare => format!("{origin}{}", self.path()),
            CallbackPath::Named => format!("{origin}{}/{provider}", self.path()),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Route {
    type Err = UnknownRoute;

    fn from_str(text: &str) -> Result<Self, UnknownRoute> {
        Self::ALL.into_iter().find(|route| route.as_str() == text).ok_or(UnknownRoute)
    }
}

/// A word that names no callback route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a callback route; use `eu`, `abc` or `abcAuth2`")]
pub struct UnknownRoute;

/// How long an authorization request lives.
pub const REQUEST_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// How long the code of a result page may be sent in the chat.
pub const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// A claim without an outcome that is older than this was interrupted.
pub const CLAIM_LIFETIME: SignedDuration = SignedDuration::from_secs(30);
/// Wrong codes that one provisional sign-in allows.
pub const CODE_GUESSES: u8 = 5;

/// One opening of a link. Its state is known to the browser only; the record is found by the
/// keyed hash of the state. Everything that the callback will check is pinned here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The keyed hash of its state, by which the store finds it.
    pub key: String,
    /// The name of this attempt in logs and lists.
    pub id: AttemptId,
    /// The link that was opened.
    pub link: LinkId,
    /// The provider, as it was then.
    pub provider: ProviderId,
    /// The hash of its settings then.
    pub revision: Revision,
    /// The way back.
    pub route: Route,
    /// The redirect URI, byte for byte as it was sent.
    pub redirect_uri: String,
    /// PKCE's secret (RFC 7636); none where the provider has PKCE switched off.
    pub code_verifier: Option<Secret>,
    /// What the id_token must repeat (OIDC Core, 3.1.2.1); none for a login without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Secret>,
    /// The issuer that was asked; none for a provider without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whether the callback must name that issuer (RFC 9207).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub names_issuer: bool,
    /// The keyed hash of the cookie's value.
    pub cookie_hash: String,
    /// The name of the cookie that this opening set.
    pub cookie_name: String,
    /// The keyed hash of the answer, where a browser without the cookie brought it: the one that has the cookie is shown
    /// what came of it only if it brings the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brought: Option<String>,
    /// How the channel itself will vouch for the person; none if the chat must confirm it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Native>,
    /// Whether the browser that opened the link also holds the web chat of its conversation: it came from the chat's
    /// own page, and says so itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_chat: bool,
    /// When the customer pressed *Continue*.
    pub created_at: Timestamp,
    /// After this the callback is refused.
    pub expires_at: Timestamp,
    /// How far it came.
    pub phase: Phase,
    /// What it went through from its claim on.
    #[serde(default)]
    pub timeline: Timeline,
}

/// How far an authorization request came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Phase {
    /// The customer is at the provider.
    Started,
    /// The same browser opened the link again; this opening is worth nothing any more.
    GivenUp {
        /// When.
        at: Timestamp,
    },
    /// The callback came and is at work.
    Claimed {
        /// Since when.
        at: Timestamp,
    },
    /// The customer signed in; the chat must confirm it. The only place that knows the person.
    Provisional(Box<Provisional>),
    /// It is over.
    Finished {
        /// When.
        at: Timestamp,
        /// How it ended.
        outcome: Outcome,
    },
}

/// A finished sign-in that waits for the chat's confirmation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Provisional {
    /// What the result page shows: six digits, without the prefix.
    pub code: Secret,
    /// When it lapses.
    pub until: Timestamp,
    /// Codes that were compared.
    pub guesses: u8,
    /// When the provider's answer was exchanged: the time of the fields in the contact.
    pub exchanged_at: Timestamp,
    /// Who it is.
    pub signed_in: SignedIn,
}

/// How an authorization request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The link is complete.
    Completed {
        /// How it was proved.
        binding: Binding,
    },
    /// It failed or was denied.
    Failed(Fault),
}

impl AuthorizationRequest {
    /// How far it came, judged at `now`: a claim that took too long was interrupted, and a
    /// provisional sign-in that nobody confirmed has lapsed.
    pub fn phase_at(&self, now: Timestamp) -> Phase {
        let lapsed =
            |at, step, code| Phase::Finished { at, outcome: Outcome::Failed(Fault::new(step, code)) };
        match &self.phase {
            Phase::Claimed { at } if now.duration_since(*at) >= CLAIM_LIFETIME => {
                lapsed(*at + CLAIM_LIFETIME, Step::Exchange, Code::Interrupted)
            }
            Phase::Provisional(provisional) if now >= provisional.until => {
                lapsed(provisional.until, Step::Bind, Code::NotConfirmed)
            }
            phase => phase.clone(),
        }
    }

    /// Since when it counts as interrupted: it was claimed, and nobody wrote down how it ended.
    pub fn interrupted_at(&self, now: Timestamp) -> Option<Timestamp> {
        match (&self.phase, self.phase_at(now)) {
            (Phase::Claimed { .. }, Phase::Finished { at, .. }) => Some(at),
            _ => None,
        }
    }

    /// Claims the request for one callback.
    pub fn claim(mut self, now: Timestamp) -> Result<Self, Fault> {
        if now >= self.expires_at {
            return Err(Fault::new(Step::Verify, Code::StateExpired));
        }
        match self.phase {
            Phase::Started => {
                self.timeline.begin(Step::Claim, self.age_at(now));
                // The grant holds it from now on: a broker that is killed leaves none behind.
                self.forget_secrets();
                self.phase = Phase::Claimed { at: now };
                Ok(self)
            }
            _ => Err(Fault::new(Step::Claim, Code::StateUnknown)),
        }
    }

    /// A browser without the cookie brings an answer: whoever set out may have sent the provider's page to somebody
    /// else. Whoever has the cookie then learns nothing without the same answer, which the provider gave to the other
    /// browser alone; and nothing that the channel says of its person counts for this sign-in.
    #[must_use]
    pub fn change_browser(mut self, answer: String) -> Self {
        self.brought = Some(answer);
        self.native = None;
        self
    }

    /// The same browser has opened the link again.
    #[must_use]
    pub fn give_up(mut self, now: Timestamp) -> Self {
        self.forget_secrets();
        self.phase = Phase::GivenUp { at: now };
        self
    }

    fn forget_secrets(&mut self) {
        self.code_verifier = None;
        self.nonce = None;
    }

    /// Milliseconds since the opening.
    pub fn age_at(&self, now: Timestamp) -> u64 {
        u64::try_from(now.duration_since(self.created_at).as_millis()).unwrap_or(0)
    }

    /// Ends the request. What it knew of the person and PKCE's secret are forgotten.
    #[must_use]
    pub fn finish(mut self, outcome: Outcome, now: Timestamp) -> Self {
        self.forget_secrets();
        self.phase = Phase::Finished { at: now, outcome };
        self
    }

    /// Keeps the sign-in until the chat confirms it.
    #[must_use]
    pub fn hold(mut self, provisional: Provisional) -> Self {
        self.forget_secrets();
        self.phase = Phase::Provisional(Box::new(provisional));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_redirect_uris_are_those_of_the_seed() {
        let provider: ProviderId = "acme".parse().unwrap();
        let uris: Vec<_> = Route::ALL
            .iter()
            .map(|route| route.redirect_uri("https://t.example", &provider, CallbackPath::Bare))
            .collect();
        assert_eq!(
            uris,
            [
                "https://t.example/idp/eu/oauth/callback",
                "https://t.example/web/inbound/abc/oauth/redirect",
                "https://t.example/web/inbound/abc/oauth/abcAuth2Redirect",
            ]
        );
        assert_eq!(
            Route::EndUser.redirect_uri("https://t.example", &provider, CallbackPath::Named),
            "https://t.example/idp/eu/oauth/callback/acme"
        );
    }
}
