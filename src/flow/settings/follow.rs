//! What is served of the store's tenants, and how every broker learns of a change: twice a second it
//! asks one log for news, which is one small read, and loads what has changed and nothing else.
//!
//! A tenant that cannot be read here (another version wrote it, or a URL is no longer allowed) takes
//! nobody down: its last good version stays, and `/readyz` and the log say what is wrong.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::ids::TenantId;
use crate::domain::setting::SettingFault;
use crate::domain::stored::StoredTenant;
use crate::domain::tenant::{Directory, Served as ServedTenant};
use crate::store::StoreError;

use super::super::Broker;
use super::format::{Format, Remark};

/// How often it is asked for news.
const EVERY: Duration = Duration::from_millis(500);
/// What stands in place of a file's name where a stored tenant is at fault.
const STORE: &str = "the store";

/// The tenants of files and those of the store, and what both make together.
#[derive(Debug)]
pub struct Served {
    format: OnceLock<Arc<dyn Format>>,
    parts: Mutex<Parts>,
    /// Whether the store's tenants wait to be loaded.
    wait: AtomicBool,
}

#[derive(Debug)]
struct Parts {
    files: Arc<Directory>,
    stored: BTreeMap<TenantId, Known>,
    /// How far the log of changes was followed.
    position: u64,
}

/// A tenant of the store, as this broker knows it.
#[derive(Debug, Default)]
struct Known {
    /// Which record it is of: one that was made later, or changed more often, is newer.
    age: (Timestamp, u64),
    served: Option<ServedTenant>,
    faults: Vec<SettingFault>,
}

impl Served {
    pub(in super::super) fn new(files: Arc<Directory>) -> Self {
        let parts = Parts { files, stored: BTreeMap::new(), position: 0 };
        Self { format: OnceLock::new(), parts: Mutex::new(parts), wait: AtomicBool::new(false) }
    }

    /// What reads settings, for work on another thread.
    pub(super) fn shared_format(&self) -> Arc<dyn Format> {
        Arc::clone(self.format.get().expect("the composition root gives every broker its format"))
    }

    /// Whether there are tenants that are not served yet because the store did not answer.
    pub(in super::super) fn waits(&self) -> bool {
        self.wait.load(Ordering::Relaxed)
    }
}

impl Broker {
    /// Reads and writes the settings of stored tenants from now on.
    pub fn use_format(&self, format: Arc<dyn Format>) {
        let _ = self.served.format.set(format);
    }

    pub(super) fn format(&self) -> &dyn Format {
        &**self.served.format.get().expect("the composition root gives every broker its format")
    }

    /// Loads the store's tenants and follows their changes, until the broker is gone. Where the store does not answer
    /// they are loaded as soon as it does.
    pub async fn start_following(self: &Arc<Self>) {
        self.served.wait.store(true, Ordering::Relaxed);
        if let Err(error) = self.follow_settings().await {
            tracing::warn!(detail = %error, "tenants.load_delayed");
        }
        tokio::spawn(follow_while_alive(Arc::downgrade(self)));
    }

    /// Serves what has changed in the store since it was asked last.
    pub async fn follow_settings(self: &Arc<Self>) -> Result<(), StoreError> {
        let operator = self.store.of_operator();
        if self.served.waits() {
            // What is changed while they are loaded is loaded again.
            let position = operator.settings_news_end().await?;
            let tenants = operator.stored_tenants(&operator.stored_names().await?).await?;
            self.serve_read(tenants, Vec::new(), position).await;
            self.served.wait.store(false, Ordering::Relaxed);
            return Ok(());
        }
        let after = self.parts().position;
        let (names, position) = operator.settings_news(after).await?;
        if position == after {
            return Ok(());
        }
        let names: Vec<_> = names.into_iter().collect();
        let tenants = operator.stored_tenants(&names).await?;
        let gone = names.into_iter().filter(|name| tenants.iter().all(|tenant| tenant.id != *name)).collect();
        self.serve_read(tenants, gone, position).await;
        Ok(())
    }

    /// Serves what this broker has changed itself.
    pub(super) fn serve_changed(&self, tenant: &StoredTenant) {
        let read = self.read_stored(tenant);
        let mut parts = self.parts();
        parts.take(tenant, read);
        self.serve(&parts);
    }

    /// Serves other tenants of files from now on. Running logins finish with what they began with.
    pub fn replace_tenants(&self, directory: Directory) {
        let mut parts = self.parts();
        parts.files = Arc::new(directory);
        self.serve(&parts);
    }

