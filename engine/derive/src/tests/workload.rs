//! Each kind that carries a pod, and each way in which a pod may differ from
//! its template.

use serde_json::{Value, json};
use tidegate_model::Status;

use super::memory::{Cluster, coverage, key};
use crate::source_key;

const KIND: &str = "kubernetes.workload";

fn spec(image: &str) -> Value {
    json!({
        "containers": [{"image": image, "name": "app", "ports": [{"containerPort": 80}]}],
        "initContainers": [{"image": "init", "name": "prepare"}],
        "securityContext": {},
    })
}

fn template(spec: &Value) -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": spec})
}

/// What the API server and the scheduler make of a template.
fn pod(spec: &Value, by: Option<(&str, &str, &str)>) -> Value {
    let mut spec = spec.clone();
    let token = json!({"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access-x7rt2", "readOnly": true});
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            container["volumeMounts"] = json!([token]);
            container["imagePullPolicy"] = json!("Always");
            container["resources"] = json!({"limits": {"cpu": "1"}});
        }
    }
    spec["volumes"] = json!([{
        "name": "kube-api-access-x7rt2",
        "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "kube-root-ca.crt"}}]},
    }]);
    spec["nodeName"] = json!("n1");
    spec["serviceAccount"] = json!("default");
    spec["serviceAccountName"] = json!("default");
    spec["enableServiceLinks"] = json!(true);
    spec["priority"] = json!(0);
    spec["tolerations"] = json!([{"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300}]);
    let owners: Vec<Value> = by
        .iter()
        .map(|(api, kind, name)| json!({"apiVersion": api, "controller": true, "kind": kind, "name": name, "uid": "u"}))
        .collect();
    json!({
        "metadata": {"labels": {"app": "web", "pod-template-hash": "7978dcd76c"}, "ownerReferences": owners},
        "spec": spec,
        "status": {"phase": "Running"},
    })
}

fn owned(mut of: Value, api: &str, kind: &str, name: &str) -> Value {
    of["metadata"] = json!({"ownerReferences": [{"apiVersion": api, "controller": true, "kind": kind, "name": name}]});
    of
}

fn deployment(spec: &Value) -> Value {
    json!({"metadata": {}, "spec": {"replicas": 2, "template": template(spec)}})
}

fn replica_set(spec: &Value) -> Value {
    let mut set = deployment(spec);
    set["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = json!("7978dcd76c");
    owned(set, "apps/v1", "Deployment", "web")
}

const BY_SET: Option<(&str, &str, &str)> = Some(("apps/v1", "ReplicaSet", "web-7978dcd76c"));

/// A Deployment with its ReplicaSet and two pods.
fn shop() -> Cluster {
    let mut cluster = Cluster::new();
    let spec = spec("nginx:1");
    cluster.put("apps.Deployment", "shop", "web", &deployment(&spec));
    cluster.put("apps.ReplicaSet", "shop", "web-7978dcd76c", &replica_set(&spec));
    cluster.put("core.Pod", "shop", "web-7978dcd76c-a", &pod(&spec, BY_SET));
    cluster.put("core.Pod", "shop", "web-7978dcd76c-b", &pod(&spec, BY_SET));
    cluster
}

#[track_caller]
fn keys(cluster: &Cluster, expected: &[&str]) {
    assert_eq!(cluster.bodies(KIND).keys().collect::<Vec<_>>(), expected);
}

#[test]
fn the_controller_stands_for_what_it_made() {
    let mut cluster = shop();
    cluster.put("kubernetes.version", "", "version", &json!({"major": "1", "minor": "36+"}));
    let expected = json!({
        "annotations": {},
        "containers": {
            "app": {"image": "nginx:1", "name": "app", "path": "/spec/template/spec/containers/0", "ports": [{"containerPort": 80}], "type": "container"},
            "prepare": {"image": "init", "name": "prepare", "path": "/spec/template/spec/initContainers/0", "type": "init"},
        },
        "controller": null,
        "kind": "Deployment",
        "labels": {"app": "web"},
        "minor": 36,
        "mirror": false,
        "namespace": "shop",
        "path": "/spec/template/spec",
        "spec": {"securityContext": {}, "serviceAccountName": "default"},
    });
    let all = cluster.bodies(KIND);
    assert_eq!(all["apps.Deployment/shop/web"], expected);
    assert_eq!(all.len(), 1);
    let facts = cluster.derived(KIND);
    let resource = &facts[0].resource;
    assert_eq!(source_key(&resource.key), key("apps.Deployment", "shop", "web"));
    assert_eq!(
        (resource.name.as_deref(), resource.project.as_deref()),
        (Some("web"), Some("shop"))
    );
}

#[test]
fn every_kind_with_a_pod_has_the_same_shape() {
    let mut cluster = Cluster::new();
    let spec = spec("nginx:1");
    let plain = deployment(&spec);
    for kind in [
        "apps.DaemonSet",
        "apps.Deployment",
        "apps.ReplicaSet",
        "apps.StatefulSet",
        "batch.Job",
        "core.ReplicationController",
    ] {
        cluster.put(kind, "shop", "x", &plain);
    }
    let job = json!({"spec": {"template": template(&spec)}});
    cluster.put("batch.CronJob", "shop", "x", &json!({"spec": {"jobTemplate": job}}));
    cluster.put("core.PodTemplate", "shop", "x", &json!({"template": template(&spec)}));
    cluster.put("core.Pod", "shop", "x", &pod(&spec, None));
    let all = cluster.bodies(KIND);
    assert_eq!(all.len(), 9);
    for (id, body) in &all {
        assert_eq!(
            id,
            &format!("{}.{}/shop/x", id.split_once('.').unwrap().0, body["kind"].as_str().unwrap())
        );
        let place = body["containers"]["app"]["path"].as_str().unwrap();
        assert_eq!(place, format!("{}/containers/0", body["path"].as_str().unwrap()));
        assert_eq!(body["labels"], json!({"app": "web"}), "{id}");
        assert_eq!(
            body["spec"],
            json!({"securityContext": {}, "serviceAccountName": "default"}),
            "{id}"
        );
        let source = cluster.facts_of(id);
        let at = source.pointer(place).unwrap();
        assert_eq!(at["name"], "app", "{place} points into the source");
    }
}

#[test]
fn pods_of_every_controller_are_covered_by_it() {
    let mut cluster = Cluster::new();
    let spec = spec("nginx:1");
    let plain = deployment(&spec);
    let cron = json!({"spec": {"jobTemplate": {"spec": {"template": template(&spec)}}}});
    cluster.put("apps.DaemonSet", "shop", "ds", &plain);
    cluster.put("apps.StatefulSet", "shop", "sts", &plain);
    cluster.put("batch.CronJob", "shop", "cron", &cron);
    cluster.put(
        "batch.Job",
        "shop",
        "cron-1",
        &owned(plain.clone(), "batch/v1", "CronJob", "cron"),
    );
    cluster.put("core.ReplicationController", "shop", "rc", &plain);

    let mut daemon = pod(&spec, Some(("apps/v1", "DaemonSet", "ds")));
    daemon["spec"]["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]}}});
    let mut stateful = pod(&spec, Some(("apps/v1", "StatefulSet", "sts")));
    stateful["spec"]["hostname"] = json!("sts-0");
    stateful["spec"]["volumes"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "data", "persistentVolumeClaim": {"claimName": "data-sts-0"}}));
    let mut job = pod(&spec, Some(("batch/v1", "Job", "cron-1")));
    job["spec"]["containers"][0]["env"] =
        json!([{"name": "JOB_COMPLETION_INDEX", "valueFrom": {}}]);
    cluster.put("core.Pod", "shop", "ds-x", &daemon);
    cluster.put("core.Pod", "shop", "sts-0", &stateful);
    cluster.put("core.Pod", "shop", "cron-1-x", &job);
    cluster.put(
        "core.Pod",
        "shop",
        "rc-x",
        &pod(&spec, Some(("v1", "ReplicationController", "rc"))),
    );
    keys(
        &cluster,
        &[
            "apps.DaemonSet/shop/ds",
            "apps.StatefulSet/shop/sts",
            "batch.CronJob/shop/cron",
            "core.ReplicationController/shop/rc",
        ],
    );
    // The claim of another set's pod is not this one's.
    stateful["spec"]["volumes"][1]["persistentVolumeClaim"]["claimName"] = json!("data-other-0");
    cluster.put("core.Pod", "shop", "sts-0", &stateful);
    assert!(cluster.bodies(KIND).contains_key("core.Pod/shop/sts-0"));
}

/// Changes one pod and expects it to appear, with what was changed.
#[track_caller]
fn appears(change: &dyn Fn(&mut Value)) -> Value {
    let mut cluster = shop();
    let mut changed = pod(&spec("nginx:1"), BY_SET);
    change(&mut changed);
    cluster.put("core.Pod", "shop", "web-7978dcd76c-b", &changed);
    keys(&cluster, &["apps.Deployment/shop/web", "core.Pod/shop/web-7978dcd76c-b"]);
    cluster.bodies(KIND)["core.Pod/shop/web-7978dcd76c-b"].clone()
}

#[test]
fn a_pod_that_runs_something_else_appears() {
    let body = appears(&|pod| {
        let sidecar =
            json!({"image": "miner", "name": "sidecar", "securityContext": {"privileged": true}});
        pod["spec"]["containers"].as_array_mut().unwrap().insert(0, sidecar);
    });
    assert_eq!(body["containers"]["sidecar"]["path"], "/spec/containers/0");
    assert_eq!(body["containers"]["app"].get("volumeMounts"), None);
    assert_eq!(body["controller"], "ReplicaSet");

    let body = appears(&|pod| {
        pod["spec"]["ephemeralContainers"] = json!([{"image": "sh", "name": "debug"}])
    });
    assert_eq!(body["containers"]["debug"]["type"], "ephemeral");
    appears(&|pod| pod["spec"]["containers"][0]["image"] = json!("nginx:2"));
    appears(&|pod| pod["spec"]["hostNetwork"] = json!(true));
    appears(&|pod| pod["spec"]["serviceAccountName"] = json!("admin"));
    appears(&|pod| {
        pod["metadata"]["annotations"] =
            json!({"container.apparmor.security.beta.kubernetes.io/app": "unconfined"});
    });
    // A volume is the token's only if that is all it is.
    appears(&|pod| {
        pod["spec"]["volumes"][0] =
            json!({"hostPath": {"path": "/"}, "name": "kube-api-access-x7rt2"})
    });
    appears(&|pod| {
        pod["spec"]["volumes"][0]["projected"]["sources"][0] = json!({"secret": {"name": "s"}});
    });
}

#[test]
fn ports_of_the_host_network_are_no_difference() {
    let mut cluster = Cluster::new();
    let mut spec = spec("nginx:1");
    spec["hostNetwork"] = json!(true);
    cluster.put("apps.DaemonSet", "shop", "ds", &deployment(&spec));
    let mut one = pod(&spec, Some(("apps/v1", "DaemonSet", "ds")));
    one["spec"]["containers"][0]["ports"][0]["hostPort"] = json!(80);
    cluster.put("core.Pod", "shop", "ds-x", &one);
    keys(&cluster, &["apps.DaemonSet/shop/ds"]);
    one["spec"]["containers"][0]["ports"][0]["hostPort"] = json!(443);
    cluster.put("core.Pod", "shop", "ds-x", &one);
    keys(&cluster, &["apps.DaemonSet/shop/ds", "core.Pod/shop/ds-x"]);
}

#[test]
fn a_pod_without_a_known_controller_stands_for_itself() {
    let mut cluster = shop();
    cluster.remove(&key("apps.ReplicaSet", "shop", "web-7978dcd76c"));
    keys(
        &cluster,
        &[
            "apps.Deployment/shop/web",
            "core.Pod/shop/web-7978dcd76c-a",
            "core.Pod/shop/web-7978dcd76c-b",
        ],
    );
    let all = cluster.bodies(KIND);
    let [a, b] = ["a", "b"].map(|n| &all[&format!("core.Pod/shop/web-7978dcd76c-{n}")]);
    assert_eq!(a, b, "equal pods have equal bodies");
    assert_eq!(a["controller"], "ReplicaSet");
    assert_eq!(a["labels"], json!({"app": "web"}));

    // Who says that he is made by something of another kind is not covered.
    let mut cluster = Cluster::new();
    let spec = spec("x");
    cluster.put("apps.Deployment", "shop", "web", &deployment(&spec));
    cluster.put("core.Pod", "shop", "p", &pod(&spec, Some(("apps/v1", "Deployment", "web"))));
    cluster.put("core.Pod", "other", "p", &pod(&spec, Some(("apps/v1", "Deployment", "web"))));
    cluster.put(
        "core.Pod",
        "shop",
        "q",
        &pod(&spec, Some(("apps.kruise.io/v1", "Deployment", "web"))),
    );
    assert_eq!(cluster.bodies(KIND).len(), 4);
}

#[test]
fn during_a_rollout_the_old_set_appears_until_it_is_idle() {
    let mut cluster = shop();
    cluster.put("apps.Deployment", "shop", "web", &deployment(&spec("nginx:2")));
    keys(&cluster, &["apps.Deployment/shop/web", "apps.ReplicaSet/shop/web-7978dcd76c"]);
    let mut old = replica_set(&spec("nginx:1"));
    old["spec"]["replicas"] = json!(0);
    old["status"] = json!({"replicas": 1});
    cluster.put("apps.ReplicaSet", "shop", "web-7978dcd76c", &old);
    keys(&cluster, &["apps.Deployment/shop/web", "apps.ReplicaSet/shop/web-7978dcd76c"]);
    old["status"] = json!({});
    cluster.put("apps.ReplicaSet", "shop", "web-7978dcd76c", &old);
    keys(&cluster, &["apps.Deployment/shop/web"]);
    cluster.remove(&key("apps.Deployment", "shop", "web"));
    keys(&cluster, &["apps.ReplicaSet/shop/web-7978dcd76c"]);
}

#[test]
fn static_pods_are_told_by_their_mirror() {
    let mut cluster = Cluster::new();
    let mut mirror = pod(&spec("kube-apiserver"), Some(("v1", "Node", "cp-0")));
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "abc", "kubernetes.io/config.source": "file", "x": "y"});
    cluster.put("core.Pod", "kube-system", "kube-apiserver-cp-0", &mirror);
    let body = &cluster.bodies(KIND)["core.Pod/kube-system/kube-apiserver-cp-0"];
    assert_eq!((&body["mirror"], &body["controller"]), (&json!(true), &json!("Node")));
    assert_eq!(body["annotations"], json!({"x": "y"}));
}

