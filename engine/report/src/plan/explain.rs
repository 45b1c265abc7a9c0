//! Why a host is in its wave, or in none.

use std::collections::BTreeMap;
use std::io::{self, Write};

use tidegate_model::fleet::{Fleet, Member};
use tidegate_model::plan::{Blocked, BlockedCode, Op, Plan, Step, Wave};

use super::diff::Place;
use super::{ends, first, late, numbers, word};
use crate::text::printable;

/// Lists of names are cut after this many.
const NAMES: usize = 20;

/// What a plan does about one host or node, and what that depends on.
#[derive(Debug)]
pub struct Explanation<'a> {
    plan: &'a Plan,
    fleet: Option<&'a Fleet>,
    target: &'a str,
    places: BTreeMap<&'a str, Place>,
}

/// Explains a host or node; absent if neither plan nor fleet know it. With the
/// fleet, quorums are explained as well.
#[must_use]
pub fn explain<'a>(
    plan: &'a Plan,
    fleet: Option<&'a Fleet>,
    target: &'a str,
) -> Option<Explanation<'a>> {
    let places = Place::all(plan);
    let touched = || {
        let mut steps = plan.waves.iter().flat_map(|w| &w.steps);
        steps.any(|s| s.to.as_deref() == Some(target) || s.from.as_deref() == Some(target))
    };
    let known = || {
        fleet.is_some_and(|f| {
            let nodes = f.kubernetes.iter().flat_map(|k| &k.nodes);
            f.hosts.iter().any(|h| h.id == target) || nodes.into_iter().any(|n| n.id == target)
        })
    };
    let there = places.contains_key(target) || touched() || known();
    there.then_some(Explanation { plan, fleet, target, places })
}

