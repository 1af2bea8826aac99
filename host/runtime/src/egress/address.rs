//! Addresses that are nobody's business: the special-use registries of IANA (RFC 6890 and its successors), whatever they are
//! wrapped in. A name that leads to one of them is not connected to, unless the operator opened exactly that range.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// IPv4, by the registry of special-purpose addresses.
const V4: &[(Ipv4Addr, u8, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "this network"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private use"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared address space"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local, cloud metadata"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private use"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "protocol assignments"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "6to4 relays"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private use"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "benchmarking"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved, broadcast"),
];

/// IPv6. What wraps an IPv4 address is unwrapped before.
const V6: &[(Ipv6Addr, u8, &str)] = &[
    (Ipv6Addr::UNSPECIFIED, 96, "unspecified, loopback, IPv4-compatible"),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, "local-use NAT64"),
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, "discard only"),
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64, "dummy prefix"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "protocol assignments, Teredo"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "documentation"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "documentation"),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, "segment routing"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "unique local"),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local"),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, "multicast"),
];

/// What the address is reserved for; nothing for one of the public Internet.
#[must_use]
pub fn special_use(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => in_v4(address),
        IpAddr::V6(address) => match wrapped(address) {
            Some(inner) => in_v4(inner),
            None => {
                let special = V6.iter().find(|(net, prefix, _)| v6_net(*net, *prefix).contains(&address));
                special.map(|(.., name)| *name).or((!is_global(address)).then_some("not allocated"))
            }
        },
    }
}

/// Whether it may be connected to: public, or in a range that the operator opened. A range of IPv4 also opens the same
/// addresses in their IPv6 wrappings.
#[must_use]
pub fn is_allowed(address: IpAddr, opened: &[IpNet]) -> bool {
    let inner = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => wrapped(address).map(IpAddr::V4),
    };
    let open = |address: IpAddr| opened.iter().any(|net| net.contains(&address));
    special_use(address).is_none() || open(address) || inner.is_some_and(open)
}

fn in_v4(address: Ipv4Addr) -> Option<&'static str> {
    let within = |net: Ipv4Addr, prefix: u8| Ipv4Net::new(net, prefix).is_ok_and(|net| net.contains(&address));
    V4.iter().find(|(net, prefix, _)| within(*net, *prefix)).map(|(.., name)| *name)
}

fn v6_net(net: Ipv6Addr, prefix: u8) -> Ipv6Net {
    Ipv6Net::new(net, prefix).expect("the table's prefixes are at most 128")
}

/// Whether it is in the one range that public addresses are given out of (IANA: 2000::/3).
fn is_global(address: Ipv6Addr) -> bool {
    address.segments()[0] >> 13 == 1
}

/// The IPv4 address inside: mapped (RFC 4291 2.5.5.2), translated (RFC 2765 2.1), ISATAP (RFC 5214 6.1), NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380, inverted).
fn wrapped(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        // A Teredo tunnel ends at a stranger's machine, so what is inside never makes it public.
        [0x2001, 0, .., high, low] => in_v4(v4(!high, !low)).map(|_| v4(!high, !low)),
        // The end of an ISATAP tunnel is inside; the prefix says whose it is, and is judged where the inside is public.
        [.., 0 | 0x200, 0x5efe, high, low] => in_v4(v4(high, low)).map(|_| v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<&'static str> {
        special_use(text.parse().unwrap())
    }

    #[test]
    fn every_range_is_refused_at_both_ends_and_its_neighbours_are_not() {
        for (net, prefix, name) in V4 {
            let net = Ipv4Net::new(*net, *prefix).unwrap();
            assert_eq!(special_use(IpAddr::V4(net.network())), Some(*name));
            assert!(special_use(IpAddr::V4(net.broadcast())).is_some());
        }
        for (net, prefix, _) in V6 {
            let net = v6_net(*net, *prefix);
            assert!(special_use(IpAddr::V6(net.network())).is_some(), "{net}");
            assert!(special_use(IpAddr::V6(net.broadcast())).is_some(), "{net}");
        }
        for public in [
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "1.1.1.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "2003::1",
            "2400::1",
        ] {
            assert_eq!(named(public), None, "{public}");
        }
    }

    #[test]
    fn an_address_in_a_wrapping_is_what_it_is_inside() {
        for inside in [
            "::ffff:127.0.0.1",
            "::ffff:a9fe:a9fe",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "2001:0:1:2:3:4:80ff:fffe",
            "::127.0.0.1",
            "::1",
            "64:ff9b:1::1.1.1.1",
            "2001:0:1:2:3:4:fefe:fefe",
            "::ffff:0:127.0.0.1",
            "2a00::5efe:10.0.0.1",
            "2a00::200:5efe:a9fe:a9fe",
            "100:0:0:1::1",
            "4000::1",
            "1::1",
        ] {
            assert!(named(inside).is_some(), "{inside}");
        }
        for public in ["::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"] {
            assert_eq!(named(public), None, "{public}");
        }
    }

    #[test]
    fn an_operator_opens_exactly_what_they_write() {
        let opened = ["127.0.0.1/32".parse().unwrap()];
        let allowed = |text: &str| is_allowed(text.parse().unwrap(), &opened);
        assert!(allowed("127.0.0.1") && allowed("::ffff:127.0.0.1") && allowed("1.1.1.1"));
        assert!(!allowed("127.0.0.2") && !allowed("10.0.0.1") && !allowed("::1"));
    }
}
