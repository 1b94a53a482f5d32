//! The tenants, for the platform operator: at the bare base domain only.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::setting::SettingFault;
use crate::domain::tenant::Served;
use crate::web::Web;
use crate::web::caller::{AdminAll, Operator, Scope as _};
use crate::web::error::{ApiError, BodyFault};
use crate::web::openapi::answers::{Called, Sought};
use crate::web::segment::Segment;

use super::query::Query;

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
    /// The SHA-256 of what is served of that file, in hexadecimal digits.
    #[schema(required)]
    revision: Option<String>,
    /// What is wrong with the newest edit of the file. An earlier version is served then.
    faults: Vec<SettingFault>,
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
    responses((status = 200, description = "The tenant.", body = TenantView), Called, Sought)
)]
pub async fn read(
    _operator: Operator<AdminAll>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Json<TenantView>, ApiError> {
    let id: TenantId = id.parse().map_err(|_| ApiError::NotFound)?;
    web.broker.directory().by_id(&id).map(TenantView::of).map(Json).ok_or(ApiError::NotFound)
}

impl TenantView {
    fn of(served: &Served) -> Self {
        let Served { tenant, source, stored: _, revision, faults } = served;
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
            revision: revision.clone(),
            faults: faults.clone(),
        }
    }
}

/// The tenant behind which a page begins.
fn after(cursor: &str) -> Result<TenantId, ApiError> {
    let name = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let fault = || ApiError::Malformed(vec![BodyFault::at("?cursor", "not a cursor of this list")]);
    name.and_then(|name| name.parse().ok()).ok_or_else(fault)
}
