//! A fresh pair of tokens for a refresh token, and signing out.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::domain::family::TokenSource;
use crate::domain::ids::ClientId;
use crate::domain::website::Website;
use crate::issuer::{CustomerTokens, RefreshError};
use crate::secret::Secret;
use crate::web::Web;
use crate::web::error::ApiError;
use crate::web::host::AtTenant;
use crate::web::strict_json::{MaybeJson, StrictJson};

use super::answer::{ClientError, ClientRefusal, Refused, Success, success};
use super::customer::Customer;

/// A refresh token that is shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientRefresh, examples(refresh_example))]
pub struct RefreshBody {
    /// The refresh token of the latest answer.
    refresh_token: String,
}

/// A fresh pair of tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenPair)]
pub struct TokenPair {
    /// The access token: a JWT (RS256).
    pub access_token: String,
    /// The refresh token; the one before it is good no more.
    pub refresh_token: String,
    /// For how many seconds the access token is good.
    #[schema(examples(3600))]
    pub expires_in: i64,
    /// Until when, in milliseconds since 1970.
    #[schema(examples(1_706_580_000_000_i64))]
    pub expires_at: i64,
}

/// Where to sign out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClientLogout)]
pub struct LogoutBody {
    /// On every device, in place of this one only.
    #[serde(default)]
    everywhere: bool,
}

/// The customer is signed out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedOut)]
pub struct SignedOutView {
    /// Whether on every device.
    everywhere: bool,
}

fn refresh_example() -> Value {
    json!({"refresh_token": "rt_0199a1b2c3d47e5f8a9b0c1d2e3f4a5bJDTCfFjEL4m9lDtSGmnNqWh1b4l7y0QmO3V9h8vYkXw"})
}

impl TokenPair {
    /// As the API shows it.
    pub fn of(tokens: &CustomerTokens) -> Self {
        let shown = |secret: &Secret| secret.expose().to_owned();
        Self {
            access_token: shown(&tokens.access_token),
            refresh_token: tokens.refresh_token.as_ref().map(shown).unwrap_or_default(),
            expires_in: tokens.expires_in,
            expires_at: (tokens.created_at + tokens.expires_in) * 1000,
        }
    }
}

/// A website as the client of its tokens.
pub fn client_of(website: &Website) -> Result<ClientId, ClientError> {
    website.public_key.parse().map_err(|_| ClientError::UnknownKey)
}

/// Why there are no tokens, as the API says it.
pub fn refused(error: RefreshError) -> ClientError {
    match error {
        RefreshError::Refused | RefreshError::Reused | RefreshError::Scope => ClientError::Refresh,
        RefreshError::Mint(_) => ApiError::Internal.into(),
        RefreshError::Store(error) => error.into(),
    }
}

/// Get a fresh pair of tokens
///
/// No access token is needed. Each refresh token is good once: the answer has the next one. One that is shown again
/// later than ten seconds after its use ends the sign-in, since somebody copied it.
#[utoipa::path(
    post, path = "/api/client/v1/refresh", operation_id = "clientRefresh", tag = "Client API",
    security(()),
    request_body = RefreshBody,
    responses(
        (status = 200, description = "The tokens.", body = Success<TokenPair>),
        (status = 401, description = "A key or token is missing or not good; `code` says which.", body = ClientRefusal),
        Refused,
    )
)]
pub async fn refresh(
    AtTenant(tenant): AtTenant,
    State(web): State<Arc<Web>>,
    StrictJson(body): StrictJson<RefreshBody>,
) -> Result<Response, ClientError> {
    let shown = Secret::new(body.refresh_token);
    let known = web.issuer.sign_in_of(&tenant, TokenSource::Dom, &shown).await?;
    let (client, contact) = known.ok_or(ClientError::Refresh)?;
    // A website that was taken out takes its tokens along.
    tenant.website(client.as_str()).ok_or(ClientError::Refresh)?;
    web.limits.customer(&tenant.id, &contact, web.broker.clock().now()).map_err(ClientError::TooMany)?;
    let asked = (TokenSource::Dom, &client);
    let tokens = web.issuer.refresh(&tenant, asked, &shown, None).await.map_err(|error| {
        tracing::info!(tenant = %tenant.id, reason = %error, "client.refresh_refused");
        refused(error)
    })?;
    Ok(success(TokenPair::of(&tokens)))
}

/// Sign out
///
/// Here, or on every device. The tokens of each sign-in that ends are refused from then on.
#[utoipa::path(
    post, path = "/api/client/v1/logout", operation_id = "clientLogout", tag = "Client API",
    security(("customer" = [])),
    request_body(content = Option<LogoutBody>),
    responses(
        (status = 200, description = "The customer is signed out.", body = Success<SignedOutView>),
        (status = 401, description = "A key or token is missing or not good; `code` says which.", body = ClientRefusal),
        Refused,
    )
)]
pub async fn logout(
    customer: Customer,
    State(web): State<Arc<Web>>,
    MaybeJson(body): MaybeJson<LogoutBody>,
) -> Result<Response, ClientError> {
    let LogoutBody { everywhere } = body.unwrap_or_default();
    let (tenant, contact) = (&customer.tenant, &customer.contact);
    if everywhere {
        web.issuer.revoke_all_of_contact(tenant, contact).await?;
    } else {
        web.issuer.end_family(tenant, &customer.family).await?;
    }
    web.broker.note_customer_signed_out(tenant, &contact.id, everywhere).await?;
    Ok(success(SignedOutView { everywhere }))
}
