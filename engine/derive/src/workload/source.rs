//! Reads a resource that carries a pod spec, and no more of it than is needed:
//! half of a Pod is its status.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tidegate_model::{Fact, Kind, ResourceKey};

use super::spec::{self, Pod};

/// Where a kind has its pod spec.
pub(super) struct Shape {
    pub(super) kind: &'static str,
    /// The members that lead to the object with the pod's `metadata` and
    /// `spec`; none for a Pod.
    template: &'static [&'static str],
    /// The kinds that make resources of this kind from their templates.
    made_by: &'static [&'static str],
    /// Whether it makes resources of another.
    pub(super) controls: bool,
}

const fn shape(
    kind: &'static str,
    template: &'static [&'static str],
    made_by: &'static [&'static str],
    controls: bool,
) -> Shape {
    Shape { kind, template, made_by, controls }
}

const TEMPLATE: &[&str] = &["spec", "template"];

/// Every kind with a pod spec, in order of name.
pub(super) static SHAPES: [Shape; 9] = [
    shape("apps.DaemonSet", TEMPLATE, &[], true),
    shape("apps.Deployment", TEMPLATE, &[], true),
    shape("apps.ReplicaSet", TEMPLATE, &["apps.Deployment"], true),
    shape("apps.StatefulSet", TEMPLATE, &[], true),
    shape("batch.CronJob", &["spec", "jobTemplate", "spec", "template"], &[], true),
    shape("batch.Job", TEMPLATE, &["batch.CronJob"], true),
    shape(
        "core.Pod",
        &[],
        &[
            "apps.DaemonSet",
            "apps.ReplicaSet",
            "apps.StatefulSet",
            "batch.Job",
            "core.ReplicationController",
        ],
        false,
    ),
    shape("core.PodTemplate", &["template"], &[], false),
    shape("core.ReplicationController", TEMPLATE, &[], true),
];

/// A resource as far as it matters here.
pub(super) struct Source<'f> {
    pub(super) fact: &'f Fact,
    pub(super) shape: Option<&'static Shape>,
    /// The kind of its controller, as its owner reference has it.
    pub(super) controller: Option<String>,
    /// The key of its controller, if that is of a kind that makes such ones.
    pub(super) controller_key: Option<String>,
    /// Asks for no pods, and has none.
    pub(super) idle: bool,
    pub(super) labels: Map<String, Value>,
    /// Its pod spec, or why that cannot be read: one clause.
    pub(super) pod: Result<Pod, String>,
}

/// Members are taken as text, so that what is not used is not built.
#[derive(Deserialize)]
struct Outer<'t> {
    #[serde(borrow)]
    metadata: Option<&'t RawValue>,
    #[serde(borrow)]
    spec: Option<&'t RawValue>,
    #[serde(borrow)]
    template: Option<&'t RawValue>,
    #[serde(borrow)]
    status: Option<&'t RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta<'t> {
    #[serde(borrow)]
    labels: Option<&'t RawValue>,
    #[serde(borrow)]
    annotations: Option<&'t RawValue>,
    #[serde(rename = "ownerReferences")]
    owners: Option<Vec<Owner>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    api_version: String,
    kind: String,
    name: String,
    #[serde(default)]
    controller: bool,
}

/// How many pods a ReplicaSet asks for or has.
#[derive(Deserialize)]
struct Replicas {
    replicas: Option<Value>,
}

/// One member of an object, as text; `None` if it is null or not there.
fn member<'t>(object: &'t RawValue, name: &str) -> Result<Option<&'t RawValue>, ()> {
    let members: std::collections::BTreeMap<std::borrow::Cow<'t, str>, &'t RawValue> =
        serde_json::from_str(object.get()).map_err(drop)?;
    Ok(members.get(name).copied().filter(|v| v.get() != "null"))
}

fn not(pointer: &str, what: &str) -> String {
    format!("`{pointer}` is not {what}")
}

