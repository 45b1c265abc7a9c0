//! Why targets are left over when all waves are made, each with the names and numbers
//! that its reason rests on.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_model::fleet::Amount;
use tidegate_model::intent::Intent;
use tidegate_model::plan::{Blocked, BlockedCode};

use crate::arena::{Arena, Id, at, cell};
use crate::block::blocked;
use crate::load::Load;

/// What zones have whatever moves within them, and what hosts have in the end.
pub(crate) struct Rooms<'r, 'f> {
    arena: &'r Arena<'f>,
    intent: &'r Intent,
    load: &'r Load,
    zones: BTreeMap<Id, Zone>,
    /// By host that does not serve, and class: what is on it and cannot leave its zone.
    aside: BTreeMap<Id, Vec<i64>>,
    /// By profile of a virtual machine: those that may have it.
    homes: BTreeMap<usize, Homes>,
}

/// By class: the two hosts with most free.
type Homes = Vec<[Option<(i64, Id)>; 2]>;

/// By class.
struct Zone {
    /// Usable on hosts that serve.
    serving: Vec<i64>,
    /// What must stay free.
    kept: Vec<i64>,
    /// What is on hosts that serve and cannot leave the zone.
    pinned: Vec<i64>,
    /// Usable on hosts that serve, largest first.
    sizes: Vec<Vec<(i64, Id)>>,
}

impl<'r, 'f> Rooms<'r, 'f> {
    pub(crate) fn new(arena: &'r Arena<'f>, intent: &'r Intent, load: &'r Load) -> Self {
        let classes = arena.classes.len();
        let mut zones: BTreeMap<Id, Zone> = BTreeMap::new();
        let mut whole: BTreeMap<Id, Vec<i64>> = BTreeMap::new();
        for (host, row) in arena.hosts.iter().enumerate() {
            let zone = zones.entry(row.zone).or_insert_with(|| Zone {
                serving: vec![0; classes],
                kept: vec![0; classes],
                pinned: vec![0; classes],
                sizes: vec![Vec::new(); classes],
            });
            let whole = whole.entry(row.zone).or_insert_with(|| vec![0; classes]);
            for (class, usable) in row.usable.iter().enumerate() {
                if let Some(whole) = whole.get_mut(class).filter(|_| !row.down) {
                    *whole += usable;
                }
                if let Some(serving) = zone.serving.get_mut(class).filter(|_| row.serves) {
                    *serving += usable;
                }
                if let Some(sizes) = zone.sizes.get_mut(class).filter(|_| row.serves) {
                    sizes.push((*usable, host));
                }
            }
        }
        let mut aside: BTreeMap<Id, Vec<i64>> = BTreeMap::new();
        for (_, row) in arena.vms.iter().enumerate().filter(|(vm, _)| arena.pinned(*vm)) {
            let host = at(&arena.hosts, row.host);
            let load = match zones.get_mut(&host.zone) {
                Some(zone) if host.serves => &mut zone.pinned,
                Some(_) | None => aside.entry(row.host).or_insert_with(|| vec![0; classes]),
            };
            load.iter_mut().zip(&row.demand).for_each(|(load, demand)| *load += demand);
        }
        for (id, zone) in &mut zones {
            zone.sizes.iter_mut().for_each(|sizes| sizes.sort_unstable_by(|a, b| b.cmp(a)));
            if let Some(whole) = whole.get(id) {
                zone.kept = whole.iter().map(|whole| kept(intent, *whole)).collect();
            }
        }
        Self { arena, intent, load, zones, aside, homes: BTreeMap::new() }
    }

    /// Why a host could not be drained: the first of these that holds. What is left in its
    /// zone without it is too little, whatever moves; a virtual machine on it is larger
    /// than what any host has free; all of them find no room together.
    pub(crate) fn capacity(&mut self, host: Id) -> Blocked {
        let found = self.zone_too_small(host).or_else(|| self.vm_too_large(host));
        found.unwrap_or_else(|| self.no_room(host))
    }

