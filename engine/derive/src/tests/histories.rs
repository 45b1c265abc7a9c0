//! Changes that are told from an index are those that comparing everything
//! finds, on random histories.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_model::{ChangeOp, Fact, Facts, Kind, ResourceKey};

use super::memory::{Cluster, key, kind, read};
use crate::{Derived, TABLE};

#[derive(Debug, Clone)]
enum Step {
    Put { kind: usize, name: u8, of: u8, image: u8, idle: bool },
    Remove { kind: usize, name: u8 },
    See { kind: usize, name: u8, seen: bool },
}

/// Where static pods are components of the control plane.
const NAMESPACE: &str = "kube-system";

/// Kinds with the kind of their controller.
const KINDS: [(&str, &str, &str); 10] = [
    ("apps.Deployment", "", ""),
    ("apps.ReplicaSet", "apps/v1", "Deployment"),
    ("apps.StatefulSet", "", ""),
    ("core.Pod", "apps/v1", "ReplicaSet"),
    ("core.Pod", "apps/v1", "StatefulSet"),
    ("core.Pod", "v1", "ReplicationController"),
    ("core.ReplicationController", "", ""),
    ("kubernetes.version", "", ""),
    ("rbac.authorization.k8s.io.ClusterRole", "", ""),
    ("rbac.authorization.k8s.io.ClusterRoleBinding", "", ""),
];

fn body(at: usize, of: u8, image: u8, idle: bool) -> Value {
    let (kind, api, by) = KINDS[at];
    let owners = match by {
        "" => json!([]),
        _ => json!([{"apiVersion": api, "controller": true, "kind": by, "name": of.to_string()}]),
    };
    let spec = match image {
        3 => json!("broken"),
        _ => json!({"containers": [{"image": image, "name": "c"}]}),
    };
    match kind {
        "core.Pod" => {
            let mirror = if idle { json!({"kubernetes.io/config.mirror": "a"}) } else { json!({}) };
            json!({"metadata": {"annotations": mirror, "ownerReferences": owners}, "spec": spec})
        }
        "kubernetes.version" => json!({"minor": (30 + image / 2).to_string()}),
        "rbac.authorization.k8s.io.ClusterRole" => {
            let secrets = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]);
            let chosen = json!({"clusterRoleSelectors": [{"matchLabels": {"l": of.to_string()}}]});
            match image {
                3 => json!({"rules": 1}),
                2 => json!({"aggregationRule": chosen}),
                1 => json!({"metadata": {"labels": {"l": of.to_string()}}, "rules": secrets}),
                _ => json!({}),
            }
        }
        "rbac.authorization.k8s.io.ClusterRoleBinding" => json!({
            "roleRef": {"kind": "ClusterRole", "name": of.to_string()},
            "subjects": [{"kind": if image == 3 { "Robot" } else { "User" }, "name": image.to_string()}],
        }),
        _ => json!({
            "metadata": {"ownerReferences": owners},
            "spec": {"replicas": i32::from(!idle), "template": {"spec": spec}},
        }),
    }
}

fn step() -> impl Strategy<Value = Step> {
    let at = || (0..KINDS.len(), 0..4_u8);
    prop_oneof![
        6 => (at(), 0..4_u8, 0..4_u8, any::<bool>())
            .prop_map(|((kind, name), of, image, idle)| Step::Put { kind, name, of, image, idle }),
        2 => at().prop_map(|(kind, name)| Step::Remove { kind, name }),
        1 => (at(), any::<bool>()).prop_map(|((kind, name), seen)| Step::See { kind, name, seen }),
    ]
}

fn apply(cluster: &mut Cluster, step: &Step) {
    let key_of = |at: usize, name: u8| key(KINDS[at].0, NAMESPACE, &name.to_string());
    match *step {
        Step::Put { kind, name, of, image, idle } => {
            cluster.put(KINDS[kind].0, NAMESPACE, &name.to_string(), &body(kind, of, image, idle));
        }
        Step::Remove { kind, name } => cluster.remove(&key_of(kind, name)),
        Step::See { kind, name, seen } => cluster.see(&key_of(kind, name), seen),
    }
}

pub(super) type All = BTreeMap<ResourceKey, Fact>;

pub(super) fn all(derived: &Derived<'_>) -> All {
    let facts = TABLE.iter().flat_map(|row| read(derived, row.kind));
    facts.map(|f| (f.resource.key.clone(), f)).collect()
}

pub(super) fn asked() -> Vec<Kind> {
    TABLE.iter().map(|row| kind(row.kind)).collect()
}

