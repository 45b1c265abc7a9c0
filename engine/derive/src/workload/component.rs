//! `kubernetes.component`: the static pods of `kube-system`, as the cluster
//! shows them. What the control plane runs as is so known without all the other
//! workloads, which change all the time.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_model::{Change, ChangeOp, Fact, Facts, FactsError, Kind, Resource, ResourceKey};

use super::POD;
use super::source::Source;
use crate::{fetched, unreadable, unwrapped, wrapped};

pub(crate) const KIND: &str = "kubernetes.component";

/// The keys of all Pods that can be one begin so.
const POSSIBLE: &str = "kubernetes/core.Pod/kube-system/";

/// Hands out all facts, in order of key.
pub(crate) fn each(
    facts: &dyn Facts,
    kind: &Kind,
    visit: &mut dyn FnMut(Fact),
) -> Result<(), FactsError> {
    let Ok(pod) = Kind::new(POD) else { return Ok(()) };
    facts.each(&pod, &mut |pod| {
        if let Some(made) = made(&pod, kind) {
            visit(made);
        }
    })
}

/// Hands out the facts with these keys, as far as there are.
pub(crate) fn fetch(
    facts: &dyn Facts,
    kind: &Kind,
    keys: &[ResourceKey],
    visit: &mut dyn FnMut(Fact),
) -> Result<(), FactsError> {
    let pods: Vec<ResourceKey> = keys.iter().filter_map(|k| unwrapped(k, KIND)).collect();
    fetched(facts, &pods)?.iter().filter_map(|pod| made(pod, kind)).for_each(visit);
    Ok(())
}

/// The changes of the facts, in any order, given those of Pods. Nothing has to
/// be remembered: whether a Pod is one says its key and the Pod itself. One that
/// is none is removed, whether or not it was one before.
pub(crate) fn changes(
    facts: &dyn Facts,
    kind: &Kind,
    changes: &[Change],
) -> Result<Vec<Change>, FactsError> {
    let mut ops: BTreeMap<&ResourceKey, ChangeOp> = changes
        .iter()
        .filter(|c| c.key.as_str().starts_with(POSSIBLE))
        .map(|c| (&c.key, ChangeOp::Remove))
        .collect();
    let pods: Vec<ResourceKey> = ops.keys().map(|key| (*key).clone()).collect();
    let pods = fetched(facts, &pods)?;
    let there = pods.iter().filter(|pod| made(pod, kind).is_some()).map(|pod| &pod.resource.key);
    for key in there {
        let op = changes.iter().find(|c| c.key == *key).map(|c| c.op);
        if let (Some(op), Some(now)) = (op, ops.get_mut(key)) {
            *now = op;
        }
    }
    let change = |(key, op)| Some(Change { key: wrapped(key, KIND)?, kind: kind.clone(), op });
    Ok(ops.into_iter().filter_map(change).collect())
}

/// The fact for a Pod, if it shows a static pod, or cannot be read.
fn made(pod: &Fact, kind: &Kind) -> Option<Fact> {
    let of = &pod.resource;
    if !of.key.as_str().starts_with(POSSIBLE) {
        return None;
    }
    let body = match Source::read(pod).pod {
        Ok(spec) if spec.is_mirror() => spec.containers_body(),
        Ok(_) => return None,
        Err(why) => unreadable(&why),
    };
    let resource = Resource {
        key: wrapped(&of.key, KIND)?,
        kind: kind.clone(),
        body: Arc::from(body),
        ..of.clone()
    };
    Some(Fact { resource, unseen_since: pod.unseen_since })
}
