//! Conversations: who was verified there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use crate::domain::ids::ConversationId;
use crate::web::Web;
use crate::web::caller::{Caller, ReadConversations};
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
