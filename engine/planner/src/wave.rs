//! One wave of a zone, while it is filled.

mod drain;
mod may;

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::{Id, at, at_mut, cell};
use crate::load::Load;
use crate::stuck;
use crate::zone::{Draft, Way, ZonePlan};

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
