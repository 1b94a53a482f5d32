//! Work on a store beside the brokers that serve it: verifying the audit, backup and restore.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::audit::AuditEntry;
use crate::domain::ids::TenantId;
use crate::keyring::KeyRing;
use crate::store::Store;
use crate::store::audit_verify::{Anchor, Verified};
use crate::store::backend::Partition;
use crate::store::backup::{BackupError, Summary};

use super::{seal_keys, store};

/// Audit entries that are read together.
const AT_ONCE: usize = 500;

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

/// Verifies the audit of one tenant, or of every one that the store or a checkpoint of before names; tells of each as
/// soon as it is done. False if something was wrong.
pub async fn verify_audit(
    config: &Config,
    clock: &Clock,
    tenant: Option<&TenantId>,
    anchors: &[Anchor],
    mut tell: impl FnMut(&Verified) -> anyhow::Result<()>,
) -> anyhow::Result<bool> {
    let store = open(config, clock)?;
    let mut tenants: BTreeSet<TenantId> = anchors.iter().map(|anchor| anchor.tenant.clone()).collect();
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
        let verified = store.at(&tenant).verify_audit(anchors).await?;
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
    let store = open(config, clock)?.at(tenant);
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
    let store = open(config, clock)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    let file = private(part).with_context(|| {
        format!("cannot write `{}`; remove it if no other export is at work", part.display())
    })?;
    let written = async {
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
    Ok(store.import(import, progress).await?)
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
