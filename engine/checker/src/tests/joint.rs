//! Hosts that are nodes of a cluster, too: one target, emptied of both.

use super::*;

/// `h1` and `h2` are nodes; a pod is on `h1`, and `n3` takes it.
fn cluster() -> Value {
    let node = |id: &str| json!({"id": id, "cluster": "k", "version": "v1.33.1", "allocatable": {"cpu": 2}});
    let cluster = json!({"nodes": [node("h1"), node("h2"), node("n3")],
        "pods": [{"id": "p", "node": "h1", "requests": {"cpu": 1}, "owner": "ReplicaSet/p"},
                 {"id": "ds", "node": "h1", "requests": {"cpu": 1}, "owner": "DaemonSet/d"}],
        "pdbs": [{"id": "b", "pods": ["p"], "disruptions_allowed": 1}],
        "control_planes": [{"id": "k", "components": {"kube-apiserver": "v1.34.0"}}]});
    adding(fleet(), "", "kubernetes", cluster)
}

/// The plan for the hosts, with what is done to their nodes beside it.
fn both() -> Value {
    let mut plan = plan();
    for (wave, host) in [(0, "h1"), (1, "h2")] {
        let steps = plan["waves"][wave]["steps"].as_array_mut().unwrap();
        steps.push(json!({"id": format!("{wave}-node"), "phase": 1, "op": "cordon", "node": host}));
        steps.push(
            json!({"id": format!("{wave}-back"), "phase": 7, "op": "uncordon", "node": host}),
        );
    }
    let evict =
        json!({"id": "evict", "phase": 2, "op": "evict", "pod": "p", "from": "h1", "to": "n3"});
    plan["waves"][0]["steps"].as_array_mut().unwrap().push(evict);
    plan
}

/// Without the step of an id in the first wave.
fn less(id: &str) -> Value {
    let mut plan = both();
    let steps = plan["waves"][0]["steps"].as_array_mut().unwrap();
    steps.retain(|s| s["id"] != id);
    plan
}

#[test]
fn a_host_that_is_a_node_is_emptied_of_both() {
    assert_eq!(judge(cluster(), intent(), both()).unwrap().updated, 2);
    broken(
        cluster(),
        intent(),
        less("evict"),
        "K2 in wave 1, step `1-stop`: node `h1` still has pods",
    );
    let mut open = less("0-node");
    open["waves"][0]["steps"].as_array_mut().unwrap().retain(|s| s["id"] != "0-back");
    broken(cluster(), intent(), open, "K2 in wave 1, step `evict`");
    // The second has no pods; new ones may come to it all the same.
    let mut open = both();
    open["waves"][1]["steps"].as_array_mut().unwrap().retain(|s| s["node"].is_null());
    broken(cluster(), intent(), open, "K2 in wave 2, step `2-stop`: node `h2` may not be cordoned");
    let none = with(cluster(), "/kubernetes/pdbs/0/disruptions_allowed", json!(0));
    broken(none, intent(), both(), "K1 in wave 1, step `evict`");
}

#[test]
fn nothing_is_evicted_to_where_no_host_runs() {
    // The node is a virtual machine on a host that is down.
    let mut below = adding(cluster(), "/kubernetes/nodes/2", "vm", json!("c"));
    assert!(judge(below.clone(), intent(), both()).is_ok());
    below["hosts"][2]["state"] = json!("down");
    below["quorums"] = json!([]);
    let more = with(intent(), "/max_unavailable/p", json!(2));
    let unbound = with(both(), "/bounds", json!([]));
    let why = "K2 in wave 1, step `evict`: pod `p` does not fit not on node `n3`: its host is down";
    broken(below, more, unbound, why);
}

#[test]
fn a_node_that_is_a_host_is_updated_with_it() {
    let want = json!({"selector": {"ids": ["h1"]}, "component": "kubelet", "to": "v1.34.0", "reboot": true});
    let mut wants = intent();
    wants["targets"].as_array_mut().unwrap().push(want);
    let update = |phase: u64| {
        json!({"id": "kubelet", "phase": phase, "op": "update", "node": "h1", "component": "kubelet",
               "from": "v1.33.1", "version": "v1.34.0"})
    };
    let joined = |kubelet: u64, reboot: u64| {
        let mut plan = both();
        let steps = plan["waves"][0]["steps"].as_array_mut().unwrap();
        for step in steps.iter_mut().filter(|s| s["phase"].as_u64().unwrap() > 4) {
            step["phase"] = json!(step["phase"].as_u64().unwrap() + 5);
        }
        steps.push(update(kubelet));
        steps.push(json!({"id": "reboot", "phase": reboot, "op": "reboot", "host": "h1"}));
        steps.push(json!({"id": "seen", "phase": 11, "op": "verify", "node": "h1"}));
        plan
    };
    judge(cluster(), wants.clone(), joined(5, 6)).unwrap();
    broken(cluster(), wants.clone(), joined(7, 6), "Targets in wave 1: `h1` is not restarted");
    // Alone, without its host drained, it is half of it.
    let mut early = joined(5, 6);
    let steps = early["waves"][0]["steps"].as_array_mut().unwrap();
    steps.iter_mut().find(|s| s["id"] == "kubelet").unwrap()["phase"] = json!(2);
    broken(cluster(), wants.clone(), early, "Form in wave 1, step `kubelet`: `h1` may be neither");
    let mut node = joined(5, 6);
    let steps = node["waves"][0]["steps"].as_array_mut().unwrap();
    let reboot = steps.iter_mut().find(|s| s["id"] == "reboot").unwrap();
    *reboot = json!({"id": "reboot", "phase": 6, "op": "reboot", "node": "h1"});
    broken(cluster(), wants, node, "Form in wave 1, step `reboot`: node `h1` is a host");
}

