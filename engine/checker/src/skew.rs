//! V1 for Kubernetes: how far components are from those that they talk to.
//!
//! For each component that a phase updates, every two of which one has its new
//! version are compared; the other one may have its old version or, if the phase
//! updates it as well, its new one. What is not known is too far from everything.

use std::collections::BTreeMap;

use tidegate_model::fleet::{ControlPlane, Node};
use tidegate_model::versions::{Limits, Skew, VersionRules, Within};

use crate::ground::{Ground, Want};
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
    let wanted = in_order(ground, rules, target);
    wanted.iter().enumerate().any(|(n, want)| {
        let before = wanted.get(..n).unwrap_or_default();
        let done =
            |node: &str, component: &str| vec![after(state, before, target, node, component)];
        let new = New { node: target, component: want.component, to: want.to };
        too_far(ground, rules, &new, &done).is_some()
    })
}

/// What is wanted of a target, in the order of the table.
fn in_order<'g>(ground: &Ground<'g>, rules: &VersionRules, target: &str) -> Vec<Want<'g>> {
    let mut wanted = ground.wanted.get(target).cloned().unwrap_or_default();
    let place = |c: &str| rules.order.iter().position(|o| o == c);
    wanted.retain(|want| place(want.component).is_some());
    wanted.sort_by_key(|want| place(want.component));
    wanted
}

/// The version of a component on a node when a target got the first of what is wanted.
fn after(
    state: &State<'_>,
    before: &[Want<'_>],
    target: &str,
    node: &str,
    component: &str,
) -> Option<String> {
    let mut before = before.iter().filter(|w| node == target && w.component == component);
    let version = before.next().map(|w| w.to).or_else(|| state.version(node, component));
    version.map(str::to_owned)
}

/// Two components of which one is said to keep the other from its new version.
pub(crate) struct Pair<'n> {
    pub(crate) component: &'n str,
    pub(crate) beside: &'n str,
    /// The node or control plane on which that is.
    pub(crate) on: &'n str,
    /// Which of the two is limited by the other.
    pub(crate) limited: &'n str,
}

/// How two components are to each other if a target gets what is wanted, done alone as
/// things stand: the minor of the one beside it, and the limits; absent if that is near
/// enough.
pub(crate) fn between(
    ground: &Ground<'_>,
    state: &State<'_>,
    rules: &VersionRules,
    target: &str,
    pair: &Pair<'_>,
) -> Option<(Option<String>, Limits)> {
    let Pair { component, beside, on, limited } = *pair;
    let other = if limited == component { beside } else { component };
    let rule = rules.skew.iter().find(|r| r.component == limited && r.beside == other)?;
    let wanted = in_order(ground, rules, target);
    let n = wanted.iter().position(|w| w.component == component)?;
    let (before, want) = (wanted.get(..n).unwrap_or_default(), wanted.get(n)?);
    let versions =
        |node: &str, component: &str| vec![after(state, before, target, node, component)];
    let new = New { node: target, component, to: want.to };
    let cluster = ground.node(target)?.cluster.as_str();
    let alone = ground.node(target).is_some_and(|n| n.own_apiserver.contains(component));
    let within = if limited == component && alone { Within::Node } else { rule.within };
    let mut all = others(ground, within, cluster, &new, beside, &versions);
    if all.is_empty() && limited == component && beside != component {
        all.push((cluster.to_owned(), None));
    }
    let (_, theirs) = all.into_iter().find(|(place, _)| place == on)?;
    let (mine, theirs) = (Some(want.to), theirs.as_deref());
    let (one, two) = if limited == component { (mine, theirs) } else { (theirs, mine) };
    apart(rule, (on, one), (on, two))?;
    let shown = minor(theirs).map(|(major, minor)| format!("{major}.{minor}"));
    Some((shown, limits(rule, one)))
}

fn minor(version: Option<&str>) -> Option<(i64, i64)> {
    match numbers(version?).as_slice() {
        [major, minor, ..] => Some((*major, *minor)),
        [] | [_] => None,
    }
}

/// How far a component of some version may be from what it talks to.
fn limits(rule: &Skew, version: Option<&str>) -> Limits {
    let old = rule.before.as_ref().filter(|b| minor(version) < minor(Some(&b.version)));
    old.map_or(rule.limits, |b| b.limits)
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
    let (one, two) = (minor(version), minor(beside));
    let Limits { older, newer } = limits(rule, version);
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
