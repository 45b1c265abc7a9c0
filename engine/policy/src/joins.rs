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

mod pair;
mod target;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use regorus::Value;
use serde::{Deserialize, Serialize};
use tidegate_model::{AbortCode, Facts, FactsError, Kind, ResourceKey};

use crate::input;
use crate::joined::{Found, Joined};
use crate::keys::{KeyTable, Keys};
use crate::loaded::{Loaded, Reader};
use crate::metadata::Rule;
use crate::outcome::Answer;
use crate::pointer::Pointer;
use crate::raw::Raw;
use pair::{Pair, with_hash};
pub(crate) use target::hash;
use target::{Target, hash_value, unreadable};

/// What a resource looks up by one pointer in one target.
pub(crate) struct Lookup {
    /// The values, each with its hash.
    values: Vec<(u64, Value)>,
    /// What they lead to, or why that cannot be had.
    found: OnceCell<Result<Found, String>>,
}

/// The joins of some rules over one snapshot.
pub(crate) struct Joins<'c> {
    targets: Vec<Target>,
    /// Of each rule, the targets of its joins.
    of_rules: Vec<Vec<usize>>,
    /// For each kind that rules look up from: target and pointer, each once.
    lookups: BTreeMap<Kind, Vec<(usize, Pointer)>>,
    keys: Keys<'c>,
    /// Per target, in order once [`Joins::sort`] has run.
    index: Vec<Vec<Pair>>,
    watchers: Vec<Vec<Pair>>,
    /// Targets already read, by number.
    pool: Vec<Option<Arc<Loaded>>>,
    /// Whether all of them are.
    all_read: bool,
}

