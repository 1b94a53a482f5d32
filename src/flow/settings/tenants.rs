//! The tenants of the store, as the platform operator sets them (DESIGN §6, `/v1/tenants`).

use serde_json::{Map, Value};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::stored::{Secrets, Settings, Signed, StoredTenant};
use crate::domain::tenant::Served;

use super::super::Broker;
use super::change::{Changing, Made};
use super::checks::{fixed_path, read_with, same_places, same_subject};
use super::format::{Part, Remark};
use super::providers::{MOST, take_confirmed};
use super::{Home, Precondition, SettingsError, trail};

/// The member of the whole document that holds the providers.
const PROVIDERS: &str = "providers";

/// The document of a tenant, as a client may see it.
#[derive(Debug)]
pub struct TenantState {
    /// Everything but the providers.
    pub document: Option<Map<String, Value>>,
    /// What is live of each provider.
    pub providers: Vec<Map<String, Value>>,
    /// Its versions, and who changed the document last; none if it stands in a file.
    pub changed: Option<(Versions, Signed)>,
    /// Where it stands.
    pub home: Home,
}

/// What the versions of a tenant count.
#[derive(Debug, Clone, Copy)]
pub struct Versions {
    /// Every change of anything: what a change of the whole names.
    pub whole: u64,
    /// The changes of everything but the providers: what a change of that names.
    pub document: u64,
}

/// A document that was kept.
#[derive(Debug)]
pub struct Put {
    /// Whether the tenant is new, or was restored.
    pub created: bool,
    /// What somebody should know of it.
    pub warnings: Vec<Remark>,
}

impl Broker {
    /// A tenant's settings.
    pub async fn tenant_state(&self, id: &TenantId) -> Result<TenantState, SettingsError> {
        if let Some(home @ (Home::File(_) | Home::Process)) = self.home_of(id) {
            let read = self.read_file(id).await;
            let show = |part, tree: &Settings| self.format().show(part, tree, &Secrets::default());
            let document = read.as_ref().map(|(document, _)| show(Part::Tenant, document));
            let providers = read.iter().flat_map(|(_, trees)| trees).map(|tree| show(Part::Provider, tree));
            return Ok(TenantState { document, providers: providers.collect(), changed: None, home });
        }
        let stored = self.stored_tenant(id).await?.ok_or(SettingsError::Unknown)?;
        let show = |part, tree: &Settings| self.format().show(part, tree, &stored.secrets);
        let versions = Versions { whole: stored.version, document: stored.document_version };
        Ok(TenantState {
            document: Some(show(Part::Tenant, &stored.document)),
            providers: stored.live().into_iter().map(|tree| show(Part::Provider, tree)).collect(),
            changed: Some((versions, stored.changed.clone())),
            home: Home::Store,
        })
    }

