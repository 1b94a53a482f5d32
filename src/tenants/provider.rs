//! `[[provider]]`: the tenant's OAuth servers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::config::fault::Report;
use crate::config::node::{Node, Spot, text_of};
use crate::config::words::{listed, nearest, quoted};
use crate::domain::ids::TenantId;
use crate::domain::profile::ProfileField;
use crate::domain::provider::{
    CallbackPath, ClientAuth, Enrich, EnrichPolicy, Mapping, Pkce, Provider, ResponseMode, Revision,
    TokenRequestForm, TrustedField,
};
use crate::profile::CompiledMapping;

use super::wording::unique;
use super::{ReadContext, revision, secrets, urls};

/// Parameters of the authorization request that we set ourselves (RFC 6749, 4.1.1; RFC 7636, 4.3;
/// OIDC Core, 3.1.2.1; RFC 9101): a fixed value beside ours would be a second one.
const RESERVED: &[&str] = &[
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

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
    let mut bare = None;
    let mut providers = Vec::new();
    for node in &nodes {
        unique(&mut ids, node.text("id"), "provider id", report);
        check_bare(node, &mut bare, report);
        providers.extend(provider(root, node, tenant, context, report).map(Arc::new));
    }
    providers
}

/// One provider per bare callback path: on a shared one an answer of the wrong provider could not
/// be told from the right one (SECURITY 7).
fn check_bare<'a>(node: &Node<'a>, first: &mut Option<&'a str>, report: &mut Report) {
    if callback_path(node) != CallbackPath::Bare {
        return;
    }
    let id = node.text("id").map_or("?", |id| id.value);
    match first {
        None => *first = Some(id),
        Some(first) => {
            let span = node.text("callback_path").map_or_else(|| node.span(), |path| path.span);
            let message = format!("a second provider with a bare callback path, beside {}", quoted(first));
            report.fault(
                span,
                message,
                "write `callback_path = \"named\"`: its callback paths then end with its id",
            );
        }
    }
}

