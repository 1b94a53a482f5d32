//! One tenant's file: from its text to a [`Tenant`].

use std::collections::HashMap;
use std::sync::Arc;

use url::Host;

use crate::config::check::{Literals, parse};
use crate::config::clients;
use crate::config::fault::{Fault, Other, Place, Report};
use crate::config::node::Node;
use crate::config::source::Source;
use crate::config::words::{parse_duration, quoted};
use crate::domain::binding::{Binding, BindingPolicy};
use crate::domain::conversation::Channel;
use crate::domain::ids::TenantId;
use crate::domain::tenant::Tenant;

use super::shape::SHAPE;
use super::{ReadContext, accounts, customers, provider, rules, staff, webchat, webhooks, wording};

/// What the reading of one file gave.
#[derive(Debug)]
pub struct Draft {
    /// The tenant; none if something is wrong.
    pub tenant: Option<Tenant>,
    /// Every host it declares, and where.
    pub hosts: Vec<(String, Place)>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What somebody should know.
    pub warnings: Vec<Fault>,
    /// Files of secrets that it refers to.
    pub others: Vec<Other>,
}

/// Reads one file's text. `name` is its path, for faults.
pub fn read(id: &TenantId, name: &str, text: String, context: &ReadContext<'_>) -> Draft {
    let source = Source::new(name, text, &SHAPE);
    let mut report = Report::new(Arc::clone(&source));
    let literals = if context.dangerous_demo { Literals::Accepted } else { Literals::Refused };
    let document = parse(&source, literals, &mut report);
    let root = Node::root(&document);
    let hosts = hosts(&root, id, context, &mut report);
    let tenant = tenant(&root, id, &hosts, context, &mut report);
    let clean = report.is_clean();
    let others = report.others().to_vec();
    let (mut faults, warnings) = report.into_parts();
    if clean && tenant.is_none() {
        let place = Place::File(name.to_owned());
        faults.push(
            Fault::new(place, "the file cannot be read as a tenant")
                .with_help("compare it with `tenants/example.toml`"),
        );
    }
    Draft { tenant: tenant.filter(|_| clean), hosts, faults, warnings, others }
}

fn tenant(
    root: &Node<'_>,
    id: &TenantId,
    hosts: &[(String, Place)],
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<Tenant> {
    let binding = binding(root, report);
    let providers = provider::read(root, id, context, report);
    let snippets = wording::snippets(root, report);
    let returns = wording::returns(root, context, report);
    let chat_origins = webchat::origins(root, context, report);
    let clients = clients::read(root, report);
    let rules = rules::read(root, report);
    let webhooks = webhooks::read(root, id, context, report);
    let staff = staff::read(root, id, report);
    let accounts = accounts::read(root, id, context, report);
    let customers = customers::policy(root, report);
    let websites = customers::websites(root, &customers, report);
    let canonical = &hosts.first()?.0;
    Some(Tenant {
        id: id.clone(),
        name: root.text("name")?.value.to_owned(),
        origin: origin(canonical, context),
        hosts: hosts.iter().map(|(host, _)| host.clone()).collect(),
        binding,
        providers,
        snippets,
        returns,
        chat_origins,
        clients,
        rules,
        webhooks,
        accounts,
        staff,
        simulator: root.flag("simulator").unwrap_or(false),
        customers,
        websites,
        registration: clients::read_registration(root, report),
    })
}

/// Scheme, host and, if the base URL has one, port.
fn origin(host: &str, context: &ReadContext<'_>) -> String {
    let scheme = context.base_url.scheme();
    match context.base_url.port() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// The declared hosts, then the tenant's name under the base domain.
fn hosts(
    root: &Node<'_>,
    id: &TenantId,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Vec<(String, Place)> {
    let mut hosts: Vec<(String, Place)> = Vec::new();
    let mut lines = HashMap::new();
    let base = match context.base_url.host() {
        Some(Host::Domain(base)) => Some(base),
        _ => None,
    };
    for spot in root.texts("hosts") {
        let host = spot.value.to_ascii_lowercase();
        let line = report.source().line_and_column(spot.span.start).0;
        if let Some(first) = lines.insert(host.clone(), line) {
            let message = format!("the host {} stands here twice", quoted(&host));
            report.fault(spot.span, message, format!("line {first} has it already"));
            continue;
        }
        if let Some(problem) = base.and_then(|base| belongs_elsewhere(&host, base, id)) {
            report.fault(spot.span, problem, "name a host of the tenant's own");
            continue;
        }
        let place = report.at(spot.span);
        hosts.push((host, place));
    }
    let own = base.map(|base| format!("{id}.{base}"));
    if let Some(own) = own.filter(|own| !lines.contains_key(own)) {
        let place = report.at(0..0);
        hosts.push((own, place));
    }
    if hosts.is_empty() && !root.has("hosts") {
        let message = "the tenant has no host: under an address as base URL there are no names";
        report.fault(0..0, message, "name one in `hosts`, or give `server.base_url` a host name");
    }
    hosts
}

/// The bare base domain is the operator's, a name right under it another tenant's.
fn belongs_elsewhere(host: &str, base: &str, id: &TenantId) -> Option<String> {
    if host == base {
        return Some(format!("the host {} is the base domain, which serves the operator", quoted(host)));
    }
    let label = host.strip_suffix(base)?.strip_suffix('.')?;
    let other = label != id.as_str() && !label.contains('.');
    other.then(|| format!("the host {} belongs to the tenant `{label}`", quoted(host)))
}

fn binding(root: &Node<'_>, report: &mut Report) -> BindingPolicy {
    let mut policy = BindingPolicy::default();
    let Some(node) = root.table("binding") else { return policy };
    if let Some(minimum) = node.text("minimum") {
        policy.minimum = minimum.value.parse().ok();
        if policy.minimum == Some(Binding::None) {
            warn_of_none(minimum.span, "`minimum = \"none\"`", report);
        }
    }
    for channel in Channel::ALL {
        let Some(word) = node.text(channel.as_str()) else { continue };
        let Ok(binding) = word.value.parse() else { continue };
        if binding == Binding::None {
            warn_of_none(word.span, &format!("`{channel} = \"none\"`"), report);
        } else if binding == Binding::Browser && channel != Channel::Webchat {
            let message = format!(
                "`browser` cannot be reached on {}: only web chat lives in the browser",
                channel.label()
            );
            report.warn(word.span, message, "the code is asked for instead; write `code`");
        } else if binding == Binding::Native && !channel.vouches() {
            let message =
                format!("`native` cannot be reached on {}: nobody could sign in there", channel.label());
            report.warn(word.span, message, "the strongest proof there is `code`");
        }
        policy.channels.insert(channel, binding);
    }
    if let Some(lasts) = node.text("lasts").and_then(|lasts| parse_duration(lasts.value)) {
        policy.lasts = lasts;
    }
    policy
}

fn warn_of_none(span: std::ops::Range<usize>, what: &str, report: &mut Report) {
    let message =
        format!("{what} proves NOTHING: whoever opens a forwarded link signs in as the person in the chat");
    report.warn(span, message, "use `code`, or `match` if the provider verifies phone numbers");
}
