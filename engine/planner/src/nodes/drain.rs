//! Emptying nodes: which pods leave, within their budgets, and which nodes take them.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::fleet::{Amount, Node, Pod, Taint, Toleration};
use tidegate_model::intent::Intent;

use super::{Evictions, Pods};
use crate::arena::{Id, at, at_mut};
use crate::select::Job;
use crate::skew::Coming;

/// The nodes of a wave.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch<'f> {
    pub(super) cordoned: BTreeSet<Id>,
    pub(super) evicted: Evictions,
    /// By budget: how many of its pods are evicted.
    pub(super) spent: BTreeMap<Id, u32>,
    /// Clusters with a control-plane node among them.
    pub(super) planes: BTreeSet<&'f str>,
    /// By cluster: how many of its nodes are among them.
    pub(super) pools: BTreeMap<&'f str, u32>,
    pub(super) coming: Coming<'f>,
}

impl<'f> Pods<'f> {
    /// Takes a node into a wave if that may have one more of its cluster and all pods that must
    /// leave it can. Pods go to nodes that wait themselves only if no other takes them.
    pub(super) fn admit(
        &mut self,
        intent: &Intent,
        job: &Job<'f>,
        node: Id,
        wave: &mut Batch<'f>,
        waiting: &BTreeSet<Id>,
    ) -> bool {
        let facts = self.node(node);
        let limit = intent.max_unavailable.get(&facts.cluster);
        let out = wave.pools.get(facts.cluster.as_str()).copied().unwrap_or(0);
        let plane = wave.planes.contains(facts.cluster.as_str());
        if limit.is_some_and(|l| out >= *l) || (plane && facts.control_plane) {
            return false;
        }
        let before = wave.coming.clone();
        if !self.versions.join(&mut wave.coming, node, job) {
            return false;
        }
        wave.cordoned.insert(node);
        let none = BTreeSet::new();
        let ways = [(false, waiting), (true, waiting), (false, &none), (true, &none)];
        let Batch { cordoned, evicted, spent, .. } = wave;
        let taken =
            ways.into_iter().find_map(|way| self.drain(node, (&*cordoned, &*evicted), way, spent));
        let Some(taken) = taken else {
            wave.cordoned.remove(&node);
            wave.coming = before;
            return false;
        };
        wave.evicted.extend(taken);
        *wave.pools.entry(&facts.cluster).or_default() += 1;
        if facts.control_plane {
            wave.planes.insert(&facts.cluster);
        }
        true
    }

    /// Takes evictions back.
    pub(super) fn take_back(&mut self, evictions: &Evictions) {
        for &(pod, from, _) in evictions.iter().rev() {
            self.lift(pod);
            self.drop_on(pod, from);
        }
    }

    /// Moves all that must leave a node; takes everything back if one does not
    /// fit or a budget is spent. In order of pods or the largest first; to nodes
    /// that wait themselves only if no other takes one. `evicted` is what the wave
    /// evicts already.
    pub(super) fn drain(
        &mut self,
        node: Id,
        (cordoned, evicted): (&BTreeSet<Id>, &Evictions),
        (largest, waiting): (bool, &BTreeSet<Id>),
        spent: &mut BTreeMap<Id, u32>,
    ) -> Option<Evictions> {
        let mut pods = self.leaving(node);
        if largest {
            let size = |p: &Id| self.pod(*p).requests.values().copied().sum::<Amount>();
            pods.sort_by_key(|p| std::cmp::Reverse(size(p)));
        }
        let mut counts = spent.clone();
        for budget in pods.iter().filter_map(|pod| at(&self.budgets, *pod).first()) {
            let count = counts.entry(*budget).or_default();
            *count += 1;
            if self.cluster.pdbs.get(*budget).is_none_or(|p| *count > p.disruptions_allowed) {
                return None;
            }
        }
        // All leave at once: nobody is counted where it was (spread constraints).
        pods.iter().for_each(|pod| self.lift(*pod));
        let mut done: Evictions = Vec::new();
        for pod in &pods {
            let Some(to) = self.find(*pod, node, cordoned, waiting) else { break };
            self.drop_on(*pod, to);
            done.push((*pod, node, to));
        }
        if done.len() == pods.len() && self.fit_together(evicted, &done) {
            *spent = counts;
            return Some(done);
        }
        for pod in pods {
            self.lift(pod);
            self.drop_on(pod, node);
        }
        None
    }

