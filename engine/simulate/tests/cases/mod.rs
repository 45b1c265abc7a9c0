//! Small fleets and intents at random, each from its seed.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each file of tests uses a part")]

use std::collections::BTreeMap;

use proptest::test_runner::Config as ProptestConfig;
use serde_json::{Value, json};
use tidegate_checker::{Checked, Violation};
use tidegate_model::plan::{Done, Plan};
use tidegate_model::versions::VersionRules;
use tidegate_model::{Digest, Fleet, Intent};
use tidegate_planner::Origin;
use tidegate_simulate::{Course, Point, Random};

/// So many cases, or as many as `PROPTEST_CASES` says where those are more.
pub fn config(least: u32) -> ProptestConfig {
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    ProptestConfig { cases: default.cases.max(least), ..default }
}

pub fn origin() -> Origin {
    Origin {
        snapshots: Vec::new(),
        fleet_sha256: Some(Digest::of(b"fleet")),
        intent_sha256: Digest::of(b"intent"),
        policy_digest: None,
        parent: None,
        done: Vec::new(),
        since: None,
    }
}

pub fn plan(fleet: &Fleet, intent: &Intent) -> Plan {
    tidegate_planner::plan(fleet, intent, &VersionRules::bundled(), &origin()).unwrap()
}

/// A plan that goes on where another one was left, so many of its waves done.
pub fn resumed(fleet: &Fleet, intent: &Intent, plan: &Plan, waves: usize) -> Plan {
    let done = plan.waves.iter().take(waves).map(|wave| Done {
        zone: wave.zone.clone(),
        targets: wave.targets.clone(),
        versions: BTreeMap::new(),
    });
    let origin = Origin {
        parent: Some((plan.id.clone(), plan.generation)),
        done: plan.done.iter().cloned().chain(done).collect(),
        since: Some(plan.since.unwrap_or(fleet.taken_at)),
        ..origin()
    };
    tidegate_planner::plan(fleet, intent, &VersionRules::bundled(), &origin).unwrap()
}

pub fn check(fleet: &Fleet, intent: &Intent, plan: &Plan) -> Result<Checked, Violation> {
    tidegate_checker::check(fleet, intent, plan, &VersionRules::bundled())
}

/// What is wrong with a plan that the planner made.
pub fn fault(fleet: &Fleet, intent: &Intent, plan: &Plan) -> Option<Violation> {
    check(fleet, intent, plan).err()
}

/// Chances, from a seed.
pub struct Dice(Random);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }
    /// One of `0..n`.
    pub fn up_to(&mut self, n: usize) -> usize {
        self.0.below(n as u64) as usize
    }
    /// True in one of `n` cases.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.up_to(n) == 0
    }
    pub fn pick<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.up_to(all.len())]
    }
}

/// One zone of hosts that are up, virtual machines that fit, groups, quorums on
/// hosts, budgets, headroom, ramps: what the brute force knows.
pub fn plain(seed: u64, hosts: usize, vms: usize) -> (Fleet, Intent) {
    let mut dice = Dice::new(seed);
    let mut all: Vec<Value> = (0..hosts).map(|n| host(&mut dice, n, "z0")).collect();
    for host in &mut all {
        host["version"] = json!({"nova": "2025.1"});
    }
    let vms = place(&mut dice, &all, vms);
    let groups = groups(&mut dice, &vms, &["anti-affinity"]);
    let mut fleet = json!({
        "schema": "tidegate.fleet/v1", "taken_at": "2026-11-20T00:00:00Z", "zones": ["z0"],
        "hosts": all, "vms": vms, "groups": groups,
    });
    if hosts >= 3 && dice.one_in(3) {
        fleet["quorums"] = json!([quorum(&mut dice, hosts)]);
    }
    let mut intent = json!({
        "schema": "tidegate.intent/v1", "headroom": *dice.pick(&[0.0, 0.0, 0.05, 0.2]),
        "spare_hosts": *dice.pick(&[0, 0, 0, 1]),
        "targets": [{"selector": "all", "component": "nova", "to": "2025.2"}],
    });
    if dice.one_in(3) {
        intent["canary"] = json!(1);
        intent["growth"] = json!(*dice.pick(&[1.0, 1.5, 2.0]));
    }
    if dice.one_in(4) {
        intent["max_unavailable"] = json!({"p0": 1 + dice.up_to(2)});
    }
    read(fleet, intent)
}

