//! The fewest waves that any plan of a tiny fleet can have, by going through
//! all of them.
//!
//! It knows one zone of hosts that are up, capacity, traits, groups, majorities,
//! leaders, headroom, spare hosts, canaries, growth and budgets of pools, as
//! `docs/planning.md` has them, and no more: the fleets of `cases::plain`.
//!
//! Between two waves, and before the cordons of a wave, virtual machines may be
//! moved one at a time as often as one likes. Such moves can be taken back. So
//! whether some hosts can be out of service together does not depend on what was
//! updated before, and three questions are left: which sets of hosts can be
//! emptied together, which of these sets may be a wave, and in how few of them
//! all are done.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each file of tests uses a part")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashSet};

use tidegate_model::fleet::{GroupPolicy, Member, Migratable};
use tidegate_model::{Fleet, Intent};

/// A placement is four bits for each virtual machine.
const VMS: usize = 16;
/// No search goes through more placements.
const PLACEMENTS: usize = 60_000;

/// What brute force finds.
#[derive(Debug)]
pub struct Best {
    /// The hosts that some plan updates.
    pub done: BTreeSet<String>,
    /// The fewest waves in which all of these are done.
    pub waves: usize,
}

/// By class of the fleets, vCPUs and memory: so many thousandths.
type Vector = [i64; 2];

struct Oracle<'f> {
    fleet: &'f Fleet,
    intent: &'f Intent,
    usable: Vec<Vector>,
    demand: Vec<Vector>,
    /// By virtual machine, as bits: the hosts that it may be on.
    may: Vec<u32>,
    fixed: Vec<bool>,
    start: Vec<usize>,
    /// Members by virtual machine as bits, and how many may share a host.
    groups: Vec<(u32, u32)>,
}

/// The best that any plan can do; nothing if there are too many placements to
/// tell.
pub fn best(fleet: &Fleet, intent: &Intent) -> Option<Best> {
    assert!(fleet.hosts.len() <= 8 && fleet.vms.len() <= VMS);
    let oracle = Oracle::new(fleet, intent);
    let waves = oracle.waves()?;
    let count = fleet.hosts.len();
    let alone: Vec<usize> = (0..count).filter(|h| waves.contains(&(1 << h))).collect();
    let done: u32 = alone.iter().map(|h| 1 << h).sum();
    // A leader waits for those of the others that are done at all.
    let waits: Vec<u32> = oracle.waits().into_iter().map(|waits| waits & done).collect();
    let names = (0..count).filter(|h| done >> h & 1 == 1).map(|h| fleet.hosts[h].id.clone());
    Some(Best { done: names.collect(), waves: oracle.fewest(&waves, &waits, done) })
}

impl<'f> Oracle<'f> {
    fn new(fleet: &'f Fleet, intent: &'f Intent) -> Self {
        let classes = ["vcpu", "memory_mib"];
        let host = |id: &str| fleet.hosts.iter().position(|h| h.id == id).unwrap();
        let vm = |id: &str| fleet.vms.iter().position(|v| v.id == id).unwrap();
        let fits = |v: &tidegate_model::fleet::Vm| {
            let fits = |h: &&tidegate_model::fleet::Host| v.requires.is_subset(&h.traits);
            fleet.hosts.iter().filter(fits).map(|h| 1_u32 << host(&h.id)).sum()
        };
        let apart = fleet.groups.iter().filter(|g| g.policy == GroupPolicy::AntiAffinity);
        Self {
            usable: fleet.hosts.iter().map(|h| classes.map(|c| h.usable(c).0)).collect(),
            demand: fleet.vms.iter().map(|v| classes.map(|c| v.demand[c].0)).collect(),
            may: fleet.vms.iter().map(fits).collect(),
            fixed: fleet.vms.iter().map(|v| v.migratable != Migratable::Live).collect(),
            start: fleet.vms.iter().map(|v| host(&v.host)).collect(),
            groups: apart
                .map(|g| (g.members.iter().map(|m| 1_u32 << vm(m)).sum(), g.max_per_host))
                .collect(),
            fleet,
            intent,
        }
    }

