//! One change of a stored tenant: read, change, check, commit, tell. Of two that meet the second reads
//! again, so that its conditions are judged on what the first has made.

use std::str::FromStr;

use jiff::Timestamp;

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::TenantId;
use crate::domain::stored::{Change, Settings, Signed, StoredTenant};
use crate::secret::Secret;
use crate::store::tenants::{DELETED_KEPT, HostChange};
use crate::store::{Durability, StoreError, Stored, Tx};

use super::super::once::{MadeHere, Once, OnceError, Turn};
use super::super::{Broker, RACES, trail};
use super::format::{Reading, Remark};
use super::{SettingsError, accounts, bounds};

/// What a change has made, and what the audit is told of it.
pub(super) struct Made<T> {
    /// The answer.
    pub(super) value: T,
    /// Its action.
    pub(super) action: AuditAction,
    /// What was changed.
    pub(super) object: String,
    /// Names of settings, no values.
    pub(super) detail: Option<String>,
    /// What the answer tells once, for whoever sends the same order again.
    pub(super) told: Option<Secret>,
}

/// What a change came to.
enum Come<T> {
    /// It was made, and the tenant is this.
    Now(T, Box<StoredTenant>),
    /// The same order has made this before.
    Before(String),
}

/// A tenant in the middle of a change.
pub(super) struct Changing {
    /// As it was read, or a new one; never a deleted one unless it is to be restored.
    pub(super) tenant: StoredTenant,
    /// Whether it was there.
    pub(super) exists: bool,
    /// By whom and when it is changed.
    pub(super) signed: Signed,
    /// What its live settings make, if the change has read them already.
    pub(super) reading: Option<Reading>,
}

impl<T> Made<T> {
    pub(super) fn new(value: T, action: AuditAction, object: &impl ToString) -> Self {
        Self { value, action, object: object.to_string(), detail: None, told: None }
    }

    pub(super) fn telling(self, told: Secret) -> Self {
        Self { told: Some(told), ..self }
    }

    pub(super) fn saying(self, detail: impl Into<Option<String>>) -> Self {
        Self { detail: detail.into().filter(|detail| !detail.is_empty()), ..self }
    }
}

impl Broker {
    /// A tenant of the store that is there; none of one that is deleted.
    pub(super) async fn stored_tenant(&self, id: &TenantId) -> Result<Option<StoredTenant>, StoreError> {
        let found = self.store.of_operator().stored_tenant(id).await?.map(Stored::into_value);
        Ok(found.filter(|tenant| tenant.deleted_at.is_none()))
    }

    /// Makes a change, or nothing. `make` may be asked several times, each time with what is there then.
    pub(super) async fn change<T: Send>(
        &self,
        id: &TenantId,
        author: &Actor,
        make: impl FnMut(&mut Changing) -> Result<Made<T>, SettingsError> + Send,
    ) -> Result<(T, StoredTenant), SettingsError> {
        match self.change_in(&mut Turn::unkeyed(), id, author, make).await? {
            Come::Now(value, tenant) => Ok((value, *tenant)),
            // Only an order with a key has been carried out before.
            Come::Before(_) => Err(StoreError::Conflict.into()),
        }
    }

    /// Makes what an order asks for, whose sender may send it again: then it was made before. `make` names what it
    /// makes as its object.
    pub(super) async fn change_once<Id: FromStr + Send>(
        &self,
        tenant: &TenantId,
        author: &Actor,
        once: Option<&Once>,
        make: impl FnMut(&mut Changing) -> Result<Made<Id>, SettingsError> + Send,
    ) -> Result<MadeHere<Id>, SettingsError> {
        let mut turn = self.begin_settings_once(tenant, author, once)?;
        match self.change_in(&mut turn, tenant, author, make).await? {
            Come::Now(id, _) => Ok(MadeHere { id, replayed: false }),
            Come::Before(name) => match name.parse() {
                Ok(id) => Ok(MadeHere { id, replayed: true }),
                // What another kind of order has made.
                Err(_) => Err(OnceError::Reused.into()),
            },
        }
    }

    /// The same for an order whose answer tells something that nobody else knows: what it told, and whether that was
    /// before.
    pub(super) async fn change_telling(
        &self,
        tenant: &TenantId,
        author: &Actor,
        once: Option<&Once>,
        make: impl FnMut(&mut Changing) -> Result<Made<Secret>, SettingsError> + Send,
    ) -> Result<MadeHere<Secret>, SettingsError> {
        let mut turn = self.begin_settings_once(tenant, author, once)?;
        match self.change_in(&mut turn, tenant, author, make).await? {
            Come::Now(id, _) => Ok(MadeHere { id, replayed: false }),
            Come::Before(_) => {
                let told = turn.told_before().ok_or(OnceError::Reused)?;
                Ok(MadeHere { id: told, replayed: true })
            }
        }
    }

