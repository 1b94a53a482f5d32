//! Auth links: look through them, wait for one, and render the message of one again.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::domain::link::Link;
use crate::flow::lists::{LinkQuery, Part};
use crate::flow::resend::Rewording;
use crate::flow::waiting::Wait;
use crate::web::Web;
use crate::web::caller::{Caller, ReadAuthLinks, WriteAuthLinks};
use crate::web::error::{ApiError, BodyFault};
use crate::web::segment::Segment;
use crate::web::strict_json::MaybeJson;

use super::auth_links::{check_wording, created, parse_id};
use super::query::Query;
use super::view;

/// The longest time that a caller may wait, in seconds.
const LONGEST_WAIT: u64 = 60;

/// The body of `POST /v1/auth-links/{id}/resend`, which may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResendBody {
    snippet: Option<String>,
    locale: Option<String>,
}

/// `GET /v1/auth-links?conversationId=&status=`: newest first.
pub async fn list(
    caller: Caller<ReadAuthLinks>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::parse(raw.as_deref(), &["conversationId", "status", "limit", "cursor"])?;
    let wanted = LinkQuery { conversation: query.parsed("conversationId")?, status: query.parsed("status")? };
    let part = Part { cursor: query.get("cursor"), limit: query.limit()? };
    let page = web.broker.links(&caller.tenant, &wanted, part).await?;
    let items: Vec<_> = page.items.iter().map(view::link).collect();
    Ok(axum::Json(json!({"items": items, "next": page.next})).into_response())
}

/// `GET /v1/auth-links/{id}`: status and result; with `?wait=30` as soon as it changes.
pub async fn read(
    caller: Caller<ReadAuthLinks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let (id, query) = (parse_id(&id)?, Query::parse(raw.as_deref(), &["wait", "status"])?);
    let seen = query.parsed("status")?;
    let link: Option<Link> = match wait(&query)? {
        None => web.broker.link(&caller.tenant, &id).await?,
        Some(longest) => web.broker.wait_for_link(&caller.tenant, &id, Wait { seen, longest }).await?,
    };
    Ok(axum::Json(view::link(&link.ok_or(ApiError::NotFound)?)).into_response())
}

/// `POST /v1/auth-links/{id}/resend`: the message once more, with the same URL.
pub async fn resend(
    caller: Caller<WriteAuthLinks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    MaybeJson(body): MaybeJson<ResendBody>,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let ResendBody { snippet, locale } = body.unwrap_or_default();
    let faults = check_wording(snippet.as_deref(), locale.as_deref());
    if !faults.is_empty() {
        return Err(ApiError::Refused(faults));
    }
    let wording = Rewording { snippet, locale };
    let made = web.broker.resend_link(&caller.tenant, &caller.client_id, &id, &wording).await?;
    Ok(axum::Json(created(&made)).into_response())
}

/// How long to wait; none if the caller does not want to.
fn wait(query: &Query) -> Result<Option<Duration>, ApiError> {
    match query.get("wait").map(str::parse) {
        None => Ok(None),
        Some(Ok(seconds)) if seconds <= LONGEST_WAIT => Ok(Some(Duration::from_secs(seconds))),
        Some(_) => {
            let detail = format!("use 0 to {LONGEST_WAIT} seconds");
            Err(ApiError::Malformed(vec![BodyFault::at("?wait", detail)]))
        }
    }
}
