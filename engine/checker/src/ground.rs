//! A fleet in dense tables, and what the intent wants of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidegate_model::Fleet;
use tidegate_model::fleet::{GroupPolicy, Host, HostState, Member, Migratable, Node, Vm, VmState};
use tidegate_model::intent::{Intent, Matching, Selector, Target};
use tidegate_model::versions::{On, VersionRules};

use crate::table::Table;

/// One component that the intent wants of a target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Want<'f> {
    pub(crate) component: &'f str,
    pub(crate) to: &'f str,
    pub(crate) reboot: bool,
    /// What of the intent it follows from.
    pub(crate) asked: &'f Target,
}

/// What does not change while a plan is replayed.
pub(crate) struct Ground<'f> {
    pub(crate) fleet: &'f Fleet,
    pub(crate) intent: &'f Intent,
    /// Resource classes that anything has or wants.
    pub(crate) classes: Vec<&'f str>,
    pub(crate) hosts: HashMap<&'f str, usize>,
    pub(crate) vms: HashMap<&'f str, usize>,
    pub(crate) nodes: HashMap<&'f str, usize>,
    pub(crate) pods: HashMap<&'f str, usize>,
    /// By cluster and component of Kubernetes: the nodes that run it.
    pub(crate) holders: HashMap<(&'f str, &'f str), Vec<usize>>,
    zones: HashMap<&'f str, usize>,
    /// By host: its zone.
    pub(crate) zone_of: Table<usize>,
    /// By host and class, in thousandths.
    usable: Table<i64>,
    /// By virtual machine and class, in thousandths.
    demand: Table<i64>,
    /// By virtual machine: the host it is on at the start.
    pub(crate) home: Table<usize>,
    /// By virtual machine: its groups with anti-affinity.
    pub(crate) apart: Table<Vec<usize>>,
    /// By virtual machine: whether a group with affinity holds it.
    pub(crate) together: Table<bool>,
    /// What the intent wants, by target.
    pub(crate) wanted: BTreeMap<&'f str, Vec<Want<'f>>>,
}

impl<'f> Ground<'f> {
    pub(crate) fn new(fleet: &'f Fleet, intent: &'f Intent, rules: &'f VersionRules) -> Self {
        let classes: BTreeSet<&str> = fleet
            .hosts
            .iter()
            .flat_map(|h| h.capacity.keys())
            .chain(fleet.vms.iter().flat_map(|v| v.demand.keys()))
            .map(String::as_str)
            .collect();
        let classes: Vec<&str> = classes.into_iter().collect();
        let zones: HashMap<_, _> =
            fleet.zones.iter().enumerate().map(|(n, z)| (z.as_str(), n)).collect();
        let vms: HashMap<_, _> = ids(fleet.vms.iter().map(|v| v.id.as_str()));
        let cluster = fleet.kubernetes.as_ref();
        let (mut apart, mut together) =
            (Table::filled(Vec::new(), fleet.vms.len()), Table::filled(false, fleet.vms.len()));
        for (n, group) in fleet.groups.iter().enumerate() {
            for vm in group.members.iter().filter_map(|m| vms.get(m.as_str())) {
                match group.policy {
                    GroupPolicy::AntiAffinity => apart[*vm].push(n),
                    GroupPolicy::Affinity if group.members.len() > 1 => together[*vm] = true,
                    GroupPolicy::Affinity
                    | GroupPolicy::SoftAffinity
                    | GroupPolicy::SoftAntiAffinity => {}
                }
            }
        }
        let usable = fleet.hosts.iter().flat_map(|h| classes.iter().map(|c| h.usable(c).0));
        let mut demand = Vec::with_capacity(fleet.vms.len() * classes.len());
        for vm in &fleet.vms {
            demand.extend(classes.iter().map(|c| vm.demand.get(*c).map_or(0, |a| a.0)));
        }
        let hosts: HashMap<_, _> = ids(fleet.hosts.iter().map(|h| h.id.as_str()));
        let home = |v: &Vm| hosts.get(v.host.as_str()).copied().unwrap_or(0);
        Self {
            fleet,
            intent,
            home: fleet.vms.iter().map(home).collect(),
            nodes: ids(cluster.iter().flat_map(|k| &k.nodes).map(|n| n.id.as_str())),
            pods: ids(cluster.iter().flat_map(|k| &k.pods).map(|p| p.id.as_str())),
            holders: holders(fleet, rules),
            zone_of: fleet
                .hosts
                .iter()
                .map(|h| zones.get(h.zone.as_str()).copied().unwrap_or(0))
                .collect(),
            usable: usable.collect(),
            hosts,
            demand: demand.into_iter().collect(),
            apart,
            together,
            wanted: wanted(fleet, intent, rules),
            classes,
            vms,
            zones,
        }
    }

