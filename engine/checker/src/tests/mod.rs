//! A clean plan, one thing broken at a time, and the one thing said of it.

use serde_json::{Value, json};
use tidegate_model::versions::VersionRules;

use super::*;

mod blocked;
mod joint;
mod numbers;
mod order;
mod skew;

/// Four hosts in one zone, of which `h1` and `h2` are to be updated; `h4` is
/// empty. `a` and `b` keep apart.
fn fleet() -> Value {
    let host = |id: &str| {
        json!({"id": id, "zone": "z", "pool": "p", "version": {"nova": "2025.1"},
               "capacity": {"vcpu": 8, "memory_mib": 8192}, "max_migrations": {"in": 2, "out": 2}})
    };
    let vm = |id: &str, host: &str, memory: u64| json!({"id": id, "host": host, "demand": {"vcpu": 1, "memory_mib": memory}});
    json!({
        "schema": "tidegate.fleet/v1", "taken_at": "2026-11-20T00:00:00Z", "zones": ["z"],
        "hosts": [host("h1"), host("h2"), host("h3"), host("h4")],
        "vms": [vm("a", "h1", 4096), vm("b", "h2", 4096), vm("c", "h3", 2048)],
        "groups": [{"id": "g", "policy": "anti-affinity", "members": ["a", "b"]}],
        "quorums": [{"id": "q", "kind": "galera", "leader": {"host": "h2"},
                     "members": [{"host": "h1"}, {"host": "h2"}, {"host": "h3"}],
                     "synced": [{"host": "h1"}, {"host": "h2"}, {"host": "h3"}]}],
    })
}

fn intent() -> Value {
    json!({"schema": "tidegate.intent/v1", "headroom": 0.1, "canary": 1, "growth": 2,
           "max_unavailable": {"p": 1},
           "targets": [{"selector": {"ids": ["h1", "h2"]}, "component": "nova", "to": "2025.2"}]})
}

fn wave(n: u64, host: &str, vm: &str, to: &str) -> Value {
    let id = |step: &str| format!("{n}-{step}");
    json!({"n": n, "zone": "z", "targets": [host], "soak_s": 0, "reads": [], "steps": [
        {"id": id("cordon"), "phase": 1, "op": "cordon", "host": host},
        {"id": id("move"), "phase": 2, "op": "migrate", "vm": vm, "from": host, "to": to, "kind": "live"},
        {"id": id("stop"), "phase": 3, "op": "stop", "host": host},
        {"id": id("update"), "phase": 4, "op": "update", "host": host, "component": "nova",
         "from": "2025.1", "version": "2025.2"},
        {"id": id("start"), "phase": 5, "op": "start", "host": host},
        {"id": id("verify"), "phase": 6, "op": "verify", "host": host},
        {"id": id("uncordon"), "phase": 7, "op": "uncordon", "host": host},
    ]})
}

fn plan() -> Value {
    let zeros = "0".repeat(64);
    json!({"schema": "tidegate.plan/v1", "id": "p", "generation": 1, "fleet_sha256": zeros,
           "intent_sha256": zeros, "rules_version": "x",
           "waves": [wave(1, "h1", "a", "h4"), wave(2, "h2", "b", "h1")],
           "bounds": [{"name": "quorum", "waves": 2}, {"name": "ramp", "waves": 2}]})
}

fn judge(fleet: Value, intent: Value, plan: Value) -> Result<Checked, Violation> {
    let fleet: Fleet = serde_json::from_value(fleet).unwrap();
    let intent: Intent = serde_json::from_value(intent).unwrap();
    let plan: Plan = serde_json::from_value(plan).unwrap();
    check(&fleet, &intent, &plan, &VersionRules::bundled())
}

/// Sets what stands at a pointer.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

/// Adds a member to what stands at a pointer.
fn adding(mut document: Value, pointer: &str, key: &str, value: Value) -> Value {
    document.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
    document
}

#[track_caller]
fn broken(fleet: Value, intent: Value, plan: Value, expected: &str) {
    let violation = judge(fleet, intent, plan).unwrap_err();
    assert!(violation.to_string().starts_with(expected), "{violation}");
}

