//! An entry of the operator's list `egress.allow`: one host and port that may be called although
//! the rules say otherwise (DESIGN §4).

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::domain::ids::TenantId;

use super::address::check_no_metadata;
use super::error::Refusal;

/// `host:port`, or `tenant=host:port` for one tenant alone. The host is compared as it stands in
/// the URL; nothing is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    tenant: Option<TenantId>,
    host: String,
    port: u16,
}

/// Why a text is no entry of the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowError {
    /// Not of the form.
    #[error("`{0}` is no entry; use `host:port` or `tenant=host:port`, without wildcards")]
    Form(String),
    /// The tenant's name is none.
    #[error("`{0}` is no tenant name")]
    Tenant(String),
    /// An address that is refused whatever the list says.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Allow {
    /// Whether this entry speaks of `host` and `port` for `tenant`.
    pub fn matches(&self, tenant: &TenantId, host: &str, port: u16) -> bool {
        self.port == port && self.host == host && self.tenant.as_ref().is_none_or(|own| own == tenant)
    }

    /// Whether this entry speaks of the host and port that stand in `url`.
    pub fn covers(&self, tenant: &TenantId, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        url.port_or_known_default().is_some_and(|port| self.matches(tenant, host, port))
    }
}

impl FromStr for Allow {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, AllowError> {
        let form = || AllowError::Form(text.chars().take(120).collect());
        let (tenant, target) = match text.split_once('=') {
            None => (None, text),
            Some((name, target)) => {
                (Some(name.parse().map_err(|_| AllowError::Tenant(name.chars().take(80).collect()))?), target)
            }
        };
        let (host, port) = target.rsplit_once(':').ok_or_else(form)?;
        let port = port.parse::<u16>().ok().filter(|port| *port != 0).ok_or_else(form)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if host.is_empty() || host.ends_with('.') || !host.bytes().all(plain) {
            return Err(form());
        }
        // The parser that reads the tenants' URLs also reads the list, so that both spell alike.
        let url = Url::parse(&format!("https://{host}/")).map_err(|_| form())?;
        match url.host() {
            Some(Host::Ipv4(address)) => check_no_metadata(address.into())?,
            Some(Host::Ipv6(address)) => check_no_metadata(address.into())?,
            _ => {}
        }
        let host = url.host_str().filter(|_| url.port().is_none()).ok_or_else(form)?.to_owned();
        Ok(Self { tenant, host, port })
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tenant) = &self.tenant {
            write!(f, "{tenant}=")?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.1:9001", "127.0.0.1:9001")]
    #[case("Auth.Internal:443", "auth.internal:443")]
    #[case("[::1]:9001", "[::1]:9001")]
    #[case("0x7f.1:9001", "127.0.0.1:9001")]
    #[case("acme=10.0.0.8:8080", "acme=10.0.0.8:8080")]
    fn an_entry_is_spelled_as_urls_are(#[case] given: &str, #[case] spelled: &str) {
        assert_eq!(given.parse::<Allow>().unwrap().to_string(), spelled);
    }

    #[rstest]
    #[case("127.0.0.1")]
    #[case(":80")]
    #[case("host:0")]
    #[case("host:65536")]
    #[case("host:80:90")]
    #[case("*.example:443")]
    #[case("host.:443")]
    #[case("me@host:443")]
    #[case("host/path:443")]
    #[case("host?:443")]
    #[case("https://host:443")]
    #[case("::1:443")]
    #[case("10.0.0.0/8:443")]
    fn what_is_no_host_and_port_is_refused(#[case] given: &str) {
        assert_eq!(given.parse::<Allow>(), Err(AllowError::Form(given.to_owned())));
    }

    #[test]
    fn metadata_cannot_be_listed_in_any_spelling() {
        for host in ["169.254.169.254", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"] {
            let refused = format!("{host}:80").parse::<Allow>();
            assert!(matches!(refused, Err(AllowError::Refused(_))), "{host}");
        }
    }

    #[test]
    fn an_entry_for_a_tenant_is_for_no_other() {
        let entry: Allow = "acme=h.example:444".parse().unwrap();
        let [acme, other]: [TenantId; 2] = ["acme", "other"].map(|name| name.parse().unwrap());
        assert!(entry.matches(&acme, "h.example", 444));
        assert!(!entry.matches(&other, "h.example", 444));
        assert!(!entry.matches(&acme, "h.example", 443));
        assert!(!entry.matches(&acme, "a.h.example", 444));
        assert!(matches!("A_B=h.example:444".parse::<Allow>(), Err(AllowError::Tenant(_))));
    }

    proptest! {
        #[test]
        fn an_entry_survives_the_way_through_text(text in "[a-z=.:0-9\\[\\]]{0,16}") {
            if let Ok(entry) = text.parse::<Allow>() {
                prop_assert_eq!(entry.to_string().parse::<Allow>(), Ok(entry));
            }
        }
    }
}
