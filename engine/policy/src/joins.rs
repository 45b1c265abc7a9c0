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
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use regorus::Value;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidegate_model::{AbortCode, Facts, FactsError, Kind, ResourceKey};

use crate::coverage::{Coverage, Place, Seen};
use crate::input;
use crate::loaded::{Loaded, Reader};
use crate::metadata::{Join, Rule};
use crate::outcome::Answer;
use crate::pointer::Pointer;

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
    first(Sha256::digest(bytes).into())
}

fn first(digest: [u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The hash of a scalar; text and numbers never have the same.
fn hash_value(value: &Value) -> u64 {
    let tagged = |tag: &[u8], text: &str| {
        first(Sha256::new_with_prefix(tag).chain_update(text).finalize().into())
    };
    match value {
        Value::String(text) => tagged(b"s", text),
        other => tagged(b"v", &other.to_string()),
    }
}

/// Under this hash stand the targets whose fields cannot be read: any value may
/// have been theirs.
fn unreadable() -> u64 {
    static HASH: LazyLock<u64> = LazyLock::new(|| hash(b"unreadable"));
    *HASH
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

/// What a resource looks up by one pointer in one target.
pub(crate) struct Lookup {
    /// The values, each with its hash.
    values: Vec<(u64, Value)>,
    /// The bodies they lead to, by id, or why they cannot be had.
    found: OnceCell<Result<Value, String>>,
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
                if target.field.is_some() && loaded.body().is_none() {
                    found.push((at, unreadable()));
                }
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

    /// What a resource looks up.
    pub(crate) fn of(&self, loaded: &Loaded) -> Vec<Lookup> {
        let Some(lookups) = self.lookups.get(&loaded.resource.kind) else { return Vec::new() };
        let one = |(_, pointer): &(usize, Pointer)| {
            let mut values = Vec::new();
            if let Some(body) = loaded.body() {
                pointer.scalars(body, &mut |v| values.push((hash_value(v), v.clone())));
            }
            Lookup { values, found: OnceCell::new() }
        };
        lookups.iter().map(one).collect()
    }

    /// Notes what a resource looks up.
    pub(crate) fn add_watcher(&mut self, loaded: &Loaded, looked: &[Lookup]) {
        let Some(lookups) = self.lookups.get(&loaded.resource.kind) else { return };
        for ((at, _), lookup) in lookups.iter().zip(looked) {
            let Some(watchers) = self.watchers.get_mut(*at) else { continue };
            for (hash, _) in &lookup.values {
                let key = Cow::Owned(loaded.resource.key.as_str().to_owned());
                watchers.push(Pair { hash: *hash, key });
            }
        }
    }

    /// Lets go of the targets that were read.
    pub(crate) fn release(&mut self) {
        self.pool = HashMap::new();
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
        chunk: &[(&Loaded, Vec<Lookup>)],
        reader: &mut Reader<'_>,
    ) -> Result<(), FactsError> {
        let mut missing = BTreeSet::new();
        for (loaded, looked) in chunk {
            let lookups = self.lookups.get(&loaded.resource.kind).into_iter().flatten();
            for ((at, _), lookup) in lookups.zip(looked) {
                let index = self.index.get(*at).map(Vec::as_slice).unwrap_or_default();
                for pair in lookup.values.iter().flat_map(|(hash, _)| with_hash(index, *hash)) {
                    if !self.pool.contains_key(pair.key.as_ref())
                        && let Ok(key) = ResourceKey::new(&pair.key)
                    {
                        missing.insert(key);
                    }
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<ResourceKey> = missing.into_iter().collect();
        let mut found = Vec::new();
        facts.fetch(&missing, &mut |fact| found.push(fact))?;
        for loaded in reader.load(found) {
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
        (loaded, looked): (&Loaded, &[Lookup]),
    ) -> Result<Value, Answer> {
        let mut joined = BTreeMap::new();
        let region = loaded.resource.region.as_deref();
        let abort = |text: String| Answer::abort(AbortCode::Join, text);
        let lookups = self.lookups.get(&loaded.resource.kind).map_or(&[][..], Vec::as_slice);
        for join in &rule.joins {
            let place = region.map_or(Place::Everywhere, Place::Region);
            if let Seen::No(cause) = coverage.check(rule, &join.kind, place) {
                return Err(abort(cause.message));
            }
            let of_join = |(at, pointer): &(usize, Pointer)| {
                let target = self.targets.get(*at);
                *pointer == join.key
                    && target.is_some_and(|t| t.kind == join.kind && t.field == join.field)
            };
            let place = lookups.iter().position(of_join);
            let one = place.and_then(|n| Some((lookups.get(n)?.0, looked.get(n)?)));
            let bodies = match one {
                Some((at, lookup)) => {
                    // Several rules look up the same.
                    lookup.found.get_or_init(|| self.find(at, lookup, region)).clone()
                }
                None => Ok(Value::new_object()),
            };
            joined.insert(Value::from(join.name.as_str()), bodies.map_err(abort)?);
        }
        Ok(Value::from(joined))
    }

    /// The bodies that a lookup finds, by id; an error is why there are none.
    fn find(&self, at: usize, lookup: &Lookup, region: Option<&str>) -> Result<Value, String> {
        let (Some(target), Some(index)) = (self.targets.get(at), self.index.get(at)) else {
            return Ok(Value::new_object());
        };
        if let Some(pair) = with_hash(index, unreadable()).first() {
            return Err(format!("the body of {} cannot be read", pair.key));
        }
        let mut bodies = BTreeMap::new();
        let mut taken = BTreeSet::new();
        let mut wanted: Vec<&(u64, Value)> = lookup.values.iter().collect();
        wanted.sort_by(|(_, a), (_, b)| a.cmp(b));
        for value in wanted {
            for found in self.lookup(target, index, value, region) {
                let key = &found.resource.key;
                if !taken.insert(key) {
                    continue;
                }
                if let Some(since) = found.unseen_since {
                    return Err(format!("joined {key} was last seen at {since}"));
                }
                let Some(body) = found.body() else {
                    return Err(format!("the body of joined {key} cannot be read"));
                };
                let id = Value::from(input::local_id(&found.resource, region.is_some()));
                let id = if bodies.contains_key(&id) { Value::from(key.as_str()) } else { id };
                bodies.insert(id, body.clone());
            }
        }
        Ok(Value::from(bodies))
    }

    /// The resources that have a value, in order of key.
    fn lookup<'s>(
        &'s self,
        target: &'s Target,
        index: &'s [Pair<'c>],
        (hash, value): &'s (u64, Value),
        region: Option<&'s str>,
    ) -> impl Iterator<Item = &'s Loaded> {
        with_hash(index, *hash)
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