impl<'f> Source<'f> {
    pub(super) fn read(fact: &'f Fact) -> Self {
        let shape = SHAPES.iter().find(|s| s.kind == fact.resource.kind.as_str());
        let mut source = Self {
            fact,
            shape,
            controller: None,
            controller_key: None,
            idle: false,
            labels: Map::new(),
            pod: Err(String::new()),
        };
        source.pod = source.take();
        source
    }

    fn take(&mut self) -> Result<Pod, String> {
        let Some(shape) = self.shape else { return Err("it carries no pod".to_owned()) };
        let fact: &'f Fact = self.fact;
        let outer: Outer<'f> = serde_json::from_str(&fact.resource.body)
            .map_err(|_| "it is not an object of the API".to_owned())?;
        let own = meta(outer.metadata, "/metadata")?;
        self.own(shape, own.owners.as_deref().unwrap_or_default());
        if shape.kind == "apps.ReplicaSet" {
            let zero = |object: Option<&RawValue>, absent| {
                let replicas = object.map(|o| serde_json::from_str::<Replicas>(o.get()));
                match replicas {
                    None => absent,
                    Some(Ok(Replicas { replicas: None })) => absent,
                    Some(Ok(Replicas { replicas: Some(n) })) => n == json!(0),
                    Some(Err(_)) => false,
                }
            };
            self.idle = zero(outer.spec, false) && zero(outer.status, true);
        }
        let (meta_of_pod, spec, base) = match shape.template {
            [] => (own, outer.spec, String::new()),
            [first, rest @ ..] => {
                let mut at = if *first == "spec" { outer.spec } else { outer.template };
                let mut pointer = format!("/{first}");
                for name in rest {
                    let object = at.ok_or_else(|| not(&pointer, "there"))?;
                    at = member(object, name).map_err(|()| not(&pointer, "an object"))?;
                    pointer = format!("{pointer}/{name}");
                }
                let template = at.ok_or_else(|| not(&pointer, "there"))?;
                let of = |name| member(template, name).map_err(|()| not(&pointer, "an object"));
                (meta(of("metadata")?, &format!("{pointer}/metadata"))?, of("spec")?, pointer)
            }
        };
        let base = format!("{base}/spec");
        let spec = spec.ok_or_else(|| not(&base, "there"))?;
        let Ok(Value::Object(spec)) = serde_json::from_str(spec.get()) else {
            return Err(not(&base, "an object"));
        };
        let map =
            |raw: Option<&RawValue>, name: &str| match raw.map(|r| serde_json::from_str(r.get())) {
                None => Ok(Map::new()),
                Some(Ok(Value::Object(map))) => Ok(map),
                Some(_) => {
                    let pointer = base.strip_suffix("/spec").unwrap_or_default();
                    Err(format!("`{pointer}/metadata/{name}` is not an object"))
                }
            };
        self.labels = map(meta_of_pod.labels, "labels")?;
        let annotations = map(meta_of_pod.annotations, "annotations")?;
        let made = (shape.kind == "core.Pod").then(|| spec::Made {
            by: self.controller.as_deref(),
            name: fact.resource.name.as_deref().unwrap_or_default(),
        });
        spec::read(spec, annotations, base, made)
    }

    /// Takes the controller among the owners.
    fn own(&mut self, shape: &Shape, owners: &[Owner]) {
        let Some(owner) = owners.iter().find(|o| o.controller) else { return };
        self.controller = Some(owner.kind.clone());
        let group = owner.api_version.split_once('/').map_or("core", |(group, _)| group);
        let kind = format!("{group}.{}", owner.kind);
        if shape.made_by.contains(&kind.as_str())
            && let Ok(kind) = Kind::new(&kind)
        {
            let resource = &self.fact.resource;
            let namespace = resource.project.as_deref().unwrap_or_default();
            let key = ResourceKey::build(resource.key.system(), &kind, &[namespace, &owner.name]);
            self.controller_key = Some(key.as_str().to_owned());
        }
    }
}

fn meta<'t>(raw: Option<&'t RawValue>, pointer: &str) -> Result<Meta<'t>, String> {
    match raw {
        None => Ok(Meta::default()),
        Some(raw) => serde_json::from_str(raw.get())
            .map_err(|_| format!("`{pointer}` is not the metadata of an object")),
    }
}
