//! Zone after zone: which waves there are, in which order, and what is left.

mod joint;
mod leaders;
mod leave;

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::Timestamp;
use tidegate_model::fleet::Fleet;
use tidegate_model::intent::Intent;
use tidegate_model::plan::{Blocked, Plan, Wave};
use tidegate_model::versions::VersionRules;

use crate::arena::{Arena, Id, at};
use crate::load::Load;
use crate::nodes::Pods;
use crate::select::Job;
use crate::zone::{Draft, Limits, Way, ZonePlan};
use crate::{PlanError, block, bounds, due, windows, zone};

use joint::Aside;

/// So often a zone is planned again with what was left over tried first, and
/// so often one with few targets in another order as long as fewer waves may do.
const TRIES: u64 = 3;
const MORE_TRIES: u64 = 24;
/// A zone with this many targets has few.
const FEW: usize = 64;

/// The waves of a zone, one way.
struct Attempt {
    drafts: Vec<Draft>,
    left: BTreeSet<Id>,
    load: Load,
}

impl Attempt {
    /// Less is better: targets left over, then waves.
    fn rank(&self) -> (usize, usize) {
        (self.left.len(), self.drafts.len())
    }
}

/// What is left of a zone.
struct Left<'f> {
    hosts: BTreeSet<Id>,
    nodes: BTreeSet<&'f str>,
    /// How large its last wave was.
    before: Option<usize>,
}

pub(crate) struct Planning<'p, 'f> {
    pub(crate) fleet: &'f Fleet,
    pub(crate) intent: &'f Intent,
    pub(crate) rules: &'p VersionRules,
    pub(crate) arena: &'p Arena<'f>,
    pub(crate) jobs: &'p BTreeMap<&'f str, Job<'f>>,
    /// By host.
    pub(crate) due: Vec<Timestamp>,
    pub(crate) load: Load,
    pub(crate) pods: Option<Pods<'f>>,
    pub(crate) waves: Vec<Wave>,
    pub(crate) blocked: Vec<Blocked>,
    /// Targets that no wave will update: leaders do not wait for them.
    pub(crate) hopeless: BTreeSet<Id>,
    /// Targets for which no window was left that is long enough, alone: how many phases of
    /// migrations they have.
    pub(crate) too_long: BTreeMap<&'f str, u64>,
    /// By host that leads a quorum: the quorum, and the target in another zone for which
    /// it waited when the turn of its own was over.
    pub(crate) waiting: BTreeMap<Id, (&'f str, Id)>,
}

impl<'f> Planning<'_, 'f> {
    /// Tells hosts from nodes, and takes out what is blocked from the start.
    pub(crate) fn sort(&mut self) -> (BTreeSet<Id>, BTreeSet<&'f str>) {
        let (mut hosts, mut nodes) = (BTreeSet::new(), BTreeSet::new());
        let rules = self.rules;
        let counts = block::Counts::new(self.arena, rules, self.jobs);
        for (id, job) in self.jobs {
            let pods = self.pods.as_ref().filter(|p| p.is_node(id));
            let of_pods = || pods.and_then(|p| p.blocked(id, job, self.intent, rules));
            let why = match self.arena.host_ids.get(id) {
                Some(&host) => {
                    let (arena, load, intent) = (self.arena, &self.load, self.intent);
                    let why = block::host(arena, &counts, load, intent, rules, host, job);
                    let why = why.or_else(of_pods);
                    if why.is_none() {
                        hosts.insert(host);
                    }
                    why
                }
                None => {
                    let why = of_pods();
                    if why.is_none() {
                        nodes.insert(*id);
                    }
                    why
                }
            };
            self.blocked.extend(why);
        }
        (hosts, nodes)
    }

