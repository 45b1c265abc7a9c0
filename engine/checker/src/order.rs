//! The order of what is done to one target, and that nothing is done twice.
//!
//! ```text
//! cordon ─▶ stop ─▶ update ─▶ reboot ─▶ start ─▶ verify ─▶ uncordon
//! ```
//! Each step needs what earlier phases of its wave have done; what stands in its
//! own phase may come before or after it. A wave may leave out what its target
//! does not need: an update without a stop needs no start.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use tidegate_model::fleet::HostState;
use tidegate_model::plan::{Op, Step};

use crate::replay::Course;
use crate::state::State;
use crate::{Invariant, Violation};

/// A host or a node, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target<'p> {
    Host(&'p str),
    Node(&'p str),
}

impl<'p> Target<'p> {
    fn id(self) -> &'p str {
        match self {
            Self::Host(id) | Self::Node(id) => id,
        }
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(id) => write!(f, "host `{id}`"),
            Self::Node(id) => write!(f, "node `{id}`"),
        }
    }
}

/// How far a target is.
#[derive(Debug, Default)]
struct Progress<'p> {
    cordoned: bool,
    /// Stopped and not seen to work since then: by component, or in whole.
    stopped: BTreeSet<Option<&'p str>>,
    /// Started since it was stopped.
    started: bool,
    /// Restarted since it was stopped.
    back: bool,
    /// Restarted since something of it was updated.
    restarted: bool,
    /// It was stopped, restarted or updated, and nobody has seen it work since.
    unproved: bool,
}

/// How far the targets of a wave are.
#[derive(Default)]
pub(crate) struct Order<'p>(HashMap<Target<'p>, Progress<'p>>);

impl<'p> Order<'p> {
    /// Judges the steps of a phase by the phases before it, and enters them.
    pub(crate) fn phase(
        &mut self,
        course: &Course<'_, '_>,
        state: &State<'_>,
        steps: &[&'p Step],
    ) -> Result<(), Violation> {
        let mut now: HashMap<Target<'p>, Vec<&'p Step>> = HashMap::new();
        for step in steps {
            let broken = |text| course.broken(Invariant::Form, Some(step), text);
            let Some(target) = target(step).map_err(broken)? else { continue };
            if !course.targets.contains(target.id()) {
                return Err(broken(format!("{target} is no target of this wave")));
            }
            let beside = now.entry(target).or_default();
            for other in beside.iter() {
                let (a, b) = (other.op.name(), step.op.name());
                if other.op != step.op {
                    let text = format!("{target} has {a} and {b} in one phase, in no order");
                    return Err(broken(text));
                }
                // Several components of a host may be stopped or updated at once.
                let parts = matches!(step.op, Op::Stop | Op::Update);
                if !parts || other.component == step.component {
                    return Err(broken(format!("{target} has {b} twice in one phase")));
                }
            }
            beside.push(step);
            let progress = self.0.entry(target).or_default();
            if let Some(wrong) = progress.lacks(step) {
                return Err(broken(format!("{target} {wrong}")));
            }
            if let Some(wrong) = unfounded(course, state, target, step) {
                return Err(broken(format!("{target} {wrong}")));
            }
        }
        for (target, steps) in now {
            let updated = steps.iter().any(|step| step.op == Op::Update);
            let progress = self.0.entry(target).or_default();
            steps.into_iter().for_each(|step| progress.enter(step));
            // What is updated of a node is updated of the host that it is.
            let host = self.0.get_mut(&Target::Host(target.id()));
            if let Some(host) = host.filter(|_| updated) {
                host.restarted = false;
            }
        }
        Ok(())
    }

    /// Whether a target was restarted after the last of its updates.
    pub(crate) fn restarted(&self, target: &str) -> bool {
        let of = |t: Target<'_>| self.0.get(&t).is_some_and(|p| p.restarted);
        of(Target::Host(target)) || of(Target::Node(target))
    }
}

impl<'p> Progress<'p> {
    /// What a step lacks or repeats.
    fn lacks(&self, step: &Step) -> Option<&'static str> {
        let what = step.component.as_deref();
        match step.op {
            Op::Cordon if self.cordoned => Some("is cordoned already"),
            Op::Uncordon if !self.cordoned => Some("is uncordoned, and was not cordoned before"),
            Op::Uncordon if self.unproved => Some("is uncordoned before it was verified"),
            Op::Stop | Op::Reboot if !self.cordoned => {
                Some("is not cordoned before: something new may come to it")
            }
            Op::Stop if self.stopped.contains(&what) => Some("is stopped already"),
            Op::Reboot if self.restarted => {
                Some("is restarted again, and nothing was updated since then")
            }
            Op::Start if self.stopped.is_empty() => Some("is started, and was not stopped before"),
            Op::Start if self.started => Some("is started already"),
            Op::Verify if !self.unproved => Some("is verified, and nothing was done to it before"),
            Op::Verify if !self.stopped.is_empty() && !self.started && !self.back => {
                Some("is verified, and was stopped and not started before")
            }
            Op::Cordon
            | Op::Uncordon
            | Op::Stop
            | Op::Reboot
            | Op::Start
            | Op::Verify
            | Op::Update
            | Op::Migrate
            | Op::Evict => None,
        }
    }