    pub(crate) fn zones(&self) -> usize {
        self.zones.len().max(1)
    }

    pub(crate) fn usable(&self, host: usize, class: usize) -> i64 {
        self.usable[host * self.classes.len() + class]
    }

    pub(crate) fn demand(&self, vm: usize, class: usize) -> i64 {
        self.demand[vm * self.classes.len() + class]
    }

    pub(crate) fn host(&self, id: usize) -> &'f Host {
        #[expect(clippy::indexing_slicing, reason = "INVARIANT: ids are below the length")]
        &self.fleet.hosts[id]
    }

    pub(crate) fn node(&self, id: &str) -> Option<&'f Node> {
        self.fleet.kubernetes.as_ref()?.nodes.get(*self.nodes.get(id)?)
    }

    pub(crate) fn vm(&self, id: usize) -> &'f Vm {
        #[expect(clippy::indexing_slicing, reason = "INVARIANT: ids are below the length")]
        &self.fleet.vms[id]
    }

    /// The zone of a target: that of the host, or of the node.
    pub(crate) fn zone_of_target(&self, target: &str) -> Option<&'f str> {
        if let Some(&host) = self.hosts.get(target) {
            return Some(self.host(host).zone.as_str());
        }
        self.node(target).and_then(|n| n.zone.as_deref())
    }

    /// The host on which a member of a quorum is, or its virtual machine.
    pub(crate) fn member(&self, member: &Member) -> Option<Place> {
        match member {
            Member::Host(id) => self.hosts.get(id.as_str()).map(|&h| Place::Host(h)),
            Member::Vm(id) => self.vms.get(id.as_str()).map(|&v| Place::Vm(v)),
        }
    }

    /// Why the move of a virtual machine to a host could never be, whatever else
    /// goes on; C3 and C4.
    pub(crate) fn unfit(&self, vm: usize, to: usize) -> Option<(crate::Invariant, String)> {
        let home = self.host(self.home[vm]).zone.as_str();
        let (vm, to) = (self.vm(vm), self.host(to));
        let lacks = vm.requires.difference(&to.traits).next();
        if let Some(lacks) = lacks {
            let text =
                format!("vm `{}` needs the trait `{lacks}`, host `{}` has not", vm.id, to.id);
            return Some((crate::Invariant::C3, text));
        }
        if let Some(has) = vm.forbids.intersection(&to.traits).next() {
            let text = format!("vm `{}` forbids the trait `{has}` of host `{}`", vm.id, to.id);
            return Some((crate::Invariant::C3, text));
        }
        if let Some(lacks) = vm.aggregates.difference(&to.aggregates).next() {
            let text = format!(
                "vm `{}` must be in the aggregate `{lacks}`, host `{}` is not",
                vm.id, to.id
            );
            return Some((crate::Invariant::C3, text));
        }
        if vm.zone_pinned && home != to.zone {
            let text = format!(
                "vm `{}` is pinned to zone `{}`, host `{}` is in `{}`",
                vm.id, home, to.id, to.zone
            );
            return Some((crate::Invariant::C4, text));
        }
        None
    }
}

/// Where a member of a quorum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Host(usize),
    Vm(usize),
}

