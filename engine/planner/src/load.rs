//! Where virtual machines are and what is left on hosts, as a plan goes on.
//! Placements can be taken back, to the last mark.

use std::collections::{BTreeMap, HashMap};

use crate::arena::{Arena, Id, at, at_mut};

/// The state between two waves.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// By virtual machine.
    pub(crate) place: Vec<Id>,
    /// By host, then class: what is left, in thousandths; below 0 where a host
    /// was overfull from the start.
    pub(crate) free: Vec<Vec<i64>>,
    /// By host: the virtual machines on it.
    pub(crate) on: Vec<Vec<Id>>,
    members: HashMap<(Id, Id), u32>,
    /// Virtual machine and the host it was on.
    journal: Vec<(Id, Id)>,
}

impl Load {
    pub(crate) fn new(arena: &Arena<'_>) -> Self {
        let mut load = Self {
            place: arena.vms.iter().map(|v| v.host).collect(),
            free: arena.hosts.iter().map(|h| h.usable.clone()).collect(),
            on: vec![Vec::new(); arena.hosts.len()],
            members: HashMap::new(),
            journal: Vec::new(),
        };
        for (vm, row) in arena.vms.iter().enumerate() {
            at_mut(&mut load.on, row.host).push(vm);
            load.count(arena, vm, row.host, 1);
            if let Some(host) = row.moving_to {
                load.count(arena, vm, host, 1);
            }
        }
        load
    }

    fn count(&mut self, arena: &Arena<'_>, vm: Id, host: Id, sign: i64) {
        let row = at(&arena.vms, vm);
        for (free, demand) in at_mut(&mut self.free, host).iter_mut().zip(&row.demand) {
            *free -= demand * sign;
        }
        for group in &row.apart {
            let count = self.members.entry((*group, host)).or_default();
            *count = if sign > 0 { *count + 1 } else { count.saturating_sub(1) };
        }
    }

    /// Whether there is room for a virtual machine on a host, for it and for
    /// those it must keep apart from.
    pub(crate) fn has_room(&self, arena: &Arena<'_>, vm: Id, host: Id) -> bool {
        let row = at(&arena.vms, vm);
        let room = at(&self.free, host).iter().zip(&row.demand).all(|(f, d)| *d == 0 || f >= d);
        room && row.apart.iter().all(|group| {
            let there = self.members.get(&(*group, host)).copied().unwrap_or(0);
            there < *at(&arena.max_per_host, *group)
        })
    }

    /// As [`Load::has_room`], if another one that is there were gone.
    pub(crate) fn has_room_without(
        &self,
        arena: &Arena<'_>,
        vm: Id,
        host: Id,
        without: Id,
    ) -> bool {
        let (row, gone) = (at(&arena.vms, vm), at(&arena.vms, without));
        let free = at(&self.free, host).iter().zip(&gone.demand).map(|(f, d)| f + d);
        let room = free.zip(&row.demand).all(|(f, d)| *d == 0 || f >= *d);
        room && row.apart.iter().all(|group| {
            let there = self.members.get(&(*group, host)).copied().unwrap_or(0);
            let less = u32::from(gone.apart.contains(group));
            there.saturating_sub(less) < *at(&arena.max_per_host, *group)
        })
    }

    /// Moves a virtual machine, as it will be when the wave is done.
    pub(crate) fn put(&mut self, arena: &Arena<'_>, vm: Id, to: Id) {
        let from = *at(&self.place, vm);
        self.journal.push((vm, from));
        self.set(arena, vm, from, to);
    }

    fn set(&mut self, arena: &Arena<'_>, vm: Id, from: Id, to: Id) {
        self.count(arena, vm, from, -1);
        self.count(arena, vm, to, 1);
        at_mut(&mut self.on, from).retain(|v| *v != vm);
        at_mut(&mut self.on, to).push(vm);
        *at_mut(&mut self.place, vm) = to;
    }

    /// How much has been moved so far; for [`Load::back_to`].
    pub(crate) fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Takes back what was moved since a mark.
    pub(crate) fn back_to(&mut self, arena: &Arena<'_>, mark: usize) {
        while self.journal.len() > mark {
            let Some((vm, from)) = self.journal.pop() else { break };
            let to = *at(&self.place, vm);
            self.set(arena, vm, to, from);
        }
    }

    /// What was moved since a mark, once each however often it was: virtual
    /// machine, from, to.
    pub(crate) fn moves(&self, mark: usize) -> Vec<(Id, Id, Id)> {
        let mut first: BTreeMap<Id, Id> = BTreeMap::new();
        for (vm, from) in self.journal.iter().skip(mark) {
            first.entry(*vm).or_insert(*from);
        }
        let net = first.into_iter().map(|(vm, from)| (vm, from, *at(&self.place, vm)));
        net.filter(|(_, from, to)| from != to).collect()
    }

    /// What was moved since a mark, in an order in which each has room when those
    /// before it are done: once each where that is such an order, else as often
    /// as it was moved.
    pub(crate) fn sequence(&self, arena: &Arena<'_>, mark: usize) -> Vec<(Id, Id, Id)> {
        let mut start = self.clone();
        start.back_to(arena, mark);
        let mut all: Vec<(Id, Id, Id)> = Vec::new();
        for (n, (vm, from)) in self.journal.iter().enumerate().skip(mark) {
            // To where it left next, or is now.
            let rest = self.journal.iter().skip(n + 1);
            let next = rest.into_iter().find(|(other, _)| other == vm);
            let to = next.map_or(*at(&self.place, *vm), |(_, from)| *from);
            all.push((*vm, *from, to));
        }
        let last = |n: usize, vm: Id| all.iter().skip(n + 1).all(|m| m.0 != vm);
        let once: Vec<(Id, Id, Id)> = all
            .iter()
            .enumerate()
            .filter(|(n, m)| last(*n, m.0) && *at(&start.place, m.0) != m.2)
            .map(|(_, &(vm, _, to))| (vm, *at(&start.place, vm), to))
            .collect();
        let fits = once.iter().all(|&(vm, _, to)| {
            let room = start.has_room(arena, vm, to);
            start.put(arena, vm, to);
            room
        });
        if fits { once } else { all }
    }
}
