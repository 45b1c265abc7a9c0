//! What the failure of one host does to a fleet on its way through a plan.
//!
//! What was on the host is restarted on others, the largest first, each where
//! most is free, within traits, aggregates, zones and server groups; nothing
//! else moves for it. What finds no host, each quorum without its majority, and a zone
//! that could not bear as many further failures as were to spare, is told.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tidegate_model::fleet::{
    Amount, Fleet, Group, GroupPolicy, Host, HostState, Member, Vm, VmState,
};

use crate::Course;

mod zones;

use zones::Zones;

/// What one failure does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// The host that fails.
    pub host: String,
    /// How many virtual machines were on it.
    pub vms: usize,
    /// Those that find no other host, in order, with the reason.
    pub lost: Vec<Lost>,
    /// Quorums that have no majority any more.
    pub quorums: Vec<Broken>,
    /// What the host's zone lacks to bear the failures that were to spare besides this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short: Option<Short>,
    /// The least that is free in any zone and class when all is restarted, as a
    /// share of what is usable; absent if there is no capacity at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headroom: Option<Headroom>,
}

/// A virtual machine that cannot be restarted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// Its id.
    pub vm: String,
    /// What stands in its way.
    pub why: Why,
    /// The server group that keeps it from where there is room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// What stands in the way of a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// No host that it may be on has room.
    Capacity,
    /// Those that have are kept from it by a server group.
    Group,
    /// Those that have what it needs are kept out of service by the wave.
    Cordoned,
    /// No host has what it needs.
    Compatibility,
}

/// A quorum without majority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its id.
    pub quorum: String,
    /// Members that are up and in step.
    pub up: usize,
    /// How many it needs.
    pub needs: usize,
    /// How many it has in all.
    pub members: usize,
    /// How many of them are on hosts that the plan has stopped at this moment.
    pub stopped: usize,
}

impl Broken {
    /// Whether no plan could do better: one member has to be stopped to be updated, and with
    /// fewer than five the majority does not bear another one.
    #[must_use]
    pub fn unavoidable(&self) -> bool {
        self.members < 5 && self.stopped == 1
    }
}

/// A class of which a zone has too little to bear more failures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Short {
    /// The zone.
    pub zone: String,
    /// The class.
    pub class: String,
    /// How many of the largest hosts that take work were to fail besides.
    pub more: u32,
    /// What is in use on all that take work.
    pub load: Amount,
    /// What these have of it without the largest.
    pub room_then: Amount,
}

/// What is free in a zone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headroom {
    /// The zone.
    pub zone: String,
    /// The class that is scarcest.
    pub class: String,
    /// What is free of it on hosts that take work.
    pub free: Amount,
    /// What these have of it.
    pub usable: Amount,
}

impl Headroom {
    /// The share that is free.
    #[must_use]
    pub fn share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53 thousandths")]
        let share = self.free.0 as f64 / self.usable.0.max(1) as f64;
        share
    }
}

impl Failure {
    /// Whether capacity, groups, quorums and what is to spare hold, as far as any plan could
    /// have them hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.lost.is_empty() && self.quorums.iter().all(Broken::unavoidable) && self.short.is_none()
    }

    /// Whether another failure, at another moment, does the same harm.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let quorums = |f: &Self| f.quorums.iter().map(|q| q.quorum.clone()).collect::<Vec<_>>();
        let short = |f: &Self| f.short.as_ref().map(|s| (s.zone.clone(), s.class.clone()));
        self.lost == other.lost && quorums(self) == quorums(other) && short(self) == short(other)
    }
}

/// A moment at which any host may fail.
pub struct Moment<'c> {
    course: &'c Course<'c>,
    classes: Vec<&'c str>,
    /// By host: what is left by class, in thousandths.
    free: BTreeMap<&'c str, Vec<i64>>,
    /// By zone: hosts that take work, those with most left of the scarcest class
    /// first.
    roomy: BTreeMap<&'c str, Vec<&'c Host>>,
    on: BTreeMap<&'c str, Vec<&'c Vm>>,
    /// By virtual machine: its groups that keep apart.
    apart: BTreeMap<&'c str, Vec<&'c Group>>,
    /// By group, then host: members on it.
    members: BTreeMap<(&'c str, &'c str), u32>,
    zones: Zones<'c>,
    /// Hosts that are down.
    down: BTreeSet<&'c str>,
}

