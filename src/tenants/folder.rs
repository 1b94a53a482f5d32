//! The tenants' folder of a running broker. A look at it reads what has changed, and nothing else;
//! what is good goes live, and of each tenant that is not the last good version stays.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::fault::Fault;
use crate::config::{Config, Environment, Faults, Loaded, Place};
use crate::domain::ids::TenantId;
use crate::domain::setting::SettingFault;
use crate::domain::tenant::{Directory, Served, Tenant};

use super::hosts::{Claims, Taken, decide};
use super::revision::digits_of;
use super::{Read, ReadContext, file, hash_of, is_example, list, open, read_drafts_of};

/// How long a file must have been missing before its tenant is taken out: an editor that writes
/// beside it and renames leaves a gap.
pub const GONE_AFTER: Duration = Duration::from_secs(3);
/// Every so many looks the contents are compared even where nothing else says that they changed:
/// there are file systems whose times stand still.
const WHOLE_EVERY: u32 = 30;
/// So many looks after a change the contents are compared, since a second change may bear the same
/// time.
const WARY: u8 = 2;

/// A folder of tenants, and what is known of it.
#[derive(Debug)]
pub struct Folder {
    config: Config,
    environment: Environment,
    files: BTreeMap<PathBuf, File>,
    /// What is wrong with the folder as a whole.
    fault: Option<SettingFault>,
    looks: u32,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing new.
    Same,
    /// Something new: look again in a moment, it may be half written.
    Changing,
    /// Something that is live now, or new faults.
    Changed(Changes),
}

/// What a look changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Tenants with a new version.
    pub renewed: Vec<TenantId>,
    /// Tenants that are no longer served.
    pub removed: Vec<TenantId>,
    /// Faults that were not told before.
    pub faults: Vec<SettingFault>,
}

/// A file, and what is known of it.
#[derive(Debug, Default)]
struct File {
    id: Option<TenantId>,
    /// What the file system says of it and of the secrets it refers to.
    stamps: Vec<Option<Stamp>>,
    /// Looks for which the contents are compared although the stamps are the same.
    wary: u8,
    /// The hash of what was judged.
    judged: Option<[u8; 32]>,
    /// The hash of what was found at the last look, if it is another.
    seen: Option<[u8; 32]>,
    secrets: Vec<PathBuf>,
    /// The newest version, if it is good by itself, with the places of its hosts.
    newest: Option<(Version, Vec<(String, SettingFault)>)>,
    served: Option<Version>,
    /// What is wrong with what was judged, by itself and beside others.
    faults: Vec<SettingFault>,
    taken: Vec<SettingFault>,
    missing_since: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Version {
    tenant: Arc<Tenant>,
    revision: String,
}

/// What the file system says of a file: if it is the same, the content most probably is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Folder {
    /// Reads every tenant, or says everything that is wrong with any of them.
    pub fn open(config: &Config, environment: &Environment) -> Result<Loaded<Self>, Faults> {
        let read = read_drafts_of(&config.tenants, &ReadContext::of(config, environment))?;
        let files = read.value.into_iter().map(|read| (read.path.clone(), File::of(read))).collect();
        let (config, environment) = (config.clone(), environment.clone());
        let folder = Self { config, environment, files, fault: None, looks: 0 };
        Ok(Loaded { value: folder, warnings: read.warnings })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.config.tenants
    }

