//! Whether the members of a group that keeps apart find hosts, room aside.
//!
//! Source: Kuhn's augmenting paths.

use std::collections::{BTreeMap, BTreeSet};

use crate::arena::{Arena, Id, at};
use crate::load::Load;

/// How many members of a group can be on hosts other than `without`, each where it may
/// be and no more on one than may share it; absent if all can.
pub(crate) fn short(arena: &Arena<'_>, load: &Load, group: Id, without: Id) -> Option<usize> {
    let most = *at(&arena.max_per_host, group) as usize;
    let members = arena.members(group);
    // Who has as many hosts to choose from as there are members finds one.
    let many = |vm: &Id| arena.other_homes(*vm).saturating_sub(1) >= members.len();
    let stays = |vm: &Id| at(&arena.vms, *vm).kind.is_none() && *at(&load.place, *vm) != without;
    if members.iter().all(|vm| many(vm) || stays(vm)) {
        return None;
    }
    let homes: Vec<Vec<Id>> = members
        .iter()
        .map(|&vm| {
            let stays = at(&arena.vms, vm).kind.is_none();
            let own = *at(&load.place, vm);
            let takes = |h: &Id| {
                let may = at(&arena.hosts, *h).serves && arena.may(vm, *h) && !stays;
                *h != without && (*h == own || may)
            };
            // More than all members could take makes no difference.
            let mut all: Vec<Id> =
                (0..arena.hosts.len()).filter(takes).take(members.len()).collect();
            if own != without && !all.contains(&own) {
                all.push(own);
            }
            all
        })
        .collect();
    // A host that has too many from the start may keep them.
    let here = |host: Id| members.iter().filter(|vm| *at(&load.place, **vm) == host).count();
    let most = |host: Id| most.max(here(host));
    let mut on: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    let sits = |n: &usize| seat(*n, &homes, &most, &mut on, &mut BTreeSet::new());
    let seats = (0..members.len()).filter(sits).count();
    (seats < members.len()).then_some(seats)
}

/// Finds a host for a member, moving others to hosts that they could have, too.
fn seat(
    n: usize,
    homes: &[Vec<Id>],
    most: &dyn Fn(Id) -> usize,
    on: &mut BTreeMap<Id, Vec<usize>>,
    seen: &mut BTreeSet<Id>,
) -> bool {
    for host in at(homes, n) {
        if !seen.insert(*host) {
            continue;
        }
        let there = on.entry(*host).or_default().clone();
        if there.len() < most(*host) {
            on.entry(*host).or_default().push(n);
            return true;
        }
        for other in there {
            if seat(other, homes, most, on, seen) {
                let all = on.entry(*host).or_default();
                all.retain(|m| *m != other);
                all.push(n);
                return true;
            }
        }
    }
    false
}
