use serde_json::{Value, json};
use tidegate_model::fleet::{Amount, Cluster, Member, Node, Pod};
use tidegate_model::{Status, Visibility};

use super::memory::{Memory, cloud, cluster};
use super::{gaps, told};

fn alone(bodies: &Value) -> Cluster {
    told(&[&Memory::new("k", bodies)]).fleet.kubernetes.unwrap()
}

fn node<'c>(cluster: &'c Cluster, id: &str) -> &'c Node {
    cluster.nodes.iter().find(|n| n.id == id).unwrap()
}

fn pod<'c>(cluster: &'c Cluster, id: &str) -> &'c Pod {
    cluster.pods.iter().find(|p| p.id.starts_with(id)).unwrap()
}

/// The body of a recorded pod.
fn body<'b>(bodies: &'b mut Value, name: &str) -> &'b mut Value {
    let pods = bodies["core.Pod"].as_array_mut().unwrap();
    pods.iter_mut().find(|p| p["metadata"]["name"].as_str().unwrap().starts_with(name)).unwrap()
}

/// The nodes on which the selector of a pod lets it run.
fn where_to(cluster: &Cluster, pod: &Pod) -> Vec<String> {
    let fits = |n: &&Node| pod.node_selector.iter().all(|(k, v)| n.labels.get(k) == Some(v));
    cluster.nodes.iter().filter(fits).map(|n| n.id.clone()).collect()
}

#[test]
fn a_recorded_cluster_becomes_a_fleet() {
    let c = alone(&cluster());
    assert_eq!(c.nodes.len(), 9);
    let plane = node(&c, "lab-cp-0");
    assert!(plane.control_plane && plane.taints.iter().any(|t| t.effect == "NoSchedule"));
    assert_eq!(
        (plane.version.as_deref(), plane.zone.as_deref()),
        (Some("v1.36.2"), Some("zone-1"))
    );
    assert!(node(&c, "lab-md-0-00").allocatable["memory_mib"] > Amount::whole(1000));
    let taint = |id: &str, key: &str| node(&c, id).taints.iter().filter(|t| t.key == key).count();
    assert_eq!(taint("lab-md-0-05", "node.kubernetes.io/not-ready"), 1, "its node is not ready");
    assert_eq!(taint("lab-md-0-06", "node.kubernetes.io/unschedulable"), 1, "cordoned, and once");
    let shop = pod(&c, "web/shop-");
    assert_eq!(shop.owner.as_deref(), Some("ReplicaSet/shop-579bd8bddd"));
    assert_eq!(shop.labels["tidegate/namespace"], "web");
    assert!(shop.requests["cpu"] > Amount::default() && shop.requests["pods"] == Amount::whole(1));
    let api = pod(&c, "payments/api-");
    assert_eq!(
        (api.spread.len(), api.spread[0].labels["tidegate/namespace"].as_str()),
        (1, "payments")
    );
    assert_eq!(
        pod(&c, "monitoring/node-exporter-28x7b").owner.as_deref(),
        Some("DaemonSet/node-exporter")
    );
    let static_pods = c.pods.iter().filter(|p| p.id.contains("static-like")).count();
    assert_eq!(static_pods, 0, "the kubelet brings it back with its node");
    let pdb = |id: &str| c.pdbs.iter().find(|p| p.id == id).unwrap();
    assert_eq!((pdb("data/db").pods.len(), pdb("data/db").disruptions_allowed), (3, 0));
    assert_eq!(pdb("web/shop").disruptions_allowed, 2);
    assert_eq!(pdb("web/shop").pods, pdb("web/shop-overlap").pods, "two budgets cover it");
    assert_eq!(pdb("legacy/nothing").pods, Vec::<String>::new());
    // Its volume is on the disk of one node.
    assert_eq!(where_to(&c, pod(&c, "data/db-0")), ["lab-md-0-02"]);
}

#[test]
fn what_a_fleet_has_no_words_for_is_worked_out_or_stays() {
    let mut bodies = cluster();
    let spec = &mut body(&mut bodies, "shop")["spec"];
    spec["affinity"] = json!({
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In",
                "values": ["zone-1", "zone-2"]},
                {"key": "node-role.kubernetes.io/control-plane", "operator": "DoesNotExist"}]}]}},
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
            {"topologyKey": "kubernetes.io/hostname", "labelSelector":
                {"matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "In",
                    "values": ["shop", "single"]}]}}]},
    });
    spec["containers"][0]["ports"] = json!([{"hostPort": 80}]);
    let c = alone(&bodies);
    let shop = pod(&c, "web/shop-");
    let workers = ["lab-md-0-00", "lab-md-0-01", "lab-md-0-03", "lab-md-0-06"];
    assert_eq!(where_to(&c, shop), workers);
    let apart = |other: &Pod| {
        shop.anti_affinity.iter().any(|set| set.iter().all(|(k, v)| other.labels.get(k) == Some(v)))
    };
    assert!(apart(pod(&c, "web/single-")) && apart(shop) && !apart(pod(&c, "payments/api-")));
    assert_eq!(shop.anti_affinity.len(), 2, "and its port is its own");

    let mut bodies = cluster();
    body(&mut bodies, "shop")["spec"]["affinity"] = json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "zone"}]}});
    body(&mut bodies, "single")["spec"]["volumes"] =
        json!([{"name": "v", "persistentVolumeClaim": {"claimName": "pending"}}]);
    let extracted = told(&[&Memory::new("k", &bodies)]);
    let c = extracted.fleet.kubernetes.unwrap();
    assert_eq!(where_to(&c, pod(&c, "web/shop-")), ["lab-md-0-02"]);
    assert_eq!(where_to(&c, pod(&c, "web/single-")), ["lab-md-0-01"]);
    assert_eq!(extracted.notes.len(), 2, "{:?}", extracted.notes);
    assert!(extracted.notes[1].contains("the volume of claim `pending` was not seen"));

    let mut bodies = cluster();
    bodies["core.PersistentVolume"][0]["spec"]["nodeAffinity"]["required"] = json!({"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-1"]}]}]});
    assert_eq!(pod(&alone(&bodies), "data/db-2").volumes_zone.as_deref(), Some("zone-1"));
}

