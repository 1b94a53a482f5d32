//! The tenants' files: `tenants/acme.toml` is the tenant `acme`.
//!
//! | file | what it holds |
//! |---|---|
//! | [`shape`] | the table of every setting; start here |
//! | [`mod@file`] | one file: hosts, binding, and the way to the rest |
//! | [`provider`] | `[[provider]]`, with [`urls`], [`secrets`] and [`revision`] |
//! | [`wording`] | `[[snippet]]` and `[return]` |
//! | [`folder`], [`hosts`] | the folder of a running broker: what is read again, and what goes live |
//! | [`rules`] | `[[rule]]` |
//! | [`webchat`] | `[webchat]` |
//! | [`webhooks`] | `[[webhook]]` |
//! | [`staff`] | `[[staff]]` |
//! | [`accounts`] | `[channel]`: accounts at messaging channels |
//! | [`customers`] | `[customers]` and `[[website]]` |
//! | [`stored`] | settings of tenants that stand in no file |
//!
//! This file reads a folder and checks what holds over all tenants. To add a setting see
//! [`shape`]; to add a check: 1. put it beside the reading of its section, 2. a fixture under
//! `fixtures/settings/bad/` with the file and the report one wants to read.

pub mod accounts;
pub mod customers;
pub mod file;
pub mod folder;
mod hosts;
pub mod provider;
pub mod revision;
pub mod rules;
pub mod secrets;
pub mod shape;
pub mod staff;
pub mod stored;
pub mod urls;
pub mod webchat;
pub mod webhooks;
pub mod wording;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;
use url::Url;

use crate::config::read::read_text;
use crate::config::schema;
use crate::config::words::quoted;
use crate::config::{Config, Environment, Fault, Faults, Loaded, Place};
use crate::domain::ids::TenantId;
use crate::domain::tenant::Tenant;
use crate::egress::allow::Allow;

/// The name of the commented example, which is documentation and never a tenant.
pub const EXAMPLE: &str = "example";

/// What the reading of a tenant depends on beside its file.
#[derive(Debug, Clone, Copy)]
pub struct ReadContext<'a> {
    /// Scheme, base domain and port of all tenants.
    pub base_url: &'a Url,
    /// Exceptions from what URLs may name.
    pub allow: &'a [Allow],
    /// Ports that URLs may name.
    pub ports: &'a [u16],
    /// Accept secrets that stand in the file: for `countersign demo` only.
    pub dangerous_demo: bool,
    /// Where secrets are looked up.
    pub environment: &'a Environment,
    /// The key ring file, for secrets that are sealed.
    pub keys: &'a Path,
    /// Whether it stands in the store: such a tenant may have no provider yet.
    pub stored: bool,
    /// Whether secrets may be out of reach, as where nobody signs in: what needs one is then left out without a fault.
    pub without_secrets: bool,
}

impl<'a> ReadContext<'a> {
    /// The context of a process with these settings.
    pub fn of(config: &'a Config, environment: &'a Environment) -> Self {
        Self {
            base_url: &config.server.base_url,
            allow: &config.egress.allow,
            ports: &config.egress.ports,
            dangerous_demo: false,
            environment,
            keys: &config.keys,
            stored: false,
            without_secrets: false,
        }
    }
}

/// Reads every tenant of a folder, by name, or says everything that is wrong with any of them.
///
/// Files that do not end in `.toml` and hidden ones are not looked at; `example.toml` is left out
/// with a warning.
pub fn read_dir(dir: &Path, context: &ReadContext<'_>) -> Result<Loaded<Vec<Tenant>>, Faults> {
    let Loaded { value, warnings } = read_drafts_of(dir, context)?;
    Ok(Loaded { value: value.into_iter().filter_map(|read| read.draft.tenant).collect(), warnings })
}

/// Reads the tenants of some files, also of the example.
pub fn read_files(paths: &[PathBuf], context: &ReadContext<'_>) -> Result<Loaded<Vec<Tenant>>, Faults> {
    let Loaded { value, warnings } = read_drafts(paths, context)?;
    Ok(Loaded { value: value.into_iter().filter_map(|read| read.draft.tenant).collect(), warnings })
}