impl<'c> Moment<'c> {
    /// Counts what is where; `spare` hosts of a zone are to be able to fail, the one that
    /// fails among them. Costs a pass over the fleet.
    #[must_use]
    pub fn new(course: &'c Course<'c>, spare: u32) -> Self {
        let fleet = &course.fleet;
        let classes = fleet.hosts.iter().flat_map(|h| h.capacity.keys());
        let classes = classes.chain(fleet.vms.iter().flat_map(|v| v.demand.keys()));
        let classes: Vec<&str> =
            classes.map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
        let usable = |h: &Host| classes.iter().map(|c| h.usable(c).0).collect::<Vec<_>>();
        let mut free: BTreeMap<&str, Vec<i64>> =
            fleet.hosts.iter().map(|h| (h.id.as_str(), usable(h))).collect();
        let mut on: BTreeMap<&str, Vec<&Vm>> = BTreeMap::new();
        for vm in &fleet.vms {
            on.entry(&vm.host).or_default().push(vm);
            for host in std::iter::once(&vm.host).chain(&vm.migrating_to) {
                if let Some(free) = free.get_mut(host.as_str()) {
                    take(free, &demand(&classes, vm));
                }
            }
        }
        let place: BTreeMap<&str, &str> =
            fleet.vms.iter().map(|v| (v.id.as_str(), v.host.as_str())).collect();
        let mut apart: BTreeMap<&str, Vec<&Group>> = BTreeMap::new();
        let mut members: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        for group in fleet.groups.iter().filter(|g| g.policy == GroupPolicy::AntiAffinity) {
            for vm in &group.members {
                apart.entry(vm).or_default().push(group);
                if let Some(host) = place.get(vm.as_str()) {
                    *members.entry((&group.id, host)).or_default() += 1;
                }
            }
        }
        let mut roomy: BTreeMap<&str, Vec<&Host>> = BTreeMap::new();
        for host in fleet.hosts.iter().filter(|h| course.takes(h)) {
            roomy.entry(&host.zone).or_default().push(host);
        }
        let least = |h: &&Host| free.get(h.id.as_str()).and_then(|f| f.iter().min().copied());
        for hosts in roomy.values_mut() {
            hosts.sort_by_key(|h| Reverse(least(h)));
        }
        let zones = Zones::new(&classes, &roomy, &free, spare);
        let of = |h: &&Host| h.state == HostState::Down;
        let down = fleet.hosts.iter().filter(of).map(|h| h.id.as_str());
        let down = down.chain(course.down.iter().copied()).collect();
        Self { course, classes, free, roomy, on, apart, members, zones, down }
    }

    /// What the failure of a host does, and the fleet after it: the host is down,
    /// what could be restarted is on others, and what the wave under way had
    /// taken out of service takes work again.
    #[must_use]
    pub fn fail(&self, host: &'c Host) -> (Failure, Restarts<'c>) {
        let mut vms = self.on.get(host.id.as_str()).cloned().unwrap_or_default();
        let total = |vm: &Vm| demand(&self.classes, vm).iter().sum::<i64>();
        vms.sort_by_key(|vm| (Reverse(total(vm)), &vm.id));
        let mut taken: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        let mut joined: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        let free = self.free.get(host.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        let mut sums = self.zones.without(&self.classes, host, free);
        let (mut lost, mut restarts) = (Vec::new(), Vec::new());
        for &vm in &vms {
            match self.find(vm, host, &taken, &joined) {
                Ok(to) => {
                    let more = taken.entry(&to.id).or_insert_with(|| vec![0; self.classes.len()]);
                    let demand = demand(&self.classes, vm);
                    take(more, &demand);
                    sums.take(&to.zone, &demand);
                    for group in self.apart.get(vm.id.as_str()).into_iter().flatten() {
                        *joined.entry((&group.id, &to.id)).or_default() += 1;
                    }
                    restarts.push((vm.id.as_str(), to.id.as_str()));
                }
                Err((why, group)) => {
                    let group = group.map(|g| g.id.clone());
                    lost.push(Lost { vm: vm.id.clone(), why, group });
                }
            }
        }
        lost.sort_by(|a, b| a.vm.cmp(&b.vm));
        let failure = Failure {
            host: host.id.clone(),
            vms: vms.len(),
            lost,
            quorums: self.quorums(host),
            short: sums.short(&self.classes, host),
            headroom: sums.least(&self.classes),
        };
        (failure, Restarts { host: &host.id, restarts })
    }

    /// The host with most left that takes a virtual machine.
    fn find(
        &self,
        vm: &Vm,
        dead: &Host,
        taken: &BTreeMap<&str, Vec<i64>>,
        joined: &BTreeMap<(&str, &str), u32>,
    ) -> Result<&'c Host, (Why, Option<&'c Group>)> {
        let wanted = demand(&self.classes, vm);
        let (mut compatible, mut barred) = (false, None);
        let zones = self.roomy.iter().filter(|(zone, _)| !vm.zone_pinned || **zone == dead.zone);
        for host in zones.flat_map(|(_, hosts)| hosts).filter(|h| h.id != dead.id) {
            if !suits(vm, host) {
                continue;
            }
            compatible = true;
            let id = host.id.as_str();
            let free = self.free.get(id).map(Vec::as_slice).unwrap_or_default();
            let more = taken.get(id).map(Vec::as_slice).unwrap_or_default();
            let left = |n: usize| free.get(n).unwrap_or(&0) + more.get(n).unwrap_or(&0);
            if !wanted.iter().enumerate().all(|(n, w)| *w == 0 || left(n) >= *w) {
                continue;
            }
            let full = |group: &&&Group| {
                let key = (group.id.as_str(), id);
                let count = self.members.get(&key).unwrap_or(&0) + joined.get(&key).unwrap_or(&0);
                count >= group.max_per_host
            };
            match self.apart.get(vm.id.as_str()).into_iter().flatten().find(full) {
                None => return Ok(host),
                Some(group) => barred = Some(*group),
            }
        }
        Err(match (barred, compatible) {
            (Some(group), _) => (Why::Group, Some(group)),
            (None, true) => (Why::Capacity, None),
            (None, false) => {
                // One that was disabled before takes nothing, plan or no plan.
                let out = |h: &Host| {
                    let here = !vm.zone_pinned || h.zone == dead.zone;
                    let up = h.state == HostState::Up && h.id != dead.id;
                    here && up && !self.course.takes(h) && suits(vm, h)
                };
                match self.course.fleet.hosts.iter().any(out) {
                    true => (Why::Cordoned, None),
                    false => (Why::Compatibility, None),
                }
            }
        })
    }

