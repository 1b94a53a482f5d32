//! Attempts: every opening of a link with its steps, for whoever must find out why a login failed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::attempt::{AttemptStatus, Standing};
use crate::domain::binding::Binding;
use crate::domain::fault::{Code, Step};
use crate::domain::ids::{AttemptId, LinkId, ProviderId};
use crate::domain::request::{AuthorizationRequest, Route};
use crate::domain::timeline::Lap;
use crate::flow::Page;
use crate::flow::lists::{AttemptQuery, Part};
use crate::web::Web;
use crate::web::caller::{Caller, ReadAudit, Scope as _};
use crate::web::error::{ApiError, BodyFault};
use crate::web::openapi::answers::{Called, Sought, Stored};
use crate::web::segment::Segment;

use super::query::Query;
use super::{attempts_csv, csv};

/// One opening of a link. It tells steps, times, codes and our own notes, and nothing of the person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt, examples(super::examples::attempt))]
pub struct AttemptView<'a> {
    id: &'a AttemptId,
    auth_link_id: &'a LinkId,
    provider: &'a ProviderId,
    /// The hash of the provider's settings at the opening: 64 hexadecimal digits.
    revision: String,
    callback: Route,
    status: AttemptStatus,
    /// Where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Step)]
    step: Option<Step>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Code)]
    code: Option<Code>,
    /// How it was proved that who signed in is who is in the chat; of a completed one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Binding)]
    binding: Option<Binding>,
    /// When the customer pressed *Continue*.
    opened_at: Timestamp,
    /// When the customer must have come back.
    expires_at: Timestamp,
    /// When the chat confirmed it; of one that was completed by a code only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    confirmed_at: Option<Timestamp>,
    /// When it ended; left out while it may go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    ended_at: Option<Timestamp>,
    timeline: Vec<LapView>,
    /// What was repaired, left out, or could not be evaluated; never a value of the provider's answer.
    notes: &'a [String],
}

/// One step of an attempt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AttemptStep)]
pub struct LapView {
    pub(in crate::web) step: Step,
    pub(in crate::web) at: Timestamp,
    /// How long it took; left out where nobody could write it down.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u64)]
    pub(in crate::web) took_ms: Option<u64>,
    /// `ok`, `waiting` (the chat must confirm it), or the code of the failure.
    pub(in crate::web) outcome: &'static str,
    /// The HTTP status of the provider's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u16)]
    pub(in crate::web) http_status: Option<u16>,
}

/// Attempts, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(super::examples::attempts))]
pub struct AttemptList<'a> {
    items: Vec<AttemptView<'a>>,
    /// The `cursor` of the next page; null at the end. A page may hold fewer than `limit` and still have a next one.
    #[schema(required)]
    next: Option<&'a str>,
}

/// List attempts
///
/// Every opening of a link, newest first, with its steps: what went wrong, where, and how long it took. Nothing in
/// it is of the person. They are kept for 30 days. As CSV (`format=csv`, or `Accept: text/csv`) it is all that the
/// question wants, as one file, newest first too; a file that was cut short ends with an error of the connection.
#[utoipa::path(
    get, path = "/v1/attempts", operation_id = "listAttempts", tag = "Attempts",
    security(("oauth2" = [ReadAudit::NAME])),
    params(
        ("authLinkId" = Option<LinkId>, Query, description = "Those of this link."),
        ("provider" = Option<ProviderId>, Query, description = "Those at this provider."),
        ("status" = Option<AttemptStatus>, Query, description = "Those that stand so now."),
        ("code" = Option<Code>, Query, description = "Those that failed with this code."),
        ("since" = Option<Timestamp>, Query, description = "Those that began then or later."),
        ("until" = Option<Timestamp>, Query, description = "Those that began then or earlier."),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out. Not for CSV."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before, of the same question. Not for CSV."),
        ("format" = Option<String>, Query, pattern = "^(json|csv)$", description = "`json` or `csv`; what `Accept` wants, if it is left out."),
    ),
    responses(
        (status = 200, description = "A page of attempts, or all of them as CSV.", content(
            (AttemptList = "application/json"), (String = "text/csv"),
        )),
        Called, Stored,
    )
)]
pub async fn list(
    caller: Caller<ReadAudit>,
    State(web): State<Arc<Web>>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let known = ["authLinkId", "provider", "status", "code", "since", "until", "limit", "cursor", "format"];
    let query = Query::parse(raw.as_deref(), &known)?;
    let wanted = AttemptQuery {
        link: query.parsed("authLinkId")?,
        provider: query.parsed("provider")?,
        status: query.parsed("status")?,
        code: code_of(&query)?,
        since: query.time("since")?,
        until: query.time("until")?,
    };
    if csv::is_wanted(&query, &headers)? {
        return attempts_csv::file(web, &caller, wanted).await;
    }
    let part = Part { cursor: query.get("cursor"), limit: query.limit()? };
    let page = web.broker.attempts(&caller.tenant, &wanted, part).await?;
    Ok(Json(AttemptList::of(&page, web.broker.clock().now())).into_response())
}

