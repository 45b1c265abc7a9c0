//! What some rules let in from the whole world, together.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::address::{Family, Prefix, Span, is_world};
use super::protocol::Protocol;
use super::read::{Remote, Rule};

/// All ports, both ends included.
const ALL: (u16, u16) = (1, 65535);

static TCP: Protocol = Protocol::Tcp;
static UDP: Protocol = Protocol::Udp;

/// A rule with the addresses that it is about.
#[derive(Debug)]
pub(super) struct Admitted<'t> {
    pub(super) rule: &'t Rule,
    pub(super) prefixes: Vec<Prefix>,
    /// It lets in the world by itself.
    world: bool,
    /// What it has of the world otherwise.
    spans: Vec<Span>,
}

impl<'t> Admitted<'t> {
    /// `prefixes` are those of the rule's remote: none for everybody, and none
    /// for a group, which is never the world.
    pub(super) fn new(rule: &'t Rule, mut prefixes: Vec<Prefix>) -> Self {
        prefixes.retain(|p| p.family == rule.family);
        let spans: Vec<Span> =
            prefixes.iter().filter(|p| !p.is_special()).map(|p| p.span).collect();
        let world = match rule.remote {
            Remote::Everybody => true,
            Remote::Group => false,
            Remote::Prefix(_) | Remote::AddressGroup(_) => is_world(rule.family, &spans),
        };
        Self { rule, prefixes, world, spans }
    }

    fn about(&self, ingress: bool, family: Family) -> bool {
        self.rule.ingress == ingress
            && self.rule.family == family
            && (self.world || !self.spans.is_empty())
    }
}

/// What is open to the world. Keys as in `docs/derived.md`.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Open<'t> {
    pub(super) all: BTreeMap<&'static str, Whole<'t>>,
    pub(super) icmp: BTreeMap<String, Icmp<'t>>,
    pub(super) other: BTreeMap<String, Range<'t>>,
    pub(super) tcp: BTreeMap<String, Range<'t>>,
    pub(super) udp: BTreeMap<String, Range<'t>>,
}

/// Everything of a family.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Whole<'t> {
    family: &'static str,
    rules: Rules<'t>,
}

/// Some ports of a protocol.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Range<'t> {
    family: &'static str,
    from: Option<u16>,
    protocol: &'t str,
    rules: Rules<'t>,
    to: Option<u16>,
}

/// A type of ICMP, or all.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Icmp<'t> {
    code: Option<u16>,
    family: &'static str,
    protocol: &'static str,
    rules: Rules<'t>,
    r#type: Option<u16>,
}

/// By id.
type Rules<'t> = BTreeMap<&'t str, Through<'t>>;

/// A rule, in short.
#[derive(Debug, Clone, Serialize)]
struct Through<'t> {
    address_group: Option<&'t str>,
    from: Option<u16>,
    group: &'t str,
    protocol: &'t str,
    remote: Option<String>,
    to: Option<u16>,
}

impl<'t> Through<'t> {
    fn new(rule: &'t Rule) -> (&'t str, Self) {
        let (address_group, remote) = match &rule.remote {
            Remote::AddressGroup(id) => (Some(id.as_str()), None),
            Remote::Prefix(prefix) => (None, Some(prefix.to_string())),
            Remote::Everybody | Remote::Group => (None, None),
        };
        let (group, protocol) = (rule.group.as_str(), rule.protocol.name());
        let through = Self { address_group, from: rule.from, group, protocol, remote, to: rule.to };
        (rule.id.as_str(), through)
    }
}

