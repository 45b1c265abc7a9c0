//! What must hold of planner and checker together on any fleet.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may"
)]

mod cases;

use std::collections::{BTreeMap, BTreeSet};

use cases::{after, everything, fault, plain, plan, resumed};
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_model::Fleet;
use tidegate_model::fleet::{GroupPolicy, HostState, Member};
use tidegate_model::plan::{Blocked, BlockedCode, Op, Plan};
use tidegate_simulate::{Course, Moment, Point};

/// Where there is room for some and not for all, names and order break ties.
fn choice(blocked: &Blocked) -> bool {
    matches!(blocked.code, BlockedCode::Capacity | BlockedCode::Pods | BlockedCode::Window)
}

/// The member of its quorum for which a leader waits.
fn waits_for(blocked: &Blocked) -> Option<&str> {
    blocked.numbers.get("waits_for").and_then(|host| host.as_str())
}

fn targets(plan: &Plan) -> BTreeSet<String> {
    plan.waves.iter().flat_map(|w| w.targets.iter().cloned()).collect()
}

fn blocked(plan: &Plan) -> BTreeSet<(String, BlockedCode)> {
    plan.blocked.iter().map(|b| (b.target.clone(), b.code)).collect()
}

proptest! {
    #![proptest_config(cases::config(1000))]

    /// What the planner makes is safe, whatever the fleet; and the same again.
    #[test]
    fn every_plan_passes_the_checker(seed in any::<u64>(), hosts in 1_usize..12, vms in 0_usize..24) {
        let (fleet, intent) = everything(seed, hosts, vms);
        let made = plan(&fleet, &intent);
        prop_assert_eq!(fault(&fleet, &intent, &made), None);
        prop_assert_eq!(&made, &plan(&fleet, &intent));
    }

    /// A run that ends after any wave is planned again from what is there, and goes on
    /// where it was: no zone is left half done, ramps go on, and what was in a wave is in
    /// one again, unless there is room for some only, or it leads a quorum of which more
    /// can be done now.
    #[test]
    fn a_run_goes_on_after_any_wave(seed in any::<u64>(), hosts in 1_usize..9, vms in 0_usize..16) {
        let (fleet, intent) = everything(seed, hosts, vms);
        let first = plan(&fleet, &intent);
        let all = targets(&first);
        for waves in 1..=first.waves.len() {
            let fleet = after(&fleet, &first, waves);
            let rest = resumed(&fleet, &intent, &first, waves);
            prop_assert_eq!(fault(&fleet, &intent, &rest), None, "after wave {}", waves);
            let now: BTreeSet<String> = rest.done.iter().flat_map(|d| d.targets.clone()).collect();
            let whole: BTreeSet<String> = now.union(&targets(&rest)).cloned().collect();
            // A leader waits for a member that was beyond hope before.
            let new = |b: &Blocked| waits_for(b).is_some_and(|host| !all.contains(host));
            let lost = rest.blocked.iter().find(|b| {
                all.contains(&b.target) && !whole.contains(&b.target) && !choice(b) && !new(b)
            });
            prop_assert!(lost.is_none(), "after {}: {:?}", waves, lost);
        }
    }

    /// A host fails between any two phases, and what was on it is restarted where
    /// there is room: groups keep apart, and all that is left is done or blocked.
    #[test]
    fn what_is_left_when_a_host_failed_can_be_planned(seed in any::<u64>(), hosts in 2_usize..9, vms in 0_usize..16) {
        let (fleet, intent) = everything(seed, hosts, vms);
        let first = plan(&fleet, &intent);
        let mut dice = cases::Dice::new(seed);
        for wave in 0..=first.waves.len() as u32 {
            let phase = (wave > 0 && dice.one_in(2)).then(|| dice.up_to(6) as u32);
            let course = Course::at(&fleet, &first, Point { wave, phase });
            let dead = dice.pick(&course.fleet.hosts);
            let (failure, restarts) = Moment::new(&course, 0).fail(dead);
            let fleet = restarts.apply(&course.fleet);
            let (before, now) = (crowded(&course.fleet), crowded(&fleet));
            prop_assert!(now.is_subset(&before), "{} fails: {:?}", dead.id, now);
            let stay = fleet.vms.iter().filter(|v| v.host == dead.id).count();
            prop_assert_eq!(stay, failure.lost.len());
            let rest = plan(&fleet, &intent);
            prop_assert_eq!(fault(&fleet, &intent, &rest), None, "{} fails after {}", dead.id, wave);
        }
    }

    /// Names and order mean nothing.
    #[test]
    fn other_ids_change_nothing(seed in any::<u64>(), hosts in 1_usize..9, vms in 0_usize..16) {
        let (fleet, intent) = everything(seed, hosts, vms);
        let (renamed, names) = renumbered(&fleet);
        let (one, other) = (plan(&fleet, &intent), plan(&renamed, &intent));
        prop_assert_eq!(fault(&renamed, &intent, &other), None);
        let back = |t: &str| names.get(t).cloned().unwrap_or_else(|| t.to_owned());
        let same: BTreeSet<_> = blocked(&other).into_iter().map(|(t, c)| (back(&t), c)).collect();
        let targets = |s: &BTreeSet<(String, BlockedCode)>| s.iter().map(|b| b.0.clone()).collect::<BTreeSet<_>>();
        let ties = |p: &Plan| p.blocked.iter().any(|b| choice(b) || b.code == BlockedCode::Order);
        if ties(&one) || ties(&other) {
            return Ok(());
        }
        prop_assert_eq!(targets(&blocked(&one)), targets(&same));
        prop_assert_eq!(&one.bounds, &other.bounds);
    }

    /// With one host to spare, any host may fail between any two phases: what
    /// was on it fits on the others, groups keep apart, quorums of five have
    /// their majority.
    #[test]
    fn any_host_may_fail_at_any_time(seed in any::<u64>(), hosts in 2_usize..8, vms in 0_usize..14) {
        let (fleet, mut intent) = plain(seed, hosts, vms);
        intent.spare_hosts = 1;
        let plan = plan(&fleet, &intent);
        prop_assert_eq!(fault(&fleet, &intent, &plan), None);
        let broken = survives(&fleet, &plan);
        prop_assert!(broken.is_none(), "{}", broken.unwrap());
    }

    /// After every phase of every wave any host may fail, whatever the fleet: restarts fill no
    /// host and crowd no group, a quorum loses its majority only if it had not all its members
    /// or no plan could help it, and while a wave has hosts out its zone can bear the failures
    /// that are left to spare.
    #[test]
    fn a_failure_after_any_phase_spends_what_is_to_spare(seed in any::<u64>(), hosts in 2_usize..10, vms in 0_usize..18) {
        let (fleet, mut intent) = everything(seed, hosts, vms);
        intent.spare_hosts = 1 + u32::from(seed % 2 == 0);
        let plan = plan(&fleet, &intent);
        prop_assert_eq!(fault(&fleet, &intent, &plan), None);
        let whole: BTreeSet<&str> = fleet.quorums.iter().filter(|q| in_step(&fleet, q)).map(|q| q.id.as_str()).collect();
        let mut course = Course::new(&fleet);
        for wave in &plan.waves {
            for phase in wave.steps.iter().map(|s| s.phase).collect::<BTreeSet<_>>() {
                course.phase(wave, phase);
                let (full, crowds) = (overfull(&course.fleet), crowded(&course.fleet));
                let moment = Moment::new(&course, intent.spare_hosts);
                for host in course.fleet.hosts.iter().filter(|h| h.state != HostState::Down) {
                    let (failure, restarts) = moment.fail(host);
                    let then = restarts.apply(&course.fleet);
                    let at = format!("{} fails after phase {phase} of wave {}: {failure:?}", host.id, wave.n);
                    prop_assert!(overfull(&then).is_subset(&full), "{}", at);
                    prop_assert!(crowded(&then).is_subset(&crowds), "{}", at);
                    let lost = failure.quorums.iter().find(|q| whole.contains(q.quorum.as_str()) && !q.unavoidable());
                    prop_assert!(lost.is_none(), "{}", at);
                    let serves = host.state == HostState::Up && !course.out.contains(host.id.as_str()) && !course.down.contains(host.id.as_str());
                    if serves && !course.out.is_empty() && wave.zone.as_ref() == Some(&host.zone) {
                        prop_assert!(failure.short.is_none(), "{}", at);
                    }
                }
            }
        }
    }
}

