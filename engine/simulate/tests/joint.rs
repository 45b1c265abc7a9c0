//! Hosts that are nodes, too: one target, emptied of virtual machines and of pods.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may"
)]

mod cases;

use std::collections::{BTreeMap, BTreeSet};

use cases::{after, fault, joint, plan, resumed};
use proptest::prelude::*;
use tidegate_model::Fleet;
use tidegate_model::fleet::HostState;
use tidegate_model::plan::{Op, Plan};

/// The first thing that is wrong with what a plan does to hosts that are nodes: followed by
/// hand, without planner and checker.
fn wrong(fleet: &Fleet, plan: &Plan) -> Option<String> {
    let cluster = fleet.kubernetes.as_ref()?;
    let down: BTreeSet<&str> =
        fleet.hosts.iter().filter(|h| h.state == HostState::Down).map(|h| h.id.as_str()).collect();
    let hosts: BTreeSet<&str> = fleet.hosts.iter().map(|h| h.id.as_str()).collect();
    let nodes: BTreeSet<&str> = cluster.nodes.iter().map(|n| n.id.as_str()).collect();
    let mut vms: BTreeMap<&str, &str> =
        fleet.vms.iter().map(|v| (v.id.as_str(), v.host.as_str())).collect();
    let fixed = |p: &&tidegate_model::fleet::Pod| {
        !p.owner.as_ref().is_some_and(|o| o.starts_with("DaemonSet/"))
    };
    let mut pods: BTreeMap<&str, &str> =
        cluster.pods.iter().filter(fixed).map(|p| (p.id.as_str(), p.node.as_str())).collect();
    for wave in &plan.waves {
        let mut evicted: BTreeMap<&str, u32> = BTreeMap::new();
        let mut stopped: BTreeSet<&str> = BTreeSet::new();
        let mut phases: Vec<u32> = wave.steps.iter().map(|s| s.phase).collect();
        phases.sort_unstable();
        phases.dedup();
        for phase in phases {
            for step in wave.steps.iter().filter(|s| s.phase == phase) {
                let at = |text: &str| Some(format!("wave {} {}: {text}", wave.n, step.id));
                let host = step.host.as_deref().filter(|id| nodes.contains(id));
                let node = step.node.as_deref().filter(|id| hosts.contains(id));
                match step.op {
                    Op::Migrate => {
                        vms.insert(step.vm.as_deref().unwrap(), step.to.as_deref().unwrap());
                    }
                    Op::Evict => {
                        let to = step.to.as_deref().unwrap();
                        if down.contains(to) || stopped.contains(to) {
                            return at("its host is down");
                        }
                        let pod = step.pod.as_deref().unwrap();
                        pods.insert(pod, to);
                        for pdb in cluster.pdbs.iter().filter(|b| b.pods.iter().any(|p| p == pod)) {
                            let count = evicted.entry(&pdb.id).or_default();
                            *count += 1;
                            if *count > pdb.disruptions_allowed {
                                return at("more than the budget allows");
                            }
                        }
                    }
                    Op::Stop | Op::Reboot | Op::Update => {
                        if let Some(id) = host.or(node) {
                            if vms.values().any(|h| *h == id) || pods.values().any(|n| *n == id) {
                                return at("not empty");
                            }
                            stopped.insert(id);
                        }
                    }
                    _ => {}
                }
            }
        }
        let both = |id: &&String| hosts.contains(id.as_str()) && nodes.contains(id.as_str());
        for id in wave.targets.iter().filter(both) {
            for op in [Op::Cordon, Op::Uncordon] {
                let steps = || wave.steps.iter().filter(|s| s.op == op);
                let of_host = steps().any(|s| s.host.as_ref() == Some(id));
                if !of_host || !steps().any(|s| s.node.as_ref() == Some(id)) {
                    return Some(format!("wave {}: {} of `{id}`", wave.n, op.name()));
                }
            }
        }
    }
    None
}

proptest! {
    #![proptest_config(cases::config(256))]

    #[test]
    fn both_leave_in_one_wave(seed in any::<u64>(), hosts in 1_usize..10, vms in 0_usize..16) {
        let (fleet, intent) = joint(seed, hosts, vms);
        let made = plan(&fleet, &intent);
        prop_assert_eq!(fault(&fleet, &intent, &made), None);
        prop_assert_eq!(wrong(&fleet, &made), None);
        prop_assert_eq!(&made, &plan(&fleet, &intent));
    }

    #[test]
    fn a_run_goes_on_after_any_wave(seed in any::<u64>(), hosts in 1_usize..8, vms in 0_usize..12) {
        let (fleet, intent) = joint(seed, hosts, vms);
        let first = plan(&fleet, &intent);
        for waves in 1..=first.waves.len() {
            let fleet = after(&fleet, &first, waves);
            let rest = resumed(&fleet, &intent, &first, waves);
            prop_assert_eq!(fault(&fleet, &intent, &rest), None, "after wave {}", waves);
        }
    }
}

/// A batch of which no one can be drained with all others is not given up: first one goes,
/// whose pods the other takes.
#[test]
fn two_nodes_that_need_each_other_take_turns() {
    let (fleet, intent) = joint(342_719_450_591_351_698, 4, 2);
    let first = plan(&fleet, &intent);
    let fleet = after(&fleet, &first, 1);
    let rest = resumed(&fleet, &intent, &first, 1);
    assert_eq!(fault(&fleet, &intent, &rest), None);
    let all: Vec<_> = first.waves.iter().chain(&rest.waves).flat_map(|w| &w.targets).collect();
    assert!(all.iter().any(|t| *t == "h0"), "{:?}", rest.blocked);
}

/// Nodes for which there was no room while others were to be updated that have no window are
/// tried again where these stay as they are.
#[test]
fn what_comes_too_late_is_in_nobodys_way() {
    let (fleet, intent) = joint(13_345_791_826_985_253_760, 3, 13);
    let made = plan(&fleet, &intent);
    assert_eq!(fault(&fleet, &intent, &made), None);
    let why = made.blocked.iter().find(|b| b.target == "n4").map(|b| b.code.name());
    assert_eq!(why, Some("window"));
}

/// Of hosts that get different components, each gets its own in the order of the table.
#[test]
fn components_keep_their_order_on_every_host() {
    let (fleet, intent) = joint(5_158_697_561_404_290_397, 9, 15);
    let made = plan(&fleet, &intent);
    assert_eq!(fault(&fleet, &intent, &made), None);
    let updated = |id| made.waves.iter().flat_map(|w| &w.steps).position(|s| s.id == id).unwrap();
    assert!(updated("1/update/h4/nova") < updated("1/update/h4/kubelet"));
}
