//! Auth links: create, cancel, confirm.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::binding::Binding;
use crate::domain::confirmation::TypedCode;
use crate::domain::conversation::{Channel, ConversationRef, Handle};
use crate::domain::ids::{ContactId, ConversationId, LinkId, ProviderId};
use crate::domain::link::{ContactHint, Sender, SenderKind};
use crate::domain::request::Route;
use crate::flow::create_link::{CreatedLink, NewLink};
use crate::web::Web;
use crate::web::caller::{Caller, WriteAuthLinks};
use crate::web::error::{ApiError, BodyFault};
use crate::web::once_json::{OnceJson, REPLAYED};
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

use super::view;

/// The most bytes of `metadata`.
const METADATA: usize = 4096;

/// A name under which `serde_json` hands on exact numbers: an object that holds it is read back as
/// one, or not at all, and with it the event that carries it.
const RESERVED: &str = "$serde_json::private::Number";

/// The body of `POST /v1/auth-links`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateBody {
    conversation: ConversationBody,
    provider: Option<ProviderId>,
    snippet: Option<String>,
    locale: Option<String>,
    expires_in: Option<i64>,
    sender: Option<SenderBody>,
    callback: Option<Route>,
    #[serde(default)]
    capabilities: Vec<String>,
    contact: Option<ContactBody>,
    binding: Option<BindingBody>,
    #[serde(default)]
    metadata: Map<String, Value>,
}

/// The conversation of an order, as in [`ConversationRef`]. A misspelt `handle` must not pass for
/// one that was left out: who may confirm the sign-in hangs on it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConversationBody {
    id: ConversationId,
    channel: Channel,
    handle: Option<Handle>,
}

/// Who asks, as in [`Sender`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SenderBody {
    kind: SenderKind,
    id: String,
}

/// The contact that the platform expects, as in [`ContactHint`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ContactBody {
    id: Option<ContactId>,
    external_id: Option<String>,
}

/// What a sender may demand of the chat.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindingBody {
    minimum: Option<Binding>,
}

/// The body of `POST /v1/auth-links/{id}/confirm`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    code: String,
}

/// `POST /v1/auth-links`: 201 with the link, its URL and its message.
pub async fn create(
    caller: Caller<WriteAuthLinks>,
    State(web): State<Arc<Web>>,
    OnceJson { body, once }: OnceJson<CreateBody>,
) -> Result<Response, ApiError> {
    check(&body)?;
    let ConversationBody { id, channel, handle } = body.conversation;
    let order = NewLink {
        conversation: ConversationRef { id, channel, handle },
        provider: body.provider,
        snippet: body.snippet,
        locale: body.locale,
        expires_in: body.expires_in,
        sender: body.sender.map(|SenderBody { kind, id }| Sender { kind, id }),
        route: body.callback,
        capabilities: body.capabilities,
        contact: body.contact.map(|ContactBody { id, external_id }| ContactHint { id, external_id }),
        minimum: body.binding.and_then(|binding| binding.minimum),
        metadata: body.metadata,
    };
    let made = web.broker.create_link(&caller.tenant, &caller.client_id, order, once.as_ref()).await?;
    let location = format!("/v1/auth-links/{}", made.link.id);
    let answer = (StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(created(&made)));
    Ok(if made.replayed { ([(REPLAYED, "true")], answer).into_response() } else { answer.into_response() })
}

/// A link with its URL and its message.
pub fn created(made: &CreatedLink) -> Map<String, Value> {
    let mut view = view::link(&made.link);
    view.insert("url".to_owned(), json!(made.url));
    let message = &made.message;
    view.insert(
        "message".to_owned(),
        json!({
            "channel": message.channel,
            "text": message.text,
            "payload": message.payload,
            "warnings": message.warnings,
        }),
    );
    view
}

/// `POST /v1/auth-links/{id}/cancel`: takes the link back.
pub async fn cancel(
    caller: Caller<WriteAuthLinks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let link = web.broker.cancel_link(&caller.tenant, &caller.client_id, &parse_id(&id)?).await?;
    Ok(axum::Json(view::link(&link)).into_response())
}

/// `POST /v1/auth-links/{id}/confirm`: the code that the customer sent in the chat.
pub async fn confirm(
    caller: Caller<WriteAuthLinks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    StrictJson(body): StrictJson<ConfirmBody>,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let code = TypedCode::parse(&body.code);
    let code = code.ok_or_else(|| ApiError::refused("/code", "not a code; it looks like `CS-123456`"))?;
    let link = web.broker.confirm_link(&caller.tenant, &id, &code).await?;
    Ok(axum::Json(view::link(&link)).into_response())
}

/// An id that is none of ours is a thing that is not there.
pub fn parse_id(text: &str) -> Result<LinkId, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}

/// Bounds that the types do not carry, all at once.
fn check(body: &CreateBody) -> Result<(), ApiError> {
    let mut faults = check_wording(body.snippet.as_deref(), body.locale.as_deref());
    let mut demand = |holds: bool, pointer: &str, detail: &str| {
        if !holds {
            faults.push(BodyFault::at(pointer, detail));
        }
    };
    if let Some(sender) = &body.sender {
        demand(short(&sender.id, 200), "/sender/id", "use 1 to 200 characters");
    }
    let capable = body.capabilities.len() <= 32 && body.capabilities.iter().all(|word| short(word, 64));
    demand(capable, "/capabilities", "use at most 32 words of 1 to 64 characters");
    if let Some(external) = body.contact.as_ref().and_then(|contact| contact.external_id.as_deref()) {
        demand(short(external, 200), "/contact/externalId", "use 1 to 200 characters");
    }
    demand(!body.metadata.contains_key(RESERVED), "/metadata", "a name in it is reserved; use another one");
    let metadata = serde_json::to_string(&body.metadata).map_or(usize::MAX, |text| text.len());
    demand(metadata <= METADATA, "/metadata", "use at most 4096 bytes of JSON");
    if faults.is_empty() { Ok(()) } else { Err(ApiError::Refused(faults)) }
}

/// Bounds of what may be said of a message's words.
pub fn check_wording(snippet: Option<&str>, locale: Option<&str>) -> Vec<BodyFault> {
    let snippet = snippet.filter(|name| !short(name, 64));
    let snippet =
        snippet.map(|_| BodyFault::at("/snippet", "use the id or tag of a snippet, 1 to 64 characters"));
    let locale = locale.filter(|tag| !is_language_tag(tag));
    let locale = locale.map(|_| BodyFault::at("/locale", "use a language tag such as `en` or `pt-BR`"));
    snippet.into_iter().chain(locale).collect()
}

fn short(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count())
}

/// The shape of a language tag (RFC 5646): letters and digits in parts of 1 to 8, the first of letters.
fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=8).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        && text.len() <= 35
}
