//! One wave of a zone, while it is filled.

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::{Id, Seat, at, at_mut, cell};
use crate::load::Load;
use crate::zone::{Draft, Way, ZonePlan};
use crate::{rearrange, stuck};

/// How far a wave goes to drain a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Means {
    /// Onto hosts that are done or no targets.
    Relay,
    /// Onto targets still to come as well.
    Any,
    /// Members of one quorum, or of one control plane, together on one host as well.
    Together,
    /// Moving out of the way what is on other hosts.
    Rearrange,
}

/// Which hosts take what leaves others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tier {
    /// None of it: they do not take work, or are in the wave.
    Out,
    /// All of it: they are done, or are no targets.
    Relay,
    /// What finds no other place: they are targets still to come, and it will
    /// have to move again.
    Later,
}

/// A wave while it is filled.
pub(crate) struct Wave<'w, 'f> {
    zone: &'w ZonePlan<'w, 'f>,
    cap: usize,
    mark: usize,
    pub(crate) hosts: Vec<Id>,
    batch: BTreeSet<Id>,
    tier: Vec<Tier>,
    /// Hosts of each tier, by what is left of the class that is scarcest.
    relay: BTreeSet<(i64, Id)>,
    later: BTreeSet<(i64, Id)>,
    /// Those of either tier in other zones, for what is not pinned.
    away: BTreeSet<(i64, Id)>,
    scarce: usize,
    /// By class, of hosts of the zone that take work: usable, and load.
    usable: Vec<i64>,
    load: Vec<i64>,
    /// By class: what must stay free.
    kept: Vec<i64>,
    /// By class: usable of hosts that take work, largest first.
    sizes: Vec<Vec<(i64, Id)>>,
    /// Migrations that come to a host in this wave.
    coming: BTreeMap<Id, u32>,
    /// By pool: how many hosts are out of service.
    out: BTreeMap<&'f str, u32>,
    quorums: BTreeSet<usize>,
    /// The failure domain of the OSDs that are stopped.
    domain: Option<&'f str>,
    /// Whether other hosts made room.
    rearranged: bool,
    /// Whether a host of it is restarted: that takes time from its migrations.
    restarts: bool,
    /// Hosts for which room was looked for in vain.
    vain: usize,
}

/// So many hosts are rearranged for in vain before a wave gives up: one that is
/// beyond hope costs up to a tenth of a second.
const VAIN: usize = 16;

impl<'w, 'f> Wave<'w, 'f> {
    pub(crate) fn new(
        zone: &'w ZonePlan<'w, 'f>,
        load: &Load,
        open: &BTreeSet<Id>,
        cap: usize,
    ) -> Self {
        let arena = zone.arena;
        let classes = arena.classes.len();
        let intent = zone.limits.intent;
        let mut wave = Self {
            zone,
            cap,
            mark: load.mark(),
            hosts: Vec::new(),
            batch: BTreeSet::new(),
            tier: vec![Tier::Out; arena.hosts.len()],
            relay: BTreeSet::new(),
            later: BTreeSet::new(),
            away: BTreeSet::new(),
            scarce: 0,
            usable: vec![0; classes],
            load: vec![0; classes],
            kept: vec![0; classes],
            sizes: vec![Vec::new(); classes],
            coming: BTreeMap::new(),
            out: BTreeMap::new(),
            quorums: BTreeSet::new(),
            domain: None,
            rearranged: false,
            restarts: false,
            vain: 0,
        };
        for (host, row) in arena.hosts.iter().enumerate() {
            if !row.serves {
                *wave.out.entry(row.pool).or_default() += 1;
            }
            if row.zone != zone.zone {
                continue;
            }
            for class in 0..classes {
                let (usable, free) = (*at(&row.usable, class), *cell(&load.free, host, class));
                if !row.down {
                    *at_mut(&mut wave.kept, class) += usable;
                }
                if row.serves {
                    *at_mut(&mut wave.usable, class) += usable;
                    *at_mut(&mut wave.load, class) += usable - free;
                    if intent.spare_hosts > 0 {
                        at_mut(&mut wave.sizes, class).push((usable, host));
                    }
                }
            }
        }
        for sizes in &mut wave.sizes {
            sizes.sort_unstable_by(|a, b| b.cmp(a));
        }
        wave.kept.iter_mut().for_each(|kept| *kept = stuck::kept(intent, *kept));
        let share = |class: &usize| {
            let (usable, load) = (*at(&wave.usable, *class), *at(&wave.load, *class));
            if usable == 0 { 0 } else { load.saturating_mul(1000) / usable }
        };
        wave.scarce = (0..classes).max_by_key(share).unwrap_or(0);
        for (host, _) in arena.hosts.iter().enumerate().filter(|(_, row)| row.serves) {
            let later = open.contains(&host) || zone.open_elsewhere.contains(&host);
            *at_mut(&mut wave.tier, host) = if later { Tier::Later } else { Tier::Relay };
            wave.enter(load, host);
        }
        wave
    }

