//! Hosts: compute services with their hypervisors, aggregates and resource
//! providers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidegate_model::fleet::{Amount, Host, HostState, MaxMigrations};
use tidegate_model::{Digest, FactsError};

use super::api::{
    Aggregate, Hypervisor, Inventories, Provider, ProviderAllocations, Service, Traits,
};
use super::{Allocations, Naming, Region};
use crate::read::{Item, Reader};

/// The hosts of one cloud.
pub(super) struct Hosts {
    /// By region and the name of the compute service.
    rows: BTreeMap<(Region, String), Row>,
    pub(super) allocations: Allocations,
    /// The tenants that an aggregate takes, where it takes some only.
    pub(super) tenants: BTreeMap<String, BTreeSet<String>>,
}

/// A host, and what virtual machines on it have to know.
pub(super) struct Row {
    pub(super) host: Host,
    /// Metadata of its aggregates: the values of each key.
    pub(super) metadata: BTreeMap<String, BTreeSet<String>>,
    /// The trait that stands for its processor's abilities, where hosts differ.
    pub(super) cpu: Option<String>,
    /// What its processor can do.
    abilities: BTreeSet<String>,
}

impl Hosts {
    pub(super) fn read(
        reader: &mut Reader<'_>,
        naming: Naming,
        services: &[Item<Service>],
        notes: &mut Vec<String>,
    ) -> Result<Self, FactsError> {
        let (rows, tenants) = (BTreeMap::new(), BTreeMap::new());
        let mut hosts = Self { rows, allocations: HashMap::new(), tenants };
        hosts.services(reader, naming, services, notes);
        let roots = hosts.hypervisors(reader, notes)?;
        hosts.aggregates(reader, naming)?;
        hosts.providers(reader, &roots)?;
        hosts.processors();
        Ok(hosts)
    }

    /// The host of a region with this name.
    pub(super) fn get(&self, region: &Region, name: &str) -> Option<&Row> {
        self.rows.get(&(region.clone(), name.to_owned()))
    }

    /// Every host.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// Every host, to be changed.
    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row> {
        self.rows.values_mut()
    }

    pub(super) fn zones(&self) -> BTreeSet<String> {
        self.rows.values().map(|r| r.host.zone.clone()).collect()
    }

    pub(super) fn into_fleet(self) -> Vec<Host> {
        let mut hosts: Vec<Host> = self.rows.into_values().map(|r| r.host).collect();
        hosts.sort_by(|a, b| a.id.cmp(&b.id));
        hosts
    }

    fn services(
        &mut self,
        reader: &Reader<'_>,
        naming: Naming,
        services: &[Item<Service>],
        notes: &mut Vec<String>,
    ) {
        for Item { region, body: service, .. } in services.iter().filter(|s| s.body.is_compute()) {
            let name = |n: &str| naming.name(reader, region.as_deref(), n);
            let state = match (service.state.as_str(), service.status.as_str()) {
                (_, _) if service.forced_down => HostState::Down,
                ("up", "enabled") => HostState::Up,
                ("up", "disabled") => HostState::Disabled,
                // A state that is not known is none to rely on.
                (_, _) => HostState::Down,
            };
            let host = Host {
                id: name(&service.host),
                zone: name(service.zone.as_deref().unwrap_or("nova")),
                pool: "compute".to_owned(),
                domain: None,
                roles: BTreeSet::from(["compute".to_owned()]),
                state,
                version: BTreeMap::new(),
                capacity: BTreeMap::new(),
                reserved: BTreeMap::new(),
                ratio: BTreeMap::new(),
                traits: BTreeSet::new(),
                aggregates: BTreeSet::new(),
                max_migrations: MaxMigrations::default(),
            };
            let (metadata, abilities) = (BTreeMap::new(), BTreeSet::new());
            let row = Row { host, metadata, cpu: None, abilities };
            self.rows.insert((region.clone(), service.host.clone()), row);
        }
        for Item { region, body: service, .. } in services.iter().filter(|s| !s.body.is_compute()) {
            let place = (region.clone(), service.host.clone());
            let Some(row) = self.rows.get_mut(&place) else { continue };
            if row.host.roles.insert("control".to_owned()) {
                notes.push(format!(
                    "host `{}` runs the control plane as well: what of it needs a majority is not \
                     in the APIs, name it with --facts",
                    row.host.id
                ));
            }
        }
    }

    /// Gives the host of each root provider. Nodes of Ironic are no hosts.
    fn hypervisors(
        &mut self,
        reader: &mut Reader<'_>,
        notes: &mut Vec<String>,
    ) -> Result<HashMap<String, (Region, String)>, FactsError> {
        let mut roots = HashMap::new();
        let mut seen: BTreeMap<(Region, String), usize> = BTreeMap::new();
        for Item { region, body, .. } in reader.all::<Hypervisor>("compute.hypervisor")? {
            let place = (region, body.service.host);
            if body.hypervisor_type.eq_ignore_ascii_case("ironic") {
                self.rows.remove(&place);
                continue;
            }
            let Some(row) = self.rows.get_mut(&place) else { continue };
            *seen.entry(place.clone()).or_default() += 1;
            if body.hypervisor_version > 0 {
                let n = body.hypervisor_version;
                let version = format!("{}.{}.{}", n / 1_000_000, n / 1000 % 1000, n % 1000);
                row.host.version.insert(body.hypervisor_type.to_ascii_lowercase(), version);
            }
            let id = body.id.as_str().map_or_else(|| body.id.to_string(), str::to_owned);
            roots.insert(id, place);
        }
        for (place, row) in &mut self.rows {
            match seen.get(place) {
                Some(1) => {}
                None => {
                    row.host.state = HostState::Down;
                    let id = &row.host.id;
                    notes.push(format!("host `{id}` has no hypervisor and counts as down"));
                }
                Some(n) => {
                    let reason = format!("host `{}` has {n} hypervisors", row.host.id);
                    reader.gap("compute.hypervisor", place.0.clone(), reason);
                }
            }
        }
        Ok(roots)
    }

