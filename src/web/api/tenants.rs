//! The tenants, for the platform operator: at the bare base domain only.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::setting::SettingFault;
use crate::domain::tenant::Served;
use crate::flow::settings::tenants::TenantState;
use crate::web::Web;
use crate::web::caller::{AdminAll, Operator, Scope as _};
use crate::web::error::{ApiError, BodyFault};
use crate::web::if_match::etag_of;
use crate::web::openapi::answers::{Called, InState, Sought, Stored, Unconditional, Versioned, WithBody};
use crate::web::precondition::Condition;
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

use super::query::Query;
use super::settings_body::TenantBody;

/// A tenant as it is served now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tenant)]
pub struct TenantView {
    id: TenantId,
    /// What customers read.
    #[schema(examples("Acme Bank"))]
    name: String,
    /// The host names that it answers to, the canonical one first.
    #[schema(examples("login.acme.example"))]
    hosts: Vec<String>,
    providers: Vec<ProviderName>,
    /// The file of its settings; null if they stand in none.
    #[schema(required, examples("tenants/acme.toml"))]
    source: Option<String>,
    /// Whether its settings stand in the store, so that they are changed here.
    stored: bool,
    /// The SHA-256 of what is served of that file, in hexadecimal digits.
    #[schema(required)]
    revision: Option<String>,
    /// What is wrong with the newest edit of the file. An earlier version is served then.
    faults: Vec<SettingFault>,
    /// Its version, for `If-Match`; left out in lists, and where it stands in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    version: Option<u64>,
    /// Its settings with its live providers, by the names of the tenant file in camelCase; left out in lists. Of a secret
    /// they say that it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    settings: Option<Map<String, Value>>,
    /// When its settings were changed last; left out in lists, and where it stands in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    changed_at: Option<Timestamp>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("operator:ops"))]
    changed_by: Option<String>,
    /// What somebody should know of what was just sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<BodyFault>,
}

/// A provider of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderName)]
pub struct ProviderName {
    id: ProviderId,
    /// What customers read.
    #[schema(examples("Acme online banking"))]
    label: String,
}

/// Tenants, by name.
#[derive(Debug, Serialize, ToSchema)]
pub struct TenantList {
    items: Vec<TenantView>,
    /// The `cursor` of the next page; null at the end.
    #[schema(required)]
    next: Option<String>,
}

/// List the tenants
///
/// By name. For the platform operator, at the bare base domain only: on a tenant's host there is no such path.
#[utoipa::path(
    get, path = "/v1/tenants", operation_id = "listTenants", tag = "Tenants",
    security(("oauth2" = [AdminAll::NAME])),
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before."),
    ),
    responses((status = 200, description = "A page of tenants.", body = TenantList), Called, Sought)
)]
pub async fn list(
    _operator: Operator<AdminAll>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<TenantList>, ApiError> {
    let query = Query::parse(raw.as_deref(), &["limit", "cursor"])?;
    let (limit, after) = (query.limit()?, query.get("cursor").map(after).transpose()?);
    let directory = web.broker.directory();
    let mut items: Vec<_> = directory.behind(after.as_ref()).take(limit + 1).map(TenantView::of).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(last.id.as_str()));
    Ok(Json(TenantList { items, next }))
}

/// See a tenant
///
/// For the platform operator, at the bare base domain only.
#[utoipa::path(
    get, path = "/v1/tenants/{id}", operation_id = "getTenant", tag = "Tenants",
    security(("oauth2" = [AdminAll::NAME])),
    params(("id" = TenantId, Path, description = "The tenant's name.")),
    responses(
        (status = 200, description = "The tenant.", body = TenantView,
            headers(("ETag" = String, description = "Its version, for `If-Match`; missing where it stands in a file."))),
        Called, Sought, Stored,
    )
)]
pub async fn read(
    _operator: Operator<AdminAll>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    shown(&web, &parsed(&id)?).await.map(IntoResponse::into_response)
}