    async fn serve_read(self: &Arc<Self>, tenants: Vec<StoredTenant>, gone: Vec<TenantId>, position: u64) {
        let broker = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let read = broker.read_all(&tenants);
            let mut parts = broker.parts();
            for (tenant, read) in tenants.iter().zip(read) {
                parts.take(tenant, read);
            }
            for name in gone {
                parts.stored.remove(&name);
            }
            parts.position = parts.position.max(position);
            broker.serve(&parts);
            drop(parts);
            tenants
        });
        let Ok(tenants) = read.await else { return };
        let broker = Arc::clone(self);
        tokio::spawn(async move {
            for tenant in &tenants {
                broker.tell_changes(tenant).await;
            }
        });
    }

    /// Reading settings is work for the processor, so that many are read by all of them.
    fn read_all(&self, tenants: &[StoredTenant]) -> Vec<Read> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let each = tenants.len().div_ceil(threads).max(16);
        std::thread::scope(|scope| {
            let read = |some: &'_ [StoredTenant]| {
                some.iter().map(|tenant| self.read_stored(tenant)).collect::<Vec<_>>()
            };
            let running: Vec<_> = tenants.chunks(each).map(|some| scope.spawn(move || read(some))).collect();
            running
                .into_iter()
                .flat_map(|thread| thread.join().expect("reading settings does not panic"))
                .collect()
        })
    }

    fn read_stored(&self, tenant: &StoredTenant) -> Read {
        if tenant.deleted_at.is_some() {
            return Read::Deleted;
        }
        match self.format().read(&tenant.id, &tenant.document, &tenant.live(), &tenant.secrets) {
            Ok(reading) => Read::Good(ServedTenant {
                tenant: Arc::new(reading.tenant),
                source: None,
                stored: true,
                revision: None,
                faults: Vec::new(),
            }),
            Err(remarks) => Read::Bad(remarks),
        }
    }

    fn parts(&self) -> std::sync::MutexGuard<'_, Parts> {
        self.served.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts into effect what the parts make together.
    fn serve(&self, parts: &Parts) {
        let directory = Arc::new(parts.together());
        let tenants = u32::try_from(directory.len()).unwrap_or(u32::MAX);
        metrics::gauge!("countersign_tenants").set(tenants);
        self.replace_directory(&directory);
    }
}

/// What came of reading a stored tenant.
enum Read {
    Good(ServedTenant),
    Bad(Vec<Remark>),
    Deleted,
}

impl Parts {
    /// Takes a tenant as it was read, unless a newer one is known.
    fn take(&mut self, tenant: &StoredTenant, read: Read) {
        let age = (tenant.created_at, tenant.version);
        let known = self.stored.entry(tenant.id.clone()).or_default();
        if known.age > age {
            return;
        }
        known.age = age;
        known.faults.clear();
        match read {
            Read::Good(served) => known.served = Some(served),
            Read::Deleted => known.served = None,
            // The last good version stays.
            Read::Bad(remarks) => {
                let told =
                    |remark: &Remark| format!("`{}` at `{}`: {}", tenant.id, remark.pointer, remark.message);
                known.faults = remarks.iter().map(|remark| fault(told(remark))).collect();
                for SettingFault { message: detail, .. } in &known.faults {
                    tracing::warn!(tenant = %tenant.id, detail, "tenants.fault");
                }
            }
        }
    }

    /// A file beats a stored tenant of the same name, and keeps its hosts.
    fn together(&self) -> Directory {
        let mut faults = self.files.faults().to_vec();
        let mut served = Vec::with_capacity(self.stored.len() + self.files.len());
        for (id, known) in &self.stored {
            faults.extend(known.faults.iter().cloned());
            let Some(one) = &known.served else { continue };
            if let Some(file) = self.files.by_id(id) {
                let file = file.source.as_deref().unwrap_or("the process");
                let message =
                    format!("the stored tenant `{id}` is not served: {file} has one of the same name");
                faults.push(fault(message));
                continue;
            }
            let mut one = one.clone();
            let lost = one.tenant.hosts.iter().find_map(|host| Some((host, self.files.by_host(host)?)));
            if let Some((host, owner)) = lost {
                let owner = &owner.id;
                let message =
                    format!("the host `{host}` of the stored tenant `{id}` belongs to the tenant `{owner}`");
                one.faults.push(fault(message.clone()));
                faults.push(fault(message));
                // Links and redirect URIs begin with the canonical one: without it nothing of the tenant works.
                if one.tenant.hosts.first() == Some(host) {
                    continue;
                }
            }
            one.faults.extend(known.faults.iter().cloned());
            served.push(one);
        }
        // Whoever comes last has a host.
        Directory::of(served.into_iter().chain(self.files.behind(None).cloned()), faults)
    }
}

fn fault(message: String) -> SettingFault {
    SettingFault { file: STORE.to_owned(), line: None, column: None, message }
}

async fn follow_while_alive(broker: Weak<Broker>) {
    let mut silent = false;
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(broker) = broker.upgrade() else { return };
        match broker.follow_settings().await {
            Ok(()) => silent = false,
            Err(error) if !silent => {
                tracing::warn!(detail = %error, "tenants.follow_failed");
                silent = true;
            }
            Err(_) => {}
        }
    }
}
