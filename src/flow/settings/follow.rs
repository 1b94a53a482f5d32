//! What is served of the store's tenants, and how every broker learns of a change: twice a second it
//! asks one log for news, which is one small read, and loads what has changed and nothing else.
//!
//! A tenant that cannot be read here (another version wrote it, or a URL is no longer allowed) takes
//! nobody down: its last good version stays, and `/readyz` and the log say what is wrong.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::domain::ids::TenantId;
use crate::domain::setting::SettingFault;
use crate::domain::stored::StoredTenant;
use crate::domain::tenant::{Directory, Served as ServedTenant};
use crate::store::StoreError;
use crate::store::tenants::Found;

use super::super::Broker;
use super::for_staff;
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
    wait: watch::Sender<bool>,
    /// Held by whoever asks for news: one at a time.
    asking: tokio::sync::Mutex<()>,
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
        let (wait, asking) = (watch::channel(false).0, tokio::sync::Mutex::default());
        Self { format: OnceLock::new(), parts: Mutex::new(parts), wait, asking }
    }

    /// What reads settings, for work on another thread.
    pub(super) fn shared_format(&self) -> Arc<dyn Format> {
        Arc::clone(self.format.get().expect("the composition root gives every broker its format"))
    }

    /// Whether the store's tenants are not loaded yet: whose host is asked for, and who has webhooks, is not known.
    pub(in super::super) fn waits(&self) -> bool {
        *self.wait.borrow()
    }

    /// The same, for whoever begins with their work when they are.
    pub(in super::super) fn waiting(&self) -> watch::Receiver<bool> {
        self.wait.subscribe()
    }
}

impl Broker {
    /// Reads and writes the settings of stored tenants from now on. Until these are loaded, nothing is delivered, and
    /// nothing falls due: a tenant that is not known yet would count as one that has no webhooks.
    pub fn use_format(&self, format: Arc<dyn Format>) {
        let _ = self.served.format.set(format);
        self.served.wait.send_replace(true);
    }

    pub(super) fn format(&self) -> &dyn Format {
        &**self.served.format.get().expect("the composition root gives every broker its format")
    }

    /// Loads the store's tenants and follows their changes in the background, until the broker is gone.
    pub fn start_following(self: &Arc<Self>) {
        tokio::spawn(follow_while_alive(Arc::downgrade(self)));
    }

    /// Loads the store's tenants, unless they are. Where the store does not answer they are loaded as soon as it does.
    pub async fn load_stored(self: &Arc<Self>) {
        if self.served.waits()
            && let Err(error) = self.follow_settings().await
        {
            tracing::warn!(detail = %error, "tenants.load_delayed");
        }
    }

    /// Whether the store's tenants are not loaded yet.
    pub fn waits_for_tenants(&self) -> bool {
        self.served.waits()
    }

    /// Whether a tenant of the store is there and cannot be served at this moment: it is not loaded yet, cannot be read
    /// here, or has lost its host to a file. What is to be done for it waits.
    pub(in super::super) fn is_held_back(&self, id: &TenantId) -> bool {
        if self.directory().by_id(id).is_some() {
            return false;
        }
        let is_there = |known: &Known| known.served.is_some() || !known.faults.is_empty();
        self.served.waits() || self.parts().stored.get(id).is_some_and(is_there)
    }

    /// Serves what has changed in the store since it was asked last.
    pub async fn follow_settings(self: &Arc<Self>) -> Result<(), StoreError> {
        let _asking = self.served.asking.lock().await;
        let operator = self.store.of_operator();
        if self.served.waits() {
            // What is changed while they are loaded is loaded again.
            let position = operator.settings_news_end().await?;
            let found = operator.stored_tenants(operator.stored_names().await?).await?;
            if self.serve_read(found, position).await {
                self.served.wait.send_replace(false);
            }
            return Ok(());
        }
        let after = self.parts().position;
        let (names, position) = operator.settings_news(after).await?;
        if position == after {
            return Ok(());
        }
        let found = operator.stored_tenants(names.into_iter().collect()).await?;
        self.serve_read(found, position).await;
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

    /// Serves what was found, up to this position of the log. False if that did not come to its end: then it is asked for
    /// again.
    async fn serve_read(self: &Arc<Self>, found: Vec<Found>, position: u64) -> bool {
        let broker = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let (mut tenants, mut others) = (Vec::new(), Vec::new());
            for found in found {
                match found {
                    Found::There(tenant) => tenants.push(*tenant),
                    other => others.push(other),
                }
            }
            let read = broker.read_all(&tenants);
            let mut parts = broker.parts();
            for (tenant, read) in tenants.iter().zip(read) {
                parts.take(tenant, read);
            }
            for other in others {
                match other {
                    Found::Nothing(name) => drop(parts.stored.remove(&name)),
                    Found::Unreadable(name, error) => parts.keep_last(&name, &error),
                    Found::There(_) => {}
                }
            }
            parts.position = parts.position.max(position);
            broker.serve(&parts);
            drop(parts);
            tenants
        });
        let tenants = match read.await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::error!(detail = %error, "tenants.follow_failed");
                return false;
            }
        };
        let broker = Arc::clone(self);
        tokio::spawn(async move {
            for tenant in &tenants {
                broker.tell_changes(tenant).await;
            }
        });
        true
    }

    /// Reading settings is work for the processor, so that many are read by all of them.
    fn read_all(&self, tenants: &[StoredTenant]) -> Vec<Read> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let each = tenants.len().div_ceil(threads).max(16);
        std::thread::scope(|scope| {
            let read = |some: &'_ [StoredTenant]| {
                some.iter().map(|tenant| self.read_alone(tenant)).collect::<Vec<_>>()
            };
            let running: Vec<_> = tenants.chunks(each).map(|some| scope.spawn(move || read(some))).collect();
            running
                .into_iter()
                .flat_map(|thread| thread.join().expect("what panics while it is read is caught"))
                .collect()
        })
    }

    /// A tenant whose settings make the reader panic takes nobody else's down.
    fn read_alone(&self, tenant: &StoredTenant) -> Read {
        let read = catch_unwind(AssertUnwindSafe(|| self.read_stored(tenant)));
        read.unwrap_or_else(|_| {
            let message = "the broker fails when it reads these settings; please report it";
            Read::Bad(vec![Remark::new("", message, None)])
        })
    }

    fn read_stored(&self, tenant: &StoredTenant) -> Read {
        if tenant.deleted_at.is_some() {
            return Read::Deleted;
        }
        match self.format().read(&tenant.id, &tenant.document, &tenant.live(), &tenant.secrets) {
            Ok(reading) => Read::Good(ServedTenant {
                tenant: Arc::new(for_staff::mark(reading.tenant, &tenant.providers)),
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

    /// A record that cannot be read here: the last good version stays.
    fn keep_last(&mut self, id: &TenantId, error: &StoreError) {
        let detail = format!("`{id}` cannot be read here: {error}");
        tracing::error!(tenant = %id, detail, "tenants.fault");
        self.stored.entry(id.clone()).or_default().faults = vec![fault(detail)];
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
        let Some(broker) = broker.upgrade() else { return };
        match broker.follow_settings().await {
            Ok(()) => silent = false,
            Err(error) if !silent => {
                tracing::warn!(detail = %error, "tenants.follow_failed");
                silent = true;
            }
            Err(_) => {}
        }
        drop(broker);
        tokio::time::sleep(EVERY).await;
    }
}
