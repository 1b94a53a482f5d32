//! Tells the platform that a provider fails for everybody, and that it works again: once, however
//! many brokers see it.

use crate::domain::event::EventType;
use crate::domain::health::{ProviderHealth, Sight};
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::link::Link;
use crate::domain::provider::Provider;
use crate::egress::gate::{Pass, Withheld};
use crate::store::{Durability, StoreError, Tx};

use super::{Broker, RACES};

/// A provider that a login is kept from; the login has spent nothing and may try again.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct OutOfOrder {
    /// Why.
    pub why: Withheld,
    /// What customers call the provider.
    pub label: String,
    /// The link's language, where it is known.
    pub locale: Option<String>,
}

impl OutOfOrder {
    /// With the language of the link that cannot be opened.
    pub(super) fn of(self, link: &Link) -> Self {
        Self { locale: link.locale.clone(), ..self }
    }
}

impl Broker {
    /// A way through to the provider, before anything of the login is spent.
    pub(super) async fn enter(&self, tenant: &TenantId, provider: &Provider) -> Result<Pass, OutOfOrder> {
        let entered = self.provider.enter(tenant, &provider.id).await;
        entered.map_err(|why| OutOfOrder { why, label: provider.label.clone(), locale: None })
    }

    /// Writes down and announces what has changed with a provider, if anything has. What cannot be
    /// written now is told after a later login.
    pub(super) async fn tell_health(&self, tenant: &TenantId, provider: &ProviderId) {
        let Some(sight) = self.provider.take_news(tenant, provider) else { return };
        if let Err(error) = self.write_health(tenant, provider, sight).await {
            tracing::warn!(%tenant, %provider, detail = %error, "provider.untold");
            self.provider.untold(tenant, provider, sight);
        }
    }

    async fn write_health(
        &self,
        tenant: &TenantId,
        provider: &ProviderId,
        sight: Sight,
    ) -> Result<(), StoreError> {
        let store = self.store.at(tenant);
        for _ in 0..RACES {
            let known = store.provider_health(provider).await?;
            let before = known.as_deref();
            let Some(health) = ProviderHealth::after(before, sight, self.clock.now()) else {
                return Ok(());
            };
            let mut tx = Tx::new();
            if health.is_news(before) {
                let kind =
                    if health.healthy { EventType::ProviderRecovered } else { EventType::ProviderUnhealthy };
                self.announce_provider(&mut tx, tenant, kind, provider, before, &health);
            }
            tx.put_provider_health(known.as_ref(), provider, &health);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }
}
