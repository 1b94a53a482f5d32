//! Our own small authorization server: it signs the tokens of bots and customers and checks them
//! when they come back. Every tenant is an issuer of its own; the keys are shared by all.
//!
//! To add a grant: 1. a variant of `domain::client::GrantType`, 2. an arm in [`grants`] (the
//! compiler asks), 3. what it needs of the request in [`grants::TokenRequest`] and in
//! `web/oauth/token.rs`, 4. its cases in `tests/it/issuer/`.
//!
//! - [`keys`]: the RSA keys, as far as they sign, verify or are published
//! - [`tokens`]: access tokens (RFC 9068), minted and verified
//! - [`clients`]: who a client is (RFC 6749, 2.3)
//! - [`secret_hash`]: how client secrets rest in tenant files
//! - [`grants`]: what the token endpoint gives to whom

pub mod clients;
pub mod grants;
pub mod keys;
pub mod secret_hash;
pub mod tokens;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::client::Scopes;
use crate::domain::ids::ClientId;
use crate::domain::tenant::Tenant;

use clients::Clients;
use keys::SigningKeys;
use tokens::{AccessError, Tokens};

pub use clients::Credentials;
pub use grants::{TokenAnswer, TokenError, TokenRequest};

/// The authorization server of every tenant: keys, clock, and what it remembers.
#[derive(Debug)]
pub struct Issuer {
    clients: Clients,
    tokens: Arc<Tokens>,
}

impl Issuer {
    /// An issuer that signs with the active one of these keys.
    pub fn new(keys: SigningKeys, clock: Clock) -> Self {
        Self { clients: Clients::new(clock.clone()), tokens: Arc::new(Tokens::new(keys, clock)) }
    }

    /// Puts other keys in place of the present ones. Running requests finish with those they began
    /// with; a token of a key that is now missing or revoked is refused from the next request on.
    pub fn replace_keys(&self, keys: SigningKeys) {
        self.tokens.replace_keys(keys);
    }

    /// The keys in use, for the JWKS endpoints.
    pub fn keys(&self) -> Arc<SigningKeys> {
        self.tokens.keys()
    }

    /// Answers a token request (RFC 6749, 4.4): who the client is, what it may do, the token.
    pub async fn token(&self, tenant: &Tenant, request: TokenRequest) -> Result<TokenAnswer, TokenError> {
        grants::token(&self.clients, &self.tokens, tenant, request).await
    }

    /// Whether it would take a costly check to know who this client is.
    pub fn costs(&self, tenant: &Tenant, credentials: &Credentials) -> bool {
        self.clients.costs(tenant, credentials)
    }

    /// Whose token of our API this is, and what its client may still do.
    pub fn verify_access(&self, tenant: &Tenant, token: &str) -> Result<Caller, AccessError> {
        self.tokens.verify(tenant, token)
    }
}

/// A client that showed a good access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The client, one of the tenant's.
    pub client_id: ClientId,
    /// The token's scopes, without those that the client has lost since.
    pub scopes: Scopes,
}