fn read(fleet: Value, intent: Value) -> (Fleet, Intent) {
    let fleet: Fleet = serde_json::from_value(fleet).unwrap();
    assert_eq!(fleet.check(), []);
    (fleet, serde_json::from_value(intent).unwrap())
}

fn host(dice: &mut Dice, n: usize, zone: &str) -> Value {
    let traits: Vec<&str> = if dice.one_in(2) { vec!["T"] } else { vec![] };
    json!({
        "id": format!("h{n}"), "zone": zone, "pool": format!("p{}", dice.up_to(2)),
        "capacity": {"vcpu": 8, "memory_mib": *dice.pick(&[8, 12, 16])}, "traits": traits,
        "max_migrations": {"in": 1 + dice.up_to(2), "out": 1 + dice.up_to(2)},
    })
}

/// Virtual machines on hosts with room for them.
fn place(dice: &mut Dice, hosts: &[Value], count: usize) -> Vec<Value> {
    let mut free: Vec<[i64; 2]> = hosts
        .iter()
        .map(|h| ["vcpu", "memory_mib"].map(|c| h["capacity"][c].as_i64().unwrap()))
        .collect();
    let mut vms = Vec::new();
    for n in 0..count {
        let at = dice.up_to(hosts.len());
        let demand = [1 + dice.up_to(3) as i64, *dice.pick(&[1, 2, 4, 6])];
        if free[at].iter().zip(demand).any(|(f, d)| *f < d) || hosts[at]["state"] == "down" {
            continue;
        }
        for (f, d) in free[at].iter_mut().zip(demand) {
            *f -= d;
        }
        let needs = hosts[at]["traits"] == json!(["T"]) && dice.one_in(5);
        vms.push(json!({
            "id": format!("v{n}"), "host": hosts[at]["id"],
            "demand": {"vcpu": demand[0], "memory_mib": demand[1]},
            "requires": if needs { vec!["T"] } else { vec![] },
            "migratable": if dice.one_in(25) { "no" } else { "live" },
        }));
    }
    vms
}

/// Groups whose members keep to them from the start.
fn groups(dice: &mut Dice, vms: &[Value], policies: &[&str]) -> Vec<Value> {
    let mut groups = Vec::new();
    for n in 0..dice.up_to(3) {
        let policy = *dice.pick(policies);
        let max = if dice.one_in(4) { 2 } else { 1 };
        let mut on: BTreeMap<&str, usize> = BTreeMap::new();
        let mut members = Vec::new();
        for vm in vms {
            let there = on.entry(vm["host"].as_str().unwrap()).or_default();
            if dice.one_in(3) && (policy != "anti-affinity" || *there < max) {
                *there += 1;
                members.push(vm["id"].clone());
            }
        }
        groups.push(json!({"id": format!("g{n}"), "policy": policy, "max_per_host": max,
                           "members": members}));
    }
    groups
}

fn quorum(dice: &mut Dice, hosts: usize) -> Value {
    let size = if hosts >= 5 && dice.one_in(2) { 5 } else { 3 };
    let members: Vec<Value> = (0..size).map(|n| json!({"host": format!("h{n}")})).collect();
    json!({"id": "q", "kind": "galera", "members": members, "synced": members,
           "leader": members[dice.up_to(size)]})
}

