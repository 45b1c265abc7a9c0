//! CPU time of judging the pods of a cluster with the built-in checks, cold and
//! after a change.
//!
//! Prints one JSON object per line. The time holds everything but reading from
//! a store: finding out what pods run, parsing, judging, and the blob that is
//! carried. `controlled` is a cluster as it mostly is: pods as their Deployments
//! say, some with a sidecar. In `naked` nothing stands for a pod, but pods are
//! equal; in `different` they are not, so each is judged for itself. The bounds
//! are 0.5 s for 5,000 pods cold and 0.02 s after a change of 50; they are meant
//! for `controlled`.

mod cloud;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tidegate_model::{
    Change, ChangeOp, Fact, Kind, KindCoverage, Resource, ResourceKey, SnapshotId, SnapshotMeta,
    Status, Subject, Timestamp, Visibility,
};
use tidegate_policy::{Bundle, Options, Parameters, RuleSet, evaluate};

use cloud::{Cloud, Dice, measure};

const PODS: usize = 5000;
const DEPLOYMENTS: usize = 200;
const NAMESPACES: usize = 40;
const CHANGED: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Case {
    Controlled,
    Naked,
    Different,
}

/// What a Deployment runs; every fourth one is careless.
fn container(n: usize) -> String {
    let context = match n % 4 {
        0 => "",
        _ => {
            r#""securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true,"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"#
        }
    };
    format!(
        r#"{{"env":[{{"name":"LOG_LEVEL","value":"info"}},{{"name":"POD_IP","valueFrom":{{"fieldRef":{{"apiVersion":"v1","fieldPath":"status.podIP"}}}}}},{{"name":"SHARD","value":"{n}"}}],"image":"registry.example.org/team/app-{n}:1.{n}.0","imagePullPolicy":"IfNotPresent","livenessProbe":{{"failureThreshold":3,"httpGet":{{"path":"/healthz","port":8080,"scheme":"HTTP"}},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1}},"name":"app","ports":[{{"containerPort":8080,"name":"http","protocol":"TCP"}}],"readinessProbe":{{"failureThreshold":3,"httpGet":{{"path":"/ready","port":8080,"scheme":"HTTP"}},"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1}},"resources":{{"limits":{{"cpu":"1","memory":"512Mi"}},"requests":{{"cpu":"100m","memory":"256Mi"}}}},{context}"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","volumeMounts":[{{"mountPath":"/etc/app","name":"config"}}{MOUNT}]}}"#
    )
}

/// Where a pod has the mount of its token, which templates do not have.
const MOUNT: &str = "@MOUNT@";

const SIDECAR: &str = r#",{"image":"registry.example.org/mesh/proxy:2.1","name":"proxy","resources":{},"securityContext":{"capabilities":{"add":["NET_ADMIN"]}},"terminationMessagePath":"/dev/termination-log"}"#;

fn template(n: usize) -> String {
    format!(
        r#"{{"metadata":{{"labels":{{"app.kubernetes.io/name":"app-{n}","team":"t{}"}}}},"spec":{{"containers":[{}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{{}},"terminationGracePeriodSeconds":30,"volumes":[{{"configMap":{{"defaultMode":420,"name":"app-{n}"}},"name":"config"}}]}}}}"#,
        n % 7,
        container(n).replace(MOUNT, ""),
    )
}

fn owner(kind: &str, name: &str, uid: u64) -> String {
    format!(
        r#""ownerReferences":[{{"apiVersion":"apps/v1","blockOwnerDeletion":true,"controller":true,"kind":"{kind}","name":"{name}","uid":"{uid:032x}"}}]"#
    )
}

fn status(dice: &mut Dice) -> String {
    let condition = |kind: &str| {
        format!(
            r#"{{"lastProbeTime":null,"lastTransitionTime":"2026-11-22T07:21:48Z","observedGeneration":1,"status":"True","type":"{kind}"}}"#
        )
    };
    let conditions =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
            .map(condition)
            .join(",");
    let [a, b, c] = [0; 3].map(|_| dice.roll(250));
    format!(
        r#"{{"conditions":[{conditions}],"containerStatuses":[{{"containerID":"containerd://{:064x}","image":"registry.example.org/team/app:1","imageID":"registry.example.org/team/app@sha256:{:064x}","lastState":{{}},"name":"app","ready":true,"restartCount":{},"started":true,"state":{{"running":{{"startedAt":"2026-11-22T07:21:48Z"}}}},"volumeMounts":[{{"mountPath":"/etc/app","name":"config"}}]}}],"hostIP":"10.8.{a}.{b}","hostIPs":[{{"ip":"10.8.{a}.{b}"}}],"phase":"Running","podIP":"10.244.{a}.{c}","podIPs":[{{"ip":"10.244.{a}.{c}"}}],"qosClass":"Burstable","startTime":"2026-11-22T07:21:48Z"}}"#,
        dice.roll(1 << 40),
        dice.roll(1 << 40),
        dice.roll(4),
    )
}

