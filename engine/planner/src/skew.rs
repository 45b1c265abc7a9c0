//! How far the versions of Kubernetes' components are apart as a plan goes on.
//!
//! A wave updates one component after the other, each on all its nodes at the
//! same time: meanwhile any of these has the old version or the new one. So it is
//! enough to know how many of a cluster have which version, before the wave and
//! while it goes on.
//!
//! Source: Kubernetes version skew policy; the limits are those of the table.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_model::fleet::Cluster;
use tidegate_model::plan::{Blocked, BlockedCode};
use tidegate_model::versions::{Before, Limits, Skew, VersionRules, Within};

use crate::arena::{Id, at, at_mut};
use crate::block::blocked;
use crate::select::Job;
use crate::steps;

/// A minor version as a number, majors far apart; absent if it is not known.
type Rank = Option<i64>;

/// By component: how many have which version.
type Counts<'f> = BTreeMap<&'f str, BTreeMap<Rank, usize>>;

/// By component in the order of updates: how many go from which version to which.
type Moves<'f> = BTreeMap<(usize, &'f str), BTreeMap<(Rank, Rank), usize>>;

/// The versions that the nodes of a wave are going to have, by cluster.
#[derive(Debug, Clone, Default)]
pub(crate) struct Coming<'f>(BTreeMap<&'f str, Moves<'f>>);

/// The versions of all nodes.
#[derive(Debug, Clone)]
pub(crate) struct Versions<'f> {
    rules: &'f VersionRules,
    cluster: &'f Cluster,
    /// By node: what runs on it.
    on: Vec<BTreeMap<&'f str, Rank>>,
    /// By cluster.
    counts: BTreeMap<&'f str, Counts<'f>>,
}

impl<'f> Versions<'f> {
    pub(crate) fn new(cluster: &'f Cluster, rules: &'f VersionRules) -> Self {
        let limited = || rules.skew.iter().flat_map(|s| [s.component.as_str(), &s.beside]);
        let mut on = Vec::with_capacity(cluster.nodes.len());
        let mut counts: BTreeMap<&str, Counts<'_>> = BTreeMap::new();
        for node in &cluster.nodes {
            let runs = limited().filter(|c| node.runs(c));
            let ranks: BTreeMap<&str, Rank> =
                runs.map(|c| (c, node.version_of(c).and_then(rank))).collect();
            let counts = counts.entry(&node.cluster).or_default();
            for (component, rank) in ranks.iter().filter(|(c, _)| !node.own_apiserver.contains(**c))
            {
                *counts.entry(component).or_default().entry(*rank).or_default() += 1;
            }
            on.push(ranks);
        }
        for plane in &cluster.control_planes {
            let counts = counts.entry(&plane.id).or_default();
            for (component, version) in &plane.components {
                *counts.entry(component).or_default().entry(rank(version)).or_default() += 1;
            }
        }
        Self { rules, cluster, on, counts }
    }

    /// Whether a component on a node has to do with no other node.
    fn keeps_to_itself(&self, node: Id, component: &str) -> bool {
        self.cluster.nodes.get(node).is_some_and(|n| n.own_apiserver.contains(component))
    }

