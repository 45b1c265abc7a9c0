//! Virtual machines: what they hold, where they may be, and whether they can be
//! moved.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidegate_model::FactsError;
use tidegate_model::fleet::{Amount, Amounts, HostState, Migratable, Vm, VmState};

use super::Resources;
use super::api::{Flavor, Port, Server};
use super::host::{Hosts, Row, class_name, in_aggregate};
use super::migration::Moving;
use crate::read::{Item, Reader};

/// Reads the virtual machines that are on hosts. What is allotted on a host to
/// nobody known becomes part of what is reserved there.
pub(super) fn read(
    reader: &mut Reader<'_>,
    hosts: &mut Hosts,
    servers: &[Item<Server>],
    moving: &Moving,
    notes: &mut Vec<String>,
) -> Result<Vec<Vm>, FactsError> {
    let devices = ports(reader)?;
    let isolated: BTreeSet<String> = hosts
        .rows()
        .flat_map(|r| &r.host.traits)
        .filter(|t| t.starts_with("only:") || t.starts_with("tenants:"))
        .cloned()
        .collect();
    let mut vms = Vec::new();
    let (mut hidden, mut no_specs, mut unplaced, mut by_flavor) = (0, 0, 0, 0);
    for Item { region, body: server, .. } in servers {
        let Some(host) = &server.host else {
            hidden += 1;
            continue;
        };
        let Some(host) = host else {
            // Offloaded, failed to start, or not yet placed.
            unplaced += usize::from(matches!(server.status.as_str(), "BUILD" | "REBUILD"));
            continue;
        };
        // Nodes of Ironic are no hosts; what is on them goes nowhere.
        let Some(row) = hosts.get(region, host) else { continue };
        let Some(specs) = &server.flavor.extra_specs else {
            no_specs += 1;
            continue;
        };
        let held = hosts.allocations.get(&server.id).map(Vec::as_slice).unwrap_or_default();
        let migrating_to = moving.to.get(&server.id).cloned();
        let roots = held.iter().filter(|(_, root, _)| *root).map(|(_, _, r)| r);
        let mut demand = Amounts::new();
        for resources in roots {
            for (class, amount) in amounts(resources) {
                let most = demand.entry(class).or_default();
                *most = amount.max(*most);
            }
        }
        if demand.is_empty() {
            demand = of_flavor(&server.flavor);
            by_flavor += 1;
        }
        let nested = held.iter().find(|(_, root, _)| !root);
        let nested = nested
            .and_then(|(_, _, r)| r.keys().next())
            .map(|class| format!("it holds {class} of a part of its host"));
        let mut needs = needs(server, row, specs);
        let allowed = |t: &&String| match t.split_once(':') {
            Some(("only", name)) => needs.requires.contains(name),
            Some((_, aggregate)) => {
                hosts.tenants.get(aggregate).is_some_and(|all| all.contains(&server.tenant_id))
            }
            None => true,
        };
        let closed: Vec<String> = isolated.iter().filter(|t| !allowed(t)).cloned().collect();
        needs.forbids.extend(closed);
        let reason = fixed(server, specs)
            .or_else(|| devices.get(&server.id).cloned())
            .or(nested)
            .or(needs.unclear);
        vms.push(Vm {
            id: server.id.clone(),
            host: row.host.id.clone(),
            migrating_to,
            demand,
            state: state(server),
            requires: needs.requires,
            forbids: needs.forbids,
            aggregates: BTreeSet::new(),
            zone_pinned: pinned(server),
            migratable: if reason.is_some() { Migratable::No } else { Migratable::Live },
            reason,
        });
    }
    for (count, what) in [
        (hidden, "servers do not show their host to this credential"),
        (no_specs, "servers do not show the extra specs of their flavors"),
    ] {
        if count > 0 {
            reader.gap("compute.server", None, format!("{count} {what}"));
        }
    }
    if unplaced > 0 {
        notes.push(format!("{unplaced} servers are being made and stand on no host yet"));
    }
    if by_flavor > 0 {
        notes.push(format!(
            "{by_flavor} servers have no allocation in Placement and are counted by their flavor"
        ));
    }
    strangers(hosts, &vms, moving, notes);
    vms.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(vms)
}

/// Servers with a port that cannot be moved, and why.
fn ports(reader: &mut Reader<'_>) -> Result<HashMap<String, String>, FactsError> {
    let mut devices = HashMap::new();
    let mut hidden = 0_usize;
    for Item { body: port, .. } in reader.all::<Port>("network.port")? {
        if !port.device_owner.starts_with("compute:") {
            continue;
        }
        match port.vnic_type.as_deref() {
            Some("normal" | "macvtap" | "virtio-forwarder") => {}
            Some(other) => {
                devices.insert(port.device_id, format!("port {} is {other}", port.id));
            }
            None => hidden += 1,
        }
    }
    if hidden > 0 {
        let reason = format!("{hidden} ports do not show `binding:vnic_type` to this credential");
        reader.gap("network.port", None, reason);
    }
    Ok(devices)
}

fn amounts(resources: &Resources) -> impl Iterator<Item = (String, Amount)> {
    resources.iter().map(|(class, n)| (class_name(class), Amount::whole(*n)))
}

fn of_flavor(flavor: &Flavor) -> Amounts {
    // Swap is in MiB, and an empty text where there is none before 2.75.
    let swap = flavor.swap.as_i64().unwrap_or(0);
    let disk = flavor.disk + flavor.ephemeral + swap.saturating_add(1023) / 1024;
    let all = [("vcpu", flavor.vcpus), ("memory_mib", flavor.ram), ("disk_gib", disk)];
    all.into_iter().map(|(class, n)| (class.to_owned(), Amount::whole(n))).collect()
}

