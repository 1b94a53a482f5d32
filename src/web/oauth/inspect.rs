//! `POST /v1/oauth/introspect` (RFC 7662) and `POST /v1/oauth/revoke` (RFC 7009).

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::tenant::Tenant;
use crate::issuer::{Introspection, Issuer};
use crate::secret::Secret;

use super::answer::{OAuthError, json};
use super::token::{Counted, log, receive, who};

/// What a token is (RFC 7662, 2.2). Of one that is no good only `active` is told.
#[derive(Serialize, ToSchema)]
#[schema(as = Introspection)]
pub struct IntrospectionBody {
    /// Whether it is good now.
    active: bool,
    /// What it allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    scope: Option<String>,
    /// For which client it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_id: Option<String>,
    /// `Bearer`, or `refresh_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token_type: Option<&'static str>,
    /// Until when it is good, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    exp: Option<i64>,
    /// Since when, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iat: Option<i64>,
    /// Who: the client itself, or a contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sub: Option<String>,
    /// For whom it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    aud: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iss: Option<String>,
    /// Its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    jti: Option<String>,
    /// Of which tenant it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tenant: Option<String>,
}

/// Answers an introspection request.
pub async fn introspect(
    issuer: &Issuer,
    tenant: &Tenant,
    counted: Counted<'_>,
    request: Request,
) -> Response {
    match told(issuer, tenant, counted, request).await {
        Ok(known) => json(StatusCode::OK, &IntrospectionBody::of(tenant, known.as_ref())),
        Err(error) => refused(tenant, error),
    }
}

/// Answers a revocation request: 200 without a body, also for a token that is none.
pub async fn revoke(issuer: &Issuer, tenant: &Tenant, counted: Counted<'_>, request: Request) -> Response {
    match revoked(issuer, tenant, counted, request).await {
        Ok(()) => (StatusCode::OK, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response(),
        Err(error) => refused(tenant, error),
    }
}

async fn told(
    issuer: &Issuer,
    tenant: &Tenant,
    counted: Counted<'_>,
    request: Request,
) -> Result<Option<Introspection>, OAuthError> {
    let (headers, mut parameters) = receive(request).await?;
    let token = parameters.take("token")?.map(Secret::new);
    let credentials = who(&headers, &mut parameters, counted)?;
    let token = token.ok_or(OAuthError::Missing("token"))?;
    let guess = counted.guess_of(issuer, tenant, &credentials)?;
    let known = issuer.introspect(tenant, &credentials, &token).await;
    Ok(counted.settle(guess, known)?)
}

async fn revoked(
    issuer: &Issuer,
    tenant: &Tenant,
    counted: Counted<'_>,
    request: Request,
) -> Result<(), OAuthError> {
    let (headers, mut parameters) = receive(request).await?;
    let token = parameters.take("token")?.map(Secret::new);
    let credentials = who(&headers, &mut parameters, counted)?;
    let token = token.ok_or(OAuthError::Missing("token"))?;
    let guess = counted.guess_of(issuer, tenant, &credentials)?;
    let done = issuer.revoke(tenant, &credentials, &token).await;
    Ok(counted.settle(guess, done)?)
}

fn refused(tenant: &Tenant, error: OAuthError) -> Response {
    log(tenant, error);
    error.into_response()
}

impl IntrospectionBody {
    fn of(tenant: &Tenant, known: Option<&Introspection>) -> Self {
        let active = known.is_some();
        let (iss, id) = (tenant.origin.clone(), tenant.id.to_string());
        Self {
            active,
            scope: known.map(|known| known.scope.clone()),
            client_id: known.map(|known| known.client_id.clone()),
            token_type: known.map(|known| known.token_type),
            exp: known.map(|known| known.exp),
            iat: known.map(|known| known.iat),
            sub: known.map(|known| known.sub.clone()),
            aud: known.map(|known| known.aud.clone()),
            iss: active.then_some(iss),
            jti: known.and_then(|known| known.jti.clone()),
            tenant: active.then_some(id),
        }
    }
}
