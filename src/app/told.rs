//! The audit is told of settings that go live. It is told in the background, and again until the
//! store answers: a broker serves whether or not the audit could be told at once.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::domain::tenant::{Directory, Tenant};
use crate::flow::Broker;
use crate::flow::taken_up::TakenUp;
use crate::keyring::KeyRing;
use crate::keyring::watched::Watched;
use crate::tenants::folder::Changes;

/// Time before the store is asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// Of everything that is live when a broker starts, as far as the audit does not know it.
pub(super) fn at_start(broker: &Arc<Broker>, platform: &Tenant, keys: &Watched) {
    let (directory, weak) = (broker.directory(), Arc::downgrade(broker));
    let ours = vec![TakenUp::operator(platform), TakenUp::keys(states(keys.ring()))];
    tokio::spawn(async move {
        tell(weak.clone(), ours).await;
        loop {
            let Some(broker) = weak.upgrade() else { return };
            match broker.note_all_taken_up(&directory).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(detail = %error, "audit.settings_delayed"),
            }
            drop(broker);
            tokio::time::sleep(PAUSE).await;
        }
    });
}

/// Of tenants whose file changed. To be called before the new ones are served.
pub(super) fn of_tenants(broker: &Arc<Broker>, changes: &Changes, directory: &Directory) {
    let before = broker.directory();
    let before = |id| before.by_id(id).map(|served| &*served.tenant);
    let renewed = changes.renewed.iter().filter_map(|id| TakenUp::tenant(directory, id, before(id)));
    let taken: Vec<_> = renewed.chain(changes.removed.iter().map(TakenUp::removed)).collect();
    tokio::spawn(tell(Arc::downgrade(broker), taken));
}

/// Of another key ring.
pub(super) fn of_keys(broker: &Arc<Broker>, ring: &KeyRing) {
    tokio::spawn(tell(Arc::downgrade(broker), vec![TakenUp::keys(states(ring))]));
}

async fn tell(broker: Weak<Broker>, taken: Vec<TakenUp>) {
    let mut taken = VecDeque::from(taken);
    while let Some(next) = taken.front() {
        let Some(broker) = broker.upgrade() else { return };
        match broker.note_taken_up(next).await {
            Ok(()) => drop(taken.pop_front()),
            Err(error) => {
                tracing::warn!(detail = %error, "audit.settings_delayed");
                drop(broker);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The names and states of the keys.
fn states(ring: &KeyRing) -> String {
    let seal = ring.seal_keys().iter().map(|key| format!("{} {}", key.id(), key.state().as_str()));
    let sign = ring.sign_keys().iter().map(|key| format!("{} {}", key.kid(), key.state().as_str()));
    let list = |keys: &mut dyn Iterator<Item = String>| keys.collect::<Vec<_>>().join(", ");
    let index = ring.index_keys();
    let others = [("next", index.expose_next()), ("previous", index.expose_previous())];
    let others = others.into_iter().filter(|(_, key)| key.is_some()).map(|(state, _)| format!(", {state}"));
    let since = index.since().map(|since| format!(" since {since}")).unwrap_or_default();
    let index = format!("active{}{since}", others.collect::<String>());
    format!("seal: {}; index: {index}; sign: {}", list(&mut { seal }), list(&mut { sign }))
}