#[track_caller]
fn plan_broken(pointer: &str, value: Value, expected: &str) {
    broken(fleet(), intent(), with(plan(), pointer, value), expected);
}

#[track_caller]
fn fleet_broken(pointer: &str, value: Value, expected: &str) {
    broken(with(fleet(), pointer, value), intent(), plan(), expected);
}

#[test]
fn a_clean_plan_is_safe() {
    let checked = judge(fleet(), intent(), plan()).unwrap();
    assert_eq!((checked.updated, checked.blocked), (2, 0));
    // One phase of moves and one update in each wave.
    let ends: Vec<String> = checked.ends.iter().map(ToString::to_string).collect();
    assert_eq!(ends, ["2026-11-20T00:11:00Z", "2026-11-20T00:22:00Z"]);
}

#[test]
fn hosts_are_not_overfilled() {
    fleet_broken(
        "/vms/0/demand/memory_mib",
        json!(9000),
        "C1 in wave 1, step `1-move`: host `h4` would have 9000 of 8192 memory_mib",
    );
    fleet_broken("/hosts/3/capacity/vcpu", json!(0), "C1 in wave 1, step `1-move`");
}

#[test]
fn headroom_and_spare_hosts_stay() {
    // 32 GiB in all; without h1 24 are there for a load of 10.
    broken(fleet(), with(intent(), "/headroom", json!(0.44)), plan(), "C2 in wave 1");
    assert!(judge(fleet(), with(intent(), "/headroom", json!(0.43)), plan()).is_ok());
    broken(fleet(), adding(intent(), "", "spare_hosts", json!(2)), plan(), "C2 in wave 1");
    assert!(judge(fleet(), adding(intent(), "", "spare_hosts", json!(1)), plan()).is_ok());
}

#[test]
fn virtual_machines_go_where_they_may() {
    broken(adding(fleet(), "/vms/0", "requires", json!(["X"])), intent(), plan(), "C3 in wave 1");
    broken(adding(fleet(), "/vms/0", "aggregates", json!(["X"])), intent(), plan(), "C3 in wave 1");
    let barred = adding(fleet(), "/hosts/3", "traits", json!(["X"]));
    broken(adding(barred, "/vms/0", "forbids", json!(["X"])), intent(), plan(), "C3 in wave 1");
    let zones = with(with(fleet(), "/zones", json!(["z", "y"])), "/hosts/3/zone", json!("y"));
    broken(zones.clone(), intent(), plan(), "C4 in wave 1");
    let free = adding(zones, "/vms/0", "zone_pinned", json!(false));
    assert!(judge(free, intent(), plan()).is_ok());
    plan_broken("/waves/0/steps/1/to", json!("h2"), "C5 in wave 1");
    fleet_broken("/groups/0/policy", json!("affinity"), "C5 in wave 1");
    broken(adding(fleet(), "/vms/0", "migratable", json!("no")), intent(), plan(), "C6 in wave 1");
    broken(adding(fleet(), "/vms/0", "state", json!("shutoff")), intent(), plan(), "C6 in wave 1");
    broken(adding(fleet(), "/vms/0", "state", json!("error")), intent(), plan(), "C6 in wave 1");
    let disabled = adding(fleet(), "/hosts/3", "state", json!("disabled"));
    let two = with(intent(), "/max_unavailable/p", json!(2));
    broken(disabled, two, plan(), "C6 in wave 1");
    plan_broken("/waves/0/steps/1/from", json!("h3"), "Form in wave 1");
    plan_broken("/waves/1/steps/1/to", json!("h2"), "Form in wave 2");
}

