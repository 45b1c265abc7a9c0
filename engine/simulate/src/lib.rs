//! Clouds that are not there: examples of any size, and what becomes of a fleet
//! on its way through a plan when a host fails.
//!
//! [`Cloud`] says what an example looks like; [`Cloud::fleet`] makes it.
//! Everything follows from the seed: the same cloud is the same fleet, byte for
//! byte. [`Course`] follows a plan, [`Moment::fail`] fails a host at any point of
//! it. None of it judges whether a plan is safe: the checker does.

mod course;
mod failure;

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::Timestamp;
use tidegate_model::fleet::{
    Amount, Amounts, Fleet, Group, GroupPolicy, Host, HostState, MaxMigrations, Migratable, Vm,
    VmState,
};

pub use course::{Course, Point};
pub use failure::{Broken, Failure, Headroom, Lost, Moment, Restarts, Short, Why};

/// What an example cloud looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct Cloud {
    /// What is random follows from it.
    pub seed: u64,
    /// Availability zones, at least 1.
    pub zones: usize,
    /// Compute hosts, spread evenly over zones.
    pub hosts: usize,
    /// The share of memory that is allotted, below 1.
    pub used: f64,
    /// One virtual machine in so many is in a server group with anti-affinity; 0
    /// for none.
    pub grouped: usize,
    /// How many migrations a host bears, in and out.
    pub migrations: u32,
}

impl Default for Cloud {
    /// 30 hosts in 3 zones, half full.
    fn default() -> Self {
        Self { seed: 1, zones: 3, hosts: 30, used: 0.5, grouped: 10, migrations: 4 }
    }
}

/// A sequence of numbers that looks random; SplitMix64, Steele et al. 2014.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 if that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.number() % limit }
    }
}

/// Kinds of hosts: vCPUs and GiB of memory.
const HOSTS: [(i64, i64); 3] = [(64, 384), (96, 512), (128, 768)];
/// Flavors as SCS has them: vCPUs and GiB of memory, with the weight of each.
const FLAVORS: [(i64, i64, u64); 6] =
    [(1, 4, 3), (2, 8, 4), (4, 16, 4), (4, 32, 2), (8, 32, 2), (16, 64, 1)];
/// No group has more members; a zone with fewer hosts has smaller groups.
const GROUP: usize = 20;

impl Cloud {
    /// Makes the fleet. Hosts are `host-00000`, virtual machines `vm-000000`;
    /// each is on a host with room for it.
    #[must_use]
    pub fn fleet(&self) -> Fleet {
        let mut random = Random::new(self.seed);
        let zones: Vec<String> = (0..self.zones.max(1)).map(|z| format!("az{}", z + 1)).collect();
        let mut hosts: Vec<Host> = Vec::with_capacity(self.hosts);
        for n in 0..self.hosts {
            let pick = usize::try_from(random.below(HOSTS.len() as u64)).unwrap_or(0);
            let (cores, memory) = HOSTS.get(pick).copied().unwrap_or((64, 384));
            let capacity: Amounts = [
                ("vcpu".to_owned(), Amount::whole(cores)),
                ("memory_mib".to_owned(), Amount::whole(memory * 1024)),
                ("disk_gib".to_owned(), Amount::whole(cores * 40)),
            ]
            .into();
            hosts.push(Host {
                id: format!("host-{n:05}"),
                zone: zones.get(n % zones.len()).cloned().unwrap_or_default(),
                pool: "compute".to_owned(),
                domain: Some(format!("rack-{}", n / 20)),
                roles: ["compute".to_owned()].into(),
                state: HostState::Up,
                version: [("nova".to_owned(), "2025.1".to_owned())].into(),
                capacity,
                reserved: [("memory_mib".to_owned(), Amount::whole(8192))].into(),
                ratio: [("vcpu".to_owned(), 4.0)].into(),
                traits: BTreeSet::new(),
                aggregates: BTreeSet::new(),
                max_migrations: MaxMigrations {
                    incoming: self.migrations.max(1),
                    outgoing: self.migrations.max(1),
                },
            });
        }
        let (vms, groups) = self.work(&mut random, &hosts);
        Fleet {
            schema: Fleet::SCHEMA.to_owned(),
            taken_at: Timestamp::UNIX_EPOCH,
            zones,
            hosts,
            vms,
            groups,
            quorums: Vec::new(),
            ceph: None,
            kubernetes: None,
        }
    }

