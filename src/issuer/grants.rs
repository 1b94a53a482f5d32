//! What the token endpoint gives to whom (RFC 6749, 4 and 5).

use std::sync::Arc;

use crate::domain::client::{Client, GrantType, Scopes};
use crate::domain::family::TokenSource;
use crate::domain::tenant::Tenant;
use crate::secret::Secret;
use crate::store::StoreError;

use super::Issuer;
use super::clients::{ClientError, Credentials};
use super::codes::Redemption;
use super::families::{CustomerTokens, RefreshError};
use super::tokens::{Issuing, LIFETIME};

/// A token request whose parameters each stood once and were text.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The word of the grant, as it was sent.
    pub grant_type: String,
    /// What the token shall be good for, space-separated; none means all that the client may have.
    pub scope: Option<String>,
    /// What was given for a customer's sign-in.
    pub code: Option<Secret>,
    /// Where that came.
    pub redirect_uri: Option<String>,
    /// PKCE's secret.
    pub code_verifier: Option<Secret>,
    /// What was given with an earlier token.
    pub refresh_token: Option<Secret>,
    /// Who asks.
    pub credentials: Credentials,
}

impl TokenRequest {
    /// A request by a client for all that it may have, with nothing of a customer's.
    pub fn new(grant_type: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            grant_type: grant_type.into(),
            scope: None,
            code: None,
            redirect_uri: None,
            code_verifier: None,
            refresh_token: None,
            credentials,
        }
    }
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
    /// What brings the next one; none for a client that acts for itself.
    pub refresh_token: Option<Secret>,
    /// Who the customer is, where that was asked for.
    pub id_token: Option<Secret>,
}

impl Issuer {
    /// Answers a token request (RFC 6749, 4.1, 4.4 and 6): who the client is, what it may do, the token. What can be
    /// refused for free comes before the costly proof of the secret; what a stranger should not learn comes after it.
    pub async fn token(&self, tenant: &Tenant, request: TokenRequest) -> Result<TokenAnswer, TokenError> {
        let grant = supported(&request.grant_type)?;
        let asked = request.scope.as_deref().map(Scopes::parse).transpose();
        let asked = asked.map_err(|_| TokenError::Scope)?;
        let client = self.authenticate(tenant, &request.credentials).await?;
        self.note_use(tenant, client);
        if !client.may(grant) {
            return Err(TokenError::Unauthorized);
        }
        match grant {
            GrantType::ClientCredentials => {
                let scope = client_credentials(client, asked)?;
                self.sign(tenant, client, scope).await
            }
            GrantType::AuthorizationCode => self.answer_code(tenant, client, request).await,
            GrantType::RefreshToken => {
                let shown = request.refresh_token.ok_or(TokenError::Missing("refresh_token"))?;
                let who = (TokenSource::OAuth, &client.client_id);
                Ok(self.refresh(tenant, who, &shown, asked).await?.into())
            }
        }
    }

    async fn answer_code(
        &self,
        tenant: &Tenant,
        client: &Client,
        request: TokenRequest,
    ) -> Result<TokenAnswer, TokenError> {
        let code = request.code.ok_or(TokenError::Missing("code"))?;
        let TokenRequest { redirect_uri, code_verifier, .. } = request;
        Ok(self.redeem(tenant, client, &Redemption { code, redirect_uri, code_verifier }).await?.into())
    }

    async fn sign(&self, tenant: &Tenant, client: &Client, scope: Scopes) -> Result<TokenAnswer, TokenError> {
        let (tokens, issuing) = (Arc::clone(&self.tokens), Issuing::from(tenant));
        let (client_id, scopes) = (client.client_id.clone(), scope.clone());
        let minted = tokio::task::spawn_blocking(move || tokens.mint(&issuing, &client_id, &scopes))
            .await
            .map_err(|_| TokenError::Internal)?
            .map_err(|_| TokenError::Internal)?;
        Ok(TokenAnswer {
            access_token: minted.token,
            expires_in: LIFETIME,
            scope,
            created_at: minted.issued_at,
            refresh_token: None,
            id_token: None,
        })
    }
}

fn supported(word: &str) -> Result<GrantType, TokenError> {
    GrantType::ALL.into_iter().find(|grant| grant.as_str() == word).ok_or(TokenError::GrantType)
}

/// The scopes of a client that acts for itself (RFC 6749, 4.4): only one with a secret may.
fn client_credentials(client: &Client, asked: Option<Scopes>) -> Result<Scopes, TokenError> {
    if client.is_public() {
        return Err(TokenError::Unauthorized);
    }
    match asked {
        Some(asked) if asked.is_empty() => Ok(client.scopes.clone()),
        Some(asked) if client.scopes.contain_all(&asked) => Ok(asked),
        Some(_) => Err(TokenError::Scope),
        None => Ok(client.scopes.clone()),
    }
}

impl From<CustomerTokens> for TokenAnswer {
    fn from(tokens: CustomerTokens) -> Self {
        let CustomerTokens { access_token, expires_in, scope, created_at, refresh_token, id_token, .. } =
            tokens;
        Self { access_token, expires_in, scope, created_at, refresh_token, id_token }
    }
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
    #[error("this grant is not supported; use `client_credentials`, `authorization_code` or `refresh_token`")]
    GrantType,
    /// A parameter that the grant needs is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The code or the refresh token is not good for this client, here and now.
    #[error("the code or refresh token is not good: it was used, is too old, or was given to somebody else")]
    Grant,
    /// A scope is no scope, or not one of the client's.
    #[error("a scope is malformed, or this client may not have it")]
    Scope,
    /// A token that cannot be revoked.
    #[error(
        "a token of the API is good for an hour at most; take the client's scopes away to end it at once"
    )]
    TokenType,
    /// Too many clients authenticate at once.
    #[error("too many clients authenticate at once; try again in a few seconds")]
    Busy,
    /// A fault of our own.
    #[error("the token could not be signed")]
    Internal,
    /// The store failed.
    #[error("the store does not answer; try again in a few seconds")]
    Store,
}

impl From<ClientError> for TokenError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused => Self::Client,
            ClientError::Busy => Self::Busy,
            ClientError::Store => Self::Store,
        }
    }
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        tracing::error!(detail = %error, "store.unavailable");
        Self::Store
    }
}

impl From<RefreshError> for TokenError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Refused | RefreshError::Reused => Self::Grant,
            RefreshError::Scope => Self::Scope,
            RefreshError::Mint(_) => Self::Internal,
            RefreshError::Store(error) => error.into(),
        }
    }
}
