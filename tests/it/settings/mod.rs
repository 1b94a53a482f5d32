//! Settings: the files under `fixtures/settings`, the schema, the main settings, the command line.
//!
//! To add a case of a broken file: 1. `fixtures/settings/bad/<what>.toml`, 2. `UPDATE_FIXTURES=1
//! cargo test --test it settings::` writes the report beside it, 3. read that report as the person
//! who made the mistake.

#![expect(clippy::unwrap_used, reason = "clippy knows tests by their attribute, and what they call has none")]

mod command_line;
mod files;
mod folder;
mod main_settings;
mod schema;

use std::path::{Path, PathBuf};

use countersign::config::Environment;
use countersign::egress::allow::Allow;
use countersign::tenants::ReadContext;
use url::Url;

use crate::harness::receiver::{HOOK_SECRET, NEXT_SECRET};

/// What the tenants of the fixtures are read with.
struct Surroundings {
    base_url: Url,
    allow: Vec<Allow>,
    environment: Environment,
}

impl Surroundings {
    fn new() -> Self {
        Self {
            base_url: "https://tenants.example".parse().unwrap(),
            allow: vec!["allowed-host=localhost:9000".parse().unwrap()],
            environment: [
                ("ACME_SECRET", "a secret"),
                ("APPLE", "YSBzZWNyZXQ="),
                ("BLANK", "  "),
                ("HOOK", HOOK_SECRET),
                ("HOOK_NEXT", NEXT_SECRET),
            ]
            .into_iter()
            .collect(),
        }
    }

    fn context(&self) -> ReadContext<'_> {
        ReadContext {
            stored: false,
            without_secrets: false,
            base_url: &self.base_url,
            allow: &self.allow,
            ports: &[443, 8443],
            dangerous_demo: false,
            environment: &self.environment,
            keys: Path::new("no-keys.toml"),
        }
    }
}

/// The `.toml` files of a folder of fixtures, by name; at least one.
fn fixtures(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new("fixtures/settings").join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    assert!(!paths.is_empty(), "there are fixtures in {folder}");
    paths
}

/// Compares a report with the text beside its file; `UPDATE_FIXTURES=1` writes it instead.
fn compare_beside(path: &Path, report: &str) {
    let beside = path.with_extension("txt");
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        if report.is_empty() {
            let _ = std::fs::remove_file(&beside);
        } else {
            std::fs::write(&beside, report).unwrap();
        }
    }
    let expected = std::fs::read_to_string(&beside).unwrap_or_default();
    assert_eq!(report, expected, "the report on {} (UPDATE_FIXTURES=1 rewrites it)", path.display());
}
