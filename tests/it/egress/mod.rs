//! The guarded client against real sockets that misbehave.
//!
//! To add a misbehaviour: 1. a script for [`server::Server`], in the test itself if it is used
//! once, 2. the outcome it must have, in the file of its kind: `answers` (what comes back),
//! `connections` (how it gets there), `documents` (what is kept of it), `refusals` (what is never
//! called).

#[cfg(test)]
mod answers;
#[cfg(test)]
mod channels;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod server;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign::clock::Clock;
use countersign::domain::ids::TenantId;
use countersign::egress::error::EgressError;
use countersign::egress::guard::Guard;
use countersign::egress::provider::{ProviderClient, Timeouts};
use countersign::egress::resolver::{Lookup, system_lookup};
use countersign::oauth::wire::{Method, OutboundRequest, ProviderAnswer};

/// Long enough that only a fault waits for it.
const LONG: Duration = Duration::from_secs(20);
/// What a test waits that expects to run into the deadline.
const SHORT: Duration = Duration::from_millis(400);

fn within(time: Duration) -> Instant {
    Clock::system().tick() + time
}

fn tenant() -> TenantId {
    "acme".parse().expect("a tenant name")
}

/// A client for which these hosts and ports are listed.
fn client_for(allow: &[String]) -> ProviderClient {
    client(Vec::new(), allow, &system_lookup())
}

fn client(ports: Vec<u16>, allow: &[String], lookup: &Lookup) -> ProviderClient {
    let allow = allow.iter().map(|entry| entry.parse().expect("an entry of the list")).collect();
    let timeouts = Timeouts { connect: LONG, total: LONG };
    ProviderClient::with_lookup(Guard::new(ports, allow), timeouts, lookup)
        .expect("root certificates are installed")
}

/// A resolver that knows every name and always answers with these addresses.
fn resolving_to(addresses: &[&str]) -> Lookup {
    let addresses: Vec<IpAddr> =
        addresses.iter().map(|address| address.parse().expect("an address")).collect();
    Arc::new(move |_| Ok(addresses.clone()))
}

fn get(url: &str) -> OutboundRequest {
    OutboundRequest { method: Method::Get, url: url.parse().expect("a url"), headers: Vec::new(), body: None }
}

async fn fetch(client: &ProviderClient, url: &str) -> Result<ProviderAnswer, EgressError> {
    client.send(&tenant(), &get(url), within(LONG)).await
}
