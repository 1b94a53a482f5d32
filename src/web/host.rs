//! Which tenant a request is for: by the exact host name it asks for, and nothing else. What a proxy
//! says of the host counts only from the peers that the operator has named.
//!
//! The bare base domain is the operator's: tokens and `/v1/tenants` are served there, and nothing of
//! what tenants have.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, Uri, header};

use crate::domain::tenant::Tenant;

use super::Web;
use super::error::ApiError;

/// The tenant of the request's host. Handlers reach a tenant through this only.
#[derive(Debug, Clone)]
pub struct AtTenant(pub Arc<Tenant>);

/// Whose tokens are issued at the request's host: a tenant, or the operator.
#[derive(Debug, Clone)]
pub struct AtIssuer(pub Arc<Tenant>);

/// Why a request has no tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTenant {
    /// Nobody is served at its host.
    WrongHost,
    /// Nobody is known to be served at its host, and not everybody is known: the store's tenants are not loaded yet.
    NotYet,
    /// Its host is the bare base domain, which is the operator's.
    Platform,
}

/// The tenant of a request.
pub fn tenant(web: &Web, request: &Asked<'_>) -> Result<Arc<Tenant>, NoTenant> {
    tenant_and_host(web, request).map(|(tenant, _)| tenant)
}

/// The tenant of a request, and the host name that was asked for, which is one of its own.
pub fn tenant_and_host<'a>(web: &Web, request: &Asked<'a>) -> Result<(Arc<Tenant>, &'a str), NoTenant> {
    let host = request.trusted_host(web).ok_or(NoTenant::WrongHost)?;
    match web.broker.tenant_at(host) {
        Some(tenant) => Ok((tenant, host)),
        None if is_platform(web, host) => Err(NoTenant::Platform),
        None if web.broker.waits_for_tenants() => Err(NoTenant::NotYet),
        None => Err(NoTenant::WrongHost),
    }
}

/// The tenant to which a running login comes back: also one that is not served any more, or not at
/// this host.
pub fn returned_tenant(web: &Web, request: &Asked<'_>) -> Result<Arc<Tenant>, NoTenant> {
    let returned = || web.broker.returned_tenant_at(request.trusted_host(web)?);
    tenant(web, request).or_else(|none| returned().ok_or(none))
}

/// The operator's own place, if the request is for it. A tenant that has its host has it whole.
pub fn platform(web: &Web, request: &Asked<'_>) -> Result<Arc<Tenant>, ApiError> {
    match tenant(web, request) {
        Err(NoTenant::Platform) => Ok(Arc::clone(&web.platform)),
        Err(none) => Err(none.into()),
        Ok(_) => Err(ApiError::NoSuchPath),
    }
}

fn is_platform(web: &Web, host: &str) -> bool {
    web.platform.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
}

impl From<NoTenant> for ApiError {
    fn from(none: NoTenant) -> Self {
        match none {
            NoTenant::WrongHost => Self::WrongHost,
            NoTenant::NotYet => Self::Unavailable,
            NoTenant::Platform => Self::NoSuchPath,
        }
    }
}

/// What of a request says for whom it is.
#[derive(Debug)]
pub struct Asked<'a> {
    headers: &'a HeaderMap,
    uri: &'a Uri,
    peer: Option<IpAddr>,
}

impl<'a> Asked<'a> {
    /// Of a request's head.
    pub fn of(parts: &'a Parts) -> Self {
        Self { headers: &parts.headers, uri: &parts.uri, peer: peer(&parts.extensions) }
    }

    /// Of a whole request.
    pub fn of_request(request: &'a Request) -> Self {
        Self { headers: request.headers(), uri: request.uri(), peer: peer(request.extensions()) }
    }

    /// The authority that was asked for: what the browser has in its address bar.
    pub fn authority(&self, trusted: bool) -> Option<&'a str> {
        let forwarded = HeaderName::from_static("x-forwarded-host");
        if trusted && self.headers.contains_key(&forwarded) {
            return only(self.headers, &forwarded);
        }
        // Two `Host` headers name no host (RFC 9112, 3.2).
        let host = only(self.headers, &header::HOST);
        match self.uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => host,
        }
    }

    /// The host name that counts for this broker.
    fn trusted_host(&self, web: &Web) -> Option<&'a str> {
        self.host(self.peer.is_some_and(|peer| web.trusts(peer)))
    }

    /// The host name without port.
    fn host(&self, trusted: bool) -> Option<&'a str> {
        host_name(self.authority(trusted)?)
    }
}

/// The address of the peer, which our listener puts into every request.
pub fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next()?, values.next());
    if second.is_some() { None } else { first.to_str().ok() }
}

fn host_name(authority: &str) -> Option<&str> {
    if authority.contains('@') {
        return None;
    }
    match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next(),
        None => authority.split(':').next(),
    }
}

impl FromRequestParts<Arc<Web>> for AtTenant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Self::Rejection> {
        Ok(Self(tenant(web, &Asked::of(parts))?))
    }
}

impl FromRequestParts<Arc<Web>> for AtIssuer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Self::Rejection> {
        match tenant(web, &Asked::of(parts)) {
            Ok(tenant) => Ok(Self(tenant)),
            Err(NoTenant::Platform) => Ok(Self(Arc::clone(&web.platform))),
            Err(none) => Err(none.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("acme.example.com", Some("acme.example.com"))]
    #[case("acme.example.com:8443", Some("acme.example.com"))]
    #[case("[::1]:8080", Some("::1"))]
    #[case("acme.example.com@evil.example", None)]
    fn the_port_is_not_part_of_the_host(#[case] host: &'static str, #[case] expected: Option<&str>) {
        assert_eq!(asked(&[("host", host)], false).as_deref(), expected);
    }

    #[test]
    fn two_host_headers_name_no_host() {
        assert_eq!(asked(&[("host", "a.example"), ("host", "b.example")], false), None);
    }

    #[test]
    fn a_forwarded_host_counts_from_a_trusted_proxy_only() {
        let headers = [("host", "proxy.example"), ("x-forwarded-host", "acme.example")];
        assert_eq!(asked(&headers, true).as_deref(), Some("acme.example"));
        assert_eq!(asked(&headers, false).as_deref(), Some("proxy.example"));
        let twice =
            [("x-forwarded-host", "a.example"), ("x-forwarded-host", "b.example"), ("host", "c.example")];
        assert_eq!(asked(&twice, true), None);
    }

    fn asked(named: &[(&'static str, &'static str)], trusted: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in named {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let uri = Uri::from_static("/");
        let asked = Asked { headers: &headers, uri: &uri, peer: None };
        asked.host(trusted).map(str::to_owned)
    }
}
