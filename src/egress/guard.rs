//! The guard: which URLs may be called for which tenant (SECURITY 11 and 12). The same check
//! serves settings, before anything is saved, and the clients, before every call.

use url::{Host, Url};

use crate::domain::ids::TenantId;

use super::address::{check_no_metadata, check_public};
use super::allow::Allow;
use super::error::{EgressError, Refusal};

/// Ports on which https is allowed without a list.
pub const PORTS: [u16; 2] = [443, 8443];

/// Names that lead inward wherever they are resolved, each with what it is.
const NAMES: [(&str, &str); 2] =
    [("localhost", "this machine (RFC 6761, 6.3)"), ("metadata.google.internal", "a cloud's metadata")];

/// The operator's rules.
#[derive(Debug, Clone)]
pub struct Guard {
    ports: Vec<u16>,
    allow: Vec<Allow>,
}

/// Leave to call a URL; only [`Guard::check_url`] gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    listed: bool,
}

impl Permit {
    /// Whether the operator listed this host and port, so that it may be private and plain http.
    pub fn is_listed(self) -> bool {
        self.listed
    }
}

impl Guard {
    /// Rules of the settings `egress.ports` and `egress.allow`.
    pub fn new(ports: Vec<u16>, allow: Vec<Allow>) -> Self {
        Self { ports, allow }
    }

    /// Looks at a URL without resolving its host: https on an allowed port of a public host, or
    /// exactly a listed host and port. Literal addresses are judged here, because no resolver is
    /// ever asked for them; names are judged again by what they resolve to.
    pub fn check_url(&self, tenant: &TenantId, url: &Url) -> Result<Permit, EgressError> {
        if !matches!(url.scheme(), "https" | "http") {
            return Err(Refusal::Scheme(url.scheme().to_owned()).into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Userinfo.into());
        }
        if url.fragment().is_some() {
            return Err(Refusal::Fragment.into());
        }
        let (Some(host), Some(text), Some(port)) = (url.host(), url.host_str(), url.port_or_known_default())
        else {
            return Err(Refusal::Host.into());
        };
        let listed = self.allow.iter().any(|entry| entry.matches(tenant, text, port));
        if !listed {
            self.check_unlisted(url.scheme(), port)?;
        }
        check_host(&host, listed)?;
        Ok(Permit { listed })
    }

    fn check_unlisted(&self, scheme: &str, port: u16) -> Result<(), Refusal> {
        if scheme != "https" {
            return Err(Refusal::Scheme(scheme.to_owned()));
        }
        if !self.ports.contains(&port) {
            return Err(Refusal::Port(port));
        }
        Ok(())
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self::new(PORTS.to_vec(), Vec::new())
    }
}

fn check_host(host: &Host<&str>, listed: bool) -> Result<(), Refusal> {
    let check = if listed { check_no_metadata } else { check_public };
    match *host {
        Host::Ipv4(address) => check(address.into()),
        Host::Ipv6(address) => check(address.into()),
        Host::Domain(_) if listed => Ok(()),
        Host::Domain(name) => check_name(name),
    }
}

