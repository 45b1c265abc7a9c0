//! Each way in which RBAC grants more, or less, than it seems to.

use serde_json::{Value, json};

use tidegate_model::Status;

use super::memory::{Cluster, key};
use crate::who::{WhoError, who_can};
use crate::{Derived, source_key};

const KIND: &str = "kubernetes.access";
const ROLE: &str = "rbac.authorization.k8s.io.Role";
const BINDING: &str = "rbac.authorization.k8s.io.RoleBinding";
const CLUSTER_ROLE: &str = "rbac.authorization.k8s.io.ClusterRole";
const CLUSTER_BINDING: &str = "rbac.authorization.k8s.io.ClusterRoleBinding";

fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": groups, "resources": resources, "verbs": verbs})
}

fn named(mut rule: Value, names: &[&str]) -> Value {
    rule["resourceNames"] = json!(names);
    rule
}

fn binding(kind: &str, role: &str, subjects: &Value) -> Value {
    json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}, "subjects": subjects})
}

fn user(name: &str) -> Value {
    json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}])
}

fn group(name: &str) -> Value {
    json!([{"kind": "Group", "name": name}])
}

/// What a user may do by rules that are bound to it everywhere, and in `ns`.
fn bound(rules: &[Value]) -> [Value; 2] {
    let mut cluster = Cluster::new();
    cluster.put(CLUSTER_ROLE, "", "r", &json!({"rules": rules}));
    cluster.put(CLUSTER_BINDING, "", "b", &binding("ClusterRole", "r", &user("everywhere")));
    cluster.put(BINDING, "ns", "b", &binding("ClusterRole", "r", &user("here")));
    let mut all = cluster.bodies(KIND);
    ["everywhere", "here"].map(|u| all.remove(&format!("User/-/{u}")).unwrap())
}

