//! C1, C2 and C5: what counts on hosts, and what stays free in zones.

use std::collections::{BTreeMap, BTreeSet};

use crate::replay::{Course, Phase};
use crate::state::State;
use crate::table::{Marks, Table};
use crate::{Invariant, Violation};

/// What is free in the zones of a wave. Recounted from every host when the wave
/// begins; from phase to phase only what a phase touches is counted again.
pub(crate) struct Room {
    /// Zones in which the wave takes hosts out of service.
    zones: BTreeSet<usize>,
    /// By zone and class: usable on hosts that take work.
    usable: Table<i64>,
    /// By zone and class: the load of those.
    load: Table<i64>,
    /// By zone and class: usable on all hosts that were not down at the start.
    whole: Table<i64>,
    /// By zone and class: usable on hosts that take work, largest first, and as
    /// many as may fail.
    largest: Table<i64>,
    /// Hosts that the plan keeps from taking work.
    out: Marks,
}

impl Room {
    pub(crate) fn new(course: &Course<'_, '_>, state: &State<'_>) -> Self {
        let ground = course.ground;
        let cells = ground.zones() * ground.classes.len();
        let zone = |t: &String| ground.hosts.get(t.as_str()).map(|&h| ground.zone_of[h]);
        let mut room = Self {
            zones: course.wave.targets.iter().filter_map(zone).collect(),
            usable: Table::filled(0, cells),
            load: Table::filled(0, cells),
            whole: Table::filled(0, cells),
            largest: Table::filled(0, cells),
            out: Marks::none(ground.fleet.hosts.len()),
        };
        room.count(course, state);
        room
    }

    /// Counts everything from scratch.
    fn count(&mut self, course: &Course<'_, '_>, state: &State<'_>) {
        let ground = course.ground;
        let classes = ground.classes.len();
        let spare = usize::try_from(ground.intent.spare_hosts).unwrap_or(usize::MAX);
        for table in [&mut self.usable, &mut self.load, &mut self.whole, &mut self.largest] {
            *table = Table::filled(0, table.len());
        }
        let mut sizes: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        for host in 0..ground.fleet.hosts.len() {
            let zone = ground.zone_of[host];
            if !self.zones.contains(&zone) {
                continue;
            }
            let takes = state.takes(host) && !self.out.contains(host);
            let down = ground.host(host).state == tidegate_model::fleet::HostState::Down;
            for class in 0..classes {
                let (cell, usable) = (zone * classes + class, ground.usable(host, class));
                if !down {
                    self.whole[cell] += usable;
                }
                if takes {
                    self.usable[cell] += usable;
                    self.load[cell] += state.load(host, class);
                    if spare > 0 {
                        sizes.entry(cell).or_default().push(usable);
                    }
                }
            }
        }
        for (cell, mut sizes) in sizes {
            sizes.sort_unstable_by(|a, b| b.cmp(a));
            self.largest[cell] = sizes.into_iter().take(spare).sum();
        }
    }