impl<'t> Open<'t> {
    /// What some rules let in.
    pub(super) fn of(admitted: &[Admitted<'t>]) -> Self {
        let mut open = Self::default();
        for family in Family::BOTH {
            let mine: Vec<&Admitted<'t>> =
                admitted.iter().filter(|a| a.about(true, family)).collect();
            if mine.is_empty() {
                continue;
            }
            if let Some(whole) = whole(family, &mine) {
                open.all.insert(family.name(), whole);
            }
            open.tcp.extend(ported(family, &mine, &TCP));
            open.udp.extend(ported(family, &mine, &UDP));
            open.icmp.extend(icmp(family, &mine));
            let others: BTreeSet<&'t Protocol> = mine.iter().map(|a| &a.rule.protocol).collect();
            for protocol in others.into_iter().filter(|p| matches!(p, Protocol::Other(_))) {
                open.other.extend(ported(family, &mine, protocol));
            }
        }
        open
    }

    /// Everything of one family, with no rule to let it in.
    pub(super) fn everything(family: Family) -> Self {
        let name = family.name();
        let range = |protocol| {
            let (from, to) = (Some(ALL.0), Some(ALL.1));
            let range = Range { family: name, from, protocol, rules: Rules::new(), to };
            BTreeMap::from([(format!("{name}:{}-{}", ALL.0, ALL.1), range)])
        };
        let protocol = "icmp";
        let icmp = Icmp { code: None, family: name, protocol, rules: Rules::new(), r#type: None };
        Self {
            all: BTreeMap::from([(name, Whole { family: name, rules: Rules::new() })]),
            icmp: BTreeMap::from([(format!("{name}:any"), icmp)]),
            other: BTreeMap::new(),
            tcp: range("tcp"),
            udp: range("udp"),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let Self { all, icmp, other, tcp, udp } = self;
        all.is_empty() && icmp.is_empty() && other.is_empty() && tcp.is_empty() && udp.is_empty()
    }

    /// Adds what is open in one family of `other`.
    pub(super) fn take(&mut self, other: &Self, family: Family) {
        let name = family.name();
        let ranges = |to: &mut BTreeMap<String, Range<'t>>, from: &BTreeMap<String, Range<'t>>| {
            to.extend(
                from.iter().filter(|(_, r)| r.family == name).map(|(k, r)| (k.clone(), r.clone())),
            );
        };
        ranges(&mut self.tcp, &other.tcp);
        ranges(&mut self.udp, &other.udp);
        ranges(&mut self.other, &other.other);
        let icmp = other.icmp.iter().filter(|(_, i)| i.family == name);
        self.icmp.extend(icmp.map(|(k, i)| (k.clone(), i.clone())));
        self.all
            .extend(other.all.iter().filter(|(f, _)| **f == name).map(|(f, w)| (*f, w.clone())));
    }

    /// Adds what is open in some ports of a protocol of one family of `other`.
    pub(super) fn take_ports(
        &mut self,
        other: &Self,
        family: Family,
        protocol: &'t Protocol,
        (from, to): (u16, u16),
    ) {
        let (mine, theirs) = match protocol {
            Protocol::Tcp => (&mut self.tcp, &other.tcp),
            Protocol::Udp => (&mut self.udp, &other.udp),
            Protocol::Any | Protocol::Icmp | Protocol::Other(_) => (&mut self.other, &other.other),
        };
        let same = |r: &&Range<'_>| r.family == family.name() && r.protocol == protocol.name();
        let mut open: Vec<Range<'t>> = theirs.values().filter(same).cloned().collect();
        // Protocols that no rule names are open where everything is.
        if let (Protocol::Other(name), true) = (protocol, open.is_empty()) {
            let all = other.all.get(family.name()).cloned();
            open.extend(all.map(|Whole { family, rules }| Range {
                family,
                from: None,
                protocol: name,
                rules,
                to: None,
            }));
        }
        for range in open {
            let from = range.from.unwrap_or(ALL.0).max(from);
            let to = range.to.unwrap_or(ALL.1).min(to);
            if from <= to {
                let range = Range { from: Some(from), to: Some(to), ..range };
                mine.insert(range.key(protocol), range);
            }
        }
    }
}

impl Range<'_> {
    fn key(&self, protocol: &Protocol) -> String {
        let family = self.family;
        match (protocol, self.from, self.to) {
            (Protocol::Other(name), Some(from), Some(to)) => format!("{family}:{name}:{from}-{to}"),
            (Protocol::Other(name), _, _) => format!("{family}:{name}"),
            (_, from, to) => {
                format!("{family}:{}-{}", from.unwrap_or(ALL.0), to.unwrap_or(ALL.1))
            }
        }
    }
}

/// What lets every protocol out of a family go everywhere.
pub(super) fn egress<'t>(admitted: &[Admitted<'t>]) -> BTreeMap<&'static str, Whole<'t>> {
    let of = |family: Family| {
        let mine: Vec<&Admitted<'t>> = admitted.iter().filter(|a| a.about(false, family)).collect();
        Some((family.name(), whole(family, &mine)?))
    };
    Family::BOTH.into_iter().filter_map(of).collect()
}

fn whole<'t>(family: Family, mine: &[&Admitted<'t>]) -> Option<Whole<'t>> {
    let any = mine.iter().filter(|a| a.rule.protocol == Protocol::Any).copied();
    let rules = together(family, any)?;
    Some(Whole { family: family.name(), rules })
}

/// Rules that let in the world together; none if they do not.
fn together<'s, 't: 's>(
    family: Family,
    admitted: impl Iterator<Item = &'s Admitted<'t>>,
) -> Option<Rules<'t>> {
    let mut world = false;
    let mut spans = Vec::new();
    let mut rules = Rules::new();
    for admitted in admitted {
        world |= admitted.world;
        spans.extend(&admitted.spans);
        rules.extend([Through::new(admitted.rule)]);
    }
    (world || (!spans.is_empty() && is_world(family, &spans))).then_some(rules)
}