    fn zone_too_small(&self, host: Id) -> Option<Blocked> {
        let (arena, intent) = (self.arena, self.intent);
        let row = at(&arena.hosts, host);
        let zone = self.zones.get(&row.zone)?;
        let name = arena.fleet.hosts.get(host).map_or("", |h| h.zone.as_str());
        (0..arena.classes.len()).find_map(|class| {
            let aside = self.aside.get(&host).map_or(0, |load| *at(load, class));
            let load = *at(&zone.pinned, class) + aside;
            let going = if row.serves { *at(&row.usable, class) } else { 0 };
            let usable = *at(&zone.serving, class) - going;
            let (kept, class_name) = (*at(&zone.kept, class), *at(&arena.classes, class));
            if usable - load < kept {
                let numbers = [
                    ("zone", json!(name)),
                    ("class", json!(class_name)),
                    ("free_without_it", json!(Amount(usable - load))),
                    ("must_stay_free", json!(Amount(kept))),
                ];
                let more = Amount(kept - (usable - load));
                let fix = format!("free {more} {class_name} in zone `{name}`, or lower headroom");
                return Some(blocked(arena.host_id(host), BlockedCode::Capacity, &numbers, fix));
            }
            let spare = usize::try_from(intent.spare_hosts).unwrap_or(usize::MAX);
            let others = at(&zone.sizes, class).iter().filter(|(_, h)| *h != host);
            let room = usable - others.take(spare).map(|(usable, _)| usable).sum::<i64>();
            (room < load).then(|| {
                let numbers = [
                    ("zone", json!(name)),
                    ("class", json!(class_name)),
                    ("spare_hosts", json!(intent.spare_hosts)),
                    ("load", json!(Amount(load))),
                    ("room_then", json!(Amount(room))),
                ];
                let more = Amount(load - room);
                let fix =
                    format!("free {more} {class_name} in zone `{name}`, or lower spare_hosts");
                blocked(arena.host_id(host), BlockedCode::Capacity, &numbers, fix)
            })
        })
    }

    fn vm_too_large(&mut self, host: Id) -> Option<Blocked> {
        let (arena, load) = (self.arena, self.load);
        at(&load.on, host).iter().find_map(|&vm| {
            let row = at(&arena.vms, vm);
            let homes = self.homes.entry(row.profile).or_insert_with(|| homes(arena, load, vm));
            (0..arena.classes.len()).find_map(|class| {
                let best = at(homes, class).iter().flatten().find(|(_, h)| *h != host);
                let (free, demand) = (best?.0, *at(&row.demand, class));
                (free < demand).then(|| {
                    let (name, class) = (arena.vm_id(vm), *at(&arena.classes, class));
                    let numbers = [
                        ("vm", json!(name)),
                        ("class", json!(class)),
                        ("demand", json!(Amount(demand))),
                        ("most_free", json!(Amount(free))),
                    ];
                    let more = Amount(demand - free);
                    let fix = format!("free {more} {class} on a host that may have vm `{name}`");
                    blocked(arena.host_id(host), BlockedCode::Capacity, &numbers, fix)
                })
            })
        })
    }

    fn no_room(&self, host: Id) -> Blocked {
        let (arena, load) = (self.arena, self.load);
        let row = at(&arena.hosts, host);
        // The class that is scarcest on it.
        let class = (0..arena.classes.len()).max_by_key(|c| {
            let usable = *at(&row.usable, *c);
            let used = usable - *cell(&load.free, host, *c);
            if usable == 0 { 0 } else { used.saturating_mul(1000) / usable }
        });
        let class = class.unwrap_or(0);
        let left = |h: Id| at(&load.free, h).get(class).copied().unwrap_or(0);
        let others = arena.hosts.iter().enumerate();
        let others = others.filter(|(h, r)| *h != host && r.zone == row.zone && r.serves);
        let free: i64 = others.map(|(h, _)| left(h)).sum();
        let used = row.usable.get(class).copied().unwrap_or(0) - left(host);
        let name = arena.classes.get(class).copied().unwrap_or("-");
        let numbers = [
            ("class", json!(name)),
            ("used", json!(Amount(used))),
            ("free_elsewhere", json!(Amount(free))),
            ("headroom", json!(self.intent.headroom)),
        ];
        let zone = arena.fleet.hosts.get(host).map_or("", |h| h.zone.as_str());
        let fix = format!("free {} {name} in zone `{zone}`, or lower headroom", Amount(used));
        blocked(arena.host_id(host), BlockedCode::Capacity, &numbers, fix)
    }
}

/// What must stay free of so much, rounded up: the last thousandth, too.
pub(crate) fn kept(intent: &Intent, whole: i64) -> i64 {
    #[expect(clippy::cast_precision_loss, reason = "amounts are below 2^53 thousandths")]
    let share = (whole as f64 * intent.headroom - 1e-6).ceil();
    share as i64
}

/// What is free, at most, on hosts that may have a virtual machine, by class.
fn homes(arena: &Arena<'_>, load: &Load, vm: Id) -> Homes {
    let mut homes = vec![[None, None]; arena.classes.len()];
    let hosts = arena.hosts.iter().enumerate().filter(|(h, row)| row.serves && arena.may(vm, *h));
    for (host, _) in hosts {
        for ([first, second], free) in homes.iter_mut().zip(at(&load.free, host)) {
            let here = Some((*free, host));
            if here > *first {
                (*first, *second) = (here, *first);
            } else if here > *second {
                *second = here;
            }
        }
    }
    homes
}