    /// Plans zone after zone; gives the end of each wave.
    pub(crate) fn run(
        &mut self,
        hosts: &BTreeSet<Id>,
        nodes: &BTreeSet<&'f str>,
    ) -> Result<Vec<Timestamp>, PlanError> {
        let due = |id: &str| self.jobs.get(id).and_then(|j| j.due).unwrap_or(Timestamp::MAX);
        let leads = self.leading_zones(hosts);
        let mut zones: BTreeMap<Option<&str>, (Timestamp, usize)> = BTreeMap::new();
        let place = |z: &str| self.fleet.zones.iter().position(|k| k == z).unwrap_or(usize::MAX);
        let of_hosts = hosts.iter().map(|h| {
            let zone = self.fleet.hosts.get(*h).map(|h| h.zone.as_str());
            (zone, due(self.arena.host_id(*h)))
        });
        let of_nodes = nodes.iter().map(|n| (self.pods.as_ref().and_then(|p| p.zone(n)), due(n)));
        for (zone, due) in of_hosts.chain(of_nodes) {
            let entry = zones.entry(zone).or_insert((due, zone.map_or(usize::MAX, place)));
            entry.0 = entry.0.min(due);
        }
        // A zone that a plan before this one began with is finished first, if one at a time is.
        let begun = self.arena.done.last().filter(|_| self.intent.one_zone_at_a_time);
        let begun = begun.map(|d| d.zone.as_deref());
        // Where zones cannot be come back to, kubelets must not be there before what
        // they talk to; and a leader waits for members in other zones, whatever is due.
        let planes = nodes.iter().filter(|n| self.pods.as_ref().is_some_and(|p| p.is_plane(n)));
        let planes: BTreeSet<Option<&str>> = planes
            .filter(|_| self.intent.one_zone_at_a_time)
            .map(|n| self.pods.as_ref().and_then(|p| p.zone(n)))
            .chain(hosts.iter().filter(|h| self.is_plane(**h)).map(|h| self.zone_of(*h)))
            .collect();
        let mut order: Vec<_> = zones
            .into_iter()
            .map(|(zone, (due, place))| {
                let (leads, first) = (leads.contains(&zone), planes.contains(&zone));
                (begun != Some(zone), leads, !first, due, place, zone)
            })
            .collect();
        order.sort_unstable();
        let mut clock = due::Clock::new(self.fleet, self.intent);
        let mut open: BTreeSet<Id> = hosts.difference(&self.hopeless).copied().collect();
        let mut left: BTreeMap<Option<&str>, Left<'f>> = BTreeMap::new();
        for (_, _, _, _, _, zone) in &order {
            let mine = hosts.iter().copied();
            let mine: BTreeSet<Id> = mine.filter(|h| self.zone_of(*h) == *zone).collect();
            open.retain(|h| !mine.contains(h));
            let before = Plan::size_before(&self.arena.done, *zone);
            let mut rest = Left { hosts: mine, nodes: BTreeSet::new(), before };
            self.zone(&mut clock, *zone, &mut rest, &open)?;
            for host in rest.hosts.iter().filter(|_| self.intent.one_zone_at_a_time) {
                self.waiting.extend(self.waits_for(*host, &open).map(|on| (*host, on)));
            }
            let mine = nodes.iter().copied();
            let mine = mine.filter(|n| self.pods.as_ref().and_then(|p| p.zone(n)) == *zone);
            rest.nodes = mine.collect();
            // Pods that went may have made the way free for hosts that are nodes, too.
            while self.nodes(&mut clock, *zone, &mut rest)? && self.any_node(&rest.hosts) {
                if !self.zone(&mut clock, *zone, &mut rest, &open)? {
                    break;
                }
            }
            if self.intent.one_zone_at_a_time {
                // Its turn is over.
                self.leave(*zone, &rest, clock.now)?;
            } else {
                left.insert(*zone, rest);
            }
        }
        // What moved in one zone may have opened the way in another.
        let again = !self.intent.one_zone_at_a_time && order.len() > 1;
        for others_count in [true, false] {
            let mut moved = again;
            while moved {
                moved = false;
                for (_, _, _, _, _, zone) in &order {
                    let Some(mut rest) = left.remove(zone) else { continue };
                    let others = left.values().flat_map(|l| &l.hosts).copied();
                    // In the end nobody waits for what cannot be done.
                    let others: BTreeSet<Id> = others.filter(|_| others_count).collect();
                    moved |= self.zone(&mut clock, *zone, &mut rest, &others)?;
                    moved |= self.nodes(&mut clock, *zone, &mut rest)?;
                    left.insert(*zone, rest);
                }
            }
        }
        for (zone, rest) in &left {
            self.leave(*zone, rest, clock.now)?;
        }
        Ok(clock.ends)
    }

