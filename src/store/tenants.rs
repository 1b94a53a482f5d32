//! Tenants that stand in no file. Their settings are records of the operator (`_platform`), so that a
//! change of one of them, the hosts that it has and the news of it are one batch.
//!
//! Every change adds the tenant's name to a log. A broker that follows the log ([`TenantStore::settings_news`])
//! learns of each change by one cheap read, whoever made it.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::domain::ids::TenantId;
use crate::domain::stored::StoredTenant;

use super::backend::Expect;
use super::records::{Record as _, Stored};
use super::tx::{Op, Place};
use super::{Store, StoreError, TenantStore, Tx};

/// How long a deleted tenant can be restored.
pub const DELETED_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Names or records that are read together.
const AT_ONCE: usize = 500;
/// The set of their names, and the log of their changes.
const NAMES: &str = "stored-tenants";
const NEWS: &str = "settings-news";

/// Whose a host is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostOwner(pub TenantId);

/// What was found of a stored tenant.
#[derive(Debug)]
pub enum Found {
    /// It is there; perhaps deleted.
    There(Box<StoredTenant>),
    /// There is no such record.
    Nothing(TenantId),
    /// Its record cannot be read here: another version wrote it, or its key is missing.
    Unreadable(TenantId, StoreError),
}

/// A change of a stored tenant, with the hosts that come and go.
#[derive(Debug, Default)]
pub struct HostChange {
    /// Hosts that are free and become the tenant's.
    pub taken: Vec<String>,
    /// Hosts of the tenant that become free.
    pub freed: Vec<String>,
}

impl HostChange {
    /// From some hosts to others.
    pub fn between(before: &[String], after: &[String]) -> Self {
        let (old, new): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), after.iter().collect());
        let only = |these: &BTreeSet<&String>, those: &BTreeSet<&String>| -> Vec<String> {
            these.difference(those).map(|host| (*host).clone()).collect()
        };
        Self { taken: only(&new, &old), freed: only(&old, &new) }
    }
}

impl Store {
    /// The place of the stored tenants' settings.
    pub fn of_operator(&self) -> TenantStore {
        self.at(&TenantId::platform())
    }
}

impl Tx {
    /// A stored tenant as it is now; `stored` is what was read of it. To be committed by
    /// [`Store::of_operator`].
    pub fn put_tenant(
        &mut self,
        stored: Option<&Stored<StoredTenant>>,
        tenant: &StoredTenant,
        hosts: &HostChange,
    ) {
        let until = tenant.deleted_at.map(|at| at + DELETED_KEPT);
        let name = tenant.id.as_str();
        match stored {
            Some(stored) => self.replace(stored, tenant, until),
            None => self.put(Place::Named(name.to_owned()), Some(Expect::Absent), tenant, until),
        }
        self.list(true, Place::Only, NAMES, name.as_bytes().to_vec());
        for host in &hosts.taken {
            let owner = HostOwner(tenant.id.clone());
            self.put(Place::Named(host.clone()), Some(Expect::Absent), &owner, None);
        }
        for host in &hosts.freed {
            self.ops.push(Op::Forget { kind: HostOwner::KIND, place: Place::Named(host.clone()) });
        }
        self.ops.push(Op::Append { log: NEWS, entry: name.as_bytes().to_vec() });
    }
}

impl TenantStore {
    /// A stored tenant, also a deleted one.
    pub async fn stored_tenant(&self, id: &TenantId) -> Result<Option<Stored<StoredTenant>>, StoreError> {
        self.one(self.keys.key(StoredTenant::KIND, id.as_str())).await
    }

    /// Some stored tenants, also deleted ones. One that cannot be read keeps nobody from the others.
    pub async fn stored_tenants(&self, ids: Vec<TenantId>) -> Result<Vec<Found>, StoreError> {
        let (mut found, mut ids) = (Vec::with_capacity(ids.len()), ids.into_iter().peekable());
        while ids.peek().is_some() {
            let some: Vec<_> = ids.by_ref().take(AT_ONCE).collect();
            let keys = some.iter().map(|id| self.keys.key(StoredTenant::KIND, id.as_str())).collect();
            for (id, stored) in some.into_iter().zip(self.each::<StoredTenant>(keys).await?) {
                found.push(match stored {
                    Ok(Some(stored)) => Found::There(Box::new(stored.into_value())),
                    Ok(None) => Found::Nothing(id),
                    Err(error) => Found::Unreadable(id, error),
                });
            }
        }
        Ok(found)
    }

    /// The names of all stored tenants, also of deleted ones.
    pub async fn stored_names(&self) -> Result<Vec<TenantId>, StoreError> {
        let (set, mut names, mut after) = (self.keys.key(NAMES, ""), Vec::new(), Vec::new());
        loop {
            let members = self.store.inner.backend.range(&set, &after, AT_ONCE).await?;
            names.extend(members.iter().filter_map(|member| parse_name(member)));
            match members.last().filter(|_| members.len() == AT_ONCE) {
                Some(last) => after.clone_from(last),
                None => return Ok(names),
            }
        }
    }

    /// The stored tenant that has a host.
    pub async fn host_owner(&self, host: &str) -> Result<Option<TenantId>, StoreError> {
        let found = self.one::<HostOwner>(self.keys.key(HostOwner::KIND, host)).await?;
        Ok(found.map(|owner| owner.into_value().0))
    }

    /// The position of the latest change.
    pub async fn settings_news_end(&self) -> Result<u64, StoreError> {
        self.end_of(&self.keys.key(NEWS, ""), 0).await
    }

    /// Who was changed behind a position, and the position of the last of these changes.
    pub async fn settings_news(&self, mut after: u64) -> Result<(BTreeSet<TenantId>, u64), StoreError> {
        let (log, mut names) = (self.keys.key(NEWS, ""), BTreeSet::new());
        loop {
            let entries = self.store.inner.backend.read(&log, after, AT_ONCE).await?;
            names.extend(entries.iter().filter_map(|(_, entry)| parse_name(entry)));
            match entries.last() {
                Some((last, _)) => after = *last,
                None => return Ok((names, after)),
            }
        }
    }
}

fn parse_name(bytes: &[u8]) -> Option<TenantId> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_come_or_go_are_touched() {
        let list = |hosts: &str| hosts.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let change = HostChange::between(&list("a b"), &list("c b"));
        assert_eq!((change.taken, change.freed), (vec!["c".to_owned()], vec!["a".to_owned()]));
    }
}
