//! The tenant's own settings, for its admins.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::ids::TenantId;
use crate::flow::settings::Home;
use crate::web::Web;
use crate::web::caller::{Caller, ReadSettings, Scope as _, WriteSettings};
use crate::web::error::{ApiError, BodyFault};
use crate::web::if_match::etag_of;
use crate::web::openapi::answers::{Called, InState, Sought, Stored, Unconditional, Versioned, WithBody};
use crate::web::precondition::Condition;
use crate::web::strict_json::StrictJson;

use super::provider_view::SourceWord;
use super::settings_body::OwnBody;

/// The tenant's own settings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnTenant)]
pub struct OwnView {
    id: TenantId,
    source: SourceWord,
    /// The file in which they stand: change them there. Null if they stand in none.
    #[schema(required, examples("tenants/acme.toml"))]
    file: Option<String>,
    /// Their version; null if they stand in a file.
    #[schema(required)]
    version: Option<u64>,
    /// All of them but the providers; null if the file says something else by now. Of a secret they say that it is set.
    #[schema(required)]
    settings: Option<Map<String, Value>>,
    /// When they were changed last.
    #[schema(required)]
    changed_at: Option<Timestamp>,
    /// By whom.
    #[schema(required, examples("client:acme-admin"))]
    changed_by: Option<String>,
    /// What somebody should know of what was just sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<BodyFault>,
}

/// See the tenant's settings
///
/// With hosts, clients and webhooks, which are changed elsewhere.
#[utoipa::path(
    get, path = "/v1/tenant", operation_id = "getOwnTenant", tag = "Settings",
    security(("oauth2" = [ReadSettings::NAME])),
    responses(
        (status = 200, description = "The settings.", body = OwnView,
            headers(("ETag" = String, description = "Their version, for `If-Match`; missing where they stand in a file."))),
        Called, Sought, Stored,
    )
)]
pub async fn read(caller: Caller<ReadSettings>, State(web): State<Arc<Web>>) -> Result<Response, ApiError> {
    Ok(shown(&web, &caller.tenant.id).await?.into_response())
}

/// Change the tenant's settings
///
/// All of them at once: name, binding, snippets, rules and the way back to the chat. Hosts are the operator's;
/// providers, clients and webhooks have calls of their own and stay as they are.
#[utoipa::path(
    put, path = "/v1/tenant", operation_id = "putOwnTenant", tag = "Settings",
    security(("oauth2" = [WriteSettings::NAME])),
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read.")),
    request_body = OwnBody,
    responses(
        (status = 200, description = "The settings as they are now.", body = OwnView,
            headers(("ETag" = String, description = "Their version, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn put(
    caller: Caller<WriteSettings>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    StrictJson(OwnBody(sent)): StrictJson<OwnBody>,
) -> Result<Response, ApiError> {
    let (id, author) = (&caller.tenant.id, caller.actor());
    let warnings = web.broker.put_own_document(id, &sent, &condition, &author).await?;
    let mut view = shown(&web, id).await?;
    view.warnings = warnings.into_iter().map(BodyFault::from).collect();
    Ok(view.into_response())
}

async fn shown(web: &Web, id: &TenantId) -> Result<OwnView, ApiError> {
    let state = web.broker.tenant_state(id).await?;
    let (versions, signed) = state.changed.unzip();
    let version = versions.map(|versions| versions.document);
    Ok(OwnView {
        id: id.clone(),
        source: SourceWord::of(Some(&state.home)),
        file: match state.home {
            Home::File(file) => Some(file),
            Home::Store | Home::Process => None,
        },
        version,
        settings: state.document,
        changed_at: signed.as_ref().map(|signed| signed.at),
        changed_by: signed.map(|signed| signed.by),
        warnings: Vec::new(),
    })
}

impl IntoResponse for OwnView {
    fn into_response(self) -> Response {
        let etag = self.version.map(etag_of);
        let mut response = Json(self).into_response();
        response.headers_mut().extend(etag.map(|etag| (header::ETAG, etag)));
        response
    }
}
