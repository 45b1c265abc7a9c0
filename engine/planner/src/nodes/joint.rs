//! Hosts that are nodes, too: one target, which a wave empties of virtual machines and of
//! pods.
//!
//! Which hosts a wave takes follows from what is on them in virtual machines; here it is seen
//! whether their pods can leave as well.

use std::collections::BTreeSet;

use tidegate_model::intent::Intent;
use tidegate_model::plan::{Blocked, Op, Step, Wave};
use tidegate_model::versions::{On, VersionRules};

use super::drain::Batch;
use super::{Evictions, Jobs, Pods};
use crate::arena::{Id, at};
use crate::schedule::step;

impl<'f> Pods<'f> {
    /// Evicts what must leave those of a wave's hosts that are nodes, control planes first.
    /// `waiting` are the hosts that are still to come. Where one cannot be drained with those
    /// before it nothing is changed, and those that cannot are given.
    pub(crate) fn join(
        &mut self,
        intent: &Intent,
        jobs: &Jobs<'f>,
        hosts: &[&'f str],
        waiting: &BTreeSet<&str>,
    ) -> Result<Evictions, Vec<&'f str>> {
        let mut nodes: Vec<(&str, Id)> =
            hosts.iter().filter_map(|id| Some((*id, *self.nodes.get(id)?))).collect();
        nodes.sort_by_key(|(id, node)| (!self.node(*node).control_plane, *id));
        let waiting = waiting.iter().filter_map(|id| self.nodes.get(id)).copied().collect();
        let mut batch = Batch::default();
        let mut refused = Vec::new();
        for &(id, node) in &nodes {
            let taken = batch.evicted.iter().any(|(_, _, to)| *to == node);
            let mut admit = |job| self.admit(intent, job, node, &mut batch, &waiting);
            if taken || !jobs.get(id).is_some_and(&mut admit) {
                refused.push(id);
            }
        }
        if !refused.is_empty() {
            self.take_back(&batch.evicted);
            return Err(refused);
        }
        for (node, job) in nodes.iter().filter_map(|(id, node)| Some((node, jobs.get(id)?))) {
            self.versions.update(*node, job);
        }
        Ok(batch.evicted)
    }

    /// Why a node could not be drained alone as things stand; absent if it could.
    pub(crate) fn fails(
        &mut self,
        intent: &Intent,
        id: &'f str,
        jobs: &Jobs<'f>,
    ) -> Option<Blocked> {
        let (node, job) = (*self.nodes.get(id)?, jobs.get(id)?);
        let mut batch = Batch::default();
        if self.admit(intent, job, node, &mut batch, &BTreeSet::new()) {
            self.take_back(&batch.evicted);
            return None;
        }
        Some(self.stuck(id, job))
    }

    /// Writes what is done to the nodes into a wave of hosts, beside what is done to the hosts
    /// that they are.
    pub(crate) fn write(&self, rules: &VersionRules, wave: &mut Wave, evictions: &Evictions) {
        let joint = |host: &Option<String>| {
            host.as_deref().filter(|id| self.nodes.contains_key(id)).map(str::to_owned)
        };
        let cordon = wave.steps.iter().find(|s| s.op == Op::Cordon).map_or(1, |s| s.phase);
        let moving = |s: &Step| s.op == Op::Migrate && s.phase == cordon + 1;
        if !evictions.is_empty() && !wave.steps.iter().any(moving) {
            let after = wave.steps.iter_mut().filter(|s| s.phase > cordon);
            after.for_each(|step| step.phase += 1);
        }
        let mut updated: BTreeSet<String> = BTreeSet::new();
        for step in wave.steps.iter_mut().filter(|s| s.op == Op::Update) {
            let of_node = step.component.as_ref().and_then(|c| rules.components.get(c));
            if let Some(id) =
                joint(&step.host).filter(|_| of_node.is_some_and(|c| c.on == On::Nodes))
            {
                step.host = None;
                step.node = Some(id.clone());
                updated.insert(id);
            }
        }
        let mut steps = Vec::with_capacity(wave.steps.len());
        for step in std::mem::take(&mut wave.steps) {
            let both = match step.op {
                Op::Cordon | Op::Uncordon => joint(&step.host),
                Op::Verify => joint(&step.host).filter(|id| updated.contains(id)),
                Op::Stop | Op::Update | Op::Reboot | Op::Start | Op::Migrate | Op::Evict => None,
            };
            let copy = both.map(|id| Step {
                id: format!("{}/node", step.id),
                host: None,
                node: Some(id),
                ..step.clone()
            });
            steps.push(step);
            steps.extend(copy);
        }
        for (count, (pod, from, to)) in evictions.iter().enumerate() {
            steps.push(Step {
                pod: Some(self.pod(*pod).id.clone()),
                from: Some(self.node(*from).id.clone()),
                to: Some(self.node(*to).id.clone()),
                ..step(format!("{}/evict/{count:06}", wave.n), cordon + 1, Op::Evict)
            });
        }
        steps.sort_by_key(|step| step.phase);
        wave.steps = steps;
        let nodes = wave.targets.iter().filter(|id| self.nodes.contains_key(id.as_str()));
        let mut reads: BTreeSet<String> = nodes.map(|id| format!("node/{id}")).collect();
        reads.extend(self.reads(evictions));
        reads.extend(std::mem::take(&mut wave.reads));
        wave.reads = reads.into_iter().collect();
    }

    /// What evictions depend on: where pods go, and the budgets that cover them.
    pub(super) fn reads(&self, evictions: &Evictions) -> BTreeSet<String> {
        let mut reads = BTreeSet::new();
        for (pod, _, to) in evictions {
            reads.insert(format!("node/{}", self.node(*to).id));
            let budgets = at(&self.budgets, *pod).iter().filter_map(|b| self.cluster.pdbs.get(*b));
            reads.extend(budgets.map(|b| format!("pdb/{}", b.id)));
        }
        reads
    }
}