/// A member of a quorum that could not be drained at first, and whose leader went
/// without it, does not come after it.
#[test]
fn leaders_stay_last_when_a_way_opens_behind_them() {
    let (fleet, intent) = everything(8_817_065_376_866_968_491, 6, 12);
    let (renamed, _) = renumbered(&fleet);
    let made = plan(&renamed, &intent);
    assert_eq!(fault(&renamed, &intent, &made), None);
    let behind =
        |b: &Blocked| b.code == BlockedCode::Order && b.numbers.contains_key("comes_after");
    assert!(made.blocked.iter().any(behind), "{:?}", made.blocked);
}

/// A host that is disabled is emptied by whatever means one that serves is.
#[test]
fn a_disabled_host_is_worth_a_search() {
    let (fleet, intent) = everything(8_947_108_810_143_822_031, 8, 15);
    let made = plan(&fleet, &intent);
    assert_eq!(fault(&fleet, &intent, &made), None);
    assert!(made.waves.iter().any(|w| w.targets == ["h2"]), "{:?}", made.blocked);
}

/// Nothing goes through a disabled host while it is emptied, not even for a while.
#[test]
fn a_disabled_host_takes_nothing_on_the_way() {
    let (fleet, intent) = everything(18_223_509_137_705_973_803, 5, 23);
    let made = plan(&fleet, &intent);
    assert_eq!(fault(&fleet, &intent, &made), None);
    let (fleet, intent) = everything(3_251_339_976_541_936_052, 6, 13);
    let first = plan(&fleet, &intent);
    let course = Course::at(&fleet, &first, Point { wave: 0, phase: None });
    let (_, restarts) = Moment::new(&course, 0).fail(&course.fleet.hosts[0]);
    let fleet = restarts.apply(&course.fleet);
    assert_eq!(fault(&fleet, &intent, &plan(&fleet, &intent)), None);
}