    fn enter(&mut self, step: &'p Step) {
        match step.op {
            Op::Cordon => self.cordoned = true,
            Op::Uncordon => self.cordoned = false,
            Op::Stop => {
                self.stopped.insert(step.component.as_deref());
                (self.started, self.back, self.unproved) = (false, false, true);
            }
            Op::Reboot => {
                // What was stopped comes back with the host, or by a start.
                self.stopped.insert(None);
                (self.back, self.restarted, self.unproved) = (true, true, true);
            }
            Op::Start => self.started = true,
            Op::Update => (self.restarted, self.unproved) = (false, true),
            Op::Verify => {
                self.stopped.clear();
                self.unproved = false;
            }
            Op::Migrate | Op::Evict => {}
        }
    }
}

/// The target of a step, unless it is about something else.
fn target(step: &Step) -> Result<Option<Target<'_>>, String> {
    if matches!(step.op, Op::Migrate | Op::Evict) {
        return Ok(None);
    }
    match (&step.host, &step.node) {
        (Some(host), None) => Ok(Some(Target::Host(host))),
        (None, Some(node)) => Ok(Some(Target::Node(node))),
        (Some(_), Some(_)) => Err(format!("{} names both a host and a node", step.op.name())),
        (None, None) => Err(format!("{} names neither a host nor a node", step.op.name())),
    }
}

/// What a step says of its target that is not so.
fn unfounded(
    course: &Course<'_, '_>,
    state: &State<'_>,
    target: Target<'_>,
    step: &Step,
) -> Option<String> {
    let ground = course.ground;
    let host = ground.hosts.get(target.id()).map(|&h| ground.host(h));
    if host.is_some_and(|h| h.state == HostState::Down) {
        return Some("is down from the start: nobody knows what becomes of it".to_owned());
    }
    if step.op != Op::Update {
        return None;
    }
    let component = step.component.as_deref().unwrap_or_default();
    let wanted = ground.wanted.get(target.id()).into_iter().flatten();
    if !wanted.into_iter().any(|want| want.component == component) {
        return Some(format!("gets another `{component}`, which the intent does not want"));
    }
    let [to, version] = [&step.to, &step.version].map(|v| v.as_deref());
    if let (Some(to), Some(version)) = (to, version)
        && to != version
    {
        return Some(format!("gets `{component}` at `{to}` and at `{version}`"));
    }
    let has = state.version(target.id(), component);
    if let Some(from) = step.from.as_deref().filter(|from| Some(*from) != has) {
        let has = has.unwrap_or("-");
        return Some(format!("has `{component}` at `{has}` before it is updated, not `{from}`"));
    }
    let same = has.is_some() && has == version.or(to);
    same.then(|| format!("has `{component}` at `{}` already", has.unwrap_or_default()))
}
