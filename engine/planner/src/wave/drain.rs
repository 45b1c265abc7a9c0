//! Moving everything off a host, or finding that it cannot be.

use std::collections::BTreeSet;

use super::{Means, Tier, Wave};
use crate::arena::{Id, at, at_mut, cell};
use crate::load::Load;
use crate::rearrange;

impl Wave<'_, '_> {
    /// Moves everything off a host and takes it into the wave, or does nothing. Where what
    /// may leave the zone takes the room or the headroom of what may not, it leaves first.
    pub(super) fn drain(&mut self, load: &mut Load, host: Id, means: Means) -> bool {
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
    pub(super) fn rearrange(&mut self, load: &mut Load, host: Id, means: Means) {
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
}
