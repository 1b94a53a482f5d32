//! `[[provider]]`: the tenant's OAuth servers.
//!
//! | file | what it holds |
//! |---|---|
//! | [`shape`] | the table of every setting, with its `words` and the `tables` within it; start here |
//! | this file | one provider from its parts |
//! | `credentials` | who we are there: secrets and keys |
//! | `params` | fixed parameters and headers, and the provider's own names |
//! | `calls` | WhoAmI and its like, and a second exchange |
//! | `oidc` | what belongs to OpenID Connect |
//! | `mapping` | from the answer to the contact |
//! | `presets` | what is taken from a preset |
//!
//! To add a setting: 1. a line in [`shape`], 2. a field in `domain::provider`, 3. its reading in the
//! file of its group, 4. the revision (the compiler asks), 5. fixtures under `fixtures/settings/`,
//! 6. a row in `docs/providers.md` (a test asks).

mod calls;
mod credentials;
mod mapping;
mod oidc;
mod params;
mod presets;
pub mod shape;
mod tables;
mod token_urls;
mod words;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use url::Url;

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::config::words::quoted;
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::provider::{
    CallbackPath, Identity, Pkce, Provider, ResponseMode, Revision, ScopeEncoding, TokenRequestForm,
    TrustedField,
};

pub(super) use self::mapping::check_expression;
use super::wording::unique;
use super::{ReadContext, revision, urls};

/// Reads every `[[provider]]`; what is wrong goes into the report.
pub fn read(
    root: &Node<'_>,
    tenant: &TenantId,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Vec<Arc<Provider>> {
    let nodes = root.tables("provider");
    if nodes.is_empty()
        && !context.stored
        && let Some(list) = root.raw("provider").filter(|list| list.get_ref().is_array())
    {
        report.fault(
            list.span(),
            "a tenant needs at least one provider",
            "write `[[provider]]` with its settings below",
        );
    }
    let mut ids = BTreeMap::new();
    let mut bare = Vec::new();
    let mut providers = Vec::new();
    let filled: Vec<_> = nodes.iter().map(|node| presets::filled(node, report)).collect();
    let mut merged = Vec::new();
    for (node, filled) in nodes.iter().zip(&filled) {
        merged.push(filled.as_ref().map(|filled| presets::merged(node, filled)));
    }
    for (node, merged) in nodes.iter().zip(&merged) {
        let node = &merged.as_ref().map_or_else(|| node.clone(), |merged| node.with(merged));
        unique(&mut ids, node.text("id"), "provider id", report);
        if let Some(id) = node.text("id").filter(|id| id.value == ProviderId::EMAIL_CODE) {
            let message = format!("the provider id {} is the word for emailed codes", quoted(id.value));
            report.fault(
                id.span,
                message,
                "choose another: whoever signs in there would be taken for somebody else",
            );
        }
        bare.extend(Bare::of(node));
        let reading = Reading { node, tenant, context };
        providers.extend(provider(root, &reading, report).map(Arc::new));
    }
    check_bare(&bare, report);
    providers
}

/// A provider with a bare callback path.
struct Bare {
    id: String,
    /// Where its path is said, or the whole of it.
    span: Range<usize>,
    /// Whether each of its answers must name its issuer.
    names_itself: bool,
}

impl Bare {
    fn of(node: &Node<'_>) -> Option<Self> {
        let says = |name: &str, word: &str| node.text(name).is_some_and(|text| text.value == word);
        (callback_path(node) == CallbackPath::Bare).then(|| Self {
            id: node.text("id").map_or("?", |id| id.value).to_owned(),
            span: node.text("callback_path").map_or_else(|| node.span(), |path| path.span),
            names_itself: says("iss", "required"),
        })
    }
}

/// One provider per bare callback path, unless each of several names itself in its answers (`iss`, RFC 9207): else an
/// answer of the wrong provider could not be told from the right one (SECURITY 7).
fn check_bare(bare: &[Bare], report: &mut Report) {
    let Some((first, others)) = bare.split_first() else { return };
    if bare.iter().all(|provider| provider.names_itself) {
        return;
    }
    for other in others {
        let message = format!("a second provider with a bare callback path, beside {}", quoted(&first.id));
        report.fault(
            other.span.clone(),
            message,
            "write `callback_path = \"named\"`: its callback paths then end with its id; or `iss = \"required\"` in \
             every provider without it, where their answers name their issuer",
        );
    }
}

fn provider(root: &Node<'_>, reading: &Reading<'_>, report: &mut Report) -> Option<Provider> {
    // Everything is read before anything may be missing, so that every fault is told.
    let node = reading.node;
    let [authorize_url, token_url] = endpoints(reading, report);
    let calls = calls::read(reading, report);
    let identity = node.word("identity", IDENTITIES).unwrap_or_default();
    let oidc = oidc::read(reading, identity, report);
    let credentials = credentials::read(reading, report);
    let mapping = mapping::mapping(node, report);
    let subject = mapping::subject(node, mapping.as_ref(), report);
    let enrich = mapping::enrich(node, mapping.as_ref(), report);
    let pkce = pkce(node, report);
    let params = params::read(node, authorize_url.as_ref(), report);
    let issued_by = token_urls::read(reading, &params.callback_names, report);
    let label = node.text("label").or_else(|| root.text("name"))?;
    let provider = Provider {
        id: node.text("id")?.value.parse().ok()?,
        label: label.value.to_owned(),
        client_id: node.text("client_id")?.value.to_owned(),
        client_secret: credentials.secret,
        previous_secret: credentials.previous,
        private_key: credentials.private_key,
        previous_key: credentials.previous_key,
        assertion: credentials.assertion,
        scope: node.text("scope").map(|scope| scope.value.to_owned()),
        authorize_url,
        token_url,
        issued_by,
        whoami: calls.whoami,
        further_whoami: calls.further,
        identity,
        mapping,
        subject,
        trusted: trusted(node),
        callback_path: callback_path(node),
        client_auth: credentials.client_auth,
        token_request: node.word("token_request", TOKEN_REQUESTS).unwrap_or_default(),
        pkce,
        scope_separator: node.text("scope_separator").map_or(" ", |text| text.value).to_owned(),
        scope_encoding: scope_encoding(node, report),
        authorize_params: params.authorize,
        token_params: params.token,
        token_headers: params.token_headers,
        token_path: calls.token_path,
        exchange: calls.exchange,
        rename: params.rename,
        callback_names: params.callback_names,
        callback_keep: params.callback_keep,
        vars: params::texts(node, "vars"),
        oidc,
        response_mode: node.word("response_mode", RESPONSE_MODES).unwrap_or_default(),
        enrich,
        merge_by_email: mapping::merge_by_email(node, report),
        vault: mapping::vault(node, report),
        blocks_webviews: node.flag("blocks_webviews").unwrap_or_default(),
        for_staff: !reading.context.stored,
        revision: Revision::new(""),
    };
    Some(Provider { revision: revision::build(&provider), ..provider })
}

/// What the reading of one provider needs.
struct Reading<'a> {
    node: &'a Node<'a>,
    tenant: &'a TenantId,
    context: &'a ReadContext<'a>,
}