    fn name(&self, node: Id) -> &'f str {
        self.cluster.nodes.get(node).map_or("", |n| n.cluster.as_str())
    }

    /// Takes a node into a wave if nothing is too far from anything else at any
    /// time then.
    pub(crate) fn join(&self, coming: &mut Coming<'f>, node: Id, job: &Job<'f>) -> bool {
        let name = self.name(node);
        let before = coming.0.get(name).cloned();
        let changes = coming.0.entry(name).or_default();
        let mut own = at(&self.on, node).clone();
        let mut fits = true;
        for (component, _, to) in &job.updates {
            let Some(old) = own.get(component).copied() else { continue };
            let new = rank(to);
            if !self.keeps_to_itself(node, component) {
                let place = self.rules.order.iter().position(|c| c == component);
                let of = changes.entry((place.unwrap_or(usize::MAX), *component)).or_default();
                *of.entry((old, new)).or_default() += 1;
            }
            own.insert(component, new);
            fits &= new.is_some() && self.fits_node(node, &own, component);
        }
        if fits && self.fits_cluster(name, coming) {
            return true;
        }
        match before {
            Some(before) => drop(coming.0.insert(name, before)),
            None => drop(coming.0.remove(name)),
        }
        false
    }

    /// The rules that a change of a component could break.
    fn rules(&self, component: &str) -> impl Iterator<Item = &'f Skew> {
        self.rules.skew.iter().filter(move |s| s.component == component || s.beside == component)
    }

    /// Which of its components a node's own ones have to be near to.
    fn within(&self, node: Id, rule: &Skew) -> Within {
        if self.keeps_to_itself(node, &rule.component) { Within::Node } else { rule.within }
    }

    fn fits_node(&self, node: Id, own: &BTreeMap<&str, Rank>, component: &str) -> bool {
        self.rules(component).filter(|rule| self.within(node, rule) == Within::Node).all(|rule| {
            match (own.get(rule.component.as_str()), own.get(rule.beside.as_str())) {
                (None, _) => true,
                (Some(one), other) => near(rule, *one, other.copied().flatten()),
            }
        })
    }

    fn fits_cluster(&self, name: &str, coming: &Coming<'f>) -> bool {
        let mut counts = self.counts.get(name).cloned().unwrap_or_default();
        for ((_, component), changes) in coming.0.get(name).into_iter().flatten() {
            let of = counts.entry(component).or_default();
            for ((_, new), count) in changes {
                *of.entry(*new).or_default() += count;
            }
            let fits = |(old, new): &(Rank, Rank)| {
                self.rules(component).filter(|rule| rule.within == Within::Cluster).all(|rule| {
                    let other = if rule.component == *component {
                        rule.beside.as_str()
                    } else {
                        rule.component.as_str()
                    };
                    // Both its versions are counted where it is compared with its own kind.
                    let mine = |rank: &Rank| {
                        let both = usize::from(rank == old) + usize::from(rank == new);
                        if other == *component { both } else { 0 }
                    };
                    let mut others = counts.get(other).into_iter().flatten().peekable();
                    // Without an API server that is known nothing is near it.
                    let known = others.peek().is_some() || rule.component != *component;
                    known
                        && others.filter(|(rank, count)| **count > mine(rank)).all(|(rank, _)| {
                            let (one, beside) = if rule.component == *component {
                                (*new, *rank)
                            } else {
                                (*rank, *new)
                            };
                            near(rule, one, beside)
                        })
                })
            };
            if !changes.keys().all(fits) {
                return false;
            }
            let of = counts.entry(component).or_default();
            for ((old, _), count) in changes {
                if let Some(left) = of.get_mut(old) {
                    *left = left.saturating_sub(*count);
                }
            }
        }
        true
    }

    /// Notes that a node is updated.
    pub(crate) fn update(&mut self, node: Id, job: &Job<'f>) {
        for (component, _, to) in &job.updates {
            self.set(node, component, rank(to));
        }
    }

    /// Takes that back.
    pub(crate) fn undo(&mut self, node: Id, job: &Job<'f>) {
        for (component, from, _) in &job.updates {
            self.set(node, component, from.and_then(rank));
        }
    }

    fn set(&mut self, node: Id, component: &'f str, new: Rank) {
        let name = self.name(node);
        let Some(held) = at_mut(&mut self.on, node).get_mut(component) else { return };
        let old = std::mem::replace(held, new);
        if self.keeps_to_itself(node, component) {
            return;
        }
        let counts = self.counts.entry(name).or_default().entry(component).or_default();
        if let Some(count) = counts.get_mut(&old) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&old);
            }
        }
        *counts.entry(new).or_default() += 1;
    }

    /// Why a node cannot be updated alone as things stand: which two would be too
    /// far apart, and how far they may be.
    pub(crate) fn refused(&self, id: &str, node: Id, job: &Job<'f>) -> Option<Blocked> {
        let mut own = at(&self.on, node).clone();
        for (component, _, to) in &job.updates {
            if !own.contains_key(component) {
                continue;
            }
            let new = rank(to);
            own.insert(component, new);
            for rule in self.rules(component) {
                let forward = rule.component == *component;
                let other = if forward { rule.beside.as_str() } else { &rule.component };
                let within = if forward { self.within(node, rule) } else { rule.within };
                let mut others = match within {
                    Within::Node => Vec::new(),
                    Within::Cluster => self.others(node, other),
                };
                if let Some(mine) = own.get(other).filter(|_| other != *component) {
                    others.push((id, *mine));
                }
                if others.is_empty() && forward && other != *component {
                    others.push((self.name(node), None));
                }
                let pair = |theirs: Rank| if forward { (new, theirs) } else { (theirs, new) };
                let far =
                    |(_, theirs): &(&str, Rank)| !near(rule, pair(*theirs).0, pair(*theirs).1);
                let Some((on, theirs)) = others.into_iter().find(far) else { continue };
                let version = theirs.map(|r| format!("{}.{}", r / MAJOR, r % MAJOR));
                let Limits { older, newer } = limits(rule, pair(theirs).0);
                let numbers: [(&str, Value); 8] = [
                    ("component", json!(component)),
                    ("to", json!(to)),
                    ("beside", json!(other)),
                    ("on", json!(on)),
                    ("version", json!(version)),
                    ("limited", json!(rule.component)),
                    ("may_be_older_by", json!(older)),
                    ("may_be_newer_by", json!(newer)),
                ];
                let fix = match version {
                    Some(_) => format!(
                        "bring `{other}` on `{on}` nearer to `{to}` first, in a plan of its own"
                    ),
                    None => format!("tell the version of `{other}` on `{on}`"),
                };
                return Some(blocked(id, BlockedCode::Version, &numbers, fix));
            }
        }
        None
    }

    /// A component on the other nodes of a cluster, and on its control plane
    /// elsewhere.
    fn others(&self, node: Id, component: &str) -> Vec<(&'f str, Rank)> {
        let name = self.name(node);
        let nodes = self.cluster.nodes.iter().zip(&self.on).enumerate();
        let nodes = nodes.filter(|(n, (other, _))| {
            *n != node && other.cluster == name && !other.own_apiserver.contains(component)
        });
        let nodes =
            nodes.filter_map(|(_, (other, on))| Some((other.id.as_str(), *on.get(component)?)));
        let planes = self.cluster.control_planes.iter().filter(|p| p.id == name);
        let planes =
            planes.filter_map(|p| Some((p.id.as_str(), rank(p.components.get(component)?))));
        nodes.chain(planes).collect()
    }
}

/// Majors are so far apart.
const MAJOR: i64 = 100_000;

fn rank(version: &str) -> Rank {
    let parts = steps::parts(version);
    let [major, minor] = [parts.first()?, parts.get(1)?].map(|n| i64::try_from(*n).ok());
    major?.checked_mul(MAJOR)?.checked_add(minor?)
}

/// The limits for a version of the component that is limited.
fn limits(rule: &Skew, of: Rank) -> Limits {
    let old = |b: &&Before| rank(&b.version).is_some_and(|b| of < Some(b));
    rule.before.as_ref().filter(old).map_or(rule.limits, |b| b.limits)
}

/// Whether one component is near enough to the one that limits it; what is not
/// known is not.
fn near(rule: &Skew, one: Rank, beside: Rank) -> bool {
    let (Some(a), Some(b)) = (one, beside) else { return false };
    let Limits { older, newer } = limits(rule, one);
    a - b <= i64::from(newer) && b - a <= i64::from(older)
}
