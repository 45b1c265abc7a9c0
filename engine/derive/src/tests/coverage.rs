//! A derived kind is seen as well as the worst of its inputs.

use std::sync::Arc;

use serde_json::json;
use tidegate_model::{Facts as _, KindCoverage, Status, Visibility};

use super::memory::{Cluster, coverage, key, kind};
use crate::Derived;

const WORKLOAD: &str = "kubernetes.workload";
const ACCESS: &str = "kubernetes.access";

fn seen(cluster: &Cluster, of: &str) -> Vec<KindCoverage> {
    let derived = Derived::new(cluster, []);
    derived.meta().coverage_of(&kind(of)).cloned().collect()
}

#[track_caller]
fn check(entry: KindCoverage, of: &str, expected: Status) {
    let mut cluster = Cluster::new();
    cluster.cover(entry);
    let all = seen(&cluster, of);
    assert_eq!(all.iter().map(|c| c.status.clone()).collect::<Vec<_>>(), [expected]);
}

fn failed(reason: &str) -> Status {
    Status::Failed { reason: reason.to_owned() }
}

#[test]
fn the_worst_input_decides() {
    let complete = |n| Status::Complete { count: n };
    check(coverage("core.Pod", complete(5)), WORKLOAD, complete(5));
    check(
        coverage("apps.ReplicaSet", Status::Forbidden),
        WORKLOAD,
        failed("`apps.ReplicaSet`: forbidden"),
    );
    check(coverage("core.Pod", failed("503")), WORKLOAD, failed("`core.Pod`: failed: 503"));
    check(coverage("batch.CronJob", Status::Absent), WORKLOAD, complete(0));
    check(coverage("core.Pod", Status::Absent), WORKLOAD, Status::Absent);
    check(
        coverage("rbac.authorization.k8s.io.ClusterRole", Status::Inconsistent),
        ACCESS,
        failed("`rbac.authorization.k8s.io.ClusterRole`: inconsistent: paging had to restart"),
    );
    check(coverage("rbac.authorization.k8s.io.Role", Status::Absent), ACCESS, Status::Absent);
}

#[test]
fn what_a_cloud_does_not_offer_is_empty_and_what_is_forbidden_is_not_known() {
    for (of, input, may_lack) in [
        ("openstack.opening", "network.address_group", true),
        ("openstack.opening", "network.security_group", false),
        ("openstack.opening", "network.security_group_rule", false),
        ("openstack.exposure", "network.floating_ip", true),
        ("openstack.exposure", "network.network", false),
        ("openstack.exposure", "network.port", false),
        ("openstack.exposure", "network.router", true),
        ("openstack.exposure", "network.security_group_rule", false),
        ("openstack.exposure", "network.subnet", false),
        ("openstack.access", "identity.application_credential", true),
        ("openstack.access", "identity.group_member", false),
        ("openstack.access", "identity.role_assignment", false),
        ("openstack.access", "identity.role_inference", false),
        ("openstack.access", "identity.trust_role", true),
        ("openstack.access", "identity.user", false),
    ] {
        let absent = if may_lack { Status::Complete { count: 0 } } else { Status::Absent };
        check(coverage(input, Status::Absent), of, absent);
        check(coverage(input, Status::Forbidden), of, failed(&format!("`{input}`: forbidden")));
    }
}

#[test]
fn an_input_that_was_not_collected_is_no_empty_one() {
    let mut cluster = Cluster::new();
    cluster.meta.coverage.retain(|c| c.kind.as_str() != "batch.Job");
    assert_eq!(seen(&cluster, WORKLOAD)[0].status, failed("`batch.Job` was not collected"));
    cluster.meta.coverage.clear();
    assert_eq!(seen(&cluster, WORKLOAD), []);
}

#[test]
fn the_narrowest_view_decides() {
    let names =
        |names: &[&str]| Visibility::Namespaces(names.iter().map(|n| Arc::from(*n)).collect());
    let mut cluster = Cluster::new();
    let mut narrow = |of: &str, visibility: Visibility| {
        let complete = Status::Complete { count: 0 };
        cluster.cover(KindCoverage { visibility, ..coverage(of, complete) });
        seen(&cluster, WORKLOAD)[0].visibility.clone()
    };
    assert_eq!(narrow("core.Pod", names(&["a", "b"])), names(&["a", "b"]));
    assert_eq!(narrow("apps.Deployment", names(&["b", "c"])), names(&["b"]));
    assert_eq!(narrow("batch.Job", Visibility::Domain(Arc::from("d"))), Visibility::Public);
}

#[test]
fn there_is_an_entry_for_each_region() {
    let mut cluster = Cluster::new();
    let complete = Status::Complete { count: 1 };
    for (region, status) in [("R", complete), ("S", Status::Forbidden)] {
        let mut entry = coverage("core.Pod", status);
        entry.region = Some(Arc::from(region));
        cluster.meta.coverage.push(entry);
    }
    cluster.meta.coverage.retain(|c| c.kind.as_str() != "core.Pod" || c.region.is_some());
    let all = seen(&cluster, WORKLOAD);
    let of = |c: &KindCoverage| (c.region.as_deref().map(str::to_owned), c.status.rank());
    assert_eq!(
        all.iter().map(of).collect::<Vec<_>>(),
        [(Some("R".into()), 0), (Some("S".into()), 5)]
    );
}

#[test]
fn what_was_not_seen_makes_what_is_made_of_it_unseen() {
    let mut cluster = Cluster::new();
    let pod = json!({"spec": {"containers": [{"name": "c"}]}});
    cluster.put("core.Pod", "a", "p", &pod);
    let role = "rbac.authorization.k8s.io.Role";
    let binding = json!({"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "u"}]});
    cluster.put(role, "a", "r", &json!({"rules": []}));
    cluster.put("rbac.authorization.k8s.io.RoleBinding", "a", "b", &binding);
    let unseen = |c: &Cluster, of: &str| c.derived(of).iter().all(|f| f.unseen_since.is_some());
    assert!(!unseen(&cluster, WORKLOAD) && !unseen(&cluster, ACCESS));
    cluster.see(&key("core.Pod", "a", "p"), false);
    cluster.see(&key(role, "a", "r"), false);
    assert!(unseen(&cluster, WORKLOAD) && unseen(&cluster, ACCESS));
}