#[test]
fn every_subset_of_a_phase_counts() {
    // The cordon may be done before the move, or the stop.
    let mut early = plan();
    early["waves"][0]["steps"][2]["phase"] = json!(2);
    broken(fleet(), intent(), early, "C6 in wave 1");
    let mut late = plan();
    late["waves"][0]["steps"][5]["phase"] = json!(3);
    broken(fleet(), intent(), late, "Form in wave 1");
    // Two at a time go out of h1, more do not.
    let mut many = fleet();
    for id in ["d", "e"] {
        let vm = json!({"id": id, "host": "h1", "demand": {"vcpu": 1}});
        many["vms"].as_array_mut().unwrap().push(vm);
    }
    let mut moves = plan();
    for id in ["d", "e"] {
        let step =
            json!({"id": id, "phase": 2, "op": "migrate", "vm": id, "from": "h1", "to": "h3"});
        moves["waves"][0]["steps"].as_array_mut().unwrap().push(step);
    }
    broken(many.clone(), intent(), moves.clone(), "C7 in wave 1");
    many["hosts"][0]["max_migrations"]["out"] = json!(3);
    assert!(judge(many, intent(), moves).is_ok());
}

#[test]
fn majorities_stay_and_leaders_come_last() {
    fleet_broken("/quorums/0/synced", json!([{"host": "h1"}, {"host": "h2"}]), "Q1 in wave 1");
    fleet_broken("/quorums/0/leader", json!({"host": "h1"}), "Q2 in wave 2");
    fleet_broken("/quorums/0/members", json!([{"host": "h1"}, {"host": "h2"}]), "Q1 in wave 1");
}

#[test]
fn placement_groups_keep_their_minimum() {
    let ceph = |min: u64, clean: bool| {
        json!({"osds": [{"id": "o1", "host": "h1"}, {"id": "o2", "host": "h2"}],
               "pools": [{"id": "v", "size": 2, "min_size": min}],
               "pgs": [{"id": "1", "pool": "v", "acting": ["o1", "o2"], "clean": clean}]})
    };
    assert!(judge(adding(fleet(), "", "ceph", ceph(1, true)), intent(), plan()).is_ok());
    broken(adding(fleet(), "", "ceph", ceph(2, true)), intent(), plan(), "S1 in wave 1");
    broken(adding(fleet(), "", "ceph", ceph(1, false)), intent(), plan(), "S1 in wave 1");
}

#[test]
fn waves_keep_sizes_budgets_windows_and_zones() {
    broken(fleet(), with(intent(), "/canary", json!(0)), plan(), "T2 in wave 1");
    broken(fleet(), with(intent(), "/max_unavailable/p", json!(0)), plan(), "T2 in wave 1");
    let down = adding(fleet(), "/hosts/2", "state", json!("disabled"));
    broken(down, intent(), plan(), "T2 in wave 1: 2 of pool `p`");
    let night = json!([{"from": "22:00", "to": "05:00", "time_zone": "Europe/Berlin"}]);
    let windows = adding(intent(), "", "windows", night);
    broken(fleet(), windows.clone(), plan(), "T1 in wave 1: it has no window");
    let span = |start: &str, end: &str| json!({"start": start, "end": end});
    let in_window = |first: Value| {
        let plan = adding(plan(), "/waves/0", "window", first);
        adding(plan, "/waves/1", "window", span("2026-11-20T21:00:00Z", "2026-11-21T04:00:00Z"))
    };
    let fine = in_window(span("2026-11-20T00:30:00Z", "2026-11-20T04:00:00Z"));
    assert!(judge(fleet(), windows.clone(), fine.clone()).is_ok());
    let day = in_window(span("2026-11-20T04:00:00Z", "2026-11-20T05:00:00Z"));
    broken(fleet(), windows.clone(), day, "T1 in wave 1");
    let short = in_window(span("2026-11-20T00:00:00Z", "2026-11-20T00:10:00Z"));
    broken(fleet(), windows.clone(), short, "T1 in wave 1: it would last");
    let freeze = json!([{"start": "2026-11-20T00:35:00Z", "end": "2026-11-20T00:36:00Z"}]);
    broken(fleet(), adding(windows, "", "freezes", freeze), fine, "T1 in wave 1: it runs into");
    let apart = with(with(fleet(), "/zones", json!(["z", "y"])), "/hosts/1/zone", json!("y"));
    let mut both = plan();
    both["waves"][0]["targets"] = json!(["h1", "h2"]);
    broken(apart, intent(), both, "T3 in wave 1");
}