    /// Whether what other nodes of a wave evict still fits where it goes when what one more
    /// evicts is on its way, too, and the other way round.
    fn fit_together(&mut self, evicted: &Evictions, more: &Evictions) -> bool {
        if evicted.is_empty() {
            return true;
        }
        let all = || evicted.iter().chain(more);
        all().for_each(|(pod, _, _)| self.lift(*pod));
        let mut fits = true;
        for (pod, _, to) in all() {
            fits &= self.fits(*pod, *to);
            self.drop_on(*pod, *to);
        }
        fits
    }

    pub(super) fn lift(&mut self, pod: Id) {
        if let Some(node) = at_mut(&mut self.place, pod).take() {
            at_mut(&mut self.on, node).retain(|p| *p != pod);
        }
    }

    pub(super) fn drop_on(&mut self, pod: Id, node: Id) {
        *at_mut(&mut self.place, pod) = Some(node);
        at_mut(&mut self.on, node).push(pod);
    }

    /// A node for a pod: one that is done or no target if there is any.
    pub(super) fn find(
        &self,
        pod: Id,
        from: Id,
        cordoned: &BTreeSet<Id>,
        waiting: &BTreeSet<Id>,
    ) -> Option<Id> {
        let home = &self.node(from).cluster;
        let takes =
            |n: &Id| !cordoned.contains(n) && self.node(*n).cluster == *home && self.fits(pod, *n);
        let nodes = || 0..self.cluster.nodes.len();
        let done = nodes().filter(|n| !waiting.contains(n)).find(takes);
        done.or_else(|| nodes().filter(|n| waiting.contains(n)).find(takes))
    }

    fn fits(&self, pod: Id, node: Id) -> bool {
        let (pod, facts) = (self.pod(pod), self.node(node));
        let here = || at(&self.on, node).iter().map(|p| self.pod(*p));
        let room = pod.requests.iter().all(|(class, wanted)| {
            let used: Amount = here().filter_map(|p| p.requests.get(class)).copied().sum();
            used + *wanted <= facts.allocatable.get(class).copied().unwrap_or_default()
        });
        let labels = pod.node_selector.iter().all(|(k, v)| facts.labels.get(k) == Some(v));
        let taints = facts.taints.iter().all(|taint| {
            taint.effect == "PreferNoSchedule" || pod.tolerations.iter().any(|t| bears(t, taint))
        });
        let zone = facts.zone.as_ref().or(facts.labels.get("topology.kubernetes.io/zone"));
        let volumes = pod.volumes_zone.is_none() || pod.volumes_zone.as_ref() == zone;
        let apart = here().all(|other| {
            !pod.anti_affinity.iter().any(|l| matches(l, other))
                && !other.anti_affinity.iter().any(|l| matches(l, pod))
        });
        !self.dead.contains(&node)
            && room
            && labels
            && taints
            && volumes
            && apart
            && self.spreads(pod, facts)
    }

    fn spreads(&self, pod: &Pod, node: &Node) -> bool {
        pod.spread.iter().all(|spread| {
            let Some(domain) = node.labels.get(&spread.topology_key) else { return false };
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for (n, other) in self.cluster.nodes.iter().enumerate() {
                if let Some(domain) = other.labels.get(&spread.topology_key) {
                    let here = at(&self.on, n).iter().map(|p| self.pod(*p));
                    let count = here.filter(|p| matches(&spread.labels, p)).count() as u64;
                    *counts.entry(domain).or_default() += count;
                }
            }
            let least = counts.values().copied().min().unwrap_or(0);
            let there = counts.get(domain.as_str()).copied().unwrap_or(0) + 1;
            there.saturating_sub(least) <= u64::from(spread.max_skew)
        })
    }
}

fn matches(labels: &BTreeMap<String, String>, pod: &Pod) -> bool {
    labels.iter().all(|(k, v)| pod.labels.get(k) == Some(v))
}

fn bears(t: &Toleration, taint: &Taint) -> bool {
    let exists = t.operator == "Exists";
    match &t.key {
        None => exists && t.effect.as_ref().is_none_or(|e| *e == taint.effect),
        Some(key) => {
            *key == taint.key
                && (exists || t.value == taint.value)
                && t.effect.as_ref().is_none_or(|e| *e == taint.effect)
        }
    }
}
