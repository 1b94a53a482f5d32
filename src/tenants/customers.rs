//! `[customers]` and `[[website]]`: what customers may do, and where they sign in by an emailed code.

use std::collections::HashMap;

use url::{Host, Url};

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::config::shape::{Kind, PLAIN, Table};
use crate::config::text::{COLOUR, DURATION, FIELD_NAME, PUBLIC_KEY};
use crate::config::words::{parse_duration, quoted};
use crate::domain::contact::EXTERNAL_ID;
use crate::domain::profile::ProfileField;
use crate::domain::website::{ACCESS_LIFETIME, Accent, CustomerPolicy, SHORTEST_ACCESS, Website};

use super::shape::{optional, required, text, with_default};

/// The table of what customers may do.
pub static CUSTOMERS: Table = Table {
    doc: "What customers may do: sign in by an emailed code, and change their own profile (docs/customers.md).",
    fields: &[
        with_default(
            "email_code",
            Kind::Flag,
            "false",
            "Whether customers may sign in by a code that is sent to their address. It needs `[mail]`.",
        ),
        with_default(
            "create",
            Kind::Flag,
            "true",
            "Whether somebody whom nobody knows becomes a contact by signing in with an emailed code. If not, only those \
             sign in who have done so before, and those whom `merge_by_email` finds.",
        ),
        with_default(
            "merge_by_email",
            Kind::Flag,
            "false",
            "Whether an emailed code signs in as the one contact whose address a provider vouched for. Left out, whoever \
             comes by code is somebody else than who came by a provider, until somebody merges them.",
        ),
        with_default(
            "access_lifetime",
            text(&DURATION),
            "1h",
            "How long a customer's access token is good: from `10s` to `1h`. It is renewed by a refresh token.",
        ),
        with_default(
            "may_change",
            Kind::List(&Kind::Text(&FIELD_NAME)),
            "firstName, lastName, fullName, locale",
            "Which fields of the own profile a customer may change: fields of contacts, and fields of your own. Never \
             `email`, `userId` and `externalId`, which say who somebody is.",
        ),
    ],
    each: None,
};

/// The table of a website.
pub static WEBSITE: Table = Table {
    doc: "A website on which customers sign in by an emailed code.",
    fields: &[
        required(
            "public_key",
            text(&PUBLIC_KEY),
            "Its publishable key: `pk_dom_` and 16 to 64 letters and digits of your choice. It stands in the page and is no \
             secret. Example: `pk_dom_9f2c4e7a1b8d6350`.",
        ),
        required(
            "origins",
            Kind::List(&Kind::Text(&PLAIN)),
            "The origins whose pages may use it, as browsers write them: scheme, host, and the port if it is another than \
             the scheme's. `http:` is for this machine only. Example: `https://www.acme.example`.",
        ),
        optional(
            "sender",
            text(&PLAIN),
            "Who its letters come from, as mail programs show it; the tenant's name if it is left out. The address is that \
             of `[mail]`. Example: `Acme Shop`.",
        ),
        optional("accent", text(&COLOUR), "The colour of its letters. Example: `#0b5fff`."),
    ],
    each: None,
};

/// The most websites of a tenant.
const MOST: usize = 50;
/// The most origins of a website.
const MOST_ORIGINS: usize = 50;
/// The most characters of a sender's name.
const SENDER: usize = 60;
/// What says who somebody is, and is never the customer's to change.
const FIXED: [ProfileField; 2] = [ProfileField::Email, ProfileField::UserId];

/// Reads `[customers]`; what is wrong goes into the report.
pub fn policy(root: &Node<'_>, report: &mut Report) -> CustomerPolicy {
    let mut policy = CustomerPolicy::default();
    let Some(node) = root.table("customers") else { return policy };
    policy.email_code = node.flag("email_code").unwrap_or(policy.email_code);
    policy.create = node.flag("create").unwrap_or(policy.create);
    policy.merge_by_email = node.flag("merge_by_email").unwrap_or(policy.merge_by_email);
    if policy.email_code && !policy.create && !policy.merge_by_email {
        let message =
            "nobody could ever sign in by an emailed code: nobody is found by it, and nobody is created";
        report.warn(node.span(), message, "set `merge_by_email` or `create`");
    }
    if let Some(given) = node.text("access_lifetime") {
        match parse_duration(given.value).filter(|long| (SHORTEST_ACCESS..=ACCESS_LIFETIME).contains(long)) {
            Some(lifetime) => policy.access_lifetime = lifetime,
            None => report.fault(
                given.span,
                format!("{} is no lifetime of an access token", quoted(given.value)),
                "use `10s` to `1h`",
            ),
        }
    }
    if node.has("may_change") {
        policy.may_change = may_change(&node, report);
    }
    policy
}