impl Reading<'_> {
    /// A URL that stands in the settings.
    fn url(&self, name: &str, report: &mut Report) -> Option<Url> {
        urls::take(self.node, name, self.tenant, self.context, report)
    }
}

/// The two that every login needs. Without an issuer nobody else says where they are.
fn endpoints(reading: &Reading<'_>, report: &mut Report) -> [Option<Url>; 2] {
    ["authorize_url", "token_url"].map(|name| {
        if ![name, "issuer", "preset"].iter().any(|known| reading.node.has(known)) {
            let message = format!("`{name}` is missing");
            let help = "write the URL, or `issuer` for a provider with metadata";
            report.fault(reading.node.span(), message, help);
        }
        match name {
            // We send browsers there, and never go ourselves.
            "authorize_url" => {
                urls::take_visited(reading.node, name, reading.tenant, reading.context, report)
            }
            _ => reading.url(name, report),
        }
    })
}

const IDENTITIES: &[(&str, Identity)] = &[
    ("whoami", Identity::Whoami),
    ("id_token", Identity::IdToken),
    ("access_token", Identity::AccessToken),
    ("token_response", Identity::TokenResponse),
];
const TOKEN_REQUESTS: &[(&str, TokenRequestForm)] =
    &[("form", TokenRequestForm::Form), ("json", TokenRequestForm::Json), ("query", TokenRequestForm::Query)];
const RESPONSE_MODES: &[(&str, ResponseMode)] =
    &[("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)];
const SCOPE_ENCODINGS: &[(&str, ScopeEncoding)] =
    &[("percent", ScopeEncoding::Percent), ("bare", ScopeEncoding::Bare)];
/// What may stand in a query as it is (RFC 3986, 3.4), and neither ends a parameter nor begins another.
const BARE: &str = "!$'()*+,;:@/?-._~";

/// A separator that stands as it is must be one that can.
fn scope_encoding(node: &Node<'_>, report: &mut Report) -> ScopeEncoding {
    let encoding = node.word("scope_encoding", SCOPE_ENCODINGS).unwrap_or_default();
    let separator = node.text("scope_separator").map_or(" ", |text| text.value);
    if encoding == ScopeEncoding::Bare && !separator.chars().all(|c| BARE.contains(c)) {
        let span = node.raw("scope_encoding").map_or_else(|| node.span(), toml::Spanned::span);
        let message = format!("the separator {} cannot stand in an address as it is", quoted(separator));
        report.fault(
            span,
            message,
            "choose another `scope_separator`, e.g. `+` or `,`, or leave `scope_encoding` out",
        );
    }
    encoding
}

fn callback_path(node: &Node<'_>) -> CallbackPath {
    let known = [("bare", CallbackPath::Bare), ("named", CallbackPath::Named)];
    node.word("callback_path", &known).unwrap_or_default()
}

fn trusted(node: &Node<'_>) -> Vec<TrustedField> {
    let field = |name: &str| match name {
        "email" => Some(TrustedField::Email),
        "phone" => Some(TrustedField::Phone),
        _ => None,
    };
    let mut trusted = Vec::new();
    for found in node.texts("trusted").iter().filter_map(|name| field(name.value)) {
        if !trusted.contains(&found) {
            trusted.push(found);
        }
    }
    trusted
}

fn pkce(node: &Node<'_>, report: &mut Report) -> Pkce {
    let pkce = node.word("pkce", &[("S256", Pkce::S256), ("off", Pkce::Off)]).unwrap_or_default();
    if pkce == Pkce::Off {
        let span = node.text("pkce").map_or_else(|| node.span(), |pkce| pkce.span);
        report.warn(
            span,
            "PKCE is off: a stolen code can be used by whoever stole it",
            "switch it off only for a provider that rejects `code_challenge`",
        );
    }
    pkce
}
