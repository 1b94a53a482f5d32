//! From whatever an admin has of an issuer to the settings of a provider (OpenID Connect Discovery
//! 1.0; RFC 8414). Nothing is stored.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::tenant::Tenant;
use crate::egress::cache::fault::MetadataFault;
use crate::oauth::metadata::{Metadata, NoMetadata};
use crate::preset::{self, Preset};

use super::Broker;

/// How long all tries together may take.
const LONGEST: Duration = Duration::from_secs(10);
/// How long a page of settings waits for an issuer.
const AT_ONCE: Duration = Duration::from_secs(2);
/// How many spellings are tried.
const TRIES: usize = 5;
/// What is asked for where the issuer knows it.
const SCOPES: [&str; 3] = ["openid", "profile", "email"];

/// What an issuer says of itself, and what to write.
#[derive(Debug)]
pub struct Discovered {
    /// What to write as `issuer`, to the last byte.
    pub issuer: String,
    /// What it announces.
    pub metadata: Metadata,
    /// Proposed settings by their names in a file, in their order.
    pub settings: Vec<(&'static str, String)>,
    /// Spellings that were tried before, and what came of them.
    pub tried: Vec<(String, String)>,
    /// What is known of this provider already.
    pub presets: Vec<Fitting>,
    /// What somebody should know.
    pub warnings: Vec<String>,
}

/// A preset that fits an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fitting {
    /// What a tenant writes as `preset`.
    pub id: &'static str,
    /// The provider's name for people.
    pub title: &'static str,
}

/// Why nothing was discovered: every spelling that was tried, with what came of it.
#[derive(Debug, thiserror::Error)]
#[error("nothing was found: {}", told(.tried))]
pub struct NotDiscovered {
    /// Spellings and their faults.
    pub tried: Vec<(String, String)>,
}

impl Broker {
    /// What an issuer says of itself, to be shown beside settings; none if it does not say so at once.
    pub async fn announced(&self, tenant: &Tenant, issuer: &str) -> Option<Arc<Metadata>> {
        let deadline = self.clock.tick() + AT_ONCE;
        let is_known = tenant.providers.iter().any(|known| known.oidc.issuer.as_deref() == Some(issuer));
        if is_known {
            return self.documents.metadata(&tenant.id, issuer, deadline).await.ok();
        }
        // What somebody has typed takes no room among the documents that logins need.
        self.documents.fetch_metadata(&tenant.id, issuer, deadline).await.ok().map(Into::into)
    }

    /// Asks an issuer, whichever way it was written: a domain, an issuer with or without a slash at its end, or the
    /// address of its metadata.
    pub async fn discover(&self, tenant: &Tenant, given: &str) -> Result<Discovered, NotDiscovered> {
        let deadline = self.clock.tick() + LONGEST;
        let mut spellings = spellings(given);
        let (mut tried, mut at) = (Vec::new(), 0);
        while let Some(issuer) = spellings.get(at).cloned().filter(|_| at < TRIES) {
            at += 1;
            match self.documents.fetch_metadata(&tenant.id, &issuer, deadline).await {
                Ok(metadata) => return Ok(Discovered::of(issuer, given, metadata, tried)),
                Err(fault) => {
                    if let MetadataFault::Answer(NoMetadata::OtherIssuer { announced }) = &fault
                        && !spellings.contains(announced)
                    {
                        // It says itself how it is called: the best spelling of all.
                        spellings.insert(at, announced.clone());
                    }
                    tried.push((issuer, fault.to_string()));
                }
            }
        }
        Err(NotDiscovered { tried })
    }
}

impl Discovered {
    fn of(issuer: String, given: &str, metadata: Metadata, tried: Vec<(String, String)>) -> Self {
        let known = |scope: &&str| {
            metadata.scopes_supported.as_ref().is_none_or(|known| known.iter().any(|known| known == scope))
        };
        let scope = SCOPES.into_iter().filter(|scope| *scope == "openid" || known(scope));
        let mut settings = vec![("issuer", issuer.clone()), ("scope", scope.collect::<Vec<_>>().join(" "))];
        let ways = ["client_secret_basic", "client_secret_post", "client_secret_jwt"];
        if !ways.iter().any(|way| metadata.allows_client_auth(way))
            && metadata.allows_client_auth("private_key_jwt")
        {
            settings.push(("client_auth", "private_key_jwt".to_owned()));
        }
        if metadata.userinfo_endpoint.is_none() {
            settings.push(("identity", "id_token".to_owned()));
        }
        let warnings = warnings(&issuer, given, &metadata);
        Self { presets: presets(&issuer), issuer, metadata, settings, tried, warnings }
    }
}