#[test]
fn components_are_the_static_pods_of_kube_system() {
    let component = "kubernetes.component";
    let mut cluster = Cluster::new();
    let mut mirror = pod(&spec("kube-apiserver"), Some(("v1", "Node", "cp-0")));
    cluster.put("core.Pod", "kube-system", "other", &mirror);
    mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "abc"});
    cluster.put("core.Pod", "shop", "other", &mirror);
    assert_eq!(cluster.bodies(component).len(), 0);
    cluster.put("core.Pod", "kube-system", "kube-apiserver-cp-0", &mirror);
    let of_workload = cluster.bodies(KIND)["core.Pod/kube-system/kube-apiserver-cp-0"].clone();
    let all = cluster.derived(component);
    assert_eq!(
        cluster.bodies(component),
        [(
            "core.Pod/kube-system/kube-apiserver-cp-0".to_owned(),
            json!({"containers": of_workload["containers"]})
        )]
        .into()
    );
    let source = key("core.Pod", "kube-system", "kube-apiserver-cp-0");
    assert_eq!(source_key(&all[0].resource.key), source);
}

#[test]
fn the_version_is_null_unless_it_was_seen() {
    let mut cluster = Cluster::new();
    cluster.put("core.Pod", "a", "p", &pod(&spec("x"), None));
    let minor = |c: &Cluster| c.bodies(KIND)["core.Pod/a/p"]["minor"].clone();
    assert_eq!(minor(&cluster), Value::Null);
    cluster.put("kubernetes.version", "", "version", &json!({"minor": "31"}));
    assert_eq!(minor(&cluster), 31);
    cluster.see(&key("kubernetes.version", "", "version"), false);
    assert_eq!(minor(&cluster), Value::Null);
    cluster.cover(coverage("kubernetes.version", Status::Forbidden));
    let entry = crate::Derived::new(&cluster, []);
    let entry = tidegate_model::Facts::meta(&entry)
        .coverage_of(&super::memory::kind(KIND))
        .next()
        .unwrap()
        .clone();
    assert_eq!(entry.status, Status::Complete { count: 0 });
}

