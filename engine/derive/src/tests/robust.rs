//! Whatever stands where something else should: no panic, nothing lost, and
//! the same again.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::memory::Cluster;
use crate::TABLE;

/// Any JSON, with member names that mean something here.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z*/.:-]{0,12}".prop_map(Value::from),
    ];
    let name = prop::sample::select(NAMES.to_vec());
    leaf.prop_recursive(4, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..5)
                .prop_map(|m| m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

const NAMES: [&str; 40] = [
    "",
    "OS-INHERIT:inherited_to",
    "addresses",
    "aggregationRule",
    "annotations",
    "allowed_address_pairs",
    "apiVersion",
    "clusterRoleSelectors",
    "containers",
    "controller",
    "direction",
    "external_gateway_info",
    "fixed_ips",
    "id",
    "implies",
    "ip_address",
    "jobTemplate",
    "kind",
    "labels",
    "matchExpressions",
    "metadata",
    "minor",
    "name",
    "nonResourceURLs",
    "ownerReferences",
    "port_forwardings",
    "port_id",
    "project",
    "replicas",
    "resourceNames",
    "roleRef",
    "rules",
    "scope",
    "security_group_id",
    "spec",
    "status",
    "subjects",
    "template",
    "verbs",
    "volumes",
];

/// Well-formed resources, one of each kind.
fn well_formed() -> Vec<(&'static str, Value)> {
    let spec = json!({
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": []}]}}},
        "containers": [{"env": [{"name": "A"}], "name": "c", "ports": [{"containerPort": 1, "hostPort": 1}], "volumeMounts": [{"name": "kube-api-access-abcde"}]}],
        "hostNetwork": true,
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}],
        "volumes": [{"name": "kube-api-access-abcde", "projected": {"sources": [{"serviceAccountToken": {}}]}}],
    });
    let owner = |kind: &str| json!({"annotations": {"a": "b"}, "labels": {"a": "b"}, "ownerReferences": [{"apiVersion": "apps/v1", "controller": true, "kind": kind, "name": "x"}]});
    let template = json!({"metadata": {"labels": {}}, "spec": spec});
    let with = |kind: &str| json!({"metadata": owner(kind), "spec": {"replicas": 0, "template": template}, "status": {"replicas": 0}});
    let rules = json!([{"apiGroups": [""], "nonResourceURLs": [], "resourceNames": ["a"], "resources": ["pods/exec"], "verbs": ["get"]}]);
    let role = json!({"aggregationRule": {"clusterRoleSelectors": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}], "matchLabels": {"a": "b"}}]}, "metadata": {"labels": {"a": "b"}}, "rules": rules});
    let binding = json!({"roleRef": {"kind": "ClusterRole", "name": "x"}, "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "n"}]});
    vec![
        ("apps.DaemonSet", with("Node")),
        ("apps.Deployment", with("Node")),
        ("apps.ReplicaSet", with("Deployment")),
        (
            "batch.CronJob",
            json!({"metadata": owner("x"), "spec": {"jobTemplate": {"spec": {"template": template}}}}),
        ),
        ("core.Pod", json!({"metadata": owner("DaemonSet"), "spec": spec})),
        ("core.PodTemplate", json!({"template": template})),
        ("kubernetes.version", json!({"minor": "36"})),
        ("rbac.authorization.k8s.io.ClusterRole", role),
        ("rbac.authorization.k8s.io.ClusterRoleBinding", binding.clone()),
        ("rbac.authorization.k8s.io.RoleBinding", binding),
        (
            "compute.server",
            json!({"accessIPv4": "", "accessIPv6": "2a00::1", "addresses": {"a": [{"addr": "1.2.3.4", "OS-EXT-IPS:type": "fixed"}, {"addr": "10.0.0.1"}]}, "tenant_id": "x"}),
        ),
        ("network.address_group", json!({"addresses": ["10.0.0.0/8"]})),
        (
            "network.floating_ip",
            json!({"fixed_ip_address": "10.0.0.1", "floating_ip_address": "1.2.3.4", "port_forwardings": [{"external_port": 1, "internal_port": 2, "internal_port_id": "x", "protocol": "tcp"}], "port_id": "x"}),
        ),
        ("network.network", json!({"provider:physical_network": "a", "router:external": true})),
        (
            "network.port",
            json!({"allowed_address_pairs": [{"ip_address": "10.0.0.0/8"}], "device_id": "x", "device_owner": "", "fixed_ips": [{"ip_address": "1.2.3.5", "subnet_id": "x"}], "network_id": "x", "security_groups": ["x"]}),
        ),
        (
            "network.router",
            json!({"external_gateway_info": {"enable_snat": false, "network_id": "x"}}),
        ),
        ("network.security_group", json!({"name": "x"})),
        (
            "network.security_group_rule",
            json!({"direction": "ingress", "ethertype": "IPv4", "port_range_max": 2, "port_range_min": 1, "protocol": "tcp", "remote_address_group_id": "x", "security_group_id": "x"}),
        ),
        ("network.subnet", json!({"gateway_ip": "1.2.3.1"})),
        (
            "identity.application_credential",
            json!({"project_id": "x", "roles": [{"id": "x"}], "tidegate": {"user_id": "x"}}),
        ),
        ("identity.domain", json!({"name": "x"})),
        ("identity.group", json!({"name": "x"})),
        ("identity.group_member", json!({"id": "x", "tidegate": {"group_id": "x"}})),
        ("identity.project", json!({"domain_id": "x", "name": "x", "parent_id": "x"})),
        ("identity.role", json!({"name": "x"})),
        (
            "identity.role_assignment",
            json!({"role": {"id": "x"}, "scope": {"OS-INHERIT:inherited_to": "projects", "project": {"id": "x"}}, "user": {"id": "x"}}),
        ),
        ("identity.role_inference", json!({"implies": [{"id": "x"}], "prior_role": {"id": "x"}})),
        (
            "identity.trust",
            json!({"project_id": "x", "trustee_user_id": "x", "trustor_user_id": "x"}),
        ),
        ("identity.trust_role", json!({"id": "x", "tidegate": {"trust_id": "x"}})),
        ("identity.user", json!({"enabled": true, "name": "x"})),
    ]
}

/// The places of a value, as pointers.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, v)| places(v, &format!("{at}/{n}"), out));
        }
        Value::Object(members) => {
            members.iter().for_each(|(k, v)| places(v, &format!("{at}/{k}"), out));
        }
        _ => {}
    }
}

