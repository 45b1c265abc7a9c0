//! IP protocols as Neutron takes them: by name or number.

use std::borrow::Cow;

use serde::Deserialize;

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Protocol {
    Any,
    Tcp,
    Udp,
    /// ICMP, or ICMPv6 where the rule is on IPv6.
    Icmp,
    /// By name, or by number where it has none.
    Other(Cow<'static, str>),
}

/// As the API has it; older services give numbers as such.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Raw {
    Number(u8),
    Text(String),
}

/// Names besides those that have a variant. Source: Neutron's
/// `IP_PROTOCOL_MAP`.
const NAMES: [(&str, u8); 18] = [
    ("ah", 51),
    ("dccp", 33),
    ("egp", 8),
    ("esp", 50),
    ("gre", 47),
    ("igmp", 2),
    ("ipip", 4),
    ("ipv6-encap", 41),
    ("ipv6-frag", 44),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ipv6-route", 43),
    ("ospf", 89),
    ("pgm", 113),
    ("rsvp", 46),
    ("sctp", 132),
    ("udplite", 136),
    ("vrrp", 112),
];

impl Protocol {
    /// None if there is no such protocol.
    pub(super) fn read(raw: Option<Raw>) -> Option<Self> {
        let number = match raw {
            None => return Some(Self::Any),
            Some(Raw::Number(number)) => number,
            Some(Raw::Text(text)) => match (text.parse::<u8>(), text.to_ascii_lowercase().as_str())
            {
                (Ok(number), _) => number,
                (Err(_), "any" | "hopopt") => 0,
                (Err(_), "tcp") => 6,
                (Err(_), "udp") => 17,
                (Err(_), "icmp" | "icmpv6" | "ipv6-icmp") => 1,
                (Err(_), name) => NAMES.iter().find(|(n, _)| *n == name)?.1,
            },
        };
        Some(match number {
            // Neutron reads 0 as every protocol.
            0 => Self::Any,
            1 | 58 => Self::Icmp,
            6 => Self::Tcp,
            17 => Self::Udp,
            other => Self::Other(match NAMES.iter().find(|(_, n)| *n == other) {
                Some((name, _)) => Cow::Borrowed(name),
                None => Cow::Owned(other.to_string()),
            }),
        })
    }

    /// As facts have it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Any => "any",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Other(name) => name,
        }
    }

    /// Whether it has ports that rules can limit.
    pub(super) fn has_ports(&self) -> bool {
        match self {
            Self::Tcp | Self::Udp => true,
            Self::Other(name) => matches!(name.as_ref(), "dccp" | "sctp" | "udplite"),
            Self::Any | Self::Icmp => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_mean_the_same() {
        let read = |json: &str| {
            let raw: Option<Raw> = serde_json::from_str(json).unwrap();
            Protocol::read(raw).map(|p| p.name().to_owned())
        };
        for (json, expected) in [
            ("null", "any"),
            (r#""any""#, "any"),
            ("0", "any"),
            (r#""0""#, "any"),
            (r#""tcp""#, "tcp"),
            (r#""TCP""#, "tcp"),
            (r#""6""#, "tcp"),
            ("6", "tcp"),
            ("17", "udp"),
            (r#""icmpv6""#, "icmp"),
            (r#""58""#, "icmp"),
            (r#""ipv6-icmp""#, "icmp"),
            ("132", "sctp"),
            (r#""112""#, "vrrp"),
            ("200", "200"),
        ] {
            assert_eq!(read(json).as_deref(), Some(expected), "{json}");
        }
        assert_eq!(read(r#""warp""#), None);
    }
}