/// A member of a quorum for which the first wave made room comes before its leader, also
/// if it is in a zone whose turn is later: the leader waits for the next plan.
#[test]
fn a_leader_waits_for_a_member_that_was_beyond_hope_before() {
    let (fleet, intent) = everything(16_695_858_695_219_100_606, 7, 10);
    let first = plan(&fleet, &intent);
    let fleet = after(&fleet, &first, 1);
    let rest = resumed(&fleet, &intent, &first, 1);
    assert_eq!(fault(&fleet, &intent, &rest), None);
    assert!(rest.waves.iter().any(|w| w.targets == ["h0"]), "{:?}", rest.blocked);
    assert!(rest.blocked.iter().any(|b| waits_for(b) == Some("h0")), "{:?}", rest.blocked);
}

/// What may leave a zone does so where its headroom would not stay.
#[test]
fn headroom_is_kept_by_what_may_leave_the_zone() {
    let (fleet, intent) = everything(17_800_405_165_865_801_586, 7, 9);
    let made = plan(&fleet, &intent);
    assert_eq!(fault(&fleet, &intent, &made), None);
    assert!(made.waves.iter().any(|w| w.targets == ["h6"]), "{:?}", made.blocked);
}

/// Members of a quorum that are virtual machines on hosts of their own stay so where there is
/// room, at no time two on one host: its failure would take the majority.
#[test]
fn a_quorum_of_virtual_machines_stays_on_hosts_of_its_own() {
    let host = |n: usize| {
        json!({"id": format!("h{n}"), "zone": "z", "pool": "p", "version": {"nova": "2025.1"},
               "capacity": {"vcpu": if n == 4 { 8 } else { 16 }}})
    };
    let vm =
        |n: usize| json!({"id": format!("v{n}"), "host": format!("h{n}"), "demand": {"vcpu": 2}});
    let members: Vec<Value> = (1..4).map(|n| json!({"vm": format!("v{n}")})).collect();
    let fleet = json!({"schema": "tidegate.fleet/v1", "taken_at": "2026-11-20T00:00:00Z",
        "zones": ["z"], "hosts": [host(1), host(2), host(3), host(4)], "vms": [vm(1), vm(2), vm(3)],
        "quorums": [{"id": "q", "kind": "etcd", "members": members, "synced": members}]});
    let intent = json!({"schema": "tidegate.intent/v1",
        "targets": [{"selector": "all", "component": "nova", "to": "2025.2"}]});
    let fleet: Fleet = serde_json::from_value(fleet).unwrap();
    let intent = serde_json::from_value(intent).unwrap();
    let made = plan(&fleet, &intent);
    assert_eq!(fault(&fleet, &intent, &made), None);
    assert_eq!(targets(&made).len(), 4);
    let mut course = Course::new(&fleet);
    for wave in &made.waves {
        for phase in wave.steps.iter().map(|s| s.phase).collect::<BTreeSet<_>>() {
            course.phase(wave, phase);
            let hosts: BTreeSet<&str> = course.fleet.vms.iter().map(|v| v.host.as_str()).collect();
            assert_eq!(hosts.len(), 3, "after phase {phase} of wave {}", wave.n);
        }
    }
}