/// Every kind is derived, twice the same, in order of key, as JSON, and nothing
/// that stands for itself is lost.
fn derive(cluster: &Cluster) {
    for row in &TABLE {
        let all = cluster.derived(row.kind);
        assert_eq!(all, cluster.derived(row.kind));
        assert!(all.is_sorted_by(|a, b| a.resource.key < b.resource.key));
        for fact in &all {
            let _: Value = serde_json::from_str(&fact.resource.body).unwrap();
            assert_eq!(fact.resource.kind.as_str(), row.kind);
            assert_eq!(fact.resource.key.kind(), row.kind);
        }
        // What stands for itself, and never for something else.
        for (kind, stands) in [
            ("openstack.access", vec!["user/x", "group/x"]),
            ("openstack.addresses", vec!["compute.server/n/x"]),
            ("openstack.exposure", vec!["n/x"]),
            ("openstack.opening", vec!["n/x"]),
        ] {
            let prefix = format!("openstack/{kind}/");
            let found = |id| all.iter().any(|f| f.resource.key.as_str() == format!("{prefix}{id}"));
            assert!(row.kind != kind || stands.into_iter().all(found), "{kind}");
        }
        if row.kind == super::super::workload::KIND {
            for kind in ["apps.DaemonSet", "apps.Deployment", "batch.CronJob", "core.PodTemplate"] {
                let prefix = format!("kubernetes/{}/{kind}/", row.kind);
                assert!(all.iter().any(|f| f.resource.key.as_str().starts_with(&prefix)), "{kind}");
            }
        }
    }
}

fn cluster() -> Cluster {
    let mut cluster = Cluster::new();
    for (kind, body) in well_formed() {
        cluster.put(kind, "n", "x", &body);
    }
    cluster
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn anything_in_any_place(which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), other in anything()) {
        let mut cluster = cluster();
        let (kind, mut body) = which.get(well_formed().as_slice()).clone();
        let mut all = Vec::new();
        places(&body, "", &mut all);
        let at: &String = place.get(&all);
        *body.pointer_mut(at).unwrap() = other;
        cluster.put(kind, "n", "x", &body);
        derive(&cluster);
    }

    #[test]
    fn anything_at_all(which in any::<prop::sample::Index>(), text in ".{0,40}", body in anything()) {
        let mut cluster = cluster();
        let all = well_formed();
        let (kind, _) = which.get(all.as_slice());
        cluster.put(kind, "n", "x", &body);
        derive(&cluster);
        cluster.put_text(kind, "n", "x", &text);
        derive(&cluster);
    }
}