/// The open ranges of a protocol: disjoint, not touching, in order.
fn ported<'t>(
    family: Family,
    mine: &[&Admitted<'t>],
    protocol: &'t Protocol,
) -> Vec<(String, Range<'t>)> {
    let ports = |rule: &Rule| match rule.protocol {
        Protocol::Any => ALL,
        _ => (rule.from.unwrap_or(ALL.0), rule.to.unwrap_or(ALL.1)),
    };
    let about =
        |a: &&&Admitted<'t>| a.rule.protocol == Protocol::Any || a.rule.protocol == *protocol;
    let spread: Vec<((u16, u16), &Admitted<'t>)> =
        mine.iter().filter(about).map(|a| (ports(a.rule), *a)).collect();
    let partial = partial(family, &spread);
    let mut open: Vec<(u16, u16)> =
        spread.iter().filter(|(_, a)| a.world).map(|(p, _)| *p).collect();
    open.extend(&partial);
    open.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for (from, to) in open {
        match merged.last_mut() {
            Some((_, last)) if u32::from(from) <= u32::from(*last) + 1 => *last = to.max(*last),
            Some(_) | None => merged.push((from, to)),
        }
    }
    let range = |(from, to): (u16, u16)| {
        let meets = |a: (u16, u16), b: (u16, u16)| a.0 <= b.1 && b.0 <= a.1;
        let lets_in = |(ports, a): &&((u16, u16), &Admitted<'t>)| {
            let part = || partial.iter().any(|p| meets(*p, (from, to)) && meets(*p, *ports));
            if a.world { meets(*ports, (from, to)) } else { part() }
        };
        let rules = spread.iter().filter(lets_in).map(|(_, a)| Through::new(a.rule)).collect();
        let ports = protocol.has_ports().then_some((from, to)).unzip();
        let range = Range {
            family: family.name(),
            from: ports.0,
            protocol: protocol.name(),
            rules,
            to: ports.1,
        };
        (range.key(protocol), range)
    };
    merged.into_iter().map(range).collect()
}

/// Where rules that do not let in the world by themselves do so together.
/// Looked at between each two ports where one of them begins or ends.
fn partial(family: Family, spread: &[((u16, u16), &Admitted<'_>)]) -> Vec<(u16, u16)> {
    let parts: Vec<_> = spread.iter().filter(|(_, a)| !a.world).collect();
    let spans: Vec<Span> = parts.iter().flat_map(|(_, a)| &a.spans).copied().collect();
    if spans.is_empty() || !is_world(family, &spans) {
        return Vec::new();
    }
    let mut cuts: Vec<u32> =
        parts.iter().flat_map(|((from, to), _)| [u32::from(*from), u32::from(*to) + 1]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut open = Vec::new();
    for (from, next) in cuts.iter().zip(cuts.iter().skip(1)) {
        let (Ok(from), Ok(to)) = (u16::try_from(*from), u16::try_from(next - 1)) else { continue };
        let here = parts.iter().filter(|((a, b), _)| *a <= from && to <= *b);
        let spans: Vec<Span> = here.flat_map(|(_, a)| &a.spans).copied().collect();
        if is_world(family, &spans) {
            open.push((from, to));
        }
    }
    open
}

/// The types of ICMP that are open, the widest only.
fn icmp<'t>(family: Family, mine: &[&Admitted<'t>]) -> Vec<(String, Icmp<'t>)> {
    type Types = (Option<u16>, Option<u16>);
    let includes = |wide: Types, one: Types| match wide {
        (None, _) => true,
        (Some(_), None) => wide.0 == one.0,
        (Some(_), Some(_)) => wide == one,
    };
    let types = |rule: &Rule| match rule.protocol {
        Protocol::Any => (None, None),
        _ => (rule.from, rule.to),
    };
    let about = |a: &&&Admitted<'t>| matches!(a.rule.protocol, Protocol::Any | Protocol::Icmp);
    let mine: Vec<(Types, &Admitted<'t>)> =
        mine.iter().filter(about).map(|a| (types(a.rule), *a)).collect();
    let mut kinds: Vec<Types> = mine.iter().map(|(t, _)| *t).collect();
    kinds.sort_unstable();
    kinds.dedup();
    // Sorted, a wider one comes before what it includes.
    let mut open: Vec<(Types, Rules<'t>)> = Vec::new();
    for one in kinds {
        let lets_in = mine.iter().filter(|(t, _)| includes(*t, one)).map(|(_, a)| *a);
        let Some(rules) = together(family, lets_in) else { continue };
        match open.iter_mut().find(|(wide, _)| includes(*wide, one)) {
            Some((_, known)) => known.extend(rules),
            None => open.push((one, rules)),
        }
    }
    let family = family.name();
    let entry = |((r#type, code), rules): (Types, Rules<'t>)| {
        let key = match (r#type, code) {
            (None, _) => format!("{family}:any"),
            (Some(r#type), None) => format!("{family}:{type}"),
            (Some(r#type), Some(code)) => format!("{family}:{type}/{code}"),
        };
        (key, Icmp { code, family, protocol: "icmp", rules, r#type })
    };
    open.into_iter().map(entry).collect()
}
