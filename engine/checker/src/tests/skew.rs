//! Kubernetes: versions of components that talk to each other.

use super::*;

const OLD: &str = "v1.33.4";
const NEW: &str = "v1.34.2";

/// Two control-plane nodes and two workers; all of it at 1.33.
fn fleet() -> Value {
    let node = |id: &str, plane: bool| {
        json!({"id": id, "cluster": "k", "version": OLD, "control_plane": plane,
               "components": {"kube-proxy": OLD}})
    };
    let mut nodes =
        json!([node("cp1", true), node("cp2", true), node("w1", false), node("w2", false)]);
    for n in 0..2 {
        for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
            nodes[n]["components"][component] = json!(OLD);
        }
    }
    json!({"schema": "tidegate.fleet/v1", "taken_at": "2026-11-20T00:00:00Z", "zones": [],
           "hosts": [], "kubernetes": {"nodes": nodes}})
}

/// What is wanted: components of nodes.
fn intent(wanted: &[(&[&str], &str)]) -> Value {
    let target = |(ids, component): &(&[&str], &str)| json!({"selector": {"ids": ids}, "component": component, "to": NEW});
    json!({"schema": "tidegate.intent/v1", "targets": wanted.iter().map(target).collect::<Vec<_>>()})
}

/// A plan with a wave for each list of nodes, each with its components in order.
fn plan(waves: &[&[(&str, &[&str])]]) -> Value {
    let wave = |(n, nodes): (usize, &&[(&str, &[&str])])| {
        let n = n + 1;
        let mut steps = Vec::new();
        let mut all = |phase: usize, op: &str| {
            for (node, _) in *nodes {
                steps.push(json!({"id": format!("{n}/{op}/{node}"), "phase": phase, "op": op, "node": node}));
            }
        };
        all(1, "cordon");
        all(8, "verify");
        all(9, "uncordon");
        for (node, components) in *nodes {
            for (k, component) in components.iter().enumerate() {
                steps.push(
                    json!({"id": format!("{n}/{node}/{component}"), "phase": 2 + k, "op": "update",
                                  "node": node, "component": component, "version": NEW}),
                );
            }
        }
        let targets: Vec<&str> = nodes.iter().map(|(node, _)| *node).collect();
        json!({"n": n, "targets": targets, "steps": steps})
    };
    json!({"schema": "tidegate.plan/v1", "id": "p", "generation": 1, "intent_sha256": "0".repeat(64),
           "rules_version": "x", "waves": waves.iter().enumerate().map(wave).collect::<Vec<_>>()})
}

const API: &str = "kube-apiserver";

/// Kubelets of both workers after the API servers.
fn in_order() -> (Value, Value) {
    let want = intent(&[(&["cp1", "cp2"], API), (&["w1", "w2"], "kubelet")]);
    let workers: &[(&str, &[&str])] = &[("w1", &["kubelet"]), ("w2", &["kubelet"])];
    (want, plan(&[&[("cp1", &[API])], &[("cp2", &[API])], workers]))
}

#[test]
fn kubelets_follow_api_servers() {
    let (want, fine) = in_order();
    assert_eq!(judge(fleet(), want.clone(), fine).unwrap().updated, 4);
    let early = plan(&[
        &[("cp1", &[API])],
        &[("w1", &["kubelet"])],
        &[("cp2", &[API])],
        &[("w2", &["kubelet"])],
    ]);
    broken(
        fleet(),
        want,
        early,
        "V1 in wave 2, step `2/w1/kubelet`: `kubelet` on `w1` would be v1.34.2 with `kube-apiserver` \
         v1.33.4 on `cp2`: it may be 3 minors older and 0 newer",
    );
    // While a node of the control plane gets it, others may not.
    let want = intent(&[(&["cp1"], API), (&["w1"], "kubelet")]);
    let mut one = fleet();
    one["kubernetes"]["nodes"].as_array_mut().unwrap().remove(1);
    let both = plan(&[&[("cp1", &[API]), ("w1", &["kubelet"])]]);
    broken(one.clone(), want.clone(), both, "V1 in wave 1, step `1/w1/kubelet`");
    let mut later = plan(&[&[("cp1", &[API]), ("w1", &["kubelet"])]]);
    later["waves"][0]["steps"].as_array_mut().unwrap().last_mut().unwrap()["phase"] = json!(3);
    assert!(judge(one, want, later).is_ok(), "phases run in sequence");
}

