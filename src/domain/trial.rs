//! The test login: a dry run through a provider, step by step, with what was sent, what came back,
//! and what is to be done. It belongs to no link, no conversation and no contact, and is forgotten
//! after an hour.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::actor::Actor;
use super::contact::Change;
use super::ids::{ProviderId, TrialId};
use super::profile::SignedIn;
use super::provider::Revision;
use super::request::{AuthorizationRequest, CLAIM_LIFETIME, Route};

/// How long what a test found is kept.
pub const TRIAL_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// A step of a test login, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TestStepName)]
pub enum Stage {
    /// The names of the provider's hosts lead somewhere.
    Dns,
    /// Its hosts prove who they are.
    Tls,
    /// What its issuer says of it.
    Discovery,
    /// Its keys.
    Jwks,
    /// Its sign-in page takes our request.
    Authorize,
    /// The browser came back.
    Callback,
    /// The code became a token.
    Token,
    /// The id_token can be believed.
    IdToken,
    /// Who it was.
    Whoami,
    /// What became of it.
    Mapping,
}

impl Stage {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Discovery => "discovery",
            Self::Jwks => "jwks",
            Self::Authorize => "authorize",
            Self::Callback => "callback",
            Self::Token => "token",
            Self::IdToken => "id_token",
            Self::Whoami => "whoami",
            Self::Mapping => "mapping",
        }
    }
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TestOutcome)]
pub enum StageOutcome {
    /// It is as it should be.
    Ok,
    /// A login would fail here.
    Failed,
    /// There was nothing to do.
    Skipped,
    /// A login goes on, but somebody should look at it.
    Warning,
}

/// One step, or one of the calls of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TestStep)]
pub struct StageReport {
    /// Which.
    pub step: Stage,
    /// What came of it.
    pub outcome: StageOutcome,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// A stable code of the failure; those of logins where a login would fail with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    pub code: Option<String>,
    /// What was seen, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    pub found: Option<String>,
    /// What was sent; values of secrets, codes and tokens are `•••`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Sent)]
    pub sent: Option<Sent>,
    /// What came back, with the same values hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Received)]
    pub received: Option<Received>,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    pub cause: Option<String>,
    /// How to mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    pub remedy: Option<String>,
}

/// A request as a person may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = TestSent)]
pub struct Sent {
    /// `GET` or `POST`.
    pub method: String,
    /// With its query.
    pub url: String,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The parameters of a form or the members of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Object)]
    pub body: Option<Value>,
}

/// An answer as a person may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TestReceived)]
pub struct Received {
    /// The HTTP status; none where no answer of the provider is shown but what a browser brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u16)]
    pub status: Option<u16>,
    /// The header `Content-Type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    pub content_type: Option<String>,
    /// JSON as it is, anything else as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<Value>,
}

/// A setting that would mend something, for the admin to accept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ProposedSetting)]
pub struct Proposal {
    /// Its name in the API.
    pub setting: String,
    /// Its value.
    pub value: Value,
    /// The line of a tenant's file.
    pub toml: String,
    /// Why.
    pub why: String,
}

impl Proposal {
    /// A text setting by its name in a file, which is in snake case.
    pub fn text(name: &str, value: &str, why: impl Into<String>) -> Self {
        let text = Value::String(value.to_owned());
        let toml = format!("{name} = {text}");
        Self { setting: camel(name), value: text, toml, why: why.into() }
    }
}

/// A redirect URI and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RedirectUri)]
pub struct RedirectUri {
    /// Byte for byte as it must be registered.
    pub uri: String,
    /// Which callback route it is.
    pub callback: Route,
    /// Whether every provider needs it; the others are for one channel only.
    pub required: bool,
    /// Who comes back there.
    pub purpose: String,
}

/// What a sign-in told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Findings {
    /// What the WhoAmI endpoint answered, or what stands for it.
    pub whoami: Value,
    /// The claims of the verified id_token.
    pub claims: Option<Value>,
    /// The token answer without what opens doors.
    pub token_response: Value,
    /// Further WhoAmI calls by their names.
    pub further: Map<String, Value>,
    /// What became of it; none if the mapping failed.
    pub signed_in: Option<SignedIn>,
    /// What an empty contact would take of it.
    pub contact_changes: Vec<Change>,
}

/// A test login. It holds what the provider said of whoever signed in, and is kept sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trial {
    /// Its name.
    pub id: TrialId,
    /// Which provider.
    pub provider: ProviderId,
    /// The hash of the settings that are tested.
    pub revision: Revision,
    /// The version of the draft that is tested; none for settings that logins use.
    pub draft: Option<u64>,
    /// Who began it.
    pub begun_by: Actor,
    /// What must be registered at the provider.
    pub redirect_uris: Vec<RedirectUri>,
    /// When it began.
    pub created_at: Timestamp,
    /// Until when somebody may sign in.
    pub expires_at: Timestamp,
    /// How far it came.
    pub phase: TrialPhase,
    /// The steps so far.
    pub steps: Vec<StageReport>,
    /// What the sign-in told.
    pub findings: Option<Findings>,
    /// Settings that would mend something.
    pub proposals: Vec<Proposal>,
    /// What was repaired, left out or looks odd.
    pub warnings: Vec<String>,
}

/// How far a test login came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum TrialPhase {
    /// Nobody has begun to sign in.
    Waiting,
    /// Somebody is at the provider.
    AtProvider(Box<AuthorizationRequest>),
    /// The callback came and is at work.
    Working {
        /// Since when.
        at: Timestamp,
    },
    /// It is over.
    Done {
        /// Whether a login would work.
        passed: bool,
    },
}

