//! Test logins: try a provider's settings before any customer does.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::contact::Change;
use crate::domain::ids::{ProviderId, TrialId};
use crate::domain::profile::Profile;
use crate::domain::trial::{Findings, Proposal, RedirectUri, StageReport, Trial, TrialState};
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::caller::{Caller, ReadProviders, Scope as _, WriteProviders};
use crate::web::error::{ApiError, BodyFault};
use crate::web::once_json::{self, OnceBare};
use crate::web::openapi::answers::{Called, Keyed, Sought, Stored};
use crate::web::segment::{Pair, Segment};

use super::query::Query;
use super::view::VerifiedView;

/// The longest wait, in seconds.
const LONGEST_WAIT: u64 = 30;

/// A test login and what it found so far. Values of secrets, codes and tokens are `•••`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProviderTest, examples(super::trial_examples::test))]
pub struct TrialView {
    id: TrialId,
    provider: ProviderId,
    /// The hash of the settings that are tested: 64 hexadecimal digits.
    revision: String,
    state: TrialState,
    /// Where somebody signs in, in a browser; only in the answer that began the test, and only if it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String, format = Uri)]
    url: Option<String>,
    created_at: Timestamp,
    /// Until when somebody may sign in. What was found is kept for an hour.
    expires_at: Timestamp,
    steps: Vec<StageReport>,
    /// What the sign-in told, and what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = FindingsView)]
    result: Option<FindingsView>,
    /// Settings that would mend something.
    proposals: Vec<Proposal>,
    /// What was repaired, left out or looks odd.
    warnings: Vec<String>,
    /// What must be registered at the provider.
    redirect_uris: Vec<RedirectUri>,
}

/// What the provider said of whoever signed in, beside what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TestResult)]
pub struct FindingsView {
    /// The WhoAmI answer as it came.
    #[schema(required)]
    whoami: Value,
    /// The claims of the verified id_token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Object)]
    claims: Option<Value>,
    /// The token answer without its tokens.
    #[schema(required)]
    token_response: Value,
    /// Further WhoAmI calls by their names.
    #[schema(value_type = Object)]
    further: Map<String, Value>,
    /// What the mapping made of it; left out if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Profile)]
    profile: Option<Profile>,
    /// Who this is at the provider; null if the answer names nobody.
    #[schema(required)]
    subject: Option<String>,
    verified: VerifiedView,
    /// What an empty contact would take of the profile.
    contact_changes: Vec<Change>,
}

/// Test a provider
///
/// Begins a dry run through the way of every login. What needs no person is done at once; then somebody signs in at
/// `url`, which works once and for ten minutes. Nothing is stored in a contact, a conversation or an event. Where a step
/// failed, `cause` and `remedy` say what to do, and `proposals` with which setting. Sent again with the same
/// `Idempotency-Key` while the first test is known (an hour), the order begins none and is answered with that one as it
/// is then.
#[utoipa::path(
    post, path = "/v1/providers/{id}/test", operation_id = "testProvider", tag = "Providers",
    security(("oauth2" = [WriteProviders::NAME])),
    params(
        ("id" = ProviderId, Path, description = "The provider."),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "The sender's name for this order: visible ASCII characters."),
    ),
    responses(
        (status = 201, description = "The test, and where to sign in.", body = TrialView,
            headers(("Location" = String, description = "The path of the test."),
                ("Idempotent-Replayed" = String, description = "`true` where the same order has begun it before."))),
        Called, Sought, Keyed, Stored,
    )
)]
pub async fn begin(
    caller: Caller<WriteProviders>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    OnceBare(once): OnceBare,
) -> Result<Response, ApiError> {
    let id: ProviderId = id.parse().map_err(|_| ApiError::NotFound)?;
    let begun = web.broker.begin_trial(&caller.tenant, &id, &caller.actor(), once.as_ref()).await?;
    let location = format!("/v1/providers/{id}/tests/{}", begun.trial.id);
    let url = begun.handle.map(|handle| format!("{}/t/{handle}", caller.tenant.origin));
    let view = TrialView::of(begun.trial, url);
    Ok(once_json::made(Json(view).into_response(), &location, begun.replayed))
}

/// See a test
///
/// How a test stands and what it found. With `wait` the answer comes as soon as the test is over.
#[utoipa::path(
    get, path = "/v1/providers/{id}/tests/{testId}", operation_id = "getProviderTest", tag = "Providers",
    security(("oauth2" = [ReadProviders::NAME])),
    params(
        ("id" = ProviderId, Path, description = "The provider."),
        ("testId" = TrialId, Path, description = "The test."),
        ("wait" = Option<u64>, Query, minimum = 0, maximum = 30, description = "For how many seconds to wait for its end."),
    ),
    responses((status = 200, description = "The test as it is.", body = TrialView), Called, Sought, Stored)
)]
pub async fn read(
    caller: Caller<ReadProviders>,
    State(web): State<Arc<Web>>,
    Pair(id, test): Pair,
    RawQuery(raw): RawQuery,
) -> Result<Json<TrialView>, ApiError> {
    let (id, test) = (id.parse::<ProviderId>(), test.parse::<TrialId>());
    let (Ok(id), Ok(test)) = (id, test) else { return Err(ApiError::NotFound) };
    let query = Query::parse(raw.as_deref(), &["wait"])?;
    let longest = match query.get("wait").map(str::parse::<u64>) {
        None => Duration::ZERO,
        Some(Ok(seconds)) if seconds <= LONGEST_WAIT => Duration::from_secs(seconds),
        Some(_) => {
            let detail = format!("use 0 to {LONGEST_WAIT} seconds");
            return Err(ApiError::Malformed(vec![BodyFault::at("?wait", detail)]));
        }
    };
    let trial = web.broker.wait_for_trial(&caller.tenant, &id, &test, longest).await?;
    caller.saw(&web, Seen::trial(&trial)).await?;
    Ok(Json(TrialView::of(trial, None)))
}

impl TrialView {
    fn of(trial: Trial, url: Option<String>) -> Self {
        Self {
            state: trial.state(),
            id: trial.id,
            redirect_uris: trial.redirect_uris,
            provider: trial.provider,
            revision: trial.revision.to_string(),
            url,
            created_at: trial.created_at,
            expires_at: trial.expires_at,
            steps: trial.steps,
            result: trial.findings.map(FindingsView::of),
            proposals: trial.proposals,
            warnings: trial.warnings,
        }
    }
}

impl FindingsView {
    fn of(findings: Findings) -> Self {
        let Findings { whoami, claims, token_response, further, signed_in, contact_changes } = findings;
        let verified = VerifiedView::of(signed_in.as_ref());
        let subject = signed_in.as_ref().and_then(|told| told.subject.clone());
        let profile = signed_in.map(|told| told.profile);
        Self { whoami, claims, token_response, further, profile, subject, verified, contact_changes }
    }
}
