//! `openstack.exposure`: what of a port the world can reach.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use serde::Serialize;
use tidegate_model::{Resource, Timestamp};

use super::address::{Family, Prefix, is_global};
use super::look::Look;
use super::ranges::{Admitted, Icmp, Open, Range, Whole};
use super::read::{Fixed, Floating, Forwarding, Port};
use super::tables::{Region, Seen};

#[derive(Serialize)]
struct Body<'t> {
    all: &'t BTreeMap<&'static str, Whole<'t>>,
    device_id: &'t str,
    device_owner: &'t str,
    exposed: bool,
    icmp: &'t BTreeMap<String, Icmp<'t>>,
    key: &'t str,
    network_id: &'t str,
    neutron: bool,
    other: &'t BTreeMap<String, Range<'t>>,
    pairs: BTreeMap<String, Pair>,
    port_security: bool,
    reachable: BTreeMap<&'static str, bool>,
    tcp: &'t BTreeMap<String, Range<'t>>,
    udp: &'t BTreeMap<String, Range<'t>>,
    ways: BTreeMap<String, &'t Way<'t>>,
}

#[derive(Serialize)]
struct Pair {
    family: &'static str,
    length: u8,
    prefix: String,
}

/// How the world reaches an address of a port.
#[derive(Debug, Serialize)]
struct Way<'t> {
    address: IpAddr,
    #[serde(skip)]
    across: Across<'t>,
    family: &'static str,
    fixed: Option<IpAddr>,
    floating_ip: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u16>,
    how: &'static str,
    network: Option<&'t str>,
    pair: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'t str>,
    public: bool,
    router: Option<&'t str>,
    subnet: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u16>,
}

/// What gets through.
#[derive(Debug, Clone, Copy)]
enum Across<'t> {
    Everything,
    Forwarded(&'t Forwarding),
}

impl<'t> Way<'t> {
    fn new(how: &'static str, address: IpAddr) -> Self {
        Self {
            address,
            across: Across::Everything,
            family: Family::of(address).name(),
            fixed: None,
            floating_ip: None,
            from: None,
            how,
            network: None,
            pair: None,
            protocol: None,
            public: is_global(address),
            router: None,
            subnet: None,
            to: None,
        }
    }

    fn floating(how: &'static str, floating: &'t Floating, fixed: Option<IpAddr>) -> Self {
        Self {
            fixed,
            floating_ip: Some(&floating.id),
            network: floating.network.as_deref(),
            router: floating.router.as_deref(),
            ..Self::new(how, floating.address)
        }
    }

    fn key(&self) -> String {
        match self.across {
            Across::Everything => format!("{}:{}", self.how, self.address),
            Across::Forwarded(forwarding) => format!(
                "{}:{}:{}:{}",
                self.how,
                self.address,
                forwarding.protocol.name(),
                forwarding.external
            ),
        }
    }
}

/// Makes the facts of one region.
pub(super) struct Exposures<'t> {
    region: &'t Region,
    /// What groups let in together, by what they are: many ports have the same.
    opens: HashMap<&'t [String], Seen<Result<Vec<Admitted<'t>>, String>>>,
}

impl<'t> Exposures<'t> {
    pub(super) fn new(region: &'t Region) -> Self {
        Self { region, opens: HashMap::new() }
    }

    /// The body of the fact for a port, or why it cannot be told; and when what
    /// it is made of was last seen, unless it was seen.
    pub(super) fn body(
        &mut self,
        of: &Resource,
        id: &str,
        port: &'t Port,
        unseen: Option<Timestamp>,
    ) -> (Result<String, String>, Option<Timestamp>) {
        let mut look = Look::new(self.region, unseen);
        let made = self.make(&mut look, of, id, port);
        (made, look.unseen)
    }

    fn make(
        &mut self,
        look: &mut Look<'t>,
        of: &Resource,
        id: &str,
        port: &'t Port,
    ) -> Result<String, String> {
        let mut exposed = Open::default();
        if port.is_neutron() {
            return text(of, port, &exposed, &[]);
        }
        let ways = ways(look, id, port)?;
        if !port.secured {
            for family in Family::BOTH {
                add(&mut exposed, &Open::everything(family), family, &ways);
            }
            return text(of, port, &exposed, &ways);
        }
        // Groups that cannot be read matter, whether or not a way leads here.
        let admitted = self.admitted(look, &port.groups)?;
        if !ways.is_empty() {
            let open = Open::of(admitted);
            for family in Family::BOTH {
                add(&mut exposed, &open, family, &ways);
            }
        }
        text(of, port, &exposed, &ways)
    }

    fn admitted(
        &mut self,
        look: &mut Look<'t>,
        groups: &'t [String],
    ) -> Result<&Vec<Admitted<'t>>, String> {
        let region = self.region;
        let known = self.opens.entry(groups).or_insert_with(|| {
            let mut look = Look::new(region, None);
            let all = groups.iter().map(|id| {
                match region.groups.get(id) {
                    Some(group) => look.note(group.unseen),
                    None => return Err(format!("security group `{id}` is not in the snapshot")),
                }
                look.admitted(id)
            });
            let all: Result<Vec<_>, String> = all.collect();
            let value = all.map(|all| all.into_iter().flatten().collect());
            Seen { value, unseen: look.unseen }
        });
        look.note(known.unseen);
        known.value.as_ref().map_err(Clone::clone)
    }
}

