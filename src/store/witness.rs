//! What `_platform` knows of every tenant's audit: its last checkpoint. Who takes a tenant's head and its last
//! checkpoints away, so that what is left looks whole, must find and take away this, too.
//!
//! It is written after a checkpoint was made, so that it may be one behind; a checkpoint that it names was there.

use std::collections::BTreeMap;

use crate::domain::ids::TenantId;

use super::audit::AuditHead;
use super::audit_verify::Anchor;
use super::records::{Record as _, Witness};
use super::tx::{Place, Tx};
use super::{Durability, Store, StoreError};

/// The tenants that are witnessed.
const WITNESSES: &str = "witnesses";
/// Witnesses that are read together.
const AT_ONCE: usize = 500;

impl Store {
    /// Notes the last checkpoints of these tenants, which were made just now.
    pub async fn witness_audits(&self, tenants: &[TenantId]) -> Result<(), StoreError> {
        let mut heads = BTreeMap::new();
        for tenant in tenants.iter().filter(|tenant| **tenant != TenantId::platform()) {
            if let Some(head) = self.at(tenant).audit_head().await? {
                heads.insert(tenant, head.value);
            }
        }
        let mut tx = Tx::new();
        for (tenant, AuditHead { number, last, mac }) in heads {
            tx.put(Place::Named(tenant.to_string()), None, &Witness { number, last, mac }, None);
            tx.list(true, Place::Only, WITNESSES, tenant.as_str().as_bytes().to_vec());
        }
        self.at(&TenantId::platform()).commit(tx, Durability::Relaxed).await
    }

    /// The last checkpoint of every tenant that was noted.
    pub async fn audit_witnesses(&self) -> Result<Vec<Anchor>, StoreError> {
        let platform = self.at(&TenantId::platform());
        let (set, mut after, mut found) = (platform.keys.key(WITNESSES, ""), Vec::new(), Vec::new());
        loop {
            let members = self.inner.backend.range(&set, &after, AT_ONCE).await?;
            let tenants = members.iter().filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok());
            let tenants: Vec<TenantId> = tenants.collect();
            let keys = tenants.iter().map(|tenant| platform.keys.key(Witness::KIND, tenant.as_str()));
            let witnesses = platform.many::<Witness>(keys.collect()).await?;
            for (tenant, witness) in tenants.iter().zip(witnesses) {
                let head = witness.map(|witness| {
                    let Witness { number, last, mac } = witness.into_value();
                    AuditHead { number, last, mac }
                });
                found.extend(head.map(|head| Anchor::of(tenant, &head)));
            }
            match members.last().filter(|_| members.len() == AT_ONCE) {
                Some(last) => after.clone_from(last),
                None => return Ok(found),
            }
        }
    }

    /// Forgets what was noted: a restored backup may show each tenant as of another moment.
    pub async fn forget_audit_witnesses(&self) -> Result<(), StoreError> {
        let mut tx = Tx::new();
        for anchor in self.audit_witnesses().await? {
            tx.list(false, Place::Only, WITNESSES, anchor.tenant.as_str().as_bytes().to_vec());
        }
        self.at(&TenantId::platform()).commit(tx, Durability::Durable).await
    }
}
