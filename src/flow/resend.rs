//! A sender wants the message of a link once more: in other words, in another language, or because
//! the customer lost it (DESIGN §6). The link and its URL stay the same.

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::ids::LinkId;
use crate::domain::link::{Link, LinkStatus};
use crate::domain::tenant::Tenant;
use crate::store::{Durability, StoreError, Stored, Tx};

use super::create_link::{CreateLinkError, CreatedLink, find_snippet};
use super::{Broker, RACES};

/// In which words. What is left out stays as it was.
#[derive(Debug, Clone, Default)]
pub struct Rewording {
    /// The id or tag of a snippet.
    pub snippet: Option<String>,
    /// A language tag, for the message and the pages.
    pub locale: Option<String>,
}

/// Why a message was not rendered again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// No link has this id.
    #[error("no link has this id")]
    Unknown,
    /// The link can no longer be opened.
    #[error("the link is {0}; make a new one")]
    Over(LinkStatus),
    /// The provider was taken out of the tenant's settings: nobody could sign in.
    #[error("the link's provider is no longer configured; make a new link")]
    ProviderGone,
    /// The order cannot be carried out as it stands.
    #[error(transparent)]
    Refused(CreateLinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// Renders the message of a live link again, and counts it.
    pub async fn resend_link(
        &self,
        tenant: &Tenant,
        by: &Actor,
        id: &LinkId,
        wording: &Rewording,
    ) -> Result<CreatedLink, ResendError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let stored = store.link(id).await?.ok_or(ResendError::Unknown)?;
            let mut link = self.reworded(&stored, wording)?;
            let provider = tenant.provider(Some(&link.provider)).ok_or(ResendError::ProviderGone)?;
            // A snippet that is named now must be there; one of before may have been taken away.
            let snippet = find_snippet(tenant, wording.snippet.as_deref()).map_err(ResendError::Refused)?;
            let snippet = snippet.or_else(|| tenant.snippet(link.snippet.as_deref()?));
            let mut tx = Tx::new();
            self.settle_lapse(&mut tx, &tenant.id, &stored.value).await?;
            let ask = self.prepare_ask_again(tenant, provider, &link).await?;
            if let Some(ask) = &ask {
                link.ask = Some(ask.request.clone());
                tx.put_ask(None, ask);
            }
            tx.update_link(&stored, &link);
            self.audit_resend(&mut tx, by, &link);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => continue,
                done => done?,
            }
            let (url, message) = self.render(tenant, Some(provider), snippet, &link, ask.as_ref());
            return Ok(CreatedLink { link, url, message, replayed: false });
        }
        Err(StoreError::Conflict.into())
    }

    /// The link with its new wording, if it can still be opened.
    fn reworded(&self, stored: &Stored<Link>, wording: &Rewording) -> Result<Link, ResendError> {
        let now = self.clock.now();
        let mut link = stored.value.clone().as_of(now);
        if link.status().is_final() {
            return Err(ResendError::Over(link.status()));
        }
        if now >= link.expires_at {
            return Err(ResendError::Over(LinkStatus::Expired));
        }
        link.resends = link.resends.saturating_add(1);
        if let Some(snippet) = &wording.snippet {
            link.snippet = Some(snippet.clone());
        }
        if let Some(locale) = &wording.locale {
            link.locale = Some(locale.clone());
        }
        Ok(link)
    }

    fn audit_resend(&self, tx: &mut Tx, by: &Actor, link: &Link) {
        let entry = self.entry(&by.to_string(), AuditAction::LinkResent, link.id.to_string());
        tx.audit(AuditEntry { detail: Some(format!("time {}", link.resends)), ..entry });
    }
}
