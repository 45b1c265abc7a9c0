//! What is said of virtual machines that cannot leave a host.

use std::collections::{BTreeMap, VecDeque};

use serde_json::json;
use tidegate_model::fleet::{Group, GroupPolicy};
use tidegate_model::plan::Blocked;

use super::Court;
use super::numbers::{compare, named};
use crate::ground::{Ground, movable, serves};
use crate::state::State;

type Judged = Result<(), String>;

impl Court<'_> {
    /// The virtual machine that a reason names; it is on the host before the plan.
    pub(super) fn vm_on(&self, blocked: &Blocked, host: usize) -> Result<usize, String> {
        let vm = self.vm(blocked)?;
        match self.start.state.place[vm] == host {
            true => Ok(vm),
            false => Err(format!("vm `{}` is not on it", self.ground.vm(vm).id)),
        }
    }

    pub(super) fn vm(&self, blocked: &Blocked) -> Result<usize, String> {
        let id = named(blocked, "vm")?;
        self.ground.vms.get(id).copied().ok_or_else(|| format!("there is no vm `{id}`"))
    }

    /// The group that a reason names, of a policy and with a member.
    fn group(
        &self,
        blocked: &Blocked,
        policy: GroupPolicy,
        vm: usize,
    ) -> Result<(usize, &Group), String> {
        let id = named(blocked, "group")?;
        let mut groups = self.ground.fleet.groups.iter().enumerate();
        let (n, group) =
            groups.find(|(_, g)| g.id == id).ok_or_else(|| format!("there is no group `{id}`"))?;
        let member = &self.ground.vm(vm).id;
        match group.policy == policy && group.members.contains(member) {
            true => Ok((n, group)),
            false => Err(format!("group `{id}` does not hold vm `{member}` so")),
        }
    }

    pub(super) fn not_migratable(&self, blocked: &Blocked, host: usize) -> Judged {
        let vm = self.vm(blocked)?;
        let facts = self.ground.vm(vm);
        let coming = facts.migrating_to.as_ref() == Some(&self.ground.host(host).id);
        if self.start.state.place[vm] != host && !coming {
            return Err(format!("vm `{}` is not on it", facts.id));
        }
        let mut counted = vec![("vm", json!(facts.id)), ("state", json!(facts.state))];
        counted.extend(facts.reason.as_ref().map(|reason| ("reason", json!(reason))));
        counted.extend(facts.migrating_to.as_ref().map(|to| ("moving_to", json!(to))));
        compare(blocked, &counted)?;
        match movable(facts) {
            Some(_) => Err(format!("vm `{}` can be moved", facts.id)),
            None => Ok(()),
        }
    }

    pub(super) fn affinity(&self, blocked: &Blocked, host: usize) -> Judged {
        let vm = self.vm_on(blocked, host)?;
        let (_, group) = self.group(blocked, GroupPolicy::Affinity, vm)?;
        compare(blocked, &[("vm", json!(self.ground.vm(vm).id)), ("group", json!(group.id))])?;
        match group.members.len() > 1 {
            true => Ok(()),
            false => Err(format!("group `{}` has one member only", group.id)),
        }
    }

    pub(super) fn compatibility(&self, blocked: &Blocked, host: usize) -> Judged {
        let vm = self.vm_on(blocked, host)?;
        let takes = |h: &usize| {
            *h != host && serves(self.ground.host(*h)) && self.ground.unfit(vm, *h).is_none()
        };
        let hosts = (0..self.ground.fleet.hosts.len()).filter(takes).count();
        compare(blocked, &[("vm", json!(self.ground.vm(vm).id)), ("hosts", json!(hosts))])?;
        match hosts {
            0 => Ok(()),
            some => Err(format!("{some} hosts could have the vm")),
        }
    }

    pub(super) fn anti_affinity(&self, blocked: &Blocked, host: usize) -> Judged {
        let vm = self.vm_on(blocked, host)?;
        let (n, group) = self.group(blocked, GroupPolicy::AntiAffinity, vm)?;
        let seats = seats(self.ground, &self.start.state, n, host);
        let counted = [
            ("vm", json!(self.ground.vm(vm).id)),
            ("group", json!(group.id)),
            ("members", json!(group.members.len())),
            ("seats", json!(seats)),
        ];
        compare(blocked, &counted)?;
        match seats < group.members.len() {
            true => Ok(()),
            false => Err(format!("all members of group `{}` find other hosts", group.id)),
        }
    }
}

/// How many members of a group that keeps apart could be on hosts other than one, room
/// aside: who need not move stays, then each round gives one more of them a host, until
/// none does (a greatest flow from members to hosts).
fn seats(ground: &Ground<'_>, state: &State<'_>, group: usize, without: usize) -> usize {
    let Some(facts) = ground.fleet.groups.get(group) else { return 0 };
    let members: Vec<usize> =
        facts.members.iter().filter_map(|m| ground.vms.get(m.as_str()).copied()).collect();
    let fits = |vm: usize, host: usize| {
        let stays = state.place[vm] == host;
        let goes = movable(ground.vm(vm)).is_some() && serves(ground.host(host));
        host != without && (stays || goes && ground.unfit(vm, host).is_none())
    };
    // A host that has too many from the start may keep them.
    let mut now: BTreeMap<usize, usize> = BTreeMap::new();
    members.iter().for_each(|m| *now.entry(state.place[*m]).or_default() += 1);
    let limit = |host: usize| {
        let here = now.get(&host).copied().unwrap_or(0);
        here.max(facts.max_per_host as usize)
    };
    // By host: the members that have it.
    let mut on: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &member in members.iter().filter(|m| state.place[**m] != without) {
        on.entry(state.place[member]).or_default().push(member);
    }
    let mut seated = on.values().map(Vec::len).sum();
    for &member in members.iter().filter(|m| state.place[**m] == without) {
        // A way from the member over hosts that are full to one that is not.
        let mut came: BTreeMap<usize, (usize, Option<usize>)> = BTreeMap::new();
        let mut queue: VecDeque<(usize, Option<usize>)> = [(member, None)].into();
        let mut free = None;
        while let Some((vm, over)) = queue.pop_front().filter(|_| free.is_none()) {
            for host in (0..ground.fleet.hosts.len()).filter(|h| fits(vm, *h)) {
                if came.contains_key(&host) {
                    continue;
                }
                came.insert(host, (vm, over));
                let there = on.get(&host).map(Vec::as_slice).unwrap_or_default();
                if there.len() < limit(host) {
                    free = Some(host);
                    break;
                }
                queue.extend(there.iter().map(|other| (*other, Some(host))));
            }
        }
        let Some(mut host) = free else { continue };
        seated += 1;
        while let Some((vm, over)) = came.get(&host).copied() {
            on.entry(host).or_default().push(vm);
            let Some(before) = over else { break };
            on.entry(before).or_default().retain(|other| *other != vm);
            host = before;
        }
    }
    seated
}