impl<'c> Joins<'c> {
    pub(crate) fn new<'r>(rules: impl Iterator<Item = &'r Rule>) -> Self {
        let mut joins = Self {
            targets: Vec::new(),
            of_rules: Vec::new(),
            lookups: BTreeMap::new(),
            keys: Keys::default(),
            index: Vec::new(),
            watchers: Vec::new(),
            pool: Vec::new(),
            all_read: false,
        };
        for rule in rules {
            let mut of_rule = Vec::new();
            for join in rule.joins.iter().filter(|j| !j.across) {
                let target = Target::of(rule, join);
                let at = joins.targets.iter().position(|t| *t == target).unwrap_or_else(|| {
                    joins.targets.push(target);
                    joins.index.push(Vec::new());
                    joins.watchers.push(Vec::new());
                    joins.targets.len() - 1
                });
                of_rule.push(at);
                for kind in &rule.meta.kinds {
                    let lookups = joins.lookups.entry(kind.clone()).or_default();
                    if !lookups.iter().any(|(t, p)| *t == at && *p == join.key) {
                        lookups.push((at, join.key.clone()));
                    }
                }
            }
            joins.of_rules.push(of_rule);
        }
        joins
    }

    /// The kinds that are looked up.
    pub(crate) fn kinds(&self) -> BTreeSet<Kind> {
        self.targets.iter().map(|t| t.kind.clone()).collect()
    }

    /// Whether a rule, by its place among those given, looks up in a target.
    pub(crate) fn uses(&self, rule: usize, target: usize) -> bool {
        self.of_rules.get(rule).is_some_and(|targets| targets.contains(&target))
    }

    /// Takes in a resource of a kind that is looked up; returns the target and
    /// hash of each of its values.
    pub(crate) fn add_target(&mut self, loaded: &Arc<Loaded>) -> Vec<(usize, u64)> {
        let mut found = Vec::new();
        for (at, target) in self.targets.iter().enumerate() {
            if target.kind == loaded.resource.kind {
                target.values(loaded, &mut |v| found.push((at, hash_value(v))));
                if !target.can_tell(loaded) {
                    found.push((at, unreadable()));
                }
            }
        }
        let key = self.keys.number(&loaded.resource.key);
        for (at, hash) in &found {
            if let Some(index) = self.index.get_mut(*at) {
                index.push(Pair { hash: *hash, key });
            }
        }
        self.keep(key, Arc::clone(loaded));
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
        if looked.iter().all(|lookup| lookup.values.is_empty()) {
            return;
        }
        let key = self.keys.number(&loaded.resource.key);
        for ((at, _), lookup) in lookups.iter().zip(looked) {
            let Some(watchers) = self.watchers.get_mut(*at) else { continue };
            watchers.extend(lookup.values.iter().map(|(hash, _)| Pair { hash: *hash, key }));
        }
    }

    /// Keeps a target that was read.
    fn keep(&mut self, key: u32, loaded: Arc<Loaded>) {
        let at = key as usize;
        if self.pool.len() <= at {
            self.pool.resize(self.keys.len().max(at + 1), None);
        }
        if let Some(slot) = self.pool.get_mut(at) {
            *slot = Some(loaded);
        }
    }

    fn kept(&self, key: u32) -> Option<&Loaded> {
        self.pool.get(key as usize)?.as_deref()
    }

    /// Lets go of the targets that were read.
    pub(crate) fn release(&mut self) {
        self.pool = Vec::new();
    }

    /// What the next snapshot starts from.
    pub(crate) fn carried(&self) -> JoinsCarry<'static> {
        let write = |pairs: &Vec<Vec<Pair>>| pairs.iter().map(|p| Pair::write(p)).collect();
        JoinsCarry {
            keys: self.keys.table(),
            index: write(&self.index),
            watchers: write(&self.watchers),
        }
    }

    /// Starts from what is carried; whether that could be read.
    pub(crate) fn recall(&mut self, carried: JoinsCarry<'c>) -> bool {
        let Some(keys) = Keys::read(carried.keys) else { return false };
        let read = |pairs: &[Raw<'_>]| -> Option<Vec<Vec<Pair>>> {
            let all = pairs.iter().map(|raw| Pair::read(raw, keys.len())).collect::<Option<_>>();
            all.filter(|all: &Vec<_>| all.len() == self.targets.len())
        };
        let (Some(index), Some(watchers)) = (read(&carried.index), read(&carried.watchers)) else {
            return false;
        };
        (self.keys, self.index, self.watchers) = (keys, index, watchers);
        true
    }

    /// Drops the pairs of resources that changed; returns the target and hash of each
    /// value that they were found by.
    pub(crate) fn drop_changed(&mut self, changed: impl Fn(&str) -> bool) -> HashSet<(usize, u64)> {
        let marks = self.keys.mark(changed);
        let is_marked = |pair: &Pair| marks.get(pair.key as usize) == Some(&true);
        let mut dirty = HashSet::new();
        for (at, index) in self.index.iter_mut().enumerate() {
            dirty.extend(index.extract_if(.., |p| is_marked(p)).map(|pair| (at, pair.hash)));
        }
        for watchers in &mut self.watchers {
            watchers.retain(|pair| !is_marked(pair));
        }
        dirty
    }

    /// Forgets a resource that is gone, once [`Joins::drop_changed`] has run.
    pub(crate) fn remove(&mut self, key: &ResourceKey) {
        self.keys.remove(key);
    }

    /// Who looked up one of these values, and in which target.
    pub(crate) fn watching(&self, values: &HashSet<(usize, u64)>) -> Vec<(usize, ResourceKey)> {
        let mut found = Vec::new();
        for (at, hash) in values {
            let watchers = self.watchers.get(*at).map_or(&[][..], Vec::as_slice);
            // Any value may be that of a target which cannot be read.
            let watchers: &mut dyn Iterator<Item = &Pair> = if *hash == unreadable() {
                &mut watchers.iter()
            } else {
                &mut with_hash(watchers, *hash)
            };
            let keys = watchers.map(|pair| self.keys.text(pair.key));
            found.extend(keys.filter_map(|key| Some((*at, ResourceKey::new(key).ok()?))));
        }
        found
    }

    /// Notes that every target has been taken in.
    pub(crate) fn all_taken_in(&mut self) {
        self.all_read = true;
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
        if self.all_read {
            return Ok(());
        }
        let mut missing = BTreeMap::new();
        for (loaded, looked) in chunk {
            let lookups = self.lookups.get(&loaded.resource.kind).into_iter().flatten();
            for ((at, _), lookup) in lookups.zip(looked) {
                let index = self.index.get(*at).map(Vec::as_slice).unwrap_or_default();
                for pair in lookup.values.iter().flat_map(|(hash, _)| with_hash(index, *hash)) {
                    if self.kept(pair.key).is_none()
                        && let Ok(key) = ResourceKey::new(self.keys.text(pair.key))
                    {
                        missing.insert(key, pair.key);
                    }
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let keys: Vec<ResourceKey> = missing.keys().cloned().collect();
        let mut found = Vec::new();
        facts.fetch(&keys, &mut |fact| found.push(fact))?;
        for loaded in reader.load(found) {
            if let Some(key) = missing.get(&loaded.resource.key) {
                self.keep(*key, Arc::new(loaded));
            }
        }
        Ok(())
    }

    /// `input.joined` of a rule, by its place among those given, for one resource, or why
    /// it cannot be had. What the resource looks up must have been read.
    pub(crate) fn resolve<'j>(
        &self,
        (n, rule): (usize, &'j Rule),
        (loaded, looked): (&Loaded, &'j [Lookup]),
    ) -> Result<Joined<'j>, Answer> {
        let mut joined = Joined::default();
        let region = loaded.resource.region.as_deref();
        let lookups = self.lookups.get(&loaded.resource.kind).map_or(&[][..], Vec::as_slice);
        let targets = self.of_rules.get(n).map_or(&[][..], Vec::as_slice);
        for (at, join) in targets.iter().zip(&rule.joins) {
            let place = lookups.iter().position(|(t, pointer)| t == at && *pointer == join.key);
            let Some(lookup) = place.and_then(|place| looked.get(place)) else {
                let text = format!("`{}` was not looked up", join.name);
                return Err(Answer::abort(AbortCode::Error, text));
            };
            // Several rules look up the same.
            match lookup.found.get_or_init(|| self.find(*at, lookup, region)) {
                Ok(found) => joined.add(&join.name, found),
                Err(text) => return Err(Answer::abort(AbortCode::Join, text)),
            }
        }
        Ok(joined)
    }

    /// The bodies that a lookup finds, by id; an error is why there are none.
    fn find(&self, at: usize, lookup: &Lookup, region: Option<&str>) -> Result<Found, String> {
        let (Some(target), Some(index)) = (self.targets.get(at), self.index.get(at)) else {
            return Err("it was not looked up".to_owned());
        };
        if lookup.values.is_empty() {
            return Ok(Found::default());
        }
        let dark = with_hash(index, unreadable()).map(|pair| self.keys.text(pair.key));
        // Numbers of keys depend on the snapshots before.
        if let Some(key) = dark.min() {
            let field = target.field.as_ref();
            let field = field.map_or_else(String::new, |f| format!("`{f}` of "));
            return Err(format!("{field}{key} cannot be read"));
        }
        let mut wanted: Vec<&(u64, Value)> = lookup.values.iter().collect();
        wanted.sort_by(|(_, a), (_, b)| a.cmp(b));
        let mut all: Vec<&Loaded> = Vec::new();
        for (hash, value) in wanted {
            let from = all.len();
            let found = with_hash(index, *hash).filter_map(|pair| self.kept(pair.key));
            all.extend(found.filter(|found| {
                sees(region, found.resource.region.as_deref()) && target.has(found, value)
            }));
            if let Some(of_value) = all.get_mut(from..) {
                of_value.sort_by(|a, b| a.resource.key.cmp(&b.resource.key));
            }
        }
        // One that is found by one value is there once.
        if lookup.values.len() > 1 {
            let mut taken = BTreeSet::new();
            all.retain(|found| taken.insert(&found.resource.key));
        }
        let mut bodies = BTreeMap::new();
        for found in all {
            let key = &found.resource.key;
            if let Some(since) = found.unseen_since {
                return Err(format!("joined {key} was last seen at {since}"));
            }
            let Some(body) = found.body() else {
                return Err(format!("the body of joined {key} cannot be read"));
            };
            let id = Value::from(&*input::local_id(&found.resource, region.is_some()));
            let id = if bodies.contains_key(&id) { Value::from(key.as_str()) } else { id };
            bodies.insert(id, body.clone());
        }
        Ok(Found::new(bodies))
    }
}

/// Whether a lookup from one region sees what is in another.
fn sees(from: Option<&str>, other: Option<&str>) -> bool {
    match (from, other) {
        (Some(from), Some(other)) => from == other,
        (None, _) | (_, None) => true,
    }
}

/// What the joins of one snapshot leave for the next.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JoinsCarry<'c> {
    #[serde(borrow)]
    keys: KeyTable<'c>,
    /// Per target, the pairs one after the other.
    #[serde(borrow)]
    index: Vec<Raw<'c>>,
    #[serde(borrow)]
    watchers: Vec<Raw<'c>>,
}

impl JoinsCarry<'_> {
    /// How many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        let pairs = self.index.iter().chain(&self.watchers).map(|raw| raw.0.len() + 8);
        self.keys.len() + pairs.sum::<usize>()
    }
}
