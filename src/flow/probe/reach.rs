//! Whether the provider's hosts can be reached and believed, and what its issuer says.

use std::collections::BTreeSet;
use std::time::Instant;

use futures_util::future::join_all;
use jiff::SignedDuration;
use url::Url;

use crate::domain::fault::Step;
use crate::domain::ids::TenantId;
use crate::domain::provider::{Identity, Provider};
use crate::domain::tenant::Tenant;
use crate::domain::trial::{Proposal, Stage, StageOutcome, StageReport};
use crate::egress::cache::fault::MetadataFault;
use crate::egress::error::EgressError;
use crate::egress::reach::Met;
use crate::oauth::metadata::{Metadata, NoMetadata};
use crate::oauth::server::Server;

use super::{Probe, Seen, Target};

/// A certificate that ends so soon is told of.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

impl Probe {
    /// The steps `dns`, `tls`, `discovery` and `jwks`.
    pub async fn reach(&self, target: &Target<'_>) -> Seen {
        let mut seen = Seen::default();
        let mut known = BTreeSet::new();
        self.connect(
            (&target.tenant.id, target.deadline),
            configured(target.provider),
            &mut known,
            &mut seen,
        )
        .await;
        if !seen.has_failed() {
            seen.server = self.discover(target, &mut seen).await;
        }
        if let Some(server) = seen.server.clone().filter(|_| !seen.has_failed()) {
            self.connect((&target.tenant.id, target.deadline), announced(&server), &mut known, &mut seen)
                .await;
            if !seen.has_failed() {
                let report = self.keys(target, &server).await;
                seen.steps.push(report);
            }
        }
        seen.skip(&[Stage::Dns, Stage::Tls, Stage::Discovery, Stage::Jwks]);
        seen
    }

    /// The steps `dns` and `tls` for some addresses of a tenant that no login goes to, such as webhooks.
    pub async fn hosts(&self, tenant: &Tenant, urls: Vec<Url>, deadline: Instant) -> Seen {
        let mut seen = Seen::default();
        self.connect((&tenant.id, deadline), urls, &mut BTreeSet::new(), &mut seen).await;
        seen
    }

    /// Looks every host up that is not `known` yet, and makes a connection to it.
    async fn connect(
        &self,
        (tenant, deadline): (&TenantId, Instant),
        urls: Vec<Url>,
        known: &mut BTreeSet<String>,
        seen: &mut Seen,
    ) {
        let fresh = |url: &Url| known.insert(url.origin().ascii_serialization());
        let hosts: Vec<Url> = urls.into_iter().filter(fresh).collect();
        if hosts.is_empty() {
            return;
        }
        let look_up = async |url: &Url| {
            self.client.check_url(tenant, url).map_err(|error| Box::new(not_allowed(url, &error)))?;
            let found = self.client.look_up(url, deadline).await;
            found.map(|count| format!("{}: {count}", host_of(url))).map_err(|error| {
                let name = host_of(url);
                Box::new(StageReport::failed(
                    Stage::Dns,
                    "name_unknown",
                    format!("`{name}`: {error}"),
                    format!(
                        "correct the host `{name}` in the provider's settings, or have its DNS entry made"
                    ),
                ))
            })
        };
        let (looked, ms) = self.timed(join_all(hosts.iter().map(look_up))).await;
        let dns = gathered(looked, |found| format!("addresses: {}", found.join(", ")), Stage::Dns);
        let is_found = dns.outcome != StageOutcome::Failed;
        seen.steps.push(dns.taking(ms));
        if is_found {
            self.meet((tenant, deadline), &hosts, seen).await;
        }
    }

