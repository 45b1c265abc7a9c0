//! `data.inventory`: the objects that templates may look at besides the one
//! under review. Objects are shared, never copied.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use tidegate_model::{AbortCode, Cause, Fact, Facts, FactsError, Kind, ResourceKey};

use crate::matching::{Labels, Object};
use crate::review::{about, record, text};

/// Objects by name.
type Named = BTreeMap<Value, Value>;
/// By `apiVersion` and kind.
type ByKind = BTreeMap<String, BTreeMap<String, Named>>;

/// Objects in the order of the inventory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Objects {
    cluster: ByKind,
    namespaces: BTreeMap<String, ByKind>,
}

impl Objects {
    pub(crate) fn add(&mut self, about: &Object, object: &Value) {
        let place = match about.namespace.as_str() {
            "" => &mut self.cluster,
            namespace => self.namespaces.entry(namespace.to_owned()).or_default(),
        };
        let version = text(object, &["apiVersion"]).unwrap_or_default().to_owned();
        let kinds = place.entry(version).or_default();
        let named = kinds.entry(about.kind.clone()).or_default();
        named.insert(about.name.as_str().into(), object.clone());
    }

    /// `{"cluster": {apiVersion: {kind: {name: object}}}, "namespace":
    /// {namespace: {apiVersion: {kind: {name: object}}}}}`.
    pub(crate) fn inventory(self) -> Value {
        let namespaces = self.namespaces.into_iter();
        let namespaces: Named = namespaces.map(|(n, kinds)| (n.into(), by_kind(kinds))).collect();
        record([("cluster", by_kind(self.cluster)), ("namespace", Value::from(namespaces))])
    }
}

fn by_kind(kinds: ByKind) -> Value {
    let of_version = |kinds: BTreeMap<String, Named>| {
        let kinds = kinds.into_iter().map(|(kind, named)| (kind.into(), Value::from(named)));
        Value::from(kinds.collect::<Named>())
    };
    let versions = kinds.into_iter().map(|(version, kinds)| (version.into(), of_version(kinds)));
    Value::from(versions.collect::<Named>())
}

/// The objects of kinds that are read as a whole.
#[derive(Default)]
pub(crate) struct Held {
    kinds: BTreeMap<Kind, Result<Vec<Value>, Cause>>,
}

impl Held {
    /// Reads a kind once.
    pub(crate) fn hold(
        &mut self,
        facts: &dyn Facts,
        kind: &Kind,
    ) -> Result<Result<(), Cause>, FactsError> {
        if !self.kinds.contains_key(kind) {
            let mut all = Ok(Vec::new());
            facts.each(kind, &mut |fact| {
                let Ok(objects) = &mut all else { return };
                match object(&fact) {
                    Ok(object) => objects.push(object),
                    Err(cause) => all = Err(cause),
                }
            })?;
            self.kinds.insert(kind.clone(), all);
        }
        Ok(match self.kinds.get(kind) {
            Some(Err(cause)) => Err(cause.clone()),
            Some(Ok(_)) | None => Ok(()),
        })
    }

    pub(crate) fn inventory(&self, kinds: &BTreeSet<Kind>) -> Value {
        let mut objects = Objects::default();
        for object in kinds.iter().filter_map(|k| self.kinds.get(k)?.as_ref().ok()).flatten() {
            if let Some(about) = about(object) {
                objects.add(&about, object);
            }
        }
        objects.inventory()
    }

    /// The labels of all namespaces seen.
    pub(crate) fn namespaces(
        &mut self,
        facts: &dyn Facts,
    ) -> Result<BTreeMap<String, Labels>, FactsError> {
        let mut labels = BTreeMap::new();
        let Ok(kind) = Kind::new("core.Namespace") else { return Ok(labels) };
        facts.each(&kind, &mut |fact| {
            if fact.unseen_since.is_none()
                && let Ok(object) = Value::from_json_str(&fact.resource.body)
                && let Some(about) = about(&object)
            {
                labels.insert(about.name, about.labels);
            }
        })?;
        Ok(labels)
    }
}

/// An object for the inventory.
fn object(fact: &Fact) -> Result<Value, Cause> {
    let key: &ResourceKey = &fact.resource.key;
    if let Some(since) = fact.unseen_since {
        let message = format!("the inventory needs {key}, which was last seen at {since}");
        return Err(Cause { code: AbortCode::Unseen, message });
    }
    Value::from_json_str(&fact.resource.body).map_err(|_| Cause {
        code: AbortCode::Error,
        message: format!("the inventory needs {key}, whose body cannot be read"),
    })
}
