//! `data.inventory`: the objects that templates may look at besides the one
//! under review. Objects are shared, never copied.

use std::collections::BTreeMap;

use regorus::Value;

use crate::matching::Object;
use crate::review::{record, text};

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
