//! V1, V2 and V3: versions and their order.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::versions::{ComponentRules, Scheme, VersionRules};

use crate::replay::{Course, Phase};
use crate::state::State;
use crate::{Invariant, Violation};

pub(crate) fn phase(
    course: &Course<'_, '_>,
    state: &State<'_>,
    phase: &Phase<'_>,
) -> Result<(), Violation> {
    let rules = course.rules;
    let mut components: BTreeSet<&str> = BTreeSet::new();
    for &(target, component, to, step) in &phase.updates {
        let broken = |invariant, text| course.broken(invariant, Some(step), text);
        let from = state.version(target, component);
        let why = match from {
            Some(from) => refused(rules, component, from, to),
            // What the API server and kubelets have, every cluster tells.
            None => step.node.as_ref().map(|_| "the version before is not known".to_owned()),
        };
        if let Some(why) = why {
            let from = from.unwrap_or("-");
            let text = format!("`{component}` on `{target}` from `{from}` to `{to}`: {why}");
            return Err(broken(Invariant::V3, text));
        }
        // V2: what comes first in the table is done before the phase begins.
        for want in course.ground.wanted.get(target).into_iter().flatten() {
            let other = want.component;
            let later = place(rules, other) < place(rules, component);
            if later && state.version(target, other) != Some(want.to) {
                let text = format!("on `{target}` `{other}` comes before `{component}`");
                return Err(broken(Invariant::V2, text));
            }
        }
        components.insert(component);
    }
    for component in components {
        spread(course, state, phase, component)?;
    }
    Ok(())
}

/// V1: how far the versions of a component differ while a phase is under way.
fn spread(
    course: &Course<'_, '_>,
    state: &State<'_>,
    phase: &Phase<'_>,
    component: &str,
) -> Result<(), Violation> {
    let rules = course.rules;
    let Some(known) = rules.components.get(component) else { return Ok(()) };
    let Some(limit) = known.spread else { return Ok(()) };
    let fleet = course.ground.fleet;
    let mut ranks: BTreeMap<i64, &str> = BTreeMap::new();
    for target in fleet.hosts.iter().map(|h| h.id.as_str()) {
        if let Some(version) = state.version(target, component)
            && let Some(rank) = rank(rules, known, version)
        {
            ranks.insert(rank, target);
        }
    }
    for update in phase.updates.iter().filter(|u| u.1 == component) {
        if let Some(rank) = rank(rules, known, update.2) {
            ranks.insert(rank, update.0);
        }
    }
    let (Some(low), Some(high)) = (ranks.first_key_value(), ranks.last_key_value()) else {
        return Ok(());
    };
    if high.0 - low.0 > i64::from(limit) {
        let text = format!(
            "versions of `{component}` on `{}` and `{}` differ by {}, {limit} may be",
            low.1,
            high.1,
            high.0 - low.0
        );
        return Err(course.broken(Invariant::V1, None, text));
    }
    Ok(())
}

/// The oldest and the newest of the versions that a component has on hosts from the start,
/// and of one more, as `spread` counts them; absent if it does not.
pub(crate) fn range(
    fleet: &tidegate_model::Fleet,
    rules: &VersionRules,
    component: &str,
    to: &str,
) -> Option<(i64, i64)> {
    let known = rules.components.get(component).filter(|c| c.spread.is_some())?;
    let new = rank(rules, known, to)?;
    let held = fleet.hosts.iter().filter_map(|h| h.version.get(component));
    let ranks = held.filter_map(|v| rank(rules, known, v));
    Some(ranks.fold((new, new), |(low, high), r| (low.min(r), high.max(r))))
}

/// Whether a version is further from one of a range than may be.
pub(crate) fn far(
    rules: &VersionRules,
    component: &str,
    version: &str,
    (low, high): (i64, i64),
) -> bool {
    let known = rules.components.get(component);
    let limit = known.and_then(|c| c.spread).map(i64::from);
    let rank = known.and_then(|c| rank(rules, c, version));
    rank.zip(limit).is_some_and(|(rank, limit)| (high - rank).max(rank - low) > limit)
}

fn place(rules: &VersionRules, component: &str) -> (usize, String) {
    let found = rules.order.iter().position(|c| c == component);
    found.map_or((usize::MAX, component.to_owned()), |n| (n, String::new()))
}

/// The number of a version among those that `spread` and `skip` count.
fn rank(rules: &VersionRules, known: &ComponentRules, version: &str) -> Option<i64> {
    match known.scheme {
        Scheme::Openstack => {
            let releases = rules.releases.get("openstack")?;
            releases.iter().position(|r| r == version).and_then(|n| i64::try_from(n).ok())
        }
        Scheme::Minor => numbers(version).get(1).copied(),
        Scheme::Major => numbers(version).first().copied(),
        Scheme::Edges => None,
    }
}

/// `v1.34.2-rc.1` as 1, 34, 2.
pub(crate) fn numbers(version: &str) -> Vec<i64> {
    let text = version.trim_start_matches('v');
    let digits = |part: &str| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part.get(..end).and_then(|d| d.parse().ok())
    };
    text.split(['.', '-', '_', '+', '~']).map_while(digits).collect()
}

/// Why a step between versions is not allowed; V3.
pub(crate) fn refused(
    rules: &VersionRules,
    component: &str,
    from: &str,
    to: &str,
) -> Option<String> {
    if from == to {
        return None;
    }
    let (a, b) = (numbers(from), numbers(to));
    if !a.is_empty() && !b.is_empty() && b < a {
        return Some("it goes back".to_owned());
    }
    let known = rules.components.get(component)?;
    let skip = i64::from(known.skip);
    match known.scheme {
        Scheme::Openstack => {
            let at = |v: &str| rank(rules, known, v);
            let (Some(x), Some(y)) = (at(from), at(to)) else {
                return Some("a release is not in the table".to_owned());
            };
            let slurp: Vec<i64> = rules.slurp.iter().filter_map(|r| at(r)).collect();
            let next = slurp.iter().position(|s| *s == x).and_then(|n| slurp.get(n + 1));
            let fine = y == x + 1 || next == Some(&y);
            (!fine).then(|| "it is neither the next release nor the next SLURP".to_owned())
        }
        Scheme::Minor => {
            let same = a.first() == b.first();
            let step = b.get(1).zip(a.get(1)).map_or(i64::MAX, |(b, a)| b - a);
            (!same || step > skip).then(|| format!("more than {skip} minor on"))
        }
        Scheme::Major => {
            let step = b.first().zip(a.first()).map_or(i64::MAX, |(b, a)| b - a);
            (step > skip).then(|| format!("more than {skip} major on"))
        }
        Scheme::Edges => {
            let short = |v: &[i64]| {
                let parts: Vec<String> = v.iter().take(2).map(ToString::to_string).collect();
                parts.join(".")
            };
            let (x, y) = (short(&a), short(&b));
            let fine = x == y || known.edges.get(&x).is_some_and(|to| to.contains(&y));
            (!fine).then(|| format!("no step from {x} to {y} is documented"))
        }
    }
}