fn names(of: &Value) -> Vec<&str> {
    of.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Rules, and what they grant everywhere and in a namespace.
#[track_caller]
fn grants(rules: &[Value], everywhere: &[&str], in_namespace: &[&str]) {
    let [all, here] = bound(rules);
    assert_eq!(names(&all["can"]), everywhere);
    assert_eq!(names(&here["can"]), in_namespace);
    assert_eq!((names(&all["named"]), names(&here["named"])), (vec![], vec![]));
    for places in all["can"].as_object().unwrap().values() {
        assert_eq!(names(places), ["*"]);
    }
    for places in here["can"].as_object().unwrap().values() {
        assert_eq!(names(places), ["ns"]);
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";

#[test]
fn each_capability_is_granted_by_what_it_says() {
    let both = |rule: Value, name: &str| grants(&[rule], &[name], &[name]);
    let cluster = |rule: Value, name: &str| grants(&[rule], &[name], &[]);
    for verb in ["get", "list", "watch"] {
        both(rule(&[""], &["secrets"], &[verb]), "read-secrets");
    }
    both(rule(&[""], &["secrets"], &["patch"]), "write-secrets");
    both(rule(&["batch"], &["cronjobs"], &["create"]), "create-pods");
    both(rule(&["apps"], &["daemonsets"], &["update"]), "change-workloads");
    both(rule(&[""], &["pods/exec"], &["get"]), "exec");
    both(rule(&[""], &["pods/attach"], &["create"]), "exec");
    both(rule(&[""], &["pods/ephemeralcontainers"], &["patch"]), "exec");
    both(rule(&[""], &["pods/portforward"], &["create"]), "port-forward");
    both(rule(&[RBAC], &["roles"], &["escalate"]), "escalate");
    cluster(rule(&[RBAC], &["clusterroles"], &["escalate"]), "escalate");
    both(rule(&[RBAC], &["clusterroles"], &["bind"]), "bind");
    both(rule(&[RBAC], &["rolebindings"], &["create"]), "write-rbac");
    cluster(rule(&[RBAC], &["clusterrolebindings"], &["create"]), "write-rbac");
    cluster(rule(&[""], &["users"], &["impersonate"]), "impersonate");
    both(rule(&[""], &["serviceaccounts"], &["impersonate"]), "impersonate");
    both(rule(&[""], &["serviceaccounts/token"], &["create"]), "create-tokens");
    cluster(rule(&[""], &["nodes/proxy"], &["get"]), "nodes-proxy");
    cluster(rule(&[""], &["persistentvolumes"], &["create"]), "create-volumes");
    cluster(
        rule(&["admissionregistration.k8s.io"], &["mutatingwebhookconfigurations"], &["delete"]),
        "write-webhooks",
    );
    both(rule(&[""], &["configmaps"], &["update"]), "write-configmaps");
    both(rule(&["events.k8s.io"], &["events"], &["deletecollection"]), "delete-events");
    cluster(json!({"nonResourceURLs": ["*"], "verbs": ["get"]}), "all-urls");
}

#[test]
fn what_looks_alike_grants_nothing() {
    let none = |rule: Value| grants(&[rule], &[], &[]);
    none(rule(&["apps"], &["secrets"], &["get"]));
    none(rule(&[""], &["secrets/status", "secret", "Secrets"], &["get"]));
    none(rule(&[""], &["pods", "pods/*", "pods/log"], &["get"]));
    none(rule(&[""], &["deployments", "pods/eviction"], &["create"]));
    none(rule(&[""], &["nodes"], &["get"]));
    none(rule(&[""], &["roles"], &["bind", "escalate"]));
    none(rule(&[], &["secrets"], &["get"]));
    none(rule(&[""], &["nodes/proxy"], &[]));
    none(json!({"nonResourceURLs": ["/healthz", "/metrics*"], "verbs": ["*"]}));
    none(json!({}));
}

#[test]
fn wildcards_count_as_the_api_server_matches_them() {
    let has = |r: Value, wanted: &str| {
        let [all, here] = bound(std::slice::from_ref(&r));
        assert!(
            all["can"].get("wildcard").is_some() && here["can"].get("wildcard").is_some(),
            "{r}"
        );
        assert!(all["can"].get(wanted).is_some(), "{r}");
        assert!(all["can"].get("everything").is_none(), "{r}");
    };
    has(rule(&["*"], &["secrets"], &["get"]), "read-secrets");
    has(rule(&[""], &["*"], &["get"]), "read-secrets");
    has(rule(&[""], &["secrets"], &["*"]), "read-secrets");
    has(rule(&[""], &["*"], &["get"]), "exec");
    has(rule(&[""], &["*/exec"], &["create"]), "exec");
    has(rule(&["*"], &["*/proxy"], &["get"]), "nodes-proxy");
    has(rule(&[RBAC], &["clusterroles"], &["*"]), "escalate");
    let [all, here] = bound(&[rule(&["*"], &["*"], &["*"])]);
    assert_eq!(all["can"].as_object().unwrap().len(), 19);
    let only_cluster = ["approve-csr", "create-volumes", "nodes-proxy", "write-webhooks"];
    let mut expected = names(&all["can"]);
    expected.retain(|n| !only_cluster.contains(n));
    assert_eq!(names(&here["can"]), expected);
    // A list of all that exists today is no wildcard.
    grants(&[rule(&[""], &["pods"], &["get", "list"])], &[], &[]);
}

#[test]
fn what_is_limited_to_names_is_never_full() {
    let [all, here] = bound(&[
        named(rule(&[""], &["secrets"], &["get"]), &["b", "a"]),
        named(rule(&["*"], &["*"], &["*"]), &["x"]),
    ]);
    assert_eq!(names(&all["can"]), Vec::<&str>::new());
    assert_eq!(names(&here["can"]), Vec::<&str>::new());
    let binding = "kubernetes/rbac.authorization.k8s.io.RoleBinding/ns/b";
    assert_eq!(here["named"]["read-secrets"], json!({"ns": {binding: ["a", "b", "x"]}}));
    assert_eq!(here["named"].get("nodes-proxy"), None);
    assert!(all["named"].get("nodes-proxy").is_some());
    assert!(all["named"].get("everything").is_some());
    // Who has both has it in full.
    let [all, _] = bound(&[
        named(rule(&[""], &["secrets"], &["get"]), &["a"]),
        rule(&[""], &["secrets"], &["list"]),
    ]);
    assert_eq!(names(&all["can"]), ["read-secrets"]);
    assert_eq!(names(&all["named"]), Vec::<&str>::new());
}

#[test]
fn requests_are_approved_by_who_may_do_both() {
    let approval =
        || rule(&["certificates.k8s.io"], &["certificatesigningrequests/approval"], &["update"]);
    let signers = || rule(&["certificates.k8s.io"], &["signers"], &["approve"]);
    grants(&[approval()], &[], &[]);
    grants(&[signers()], &[], &[]);
    grants(&[approval(), signers()], &["approve-csr"], &[]);
    let [all, here] = bound(&[approval(), named(signers(), &["kubernetes.io/kubelet-serving"])]);
    let key = "kubernetes/rbac.authorization.k8s.io.ClusterRoleBinding/-/b";
    assert_eq!(all["can"], json!({}));
    assert_eq!(
        all["named"],
        json!({"approve-csr": {"*": {key: ["kubernetes.io/kubelet-serving"]}}})
    );
    assert_eq!(here["named"], json!({}));
    // By two bindings.
    let mut cluster = Cluster::new();
    cluster.put(CLUSTER_ROLE, "", "a", &json!({"rules": [approval()]}));
    cluster.put(CLUSTER_ROLE, "", "s", &json!({"rules": [signers()]}));
    cluster.put(CLUSTER_BINDING, "", "a", &binding("ClusterRole", "a", &user("u")));
    assert_eq!(cluster.bodies(KIND)["User/-/u"]["can"], json!({}));
    cluster.put(CLUSTER_BINDING, "", "s", &binding("ClusterRole", "s", &user("u")));
    assert_eq!(names(&cluster.bodies(KIND)["User/-/u"]["can"]), ["approve-csr"]);
}

#[test]
fn aggregated_roles_have_what_their_selectors_choose() {
    let mut cluster = Cluster::new();
    let selectors =
        |s: Value| json!({"aggregationRule": {"clusterRoleSelectors": s}, "rules": null});
    let part = |labels: Value, r: Value| json!({"metadata": {"labels": labels}, "rules": [r]});
    cluster.put(
        CLUSTER_ROLE,
        "",
        "secrets",
        &part(json!({"to-a": "true"}), rule(&[""], &["secrets"], &["get"])),
    );
    cluster.put(
        CLUSTER_ROLE,
        "",
        "exec",
        &part(json!({"to-b": "true"}), rule(&[""], &["pods/exec"], &["get"])),
    );
    let mut a = selectors(json!([{"matchLabels": {"to-a": "true"}}]));
    a["metadata"] = json!({"labels": {"to-b": "true"}});
    cluster.put(CLUSTER_ROLE, "", "a", &a);
    // Two levels, and a circle that must come to an end.
    let mut b = selectors(
        json!([{"matchExpressions": [{"key": "to-b", "operator": "In", "values": ["true"]}]}]),
    );
    b["metadata"] = json!({"labels": {"to-a": "true"}});
    b["rules"] = json!([rule(&[""], &["nodes/proxy"], &["get"])]);
    cluster.put(CLUSTER_ROLE, "", "b", &b);
    cluster.put(CLUSTER_ROLE, "", "all", &selectors(json!([{}])));
    cluster.put(CLUSTER_ROLE, "", "none", &selectors(json!([])));
    // A Role in a namespace is not chosen.
    cluster.put(ROLE, "ns", "r", &part(json!({"to-a": "true"}), rule(&["*"], &["*"], &["*"])));
    for role in ["a", "b", "all", "none"] {
        cluster.put(CLUSTER_BINDING, "", role, &binding("ClusterRole", role, &user(role)));
    }
    let all = cluster.bodies(KIND);
    let can = |u: &str| {
        names(&all[&format!("User/-/{u}")]["can"])
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(can("a"), ["exec", "nodes-proxy", "read-secrets"]);
    assert_eq!(can("b"), ["exec", "nodes-proxy", "read-secrets"]);
    assert_eq!(can("all"), ["exec", "nodes-proxy", "read-secrets"]);
    assert_eq!(can("none"), Vec::<String>::new());
}

#[test]
fn a_fact_says_who_and_by_what() {
    let mut cluster = Cluster::new();
    cluster.put(ROLE, "build", "reader", &json!({"rules": [rule(&[""], &["secrets"], &["get"])]}));
    let account = json!([{"kind": "ServiceAccount", "name": "ci", "namespace": "build"}]);
    cluster.put(BINDING, "build", "reader", &binding("Role", "reader", &account));
    cluster.put(CLUSTER_BINDING, "", "gone", &binding("ClusterRole", "gone", &account));
    // The name that the API server gives the account is the same subject.
    cluster.put(
        CLUSTER_BINDING,
        "",
        "alias",
        &binding("ClusterRole", "gone", &user("system:serviceaccount:build:ci")),
    );
    let role = "kubernetes/rbac.authorization.k8s.io.Role/build/reader";
    let gone = "kubernetes/rbac.authorization.k8s.io.ClusterRole/-/gone";
    let bound = |role: &str, namespace: &str, missing: bool| json!({"built_in": false, "missing": missing, "namespace": namespace, "role": role});
    let expected = json!({
        "bindings": {
            "kubernetes/rbac.authorization.k8s.io.ClusterRoleBinding/-/alias": bound(gone, "*", true),
            "kubernetes/rbac.authorization.k8s.io.ClusterRoleBinding/-/gone": bound(gone, "*", true),
            "kubernetes/rbac.authorization.k8s.io.RoleBinding/build/reader": bound(role, "build", false),
        },
        "built_in": false,
        "can": {"read-secrets": {"build": {"kubernetes/rbac.authorization.k8s.io.RoleBinding/build/reader": role}}},
        "groups": [
            "kubernetes/kubernetes.access/Group/-/system:authenticated",
            "kubernetes/kubernetes.access/Group/-/system:serviceaccounts",
            "kubernetes/kubernetes.access/Group/-/system:serviceaccounts:build",
        ],
        "key": "kubernetes/kubernetes.access/ServiceAccount/build/ci",
        "named": {},
        "subject": {"kind": "ServiceAccount", "name": "ci", "namespace": "build"},
    });
    let all = cluster.bodies(KIND);
    assert_eq!(all.keys().collect::<Vec<_>>(), ["ServiceAccount/build/ci"]);
    assert_eq!(all["ServiceAccount/build/ci"], expected);
    let fact = &cluster.derived(KIND)[0];
    assert_eq!(source_key(&fact.resource.key), fact.resource.key);
    assert_eq!(fact.resource.project.as_deref(), Some("build"));
    // A Role binds in its namespace: one of that name elsewhere is another.
    cluster.put(BINDING, "other", "reader", &binding("Role", "reader", &user("u")));
    assert_eq!(cluster.bodies(KIND)["User/-/u"]["can"], json!({}));
}

#[test]
fn only_what_ships_as_it_ships_is_built_in() {
    let mut cluster = Cluster::new();
    let harmless = json!({"rules": [{"nonResourceURLs": ["/version"], "verbs": ["get"]}]});
    let all = json!({"rules": [rule(&["*"], &["*"], &["*"])]});
    let built_in = |c: &Cluster, id: &str| c.bodies(KIND)[id]["built_in"].as_bool().unwrap();
    cluster.put(CLUSTER_ROLE, "", "cluster-admin", &all);
    cluster.put(CLUSTER_ROLE, "", "system:discovery", &harmless);
    cluster.put(CLUSTER_ROLE, "", "system:controller:job-controller", &all);
    let mut subjects = group("system:masters").as_array().unwrap().clone();
    subjects.extend(group("ops").as_array().unwrap().clone());
    cluster.put(
        CLUSTER_BINDING,
        "",
        "cluster-admin",
        &binding("ClusterRole", "cluster-admin", &Value::from(subjects)),
    );
    assert!(built_in(&cluster, "Group/-/system:masters"));
    assert!(!built_in(&cluster, "Group/-/ops"), "somebody was added to a shipped binding");
    cluster.put(
        CLUSTER_BINDING,
        "",
        "mine",
        &binding("ClusterRole", "system:discovery", &group("system:masters")),
    );
    assert!(!built_in(&cluster, "Group/-/system:masters"), "one more binding");

    let mut subjects = group("system:authenticated").as_array().unwrap().clone();
    subjects.extend(group("system:unauthenticated").as_array().unwrap().clone());
    cluster.put(
        CLUSTER_BINDING,
        "",
        "system:discovery",
        &binding("ClusterRole", "system:discovery", &Value::from(subjects)),
    );
    assert!(built_in(&cluster, "Group/-/system:authenticated"));
    assert!(
        !built_in(&cluster, "Group/-/system:unauthenticated"),
        "as left by versions before 1.14"
    );
    cluster.put(CLUSTER_ROLE, "", "system:discovery", &all);
    assert!(
        !built_in(&cluster, "Group/-/system:authenticated"),
        "somebody added to a shipped role"
    );

    let name = "system:controller:job-controller";
    let account = |namespace: &str| json!([{"kind": "ServiceAccount", "name": "job-controller", "namespace": namespace}]);
    cluster.put(CLUSTER_BINDING, "", name, &binding("ClusterRole", name, &account("kube-system")));
    assert!(built_in(&cluster, "ServiceAccount/kube-system/job-controller"));
    cluster.put(CLUSTER_BINDING, "", name, &binding("ClusterRole", name, &account("shop")));
    assert!(!built_in(&cluster, "ServiceAccount/shop/job-controller"));
}

#[test]
fn what_cannot_be_read_stays_and_says_why() {
    let mut cluster = Cluster::new();
    cluster.put(CLUSTER_ROLE, "", "broken", &json!({"rules": {"verbs": ["*"]}}));
    cluster.put(
        CLUSTER_ROLE,
        "",
        "all",
        &json!({"aggregationRule": {"clusterRoleSelectors": [{}]}}),
    );
    for role in ["broken", "all"] {
        cluster.put(CLUSTER_BINDING, "", role, &binding("ClusterRole", role, &user(role)));
    }
    cluster.put(
        BINDING,
        "ns",
        "robot",
        &binding("Role", "r", &json!([{"kind": "Robot", "name": "x"}])),
    );
    let all = cluster.bodies(KIND);
    let unreadable = |id: &str| all[id]["tidegate"]["unreadable"].as_str().unwrap().to_owned();
    let role = unreadable("rbac.authorization.k8s.io.ClusterRole/-/broken");
    assert!(role.starts_with("it is not a role: "), "{role}");
    let of = format!("kubernetes/rbac.authorization.k8s.io.ClusterRole/-/broken: {role}");
    assert_eq!(unreadable("User/-/broken"), of);
    assert_eq!(unreadable("User/-/all"), of, "it may be part of what is aggregated");
    let id = "rbac.authorization.k8s.io.RoleBinding/ns/robot";
    assert_eq!(unreadable(id), "`/subjects/0/kind` is `Robot`");
    let fact = cluster
        .derived(KIND)
        .into_iter()
        .find(|f| f.resource.key.as_str().ends_with("robot"))
        .unwrap();
    assert_eq!(source_key(&fact.resource.key), key(BINDING, "ns", "robot"));
    // Nobody is bound by a binding without subjects.
    let mut cluster = Cluster::new();
    cluster.put(
        CLUSTER_BINDING,
        "",
        "none",
        &json!({"roleRef": {"kind": "ClusterRole", "name": "x"}}),
    );
    assert_eq!(cluster.bodies(KIND).len(), 0);
}

/// A row of `kubernetes.api`.
fn serve(cluster: &mut Cluster, group: &str, kind: &str, plural: &str) {
    let body = json!({"group": group, "version": "v1", "kind": kind, "plural": plural, "namespaced": true, "verbs": ["get", "list"], "preferred": true});
    cluster.put("kubernetes.api", group, plural, &body);
}

#[test]
fn kinds_have_the_plural_that_the_server_says() {
    let gateway = "gateway.networking.k8s.io";
    let mut cluster = Cluster::new();
    let api = super::memory::coverage("kubernetes.api", Status::Complete { count: 0 });
    cluster.cover(api);
    for kind in ["core.Endpoints", &format!("{gateway}.Gateway"), "own.io.Sheep"] {
        cluster.cover(super::memory::coverage(kind, Status::Complete { count: 0 }));
    }
    for entry in &mut cluster.meta.coverage {
        entry.source = "kubernetes/test".into();
    }
    let rules = [rule(&["", gateway, "own.io"], &["endpoints", "gateways", "sheep"], &["get"])];
    cluster.put(CLUSTER_ROLE, "", "r", &json!({"rules": rules}));
    cluster.put(CLUSTER_BINDING, "", "b", &binding("ClusterRole", "r", &user("u")));
    let ask = |cluster: &Cluster, kind: &str| {
        who_can(&Derived::new(cluster, []), "get", kind).map(|h| h.holders.len())
    };
    let refused = |cluster: &Cluster, kind: &str| {
        let error = ask(cluster, kind).unwrap_err();
        assert!(matches!(error, WhoError::NotSeen(_)), "{error}");
        error.to_string()
    };
    for (group, kind, plural) in [
        ("", "Endpoints", "endpoints"),
        (gateway, "Gateway", "gateways"),
        ("own.io", "Sheep", "sheep"),
    ] {
        let name = if group.is_empty() { "core" } else { group };
        let name = format!("{name}.{kind}");
        assert!(refused(&cluster, &name).contains(&format!("RBAC calls `{name}`")));
        serve(&mut cluster, group, kind, plural);
        assert_eq!(ask(&cluster, &name).unwrap(), 1, "{name}");
        let mut unseen = cluster.clone();
        unseen.see(&key("kubernetes.api", group, plural), false);
        assert!(refused(&unseen, &name).contains("was last seen"));
    }
    serve(&mut cluster, "own.io", "Sheep", "sheeps");
    assert!(refused(&cluster, "own.io.Sheep").contains("`sheep` and as `sheeps`"));
    cluster.meta.coverage.retain(|c| c.kind.as_str() != "kubernetes.api");
    cluster.remove(&key("kubernetes.api", "", "endpoints"));
    assert!(refused(&cluster, "core.Endpoints").contains("`kubernetes.api` was not collected"));
}
