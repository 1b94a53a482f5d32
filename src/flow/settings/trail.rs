//! What the audit is told of settings. A change and its entry stand in different partitions, so they
//! are no one commit: the change keeps what is to be told, and the tenant's own records say how far
//! it was. Whoever finds more tells it, once: the broker that made the change, or one that follows it.

use crate::domain::audit::AuditEntry;
use crate::domain::ids::AuditId;
use crate::domain::stored::{Change, Difference, StoredTenant};
use crate::store::{Durability, KnownSettings, StoreError, Tx};

use super::super::{Broker, RACES};

/// Under which name it is remembered how far the audit was told.
const NAME: &str = "stored";
/// Settings that one entry names.
const NAMED: usize = 20;

impl Broker {
    /// Tells the audit of what it does not know yet. What cannot be told now is told with the next change, or when a
    /// broker starts.
    pub(super) async fn tell_changes(&self, tenant: &StoredTenant) {
        if let Err(error) = self.try_tell_changes(tenant).await {
            tracing::warn!(tenant = %tenant.id, detail = %error, "audit.settings_delayed");
        }
    }

    async fn try_tell_changes(&self, tenant: &StoredTenant) -> Result<(), StoreError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let known = store.known_settings(NAME).await?;
            let told =
                known.as_ref().and_then(|known| told_of(tenant, known.revision.as_deref()?)).unwrap_or(0);
            if told >= tenant.version {
                return Ok(());
            }
            let mut tx = Tx::new();
            for change in tenant.changes.iter().filter(|change| change.version > told) {
                tx.audit(self.entry_of(change));
            }
            let revision = Some(revision_of(tenant));
            tx.put_known_settings(known.as_ref(), NAME, &KnownSettings { revision });
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }

    fn entry_of(&self, change: &Change) -> AuditEntry {
        AuditEntry {
            id: AuditId::from_uuid(self.clock.fresh_uuid()),
            at: change.signed.at,
            actor: change.signed.by.clone(),
            action: change.word(),
            object: change.object.clone(),
            ids: Vec::new(),
            count: None,
            request_id: change.request_id.clone(),
            detail: change.detail.clone(),
        }
    }
}

/// The names of the settings that differ, no values.
pub(super) fn named(differences: &[Difference]) -> String {
    let mut names: Vec<_> = differences
        .iter()
        .take(NAMED)
        .map(|found| found.setting.trim_start_matches('/').to_owned())
        .collect();
    let more = differences.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(" ")
}

/// A tenant that was made anew counts from the start.
fn revision_of(tenant: &StoredTenant) -> String {
    format!("{} {}", tenant.created_at.as_millisecond(), tenant.version)
}

fn told_of(tenant: &StoredTenant, revision: &str) -> Option<u64> {
    let (created, version) = revision.split_once(' ')?;
    let is_it = created.parse() == Ok(tenant.created_at.as_millisecond());
    is_it.then(|| version.parse().ok())?
}