#[test]
fn a_zone_that_was_begun_is_finished_first() {
    let zones = with(with(fleet(), "/zones", json!(["z", "y"])), "/hosts/1/zone", json!("y"));
    let one = adding(intent(), "", "one_zone_at_a_time", json!(true));
    let mut far = with(plan(), "/waves/1/zone", json!("y"));
    let swapped = |mut plan: Value| {
        plan["waves"].as_array_mut().unwrap().swap(0, 1);
        with(with(plan, "/waves/0/n", json!(1)), "/waves/1/n", json!(2))
    };
    let since = |plan: Value, zones: &[&str]| {
        let done: Vec<Value> =
            zones.iter().map(|z| json!({"zone": z, "targets": ["x"], "versions": {}})).collect();
        adding(plan, "", "done", json!(done))
    };
    let left = |zone: &str| format!("T3 in wave 2: zone `{zone}` was left before it was finished");
    far["bounds"] = json!([]);
    // That nothing has room in a zone of one host is what is wrong if the order is not.
    let fine = "C2 in wave ";
    broken(zones.clone(), one.clone(), far.clone(), fine);
    broken(zones.clone(), one.clone(), since(far.clone(), &["z"]), fine);
    broken(zones.clone(), one.clone(), since(far.clone(), &["y"]), &left("y"));
    broken(zones.clone(), one.clone(), since(swapped(far.clone()), &["z"]), &left("z"));
    // A zone that was left long ago may have targets again.
    broken(zones.clone(), one, since(far.clone(), &["y", "z"]), fine);
    broken(zones.clone(), intent(), since(far.clone(), &["y"]), fine);
    far["waves"][1].as_object_mut().unwrap().remove("zone");
    broken(zones, intent(), far, "Form in wave 2: it says that its zone is `-`, and its targets");
}

#[test]
fn versions_go_forward_by_allowed_steps_in_order() {
    let to = |v: &str| with(intent(), "/targets/0/to", json!(v));
    let as_planned = |v: &str| {
        let plan = with(plan(), "/waves/0/steps/3/version", json!(v));
        with(plan, "/waves/1/steps/3/version", json!(v))
    };
    broken(fleet(), to("2024.2"), as_planned("2024.2"), "V3 in wave 1");
    broken(fleet(), to("2026.2"), as_planned("2026.2"), "V3 in wave 1");
    // From one SLURP to the next.
    assert!(judge(fleet(), to("2026.1"), as_planned("2026.1")).is_ok());
    let old = with(fleet(), "/hosts/2/version/nova", json!("2024.1"));
    broken(old, intent(), plan(), "V1 in wave 1");
    let mut two = intent();
    let neutron =
        json!({"selector": {"ids": ["h1", "h2"]}, "component": "neutron", "to": "2025.2"});
    two["targets"].as_array_mut().unwrap().push(neutron);
    broken(fleet(), two, plan(), "V2 in wave 1");
}

#[test]
fn every_target_is_done_once_or_blocked_for_a_reason_that_holds() {
    let mut one = plan();
    one["waves"].as_array_mut().unwrap().pop();
    one["bounds"] = json!([]);
    broken(fleet(), intent(), one.clone(), "Targets: `h2`");
    let numbers = json!({"vm": "b", "state": "active"});
    let reason = json!([{"target": "h2", "code": "not-migratable", "numbers": numbers}]);
    let blocked = adding(one, "", "blocked", reason);
    broken(fleet(), intent(), blocked.clone(), "Blocked: `h2`");
    let stuck = adding(fleet(), "/vms/1", "migratable", json!("no"));
    assert!(judge(stuck, intent(), blocked).is_ok());
    let mut old = plan();
    old["waves"][1]["steps"].as_array_mut().unwrap().remove(3);
    broken(fleet(), intent(), old, "Targets in wave 2: `nova` on `h2` ends at version `2025.1`");
    plan_broken("/waves/1/targets", json!(["h1"]), "Targets in wave 2");
    let mut undone = plan();
    undone["waves"][1]["steps"].as_array_mut().unwrap().pop();
    broken(fleet(), intent(), undone, "Form in wave 2: it ends while host `h2` is cordoned");
}

