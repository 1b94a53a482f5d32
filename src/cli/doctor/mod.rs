//! `countersign doctor`: asks everything that a login needs, and says in words what to fix. Nothing
//! is written.
//!
//! To add a check: 1. a function that gives back a [`Check`], 2. its line in [`examine`], 3. a test in
//! `tests/it/trial/doctor.rs`.

mod told;

use std::io::Write;
use std::sync::Arc;

use anyhow::bail;
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;
use serde::Serialize;
use url::Url;

use crate::app;
use crate::app::upkeep;
use crate::clock::Clock;
use crate::config::{Config, Environment, Mail, StoreUrl};
use crate::domain::ids::TenantId;
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::domain::trial::{Proposal, StageOutcome, StageReport};
use crate::egress::mail::Way;
use crate::flow::probe::{Probe, Target};
use crate::flow::redirect_uris::redirect_uris;
use crate::keyring::KeyRing;
use crate::tenants::{self, ReadContext};

use super::FAILED;
use super::args::DoctorArgs;

/// Providers that are asked at once.
const AT_ONCE: usize = 16;
/// A clock that is further off is told of.
const OFF: SignedDuration = SignedDuration::from_secs(30);

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(super) struct Check {
    /// What.
    pub(super) about: String,
    pub(super) steps: Vec<Line>,
    pub(super) proposals: Vec<Proposal>,
    /// What must be registered at a provider.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) redirect_uris: Vec<String>,
    #[serde(skip)]
    clocks: Vec<(String, SignedDuration)>,
}

/// One line of it.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) step: &'static str,
    pub(super) outcome: StageOutcome,
    pub(super) ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) found: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

/// Looks at everything and prints what was found. 1 if something failed.
pub fn run(args: &DoctorArgs, environment: &Environment, out: &mut dyn Write) -> anyhow::Result<u8> {
    let config = Config::read(&args.settings.flags(), environment)?.value;
    let read = tenants::read_dir(&config.tenants, &ReadContext::of(&config, environment))?.value;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let clock = Clock::system();
    let in_store = runtime.block_on(upkeep::stored_tenants(&config, &clock));
    let is_wanted = |id: &TenantId| args.tenant.as_ref().is_none_or(|wanted| id == wanted);
    let (stored, unserved) = match in_store {
        Ok(stored) => (stored.served, not_served(stored.remarks, is_wanted)),
        // Why, the check of the store says.
        Err(_) => (Vec::new(), vec![unread()]),
    };
    let tenants: Vec<Tenant> =
        read.into_iter().chain(stored).filter(|tenant| is_wanted(&tenant.id)).collect();
    // What is not served may be what was asked for: then it is told why.
    let is_all = unserved.is_empty();
    if let Some(wanted) = args.tenant.as_ref().filter(|_| tenants.is_empty() && is_all) {
        bail!("there is no tenant `{wanted}` in `{}` or in the store", config.tenants.display());
    }
    let asked = |provider: &Arc<Provider>| args.provider.as_ref().is_none_or(|wanted| provider.id == *wanted);
    if let Some(wanted) = &args.provider
        && is_all
        && !tenants.iter().flat_map(|tenant| &tenant.providers).any(asked)
    {
        bail!("no tenant has a provider `{wanted}`");
    }
    let mut checks = runtime.block_on(examine(&config, &clock, &tenants, asked))?;
    checks.extend(unserved);
    let failed = checks.iter().any(|check| check.has(StageOutcome::Failed));
    if args.json {
        let answer = serde_json::json!({"ok": !failed, "checks": checks});
        writeln!(out, "{answer:#}")?;
    } else {
        out.write_all(told::text(&checks).as_bytes())?;
    }
    Ok(if failed { FAILED } else { 0 })
}