    /// The tenants that are served, by name.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.files.values().filter_map(|file| Some(&file.served.as_ref()?.tenant))
    }

    /// What is served, and what is wrong.
    pub fn directory(&self) -> Directory {
        let served = self.files.iter().filter_map(|(path, file)| {
            let Version { tenant, revision } = file.served.clone()?;
            Some(Served {
                tenant,
                source: Some(path.display().to_string()),
                stored: false,
                revision: Some(revision),
                faults: file.told().cloned().collect(),
            })
        });
        Directory::of(served, self.faults())
    }

    /// Looks at the folder, reads what has changed, and decides what goes live. It reads files, so
    /// it is nothing for the async executor.
    pub fn look(&mut self, now: Instant) -> Look {
        self.looks = self.looks.wrapping_add(1);
        let before = self.faults();
        let paths = match self.list() {
            Ok(paths) => paths,
            Err(fault) => {
                self.fault = Some(fault);
                return self.outcome(false, Changes::default(), &before);
            }
        };
        self.fault = None;
        let (mut changing, mut judged) = (false, false);
        for path in &paths {
            match self.look_at(path) {
                FileLook::Same => {}
                FileLook::Changing => changing = true,
                FileLook::Judged => judged = true,
            }
        }
        let removed = self.take_out(&paths, now);
        let renewed = if judged || !removed.is_empty() { self.go_live() } else { Vec::new() };
        self.outcome(changing, Changes { renewed, removed, faults: Vec::new() }, &before)
    }

    fn outcome(&self, changing: bool, changes: Changes, before: &[SettingFault]) -> Look {
        let after = self.faults();
        let faults: Vec<_> = after.iter().filter(|fault| !before.contains(fault)).cloned().collect();
        let changed = after != before || !changes.renewed.is_empty() || !changes.removed.is_empty();
        match (changed, changing) {
            (true, _) => Look::Changed(Changes { faults, ..changes }),
            (false, true) => Look::Changing,
            (false, false) => Look::Same,
        }
    }

    /// The files of the tenants. A folder that is gone, cannot be read or is suddenly empty says
    /// nothing about them: it is being replaced, or not mounted.
    fn list(&self) -> Result<Vec<PathBuf>, SettingFault> {
        let told = |faults: Faults| faults.iter().next().map(Fault::told);
        let dir = || Place::File(self.path().display().to_string());
        let paths = list(self.path()).map_err(|faults| {
            told(faults).unwrap_or_else(|| Fault::new(dir(), "the tenants' folder cannot be read").told())
        })?;
        let paths: Vec<_> = paths.into_iter().filter(|path| !is_example(path)).collect();
        if paths.is_empty() && self.tenants().next().is_some() {
            let message = "the tenants' folder is empty; those that were there are served on until a restart";
            return Err(Fault::new(dir(), message).told());
        }
        Ok(paths)
    }

    fn look_at(&mut self, path: &Path) -> FileLook {
        let whole = self.looks.is_multiple_of(WHOLE_EVERY);
        let context = ReadContext::of(&self.config, &self.environment);
        let file = self.files.entry(path.to_owned()).or_default();
        file.missing_since = None;
        let stamps = stamps(path, &file.secrets);
        if !whole && file.wary == 0 && file.seen.is_none() && stamps == file.stamps {
            return FileLook::Same;
        }
        let opened = open(path);
        let found = with_secrets(hash_of_opened(&opened), file.secrets.iter().map(hash_of_file));
        file.stamps = stamps;
        if file.judged == Some(found) {
            (file.seen, file.wary) = (None, file.wary.saturating_sub(1));
            return FileLook::Same;
        }
        if file.seen != Some(found) {
            file.seen = Some(found);
            return FileLook::Changing;
        }
        file.judge(path, opened, &context);
        FileLook::Judged
    }

    /// Forgets files that have been missing for long enough, and says whose they were.
    fn take_out(&mut self, present: &[PathBuf], now: Instant) -> Vec<TenantId> {
        let mut removed = Vec::new();
        self.files.retain(|path, file| {
            if present.binary_search(path).is_ok() {
                return true;
            }
            let since = *file.missing_since.get_or_insert(now);
            let stays = now.duration_since(since) < GONE_AFTER;
            if !stays && file.served.is_some() {
                removed.extend(file.id.clone());
            }
            stays
        });
        removed
    }

    /// Takes every new version that may go live, and says whose they are.
    fn go_live(&mut self) -> Vec<TenantId> {
        let mut files: Vec<_> = self.files.values_mut().filter(|file| file.id.is_some()).collect();
        let claims: Vec<_> = files.iter().filter_map(|file| file.claims()).collect();
        let verdicts = decide(&claims);
        let mut renewed = Vec::new();
        for (file, taken) in files.iter_mut().zip(verdicts) {
            if file.go_live(&taken) {
                renewed.extend(file.id.clone());
            }
        }
        renewed
    }

    fn faults(&self) -> Vec<SettingFault> {
        let files = self.files.values().flat_map(File::told);
        self.fault.iter().chain(files).cloned().collect()
    }
}

/// What a look at one file found.
enum FileLook {
    Same,
    Changing,
    Judged,
}

