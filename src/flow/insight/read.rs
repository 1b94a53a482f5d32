//! The figures of a period, with the health of the providers.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::domain::conversation::Channel;
use crate::domain::health::ProviderHealth;
use crate::domain::ids::{LinkId, ProviderId};
use crate::domain::insight::{Funnel, Hour, Tally};
use crate::domain::request::AuthorizationRequest;
use crate::domain::tenant::Tenant;
use crate::egress::breaker::Position;
use crate::flow::Broker;
use crate::store::{Asked, List, StoreError, Stored};

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// 24 hours, the running one included.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
}

/// The figures of a period.
#[derive(Debug)]
pub struct Insight {
    /// From the first moment of this hour on.
    pub since: Timestamp,
    /// The counts of all of it.
    pub tally: Tally,
    /// How far the links of each hour came, oldest first; hours without any are left out.
    pub hours: Vec<(Hour, Funnel)>,
    /// How the tenant's providers are, in the order of its settings.
    pub health: Vec<Health>,
    /// Whether a link was ever sent, as far as they are kept.
    pub has_links: bool,
}

/// How a provider is.
#[derive(Debug)]
pub struct Health {
    /// Which.
    pub provider: ProviderId,
    /// What customers call it.
    pub label: String,
    /// What all brokers together know; none of one that never failed.
    pub known: Option<ProviderHealth>,
    /// Whether this broker sends customers to it.
    pub passes: Passes,
}

/// Whether logins pass to a provider here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passes {
    /// All.
    All,
    /// A few, to see whether it has recovered.
    Few,
    /// One every two seconds, to see whether it has recovered.
    Probes,
}

impl Period {
    /// Every one, shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// Its hours.
    pub fn hours(self) -> u32 {
        match self {
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
        }
    }
}

impl Broker {
    /// The figures of a period that ends now.
    pub async fn insight(&self, tenant: &Tenant, period: Period) -> Result<Insight, StoreError> {
        let store = self.store.at(&tenant.id);
        let hours: Vec<_> = Hour::of(self.clock.now()).last(period.hours()).collect();
        let since = hours.first().map_or(Timestamp::UNIX_EPOCH, |first| first.begins());
        let mut tally = Tally::default();
        let mut funnels = Vec::new();
        for (hour, counts) in store.figures(&hours).await? {
            funnels.push((hour, counts.together().funnel()));
            tally.merge(&counts);
        }
        let has_links = !tally.is_empty() || self.has_links(tenant).await?;
        Ok(Insight { since, tally, hours: funnels, health: self.health_of(tenant).await?, has_links })
    }

    /// Whether a link was sent in the time for which links are kept.
    pub async fn has_links(&self, tenant: &Tenant) -> Result<bool, StoreError> {
        let asked = Asked { cursor: None, limit: 1, since: None, until: None, filter: "" };
        Ok(!self.store.at(&tenant.id).links(List::Links, &asked, |_| true).await?.items.is_empty())
    }

    /// The channels of the links of these attempts; of a link that is gone nobody knows.
    pub async fn channels_of(
        &self,
        tenant: &Tenant,
        attempts: &[AuthorizationRequest],
    ) -> Result<HashMap<LinkId, Channel>, StoreError> {
        let ids: BTreeSet<_> = attempts.iter().map(|attempt| &attempt.link).collect();
        let links = self.store.at(&tenant.id).links_of(&ids.into_iter().collect::<Vec<_>>()).await?;
        Ok(links.into_iter().map(|link| (link.value.id.clone(), link.value.conversation.channel)).collect())
    }

    /// How the tenant's providers are.
    pub async fn health_of(&self, tenant: &Tenant) -> Result<Vec<Health>, StoreError> {
        let store = self.store.at(&tenant.id);
        let mut all = Vec::with_capacity(tenant.providers.len());
        for provider in &tenant.providers {
            all.push(Health {
                provider: provider.id.clone(),
                label: provider.label.clone(),
                known: store.provider_health(&provider.id).await?.map(Stored::into_value),
                passes: match self.provider.position(&tenant.id, &provider.id) {
                    Position::Closed => Passes::All,
                    Position::HalfOpen => Passes::Few,
                    Position::Open => Passes::Probes,
                },
            });
        }
        Ok(all)
    }
}
