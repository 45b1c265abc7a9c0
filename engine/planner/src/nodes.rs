//! Waves of Kubernetes nodes: drained within their disruption budgets, control
//! plane first and one at a time.

mod drain;
mod joint;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;
use tidegate_model::Fleet;
use tidegate_model::fleet::{Cluster, HostState, Node, Pod};
use tidegate_model::intent::Intent;
use tidegate_model::plan::{Blocked, BlockedCode, Op, Step, Wave};
use tidegate_model::versions::VersionRules;

use crate::arena::{Id, at, at_mut};
use crate::block::{self, blocked};
use crate::schedule::{components, step};
use crate::select::Job;
use crate::skew::Versions;

use drain::Batch;

/// Where pods are as a plan goes on.
pub(crate) struct Pods<'f> {
    cluster: &'f Cluster,
    nodes: HashMap<&'f str, Id>,
    /// By pod: its node.
    place: Vec<Option<Id>>,
    on: Vec<Vec<Id>>,
    /// By pod: the budgets that cover it.
    budgets: Vec<Vec<Id>>,
    /// Nodes that do not run: the host that they are, or are on, is down.
    dead: BTreeSet<Id>,
    versions: Versions<'f>,
}

/// What is moved off nodes: pod, from, to.
pub(crate) type Evictions = Vec<(Id, Id, Id)>;

/// What is done to targets.
pub(crate) type Jobs<'f> = BTreeMap<&'f str, Job<'f>>;

impl<'f> Pods<'f> {
    pub(crate) fn new(fleet: &'f Fleet, cluster: &'f Cluster, rules: &'f VersionRules) -> Self {
        let nodes: HashMap<&str, Id> =
            cluster.nodes.iter().enumerate().map(|(n, node)| (node.id.as_str(), n)).collect();
        let pods: HashMap<&str, Id> =
            cluster.pods.iter().enumerate().map(|(n, pod)| (pod.id.as_str(), n)).collect();
        let place: Vec<Option<Id>> =
            cluster.pods.iter().map(|p| nodes.get(p.node.as_str()).copied()).collect();
        let mut on = vec![Vec::new(); cluster.nodes.len()];
        for (pod, node) in place.iter().enumerate() {
            if let Some(node) = node {
                at_mut(&mut on, *node).push(pod);
            }
        }
        let mut budgets = vec![Vec::new(); cluster.pods.len()];
        for (n, pdb) in cluster.pdbs.iter().enumerate() {
            for pod in pdb.pods.iter().filter_map(|p| pods.get(p.as_str())) {
                at_mut(&mut budgets, *pod).push(n);
            }
        }
        let versions = Versions::new(cluster, rules);
        let down = fleet.hosts.iter().filter(|h| h.state == HostState::Down);
        let down: BTreeSet<&str> = down.map(|h| h.id.as_str()).collect();
        let below: HashMap<&str, &str> = match down.is_empty() {
            true => HashMap::new(),
            false => fleet.vms.iter().map(|v| (v.id.as_str(), v.host.as_str())).collect(),
        };
        let dead = |node: &Node| {
            let host = node.vm.as_deref().and_then(|vm| below.get(vm));
            down.contains(node.id.as_str()) || host.is_some_and(|host| down.contains(host))
        };
        let dead = cluster.nodes.iter().enumerate().filter(|(_, node)| dead(node));
        let dead = dead.map(|(n, _)| n).collect();
        Self { cluster, nodes, place, on, budgets, dead, versions }
    }