/// Whether a virtual machine can be moved live, cold, or not at all; C6.
pub(crate) fn movable(vm: &Vm) -> Option<tidegate_model::plan::MoveKind> {
    use tidegate_model::plan::MoveKind::{Cold, Live};
    if vm.migrating_to.is_some() {
        return None;
    }
    match (vm.state, vm.migratable) {
        (VmState::Active | VmState::Paused, Migratable::Live) => Some(Live),
        (VmState::Active | VmState::Paused, Migratable::Cold) => Some(Cold),
        (VmState::Shutoff, Migratable::Live | Migratable::Cold) => Some(Cold),
        (VmState::Active | VmState::Paused | VmState::Shutoff, Migratable::No)
        | (VmState::Error | VmState::Other, _) => None,
    }
}

/// Whether a host is there to take anything when the facts were taken.
pub(crate) fn serves(host: &Host) -> bool {
    match host.state {
        HostState::Up => true,
        HostState::Down | HostState::Disabled => false,
    }
}

fn ids<'f>(all: impl Iterator<Item = &'f str>) -> HashMap<&'f str, usize> {
    all.enumerate().map(|(n, id)| (id, n)).collect()
}

fn holders<'f>(
    fleet: &'f Fleet,
    rules: &'f VersionRules,
) -> HashMap<(&'f str, &'f str), Vec<usize>> {
    let mut holders: HashMap<_, Vec<usize>> = HashMap::new();
    let on_nodes = || rules.components.iter().filter(|(_, c)| c.on == On::Nodes);
    for (n, node) in fleet.kubernetes.iter().flat_map(|k| &k.nodes).enumerate() {
        for (component, _) in on_nodes().filter(|(c, _)| node.runs(c)) {
            holders.entry((node.cluster.as_str(), component.as_str())).or_default().push(n);
        }
    }
    holders
}

fn wanted<'f>(
    fleet: &'f Fleet,
    intent: &'f Intent,
    rules: &'f VersionRules,
) -> BTreeMap<&'f str, Vec<Want<'f>>> {
    let mut wanted: BTreeMap<&str, Vec<Want<'_>>> = BTreeMap::new();
    for target in &intent.targets {
        let due = |version: Option<&str>| {
            let other = version != Some(target.to.as_str());
            other && target.from.as_ref().is_none_or(|from| version == Some(from))
        };
        let names = [target.component.clone()];
        let parts = rules.bundles.get(&target.component).map_or(&names[..], Vec::as_slice);
        for name in parts {
            let component = rules.components.get_key_value(name).map(|(name, _)| name.as_str());
            let component = component.unwrap_or(&target.component);
            let want = Want { component, to: &target.to, reboot: target.reboot, asked: target };
            let on_nodes = rules.components.get(name).is_some_and(|c| c.on == On::Nodes);
            for node in fleet.kubernetes.iter().flat_map(|k| &k.nodes).filter(|_| on_nodes) {
                let role = if node.control_plane { "control-plane" } else { "worker" };
                let of = |m: &Matching| {
                    m.pool.as_ref().is_none_or(|p| *p == node.cluster)
                        && m.zone.as_ref().is_none_or(|z| node.zone.as_ref() == Some(z))
                        && m.role.as_ref().is_none_or(|r| r == role)
                        && m.ids.as_ref().is_none_or(|ids| ids.contains(&node.id))
                };
                let runs = node.runs(component) && due(node.version_of(component));
                if runs && selects(&target.selector, of) {
                    wanted.entry(&node.id).or_default().push(want);
                }
            }
            for host in fleet.hosts.iter().filter(|_| !on_nodes) {
                let of = |m: &Matching| {
                    m.pool.as_ref().is_none_or(|p| *p == host.pool)
                        && m.zone.as_ref().is_none_or(|z| *z == host.zone)
                        && m.role.as_ref().is_none_or(|r| host.roles.contains(r))
                        && m.ids.as_ref().is_none_or(|ids| ids.contains(&host.id))
                };
                let version = host.version.get(component).map(String::as_str);
                if selects(&target.selector, of) && due(version) {
                    wanted.entry(&host.id).or_default().push(want);
                }
            }
        }
    }
    wanted
}

fn selects(selector: &Selector, of: impl Fn(&Matching) -> bool) -> bool {
    match selector {
        Selector::All(_) => true,
        Selector::Some(matching) => of(matching),
    }
}