    async fn meet(&self, (tenant, deadline): (&TenantId, Instant), hosts: &[Url], seen: &mut Seen) {
        let meet = async |url: &Url| match url.scheme() {
            "https" => self.client.meet(tenant, url, deadline).await.map(Some),
            _ => Ok(None),
        };
        let (met, ms) = self.timed(join_all(hosts.iter().map(meet))).await;
        let now = self.clock.now();
        let mut soon = None;
        let read = hosts.iter().zip(met).map(|(url, met)| {
            let host = host_of(url);
            let met = match met {
                Ok(Some(met)) => met,
                Ok(None) => return Ok(format!("{host}: plain http, nothing to prove")),
                // Whoever speaks TLS and then no HTTP has proved who it is.
                Err(EgressError::Broken | EgressError::TooLarge) => {
                    Met { certificate_ends: None, date: None }
                }
                Err(error) => return Err(Box::new(unmet(url, &error))),
            };
            seen.clocks.extend(met.date.map(|date| (host.clone(), date.duration_since(now))));
            if let Some(ends) = met.certificate_ends
                && ends.duration_since(now) < SOON
            {
                soon = Some(format!("the certificate of `{host}` ends on {ends}"));
            }
            Ok(met.certificate_ends.map_or_else(
                || format!("{host}: trusted"),
                |ends| format!("{host}: trusted, certificate until {ends}"),
            ))
        });
        let mut tls = gathered(read.collect(), |found| found.join(", "), Stage::Tls);
        if let Some(soon) = soon.filter(|_| tls.outcome == StageOutcome::Ok) {
            let remedy = "have it renewed in time: with an expired one no login works";
            tls = StageReport {
                found: tls.found,
                ..StageReport::warning(Stage::Tls, "certificate_ends_soon", soon, remedy)
            };
        }
        seen.steps.push(tls.taking(ms));
    }

    /// Reads the issuer's metadata, and puts them together with the settings.
    async fn discover(&self, target: &Target<'_>, seen: &mut Seen) -> Option<Server> {
        let provider = target.provider;
        let mut report = StageReport::skipped(Stage::Discovery, "no `issuer` is set");
        let mut metadata = None;
        if let Some(issuer) = &provider.oidc.issuer {
            let asked = self.documents.fetch_metadata(&target.tenant.id, issuer, target.deadline);
            let (asked, ms) = self.timed(asked).await;
            report = match asked {
                Ok(found) => {
                    let text = told(&found);
                    metadata = Some(found);
                    StageReport::ok(Stage::Discovery, text)
                }
                Err(fault) => {
                    seen.proposals.extend(other_issuer(&fault));
                    undiscovered(provider, issuer, &fault)
                }
            }
            .taking(ms);
        }
        let failed = report.outcome == StageOutcome::Failed;
        let server = Server::of(provider, metadata.as_ref());
        if let (Err(incomplete), false) = (&server, failed) {
            let remedy = "write the address that is missing, or an `issuer` whose metadata have it";
            report = StageReport::failed(Stage::Discovery, "incomplete", incomplete.to_string(), remedy);
        }
        seen.steps.push(report);
        server.ok().filter(|_| !failed)
    }

    /// Reads the provider's keys where a login needs them.
    async fn keys(&self, target: &Target<'_>, server: &Server) -> StageReport {
        let provider = target.provider;
        let needed = provider.is_openid() || provider.identity == Identity::AccessToken;
        let Some(url) = server.jwks_url.as_ref().filter(|_| needed || provider.oidc.userinfo_alg.is_some())
        else {
            return StageReport::skipped(Stage::Jwks, "nothing that is signed is read");
        };
        let asked = self.documents.fetch_keys(&target.tenant.id, url, target.deadline);
        let (asked, ms) = self.timed(asked).await;
        match asked {
            Ok((keys, _)) if keys.is_empty() => StageReport::failed(
                Stage::Jwks,
                "jwks_failed",
                format!("`{url}` holds no key that can be used"),
                "have the provider publish the public keys that it signs with",
            ),
            Ok((keys, _)) => {
                let skipped = keys.skipped().len();
                StageReport::ok(Stage::Jwks, format!("{} keys, {skipped} of no use here", keys.len()))
            }
            Err(fault) => StageReport::failed(
                Stage::Jwks,
                fault.at(Step::IdToken).code.as_str(),
                format!("the keys at `{url}` cannot be read: {fault}"),
                "correct `jwks_url`, or leave it out where the issuer's metadata name the keys",
            ),
        }
        .taking(ms)
    }
}

/// Every address that the settings name.
fn configured(provider: &Provider) -> Vec<Url> {
    let issuer = provider.oidc.issuer.as_ref().and_then(|issuer| issuer.parse().ok());
    let calls = provider.whoami.iter().chain(provider.further_whoami.iter().map(|(_, call)| call));
    let whoami =
        calls.filter_map(|call| call.url.as_str().parse().ok().filter(|_| !call.url.as_str().contains('{')));
    let exchange = provider.exchange.as_ref().map(|exchange| exchange.url.clone());
    let own = [provider.authorize_url.clone(), provider.oidc.jwks_url.clone()];
    let tokens = provider.token_urls().cloned();
    own.into_iter().flatten().chain(tokens).chain(issuer).chain(whoami).chain(exchange).collect()
}

