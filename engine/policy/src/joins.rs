//! Joins, resolved by the host through an index instead of by rules in a loop.
//!
//! A **target** is a kind with the field that is matched. Its index maps the
//! hash of every value of that field to the resources that have it; its
//! **watchers** map the hash of every value that a resource looks up, found or
//! not, to that resource. So the resources whose lookups may answer otherwise
//! after a change are the watchers of the values that the changed targets had
//! and have. Hashes stand for values only to find candidates: what is joined is
//! compared as a value, so two values with one hash do no harm.
//!
//! A lookup from a region sees that region and what has none; a lookup from no
//! region sees everything. Lookups in other subjects are in [`crate::across`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use regorus::Value;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidegate_model::{AbortCode, Fact, Facts, FactsError, Kind, Resource, ResourceKey, Timestamp};

use crate::coverage::{Coverage, Place, Seen};
use crate::input::{self, BATCH, NAMES, member};
use crate::metadata::{Join, Rule};
use crate::outcome::Answer;
use crate::pointer::Pointer;

/// A resource as read and parsed.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// Without its body, which `value` holds.
    pub(crate) resource: Resource,
    /// The resource as rules see it, or why it cannot be read.
    pub(crate) value: Result<Value, String>,
    pub(crate) unseen_since: Option<Timestamp>,
}

impl Loaded {
    pub(crate) fn body(&self) -> Option<&Value> {
        self.value.as_ref().ok().and_then(|v| member(v, &NAMES.body))
    }
}

/// Parses facts, a batch at a time.
pub(crate) fn load(facts: Vec<Fact>) -> Vec<Loaded> {
    let (mut resources, unseen): (Vec<Resource>, Vec<_>) =
        facts.into_iter().map(|f| (f.resource, f.unseen_since)).unzip();
    let mut values = Vec::with_capacity(resources.len());
    for batch in resources.chunks(BATCH) {
        values.extend(input::parse(batch));
    }
    let empty: Arc<str> = Arc::from("");
    resources.iter_mut().for_each(|r| r.body = Arc::clone(&empty));
    let whole = resources.into_iter().zip(values).zip(unseen);
    whole
        .map(|((resource, value), unseen_since)| Loaded { resource, value, unseen_since })
        .collect()
}

/// A hash with the key of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Pair<'c> {
    pub(crate) hash: u64,
    #[serde(borrow)]
    pub(crate) key: Cow<'c, str>,
}

/// The first 8 bytes of a SHA-256: whoever names resources in a cloud must not
/// be able to make two of them meet.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(bytes));
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The hash of a scalar; text and numbers never have the same.
fn hash_value(value: &Value) -> u64 {
    match value {
        Value::String(text) => hash(format!("s{text}").as_bytes()),
        other => hash(format!("v{other}").as_bytes()),
    }
}

/// What is looked up: a kind by a field, its id if there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    kind: Kind,
    field: Option<Pointer>,
}

impl Target {
    /// Hands out the values that a resource is found by.
    fn values(&self, loaded: &Loaded, found: &mut dyn FnMut(&Value)) {
        match (&self.field, loaded.body()) {
            (None, _) => found(&Value::from(loaded.resource.key.id())),
            (Some(field), Some(body)) => field.scalars(body, found),
            (Some(_), None) => {}
        }
    }
}

/// The joins of some rules over one snapshot.
pub(crate) struct Joins<'c> {
    targets: Vec<Target>,
    /// For each kind that rules look up from: target and pointer, each once.
    lookups: BTreeMap<Kind, Vec<(usize, Pointer)>>,
    /// Per target, in order once [`Joins::sort`] has run.
    pub(crate) index: Vec<Vec<Pair<'c>>>,
    pub(crate) watchers: Vec<Vec<Pair<'c>>>,
    /// Targets already read.
    pool: HashMap<ResourceKey, Arc<Loaded>>,
}