#[test]
fn pods_are_evicted_within_their_budgets_to_where_they_fit() {
    let node = |id: &str| {
        json!({"id": id, "cluster": "k", "version": "v1.33.1", "allocatable": {"cpu": 2},
               "labels": {"topology.kubernetes.io/zone": "z"}})
    };
    let mut cluster = fleet();
    cluster["kubernetes"] = json!({
        "nodes": [node("n1"), node("n2")],
        "pods": [{"id": "p1", "node": "n1", "requests": {"cpu": 1.5}, "owner": "ReplicaSet/w"},
                 {"id": "ds", "node": "n1", "requests": {"cpu": 0.1}, "owner": "DaemonSet/d"}],
        "pdbs": [{"id": "b", "pods": ["p1"], "disruptions_allowed": 1}],
        "control_planes": [{"id": "k", "components": {"kube-apiserver": "v1.34.0"}}]});
    let want = json!({"schema": "tidegate.intent/v1",
        "targets": [{"selector": {"ids": ["n1"]}, "component": "kubelet", "to": "v1.34.0"}]});
    let drain = json!({"schema": "tidegate.plan/v1", "id": "p", "generation": 1,
        "intent_sha256": "0".repeat(64), "rules_version": "x",
        "waves": [{"n": 1, "targets": ["n1"], "steps": [
            {"id": "1", "phase": 1, "op": "cordon", "node": "n1"},
            {"id": "2", "phase": 2, "op": "evict", "pod": "p1", "from": "n1", "to": "n2"},
            {"id": "3", "phase": 3, "op": "update", "node": "n1", "component": "kubelet", "version": "v1.34.0"},
            {"id": "4", "phase": 4, "op": "verify", "node": "n1"},
            {"id": "5", "phase": 5, "op": "uncordon", "node": "n1"}]}]});
    assert_eq!(judge(cluster.clone(), want.clone(), drain.clone()).unwrap().updated, 1);
    let bound = |n: u64| adding(drain.clone(), "", "bounds", json!([{"name": "pdb", "waves": n}]));
    judge(cluster.clone(), want.clone(), bound(1)).unwrap();
    let more = "Bounds: the bound `pdb` says 2 waves, and 1 follow";
    broken(cluster.clone(), want.clone(), bound(2), more);
    let none = with(cluster.clone(), "/kubernetes/pdbs/0/disruptions_allowed", json!(0));
    broken(none, want.clone(), drain.clone(), "K1 in wave 1, step `2`");
    let mut two = cluster.clone();
    let second = json!({"id": "c", "pods": ["p1"], "disruptions_allowed": 9});
    two["kubernetes"]["pdbs"].as_array_mut().unwrap().push(second);
    broken(two, want.clone(), drain.clone(), "K1 in wave 1, step `2`: pod `p1` is covered by two");
    let small = with(cluster.clone(), "/kubernetes/nodes/1/allocatable/cpu", json!(1));
    broken(small, want.clone(), drain.clone(), "K2 in wave 1, step `2`");
    let tainted = json!([{"key": "x", "effect": "NoSchedule"}]);
    let tainted = adding(cluster.clone(), "/kubernetes/nodes/1", "taints", tainted);
    broken(tainted, want.clone(), drain.clone(), "K2 in wave 1, step `2`");
    let mut naked = cluster.clone();
    naked["kubernetes"]["pods"][0].as_object_mut().unwrap().remove("owner");
    broken(naked, want.clone(), drain.clone(), "K2 in wave 1, step `2`");
    let mut idle = drain.clone();
    idle["waves"] = json!([]);
    let blocked = |code: &str, numbers: Value| {
        let reason = json!([{"target": "n1", "code": code, "numbers": numbers}]);
        adding(idle.clone(), "", "blocked", reason)
    };
    let refused = "Blocked: `n1`";
    let fine = |fleet: &Value, plan| drop(judge(fleet.clone(), want.clone(), plan).unwrap());
    // A budget that lets a pod go is no reason not to try.
    let budget =
        |n: u64| blocked("pdb", json!({"budget": "b", "disruptions_allowed": n, "pods_here": 1}));
    broken(cluster.clone(), want.clone(), budget(1), refused);
    let none = with(cluster.clone(), "/kubernetes/pdbs/0/disruptions_allowed", json!(0));
    fine(&none, budget(0));
    broken(none, want.clone(), budget(1), refused);
    let two = blocked("pdb", json!({"pod": "p1", "budgets": ["b", "c"]}));
    broken(cluster.clone(), want.clone(), two.clone(), refused);
    let mut covered = cluster.clone();
    let second = json!({"id": "c", "pods": ["p1"], "disruptions_allowed": 9});
    covered["kubernetes"]["pdbs"].as_array_mut().unwrap().push(second);
    fine(&covered, two);
    // Nor is having pods that go elsewhere, or that nobody replaces.
    let pods = |numbers: Value| blocked("pods", numbers);
    broken(cluster.clone(), want.clone(), pods(json!({"pods": 1})), refused);
    broken(cluster.clone(), want.clone(), pods(json!({"pod": "p1", "nodes": 0})), refused);
    broken(cluster.clone(), want.clone(), pods(json!({"pod": "ds", "owner": null})), refused);
    broken(cluster.clone(), want.clone(), pods(json!({"node": "n1"})), refused);
    let small = with(cluster.clone(), "/kubernetes/nodes/1/allocatable/cpu", json!(1));
    fine(&small, pods(json!({"pods": 1})));
    fine(&small, pods(json!({"pod": "p1", "nodes": 0})));
    broken(small.clone(), want.clone(), pods(json!({"pods": 2})), refused);
    broken(small, want.clone(), pods(json!({"pod": "p1", "nodes": 1})), refused);
    let mut naked = cluster.clone();
    naked["kubernetes"]["pods"][0].as_object_mut().unwrap().remove("owner");
    fine(&naked, pods(json!({"pod": "p1", "owner": null})));
    // A component whose versions may differ is no reason if they do not.
    let step = |from: &str| {
        blocked("version", json!({"component": "kubelet", "from": from, "to": "v1.34.0"}))
    };
    broken(cluster.clone(), want.clone(), step("v1.33.1"), refused);
    let old = with(cluster.clone(), "/kubernetes/nodes/0/version", json!("v1.30.0"));
    fine(&old, step("v1.30.0"));
    broken(old, want.clone(), step("v1.33.1"), refused);
    let beside = |version: &str| {
        blocked(
            "version",
            json!({"component": "kubelet", "to": "v1.34.0", "on": "k",
            "beside": "kube-apiserver", "version": version, "limited": "kubelet",
            "may_be_older_by": 3, "may_be_newer_by": 0}),
        )
    };
    broken(cluster.clone(), want.clone(), beside("1.34"), refused);
    let old = json!({"kube-apiserver": "v1.33.0"});
    let old = with(cluster.clone(), "/kubernetes/control_planes/0/components", old);
    fine(&old, beside("1.33"));
    broken(old, want.clone(), beside("1.34"), refused);
    // Nor is a window, unless it is too short.
    let window =
        |longest: u64| blocked("window", json!({"seconds": 600, "longest_window_s": longest}));
    broken(cluster.clone(), want.clone(), window(0), refused);
    let night = |to: &str| {
        let night = json!([{"from": "22:00", "to": to, "time_zone": "Europe/Berlin"}]);
        adding(want.clone(), "", "windows", night)
    };
    broken(cluster.clone(), night("22:10"), window(600), refused);
    broken(cluster.clone(), night("22:09"), window(600), refused);
    assert!(judge(cluster.clone(), night("22:09"), window(540)).is_ok());
    let mut early = drain;
    early["waves"][0]["steps"][2]["phase"] = json!(2);
    broken(cluster, want, early, "Form in wave 1, step `3`");
}

#[test]
fn the_judge_does_not_know_the_planner() {
    let manifest = include_str!("../../Cargo.toml");
    assert!(!manifest.contains("planner"), "it must share types with the planner and nothing else");
}
