//! Empties a host by moving others out of the way: for fleets so full that
//! nothing fits as things stand.
//!
//! First by ejection chains: what finds no place takes that of another, which
//! takes that of a third. Then by going through placements, those with least left
//! on the host first. Where there are few enough of them and none has the host
//! empty, there is no way at all.
//!
//! Source: ejection chains, Glover 1996.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::arena::{Arena, Id, at};
use crate::load::Load;

/// So many have to give way for one, at most.
const DEPTH: usize = 3;
/// So many placements of virtual machines on hosts are tried for one chain, and
/// for one host: a twentieth of a second and less.
const CHAIN: usize = 20_000;
const PLACEMENTS: usize = 8_000;
/// Zones with more virtual machines than this are not searched: chains find what
/// there is.
const SMALL: usize = 40;

/// Moves everything off a host onto hosts for which `takes` holds; false if no
/// way is found, and then moves what [`Load::back_to`] has to take back.
pub(crate) fn empty(
    arena: &Arena<'_>,
    load: &mut Load,
    host: Id,
    takes: &dyn Fn(Id) -> bool,
) -> bool {
    let mut search = Search::new(arena, host, takes);
    let mark = load.mark();
    if search.chains(load) {
        return true;
    }
    load.back_to(arena, mark);
    search.placements(load)
}

struct Search<'s, 'f> {
    arena: &'s Arena<'f>,
    host: Id,
    /// Hosts that take work, and the host itself.
    hosts: Vec<Id>,
    left: usize,
}

impl<'s, 'f> Search<'s, 'f> {
    fn new(arena: &'s Arena<'f>, host: Id, takes: &dyn Fn(Id) -> bool) -> Self {
        let hosts = (0..arena.hosts.len()).filter(|h| takes(*h) || *h == host).collect();
        Self { arena, host, hosts, left: CHAIN }
    }

    /// Whether a virtual machine that is not on the host may be moved for its
    /// sake: members of quorums and what stands in another zone stay.
    fn may_give_way(&self, vm: Id) -> bool {
        let row = at(&self.arena.vms, vm);
        let zone = |h: Id| at(&self.arena.hosts, h).zone;
        row.kind.is_some()
            && !row.together
            && row.one_by_one.is_empty()
            && zone(row.host) == zone(self.host)
    }

    /// Places what is on the host, the largest first.
    fn chains(&mut self, load: &mut Load) -> bool {
        let mut vms = at(&load.on, self.host).clone();
        let size = |vm: &Id| at(&self.arena.vms, *vm).demand.iter().sum::<i64>();
        vms.sort_unstable_by_key(|vm| (Reverse(size(vm)), *vm));
        let mut barred = BTreeSet::from([self.host]);
        vms.into_iter().all(|vm| self.place(load, vm, DEPTH, &mut barred))
    }

    /// Moves a virtual machine to a host that is not barred, others out of its way
    /// if need be.
    fn place(&mut self, load: &mut Load, vm: Id, depth: usize, barred: &mut BTreeSet<Id>) -> bool {
        let arena = self.arena;
        let open = |h: &Id| !barred.contains(h) && arena.may(vm, *h);
        let mut hosts: Vec<Id> = self.hosts.iter().copied().filter(open).collect();
        let spare = |h: &Id| at(&load.free, *h).iter().sum::<i64>();
        hosts.sort_unstable_by_key(|h| (spare(h), *h));
        self.left = self.left.saturating_sub(hosts.len());
        if let Some(to) = hosts.iter().copied().find(|h| load.has_room(arena, vm, *h)) {
            load.put(arena, vm, to);
            return true;
        }
        if depth == 0 {
            return false;
        }
        let from = *at(&load.place, vm);
        for to in hosts.into_iter().rev() {
            let mut others = at(&load.on, to).clone();
            others.retain(|other| self.may_give_way(*other));
            others.sort_unstable_by_key(|v| (at(&arena.vms, *v).demand.iter().sum::<i64>(), *v));
            for other in others {
                if self.left == 0 {
                    return false;
                }
                self.left -= 1;
                if !load.has_room_without(arena, vm, to, other) {
                    continue;
                }
                let mark = load.mark();
                // Not to where the first one is: that host may be the one to empty.
                let new: Vec<Id> = [to, from].into_iter().filter(|h| barred.insert(*h)).collect();
                let given = self.place(load, other, depth - 1, barred);
                barred.retain(|h| !new.contains(h));
                if given && load.has_room(arena, vm, to) {
                    load.put(arena, vm, to);
                    return true;
                }
                load.back_to(arena, mark);
            }
        }
        false
    }

    /// Goes through placements by single moves.
    fn placements(&self, load: &mut Load) -> bool {
        let arena = self.arena;
        let on = self.hosts.iter().flat_map(|h| at(&load.on, *h));
        let vms: Vec<Id> = on
            .copied()
            .filter(|vm| *at(&load.place, *vm) == self.host || self.may_give_way(*vm))
            .collect();
        let mut stays = at(&load.on, self.host).iter().map(|vm| at(&arena.vms, *vm).kind);
        if vms.len() > SMALL || stays.any(|kind| kind.is_none()) {
            return false;
        }
        let start = load.mark();
        // By number: the placement before, and the move that leads from it.
        let mut trail: Vec<Option<(usize, Id, Id)>> = vec![None];
        let places = |load: &Load| vms.iter().map(|vm| *at(&load.place, *vm)).collect::<Vec<_>>();
        let mut seen: BTreeMap<Vec<Id>, usize> = BTreeMap::from([(places(load), 0)]);
        let left = |place: &[Id]| place.iter().filter(|h| **h == self.host).count();
        let mut open = BinaryHeap::from([Reverse((left(&places(load)), 0, 0))]);
        while let Some(Reverse((count, steps, n))) = open.pop() {
            load.back_to(arena, start);
            let mut moves = Vec::new();
            let mut at_n = n;
            while let Some(Some((before, vm, to))) = trail.get(at_n).copied() {
                moves.push((vm, to));
                at_n = before;
            }
            moves.into_iter().rev().for_each(|(vm, to)| load.put(arena, vm, to));
            if count == 0 {
                return true;
            }
            if seen.len() > PLACEMENTS {
                break;
            }
            let mut place = places(load);
            for (k, vm) in vms.iter().enumerate() {
                let from = *at(&load.place, *vm);
                for to in self.hosts.iter().copied().filter(|to| *to != from) {
                    // The host itself may have something for a while, unless it is disabled.
                    let closed = to == self.host && !at(&arena.hosts, to).serves;
                    if closed || !arena.may(*vm, to) || !load.has_room(arena, *vm, to) {
                        continue;
                    }
                    if let Some(cell) = place.get_mut(k) {
                        *cell = to;
                    }
                    let next = trail.len();
                    if !seen.contains_key(&place) {
                        seen.insert(place.clone(), next);
                        trail.push(Some((n, *vm, to)));
                        open.push(Reverse((left(&place), steps + 1, next)));
                    }
                }
                if let Some(cell) = place.get_mut(k) {
                    *cell = from;
                }
            }
        }
        load.back_to(arena, start);
        false
    }
}
