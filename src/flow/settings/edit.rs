//! Some settings of a draft are changed and the others stay; and what going back would change.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::actor::Actor;
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::stored::Difference;
use crate::domain::tenant::Tenant;

use super::super::Broker;
use super::checks::read_with;
use super::format::{Part, Remark};
use super::providers::Drafted;
use super::{Precondition, SettingsError};

impl Broker {
    /// Writes a draft like the one there is, or like what is live, but for what `edit` changes in it. Settings have
    /// their names in JSON; a secret is shown as set, and stays.
    pub async fn edit_draft(
        &self,
        tenant: &Arc<Tenant>,
        id: &ProviderId,
        version: u64,
        author: &Actor,
        edit: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<Drafted, SettingsError> {
        self.writable(&tenant.id)?;
        let state = self.provider_state(tenant, id).await?;
        let now = state.stored.as_ref().map_or(0, |stored| stored.version);
        if now != version {
            return Err(SettingsError::Stale { version: now });
        }
        let mut settings = state.draft.or(state.live).unwrap_or_default();
        edit(&mut settings);
        let condition = Precondition::Versions(vec![version]);
        self.put_draft(&tenant.id, id, &settings, &condition, author).await
    }

    /// What would change if an earlier version came back: its settings, with the secrets of now.
    pub async fn version_diff(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        version: u64,
    ) -> Result<Vec<Difference>, SettingsError> {
        self.writable(tenant)?;
        let stored = self.stored_tenant(tenant).await?.ok_or(SettingsError::Unknown)?;
        let provider = stored.provider(id).ok_or(SettingsError::Unknown)?;
        let earlier = provider.history.iter().find(|published| published.version == version);
        let (Some(earlier), Some(live)) = (earlier, &provider.live) else {
            return Err(SettingsError::Unknown);
        };
        let mut settings = earlier.settings.clone();
        stored.secrets.carry(&live.settings, &mut settings);
        Ok(self.format().differences(Part::Provider, &live.settings, &settings))
    }

    /// What somebody should know of a provider's draft, or of what is live without one. It may be at fault by now, beside
    /// what was changed elsewhere: that is refused as it would be if it were sent.
    pub async fn draft_remarks(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
    ) -> Result<Vec<Remark>, SettingsError> {
        let Some(stored) = self.stored_tenant(tenant).await?.filter(|_| self.writable(tenant).is_ok()) else {
            return Ok(Vec::new());
        };
        let known = stored.provider(id).ok_or(SettingsError::Unknown)?;
        let Some(settings) = known.latest() else { return Ok(Vec::new()) };
        Ok(read_with(self.format(), &stored, id, settings)?.warnings)
    }
}
