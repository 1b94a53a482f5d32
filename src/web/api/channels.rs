//! Webhooks of the channels themselves: signed by them, or handed on by the platform as they came.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::domain::conversation::Channel;
use crate::domain::tenant::Tenant;
use crate::flow::native::webhook::{Knock, RawError, RawWebhook, is_apples};
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteInbound};
use crate::web::error::{ApiError, BodyFault};
use crate::web::host::AtTenant;
use crate::web::limit::address::Address;
use crate::web::openapi::answers::{Called, Sought, Stored, WithBody};
use crate::web::segment::Segment;
use crate::web::strict_json::is_too_large;

use super::view::ReadingView;

/// The most bytes of a webhook whose sender is known only when the body is there.
const STRANGERS_BODY: usize = 1024 * 1024;

/// What came of each message of a webhook, in their order; what is none of ours is left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookReading, examples(reading))]
pub struct WebhookReadingView {
    items: Vec<ReadingView>,
}

fn reading() -> Value {
    json!({"items": [{"matched": true, "authLinkId": "al_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"}]})
}

fn webhook() -> Value {
    json!({"object": "page", "entry": [{"id": "1066", "messaging": [{
        "sender": {"id": "7001"}, "recipient": {"id": "1066"}, "timestamp": 1_795_392_000_000_u64,
        "account_linking": {"status": "linked", "authorization_code": "the code that we gave Facebook"},
    }]}]})
}

/// Pass a channel's own webhook
///
/// Takes what `apple`, `messenger`, `instagram` or `whatsapp` posts: Apple's reply to a sign-in message (packed by
/// gzip), Messenger's account linking, and customers' texts, which may hold a confirmation code. The channel may post
/// it here itself: then its own signature is checked against the tenant's account (`Authorization` with Apple's token,
/// `X-Hub-Signature-256` of Meta), without an access token of ours, and what is forged, stale or of another account is
/// refused with 403 `bad_signature`. Or the platform hands it on with its access token, byte by byte; of Apple's it may
/// also pass the unpacked JSON. A `GET` answers the question by which Meta makes sure of the address.
#[utoipa::path(
    post, path = "/v1/inbound/{channel}", operation_id = "passWebhook", tag = "Inbound",
    security(("oauth2" = [WriteInbound::NAME]), ()),
    params(("channel" = Channel, Path, description = "Whose webhook it is.")),
    request_body(
        content = Value, description = "The webhook, byte by byte as the channel posts it.",
        content_type = "application/json", example = json!(webhook())
    ),
    responses(
        (status = 200, description = "What the webhook was.", body = WebhookReadingView),
        Called, WithBody, Sought, Stored
    )
)]
pub async fn pass(
    AtTenant(tenant): AtTenant,
    State(web): State<Arc<Web>>,
    Segment(channel): Segment,
    request: Request,
) -> Result<Json<WebhookReadingView>, ApiError> {
    let (mut parts, body) = request.into_parts();
    let is_handed_on = match text(&parts.headers, &header::AUTHORIZATION) {
        Some(authorization) if !is_apples(authorization) => {
            Caller::<WriteInbound>::from_request_parts(&mut parts, &web).await?;
            true
        }
        _ => false,
    };
    let channel = channel.parse::<Channel>().map_err(|_| ApiError::NotFound)?;
    let headers = parts.headers.clone();
    let knock = Knock {
        channel,
        authorization: text(&headers, &header::AUTHORIZATION),
        hub_signature: text(&headers, &HeaderName::from_static("x-hub-signature-256")),
        is_handed_on,
    };
    let address = web.address(&parts.extensions, &headers).filter(|_| !is_handed_on);
    // Nobody makes us read a body before as much is known of him as can be without.
    web.broker
        .hear_knock(&tenant, &knock)
        .map_err(|error| refused(&web, &tenant, (channel, address), error))?;
    let mut request = Request::from_parts(parts, body);
    if !is_handed_on {
        DefaultBodyLimit::max(STRANGERS_BODY).apply(&mut request);
    }
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|error| {
        if is_too_large(&error) {
            return ApiError::TooLarge;
        }
        ApiError::Malformed(vec![BodyFault::at("", "the body did not arrive as a whole")])
    })?;
    let taken = web.broker.take_webhook(&tenant, &RawWebhook { knock, body: &body }).await;
    let readings = taken.map_err(|error| refused(&web, &tenant, (channel, address), error))?;
    Ok(Json(WebhookReadingView { items: readings.into_iter().map(ReadingView::from).collect() }))
}

/// Meta's question at a new address: its challenge, if it knows the tenant's word.
pub async fn challenge(
    AtTenant(tenant): AtTenant,
    State(web): State<Arc<Web>>,
    Segment(channel): Segment,
    request: Request,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let answer =
        channel.parse().ok().and_then(|channel| web.broker.answer_challenge(&tenant, channel, query));
    if let Some(challenge) = answer {
        return ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], challenge).into_response();
    }
    let address = web.address(request.extensions(), request.headers());
    if let Err(quota) = web.limits.miss(address, web.broker.clock().now()) {
        return ApiError::TooMany(quota).into_response();
    }
    unbelieved(&tenant, StatusCode::FORBIDDEN, "the question does not know the verify token").into_response()
}

/// A webhook that is not taken; why stands in the log. One of somebody who is not believed counts for his address, and a
/// flood of them is not written into the log line by line.
fn refused(
    web: &Web,
    tenant: &Tenant,
    (channel, address): (Channel, Option<Address>),
    error: RawError,
) -> ApiError {
    let is_stranger = matches!(error, RawError::NoAccount | RawError::Unsigned(_) | RawError::Forged(_));
    if is_stranger && let Err(quota) = web.limits.miss(address, web.broker.clock().now()) {
        return ApiError::TooMany(quota);
    }
    let detail = error.to_string();
    // Where the store or the channel's own API fails nothing is wrong with the webhook: it is to come again.
    if !matches!(error, RawError::Store(_) | RawError::NotFetched(_)) {
        tracing::warn!(tenant = %tenant.id, %channel, detail, "inbound.refused");
        metrics::counter!("countersign_channel_webhooks_refused_total", "channel" => channel.as_str())
            .increment(1);
    }
    match error {
        RawError::NoAccount => ApiError::NotFound,
        RawError::Unsigned(_) => unbelieved(tenant, StatusCode::UNAUTHORIZED, &detail),
        RawError::Forged(_) | RawError::Foreign => unbelieved(tenant, StatusCode::FORBIDDEN, &detail),
        RawError::Malformed { pointer, detail } => ApiError::Malformed(vec![BodyFault::at(pointer, detail)]),
        RawError::TooLarge => ApiError::TooLarge,
        RawError::NotFetched(_) => {
            tracing::error!(tenant = %tenant.id, %channel, detail, "inbound.not_fetched");
            ApiError::Unavailable
        }
        RawError::Store(error) => error.into(),
    }
}

/// Nobody that we believe. One without any signature is told how to show an access token (RFC 6750, 3).
fn unbelieved(tenant: &Tenant, status: StatusCode, detail: &str) -> ApiError {
    let missing = status == StatusCode::UNAUTHORIZED;
    ApiError::Access {
        status,
        challenge: if missing { format!("Bearer realm=\"{}\"", tenant.id) } else { String::new() },
        code: if missing { "token_missing" } else { "bad_signature" },
        detail: detail.to_owned(),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
