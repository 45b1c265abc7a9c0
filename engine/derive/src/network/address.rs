//! Prefixes of IP addresses, and when some of them are the whole world.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which kind of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    pub(super) const BOTH: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// As facts have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }

    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    fn bits(self) -> u8 {
        match self {
            Self::Ipv4 => 32,
            Self::Ipv6 => 128,
        }
    }

    fn last(self) -> u128 {
        match self {
            Self::Ipv4 => u32::MAX as u128,
            Self::Ipv6 => u128::MAX,
        }
    }
}

/// From one address to another, both included, as numbers.
pub(super) type Span = (u128, u128);

/// All addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) family: Family,
    pub(super) span: Span,
    pub(super) length: u8,
}

impl Prefix {
    /// Reads `10.0.0.0/8`; an address without length is itself alone, and bits
    /// behind the length do not count.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let family = Family::of(address);
        let length = length.unwrap_or(family.bits());
        let free = u32::from(family.bits().checked_sub(length)?);
        let rest = u128::MAX.checked_shr(128 - free).unwrap_or(0);
        let first = number(address) & !rest;
        Some(Self { family, span: (first, first | rest), length })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (first, last) = self.span;
        self.family == Family::of(address) && (first..=last).contains(&number(address))
    }

    /// Whether it is the whole world by itself.
    pub(super) fn is_world(&self) -> bool {
        // Nothing longer reaches all of `2000::/3`.
        self.length <= 3 && is_world(self.family, &[self.span])
    }

    /// Whether none of its addresses is of the world.
    pub(super) fn is_special(&self) -> bool {
        let (first, last) = self.span;
        special(self.family).iter().any(|(a, b)| *a <= first && last <= *b)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, _) = self.span;
        match self.family {
            Family::Ipv4 => {
                let bits = u32::try_from(first).unwrap_or_default();
                write!(f, "{}/{}", Ipv4Addr::from(bits), self.length)
            }
            Family::Ipv6 => write!(f, "{}/{}", Ipv6Addr::from(first), self.length),
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(a) => u32::from(a).into(),
        IpAddr::V6(a) => a.into(),
    }
}

const fn v4(a: u8, b: u8, c: u8, length: u32) -> Span {
    let first = u32::from_be_bytes([a, b, c, 0]) as u128;
    (first, first | ((1_u128 << (32 - length)) - 1))
}

const fn v6(a: u128, b: u128, length: u32) -> Span {
    let first = (a << 112) | (b << 96);
    (first, first | ((1_u128 << (128 - length)) - 1))
}

/// Special addresses that nobody in the world has, and those of documentation
/// last. Source: the IANA registries of special-purpose addresses (RFC 6890),
/// and of multicast and reserved ones.
const SPECIAL_V4: [Span; 15] = [
    v4(0, 0, 0, 8),
    v4(10, 0, 0, 8),
    v4(100, 64, 0, 10),
    v4(127, 0, 0, 8),
    v4(169, 254, 0, 16),
    v4(172, 16, 0, 12),
    v4(192, 0, 0, 24),
    v4(192, 88, 99, 24),
    v4(192, 168, 0, 16),
    v4(198, 18, 0, 15),
    v4(224, 0, 0, 4),
    v4(240, 0, 0, 4),
    v4(192, 0, 2, 24),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
];

/// The same. Outside `2000::/3` nothing is of the world.
const SPECIAL_V6: [Span; 5] = [
    (0, (0x2000 << 112) - 1),
    (0x4000 << 112, u128::MAX),
    v6(0x2001, 0x2, 48),
    v6(0x2001, 0xdb8, 32),
    v6(0x3fff, 0, 20),
];

const DOCUMENTATION_V4: usize = 3;
const DOCUMENTATION_V6: usize = 2;

fn special(family: Family) -> &'static [Span] {
    match family {
        Family::Ipv4 => &SPECIAL_V4,
        Family::Ipv6 => &SPECIAL_V6,
    }
}

/// Whether some spans together are the whole world: every address that is not
/// special.
pub(super) fn is_world(family: Family, spans: &[Span]) -> bool {
    let mut all: Vec<Span> = spans.iter().chain(special(family)).copied().collect();
    all.sort_unstable();
    let mut next = 0;
    for (first, last) in all {
        if first > next {
            return false;
        }
        if last >= family.last() {
            return true;
        }
        next = next.max(last + 1);
    }
    false
}

