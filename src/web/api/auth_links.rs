//! Auth links: create, cancel, confirm.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::binding::Binding;
use crate::domain::confirmation::TypedCode;
use crate::domain::conversation::{Channel, ConversationRef, Handle};
use crate::domain::ids::{ContactId, ConversationId, LinkId, ProviderId};
use crate::domain::link::{ContactHint, Sender, SenderKind};
use crate::domain::request::Route;
use crate::flow::create_link::NewLink;
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteAuthLinks};
use crate::web::error::{ApiError, BodyFault, ProblemDocument};
use crate::web::once_json::{OnceJson, REPLAYED};
use crate::web::openapi::answers::{Called, InState, Over, Sought, Stored, WithBody};
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

use super::view::{CreatedLinkView, LinkView};

/// The most bytes of `metadata`.
const METADATA: usize = 4096;

/// What a sender asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewAuthLink, examples(super::examples::order))]
pub struct CreateBody {
    conversation: ConversationBody,
    /// Where the customer will sign in; may be left out where the tenant has one provider.
    provider: Option<ProviderId>,
    /// The id or tag of a snippet; without it the message has our own words.
    #[schema(min_length = 1, max_length = 64)]
    snippet: Option<String>,
    /// The language of message and pages, a BCP 47 tag; without it the pages take the browser's.
    #[schema(max_length = 35, pattern = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", examples("pt-BR"))]
    locale: Option<String>,
    /// For how many seconds the link can be opened; 900 if it is left out.
    #[schema(minimum = 1, maximum = 86_400)]
    expires_in: Option<i64>,
    /// Who asks; without it the client itself, as a bot.
    sender: Option<SenderBody>,
    /// Which redirect URI is used. Left out, it is Apple's for a sign-in message in Apple Messages, and `eu` for everything
    /// else; `eu` makes that a rich link.
    callback: Option<Route>,
    /// What the customer's device can show, as the platform knows it: the words of Apple's header `capabilities`
    /// (`auth`, `auth2`), `rcs`, `account_link` (Messenger's apps), `template_only` (WhatsApp's 24 hours are over).
    #[serde(default)]
    #[schema(max_items = 32)]
    capabilities: Vec<String>,
    contact: Option<ContactBody>,
    binding: Option<BindingBody>,
    /// The platform's own data, handed back with every answer and event; at most 4096 bytes of JSON.
    #[serde(default)]
    metadata: Map<String, Value>,
}

/// The conversation that the link is for.
// As in `ConversationRef`. A misspelt `handle` must not pass for one that was left out: who may
// confirm the sign-in hangs on it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAuthLinkConversation)]
pub struct ConversationBody {
    /// The platform's id, unique in the tenant.
    id: ConversationId,
    channel: Channel,
    /// The customer's address there. Only messages from it can confirm the sign-in.
    handle: Option<Handle>,
}

/// Who asks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAuthLinkSender)]
pub struct SenderBody {
    kind: SenderKind,
    /// The platform's name for it.
    #[schema(min_length = 1, max_length = 200)]
    id: String,
}

/// The contact that the platform expects: a hint, never a proof.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ContactHint)]
pub struct ContactBody {
    /// Our id.
    id: Option<ContactId>,
    /// The platform's id.
    #[schema(min_length = 1, max_length = 200)]
    external_id: Option<String>,
}

/// What a sender may demand of the chat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAuthLinkBinding)]
pub struct BindingBody {
    /// At least what the tenant demands on this channel: a link may raise it, never lower it.
    minimum: Option<Binding>,
}

/// The code that a customer sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfirmationCode)]
pub struct ConfirmBody {
    /// As it was typed: in any case, with or without hyphen and space.
    #[schema(examples("CS-123456"))]
    code: String,
}

/// Make an auth link
///
/// A new link of a conversation takes the older one's place. The answer carries the URL and the message
/// for the chat; `GET` does not tell them again, `resend` does. Sent again within 24 hours with the same
/// `Idempotency-Key`, an order makes nothing and is answered as it was.
#[utoipa::path(
    post, path = "/v1/auth-links", operation_id = "createAuthLink", tag = "Auth links",
    security(("oauth2" = [WriteAuthLinks::NAME])),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "The sender's name for this order: visible ASCII characters.")),
    request_body = CreateBody,
    responses(
        (status = 201, description = "The link, its URL and its message.", body = CreatedLinkView, headers(
            ("Location" = String, description = "The path of the link."),
            ("Idempotent-Replayed" = String, description = "`true` where the same order has made it before."),
        ),
            links(
                ("see" = (operation_id = "getAuthLink", parameters(("id" = "$response.body#/id")))),
                ("takeBack" = (operation_id = "cancelAuthLink", parameters(("id" = "$response.body#/id")))),
                ("confirm" = (operation_id = "confirmAuthLink", parameters(("id" = "$response.body#/id")))),
            )),
        Called, WithBody, Stored,
        (status = 409, description = "An order with the same key is being carried out (`still_running`).",
            body = ProblemDocument, content_type = "application/problem+json",
            headers(("Retry-After" = String, description = "Seconds to wait."))),
        (status = 422, description = "The order cannot be carried out as it stands (`invalid`, with `faults`), or its \
            key was used for another one (`key_reused`).",
            body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
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
    let made = web.broker.create_link(&caller.tenant, &caller.actor(), order, once.as_ref()).await?;
    let location = format!("/v1/auth-links/{}", made.link.id);
    let answer =
        (StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(CreatedLinkView::of(&made)));
    Ok(if made.replayed { ([(REPLAYED, "true")], answer).into_response() } else { answer.into_response() })
}

/// Take an auth link back
///
/// It can no longer be opened, and a sign-in that waits for its confirmation is forgotten.
#[utoipa::path(
    post, path = "/v1/auth-links/{id}/cancel", operation_id = "cancelAuthLink", tag = "Auth links",
    security(("oauth2" = [WriteAuthLinks::NAME])),
    params(("id" = LinkId, Path, description = "The link.")),
    responses((status = 200, description = "The cancelled link.", body = LinkView, example = json!(super::examples::cancelled_link())), Called, Sought, Over, Stored)
)]
pub async fn cancel(
    caller: Caller<WriteAuthLinks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let link = web.broker.cancel_link(&caller.tenant, &caller.actor(), &parse_id(&id)?).await?;
    Ok(axum::Json(LinkView::of(&link)).into_response())
}

/// Pass a confirmation code
///
/// The code of the result page, as the customer sent it in the chat. It is counted before it is compared;
/// five wrong ones end the sign-in. Platforms that pass every message use `POST /v1/inbound/messages`.
#[utoipa::path(
    post, path = "/v1/auth-links/{id}/confirm", operation_id = "confirmAuthLink", tag = "Auth links",
    security(("oauth2" = [WriteAuthLinks::NAME])),
    params(("id" = LinkId, Path, description = "The link.")),
    request_body = ConfirmBody,
    responses(
        (status = 200, description = "The code is right: the completed link.", body = LinkView),
        Called, Sought, InState, Over, Stored, WithBody,
        (status = 422, description = "The code is wrong (`wrong_code`, with `attemptsLeft`), or the body is no code \
            (`invalid`, with `faults`).", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
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
    caller.saw(&web, Seen::link(&link)).await?;
    Ok(axum::Json(LinkView::of(&link)).into_response())
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
    let hinted_twice =
        body.contact.as_ref().is_some_and(|hint| hint.id.is_some() && hint.external_id.is_some());
    demand(!hinted_twice, "/contact", "use one of `id` and `externalId`");
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
