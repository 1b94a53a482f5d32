//! Conversations: who was verified there, and the end of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::domain::ids::ConversationId;
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::caller::{Caller, ReadConversations, Scope as _, WriteConversations};
use crate::web::error::ApiError;
use crate::web::openapi::answers::{Called, Sought, Stored};
use crate::web::segment::Segment;

use super::view::ConversationView;

/// See a conversation
///
/// Who is verified there, by which binding, since when and until when.
#[utoipa::path(
    get, path = "/v1/conversations/{id}", operation_id = "getConversation", tag = "Conversations",
    security(("oauth2" = [ReadConversations::NAME])),
    params(("id" = ConversationId, Path, description = "The platform's id of the conversation.")),
    responses((status = 200, description = "The conversation.", body = ConversationView), Called, Sought, Stored)
)]
pub async fn read(
    caller: Caller<ReadConversations>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: ConversationId = id.parse().map_err(|_| ApiError::NotFound)?;
    let conversation = web.broker.conversation(&caller.tenant, &id).await?.ok_or(ApiError::NotFound)?;
    let now = web.broker.clock().now();
    caller.saw(&web, Seen::conversation(&conversation, now)).await?;
    Ok(Json(ConversationView::of(&conversation, now)).into_response())
}

/// End a conversation
///
/// Nobody is verified there any more. A conversation that has ended already is answered as it is.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/end", operation_id = "endConversation", tag = "Conversations",
    security(("oauth2" = [WriteConversations::NAME])),
    params(("id" = ConversationId, Path, description = "The platform's id of the conversation.")),
    responses(
        (status = 200, description = "The conversation, unverified.", body = ConversationView),
        Called, Sought, Stored,
    )
)]
pub async fn end(
    caller: Caller<WriteConversations>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: ConversationId = id.parse().map_err(|_| ApiError::NotFound)?;
    let ended = web.broker.end_conversation(&caller.tenant, &caller.actor(), &id).await?;
    let ended = ended.ok_or(ApiError::NotFound)?;
    Ok(Json(ConversationView::of(&ended, web.broker.clock().now())).into_response())
}
