//! Puts changed files into effect while the broker runs. What is wrong with them is told once, in
//! the log, and as long as it is so on `/readyz`; the last good version stays.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::setting::SettingFault;
use crate::domain::tenant::Directory;
use crate::flow::Broker;
use crate::flow::keys::KeysInUse;
use crate::issuer::Issuer;
use crate::keyring::KeyRing;
use crate::keyring::watched::{self, Watched};
use crate::tenants::folder::{self, Folder};

use super::alarm::Alarm;
use super::told;
use super::{seal_keys, signing_keys};

/// After a pass that moved nothing to another index key, a last one is made when every broker has
/// read the key ring.
const OTHERS_READ: Duration = Duration::from_secs(5);
/// How often it is looked whether something must be moved.
const REINDEX_EVERY: Duration = Duration::from_secs(1);

/// Watches the tenants' folder until the broker is gone.
pub(super) fn tenants(folder: Folder, broker: &Arc<Broker>, clock: Clock) {
    tokio::spawn(watch_tenants(folder, Arc::downgrade(broker), clock));
}

/// Watches the key ring file until the broker is gone.
pub(super) fn keys(keys: Watched, broker: &Arc<Broker>, issuer: &Arc<Issuer>) {
    let moves = Arc::new(Moves::default());
    broker.tell_keys(in_use(&keys, broker, &moves));
    tokio::spawn(reindex_while_alive(Arc::downgrade(broker), Arc::clone(&moves)));
    tokio::spawn(watch_keys(keys, Arc::downgrade(broker), Arc::downgrade(issuer), moves));
}

/// Counts the tenants that are served.
pub(super) fn count(directory: &Directory) {
    metrics::gauge!("countersign_tenants").set(u32::try_from(directory.len()).unwrap_or(u32::MAX));
}

async fn watch_tenants(folder: Folder, broker: Weak<Broker>, clock: Clock) {
    let mut alarm = Alarm::on(folder.path());
    let folder = Arc::new(Mutex::new(folder));
    let mut changing = false;
    loop {
        alarm.wait(changing).await;
        if broker.strong_count() == 0 {
            return;
        }
        let (shared, now) = (Arc::clone(&folder), clock.tick());
        let looked = tokio::task::spawn_blocking(move || {
            let mut folder = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let look = folder.look(now);
            let directory = matches!(look, folder::Look::Changed(_)).then(|| folder.directory());
            (look, directory)
        });
        let Some(broker) = broker.upgrade() else { return };
        broker.forget_superseded();
        changing = match looked.await {
            Ok((folder::Look::Changed(changes), Some(directory))) => {
                tell_of_tenants(&changes, &directory);
                count(&directory);
                told::of_tenants(&broker, &changes, &directory);
                broker.replace_tenants(directory);
                true
            }
            Ok((look, _)) => look == folder::Look::Changing,
            Err(error) => {
                tracing::error!(detail = %error, "tenants.look_failed");
                false
            }
        };
    }
}

fn tell_of_tenants(changes: &folder::Changes, directory: &Directory) {
    for SettingFault { file, line, column, message: detail } in &changes.faults {
        tracing::warn!(file, line, column, detail, "tenants.fault");
    }
    for tenant in &changes.removed {
        tracing::info!(%tenant, "tenants.removed");
    }
    let (served, faults) = (directory.len(), directory.faults().len());
    let (renewed, removed) = (changes.renewed.len(), changes.removed.len());
    tracing::info!(served, renewed, removed, faults, "tenants.reloaded");
}

