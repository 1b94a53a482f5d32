//! Which addresses may be dialled: the table of ranges that are refused, and why. It follows the
//! IANA special-purpose registries (RFC 6890) and is stricter: what is not plainly the public
//! internet is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::error::Refusal;

/// Where clouds hand out their machines' credentials. These are refused even for listed hosts.
const METADATA: [IpAddr; 12] = [
    v4(169, 254, 169, 254), // AWS, Azure, Google, Oracle, DigitalOcean, OpenStack
    v4(169, 254, 170, 2),   // AWS container credentials
    v4(169, 254, 170, 23),  // AWS pod identity
    v4(169, 254, 42, 42),   // Scaleway
    v4(100, 100, 100, 200), // Alibaba
    v4(168, 63, 129, 16),   // Azure's wire server, a public address
    v4(192, 0, 0, 192),     // Oracle, classic
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]), // AWS
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23]), // AWS pod identity
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]), // Google
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42]), // Scaleway
    v6([0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe]), // OpenStack
];

/// Refused ranges with their reason; the first that holds an address names it.
const RANGES: [(IpNet, &str); 35] = [
    (net4([0, 0, 0, 0], 32), "unspecified (RFC 1122, 3.2.1.3)"),
    (net4([0, 0, 0, 0], 8), "this network (RFC 791, 3.2)"),
    (net4([10, 0, 0, 0], 8), "private (RFC 1918)"),
    (net4([100, 64, 0, 0], 10), "shared by carriers (RFC 6598)"),
    (net4([127, 0, 0, 0], 8), "loopback (RFC 1122, 3.2.1.3)"),
    (net4([169, 254, 0, 0], 16), "link-local (RFC 3927)"),
    (net4([172, 16, 0, 0], 12), "private (RFC 1918)"),
    (net4([192, 0, 0, 0], 24), "protocol assignments (RFC 6890)"),
    (net4([192, 0, 2, 0], 24), "documentation (RFC 5737)"),
    (net4([192, 88, 99, 0], 24), "transition: 6to4 relay (RFC 7526)"),
    (net4([192, 168, 0, 0], 16), "private (RFC 1918)"),
    (net4([198, 18, 0, 0], 15), "benchmarks (RFC 2544)"),
    (net4([198, 51, 100, 0], 24), "documentation (RFC 5737)"),
    (net4([203, 0, 113, 0], 24), "documentation (RFC 5737)"),
    (net4([224, 0, 0, 0], 4), "multicast (RFC 5771)"),
    (net4([255, 255, 255, 255], 32), "broadcast (RFC 919)"),
    (net4([240, 0, 0, 0], 4), "reserved (RFC 1112, 4)"),
    (net6([0, 0, 0, 0, 0, 0, 0, 0], 128), "unspecified (RFC 4291, 2.5.2)"),
    (net6([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback (RFC 4291, 2.5.3)"),
    (net6([0, 0, 0, 0, 0, 0, 0, 0], 96), "transition: v4-compatible (RFC 4291, 2.5.5.1)"),
    (net6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), "transition: v4-mapped (RFC 4291, 2.5.5.2)"),
    (net6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), "transition: v4-translated (RFC 2765)"),
    (net6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), "transition: NAT64 (RFC 6052)"),
    (net6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "transition: local NAT64 (RFC 8215)"),
    (net6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discard (RFC 6666)"),
    (net6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "transition: Teredo (RFC 4380)"),
    (net6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "protocol assignments (RFC 2928)"),
    (net6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation (RFC 3849)"),
    (net6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "transition: 6to4 (RFC 3056)"),
    (net6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation (RFC 9637)"),
    (net6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), "segment routing (RFC 9602)"),
    (net6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "private: unique local (RFC 4193)"),
    (net6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local (RFC 4291, 2.5.6)"),
    (net6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "private: site-local (RFC 3879)"),
    (net6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast (RFC 4291, 2.7)"),
];

/// All of IPv6 that is given out as global unicast; the rest is refused without a row of its own.
const GLOBAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Refuses every address that is not plainly on the public internet.
pub fn check_public(address: IpAddr) -> Result<(), Refusal> {
    check_no_metadata(address)?;
    let refuse = |reason| Err(Refusal::Address { address, reason });
    if let Some((_, reason)) = RANGES.iter().find(|(range, _)| range.contains(&address)) {
        return refuse(*reason);
    }
    match address {
        IpAddr::V6(v6) if !GLOBAL.contains(&v6) => refuse("not global unicast (RFC 4291, 2.4)"),
        _ => Ok(()),
    }
}

/// Refuses the addresses of clouds' metadata, also inside of an IPv6 address that carries them.
pub fn check_no_metadata(address: IpAddr) -> Result<(), Refusal> {
    let carried = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) => carried_v4(v6).map(IpAddr::V4),
    };
    if METADATA.iter().any(|known| *known == address || Some(*known) == carried) {
        return Err(Refusal::Address { address, reason: "a cloud's metadata" });
    }
    Ok(())
}

/// The IPv4 address that a transition mechanism would dial for this one.
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0 | 1, .., high, low]
        | [0x2002, high, low, ..] => (high, low),
        [0x2001, 0, .., high, low] => (!high, !low),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6(s: [u16; 8]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]))
}

