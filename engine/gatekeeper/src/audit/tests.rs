use std::sync::Arc;

use serde_json::{Value as Json, json};
use tidegate_model::{
    Change, KindCoverage, Resource, ResourceKey, SnapshotId, SnapshotMeta, Status, Subject,
    Timestamp, Visibility,
};

use super::*;
use crate::template::Template;

/// A snapshot of a cluster, written by hand.
struct Cluster {
    meta: SnapshotMeta,
    facts: BTreeMap<ResourceKey, Fact>,
    /// Since any earlier snapshot.
    changes: Option<Vec<Change>>,
}

fn time() -> Timestamp {
    Timestamp::new(1_790_000_000, 0).unwrap()
}

impl Cluster {
    fn new() -> Self {
        let id = SnapshotId { subject: Subject::new("k").unwrap(), seq: 1 };
        let meta = SnapshotMeta { id, taken_at: time(), coverage: Vec::new() };
        Self { meta, facts: BTreeMap::new(), changes: None }
    }

    fn cover(mut self, kind: &str, status: Status) -> Self {
        self.meta.coverage.push(KindCoverage {
            source: Arc::from("kubernetes"),
            region: None,
            kind: Kind::new(kind).unwrap(),
            status,
            visibility: Visibility::All,
            read_from: time(),
            read_until: time(),
        });
        self
    }

    fn complete(self, kind: &str) -> Self {
        self.cover(kind, Status::Complete { count: 0 })
    }

    fn put(mut self, object: Json) -> Self {
        let text = |p: &str| object.pointer(p).and_then(Json::as_str).unwrap_or_default();
        let (group, _) = text("/apiVersion").rsplit_once('/').unwrap_or(("core", ""));
        let kind = Kind::new(format!("{group}.{}", text("/kind"))).unwrap();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let key = ResourceKey::build("kubernetes", &kind, &[namespace, name]);
        let resource = Resource {
            key: key.clone(),
            kind,
            region: None,
            project: Some(Arc::from(namespace)).filter(|n: &Arc<str>| !n.is_empty()),
            name: Some(Arc::from(name)),
            body: Arc::from(object.to_string()),
            source: Arc::from("kubernetes"),
            read_at: time(),
        };
        self.facts.insert(key, Fact { resource, unseen_since: None });
        self
    }

    fn unseen(mut self, key: &str) -> Self {
        self.facts.get_mut(&ResourceKey::new(key).unwrap()).unwrap().unseen_since = Some(time());
        self
    }
}

impl Facts for Cluster {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn each(&self, kind: &Kind, visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        self.facts.values().filter(|f| f.resource.kind == *kind).cloned().for_each(visit);
        Ok(())
    }

    fn fetch(&self, keys: &[ResourceKey], visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        keys.iter().filter_map(|k| self.facts.get(k)).cloned().for_each(visit);
        Ok(())
    }

    fn changes_since(&self, _seq: u64) -> Result<Option<Vec<Change>>, FactsError> {
        Ok(self.changes.clone())
    }

    fn at(&self, _seq: u64) -> Result<Option<Box<dyn Facts + '_>>, FactsError> {
        Ok(None)
    }
}

fn object(kind: &str, namespace: &str, name: &str) -> Json {
    let version = match kind {
        "Ingress" => "networking.k8s.io/v1",
        _ => "v1",
    };
    let metadata = match namespace {
        "" => json!({"name": name}),
        namespace => json!({"name": name, "namespace": namespace}),
    };
    json!({"apiVersion": version, "kind": kind, "metadata": metadata})
}

fn template(kind: &str, rego: &str) -> Json {
    let target = json!({"target": "admission.k8s.gatekeeper.sh", "rego": rego});
    json!({
        "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
        "metadata": {"name": kind.to_lowercase()},
        "spec": {"crd": {"spec": {"names": {"kind": kind}}}, "targets": [target]},
    })
}

fn constraint(kind: &str, criteria: Json) -> Json {
    json!({
        "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": kind,
        "metadata": {"name": "c"}, "spec": {"match": criteria},
    })
}

fn set(rego: &str, criteria: Json) -> Constraints {
    let mut set = Constraints::default();
    let (template, constraint) = (template("K8sX", rego), constraint("K8sX", criteria));
    set.add_template(Template::read(&template).unwrap(), &template).unwrap();
    set.add(Constraint::read(&constraint, "f.yaml").unwrap(), &constraint).unwrap();
    set
}

