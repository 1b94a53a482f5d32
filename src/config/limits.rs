//! `[limits]`: how much of the process anybody may take. The defaults are far above what honest
//! traffic of one platform does; they bound what a fault or a flood can cost.

use std::time::Duration;

use super::layers::{Layers, Problem};
use super::shape::{Field, Kind, Need, Table};
use super::words::quoted;

/// The settings, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// API calls of one client in a minute.
    pub client_calls: u32,
    /// API calls of one tenant's clients in a minute.
    pub tenant_calls: u32,
    /// Pages from one address in a minute that do not exist.
    pub address_misses: u32,
    /// Wrong client secrets of one tenant from one address in a minute.
    pub address_failures: u32,
    /// Wrong secrets of one client from one address in a minute.
    pub client_failures: u32,
    /// Attempts of staff to come in from one address in a minute.
    pub address_sign_ins: u32,
    /// Sign-ins of customers to apps of one tenant that begin from one address in a minute.
    pub address_app_sign_ins: u32,
    /// Pages that one member of staff asks for in a minute.
    pub staff_pages: u32,
    /// Emailed codes that customers ask for from one address in a minute.
    pub address_codes: u32,
    /// Letters with codes that go to customers of one tenant in a minute.
    pub tenant_codes: u32,
    /// Emailed codes that customers type from one address in a minute.
    pub address_typed_codes: u32,
    /// Calls of the Client API of one customer in a minute.
    pub customer_calls: u32,
    /// Requests at work.
    pub requests: usize,
    /// Logins at one provider.
    pub provider_logins: usize,
    /// Logins at all providers.
    pub all_provider_logins: usize,
    /// Connections.
    pub connections: usize,
    /// Connections of one address.
    pub connections_per_address: usize,
    /// How long the listener goes on accepting when it is told to stop.
    pub linger: Duration,
}

/// The section's description.
pub static LIMITS: Table = Table {
    doc: "How much of the process anybody may take. What is counted per minute may also be spent at once. IPv6 addresses \
          of one /64 are one address; behind `trusted_proxies` the forwarded one counts.",
    fields: &[
        count("client_calls", "120000", "API calls of one client per minute and broker; 429 beyond."),
        count(
            "tenant_calls",
            "240000",
            "API calls of all clients of one tenant per minute and broker; 429 beyond.",
        ),
        count(
            "address_misses",
            "600",
            "Requests from one address per minute for pages that do not exist, unknown links and callbacks with a bad \
             state; 429 beyond. Known links and good states are never refused for it; but who opens a link by Meta's \
             *Log In* counts as one until Meta has said who it is.",
        ),
        count(
            "address_failures",
            "60",
            "Wrong client secrets of one tenant from one address per minute; 429 beyond, before the secret is looked at.",
        ),
        count(
            "client_failures",
            "20",
            "Wrong secrets of one client from one address per minute; 429 beyond. It never counts against the client \
             elsewhere.",
        ),
        count(
            "address_sign_ins",
            "60",
            "Attempts of staff to sign in from one address per minute: codes that are asked for or typed, providers, \
             invitations; 429 beyond. How many codes an address gets has limits of its own (docs/staff.md).",
        ),
        count(
            "address_app_sign_ins",
            "300",
            "Sign-ins of customers to the apps of one tenant that begin from one address per minute, and at most four times \
             as many to those of all tenants together; 429 beyond.",
        ),
        count(
            "staff_pages",
            "600",
            "Pages that one member of staff loads or sends per minute; 429 beyond. What the pages of the console fetch by \
             themselves when something changes may be ten times as much.",
        ),
        count(
            "address_codes",
            "30",
            "Emailed codes that customers ask for from one address per minute; 429 beyond. How many codes a mailbox gets has \
             limits of its own (docs/customers.md).",
        ),
        count(
            "tenant_codes",
            "300",
            "Letters with codes that go to customers of one tenant per minute and broker; beyond, who asks is answered alike, \
             and no letter is sent. All tenants share one mail server: what floods one of them does not make it refuse the \
             letters of the others.",
        ),
        count(
            "address_typed_codes",
            "120",
            "Emailed codes that customers type from one address per minute; 429 beyond.",
        ),
        count(
            "customer_calls",
            "600",
            "Calls of the Client API of one customer per minute and broker; 429 beyond.",
        ),
        count(
            "requests",
            "2000",
            "Requests at work at the same time; 503 beyond, at once. For one address at most an eighth of them wait for \
             their body.",
        ),
        count(
            "provider_logins",
            "64",
            "Logins at one provider at the same time; a further one waits for half a second, then 503.",
        ),
        count(
            "all_provider_logins",
            "2048",
            "Logins at all providers at the same time. The fuller it is, the fewer one provider may have, but always two.",
        ),
        count(
            "connections",
            "10000",
            "Connections at the same time; further ones wait in the kernel's queue.",
        ),
        count(
            "connections_per_address",
            "2000",
            "Connections of one address at the same time; further ones are closed. Trusted proxies are not counted.",
        ),
        Field {
            name: "linger_ms",
            kind: Kind::Count(0, 60_000),
            need: Need::Default("500"),
            doc: "For how many milliseconds a broker that is told to stop still takes new connections, and lets idle ones \
                  ask once more: longer than the load balancer needs to see that `/readyz` is 503.",
        },
    ],
    each: None,
};