fn state(server: &Server) -> VmState {
    if server.task_state.is_some() {
        return VmState::Other;
    }
    match server.status.as_str() {
        "ACTIVE" => VmState::Active,
        "PAUSED" => VmState::Paused,
        "SHUTOFF" => VmState::Shutoff,
        "ERROR" => VmState::Error,
        _ => VmState::Other,
    }
}

/// Whether it must stay in its zone. It may leave only if Nova says that nobody
/// asked for one; volumes hold it, since whether they may be attached across
/// zones is not in the API.
fn pinned(server: &Server) -> bool {
    server.pinned_availability_zone != Some(None) || !server.volumes.is_empty()
}

/// Why a server cannot be moved, from what it says of itself and its flavor.
fn fixed(server: &Server, specs: &BTreeMap<String, String>) -> Option<String> {
    match server.locked {
        Some(false) => {}
        Some(true) => return Some("locked".to_owned()),
        None => return Some("whether it is locked is not shown".to_owned()),
    }
    let spec = |(key, value): (&String, &String)| -> Option<&'static str> {
        let truth = || matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on");
        match key.as_str() {
            "pci_passthrough:alias" => Some("pci passthrough"),
            "accel:device_profile" => Some("accelerator"),
            "hw:mem_encryption" if truth() => Some("encrypted memory"),
            "hw:cpu_policy" if value != "shared" => Some("dedicated processors"),
            "hw:numa_nodes" | "hw:mem_page_size" | "hw:pmem" | "hw:cpu_realtime" => {
                Some("bound to NUMA cells or page sizes")
            }
            key if key.starts_with("hw:numa_") => Some("bound to NUMA cells or page sizes"),
            key if key.starts_with("resources") && key.ends_with(":VGPU") => Some("vgpu"),
            _ => None,
        }
    };
    specs.iter().find_map(spec).map(|what| format!("{what} (flavor)"))
}

/// What a server asks of its host.
struct Needs {
    requires: BTreeSet<String>,
    forbids: BTreeSet<String>,
    /// Something that cannot be told.
    unclear: Option<String>,
}

fn needs(server: &Server, row: &Row, specs: &BTreeMap<String, String>) -> Needs {
    let mut needs = Needs { requires: BTreeSet::new(), forbids: BTreeSet::new(), unclear: None };
    for (key, value) in specs {
        let numbered = |scope: &str, of: &str| {
            scope.strip_prefix(of).is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()))
        };
        let aggregate = match key.split_once(':') {
            Some((scope, name)) if numbered(scope, "trait") => {
                match value.as_str() {
                    "required" => needs.requires.insert(name.to_owned()),
                    "forbidden" => needs.forbids.insert(name.to_owned()),
                    _ => false,
                };
                continue;
            }
            Some(("aggregate_instance_extra_specs", name)) => name,
            Some(_) => continue,
            // Nova's filter, where it is on, takes a key without scope too. It is
            // on, or meant, if the host that the server is on has it.
            None if row.metadata.get(key).is_some_and(|all| all.contains(value)) => key,
            None => continue,
        };
        // `<in>`, `s==`, `>=` and the like compare; they are not followed.
        if value.starts_with(['<', '=', '>', '!']) || value.contains("== ") {
            needs.unclear = Some(format!("`{key}` of its flavor compares"));
        } else {
            needs.requires.insert(in_aggregate(aggregate, value));
        }
    }
    let runs = matches!(server.status.as_str(), "ACTIVE" | "PAUSED");
    needs.requires.extend(row.cpu.clone().filter(|_| runs));
    needs
}

/// Counts what is allotted to nobody known, or to a server on a host where it is
/// not, as reserved.
fn strangers(hosts: &mut Hosts, vms: &[Vm], moving: &Moving, notes: &mut Vec<String>) {
    let known: HashMap<&str, &Vm> = vms.iter().map(|v| (v.id.as_str(), v)).collect();
    let mut held: BTreeMap<String, Amounts> = BTreeMap::new();
    let mut count = 0_usize;
    for (consumer, all) in &hosts.allocations {
        // What a migration holds is counted with its server, on both hosts.
        if moving.holders.contains(consumer) {
            continue;
        }
        let vm = known.get(consumer.as_str());
        let counted = |host: &String| {
            vm.is_some_and(|v| v.host == *host || v.migrating_to.as_ref() == Some(host))
        };
        for (host, _, resources) in all.iter().filter(|(host, root, _)| *root && !counted(host)) {
            count += 1;
            let of = held.entry(host.clone()).or_default();
            for (class, amount) in amounts(resources) {
                *of.entry(class).or_default() += amount;
            }
        }
    }
    if count == 0 {
        return;
    }
    notes.push(format!("{count} allocations belong to no server and count as reserved"));
    for row in hosts.rows_mut().filter(|r| r.host.state != HostState::Down) {
        for (class, amount) in held.remove(&row.host.id).unwrap_or_default() {
            // Reserved is taken off before the ratio.
            let ratio = row.host.ratio.get(&class).copied().unwrap_or(1.0);
            let share = if ratio > 0.0 { amount.times(1.0 / ratio) + Amount(1) } else { amount };
            *row.host.reserved.entry(class).or_default() += share;
        }
    }
}