/// Runs a history: steps, and whether the snapshot after them is left out.
pub(super) fn check<S: std::fmt::Debug>(rounds: &[(Vec<S>, bool)], apply: fn(&mut Cluster, &S)) {
    let mut cluster = Cluster::new();
    let kinds = asked();
    let whole = |cluster: &Cluster| {
        let derived = Derived::new(cluster, &kinds);
        (all(&derived), derived.remember())
    };
    let (mut before, mut memory) = whole(&cluster);
    let mut seq = 1;
    for (steps, skip) in rounds {
        cluster = cluster.next();
        steps.iter().for_each(|s| apply(&mut cluster, s));
        if *skip {
            continue;
        }
        let (after, anew) = whole(&cluster);
        let derived = Derived::new(&cluster, &kinds);
        derived.recall(seq, &memory);
        let changes = derived.changes_since(seq).unwrap();
        if let Some(changes) = changes {
            let mine = changes.iter().filter(|c| kinds.contains(&c.kind));
            let ops: BTreeMap<&ResourceKey, ChangeOp> = mine.map(|c| (&c.key, c.op)).collect();
            for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
                let (old, new) = (before.get(key), after.get(key));
                assert!(old == new || ops.contains_key(key), "{key} changed: {rounds:?}");
            }
            for (&key, op) in &ops {
                assert_eq!(*op == ChangeOp::Remove, !after.contains_key(key), "{key}: {rounds:?}");
            }
            // What changed is found by key, as it is in the whole.
            let wanted: Vec<ResourceKey> = ops.keys().map(|k| (*k).clone()).collect();
            let mut found = All::new();
            derived
                .fetch(&wanted, &mut |f| {
                    found.insert(f.resource.key.clone(), f);
                })
                .unwrap();
            let expected = wanted.iter().filter_map(|k| Some((k.clone(), after.get(k)?.clone())));
            assert_eq!(found, expected.collect::<All>(), "{rounds:?}");
            let fresh = Derived::new(&cluster, []);
            let mut again = All::new();
            fresh
                .fetch(&wanted, &mut |f| {
                    again.insert(f.resource.key.clone(), f);
                })
                .unwrap();
            assert_eq!(found, again);
            memory = derived.remember();
            assert_eq!(memory, anew, "the index is what it would be if made anew");
        } else {
            memory = anew;
        }
        before = after;
        seq = cluster.meta.id.seq;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn changes_are_all_there_are(
        rounds in prop::collection::vec((prop::collection::vec(step(), 0..10), prop::bool::weighted(0.2)), 1..8),
    ) {
        check(&rounds, apply);
    }
}

/// How many resources are read to tell what changed.
#[test]
fn what_did_not_change_is_not_read() {
    let mut cluster = Cluster::new();
    cluster.put("apps.ReplicaSet", "n", "1", &body(1, 9, 0, false));
    for name in 0..50 {
        cluster.put("core.Pod", "n", &name.to_string(), &body(3, 1, 0, false));
    }
    let kinds = asked();
    let derived = Derived::new(&cluster, &kinds);
    assert_eq!(all(&derived).len(), 1);
    let memory = derived.remember();
    let next = |change: &dyn Fn(&mut Cluster)| {
        let mut next = cluster.next();
        change(&mut next);
        let derived = Derived::new(&next, &kinds);
        derived.recall(1, &memory);
        let changes = derived.changes_since(1).unwrap().unwrap();
        changes.iter().filter(|c| c.kind.as_str() == "kubernetes.workload").count()
    };
    assert_eq!(next(&|_| {}), 0);
    assert_eq!(next(&|c| c.put("core.Pod", "n", "7", &body(3, 1, 1, false))), 1);
    let mut busy = body(1, 9, 0, false);
    busy["status"] = json!({"replicas": 50});
    assert_eq!(next(&|c| c.put("apps.ReplicaSet", "n", "1", &busy)), 1, "the template is the same");
    assert_eq!(next(&|c| c.put("apps.ReplicaSet", "n", "1", &body(1, 9, 1, false))), 51);
}

#[test]
fn a_memory_that_does_not_fit_tells_nothing() {
    let mut cluster = Cluster::new();
    cluster.put("core.Pod", "n", "1", &body(3, 1, 0, false));
    let kinds = asked();
    let derived = Derived::new(&cluster, &kinds);
    all(&derived);
    let memory = derived.remember();
    let mut next = cluster.next();
    next.put("core.Pod", "n", "1", &body(3, 1, 1, false));
    let tells = |seq: u64, memory: &[u8]| {
        let derived = Derived::new(&next, &kinds);
        derived.recall(seq, memory);
        derived.changes_since(1).unwrap().is_some()
    };
    assert!(tells(1, &memory));
    assert!(!tells(2, &memory), "of another snapshot");
    assert!(!tells(1, b"garbage"));
    // Kinds that nobody asked for are nobody's business.
    let derived = Derived::new(&next, []);
    assert_eq!(derived.changes_since(1).unwrap().unwrap().len(), 1);
    // The same snapshot once more remembers what it was told.
    let again = Derived::new(&cluster, &kinds);
    again.recall(1, &memory);
    assert_eq!(again.remember(), memory);
}
