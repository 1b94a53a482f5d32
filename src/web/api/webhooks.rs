//! Webhooks: where events are sent, what was sent there and what came of it.
//!
//! They are made and changed in `webhook_changes`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::delivery::{Attempt, Delivery, DeliveryCode, DeliveryState};
use crate::domain::event::EventType;
use crate::domain::ids::{DeliveryId, EventId, WebhookId};
use crate::domain::tenant::Tenant;
use crate::domain::webhook::Webhook;
use crate::flow::lists::Part;
use crate::flow::webhooks::Resent;
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteWebhooks};
use crate::web::error::ApiError;
use crate::web::if_match::etag_of;
use crate::web::openapi::answers::{Called, InState, Sought, Stored};
use crate::web::segment::{Pair, Segment};

use super::query::Query;
use super::whole_list::page_of;

/// A place to which events are sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook, examples(super::examples::webhook))]
pub struct WebhookView {
    id: WebhookId,
    url: String,
    /// Of which types of events it is told.
    events: Vec<String>,
    /// What it is for.
    #[schema(required)]
    description: Option<String>,
    /// Whether it is told of new events.
    enabled: bool,
    /// How many secrets sign: two while one is replaced. They are never shown.
    secrets: usize,
    /// The file in which it stands: change it there. Null if it stands in none.
    #[schema(required)]
    source: Option<String>,
}

/// Webhooks, in the order of the settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookList {
    items: Vec<WebhookView>,
    /// The `cursor` of the next page.
    #[schema(required)]
    next: Option<String>,
}

/// An event on its way to a webhook.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery, examples(super::examples::delivery))]
pub struct DeliveryView<'a> {
    id: &'a DeliveryId,
    webhook_id: &'a WebhookId,
    /// The event, and the message's `webhook-id`.
    event_id: &'a EventId,
    #[serde(rename = "type")]
    kind: EventType,
    state: DeliveryState,
    created_at: Timestamp,
    /// When it was delivered or given up.
    #[schema(required)]
    ended_at: Option<Timestamp>,
    /// When it is tried again; null if it waits for an earlier event of its conversation, or has ended.
    #[schema(required)]
    next_attempt_at: Option<Timestamp>,
    attempts_made: u32,
    /// Why the latest attempt failed; null if it did not, or there was none.
    #[schema(required)]
    last_code: Option<DeliveryCode>,
    /// The latest 30 attempts, oldest first.
    attempts: &'a [Attempt],
}

/// Deliveries, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryList<'a> {
    items: Vec<DeliveryView<'a>>,
    /// The `cursor` of the next page; null at the end. A page may hold fewer than `limit` and still have a next one.
    #[schema(required)]
    next: Option<&'a str>,
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResentView {
    /// How many.
    resent: usize,
    /// Whether there are more: call again.
    more: bool,
}

/// List the webhooks
///
/// Where the tenant's events are sent. Those of a tenant that stands in a file (`source`) are changed there; all others
/// here, with the `ETag` of this list.
#[utoipa::path(
    get, path = "/v1/webhooks", operation_id = "listWebhooks", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of them.", body = WebhookList,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`; missing where they stand in a file."))),
        Called, Stored,
    )
)]
pub async fn list(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let source = web.broker.settings_file(&caller.tenant.id);
    let (webhooks, version) = kept(&web, &caller.tenant).await?;
    let (webhooks, next) = page_of(raw.as_deref(), "webhooks", webhooks, |webhook| webhook.id.to_string())?;
    let view = |webhook: &Arc<Webhook>| WebhookView::of(webhook, source.clone());
    let list = WebhookList { items: webhooks.iter().map(view).collect(), next };
    Ok(versioned(version, Json(list).into_response()))
}

