//! Whether a component may go from one version to another.

use tidegate_model::versions::{Scheme, VersionRules};

/// The leading numbers of a version: `v1.34.2-rc1` is 1, 34, 2.
pub(crate) fn parts(version: &str) -> Vec<u64> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let number = |p: &str| {
        let digits: String = p.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    version.split(['.', '-', '_', '+', '~']).map_while(number).collect()
}

/// Why a step is not one of the table; absent if it is, or if nothing is known
/// of the component and it goes forward.
pub(crate) fn forbidden(
    rules: &VersionRules,
    component: &str,
    from: &str,
    to: &str,
) -> Option<String> {
    let (a, b) = (parts(from), parts(to));
    if from == to {
        return None;
    }
    if !a.is_empty() && !b.is_empty() && b < a {
        return Some(format!("`{to}` is older than `{from}`"));
    }
    let known = rules.components.get(component)?;
    let ahead = |n: usize| match (a.get(n), b.get(n)) {
        (Some(x), Some(y)) => y.checked_sub(*x),
        _ => None,
    };
    let within = |n: usize| ahead(n).is_some_and(|d| d <= u64::from(known.skip));
    let fine = match known.scheme {
        Scheme::Openstack => {
            let all = rules.releases.get("openstack").map(Vec::as_slice).unwrap_or_default();
            let follows = |list: &[String]| {
                let pairs = list.iter().zip(list.iter().skip(1));
                pairs.into_iter().any(|(x, y)| x == from && y == to)
            };
            follows(all) || follows(&rules.slurp)
        }
        Scheme::Minor => ahead(0) == Some(0) && within(1),
        Scheme::Major => within(0),
        Scheme::Edges => {
            let short =
                |v: &[u64]| v.iter().take(2).map(ToString::to_string).collect::<Vec<_>>().join(".");
            let (x, y) = (short(&a), short(&b));
            x == y || known.edges.get(&x).is_some_and(|to| to.contains(&y))
        }
    };
    (!fine).then(|| format!("no upgrade from `{from}` to `{to}` is documented"))
}

/// The place of a version among those that `spread` counts.
fn rank(rules: &VersionRules, scheme: Scheme, version: &str) -> Option<u64> {
    match scheme {
        Scheme::Openstack => {
            let all = rules.releases.get("openstack")?;
            all.iter().position(|r| r == version).map(|n| n as u64)
        }
        Scheme::Minor => parts(version).get(1).copied(),
        Scheme::Major => parts(version).first().copied(),
        Scheme::Edges => None,
    }
}

/// The oldest and the newest version of a component, each with its place and who has it.
pub(crate) type Ends<'f> = [(u64, &'f str, &'f str); 2];

/// The ends of the versions that hosts have of a component; absent if how far they may
/// differ is not limited, or nothing is known of them.
pub(crate) fn ends<'f>(
    rules: &VersionRules,
    component: &str,
    held: impl Iterator<Item = (&'f str, &'f str)>,
) -> Option<Ends<'f>> {
    let known = rules.components.get(component).filter(|c| c.spread.is_some())?;
    let ranked = held.filter_map(|(id, v)| Some((rank(rules, known.scheme, v)?, id, v)));
    ranked.fold(None, |ends, new| {
        let [old, young] = ends.unwrap_or([new, new]);
        let older = if new.0 < old.0 { new } else { old };
        Some([older, if new.0 > young.0 { new } else { young }])
    })
}

/// Who has a version of a component that may not be beside another one in the
/// fleet, as it is or once `to` is there: who, its version, and how far they may
/// differ. Every allowed step is shorter than that, so that only what is not
/// updated at all can be in the way.
pub(crate) fn too_far<'f>(
    rules: &VersionRules,
    component: &str,
    to: &str,
    [oldest, newest]: &Ends<'f>,
) -> Option<(&'f str, &'f str, u32)> {
    let known = rules.components.get(component)?;
    let limit = known.spread?;
    let to = rank(rules, known.scheme, to)?;
    let far = newest.0.max(to) - oldest.0.min(to) > u64::from(limit);
    let (_, id, version) = if to <= oldest.0 { newest } else { oldest };
    far.then_some((*id, *version, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_of_the_table() {
        let rules = VersionRules::bundled();
        let fine = |c: &str, a: &str, b: &str| forbidden(&rules, c, a, b).is_none();
        assert!(fine("nova", "2025.1", "2025.2") && fine("nova", "2025.1", "2026.1"));
        assert!(!fine("nova", "2025.2", "2026.2") && !fine("nova", "2025.2", "2025.1"));
        assert!(fine("kubelet", "v1.31.4", "v1.34.0") && !fine("kubelet", "v1.30.0", "v1.34.0"));
        assert!(fine("rabbitmq", "3.13.7", "4.1.0") && !fine("rabbitmq", "3.12.1", "4.1.0"));
        assert!(fine("kernel", "6.1.0-30", "6.1.0-31") && !fine("kernel", "6.1.0-31", "6.1.0-30"));
    }
}
