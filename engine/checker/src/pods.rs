//! K1 and K2: disruption budgets, and where evicted pods go.

use std::collections::BTreeMap;

use tidegate_model::fleet::{Cluster, Node, Pod, Taint, Toleration};
use tidegate_model::plan::Step;

use crate::ground::Ground;
use crate::replay::{Course, Phase};
use crate::state::State;
use crate::{Invariant, Violation};

/// What a wave has evicted so far.
#[derive(Default)]
pub(crate) struct Evictions {
    /// By budget.
    counts: BTreeMap<String, u32>,
}

/// How many pods are left on a node that must leave it.
pub(crate) fn left(ground: &Ground<'_>, state: &State<'_>, phase: &Phase<'_>, node: &str) -> usize {
    let Some(cluster) = &ground.fleet.kubernetes else { return 0 };
    let going = |n: usize| phase.evicts.iter().any(|(pod, _, _)| *pod == n);
    let here = |(n, pod): &(usize, &Pod)| {
        let on = place(cluster, state, *n, pod);
        on == Some(node) && (!stays(pod) || going(*n))
    };
    cluster.pods.iter().enumerate().filter(here).count()
}

/// The pods that must leave a node before it is updated, in order.
pub(crate) fn leaving<'c>(
    cluster: &'c Cluster,
    state: &State<'_>,
    node: &str,
) -> impl Iterator<Item = &'c Pod> {
    let here =
        |(n, pod): &(usize, &Pod)| place(cluster, state, *n, pod) == Some(node) && !stays(pod);
    cluster.pods.iter().enumerate().filter(here).map(|(_, pod)| pod)
}

/// Whether all that must leave a node can, as things stand: within budgets, and
/// to other nodes, in their order or the largest first, each to the first that
/// takes it.
pub(crate) fn drains(ground: &Ground<'_>, state: &State<'_>, node: &str) -> bool {
    let Some(cluster) = &ground.fleet.kubernetes else { return true };
    let Some(&from) = ground.nodes.get(node) else { return true };
    let pods: Vec<&Pod> = leaving(cluster, state, node).collect();
    let allowed = |pod: &&Pod| {
        let mut covering = cluster.pdbs.iter().filter(|p| p.pods.contains(&pod.id));
        let within = covering.next().is_none_or(|pdb| {
            let here = pods.iter().filter(|p| pdb.pods.contains(&p.id)).count() as u64;
            here <= u64::from(pdb.disruptions_allowed)
        });
        within && covering.next().is_none() && pod.owner.is_some()
    };
    let size = |pod: &&Pod| pod.requests.values().copied().sum::<tidegate_model::fleet::Amount>();
    let mut largest = pods.clone();
    largest.sort_by_key(|pod| std::cmp::Reverse(size(pod)));
    pods.iter().all(allowed)
        && [&pods, &largest].into_iter().any(|order| {
            let mut on: BTreeMap<usize, Vec<&Pod>> = BTreeMap::new();
            for (n, pod) in cluster.pods.iter().enumerate() {
                let at = place(cluster, state, n, pod).and_then(|id| ground.nodes.get(id));
                if let Some(&at) = at.filter(|at| **at != from || stays(pod)) {
                    on.entry(at).or_default().push(pod);
                }
            }
            let home = cluster.nodes.get(from).map(|n| &n.cluster);
            order.iter().all(|pod| {
                let mut nodes = cluster.nodes.iter().enumerate();
                let takes = |(n, node): &(usize, &Node)| {
                    *n != from
                        && Some(&node.cluster) == home
                        && !dead(ground, state, node)
                        && refuses(cluster, &on, *n, node, pod).is_none()
                };
                let to = nodes.find(takes).map(|(n, _)| n);
                to.map(|to| on.entry(to).or_default().push(pod)).is_some()
            })
        })
}

/// How many nodes of its cluster besides its own would take a pod, as things stand.
pub(crate) fn homes(ground: &Ground<'_>, state: &State<'_>, node: &str, id: &str) -> usize {
    let Some(cluster) = &ground.fleet.kubernetes else { return 0 };
    let (Some(&from), Some(&pod)) = (ground.nodes.get(node), ground.pods.get(id)) else {
        return 0;
    };
    let mut on: BTreeMap<usize, Vec<&Pod>> = BTreeMap::new();
    for (n, other) in cluster.pods.iter().enumerate().filter(|(n, _)| *n != pod) {
        let at = place(cluster, state, n, other).and_then(|id| ground.nodes.get(id));
        if let Some(&at) = at {
            on.entry(at).or_default().push(other);
        }
    }
    let home = cluster.nodes.get(from).map(|n| &n.cluster);
    let takes = |(n, node): &(usize, &Node)| {
        let pod = cluster.pods.get(pod);
        let fits = pod.is_some_and(|pod| refuses(cluster, &on, *n, node, pod).is_none());
        *n != from && Some(&node.cluster) == home && !dead(ground, state, node) && fits
    };
    cluster.nodes.iter().enumerate().filter(takes).count()
}