/// Whether all members of a quorum are hosts, run and are in step. Virtual machines that no
/// server group keeps apart may come together on one host.
fn in_step(fleet: &Fleet, quorum: &tidegate_model::fleet::Quorum) -> bool {
    let runs = |id: &String| fleet.hosts.iter().any(|h| h.id == *id && h.state != HostState::Down);
    let fine = |m: &Member| match m {
        Member::Host(id) => runs(id) && quorum.synced.contains(m),
        Member::Vm(_) => false,
    };
    // Two cannot spare one, plan or no plan.
    quorum.members.len() > 2 && quorum.members.iter().all(fine)
}

/// Hosts and classes of which more is in use than there is.
fn overfull(fleet: &Fleet) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for host in &fleet.hosts {
        let mut used: BTreeMap<&str, i64> = BTreeMap::new();
        for vm in &fleet.vms {
            if vm.host == host.id || vm.migrating_to.as_ref() == Some(&host.id) {
                vm.demand.iter().for_each(|(class, d)| *used.entry(class).or_default() += d.0);
            }
        }
        let full = used.into_iter().filter(|(class, used)| *used > host.usable(class).0);
        all.extend(full.map(|(class, _)| (host.id.clone(), class.to_owned())));
    }
    all
}

/// Groups that have more members on a host than may be.
fn crowded(fleet: &Fleet) -> BTreeSet<(String, String)> {
    let place: BTreeMap<&str, &str> =
        fleet.vms.iter().map(|v| (v.id.as_str(), v.host.as_str())).collect();
    let mut all = BTreeSet::new();
    for group in fleet.groups.iter().filter(|g| g.policy == GroupPolicy::AntiAffinity) {
        for host in &fleet.hosts {
            let here = group.members.iter().filter(|m| place[m.as_str()] == host.id).count();
            if here > group.max_per_host as usize {
                all.insert((group.id.clone(), host.id.clone()));
            }
        }
    }
    all
}

