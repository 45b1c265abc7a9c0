//! What the API of Neutron says, as far as facts depend on it. An error is one
//! clause.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

use super::address::{Family, Prefix};
use super::protocol::{self, Protocol};

/// A rule of a security group.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) group: String,
    pub(super) ingress: bool,
    pub(super) family: Family,
    pub(super) protocol: Protocol,
    /// Ports, both included; type and code of ICMP. None for all.
    pub(super) from: Option<u16>,
    pub(super) to: Option<u16>,
    pub(super) remote: Remote,
}

/// Whom a rule is about.
#[derive(Debug)]
pub(super) enum Remote {
    Everybody,
    Prefix(Prefix),
    AddressGroup(String),
    /// Members of a security group.
    Group,
}

#[derive(Deserialize)]
struct RawRule {
    security_group_id: String,
    direction: String,
    ethertype: Option<String>,
    protocol: Option<protocol::Raw>,
    port_range_min: Option<u16>,
    port_range_max: Option<u16>,
    remote_ip_prefix: Option<String>,
    remote_group_id: Option<String>,
    remote_address_group_id: Option<String>,
}

/// A rule, or of which group it is, if that is known, and what is wrong.
pub(super) fn rule(id: &str, body: &str) -> Result<Rule, (Option<String>, String)> {
    let raw: RawRule = serde_json::from_str(body).map_err(|e| {
        let body: Option<Value> = serde_json::from_str(body).ok();
        let group = body.as_ref().and_then(|b| b.get("security_group_id")?.as_str());
        (group.map(str::to_owned), format!("`{id}` is not a security group rule: {e}"))
    })?;
    let group = raw.security_group_id.clone();
    read_rule(id, raw).map_err(|why| (Some(group), format!("rule `{id}`: {why}")))
}

fn read_rule(id: &str, raw: RawRule) -> Result<Rule, String> {
    let ingress = match raw.direction.as_str() {
        "ingress" => true,
        "egress" => false,
        other => return Err(format!("`/direction` is `{other}`")),
    };
    let family = match raw.ethertype.as_deref() {
        None | Some("IPv4") => Family::Ipv4,
        Some("IPv6") => Family::Ipv6,
        Some(other) => return Err(format!("`/ethertype` is `{other}`")),
    };
    let protocol = Protocol::read(raw.protocol).ok_or_else(|| "`/protocol` is none".to_owned())?;
    let (from, to) = (raw.port_range_min, raw.port_range_max);
    let whole = match (from, to) {
        (None, None) => true,
        (Some(from), Some(to)) => protocol == Protocol::Icmp || from <= to,
        (Some(_), None) => protocol == Protocol::Icmp,
        (None, Some(_)) => false,
    };
    if !whole {
        return Err("`/port_range_min` and `/port_range_max` are no range".to_owned());
    }
    let remote = match (raw.remote_ip_prefix, raw.remote_address_group_id, raw.remote_group_id) {
        (Some(text), _, _) => match Prefix::parse(&text) {
            Some(prefix) if prefix.family == family => Remote::Prefix(prefix),
            Some(_) | None => return Err(format!("`/remote_ip_prefix` is `{text}`")),
        },
        (None, Some(group), _) => Remote::AddressGroup(group),
        (None, None, Some(_)) => Remote::Group,
        (None, None, None) => Remote::Everybody,
    };
    let (id, group) = (id.to_owned(), raw.security_group_id);
    Ok(Rule { id, group, ingress, family, protocol, from, to, remote })
}

#[derive(Deserialize)]
struct RawAddressGroup {
    addresses: Vec<String>,
}

/// What an address group holds.
pub(super) fn address_group(body: &str) -> Result<Vec<Prefix>, String> {
    let raw: RawAddressGroup =
        serde_json::from_str(body).map_err(|e| format!("it is not an address group: {e}"))?;
    let prefix =
        |text: &String| Prefix::parse(text).ok_or_else(|| format!("`{text}` is no prefix"));
    raw.addresses.iter().map(prefix).collect()
}

