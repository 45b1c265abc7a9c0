//! `openstack.opening`: what a security group lets in from the whole world.

use std::collections::BTreeMap;

use serde::Serialize;
use tidegate_model::{Resource, Timestamp};

use super::address::Family;
use super::look::Look;
use super::ranges::{self, Admitted, Icmp, Open, Range, Whole};
use super::read::Remote;

#[derive(Serialize)]
struct Body<'t> {
    all: &'t BTreeMap<&'static str, Whole<'t>>,
    egress: BTreeMap<&'static str, Whole<'t>>,
    icmp: &'t BTreeMap<String, Icmp<'t>>,
    key: &'t str,
    other: &'t BTreeMap<String, Range<'t>>,
    tcp: &'t BTreeMap<String, Range<'t>>,
    udp: &'t BTreeMap<String, Range<'t>>,
    wide: BTreeMap<String, Wide<'t>>,
    world: bool,
}

#[derive(Serialize)]
struct Wide<'t> {
    address_group: Option<&'t str>,
    family: &'static str,
    from: Option<u16>,
    length: u8,
    prefix: String,
    protocol: &'t str,
    rule: &'t str,
    to: Option<u16>,
}

/// Prefixes that are shorter are wide.
const WIDE: [(Family, u8); 2] = [(Family::Ipv4, 16), (Family::Ipv6, 32)];

/// The body of the fact for a group, or why it cannot be told; and when what it
/// is made of was last seen, unless it was seen.
pub(super) fn body(
    look: &mut Look<'_>,
    group: &Resource,
    id: &str,
) -> (Result<String, String>, Option<Timestamp>) {
    let made = look.admitted(id).map(|admitted| {
        let open = Open::of(&admitted);
        let body = Body {
            all: &open.all,
            egress: ranges::egress(&admitted),
            icmp: &open.icmp,
            key: group.key.as_str(),
            other: &open.other,
            tcp: &open.tcp,
            udp: &open.udp,
            wide: admitted.iter().filter(|a| a.rule.ingress).flat_map(wide).collect(),
            world: !open.is_empty(),
        };
        serde_json::to_string(&body).map_err(|e| e.to_string())
    });
    (made.and_then(|body| body), look.unseen)
}

fn wide<'t>(admitted: &Admitted<'t>) -> Vec<(String, Wide<'t>)> {
    let rule = admitted.rule;
    let address_group = match &rule.remote {
        Remote::AddressGroup(id) => Some(id.as_str()),
        Remote::Everybody | Remote::Prefix(_) | Remote::Group => None,
    };
    let short = |family, length: u8| WIDE.iter().any(|(f, l)| *f == family && length < *l);
    let wide = admitted.prefixes.iter().filter(|p| short(p.family, p.length) && !p.is_world());
    let entry = |prefix: &super::address::Prefix| {
        let text = prefix.to_string();
        let wide = Wide {
            address_group,
            family: prefix.family.name(),
            from: rule.from,
            length: prefix.length,
            prefix: text.clone(),
            protocol: rule.protocol.name(),
            rule: &rule.id,
            to: rule.to,
        };
        (format!("{}:{text}", rule.id), wide)
    };
    wide.map(entry).collect()
}
