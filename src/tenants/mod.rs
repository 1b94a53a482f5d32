//! The tenants' files: `tenants/acme.toml` is the tenant `acme`.
//!
//! | file | what it holds |
//! |---|---|
//! | [`shape`] | the table of every setting; start here |
//! | [`mod@file`] | one file: hosts, binding, and the way to the rest |
//! | [`provider`] | `[[provider]]`, with [`urls`], [`secrets`] and [`revision`] |
//! | [`wording`] | `[[snippet]]` and `[return]` |
//! | [`rules`] | `[[rule]]` |
//!
//! This file reads a folder and checks what holds over all tenants. To add a setting see
//! [`shape`]; to add a check: 1. put it beside the reading of its section, 2. a fixture under
//! `fixtures/settings/bad/` with the file and the report one wants to read.

pub mod file;
pub mod provider;
pub mod revision;
pub mod rules;
pub mod secrets;
pub mod shape;
pub mod urls;
pub mod wording;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

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
        }
    }
}

/// Reads every tenant of a folder, by name, or says everything that is wrong with any of them.
///
/// Files that do not end in `.toml` and hidden ones are not looked at; `example.toml` is left out
/// with a warning.
pub fn read_dir(dir: &Path, context: &ReadContext<'_>) -> Result<Loaded<Vec<Tenant>>, Faults> {
    let mut warnings = Vec::new();
    let paths = list(dir)?.into_iter().filter(|path| {
        let is_example = path.file_stem().is_some_and(|stem| stem == EXAMPLE);
        if is_example {
            warnings.push(example_left_out(path));
        }
        !is_example
    });
    let paths: Vec<PathBuf> = paths.collect();
    let mut read = read_files(&paths, context);
    match &mut read {
        Ok(loaded) => loaded.warnings.splice(0..0, warnings).for_each(drop),
        Err(faults) => faults.add_warnings(warnings),
    }
    read
}

/// Reads the tenants of some files, also of the example.
pub fn read_files(paths: &[PathBuf], context: &ReadContext<'_>) -> Result<Loaded<Vec<Tenant>>, Faults> {
    let (mut tenants, mut faults, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    let mut owners: HashMap<String, (TenantId, Place)> = HashMap::new();
    for path in paths {
        let (id, text) = match open(path) {
            Ok(opened) => opened,
            Err(fault) => {
                faults.push(fault);
                continue;
            }
        };
        let draft = file::read(&id, &path.display().to_string(), text, context);
        faults.extend(draft.faults);
        warnings.extend(draft.warnings);
        tenants.extend(draft.tenant);
        for (host, place) in draft.hosts {
            if let Some((owner, first)) = owners.get(&host) {
                let message = format!("the host {} belongs to the tenant `{owner}`", quoted(&host));
                faults.push(
                    Fault::new(place, message)
                        .with_help(format!("{first} declares it; a host has one tenant")),
                );
            } else {
                owners.insert(host, (id.clone(), place));
            }
        }
    }
    match Faults::of(faults, warnings) {
        Ok(warnings) => Ok(Loaded { value: tenants, warnings }),
        Err(faults) => Err(faults),
    }
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
        let path = entry.map_err(fault)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // Symbolic links are followed: a ConfigMap mounts its files as such.
        if path.extension().is_some_and(|end| end == "toml") && !hidden && !path.is_dir() {
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

fn example_left_out(path: &Path) -> Fault {
    Fault::new(
        Place::File(path.display().to_string()),
        "the commented example is documentation and is not served",
    )
    .with_help("copy it to `<tenant>.toml` and fill in your own values")
    .as_warning()
}
