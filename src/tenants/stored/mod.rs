//! Settings of tenants that stand in no file: from the API's JSON to the text of a tenant file, which
//! [`super::file`] reads as it reads all others, and back. Everything here goes by the table of
//! settings ([`super::shape`]): a new setting needs nothing.
//!
//! | file | what it holds |
//! |---|---|
//! | `names` | what a setting is called in JSON, and where its table stands |
//! | `take` | from JSON to a tree of settings; secrets are taken out |
//! | `write` | from a tree to the text of a file, and from places in it back to JSON pointers |
//! | `show` | from a tree to JSON, without secrets; what differs between two trees |
//! | `describe` | the table of settings as people read of it |
//! | `parsed` | from the text of a file to a tree |
//!
//! To add a kind of setting: 1. its variant of [`crate::config::shape::Kind`], 2. its arm in `take`, `write` and
//! `show` (the compiler asks where it matters), 3. a case in the tests of `take`.

mod describe;
mod names;
mod parsed;
mod show;
mod take;
mod write;

use std::fs;

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::domain::ids::TenantId;
use crate::domain::stored::{Difference, Secrets, Settings};
use crate::domain::tenant::Served;
use crate::flow::settings::described::Described;
use crate::flow::settings::format::{Format, Part, Reading, Remark};

use super::revision::digits_of;
use super::{ReadContext, file, hash_of};

/// Reads and writes settings of a process with these settings of its own.
#[derive(Debug)]
pub struct StoredFormat {
    config: Config,
    clock: Clock,
}

impl StoredFormat {
    /// With the settings of this process.
    pub fn new(config: &Config, clock: Clock) -> Self {
        Self { config: config.clone(), clock }
    }
}

impl Format for StoredFormat {
    fn take(
        &self,
        part: Part,
        sent: &Map<String, Value>,
        before: Option<&Settings>,
        secrets: &mut Secrets,
    ) -> Result<Settings, Vec<Remark>> {
        take::take(names::shape_of(part), sent, before, secrets, &self.clock)
    }

    fn read(
        &self,
        id: &TenantId,
        document: &Settings,
        providers: &[&Settings],
        secrets: &Secrets,
    ) -> Result<Reading, Vec<Remark>> {
        let written = write::write(&whole(document, providers));
        // The tenant's own secrets are all the environment that there is: no variable of the process can be reached.
        let environment: Environment = secrets.iter().map(|(name, secret)| (name, secret.expose())).collect();
        let context = ReadContext { stored: true, ..ReadContext::of(&self.config, &environment) };
        let name = format!("the stored tenant `{id}`");
        let draft = file::read(id, &name, written.text.clone(), &context);
        let remarks = |faults: &[crate::config::Fault]| -> Vec<Remark> {
            faults.iter().map(|fault| written.remark(fault)).collect()
        };
        let warnings = remarks(&draft.warnings);
        match draft.tenant {
            Some(tenant) => Ok(Reading { tenant, warnings }),
            None => Err(remarks(&draft.faults)),
        }
    }

    fn show(&self, part: Part, settings: &Settings, secrets: &Secrets) -> Map<String, Value> {
        show::show(names::shape_of(part), settings, secrets)
    }

    fn differences(&self, part: Part, before: &Settings, after: &Settings) -> Vec<Difference> {
        show::differences(names::shape_of(part), before, after)
    }

    fn describe(&self, part: Part) -> Vec<Described> {
        describe::describe(names::shape_of(part))
    }

    fn export(&self, id: &TenantId, document: &Settings, providers: &[&Settings]) -> String {
        write::export(id, &whole(document, providers))
    }

    fn of_file(&self, served: &Served) -> Option<(Settings, Vec<Settings>)> {
        let text = fs::read_to_string(served.source.as_ref()?).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        if Some(digits_of(&hash_of([text.as_bytes()]))) != served.revision {
            return None;
        }
        let mut document = parsed::parse(text)?;
        let providers = match document.shift_remove("provider") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let tables = providers.into_iter().filter_map(|item| match item {
            Value::Object(tree) => Some(tree),
            _ => None,
        });
        Some((document, tables.collect()))
    }
}

/// A tenant's whole tree, in the order of a file. A list of providers is always there: that a tenant has none yet is
/// for [`mod@file`] to judge.
fn whole(document: &Settings, providers: &[&Settings]) -> Settings {
    let mut whole = document.clone();
    let list = providers.iter().map(|settings| Value::Object((*settings).clone())).collect();
    whole.insert("provider".to_owned(), Value::Array(list));
    whole
}