/// Whether the world can send to an address, if something leads there.
/// Addresses for documentation count: only a lab has them, as an example of
/// public ones.
pub(super) fn is_global(address: IpAddr) -> bool {
    let family = Family::of(address);
    let documentation = match family {
        Family::Ipv4 => DOCUMENTATION_V4,
        Family::Ipv6 => DOCUMENTATION_V6,
    };
    let special = special(family);
    let special = special.iter().take(special.len() - documentation);
    !special.into_iter().any(|(a, b)| (*a..=*b).contains(&number(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_read_back() {
        for (text, expected) in [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("1.2.3.4", Some("1.2.3.4/32")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("::/0", Some("::/0")),
            ("2001:DB8::1/32", Some("2001:db8::/32")),
            ("fe80::1", Some("fe80::1/128")),
            ("10.0.0.0/33", None),
            ("10.0.0.0/-1", None),
            ("10.0.0/8", None),
            ("", None),
        ] {
            assert_eq!(Prefix::parse(text).map(|p| p.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[track_caller]
    fn check(prefixes: &[&str], expected: bool) {
        let prefixes: Vec<Prefix> = prefixes.iter().map(|p| Prefix::parse(p).unwrap()).collect();
        let spans: Vec<Span> = prefixes.iter().map(|p| p.span).collect();
        assert_eq!(is_world(prefixes[0].family, &spans), expected);
        if let [one] = prefixes.as_slice() {
            assert_eq!(one.is_world(), expected);
        }
    }

    #[test]
    fn the_world_is_what_is_not_special() {
        check(&["0.0.0.0/0"], true);
        check(&["::/0"], true);
        check(&["2000::/3"], true);
        check(&["0.0.0.0/1"], false);
        check(&["128.0.0.0/1", "0.0.0.0/1"], true);
        check(&["0.0.0.0/1", "128.0.0.0/2"], false);
        // Multicast and reserved addresses are nobody's.
        check(&["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"], true);
        check(&["::/1", "8000::/1"], true);
        check(&["2000::/4", "3000::/4"], true);
        check(&["2000::/4", "3000::/5"], false);
        // All but private networks.
        let public = [
            "1.0.0.0/8",
            "2.0.0.0/7",
            "4.0.0.0/6",
            "8.0.0.0/7",
            "11.0.0.0/8",
            "12.0.0.0/6",
            "16.0.0.0/4",
            "32.0.0.0/3",
            "64.0.0.0/2",
            "128.0.0.0/3",
            "160.0.0.0/5",
            "168.0.0.0/6",
            "172.0.0.0/12",
            "172.32.0.0/11",
            "172.64.0.0/10",
            "172.128.0.0/9",
            "173.0.0.0/8",
            "174.0.0.0/7",
            "176.0.0.0/4",
            "192.0.0.0/9",
            "192.128.0.0/11",
            "192.160.0.0/13",
            "192.169.0.0/16",
            "192.170.0.0/15",
            "192.172.0.0/14",
            "192.176.0.0/12",
            "192.192.0.0/10",
            "193.0.0.0/8",
            "194.0.0.0/7",
            "196.0.0.0/6",
            "200.0.0.0/5",
            "208.0.0.0/4",
        ];
        check(&public, true);
        check(&public[1..], false);
    }

    #[test]
    fn special_addresses_are_not_global() {
        for (address, expected) in [
            ("8.8.8.8", true),
            ("203.0.113.7", true),
            ("2001:db8::1", true),
            ("2a00::1", true),
            ("10.0.0.1", false),
            ("172.31.0.1", false),
            ("172.32.0.1", true),
            ("100.64.0.1", false),
            ("169.254.169.254", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("::1", false),
        ] {
            assert_eq!(is_global(address.parse().unwrap()), expected, "{address}");
        }
        assert!(Prefix::parse("10.1.0.0/16").unwrap().is_special());
        assert!(!Prefix::parse("0.0.0.0/4").unwrap().is_special());
    }
}
