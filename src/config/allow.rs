//! Exceptions from the rule that everything fetched lies in public: `host:port` for every
//! tenant, or `tenant=host:port` for one (DESIGN §4, SECURITY 11).

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::domain::ids::TenantId;

/// One exception: the literal host and port of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowRule {
    tenant: Option<TenantId>,
    host: Host<String>,
    port: u16,
}

/// A text that is no exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write `host:port`, or `tenant=host:port` for one tenant; no wildcards")]
pub struct AllowError;

impl AllowRule {
    /// Whether the rule lets `tenant` reach the host and port that stand in `url`.
    pub fn covers(&self, tenant: &TenantId, url: &Url) -> bool {
        let tenant_fits = self.tenant.as_ref().is_none_or(|only| only == tenant);
        let host_fits = match (url.host(), &self.host) {
            (Some(Host::Domain(given)), Host::Domain(host)) => given.eq_ignore_ascii_case(host),
            (Some(Host::Ipv4(given)), Host::Ipv4(host)) => given == *host,
            (Some(Host::Ipv6(given)), Host::Ipv6(host)) => given == *host,
            _ => false,
        };
        tenant_fits && host_fits && url.port_or_known_default() == Some(self.port)
    }
}

impl FromStr for AllowRule {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, AllowError> {
        let (tenant, target) = match text.split_once('=') {
            Some((tenant, target)) => (Some(tenant.parse().map_err(|_| AllowError)?), target),
            None => (None, text),
        };
        let (host, port) = target.rsplit_once(':').ok_or(AllowError)?;
        let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let port = port.parse().ok().filter(|port| digits && *port != 0).ok_or(AllowError)?;
        let host = Host::parse(host).map_err(|_| AllowError)?;
        if matches!(&host, Host::Domain(name) if name.contains('*') || name.is_empty()) {
            return Err(AllowError);
        }
        Ok(Self { tenant, host, port })
    }
}

impl fmt::Display for AllowRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tenant) = &self.tenant {
            write!(f, "{tenant}=")?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(rule: &str, tenant: &str, url: &str) -> bool {
        rule.parse::<AllowRule>().unwrap().covers(&tenant.parse().unwrap(), &url.parse().unwrap())
    }

    #[test]
    fn a_rule_covers_exactly_its_host_and_port() {
        assert!(covers("localhost:9000", "acme", "http://LOCALHOST:9000/token"));
        assert!(!covers("localhost:9000", "acme", "http://localhost:9001/"));
        assert!(!covers("localhost:9000", "acme", "http://localhost.evil.example:9000/"));
        assert!(!covers("127.0.0.1:9000", "acme", "http://localhost:9000/"), "the literal host counts");
        assert!(covers("[::1]:443", "acme", "https://[0:0::1]/"));
        assert!(covers("127.0.0.1:80", "acme", "http://127.1/"), "the same address in another spelling");
    }

    #[test]
    fn a_tenants_rule_is_for_that_tenant() {
        assert!(covers("acme=localhost:9000", "acme", "http://localhost:9000/"));
        assert!(!covers("acme=localhost:9000", "other", "http://localhost:9000/"));
    }

    #[test]
    fn anything_wider_is_refused() {
        for bad in [
            "",
            "localhost",
            ":80",
            "*:80",
            "*.a.example:80",
            "a:0",
            "a:+80",
            "a:99999",
            "A b:80",
            "Ü=a:80",
            "x=",
            "a:80:",
            "http://a:80",
        ] {
            assert!(bad.parse::<AllowRule>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_is_printed_as_it_is_written() {
        for text in ["localhost:9000", "acme=10.0.0.1:443", "[::1]:8080"] {
            assert_eq!(text.parse::<AllowRule>().unwrap().to_string(), text);
        }
    }
}