#[test]
fn unknowns_of_a_cluster_leave_no_fleet() {
    let mut forbidden = Memory::new("k", &cluster());
    forbidden.cover("policy.PodDisruptionBudget", Some(Status::Forbidden), Visibility::All);
    assert_eq!(gaps(&[&forbidden]), ["`policy.PodDisruptionBudget` of `k`: forbidden"]);
    let mut narrow = Memory::new("k", &cluster());
    let some = Visibility::Namespaces([std::sync::Arc::from("web")].into());
    narrow.cover("core.Pod", Some(Status::Complete { count: 3 }), some);
    assert!(gaps(&[&narrow])[0].contains("only what is visible to namespace web was seen"));
    let mut bodies = cluster();
    body(&mut bodies, "shop")["spec"]["containers"][0]["resources"]["requests"]["cpu"] =
        json!("much");
    assert!(gaps(&[&Memory::new("k", &bodies)])[0].contains("cannot be read"));
    body(&mut bodies, "shop")["spec"]["nodeName"] = json!("elsewhere");
    assert!(gaps(&[&Memory::new("k", &bodies)])[0].contains("on a node that was not seen"));
    let mut bodies = cluster();
    let pdb = &mut bodies["policy.PodDisruptionBudget"].as_array_mut().unwrap()[3];
    pdb["metadata"]["generation"] = json!(9);
    let c = alone(&bodies);
    let api = c.pdbs.iter().find(|p| p.id == "payments/api").unwrap();
    assert_eq!(api.disruptions_allowed, 0, "its status is of an older version of it");
}

#[test]
fn nodes_are_machines_of_the_cloud_below() {
    let mut bodies = cluster();
    let ids: Vec<String> = cloud()["compute.server"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["id"].as_str().unwrap().to_owned())
        .collect();
    for (node, id) in bodies["core.Node"].as_array_mut().unwrap().iter_mut().zip(&ids) {
        node["spec"]["providerID"] = json!(format!("openstack://RegionOne/{id}"));
    }
    let etcd = |node: &str, ready: &str| {
        json!({"metadata": {"name": format!("etcd-{node}"), "namespace": "kube-system",
            "labels": {"component": "etcd"}, "annotations": {"kubernetes.io/config.mirror": "x"}},
            "spec": {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": "100m"}}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}})
    };
    let pods = bodies["core.Pod"].as_array_mut().unwrap();
    pods.extend([etcd("lab-cp-0", "True"), etcd("lab-cp-1", "True"), etcd("lab-cp-2", "False")]);
    let (below, above) = (Memory::new("prod1", &cloud()), Memory::new("k", &bodies));
    let fleet = told(&[&below, &above]).fleet;
    let quorum = &fleet.quorums[0];
    assert_eq!((quorum.id.as_str(), quorum.members.len(), quorum.synced.len()), ("etcd/k", 3, 2));
    assert_eq!(quorum.members[0], Member::Vm(ids[0].clone()));
    let c = fleet.kubernetes.as_ref().unwrap();
    assert_eq!(node(c, "lab-cp-0").vm.as_ref(), Some(&ids[0]));
    let room = |c: &Cluster| node(c, "lab-cp-1").allocatable["cpu"];
    assert_eq!(room(c) + Amount(100), room(&alone(&cluster())), "static pods take their part");

    let stranger = Memory::new("k", &cluster());
    assert!(gaps(&[&below, &stranger])[0].contains("which stands on no host seen"));

    let mut untold = bodies.clone();
    untold["core.Node"][1]["spec"].as_object_mut().unwrap().remove("providerID");
    let untold = Memory::new("k", &untold);
    assert!(gaps(&[&below, &untold])[0].contains("no `spec.providerID`"));

    // Without a server behind it, a node with the name of a host is that host.
    let nodes = bodies["core.Node"].as_array_mut().unwrap();
    nodes[0]["metadata"]["name"] = json!("compute-01");
    nodes[0]["spec"].as_object_mut().unwrap().remove("providerID");
    bodies["core.Pod"] = json!([etcd("compute-01", "True")]);
    let other = Memory::new(
        "k2",
        &json!({"core.Node": [], "core.Pod": [],
        "core.PersistentVolumeClaim": [], "core.PersistentVolume": [], "policy.PodDisruptionBudget": []}),
    );
    let fleet = told(&[&below, &Memory::new("k", &bodies), &other]).fleet;
    assert_eq!(fleet.quorums[0].members, [Member::Host("compute-01".to_owned())]);
    let c = fleet.kubernetes.unwrap();
    assert_eq!((c.nodes[0].id.as_str(), c.nodes[1].id.as_str()), ("compute-01", "k/lab-cp-1"));
}