    fn pod(&self, id: Id) -> &'f Pod {
        at(&self.cluster.pods, id)
    }

    fn node(&self, id: Id) -> &'f Node {
        at(&self.cluster.nodes, id)
    }

    pub(crate) fn is_node(&self, id: &str) -> bool {
        self.nodes.contains_key(id)
    }

    /// Whether a node is of a control plane.
    pub(crate) fn is_plane(&self, id: &str) -> bool {
        self.nodes.get(id).is_some_and(|n| self.node(*n).control_plane)
    }

    /// The zone of a node.
    pub(crate) fn zone(&self, id: &str) -> Option<&'f str> {
        self.nodes.get(id).and_then(|n| self.node(*n).zone.as_deref())
    }

    /// The pods that have to leave a node.
    fn leaving(&self, node: Id) -> Vec<Id> {
        let leaves = |pod: &Id| !stays(self.pod(*pod));
        let mut pods: Vec<Id> = at(&self.on, node).iter().copied().filter(leaves).collect();
        pods.sort_unstable();
        pods
    }

    /// Why a node cannot be drained whatever the plan.
    pub(crate) fn blocked(
        &self,
        id: &str,
        job: &Job<'_>,
        intent: &Intent,
        rules: &VersionRules,
    ) -> Option<Blocked> {
        let node = *self.nodes.get(id)?;
        let mine = |component: &str| self.node(node).runs(component);
        let unknown = job.updates.iter().find(|(c, from, _)| from.is_none() && mine(c));
        if let Some((component, _, to)) = unknown {
            let numbers =
                [("component", json!(component)), ("from", json!(null)), ("to", json!(to))];
            let fix = format!("tell the version of `{component}` on `{id}`");
            return Some(blocked(id, BlockedCode::Version, &numbers, fix));
        }
        if let Some(why) = block::step(rules, id, job) {
            return Some(why);
        }
        let pool = &self.node(node).cluster;
        let none = intent.max_unavailable.get(pool) == Some(&0);
        if none || intent.canary == Some(0) {
            let (numbers, fix) = if none {
                let numbers =
                    [("pool", json!(pool)), ("max_unavailable", json!(0)), ("out", json!(0))];
                (numbers.to_vec(), format!("raise max_unavailable of pool `{pool}` to 1"))
            } else {
                ([("canary", json!(0))].to_vec(), "raise `canary`".to_owned())
            };
            return Some(blocked(id, BlockedCode::Budget, &numbers, fix));
        }
        // All pods of a node go in one wave.
        let mut spent: BTreeMap<Id, u32> = BTreeMap::new();
        for budget in self.leaving(node).iter().flat_map(|p| at(&self.budgets, *p)) {
            *spent.entry(*budget).or_default() += 1;
        }
        for (budget, pods) in spent {
            let Some(pdb) = self.cluster.pdbs.get(budget) else { continue };
            if pods > pdb.disruptions_allowed {
                let numbers = [
                    ("budget", json!(pdb.id)),
                    ("disruptions_allowed", json!(pdb.disruptions_allowed)),
                    ("pods_here", json!(pods)),
                ];
                let fix = match pdb.disruptions_allowed {
                    0 => format!("add a replica, or raise budget `{}`", pdb.id),
                    _ => format!("let budget `{}` allow {pods} disruptions", pdb.id),
                };
                return Some(blocked(id, BlockedCode::Pdb, &numbers, fix));
            }
        }
        for pod in self.leaving(node) {
            let name = &self.pod(pod).id;
            if self.pod(pod).owner.is_none() {
                let fix = format!("delete pod `{name}`, or give it an owner");
                let numbers = [("pod", json!(name)), ("owner", json!(null))];
                return Some(blocked(id, BlockedCode::Pods, &numbers, fix));
            }
            let covering = at(&self.budgets, pod);
            if covering.len() > 1 {
                let budgets = covering.iter().filter_map(|b| self.cluster.pdbs.get(*b));
                let names: Vec<&String> = budgets.map(|b| &b.id).collect();
                let numbers = [("pod", json!(name)), ("budgets", json!(names))];
                let fix = format!("leave only one budget for pod `{name}`");
                return Some(blocked(id, BlockedCode::Pdb, &numbers, fix));
            }
        }
        None
    }

    /// Plans the nodes of one zone; `before` is the size of the wave before in
    /// that zone. Gives waves of nodes with their evictions, and what is left.
    pub(crate) fn waves(
        &mut self,
        intent: &Intent,
        jobs: &BTreeMap<&'f str, Job<'f>>,
        targets: &BTreeSet<&'f str>,
        mut before: Option<usize>,
    ) -> (Vec<(Vec<&'f str>, Evictions)>, BTreeSet<&'f str>) {
        let mut waves = Vec::new();
        let mut open: Vec<&str> = targets.iter().copied().collect();
        let rank = |id: &&str| {
            let node = self.nodes.get(*id).map(|n| self.node(*n));
            (node.is_none_or(|n| !n.control_plane), (*id).to_owned())
        };
        open.sort_by_key(rank);
        let all: BTreeSet<Id> = open.iter().filter_map(|id| self.nodes.get(id).copied()).collect();
        let mut waiting = all;
        while !open.is_empty() {
            let cap = crate::zone::size_cap(intent, before);
            let mut batch: Vec<&str> = Vec::new();
            let mut wave = Batch::default();
            for id in &open {
                let (Some(&node), Some(job)) = (self.nodes.get(id), jobs.get(id)) else { continue };
                if batch.len() >= cap || wave.evicted.iter().any(|(_, _, to)| *to == node) {
                    continue;
                }
                if self.admit(intent, job, node, &mut wave, &waiting) {
                    batch.push(id);
                }
            }
            if batch.is_empty() {
                break;
            }
            for (node, job) in
                batch.iter().filter_map(|id| Some((self.nodes.get(id)?, jobs.get(id)?)))
            {
                self.versions.update(*node, job);
            }
            let Batch { cordoned, evicted, .. } = wave;
            open.retain(|id| !batch.contains(id));
            waiting.retain(|n| !cordoned.contains(n));
            before = Some(batch.len());
            batch.sort_unstable();
            waves.push((batch, evicted));
        }
        (waves, open.into_iter().collect())
    }

    /// Takes back a wave that is not run.
    pub(crate) fn undo(
        &mut self,
        jobs: &BTreeMap<&'f str, Job<'f>>,
        wave: &(Vec<&'f str>, Evictions),
    ) {
        self.take_back(&wave.1);
        for (node, job) in wave.0.iter().filter_map(|id| Some((self.nodes.get(id)?, jobs.get(id)?)))
        {
            self.versions.undo(*node, job);
        }
    }

    /// Why a node is left over when all waves are made: a version would be too far from
    /// another one, or a pod finds no other node as things stand, or all of them together.
    pub(crate) fn stuck(&mut self, id: &str, job: &Job<'f>) -> Blocked {
        let far = self.nodes.get(id).and_then(|n| self.versions.refused(id, *n, job));
        if let Some(why) = far {
            return why;
        }
        let fix = "add a node of its cluster, or free requests on others".to_owned();
        let node = self.nodes.get(id).copied();
        let pods = node.map_or_else(Vec::new, |node| self.leaving(node));
        for (pod, node) in pods.iter().copied().zip(node.into_iter().cycle()) {
            self.lift(pod);
            let none = BTreeSet::new();
            let found = self.find(pod, node, &BTreeSet::from([node]), &none);
            self.drop_on(pod, node);
            if found.is_none() {
                let numbers = [("pod", json!(self.pod(pod).id)), ("nodes", json!(0))];
                return blocked(id, BlockedCode::Pods, &numbers, fix);
            }
        }
        blocked(id, BlockedCode::Pods, &[("pods", json!(pods.len()))], fix)
    }

    /// Writes a wave of nodes.
    pub(crate) fn wave(
        &self,
        jobs: &BTreeMap<&'f str, Job<'f>>,
        n: u32,
        zone: Option<&str>,
        (nodes, evictions): &(Vec<&'f str>, Evictions),
        soak_s: u64,
    ) -> Wave {
        let mut steps: Vec<Step> = Vec::new();
        let mut phase = 1_u32;
        let all = |steps: &mut Vec<Step>, phase: u32, op: Op, name: &str| {
            for node in nodes {
                let step = step(format!("{n}/{name}/{node}"), phase, op);
                steps.push(Step { node: Some((*node).to_owned()), ..step });
            }
        };
        all(&mut steps, phase, Op::Cordon, "cordon");
        if !evictions.is_empty() {
            phase += 1;
        }
        let mut reads: BTreeSet<String> = nodes.iter().map(|n| format!("node/{n}")).collect();
        reads.extend(self.reads(evictions));
        for (count, (pod, from, to)) in evictions.iter().enumerate() {
            let facts = self.pod(*pod);
            steps.push(Step {
                pod: Some(facts.id.clone()),
                from: Some(self.node(*from).id.clone()),
                to: Some(self.node(*to).id.clone()),
                ..step(format!("{n}/evict/{count:06}"), phase, Op::Evict)
            });
        }
        for component in components(jobs, nodes.iter().copied()) {
            phase += 1;
            for node in nodes {
                let updates = jobs.get(node).map(|j| j.updates.as_slice()).unwrap_or_default();
                for (_, from, to) in updates.iter().filter(|u| u.0 == component) {
                    steps.push(Step {
                        node: Some((*node).to_owned()),
                        from: from.map(str::to_owned),
                        to: Some((*to).to_owned()),
                        component: Some(component.to_owned()),
                        version: Some((*to).to_owned()),
                        ..step(format!("{n}/update/{node}/{component}"), phase, Op::Update)
                    });
                }
            }
        }
        let restarts = |id: &&&str| jobs.get(**id).is_some_and(|j| j.reboot);
        if nodes.iter().any(|id| restarts(&id)) {
            phase += 1;
            for node in nodes.iter().filter(restarts) {
                let step = step(format!("{n}/reboot/{node}"), phase, Op::Reboot);
                steps.push(Step { node: Some((*node).to_owned()), ..step });
            }
        }
        for (op, name) in [(Op::Verify, "verify"), (Op::Uncordon, "uncordon")] {
            phase += 1;
            all(&mut steps, phase, op, name);
        }
        Wave {
            n,
            zone: zone.map(str::to_owned),
            targets: nodes.iter().map(|n| (*n).to_owned()).collect(),
            steps,
            reads: reads.into_iter().collect(),
            window: None,
            soak_s,
        }
    }
}

/// A DaemonSet's pods run on every node and go with it.
pub(crate) fn stays(pod: &Pod) -> bool {
    pod.owner.as_deref().is_some_and(|o| o.to_ascii_lowercase().starts_with("daemonset/"))
}