/// A line for each finding.
fn findings(audit: &Audit, id: &str) -> Vec<String> {
    let outcome = &audit.outcomes[&RuleId::new(id).unwrap()];
    let line = |f: &Finding| {
        let resource = f.resource.as_ref().map_or("-", ResourceKey::as_str);
        let text = f.cause.as_ref().map_or_else(
            || f.violations.iter().map(|v| v.message.clone()).collect::<Vec<_>>().join("; "),
            |c| c.message.clone(),
        );
        format!("{} {resource}: {text}", f.verdict)
    };
    outcome.findings.iter().map(line).collect()
}

#[track_caller]
fn check(set: &Constraints, cluster: &Cluster, expected: &[&str]) -> Counts {
    let audit = audit(set, cluster, None).unwrap();
    assert_eq!(findings(&audit, "gatekeeper.K8sX.c"), expected);
    audit.outcomes[&RuleId::new("gatekeeper.K8sX.c").unwrap()].counts
}

const NAMED: &str =
    "package x\nviolation[{\"msg\": m}] { m := input.review.name; startswith(m, \"bad\") }";
const PODS: &str = r#"{"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}"#;

fn pods() -> Json {
    serde_json::from_str(PODS).unwrap()
}

#[test]
fn objects_that_match_are_judged_and_others_are_not() {
    let cluster = Cluster::new()
        .complete("core.Pod")
        .complete("core.Service")
        .put(object("Pod", "n", "good"))
        .put(object("Pod", "n", "bad1"))
        .put(object("Pod", "m", "bad2"))
        .put(object("Service", "n", "bad3"));
    let expected =
        ["fail kubernetes/core.Pod/m/bad2: bad2", "fail kubernetes/core.Pod/n/bad1: bad1"];
    let counts = check(&set(NAMED, pods()), &cluster, &expected);
    assert_eq!(counts, Counts { pass: 1, fail: 2, abort: 0, missing: 0 });
    let one = json!({"kinds": [{"apiGroups": ["*"], "kinds": ["*"]}], "namespaces": ["n"], "name": "bad3"});
    check(&set(NAMED, one), &cluster, &["fail kubernetes/core.Service/n/bad3: bad3"]);
}

#[test]
fn what_was_not_seen_is_abort() {
    let named = set(NAMED, pods());
    check(
        &named,
        &Cluster::new().cover("core.Pod", Status::Forbidden),
        &["abort -: `core.Pod`: forbidden"],
    );
    check(
        &named,
        &Cluster::new().complete("core.Node"),
        &["abort -: `core.Pod`: it was not collected"],
    );
    let cluster = Cluster::new().complete("core.Pod").put(object("Pod", "n", "bad"));
    let text = format!("abort kubernetes/core.Pod/n/bad: it was last seen at {}", time());
    check(&named, &cluster.unseen("kubernetes/core.Pod/n/bad"), &[&text]);
    // Whatever matches everything needs to have seen everything.
    let partly = Cluster::new()
        .complete("core.Pod")
        .cover("core.Secret", Status::Inconsistent)
        .put(object("Pod", "n", "bad"));
    let expected = [
        "abort -: `core.Secret`: inconsistent: paging had to restart",
        "fail kubernetes/core.Pod/n/bad: bad",
    ];
    check(&set(NAMED, json!({})), &partly, &expected);
}

#[test]
fn a_kind_that_the_server_does_not_serve_is_nothing_to_judge() {
    let api = |group: &str, kind: &str| {
        json!({"apiVersion": "kubernetes/v1", "kind": "api", "metadata": {"name": kind},
            "group": group, "version": "v1"})
    };
    let served = |kind: &str| {
        let mut cluster = Cluster::new().complete("kubernetes.api").complete("core.Node");
        let mut object = api("", kind);
        object["kind"] = json!("api");
        cluster = cluster.put(object);
        let key = cluster.facts.keys().next().unwrap().clone();
        let body = json!({"group": "", "version": "v1", "kind": kind}).to_string();
        cluster.facts.get_mut(&key).unwrap().resource.body = Arc::from(body);
        cluster
    };
    check(&set(NAMED, pods()), &served("Node"), &[]);
    let expected = ["abort -: `core.Pod`: it was not collected"];
    check(&set(NAMED, pods()), &served("Pod"), &expected);
}