    async fn change_in<T: Send>(
        &self,
        turn: &mut Turn<'_>,
        id: &TenantId,
        author: &Actor,
        mut make: impl FnMut(&mut Changing) -> Result<Made<T>, SettingsError> + Send,
    ) -> Result<Come<T>, SettingsError> {
        self.writable(id)?;
        let operator = self.store.of_operator();
        for _ in 0..RACES {
            let now = self.clock.now();
            if let Some(made) = turn.made_before(&operator, now).await? {
                return Ok(Come::Before(made));
            }
            let stored = operator.stored_tenant(id).await?;
            let mut changing = begin(id, author, stored.as_ref(), now);
            let made = make(&mut changing)?;
            let before = stored.as_ref().map(|stored| &stored.value);
            let hosts = self.check_live(&mut changing, before).await?;
            let Changing { mut tenant, signed, .. } = changing;
            tenant.note(change_of(&made, signed));
            bounds::tenant(&mut tenant)?;
            let mut tx = Tx::new();
            tx.put_tenant(stored.as_ref(), &tenant, &hosts);
            turn.keep_telling(&mut tx, &made.object, made.told.as_ref(), now);
            match operator.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    self.serve_changed(&tenant);
                    self.tell_changes(&tenant).await;
                    self.forget_gone(stored.as_ref().map(|stored| &stored.value), &tenant).await;
                    return Ok(Come::Now(made.value, Box::new(tenant)));
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Checks the whole of what will be live, and which hosts come and go.
    async fn check_live(
        &self,
        changing: &mut Changing,
        before: Option<&StoredTenant>,
    ) -> Result<HostChange, SettingsError> {
        let tenant = &mut changing.tenant;
        let known = before.map(|before| before.hosts.as_slice()).unwrap_or_default();
        if tenant.deleted_at.is_some() {
            let freed = HostChange::between(known, &[]);
            tenant.hosts.clear();
            return Ok(freed);
        }
        let reading = match changing.reading.take() {
            Some(reading) => reading,
            None => self
                .format()
                .read(&tenant.id, &tenant.document, &tenant.live(), &tenant.secrets)
                .map_err(SettingsError::Refused)?,
        };
        if let Some(before) = before {
            accounts::same_places(self.format(), before, (&tenant.document, &reading.tenant.accounts))?;
        }
        let hosts = HostChange::between(known, &reading.tenant.hosts);
        for host in &hosts.taken {
            if let Some(owner) = self.owner_of(host, &tenant.id).await? {
                return Err(taken(&tenant.document, host, &owner));
            }
        }
        tenant.hosts.clone_from(&reading.tenant.hosts);
        Ok(hosts)
    }

    /// Another tenant that has a host, in a file or in the store.
    async fn owner_of(&self, host: &str, own: &TenantId) -> Result<Option<TenantId>, StoreError> {
        let served = self.directory().by_host(host).map(|tenant| tenant.id.clone());
        let kept = match served {
            Some(owner) if owner != *own => Some(owner),
            _ => self.store.of_operator().host_owner(host).await?,
        };
        Ok(kept.filter(|owner| owner != own))
    }
}

/// What is there, or a new tenant; a deleted one as it was, for whoever restores it.
fn begin(id: &TenantId, author: &Actor, stored: Option<&Stored<StoredTenant>>, now: Timestamp) -> Changing {
    let signed = Signed { by: author.to_string(), at: now };
    let known = stored.map(|stored| stored.value.clone());
    // Its space is freed some time after that.
    let known =
        known.filter(|tenant| tenant.deleted_at.is_none_or(|at| now.duration_since(at) < DELETED_KEPT));
    let exists = known.as_ref().is_some_and(|tenant| tenant.deleted_at.is_none());
    let tenant = known.unwrap_or_else(|| StoredTenant::new(id.clone(), signed.clone()));
    Changing { tenant, exists, signed, reading: None }
}

fn change_of<T>(made: &Made<T>, signed: Signed) -> Change {
    Change {
        version: 0,
        signed,
        action: made.action.as_str().to_owned(),
        object: made.object.clone(),
        detail: made.detail.clone(),
        request_id: trail::request_id(),
    }
}

fn taken(document: &Settings, host: &str, owner: &TenantId) -> SettingsError {
    let hosts = document.get("hosts").and_then(|hosts| hosts.as_array());
    let is_it =
        |given: &serde_json::Value| given.as_str().is_some_and(|given| given.eq_ignore_ascii_case(host));
    let place = hosts.and_then(|hosts| hosts.iter().position(is_it));
    let pointer = place.map_or_else(|| "/hosts".to_owned(), |place| format!("/hosts/{place}"));
    let message = format!("the host `{host}` belongs to the tenant `{owner}`");
    SettingsError::Refused(vec![Remark::new(pointer, message, "a host has one tenant".to_owned())])
}
