//! Which tenant a request is for: by the exact host name it asks for, and nothing else.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};

use crate::domain::tenant::Tenant;

use super::Web;

/// The tenant of the request's host. Handlers reach a tenant through this only.
#[derive(Debug, Clone)]
pub struct AtTenant(pub Arc<Tenant>);

/// No tenant is served at the request's host.
#[derive(Debug, Clone, Copy)]
pub struct WrongHost;

/// The tenant of a request.
pub fn tenant(web: &Web, headers: &HeaderMap, uri: &Uri) -> Result<Arc<Tenant>, WrongHost> {
    asked_host(headers, uri).and_then(|host| web.broker.tenant_at(host)).ok_or(WrongHost)
}

/// The host name without port. Two `Host` headers name no host (RFC 9112, 3.2).
fn asked_host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let mut named = headers.get_all(header::HOST).iter();
    let (first, second) = (named.next(), named.next());
    if second.is_some() {
        return None;
    }
    let authority = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => first?.to_str().ok()?,
    };
    if authority.contains('@') {
        return None;
    }
    match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next(),
        None => authority.split(':').next(),
    }
}

impl FromRequestParts<Arc<Web>> for AtTenant {
    type Rejection = super::error::ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Self::Rejection> {
        let tenant = tenant(web, &parts.headers, &parts.uri);
        tenant.map(Self).map_err(|WrongHost| super::error::ApiError::WrongHost)
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
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        assert_eq!(asked_host(&headers, &Uri::from_static("/")), expected);
    }

    #[test]
    fn two_host_headers_name_no_host() {
        let mut headers = HeaderMap::new();
        headers.append(header::HOST, HeaderValue::from_static("a.example"));
        headers.append(header::HOST, HeaderValue::from_static("b.example"));
        assert_eq!(asked_host(&headers, &Uri::from_static("/")), None);
    }
}
