//! The waves of one zone.
//!
//! ```text
//! candidates, most urgent first ─▶ drain each onto hosts that are done or no
//!                                  targets (the relay), else, in the first
//!                                  wave, onto targets still to come
//!                                ─▶ as many as headroom, budgets, canary and
//!                                  growth allow ─▶ wave; again until none is left
//! ```
//! Once a wave is done its hosts are empty and updated: whole hosts move onto
//! them, each virtual machine once. Only the first wave is a packing problem.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::intent::Intent;

use crate::arena::{Arena, Id, Seat, at, at_mut, cell};
use crate::load::Load;

/// A wave, before it is written down.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) zone: Id,
    pub(crate) hosts: Vec<Id>,
    /// Virtual machine, from, to.
    pub(crate) moves: Vec<(Id, Id, Id)>,
}

/// The limits that hold for every wave.
pub(crate) struct Limits<'i> {
    pub(crate) intent: &'i Intent,
    /// The most phases of migrations that fit a window; absent without windows.
    pub(crate) phases: Option<u32>,
}

/// What a zone is planned with.
pub(crate) struct ZonePlan<'z, 'f> {
    pub(crate) arena: &'z Arena<'f>,
    pub(crate) limits: &'z Limits<'z>,
    /// By host: when its job is due; the end of time if it is not.
    pub(crate) due: &'z [jiff::Timestamp],
    pub(crate) zone: Id,
    /// Targets of other zones that are still to come: they take what must leave
    /// this zone last of all.
    pub(crate) open_elsewhere: &'z BTreeSet<Id>,
}

/// Plans a zone; `targets` are its hosts that can be updated, and `first` those
/// that are tried before all others. Gives the waves and what is left over.
pub(crate) fn plan(
    zone: &ZonePlan<'_, '_>,
    load: &mut Load,
    targets: &BTreeSet<Id>,
    first: &BTreeSet<Id>,
) -> (Vec<Draft>, BTreeSet<Id>) {
    let mut open = targets.clone();
    let mut drafts: Vec<Draft> = Vec::new();
    while !open.is_empty() {
        let before = drafts.last().map(|d| d.hosts.len());
        let cap = size_cap(zone.limits.intent, before);
        let mut wave = Wave::new(zone, load, &open, cap);
        let relay_only = !drafts.is_empty();
        wave.fill(load, &open, first, relay_only);
        if wave.hosts.is_empty() && relay_only {
            wave.fill(load, &open, first, false);
        }
        if wave.hosts.is_empty() {
            break;
        }
        let draft = wave.done(load);
        open.retain(|h| !draft.hosts.contains(h));
        drafts.push(draft);
    }
    (drafts, open)
}

/// How many targets a wave may have.
pub(crate) fn size_cap(intent: &Intent, before: Option<usize>) -> usize {
    let Some(canary) = intent.canary else { return usize::MAX };
    match before {
        None => usize::try_from(canary).unwrap_or(usize::MAX),
        Some(n) => {
            #[expect(clippy::cast_precision_loss, reason = "waves have fewer than 2^53 targets")]
            let grown = (n as f64 * intent.growth - 1e-9).ceil();
            grown as usize
        }
    }
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
struct Wave<'w, 'f> {
    zone: &'w ZonePlan<'w, 'f>,
    cap: usize,
    mark: usize,
    hosts: Vec<Id>,
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
}

impl<'w, 'f> Wave<'w, 'f> {
    fn new(zone: &'w ZonePlan<'w, 'f>, load: &Load, open: &BTreeSet<Id>, cap: usize) -> Self {
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
        for kept in &mut wave.kept {
            #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53 thousandths")]
            let share = (*kept as f64 * intent.headroom).ceil();
            *kept = share as i64;
        }
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

    fn fill(&mut self, load: &mut Load, open: &BTreeSet<Id>, first: &BTreeSet<Id>, relay: bool) {
        let arena = self.zone.arena;
        let used = |h: Id| self.usable_of(h) - self.left(load, h);
        let mut order: Vec<(bool, bool, jiff::Timestamp, i64, Id)> = open
            .iter()
            .map(|&host| {
                let due = *at(self.zone.due, host);
                // Hosts that are not draining anybody's work cost nothing.
                (!first.contains(&host), at(&arena.hosts, host).serves, due, used(host), host)
            })
            .collect();
        order.sort_unstable();
        for (_, _, _, _, host) in order {
            if self.hosts.len() >= self.cap {
                break;
            }
            if self.may_go(load, host, open) {
                self.drain(load, host, relay);
            }
        }
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
        row.quorums.iter().all(|n| {
            let Some(quorum) = arena.fleet.quorums.get(*n) else { return false };
            let leader = quorum.leader.as_ref().and_then(|l| arena.seat(l));
            let waits = |m: &tidegate_model::fleet::Member| match arena.seat(m) {
                Some(Seat::Host(h)) => {
                    h != host && (open.contains(&h) || self.zone.open_elsewhere.contains(&h))
                }
                Some(Seat::Vm(_)) | None => false,
            };
            let leads = leader == Some(Seat::Host(host));
            let waits = leads && quorum.members.iter().any(waits);
            !waits && !self.quorums.contains(n)
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

    /// Moves everything off a host and takes it into the wave, or does nothing.
    fn drain(&mut self, load: &mut Load, host: Id, relay_only: bool) {
        let arena = self.zone.arena;
        let row = at(&arena.hosts, host);
        let mut vms = at(&load.on, host).clone();
        let phases = u32::try_from(vms.len()).unwrap_or(u32::MAX).div_ceil(row.max_out.max(1));
        if self.zone.limits.phases.is_some_and(|most| phases > most) {
            return;
        }
        let scarce = self.scarce;
        let size = |vm: Id| at(&arena.vms, vm).demand.get(scarce).copied().unwrap_or(0);
        vms.sort_unstable_by_key(|vm| (std::cmp::Reverse(size(*vm)), *vm));
        let mark = load.mark();
        let before = self.load.clone();
        self.leave(load, host);
        let tier = std::mem::replace(at_mut(&mut self.tier, host), Tier::Out);
        let mut coming: Vec<Id> = Vec::new();
        let mut placed = true;
        for vm in vms {
            let need = size(vm);
            let mut to = self.find(load, vm, need, &self.relay);
            if to.is_none() && !relay_only {
                to = self.find(load, vm, need, &self.later);
            }
            if to.is_none() && !arena.pinned(vm) {
                to = self.find(load, vm, need, &self.away);
            }
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
            return;
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
    }

    /// The host with least left that takes a virtual machine.
    fn find(&self, load: &Load, vm: Id, need: i64, set: &BTreeSet<(i64, Id)>) -> Option<Id> {
        let arena = self.zone.arena;
        let takes = |host: &Id| {
            let row = at(&arena.hosts, *host);
            let within = self.zone.limits.phases.is_none_or(|most| {
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

    fn done(self, load: &Load) -> Draft {
        let mut moves = load.moves(self.mark);
        moves.sort_unstable_by_key(|(vm, from, _)| (*from, *vm));
        Draft { zone: self.zone.zone, hosts: self.hosts, moves }
    }
}