    /// Fills hosts up to the share that is wanted, each to another degree.
    fn work(&self, random: &mut Random, hosts: &[Host]) -> (Vec<Vm>, Vec<Group>) {
        let weights: u64 = FLAVORS.iter().map(|f| f.2).sum();
        let mut vms: Vec<Vm> = Vec::new();
        // By zone: the group that is being filled, and the hosts it has.
        let mut filling: BTreeMap<&str, (Group, BTreeSet<&str>)> = BTreeMap::new();
        let mut groups: Vec<Group> = Vec::new();
        let per_zone = hosts.len() / self.zones.max(1);
        let most = GROUP.min(per_zone / 4).max(2);
        for host in hosts {
            let usable = ["memory_mib", "vcpu", "disk_gib"].map(|c| (c, host.usable(c)));
            let mut left: BTreeMap<&str, i64> = usable.iter().map(|(c, a)| (*c, a.0)).collect();
            let memory = usable.first().map_or(0, |(_, a)| a.0);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
            let aim =
                (memory as f64 * self.used * (0.85 + random.below(300) as f64 / 1000.0)) as i64;
            let mut used = 0;
            while used < aim {
                let mut at = random.below(weights);
                let flavor = FLAVORS.iter().find(|f| {
                    let here = at < f.2;
                    at = at.saturating_sub(f.2);
                    here
                });
                let (cores, gib, _) = flavor.copied().unwrap_or((1, 4, 1));
                let demand = [("memory_mib", gib * 1024), ("vcpu", cores), ("disk_gib", 20)];
                let fits = |(c, n): &(&str, i64)| left.get(c).is_some_and(|l| *l >= n * 1000);
                if !demand.iter().all(fits) {
                    break;
                }
                for (class, n) in demand {
                    *left.entry(class).or_default() -= n * 1000;
                }
                used += gib * 1024 * 1000;
                let id = format!("vm-{:06}", vms.len());
                if self.grouped > 0 && random.below(self.grouped as u64) == 0 {
                    let entry = filling.entry(&host.zone).or_insert_with(|| {
                        let id = format!("group-{:05}", groups.len());
                        let policy = GroupPolicy::AntiAffinity;
                        (
                            Group { id, policy, max_per_host: 1, members: Vec::new() },
                            BTreeSet::new(),
                        )
                    });
                    if entry.1.insert(&host.id) {
                        entry.0.members.push(id.clone());
                        if entry.0.members.len() >= most
                            && let Some((group, _)) = filling.remove(host.zone.as_str())
                        {
                            groups.push(group);
                        }
                    }
                }
                vms.push(Vm {
                    id,
                    host: host.id.clone(),
                    migrating_to: None,
                    demand: demand
                        .iter()
                        .map(|(c, n)| ((*c).to_owned(), Amount::whole(*n)))
                        .collect(),
                    state: VmState::Active,
                    requires: BTreeSet::new(),
                    forbids: BTreeSet::new(),
                    aggregates: BTreeSet::new(),
                    zone_pinned: true,
                    migratable: Migratable::Live,
                    reason: None,
                });
            }
        }
        for (n, (_, (mut group, _))) in filling.into_iter().enumerate() {
            group.id = format!("group-{:05}", groups.len() + n);
            groups.push(group);
        }
        for (n, group) in groups.iter_mut().enumerate() {
            group.id = format!("group-{n:05}");
        }
        (vms, groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_is_the_same_each_time_and_hangs_together() {
        let cloud = Cloud { hosts: 60, ..Cloud::default() };
        let fleet = cloud.fleet();
        assert_eq!(fleet, cloud.fleet());
        assert_eq!(fleet.check(), []);
        assert_ne!(fleet, Cloud { seed: 2, ..cloud }.fleet());
        let memory = |a: &Amounts| a.get("memory_mib").copied().unwrap_or_default().0;
        let used: i64 = fleet.vms.iter().map(|v| memory(&v.demand)).sum();
        let all: i64 = fleet.hosts.iter().map(|h| h.usable("memory_mib").0).sum();
        let share = used as f64 / all as f64;
        assert!((0.45..0.56).contains(&share), "{share}");
        assert!(fleet.groups.len() > 3);
    }
}