    /// Every set of hosts that can be a wave, ramps and order aside.
    fn waves(&self) -> Option<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        for hosts in 1..1_u32 << self.fleet.hosts.len() {
            // What cannot be out with fewer cannot be out with more.
            let fewer = |h: usize| hosts & !(1 << h);
            let known = |less: u32| less == 0 || less == hosts || found.contains(&less);
            let open = (0..self.fleet.hosts.len()).all(|h| known(fewer(h)));
            if open && self.may_be_out(hosts) && self.can_be_empty(hosts)? {
                found.insert(hosts);
            }
        }
        Some(found)
    }

    /// Headroom, spare hosts, budgets and majorities.
    fn may_be_out(&self, hosts: u32) -> bool {
        let out = |h: usize| hosts >> h & 1 == 1;
        let count = self.fleet.hosts.len();
        for class in 0..2 {
            let size = |h: usize| self.usable[h][class];
            let whole: i64 = (0..count).map(size).sum();
            let mut rest: Vec<i64> = (0..count).filter(|h| !out(*h)).map(size).collect();
            let load: i64 = self.demand.iter().map(|d| d[class]).sum();
            let stays: i64 = rest.iter().sum();
            let kept = (whole as f64 * self.intent.headroom - 1e-6).ceil() as i64;
            rest.sort_unstable_by_key(|size| Reverse(*size));
            let spare: i64 = rest.iter().take(self.intent.spare_hosts as usize).sum();
            if stays - load < kept || stays - spare < load {
                return false;
            }
        }
        let mut pools: BTreeMap<&str, u32> = BTreeMap::new();
        (0..count)
            .filter(|h| out(*h))
            .for_each(|h| *pools.entry(&self.fleet.hosts[h].pool).or_default() += 1);
        let limit = |pool: &str| self.intent.max_unavailable.get(pool).copied();
        pools.into_iter().all(|(pool, n)| limit(pool).is_none_or(|limit| n <= limit))
            && self.members().all(|(members, _)| (members & hosts).count_ones() <= 1)
    }

    /// Of each quorum its members and its leader, as bits.
    fn members(&self) -> impl Iterator<Item = (u32, u32)> {
        let bit = |m: &Member| match m {
            Member::Host(id) => 1 << self.fleet.hosts.iter().position(|h| h.id == *id).unwrap(),
            Member::Vm(_) => 0,
        };
        let of = move |q: &tidegate_model::fleet::Quorum| {
            (q.members.iter().map(bit).sum(), q.leader.as_ref().map_or(0, bit))
        };
        self.fleet.quorums.iter().map(of)
    }

    /// By host, as bits: the hosts that must be done in earlier waves.
    fn waits(&self) -> Vec<u32> {
        let mut waits = vec![0; self.fleet.hosts.len()];
        for (members, leader) in self.members().filter(|q| q.1 != 0) {
            waits[leader.trailing_zeros() as usize] |= members & !leader;
        }
        waits
    }

    /// Whether moves, one after the other, lead to where nothing is on any of
    /// these hosts.
    fn can_be_empty(&self, hosts: u32) -> Option<bool> {
        let mut place = vec![usize::MAX; self.start.len()];
        if !self.packs(0, hosts, &mut place) {
            return Some(false);
        }
        let left = |place: &[usize]| place.iter().filter(|h| hosts >> **h & 1 == 1).count();
        let pack = |place: &[usize]| place.iter().rev().fold(0_u64, |n, h| n << 4 | *h as u64);
        let mut seen: HashSet<u64> = HashSet::from([pack(&self.start)]);
        let mut open = BinaryHeap::from([Reverse((left(&self.start), pack(&self.start)))]);
        while let Some(Reverse((on, at))) = open.pop() {
            if on == 0 {
                return Some(true);
            }
            if seen.len() > PLACEMENTS {
                return None;
            }
            let mut place: Vec<usize> =
                (0..self.start.len()).map(|v| (at >> (4 * v) & 15) as usize).collect();
            for vm in 0..place.len() {
                for to in 0..self.fleet.hosts.len() {
                    let from = place[vm];
                    if to != from && !self.fixed[vm] && self.has_room(&place, vm, to) {
                        place[vm] = to;
                        if seen.insert(pack(&place)) {
                            open.push(Reverse((left(&place), pack(&place))));
                        }
                        place[vm] = from;
                    }
                }
            }
        }
        Some(false)
    }

    /// Whether a virtual machine may come to a host that has what it has.
    fn has_room(&self, place: &[usize], vm: usize, to: usize) -> bool {
        let there = |v: &usize| *v != vm && place[*v] == to;
        let room = (0..2).all(|class| {
            let load: i64 = (0..place.len()).filter(there).map(|v| self.demand[v][class]).sum();
            let wanted = self.demand[vm][class];
            wanted == 0 || load + wanted <= self.usable[to][class]
        });
        let apart = |(members, most): &(u32, u32)| {
            let of = |v: &usize| there(v) && members >> v & 1 == 1;
            members >> vm & 1 == 0 || (0..place.len()).filter(of).count() < *most as usize
        };
        self.may[vm] >> to & 1 == 1 && room && self.groups.iter().all(apart)
    }

    /// Whether all virtual machines from `vm` on fit outside of these hosts,
    /// however they get there.
    fn packs(&self, vm: usize, hosts: u32, place: &mut Vec<usize>) -> bool {
        if vm == self.start.len() {
            return true;
        }
        let mut places = 0..self.fleet.hosts.len();
        places.any(|to| {
            let allowed = hosts >> to & 1 == 0 && (!self.fixed[vm] || self.start[vm] == to);
            if !allowed || !self.has_room(place, vm, to) {
                return false;
            }
            place[vm] = to;
            let rest = self.packs(vm + 1, hosts, place);
            place[vm] = usize::MAX;
            rest
        })
    }

    /// The fewest waves that do all of `wanted`.
    fn fewest(&self, waves: &BTreeSet<u32>, waits: &[u32], wanted: u32) -> usize {
        // What is done, and how large the last wave was.
        let mut now: BTreeSet<(u32, u32)> = [(0, 0)].into();
        for count in 0.. {
            if now.iter().any(|(done, _)| *done == wanted) {
                return count;
            }
            assert!(!now.is_empty(), "one host at a time can always be done");
            let mut next = BTreeSet::new();
            for &(done, before) in &now {
                let most = match (self.intent.canary, before) {
                    (None, _) => u32::MAX,
                    (Some(canary), 0) => canary,
                    (Some(_), n) => (f64::from(n) * self.intent.growth - 1e-9).ceil() as u32,
                };
                for &wave in waves.iter().filter(|w| **w & !wanted == 0 && **w & done == 0) {
                    let in_order = |h: usize| wave >> h & 1 == 0 || waits[h] & !done == 0;
                    if wave.count_ones() <= most && (0..waits.len()).all(in_order) {
                        next.insert((done | wave, wave.count_ones()));
                    }
                }
            }
            now = next;
        }
        unreachable!("waves are counted without end")
    }
}
