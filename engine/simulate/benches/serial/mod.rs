//! The update as it is done by hand, for comparison: one host after the other, each of its
//! virtual machines to the host of its zone with most memory free, as Nova's weigher has it.
//!
//! It shares nothing with the planner. It knows capacity, anti-affinity and how many migrations
//! a host bears, and looks no further than the host at hand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tidegate_model::fleet::{Fleet, GroupPolicy};
use tidegate_model::intent::Durations;

/// What came of it.
pub(crate) struct Serial {
    /// Hosts that were emptied and updated, each alone.
    pub(crate) waves: usize,
    /// Hosts with something on them that fits nowhere else.
    pub(crate) stuck: usize,
    pub(crate) moves: usize,
    /// Virtual machines that moved more than once.
    pub(crate) double_moves: usize,
    /// How long all of it takes.
    pub(crate) seconds: u64,
}

/// Where everything is while the update goes on; hosts, virtual machines and groups by number.
struct Cloud<'f> {
    fleet: &'f Fleet,
    classes: Vec<&'f str>,
    memory: usize,
    /// By host, then class.
    free: Vec<Vec<i64>>,
    /// By zone: its hosts by what is free of their memory.
    by_memory: BTreeMap<&'f str, BTreeSet<(i64, usize)>>,
    /// By virtual machine: its groups that keep apart.
    groups: Vec<Vec<usize>>,
    /// Members by group and host.
    members: HashMap<(usize, usize), u32>,
}

/// Updates all hosts, in the order of the fleet.
pub(crate) fn run(fleet: &Fleet, durations: &Durations) -> Serial {
    let hosts: HashMap<&str, usize> =
        fleet.hosts.iter().enumerate().map(|(n, h)| (h.id.as_str(), n)).collect();
    let mut on: Vec<Vec<usize>> = vec![Vec::new(); fleet.hosts.len()];
    for (vm, facts) in fleet.vms.iter().enumerate() {
        on[hosts[facts.host.as_str()]].push(vm);
    }
    let mut cloud = Cloud::new(fleet, &on);
    let mut moved = vec![0_u32; fleet.vms.len()];
    let mut done = Serial { waves: 0, stuck: 0, moves: 0, double_moves: 0, seconds: 0 };
    for (host, facts) in fleet.hosts.iter().enumerate() {
        let zone = facts.zone.as_str();
        let mut went = Vec::new();
        for vm in std::mem::take(&mut on[host]) {
            match cloud.place(vm, host, zone) {
                Some(to) => {
                    cloud.shift(vm, host, to);
                    on[to].push(vm);
                    moved[vm] += 1;
                    went.push(vm);
                }
                None => on[host].push(vm),
            }
        }
        let phases = went.len().div_ceil(facts.max_migrations.outgoing as usize) as u64;
        done.moves += went.len();
        done.seconds += phases * durations.migrate_s;
        match on[host].is_empty() {
            true => {
                (done.waves, done.seconds) = (done.waves + 1, done.seconds + durations.update_s)
            }
            false => done.stuck += 1,
        }
    }
    done.double_moves = moved.iter().filter(|n| **n > 1).count();
    done
}

impl<'f> Cloud<'f> {
    fn new(fleet: &'f Fleet, on: &[Vec<usize>]) -> Self {
        let classes: BTreeSet<&str> =
            fleet.hosts.iter().flat_map(|h| h.capacity.keys()).map(String::as_str).collect();
        let classes: Vec<&str> = classes.into_iter().collect();
        let memory = classes.iter().position(|c| *c == "memory_mib").unwrap();
        let free = fleet.hosts.iter().map(|h| classes.iter().map(|c| h.usable(c).0).collect());
        let mut cloud = Self {
            fleet,
            memory,
            free: free.collect(),
            by_memory: BTreeMap::new(),
            groups: vec![Vec::new(); fleet.vms.len()],
            members: HashMap::new(),
            classes,
        };
        let vms: HashMap<&str, usize> =
            fleet.vms.iter().enumerate().map(|(n, v)| (v.id.as_str(), n)).collect();
        for (n, group) in fleet.groups.iter().enumerate() {
            if group.policy == GroupPolicy::AntiAffinity {
                group.members.iter().for_each(|m| cloud.groups[vms[m.as_str()]].push(n));
            }
        }
        for (host, facts) in fleet.hosts.iter().enumerate() {
            on[host].iter().for_each(|vm| cloud.count(*vm, host, 1));
            let zone = cloud.by_memory.entry(&facts.zone).or_default();
            zone.insert((cloud.free[host][memory], host));
        }
        cloud
    }

    /// The host with most memory free that takes a virtual machine.
    fn place(&self, vm: usize, from: usize, zone: &str) -> Option<usize> {
        let demand = &self.fleet.vms[vm].demand;
        let takes = |host: usize| {
            let room = |(n, class): (usize, &&str)| {
                demand.get(*class).is_none_or(|d| d.0 <= self.free[host][n])
            };
            let apart = |group: &usize| {
                let here = self.members.get(&(*group, host)).copied().unwrap_or(0);
                here < self.fleet.groups[*group].max_per_host
            };
            host != from
                && self.classes.iter().enumerate().all(room)
                && self.groups[vm].iter().all(apart)
        };
        self.by_memory[zone].iter().rev().map(|(_, host)| *host).find(|host| takes(*host))
    }

    fn shift(&mut self, vm: usize, from: usize, to: usize) {
        let memory = self.memory;
        for (host, by) in [(from, -1), (to, 1)] {
            let before = (self.free[host][memory], host);
            self.count(vm, host, by);
            let now = (self.free[host][memory], host);
            let zone = self.by_memory.get_mut(self.fleet.hosts[host].zone.as_str()).unwrap();
            zone.remove(&before);
            zone.insert(now);
        }
    }

    /// One more of a virtual machine on a host, or one less.
    fn count(&mut self, vm: usize, host: usize, by: i64) {
        for (n, class) in self.classes.iter().enumerate() {
            let demand = self.fleet.vms[vm].demand.get(*class).map_or(0, |d| d.0);
            self.free[host][n] -= by * demand;
            assert!(self.free[host][n] >= 0, "host {host} is overfull");
        }
        for group in &self.groups[vm] {
            let here = self.members.entry((*group, host)).or_default();
            *here = here.checked_add_signed(i32::try_from(by).unwrap()).unwrap();
        }
    }
}
