//! Work on a store beside the brokers that serve it: verifying the audit, backup and restore.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;

use crate::clock::Clock;
use crate::config::{Config, StoreUrl};
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::ids::{AuditId, TenantId};
use crate::domain::tenant::Tenant;
use crate::flow::settings::format::Format as _;
use crate::keyring::KeyRing;
use crate::store::audit_verify::{Anchor, Verified};
use crate::store::backend::Partition;
use crate::store::backup::{BackupError, Summary};
use crate::store::tenants::Found;
use crate::store::{Durability, Store, Tx};
use crate::tenants::stored::StoredFormat;

use super::{seal_keys, store};

/// Audit entries that are read together.
const AT_ONCE: usize = 500;

/// The settings' store as [`open`] opens it, if there is one: whoever wants to read it made a slip if there is none,
/// and would be told that an empty one is good.
fn open_existing(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    if let StoreUrl::Sqlite(path) = &config.store {
        let (shown, origin) = (path.display(), config.origin("store.url"));
        anyhow::ensure!(path.is_file(), "there is no database at `{shown}`, which stands in {origin}");
    }
    open(config, clock)
}

/// The settings' store, with the settings' keys.
fn open(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    let ring = KeyRing::read(&config.keys)?;
    Ok(Store::new(store::open(config, clock)?, seal_keys(&ring)?, clock.clone()))
}

/// Whether the settings' store answers, may be used, and opens with the settings' keys. An embedded one that is not
/// there is not made.
pub async fn ping_store(config: &Config, clock: &Clock) -> anyhow::Result<()> {
    store::check(config, clock).await?;
    let store = open(config, clock)?;
    store.ping().await?;
    if crate::store::backup::is_cut_short(&store).await? {
        anyhow::bail!("the store holds an import that was cut short; empty it, and import again");
    }
    Ok(())
}

/// The tenants of the store that are served, and what is to be said of the others.
#[derive(Debug, Default)]
pub struct StoredTenants {
    /// Those whose settings can be used.
    pub served: Vec<Tenant>,
    /// A file's takes the place of one of the same name, and one whose settings cannot be used serves nobody.
    pub remarks: Vec<(TenantId, String)>,
}

/// Reads the tenants of the store as a broker does. Nothing where there is no store yet.
pub async fn stored_tenants(config: &Config, clock: &Clock) -> anyhow::Result<StoredTenants> {
    let mut read = StoredTenants::default();
    if let StoreUrl::Sqlite(path) = &config.store
        && !path.is_file()
    {
        return Ok(read);
    }
    store::check(config, clock).await?;
    let operator = open(config, clock)?.of_operator();
    let (in_files, format) = (files(&config.tenants), StoredFormat::new(config, clock.clone()));
    for found in operator.stored_tenants(operator.stored_names().await?).await? {
        match found {
            Found::Nothing(_) => {}
            Found::Unreadable(id, error) => read.remarks.push((id, format!("it cannot be read: {error}"))),
            Found::There(tenant) if tenant.deleted_at.is_some() => {}
            Found::There(tenant) if in_files.contains(&tenant.id) => {
                let text =
                    "a file of the same name stands in the folder of tenants, and is served in its place";
                read.remarks.push((tenant.id, text.to_owned()));
            }
            Found::There(tenant) => {
                match format.read(&tenant.id, &tenant.document, &tenant.live(), &tenant.secrets) {
                    Ok(reading) => read.served.push(reading.tenant),
                    Err(faults) => read.remarks.extend(faults.into_iter().map(|fault| {
                        let text = format!("it is not served: `{}`: {}", fault.pointer, fault.message);
                        (tenant.id.clone(), text)
                    })),
                }
            }
        }
    }
    Ok(read)
}

/// Verifies the audit of one tenant, or of every one that the store or a checkpoint of before names; tells of each as
/// soon as it is done. False if something was wrong.
pub async fn verify_audit(
    config: &Config,
    clock: &Clock,
    tenant: Option<&TenantId>,
    anchors: &[Anchor],
    mut tell: impl FnMut(&Verified) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let store = open_existing(config, clock)?;
    let mut anchors = anchors.to_vec();
    anchors.extend(store.audit_witnesses().await?);
    let mut tenants: BTreeSet<TenantId> = anchors.iter().map(|anchor| anchor.tenant.clone()).collect();
    // Whose name was taken out of the store still has a file.
    tenants.extend(files(&config.tenants));
    match tenant {
        Some(only) => tenants = BTreeSet::from([only.clone()]),
        None => {
            for partition in Partition::all() {
                tenants.extend(store.tenants(partition).await?);
            }
        }
    }
    let mut good = true;
    for tenant in tenants {
        let verified = store.at(&tenant).verify_audit(&anchors).await?;
        good &= verified.tampering.is_none();
        tell(&verified)?;
    }
    Ok(good)
}

