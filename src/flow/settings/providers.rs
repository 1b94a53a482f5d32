//! A provider of a stored tenant: its draft, what it shows, and its end (DESIGN §4, §6).

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::health::ProviderHealth;
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::link::Link;
use crate::domain::provider::{Provider, Revision};
use crate::domain::stored::{Difference, Draft, Settings, StoredProvider, StoredTenant, Tested};
use crate::domain::tenant::Tenant;
use crate::store::{Asked, List, StoreError, Stored};

use super::super::Broker;
use super::change::{Changing, Made};
use super::checks::{ReadProvider, fixed_path, read_with, same_places, same_subject};
use super::format::{Format, Part, Remark};
use super::{Precondition, SettingsError, trail};

/// The longest life of a link, for which a provider must still be there.
const LINKS_LIVE: SignedDuration = SignedDuration::from_hours(25);
/// The most providers of a stored tenant.
pub(super) const MOST: usize = 50;

/// A provider with everything that is known of it. Settings are as a client may see them.
#[derive(Debug)]
pub struct ProviderState {
    /// Its name.
    pub id: ProviderId,
    /// What customers read.
    pub label: String,
    /// Its drafts, versions and their authors; none if it stands in a file.
    pub stored: Option<StoredProvider>,
    /// What logins use; none if nothing was published yet, or the file says something else by now.
    pub live: Option<Map<String, Value>>,
    /// What is worked on.
    pub draft: Option<Map<String, Value>>,
    /// The hash of what logins use.
    pub revision: Option<Revision>,
    /// Whether it works, as far as anybody has seen it fail.
    pub health: Option<ProviderHealth>,
}

/// A draft that was kept.
#[derive(Debug)]
pub struct Drafted {
    /// Whether the provider is new.
    pub created: bool,
    /// What somebody should know of it.
    pub warnings: Vec<Remark>,
}

/// A draft as a test login uses it.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The provider.
    pub provider: Arc<Provider>,
    /// The provider's version with this draft, for [`Broker::mark_tested`].
    pub version: u64,
}

impl Broker {
    /// The providers of a tenant: of a stored one in the order in which they were made.
    pub async fn provider_states(&self, tenant: &Arc<Tenant>) -> Result<Vec<ProviderState>, SettingsError> {
        let mut states = match self.stored_tenant(&tenant.id).await? {
            Some(stored) if self.writable(&tenant.id).is_ok() => {
                stored.providers.iter().map(|provider| state_of(self.format(), &stored, provider)).collect()
            }
            _ => self.states_of_file(tenant).await,
        };
        for state in &mut states {
            let known = self.store.at(&tenant.id).provider_health(&state.id).await?;
            state.health = known.map(Stored::into_value);
        }
        Ok(states)
    }

    /// One provider of a tenant.
    pub async fn provider_state(
        &self,
        tenant: &Arc<Tenant>,
        id: &ProviderId,
    ) -> Result<ProviderState, SettingsError> {
        let states = self.provider_states(tenant).await?;
        states.into_iter().find(|state| state.id == *id).ok_or(SettingsError::Unknown)
    }