/// Everything that a fleet and an intent may have.
pub fn everything(seed: u64, hosts: usize, vms: usize) -> (Fleet, Intent) {
    let mut dice = Dice::new(seed);
    // What came later has chances of its own: seeds that found something keep it.
    let mut more = Dice::new(seed ^ 0x6b75_6265);
    let zones: Vec<String> = (0..=dice.up_to(3)).map(|z| format!("z{z}")).collect();
    let mut all: Vec<Value> = Vec::new();
    for n in 0..hosts {
        let zone = &zones[n % zones.len()];
        let mut host = host(&mut dice, n, zone);
        host["version"] = json!({"nova": *dice.pick(&["2025.1", "2025.1", "2024.2", "2025.2"])});
        host["state"] = json!(*dice.pick(&["up", "up", "up", "up", "up", "disabled", "down"]));
        host["roles"] = json!([*dice.pick(&["compute", "control"])]);
        host["aggregates"] = if dice.one_in(3) { json!(["a"]) } else { json!([]) };
        host["reserved"] = json!({"memory_mib": 0, "vcpu": 0});
        all.push(host);
    }
    let mut vms = place(&mut dice, &all, vms);
    for vm in &mut vms {
        vm["state"] =
            json!(*dice.pick(&["active", "active", "active", "paused", "shutoff", "error"]));
        vm["migratable"] = json!(*dice.pick(&["live", "live", "live", "live", "cold", "no"]));
        vm["zone_pinned"] = json!(!dice.one_in(3));
        if dice.one_in(12) {
            vm["forbids"] = json!(["T"]);
        }
        if dice.one_in(20) {
            vm["migrating_to"] = json!(format!("h{}", dice.up_to(hosts)));
        }
    }
    let policies = ["anti-affinity", "anti-affinity", "affinity", "soft-affinity"];
    let groups = groups(&mut dice, &vms, &policies);
    let mut quorums = Vec::new();
    if hosts >= 3 && dice.one_in(2) {
        quorums.push(quorum(&mut dice, hosts));
    }
    if vms.len() >= 3 && dice.one_in(3) {
        let members: Vec<Value> = vms.iter().take(3).map(|v| json!({"vm": v["id"]})).collect();
        let synced = if dice.one_in(4) { &members[..2] } else { &members[..] };
        quorums.push(json!({"id": "qv", "kind": "etcd", "members": members, "synced": synced}));
    }
    let mut fleet = json!({
        "schema": "tidegate.fleet/v1", "taken_at": "2026-11-20T00:00:00Z", "zones": zones,
        "hosts": all, "vms": vms, "groups": groups, "quorums": quorums,
    });
    if dice.one_in(3) {
        fleet["ceph"] = ceph(&mut dice, hosts);
    }
    let nodes = dice.one_in(2);
    if nodes {
        fleet["kubernetes"] = kubernetes(&mut dice, &mut more, &zones);
        apart(&mut Dice::new(seed ^ 0x6170_6172), &mut fleet["kubernetes"]["pods"]);
    }
    let mut intent = intent(&mut dice, nodes.then_some(&mut more));
    if nodes
        && fleet["kubernetes"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|n| n["control_plane"] != true)
    {
        let selects = |t: &Value| t["component"] != "kube-apiserver";
        intent["targets"].as_array_mut().unwrap().retain(selects);
    }
    let computes = |h: &Value| h["roles"].as_array().is_some_and(|r| r.contains(&json!("compute")));
    if !fleet["hosts"].as_array().unwrap().iter().any(computes) {
        // An intent that selects nothing is refused.
        intent["targets"][0]["selector"] = json!("all");
    }
    read(fleet, intent)
}

