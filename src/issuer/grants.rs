//! What the token endpoint gives to whom (RFC 6749, 4 and 5).

use std::sync::Arc;

use crate::domain::client::{Client, GrantType, Scopes};
use crate::domain::tenant::Tenant;
use crate::secret::Secret;

use super::clients::{ClientError, Clients, Credentials};
use super::tokens::{Issuing, LIFETIME, Tokens};

/// A token request whose parameters each stood once and were text.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The word of the grant, as it was sent.
    pub grant_type: String,
    /// What the token shall be good for, space-separated; none means all that the client may have.
    pub scope: Option<String>,
    /// Who asks.
    pub credentials: Credentials,
}

/// A token, and what it is good for (RFC 6749, 5.1).
#[derive(Debug, Clone)]
pub struct TokenAnswer {
    /// The token.
    pub access_token: Secret,
    /// For how many seconds.
    pub expires_in: i64,
    /// For what.
    pub scope: Scopes,
    /// Since when, in seconds since 1970.
    pub created_at: i64,
}

/// Answers a token request. What can be refused for free comes before the costly proof of the
/// secret; what a stranger should not learn comes after it.
pub(super) async fn token(
    clients: &Clients,
    tokens: &Arc<Tokens>,
    tenant: &Tenant,
    request: TokenRequest,
) -> Result<TokenAnswer, TokenError> {
    let grant = supported(&request.grant_type)?;
    let asked = request.scope.as_deref().map(Scopes::parse).transpose().map_err(|_| TokenError::Scope)?;
    let client = clients.authenticate(tenant, &request.credentials).await?;
    let scope = match grant {
        Grant::ClientCredentials => client_credentials(client, asked)?,
    };
    sign(tokens, tenant, client, scope).await
}

/// The grants that are served.
enum Grant {
    ClientCredentials,
}

fn supported(word: &str) -> Result<Grant, TokenError> {
    match GrantType::ALL.into_iter().find(|grant| grant.as_str() == word) {
        Some(GrantType::ClientCredentials) => Ok(Grant::ClientCredentials),
        Some(GrantType::AuthorizationCode | GrantType::RefreshToken) | None => Err(TokenError::GrantType),
    }
}

/// The scopes of a client that acts for itself (RFC 6749, 4.4): only one with a secret may.
fn client_credentials(client: &Client, asked: Option<Scopes>) -> Result<Scopes, TokenError> {
    if client.secret_hash.is_none() || !client.grant_types.contains(&GrantType::ClientCredentials) {
        return Err(TokenError::Unauthorized);
    }
    match asked {
        Some(asked) if asked.is_empty() => Ok(client.scopes.clone()),
        Some(asked) if client.scopes.contain_all(&asked) => Ok(asked),
        Some(_) => Err(TokenError::Scope),
        None => Ok(client.scopes.clone()),
    }
}

async fn sign(
    tokens: &Arc<Tokens>,
    tenant: &Tenant,
    client: &Client,
    scope: Scopes,
) -> Result<TokenAnswer, TokenError> {
    let (tokens, issuing) = (Arc::clone(tokens), Issuing::from(tenant));
    let (client_id, scopes) = (client.client_id.clone(), scope.clone());
    let minted = tokio::task::spawn_blocking(move || tokens.mint(&issuing, &client_id, &scopes))
        .await
        .map_err(|_| TokenError::Internal)?
        .map_err(|_| TokenError::Internal)?;
    Ok(TokenAnswer { access_token: minted.token, expires_in: LIFETIME, scope, created_at: minted.issued_at })
}

/// Why there is no token (RFC 6749, 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The client is unknown, or did not prove who it is.
    #[error("client authentication failed")]
    Client,
    /// The client may not use this grant.
    #[error("this client may not use this grant")]
    Unauthorized,
    /// The grant is unknown or not served.
    #[error("this grant is not supported; use `client_credentials`")]
    GrantType,
    /// A scope is no scope, or not one of the client's.
    #[error("a scope is malformed, or this client may not have it")]
    Scope,
    /// Too many clients authenticate at once.
    #[error("too many clients authenticate at once; try again in a few seconds")]
    Busy,
    /// A fault of our own.
    #[error("the token could not be signed")]
    Internal,
}

impl From<ClientError> for TokenError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused => Self::Client,
            ClientError::Busy => Self::Busy,
        }
    }
}