/// Every address that the metadata add.
fn announced(server: &Server) -> Vec<Url> {
    let whoami = server.whoami.as_ref().and_then(|call| call.url.as_str().parse().ok());
    let known = [server.jwks_url.clone(), server.par_url.clone(), whoami];
    [server.authorize_url.clone(), server.token_url.clone()]
        .into_iter()
        .chain(known.into_iter().flatten())
        .collect()
}

/// Host and, where it is not the scheme's own, port.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// One report of many hosts: the first that fails says why.
fn gathered(
    read: Vec<Result<String, Box<StageReport>>>,
    found: impl FnOnce(Vec<String>) -> String,
    step: Stage,
) -> StageReport {
    let all: Result<Vec<String>, Box<StageReport>> = read.into_iter().collect();
    all.map_or_else(|failed| *failed, |texts| StageReport::ok(step, found(texts)))
}

fn not_allowed(url: &Url, error: &EgressError) -> StageReport {
    StageReport::failed(
        Stage::Dns,
        "url_refused",
        format!("`{url}`: {error}"),
        "use a public https address, or have the operator list the host and port in `egress.allow`",
    )
}

/// Why there is no trusted connection, and what helps.
pub(in crate::flow) fn unmet(url: &Url, error: &EgressError) -> StageReport {
    let host = host_of(url);
    let (code, remedy) = match error {
        EgressError::Tls(text) if text.contains("expired") => (
            "certificate_expired",
            format!(
                "have the certificate of `{host}` renewed by whoever runs that server; no setting here helps"
            ),
        ),
        EgressError::Tls(text) if text.contains("UnknownIssuer") => (
            "certificate_untrusted",
            format!(
                "have `{host}` send its whole certificate chain, of a public authority; a private authority must be \
                 installed in the system that runs Countersign"
            ),
        ),
        EgressError::Tls(text) if text.contains("not valid for name") || text.contains("NotValidForName") => {
            (
                "certificate_name",
                format!(
                    "correct the host `{host}` in the settings: its certificate is made for another name"
                ),
            )
        }
        EgressError::Tls(_) => ("certificate_bad", format!("have the certificate of `{host}` put right")),
        EgressError::Connect => (
            "unreachable",
            format!(
                "correct host and port of `{host}`, or have the server started and its firewall opened to us"
            ),
        ),
        EgressError::Refused(_) => (
            "url_refused",
            "use a public https address, or have the operator list the host and port in `egress.allow`"
                .to_owned(),
        ),
        _ => ("unreachable", format!("find out why `{host}` does not answer")),
    };
    StageReport::failed(Stage::Tls, code, format!("`{host}`: {error}"), remedy)
}

/// What the metadata announce, in a line.
fn told(metadata: &Metadata) -> String {
    let methods = metadata.code_challenge_methods_supported.as_ref();
    let pkce = match methods {
        Some(methods) if methods.iter().any(|method| method == "S256") => "PKCE with S256",
        Some(_) => "no PKCE with S256",
        None => "nothing of PKCE",
    };
    let userinfo = if metadata.userinfo_endpoint.is_some() { "UserInfo" } else { "no UserInfo" };
    format!("issuer `{}` announces {pkce}, {userinfo}", metadata.issuer)
}

fn other_issuer(fault: &MetadataFault) -> Option<Proposal> {
    let MetadataFault::Answer(NoMetadata::OtherIssuer { announced }) = fault else { return None };
    Some(Proposal::text("issuer", announced, "this is what the issuer calls itself, to the last byte"))
}

fn undiscovered(provider: &Provider, issuer: &str, fault: &MetadataFault) -> StageReport {
    let remedy = match fault {
        MetadataFault::Answer(NoMetadata::OtherIssuer { announced }) => {
            format!("write `issuer = \"{announced}\"`, if that is the right one")
        }
        MetadataFault::Answer(NoMetadata::Status(_) | NoMetadata::ContentType | NoMetadata::Json) => {
            "correct `issuer`: under it, `/.well-known/openid-configuration` must be JSON; a provider without it needs \
             `authorize_url`, `token_url` and `whoami_url` instead"
                .to_owned()
        }
        MetadataFault::Egress(_) => "see that the issuer's host answers, and correct `issuer` if not".to_owned(),
        _ => "correct `issuer`, or have the provider's metadata put right".to_owned(),
    };
    let code = fault.at(Step::Verify).code.as_str();
    let cause = format!("the metadata of `{issuer}` cannot be used: {fault}");
    if provider.needs_metadata() {
        StageReport::failed(Stage::Discovery, code, cause, remedy)
    } else {
        StageReport::warning(Stage::Discovery, code, cause, remedy)
    }
}