#[test]
fn of_a_control_plane_one_host_is_stopped_at_a_time() {
    let mut planes = cluster();
    for node in [0, 1] {
        planes["kubernetes"]["nodes"][node]["control_plane"] = json!(true);
    }
    planes["quorums"] = json!([]);
    planes["groups"] = json!([]);
    assert!(judge(planes.clone(), intent(), with(both(), "/bounds", json!([]))).is_ok());
    let mut wants = with(intent(), "/max_unavailable/p", json!(2));
    wants["canary"] = json!(2);
    wants["headroom"] = json!(0);
    let mut one = with(both(), "/bounds", json!([]));
    let second = one["waves"].as_array_mut().unwrap().pop().unwrap();
    one["waves"][0]["targets"] = json!(["h1", "h2"]);
    let steps = one["waves"][0]["steps"].as_array_mut().unwrap();
    steps.extend(second["steps"].as_array().unwrap().iter().cloned());
    steps.iter_mut().find(|s| s["id"] == "2-move").unwrap()["to"] = json!("h3");
    broken(planes, wants, one, "K3 in wave 1: two control-plane nodes of `k`");
}

#[test]
fn being_both_is_no_reason() {
    let mut none = with(both(), "/waves", json!([]));
    none["bounds"] = json!([]);
    let reason = json!([{"target": "h1", "code": "pods", "numbers": {"node": "h1"}}]);
    broken(cluster(), intent(), adding(none, "", "blocked", reason), "Targets: `h2`");
    let mut one = both();
    one["waves"].as_array_mut().unwrap().remove(0);
    one["waves"][0]["n"] = json!(1);
    one["waves"][0]["steps"][1]["to"] = json!("h3");
    one["bounds"] = json!([]);
    let blocked = |numbers: Value| {
        let reason = json!([{"target": "h1", "code": "pods", "numbers": numbers}]);
        adding(one.clone(), "", "blocked", reason)
    };
    broken(cluster(), intent(), blocked(json!({"node": "h1"})), "Blocked: `h1`");
    let full = with(cluster(), "/kubernetes/pods/0/requests/cpu", json!(3));
    let full = with(full, "/kubernetes/nodes/0/allocatable/cpu", json!(4));
    assert!(judge(full, intent(), blocked(json!({"pod": "p", "nodes": 0}))).is_ok());
}

#[test]
fn a_node_is_restarted_when_it_is_empty() {
    let mut fleet = cluster();
    fleet["kubernetes"]["nodes"][0]["id"] = json!("n1");
    for pod in [0, 1] {
        fleet["kubernetes"]["pods"][pod]["node"] = json!("n1");
    }
    let want = json!({"schema": "tidegate.intent/v1", "targets": [
        {"selector": {"ids": ["n1"]}, "component": "kubelet", "to": "v1.34.0", "reboot": true}]});
    let zeros = "0".repeat(64);
    let made = |evict: u64, reboot: u64| {
        json!({"schema": "tidegate.plan/v1", "id": "p", "generation": 1, "fleet_sha256": zeros,
            "intent_sha256": zeros, "rules_version": "x",
            "waves": [{"n": 1, "targets": ["n1"], "steps": [
                {"id": "1", "phase": 1, "op": "cordon", "node": "n1"},
                {"id": "2", "phase": evict, "op": "evict", "pod": "p", "from": "n1", "to": "n3"},
                {"id": "3", "phase": 3, "op": "update", "node": "n1", "component": "kubelet", "version": "v1.34.0"},
                {"id": "4", "phase": reboot, "op": "reboot", "node": "n1"},
                {"id": "5", "phase": 5, "op": "verify", "node": "n1"},
                {"id": "6", "phase": 6, "op": "uncordon", "node": "n1"}]}]})
    };
    let checked = judge(fleet.clone(), want.clone(), made(2, 4)).unwrap();
    assert_eq!(checked.ends[0].to_string(), "2026-11-20T00:25:00Z", "ten minutes and fifteen");
    broken(fleet.clone(), want.clone(), made(4, 4), "Form in wave 1, step `3`");
    let mut never = made(2, 4);
    never["waves"][0]["steps"].as_array_mut().unwrap().remove(3);
    broken(fleet, want, never, "Targets in wave 1: `n1` is not restarted");
}
