//! What the failure of one host does to a fleet on its way through a plan.
//!
//! What was on the host is restarted on others, the largest first, each where
//! most is free, within traits, aggregates, zones and server groups; nothing
//! else moves for it. What finds no host, and each quorum without its majority,
//! is told.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tidegate_model::fleet::{
    Amount, Fleet, Group, GroupPolicy, Host, HostState, Member, Vm, VmState,
};

use crate::Course;

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
    /// Whether capacity, groups and quorums hold.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.lost.is_empty() && self.quorums.is_empty()
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
}

impl<'c> Moment<'c> {
    /// Counts what is where. Costs a pass over the fleet.
    #[must_use]
    pub fn new(course: &'c Course<'c>) -> Self {
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
        Self { course, classes, free, roomy, on, apart, members }
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
        let (mut lost, mut restarts) = (Vec::new(), Vec::new());
        for &vm in &vms {
            match self.find(vm, host, &taken, &joined) {
                Ok(to) => {
                    let more = taken.entry(&to.id).or_insert_with(|| vec![0; self.classes.len()]);
                    take(more, &demand(&self.classes, vm));
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
            headroom: self.headroom(host, &taken),
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
            if !vm.requires.is_subset(&host.traits)
                || !vm.forbids.is_disjoint(&host.traits)
                || !vm.aggregates.is_subset(&host.aggregates)
            {
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
            (None, false) => (Why::Compatibility, None),
        })
    }

    fn quorums(&self, dead: &Host) -> Vec<Broken> {
        let fleet = &self.course.fleet;
        let down = |id: &str| {
            let of = |h: &Host| h.id == id && h.state == HostState::Down;
            id == dead.id || self.course.down.contains(id) || fleet.hosts.iter().any(of)
        };
        let of = |quorum: &tidegate_model::fleet::Quorum| {
            let up = |m: &&Member| {
                let host = match m {
                    Member::Host(id) => Some(id.as_str()),
                    Member::Vm(id) => {
                        fleet.vms.iter().find(|v| v.id == *id).map(|v| v.host.as_str())
                    }
                };
                quorum.synced.contains(m) && host.is_some_and(|h| !down(h))
            };
            let up = quorum.members.iter().filter(up).count();
            let needs = quorum.members.len() / 2 + 1;
            (up < needs).then(|| Broken { quorum: quorum.id.clone(), up, needs })
        };
        fleet.quorums.iter().filter_map(of).collect()
    }

    /// The scarcest class of the fullest zone.
    fn headroom(&self, dead: &Host, taken: &BTreeMap<&str, Vec<i64>>) -> Option<Headroom> {
        let mut least: Option<Headroom> = None;
        for (zone, hosts) in &self.roomy {
            for (n, class) in self.classes.iter().enumerate() {
                let (mut usable, mut free) = (0, 0);
                for host in hosts.iter().filter(|h| h.id != dead.id) {
                    let id = host.id.as_str();
                    usable += host.usable(class).0;
                    let of = |table: &BTreeMap<&str, Vec<i64>>| {
                        table.get(id).and_then(|row| row.get(n)).copied().unwrap_or(0)
                    };
                    free += of(&self.free) + of(taken);
                }
                if usable == 0 {
                    continue;
                }
                let (zone, class) = ((*zone).to_owned(), (*class).to_owned());
                let here = Headroom { zone, class, free: Amount(free), usable: Amount(usable) };
                if least.as_ref().is_none_or(|l| here.share() < l.share()) {
                    least = Some(here);
                }
            }
        }
        least
    }
}

fn demand(classes: &[&str], vm: &Vm) -> Vec<i64> {
    classes.iter().map(|c| vm.demand.get(*c).map_or(0, |a| a.0)).collect()
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
