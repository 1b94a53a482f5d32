//! `[[webhook]]`: where events are sent, and of which the platform wants to hear there.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use url::Url;

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::config::shape::{Kind, PLAIN, Table};
use crate::config::text::SLUG;
use crate::config::words::quoted;
use crate::domain::ids::{TenantId, WebhookId};
use crate::domain::webhook::{EventPattern, Webhook};
use crate::egress::webhook::check_secret;
use crate::secret::Secret;

use super::shape::{optional, required, text, with_default};
use super::{ReadContext, secrets, urls};

/// The table of a webhook.
pub static SHAPE: Table = Table {
    doc: "A place to which events are sent, signed by the Standard Webhooks convention.",
    fields: &[
        optional(
            "id",
            text(&SLUG),
            "Its name in the tenant, by which its deliveries are listed. Left out, it is made from the URL, and another \
             URL is another webhook.",
        ),
        required("url", text(&PLAIN), "Where to: every event is one `POST` there."),
        optional(
            "secret",
            Kind::Secret,
            "What signs: where to find it. `whsec_` and the base64 of 24 to 64 random bytes.",
        ),
        optional(
            "secrets",
            Kind::List(&Kind::Secret),
            "In place of `secret` while it is replaced: the newest first, then the one it replaces. Each gives a signature.",
        ),
        with_default(
            "events",
            Kind::List(&Kind::Text(&PLAIN)),
            "*",
            "Which types of events: types, groups such as `auth.*`, or `*`.",
        ),
        optional("description", text(&PLAIN), "What it is for, for people."),
        with_default(
            "enabled",
            Kind::Flag,
            "true",
            "Whether it is told of new events. What waits already is kept for 24 hours.",
        ),
    ],
    each: None,
};

/// The most webhooks of a tenant: every event costs a call to each.
const MOST: usize = 20;
/// The most secrets of a webhook: the old one, the new one, and one that somebody forgot.
const MOST_SECRETS: usize = 4;

/// Reads every `[[webhook]]`; what is wrong goes into the report.
pub fn read(
    root: &Node<'_>,
    tenant: &TenantId,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Vec<Arc<Webhook>> {
    let nodes = root.tables("webhook");
    if let Some(beyond) = nodes.get(MOST) {
        let message = format!("a tenant has at most {MOST} webhooks");
        report.fault(beyond.span(), message, "let one receiver hand the events on");
    }
    let mut seen = HashMap::new();
    let mut webhooks = Vec::new();
    for node in nodes {
        let Some((webhook, span)) = webhook(&node, tenant, context, report) else { continue };
        let line = report.source().line_and_column(span.start).0;
        if let Some(first) = seen.insert(webhook.id.clone(), line) {
            let message = format!("the webhook id {} is taken", quoted(webhook.id.as_str()));
            report.fault(span, message, format!("line {first} has it already; give each an `id` of its own"));
        }
        webhooks.push(Arc::new(webhook));
    }
    webhooks
}

/// A webhook, and where its name stands.
fn webhook(
    node: &Node<'_>,
    tenant: &TenantId,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<(Webhook, Range<usize>)> {
    let url = urls::take(node, "url", tenant, context, report);
    let secrets = signing(node, context, report);
    let events = patterns(node, report);
    let named = node.text("id");
    let url = url?;
    let (id, span) = match named {
        Some(id) => (id.value.parse().ok()?, id.span),
        None => (id_of(&url), node.text("url").map_or_else(|| node.span(), |url| url.span)),
    };
    let description = node.text("description").map(|text| text.value.to_owned());
    let enabled = node.flag("enabled").unwrap_or(true);
    Some((Webhook { id, url, secrets, events, description, enabled }, span))
}

/// The name of a webhook that has none: it changes with the URL.
fn id_of(url: &Url) -> WebhookId {
    let hash = digest(&SHA256, url.as_str().as_bytes());
    let first = hash.as_ref().first_chunk::<8>().expect("a SHA-256 has 32 bytes");
    let name = format!("wh-{:012x}", u64::from_be_bytes(*first) >> 16);
    name.parse().expect("letters and digits are a webhook's name")
}

/// What signs, the newest first.
fn signing(node: &Node<'_>, context: &ReadContext<'_>, report: &mut Report) -> Vec<Secret> {
    let one = node.raw("secret");
    let several = node.raw("secrets").and_then(|value| value.get_ref().as_array());
    match (one, several) {
        (Some(value), Some(_)) => {
            let help = "keep `secrets`, the newest first, while you replace one";
            report.fault(value.span(), "`secret` and `secrets` stand together", help);
        }
        (None, None) if !node.has("secrets") => {
            let message = "a webhook needs a secret: without it nobody can tell our calls from others";
            report.fault(node.span(), message, "write `secret = { env = \"NAME\" }`");
        }
        (None, Some(list)) if list.is_empty() || list.len() > MOST_SECRETS => {
            let message = format!("`secrets` holds 1 to {MOST_SECRETS} secrets");
            report.fault(node.span(), message, "the newest first, and the one it replaces");
        }
        _ => {}
    }
    let mut secrets = Vec::new();
    for value in one.into_iter().chain(several.into_iter().flatten()) {
        let Some(secret) = secrets::take_value(value, context, report) else { continue };
        if let Err(problem) = check_secret(&secret) {
            let help = "use `whsec_` and the base64 of 24 to 64 random bytes: \
                        `echo whsec_$(openssl rand -base64 32)`";
            report.fault(value.span(), format!("this is no webhook secret: {problem}"), help);
            continue;
        }
        secrets.push(secret);
    }
    secrets
}

fn patterns(node: &Node<'_>, report: &mut Report) -> Vec<EventPattern> {
    if !node.has("events") {
        return vec![EventPattern::all()];
    }
    let mut patterns = Vec::new();
    for spot in node.texts("events") {
        match spot.value.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(problem) => {
                let message = format!("no event: {problem}");
                report.fault(spot.span, message, "docs/events.md lists the types");
            }
        }
    }
    if patterns.is_empty() && report.is_clean() {
        let help = "name some, leave it out for all, or write `enabled = false`";
        report.fault(node.span(), "`events` is empty, so nothing would ever be sent", help);
    }
    patterns
}