#[test]
fn what_talks_to_an_api_server_is_no_newer_and_not_too_old() {
    for (component, oldest, too_old) in [
        ("kubelet", "v1.31.9", "v1.30.0"),
        ("kube-proxy", "v1.31.9", "v1.30.0"),
        ("kube-controller-manager", "v1.33.0", "v1.32.0"),
        ("kube-scheduler", "v1.33.0", "v1.32.0"),
        ("cloud-controller-manager", "v1.33.0", "v1.32.0"),
    ] {
        let want = intent(&[(&["cp1"], API)]);
        let alone = plan(&[&[("cp1", &[API])]]);
        let at = |version: &str| {
            let mut fleet = fleet();
            let node = &mut fleet["kubernetes"]["nodes"][3];
            match component {
                "kubelet" => node["version"] = json!(version),
                other => node["components"][other] = json!(version),
            }
            fleet
        };
        // kube-proxy is not limited by its kubelet here: three minors both ways.
        assert!(judge(at(oldest), want.clone(), alone.clone()).is_ok(), "{component}");
        broken(
            at(too_old),
            want.clone(),
            alone.clone(),
            "V1 in wave 1, step `1/cp1/kube-apiserver`",
        );
        broken(at("unknown"), want, alone, "V1 in wave 1, step `1/cp1/kube-apiserver`");
        let want = intent(&[(&["w2"], component)]);
        let alone = plan(&[&[("w2", &[component])]]);
        broken(at("v1.33.0"), want, alone, "V1 in wave 1, step `1/w2/");
    }
}

#[test]
fn before_1_25_two_minors_are_the_limit() {
    let at = |api: &str, kubelet: &str| {
        let mut text = fleet().to_string();
        text = text.replace(OLD, api);
        let mut fleet: Value = serde_json::from_str(&text).unwrap();
        fleet["kubernetes"]["nodes"][2]["version"] = json!(kubelet);
        fleet["kubernetes"]["nodes"][2]["components"]["kube-proxy"] = json!(kubelet);
        fleet
    };
    let to = |version: &str| {
        let swap = |v: Value| -> Value {
            serde_json::from_str(&v.to_string().replace(NEW, version)).unwrap()
        };
        let (want, alone) = (intent(&[(&["cp1"], API)]), plan(&[&[("cp1", &[API])]]));
        (swap(want), swap(alone))
    };
    let (want, alone) = to("v1.26.0");
    assert!(judge(at("v1.25.3", "v1.24.1"), want.clone(), alone.clone()).is_ok());
    broken(
        at("v1.25.3", "v1.23.1"),
        want,
        alone,
        "V1 in wave 1, step `1/cp1/kube-apiserver`: `kubelet` on `w1`",
    );
    let (want, alone) = to("v1.28.0");
    assert!(judge(at("v1.27.3", "v1.25.1"), want, alone).is_ok());
}

#[test]
fn control_planes_take_no_minor_twice_and_stay_within_one() {
    let want = intent(&[(&["cp1", "cp2"], API)]);
    let two = plan(&[&[("cp1", &[API])], &[("cp2", &[API])]]);
    assert!(judge(fleet(), want.clone(), two.clone()).is_ok());
    let older: Value = serde_json::from_str(&fleet().to_string().replace(OLD, "v1.32.0")).unwrap();
    broken(older, want.clone(), two.clone(), "V3 in wave 1, step `1/cp1/kube-apiserver`: ");
    let mut apart = fleet();
    apart["kubernetes"]["nodes"][1]["components"][API] = json!("v1.32.1");
    broken(
        apart,
        want.clone(),
        two.clone(),
        "V1 in wave 1, step `1/cp1/kube-apiserver`: `kube-apiserver` on `cp1` would be v1.34.2 with \
         `kube-apiserver` v1.32.1 on `cp2`: it may be 1 minors older and 1 newer",
    );
    let mut unknown = fleet();
    unknown["kubernetes"]["nodes"][1]["components"].as_object_mut().unwrap().remove(API);
    broken(unknown.clone(), want.clone(), two.clone(), "V1 in wave 1, step `1/cp1/kube-apiserver`");
    let alone = plan(&[&[("cp2", &[API])]]);
    broken(unknown, intent(&[(&["cp2"], API)]), alone, "V3 in wave 1, step `1/cp2/kube-apiserver`");
}

