//! The audit's entries come under checkpoints: some seconds after they were written, by whichever
//! broker has the lease of their partition. A tenant without new entries costs nothing: a commit
//! with entries writes the `due` entry that is looked for here.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::domain::ids::TenantId;
use crate::store::backend::Partition;
use crate::store::keys::{Due, DueKind};
use crate::store::lease::Work;
use crate::store::{Store, StoreError};

use super::Broker;

/// How often it is looked: an entry is due after 4 s at the latest, and under a checkpoint after 10.
const EVERY: Duration = Duration::from_secs(4);
/// Tenants whose checkpoints are written together: they share the wait for the disk.
const AT_ONCE: usize = 32;
/// Checkpoints of one tenant before the others have their turn.
const ROUNDS: usize = 20;
/// How long the lease of a partition lasts.
const LEASED: Duration = Duration::from_secs(30);

/// Whose entries cannot come under checkpoints any more, as this process has seen it.
#[derive(Debug, Default)]
pub(super) struct Seals {
    stuck: Mutex<BTreeSet<TenantId>>,
}

impl Seals {
    fn note(&self, tenant: &TenantId, is_stuck: bool) {
        let mut stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        if is_stuck {
            stuck.insert(tenant.clone());
        } else {
            stuck.remove(tenant);
        }
        metrics::gauge!("countersign_audit_stuck").set(u32::try_from(stuck.len()).unwrap_or(u32::MAX));
    }
}

/// Seals every few seconds, until the broker is gone.
async fn seal_while_alive(broker: Weak<Broker>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(broker) = broker.upgrade() else { return };
        if let Err(error) = broker.seal().await {
            tracing::warn!(detail = %error, "audit.seal_failed");
        }
    }
}

impl Broker {
    /// Starts sealing in the background.
    pub fn start_sealing(self: &Arc<Self>) {
        tokio::spawn(seal_while_alive(Arc::downgrade(self)));
    }

    /// Tenants whose entries cannot come under checkpoints any more: their audit was tampered with, or does not open.
    pub fn unsealable(&self) -> Vec<TenantId> {
        self.seals.stuck.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Brings the entries that wait for it under checkpoints, in every partition whose work no other broker has.
    pub async fn seal(&self) -> Result<(), StoreError> {
        let mut failed = None;
        for partition in Partition::all() {
            // What cannot be sealed holds up nobody else's entries.
            if let Err(error) = self.seal_under_lease(partition).await {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn seal_under_lease(&self, partition: Partition) -> Result<(), StoreError> {
        // Who finds nothing to do takes no lease.
        if self.unsealed(partition, 1).await?.is_empty() {
            return Ok(());
        }
        let Some(lease) = self.store.lease(partition, Work::SealAudit, LEASED).await? else { return Ok(()) };
        let sealed = self.seal_partition(partition).await;
        self.store.end_lease(lease).await?;
        sealed
    }

    async fn seal_partition(&self, partition: Partition) -> Result<(), StoreError> {
        let (mut sealing, mut failed) = (JoinSet::new(), None);
        let mut tenants = Vec::new();
        for due in self.unsealed(partition, usize::MAX).await? {
            tenants.push(due.tenant.clone());
            let (store, seals) = (self.store.clone(), Arc::clone(&self.seals));
            sealing.spawn(async move {
                let sealed = seal(&store, &due).await;
                note(&store, &seals, &due.tenant, &sealed).await;
                sealed
            });
            if sealing.len() >= AT_ONCE {
                note_sealed(sealing.join_next().await, &mut failed);
            }
        }
        while let Some(sealed) = sealing.join_next().await {
            note_sealed(Some(sealed), &mut failed);
        }
        self.store.witness_audits(&tenants).await?;
        failed.map_or(Ok(()), Err)
    }

    async fn unsealed(&self, partition: Partition, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.store.due_of(partition, self.clock.now(), limit, |due| due.kind == DueKind::AuditSeal).await
    }
}

async fn seal(store: &Store, due: &Due) -> Result<u64, StoreError> {
    let (at, mut entries) = (store.at(&due.tenant), 0);
    for _ in 0..ROUNDS {
        let sealed = at.seal_audit(Some(due)).await?;
        entries += sealed.entries;
        if !sealed.more {
            break;
        }
    }
    Ok(entries)
}

/// What stands in the way for ever is told; that another broker was as fast does not.
async fn note(store: &Store, seals: &Seals, tenant: &TenantId, sealed: &Result<u64, StoreError>) {
    match sealed {
        Ok(_) => seals.note(tenant, false),
        Err(StoreError::Conflict) => {
            if store.at(tenant).is_sealing_stuck().await.unwrap_or(false) {
                tracing::error!(%tenant, "audit.seal_stuck");
                seals.note(tenant, true);
            }
        }
        Err(error) => {
            tracing::error!(%tenant, detail = %error, "audit.not_sealed");
            if matches!(error, StoreError::Unreadable { .. } | StoreError::Malformed { .. }) {
                seals.note(tenant, true);
            }
        }
    }
}

fn note_sealed(
    sealed: Option<Result<Result<u64, StoreError>, tokio::task::JoinError>>,
    failed: &mut Option<StoreError>,
) {
    match sealed {
        Some(Ok(Ok(entries))) => metrics::counter!("countersign_audit_sealed_total").increment(entries),
        // Two of a tenant's entries were due, or another broker was as fast.
        None | Some(Ok(Err(StoreError::Conflict))) => {}
        Some(Ok(Err(error))) => *failed = Some(error),
        Some(Err(error)) => tracing::error!(detail = %error, "audit.seal_failed"),
    }
}
