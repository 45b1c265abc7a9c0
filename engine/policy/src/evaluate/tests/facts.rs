//! Facts in memory: a chain of snapshots that tests write by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_model::{
    Change, ChangeOp, Fact, Facts, FactsError, Kind, KindCoverage, Resource, ResourceKey,
    SnapshotId, SnapshotMeta, Status, Subject, Timestamp, Visibility,
};

/// One snapshot: what stands in it, and how it came from the one before.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    meta: SnapshotMeta,
    facts: BTreeMap<ResourceKey, Fact>,
    /// Per snapshot from the first: what it changed.
    log: Vec<BTreeMap<ResourceKey, ChangeOp>>,
}

pub(super) fn time(hours: i64) -> Timestamp {
    Timestamp::new(1_700_000_000 + hours * 3600, 0).unwrap()
}

pub(super) fn coverage(kind: &str, region: Option<&str>, status: Status) -> KindCoverage {
    KindCoverage {
        source: Arc::from("test"),
        region: region.map(Arc::from),
        kind: Kind::new(kind).unwrap(),
        status,
        visibility: Visibility::All,
        read_from: time(0),
        read_until: time(0),
    }
}

pub(super) fn complete(kind: &str, region: Option<&str>) -> KindCoverage {
    coverage(kind, region, Status::Complete { count: 0 })
}

pub(super) fn key(kind: &str, region: Option<&str>, id: &str) -> ResourceKey {
    ResourceKey::build("test", &Kind::new(kind).unwrap(), &[region.unwrap_or("-"), id])
}

impl Memory {
    pub(super) fn new(coverage: Vec<KindCoverage>) -> Self {
        let id = SnapshotId { subject: Subject::new("s").unwrap(), seq: 1 };
        let meta = SnapshotMeta { id, taken_at: time(0), coverage };
        Self { meta, facts: BTreeMap::new(), log: vec![BTreeMap::new()] }
    }

    /// The same under another name.
    pub(super) fn of(mut self, subject: &str) -> Self {
        self.meta.id.subject = Subject::new(subject).unwrap();
        self
    }

    /// The next snapshot, so far the same.
    pub(super) fn next(&self) -> Self {
        let mut next = self.clone();
        next.meta.id.seq += 1;
        next.meta.taken_at = time(i64::try_from(next.meta.id.seq).unwrap());
        next.log.push(BTreeMap::new());
        next
    }

    pub(super) fn cover(&mut self, coverage: Vec<KindCoverage>) {
        self.meta.coverage = coverage;
    }

    fn log(&mut self, key: &ResourceKey, op: ChangeOp) {
        self.log.last_mut().unwrap().insert(key.clone(), op);
    }

    pub(super) fn put(&mut self, kind: &str, region: Option<&str>, id: &str, body: &str) {
        let key = key(kind, region, id);
        self.log(&key, ChangeOp::Put);
        let resource = Resource {
            key: key.clone(),
            kind: Kind::new(kind).unwrap(),
            region: region.map(Arc::from),
            project: Some(Arc::from("p")),
            name: Some(Arc::from(id)),
            body: Arc::from(body),
            source: Arc::from("test"),
            read_at: self.meta.taken_at,
        };
        self.facts.insert(key, Fact { resource, unseen_since: None });
    }

    pub(super) fn remove(&mut self, key: &ResourceKey) {
        if self.facts.remove(key).is_some() {
            self.log(key, ChangeOp::Remove);
        }
    }

    pub(super) fn see(&mut self, key: &ResourceKey, seen: bool) {
        let at = self.meta.taken_at;
        let Some(fact) = self.facts.get_mut(key) else { return };
        if seen && fact.unseen_since.take().is_some() {
            self.log(key, ChangeOp::Seen);
        } else if !seen && fact.unseen_since.is_none() {
            fact.unseen_since = Some(at);
            self.log(key, ChangeOp::Unseen);
        }
    }

    pub(super) fn seq(&self) -> u64 {
        self.meta.id.seq
    }
}

impl Facts for Memory {
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
        let change = |(key, op): (ResourceKey, ChangeOp)| Change {
            kind: Kind::new(key.kind()).unwrap(),
            key,
            op,
        };
        Ok(Some(last.into_iter().map(change).collect()))
    }

    fn at(&self, _seq: u64) -> Result<Option<Box<dyn Facts + '_>>, FactsError> {
        Ok(None)
    }
}