/// Make, change or restore a tenant
///
/// The whole of its settings. With `If-None-Match: *` it makes a tenant, or restores one that was deleted within the last
/// 30 days; else `If-Match` names the version that was read. Every broker serves it within a second. A tenant that
/// stands in a file is not changed here (409).
#[utoipa::path(
    put, path = "/v1/tenants/{id}", operation_id = "putTenant", tag = "Tenants",
    security(("oauth2" = [AdminAll::NAME])),
    params(
        ("id" = TenantId, Path, description = "The tenant's name."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
        ("If-None-Match" = Option<String>, Header, description = "`*` to make a new one."),
    ),
    request_body = TenantBody,
    responses(
        (status = 200, description = "The tenant as it is now.", body = TenantView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 201, description = "The new tenant.", body = TenantView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."),
                ("Location" = String, description = "Where it is."))),
        Called, WithBody, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn put(
    operator: Operator<AdminAll>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    StrictJson(TenantBody(sent)): StrictJson<TenantBody>,
) -> Result<Response, ApiError> {
    let (id, author) = (parsed(&id)?, operator.actor());
    let put = web.broker.put_tenant(&id, &sent, &condition, &author).await?;
    let mut shown = shown(&web, &id).await?;
    shown.0.warnings = put.warnings.into_iter().map(BodyFault::from).collect();
    let mut response = shown.into_response();
    if put.created {
        *response.status_mut() = StatusCode::CREATED;
        if let Ok(location) = HeaderValue::from_str(&format!("/v1/tenants/{id}")) {
            response.headers_mut().insert(header::LOCATION, location);
        }
    }
    Ok(response)
}

/// Delete a tenant
///
/// It is no longer served. Its settings and secrets are kept for 30 days, so that a `PUT` with `If-None-Match: *`
/// restores it with its providers; then they are gone. What its customers left behind (contacts, events, the audit) stays in
/// the store.
#[utoipa::path(
    delete, path = "/v1/tenants/{id}", operation_id = "deleteTenant", tag = "Tenants",
    security(("oauth2" = [AdminAll::NAME])),
    params(
        ("id" = TenantId, Path, description = "The tenant's name."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses(
        (status = 204, description = "It is no longer served."),
        Called, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn delete(
    operator: Operator<AdminAll>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    let author = operator.actor();
    web.broker.delete_tenant(&parsed(&id)?, &condition, &author).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a tenant out as a file
///
/// A tenant file that `countersign check` accepts, with what is live. In place of each secret stands a reference to an
/// environment variable, which a comment names; hashes of clients' secrets stand there as they are.
#[utoipa::path(
    get, path = "/v1/tenants/{id}/export", operation_id = "exportTenant", tag = "Tenants",
    security(("oauth2" = [AdminAll::NAME])),
    params(("id" = TenantId, Path, description = "The tenant's name.")),
    responses(
        (status = 200, description = "The file, TOML.", body = String, content_type = "text/plain"),
        Called, Sought, InState, Stored,
    )
)]
pub async fn export(
    _operator: Operator<AdminAll>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let text = web.broker.export_tenant(&parsed(&id)?).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// A tenant as it is now, with its version.
async fn shown(web: &Web, id: &TenantId) -> Result<ShownTenant, ApiError> {
    let state = web.broker.tenant_state(id).await?;
    let directory = web.broker.directory();
    let view = directory.by_id(id).map_or_else(|| TenantView::unserved(id, &state), TenantView::of);
    Ok(ShownTenant(view.with(state)))
}

/// A tenant on its way to the operator.
struct ShownTenant(TenantView);

impl IntoResponse for ShownTenant {
    fn into_response(self) -> Response {
        let etag = self.0.version.map(etag_of);
        let mut response = Json(self.0).into_response();
        response.headers_mut().extend(etag.map(|etag| (header::ETAG, etag)));
        response
    }
}

fn parsed(id: &str) -> Result<TenantId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}

impl TenantView {
    fn of(served: &Served) -> Self {
        let Served { tenant, source, stored, revision, faults } = served;
        let named = |provider: &Arc<crate::domain::provider::Provider>| ProviderName {
            id: provider.id.clone(),
            label: provider.label.clone(),
        };
        Self {
            id: tenant.id.clone(),
            name: tenant.name.clone(),
            hosts: tenant.hosts.clone(),
            providers: tenant.providers.iter().map(named).collect(),
            source: source.clone(),
            stored: *stored,
            revision: revision.clone(),
            faults: faults.clone(),
            version: None,
            settings: None,
            changed_at: None,
            changed_by: None,
            warnings: Vec::new(),
        }
    }

    /// A tenant whose settings cannot be used here, so that it is not served.
    fn unserved(id: &TenantId, state: &TenantState) -> Self {
        let document = state.document.clone().unwrap_or_default();
        let hosts = document.get("hosts").and_then(Value::as_array).into_iter().flatten();
        Self {
            id: id.clone(),
            name: document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            hosts: hosts.filter_map(Value::as_str).map(str::to_owned).collect(),
            providers: Vec::new(),
            source: None,
            stored: true,
            revision: None,
            faults: Vec::new(),
            version: None,
            settings: None,
            changed_at: None,
            changed_by: None,
            warnings: Vec::new(),
        }
    }

    /// The same with its settings.
    fn with(self, state: TenantState) -> Self {
        let TenantState { document, providers, changed, .. } = state;
        let settings = document.map(|mut document| {
            let providers = providers.into_iter().map(Value::Object).collect();
            document.insert("providers".to_owned(), Value::Array(providers));
            document
        });
        let (versions, signed) = changed.unzip();
        let version = versions.map(|versions| versions.whole);
        Self {
            settings,
            version,
            changed_at: signed.as_ref().map(|signed| signed.at),
            changed_by: signed.map(|signed| signed.by),
            ..self
        }
    }
}

/// The tenant behind which a page begins.
fn after(cursor: &str) -> Result<TenantId, ApiError> {
    let name = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let fault = || ApiError::Malformed(vec![BodyFault::at("?cursor", "not a cursor of this list")]);
    name.and_then(|name| name.parse().ok()).ok_or_else(fault)
}
