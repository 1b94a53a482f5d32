//! One client of the tenant: as it is, and changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::ids::ClientId;
use crate::domain::tenant::Tenant;
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteClients};
use crate::web::error::ApiError;
use crate::web::if_match::etag_of;
use crate::web::openapi::answers::{Called, InState, Sought, Stored, Unconditional, Versioned, WithBody};
use crate::web::precondition::Condition;
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

use super::client_words::{GrantWord, PkceWord, Wanted, id_of};
use super::clients::ClientView;
use super::provider_view::SourceWord;

/// What a client may do, all of it. Its name and how it proves who it is stay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = ClientChange)]
pub struct ChangeBody {
    /// What customers read when they sign in to it.
    #[schema(min_length = 1)]
    name: Option<String>,
    /// What it may ask for: at most what the caller may do, and `openid`, `profile`, `email`, `phone` and
    /// `offline_access` of customers.
    #[schema(examples("write:auth_links"))]
    scopes: Vec<String>,
    /// Which grants it may use; `client_credentials` if left out.
    grant_types: Option<Vec<GrantWord>>,
    /// Other public keys of a client with `private_key_jwt`: a JWK set (RFC 7517); left out, the present ones stay.
    #[schema(value_type = Option<Object>)]
    jwks: Option<Value>,
    /// Where customers come back to, for `authorization_code`.
    #[schema(examples("https://yourapp.com/callback"))]
    redirect_uris: Option<Vec<String>>,
    /// Whether `authorization_code` needs PKCE; `required` if left out.
    pkce: Option<PkceWord>,
    /// Addresses and networks from which it may come; from anywhere if left out.
    #[schema(examples("192.0.2.0/24"))]
    allow_from: Option<Vec<String>>,
}

/// Look at a client
///
/// As it is now. Its secret is known to nobody here.
#[utoipa::path(
    get, path = "/v1/clients/{id}", operation_id = "getClient", tag = "Settings",
    security(("oauth2" = [WriteClients::NAME])),
    params(("id" = ClientId, Path, description = "The client.")),
    responses(
        (status = 200, description = "The client.", body = ClientView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`; missing where \
                they stand in a file."))),
        Called, Sought, Stored,
    )
)]
pub async fn show(
    caller: Caller<WriteClients>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    shown(&web, &caller.tenant, &id_of(&id)?).await
}

/// Change a client
///
/// All that it may do; its name and how it proves who it is stay. `If-Match` names the version that was read. What it loses
/// its tokens lose as well, within a second. A client gets at most the scopes of the caller's own token and those of
/// customers, and one that may do more than the caller is not changed (409).
#[utoipa::path(
    put, path = "/v1/clients/{id}", operation_id = "putClient", tag = "Settings",
    security(("oauth2" = [WriteClients::NAME])),
    params(
        ("id" = ClientId, Path, description = "The client."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body = ChangeBody,
    responses(
        (status = 200, description = "The client as it is now.", body = ClientView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn put(
    caller: Caller<WriteClients>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    StrictJson(body): StrictJson<ChangeBody>,
) -> Result<Response, ApiError> {
    let (id, author) = (id_of(&id)?, caller.actor());
    let keys = body.jwks.as_ref().map(Value::to_string);
    let wanted = Wanted {
        name: body.name,
        scopes: body.scopes,
        grant_types: body.grant_types,
        redirect_uris: body.redirect_uris,
        pkce: body.pkce,
        allow_from: body.allow_from,
    };
    let terms = wanted.terms(&caller.scopes)?;
    let change = (&terms, keys.as_deref());
    web.broker.change_client(&caller.tenant.id, (&id, &condition), change, &caller.scopes, &author).await?;
    shown(&web, &caller.tenant, &id).await
}

/// A client as it is now, with the version of the tenant's settings where they can be changed here.
async fn shown(web: &Web, tenant: &Tenant, id: &ClientId) -> Result<Response, ApiError> {
    let stored = web.broker.stored_clients(&tenant.id).await?;
    let (tenant, version) = match &stored {
        Some((stored, version)) => (stored, Some(*version)),
        None => (tenant, None),
    };
    let source = SourceWord::of(web.broker.home_of(&tenant.id).as_ref());
    let used = web.issuer.last_used(tenant).await?;
    let mut clients = tenant.clients.iter().zip(used);
    let found = clients.find(|(client, _)| client.client_id == *id).ok_or(ApiError::NotFound)?;
    let view = ClientView::of(found.0, source, found.1, web.broker.clock().now());
    let mut response = Json(view).into_response();
    response.headers_mut().extend(version.map(|version| (header::ETAG, etag_of(version))));
    Ok(response)
}