/// As [`everything`], with nodes of which some are hosts.
pub fn joint(seed: u64, hosts: usize, vms: usize) -> (Fleet, Intent) {
    let (fleet, intent) = everything(seed, hosts, vms);
    let mut fleet = serde_json::to_value(fleet).unwrap();
    let mut dice = Dice::new(seed ^ 0x6a6f_696e);
    if fleet["kubernetes"].is_null() {
        let zones = serde_json::from_value::<Vec<String>>(fleet["zones"].clone()).unwrap();
        fleet["kubernetes"] = kubernetes(&mut dice, &mut Dice::new(seed), &zones);
    }
    let mut intent = serde_json::to_value(intent).unwrap();
    let targets = intent["targets"].as_array_mut().unwrap();
    if dice.one_in(2)
        && targets.iter().all(|t| !t["component"].as_str().unwrap().starts_with("kube"))
    {
        targets.push(json!({"selector": "all", "component": "kubelet", "to": "v1.34.3",
                            "reboot": dice.one_in(2)}));
    }
    // Nodes and hosts with the same number are in the same zone.
    let same = |id: &Value| {
        let n: usize = id.as_str().unwrap()[1..].parse().unwrap();
        (n < hosts && Dice::new(seed ^ n as u64).up_to(4) > 0).then(|| json!(format!("h{n}")))
    };
    for node in fleet["kubernetes"]["nodes"].as_array_mut().unwrap() {
        if let Some(host) = same(&node["id"]) {
            node["id"] = host;
        }
    }
    for pod in fleet["kubernetes"]["pods"].as_array_mut().unwrap() {
        if let Some(host) = same(&pod["node"]) {
            pod["node"] = host;
        }
    }
    read(fleet, intent)
}

fn ceph(dice: &mut Dice, hosts: usize) -> Value {
    let rack = |n: usize| format!("r{}", n % 3);
    let osds: Vec<Value> = (0..hosts)
        .map(|n| json!({"id": format!("o{n}"), "host": format!("h{n}"), "domain": rack(n)}))
        .collect();
    let pgs: Vec<Value> = (0..4)
        .map(|n| {
            let from = dice.up_to(hosts);
            let acting: Vec<String> =
                (0..3.min(hosts)).map(|k| format!("o{}", (from + k) % hosts)).collect();
            json!({"id": format!("1.{n}"), "pool": "1", "acting": acting, "clean": !dice.one_in(30)})
        })
        .collect();
    json!({"osds": osds, "pools": [{"id": "1", "size": 3, "min_size": 2}], "pgs": pgs})
}

fn kubernetes(dice: &mut Dice, more: &mut Dice, zones: &[String]) -> Value {
    let count = 2 + dice.up_to(4);
    let planes = *more.pick(&[0, 1, 1, 2]);
    let skewed = more.one_in(3);
    let versions = if skewed { ["v1.34.1", "v1.33.4", "v1.31.0"] } else { ["v1.34.1"; 3] };
    let nodes: Vec<Value> = (0..count)
        .map(|n| {
            let zone = &zones[n % zones.len()];
            let (plane, version) = (n < planes, *more.pick(&versions));
            let mut node = json!({"id": format!("n{n}"), "cluster": "k", "zone": zone, "version": version,
                   "allocatable": {"cpu": 4}, "control_plane": plane, "components": {},
                   "labels": {"topology.kubernetes.io/zone": zone},
                   "taints": if plane { json!([{"key": "cp", "effect": "NoSchedule"}]) } else { json!([]) }});
            if more.one_in(2) {
                node["components"]["kube-proxy"] = json!(version);
            }
            if plane && !more.one_in(8) {
                let api = *more.pick(&["v1.34.1", "v1.34.1", "v1.34.1", "v1.33.4"]);
                let api = if skewed { api } else { "v1.34.1" };
                node["components"]["kube-apiserver"] = json!(api);
                node["components"]["kube-scheduler"] = json!(if more.one_in(9) { "v1" } else { api });
            }
            if plane && more.one_in(6) {
                node["own_apiserver"] = json!(["kubelet", "kube-proxy", "kube-scheduler"]);
            }
            node
        })
        .collect();
    let mut used = vec![0.0; count];
    let mut pods = Vec::new();
    for n in 0..dice.up_to(9) {
        let (at, cpu) = (dice.up_to(count), *dice.pick(&[0.5, 1.0, 1.5]));
        if used[at] + cpu > 4.0 {
            continue;
        }
        used[at] += cpu;
        let mut pod = json!({"id": format!("d/p{n}"), "node": format!("n{at}"),
            "requests": {"cpu": cpu}, "labels": {"app": format!("a{}", n % 2)},
            "owner": *dice.pick(&["ReplicaSet/a", "ReplicaSet/a", "ReplicaSet/a", "DaemonSet/d"])});
        if at == 0 || dice.one_in(3) {
            pod["tolerations"] = json!([{"key": "cp", "operator": "Exists"}]);
        }
        pods.push(pod);
    }
    let covered: Vec<&Value> =
        pods.iter().filter(|p| p["labels"]["app"] == "a0").map(|p| &p["id"]).collect();
    let pdbs = json!([{"id": "d/b", "pods": covered, "disruptions_allowed": dice.up_to(3)}]);
    let elsewhere = json!([{"id": "k", "components": {"kube-apiserver": "v1.34.1"}}]);
    let elsewhere = if planes == 0 && !more.one_in(4) { elsewhere } else { json!([]) };
    json!({"nodes": nodes, "pods": pods, "pdbs": pdbs, "control_planes": elsewhere})
}