    /// Judges a phase, and counts what it does; what moves then counts on both hosts
    /// in `state`.
    pub(crate) fn phase(
        &mut self,
        course: &Course<'_, '_>,
        state: &mut State<'_>,
        phase: &Phase<'_>,
    ) -> Result<(), Violation> {
        let ground = course.ground;
        let classes = ground.classes.len();
        // What is uncordoned or verified in this phase may still be out.
        let mut other = !phase.cordons.is_empty() || !phase.stops.is_empty();
        other |= self.out.iter().any(|h| !state.cordoned.contains(h) && !state.down.contains(h));
        if other {
            let mut out = Marks::none(ground.fleet.hosts.len());
            let planned = state.cordoned.iter().chain(state.down.iter());
            let begun = phase.cordons.iter().chain(phase.stops.keys()).copied();
            planned.chain(begun).for_each(|h| out.insert(h));
            self.out = out;
            self.count(course, state);
        }
        hosts(course, state, phase)?;
        // What comes counts from the beginning, what leaves counts to the end.
        let mut touched: BTreeSet<usize> = BTreeSet::new();
        for &(vm, _, to, _) in &phase.moves {
            if self.out.contains(to) || !self.zones.contains(&ground.zone_of[to]) {
                continue;
            }
            for class in 0..classes {
                self.load[ground.zone_of[to] * classes + class] += ground.demand(vm, class);
            }
            touched.insert(ground.zone_of[to]);
        }
        let any = !self.out.is_empty();
        for zone in self.zones.iter().filter(|_| any) {
            for class in 0..classes {
                self.zone(course, phase, zone * classes + class, *zone, class)?;
            }
        }
        for &(vm, from, _, _) in &phase.moves {
            if self.out.contains(from) || !self.zones.contains(&ground.zone_of[from]) {
                continue;
            }
            for class in 0..classes {
                self.load[ground.zone_of[from] * classes + class] -= ground.demand(vm, class);
            }
        }
        Ok(())
    }

    fn zone(
        &self,
        course: &Course<'_, '_>,
        phase: &Phase<'_>,
        cell: usize,
        zone: usize,
        class: usize,
    ) -> Result<(), Violation> {
        let ground = course.ground;
        let (usable, load, whole) = (self.usable[cell], self.load[cell], self.whole[cell]);
        if whole == 0 {
            return Ok(());
        }
        let free = usable - load;
        let name = ground.fleet.zones.get(zone).map_or("-", String::as_str);
        let name_of = ground.classes.get(class).copied().unwrap_or("-");
        let step = phase.moves.first().map(|m| m.3).or(phase.stops.values().next().copied());
        // Rounded up: the last thousandth must be free, too.
        #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^53 thousandths")]
        let wanted = (whole as f64 * ground.intent.headroom - 1e-6).ceil() as i64;
        let unit = |n: i64| tidegate_model::fleet::Amount(n);
        if free < wanted {
            let text = format!(
                "zone `{name}` has {} of {name_of} free where {} must be",
                unit(free),
                unit(wanted)
            );
            return Err(course.broken(Invariant::C2, step, text));
        }
        if ground.intent.spare_hosts > 0 && usable - self.largest[cell] < load {
            let text = format!(
                "zone `{name}`: without its {} largest hosts {} of {name_of} are there for a load of {}",
                ground.intent.spare_hosts,
                unit(usable - self.largest[cell]),
                unit(load)
            );
            return Err(course.broken(Invariant::C2, step, text));
        }
        Ok(())
    }
}

/// C1 and C5: lets what moves count on the hosts to which it comes, and judges
/// these.
fn hosts(
    course: &Course<'_, '_>,
    state: &mut State<'_>,
    phase: &Phase<'_>,
) -> Result<(), Violation> {
    let ground = course.ground;
    for &(vm, _, to, step) in &phase.moves {
        state.arrive(vm, to);
        for class in 0..ground.classes.len() {
            let (load, usable) = (state.load(to, class), ground.usable(to, class));
            if ground.demand(vm, class) > 0 && load > usable {
                let unit = |n: i64| tidegate_model::fleet::Amount(n);
                let text = format!(
                    "host `{}` would have {} of {} {} allotted",
                    ground.host(to).id,
                    unit(load),
                    unit(usable),
                    ground.classes.get(class).copied().unwrap_or("-"),
                );
                return Err(course.broken(Invariant::C1, Some(step), text));
            }
        }
        for &group in &ground.apart[vm] {
            let count = state.members(group, to);
            let Some(facts) = ground.fleet.groups.get(group) else { continue };
            if count > facts.max_per_host {
                let text = format!(
                    "host `{}` would have {count} of group `{}`, {} may be",
                    ground.host(to).id,
                    facts.id,
                    facts.max_per_host
                );
                return Err(course.broken(Invariant::C5, Some(step), text));
            }
        }
    }
    Ok(())
}