    fn aggregates(&mut self, reader: &mut Reader<'_>, naming: Naming) -> Result<(), FactsError> {
        for Item { region, body, .. } in reader.all::<Aggregate>("compute.aggregate")? {
            let name = naming.name(reader, region.as_deref(), &body.name);
            let of_tenants = body.metadata.iter().filter(|(k, _)| k.starts_with(TENANTS));
            for (_, value) in of_tenants {
                let tenants = value.split(',').map(|v| v.trim().to_owned());
                self.tenants.entry(name.clone()).or_default().extend(tenants);
            }
            for host in &body.hosts {
                let Some(row) = self.rows.get_mut(&(region.clone(), host.clone())) else {
                    continue;
                };
                row.host.aggregates.insert(name.clone());
                for (key, value) in &body.metadata {
                    // Nova's filters take a comma for several values.
                    let values = value.split(',').map(|v| v.trim().to_owned());
                    row.metadata.entry(key.clone()).or_default().extend(values.clone());
                    row.host.traits.extend(isolation(&name, key, value));
                    row.host.traits.extend(values.map(|v| in_aggregate(key, &v)));
                }
            }
        }
        Ok(())
    }

    fn providers(
        &mut self,
        reader: &mut Reader<'_>,
        roots: &HashMap<String, (Region, String)>,
    ) -> Result<(), FactsError> {
        let mut hosts: HashMap<String, (&(Region, String), bool)> = HashMap::new();
        for Item { body, .. } in reader.all::<Provider>("placement.resource_provider")? {
            let root = body.root_provider_uuid.as_ref().unwrap_or(&body.uuid);
            if let Some(place) = roots.get(root) {
                let is_root = *root == body.uuid;
                hosts.insert(body.uuid, (place, is_root));
            }
        }
        for Item { key, body, .. } in reader.all::<Inventories>("placement.inventory")? {
            let Some((place, true)) = hosts.get(&*key.id()) else { continue };
            let Some(row) = self.rows.get_mut(*place) else { continue };
            for (class, of) in body.inventories {
                let class = class_name(&class);
                row.host.capacity.insert(class.clone(), Amount::whole(of.total));
                if of.reserved > 0 {
                    row.host.reserved.insert(class.clone(), Amount::whole(of.reserved));
                }
                row.host.ratio.insert(class, of.allocation_ratio);
            }
        }
        for Item { key, body, .. } in reader.all::<Traits>("placement.trait")? {
            let Some((place, is_root)) = hosts.get(&*key.id()) else { continue };
            let Some(row) = self.rows.get_mut(*place) else { continue };
            if *is_root {
                let cpu = body.traits.iter().filter(|t| t.starts_with("HW_CPU_"));
                row.abilities.extend(cpu.cloned());
            }
            row.host.traits.extend(body.traits);
        }
        for Item { key, body, .. } in reader.all::<ProviderAllocations>("placement.allocation")? {
            let Some((place, is_root)) = hosts.get(&*key.id()) else { continue };
            let Some(row) = self.rows.get(*place) else { continue };
            for (consumer, of) in body.allocations {
                let of = (row.host.id.clone(), *is_root, of.resources);
                self.allocations.entry(consumer).or_default().push(of);
            }
        }
        for (place, row) in &self.rows {
            let runs = row.host.state != HostState::Down;
            if runs && row.host.capacity.is_empty() {
                let reason = format!("host `{}` has no inventory", row.host.id);
                reader.gap("placement.inventory", place.0.clone(), reason);
            }
        }
        Ok(())
    }

    /// Where processors differ, a host bears a trait for its own abilities and for
    /// each set of abilities that is part of its own.
    fn processors(&mut self) {
        let kinds: BTreeSet<BTreeSet<String>> =
            self.rows.values().map(|r| r.abilities.clone()).collect();
        if kinds.len() < 2 {
            return;
        }
        let named: Vec<(BTreeSet<String>, String)> = kinds
            .into_iter()
            .map(|kind| {
                let text: Vec<&str> = kind.iter().map(String::as_str).collect();
                let digest = Digest::of(text.join(" ").as_bytes()).to_string();
                let short: String = digest.chars().take(8).collect();
                (kind, format!("cpu:{short}"))
            })
            .collect();
        for row in self.rows.values_mut() {
            for (kind, name) in &named {
                if kind.is_subset(&row.abilities) {
                    row.host.traits.insert(name.clone());
                }
                if *kind == row.abilities {
                    row.cpu = Some(name.clone());
                }
            }
        }
    }
}

/// A class of Placement by the name that it has in a fleet.
pub(super) fn class_name(class: &str) -> String {
    match class {
        "MEMORY_MB" => "memory_mib".to_owned(),
        "DISK_GB" => "disk_gib".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}

/// The trait of a host that is in an aggregate with this metadata.
pub(super) fn in_aggregate(key: &str, value: &str) -> String {
    format!("aggregate:{key}={value}")
}

/// Metadata of aggregates that take some tenants only; several keys may begin so.
const TENANTS: &str = "filter_tenant_id";

/// The trait of a host that takes certain virtual machines only.
fn isolation(aggregate: &str, key: &str, value: &str) -> Option<String> {
    if key.starts_with(TENANTS) {
        return Some(format!("tenants:{aggregate}"));
    }
    let name = key.strip_prefix("trait:").filter(|_| value == "required")?;
    Some(format!("only:{name}"))
}
