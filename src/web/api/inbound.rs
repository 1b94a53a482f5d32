//! Messages from the chats, handed on by the platform.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::conversation::{Channel, Handle};
use crate::domain::ids::ConversationId;
use crate::flow::inbound::{InboundMessage, Reading};
use crate::web::Web;
use crate::web::caller::{Caller, WriteInbound};
use crate::web::error::ApiError;
use crate::web::strict_json::StrictJson;

/// The body of `POST /v1/inbound/messages`. A platform may pass more of its message than we read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageBody {
    conversation_id: ConversationId,
    channel: Channel,
    /// Who wrote it; what is no address is nobody's.
    #[serde(default)]
    from: String,
    /// What was written; a picture has no text.
    text: Option<String>,
}

/// `POST /v1/inbound/messages`: finds a confirmation code in a customer's message. Always 200 for
/// a message that can be read, so that a platform may pass every message.
pub async fn messages(
    caller: Caller<WriteInbound>,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<MessageBody>,
) -> Result<Json<Value>, ApiError> {
    let reading = match (Handle::parse(&body.from), body.text) {
        (Ok(from), Some(text)) => {
            let (conversation, channel) = (body.conversation_id, body.channel);
            let message = InboundMessage { conversation, channel, from, text };
            web.broker.read_message(&caller.tenant, &message).await?
        }
        _ => Reading::Nothing,
    };
    Ok(Json(match reading {
        Reading::Nothing => json!({"matched": false}),
        Reading::Confirmed(link) => json!({"matched": true, "authLinkId": link}),
        Reading::Wrong { link, attempts_left } => {
            json!({"matched": false, "authLinkId": link, "attemptsLeft": attempts_left})
        }
        Reading::Spent(link) => json!({"matched": false, "authLinkId": link, "attemptsLeft": 0}),
    }))
}