fn pod(case: Case, n: usize, name: &str, of: usize, sidecar: bool, dice: &mut Dice) -> String {
    let owners = match case {
        Case::Controlled => format!("{},", owner("ReplicaSet", &set_name(of), of as u64)),
        Case::Naked | Case::Different => String::new(),
    };
    let own = if case == Case::Different { format!(r#""pod":"p{n}","#) } else { String::new() };
    let token = format!("kube-api-access-{:05x}", dice.roll(1 << 20));
    let mount = format!(
        r#",{{"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount","name":"{token}","readOnly":true}}"#
    );
    let containers = container(of).replace(MOUNT, &mount);
    let containers = if sidecar { format!("{containers}{SIDECAR}") } else { containers };
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"annotations":{{"cni.projectcalico.org/podIP":"10.244.0.{}/32"}},"creationTimestamp":"2026-11-22T07:21:45Z","generateName":"{}-","labels":{{{own}"app.kubernetes.io/name":"app-{of}","pod-template-hash":"7978dcd76c","team":"t{}"}},"name":"{name}","namespace":"{}",{owners}"uid":"{:032x}"}},"spec":{{"containers":[{containers}],"dnsPolicy":"ClusterFirst","enableServiceLinks":true,"nodeName":"node-{}","preemptionPolicy":"PreemptLowerPriority","priority":0,"restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{{}},"serviceAccount":"default","serviceAccountName":"default","terminationGracePeriodSeconds":30,"tolerations":[{{"effect":"NoExecute","key":"node.kubernetes.io/not-ready","operator":"Exists","tolerationSeconds":300}},{{"effect":"NoExecute","key":"node.kubernetes.io/unreachable","operator":"Exists","tolerationSeconds":300}}],"volumes":[{{"configMap":{{"defaultMode":420,"name":"app-{of}"}},"name":"config"}},{{"name":"{token}","projected":{{"defaultMode":420,"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"items":[{{"key":"ca.crt","path":"ca.crt"}}],"name":"kube-root-ca.crt"}}}},{{"downwardAPI":{{"items":[{{"fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.namespace"}},"path":"namespace"}}]}}}}]}}}}]}},"status":{}}}"#,
        dice.roll(250),
        set_name(of),
        of % 7,
        namespace(of),
        dice.roll(1 << 60),
        dice.roll(200),
        status(dice),
    )
}

fn namespace(of: usize) -> String {
    format!("ns-{}", of % NAMESPACES)
}

fn set_name(of: usize) -> String {
    format!("app-{of}-7978dcd76c")
}

fn fact(kind: &Kind, namespace: &str, name: &str, body: String) -> Fact {
    let resource = Resource {
        key: ResourceKey::build("kubernetes", kind, &[namespace, name]),
        kind: kind.clone(),
        region: None,
        project: (!namespace.is_empty()).then(|| Arc::from(namespace)),
        name: Some(Arc::from(name)),
        body: Arc::from(body),
        source: Arc::from("kubernetes/bench"),
        read_at: Timestamp::UNIX_EPOCH,
    };
    Fact { resource, unseen_since: None }
}

fn one_pod(case: Case, n: usize, sidecar: bool, dice: &mut Dice) -> anyhow::Result<Fact> {
    let of = n % DEPLOYMENTS;
    let name = format!("{}-{n:05}", set_name(of));
    let body = pod(case, n, &name, of, sidecar, dice);
    Ok(fact(&Kind::new("core.Pod")?, &namespace(of), &name, body))
}

