//! The audit's entries come under checkpoints: some seconds after they were written, by whichever
//! broker has the lease of their partition. A tenant without new entries costs nothing: a commit
//! with entries writes the `due` entry that is looked for here.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::task::JoinSet;

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

    /// Brings the entries that wait for it under checkpoints, in every partition whose work no other broker has.
    pub async fn seal(&self) -> Result<(), StoreError> {
        for partition in Partition::all() {
            // Who finds nothing to do takes no lease.
            if self.unsealed(partition, 1).await?.is_empty() {
                continue;
            }
            let Some(lease) = self.store.lease(partition, Work::SealAudit, LEASED).await? else { continue };
            let sealed = self.seal_partition(partition).await;
            self.store.end_lease(lease).await?;
            sealed?;
        }
        Ok(())
    }

    async fn seal_partition(&self, partition: Partition) -> Result<(), StoreError> {
        let mut sealing = JoinSet::new();
        for due in self.unsealed(partition, AT_ONCE).await? {
            let store = self.store.clone();
            sealing.spawn(async move { seal(&store, &due).await });
        }
        while let Some(sealed) = sealing.join_next().await {
            match sealed {
                Ok(Ok(entries)) => metrics::counter!("countersign_audit_sealed_total").increment(entries),
                // Two of a tenant's entries were due, or another broker was as fast.
                Ok(Err(StoreError::Conflict)) => {}
                Ok(Err(error)) => return Err(error),
                Err(error) => tracing::error!(detail = %error, "audit.seal_failed"),
            }
        }
        Ok(())
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