fn provider(
    root: &Node<'_>,
    node: &Node<'_>,
    tenant: &TenantId,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<Provider> {
    // Everything is read before anything may be missing, so that every fault is told.
    let authorize_url = urls::take(node, "authorize_url", tenant, context, report);
    let token_url = urls::take(node, "token_url", tenant, context, report);
    let whoami_url = urls::take(node, "whoami_url", tenant, context, report);
    let client_auth = client_auth(node);
    let client_secret = secrets::take(node, "client_secret", context, report);
    check_secret(node, client_auth, report);
    let mapping = mapping(node, report);
    let subject = subject(node, mapping.as_ref(), report);
    let authorize_params = authorize_params(node, report);
    let enrich = enrich(node, mapping.as_ref(), report);
    let merge_by_email = merge_by_email(node, report);
    let pkce = pkce(node, report);
    check_authorize_query(node, authorize_url.as_ref(), report);
    let label = node.text("label").or_else(|| root.text("name"))?;
    let mut provider = Provider {
        id: node.text("id")?.value.parse().ok()?,
        label: label.value.to_owned(),
        client_id: node.text("client_id")?.value.to_owned(),
        client_secret,
        scope: node.text("scope").map(|scope| scope.value.to_owned()),
        authorize_url: authorize_url?,
        token_url: token_url?,
        whoami_url,
        mapping,
        subject,
        trusted: trusted(node),
        callback_path: callback_path(node),
        client_auth,
        token_request: node.word("token_request", TOKEN_REQUESTS).unwrap_or_default(),
        pkce,
        scope_separator: node.text("scope_separator").map_or(" ", |separator| separator.value).to_owned(),
        authorize_params,
        response_mode: node.word("response_mode", RESPONSE_MODES).unwrap_or_default(),
        enrich,
        merge_by_email,
        revision: Revision::new(""),
    };
    provider.revision = revision::build(&provider);
    Some(provider)
}

const TOKEN_REQUESTS: &[(&str, TokenRequestForm)] =
    &[("form", TokenRequestForm::Form), ("json", TokenRequestForm::Json)];
const RESPONSE_MODES: &[(&str, ResponseMode)] =
    &[("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)];
const CLIENT_AUTHS: &[(&str, ClientAuth)] = &[
    ("auto", ClientAuth::Auto),
    ("client_secret_basic", ClientAuth::ClientSecretBasic),
    ("client_secret_post", ClientAuth::ClientSecretPost),
    ("none", ClientAuth::None),
];
const POLICIES: &[(&str, Enrich)] = &[
    ("fill", Enrich::Fill),
    ("overwrite", Enrich::Overwrite),
    ("suggest", Enrich::Suggest),
    ("ignore", Enrich::Ignore),
];

fn callback_path(node: &Node<'_>) -> CallbackPath {
    let known = [("bare", CallbackPath::Bare), ("named", CallbackPath::Named)];
    node.word("callback_path", &known).unwrap_or_default()
}

fn client_auth(node: &Node<'_>) -> ClientAuth {
    node.word("client_auth", CLIENT_AUTHS).unwrap_or_default()
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

/// Joining needs an email that somebody vouches for; where nobody can, the setting does nothing.
fn merge_by_email(node: &Node<'_>, report: &mut Report) -> bool {
    let merges = node.flag("merge_by_email").unwrap_or_default();
    if merges
        && node.raw("whoami_url").is_none()
        && let Some(value) = node.raw("merge_by_email")
    {
        let message =
            "contacts are joined by email, but without `whoami_url` there is nowhere to get it from";
        report.warn(value.span(), message, "add `whoami_url`, or take `merge_by_email` away");
    }
    merges
}

fn check_secret(node: &Node<'_>, client_auth: ClientAuth, report: &mut Report) {
    let given = node.raw("client_secret");
    match (client_auth, given) {
        (ClientAuth::None, Some(value)) => {
            report.warn(
                value.span(),
                "the secret is not used",
                "`client_auth = \"none\"` is for public clients; take one of the two away",
            );
        }
        (ClientAuth::None, None) | (_, Some(_)) => {}
        (_, None) => report.fault(
            node.span(),
            "`client_secret` is missing",
            "write `client_secret = { env = \"NAME\" }`, or `client_auth = \"none\"` for a public client",
        ),
    }
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

fn mapping(node: &Node<'_>, report: &mut Report) -> Option<Mapping> {
    if let Some(whole) = node.text("mapping") {
        check_expression("mapping", &whole, report);
        return Some(Mapping::Whole(whole.value.to_owned()));
    }
    let table = node.table("mapping")?;
    let fields = table.text_entries();
    if table.is_empty() {
        report.fault(
            table.span(),
            "the mapping names no field",
            "write `email = \"user.email\"`, or leave it out",
        );
    }
    for (name, expression) in &fields {
        check_expression(name.value, expression, report);
    }
    let fields = fields.into_iter().map(|(name, text)| (name.value.to_owned(), text.value.to_owned()));
    Some(Mapping::Fields(fields.collect()))
}

fn subject(node: &Node<'_>, mapping: Option<&Mapping>, report: &mut Report) -> Option<String> {
    if let Some(subject) = node.text("subject") {
        check_expression("subject", &subject, report);
        return Some(subject.value.to_owned());
    }
    let names_id = match mapping {
        Some(Mapping::Whole(expression)) => expression.contains("userId"),
        Some(Mapping::Fields(fields)) => fields.contains_key("userId"),
        None => false,
    };
    if let Some(whoami) = node.text("whoami_url").filter(|_| !names_id) {
        report.warn(
            whoami.span,
            "nothing says what identifies the person, so it may be the user name or the email, which can change hands",
            "write `subject = \"…\"` with the field of the WhoAmI answer that never changes",
        );
    }
    None
}

pub(super) fn check_expression(name: &str, expression: &Spot<&str>, report: &mut Report) {
    match CompiledMapping::parse(&Mapping::Whole(expression.value.to_owned())) {
        Err(fault) => {
            let span = span_within(report.source().text(), expression, fault.offset);
            let help = fault.hint.unwrap_or_else(|| "see https://jmespath.org".to_owned());
            report.fault(span, format!("`{name}` is no JMESPath expression: {}", fault.message), help);
        }
        Ok(compiled) => {
            if let Some(repaired) = compiled.repaired() {
                let message = format!("`{name}` was repaired and is read as `{repaired}`");
                report.warn(expression.span.clone(), message, "write it so");
            }
        }
    }
}

/// The place of one byte of a text in the file. With escapes in the text it is the whole of it.
fn span_within(file: &str, text: &Spot<&str>, offset: usize) -> Range<usize> {
    let written = file.get(text.span.clone()).unwrap_or_default();
    match written.find(text.value) {
        Some(quotes) if !text.value.is_empty() => {
            let last = text.span.end.saturating_sub(1);
            let at = (text.span.start + quotes + offset).min(last);
            at..at + 1
        }
        _ => text.span.clone(),
    }
}

fn authorize_params(node: &Node<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let mut params = BTreeMap::new();
    for (name, value) in node.table("authorize_params").iter().flat_map(Node::text_entries) {
        if RESERVED.contains(&name.value) {
            let message = format!("`{}` is set by Countersign itself", name.value);
            report.fault(name.span, message, format!("take it out; reserved are {}", listed(RESERVED)));
        } else {
            params.insert(name.value.to_owned(), value.value.to_owned());
        }
    }
    params
}

/// The URL's own parameters must not stand beside ours: twice the same is an error (RFC 6749, 3.1).
fn check_authorize_query(node: &Node<'_>, url: Option<&url::Url>, report: &mut Report) {
    let (Some(url), Some(spot)) = (url, node.text("authorize_url")) else { return };
    let params = node.table("authorize_params");
    for (name, _) in url.query_pairs() {
        let doubled = params.as_ref().is_some_and(|params| params.has(&name));
        if RESERVED.contains(&name.as_ref()) || doubled {
            let message = format!("the parameter {} would stand in the request twice", quoted(&name));
            report.fault(spot.span.clone(), message, "take it out of the URL");
        }
    }
}

fn enrich(node: &Node<'_>, mapping: Option<&Mapping>, report: &mut Report) -> EnrichPolicy {
    let Some(table) = node.table("enrich") else { return EnrichPolicy::default() };
    let mut policy = EnrichPolicy::default();
    for (name, value) in table.entries() {
        let Some(word) = text_of(value) else { continue };
        check_field(&name, mapping, report);
        if let Some((_, rule)) = POLICIES.iter().find(|(known, _)| *known == word.value) {
            policy.fields.insert(name.value.to_owned(), *rule);
        }
    }
    for name in table.texts("required") {
        check_field(&name, mapping, report);
        if !policy.required.iter().any(|known| known == name.value) {
            policy.required.push(name.value.to_owned());
        }
    }
    if let Some(value) = table.raw("required").filter(|_| !policy.required.is_empty())
        && node.raw("whoami_url").is_none()
    {
        let message = "fields are required, but without `whoami_url` there is nowhere to get them from";
        report.warn(
            value.span(),
            message,
            "every login would fail; add `whoami_url`, or take `required` away",
        );
    }
    policy
}

/// A field may have any name, but one that nearly is a known one and that no mapping makes is a slip.
fn check_field(name: &Spot<&str>, mapping: Option<&Mapping>, report: &mut Report) {
    let known = ProfileField::ALL.map(ProfileField::as_str);
    let mapped = match mapping {
        Some(Mapping::Whole(expression)) => expression.contains(name.value),
        Some(Mapping::Fields(fields)) => fields.contains_key(name.value),
        None => false,
    };
    if known.contains(&name.value) || mapped {
        return;
    }
    if let Some(word) = nearest(name.value, known) {
        let message = format!("no field is called {}", quoted(name.value));
        report.warn(name.span.clone(), message, format!("did you mean `{word}`?"));
    }
}