    /// What is left of the scarcest class.
    fn left(&self, load: &Load, host: Id) -> i64 {
        at(&load.free, host).get(self.scarce).copied().unwrap_or(0)
    }

    /// Puts a host where it is looked for.
    fn enter(&mut self, load: &Load, host: Id) {
        let entry = (self.left(load, host), host);
        if let Some(set) = self.set(host) {
            set.insert(entry);
        }
    }

    /// Where a host is looked for.
    fn set(&mut self, host: Id) -> Option<&mut BTreeSet<(i64, Id)>> {
        let away = at(&self.zone.arena.hosts, host).zone != self.zone.zone;
        match at(&self.tier, host) {
            Tier::Out => None,
            Tier::Relay | Tier::Later if away => Some(&mut self.away),
            Tier::Relay => Some(&mut self.relay),
            Tier::Later => Some(&mut self.later),
        }
    }

    /// Takes it from there, before what is left on it changes.
    fn leave(&mut self, load: &Load, host: Id) {
        let entry = (self.left(load, host), host);
        if let Some(set) = self.set(host) {
            set.remove(&entry);
        }
    }

    /// Takes hosts into the wave, as many as may be.
    pub(crate) fn fill(&mut self, load: &mut Load, open: &BTreeSet<Id>, way: &Way, means: Means) {
        let arena = self.zone.arena;
        let used = |h: Id| self.usable_of(h) - self.left(load, h);
        let mut order: Vec<_> = open
            .iter()
            .map(|&host| {
                let due = *at(self.zone.due, host);
                // Hosts that are not draining anybody's work cost nothing.
                let serves = at(&arena.hosts, host).serves;
                (!way.first.contains(&host), serves, due, way.noise(host), used(host), host)
            })
            .collect();
        order.sort_unstable();
        for (_, _, _, _, _, host) in order {
            if self.hosts.len() >= self.cap || self.vain >= VAIN {
                break;
            }
            if self.may_go(load, host, open) && !self.drain(load, host, means) {
                self.rearrange(load, host, means);
            }
        }
    }

    /// Takes the first of some hosts into the wave that can be drained as things stand.
    pub(crate) fn take_first(
        &mut self,
        load: &mut Load,
        open: &BTreeSet<Id>,
        tried: &mut BTreeSet<Id>,
    ) -> bool {
        let found = open.iter().copied().find(|host| {
            !tried.contains(host) && {
                let drained =
                    self.may_go(load, *host, open) && self.drain(load, *host, Means::Together);
                if !drained {
                    tried.insert(*host);
                }
                drained
            }
        });
        found.is_some()
    }

    fn usable_of(&self, host: Id) -> i64 {
        at(&self.zone.arena.hosts, host).usable.get(self.scarce).copied().unwrap_or(0)
    }

    /// Whether a host may join as far as anything but its virtual machines goes.
    fn may_go(&self, load: &Load, host: Id, open: &BTreeSet<Id>) -> bool {
        let arena = self.zone.arena;
        let row = at(&arena.hosts, host);
        if row.serves {
            let limit = self.zone.limits.intent.max_unavailable.get(row.pool);
            let out = self.out.get(row.pool).copied().unwrap_or(0);
            if limit.is_some_and(|limit| out >= *limit) || !self.may_keep_headroom(load, host) {
                return false;
            }
        }
        let domain = row.domains.first().copied();
        if domain.is_some() && self.domain.is_some() && domain != self.domain {
            return false;
        }
        if domain.is_some() && !self.batch.is_empty() && !self.serves_data(host) {
            return false;
        }
        !self.waits(host, open) && row.quorums.iter().all(|n| !self.quorums.contains(n))
    }