#[test]
fn what_is_not_known_is_too_far() {
    let (want, fine) = (intent(&[(&["w1"], "kubelet")]), plan(&[&[("w1", &["kubelet"])]]));
    let mut managed = fleet();
    managed["kubernetes"]["nodes"].as_array_mut().unwrap().drain(..2);
    broken(
        managed.clone(),
        want.clone(),
        fine.clone(),
        "V1 in wave 1, step `1/w1/kubelet`: `kubelet` on `w1` would be `v1.34.2`, and which version of `kube-apiserver` cluster `k` has is not known",
    );
    managed["kubernetes"]["control_planes"] = json!([{"id": "k", "components": {API: NEW}}]);
    assert!(judge(managed.clone(), want.clone(), fine.clone()).is_ok());
    managed["kubernetes"]["control_planes"][0]["id"] = json!("other");
    broken(managed, want.clone(), fine.clone(), "V1 in wave 1");
    let mut unknown = fleet();
    unknown["kubernetes"]["nodes"][2].as_object_mut().unwrap().remove("version");
    broken(unknown, want, fine, "V3 in wave 1, step `1/w1/kubelet`");
}

#[test]
fn a_bundle_is_each_component_that_a_node_has() {
    let all: &[&str] = &[API, "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"];
    let worker: &[&str] = &["kubelet", "kube-proxy"];
    let want = intent(&[(&["cp1", "w1"], "kubernetes")]);
    let mut one = fleet();
    one["kubernetes"]["nodes"].as_array_mut().unwrap().remove(1);
    let fine = plan(&[&[("cp1", all)], &[("w1", worker)]]);
    assert!(judge(one.clone(), want.clone(), fine).is_ok());
    let short = plan(&[&[("cp1", &all[..4])], &[("w1", worker)]]);
    broken(
        one.clone(),
        want.clone(),
        short,
        "Targets in wave 1: `kube-proxy` on `cp1` ends at version `v1.33.4`",
    );
    let swapped: &[&str] =
        &["kubelet", "kube-proxy", API, "kube-controller-manager", "kube-scheduler"];
    let swapped = plan(&[&[("cp1", swapped)], &[("w1", worker)]]);
    broken(one, want, swapped, "V2 in wave 1, step `1/cp1/kubelet`");
    // With a second API server behind the same address the kubelet has to wait,
    let both = intent(&[(&["cp1", "cp2"], "kubernetes")]);
    let waves = plan(&[&[("cp1", all)], &[("cp2", all)]]);
    broken(
        fleet(),
        both.clone(),
        waves.clone(),
        "V1 in wave 1, step `1/cp1/kube-controller-manager`",
    );
    // unless it talks to its own.
    let mut own = fleet();
    for n in 0..2 {
        own["kubernetes"]["nodes"][n]["own_apiserver"] =
            json!(["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"]);
    }
    assert!(judge(own, both, waves).is_ok());
}

#[test]
fn a_version_is_a_reason_only_while_it_is_too_far() {
    let want = intent(&[(&["cp1", "cp2"], API), (&["w1"], "kubelet")]);
    let reason = |id: &str, component: &str, limited: &str, [on, version]: [&str; 2]| {
        let beside = if component == limited { API } else { limited };
        let older = if limited == "kubelet" { 3 } else { 1 };
        json!({"target": id, "code": "version", "numbers": {"component": component, "to": NEW,
            "beside": beside, "on": on, "version": version, "limited": limited,
            "may_be_older_by": older, "may_be_newer_by": if older == 3 { 0 } else { 1 }}})
    };
    let idle = |mut waves: Value, reasons: &[Value]| {
        waves["blocked"] = json!(reasons);
        waves
    };
    let behind = |version: &str| reason("w1", "kubelet", "kubelet", ["cp2", version]);
    let done = idle(plan(&[&[("cp1", &[API])], &[("cp2", &[API])]]), &[behind("1.33")]);
    broken(
        fleet(),
        want.clone(),
        done,
        "Blocked: `w1` is said to be blocked by version: `kubelet` would be near enough to \
         `kube-apiserver` on `cp2`",
    );
    let beside = reason("cp2", API, API, ["cp1", "1.34"]);
    let half = idle(plan(&[&[("cp1", &[API])]]), &[behind("1.33"), beside]);
    broken(fleet(), want.clone(), half.clone(), "Blocked: `cp2`");
    let mut stuck = fleet();
    stuck["kubernetes"]["nodes"][3]["version"] = json!("v1.30.2");
    let held = |id: &str| reason(id, API, "kubelet", ["w2", "1.30"]);
    let none = idle(plan(&[]), &[behind("1.33"), held("cp1"), held("cp2")]);
    let held_back = judge(stuck.clone(), want.clone(), none).unwrap().blocked;
    assert_eq!(held_back, 3, "w2 holds all of them back");
    let wrong = idle(plan(&[]), &[behind("1.32"), held("cp1"), held("cp2")]);
    broken(stuck, want, wrong, "Blocked: `w1` is said to be blocked by version: `version` is said");
}
