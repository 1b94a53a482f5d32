//! Webhooks of a tenant that stands in no file: they are made, changed and deleted.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::ids::WebhookId;
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteWebhooks};
use crate::web::error::ApiError;
use crate::web::once_json::{self, OnceJson};
use crate::web::openapi::answers::{Called, InState, Sought, Stored, Unconditional, Versioned, WithBody};
use crate::web::precondition::Condition;
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

use super::settings_body::WebhookBody;
use super::webhooks::{WebhookView, shown};

/// Make a webhook
///
/// Events of now on are sent there. Of a tenant that stands in a file, webhooks are made there (409). Sent again within 24 hours
/// with the same `Idempotency-Key`, the order makes nothing and is answered with what it made then; while the first one is
/// at work with 409 `still_running`, and another order with that key with 422 `key_reused`.
#[utoipa::path(
    post, path = "/v1/webhooks", operation_id = "createWebhook", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "The sender's name for this order: visible ASCII characters.")),
    request_body = WebhookBody,
    responses(
        (status = 201, description = "The webhook.", body = WebhookView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`."),
                ("Location" = String, description = "Where it is."),
                ("Idempotent-Replayed" = String, description = "`true` where the same order has made it before."))),
        Called, WithBody, Sought, InState, Stored,
    )
)]
pub async fn create(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    OnceJson { body: WebhookBody(sent), once }: OnceJson<WebhookBody>,
) -> Result<Response, ApiError> {
    let made = web.broker.create_webhook(&caller.tenant.id, &sent, &caller.actor(), once.as_ref()).await?;
    let response = shown(&web, &caller.tenant, &made.id).await?;
    Ok(once_json::made(response, &format!("/v1/webhooks/{}", made.id), made.replayed))
}

/// Change a webhook
///
/// All of its settings; its name, deliveries and order stay. Two secrets sign while one is replaced: send `secrets` with
/// the new one first, and `{"set": true}` in place of the one that is there.
#[utoipa::path(
    put, path = "/v1/webhooks/{id}", operation_id = "putWebhook", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(
        ("id" = WebhookId, Path, description = "The webhook."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body = WebhookBody,
    responses(
        (status = 200, description = "The webhook as it is now.", body = WebhookView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn put(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    StrictJson(WebhookBody(sent)): StrictJson<WebhookBody>,
) -> Result<Response, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    let made = web.broker.change_webhook(&caller.tenant.id, &id, &sent, &condition, &author).await?;
    shown(&web, &caller.tenant, &made).await
}

/// Delete a webhook
///
/// What waits for it is sent no more.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", operation_id = "deleteWebhook", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    params(
        ("id" = WebhookId, Path, description = "The webhook."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses(
        (status = 204, description = "It is deleted."),
        Called, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn delete(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    web.broker.delete_webhook(&caller.tenant.id, &id, &condition, &author).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parsed(id: &str) -> Result<WebhookId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}
