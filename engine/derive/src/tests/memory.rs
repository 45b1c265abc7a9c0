//! A cluster in memory: a chain of snapshots that tests write by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tidegate_model::{
    Change, ChangeOp, Fact, Facts, FactsError, Kind, KindCoverage, Resource, ResourceKey,
    SnapshotId, SnapshotMeta, Status, Subject, Timestamp, Visibility,
};

use crate::{Derived, TABLE};

#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub(super) meta: SnapshotMeta,
    facts: BTreeMap<ResourceKey, Fact>,
    /// Per snapshot from the first: what it changed.
    log: Vec<BTreeMap<ResourceKey, ChangeOp>>,
}

pub(super) fn kind(name: &str) -> Kind {
    Kind::new(name).unwrap()
}

/// Of a resource of OpenStack, if its kind is one: the namespace is the region.
pub(super) fn key(of: &str, namespace: &str, name: &str) -> ResourceKey {
    let system = if is_openstack(of) { "openstack" } else { "kubernetes" };
    ResourceKey::build(system, &kind(of), &[namespace, name])
}

fn is_openstack(kind: &str) -> bool {
    ["compute.", "identity.", "image.", "network.", "openstack."]
        .iter()
        .any(|of| kind.starts_with(of))
}

pub(super) fn coverage(of: &str, status: Status) -> KindCoverage {
    KindCoverage {
        source: Arc::from("kubernetes"),
        region: None,
        kind: kind(of),
        status,
        visibility: Visibility::All,
        read_from: Timestamp::UNIX_EPOCH,
        read_until: Timestamp::UNIX_EPOCH,
    }
}

impl Cluster {
    /// An empty cluster of which everything was listed.
    pub(super) fn new() -> Self {
        let inputs = TABLE.iter().flat_map(|row| row.inputs);
        let entries = inputs.map(|i| coverage(i.kind, Status::Complete { count: 0 })).collect();
        let id = SnapshotId { subject: Subject::new("k").unwrap(), seq: 1 };
        let meta = SnapshotMeta { id, taken_at: Timestamp::UNIX_EPOCH, coverage: entries };
        Self { meta, facts: BTreeMap::new(), log: vec![BTreeMap::new()] }
    }

    /// The next snapshot, so far the same.
    pub(super) fn next(&self) -> Self {
        let mut next = self.clone();
        next.meta.id.seq += 1;
        next.log.push(BTreeMap::new());
        next
    }

    /// Replaces how a kind was listed.
    pub(super) fn cover(&mut self, entry: KindCoverage) {
        self.meta.coverage.retain(|c| c.kind != entry.kind);
        self.meta.coverage.push(entry);
    }

    pub(super) fn put(&mut self, of: &str, namespace: &str, name: &str, body: &Value) {
        self.put_text(of, namespace, name, &body.to_string());
    }

    pub(super) fn put_text(&mut self, of: &str, namespace: &str, name: &str, body: &str) {
        let key = key(of, namespace, name);
        let resource = Resource {
            key: key.clone(),
            kind: kind(of),
            region: of.starts_with("network.").then(|| Arc::from(namespace)),
            project: (!namespace.is_empty()).then(|| Arc::from(namespace)),
            name: Some(Arc::from(name)),
            body: Arc::from(body),
            source: Arc::from("kubernetes"),
            read_at: Timestamp::UNIX_EPOCH,
        };
        self.facts.insert(key.clone(), Fact { resource, unseen_since: None });
        self.log.last_mut().unwrap().insert(key, ChangeOp::Put);
    }

    pub(super) fn remove(&mut self, key: &ResourceKey) {
        if self.facts.remove(key).is_some() {
            self.log.last_mut().unwrap().insert(key.clone(), ChangeOp::Remove);
        }
    }

    pub(super) fn see(&mut self, key: &ResourceKey, seen: bool) {
        let Some(fact) = self.facts.get_mut(key) else { return };
        if seen == fact.unseen_since.is_none() {
            return;
        }
        fact.unseen_since = (!seen).then_some(Timestamp::UNIX_EPOCH);
        let op = if seen { ChangeOp::Seen } else { ChangeOp::Unseen };
        self.log.last_mut().unwrap().insert(key.clone(), op);
    }

    /// The body of a collected resource, by what follows the system in its key.
    pub(super) fn facts_of(&self, id: &str) -> Value {
        let key = ResourceKey::new(format!("kubernetes/{id}")).unwrap();
        serde_json::from_str(&self.facts[&key].resource.body).unwrap()
    }

    /// All facts of a derived kind.
    pub(super) fn derived(&self, of: &str) -> Vec<Fact> {
        read(&Derived::new(self, []), of)
    }

    /// The bodies of a derived kind, by what follows the kind in the key.
    pub(super) fn bodies(&self, of: &str) -> BTreeMap<String, Value> {
        let body = |f: Fact| {
            let id = f.resource.key.as_str().splitn(3, '/').nth(2).unwrap().to_owned();
            (id, serde_json::from_str(&f.resource.body).unwrap())
        };
        self.derived(of).into_iter().map(body).collect()
    }
}

pub(super) fn read(facts: &dyn Facts, of: &str) -> Vec<Fact> {
    let mut all = Vec::new();
    facts.each(&kind(of), &mut |fact| all.push(fact)).unwrap();
    all
}

impl Facts for Cluster {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn each(&self, kind: &Kind, visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        let of_kind = self.facts.values().filter(|f| f.resource.kind == *kind);
        of_kind.cloned().for_each(visit);
        Ok(())
    }

    fn fetch(&self, keys: &[ResourceKey], visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        keys.iter().filter_map(|k| self.facts.get(k)).cloned().for_each(visit);
        Ok(())
    }

    fn changes_since(&self, seq: u64) -> Result<Option<Vec<Change>>, FactsError> {
        if seq >= self.meta.id.seq {
            return Ok(None);
        }
        let mut last = BTreeMap::new();
        for changes in &self.log[usize::try_from(seq).unwrap()..] {
            last.extend(changes.clone());
        }
        let change =
            |(key, op): (ResourceKey, ChangeOp)| Change { kind: kind(key.kind()), key, op };
        Ok(Some(last.into_iter().map(change).collect()))
    }

    fn at(&self, _seq: u64) -> Result<Option<Box<dyn Facts + '_>>, FactsError> {
        Ok(None)
    }
}
