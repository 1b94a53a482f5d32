//! A look at a provider's hosts and pages, for whoever sets one up: names, certificates, redirects
//! and clocks, through the same guard as every call.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use http::header::{DATE, HeaderName, LOCATION, SET_COOKIE};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Response;
use reqwest::tls::TlsInfo;
use tokio::sync::Semaphore;
use url::{Host, Url};

use crate::domain::ids::TenantId;
use crate::oauth::wire::{Method, OutboundRequest, ProviderAnswer};

use super::certificate;
use super::error::EgressError;
use super::provider::{ProviderClient, build_request, read_answer};
use super::resolver::Lookup;

/// How many names are looked up at once: each takes a thread.
const LOOKUPS: usize = 8;

/// An answer with what a browser would look at.
#[derive(Debug, Clone)]
pub struct Page {
    /// The answer.
    pub answer: ProviderAnswer,
    /// Where a redirect leads, as it was written.
    pub location: Option<String>,
    /// Names and values of the cookies that it sets.
    pub cookies: Vec<(String, String)>,
    /// What the server's clock says.
    pub date: Option<Timestamp>,
}

/// What a host showed of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// Until when its certificate is good.
    pub certificate_ends: Option<Timestamp>,
    /// What its clock says.
    pub date: Option<Timestamp>,
}

/// Why a name leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    /// The name server knows nothing of it, or does not answer.
    #[error("the name does not resolve")]
    Unknown,
    /// The name server takes too long.
    #[error("the name does not resolve in time")]
    Timeout,
}

/// The names of hosts and what they lead to.
#[derive(Clone)]
pub(super) struct Names {
    lookup: Lookup,
    slots: Arc<Semaphore>,
}

impl Names {
    pub(super) fn new(lookup: &Lookup) -> Self {
        Self { lookup: Arc::clone(lookup), slots: Arc::new(Semaphore::new(LOOKUPS)) }
    }

    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
        let (lookup, name) = (Arc::clone(&self.lookup), name.to_owned());
        let look = move || {
            let found = lookup(&name);
            drop(slot);
            found
        };
        tokio::task::spawn_blocking(look).await.map_err(io::Error::other)?
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

impl ProviderClient {
    /// Whether a URL may be called at all (SECURITY 11), without calling it.
    pub fn check_url(&self, tenant: &TenantId, url: &Url) -> Result<(), EgressError> {
        self.dialer.check_url(tenant, url).map(drop)
    }

    /// How many addresses a host has; its own if it is one. Nothing is called.
    pub async fn look_up(&self, url: &Url, deadline: Instant) -> Result<usize, NoAddress> {
        let Some(Host::Domain(name)) = url.host() else { return Ok(1) };
        let found = tokio::time::timeout_at(deadline.into(), self.names.look_up(name)).await;
        match found.map_err(|_| NoAddress::Timeout)? {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses.len()),
            _ => Err(NoAddress::Unknown),
        }
    }

    /// Makes a connection to a URL's host and asks it for `/`, whatever it answers.
    pub async fn meet(&self, tenant: &TenantId, url: &Url, deadline: Instant) -> Result<Met, EgressError> {
        let mut url = url.clone();
        url.set_path("/");
        url.set_query(None);
        let request = OutboundRequest { method: Method::Get, url, headers: Vec::new(), body: None };
        let response = self.open(tenant, &request, deadline).await?;
        let told = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
        Ok(Met { certificate_ends: told.and_then(certificate::ends_at), date: date(response.headers()) })
    }

    /// Loads a page and follows nothing.
    pub async fn load(
        &self,
        tenant: &TenantId,
        request: &OutboundRequest,
        deadline: Instant,
    ) -> Result<Page, EgressError> {
        let response = self.open(tenant, request, deadline).await?;
        let headers = response.headers();
        let location = text(headers, &LOCATION).map(str::to_owned);
        let (cookies, date) = (cookies(headers), date(headers));
        let answer = tokio::time::timeout_at(deadline.into(), read_answer(response)).await;
        Ok(Page { answer: answer.map_err(|_| EgressError::Timeout)??, location, cookies, date })
    }

    async fn open(
        &self,
        tenant: &TenantId,
        request: &OutboundRequest,
        deadline: Instant,
    ) -> Result<Response, EgressError> {
        let call = tokio::time::timeout(self.total, self.dialer.send(tenant, build_request(request)?));
        let outcome = tokio::time::timeout_at(deadline.into(), call).await;
        outcome.ok().and_then(Result::ok).unwrap_or(Err(EgressError::Timeout))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The server's clock (RFC 9110, 6.6.1).
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text(headers, &DATE)?).ok()
}

/// The cookies of an answer without their attributes; one that is taken back has no value.
fn cookies(headers: &HeaderMap) -> Vec<(String, String)> {
    let lines = headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.filter_map(|line| line.split(';').next()?.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn cookies_and_clock_are_read() {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1; Path=/; Secure"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=x=y"));
        headers.append(SET_COOKIE, HeaderValue::from_static("nonsense"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(cookies(&headers), [pair("a", "1"), pair("b", "x=y")]);
        assert_eq!(date(&headers), None);
        headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(date(&headers), Some("1994-11-06T08:49:37Z".parse().unwrap()));
    }
}
