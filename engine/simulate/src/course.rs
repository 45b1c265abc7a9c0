//! The fleet as it is when a plan was followed so far.

use std::collections::{BTreeSet, HashMap};

use tidegate_model::fleet::{Fleet, HostState};
use tidegate_model::plan::{Op, Plan, Step, Wave};

/// How far a plan was followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Waves that were begun; 0 before the first.
    pub wave: u32,
    /// Phases of the last of them that are done; all of them if absent.
    pub phase: Option<u32>,
}

/// A fleet on its way through a plan.
#[derive(Debug, Clone)]
pub struct Course<'p> {
    /// Where everything is now.
    pub fleet: Fleet,
    /// Hosts that the plan keeps from taking work at this moment.
    pub out: BTreeSet<&'p str>,
    /// Hosts that the plan has stopped at this moment.
    pub down: BTreeSet<&'p str>,
    hosts: HashMap<String, usize>,
    vms: HashMap<String, usize>,
}

impl<'p> Course<'p> {
    /// A fleet before any wave.
    #[must_use]
    pub fn new(fleet: &Fleet) -> Self {
        let ids = |all: &mut dyn Iterator<Item = &String>| {
            all.enumerate().map(|(n, id)| (id.clone(), n)).collect()
        };
        Self {
            hosts: ids(&mut fleet.hosts.iter().map(|h| &h.id)),
            vms: ids(&mut fleet.vms.iter().map(|v| &v.id)),
            fleet: fleet.clone(),
            out: BTreeSet::new(),
            down: BTreeSet::new(),
        }
    }

    /// Where a plan has been followed up to a point.
    #[must_use]
    pub fn at(fleet: &Fleet, plan: &'p Plan, point: Point) -> Self {
        let mut course = Self::new(fleet);
        for wave in plan.waves.iter().take(point.wave as usize) {
            let last = point.phase.filter(|_| wave.n == point.wave);
            course.run(wave, last);
        }
        course
    }

    /// Follows a wave, up to and including a phase if one is given. Steps that
    /// name what is not there change nothing: whether a plan is safe, the checker
    /// says.
    pub fn run(&mut self, wave: &'p Wave, last: Option<u32>) {
        let phases: BTreeSet<u32> = wave.steps.iter().map(|s| s.phase).collect();
        for phase in phases.into_iter().filter(|phase| last.is_none_or(|last| *phase <= last)) {
            self.phase(wave, phase);
        }
    }

    /// Follows one phase of a wave.
    pub fn phase(&mut self, wave: &'p Wave, phase: u32) {
        for step in wave.steps.iter().filter(|s| s.phase == phase) {
            self.step(step);
        }
    }

    fn step(&mut self, step: &'p Step) {
        let host = step.host.as_deref();
        match step.op {
            Op::Cordon => self.out.extend(host),
            Op::Uncordon => self.out.retain(|h| Some(*h) != host),
            Op::Stop | Op::Reboot => self.down.extend(host),
            Op::Verify => self.down.retain(|h| Some(*h) != host),
            Op::Start => {}
            Op::Migrate => {
                let vm = step.vm.as_ref().and_then(|id| self.vms.get(id));
                if let (Some(vm), Some(to)) =
                    (vm.and_then(|n| self.fleet.vms.get_mut(*n)), &step.to)
                {
                    vm.host.clone_from(to);
                }
            }
            Op::Evict => {
                let mut pods = self.fleet.kubernetes.iter_mut().flat_map(|k| &mut k.pods);
                if let (Some(pod), Some(to)) =
                    (pods.find(|p| Some(&p.id) == step.pod.as_ref()), &step.to)
                {
                    pod.node.clone_from(to);
                }
            }
            Op::Update => self.update(step),
        }
    }

    fn update(&mut self, step: &Step) {
        let Some(version) = step.version.as_ref().or(step.to.as_ref()) else { return };
        if let Some(id) = &step.host {
            let host = self.hosts.get(id).and_then(|n| self.fleet.hosts.get_mut(*n));
            if let (Some(host), Some(component)) = (host, &step.component) {
                host.version.insert(component.clone(), version.clone());
            }
            return;
        }
        let mut nodes = self.fleet.kubernetes.iter_mut().flat_map(|k| &mut k.nodes);
        if let (Some(node), Some(component)) =
            (nodes.find(|n| Some(&n.id) == step.node.as_ref()), &step.component)
        {
            node.set_version(component, version);
        }
    }

    /// Whether a host takes work at this moment.
    pub(crate) fn takes(&self, host: &tidegate_model::fleet::Host) -> bool {
        let id = host.id.as_str();
        host.state == HostState::Up && !self.out.contains(id) && !self.down.contains(id)
    }
}