/// A dot at the end makes the same host a different text, so it counts as not there.
fn check_name(name: &str) -> Result<(), Refusal> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let is_or_under =
        |known: &str| bare.strip_suffix(known).is_some_and(|front| front.is_empty() || front.ends_with('.'));
    match NAMES.iter().find(|(known, _)| is_or_under(known)) {
        Some((_, what)) => Err(Refusal::Name(name.to_owned(), what)),
        None if bare.is_empty() => Err(Refusal::Host),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn check(allow: &[&str], url: &str) -> Result<Permit, EgressError> {
        let allow = allow.iter().map(|entry| entry.parse().unwrap()).collect();
        let guard = Guard::new(PORTS.to_vec(), allow);
        guard.check_url(&"acme".parse().unwrap(), &url.parse().unwrap())
    }

    fn refusal(allow: &[&str], url: &str) -> Refusal {
        match check(allow, url) {
            Err(EgressError::Refused(refusal)) => refusal,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn https_on_an_allowed_port_of_a_public_host_is_permitted() {
        for url in [
            "https://p.example/token",
            "https://p.example:8443/?a=b",
            "https://1.1.1.1",
            "https://p.example./",
        ] {
            assert_eq!(check(&[], url), Ok(Permit { listed: false }), "{url}");
        }
    }

    #[rstest]
    #[case::plain("http://p.example/")]
    #[case::plain_on_an_https_port("http://p.example:443/")]
    #[case::file("file:///etc/passwd")]
    #[case::gopher("gopher://p.example:6379/x")]
    fn another_scheme_is_refused(#[case] url: &str) {
        assert!(matches!(refusal(&[], url), Refusal::Scheme(_)));
    }

    #[rstest]
    #[case(22)]
    #[case(25)]
    #[case(80)]
    #[case(6379)]
    #[case(11211)]
    #[case(0)]
    fn another_port_is_refused(#[case] port: u16) {
        assert_eq!(refusal(&[], &format!("https://p.example:{port}/")), Refusal::Port(port));
    }

    #[test]
    fn what_readers_disagree_about_is_refused() {
        assert_eq!(refusal(&[], "https://p.example@evil.example/"), Refusal::Userinfo);
        assert_eq!(refusal(&[], "https://:secret@p.example/"), Refusal::Userinfo);
        assert_eq!(refusal(&[], "https://p.example/#@evil.example"), Refusal::Fragment);
        assert_eq!(refusal(&["127.0.0.1:80"], "http://a@127.0.0.1/"), Refusal::Userinfo);
        // The parser reads a backslash as a slash: what follows is a path, and the host is what is dialled.
        assert!(check(&[], "https://p.example\\@127.0.0.1/").is_ok());
    }

    #[rstest]
    #[case::loopback("127.0.0.1")]
    #[case::loopback_net("127.8.8.8")]
    #[case::hexadecimal("0x7f.1")]
    #[case::one_number("2130706433")]
    #[case::octal("0177.0.0.1")]
    #[case::short("127.1")]
    #[case::full_width("１２７.0.0.1")]
    #[case::circled("①②⑦.⓪.⓪.①")]
    #[case::percent("%31%32%37.0.0.1")]
    #[case::dot_at_the_end("127.0.0.1.")]
    #[case::any("0.0.0.0")]
    #[case::zero("0")]
    #[case::v6("[::1]")]
    #[case::v6_any("[::]")]
    #[case::mapped("[::ffff:127.0.0.1]")]
    #[case::private("10.1.2.3")]
    #[case::metadata("169.254.169.254")]
    fn a_refused_literal_is_refused_in_every_spelling(#[case] host: &str) {
        let refusal = refusal(&[], &format!("https://{host}/"));
        assert!(matches!(refusal, Refusal::Address { .. }), "{host}: {refusal}");
    }

    #[rstest]
    #[case("localhost")]
    #[case("LOCALHOST.")]
    #[case("foo.localhost")]
    #[case("metadata.google.internal")]
    #[case("metadata.google.internal.")]
    fn a_name_that_leads_inward_is_refused(#[case] host: &str) {
        assert!(matches!(refusal(&[], &format!("https://{host}/")), Refusal::Name(..)));
    }

    #[test]
    fn a_name_that_only_ends_like_one_is_permitted() {
        assert!(check(&[], "https://notlocalhost/").is_ok());
        assert!(check(&[], "https://localhost.example/").is_ok());
    }

    #[test]
    fn a_listed_host_may_be_private_and_plain_on_its_port_only() {
        let allow = ["127.0.0.1:9001", "auth.internal:80"];
        for url in ["http://127.0.0.1:9001/a", "https://127.0.0.1:9001/", "http://auth.internal/"] {
            assert_eq!(check(&allow, url), Ok(Permit { listed: true }), "{url}");
        }
        assert!(check(&allow, "http://127.0.0.1:9002/").is_err());
        assert!(check(&allow, "https://127.0.0.1/").is_err());
        assert!(check(&allow, "http://[::1]:9001/").is_err());
        assert!(check(&allow, "http://localhost:9001/").is_err());
        assert!(check(&allow, "http://auth.internal:81/").is_err());
        assert!(check(&allow, "http://sub.auth.internal/").is_err());
    }

    #[test]
    fn an_entry_of_another_tenant_permits_nothing() {
        assert!(check(&["acme=127.0.0.1:9001"], "http://127.0.0.1:9001/").is_ok());
        assert!(check(&["other=127.0.0.1:9001"], "http://127.0.0.1:9001/").is_err());
    }
}
