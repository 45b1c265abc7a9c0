//! Where everything is while a plan is replayed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::ground::{Ground, serves};
use crate::table::{Marks, Table};

/// The state between two phases.
pub(crate) struct State<'g> {
    ground: &'g Ground<'g>,
    /// By virtual machine: its host.
    pub(crate) place: Table<usize>,
    /// By host and class: what is allotted, moving ones on both.
    load: Table<i64>,
    /// By host: how many virtual machines are on it or moving to it.
    pub(crate) occupants: Table<u32>,
    /// By group and host: how many members count.
    members: HashMap<(usize, usize), u32>,
    /// Cordoned by the plan.
    pub(crate) cordoned: Marks,
    /// Stopped by the plan.
    pub(crate) down: Marks,
    /// Nodes cordoned by the plan.
    pub(crate) cordoned_nodes: BTreeSet<usize>,
    /// By pod that was evicted: its new node, where the plan names one.
    pub(crate) evicted: BTreeMap<usize, Option<usize>>,
    /// Versions that the plan changed, by target and component.
    pub(crate) versions: HashMap<(&'g str, &'g str), &'g str>,
}

impl<'g> State<'g> {
    pub(crate) fn new(ground: &'g Ground<'g>) -> Self {
        let hosts = ground.fleet.hosts.len();
        let mut state = Self {
            ground,
            place: Table::filled(0, ground.fleet.vms.len()),
            load: Table::filled(0, hosts * ground.classes.len()),
            occupants: Table::filled(0, hosts),
            members: HashMap::new(),
            cordoned: Marks::none(hosts),
            down: Marks::none(hosts),
            cordoned_nodes: BTreeSet::new(),
            evicted: BTreeMap::new(),
            versions: HashMap::new(),
        };
        for (vm, facts) in ground.fleet.vms.iter().enumerate() {
            let host = |id: &String| ground.hosts.get(id.as_str()).copied();
            if let Some(host) = host(&facts.host) {
                state.place[vm] = host;
                state.arrive(vm, host);
            }
            if let Some(host) = facts.migrating_to.as_ref().and_then(host) {
                state.arrive(vm, host);
            }
        }
        state
    }

    pub(crate) fn load(&self, host: usize, class: usize) -> i64 {
        self.load[host * self.ground.classes.len() + class]
    }

    pub(crate) fn members(&self, group: usize, host: usize) -> u32 {
        self.members.get(&(group, host)).copied().unwrap_or(0)
    }

    /// A virtual machine begins to count on a host.
    pub(crate) fn arrive(&mut self, vm: usize, host: usize) {
        let classes = self.ground.classes.len();
        for class in 0..classes {
            self.load[host * classes + class] += self.ground.demand(vm, class);
        }
        self.occupants[host] += 1;
        for &group in &self.ground.apart[vm] {
            *self.members.entry((group, host)).or_default() += 1;
        }
    }

    /// It counts there no more.
    pub(crate) fn leave(&mut self, vm: usize, host: usize) {
        let classes = self.ground.classes.len();
        for class in 0..classes {
            self.load[host * classes + class] -= self.ground.demand(vm, class);
        }
        self.occupants[host] = self.occupants[host].saturating_sub(1);
        for &group in &self.ground.apart[vm] {
            if let Some(count) = self.members.get_mut(&(group, host)) {
                *count = count.saturating_sub(1);
            }
        }
    }

    /// Whether a host takes new work.
    pub(crate) fn takes(&self, host: usize) -> bool {
        serves(self.ground.host(host)) && !self.cordoned.contains(host) && !self.is_down(host)
    }

    /// Whether a host is down, from the start or by the plan.
    pub(crate) fn is_down(&self, host: usize) -> bool {
        self.ground.host(host).state == tidegate_model::fleet::HostState::Down
            || self.down.contains(host)
    }

    /// The version that a component has on a target now.
    pub(crate) fn version(&self, target: &str, component: &str) -> Option<&str> {
        if let Some(version) = self.versions.get(&(target, component)) {
            return Some(version);
        }
        let host = self.ground.hosts.get(target).map(|h| self.ground.host(*h));
        let on_host = host.and_then(|h| h.version.get(component)).map(String::as_str);
        on_host.or_else(|| self.ground.node(target)?.version_of(component))
    }
}