/// What may be meant, the likeliest first.
fn spellings(given: &str) -> Vec<String> {
    let given = given.trim();
    let mut text = if given.contains("://") { given.to_owned() } else { format!("https://{given}") };
    if let Some((before, behind)) = text.split_once("/.well-known/") {
        // RFC 8414 puts its name before the issuer's own path.
        let path = behind.split_once('/').map(|(_, path)| path).unwrap_or_default();
        text = if path.is_empty() { before.to_owned() } else { format!("{before}/{path}") };
    }
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let bare = text.trim_end_matches('/');
    let slash = format!("{bare}/");
    let mut all =
        if text.ends_with('/') { vec![slash, bare.to_owned()] } else { vec![bare.to_owned(), slash] };
    all.dedup();
    all
}

fn warnings(issuer: &str, given: &str, metadata: &Metadata) -> Vec<String> {
    let mut warnings = Vec::new();
    if given.trim() != issuer {
        warnings.push(format!("the issuer calls itself `{issuer}`, and must be written exactly so"));
    }
    match &metadata.code_challenge_methods_supported {
        None => warnings.push("nothing is said of PKCE; it is used, and most servers take it".to_owned()),
        Some(methods) if !methods.iter().any(|method| method == "S256") => {
            warnings.push(
                "PKCE with S256 is not announced: if a test fails because of it, write `pkce = \"off\"`"
                    .to_owned(),
            );
        }
        Some(_) => {}
    }
    if metadata.userinfo_endpoint.is_none() {
        warnings.push("there is no UserInfo endpoint: the person is read from the id_token".to_owned());
    }
    for (name, url) in [
        ("authorization_endpoint", &metadata.authorization_endpoint),
        ("token_endpoint", &metadata.token_endpoint),
        ("jwks_uri", &metadata.jwks_uri),
    ] {
        if url.is_none() {
            warnings.push(format!("no `{name}` is announced: it must be written into the settings"));
        }
    }
    warnings
}

/// Presets whose issuer, or whose sign-in page, lies on the same host.
fn presets(issuer: &str) -> Vec<Fitting> {
    let host_of =
        |text: &str| text.parse::<url::Url>().ok().and_then(|url| url.host_str().map(str::to_owned));
    let Some(host) = host_of(issuer) else { return Vec::new() };
    let fits = |pattern: &str| match pattern.split_once("://") {
        Some((_, rest)) => matches(rest.split('/').next().unwrap_or_default(), &host),
        None => false,
    };
    let known = |preset: &&'static Preset| {
        let template = preset.template();
        let texts = ["issuer", "authorize_url"].map(|name| template.get(name).and_then(toml::Value::as_str));
        texts.into_iter().flatten().any(fits)
    };
    let fitting = preset::all().iter().filter(known);
    fitting.map(|preset| Fitting { id: preset.id, title: &preset.title }).collect()
}

/// Whether a host is one of a pattern with `{variable}` in it. A pattern that is nothing but a variable fits nobody.
fn matches(pattern: &str, host: &str) -> bool {
    match (pattern.split_once('{'), pattern.rsplit_once('}')) {
        (Some((before, _)), Some((_, behind))) => {
            behind.len() > 3
                && host.len() > before.len() + behind.len()
                && host.starts_with(before)
                && host.ends_with(behind)
        }
        _ => pattern == host,
    }
}

fn told(tried: &[(String, String)]) -> String {
    tried.iter().map(|(issuer, fault)| format!("`{issuer}`: {fault}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("id.example.com", &["https://id.example.com", "https://id.example.com/"])]
    #[case(" https://id.example.com/ ", &["https://id.example.com/", "https://id.example.com"])]
    #[case("https://id.example.com/.well-known/openid-configuration", &["https://id.example.com", "https://id.example.com/"])]
    #[case("https://id.example.com/a/.well-known/openid-configuration?x", &["https://id.example.com/a", "https://id.example.com/a/"])]
    #[case("https://id.example.com/.well-known/oauth-authorization-server/a", &["https://id.example.com/a", "https://id.example.com/a/"])]
    fn an_issuer_is_found_however_it_is_written(#[case] given: &str, #[case] wanted: &[&str]) {
        assert_eq!(spellings(given), wanted);
    }

    #[test]
    fn presets_are_found_by_their_host() {
        let ids = |issuer: &str| presets(issuer).iter().map(|preset| preset.id).collect::<Vec<_>>();
        assert!(ids("https://accounts.google.com").contains(&"google"));
        assert!(ids("https://nobody.example").is_empty());
        assert!(
            matches("{domain}.okta.example", "acme.okta.example") && !matches("{domain}", "acme.example")
        );
    }
}
