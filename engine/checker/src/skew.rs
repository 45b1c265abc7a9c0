//! V1 for Kubernetes: how far components are from those that they talk to.
//!
//! For each component that a phase updates, every two of which one has its new
//! version are compared; the other one may have its old version or, if the phase
//! updates it as well, its new one. What is not known is too far from everything.

use std::collections::BTreeMap;

use tidegate_model::fleet::{ControlPlane, Node};
use tidegate_model::versions::{Limits, Skew, VersionRules, Within};

use crate::ground::Ground;
use crate::replay::{Course, Phase};
use crate::state::State;
use crate::versions::numbers;
use crate::{Invariant, Violation};

pub(crate) fn phase(
    course: &Course<'_, '_>,
    state: &State<'_>,
    phase: &Phase<'_>,
) -> Result<(), Violation> {
    let updates = || phase.updates.iter().filter(|u| u.3.node.is_some());
    let coming: BTreeMap<(&str, &str), &str> = updates().map(|u| ((u.0, u.1), u.2)).collect();
    let versions = |node: &str, component: &str| {
        let now = state.version(node, component).map(str::to_owned);
        let then = coming.get(&(node, component)).map(|v| Some((*v).to_owned()));
        std::iter::once(now).chain(then).collect()
    };
    for (target, component, to, step) in updates() {
        let new = New { node: target, component, to };
        if let Some(text) = too_far(course.ground, course.rules, &new, &versions) {
            return Err(course.broken(Invariant::V1, Some(step), text));
        }
    }
    Ok(())
}

/// Whether what is wanted of a node would be too far from anything, done alone
/// as things stand, one component after the other.
pub(crate) fn refuses(
    ground: &Ground<'_>,
    state: &State<'_>,
    rules: &VersionRules,
    target: &str,
) -> bool {
    if !ground.nodes.contains_key(target) {
        return false;
    }
    let mut wanted = ground.wanted.get(target).cloned().unwrap_or_default();
    let place = |c: &str| rules.order.iter().position(|o| o == c);
    wanted.retain(|want| place(want.component).is_some());
    wanted.sort_by_key(|want| place(want.component));
    (0..wanted.len()).any(|n| {
        let Some(want) = wanted.get(n) else { return false };
        let done = |node: &str, component: &str| {
            let mut before =
                wanted.iter().take(n).filter(|w| node == target && w.component == component);
            let version = before.next().map(|w| w.to).or_else(|| state.version(node, component));
            vec![version.map(str::to_owned)]
        };
        let new = New { node: target, component: want.component, to: want.to };
        too_far(ground, rules, &new, &done).is_some()
    })
}

/// A version that a component on a node gets.
struct New<'n> {
    node: &'n str,
    component: &'n str,
    to: &'n str,
}

/// The versions that a component on a node may have; absent ones are not known.
type Versions<'v> = dyn Fn(&str, &str) -> Vec<Option<String>> + 'v;

/// What a new version would be too far from, in a clause.
fn too_far(
    ground: &Ground<'_>,
    rules: &VersionRules,
    new: &New<'_>,
    versions: &Versions<'_>,
) -> Option<String> {
    let cluster = ground.node(new.node)?.cluster.as_str();
    for rule in &rules.skew {
        if rule.component == new.component {
            let alone =
                ground.node(new.node).is_some_and(|n| n.own_apiserver.contains(new.component));
            let within = if alone { Within::Node } else { rule.within };
            let others = others(ground, within, cluster, new, &rule.beside, versions);
            if others.is_empty() && rule.beside != rule.component {
                let New { node, component, to } = new;
                let text = format!(
                    "`{component}` on `{node}` would be `{to}`, and which version of `{}` cluster \
                     `{cluster}` has is not known",
                    rule.beside
                );
                return Some(text);
            }
            for (on, theirs) in others {
                if let Some(text) = apart(rule, (new.node, Some(new.to)), (&on, theirs.as_deref()))
                {
                    return Some(text);
                }
            }
        } else if rule.beside == new.component {
            for (on, theirs) in others(ground, rule.within, cluster, new, &rule.component, versions)
            {
                if let Some(text) = apart(rule, (&on, theirs.as_deref()), (new.node, Some(new.to)))
                {
                    return Some(text);
                }
            }
        }
    }
    None
}

/// Where the other component of a rule runs, and each version it may have there.
/// One that talks to its own node alone is near no other.
fn others(
    ground: &Ground<'_>,
    within: Within,
    cluster: &str,
    new: &New<'_>,
    component: &str,
    versions: &Versions<'_>,
) -> Vec<(String, Option<String>)> {
    let fleet = ground.fleet.kubernetes.as_ref();
    let itself = |n: &Node| n.id == new.node;
    let near = |n: &&Node| match within {
        Within::Node => itself(n),
        Within::Cluster => itself(n) || !n.own_apiserver.contains(component),
    };
    let held = ground.holders.get(&(cluster, component)).into_iter().flatten();
    let nodes = held.filter_map(|n| fleet?.nodes.get(*n)).filter(near);
    let nodes = nodes.filter(|n| component != new.component || !itself(n));
    let of_node = |n: &Node| {
        let all = versions(&n.id, component);
        all.into_iter().map(|version| (n.id.clone(), version)).collect::<Vec<_>>()
    };
    let planes = fleet.into_iter().flat_map(|k| &k.control_planes);
    let planes = planes.filter(|p| p.id == cluster && within == Within::Cluster);
    let of_plane =
        |p: &ControlPlane| Some((p.id.clone(), Some(p.components.get(component)?.clone())));
    nodes.flat_map(of_node).chain(planes.filter_map(of_plane)).collect()
}

/// Why a component may not run beside another one: where each is, and its version.
fn apart(
    rule: &Skew,
    (on, version): (&str, Option<&str>),
    (other, beside): (&str, Option<&str>),
) -> Option<String> {
    let minor = |version: Option<&str>| match numbers(version?).as_slice() {
        [major, minor, ..] => Some((*major, *minor)),
        [] | [_] => None,
    };
    let (one, two) = (minor(version), minor(beside));
    let old = rule.before.as_ref().filter(|b| one < minor(Some(&b.version)));
    let Limits { older, newer } = old.map_or(rule.limits, |b| b.limits);
    if let (Some((major, a)), Some((as_major, b))) = (one, two)
        && major == as_major
        && (b - i64::from(older)..=b + i64::from(newer)).contains(&a)
    {
        return None;
    }
    let shown = |version: Option<&str>| version.unwrap_or("of unknown version").to_owned();
    Some(format!(
        "`{}` on `{on}` would be {} with `{}` {} on `{other}`: it may be {older} minors older and \
         {newer} newer",
        rule.component,
        shown(version),
        rule.beside,
        shown(beside)
    ))
}
