//! Attempts: every opening of a link with its steps, for whoever must find out why a login failed.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::attempt::{AttemptStatus, Standing};
use crate::domain::binding::Binding;
use crate::domain::fault::{Code, Step};
use crate::domain::ids::{AttemptId, LinkId, ProviderId};
use crate::domain::request::{AuthorizationRequest, Route};
use crate::domain::timeline::Lap;
use crate::flow::lists::{AttemptQuery, Part};
use crate::web::Web;
use crate::web::caller::{Caller, ReadAudit};
use crate::web::error::ApiError;
use crate::web::segment::Segment;

use super::query::Query;

/// One opening of a link. It tells steps, times, codes and our own notes, and nothing of the person.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView<'a> {
    id: &'a AttemptId,
    auth_link_id: &'a LinkId,
    provider: &'a ProviderId,
    /// The hash of the provider's settings at the opening: 64 hexadecimal digits.
    revision: String,
    callback: Route,
    status: AttemptWord,
    /// Where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    /// How it was proved that who signed in is who is in the chat; of a completed one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<Binding>,
    /// When the customer pressed *Continue*.
    opened_at: Timestamp,
    /// When the customer must have come back.
    expires_at: Timestamp,
    /// When the chat confirmed it; of one that was completed by a code only.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<Timestamp>,
    /// When it ended; left out while it may go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<Timestamp>,
    timeline: Vec<LapView>,
    /// What was repaired, left out, or could not be evaluated; never a value of the provider's answer.
    notes: &'a [String],
}

/// The word for how an attempt stands.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(into = "&'static str")]
pub struct AttemptWord(AttemptStatus);

impl From<AttemptWord> for &'static str {
    fn from(word: AttemptWord) -> Self {
        word.0.as_str()
    }
}

/// One step of an attempt.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LapView {
    step: Step,
    at: Timestamp,
    /// How long it took; left out where nobody could write it down.
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    /// `ok`, `waiting` (the chat must confirm it), or the code of the failure.
    outcome: &'static str,
    /// The HTTP status of the provider's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
}

/// `GET /v1/attempts`: newest first, by `authLinkId`, `provider`, `status`, `since` and `until`.
pub async fn list(
    caller: Caller<ReadAudit>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let known = ["authLinkId", "provider", "status", "since", "until", "limit", "cursor"];
    let query = Query::parse(raw.as_deref(), &known)?;
    let wanted = AttemptQuery {
        link: query.parsed("authLinkId")?,
        provider: query.parsed("provider")?,
        status: query.parsed("status")?,
        since: query.time("since")?,
        until: query.time("until")?,
    };
    let part = Part { cursor: query.get("cursor"), limit: query.limit()? };
    let page = web.broker.attempts(&caller.tenant, &wanted, part).await?;
    let now = web.broker.clock().now();
    let items: Vec<_> = page.items.iter().map(|attempt| AttemptView::of(attempt, now)).collect();
    Ok(Json(json!({"items": items, "next": page.next})))
}

/// `GET /v1/attempts/{id}`
pub async fn read(
    caller: Caller<ReadAudit>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Json<Value>, ApiError> {
    let id: AttemptId = id.parse().map_err(|_| ApiError::NotFound)?;
    let attempt = web.broker.attempt(&caller.tenant, &id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(json!(AttemptView::of(&attempt, web.broker.clock().now()))))
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
            status: AttemptWord(standing.status),
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
fn timeline(attempt: &AuthorizationRequest, standing: Standing) -> Vec<LapView> {
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
