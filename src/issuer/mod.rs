//! Our own small authorization server: it signs the tokens of bots and customers and checks them
//! when they come back. Every tenant is an issuer of its own; the keys are shared by all.
//!
//! To add a grant: 1. a variant of `domain::client::GrantType`, 2. an arm in [`grants`] (the
//! compiler asks), 3. what it needs of the request in [`grants::TokenRequest`] and in
//! `web/oauth/token.rs`, 4. its cases in `tests/it/issuer/`.
//!
//! - [`keys`]: the RSA keys, as far as they sign, verify or are published
//! - [`tokens`]: access tokens of our API (RFC 9068), minted and verified
//! - [`customers`]: those of customers, with their id_tokens
//! - [`families`]: refresh tokens, replaced at every use
//! - [`authorize`]: what an app may put before a customer
//! - [`codes`]: what it gets for a sign-in, and redeems
//! - [`clients`]: who a client is (RFC 6749, 2.3), by its secret; `assertions`: by its key
//! - [`secret_hash`]: how client secrets rest in tenant files
//! - [`grants`]: what the token endpoint gives to whom
//! - [`inspect`]: what a token is, and its end
//! - `usage`: when a client was here last

mod assertions;
pub mod authorize;
pub mod clients;
pub mod codes;
pub mod customers;
pub mod families;
pub mod grants;
pub mod inspect;
pub mod keys;
pub mod secret_hash;
pub mod tokens;
mod usage;

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::client::{Client, Registration, Scopes};
use crate::domain::ids::ClientId;
use crate::domain::tenant::Tenant;
use crate::secret::Secret;
use crate::store::Store;

use clients::Clients;
use keys::SigningKeys;
use tokens::{AccessError, Tokens};
use usage::Usage;

pub use clients::{ClientError, Credentials};
pub use customers::{Customer, CustomerError};
pub use families::{CustomerGrant, CustomerTokens, RefreshError};
pub use grants::{TokenAnswer, TokenError, TokenRequest};
pub use inspect::Introspection;

/// The authorization server of every tenant: keys, clock, and what it remembers.
pub struct Issuer {
    clients: Clients,
    tokens: Arc<Tokens>,
    store: Store,
    clock: Clock,
    usage: Usage,
}

impl Issuer {
    /// An issuer that signs with the active one of these keys, and keeps what customers have of it in this store.
    pub fn new(keys: SigningKeys, store: Store, clock: Clock) -> Self {
        let tokens = Arc::new(Tokens::new(keys, clock.clone()));
        Self { clients: Clients::new(clock.clone()), tokens, store, clock, usage: Usage::default() }
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

    /// Which client this is, if it proves it and comes from where it may.
    pub(super) async fn authenticate<'t>(
        &self,
        tenant: &'t Tenant,
        credentials: &Credentials,
    ) -> Result<&'t Client, ClientError> {
        let client = match &credentials.assertion {
            Some(assertion) => self.by_assertion(tenant, &credentials.client_id, assertion).await?,
            None => self.clients.authenticate(tenant, credentials).await?,
        };
        if client.may_come_from(credentials.address) {
            return Ok(client);
        }
        tracing::warn!(tenant = %tenant.id, client = client.client_id.as_str(), "client.from_elsewhere");
        Err(ClientError::Refused)
    }

    /// Whether it would take a costly check to know who this client is.
    pub fn costs(&self, tenant: &Tenant, credentials: &Credentials) -> bool {
        self.clients.costs(tenant, credentials)
    }

    /// Whether this is the token with which apps may become clients of a tenant (RFC 7591, 3).
    pub async fn may_register(&self, allowed: &Registration, token: &Secret) -> Result<(), ClientError> {
        self.clients.may_register(allowed, token).await
    }

    /// Whose token of our API this is, and what its client may still do.
    pub fn verify_access(&self, tenant: &Tenant, token: &str) -> Result<Caller, AccessError> {
        let caller = self.tokens.verify(tenant, token)?;
        if let Some(client) = tenant.client(caller.client_id.as_str()) {
            self.note_use(tenant, client);
        }
        Ok(caller)
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("clients", &self.clients).finish_non_exhaustive()
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
