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

const NAMES: [&str; 26] = [
    "",
    "aggregationRule",
    "annotations",
    "apiVersion",
    "clusterRoleSelectors",
    "containers",
    "controller",
    "jobTemplate",
    "kind",
    "labels",
    "matchExpressions",
    "metadata",
    "minor",
    "name",
    "nonResourceURLs",
    "ownerReferences",
    "replicas",
    "resourceNames",
    "roleRef",
    "rules",
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
