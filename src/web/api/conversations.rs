//! Conversations: who was verified there, and the end of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::domain::ids::ConversationId;
use crate::web::Web;
use crate::web::caller::{Caller, ReadConversations, WriteConversations};
use crate::web::error::ApiError;
use crate::web::segment::Segment;

use super::view;

/// `GET /v1/conversations/{id}`: the verified identity, its binding, since when and until when.
pub async fn read(
    caller: Caller<ReadConversations>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Json<Value>, ApiError> {
    let id: ConversationId = id.parse().map_err(|_| ApiError::NotFound)?;
    let conversation = web.broker.conversation(&caller.tenant, &id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(view::conversation(&conversation, web.broker.clock().now())))
}

/// `POST /v1/conversations/{id}/end`: the conversation is over, and nobody is verified there any more.
pub async fn end(
    caller: Caller<WriteConversations>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Json<Value>, ApiError> {
    let id: ConversationId = id.parse().map_err(|_| ApiError::NotFound)?;
    let ended = web.broker.end_conversation(&caller.tenant, &caller.client_id, &id).await?;
    let ended = ended.ok_or(ApiError::NotFound)?;
    Ok(Json(view::conversation(&ended, web.broker.clock().now())))
}