/// Everything, in the order in which it is told.
async fn examine(
    config: &Config,
    clock: &Clock,
    tenants: &[Tenant],
    asked: impl Fn(&Arc<Provider>) -> bool,
) -> anyhow::Result<Vec<Check>> {
    let probe = app::probe(config, clock)?;
    let mut checks = vec![store(config, clock).await, keys(config), mail(config).await];
    let providers = tenants.iter().flat_map(|tenant| {
        tenant.providers.iter().filter(|provider| asked(provider)).map(move |one| (tenant, one))
    });
    let of_providers = stream::iter(providers.map(|(tenant, one)| provider(&probe, tenant, one)));
    let of_providers: Vec<Check> = of_providers.buffered(AT_ONCE).collect().await;
    let webhooks =
        tenants.iter().flat_map(|tenant| tenant.webhooks.iter().map(move |webhook| (tenant, webhook)));
    let webhooks = webhooks.map(|(tenant, webhook)| {
        let about = format!("tenant {}, webhook {}", tenant.id, webhook.id);
        hosts(&probe, tenant, about, vec![webhook.url.clone()])
    });
    let of_webhooks: Vec<Check> = stream::iter(webhooks).buffered(AT_ONCE).collect().await;
    checks.push(clocks(of_providers.iter().chain(&of_webhooks)));
    checks.extend(of_providers);
    checks.extend(of_webhooks);
    Ok(checks)
}

async fn store(config: &Config, clock: &Clock) -> Check {
    let line = match &config.store {
        StoreUrl::Sqlite(path) if !path.exists() => Line::warning(
            "store",
            format!("there is no `{}` yet", path.display()),
            "nothing to do: `serve` makes it; see that its folder can be written",
        ),
        _ => match upkeep::ping_store(config, clock).await {
            Ok(()) => Line::ok("store", "it answers, and may be used"),
            Err(error) => Line::failed(
                "store",
                format!("{error:#}"),
                "start it, or correct `store.url`; docs/operations.md says what it must promise",
            ),
        },
    };
    Check::of("store", vec![line])
}

/// The tenants of the store that nobody is served from.
fn not_served(remarks: Vec<(TenantId, String)>, is_wanted: impl Fn(&TenantId) -> bool) -> Vec<Check> {
    let check = |(id, text): (TenantId, String)| {
        let remedy =
            "change it by `/v1/tenants`, or take the file or the stored tenant away; docs/tenants.md";
        Check::of(&format!("tenant {id} of the store"), vec![Line::warning("settings", text, remedy)])
    };
    remarks.into_iter().filter(|(id, _)| is_wanted(id)).map(check).collect()
}

/// The tenants of the store could not be read.
fn unread() -> Check {
    let cause = "they were not read, so that their providers were not asked".to_owned();
    Check::of("tenants of the store", vec![Line::warning("settings", cause, "see what is said of the store")])
}

fn keys(config: &Config) -> Check {
    let line = match KeyRing::read(&config.keys) {
        Ok(ring) => {
            let (seal, sign) = (ring.seal_keys().len(), ring.sign_keys().len());
            Line::ok("keys", format!("{seal} to seal, {sign} to sign"))
        }
        Err(faults) => Line::failed(
            "keys",
            format!("`{}` cannot be used: {faults}", config.keys.display()),
            "`countersign check` shows the place; `countersign key new --out keys.toml` makes a new one",
        ),
    };
    Check::of("key ring", vec![line])
}

/// Whether letters could go out. None is sent.
async fn mail(config: &Config) -> Check {
    let line = match &config.mail {
        None => Line::skipped(
            "mail",
            "no mail is set up (`[mail]`): staff get no codes, and invitations are handed over",
        ),
        Some(Mail { way: Way::DangerousLog, .. }) => Line::warning(
            "mail",
            "letters go into the log, with the codes in them".to_owned(),
            "name a mail server in `mail.url` before anybody else uses this",
        ),
        Some(Mail { way, sender }) => match way.probe(sender).await {
            Ok(()) if matches!(way, Way::Relay(_)) => {
                Line::ok("mail", "the mail server answers, and takes our login")
            }
            Ok(()) => Line::warning(
                "mail",
                "letters go into a folder, and none is sent".to_owned(),
                "name a mail server in `mail.url` before anybody else uses this",
            ),
            Err(error) => {
                let remedy =
                    "see `mail.url` in docs/settings.md, and docs/staff.md for what each fault means";
                Line::failed("mail", error.to_string(), remedy)
            }
        },
    };
    Check::of("mail", vec![line])
}