/// Adds what is open, as far as ways lead there.
fn add<'t>(exposed: &mut Open<'t>, open: &Open<'t>, family: Family, ways: &[Way<'t>]) {
    let ways = || ways.iter().filter(|w| w.family == family.name());
    if ways().any(|w| matches!(w.across, Across::Everything)) {
        return exposed.take(open, family);
    }
    for way in ways() {
        if let Across::Forwarded(forwarding) = way.across {
            let ports = (forwarding.from, forwarding.to);
            exposed.take_ports(open, family, &forwarding.protocol, ports);
        }
    }
}

fn text(
    of: &Resource,
    port: &Port,
    exposed: &Open<'_>,
    ways: &[Way<'_>],
) -> Result<String, String> {
    let pair = |prefix: &Prefix| {
        let text = prefix.to_string();
        let (family, length) = (prefix.family.name(), prefix.length);
        (text.clone(), Pair { family, length, prefix: text })
    };
    let body = Body {
        all: &exposed.all,
        device_id: &port.device,
        device_owner: &port.owner,
        exposed: !exposed.is_empty(),
        icmp: &exposed.icmp,
        key: of.key.as_str(),
        network_id: &port.network,
        neutron: port.is_neutron(),
        other: &exposed.other,
        pairs: port.pairs.iter().map(pair).collect(),
        port_security: port.secured,
        reachable: ways.iter().map(|w| (w.family, true)).collect(),
        tcp: &exposed.tcp,
        udp: &exposed.udp,
        ways: ways.iter().map(|w| (w.key(), w)).collect(),
    };
    serde_json::to_string(&body).map_err(|e| e.to_string())
}

/// All ways to a port.
fn ways<'t>(look: &mut Look<'t>, id: &str, port: &'t Port) -> Result<Vec<Way<'t>>, String> {
    let mut out = Vec::new();
    for fixed in &port.fixed {
        direct(look, port, fixed, &mut out)?;
    }
    for floating in look.region.floating.get(id).into_iter().flatten() {
        look.note(floating.unseen);
        let floating = &floating.value;
        if let Some((to, fixed)) = &floating.port
            && to == id
        {
            out.push(Way::floating("floating_ip", floating, *fixed));
        }
        for forwarding in floating.forwardings.iter().filter(|f| f.port == id) {
            // What Neutron forwards has ports; of other protocols nothing.
            if !forwarding.protocol.has_ports() {
                continue;
            }
            out.push(Way {
                across: Across::Forwarded(forwarding),
                from: Some(forwarding.from),
                protocol: Some(forwarding.protocol.name()),
                to: Some(forwarding.to),
                ..Way::floating("forwarding", floating, forwarding.address)
            });
        }
    }
    if !port.pairs.is_empty() {
        paired(look, id, port, &mut out);
    }
    Ok(out)
}

/// Ways to an address of the port itself.
fn direct<'t>(
    look: &mut Look<'t>,
    port: &'t Port,
    fixed: &'t Fixed,
    out: &mut Vec<Way<'t>>,
) -> Result<(), String> {
    let network = look.network(&port.network)?;
    let subnet_id = Some(fixed.subnet.as_str());
    let way = |how| Way {
        fixed: Some(fixed.address),
        network: Some(&port.network),
        subnet: subnet_id,
        ..Way::new(how, fixed.address)
    };
    if network.external {
        out.push(way("external"));
    }
    if !is_global(fixed.address) {
        return Ok(());
    }
    let family = Family::of(fixed.address);
    let interfaces = look.region.interfaces.get(&fixed.subnet).map(Vec::as_slice);
    let interfaces = interfaces.unwrap_or_default();
    let gateway = look.subnet(&fixed.subnet)?.gateway;
    let is_router = |address| interfaces.iter().any(|i| i.value.address == address);
    if network.physical && !network.external && gateway.is_some_and(|g| !is_router(g)) {
        out.push(way("provider"));
    }
    for interface in interfaces {
        look.note(interface.unseen);
        let id = interface.value.router.as_str();
        let router = look.router(id)?;
        let (Some(gateway), Some(outside)) = (&router.gateway, router.network()) else { continue };
        let scope = network.scope(family);
        let routed = scope == look.network(outside)?.scope(family);
        let translated = match family {
            Family::Ipv4 => gateway.enable_snat && scope.is_none(),
            Family::Ipv6 => false,
        };
        if routed && !translated {
            out.push(Way { router: Some(id), network: Some(outside), ..way("routed") });
        }
    }
    Ok(())
}

/// Ways to an address that the port may use, and that a port without a device
/// holds.
fn paired<'t>(look: &mut Look<'t>, id: &str, port: &'t Port, out: &mut Vec<Way<'t>>) {
    let region = look.region;
    for held in region.virtuals.get(&port.network).into_iter().flatten() {
        let (address, holder) = &held.value;
        let Some(pair) = port.pairs.iter().find(|p| p.contains(*address)) else { continue };
        if holder == id {
            continue;
        }
        for floating in region.floating.get(holder).into_iter().flatten() {
            let leads = |(to, fixed): &(String, Option<IpAddr>)| {
                to == holder && fixed.is_none_or(|fixed| fixed == *address)
            };
            if floating.value.port.as_ref().is_some_and(leads) {
                look.note(held.unseen);
                look.note(floating.unseen);
                let pair = Some(pair.to_string());
                out.push(Way { pair, ..Way::floating("pair", &floating.value, Some(*address)) });
            }
        }
    }
}