    /// Whether a host leads a quorum of which others are still to come.
    pub(crate) fn waits(&self, host: Id, open: &BTreeSet<Id>) -> bool {
        let arena = self.zone.arena;
        let quorums = at(&arena.hosts, host).quorums.iter();
        quorums.filter_map(|n| arena.fleet.quorums.get(*n)).any(|quorum| {
            let leader = quorum.leader.as_ref().and_then(|l| arena.seat(l));
            let to_come = |m: &tidegate_model::fleet::Member| match arena.seat(m) {
                Some(Seat::Host(h)) => {
                    h != host && (open.contains(&h) || self.zone.open_elsewhere.contains(&h))
                }
                Some(Seat::Vm(_)) | None => false,
            };
            leader == Some(Seat::Host(host)) && quorum.members.iter().any(to_come)
        })
    }

    /// Whether every placement group still serves with one more host stopped.
    /// One alone may be: that was seen before planning.
    fn serves_data(&self, more: Id) -> bool {
        let arena = self.zone.arena;
        let Some(ceph) = &arena.fleet.ceph else { return true };
        let up = |osd: &&String| {
            let host = arena.osds.get(osd.as_str());
            host.is_some_and(|h| {
                *h != more && !self.batch.contains(h) && !at(&arena.hosts, *h).down
            })
        };
        ceph.pgs.iter().all(|pg| {
            let least =
                ceph.pools.iter().find(|p| p.id == pg.pool).map_or(u32::MAX, |p| p.min_size);
            pg.acting.iter().filter(up).count() as u64 >= u64::from(least)
        })
    }

    /// Whether what must stay free could stay free without a host, if all leaves
    /// the zone that may.
    fn may_keep_headroom(&self, load: &Load, host: Id) -> bool {
        let arena = self.zone.arena;
        let leaves = |vm: &&Id| arena.fleet.vms.get(**vm).is_some_and(|v| !v.zone_pinned);
        if self.keeps_headroom(&self.load, Some(host)) {
            return true;
        }
        let mut less = self.load.clone();
        let mut any = false;
        for vm in at(&load.on, host).iter().filter(leaves) {
            any = true;
            for (load, demand) in less.iter_mut().zip(&at(&arena.vms, *vm).demand) {
                *load -= demand;
            }
        }
        any && self.keeps_headroom(&less, Some(host))
    }

    /// Whether what must stay free stays free, with one more host out of service.
    fn keeps_headroom(&self, load: &[i64], more: Option<Id>) -> bool {
        let arena = self.zone.arena;
        (0..arena.classes.len()).all(|class| {
            let going = more.map_or(0, |h| *at(&at(&arena.hosts, h).usable, class));
            let (usable, load) = (*at(&self.usable, class) - going, *at(load, class));
            usable >= load + *at(&self.kept, class) && usable - self.largest(class, more) >= load
        })
    }

    /// Usable of the largest hosts that could fail besides the batch and `more`.
    fn largest(&self, class: usize, more: Option<Id>) -> i64 {
        let spare = usize::try_from(self.zone.limits.intent.spare_hosts).unwrap_or(usize::MAX);
        let sizes = at(&self.sizes, class).iter();
        let stays = sizes.filter(|(_, h)| Some(*h) != more && !self.batch.contains(h));
        stays.take(spare).map(|(usable, _)| usable).sum()
    }

    /// Moves everything off a host and takes it into the wave, or does nothing. Where what
    /// may leave the zone takes the room or the headroom of what may not, it leaves first.
    fn drain(&mut self, load: &mut Load, host: Id, means: Means) -> bool {
        let leaves = |vm: &Id| !self.zone.arena.pinned(*vm);
        let any = at(&load.on, host).iter().any(leaves);
        self.drain_by(load, host, means, false) || (any && self.drain_by(load, host, means, true))
    }