/// A port.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) network: String,
    pub(super) device: String,
    pub(super) owner: String,
    /// Of its groups, sorted.
    pub(super) groups: Vec<String>,
    pub(super) secured: bool,
    pub(super) fixed: Vec<Fixed>,
    pub(super) pairs: Vec<Prefix>,
}

/// An address of a port.
#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) address: IpAddr,
    pub(super) subnet: String,
}

#[derive(Deserialize)]
struct RawPort {
    network_id: String,
    device_id: Option<String>,
    device_owner: Option<String>,
    security_groups: Option<Vec<String>>,
    port_security_enabled: Option<bool>,
    fixed_ips: Option<Vec<RawFixed>>,
    allowed_address_pairs: Option<Vec<RawPair>>,
}

#[derive(Deserialize)]
struct RawFixed {
    ip_address: IpAddr,
    subnet_id: String,
}

#[derive(Deserialize)]
struct RawPair {
    ip_address: String,
}

impl Port {
    pub(super) fn read(body: &str) -> Result<Self, String> {
        let raw: RawPort =
            serde_json::from_str(body).map_err(|e| format!("it is not a port: {e}"))?;
        let pair = |p: RawPair| {
            Prefix::parse(&p.ip_address)
                .ok_or_else(|| format!("allowed address pair `{}` is no prefix", p.ip_address))
        };
        let pairs = raw.allowed_address_pairs.unwrap_or_default().into_iter().map(pair);
        let fixed = raw.fixed_ips.unwrap_or_default().into_iter();
        let mut groups = raw.security_groups.unwrap_or_default();
        groups.sort_unstable();
        Ok(Self {
            network: raw.network_id,
            device: raw.device_id.unwrap_or_default(),
            owner: raw.device_owner.unwrap_or_default(),
            groups,
            secured: raw.port_security_enabled.unwrap_or(true),
            fixed: fixed.map(|f| Fixed { address: f.ip_address, subnet: f.subnet_id }).collect(),
            pairs: pairs.collect::<Result<_, _>>()?,
        })
    }

    /// Whether Neutron itself answers there.
    pub(super) fn is_neutron(&self) -> bool {
        self.owner.starts_with("network:")
    }

    /// Whether a router has its addresses.
    pub(super) fn is_interface(&self) -> bool {
        matches!(
            self.owner.as_str(),
            "network:router_interface"
                | "network:router_interface_distributed"
                | "network:ha_router_replicated_interface"
        )
    }

    /// Whether it only holds addresses that others may use.
    pub(super) fn is_virtual(&self) -> bool {
        self.device.is_empty() && !self.is_neutron()
    }
}

/// A network.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) external: bool,
    pub(super) physical: bool,
    scope_v4: Option<String>,
    scope_v6: Option<String>,
}

#[derive(Deserialize)]
struct RawNetwork {
    #[serde(rename = "router:external")]
    external: Option<bool>,
    #[serde(rename = "provider:physical_network")]
    physical: Option<String>,
    ipv4_address_scope: Option<String>,
    ipv6_address_scope: Option<String>,
}

impl Network {
    pub(super) fn read(body: &str) -> Result<Self, String> {
        let raw: RawNetwork =
            serde_json::from_str(body).map_err(|e| format!("it is not a network: {e}"))?;
        Ok(Self {
            external: raw.external.unwrap_or(false),
            physical: raw.physical.is_some_and(|p| !p.is_empty()),
            scope_v4: raw.ipv4_address_scope,
            scope_v6: raw.ipv6_address_scope,
        })
    }

    /// Its address scope.
    pub(super) fn scope(&self, family: Family) -> Option<&str> {
        match family {
            Family::Ipv4 => self.scope_v4.as_deref(),
            Family::Ipv6 => self.scope_v6.as_deref(),
        }
    }
}

/// A subnet: where its packets go that leave it.
#[derive(Debug, Deserialize)]
pub(super) struct Subnet {
    #[serde(rename = "gateway_ip")]
    pub(super) gateway: Option<IpAddr>,
}

