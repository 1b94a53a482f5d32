//! When a client was here last: written down once in a few minutes, so that a busy one costs no write per call.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;

use crate::domain::client::{Client, ClientUse};
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::tenant::Tenant;
use crate::store::{Durability, Store, StoreError, Tx};

use super::Issuer;

/// How long nothing is written after a write.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// How many clients are remembered at most.
const CAPACITY: u64 = 10_000;

/// When this process wrote down last that a client was here.
#[derive(Debug)]
pub(super) struct Usage {
    noted: Cache<(TenantId, ClientId), Timestamp>,
}

impl Default for Usage {
    fn default() -> Self {
        let live = Duration::try_from(PAUSE).unwrap_or_default();
        Self { noted: Cache::builder().max_capacity(CAPACITY).time_to_live(live).build() }
    }
}

impl Issuer {
    /// A client is here. What has to be written is written beside the call, and may fail: a store that does not answer is
    /// not asked again for each call.
    pub(super) fn note_use(&self, tenant: &Tenant, client: &Client) {
        let now = self.clock.now();
        let name = (tenant.id.clone(), client.client_id.clone());
        let is_noted = |at: Timestamp| now.duration_since(at) < PAUSE;
        if self.usage.noted.get(&name).is_some_and(is_noted) {
            return;
        }
        self.usage.noted.insert(name.clone(), now);
        let store = self.store.clone();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = write(&store, &name, now).await {
                tracing::debug!(tenant = %name.0, detail = %error, "client.use_not_noted");
            }
        });
    }

    /// When each of these clients was here last; to within a few minutes.
    pub async fn last_used(&self, tenant: &Tenant) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let names: Vec<String> = tenant.clients.iter().map(|client| name_of(&client.client_id)).collect();
        let known = self.store.at(&tenant.id).client_uses(&names).await?;
        Ok(known.into_iter().map(|known| known.map(|known| known.at)).collect())
    }
}

async fn write(
    store: &Store,
    (tenant, client): &(TenantId, ClientId),
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = Tx::new();
    tx.put_client_use(&name_of(client), &ClientUse { at });
    store.at(tenant).commit(tx, Durability::Relaxed).await
}

/// The name of a client's record: a client id may hold any visible character.
fn name_of(client: &ClientId) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, client.as_str().as_bytes()))
}