impl File {
    /// A file without fault, as it was read at the start.
    fn of(read: Read) -> Self {
        let Read { path, id, text_hash, draft } = read;
        let mut file = Self { id: Some(id), ..Self::default() };
        file.take(draft, text_hash);
        file.served = file.newest.as_ref().map(|(version, _)| version.clone());
        file.remember(&path);
        file
    }

    fn judge(&mut self, path: &Path, opened: Result<(TenantId, String), Fault>, context: &ReadContext<'_>) {
        let hash = hash_of_opened(&opened);
        match opened {
            Err(fault) => {
                (self.faults, self.newest) = (vec![fault.told()], None);
                self.judged = Some(with_secrets(hash, self.secrets.iter().map(hash_of_file)));
            }
            Ok((id, text)) => {
                self.take(file::read(&id, &path.display().to_string(), text, context), hash);
                self.id = Some(id);
            }
        }
        self.remember(path);
    }

    fn take(&mut self, draft: file::Draft, text_hash: [u8; 32]) {
        self.faults = draft.faults.iter().map(Fault::told).collect();
        // As they were read, not as they are by now.
        let held = draft.others.iter().map(|(path, held)| held.unwrap_or_else(|| hash_of_file(path)));
        self.judged = Some(with_secrets(text_hash, held));
        self.secrets = draft.others.into_iter().map(|(path, _)| path).collect();
        let place = |(host, place): (String, Place)| (host, Fault::new(place, String::new()).told());
        let places = draft.hosts.into_iter().map(place).collect();
        let revision = digits_of(&text_hash);
        let version = |tenant| Version { tenant: Arc::new(tenant), revision };
        self.newest = draft.tenant.map(version).map(|version| (version, places));
    }

    /// Notes how the files look that were judged.
    fn remember(&mut self, path: &Path) {
        self.stamps = stamps(path, &self.secrets);
        (self.seen, self.wary) = (None, WARY);
    }

    fn claims(&self) -> Option<Claims<'_>> {
        Some(Claims {
            id: self.id.as_ref()?,
            served: self.served.as_ref().map(|version| &version.tenant),
            newest: self.newest.as_ref().map(|(version, _)| &version.tenant),
        })
    }

    /// Takes the newest version unless hosts of it are `taken`; whether another one is live now.
    fn go_live(&mut self, taken: &[Taken]) -> bool {
        self.taken.clear();
        let Some((newest, places)) = &self.newest else { return false };
        for Taken { host, owner } in taken {
            let place = places.iter().find(|(name, _)| name == host).map(|(_, place)| place.clone());
            let message = format!("the host `{host}` belongs to the tenant `{owner}`, which keeps it");
            self.taken.extend(place.map(|place| SettingFault { message, ..place }));
        }
        let live = self.served.as_ref().is_some_and(|served| Arc::ptr_eq(&served.tenant, &newest.tenant));
        if taken.is_empty() && !live {
            self.served = Some(newest.clone());
            return true;
        }
        false
    }

    fn told(&self) -> impl Iterator<Item = &SettingFault> {
        self.faults.iter().chain(&self.taken)
    }
}

/// The hash of a file's text, or of why there is none.
fn hash_of_opened(opened: &Result<(TenantId, String), Fault>) -> [u8; 32] {
    match opened {
        Ok((_, text)) => hash_of([text.as_bytes()]),
        Err(fault) => hash_of(["fault".as_bytes(), fault.to_string().as_bytes()]),
    }
}

/// The same with the hashes of the secrets that the file refers to.
fn with_secrets(hash: [u8; 32], secrets: impl Iterator<Item = [u8; 32]>) -> [u8; 32] {
    let all: Vec<_> = std::iter::once(hash).chain(secrets).collect();
    hash_of(all.iter().map(<[u8; 32]>::as_slice))
}

/// The hash of a secret's file, whatever it holds.
fn hash_of_file(path: &PathBuf) -> [u8; 32] {
    hash_of([&*fs::read(path).unwrap_or_default()])
}

fn stamps(path: &Path, secrets: &[PathBuf]) -> Vec<Option<Stamp>> {
    std::iter::once(path).chain(secrets.iter().map(PathBuf::as_path)).map(Stamp::of).collect()
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            file: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}
