//! The flows of a stopped broker over its own files, also over a disk that fails after some commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use countersign::app;
use countersign::domain::ids::TenantId;
use countersign::domain::tenant::{Directory, Tenant};
use countersign::egress::gate::Room;
use countersign::egress::guard::Guard;
use countersign::egress::provider::{ProviderClient, Timeouts};
use countersign::egress::webhook::WebhookClient;
use countersign::flow::{Broker, Outbound, Settings};
use countersign::keyring::KeyRing;
use countersign::store::Store;
use countersign::store::backend::{
    AsOf, Backend, Batch, Commit, Durability, Key, Partition, Piece, Unavailable, Versioned,
};
use countersign::store::seal::SealKeys;
use countersign::store::sqlite::SqliteBackend;
use tokio::sync::mpsc;

use super::Harness;

/// A backend that dies after some commits, as a process does.
pub struct Mortal {
    inner: SqliteBackend,
    commits: AtomicUsize,
}

impl Mortal {
    /// Over the files of a stopped broker; it dies after so many commits.
    pub fn open(broker: &Harness, commits: usize) -> Arc<Self> {
        Arc::new(Self { inner: open(broker), commits: AtomicUsize::new(commits) })
    }
}

#[async_trait]
impl Backend for Mortal {
    fn may_lose_replies(&self) -> bool {
        false
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable> {
        self.inner.get(keys).await
    }

    async fn range(&self, set: &Key, after: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        self.inner.range(set, after, limit).await
    }

    async fn commit(
        &self,
        partition: Partition,
        batch: Batch,
        durability: Durability,
    ) -> Result<Commit, Unavailable> {
        let left = self.commits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.inner.commit(partition, batch, durability).await,
            Err(_) => Err(Unavailable::new("the process was killed")),
        }
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        self.inner.read(log, after, limit).await
    }

    async fn reserve(&self, counter: &Key, n: u64) -> Result<u64, Unavailable> {
        self.inner.reserve(counter, n).await
    }

    async fn dump(&self, to: mpsc::Sender<Vec<Piece>>) -> Result<AsOf, Unavailable> {
        self.inner.dump(to).await
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.inner.ping().await
    }
}

/// Whose flows they are.
pub fn acme() -> TenantId {
    "acme".parse().unwrap()
}

/// The files of a stopped broker.
pub fn open(broker: &Harness) -> SqliteBackend {
    SqliteBackend::open(broker.folder().join("countersign.db"), broker.clock.clone()).unwrap()
}

/// Its store over a backend.
pub fn store(broker: &Harness, backend: Arc<dyn Backend>) -> Store {
    let ring = KeyRing::read(&broker.config.keys).unwrap();
    let seals = ring.seal_keys().iter().map(|key| (key.id().to_owned(), *key.expose()));
    let keys = SealKeys::new(ring.active_seal().id(), seals, *ring.index_keys().expose_active()).unwrap();
    Store::new(backend, keys, broker.clock.clone())
}

/// Its flows over a backend, and its tenant.
pub fn flows(broker: &Harness, backend: Arc<dyn Backend>) -> (Broker, Arc<Tenant>) {
    let tenants = app::read_tenants(&broker.config, &super::environment()).unwrap().value;
    let tenants: Vec<Arc<Tenant>> = tenants.tenants().cloned().collect();
    let tenant = tenants.iter().find(|tenant| tenant.id == acme()).unwrap().clone();
    let guard = Guard::new(broker.config.egress.ports.clone(), broker.config.egress.allow.clone());
    let provider = ProviderClient::new(guard.clone(), Timeouts::default()).unwrap();
    let webhook = WebhookClient::new(guard).unwrap();
    let settings = Settings { https: false, login_deadline: Duration::from_secs(9) };
    let store = store(broker, backend);
    let outbound = Outbound::new(provider, webhook, &broker.clock, Room::default());
    (Broker::new(store, outbound, broker.clock.clone(), Directory::new(tenants), settings), tenant)
}
