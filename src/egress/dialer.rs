//! The connections that every client of ours shares: no redirects, no proxies, no cookies, and an
//! address that was looked at.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Request, Response, redirect, retry};
use url::Url;

use crate::domain::ids::TenantId;

use super::error::{EgressError, Refusal};
use super::guard::{Guard, Permit};
use super::resolver::{GuardedResolver, Lookup};

/// What we call ourselves.
const USER_AGENT: &str = concat!("countersign/", env!("CARGO_PKG_VERSION"));
/// How many header lines an answer may have; their bytes are bounded by hyper at 408 KiB.
const HEADERS: usize = 100;
/// How long an idle connection is kept: shorter than what usual servers allow, so that we close first.
const IDLE: Duration = Duration::from_secs(30);
/// How many idle connections are kept per host.
const IDLE_CONNECTIONS: usize = 32;
/// How long the second attempt to connect waits.
const PAUSE: Duration = Duration::from_millis(100);

/// The clients of this process cannot be made; without them it must not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up outgoing tls; are root certificates installed?")]
pub struct DialerError(#[source] reqwest::Error);

/// Two pools of connections, one for public hosts and one for listed ones. They are apart so that
/// an entry for one port of a host never opens another: the resolver sees no port, but the guard
/// lets nothing into the second pool that is not listed with its port.
#[derive(Debug, Clone)]
pub struct Dialer {
    guard: Guard,
    public: Client,
    listed: Client,
}

impl Dialer {
    /// Makes both pools. `connect` bounds name lookup, TCP and TLS together.
    pub fn new(guard: Guard, connect: Duration, lookup: &Lookup) -> Result<Self, DialerError> {
        let public = builder(connect)
            .dns_resolver(GuardedResolver::for_public(lookup.clone()))
            .https_only(true)
            .build()
            .map_err(DialerError)?;
        let listed = builder(connect)
            .dns_resolver(GuardedResolver::for_listed(lookup.clone()))
            .build()
            .map_err(DialerError)?;
        Ok(Self { guard, public, listed })
    }

    /// Asks the guard.
    pub fn check_url(&self, tenant: &TenantId, url: &Url) -> Result<Permit, EgressError> {
        self.guard.check_url(tenant, url)
    }

    /// Sends a request and waits for the answer's headers. If no connection came about, and so
    /// no byte of the request has left, it tries once more; never after that: a code is good once.
    pub async fn send(&self, tenant: &TenantId, request: Request) -> Result<Response, EgressError> {
        let permit = self.check_url(tenant, request.url())?;
        let pool = if permit.is_listed() { &self.listed } else { &self.public };
        let again = request.try_clone();
        match (pool.execute(request).await.map_err(|error| explain(&error)), again) {
            (Err(EgressError::Connect), Some(request)) => {
                tokio::time::sleep(PAUSE).await;
                pool.execute(request).await.map_err(|error| explain(&error))
            }
            (outcome, _) => outcome,
        }
    }
}

/// What a failure of the library means. Its own text is not kept: it holds the whole URL.
pub fn explain(error: &reqwest::Error) -> EgressError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(current) = cause {
        // An I/O error hides what it wraps from `source`.
        let wrapped = current.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let wrapped = wrapped.map(|inner| inner as &(dyn Error + 'static));
        if let Some(refusal) = find::<Refusal>(current, wrapped) {
            return EgressError::Refused(refusal.clone());
        }
        if let Some(tls) = find::<rustls::Error>(current, wrapped) {
            return EgressError::Tls(tls.to_string());
        }
        cause = wrapped.or_else(|| current.source());
    }
    if error.is_timeout() {
        EgressError::Timeout
    } else if error.is_connect() {
        EgressError::Connect
    } else {
        EgressError::Broken
    }
}

fn find<'a, E: Error + 'static>(
    current: &'a (dyn Error + 'static),
    wrapped: Option<&'a (dyn Error + 'static)>,
) -> Option<&'a E> {
    current.downcast_ref().or_else(|| wrapped.and_then(|inner| inner.downcast_ref()))
}

#[expect(clippy::disallowed_methods, reason = "this is the guarded client that the rule asks for")]
fn builder(connect: Duration) -> ClientBuilder {
    Client::builder()
        .tls_backend_rustls()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(retry::never())
        .user_agent(USER_AGENT)
        .connect_timeout(connect)
        .http1_max_headers(HEADERS)
        .tls_info(true)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
}