/// Some pods keep away from others, or want to be spread evenly.
fn apart(dice: &mut Dice, pods: &mut Value) {
    if !dice.one_in(3) {
        return;
    }
    for pod in pods.as_array_mut().unwrap() {
        let labels = pod["labels"].clone();
        if dice.one_in(6) {
            pod["anti_affinity"] = json!([labels]);
        } else if dice.one_in(3) {
            pod["spread"] = json!([{"topology_key": "topology.kubernetes.io/zone",
                                    "max_skew": 1 + dice.up_to(2), "labels": labels}]);
        }
    }
}

/// What is wanted of nodes.
fn node_targets(dice: &mut Dice) -> Vec<Value> {
    let of =
        |component: &str, to: &str| json!({"selector": "all", "component": component, "to": to});
    let to = *dice.pick(&["v1.34.3", "v1.34.3", "v1.35.0"]);
    match dice.up_to(5) {
        0 => vec![of("kubernetes", to)],
        1 => vec![of("kube-apiserver", to)],
        2 => vec![of("kubelet", to), of("kube-apiserver", to)],
        _ => vec![of("kubelet", to)],
    }
}

fn intent(dice: &mut Dice, nodes: Option<&mut Dice>) -> Value {
    let mut targets = vec![json!({
        "selector": if dice.one_in(4) { json!({"role": "compute"}) } else { json!("all") },
        "component": "nova", "to": "2025.2", "reboot": dice.one_in(2),
    })];
    if dice.one_in(3) {
        targets[0]["severity"] = json!(*dice.pick(&["critical", "high", "medium"]));
    }
    targets.extend(nodes.map(node_targets).unwrap_or_default());
    if dice.one_in(4) {
        targets
            .push(json!({"selector": "all", "component": "kernel", "to": "6.12", "reboot": true}));
    }
    let mut intent = json!({
        "schema": "tidegate.intent/v1", "targets": targets,
        "headroom": *dice.pick(&[0.0, 0.0, 0.1, 0.3]), "spare_hosts": *dice.pick(&[0, 0, 0, 1]),
        "soak_s": *dice.pick(&[0, 600]), "one_zone_at_a_time": dice.one_in(2),
    });
    if dice.one_in(3) {
        intent["canary"] = json!(1 + dice.up_to(2));
        intent["growth"] = json!(*dice.pick(&[1.0, 1.5, 2.0]));
    }
    if dice.one_in(3) {
        intent["max_unavailable"] = json!({"p0": dice.up_to(3), "k": 1});
    }
    if dice.one_in(3) {
        let to = *dice.pick(&["22:12", "22:27", "22:40", "05:00"]);
        intent["windows"] = json!([{"days": ["fri", "sat"], "from": "22:00", "to": to, "time_zone": "Europe/Berlin"}]);
    }
    if dice.one_in(5) {
        intent["freezes"] =
            json!([{"start": "2026-11-20T12:00:00Z", "end": "2026-11-22T00:00:00Z"}]);
    }
    intent
}

/// The fleet as it is when the first waves of a plan are done.
pub fn after(fleet: &Fleet, plan: &Plan, waves: usize) -> Fleet {
    Course::at(fleet, plan, Point { wave: waves as u32, phase: None }).fleet
}
