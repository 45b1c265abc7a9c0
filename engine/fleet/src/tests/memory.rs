//! Snapshots in memory, from recorded bodies that a test changes.

use std::sync::Arc;

use serde_json::Value;
use tidegate_model::{
    Change, Fact, Facts, FactsError, Kind, KindCoverage, Resource, ResourceKey, SnapshotId,
    SnapshotMeta, Status, Subject, Timestamp, Visibility,
};

use crate::KINDS;

/// A cloud or cluster, as bodies by kind.
#[derive(Clone)]
pub(super) struct Memory {
    meta: SnapshotMeta,
    facts: Vec<Fact>,
}

pub(super) fn time() -> Timestamp {
    "2026-11-22T08:00:00Z".parse().unwrap()
}

pub(super) fn cloud() -> Value {
    serde_json::from_str(include_str!("cloud.json")).unwrap()
}

pub(super) fn cluster() -> Value {
    serde_json::from_str(include_str!("cluster.json")).unwrap()
}

impl Memory {
    pub(super) fn new(subject: &str, bodies: &Value) -> Self {
        let bodies = bodies.as_object().unwrap();
        let region: Option<Arc<str>> =
            bodies.contains_key("compute.service").then(|| Arc::from("RegionOne"));
        let place = region.as_deref().unwrap_or("-");
        let mut facts = Vec::new();
        let mut coverage = Vec::new();
        for (kind, all) in bodies {
            let of = Kind::new(kind).unwrap();
            let put = |id: &[&str], body: &Value| Fact {
                resource: Resource {
                    key: ResourceKey::build("test", &of, id),
                    kind: of.clone(),
                    region: region.clone(),
                    project: None,
                    name: None,
                    body: Arc::from(body.to_string()),
                    source: Arc::from("test"),
                    read_at: time(),
                },
                unseen_since: None,
            };
            match all {
                Value::Array(list) => {
                    for (n, body) in list.iter().enumerate() {
                        facts.push(put(&[place, &format!("{n:03}")], body));
                    }
                }
                Value::Object(by_id) => {
                    facts.extend(by_id.iter().map(|(id, body)| put(&[place, id], body)));
                }
                other => panic!("{other}"),
            }
            assert!(KINDS.contains(&kind.as_str()), "{kind}");
            coverage.push(KindCoverage {
                source: Arc::from("test"),
                region: region.clone(),
                kind: of.clone(),
                status: Status::Complete { count: 0 },
                visibility: Visibility::All,
                read_from: time(),
                read_until: time(),
            });
        }
        let id = SnapshotId { subject: Subject::new(subject).unwrap(), seq: 7 };
        Self { meta: SnapshotMeta { id, taken_at: time(), coverage }, facts }
    }

    /// Replaces how a kind was listed; `None` if it was not.
    pub(super) fn cover(&mut self, kind: &str, status: Option<Status>, visibility: Visibility) {
        let entries = &mut self.meta.coverage;
        let place = entries.iter().position(|c| c.kind.as_str() == kind).unwrap();
        match status {
            Some(status) => {
                entries[place].status = status;
                entries[place].visibility = visibility;
            }
            None => {
                entries.remove(place);
            }
        }
    }

    pub(super) fn unsee(&mut self, kind: &str) {
        let fact = self.facts.iter_mut().find(|f| f.resource.kind.as_str() == kind).unwrap();
        fact.unseen_since = Some(time());
    }
}

impl Facts for Memory {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn each(&self, kind: &Kind, visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        self.facts.iter().filter(|f| f.resource.kind == *kind).cloned().for_each(visit);
        Ok(())
    }

    fn fetch(&self, keys: &[ResourceKey], visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        self.facts.iter().filter(|f| keys.contains(&f.resource.key)).cloned().for_each(visit);
        Ok(())
    }

    fn changes_since(&self, _seq: u64) -> Result<Option<Vec<Change>>, FactsError> {
        Ok(None)
    }

    fn at(&self, _seq: u64) -> Result<Option<Box<dyn Facts + '_>>, FactsError> {
        Ok(None)
    }
}
