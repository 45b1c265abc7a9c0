//! What is free in zones and on hosts, and what finds no room there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tidegate_model::fleet::{Amount, HostState};
use tidegate_model::plan::Blocked;

use super::numbers::{compare, has, named};
use super::{Court, Moment};
use crate::ground::{Ground, serves};
use crate::state::State;
use crate::table::Table;

type Judged = Result<(), String>;

/// What a virtual machine asks of a host besides room: traits, traits that it forbids,
/// aggregates, the zone that it must stay in.
pub(super) type Profile<'c> =
    (&'c BTreeSet<String>, &'c BTreeSet<String>, &'c BTreeSet<String>, Option<usize>);

/// By class: the two hosts with most free among those that may have it.
pub(super) type Homes = Vec<[Option<(i64, usize)>; 2]>;

/// What zones have whatever moves within them.
pub(super) struct Zones {
    classes: usize,
    /// By zone and class: usable on hosts that serve, and on all that are not down.
    serving: Table<i64>,
    whole: Table<i64>,
    /// By zone and class: what is on hosts that serve and cannot leave the zone.
    pinned: Table<i64>,
    /// By zone and class: usable on hosts that serve, largest first.
    sizes: Table<Vec<(i64, usize)>>,
}

impl Zones {
    pub(super) fn new(ground: &Ground<'_>) -> Self {
        let classes = ground.classes.len();
        let cells = ground.zones() * classes;
        let empty = || Table::filled(0, cells);
        let mut zones = Self {
            classes,
            serving: empty(),
            whole: empty(),
            pinned: empty(),
            sizes: Table::filled(Vec::new(), cells),
        };
        for host in 0..ground.fleet.hosts.len() {
            for class in 0..classes {
                let (cell, usable) =
                    (ground.zone_of[host] * classes + class, ground.usable(host, class));
                if ground.host(host).state != HostState::Down {
                    zones.whole[cell] += usable;
                }
                if serves(ground.host(host)) {
                    zones.serving[cell] += usable;
                    zones.sizes[cell].push((usable, host));
                }
            }
        }
        for cell in 0..cells {
            zones.sizes[cell].sort_unstable_by(|a, b| b.cmp(a));
        }
        for (vm, facts) in ground.fleet.vms.iter().enumerate() {
            let host = ground.home[vm];
            if facts.zone_pinned && serves(ground.host(host)) {
                for class in 0..classes {
                    zones.pinned[ground.zone_of[host] * classes + class] +=
                        ground.demand(vm, class);
                }
            }
        }
        zones
    }

    /// What is usable in a host's zone without it, and what the rest must bear at least:
    /// all that cannot leave the zone, and what cannot and is on the host.
    fn without(
        &self,
        ground: &Ground<'_>,
        at: &Moment<'_>,
        host: usize,
        class: usize,
    ) -> (i64, i64) {
        let cell = ground.zone_of[host] * self.classes + class;
        if serves(ground.host(host)) {
            return (self.serving[cell] - ground.usable(host, class), self.pinned[cell]);
        }
        let pinned = at.on(host).iter().filter(|vm| ground.vm(**vm).zone_pinned);
        let more: i64 = pinned.map(|vm| ground.demand(*vm, class)).sum();
        (self.serving[cell], self.pinned[cell] + more)
    }

    /// What must stay free of a zone's class.
    fn kept(&self, ground: &Ground<'_>, zone: usize, class: usize) -> i64 {
        let whole = self.whole[zone * self.classes + class];
        #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53 thousandths")]
        let kept = (whole as f64 * ground.intent.headroom - 1e-6).ceil() as i64;
        kept
    }

    /// Usable of the largest hosts besides one that may fail.
    fn largest(&self, ground: &Ground<'_>, zone: usize, class: usize, without: usize) -> i64 {
        let spare = usize::try_from(ground.intent.spare_hosts).unwrap_or(usize::MAX);
        let sizes = self.sizes[zone * self.classes + class].iter();
        sizes.filter(|(_, h)| *h != without).take(spare).map(|(usable, _)| usable).sum()
    }
}

/// Hosts that take work at one time.
pub(super) struct Rooms {
    /// By zone: what is left of all classes together and the host, least first.
    left: Table<Vec<(i64, usize)>>,
    /// By zone and class: the load of those.
    load: Table<i64>,
}

impl Rooms {
    pub(super) fn new(ground: &Ground<'_>, state: &State<'_>) -> Self {
        let classes = ground.classes.len();
        let mut rooms = Self {
            left: Table::filled(Vec::new(), ground.zones()),
            load: Table::filled(0, ground.zones() * classes),
        };
        for host in (0..ground.fleet.hosts.len()).filter(|h| state.takes(*h)) {
            let zone = ground.zone_of[host];
            let left = |class: usize| ground.usable(host, class) - state.load(host, class);
            rooms.left[zone].push(((0..classes).map(left).sum(), host));
            for class in 0..classes {
                rooms.load[zone * classes + class] += state.load(host, class);
            }
        }
        for zone in 0..ground.zones() {
            rooms.left[zone].sort_unstable();
        }
        rooms
    }
}

impl<'c> Court<'c> {
    pub(super) fn capacity(&mut self, blocked: &Blocked, host: usize) -> Judged {
        let name = named(blocked, "class")?;
        if self.ground.classes.is_empty() && name == "-" {
            return self.in_the_end(blocked, |court, end| court.no_room(blocked, host, end, None));
        }
        let class = self.ground.classes.iter().position(|c| *c == name);
        let class = class.ok_or_else(|| format!("nothing has or wants `{name}`"))?;
        if has(blocked, "must_stay_free") {
            self.headroom(blocked, host, class)
        } else if has(blocked, "spare_hosts") {
            self.spare_hosts(blocked, host, class)
        } else if has(blocked, "vm") {
            self.in_the_end(blocked, |court, end| court.too_large(blocked, host, end, class))
        } else {
            let class = Some(class);
            self.in_the_end(blocked, |court, end| court.no_room(blocked, host, end, class))
        }
    }

    fn zone_name(&self, host: usize) -> &'c str {
        self.ground.host(host).zone.as_str()
    }

    /// Without the host less is free in its zone than must be, whatever moves.
    fn headroom(&self, blocked: &Blocked, host: usize, class: usize) -> Judged {
        let ground = self.ground;
        let (usable, load) = self.zones.without(ground, &self.start, host, class);
        let kept = self.zones.kept(ground, ground.zone_of[host], class);
        let free = usable - load;
        let counted = [
            ("zone", json!(self.zone_name(host))),
            ("class", json!(ground.classes.get(class))),
            ("free_without_it", json!(Amount(free))),
            ("must_stay_free", json!(Amount(kept))),
        ];
        compare(blocked, &counted)?;
        match free < kept {
            true => Ok(()),
            false => Err("as much may stay free as must".to_owned()),
        }
    }

    /// Without the host, and without as many others as may fail, the rest is too small.
    fn spare_hosts(&self, blocked: &Blocked, host: usize, class: usize) -> Judged {
        let ground = self.ground;
        let (usable, load) = self.zones.without(ground, &self.start, host, class);
        let room = usable - self.zones.largest(ground, ground.zone_of[host], class, host);
        let counted = [
            ("zone", json!(self.zone_name(host))),
            ("class", json!(ground.classes.get(class))),
            ("spare_hosts", json!(ground.intent.spare_hosts)),
            ("load", json!(Amount(load))),
            ("room_then", json!(Amount(room))),
        ];
        compare(blocked, &counted)?;
        match room < load {
            true => Ok(()),
            false => Err("the rest would bear the load".to_owned()),
        }
    }

    /// A virtual machine finds no host with as much free, in the end.
    fn too_large(
        &mut self,
        blocked: &Blocked,
        host: usize,
        end: &Moment<'c>,
        class: usize,
    ) -> Judged {
        let vm = self.vm(blocked)?;
        let ground = self.ground;
        let facts = ground.vm(vm);
        if end.state.place[vm] != host {
            return Err(format!("vm `{}` is not on it in the end", facts.id));
        }
        let pinned = facts.zone_pinned.then_some(ground.zone_of[ground.home[vm]]);
        let profile = (&facts.requires, &facts.forbids, &facts.aggregates, pinned);
        let homes = self.homes.entry((end.waves, profile));
        let homes = homes.or_insert_with(|| homes_of(ground, &end.state, vm));
        let best = homes.get(class).and_then(|h| h.iter().flatten().find(|(_, h)| *h != host));
        let Some((free, _)) = best.copied() else {
            return Err(format!("no host may have vm `{}`, room aside", facts.id));
        };
        let demand = ground.demand(vm, class);
        let counted = [
            ("vm", json!(facts.id)),
            ("class", json!(ground.classes.get(class))),
            ("demand", json!(Amount(demand))),
            ("most_free", json!(Amount(free))),
        ];
        compare(blocked, &counted)?;
        match free < demand {
            true => Ok(()),
            false => Err("a host has as much free".to_owned()),
        }
    }

    /// What is on the host finds no room together, in the end.
    fn no_room(
        &self,
        blocked: &Blocked,
        host: usize,
        end: &Moment<'_>,
        class: Option<usize>,
    ) -> Judged {
        let (ground, at) = (self.ground, &end.state);
        let zone = ground.zone_of[host];
        let others = (0..ground.fleet.hosts.len())
            .filter(|h| *h != host && ground.zone_of[*h] == zone && at.takes(*h));
        // Where nothing has or wants anything only groups keep it there.
        let left = |h: usize| class.map_or(0, |c| ground.usable(h, c) - at.load(h, c));
        let used = class.map_or(0, |c| at.load(host, c));
        let free: i64 = others.map(left).sum();
        let class = class.and_then(|c| ground.classes.get(c)).copied();
        let counted = [
            ("class", json!(class.unwrap_or("-"))),
            ("used", json!(Amount(used))),
            ("free_elsewhere", json!(Amount(free))),
            ("headroom", json!(ground.intent.headroom)),
        ];
        compare(blocked, &counted)?;
        // Drained first it may fit, and leave no room for another target.
        match self.drains(&self.start, host) && self.drains(end, host) {
            true => Err("what is on it fits on other hosts".to_owned()),
            false => Ok(()),
        }
    }

    /// Whether what is on a host fits elsewhere as things stand, the largest first, each
    /// where least is left over, and headroom stays.
    pub(super) fn drains(&self, at: &Moment<'_>, host: usize) -> bool {
        let ground = self.ground;
        let classes = ground.classes.len();
        let total = |vm: usize| (0..classes).map(|c| ground.demand(vm, c)).sum::<i64>();
        let mut vms = at.on(host).to_vec();
        vms.sort_by_key(|vm| std::cmp::Reverse(total(*vm)));
        let mut taken: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        let mut joined: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        for vm in vms {
            let more = |h: usize, class: usize| {
                taken.get(&h).and_then(|t| t.get(class)).copied().unwrap_or(0)
            };
            let left = |h: usize, class: usize| {
                let load = at.state.load(h, class) + more(h, class);
                ground.usable(h, class) - load - ground.demand(vm, class)
            };
            let apart = |h: usize| {
                ground.apart[vm].iter().all(|&g| {
                    let limit = ground.fleet.groups.get(g).map_or(0, |g| g.max_per_host);
                    at.state.members(g, h) + joined.get(&(g, h)).copied().unwrap_or(0) < limit
                })
            };
            let takes = |h: usize| {
                h != host
                    && (0..classes).all(|c| ground.demand(vm, c) == 0 || left(h, c) >= 0)
                    && ground.unfit(vm, h).is_none()
                    && apart(h)
            };
            let spare = |h: usize| (0..classes).map(|c| left(h, c)).sum::<i64>();
            let best = |zone: usize| {
                let hosts = &at.rooms.left[zone];
                let from = hosts.partition_point(|(left, _)| *left < total(vm));
                let untouched = hosts.iter().skip(from).map(|(_, h)| *h);
                let untouched = untouched.filter(|h| !taken.contains_key(h)).find(|h| takes(*h));
                let touched = taken.keys().copied().filter(|h| ground.zone_of[*h] == zone);
                let all = touched.filter(|h| takes(*h)).chain(untouched);
                all.min_by_key(|h| (spare(*h), *h))
            };
            // What may leave its zone does so only where the zone has no room.
            let zone = ground.zone_of[host];
            let away = || (0..ground.zones()).filter(|z| *z != zone).filter_map(best);
            let Some(to) = best(zone).or_else(|| away().min_by_key(|h| (spare(*h), *h))) else {
                return false;
            };
            let of = taken.entry(to).or_insert_with(|| vec![0; classes]);
            for (class, taken) in of.iter_mut().enumerate() {
                *taken += ground.demand(vm, class);
            }
            for &group in &ground.apart[vm] {
                *joined.entry((group, to)).or_default() += 1;
            }
        }
        self.headroom_stays(at, host, &taken)
    }

    /// Whether C2 holds with one host out of service and its load on others.
    fn headroom_stays(
        &self,
        at: &Moment<'_>,
        out: usize,
        taken: &BTreeMap<usize, Vec<i64>>,
    ) -> bool {
        let ground = self.ground;
        let (zone, classes) = (ground.zone_of[out], ground.classes.len());
        (0..classes).all(|class| {
            let cell = zone * classes + class;
            let (mut usable, mut load) = (self.zones.serving[cell], at.rooms.load[cell]);
            if at.state.takes(out) {
                usable -= ground.usable(out, class);
                load -= at.state.load(out, class);
            }
            let here = taken.iter().filter(|(h, _)| ground.zone_of[**h] == zone);
            load += here.filter_map(|(_, t)| t.get(class)).sum::<i64>();
            let kept = self.zones.kept(ground, zone, class);
            let largest = self.zones.largest(ground, zone, class, out);
            self.zones.whole[cell] == 0 || (usable - load >= kept && usable - largest >= load)
        })
    }
}

/// What is free, at most, on hosts that may have a virtual machine.
fn homes_of(ground: &Ground<'_>, state: &State<'_>, vm: usize) -> Homes {
    let mut homes = vec![[None, None]; ground.classes.len()];
    let hosts = (0..ground.fleet.hosts.len()).filter(|h| state.takes(*h));
    for host in hosts.filter(|h| ground.unfit(vm, *h).is_none()) {
        for (class, [first, second]) in homes.iter_mut().enumerate() {
            let here = Some((ground.usable(host, class) - state.load(host, class), host));
            if here > *first {
                (*first, *second) = (here, *first);
            } else if here > *second {
                *second = here;
            }
        }
    }
    homes
}
