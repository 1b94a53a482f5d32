//! Webhooks of a tenant that stands in no file: they are made, changed and deleted.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::domain::ids::WebhookId;
use crate::flow::settings::Precondition;
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteWebhooks};
use crate::web::error::ApiError;
use crate::web::openapi::answers::{Called, InState, Sought, Stored, Unconditional, Versioned, WithBody};
use crate::web::precondition::Condition;
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

use super::settings_body::WebhookBody;
use super::webhooks::{WebhookView, shown};

/// Make a webhook
///
/// Events of now on are sent there. Of a tenant that stands in a file, webhooks are made there (409).
#[utoipa::path(
    post, path = "/v1/webhooks", operation_id = "createWebhook", tag = "Webhooks",
    security(("oauth2" = [WriteWebhooks::NAME])),
    request_body = WebhookBody,
    responses(
        (status = 201, description = "The webhook.", body = WebhookView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`."),
                ("Location" = String, description = "Where it is."))),
        Called, WithBody, Sought, InState, Stored,
    )
)]
pub async fn create(
    caller: Caller<WriteWebhooks>,
    State(web): State<Arc<Web>>,
    StrictJson(WebhookBody(sent)): StrictJson<WebhookBody>,
) -> Result<Response, ApiError> {
    let author = caller.actor();
    let made = web.broker.put_webhook(&caller.tenant.id, None, &sent, &Precondition::Any, &author).await?;
    let mut response = shown(&web, &caller.tenant, &made).await?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/webhooks/{made}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
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
    let made = web.broker.put_webhook(&caller.tenant.id, Some(&id), &sent, &condition, &author).await?;
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