    fn zone_of(&self, host: Id) -> Option<&'f str> {
        self.fleet.hosts.get(host).map(|h| h.zone.as_str())
    }

    /// Plans the hosts of a zone, and puts their waves into windows. Gives whether
    /// any is done; what is not stays left.
    fn zone(
        &mut self,
        clock: &mut due::Clock,
        zone: Option<&str>,
        left: &mut Left<'f>,
        elsewhere: &BTreeSet<Id>,
    ) -> Result<bool, PlanError> {
        let spans = windows::spans(self.intent, zone, self.fleet.taken_at)?;
        let (mut any, mut alone, mut patient) = (false, false, false);
        let mut late = BTreeSet::new();
        let mut tried = BTreeSet::new();
        let mut aside = Aside::default();
        loop {
            // Nobody of a quorum comes after its leader (Q2).
            let behind = left.hosts.iter().copied().filter(|h| self.behind_leader(*h).is_some());
            late.extend(behind);
            left.hosts.retain(|h| !late.contains(h));
            if left.hosts.is_empty() {
                break;
            }
            let start = self.load.clone();
            let now = spans.as_deref().map(|spans| windows::after(spans, clock.now));
            let (open, later) = aside.split(left, elsewhere);
            let drafts = if patient {
                self.patiently(&open, &later, &mut tried)
            } else {
                self.hosts(&open, &later, now.as_deref(), alone)?
            };
            let none = drafts.is_empty();
            let mut too_late: Option<(Vec<Id>, u64)> = None;
            let mut again = false;
            let mut mark = start.mark();
            for draft in drafts {
                let n = u32::try_from(self.waves.len() + 1).unwrap_or(u32::MAX);
                let (wave, evictions) = match self.write(n, &draft, left) {
                    Ok(written) => written,
                    Err(refused) => {
                        aside.hosts.extend(refused);
                        again = true;
                        break;
                    }
                };
                let phases = due::phases(&wave);
                if !self.place(clock, now.as_deref(), wave) {
                    self.unwrite(&draft, evictions);
                    too_late = Some((draft.hosts, phases));
                    break;
                }
                mark += draft.moved;
                any = true;
                left.before = Some(draft.hosts.len());
                left.hosts.retain(|h| !draft.hosts.contains(h));
                again = aside.back();
                if again {
                    break;
                }
            }
            if again {
                self.load.back_to(self.arena, mark);
                continue;
            }
            if none && !aside.hosts.is_empty() && !aside.given_up {
                aside.given_up = true;
                continue;
            }
            let Some((hosts, phases)) = too_late else {
                if now.is_none() || (patient && none) {
                    break;
                }
                // What is left over may take longer than any window has, and no more.
                patient = !patient || none;
                tried.clear();
                continue;
            };
            // The rest is planned anew from there: one by one, and without what
            // is too long even so.
            self.load.back_to(self.arena, mark);
            if let [host] = hosts.as_slice() {
                left.hosts.remove(host);
                self.too_long.insert(self.arena.host_id(*host), phases);
            }
            alone = true;
        }
        left.hosts.extend(late);
        Ok(any)
    }

    /// Plans the nodes of a zone; gives whether any is done.
    fn nodes(
        &mut self,
        clock: &mut due::Clock,
        zone: Option<&str>,
        left: &mut Left<'f>,
    ) -> Result<bool, PlanError> {
        let Some(mut pods) = self.pods.take() else { return Ok(false) };
        let spans = windows::spans(self.intent, zone, self.fleet.taken_at)?;
        let mut any = false;
        loop {
            let (waves, stuck) = pods.waves(self.intent, self.jobs, &left.nodes, left.before);
            left.nodes = stuck;
            let mut waves = waves.into_iter();
            let mut undone = Vec::new();
            for nodes in waves.by_ref() {
                let n = u32::try_from(self.waves.len() + 1).unwrap_or(u32::MAX);
                let wave = pods.wave(self.jobs, n, zone, &nodes, self.intent.soak_s);
                if !self.place(clock, spans.as_deref(), wave) {
                    undone.push(nodes);
                    break;
                }
                any = true;
                left.before = Some(nodes.0.len());
            }
            let Some((first, _)) = undone.first() else { break };
            // Those of it that take longest come too late; all others are planned anew, since
            // pods are where they were.
            let restarts = first.iter().any(|node| self.restarts(node));
            let late: BTreeSet<&str> =
                first.iter().copied().filter(|node| self.restarts(node) == restarts).collect();
            undone.extend(waves);
            undone.iter().rev().for_each(|nodes| pods.undo(self.jobs, nodes));
            let others = undone.iter().flat_map(|nodes| &nodes.0).filter(|n| !late.contains(*n));
            left.nodes.extend(others);
            self.too_long.extend(late.into_iter().map(|node| (node, 0)));
        }
        self.pods = Some(pods);
        Ok(any)
    }

    /// Gives a wave its window; false if there is none.
    fn place(
        &mut self,
        clock: &mut due::Clock,
        spans: Option<&[tidegate_model::plan::Span]>,
        mut wave: Wave,
    ) -> bool {
        let placed = clock.place(self.intent, spans, &mut wave);
        if placed {
            self.waves.push(wave);
        }
        placed
    }

    /// A wave of one host that can be drained if it may take as long as it likes. `tried`
    /// holds those that cannot.
    fn patiently(
        &mut self,
        targets: &Left<'f>,
        elsewhere: &BTreeSet<Id>,
        tried: &mut BTreeSet<Id>,
    ) -> Vec<Draft> {
        let Left { hosts: targets, before, .. } = targets;
        let Some(first) = targets.first() else { return Vec::new() };
        let none = BTreeSet::new();
        let limits = Limits { intent: self.intent, longest: None, restarts: &none, alone: true };
        let zone = ZonePlan {
            arena: self.arena,
            limits: &limits,
            due: &self.due,
            zone: at(&self.arena.hosts, *first).zone,
            open_elsewhere: elsewhere,
            before: *before,
        };
        zone::first(&zone, &mut self.load, targets, tried).into_iter().collect()
    }

    /// The waves of a zone's hosts.
    fn hosts(
        &mut self,
        targets: &Left<'f>,
        elsewhere: &BTreeSet<Id>,
        spans: Option<&[tidegate_model::plan::Span]>,
        alone: bool,
    ) -> Result<Vec<Draft>, PlanError> {
        let Left { hosts: targets, before, .. } = targets;
        let Some(first) = targets.first() else { return Ok(Vec::new()) };
        let restarts = |h: &Id| self.restarts(self.arena.host_id(*h));
        let restarts: BTreeSet<Id> = targets.iter().copied().filter(restarts).collect();
        let longest = spans.map(windows::longest);
        let limits = Limits { intent: self.intent, longest, restarts: &restarts, alone };
        let zone = ZonePlan {
            arena: self.arena,
            limits: &limits,
            due: &self.due,
            zone: at(&self.arena.hosts, *first).zone,
            open_elsewhere: elsewhere,
            before: *before,
        };
        let mut best: Option<Attempt> = None;
        let mut way = Way::default();
        let bounds = bounds::bounds(self.arena, self.intent, targets, &BTreeSet::new(), None)?;
        let bound = bounds.first().map_or(0, |b| b.waves as usize);
        let tries = if targets.len() <= FEW { MORE_TRIES } else { TRIES };
        for n in 0..tries {
            way.n = if tries == TRIES { 0 } else { n };
            let mut load = self.load.clone();
            let (drafts, left) = zone::plan(&zone, &mut load, targets, &way);
            let more: BTreeSet<Id> = left.difference(&way.first).copied().collect();
            let attempt = Attempt { drafts, left, load };
            if best.as_ref().is_none_or(|b| attempt.rank() < b.rank()) {
                best = Some(attempt);
            }
            let few = best.as_ref().is_some_and(|b| b.drafts.len() <= bound);
            if more.is_empty() && (few || tries == TRIES) {
                break;
            }
            way.first.extend(more);
        }
        let Some(Attempt { drafts, load, .. }) = best else { return Ok(Vec::new()) };
        self.load = load;
        Ok(drafts)
    }

    fn restarts(&self, target: &str) -> bool {
        self.jobs.get(target).is_some_and(|j| j.reboot)
    }
}
