//! S1: placement groups keep enough of their OSDs.

use std::collections::{BTreeMap, BTreeSet};

use crate::replay::{Course, Phase};
use crate::state::State;
use crate::{Invariant, Violation};

pub(crate) fn phase(
    course: &Course<'_, '_>,
    state: &State<'_>,
    phase: &Phase<'_>,
) -> Result<(), Violation> {
    let ground = course.ground;
    let Some(ceph) = &ground.fleet.ceph else { return Ok(()) };
    let planned = |h: usize| state.down.contains(h) || phase.stops.contains_key(&h);
    if state.down.is_empty() && phase.stops.is_empty() {
        return Ok(());
    }
    let step = phase.stops.values().next().copied();
    let mut down: BTreeSet<&str> = BTreeSet::new();
    let mut domains: BTreeSet<&str> = BTreeSet::new();
    for osd in &ceph.osds {
        let Some(&host) = ground.hosts.get(osd.host.as_str()) else { continue };
        if planned(host) {
            domains.insert(osd.domain.as_deref().unwrap_or(&osd.host));
        }
        if planned(host) || state.is_down(host) {
            down.insert(&osd.id);
        }
    }
    if domains.is_empty() {
        return Ok(());
    }
    if domains.len() > 1 {
        let all: Vec<&str> = domains.into_iter().collect();
        let text = format!("OSDs of several failure domains are down: {}", all.join(", "));
        return Err(course.broken(Invariant::S1, step, text));
    }
    let least: BTreeMap<&str, u32> =
        ceph.pools.iter().map(|p| (p.id.as_str(), p.min_size)).collect();
    for pg in &ceph.pgs {
        let up = pg.acting.iter().filter(|o| !down.contains(o.as_str())).count();
        let needs = least.get(pg.pool.as_str()).copied().unwrap_or(u32::MAX);
        if (up as u64) < u64::from(needs) {
            let text = format!("pg `{}` has {up} OSDs up and needs {needs}", pg.id);
            return Err(course.broken(Invariant::S1, step, text));
        }
        if !pg.clean && !phase.stops.is_empty() {
            let text = format!("pg `{}` was not clean", pg.id);
            return Err(course.broken(Invariant::S1, step, text));
        }
    }
    Ok(())
}