const fn count(name: &'static str, default: &'static str, doc: &'static str) -> Field {
    Field { name, kind: Kind::Count(1, 1_000_000_000), need: Need::Default(default), doc }
}

/// Reads the section; none if something in it is wrong.
pub fn read(layers: &mut Layers<'_>) -> Option<Limits> {
    let mut one = |key: &'static str| layers.one("limits", key, |text| number(key, text));
    // All of them are read before any is missed, so that every fault is told.
    let rates = [
        "client_calls",
        "tenant_calls",
        "address_misses",
        "address_failures",
        "client_failures",
        "address_sign_ins",
        "address_app_sign_ins",
        "staff_pages",
        "address_codes",
        "tenant_codes",
        "address_typed_codes",
        "customer_calls",
    ];
    let rates = rates.map(&mut one);
    let sizes =
        ["requests", "provider_logins", "all_provider_logins", "connections", "connections_per_address"];
    let sizes = sizes.map(|key| one(key).and_then(|size| usize::try_from(size).ok()));
    let linger = one("linger_ms");
    let [client_calls, tenant_calls, address_misses, address_failures, client_failures, rest @ ..] = rates;
    let [address_sign_ins, address_app_sign_ins, staff_pages, rest @ ..] = rest;
    let [address_codes, tenant_codes, address_typed_codes, customer_calls] = rest;
    let [requests, provider_logins, all_provider_logins, connections, connections_per_address] = sizes;
    Some(Limits {
        client_calls: client_calls?,
        tenant_calls: tenant_calls?,
        address_misses: address_misses?,
        address_failures: address_failures?,
        client_failures: client_failures?,
        address_sign_ins: address_sign_ins?,
        address_app_sign_ins: address_app_sign_ins?,
        staff_pages: staff_pages?,
        address_codes: address_codes?,
        tenant_codes: tenant_codes?,
        address_typed_codes: address_typed_codes?,
        customer_calls: customer_calls?,
        requests: requests?,
        provider_logins: provider_logins?,
        all_provider_logins: all_provider_logins?,
        connections: connections?,
        connections_per_address: connections_per_address?,
        linger: Duration::from_millis(u64::from(linger?)),
    })
}

/// A number within the bounds of its setting: a file's was compared with them, a variable's was not.
fn number(key: &str, text: &str) -> Result<u32, Problem> {
    let bounds = match LIMITS.field(key).map(|field| &field.kind) {
        Some(Kind::Count(low, high)) => *low..=*high,
        _ => 0..=u32::MAX,
    };
    text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
        let message = format!("{} is no number from {} to {}", quoted(text), bounds.start(), bounds.end());
        Problem::new(message, "write a whole number within these bounds")
    })
}