    fn quorums(&self, dead: &Host) -> Vec<Broken> {
        let fleet = &self.course.fleet;
        let on = |m: &'c Member| match m {
            Member::Host(id) => Some(id.as_str()),
            Member::Vm(id) => fleet.vms.iter().find(|v| v.id == *id).map(|v| v.host.as_str()),
        };
        let of = |quorum: &'c tidegate_model::fleet::Quorum| {
            let (members, needs) = (quorum.members.len(), quorum.members.len() / 2 + 1);
            let (mut up, mut stopped) = (0, 0);
            for member in &quorum.members {
                let host = on(member);
                let down = host.is_none_or(|h| h == dead.id || self.down.contains(h));
                up += usize::from(!down && quorum.synced.contains(member));
                stopped += usize::from(host.is_some_and(|h| self.course.down.contains(h)));
            }
            let quorum = quorum.id.clone();
            (up < needs).then_some(Broken { quorum, up, needs, members, stopped })
        };
        fleet.quorums.iter().filter_map(of).collect()
    }
}

fn demand(classes: &[&str], vm: &Vm) -> Vec<i64> {
    classes.iter().map(|c| vm.demand.get(*c).map_or(0, |a| a.0)).collect()
}

/// Whether a host has what a virtual machine needs, zone and room aside.
fn suits(vm: &Vm, host: &Host) -> bool {
    vm.requires.is_subset(&host.traits)
        && vm.forbids.is_disjoint(&host.traits)
        && vm.aggregates.is_subset(&host.aggregates)
}

/// Takes from what is left.
fn take(left: &mut [i64], demand: &[i64]) {
    left.iter_mut().zip(demand).for_each(|(left, d)| *left -= d);
}

/// Where what was on a host that failed is restarted.
#[derive(Debug, Clone)]
pub struct Restarts<'c> {
    host: &'c str,
    /// Virtual machine and host.
    restarts: Vec<(&'c str, &'c str)>,
}

impl Restarts<'_> {
    /// The fleet after it: the host is down, what could be restarted is on others,
    /// the rest is in error. The wave under way has let go of its hosts.
    #[must_use]
    pub fn apply(&self, fleet: &Fleet) -> Fleet {
        let mut fleet = fleet.clone();
        let to: BTreeMap<&str, &str> = self.restarts.iter().copied().collect();
        for vm in fleet.vms.iter_mut().filter(|v| v.host == self.host) {
            vm.migrating_to = None;
            match to.get(vm.id.as_str()) {
                Some(host) => (*host).clone_into(&mut vm.host),
                None => vm.state = VmState::Error,
            }
        }
        // What was on its way to it stays where it is.
        for vm in fleet.vms.iter_mut().filter(|v| v.migrating_to.as_deref() == Some(self.host)) {
            vm.migrating_to = None;
        }
        for host in fleet.hosts.iter_mut().filter(|h| h.id == self.host) {
            host.state = HostState::Down;
        }
        fleet
    }
}