/// Tells every entry of a tenant's audit with its position, oldest first.
pub async fn list_audit(
    config: &Config,
    clock: &Clock,
    tenant: &TenantId,
    mut tell: impl FnMut(u64, &AuditEntry) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let store = open_existing(config, clock)?.at(tenant);
    let mut behind = 0;
    loop {
        let entries = store.audit_after(behind, AT_ONCE).await?;
        let Some((last, _)) = entries.last() else { return Ok(()) };
        behind = *last;
        for (position, entry) in &entries {
            tell(*position, entry)?;
        }
    }
}

/// Writes everything into a new file, which appears under its name when it is complete.
pub async fn export(
    config: &Config,
    clock: &Clock,
    path: &Path,
    progress: impl FnMut(u64),
) -> anyhow::Result<Summary> {
    let shown = path.display();
    anyhow::ensure!(!path.exists(), "`{shown}` exists and is not overwritten; name another file");
    let store = open_existing(config, clock)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    let file = private(part).with_context(|| {
        format!("cannot write `{}`; remove it if no other export is at work", part.display())
    })?;
    let written = async {
        note(&store, clock, AuditAction::StoreExported, None).await?;
        let (summary, mut out) = store.export(BufWriter::new(file), progress).await?;
        out.flush().map_err(BackupError::File)?;
        out.get_ref().sync_all().map_err(BackupError::File)?;
        Ok::<_, BackupError>(summary)
    };
    match written.await {
        Ok(summary) => {
            // Unlike a rename, a link never replaces what somebody put there meanwhile.
            let linked = std::fs::hard_link(part, path).with_context(|| format!("cannot write `{shown}`"));
            std::fs::remove_file(part)?;
            linked?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            Ok(summary)
        }
        Err(error) => {
            // Half a backup is none.
            let _ = std::fs::remove_file(part);
            Err(error.into())
        }
    }
}

/// Looks through a backup, and with `write` puts it into the settings' store, which must be empty.
pub async fn import(
    config: &Config,
    clock: &Clock,
    path: &Path,
    write: bool,
    progress: impl FnMut(u64),
) -> Result<Summary, ImportError> {
    let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()));
    let file = file.map_err(ImportError::Unusable)?;
    store::check(config, clock).await.map_err(ImportError::Unusable)?;
    let store = open(config, clock).map_err(ImportError::Unusable)?;
    let import = store.check_backup(BufReader::new(file)).await?;
    if !write {
        return Ok(import.summary);
    }
    let summary = store.import(import, progress).await?;
    // A backup of a store that went on meanwhile has each tenant as of another moment.
    store.forget_audit_witnesses().await.map_err(BackupError::from)?;
    let detail = format!("{} pieces", summary.pieces());
    note(&store, clock, AuditAction::StoreImported, Some(detail)).await?;
    Ok(summary)
}

/// Tells the audit of `_platform` what was done with the whole store.
async fn note(
    store: &Store,
    clock: &Clock,
    action: AuditAction,
    detail: Option<String>,
) -> Result<(), BackupError> {
    let entry = AuditEntry {
        id: AuditId::from_uuid(clock.fresh_uuid()),
        at: clock.now(),
        actor: "operator".to_owned(),
        action: action.into(),
        object: "store".to_owned(),
        ids: Vec::new(),
        count: None,
        request_id: None,
        detail,
    };
    let mut tx = Tx::new();
    tx.audit(entry);
    Ok(store.at(&TenantId::platform()).commit(tx, Durability::Durable).await?)
}

/// The tenants that have a file in a folder.
fn files(folder: &Path) -> Vec<TenantId> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let name = |path: &Path| {
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        path.file_stem().filter(|_| is_toml)?.to_str()?.parse().ok()
    };
    entries.filter_map(|entry| name(&entry.path())).collect()
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The settings, the file's name, the store: nothing was looked at yet.
    #[error("{0:#}")]
    Unusable(anyhow::Error),
    /// The backup or the store was refused.
    #[error(transparent)]
    Refused(#[from] BackupError),
}

/// A new file that only its owner can read.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