async fn watch_keys(mut keys: Watched, broker: Weak<Broker>, issuer: Weak<Issuer>, moves: Arc<Moves>) {
    let mut alarm = Alarm::on(keys.path());
    let mut changing = false;
    loop {
        alarm.wait(changing).await;
        let (Some(broker), Some(issuer)) = (broker.upgrade(), issuer.upgrade()) else { return };
        let done = moves.are_done();
        let looked = tokio::task::spawn_blocking(move || {
            let look = keys.look(done);
            (keys, look)
        });
        let Ok((back, look)) = looked.await else {
            tracing::error!("keys.look_failed");
            return;
        };
        keys = back;
        changing = matches!(look, watched::Look::Changing);
        match &look {
            watched::Look::New(ring) => put_into_effect(ring, &broker, &issuer, &moves),
            watched::Look::Judged | watched::Look::Same | watched::Look::Changing => {}
        }
        if matches!(look, watched::Look::New(_) | watched::Look::Judged) {
            for SettingFault { file, line, column, message: detail } in keys.faults() {
                tracing::warn!(file, line, column, detail, "keys.fault");
            }
        }
        broker.tell_keys(in_use(&keys, &broker, &moves));
    }
}

fn put_into_effect(ring: &KeyRing, broker: &Arc<Broker>, issuer: &Issuer, moves: &Moves) {
    match (seal_keys(ring), signing_keys(ring)) {
        (Ok(seal), Ok(sign)) => {
            broker.replace_keys(seal);
            issuer.replace_keys(sign);
            moves.begin();
            told::of_keys(broker, ring);
            let (seal, sign) = (ring.active_seal().id(), ring.active_sign().kid());
            tracing::info!(seal, sign, reindexing = broker.must_reindex(), "keys.reloaded");
        }
        (Err(error), _) | (_, Err(error)) => tracing::error!(detail = %error, "keys.unusable"),
    }
}

fn in_use(keys: &Watched, broker: &Broker, moves: &Moves) -> KeysInUse {
    KeysInUse {
        seal: keys.ring().active_seal().id().to_owned(),
        sign: keys.ring().active_sign().kid().to_owned(),
        reindexing: broker.must_reindex() && !moves.are_done(),
        faults: keys.faults().to_vec(),
    }
}

/// Whether everything was moved from the previous index key of the ring in use.
#[derive(Debug, Default)]
struct Moves {
    /// How many rings there were.
    rings: AtomicU64,
    /// For how many of them everything was moved at the end of a pass.
    done: AtomicU64,
}

impl Moves {
    /// Another ring is in use.
    fn begin(&self) {
        self.rings.fetch_add(1, Ordering::SeqCst);
    }

    /// Which ring is in use, from 1.
    fn ring(&self) -> u64 {
        self.rings.load(Ordering::SeqCst) + 1
    }

    /// Everything was moved for this ring.
    fn finish(&self, ring: u64) {
        self.done.store(ring, Ordering::SeqCst);
    }

    fn are_done(&self) -> bool {
        self.done.load(Ordering::SeqCst) == self.ring()
    }
}

/// Moves everything to the active index key, whenever there is a previous one.
async fn reindex_while_alive(broker: Weak<Broker>, moves: Arc<Moves>) {
    let (mut pause, mut quiet_for, mut moved) = (REINDEX_EVERY, None, 0);
    loop {
        tokio::time::sleep(pause).await;
        let Some(broker) = broker.upgrade() else { return };
        let ring = moves.ring();
        if !broker.must_reindex() || moves.are_done() {
            (pause, quiet_for, moved) = (REINDEX_EVERY, None, 0);
            continue;
        }
        match broker.reindex().await {
            Ok(0) if quiet_for == Some(ring) => {
                tracing::info!(moved, "keys.reindexed");
                moves.finish(ring);
            }
            Ok(0) => (pause, quiet_for) = (OTHERS_READ, Some(ring)),
            Ok(more) => (pause, quiet_for, moved) = (REINDEX_EVERY, None, moved + more),
            Err(error) => {
                tracing::warn!(detail = %error, "keys.reindex_failed");
                (pause, quiet_for) = (OTHERS_READ, None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_for_an_earlier_ring_does_not_count_for_a_later_one() {
        let moves = Moves::default();
        assert!(!moves.are_done());
        let ring = moves.ring();
        moves.begin();
        moves.finish(ring);
        assert!(!moves.are_done());
        moves.finish(moves.ring());
        assert!(moves.are_done());
    }
}