/// Whether a node does not run: the host that it is, or that its virtual machine is on, is
/// down.
fn dead(ground: &Ground<'_>, state: &State<'_>, node: &Node) -> bool {
    let below = node.vm.as_deref().and_then(|vm| ground.vms.get(vm)).map(|vm| state.place[*vm]);
    let hosts = [ground.hosts.get(node.id.as_str()).copied(), below];
    hosts.into_iter().flatten().any(|host| state.is_down(host))
}

/// What is wrong with a host that is a node as well, when it is stopped or updated: pods are
/// on it, or may come to it.
pub(crate) fn unready(
    ground: &Ground<'_>,
    state: &State<'_>,
    phase: &Phase<'_>,
    host: &str,
) -> Option<String> {
    let node = ground.nodes.get(host)?;
    if left(ground, state, phase, host) > 0 {
        return Some(format!("node `{host}` still has pods"));
    }
    let cordoned = state.cordoned_nodes.contains(node) && !phase.uncordoned_nodes.contains(node);
    (!cordoned).then(|| format!("node `{host}` may not be cordoned: pods may come to it"))
}

/// A DaemonSet's pods run on every node and go with it.
pub(crate) fn stays(pod: &Pod) -> bool {
    pod.owner.as_deref().is_some_and(|o| o.to_ascii_lowercase().starts_with("daemonset/"))
}

/// The node that a pod is on, if that is known.
fn place<'c>(cluster: &'c Cluster, state: &State<'_>, n: usize, pod: &'c Pod) -> Option<&'c str> {
    match state.evicted.get(&n) {
        None => Some(&pod.node),
        Some(to) => cluster.nodes.get((*to)?).map(|n| n.id.as_str()),
    }
}

impl Evictions {
    pub(crate) fn phase(
        &mut self,
        course: &Course<'_, '_>,
        state: &State<'_>,
        phase: &Phase<'_>,
    ) -> Result<(), Violation> {
        let ground = course.ground;
        let Some(cluster) = ground.fleet.kubernetes.as_ref().filter(|_| !phase.evicts.is_empty())
        else {
            return Ok(());
        };
        let mut coming = Vec::new();
        for (n, to, step) in &phase.evicts {
            let Some(pod) = cluster.pods.get(*n) else { continue };
            self.budgets(course, cluster, pod, step)?;
            let on = place(cluster, state, *n, pod);
            let cordoned = on.and_then(|id| ground.nodes.get(id)).is_some_and(|n| {
                state.cordoned_nodes.contains(n) && !phase.uncordoned_nodes.contains(n)
            });
            let named = step.from.as_deref().is_none_or(|from| Some(from) == on);
            if !cordoned || !named {
                let text = format!(
                    "pod `{}` is not on `{}`, or that may not be cordoned",
                    pod.id,
                    step.from.as_deref().unwrap_or(&pod.node)
                );
                return Err(course.broken(Invariant::K2, Some(step), text));
            }
            if coming.iter().any(|c: &Coming<'_, '_>| c.0 == *n) {
                let text = format!("pod `{}` is evicted twice in one phase", pod.id);
                return Err(course.broken(Invariant::Form, Some(step), text));
            }
            if pod.owner.is_none() {
                let text = format!("pod `{}` has no owner that would replace it", pod.id);
                return Err(course.broken(Invariant::K2, Some(step), text));
            }
            coming.push((*n, pod, *to, *step));
        }
        fit(course, state, phase, cluster, &coming)
    }

    fn budgets(
        &mut self,
        course: &Course<'_, '_>,
        cluster: &Cluster,
        pod: &Pod,
        step: &Step,
    ) -> Result<(), Violation> {
        let broken = |text| course.broken(Invariant::K1, Some(step), text);
        let mut covering = cluster.pdbs.iter().filter(|p| p.pods.contains(&pod.id));
        let Some(budget) = covering.next() else { return Ok(()) };
        if let Some(second) = covering.next() {
            let text = format!(
                "pod `{}` is covered by two budgets, `{}` and `{}`: it cannot be evicted",
                pod.id, budget.id, second.id
            );
            return Err(broken(text));
        }
        let count = self.counts.entry(budget.id.clone()).or_default();
        *count += 1;
        if *count > budget.disruptions_allowed {
            let text = format!(
                "{count} evictions from budget `{}`, which allows {}",
                budget.id, budget.disruptions_allowed
            );
            return Err(broken(text));
        }
        Ok(())
    }
}

type Coming<'c, 'p> = (usize, &'c Pod, Option<usize>, &'p Step);