    fn drain_by(&mut self, load: &mut Load, host: Id, means: Means, leave: bool) -> bool {
        let arena = self.zone.arena;
        let row = at(&arena.hosts, host);
        let mut vms = at(&load.on, host).clone();
        let phases = u32::try_from(vms.len()).unwrap_or(u32::MAX).div_ceil(row.max_out.max(1));
        let most = self.phases_with(host);
        if most.is_some_and(|most| phases > most) {
            return false;
        }
        let scarce = self.scarce;
        let size = |vm: Id| at(&arena.vms, vm).demand.get(scarce).copied().unwrap_or(0);
        // Where time is short, what must stay in the zone has the first choice in it.
        let free = |vm: Id| most.is_some() && !arena.pinned(vm);
        vms.sort_unstable_by_key(|vm| (free(*vm), std::cmp::Reverse(size(*vm)), *vm));
        let mark = load.mark();
        let before = self.load.clone();
        self.leave(load, host);
        let tier = std::mem::replace(at_mut(&mut self.tier, host), Tier::Out);
        let mut coming: Vec<Id> = Vec::new();
        let mut placed = true;
        for vm in vms {
            let to = self.destination(load, (vm, size(vm)), most, means, leave);
            let Some(to) = to else {
                placed = false;
                break;
            };
            self.leave(load, to);
            load.put(arena, vm, to);
            self.enter(load, to);
            *self.coming.entry(to).or_default() += 1;
            coming.push(to);
            // What hosts that take work bear: more if it comes from one that does
            // not, less if it leaves the zone.
            let comes = !row.serves && at(&arena.hosts, to).zone == self.zone.zone;
            let goes = row.serves && at(&arena.hosts, to).zone != self.zone.zone;
            for (load, demand) in self.load.iter_mut().zip(&at(&arena.vms, vm).demand) {
                *load += if comes { *demand } else { 0 };
                *load -= if goes { *demand } else { 0 };
            }
        }
        let out = row.serves.then_some(host);
        if placed && self.keeps_headroom(&self.load, out) {
            self.join(host);
            return true;
        }
        self.load = before;
        let touched: BTreeSet<Id> = coming.iter().copied().collect();
        for to in coming {
            if let Some(count) = self.coming.get_mut(&to) {
                *count = count.saturating_sub(1);
            }
        }
        touched.iter().for_each(|to| self.leave(load, *to));
        load.back_to(arena, mark);
        touched.iter().for_each(|to| self.enter(load, *to));
        *at_mut(&mut self.tier, host) = tier;
        self.enter(load, host);
        false
    }

    /// Drains a host by moving others out of the way, if that is wanted.
    fn rearrange(&mut self, load: &mut Load, host: Id, means: Means) {
        let arena = self.zone.arena;
        if means != Means::Rearrange || at(&arena.hosts, host).down {
            return;
        }
        let out = at(&arena.hosts, host).serves.then_some(host);
        let mark = load.mark();
        let takes = |h: Id| h != host && *at(&self.tier, h) != Tier::Out;
        let found = rearrange::empty(arena, load, host, &takes);
        let fits = found && self.phases_with(host).is_none_or(|most| self.lasts(load) <= most);
        let (tier, before) = (*at(&self.tier, host), self.load.clone());
        *at_mut(&mut self.tier, host) = Tier::Out;
        self.recount(load, host);
        if fits && self.keeps_headroom(&self.load, out) {
            self.rearranged = true;
            self.join(host);
            return;
        }
        self.vain += 1;
        load.back_to(arena, mark);
        *at_mut(&mut self.tier, host) = tier;
        self.recount(load, host);
        self.load = before;
    }

    /// How many phases the migrations of the wave would take, one after the other.
    fn lasts(&self, load: &Load) -> u32 {
        u32::try_from(load.mark() - self.mark).unwrap_or(u32::MAX)
    }