/// One provider, from its name to its WhoAmI.
async fn provider(probe: &Probe, tenant: &Tenant, provider: &Arc<Provider>) -> Check {
    let target = Target { tenant, provider, deadline: probe.deadline() };
    let mut seen = probe.begin(&target).await;
    if let Some(server) = seen.server.clone() {
        let ((token, proposals), whoami) =
            tokio::join!(probe.token(&target, &server), probe.whoami(&target, &server));
        seen.steps.extend([token, whoami]);
        seen.proposals.extend(proposals);
    }
    let uris = redirect_uris(tenant, provider).into_iter().filter(|uri| uri.required).map(|uri| uri.uri);
    Check {
        about: format!("tenant {}, provider {}", tenant.id, provider.id),
        steps: seen.steps.into_iter().map(Line::of).collect(),
        proposals: seen.proposals,
        redirect_uris: uris.collect(),
        clocks: seen.clocks,
    }
}

async fn hosts(probe: &Probe, tenant: &Tenant, about: String, urls: Vec<Url>) -> Check {
    let seen = probe.hosts(tenant, urls, probe.deadline()).await;
    let steps = seen.steps.into_iter().map(Line::of).collect();
    Check { clocks: seen.clocks, ..Check::of(&about, steps) }
}

/// Our clock against those of all hosts: one of them may be wrong, most of them are not.
fn clocks<'a>(checks: impl Iterator<Item = &'a Check>) -> Check {
    let mut ahead: Vec<SignedDuration> =
        checks.flat_map(|check| check.clocks.iter().map(|(_, ahead)| *ahead)).collect();
    ahead.sort_unstable();
    let line = match ahead.get(ahead.len() / 2) {
        None => Line::skipped("clock", "no host by https said what time it is"),
        Some(middle) if middle.abs() > OFF => Line::warning(
            "clock",
            format!(
                "our clock is {} s {} those of {} hosts",
                middle.as_secs().abs(),
                side(*middle),
                ahead.len()
            ),
            "set the clock of this machine (NTP): id_tokens and codes are judged by it",
        ),
        Some(middle) => {
            Line::ok("clock", format!("within {} s of {} hosts", middle.as_secs().abs() + 1, ahead.len()))
        }
    };
    Check::of("clock", vec![line])
}

fn side(ahead: SignedDuration) -> &'static str {
    if ahead.is_positive() { "behind" } else { "ahead of" }
}

impl Check {
    fn of(about: &str, steps: Vec<Line>) -> Self {
        Self {
            about: about.to_owned(),
            steps,
            proposals: Vec::new(),
            redirect_uris: Vec::new(),
            clocks: Vec::new(),
        }
    }

    fn has(&self, outcome: StageOutcome) -> bool {
        self.steps.iter().any(|line| line.outcome == outcome)
    }
}

impl Line {
    fn of(report: StageReport) -> Self {
        let StageReport { step, outcome, ms, found, cause, remedy, .. } = report;
        Self { step: step.as_str(), outcome, ms, found, cause, remedy }
    }

    fn ok(step: &'static str, found: impl Into<String>) -> Self {
        let found = Some(found.into());
        Self { step, outcome: StageOutcome::Ok, ms: 0, found, cause: None, remedy: None }
    }

    fn skipped(step: &'static str, found: &str) -> Self {
        Self { outcome: StageOutcome::Skipped, ..Self::ok(step, found) }
    }

    fn warning(step: &'static str, cause: String, remedy: &str) -> Self {
        Self { outcome: StageOutcome::Warning, ..Self::failed(step, cause, remedy) }
    }

    fn failed(step: &'static str, cause: String, remedy: &str) -> Self {
        let (cause, remedy) = (Some(cause), Some(remedy.to_owned()));
        Self { step, outcome: StageOutcome::Failed, ms: 0, found: None, cause, remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: &[i64]) -> Check {
        let clocks = seconds.iter().map(|ahead| ("h".to_owned(), SignedDuration::from_secs(*ahead)));
        Check { clocks: clocks.collect(), ..Check::of("x", Vec::new()) }
    }

    #[test]
    fn one_wrong_host_does_not_make_our_clock_wrong() {
        let outcome = |seconds: &[i64]| clocks([check(seconds)].iter()).steps[0].outcome;
        assert_eq!(outcome(&[]), StageOutcome::Skipped);
        assert_eq!(outcome(&[0, 1, 4000]), StageOutcome::Ok);
        assert_eq!(outcome(&[-90, -91, 0]), StageOutcome::Warning);
        let told = clocks([check(&[90])].iter()).steps.remove(0).cause.unwrap();
        assert_eq!(told, "our clock is 90 s behind those of 1 hosts");
    }
}
