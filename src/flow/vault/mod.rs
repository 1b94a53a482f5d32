//! The token vault: a platform is given an access token of the provider, to call the tenant's own
//! API for a customer while the conversation is verified.
//!
//! | file | what it holds |
//! |---|---|
//! | this file | who is handed what, and what is written down of it |
//! | `keep` | what a sign-in, the end of a conversation and a merge do to the kept tokens |
//! | `refresh` | a fresh token at the provider, once for however many ask |
//!
//! To add a reason not to hand out: 1. a variant of [`VaultError`], 2. its code in
//! `web/error/vault.rs`, 3. its row in `docs/errors.md` (a test asks), 4. a case in `tests/it/vault/`.

mod keep;
mod refresh;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::fault::Fault;
use crate::domain::ids::{ContactId, ConversationId, LinkId, ProviderId};
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::domain::vault::{Condition, ProviderTokens, VaultRecord};
use crate::store::{StoreError, Stored};

use super::Broker;
use super::health::OutOfOrder;

/// How often it is looked whether another refresh is done.
const LOOK: Duration = Duration::from_millis(100);
/// How long a caller waits for the refresh of another one.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often a caller tries itself, where the provider's tokens live for a moment only.
const REFRESHES: usize = 4;

/// What a caller asks for.
#[derive(Debug, Clone)]
pub struct TokenWanted {
    /// For which customer.
    pub contact: ContactId,
    /// Of which provider.
    pub provider: ProviderId,
    /// In which conversation the customer is.
    pub conversation: ConversationId,
}

/// Why no token is handed out.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No contact has this id.
    #[error("no contact has this id")]
    Unknown,
    /// The tenant has no such provider.
    #[error("the tenant has no provider `{0}`")]
    NoProvider(ProviderId),
    /// The provider's tokens are not kept.
    #[error("the tokens of this provider are not kept; write `vault = true` in its settings")]
    Off,
    /// The customer is not verified there.
    #[error(
        "the conversation is not verified now, for this contact, by this provider; send a link and try again once it is completed"
    )]
    NotVerified,
    /// Nothing is kept of the sign-in, or the provider takes it no longer.
    #[error(
        "there is no token that the provider still takes; send a link, so that the customer signs in again"
    )]
    SignInAgain,
    /// The provider cannot be asked for a fresh one.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// The provider did not give a fresh one.
    #[error("the provider gave no fresh token: `{}`", .0.code.as_str())]
    Refused(Fault),
    /// Another refresh is still at work.
    #[error("another refresh is still at work")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tokens of a sign-in that still counts.
struct Found {
    provider: Arc<Provider>,
    link: LinkId,
    record: Stored<VaultRecord>,
}

impl Broker {
    /// A good access token of the provider for a customer whose conversation is verified. Every one that is handed out
    /// is written down before.
    pub async fn provider_token(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        by: &Actor,
        wanted: &TokenWanted,
    ) -> Result<ProviderTokens, VaultError> {
        let (began, mut refreshes) = (self.clock.tick(), 0);
        loop {
            // Nothing of what was so before a refresh need be so after it.
            let found = self.find_tokens(tenant, wanted).await?;
            match found.record.condition(self.clock.now()) {
                Condition::Fresh => return self.hand_out(tenant, by, wanted, found).await,
                Condition::Spent => return Err(VaultError::SignInAgain),
                Condition::Busy if began.elapsed() < PATIENCE => tokio::time::sleep(LOOK).await,
                Condition::Stale if refreshes < REFRESHES => {
                    refreshes += 1;
                    self.refresh(tenant, &found.provider, &found.record).await?;
                }
                Condition::Busy | Condition::Stale => return Err(VaultError::Busy),
            }
        }
    }

    /// The tokens, if everything allows to hand them out now.
    async fn find_tokens(&self, tenant: &Tenant, wanted: &TokenWanted) -> Result<Found, VaultError> {
        let (store, now) = (self.store.at(&tenant.id), self.clock.now());
        let contact = store.contact_or_survivor(&wanted.contact).await?.ok_or(VaultError::Unknown)?;
        let provider = tenant.provider(Some(&wanted.provider));
        let provider = provider.ok_or_else(|| VaultError::NoProvider(wanted.provider.clone()))?;
        if !provider.vault {
            return Err(VaultError::Off);
        }
        let conversation = store.conversation(&wanted.conversation).await?;
        let verified = conversation.as_ref().and_then(|conversation| conversation.verified_at(now));
        let verified = verified.filter(|verified| {
            let is_theirs = verified.contact_id.as_ref().is_some_and(|id| contact.answers_to(id));
            is_theirs && verified.provider == provider.id
        });
        let link = verified.ok_or(VaultError::NotVerified)?.auth_link_id.clone();
        let record = store.tokens(&contact.id, &provider.id).await?;
        let record = record.filter(|record| record.is_for(&link, now)).ok_or(VaultError::SignInAgain)?;
        Ok(Found { provider: Arc::clone(provider), link, record })
    }

    /// What cannot be written down is not handed out.
    async fn hand_out(
        &self,
        tenant: &Tenant,
        by: &Actor,
        wanted: &TokenWanted,
        found: Found,
    ) -> Result<ProviderTokens, VaultError> {
        let record = found.record.into_value();
        let entry = self.entry(&by.to_string(), AuditAction::ProviderTokenRead, record.contact.to_string());
        let (ids, detail) = (vec![found.link.to_string()], Some(wanted.provider.to_string()));
        self.note(&tenant.id, AuditEntry { ids, detail, ..entry }).await?;
        Ok(record.tokens)
    }
}