    /// Counts again what changed on hosts that take work, and on one that may
    /// leave them.
    fn recount(&mut self, load: &Load, leaving: Id) {
        let arena = self.zone.arena;
        for set in [&mut self.relay, &mut self.later, &mut self.away] {
            set.clear();
        }
        self.load.iter_mut().for_each(|load| *load = 0);
        for (host, row) in arena.hosts.iter().enumerate() {
            let bears = row.serves && row.zone == self.zone.zone && !self.batch.contains(&host);
            if bears || host == leaving {
                for class in 0..arena.classes.len() {
                    *at_mut(&mut self.load, class) +=
                        at(&row.usable, class) - cell(&load.free, host, class);
                }
            }
            self.enter(load, host);
        }
    }

    /// The most phases of migrations that the wave may have with a host.
    fn phases_with(&self, host: Id) -> Option<u32> {
        let limits = self.zone.limits;
        limits.phases(self.restarts || limits.restarts.contains(&host))
    }

    /// Where a virtual machine goes: to hosts that are done, to those still to come, out of the
    /// zone. A member of a quorum, or of a control plane, goes to a host with another one only
    /// if the wave would be empty else: the failure of one host should not take two.
    fn destination(
        &self,
        load: &Load,
        vm: (Id, i64),
        most: Option<u32>,
        means: Means,
        leave: bool,
    ) -> Option<Id> {
        let pinned = self.zone.arena.pinned(vm.0);
        let away = Some(&self.away).filter(|_| !pinned);
        let later = Some(&self.later).filter(|_| means != Means::Relay);
        let order = [away.filter(|_| leave), Some(&self.relay), later, away];
        let first = |apart: bool| {
            order.into_iter().flatten().find_map(|set| self.find(load, vm, most, set, apart))
        };
        match means {
            Means::Relay | Means::Any => first(true),
            Means::Together | Means::Rearrange => first(true).or_else(|| first(false)),
        }
    }

    /// The host with least left that takes a virtual machine; with `apart` one without others
    /// of its quorum or control plane.
    fn find(
        &self,
        load: &Load,
        (vm, need): (Id, i64),
        most: Option<u32>,
        set: &BTreeSet<(i64, Id)>,
        apart: bool,
    ) -> Option<Id> {
        let arena = self.zone.arena;
        let mine = &at(&arena.vms, vm).one_by_one;
        let with_another = |host: Id| {
            let all = at(&load.on, host).iter();
            let mut groups = all.flat_map(|other| &at(&arena.vms, *other).one_by_one);
            groups.any(|group| mine.contains(group))
        };
        let takes = |host: &Id| {
            if apart && !mine.is_empty() && with_another(*host) {
                return false;
            }
            let row = at(&arena.hosts, *host);
            let within = most.is_none_or(|most| {
                let coming = self.coming.get(host).copied().unwrap_or(0);
                coming < most.saturating_mul(row.max_in)
            });
            within && arena.may(vm, *host) && load.has_room(arena, vm, *host)
        };
        set.range((need, 0)..).map(|(_, h)| *h).find(takes)
    }

    /// Takes a drained host into the wave.
    fn join(&mut self, host: Id) {
        let arena = self.zone.arena;
        self.hosts.push(host);
        self.batch.insert(host);
        self.restarts |= self.zone.limits.restarts.contains(&host);
        let row = at(&arena.hosts, host);
        if row.serves {
            *self.out.entry(row.pool).or_default() += 1;
            for class in 0..arena.classes.len() {
                *at_mut(&mut self.usable, class) -= *at(&row.usable, class);
            }
        }
        self.quorums.extend(&row.quorums);
        self.domain = self.domain.or(row.domains.first().copied());
    }

    pub(crate) fn done(self, load: &Load) -> Draft {
        let (zone, moved) = (self.zone.zone, load.mark() - self.mark);
        if !self.rearranged {
            let mut moves = load.moves(self.mark);
            moves.sort_unstable_by_key(|(vm, from, _)| (*from, *vm));
            return Draft { zone, hosts: self.hosts, moves, early: 0, moved };
        }
        let moves = load.sequence(self.zone.arena, self.mark);
        // What only leaves the hosts of the wave can wait for their cordon.
        let drains =
            |(_, from, to): &(Id, Id, Id)| self.batch.contains(from) && !self.batch.contains(to);
        let late = moves.iter().rev().take_while(|m| drains(m)).count();
        let early = moves.len() - late;
        Draft { zone, hosts: self.hosts, moves, early, moved }
    }
}