impl Subnet {
    pub(super) fn read(body: &str) -> Result<Self, String> {
        serde_json::from_str(body).map_err(|e| format!("it is not a subnet: {e}"))
    }
}

/// A router with its gateway to an external network, if it has one.
#[derive(Debug, Deserialize)]
pub(super) struct Router {
    #[serde(rename = "external_gateway_info")]
    pub(super) gateway: Option<Gateway>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Gateway {
    #[serde(rename = "network_id")]
    pub(super) network: Option<String>,
    #[serde(default = "yes")]
    pub(super) enable_snat: bool,
}

fn yes() -> bool {
    true
}

impl Router {
    pub(super) fn read(body: &str) -> Result<Self, String> {
        serde_json::from_str(body).map_err(|e| format!("it is not a router: {e}"))
    }

    /// The external network.
    pub(super) fn network(&self) -> Option<&str> {
        self.gateway.as_ref()?.network.as_deref()
    }
}

/// A floating IP.
#[derive(Debug)]
pub(super) struct Floating {
    pub(super) id: String,
    pub(super) address: IpAddr,
    pub(super) network: Option<String>,
    pub(super) router: Option<String>,
    /// Port and address that it is associated with.
    pub(super) port: Option<(String, Option<IpAddr>)>,
    pub(super) forwardings: Vec<Forwarding>,
}

/// Some ports of a floating IP that are forwarded.
#[derive(Debug)]
pub(super) struct Forwarding {
    pub(super) port: String,
    pub(super) address: Option<IpAddr>,
    pub(super) protocol: Protocol,
    /// As the world sees it.
    pub(super) external: String,
    pub(super) from: u16,
    pub(super) to: u16,
}

#[derive(Deserialize)]
struct RawFloating {
    floating_ip_address: IpAddr,
    floating_network_id: Option<String>,
    router_id: Option<String>,
    port_id: Option<String>,
    fixed_ip_address: Option<IpAddr>,
    port_forwardings: Option<Vec<RawForwarding>>,
}

#[derive(Deserialize)]
struct RawForwarding {
    protocol: Option<protocol::Raw>,
    external_port: Option<u16>,
    external_port_range: Option<String>,
    internal_port: Option<u16>,
    internal_port_range: Option<String>,
    internal_port_id: String,
    internal_ip_address: Option<IpAddr>,
}

impl Floating {
    pub(super) fn read(id: &str, body: &str) -> Result<Self, String> {
        let raw: RawFloating =
            serde_json::from_str(body).map_err(|e| format!("it is not a floating IP: {e}"))?;
        let forwardings = raw.port_forwardings.unwrap_or_default().into_iter().map(forwarding);
        Ok(Self {
            id: id.to_owned(),
            address: raw.floating_ip_address,
            network: raw.floating_network_id,
            router: raw.router_id,
            port: raw.port_id.filter(|p| !p.is_empty()).map(|p| (p, raw.fixed_ip_address)),
            forwardings: forwardings.collect::<Result<_, _>>()?,
        })
    }
}

fn forwarding(raw: RawForwarding) -> Result<Forwarding, String> {
    let wrong = || "a port forwarding has no ports".to_owned();
    let (from, to) = match (&raw.internal_port_range, raw.internal_port) {
        (Some(text), _) => {
            let (from, to) = text.split_once(':').unwrap_or((text, text));
            (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?)
        }
        (None, Some(port)) => (port, port),
        (None, None) => return Err(wrong()),
    };
    let external = raw.external_port.map(|p| p.to_string()).or(raw.external_port_range);
    Ok(Forwarding {
        port: raw.internal_port_id,
        address: raw.internal_ip_address,
        protocol: Protocol::read(raw.protocol)
            .ok_or_else(|| "a port forwarding has no protocol".to_owned())?,
        external: external.ok_or_else(wrong)?,
        from,
        to,
    })
}