    /// Makes a tenant, changes it, or restores a deleted one with what was sent. With `providers` the tenant has these
    /// live and no others from now on, knowingly untested; without, they stay as they are. What was never live is not in
    /// the document, and stays. The version counts every change of anything, so that nobody's publication is taken back
    /// unseen.
    pub async fn put_tenant(
        &self,
        id: &TenantId,
        sent: &Map<String, Value>,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<Put, SettingsError> {
        if *id == TenantId::platform() {
            return Err(SettingsError::refused("", "the name is reserved", "choose another"));
        }
        let mut sent = sent.clone();
        let providers = sent.shift_remove(PROVIDERS).filter(|providers| !providers.is_null());
        let change = |changing: &mut Changing| {
            condition.demand(changing.exists.then_some(changing.tenant.version))?;
            let created = !changing.exists;
            let detail = self.take_document(changing, &sent)?;
            if let Some(providers) = &providers {
                self.take_providers(changing, providers)?;
            }
            changing.tenant.deleted_at = None;
            let warnings = self.read_whole(changing)?;
            let action = if created { AuditAction::TenantCreated } else { AuditAction::TenantChanged };
            Ok(Made::new(Put { created, warnings }, action, id).saying(detail))
        };
        Ok(self.change(id, author, change).await?.0)
    }

    /// Stops serving a tenant. It can be restored for 30 days.
    pub async fn delete_tenant(
        &self,
        id: &TenantId,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        let change = |changing: &mut Changing| {
            if !changing.exists {
                return Err(SettingsError::Unknown);
            }
            condition.demand(Some(changing.tenant.version))?;
            changing.tenant.deleted_at = Some(changing.signed.at);
            changing.tenant.document_version += 1;
            Ok(Made::new((), AuditAction::TenantDeleted, id))
        };
        self.change(id, author, change).await.map(drop)
    }

    /// A tenant as a file, which holds variables in place of its secrets. One that stands in a file already is told as it
    /// stands there.
    pub async fn export_tenant(&self, id: &TenantId) -> Result<String, SettingsError> {
        match self.home_of(id) {
            Some(Home::File(_)) => {
                let (document, providers) = self.read_file(id).await.ok_or_else(|| {
                    SettingsError::Conflict("the file says something else than what is served".to_owned())
                })?;
                Ok(self.format().export(id, &document, &providers.iter().collect::<Vec<_>>()))
            }
            Some(Home::Process) => Err(SettingsError::Fixed),
            _ => {
                let stored = self.stored_tenant(id).await?.ok_or(SettingsError::Unknown)?;
                Ok(self.format().export(id, &stored.document, &stored.live()))
            }
        }
    }

    /// The settings in the file of a tenant, if they are those that are served.
    async fn read_file(&self, id: &TenantId) -> Option<(Settings, Vec<Settings>)> {
        let served: Option<Served> = self.directory().by_id(id).cloned();
        let format = self.served.shared_format();
        tokio::task::spawn_blocking(move || format.of_file(&served?)).await.ok().flatten()
    }

    /// Puts a document in place of the one before; what differs, by name.
    pub(super) fn take_document(
        &self,
        changing: &mut Changing,
        sent: &Map<String, Value>,
    ) -> Result<String, SettingsError> {
        let StoredTenant { document, secrets, .. } = &mut changing.tenant;
        let taken = self.format().take(Part::Tenant, sent, Some(document), secrets);
        let taken = taken.map_err(SettingsError::Refused)?;
        Ok(self.put_document(changing, taken))
    }

    /// The same with settings that were taken already.
    pub(super) fn put_document(&self, changing: &mut Changing, settings: Settings) -> String {
        let tenant = &mut changing.tenant;
        let detail = trail::named(&self.format().differences(Part::Tenant, &tenant.document, &settings));
        tenant.document = settings;
        tenant.document_version += 1;
        tenant.changed = changing.signed.clone();
        detail
    }

    /// Reads the whole, which is about to go live; what somebody should know of it.
    pub(super) fn read_whole(&self, changing: &mut Changing) -> Result<Vec<Remark>, SettingsError> {
        let tenant = &changing.tenant;
        let reading = self.format().read(&tenant.id, &tenant.document, &tenant.live(), &tenant.secrets);
        let mut reading = reading.map_err(SettingsError::Refused)?;
        let warnings = std::mem::take(&mut reading.warnings);
        changing.reading = Some(reading);
        Ok(warnings)
    }

    fn take_providers(&self, changing: &mut Changing, sent: &Value) -> Result<(), SettingsError> {
        let Some(list) = sent.as_array() else {
            return Err(SettingsError::refused("/providers", "it is a list of providers", "send a list"));
        };
        let mut kept: Vec<ProviderId> = Vec::new();
        for (index, item) in list.iter().enumerate() {
            let at = format!("/providers/{index}");
            let id = self.take_provider(changing, item, &at)?;
            if kept.contains(&id) {
                return Err(SettingsError::refused(
                    &format!("{at}/id"),
                    "the provider stands here twice",
                    "name it once",
                ));
            }
            kept.push(id);
        }
        // What was never live could not be read, so leaving it out says nothing.
        changing.tenant.providers.retain(|provider| provider.live.is_none() || kept.contains(&provider.id));
        // Pointers lead into what was sent, so that the order is that of what was sent.
        let place = |id: &ProviderId| kept.iter().position(|kept| kept == id).unwrap_or(usize::MAX);
        changing.tenant.providers.sort_by_key(|provider| place(&provider.id));
        if changing.tenant.providers.len() > MOST {
            let help = "leave out those that are no longer used; drafts count too";
            return Err(SettingsError::refused("/providers", "a tenant has at most 50 providers", help));
        }
        Ok(())
    }

    /// Makes one provider of a whole document live.
    fn take_provider(
        &self,
        changing: &mut Changing,
        item: &Value,
        at: &str,
    ) -> Result<ProviderId, SettingsError> {
        let none = || {
            SettingsError::refused(
                &format!("{at}/id"),
                "a provider needs an id",
                "use `a-z`, `0-9`, `-`, `_`",
            )
        };
        let sent = item.as_object().ok_or_else(none)?;
        let id: ProviderId =
            sent.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok()).ok_or_else(none)?;
        let below = |remarks: Vec<Remark>| {
            let at = |remark: Remark| Remark { pointer: format!("{at}{}", remark.pointer), ..remark };
            SettingsError::Refused(remarks.into_iter().map(at).collect())
        };
        let live =
            changing.tenant.provider(&id).and_then(|provider| Some(provider.live.as_ref()?.settings.clone()));
        let at_its_place = |error: SettingsError| match error {
            SettingsError::Refused(remarks) => below(remarks),
            other => other,
        };
        let mut sent = sent.clone();
        let confirmed = take_confirmed(&mut sent).map_err(at_its_place)?;
        let taken = self.format().take(Part::Provider, &sent, live.as_ref(), &mut changing.tenant.secrets);
        let settings = taken.map_err(below)?;
        if live.as_ref() == Some(&settings) {
            return Ok(id);
        }
        let reading = read_with(self.format(), &changing.tenant, &id, &settings).map_err(at_its_place)?;
        let (format, tenant, placed) = (self.format(), &changing.tenant, (&settings, &*reading.provider));
        same_places(format, tenant, live.as_ref(), placed).map_err(at_its_place)?;
        // What holds of a draft holds here: nothing of it can be tried before it is live.
        if let Some(known) = tenant.provider(&id).filter(|known| known.live.is_some()) {
            fixed_path(known, &settings).map_err(at_its_place)?;
            same_subject(format, tenant, (known, confirmed), placed).map_err(at_its_place)?;
        }
        let signed = changing.signed.clone();
        changing.provider(&id).sign(signed.clone());
        let StoredTenant { providers, secrets, .. } = &mut changing.tenant;
        if let Some(provider) = providers.iter_mut().find(|provider| provider.id == id) {
            provider.publish(settings, reading.revision, None, signed, secrets);
        }
        Ok(id)
    }
}