fn cluster(case: Case, set: &RuleSet) -> anyhow::Result<Cloud> {
    let mut dice = Dice(7);
    let mut facts = Vec::new();
    for n in 0..NAMESPACES {
        let body = format!(r#"{{"metadata":{{"labels":{{}},"name":"ns-{n}"}}}}"#);
        facts.push(fact(&Kind::new("core.Namespace")?, "", &format!("ns-{n}"), body));
    }
    let version = r#"{"major":"1","minor":"36"}"#.to_owned();
    facts.push(fact(&Kind::new("kubernetes.version")?, "", "version", version));
    if case == Case::Controlled {
        for n in 0..DEPLOYMENTS {
            let (name, namespace) = (format!("app-{n}"), namespace(n));
            let metadata = format!(r#""name":"{name}","namespace":"{namespace}""#);
            let spec = format!(r#""spec":{{"replicas":25,"template":{}}}"#, template(n));
            let body = format!(r#"{{"metadata":{{{metadata}}},{spec}}}"#);
            facts.push(fact(&Kind::new("apps.Deployment")?, &namespace, &name, body));
            let body =
                format!(r#"{{"metadata":{{{}}},{spec}}}"#, owner("Deployment", &name, n as u64));
            facts.push(fact(&Kind::new("apps.ReplicaSet")?, &namespace, &set_name(n), body));
        }
    }
    for n in 0..PODS {
        facts.push(one_pod(case, n, n % 100 == 99, &mut dice)?);
    }
    let mut kinds: BTreeMap<Kind, BTreeMap<ResourceKey, Fact>> = BTreeMap::new();
    for fact in facts {
        let of_kind = kinds.entry(fact.resource.kind.clone()).or_default();
        of_kind.insert(fact.resource.key.clone(), fact);
    }
    let entry = |kind: Kind| KindCoverage {
        source: Arc::from("kubernetes/bench"),
        region: None,
        kind,
        status: Status::Complete { count: 0 },
        visibility: Visibility::All,
        read_from: Timestamp::UNIX_EPOCH,
        read_until: Timestamp::UNIX_EPOCH,
    };
    let coverage = set.kinds().into_iter().map(entry).collect();
    let id = SnapshotId { subject: Subject::new("bench")?, seq: 1 };
    let meta = SnapshotMeta { id, taken_at: Timestamp::UNIX_EPOCH, coverage };
    Ok(Cloud { meta, kinds, changes: Vec::new() })
}

/// Gives some pods another sidecar.
fn change(case: Case, cloud: &mut Cloud) -> anyhow::Result<()> {
    let mut dice = Dice(11);
    cloud.meta.id.seq += 1;
    for n in (0..PODS).step_by(PODS / CHANGED) {
        let fact = one_pod(case, n, true, &mut dice)?;
        let Resource { key, kind, .. } = fact.resource.clone();
        cloud.changes.push(Change { key: key.clone(), kind: kind.clone(), op: ChangeOp::Put });
        cloud.kinds.entry(kind).or_default().insert(key, fact);
    }
    cloud.changes.sort();
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn main() -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/kubernetes-security");
    let set = RuleSet::compile(vec![Bundle::from_path(&folder)?], &Parameters::default())?;
    let rules = set.rules().count();
    let time = Timestamp::UNIX_EPOCH;
    for case in [Case::Controlled, Case::Naked, Case::Different] {
        let mut cloud = cluster(case, &set)?;
        let pods = cloud.kinds.get("core.Pod").into_iter().flat_map(BTreeMap::values);
        let bytes: usize = pods.map(|f| f.resource.body.len()).sum();
        let (cold, judged) = measure(|| Ok(evaluate(&set, &cloud, &Options::fresh(time))?))?;
        let findings: usize = judged.evaluation.rules.values().map(|o| o.findings.len()).sum();
        println!(
            "{{\"bench\":\"pods\",\"case\":\"{case:?}\",\"rules\":{rules},\"pods\":{PODS},\"bytes\":{bytes},\"judged\":{},\"findings\":{findings},\"cpu_s\":{cold:.3},\"bound_s\":0.5,\"ratio\":{:.3}}}",
            judged.stats.judged,
            cold / 0.5
        );
        change(case, &mut cloud)?;
        let options = Options { prior: Some(&judged.carry), ..Options::fresh(time) };
        let (carried, next) = measure(|| Ok(evaluate(&set, &cloud, &options)?))?;
        anyhow::ensure!(next.stats.carried, "the prior blob must fit");
        println!(
            "{{\"bench\":\"pods-changed\",\"case\":\"{case:?}\",\"changed\":{},\"judged\":{},\"blob_bytes\":{},\"cpu_s\":{carried:.4},\"bound_s\":0.02,\"ratio\":{:.3}}}",
            cloud.changes.len(),
            next.stats.judged,
            judged.carry.len(),
            carried / 0.02
        );
    }
    Ok(())
}