/// A file without fault.
struct Read {
    path: PathBuf,
    id: TenantId,
    text_hash: [u8; 32],
    draft: file::Draft,
}

fn read_drafts_of(dir: &Path, context: &ReadContext<'_>) -> Result<Loaded<Vec<Read>>, Faults> {
    let (examples, paths): (Vec<_>, Vec<_>) = list(dir)?.into_iter().partition(|path| is_example(path));
    let warnings: Vec<_> = examples.iter().map(|path| example_left_out(path)).collect();
    let mut read = read_drafts(&paths, context);
    match &mut read {
        Ok(loaded) => loaded.warnings.splice(0..0, warnings).for_each(drop),
        Err(faults) => faults.add_warnings(warnings),
    }
    read
}

fn read_drafts(paths: &[PathBuf], context: &ReadContext<'_>) -> Result<Loaded<Vec<Read>>, Faults> {
    let (mut drafts, mut faults, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    let mut owners: HashMap<String, (TenantId, Place)> = HashMap::new();
    for path in paths {
        let (id, text) = match open(path) {
            Ok(opened) => opened,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let text_hash = hash_of([text.as_bytes()]);
        let mut draft = file::read(&id, &path.display().to_string(), text, context);
        faults.append(&mut draft.faults);
        warnings.append(&mut draft.warnings);
        for (host, place) in &draft.hosts {
            if let Some((owner, first)) = owners.get(host) {
                let message = format!("the host {} belongs to the tenant `{owner}`", quoted(host));
                faults.push(
                    Fault::new(place.clone(), message)
                        .with_help(format!("{first} declares it; a host has one tenant")),
                );
            } else {
                owners.insert(host.clone(), (id.clone(), place.clone()));
            }
        }
        drafts.push(Read { path: path.clone(), id, text_hash, draft });
    }
    Faults::of(faults, warnings).map(|warnings| Loaded { value: drafts, warnings })
}

/// The JSON schema of a tenant's file (draft 2020-12).
pub fn json_schema() -> Value {
    schema::build(&shape::SHAPE, "Countersign tenant")
}

/// The `.toml` files of a folder, by name.
fn list(dir: &Path) -> Result<Vec<PathBuf>, Faults> {
    let name = dir.display().to_string();
    let fault = |error: std::io::Error| {
        Fault::new(
            Place::File(name.clone()),
            format!("the tenants' folder cannot be read: {}", error.to_string().to_lowercase()),
        )
        .with_help(
            "make it and put one file per tenant there, or name another with `--tenants` or `tenants.dir`",
        )
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let path = entry.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // Symbolic links are followed: a ConfigMap mounts its files as such. Of all others the folder itself
        // says what they are.
        let is_dir = || match entry.file_type() {
            Ok(kind) if !kind.is_symlink() => kind.is_dir(),
            _ => path.is_dir(),
        };
        if path.extension().is_some_and(|end| end == "toml") && !hidden && !is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The tenant's name, from the file's name, and the file's text.
fn open(path: &Path) -> Result<(TenantId, String), Fault> {
    let place = || Place::File(path.display().to_string());
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let id = stem.parse::<TenantId>().ok().filter(|id| *id != TenantId::platform()).ok_or_else(|| {
        Fault::new(place(), format!("the file's name is not a tenant's: {}", quoted(&stem)))
            .with_help("name it with 1 to 63 of `a-z`, `0-9` and `-`, no hyphen at the ends: it becomes a part of the host name")
    })?;
    let text = read_text(path)
        .map_err(|problem| Fault::new(place(), problem).with_help("check the file and its permissions"))?;
    Ok((id, text))
}

fn is_example(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == EXAMPLE)
}

/// The SHA-256 of some parts, each with its length in front, so that none runs into the next.
fn hash_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn example_left_out(path: &Path) -> Fault {
    Fault::new(
        Place::File(path.display().to_string()),
        "the commented example is documentation and is not served",
    )
    .with_help("copy it to `<tenant>.toml` and fill in your own values")
    .as_warning()
}
