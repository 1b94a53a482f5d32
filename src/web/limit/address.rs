//! Whom a limit per address counts: the peer, or what a trusted proxy says of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName};

/// One that limits tell apart: an IPv4 address, or the 64 bits of an IPv6 network, of which one
/// customer has all addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// An address.
    V4(Ipv4Addr),
    /// The upper half of an address.
    V6(u64),
}

impl Address {
    /// That of a peer. An IPv4 address may come in IPv6 clothes.
    pub fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(upper(address)),
        }
    }

    /// That of a request. Behind peers that `trusts` accepts it is the last address in
    /// `X-Forwarded-For` that none of them wrote of another: what stands before it may be anybody's
    /// invention. Something that is no address counts as the proxy that handed it on.
    pub fn of_request(peer: IpAddr, headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> Self {
        Self::of(nearest(peer, headers, trusts))
    }
}

/// Where a request comes from, as far as anybody whom we trust knows: see [`Address::of_request`].
pub fn nearest(peer: IpAddr, headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut nearest = peer;
    let values = headers.get_all(HeaderName::from_static("x-forwarded-for")).iter().rev();
    let mut named = values.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','));
    while trusts(nearest.to_canonical()) {
        let Some(next) = named.next().and_then(parse) else { break };
        nearest = next;
    }
    nearest.to_canonical()
}

/// An address, perhaps with a port as some proxies write it.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.parse().ok();
    bare.or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

fn upper(address: Ipv6Addr) -> u64 {
    u64::try_from(address.to_bits() >> 64).expect("half of 128 bits is 64")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn address(peer: &str, forwarded: &[&str]) -> Address {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        let proxies: ipnet::IpNet = "10.0.0.0/8".parse().unwrap();
        Address::of_request(peer.parse().unwrap(), &headers, |peer| proxies.contains(&peer))
    }

    #[rstest]
    #[case::no_proxy("203.0.113.7", &["198.51.100.1"], "203.0.113.7")]
    #[case::one_proxy("10.0.0.1", &["198.51.100.1"], "198.51.100.1")]
    #[case::mapped_proxy("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1")]
    #[case::two_proxies("10.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1")]
    #[case::two_headers("10.0.0.1", &["198.51.100.1", "10.0.0.2"], "198.51.100.1")]
    #[case::invented("10.0.0.1", &["127.0.0.1, 203.0.113.9, 198.51.100.1"], "198.51.100.1")]
    #[case::all_trusted("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3")]
    #[case::port("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1")]
    #[case::silent_proxy("10.0.0.1", &[], "10.0.0.1")]
    #[case::garbage("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1")]
    #[case::garbage_behind("10.0.0.1", &["unknown, 10.0.0.2"], "10.0.0.2")]
    fn the_last_address_that_a_proxy_saw_itself_counts(
        #[case] peer: &str,
        #[case] forwarded: &[&str],
        #[case] expected: &str,
    ) {
        assert_eq!(address(peer, forwarded), Address::of(expected.parse().unwrap()));
    }

    #[test]
    fn one_network_of_ipv6_is_one_and_its_neighbour_another() {
        let of = |text: &str| Address::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(address("10.0.0.1", &["[2001:db8:1:2::1]:443"]), of("2001:db8:1:2::9"));
    }

    proptest! {
        #[test]
        fn whatever_a_header_says_an_address_comes_of_it_and_strangers_cannot_choose_it(text in "[ -~]{0,80}") {
            prop_assert_eq!(address("203.0.113.7", &[&text]), Address::of("203.0.113.7".parse().unwrap()));
            address("10.0.0.1", &[&text]);
        }
    }
}