/// See a webhook
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", operation_id = "getWebhook", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    responses(
        (status = 200, description = "The webhook.", body = WebhookView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`; missing where they stand in a file."))),
        Called, Sought, Stored,
    )
)]
pub async fn read(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    shown(&web, &caller.tenant, &parsed(&id)?).await
}

/// Try a webhook
///
/// Sends it a `webhook.test` event, which nobody else hears of. The answer is the delivery as it begins: read it
/// again to see what came of it.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/test", operation_id = "testWebhook", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    responses((status = 200, description = "The delivery, at its beginning.", body = DeliveryView), Called, Sought, InState, Stored)
)]
pub async fn test(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let delivery = web.broker.test_webhook(&caller.tenant, &caller.actor(), &parsed(&id)?).await?;
    Ok(Json(DeliveryView::of(&delivery)).into_response())
}

/// List the deliveries to a webhook
///
/// Newest first, kept for 30 days. What was given up is `state=dead`.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/deliveries", operation_id = "listDeliveries", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(
        ("id" = WebhookId, Path, description = "The webhook."),
        ("state" = Option<DeliveryState>, Query, description = "Those that stand so now."),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before, of the same question."),
    ),
    responses((status = 200, description = "A page of deliveries.", body = DeliveryList), Called, Sought, Stored)
)]
pub async fn deliveries(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::parse(raw.as_deref(), &["state", "limit", "cursor"])?;
    let webhook = known(&caller, &id)?;
    let part = Part { cursor: query.get("cursor"), limit: query.limit()? };
    let page = web.broker.deliveries(&caller.tenant, &webhook, query.parsed("state")?, part).await?;
    let items = page.items.iter().map(DeliveryView::of).collect();
    Ok(Json(DeliveryList { items, next: page.next.as_deref() }).into_response())
}

/// See a delivery
///
/// With its attempts: when, for how long, and what status came back. Nothing else of the receiver's answer is kept.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/deliveries/{delivery}", operation_id = "getDelivery", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(
        ("id" = WebhookId, Path, description = "The webhook."),
        ("delivery" = DeliveryId, Path, description = "The delivery."),
    ),
    responses((status = 200, description = "The delivery as it is.", body = DeliveryView), Called, Sought, Stored)
)]
pub async fn delivery(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    Pair(id, delivery): Pair,
) -> Result<Response, ApiError> {
    let (webhook, delivery) = (known(&caller, &id)?, delivery.parse().map_err(|_| ApiError::NotFound)?);
    let found = web.broker.delivery(&caller.tenant, &webhook, &delivery).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(DeliveryView::of(&found)).into_response())
}

/// Send an event again
///
/// Also one that was delivered; one that waits for its next attempt is tried now. The receiver gets the same
/// `webhook-id`, and the event as it is now, with another 24 hours of attempts.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/deliveries/{delivery}/resend", operation_id = "resendDelivery", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(
        ("id" = WebhookId, Path, description = "The webhook."),
        ("delivery" = DeliveryId, Path, description = "The delivery."),
    ),
    responses((status = 200, description = "The delivery, pending again.", body = DeliveryView), Called, Sought, InState, Stored)
)]
pub async fn resend(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    Pair(id, delivery): Pair,
) -> Result<Response, ApiError> {
    let (webhook, delivery) = (parsed(&id)?, delivery.parse().map_err(|_| ApiError::NotFound)?);
    let again = web.broker.resend_delivery(&caller.tenant, &caller.actor(), &webhook, &delivery).await?;
    Ok(Json(DeliveryView::of(&again)).into_response())
}

/// Send everything again that was given up
///
/// At most 100 dead deliveries at a time, in their order; `more` says whether to call again.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/resend-dead", operation_id = "resendDead", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(("id" = WebhookId, Path, description = "The webhook.")),
    responses((status = 200, description = "How many are sent again.", body = ResentView), Called, Sought, InState, Stored)
)]
pub async fn resend_dead(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Json<ResentView>, ApiError> {
    let Resent { count, more } =
        web.broker.resend_dead(&caller.tenant, &caller.actor(), &parsed(&id)?).await?;
    Ok(Json(ResentView { resent: count, more }))
}

impl WebhookView {
    pub(super) fn of(webhook: &Arc<Webhook>, source: Option<String>) -> Self {
        Self {
            id: webhook.id.clone(),
            url: webhook.url.to_string(),
            events: webhook.events.iter().map(ToString::to_string).collect(),
            description: webhook.description.clone(),
            enabled: webhook.enabled,
            secrets: webhook.secrets.len(),
            source,
        }
    }
}

impl<'a> DeliveryView<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        Self {
            id: &delivery.id,
            webhook_id: &delivery.webhook,
            event_id: &delivery.event,
            kind: delivery.kind,
            state: delivery.state,
            created_at: delivery.created_at,
            ended_at: delivery.ended_at,
            next_attempt_at: delivery.next_at,
            attempts_made: delivery.attempts_made,
            last_code: delivery.attempts.last().and_then(|attempt| attempt.code),
            attempts: &delivery.attempts,
        }
    }
}

/// A webhook as it is now, with the version of the tenant's settings.
pub(super) async fn shown(web: &Web, tenant: &Tenant, id: &WebhookId) -> Result<Response, ApiError> {
    let (webhooks, version) = kept(web, tenant).await?;
    let webhook = webhooks.iter().find(|webhook| webhook.id == *id).ok_or(ApiError::NotFound)?;
    let view = WebhookView::of(webhook, web.broker.settings_file(&tenant.id));
    Ok(versioned(version, Json(view).into_response()))
}

/// The webhooks of a tenant, and the version that a change demands, where the settings can be changed here.
async fn kept(web: &Web, tenant: &Tenant) -> Result<(Vec<Arc<Webhook>>, Option<u64>), ApiError> {
    let stored = web.broker.stored_webhooks(&tenant.id).await?;
    Ok(stored
        .map_or_else(|| (tenant.webhooks.clone(), None), |(webhooks, version)| (webhooks, Some(version))))
}

fn versioned(version: Option<u64>, mut response: Response) -> Response {
    response.headers_mut().extend(version.map(|version| (header::ETAG, etag_of(version))));
    response
}

fn parsed(id: &str) -> Result<WebhookId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}

/// A webhook that the tenant has.
fn known(caller: &Caller<WriteWebhooks>, id: &str) -> Result<WebhookId, ApiError> {
    let id = parsed(id)?;
    caller.tenant.webhook(&id).map(|webhook| webhook.id.clone()).ok_or(ApiError::NotFound)
}
