//! Auth links: look through them, wait for one, and render the message of one again.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::ids::{ConversationId, LinkId};
use crate::domain::link::LinkStatus;
use crate::flow::lists::{LinkQuery, Part};
use crate::flow::resend::Rewording;
use crate::flow::trail::Seen;
use crate::flow::waiting::Wait;
use crate::web::Web;
use crate::web::caller::{Caller, ReadAuthLinks, Scope as _, WriteAuthLinks};
use crate::web::error::{ApiError, BodyFault, ProblemDocument};
use crate::web::openapi::answers::{Called, InState, Over, Sought, Stored, WithBody};
use crate::web::segment::Segment;
use crate::web::strict_json::MaybeJson;

use super::auth_links::{check_wording, parse_id};
use super::query::Query;
use super::view::{CreatedLinkView, LinkList, LinkView};

/// The longest time that a caller may wait, in seconds.
const LONGEST_WAIT: u64 = 60;

/// In which words a message is told again. What is left out stays as it was.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rewording)]
pub struct ResendBody {
    /// The id or tag of a snippet.
    #[schema(min_length = 1, max_length = 64)]
    snippet: Option<String>,
    /// The language of message and pages from now on, a BCP 47 tag.
    #[schema(max_length = 35, pattern = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", examples("pt-BR"))]
    locale: Option<String>,
}

/// List auth links
///
/// Newest first: those of one conversation, or all. They are kept for 30 days.
#[utoipa::path(
    get, path = "/v1/auth-links", operation_id = "listAuthLinks", tag = "Auth links",
    security(("oauth2" = [ReadAuthLinks::NAME])),
    params(
        ("conversationId" = Option<ConversationId>, Query, description = "Those of this conversation."),
        ("status" = Option<LinkStatus>, Query, description = "Those with this status now."),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before, of the same question."),
    ),
    responses((status = 200, description = "A page of links.", body = LinkList), Called, Stored)
)]
pub async fn list(
    caller: Caller<ReadAuthLinks>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::parse(raw.as_deref(), &["conversationId", "status", "limit", "cursor"])?;
    let wanted = LinkQuery { conversation: query.parsed("conversationId")?, status: query.parsed("status")? };
    let part = Part { cursor: query.get("cursor"), limit: query.limit()? };
    let page = web.broker.links(&caller.tenant, &wanted, part).await?;
    caller.saw(&web, Seen::links(&page.items)).await?;
    Ok(Json(LinkList::from(&page)).into_response())
}

/// See an auth link
///
/// Its status, its times, why the latest attempt failed, and the profile once it is completed. With `wait`
/// the answer comes as soon as the link is final or has another status than `status`, which is the one that
/// it has now if it is left out; and in any case after so many seconds.
#[utoipa::path(
    get, path = "/v1/auth-links/{id}", operation_id = "getAuthLink", tag = "Auth links",
    security(("oauth2" = [ReadAuthLinks::NAME])),
    params(
        ("id" = LinkId, Path, description = "The link."),
        ("wait" = Option<u64>, Query, minimum = 0, maximum = 60, description = "Seconds to wait for a change."),
        ("status" = Option<LinkStatus>, Query, description = "The status that the caller has seen; of use with `wait` only."),
    ),
    responses(
        (status = 200, description = "The link as it is.", body = LinkView),
        Called, Sought, Stored,
        (status = 429, description = "Too many callers wait already (`too_many_wait`), or the client calls too \
            often (`too_many_requests`).",
            body = ProblemDocument, content_type = "application/problem+json",
            headers(("Retry-After" = String, description = "Seconds to wait."))),
    )
)]
pub async fn read(
    caller: Caller<ReadAuthLinks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let (id, query) = (parse_id(&id)?, Query::parse(raw.as_deref(), &["wait", "status"])?);
    let seen = query.parsed("status")?;
    let link = match wait(&query)? {
        None => web.broker.link(&caller.tenant, &id).await?,
        Some(longest) => web.broker.wait_for_link(&caller.tenant, &id, Wait { seen, longest }).await?,
    };
    let link = link.ok_or(ApiError::NotFound)?;
    caller.saw(&web, Seen::link(&link)).await?;
    Ok(Json(LinkView::of(&link)).into_response())
}

/// Tell an auth link again
///
/// Renders the message of a live link once more, with the same URL: because the customer lost it, or in other
/// words or another language.
#[utoipa::path(
    post, path = "/v1/auth-links/{id}/resend", operation_id = "resendAuthLink", tag = "Auth links",
    security(("oauth2" = [WriteAuthLinks::NAME])),
    params(("id" = LinkId, Path, description = "The link.")),
    request_body(content = Option<ResendBody>, description = "In which words; may be left out."),
    responses(
        (status = 200, description = "The link, its URL and its message.", body = CreatedLinkView),
        Called, WithBody, Sought, InState, Over, Stored,
    )
)]
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
    let made = web.broker.resend_link(&caller.tenant, &caller.actor(), &id, &wording).await?;
    Ok(Json(CreatedLinkView::of(&made)).into_response())
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