const fn net4(a: [u8; 4], prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a[0], a[1], a[2], a[3]), prefix))
}

const fn net6(s: [u16; 8], prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn reason(address: &str) -> Option<&'static str> {
        match check_public(address.parse().unwrap()) {
            Ok(()) => None,
            Err(Refusal::Address { reason, .. }) => Some(reason),
            Err(other) => panic!("{other}"),
        }
    }

    #[rstest]
    #[case::unspecified(&["0.0.0.0", "::"], "unspecified")]
    #[case::this_network(&["0.0.0.1", "0.255.255.255"], "this network")]
    #[case::private(&["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0",
        "192.168.255.255", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::1"], "private")]
    #[case::carrier(&["100.64.0.0", "100.127.255.255"], "shared")]
    #[case::loopback(&["127.0.0.1", "127.8.8.8", "127.255.255.255", "::1"], "loopback")]
    #[case::link_local(&["169.254.0.1", "169.254.255.255", "fe80::1", "febf::1"], "link-local")]
    #[case::assignments(&["192.0.0.1", "192.0.0.255", "2001:1::1", "2001:1ff::1"], "protocol")]
    #[case::documentation(&["192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1",
        "2001:db8:ffff::", "3fff::1", "3fff:fff::1"], "documentation")]
    #[case::benchmarks(&["198.18.0.0", "198.19.255.255"], "benchmarks")]
    #[case::transition(&["192.88.99.1", "::ffff:8.8.8.8", "::8.8.8.8", "::ffff:0:808:808",
        "64:ff9b::808:808", "64:ff9b:1::808:808", "2001::1", "2002:808:808::1"], "transition")]
    #[case::multicast(&["224.0.0.1", "239.255.255.255", "ff02::1"], "multicast")]
    #[case::reserved(&["240.0.0.1", "255.255.255.254"], "reserved")]
    #[case::broadcast(&["255.255.255.255"], "broadcast")]
    #[case::discard(&["100::1"], "discard")]
    #[case::segments(&["5f00::1"], "segment")]
    #[case::the_rest(&["1::1", "200::1", "4000::1", "8000::1", "e000::1"], "not global unicast")]
    #[case::metadata(&["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16",
        "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "fe80::a9fe:a9fe"], "a cloud's metadata")]
    #[case::carried_metadata(&["::ffff:169.254.169.254", "::169.254.169.254", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:0:1:2:3:4:5601:5601",
        "::ffff:0:a9fe:a9fe"], "a cloud's metadata")]
    fn refused_ranges_are_refused_to_their_edges(#[case] addresses: &[&str], #[case] word: &str) {
        for address in addresses {
            let reason = reason(address).unwrap_or_else(|| panic!("{address} is let through"));
            assert!(reason.starts_with(word), "{address} is refused as {reason}");
        }
    }

    #[rstest]
    #[case("1.1.1.1")]
    #[case("9.255.255.255")]
    #[case("11.0.0.0")]
    #[case("100.63.255.255")]
    #[case("100.128.0.0")]
    #[case("126.255.255.255")]
    #[case("128.0.0.1")]
    #[case("169.253.255.255")]
    #[case("172.15.255.255")]
    #[case("172.32.0.0")]
    #[case("192.0.1.1")]
    #[case("192.167.255.255")]
    #[case("198.17.255.255")]
    #[case("198.20.0.0")]
    #[case("223.255.255.255")]
    #[case("2001:200::1")]
    #[case("2001:db7:ffff::")]
    #[case("2001:db9::")]
    #[case("2606:4700:4700::1111")]
    #[case("2a00:1450:4001::1")]
    fn neighbours_of_the_ranges_are_let_through(#[case] address: &str) {
        assert_eq!(reason(address), None);
    }

    #[test]
    fn a_private_address_is_no_metadata() {
        for address in ["10.0.0.1", "127.0.0.1", "169.254.1.1", "::1", "fd00::1", "::ffff:10.0.0.1"] {
            assert_eq!(check_no_metadata(address.parse().unwrap()), Ok(()), "{address}");
        }
    }

    proptest! {
        #[test]
        fn an_ipv6_address_that_carries_an_ipv4_address_is_never_let_through(bits: u32) {
            let [a, b, c, d] = bits.to_be_bytes();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let v4 = Ipv4Addr::from_bits(bits);
            let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low);
            let sixtofour = Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1);
            for carrier in [v4.to_ipv6_mapped(), v4.to_ipv6_compatible(), nat64, sixtofour] {
                prop_assert!(check_public(IpAddr::V6(carrier)).is_err());
            }
        }
    }
}