/// K2: each pod on the node that the plan names, or, where it names none, on the
/// first on which it fits after those before it.
fn fit(
    course: &Course<'_, '_>,
    state: &State<'_>,
    phase: &Phase<'_>,
    cluster: &Cluster,
    coming: &[Coming<'_, '_>],
) -> Result<(), Violation> {
    let mut on: BTreeMap<usize, Vec<&Pod>> = BTreeMap::new();
    let ids = &course.ground.nodes;
    for (n, pod) in cluster.pods.iter().enumerate() {
        let node = place(cluster, state, n, pod).and_then(|id| ids.get(id));
        if let Some(&node) = node.filter(|_| !coming.iter().any(|c| c.0 == n)) {
            on.entry(node).or_default().push(pod);
        }
    }
    let open = |n: usize| !state.cordoned_nodes.contains(&n) && !phase.cordoned_nodes.contains(&n);
    for (_, pod, to, step) in coming {
        let home = cluster.nodes.iter().find(|n| n.id == pod.node).map(|n| &n.cluster);
        let takes = |n: usize, node: &Node| {
            if !open(n) {
                return Some("it is cordoned");
            }
            if Some(&node.cluster) != home {
                return Some("it is in another cluster");
            }
            if dead(course.ground, state, node) {
                return Some("its host is down");
            }
            refuses(cluster, &on, n, node, pod)
        };
        let chosen = match to {
            Some(to) => cluster.nodes.iter().enumerate().nth(*to).map(|(n, node)| {
                takes(n, node).map_or(Ok(n), |why| Err(format!("not on node `{}`: {why}", node.id)))
            }),
            None => cluster
                .nodes
                .iter()
                .enumerate()
                .find(|(n, node)| takes(*n, node).is_none())
                .map(|(n, _)| Ok(n)),
        };
        match chosen {
            Some(Ok(node)) => on.entry(node).or_default().push(pod),
            Some(Err(why)) => {
                let text = format!("pod `{}` does not fit {why}", pod.id);
                return Err(course.broken(Invariant::K2, Some(step), text));
            }
            None => {
                let text = format!("pod `{}` fits on no other node", pod.id);
                return Err(course.broken(Invariant::K2, Some(step), text));
            }
        }
    }
    Ok(())
}

/// Why a node does not take a pod.
fn refuses(
    cluster: &Cluster,
    on: &BTreeMap<usize, Vec<&Pod>>,
    n: usize,
    node: &Node,
    pod: &Pod,
) -> Option<&'static str> {
    let here = on.get(&n).map(Vec::as_slice).unwrap_or_default();
    for (class, wanted) in &pod.requests {
        let used: tidegate_model::fleet::Amount =
            here.iter().filter_map(|p| p.requests.get(class)).copied().sum();
        if used + *wanted > node.allocatable.get(class).copied().unwrap_or_default() {
            return Some("it has too little left");
        }
    }
    if pod.node_selector.iter().any(|(k, v)| node.labels.get(k) != Some(v)) {
        return Some("its labels are others");
    }
    let repels = |taint: &&Taint| {
        taint.effect != "PreferNoSchedule" && !pod.tolerations.iter().any(|t| bears(t, taint))
    };
    if node.taints.iter().any(|t| repels(&t)) {
        return Some("it has a taint");
    }
    let zone = node.zone.as_ref().or_else(|| node.labels.get("topology.kubernetes.io/zone"));
    if pod.volumes_zone.is_some() && pod.volumes_zone.as_ref() != zone {
        return Some("its volumes are in another zone");
    }
    let matches = |labels: &BTreeMap<String, String>, other: &Pod| {
        labels.iter().all(|(k, v)| other.labels.get(k) == Some(v))
    };
    let repelled = |other: &&Pod| {
        pod.anti_affinity.iter().any(|l| matches(l, other))
            || other.anti_affinity.iter().any(|l| matches(l, pod))
    };
    if here.iter().any(repelled) {
        return Some("a pod is there from which it must keep away");
    }
    for spread in &pod.spread {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for (other, facts) in cluster.nodes.iter().enumerate() {
            let Some(domain) = facts.labels.get(&spread.topology_key) else { continue };
            let here = on.get(&other).map(Vec::as_slice).unwrap_or_default();
            let count = here.iter().filter(|p| matches(&spread.labels, p)).count();
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            *counts.entry(domain).or_default() += count;
        }
        let Some(domain) = node.labels.get(&spread.topology_key) else {
            return Some("it lacks the label of a spread constraint");
        };
        let there = counts.get(domain.as_str()).copied().unwrap_or(0) + 1;
        let least = counts.values().copied().min().unwrap_or(0);
        if there.saturating_sub(least) > spread.max_skew {
            return Some("a spread constraint would be broken");
        }
    }
    None
}

fn bears(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration.effect.as_ref().is_none_or(|e| *e == taint.effect);
    let key = toleration.key.as_ref().is_none_or(|k| *k == taint.key);
    let value = toleration.operator == "Exists" || toleration.value == taint.value;
    effect && key && value && (toleration.key.is_some() || toleration.operator == "Exists")
}