const UNIQUE: &str = "package x
violation[{\"msg\": other}] {
  data.inventory.namespace[_][_].Ingress[other]
  other != input.review.name
}";

#[test]
fn templates_see_the_inventory_that_they_read() {
    let unique =
        set(UNIQUE, json!({"kinds": [{"apiGroups": ["networking.k8s.io"], "kinds": ["Ingress"]}]}));
    let cluster = || {
        Cluster::new()
            .complete("networking.k8s.io.Ingress")
            .cover("core.Secret", Status::Forbidden)
            .put(object("Ingress", "n", "a"))
            .put(object("Ingress", "m", "b"))
    };
    let expected = [
        "fail kubernetes/networking.k8s.io.Ingress/m/b: a",
        "fail kubernetes/networking.k8s.io.Ingress/n/a: b",
    ];
    check(&unique, &cluster(), &expected);
    let text = format!(
        "abort -: the inventory needs kubernetes/networking.k8s.io.Ingress/m/b, which was last seen at {}",
        time()
    );
    check(&unique, &cluster().unseen("kubernetes/networking.k8s.io.Ingress/m/b"), &[&text]);
    let pods = set(UNIQUE, pods());
    let without = Cluster::new().complete("core.Pod").put(object("Pod", "n", "p"));
    check(&pods, &without, &["abort -: `Ingress`: it was not collected"]);
    // One that may read all of it needs all of it.
    let all = set(
        "package x\nviolation[{\"msg\": \"m\"}] { data.inventory[_] == 1 }",
        pods_of("Ingress"),
    );
    check(&all, &cluster(), &["abort -: `core.Secret`: forbidden"]);
}

fn pods_of(kind: &str) -> Json {
    json!({"kinds": [{"apiGroups": ["*"], "kinds": [kind]}]})
}

#[test]
fn selectors_of_namespaces_need_the_namespaces() {
    let mut criteria = pods();
    criteria["namespaceSelector"] = json!({"matchLabels": {"env": "prod"}});
    let by_label = set(NAMED, criteria);
    let mut prod = object("Namespace", "", "prod");
    prod["metadata"]["labels"] = json!({"env": "prod"});
    let cluster = Cluster::new()
        .complete("core.Pod")
        .complete("core.Namespace")
        .put(prod)
        .put(object("Namespace", "", "dev"))
        .put(object("Pod", "prod", "bad1"))
        .put(object("Pod", "dev", "bad2"))
        .put(object("Pod", "gone", "bad3"));
    let expected = [
        "abort kubernetes/core.Pod/gone/bad3: its namespace `gone` was not seen",
        "fail kubernetes/core.Pod/prod/bad1: bad1",
    ];
    check(&by_label, &cluster, &expected);
    let forbidden = Cluster::new().complete("core.Pod").cover("core.Namespace", Status::Forbidden);
    check(&by_label, &forbidden, &["abort -: `core.Namespace`: forbidden"]);
}

#[test]
fn what_goes_wrong_in_a_template_is_abort() {
    let cluster = Cluster::new().complete("core.Pod").put(object("Pod", "n", "p"));
    let broken = set("package x\nviolation[{\"text\": \"a\"}] { true }", pods());
    let expected = ["abort kubernetes/core.Pod/n/p: a violation has no `msg`"];
    check(&broken, &cluster, &expected);
    let mut lonely = set(NAMED, pods());
    lonely.templates.clear();
    check(&lonely, &cluster, &["abort -: there is no template that makes `K8sX`"]);
    let mut cel = template("K8sX", "");
    let code = json!([{"engine": "K8sNativeValidation", "source": {}}]);
    cel["spec"]["targets"][0] = json!({"target": "admission.k8s.gatekeeper.sh", "code": code});
    let cluster = cluster
        .complete("templates.gatekeeper.sh.ConstraintTemplate")
        .complete("constraints.gatekeeper.sh.K8sX")
        .put(cel)
        .put(constraint("K8sX", pods()));
    let expected =
        ["abort -: the template has only CEL (K8sNativeValidation), which is not evaluated"];
    check(&Constraints::from_cluster(&cluster).unwrap(), &cluster, &expected);
}

#[test]
fn constraints_of_a_cluster_are_read_and_compared_with_its_audit() {
    let mut with_status = constraint("K8sX", pods());
    let mut cluster = |status: Json| {
        with_status["status"] = status;
        Cluster::new()
            .complete("core.Pod")
            .complete("templates.gatekeeper.sh.ConstraintTemplate")
            .complete("constraints.gatekeeper.sh.K8sX")
            .put(template("K8sX", NAMED))
            .put(with_status.clone())
            .put(object("Pod", "n", "bad"))
    };
    let mut title = |status: Json| {
        let cluster = cluster(status);
        let set = Constraints::from_cluster(&cluster).unwrap();
        audit(&set, &cluster, None).unwrap().metas.into_values().next().unwrap().title
    };
    let listed = json!([{"kind": "Pod", "namespace": "n", "name": "bad", "message": "bad"}]);
    let other = json!([{"kind": "Pod", "namespace": "n", "name": "worse", "message": "worse"}]);
    let status = |total: u64, violations: &Json| json!({"auditTimestamp": "T", "totalViolations": total, "violations": violations});
    assert_eq!(title(status(1, &listed)), "K8sX c");
    assert_eq!(title(json!({})), "K8sX c");
    assert_eq!(
        title(status(7, &listed)),
        "K8sX c (Gatekeeper's audit at T found 7 violations, 1 here)"
    );
    assert_eq!(
        title(status(1, &other)),
        "K8sX c (Gatekeeper's audit at T lists Pod n/worse, which is not found here)"
    );
}

#[test]
fn constraints_that_cannot_be_listed_are_told() {
    let cluster = Cluster::new()
        .cover("constraints.gatekeeper.sh.K8sX", Status::Forbidden)
        .complete("templates.gatekeeper.sh.ConstraintTemplate")
        .put(template("K8sY", "package x\nviolation[{\"msg\": \"a\"}] { nothing(1) }"))
        .complete("constraints.gatekeeper.sh.K8sY")
        .put(constraint("K8sY", json!({"except": 1})));
    let set = Constraints::from_cluster(&cluster).unwrap();
    let audit = audit(&set, &cluster, None).unwrap();
    let ids: Vec<&str> = audit.outcomes.keys().map(RuleId::as_str).collect();
    assert_eq!(ids, ["gatekeeper.K8sX", "gatekeeper.K8sY.c"]);
    assert_eq!(
        findings(&audit, "gatekeeper.K8sX"),
        ["abort -: `constraints.gatekeeper.sh.K8sX`: forbidden"]
    );
    assert!(findings(&audit, "gatekeeper.K8sY.c")[0].contains("unknown field `except`"));
    assert!(audit.outcomes.values().all(|o| o.verdict == Verdict::Abort));
}

#[test]
fn the_digest_covers_what_is_judged_with_and_not_the_status() {
    let base = set(NAMED, pods()).digest();
    assert_eq!(base, set(NAMED, pods()).digest());
    assert_ne!(base, set(NAMED, json!({})).digest());
    assert_ne!(base, set(UNIQUE, pods()).digest());
}

#[test]
fn what_did_not_change_is_not_asked_again() {
    let before = || {
        Cluster::new()
            .complete("core.Pod")
            .put(object("Pod", "n", "bad1"))
            .put(object("Pod", "n", "bad2"))
            .put(object("Pod", "n", "good"))
    };
    let named = set(NAMED, pods());
    let carry = audit(&named, &before(), None).unwrap().carry;
    let change = |name: &str, op| {
        let key = ResourceKey::new(format!("kubernetes/core.Pod/n/{name}")).unwrap();
        Change { kind: Kind::new("core.Pod").unwrap(), key, op }
    };
    let after = |changes: Option<Vec<Change>>| {
        let mut after = before().put(object("Pod", "n", "bad3")).put({
            let mut renamed = object("Pod", "n", "bad2");
            renamed["metadata"]["labels"] = json!({"a": "b"});
            renamed
        });
        after.facts.remove(&ResourceKey::new("kubernetes/core.Pod/n/bad1").unwrap());
        after.meta.id.seq = 2;
        after.changes = changes;
        after
    };
    use tidegate_model::ChangeOp::{Put, Remove};
    let changes = vec![change("bad1", Remove), change("bad2", Put), change("bad3", Put)];
    let cluster = after(Some(changes));
    let carried = audit(&named, &cluster, Some(&carry)).unwrap();
    assert_eq!(carried.outcomes, audit(&named, &cluster, None).unwrap().outcomes);
    // A lie about what changed shows that nothing else is asked.
    let lie = audit(&named, &after(Some(Vec::new())), Some(&carry)).unwrap();
    assert_eq!(findings(&lie, "gatekeeper.K8sX.c"), ["fail kubernetes/core.Pod/n/bad2: bad2"]);
    // Other constraints, an unknown history or a broken blob: all is asked.
    let other = set(&format!("{NAMED}\n# 2"), pods());
    for (set, cluster, carry) in [
        (&other, after(Some(Vec::new())), carry.as_slice()),
        (&named, after(None), carry.as_slice()),
        (&named, after(Some(Vec::new())), b"{}"),
    ] {
        let asked = audit(set, &cluster, Some(carry)).unwrap();
        assert_eq!(findings(&asked, "gatekeeper.K8sX.c").len(), 2);
    }
}

#[test]
fn what_depends_on_others_is_asked_each_time() {
    let unique = set(UNIQUE, pods_of("Ingress"));
    let cluster =
        Cluster::new().complete("networking.k8s.io.Ingress").put(object("Ingress", "n", "a"));
    let carry = audit(&unique, &cluster, None).unwrap().carry;
    let mut cluster = cluster.put(object("Ingress", "m", "b"));
    cluster.meta.id.seq = 2;
    cluster.changes = Some(Vec::new());
    let again = audit(&unique, &cluster, Some(&carry)).unwrap();
    assert_eq!(findings(&again, "gatekeeper.K8sX.c").len(), 2);
}
