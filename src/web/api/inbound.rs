//! Messages from the chats, handed on by the platform.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::conversation::{Channel, Handle};
use crate::domain::ids::ConversationId;
use crate::flow::inbound::{InboundMessage, Reading};
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteInbound};
use crate::web::error::ApiError;
use crate::web::openapi::answers::{Called, Stored, WithBody};
use crate::web::strict_json::StrictJson;

use super::view::ReadingView;

/// A customer's message. A platform may pass more of it than is read here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InboundMessage, examples(super::examples::message))]
pub struct MessageBody {
    conversation_id: ConversationId,
    channel: Channel,
    /// Who wrote it; what is no address is nobody's.
    #[serde(default)]
    from: String,
    /// What was written; a picture has no text.
    text: Option<String>,
}

/// Pass a customer's message
///
/// Finds a confirmation code in it. The answer is 200 for every message that can be read, whether it holds a
/// code or not, so that a platform may pass every message. Only the address of the conversation is heard.
#[utoipa::path(
    post, path = "/v1/inbound/messages", operation_id = "passMessage", tag = "Inbound",
    security(("oauth2" = [WriteInbound::NAME])),
    request_body = MessageBody,
    responses((status = 200, description = "What the message was.", body = ReadingView), Called, WithBody, Stored)
)]
pub async fn messages(
    caller: Caller<WriteInbound>,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<MessageBody>,
) -> Result<Json<ReadingView>, ApiError> {
    let reading = match (Handle::parse(&body.from), body.text) {
        (Ok(from), Some(text)) => {
            let (conversation, channel) = (body.conversation_id, body.channel);
            let message = InboundMessage { conversation, channel, from, text, name: None };
            web.broker.read_message(&caller.tenant, &message).await?
        }
        _ => Reading::Nothing,
    };
    Ok(Json(reading.into()))
}