/// How a test login stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TestState)]
pub enum TrialState {
    /// Somebody must sign in at its URL.
    Waiting,
    /// A login would fail.
    Failed,
    /// A login works.
    Passed,
}

impl Trial {
    /// As it is at `now`: one that nobody finished in time has failed, and says so.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Self {
        let (cause, remedy) = match self.phase {
            TrialPhase::Waiting if now >= self.expires_at => {
                ("nobody signed in within ten minutes", "begin another test, and open its `url` in a browser")
            }
            TrialPhase::AtProvider(_) if now >= self.expires_at => (
                "the browser was sent to the provider and did not come back within ten minutes",
                "if the provider's page showed an error, it says what is wrong; begin another test",
            ),
            TrialPhase::Working { at } if now.duration_since(at) >= CLAIM_LIFETIME => {
                ("the broker was stopped in the middle", "begin another test")
            }
            _ => return self,
        };
        let mut report = StageReport::failed(Stage::Callback, "not_finished", cause, remedy);
        report.ms = 0;
        self.steps.push(report);
        self.phase = TrialPhase::Done { passed: false };
        self
    }

    /// How it stands.
    pub fn state(&self) -> TrialState {
        match self.phase {
            TrialPhase::Done { passed: true } => TrialState::Passed,
            TrialPhase::Done { passed: false } => TrialState::Failed,
            _ => TrialState::Waiting,
        }
    }

    /// The step at which it failed.
    pub fn failure(&self) -> Option<&StageReport> {
        self.steps.iter().find(|step| step.outcome == StageOutcome::Failed)
    }

    /// Adds a proposal unless it is there.
    pub fn propose(&mut self, proposals: impl IntoIterator<Item = Proposal>) {
        for proposal in proposals {
            if !self.proposals.iter().any(|known| known.toml == proposal.toml) {
                self.proposals.push(proposal);
            }
        }
    }
}

impl StageReport {
    /// A step without anything to say yet.
    pub fn new(step: Stage, outcome: StageOutcome) -> Self {
        Self {
            step,
            outcome,
            ms: 0,
            code: None,
            found: None,
            sent: None,
            received: None,
            cause: None,
            remedy: None,
        }
    }

    /// A step that is as it should be.
    pub fn ok(step: Stage, found: impl Into<String>) -> Self {
        Self { found: Some(found.into()), ..Self::new(step, StageOutcome::Ok) }
    }

    /// A step with nothing to do.
    pub fn skipped(step: Stage, why: impl Into<String>) -> Self {
        Self { found: Some(why.into()), ..Self::new(step, StageOutcome::Skipped) }
    }

    /// A step at which a login would fail.
    pub fn failed(step: Stage, code: &str, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code: Some(code.to_owned()),
            cause: Some(cause.into()),
            remedy: Some(remedy.into()),
            ..Self::new(step, StageOutcome::Failed)
        }
    }

    /// A step that somebody should look at.
    pub fn warning(step: Stage, code: &str, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { outcome: StageOutcome::Warning, ..Self::failed(step, code, cause, remedy) }
    }

    /// With the time it took.
    #[must_use]
    pub fn taking(self, ms: u64) -> Self {
        Self { ms, ..self }
    }
}

/// `token_path` → `tokenPath`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(phase: TrialPhase) -> Trial {
        let created_at = Timestamp::UNIX_EPOCH;
        Trial {
            id: TrialId::from_uuid(uuid::Uuid::from_u128(7)),
            provider: "acme".parse().unwrap(),
            revision: Revision::new("r"),
            draft: None,
            begun_by: "client:bot".parse().unwrap(),
            redirect_uris: Vec::new(),
            created_at,
            expires_at: created_at + SignedDuration::from_mins(10),
            phase,
            steps: Vec::new(),
            findings: None,
            proposals: Vec::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn a_test_that_nobody_finishes_fails_and_says_why() {
        let start = Timestamp::UNIX_EPOCH;
        let waiting = trial(TrialPhase::Waiting);
        assert_eq!(waiting.clone().as_of(start).state(), TrialState::Waiting);
        let late = waiting.as_of(start + SignedDuration::from_mins(10));
        assert_eq!(late.state(), TrialState::Failed);
        assert!(late.failure().unwrap().cause.as_deref().unwrap().contains("nobody signed in"));
        let working = trial(TrialPhase::Working { at: start });
        assert_eq!(working.clone().as_of(start).state(), TrialState::Waiting);
        assert_eq!(working.as_of(start + CLAIM_LIFETIME).state(), TrialState::Failed);
        let done = trial(TrialPhase::Done { passed: true });
        assert_eq!(done.as_of(start + SignedDuration::from_mins(30)).state(), TrialState::Passed);
    }

    #[test]
    fn a_proposal_is_named_as_the_api_and_as_the_file_have_it() {
        let proposal = Proposal::text("token_path", "data.\"x\"", "because");
        assert_eq!((proposal.setting.as_str(), proposal.value.as_str()), ("tokenPath", Some("data.\"x\"")));
        assert_eq!(proposal.toml, r#"token_path = "data.\"x\"""#);
        let mut trial = trial(TrialPhase::Waiting);
        trial.propose([proposal.clone(), proposal]);
        assert_eq!(trial.proposals.len(), 1);
    }

    #[test]
    fn a_step_is_written_alike_in_json_and_in_text() {
        for step in [Stage::Dns, Stage::IdToken, Stage::Whoami, Stage::Mapping] {
            assert_eq!(serde_json::to_value(step).unwrap(), step.as_str());
        }
    }
}