impl<'c> Joins<'c> {
    pub(crate) fn new<'r>(rules: impl Iterator<Item = &'r Rule>) -> Self {
        let mut joins = Self {
            targets: Vec::new(),
            lookups: BTreeMap::new(),
            index: Vec::new(),
            watchers: Vec::new(),
            pool: HashMap::new(),
        };
        for rule in rules {
            for join in rule.joins.iter().filter(|j| !j.across) {
                let target = Target { kind: join.kind.clone(), field: join.field.clone() };
                let at = joins.position(join).unwrap_or_else(|| {
                    joins.targets.push(target);
                    joins.index.push(Vec::new());
                    joins.watchers.push(Vec::new());
                    joins.targets.len() - 1
                });
                for kind in &rule.meta.kinds {
                    let lookups = joins.lookups.entry(kind.clone()).or_default();
                    if !lookups.iter().any(|(t, p)| *t == at && *p == join.key) {
                        lookups.push((at, join.key.clone()));
                    }
                }
            }
        }
        joins
    }

    fn position(&self, join: &Join) -> Option<usize> {
        self.targets.iter().position(|t| t.kind == join.kind && t.field == join.field)
    }

    /// The kinds that are looked up.
    pub(crate) fn kinds(&self) -> BTreeSet<Kind> {
        self.targets.iter().map(|t| t.kind.clone()).collect()
    }

    /// Whether a rule looks up in a target.
    pub(crate) fn uses(&self, rule: &Rule, target: usize) -> bool {
        rule.joins.iter().any(|j| self.position(j) == Some(target))
    }

    /// Takes in a resource of a kind that is looked up; returns the target and
    /// hash of each of its values.
    pub(crate) fn add_target(&mut self, loaded: &Arc<Loaded>) -> Vec<(usize, u64)> {
        let mut found = Vec::new();
        for (at, target) in self.targets.iter().enumerate() {
            if target.kind == loaded.resource.kind {
                target.values(loaded, &mut |v| found.push((at, hash_value(v))));
            }
        }
        let key = loaded.resource.key.as_str();
        for (at, hash) in &found {
            if let Some(index) = self.index.get_mut(*at) {
                index.push(Pair { hash: *hash, key: Cow::Owned(key.to_owned()) });
            }
        }
        self.pool.insert(loaded.resource.key.clone(), Arc::clone(loaded));
        found
    }

    /// Notes what a resource looks up.
    pub(crate) fn add_watcher(&mut self, loaded: &Loaded) {
        let Some(lookups) = self.lookups.get(&loaded.resource.kind) else { return };
        let Some(body) = loaded.body() else { return };
        for (at, pointer) in lookups {
            let Some(watchers) = self.watchers.get_mut(*at) else { continue };
            pointer.scalars(body, &mut |value| {
                let key = Cow::Owned(loaded.resource.key.as_str().to_owned());
                watchers.push(Pair { hash: hash_value(value), key });
            });
        }
    }

    /// Brings all indexes into order, for lookups and for the next snapshot.
    pub(crate) fn sort(&mut self) {
        for pairs in self.index.iter_mut().chain(&mut self.watchers) {
            // Mostly in order already: what was carried is.
            pairs.sort();
            pairs.dedup();
        }
    }

    /// Reads the targets that some resources look up and that are not read yet.
    pub(crate) fn prefetch(
        &mut self,
        facts: &dyn Facts,
        chunk: &[&Loaded],
    ) -> Result<(), FactsError> {
        let mut missing = BTreeSet::new();
        for loaded in chunk {
            let Some(lookups) = self.lookups.get(&loaded.resource.kind) else { continue };
            let Some(body) = loaded.body() else { continue };
            for (at, pointer) in lookups {
                let index = self.index.get(*at).map(Vec::as_slice).unwrap_or_default();
                pointer.scalars(body, &mut |value| {
                    for pair in with_hash(index, hash_value(value)) {
                        if !self.pool.contains_key(pair.key.as_ref())
                            && let Ok(key) = ResourceKey::new(&pair.key)
                        {
                            missing.insert(key);
                        }
                    }
                });
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<ResourceKey> = missing.into_iter().collect();
        let mut found = Vec::new();
        facts.fetch(&missing, &mut |fact| found.push(fact))?;
        for loaded in load(found) {
            self.pool.insert(loaded.resource.key.clone(), Arc::new(loaded));
        }
        Ok(())
    }

    /// `input.joined` for one resource, or why it cannot be built. What it
    /// looks up must have been read.
    pub(crate) fn resolve(
        &self,
        rule: &Rule,
        coverage: &Coverage<'_>,
        loaded: &Loaded,
    ) -> Result<Value, Answer> {
        let mut joined = BTreeMap::new();
        let region = loaded.resource.region.as_deref();
        let abort = |text: String| Answer::abort(AbortCode::Join, text);
        for join in &rule.joins {
            let place = region.map_or(Place::Everywhere, Place::Region);
            if let Seen::No(cause) = coverage.check(rule, &join.kind, place) {
                return Err(abort(cause.message));
            }
            let mut bodies = BTreeMap::new();
            let mut taken = BTreeSet::new();
            let position = self.position(join);
            let target = position.and_then(|at| Some((self.targets.get(at)?, self.index.get(at)?)));
            if let (Some((target, index)), Some(body)) = (target, loaded.body()) {
                let mut wanted = BTreeSet::new();
                join.key.scalars(body, &mut |value| {
                    wanted.insert(value);
                });
                for value in wanted {
                    for found in self.lookup(target, index, value, region) {
                        let key = &found.resource.key;
                        if !taken.insert(key) {
                            continue;
                        }
                        if let Some(since) = found.unseen_since {
                            return Err(abort(format!("joined {key} was last seen at {since}")));
                        }
                        let Some(body) = found.body() else {
                            return Err(abort(format!("the body of joined {key} cannot be read")));
                        };
                        let id = input::local_id(&found.resource, region.is_some());
                        let id = Value::from(id);
                        let id =
                            if bodies.contains_key(&id) { Value::from(key.as_str()) } else { id };
                        bodies.insert(id, body.clone());
                    }
                }
            }
            joined.insert(Value::from(join.name.as_str()), Value::from(bodies));
        }
        Ok(Value::from(joined))
    }

    /// The resources that have a value, in order of key.
    fn lookup<'s>(
        &'s self,
        target: &'s Target,
        index: &'s [Pair<'c>],
        value: &'s Value,
        region: Option<&'s str>,
    ) -> impl Iterator<Item = &'s Loaded> {
        with_hash(index, hash_value(value))
            .iter()
            .filter_map(|pair| self.pool.get(pair.key.as_ref()))
            .map(AsRef::as_ref)
            .filter(move |found| match (region, found.resource.region.as_deref()) {
                (Some(a), Some(b)) => a == b,
                (None, _) | (_, None) => true,
            })
            .filter(move |found| {
                let mut same = false;
                target.values(found, &mut |v| same |= v == value);
                same
            })
    }
}

fn with_hash<'s, 'c>(pairs: &'s [Pair<'c>], hash: u64) -> &'s [Pair<'c>] {
    let from = pairs.partition_point(|p| p.hash < hash);
    let rest = pairs.get(from..).unwrap_or_default();
    rest.get(..rest.partition_point(|p| p.hash == hash)).unwrap_or_default()
}