#[test]
fn what_cannot_be_read_stays_and_says_why() {
    let mut cluster = shop();
    #[track_caller]
    fn why(cluster: &Cluster, id: &str, expected: &str) {
        assert_eq!(cluster.bodies(KIND)[id], json!({"tidegate": {"unreadable": expected}}));
    }
    let id = "core.Pod/shop/web-7978dcd76c-a";
    let mut broken = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut pod = pod(&spec("nginx:1"), BY_SET);
        change(&mut pod);
        cluster.put("core.Pod", "shop", "web-7978dcd76c-a", &pod);
        why(&cluster, id, expected);
    };
    broken(&|p| p["spec"] = json!(1), "`/spec` is not an object");
    broken(&|p| p["spec"] = Value::Null, "`/spec` is not there");
    broken(&|p| p["spec"]["containers"] = json!({}), "`/spec/containers` is not a list");
    broken(&|p| p["spec"]["containers"] = Value::Null, "`/spec/containers` is not a list");
    broken(&|p| p["spec"]["containers"][0] = json!("x"), "`/spec/containers/0` is not an object");
    broken(
        &|p| p["spec"]["containers"][0]["name"] = json!(1),
        "`/spec/containers/0/name` is not text",
    );
    broken(
        &|p| p["spec"]["initContainers"][0]["name"] = json!("app"),
        "`/spec/initContainers/0/name` is that of another container",
    );
    broken(&|p| p["metadata"] = json!("x"), "`/metadata` is not the metadata of an object");
    broken(&|p| p["metadata"]["labels"] = json!([]), "`/metadata/labels` is not an object");
    broken(&|p| *p = json!("x"), "it is not an object of the API");
    // A template that cannot be read stands for none of its pods.
    cluster = shop();
    cluster.put(
        "apps.ReplicaSet",
        "shop",
        "web-7978dcd76c",
        &owned(json!({"spec": {}}), "apps/v1", "Deployment", "web"),
    );
    why(&cluster, "apps.ReplicaSet/shop/web-7978dcd76c", "`/spec/template` is not there");
    assert_eq!(cluster.bodies(KIND).len(), 4);
}