/// Reads every `[[website]]`; what is wrong goes into the report.
pub fn websites(root: &Node<'_>, policy: &CustomerPolicy, report: &mut Report) -> Vec<Website> {
    let nodes = root.tables("website");
    if let Some(beyond) = nodes.get(MOST) {
        let message = format!("a tenant has at most {MOST} websites");
        report.fault(beyond.span(), message, "give one several origins");
    }
    if let Some(first) = nodes.first().filter(|_| !policy.email_code) {
        let message = "nobody can sign in on a website: emailed codes are off";
        report.warn(first.span(), message, "write `email_code = true` into `[customers]`");
    }
    let mut seen = HashMap::new();
    let mut websites = Vec::new();
    for node in &nodes {
        let origins = origins(node, report);
        let sender = sender(node, report);
        let Some(key) = node.text("public_key") else { continue };
        let line = report.source().line_and_column(key.span.start).0;
        if let Some(first) = seen.insert(key.value, line) {
            let message = format!("the publishable key {} is taken", quoted(key.value));
            report.fault(key.span, message, format!("line {first} has it already; each website has its own"));
            continue;
        }
        let accent = node.text("accent").and_then(|accent| Accent::parse(accent.value));
        websites.push(Website { public_key: key.value.to_owned(), origins, sender, accent });
    }
    websites
}

fn may_change(node: &Node<'_>, report: &mut Report) -> Vec<String> {
    let mut fields = Vec::new();
    for given in node.texts("may_change") {
        if given.value == EXTERNAL_ID || FIXED.iter().any(|field| field.as_str() == given.value) {
            let message = format!("{} says who somebody is", quoted(given.value));
            report.fault(given.span, message, "leave it out: a customer cannot change it");
        } else if !fields.iter().any(|known| known == given.value) {
            fields.push(given.value.to_owned());
        }
    }
    fields
}

fn origins(node: &Node<'_>, report: &mut Report) -> Vec<String> {
    let given = node.texts("origins");
    if node.has("origins") && given.is_empty() {
        let message = "a website without an origin cannot be used from anywhere";
        report.fault(node.span(), message, "name at least one, e.g. `https://www.acme.example`");
    }
    if let Some(beyond) = given.get(MOST_ORIGINS) {
        let message = format!("a website has at most {MOST_ORIGINS} origins");
        report.fault(beyond.span.clone(), message, "put some of them into a website of their own");
    }
    let mut origins = Vec::new();
    for spot in given {
        match origin(spot.value) {
            Ok(origin) => origins.push(origin),
            Err(help) => {
                report.fault(spot.span, format!("{} is no origin of a website", quoted(spot.value)), help);
            }
        }
    }
    origins
}

/// An origin as browsers write it, or how to write it.
fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| url.has_host() && matches!(url.scheme(), "https" | "http"));
    let url = url.ok_or("write scheme and host, e.g. `https://www.acme.example`; there are no wildcards")?;
    let written = url.origin().ascii_serialization();
    if written != text || text.contains('*') {
        return Err(format!("write it as browsers do: `{}`", written.replace('*', "www")));
    }
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !is_here {
        return Err("use `https:`; without it anybody on the way could change the page".to_owned());
    }
    Ok(written)
}

fn sender(node: &Node<'_>, report: &mut Report) -> Option<String> {
    let given = node.text("sender")?;
    let name = given.value.trim();
    if name.chars().count() > SENDER || name.chars().any(char::is_control) || name.contains(['<', '>', '@']) {
        let help = format!("write at most {SENDER} characters in one line, without an address");
        report.fault(given.span, "this is no sender's name", help);
        return None;
    }
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it_and_guarded() {
        for good in [
            "https://www.acme.example",
            "https://acme.example:8443",
            "http://localhost:5173",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
        ] {
            assert_eq!(origin(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "www.acme.example",
            "https://",
            "https://*.acme.example",
            "https://www.acme.example/",
            "https://www.acme.example:443",
            "https://WWW.acme.example",
            "https://eve@www.acme.example",
            "http://www.acme.example",
            "http://localhost.evil.example",
            "null",
            "*",
            "file:///tmp",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
        assert_eq!(
            origin("https://WWW.acme.example:443/shop").unwrap_err(),
            "write it as browsers do: `https://www.acme.example`"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_taken_for_an_origin_is_written_as_browsers_write_it(text in "\\PC{0,30}|https?://[a-z.:*/0-9@]{0,30}") {
            if let Ok(taken) = origin(&text) {
                let url = Url::parse(&taken).unwrap();
                prop_assert_eq!(url.origin().ascii_serialization(), text);
                prop_assert!(!taken.contains(['*', '@']));
            }
        }
    }
}
