//! Collects a recorded cluster, as it is and with everything that can go wrong.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use serde_json::json;
use support::{account, answer, complete, connect, failed, gather, options, serve, with_faults};
use tidegate_model::{Kind, Status, Visibility};
use tidegate_replay::kubernetes::{Cluster as Recorded, generate};
use tidegate_replay::{Action, Fault};

const PODS: &str = "GET /api/v1/pods";
const SECOND_PAGE: &str = "GET /api/v1/pods?limit=4&continue=";

#[tokio::test]
async fn everything_that_is_served_is_collected_once() {
    let (got, replay) = with_faults(vec![]).await;
    assert_eq!(got.status("core.Pod"), &complete(8));
    assert_eq!(got.count("core.Pod"), 8);
    assert_eq!(got.status("core.Node"), &complete(3));
    assert_eq!(got.coverage("core.Node").visibility, Visibility::All);
    assert_eq!(&*got.coverage("core.Node").source, "kubernetes/core");
    assert_eq!(got.status("resource.k8s.io.ResourceSlice"), &complete(0));
    // Two versions are served; the server prefers the second form.
    let machine = got.body("kubernetes/cluster.x-k8s.io.Machine/capi-lab/lab-cp-0");
    assert_eq!(machine["apiVersion"], "cluster.x-k8s.io/v1beta2");
    assert_eq!(got.status("cluster.x-k8s.io.Machine"), &complete(2));
    let hpa =
        got.resources.iter().find(|r| r.kind.as_str() == "autoscaling.HorizontalPodAutoscaler");
    assert!(
        hpa.unwrap()
            .body
            .starts_with(r#"{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","#)
    );
    for noise in [
        "core.Event",
        "events.k8s.io.Event",
        "coordination.k8s.io.Lease",
        "core.Endpoints",
        "core.ComponentStatus",
        "core.Binding",
    ] {
        assert!(!got.covers(noise), "{noise}");
    }
    assert!(!replay.requests().iter().any(|r| r.contains("/events") || r.contains("/leases")));
    // What rules may ask for and nobody serves is told.
    assert_eq!(got.status("cilium.io.CiliumNetworkPolicy"), &Status::Absent);
}

#[tokio::test]
async fn an_object_is_as_the_api_gave_it_less_noise() {
    let (got, _replay) = with_faults(vec![]).await;
    let node = got.resource("kubernetes/core.Node/-/lab-cp-0");
    assert_eq!((node.name.as_deref(), node.project.as_deref()), (Some("lab-cp-0"), None));
    let body = got.body("kubernetes/core.Node/-/lab-cp-0");
    assert_eq!((&body["apiVersion"], &body["kind"]), (&json!("v1"), &json!("Node")));
    assert_eq!(body["metadata"]["labels"]["kubernetes.io/os"], "linux");
    assert!(body["metadata"].get("resourceVersion").is_none());
    let conditions = body["status"]["conditions"].as_array().unwrap();
    assert!(
        conditions
            .iter()
            .all(|c| c.get("lastHeartbeatTime").is_none() && c.get("lastTransitionTime").is_some())
    );
    let pod =
        got.resources.iter().find(|r| r.key.as_str().starts_with("kubernetes/core.Pod/data/"));
    assert_eq!(pod.unwrap().project.as_deref(), Some("data"));
    let binding = got.resources.iter().find(|r| r.kind.as_str().ends_with(".ClusterRoleBinding"));
    assert!(binding.unwrap().body.contains(r#""apiVersion":"rbac.authorization.k8s.io/v1""#));
}

#[tokio::test]
async fn the_cluster_tells_of_itself() {
    let (got, _replay) = with_faults(vec![]).await;
    let version = got.body("kubernetes/kubernetes.version/-/version");
    assert_eq!(version["gitVersion"], "v1.36.2");
    assert_eq!(
        got.body("kubernetes/kubernetes.api/core/v1/bindings"),
        json!({"group": "", "version": "v1", "kind": "Binding", "plural": "bindings",
            "namespaced": true, "verbs": ["create"], "preferred": true})
    );
    let old = got.body("kubernetes/kubernetes.api/autoscaling/v1/horizontalpodautoscalers");
    assert_eq!(old["preferred"], false);
    // The server of metrics.k8s.io is down; nothing of it would be collected.
    assert!(matches!(got.status("kubernetes.api"), Status::Complete { count } if *count > 70));
}

#[tokio::test]
async fn a_group_that_does_not_say_what_it_serves_is_told() {
    let mut cluster = Recorded::example().unwrap();
    cluster.serve("templates.gatekeeper.sh", "v1", "constrainttemplates", "ConstraintTemplate");
    cluster.groups.last_mut().unwrap().versions[0].stale = true;
    for legacy in [false, true] {
        cluster.legacy = legacy;
        let replay = serve(cluster.clone()).await;
        let got = gather(&connect(&replay, None).await.unwrap(), &options()).await;
        let why = failed(
            "the server of API group `templates.gatekeeper.sh/v1` does not say what it serves",
        );
        assert_eq!(got.status("kubernetes.api"), &why);
        assert_eq!(got.status("templates.gatekeeper.sh.ConstraintTemplate"), &why);
        assert_eq!(got.status("core.Pod"), &complete(8));
    }
}

#[tokio::test]
async fn discovery_of_old_servers_finds_the_same() {
    let mut cluster = Recorded::example().unwrap();
    let kinds = |got: &support::Got| {
        let mut all: Vec<_> =
            got.coverage.iter().map(|c| (c.kind.to_string(), c.status.clone())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    let replay = serve(cluster.clone()).await;
    let new = gather(&connect(&replay, None).await.unwrap(), &options()).await;
    cluster.legacy = true;
    let replay = serve(cluster).await;
    let old = gather(&connect(&replay, None).await.unwrap(), &options()).await;
    assert_eq!(kinds(&new), kinds(&old));
    let bodies = |got: &support::Got| {
        let mut all: Vec<_> = got.resources.iter().map(|r| r.body.clone()).collect();
        all.sort();
        all
    };
    assert_eq!(bodies(&new), bodies(&old));
}

#[tokio::test]
async fn an_expired_token_leads_on_and_is_told() {
    let (got, replay) = with_faults(vec![Fault::once(SECOND_PAGE, 0, Action::Expire)]).await;
    assert_eq!(got.status("core.Pod"), &Status::Inconsistent);
    assert_eq!(got.count("core.Pod"), 8);
    let asked: Vec<_> = replay.requests().into_iter().filter(|r| r.starts_with(PODS)).collect();
    assert_eq!(
        asked,
        [
            "GET /api/v1/pods?limit=4",
            "GET /api/v1/pods?limit=4&continue=0:4",
            "GET /api/v1/pods?limit=4&continue=-1:4",
        ]
    );
    assert_eq!(got.status("core.Node"), &complete(3));
}

#[tokio::test]
async fn without_a_token_the_list_begins_anew_once() {
    let (got, replay) = with_faults(vec![Fault::once(SECOND_PAGE, 0, Action::Outdate)]).await;
    assert_eq!(got.status("core.Pod"), &Status::Inconsistent);
    assert_eq!(got.count("core.Pod"), 8);
    let first = replay.requests().into_iter().filter(|r| r == "GET /api/v1/pods?limit=4").count();
    assert_eq!(first, 2);

    let (got, _replay) = with_faults(vec![Fault::always(SECOND_PAGE, Action::Outdate)]).await;
    assert_eq!(
        got.status("core.Pod"),
        &failed("the list changed faster than it could be read, twice")
    );
}

#[tokio::test]
async fn pages_of_different_states_do_not_make_a_complete_list() {
    let page =
        r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":null}"#;
    let fault = Fault::once(SECOND_PAGE, 0, answer(200, &[], page));
    let (got, _replay) = with_faults(vec![fault]).await;
    assert_eq!(got.status("core.Pod"), &Status::Inconsistent);
}

#[tokio::test]
async fn of_the_two_kinds_of_429_only_one_comes_right_by_waiting() {
    let fairness = answer(
        429,
        &[("retry-after", "0"), ("content-type", "text/plain")],
        "Too many requests, please try again later.\n",
    );
    let (got, _replay) = with_faults(vec![Fault::once(PODS, 0, fairness.clone())]).await;
    assert_eq!(got.status("core.Pod"), &complete(8));
    assert_eq!(got.summary.retries, 1);
    let (got, _replay) = with_faults(vec![Fault::always(PODS, fairness)]).await;
    let why = "the API server answered 429 (Too many requests, please try again later.)";
    assert_eq!(got.status("core.Pod"), &failed(why));
    assert_eq!(got.summary.retries, 2);

    let budget = answer(
        429,
        &[("content-type", "application/json")],
        r#"{"kind":"Status","message":"Cannot evict pod","reason":"TooManyRequests","details":{"causes":[{"reason":"DisruptionBudget"}]},"code":429}"#,
    );
    let (got, _replay) = with_faults(vec![Fault::always(PODS, budget)]).await;
    assert_eq!(got.status("core.Pod"), &failed("the API server answered 429 (Cannot evict pod)"));
    assert_eq!(got.summary.retries, 0);
}

#[tokio::test]
async fn a_server_that_is_down_fails_its_kinds_only() {
    let down = answer(503, &[("content-type", "text/plain")], "service unavailable\n");
    let fault = Fault::always("GET /apis/snapshot.storage.k8s.io", down);
    let (got, _replay) = with_faults(vec![fault]).await;
    let why = failed("the API server answered 503 (service unavailable)");
    assert_eq!(got.status("snapshot.storage.k8s.io.VolumeSnapshotClass"), &why);
    assert_eq!(got.summary.retries, 0);
    assert_eq!(got.status("core.Pod"), &complete(8));
}

#[tokio::test]
async fn a_server_that_goes_away_within_a_list_leaves_no_complete_one() {
    for action in [Action::Drop, Action::BreakAfter(900)] {
        let (got, _replay) = with_faults(vec![Fault::always(SECOND_PAGE, action)]).await;
        let Status::Failed { reason } = got.status("core.Pod") else { unreachable!() };
        assert!(reason.starts_with("page 2: "), "{reason}");
        assert_eq!(got.count("core.Pod"), 4, "what was read stays");
    }
    let (got, _replay) = with_faults(vec![Fault::always(SECOND_PAGE, Action::Truncate(900))]).await;
    assert_eq!(got.status("core.Pod"), &failed("page 2: the answer breaks off after 900 bytes"));
    // One that comes back in time does no harm.
    let (got, _replay) = with_faults(vec![Fault::once(SECOND_PAGE, 0, Action::Drop)]).await;
    assert_eq!(got.status("core.Pod"), &complete(8));
    // One that comes back without what it knew has other tokens.
    let lost =
        answer(400, &[], r#"{"kind":"Status","message":"invalid continue token","code":400}"#);
    let (got, _replay) = with_faults(vec![Fault::once(SECOND_PAGE, 0, lost)]).await;
    assert_eq!(got.status("core.Pod"), &Status::Inconsistent);
}

#[tokio::test]
async fn what_is_no_list_is_no_empty_list() {
    for (body, why) in [
        ("<html>", "the answer is HTML in the place of JSON"),
        ("{}", "the answer has no member `items`"),
        (r#"{"metadata":{},"items":[{"metadata":{}}]}"#, "an item has no `metadata.name`"),
        (r#"{"metadata":{},"items":[7]}"#, "an item is no object"),
        (r#"{"metadata":{"continue":"x"},"items":[]}"#, "page 3: the list leads back to a page"),
    ] {
        let (got, _replay) = with_faults(vec![Fault::always(PODS, answer(200, &[], body))]).await;
        assert_eq!(got.status("core.Pod"), &failed(why), "{body}");
    }
    // A server that starts anew does not know its custom types at once.
    let unknown = answer(404, &[], "404 page not found\n");
    let (got, _replay) = with_faults(vec![Fault::always(PODS, unknown)]).await;
    let why = "the API server named the type and then did not know it (404)";
    assert_eq!(got.status("core.Pod"), &failed(why));
    let slow = Fault::always(PODS, Action::Delay(std::time::Duration::from_secs(9)));
    let (got, _replay) = with_faults(vec![slow]).await;
    assert_eq!(got.status("core.Pod"), &failed("no answer within the time-out"));
}

#[tokio::test]
async fn a_weaker_credential_is_told_kind_by_kind() {
    let mut cluster = Recorded::example().unwrap();
    let limited =
        account("limited", &[("", "nodes", ""), ("", "pods", "data"), ("apps", "*", "default")]);
    cluster.accounts.push(limited);
    let replay = serve(cluster).await;
    let kubeconfig = replay.kubeconfig().replace(
        r#"{"cluster":"replay","user":"limited"}"#,
        r#"{"cluster":"replay","user":"limited","namespace":"data"}"#,
    );
    let settings = support::settings(&kubeconfig, Some("limited")).unwrap();
    let now = std::sync::Arc::new(support::now);
    let reached = tidegate_kubernetes::Cluster::connect(&settings, &support::timeouts(), now).await;
    let reached = reached.unwrap();
    let got = gather(&reached, &options()).await;
    assert_eq!(got.status("core.Node"), &complete(3));
    assert_eq!(got.status("core.Secret"), &Status::Forbidden);
    assert_eq!(got.status("apps.Deployment"), &Status::Forbidden, "another namespace");
    assert_eq!(got.status("rbac.authorization.k8s.io.ClusterRole"), &Status::Forbidden);
    let pods = got.coverage("core.Pod");
    assert_eq!(pods.visibility, Visibility::Namespaces(["data".into()].into()));
    assert_eq!(pods.status, complete(got.count("core.Pod") as u64));
    assert!(got.count("core.Pod") > 0 && got.count("core.Pod") < 8);

    let access = tidegate_kubernetes::preflight(&reached).await.unwrap();
    let of = |kind: &str| {
        let a = access.iter().find(|a| a.kind.as_str() == kind).unwrap();
        (a.allowed, a.in_namespace)
    };
    assert_eq!(of("core.Node"), (true, true));
    assert_eq!(of("core.Pod"), (false, true));
    assert_eq!(of("core.Secret"), (false, false));
}

#[tokio::test]
async fn a_credential_that_ends_ends_the_asking() {
    let (got, replay) = with_faults(vec![Fault::once(PODS, 0, Action::ExpireTokens)]).await;
    let why = failed("the credential is no longer accepted (401)");
    assert_eq!(got.status("core.Pod"), &why);
    assert_eq!(got.status("storage.k8s.io.StorageClass"), &why);
    let after = replay.requests().len();
    assert!(after < 40, "{after} requests");
}

#[tokio::test]
async fn what_left_with_its_type_is_complete_and_empty() {
    let replay = serve(Recorded::example().unwrap()).await;
    let cluster = connect(&replay, None).await.unwrap();
    let known = ["example.org.Gone", "core.Pod", "core.Event"].map(|k| Kind::new(k).unwrap());
    let options = tidegate_kubernetes::Options { known: known.into(), ..options() };
    let got = gather(&cluster, &options).await;
    assert_eq!(got.status("example.org.Gone"), &complete(0));
    assert_eq!(got.status("core.Pod"), &complete(8));
    assert!(!got.covers("core.Event"), "noise is not known to be gone");
}

#[tokio::test]
async fn a_server_that_starts_may_serve_more_than_it_names() {
    let replay = serve(Recorded::example().unwrap()).await;
    replay.fault(Fault::always("GET /readyz", answer(500, &[], "[-]informer-sync failed\n")));
    let cluster = connect(&replay, None).await.unwrap();
    let known = [Kind::new("example.org.Gone").unwrap()].into();
    let options = tidegate_kubernetes::Options { known, ..options() };
    let got = gather(&cluster, &options).await;
    let why = failed("the API server was not ready (`/readyz`) when asked what it serves");
    for kind in ["kubernetes.api", "example.org.Gone", "cilium.io.CiliumNetworkPolicy"] {
        assert_eq!(got.status(kind), &why, "{kind}");
    }
    assert_eq!(got.status("core.Pod"), &complete(8));
}

#[tokio::test]
async fn long_answers_are_packed_and_short_ones_are_not() {
    let replay = serve(generate(1, 60, 3).unwrap()).await;
    let cluster = connect(&replay, None).await.unwrap();
    let options = tidegate_kubernetes::Options { page_size: 50, ..options() };
    let got = gather(&cluster, &options).await;
    assert_eq!(got.status("core.Pod"), &complete(60));
    assert!(got.summary.bytes > 60 * 4000, "counted unpacked");
    assert!(got.resources.iter().all(|r| !r.body.contains("managedFields")));
}