/// See an attempt
///
/// One opening of a link. Its id is the reference on the customer's page.
#[utoipa::path(
    get, path = "/v1/attempts/{id}", operation_id = "getAttempt", tag = "Attempts",
    security(("oauth2" = [ReadAudit::NAME])),
    params(("id" = AttemptId, Path, description = "The attempt.")),
    responses((status = 200, description = "The attempt as it is.", body = AttemptView), Called, Sought, Stored)
)]
pub async fn read(
    caller: Caller<ReadAudit>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: AttemptId = id.parse().map_err(|_| ApiError::NotFound)?;
    let attempt = web.broker.attempt(&caller.tenant, &id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(AttemptView::of(&attempt, web.broker.clock().now())).into_response())
}

fn code_of(query: &Query) -> Result<Option<Code>, ApiError> {
    let Some(text) = query.get("code") else { return Ok(None) };
    let found = Code::ALL.iter().copied().find(|code| code.as_str() == text);
    let fault = || {
        ApiError::Malformed(vec![BodyFault::at(
            "?code",
            "no code of a failed sign-in; docs/errors.md has them",
        )])
    };
    found.map(Some).ok_or_else(fault)
}

impl<'a> AttemptList<'a> {
    fn of(page: &'a Page<AuthorizationRequest>, now: Timestamp) -> Self {
        let items = page.items.iter().map(|attempt| AttemptView::of(attempt, now)).collect();
        Self { items, next: page.next.as_deref() }
    }
}

impl<'a> AttemptView<'a> {
    /// The attempt as it is at `now`.
    pub fn of(attempt: &'a AuthorizationRequest, now: Timestamp) -> Self {
        let standing = attempt.standing_at(now);
        let by_code = standing.binding == Some(Binding::Code);
        Self {
            id: &attempt.id,
            auth_link_id: &attempt.link,
            provider: &attempt.provider,
            revision: attempt.revision.to_string(),
            callback: attempt.route,
            status: standing.status,
            step: standing.fault.map(|fault| fault.step),
            code: standing.fault.map(|fault| fault.code),
            binding: standing.binding,
            opened_at: attempt.created_at,
            expires_at: attempt.expires_at,
            confirmed_at: standing.ended.filter(|_| by_code),
            ended_at: standing.ended,
            timeline: timeline(attempt, standing),
            notes: attempt.timeline.notes(),
        }
    }
}

/// The steps that were written down, and the end that nobody wrote down: a sign-in that lapsed, a
/// broker that was killed.
pub fn timeline(attempt: &AuthorizationRequest, standing: Standing) -> Vec<LapView> {
    let mut laps = attempt.timeline.laps().to_vec();
    if let (Some(fault), Some(ended)) = (standing.fault, standing.ended)
        && laps.last().is_none_or(|lap| lap.code.is_none())
    {
        let (step, at) = (fault.step, attempt.age_at(ended));
        laps.push(Lap { step, at, took: None, code: Some(fault.code), status: None });
    }
    let last_bind = laps.iter().rposition(|lap| lap.step == Step::Bind);
    let waits = standing.status == AttemptStatus::Provisional;
    let viewed = laps.iter().enumerate().map(|(number, lap)| LapView {
        step: lap.step,
        at: attempt.created_at + SignedDuration::from_millis(i64::try_from(lap.at).unwrap_or(i64::MAX)),
        took_ms: lap.took,
        outcome: match lap.code {
            Some(code) => code.as_str(),
            None if lap.step == Step::Bind && (waits || last_bind != Some(number)) => "waiting",
            None => "ok",
        },
        http_status: lap.status,
    });
    viewed.collect()
}
