//! `countersign check`: settings, tenants and key ring, with a caret under each fault.

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;

use crate::app::upkeep::stored_tenants;
use crate::clock::Clock;
use crate::config::{Config, Environment, Fault, Faults, Look, Place};
use crate::domain::tenant::Tenant;
use crate::keyring::{KeyRing, KeyState};
use crate::tenants::{self, ReadContext};

use super::args::CheckArgs;
use super::{FAILED, render_all};

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checks everything and prints a report. 0 if nothing is at fault, else 1.
pub fn run(
    args: &CheckArgs,
    environment: &Environment,
    look: Look,
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let (summary, faults, warnings) = match examine(args, environment) {
        Ok((summary, warnings)) => (summary, Vec::new(), warnings),
        Err(found) => {
            let faults: Vec<Fault> = found.iter().cloned().collect();
            (counted(faults.len(), "fault"), faults, found.warnings().to_vec())
        }
    };
    for found in [&warnings, &faults] {
        if !found.is_empty() {
            writeln!(out, "{}", render_all(found, look))?;
        }
    }
    let warned =
        if warnings.is_empty() { String::new() } else { format!(", {}", counted(warnings.len(), "warning")) };
    writeln!(out, "{summary}{warned}")?;
    Ok(if faults.is_empty() { 0 } else { FAILED })
}

/// Everything that `serve` would read, in one go.
fn examine(args: &CheckArgs, environment: &Environment) -> Result<(String, Vec<Fault>), Faults> {
    let config = Config::read(&args.settings.flags(), environment)?;
    let context = ReadContext::of(&config.value, environment);
    let read = if args.files.is_empty() {
        tenants::read_dir(&config.value.tenants, &context)
    } else {
        tenants::read_files(&args.files, &context)
    };
    let (mut faults, mut warnings) = (Vec::new(), config.warnings);
    let mut summary = String::new();
    match read {
        Ok(loaded) => {
            let providers = loaded.value.iter().map(|tenant| tenant.providers.len()).sum();
            let tenants = counted(loaded.value.len(), "tenant");
            summary = format!("{tenants}, {}: no fault", counted(providers, "provider"));
            warnings.extend(loaded.warnings);
            warnings.extend(codes_without_mail(&config.value, &loaded.value));
        }
        Err(found) => {
            warnings.extend_from_slice(found.warnings());
            faults.extend(found.iter().cloned());
        }
    }
    check_keys(&config.value, &mut faults, &mut warnings);
    if args.files.is_empty() && config.value.keys.exists() {
        warnings.extend(check_stored(&config.value));
    }
    Faults::of(faults, warnings).map(|warnings| (summary, warnings))
}

/// Customers who shall sign in by emailed codes need somebody who carries letters.
fn codes_without_mail(config: &Config, tenants: &[Tenant]) -> Vec<Fault> {
    let wanting = tenants.iter().filter(|tenant| tenant.customers.email_code && config.mail.is_none());
    let warning = |tenant: &Tenant| {
        let message = "customers shall sign in by emailed codes, and no mail server is set up";
        let help = "add `[mail]` to the main settings, or take `email_code` out; until then they are told that it cannot be done";
        Fault::new(Place::File(format!("the tenant `{}`", tenant.id)), message).with_help(help).as_warning()
    };
    wanting.map(warning).collect()
}

/// A missing key ring is no fault here: `check` also runs where the keys are not.
fn check_keys(config: &Config, faults: &mut Vec<Fault>, warnings: &mut Vec<Fault>) {
    if config.keys.exists() {
        match KeyRing::read(&config.keys) {
            Ok(ring) => warnings.extend(key_warnings(config, &ring)),
            Err(found) => faults.extend(found.iter().cloned()),
        }
    } else {
        let place = Place::File(config.keys.display().to_string());
        warnings.push(
            Fault::new(place, "there is no key ring; `serve` does not start without one")
                .with_help("make one with `countersign key new --out keys.toml`")
                .as_warning(),
        );
    }
}

/// The store's own tenants, if there is a store: one that cannot be looked at now is no fault of the settings.
fn check_stored(config: &Config) -> Vec<Fault> {
    let look = async {
        let clock = Clock::system();
        tokio::time::timeout(PATIENCE, stored_tenants(config, &clock)).await.context("it does not answer")?
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let looked = runtime.context("no thread can be started").and_then(|runtime| runtime.block_on(look));
    match looked {
        Ok(read) => read
            .remarks
            .into_iter()
            .map(|(id, text)| {
                Fault::new(Place::File(format!("the store's tenant `{id}`")), text).as_warning()
            })
            .collect(),
        Err(error) => {
            let place = Place::File(format!("the store of {}", config.origin("store.url")));
            let text = format!("its tenants were not looked at: {error:#}");
            vec![Fault::new(place, text).with_help("`countersign doctor` asks the store").as_warning()]
        }
    }
}

/// What an operator began and has not finished, or has finished and could clear away.
fn key_warnings(config: &Config, ring: &KeyRing) -> Vec<Fault> {
    let warning = |message: String, help: &str| {
        let place = Place::File(config.keys.display().to_string());
        Fault::new(place, message).with_help(help).as_warning()
    };
    let mut warnings = Vec::new();
    let index = ring.index_keys();
    if index.expose_previous().is_some() {
        let help = "run `countersign key reindex`, which drops it when nothing needs it";
        warnings.push(warning("the previous index key is still there".to_owned(), help));
    }
    for key in ring.seal_keys().iter().filter(|key| key.state() == KeyState::Revoked) {
        let message = format!("the seal key `{}` is revoked: what it sealed cannot be read", key.id());
        warnings.push(warning(message, "make it `retired` if something of it is still needed"));
    }
    let nexts = [
        ring.seal_keys().iter().filter(|key| key.state() == KeyState::Next).count(),
        ring.sign_keys().iter().filter(|key| key.state() == KeyState::Next).count(),
    ];
    for (kind, _) in ["seal", "sign"].into_iter().zip(nexts).filter(|(_, count)| *count > 1) {
        let message = format!("more than one {kind} key is next");
        warnings.push(warning(message, "`countersign key rotate` takes the first; take the others out"));
    }
    warnings
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