    /// Keeps a draft. It is checked as if it were live; nothing else changes.
    pub async fn put_draft(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        sent: &Map<String, Value>,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<Drafted, SettingsError> {
        let change = |changing: &mut Changing| {
            let known = changing.known(id).cloned();
            condition.demand(known.as_ref().map(|known| known.version))?;
            let (settings, reading) = self.draft_of(changing, id, sent, known.as_ref())?;
            let before = known.as_ref().and_then(StoredProvider::latest).cloned().unwrap_or_default();
            let detail = trail::named(&self.format().differences(Part::Provider, &before, &settings));
            let signed = changing.signed.clone();
            let provider = changing.provider(id);
            provider.sign(signed.clone());
            // The same settings stay tested.
            let same = provider.draft.take().filter(|draft| draft.settings == settings);
            let (version, tested) = (provider.version, same.and_then(|draft| draft.tested));
            let revision = reading.revision;
            provider.draft = Some(Draft { settings, revision, version, signed, tested });
            let drafted = Drafted { created: known.is_none(), warnings: reading.warnings };
            Ok(Made::new(drafted, AuditAction::ProviderDrafted, id).saying(detail))
        };
        Ok(self.change(tenant, author, change).await?.0)
    }

    /// What a draft would change, setting by setting.
    pub async fn provider_diff(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
    ) -> Result<Vec<Difference>, SettingsError> {
        self.writable(tenant)?;
        let stored = self.stored_tenant(tenant).await?.ok_or(SettingsError::Unknown)?;
        let provider = stored.provider(id).ok_or(SettingsError::Unknown)?;
        let Some(draft) = &provider.draft else { return Ok(Vec::new()) };
        let none = Settings::new();
        let live = provider.live.as_ref().map_or(&none, |live| &live.settings);
        Ok(self.format().differences(Part::Provider, live, &draft.settings))
    }

    /// Takes a provider away, with its drafts and versions. While customers may still come with links to it, only if
    /// that is `forced`.
    pub async fn delete_provider(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        forced: bool,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        self.writable(tenant)?;
        let open = !forced && self.has_open_links(tenant, id).await?;
        let change = |changing: &mut Changing| {
            let known = changing.known(id).ok_or(SettingsError::Unknown)?;
            condition.demand(Some(known.version))?;
            if open {
                let text = "customers may still come with links to this provider; wait until they are over, or delete it with `?force=true`";
                return Err(SettingsError::Conflict(text.to_owned()));
            }
            changing.tenant.providers.retain(|provider| provider.id != *id);
            Ok(Made::new((), AuditAction::ProviderDeleted, id))
        };
        self.change(tenant, author, change).await.map(drop)
    }

    /// The draft of a provider as a login would use it, for a test of it.
    pub async fn trial(&self, tenant: &TenantId, id: &ProviderId) -> Result<Trial, SettingsError> {
        let stored = self.stored_tenant(tenant).await?.ok_or(SettingsError::Unknown)?;
        let known = stored.provider(id).ok_or(SettingsError::Unknown)?;
        let draft = known.draft.as_ref().ok_or_else(no_draft)?;
        let reading = read_with(self.format(), &stored, id, &draft.settings)?;
        Ok(Trial { provider: reading.provider, version: draft.version })
    }

    /// Notes that settings passed a test login: those of the draft, if it is still the one of that `version`, or those
    /// that are live. Whether any did.
    pub async fn mark_tested(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        (revision, version): (&Revision, u64),
        test: &str,
        author: &Actor,
    ) -> Result<bool, SettingsError> {
        let change = |changing: &mut Changing| {
            let signed = changing.signed.clone();
            let known = changing.known(id).ok_or(SettingsError::Unknown)?;
            // What the draft takes from the tenant, its name, may have changed since it was written.
            let draft = known.draft.as_ref().filter(|draft| draft.version == version);
            let now = draft.map(|draft| read_with(self.format(), &changing.tenant, id, &draft.settings));
            let now = now.transpose()?.map(|read| read.revision);
            let provider = changing.provider(id);
            if let (Some(draft), Some(now)) = (&mut provider.draft, now) {
                draft.revision = now;
            }
            let tested = Tested { revision: revision.clone(), at: signed.at, test_id: test.to_owned() };
            let draft = provider.draft.as_mut();
            if let Some(draft) = draft.filter(|draft| draft.revision == *revision && draft.version == version)
            {
                draft.tested = Some(tested);
            } else if let Some(live) = provider.live.as_mut().filter(|live| live.revision == *revision) {
                live.tested = Some(tested);
            } else {
                return Err(SettingsError::Conflict("the draft was changed during the test".to_owned()));
            }
            provider.sign(signed);
            Ok(Made::new((), AuditAction::ProviderTested, id).saying(test.to_owned()))
        };
        match self.change(tenant, author, change).await {
            Ok(_) => Ok(true),
            Err(SettingsError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// From what was sent to a draft that was read.
    fn draft_of(
        &self,
        changing: &mut Changing,
        id: &ProviderId,
        sent: &Map<String, Value>,
        known: Option<&StoredProvider>,
    ) -> Result<(Settings, ReadProvider), SettingsError> {
        let mut sent = sent.clone();
        let confirmed = take_confirmed(&mut sent)?;
        named(&mut sent, id)?;
        let before = known.and_then(StoredProvider::latest);
        let tenant = &mut changing.tenant;
        if known.is_none() && tenant.providers.len() >= MOST {
            let help = "delete one that is no longer used";
            return Err(SettingsError::refused("", "a tenant has at most 50 providers", help));
        }
        let taken = self.format().take(Part::Provider, &sent, before, &mut tenant.secrets);
        let settings = taken.map_err(SettingsError::Refused)?;
        let reading = read_with(self.format(), tenant, id, &settings)?;
        same_places(self.format(), tenant, before, (&settings, &reading.provider))?;
        if let Some(known) = known {
            fixed_path(known, &settings)?;
            same_subject(self.format(), tenant, (known, confirmed), (&settings, &reading.provider))?;
        }
        Ok((settings, reading))
    }

    async fn states_of_file(&self, tenant: &Arc<Tenant>) -> Vec<ProviderState> {
        let directory = self.directory();
        let served = directory.by_id(&tenant.id).cloned();
        let format = self.served.shared_format();
        let read = tokio::task::spawn_blocking(move || format.of_file(&served?)).await;
        let trees = read.ok().flatten().map(|(_, providers)| providers).unwrap_or_default();
        let state = |provider: &Arc<Provider>| {
            let is_it =
                |tree: &&Settings| tree.get("id").and_then(Value::as_str) == Some(provider.id.as_str());
            let tree = trees.iter().find(is_it);
            ProviderState {
                id: provider.id.clone(),
                label: provider.label.clone(),
                stored: None,
                live: tree.map(|tree| {
                    self.format().show(Part::Provider, tree, &crate::domain::stored::Secrets::default())
                }),
                draft: None,
                revision: Some(provider.revision.clone()),
                health: None,
            }
        };
        tenant.providers.iter().map(state).collect()
    }

    /// Whether somebody may still come with a link to this provider.
    async fn has_open_links(&self, tenant: &TenantId, id: &ProviderId) -> Result<bool, StoreError> {
        let (store, now) = (self.store.at(tenant), self.clock.now());
        let mut cursor: Option<String> = None;
        loop {
            let since = Some(now - LINKS_LIVE);
            let asked = Asked { cursor: cursor.as_deref(), limit: 1, since, until: None, filter: "open" };
            let is_open = |link: &Link| link.provider == *id && !link.clone().as_of(now).status().is_final();
            let page = store.links(List::Links, &asked, is_open).await?;
            if !page.items.is_empty() {
                return Ok(true);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(false),
            }
        }
    }
}

impl Changing {
    /// The provider as it is, if it is there.
    pub(super) fn known(&self, id: &ProviderId) -> Option<&StoredProvider> {
        self.tenant.provider(id).filter(|_| self.exists)
    }

    /// The provider to be changed, which is made if it is not there.
    pub(super) fn provider(&mut self, id: &ProviderId) -> &mut StoredProvider {
        let providers = &mut self.tenant.providers;
        let place = providers.iter().position(|provider| provider.id == *id).unwrap_or_else(|| {
            providers.push(StoredProvider::new(id.clone(), self.signed.clone()));
            providers.len() - 1
        });
        &mut providers[place]
    }
}

/// Takes out of what was sent whether everybody may become a new person.
pub(super) fn take_confirmed(sent: &mut Map<String, Value>) -> Result<bool, SettingsError> {
    match sent.shift_remove("confirmSubjectChange") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(confirmed)) => Ok(confirmed),
        Some(_) => {
            Err(SettingsError::refused("/confirmSubjectChange", "it is true or false", "leave it out"))
        }
    }
}

/// The settings name the provider, as the path does.
fn named(sent: &mut Map<String, Value>, id: &ProviderId) -> Result<(), SettingsError> {
    match sent.get("id") {
        None | Some(Value::Null) => {}
        Some(Value::String(given)) if given == id.as_str() => {}
        Some(_) => {
            let message = "the id is another than in the path";
            return Err(SettingsError::refused(
                "/id",
                message,
                "leave it out, or put to the path of that id",
            ));
        }
    }
    sent.insert("id".to_owned(), Value::String(id.to_string()));
    Ok(())
}

pub(super) fn no_draft() -> SettingsError {
    SettingsError::Conflict("there is no draft; put one first".to_owned())
}

fn state_of(format: &dyn Format, tenant: &StoredTenant, provider: &StoredProvider) -> ProviderState {
    let show = |tree: &Settings| format.show(Part::Provider, tree, &tenant.secrets);
    let text = |tree: &Settings| Some(tree.get("label")?.as_str()?.to_owned());
    let name = tenant.document.get("name").and_then(Value::as_str).unwrap_or_default();
    let served = provider.live.as_ref().map(|live| &live.settings).or(provider.latest());
    ProviderState {
        id: provider.id.clone(),
        label: served.and_then(text).unwrap_or_else(|| name.to_owned()),
        live: provider.live.as_ref().map(|live| show(&live.settings)),
        draft: provider.draft.as_ref().map(|draft| show(&draft.settings)),
        revision: provider.live.as_ref().map(|live| live.revision.clone()),
        stored: Some(provider.clone()),
        health: None,
    }
}