impl Explanation<'_> {
    /// Writes it for people.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let target = printable(self.target);
        match self.places.get(self.target).copied().unwrap_or(Place::Absent) {
            Place::Absent => {
                writeln!(out, "{target} is no target of plan {}", printable(&self.plan.id))?;
                self.takes(out)?;
            }
            Place::Blocked(_) => {
                writeln!(out, "{target} is blocked: no wave updates it")?;
                for blocked in self.plan.blocked.iter().filter(|b| b.target == self.target) {
                    why(blocked, out)?;
                }
            }
            Place::Wave(n) => {
                let all = self.plan.waves.len();
                writeln!(out, "{target} is updated in wave {n} of {all}")?;
                if let Some(wave) = self.plan.waves.iter().find(|w| w.n == n) {
                    self.wave(wave, out)?;
                }
            }
        }
        for deadline in self.plan.deadlines.iter().filter(|d| d.target == self.target) {
            writeln!(out, "  {}", late(deadline))?;
        }
        Ok(())
    }

    fn wave(&self, wave: &Wave, out: &mut dyn Write) -> io::Result<()> {
        let mine = |s: &&Step| s.host.as_deref().or(s.node.as_deref()) == Some(self.target);
        for step in wave.steps.iter().filter(|s| s.op == Op::Update).filter(mine) {
            let text = |t: &Option<String>| t.as_deref().map(|t| printable(t).into_owned());
            let from = text(&step.from).map_or_else(String::new, |f| format!(" from {f}"));
            let component = text(&step.component).unwrap_or_default();
            let to = text(&step.version).or_else(|| text(&step.to)).unwrap_or_default();
            writeln!(out, "  {component}{from} to {to}")?;
        }
        if let Some(window) = wave.window {
            writeln!(out, "  in the window from {} to {}", window.start, window.end)?;
        }
        let others: Vec<String> =
            wave.targets.iter().filter(|t| *t != self.target).cloned().collect();
        if !others.is_empty() {
            writeln!(out, "  together with {}", first(&others, NAMES))?;
        }
        self.moves(wave, out)?;
        self.quorums(wave.n, out)?;
        self.rest(wave, out)
    }

    /// What leaves it, and onto which hosts: those that were updated before are
    /// what it had to wait for.
    fn moves(&self, wave: &Wave, out: &mut dyn Write) -> io::Result<()> {
        let leaving = || super::moves(wave).map(ends).filter(|(_, from, _)| *from == self.target);
        if leaving().next().is_none() {
            return writeln!(out, "  nothing has to leave it");
        }
        let (mut before, mut free, mut later) = (Vec::new(), Vec::new(), Vec::new());
        for (_, _, to) in leaving() {
            let list = match self.places.get(to) {
                Some(Place::Wave(n)) if *n < wave.n => &mut before,
                Some(Place::Wave(_)) => &mut later,
                Some(Place::Blocked(_) | Place::Absent) | None => &mut free,
            };
            list.push(to.to_owned());
        }
        for (list, text) in [
            (&mut before, "waits for these, updated in earlier waves, to take what leaves it"),
            (&mut free, "these take what leaves it; no wave updates them"),
            (&mut later, "these take what leaves it, and give it up again when their wave comes"),
        ] {
            list.sort_unstable();
            list.dedup();
            if !list.is_empty() {
                writeln!(out, "  {text}: {}", first(list, NAMES))?;
            }
        }
        for (what, _, to) in leaving() {
            writeln!(out, "    {} → {}", printable(what), printable(to))?;
        }
        Ok(())
    }

    /// The members of its quorums, which are out one after the other.
    fn quorums(&self, n: u32, out: &mut dyn Write) -> io::Result<()> {
        let is = |m: &Member| matches!(m, Member::Host(id) if id == self.target);
        let quorums = self.fleet.iter().flat_map(|f| &f.quorums);
        for quorum in quorums.filter(|q| q.members.iter().any(is)) {
            let before = quorum.members.iter().filter_map(|m| match m {
                Member::Host(id) => match self.places.get(id.as_str()) {
                    Some(Place::Wave(k)) if *k < n => Some(format!("{id} (wave {k})")),
                    Some(_) | None => None,
                },
                Member::Vm(_) => None,
            });
            let before: Vec<String> = before.collect();
            let name = printable(&quorum.id);
            if quorum.leader.as_ref().is_some_and(is) {
                writeln!(out, "  leads quorum {name}, and is updated after its other members")?;
            }
            if !before.is_empty() {
                let names = first(&before, NAMES);
                writeln!(out, "  waits for members of quorum {name} updated before: {names}")?;
            }
        }
        Ok(())
    }

    /// The wave before, and the bound that the number of waves follows from.
    fn rest(&self, wave: &Wave, out: &mut dyn Write) -> io::Result<()> {
        let before = self.plan.waves.iter().rev().find(|w| w.n < wave.n && w.zone == wave.zone);
        if let Some(before) = before {
            writeln!(
                out,
                "  the wave before in its zone is {}, with {}, and then {}s to wait",
                before.n,
                crate::tally::count(before.targets.len(), "target"),
                before.soak_s
            )?;
        }
        match self.plan.bounds.first() {
            Some(bound) => writeln!(
                out,
                "  no plan has fewer than {} (by {})",
                crate::tally::count(bound.waves as usize, "wave"),
                word(&bound.name)
            ),
            None => Ok(()),
        }
    }

    /// What a host that is no target takes from others.
    fn takes(&self, out: &mut dyn Write) -> io::Result<()> {
        for wave in &self.plan.waves {
            let coming = super::moves(wave).map(ends).filter(|(_, _, to)| *to == self.target);
            let count = coming.count();
            if count > 0 {
                writeln!(out, "  takes {} in wave {}", crate::tally::count(count, "move"), wave.n)?;
            }
        }
        Ok(())
    }
}

fn why(blocked: &Blocked, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {}: {}", word(&blocked.code), sentence(blocked.code))?;
    writeln!(out, "  {}", numbers(blocked))?;
    match &blocked.fix {
        Some(fix) => writeln!(out, "  fix: {}", printable(fix)),
        None => Ok(()),
    }
}

/// What a reason means.
fn sentence(code: BlockedCode) -> &'static str {
    match code {
        BlockedCode::Capacity => "what runs on it fits nowhere else, or headroom would be lost",
        BlockedCode::Compatibility => {
            "no other host has the traits and aggregates that a virtual machine needs"
        }
        BlockedCode::NotMigratable => "a virtual machine on it cannot be moved",
        BlockedCode::Affinity => "a server group with affinity cannot be moved live",
        BlockedCode::AntiAffinity => "a server group with anti-affinity has no host left",
        BlockedCode::Quorum => "a quorum would lose its majority, or is not in step",
        BlockedCode::Pdb => "a disruption budget allows no eviction",
        BlockedCode::Pods => "a pod fits on no other node, or nothing would replace it",
        BlockedCode::Ceph => "a placement group would fall below its minimum, or is not clean",
        BlockedCode::Version => "the step from its version to the wanted one is not allowed",
        BlockedCode::Order => "another target must come first, and it is blocked",
        BlockedCode::State => "it is down, or its state is not known",
        BlockedCode::Window => "no maintenance window is long enough",
        BlockedCode::Budget => "as many as may be are out of service already",
    }
}