/// Hosts in another order and under other names; gives the old name of each.
fn renumbered(fleet: &Fleet) -> (Fleet, BTreeMap<String, String>) {
    let count = fleet.hosts.len();
    let new: BTreeMap<String, String> = fleet
        .hosts
        .iter()
        .enumerate()
        .map(|(n, h)| (h.id.clone(), format!("x{:02}", (n * 7 + 3) % 97)))
        .collect();
    let mut fleet = fleet.clone();
    let name = |id: &mut String| *id = new.get(id).unwrap().clone();
    fleet.hosts.iter_mut().for_each(|h| name(&mut h.id));
    for vm in &mut fleet.vms {
        name(&mut vm.host);
        vm.migrating_to.iter_mut().for_each(name);
    }
    for quorum in &mut fleet.quorums {
        let all = quorum.members.iter_mut().chain(&mut quorum.leader).chain(&mut quorum.synced);
        for member in all {
            if let Member::Host(id) = member {
                name(id);
            }
        }
    }
    fleet.ceph.iter_mut().flat_map(|c| &mut c.osds).for_each(|o| name(&mut o.host));
    fleet.hosts.rotate_left(count / 2);
    fleet.vms.reverse();
    (fleet, new.into_iter().map(|(old, new)| (new, old)).collect())
}

/// The first thing that the failure of a host would break.
fn survives(fleet: &Fleet, plan: &Plan) -> Option<String> {
    let mut place: BTreeMap<&str, &str> =
        fleet.vms.iter().map(|v| (v.id.as_str(), v.host.as_str())).collect();
    for wave in &plan.waves {
        let mut out: BTreeSet<&str> = BTreeSet::new();
        let last = wave.steps.iter().map(|s| s.phase).max().unwrap_or(0);
        for phase in 1..=last {
            for step in wave.steps.iter().filter(|s| s.phase == phase) {
                let host = step.host.as_deref().unwrap_or_default();
                match step.op {
                    Op::Cordon => drop(out.insert(host)),
                    Op::Uncordon => drop(out.remove(host)),
                    Op::Migrate => {
                        place.insert(step.vm.as_deref().unwrap(), step.to.as_deref().unwrap());
                    }
                    _ => {}
                }
            }
            for dead in fleet.hosts.iter().filter(|_| !out.is_empty()) {
                let stays = |h: &&tidegate_model::fleet::Host| {
                    h.state == HostState::Up && h.id != dead.id && !out.contains(h.id.as_str())
                };
                for class in ["vcpu", "memory_mib"] {
                    let usable: i64 =
                        fleet.hosts.iter().filter(stays).map(|h| h.usable(class).0).sum();
                    // What is still on a host that is being drained has a place already.
                    let load: i64 = fleet
                        .vms
                        .iter()
                        .filter(|v| !out.contains(place[v.id.as_str()]))
                        .map(|v| v.demand[class].0)
                        .sum();
                    if load > usable {
                        return Some(format!("wave {}: {class} without {}", wave.n, dead.id));
                    }
                }
                for quorum in fleet.quorums.iter().filter(|q| q.members.len() >= 5) {
                    let up = quorum.members.iter().filter(|m| match m {
                        Member::Host(id) => *id != dead.id && !out.contains(id.as_str()),
                        Member::Vm(_) => true,
                    });
                    if up.count() < quorum.members.len() / 2 + 1 {
                        return Some(format!("wave {}: quorum without {}", wave.n, dead.id));
                    }
                }
            }
        }
        for group in &fleet.groups {
            let mut on: BTreeMap<&str, u32> = BTreeMap::new();
            group.members.iter().for_each(|m| *on.entry(place[m.as_str()]).or_default() += 1);
            if let Some((host, n)) = on.iter().find(|(_, n)| **n > group.max_per_host) {
                return Some(format!("wave {}: {n} of `{}` on {host}", wave.n, group.id));
            }
        }
    }
    None
}
