//! What is known of a provider's health, as all brokers together know it.

use crate::domain::health::ProviderHealth;
use crate::domain::ids::ProviderId;

use super::backend::Expect;
use super::records::{Record as _, Stored};
use super::tx::Place;
use super::{StoreError, TenantStore, Tx};

impl TenantStore {
    /// What is known of a provider's health; nothing of one that never failed.
    pub async fn provider_health(
        &self,
        provider: &ProviderId,
    ) -> Result<Option<Stored<ProviderHealth>>, StoreError> {
        self.one(self.keys.key(ProviderHealth::KIND, provider.as_str())).await
    }
}

impl Tx {
    /// What is known of a provider's health now, in place of what was `stored`.
    pub fn put_provider_health(
        &mut self,
        stored: Option<&Stored<ProviderHealth>>,
        provider: &ProviderId,
        health: &ProviderHealth,
    ) {
        if let Some(stored) = stored {
            self.replace(stored, health, None);
        } else {
            let place = Place::Named(provider.as_str().to_owned());
            self.put(place, Some(Expect::Absent), health, None);
        }
    }
}
