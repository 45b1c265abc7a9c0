//! The state of an evaluation: what is carried, what has to be judged again,
//! and what has been judged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use regorus::Value;
use tidegate_derive::Derived;
use tidegate_model::{
    Change, ChangeOp, Counts, Facts, FactsError, Finding, Kind, ResourceKey, Timestamp, Verdict,
};

use super::rule::{Again, RuleState};
use super::{Options, Stats};
use crate::carry::{Carry, Kept, KindKeys, RuleCarry, parts};
use crate::coverage::Coverage;
use crate::input;
use crate::joins::{Joins, Lookup, hash};
use crate::loaded::{Bodies, Loaded, Reader};
use crate::metadata::{Input, Rule};
use crate::outcome::Holds;
use crate::raw::Raw;
use crate::ruleset::RuleSet;
use crate::said::Table;

/// Everything between the prior blob and the next one.
pub(super) struct State<'c, 'm> {
    pub(super) rules: Vec<RuleState<'c>>,
    pub(super) joins: Joins<'c>,
    /// Of each kind that resource rules judge, hashes of the keys there are.
    keys: BTreeMap<Kind, HashKeys>,
    /// By kind, what changed; absent without a prior blob, when all did.
    changes: Option<BTreeMap<Kind, Vec<Change>>>,
    changed: Changed,
    /// Kinds read as a whole, in order of key.
    held: HashMap<Kind, Arc<Vec<Arc<Loaded>>>>,
    pub(super) bodies: Bodies<'m>,
    pub(super) now: Value,
    pub(super) stats: Stats,
}

/// The keys that changed.
#[derive(Default)]
struct Changed {
    keys: HashSet<ResourceKey>,
    /// The ends of these. Hundreds of thousands of keys are asked for, few of which
    /// changed, and to hash one takes ten times as long as to look at its end.
    ends: Vec<u64>,
}

impl Changed {
    fn add(&mut self, key: ResourceKey) {
        let (at, bit) = Self::end(key.as_str());
        self.ends.resize(Self::ENDS, 0);
        if let Some(word) = self.ends.get_mut(at) {
            *word |= bit;
        }
        self.keys.insert(key);
    }

    fn has(&self, key: &str) -> bool {
        let (at, bit) = Self::end(key);
        self.ends.get(at).is_some_and(|word| word & bit != 0) && self.keys.contains(key)
    }

    const ENDS: usize = 1 << 10;

    /// The place of a key among the ends: a word and a bit in it.
    fn end(key: &str) -> (usize, u64) {
        let end = key.as_bytes().last_chunk().copied().map_or(0, u64::from_le_bytes);
        // Spread over the upper bits: 2^64 divided by the golden ratio.
        let spread = end.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        (usize::try_from(spread >> 6).unwrap_or_default() % Self::ENDS, 1 << (spread & 63))
    }
}

/// The keys of one kind.
#[derive(Default)]
struct HashKeys {
    /// In order, if they are carried.
    carried: Vec<u64>,
    /// The last word on each that changed: there or not.
    news: BTreeMap<u64, bool>,
}

impl HashKeys {
    /// Brings the news in.
    fn settle(&mut self) {
        let news = std::mem::take(&mut self.news);
        if !news.is_empty() {
            self.carried.retain(|h| !news.contains_key(h));
            self.carried.extend(news.into_iter().filter_map(|(h, there)| there.then_some(h)));
        }
        // Two ordered runs are merged in linear time.
        self.carried.sort();
    }
}

impl<'c, 'm> State<'c, 'm> {
    /// Starts from the prior blob if it fits, from nothing otherwise.
    pub(super) fn begin(
        set: &'m RuleSet,
        rules: Vec<usize>,
        facts: &Derived<'_>,
        options: &Options<'c>,
        coverage: &Coverage<'_>,
    ) -> Result<Self, FactsError> {
        let definition = |at: &usize| set.definitions().get(*at);
        let mut state = Self {
            joins: Joins::new(rules.iter().filter_map(definition)),
            rules: Vec::new(),
            keys: BTreeMap::new(),
            changes: None,
            changed: Changed::default(),
            held: HashMap::new(),
            bodies: Bodies::new(Reader::new(&set.bodies), rules.len()),
            now: input::now(options.reference_time),
            stats: Stats::default(),
        };
        for at in rules {
            let Some(rule) = definition(&at) else { continue };
            if rule.input == Input::Resource {
                for kind in &rule.meta.kinds {
                    state.keys.entry(kind.clone()).or_default();
                }
            }
            state.rules.push(RuleState {
                at,
                again: Again::All,
                holds: Holds::Forever,
                findings: Vec::new(),
                news: BTreeMap::new(),
                said: Table::default(),
                counts: Counts::default(),
                fingerprint: coverage.fingerprint(rule),
            });
        }
        let carry = options.prior.and_then(Carry::read).filter(|carry| {
            let here = &facts.meta().id;
            carry.digest == set.digest().0
                && carry.judged == state.judged(set)
                && carry.subject == here.subject.as_str()
                && carry.seq <= here.seq
                && carry.reference <= parts(options.reference_time)
                && carry.rules.len() == state.rules.len()
                && carry.kinds.iter().map(|k| k.kind).eq(state.keys.keys().map(Kind::as_str))
        });
        if let Some(carry) = carry {
            facts.recall(carry.seq, &carry.derived.0);
            let changes = if carry.seq == facts.meta().id.seq {
                Some(Vec::new())
            } else {
                facts.changes_since(carry.seq)?
            };
            if let Some(changes) = changes
                && state.joins.recall(carry.joins)
            {
                state.take(set, (&carry.kinds, carry.rules), changes, options);
            }
        }
        Ok(state)
    }

    fn judged(&self, set: &RuleSet) -> u64 {
        let ids = self.rules.iter().filter_map(|r| set.definitions().get(r.at));
        hash(ids.map(|r| r.meta.id.as_str()).collect::<Vec<_>>().join("\n").as_bytes())
    }

    /// Takes over what a blob carries, less what changed.
    fn take(
        &mut self,
        set: &RuleSet,
        (kinds, rules): (&[KindKeys<'_>], Vec<RuleCarry<'c>>),
        changes: Vec<Change>,
        options: &Options<'_>,
    ) {
        self.stats.carried = true;
        for (keys, carried) in self.keys.values_mut().zip(kinds) {
            keys.carried = carried.hashes();
        }
        let mut by_kind: BTreeMap<Kind, Vec<Change>> = BTreeMap::new();
        for change in changes {
            self.changed.add(change.key.clone());
            by_kind.entry(change.kind.clone()).or_default().push(change);
        }
        for (state, carried) in self.rules.iter_mut().zip(rules) {
            let Some(rule) = set.definitions().get(state.at) else { continue };
            let holds = carried.holds();
            let limited = carried.findings.iter().any(|f| f.again);
            let touched = rule.input != Input::Resource
                && (limited || rule.meta.kinds.iter().any(|k| by_kind.contains_key(k)));
            let same = carried.coverage == state.fingerprint && holds.at(options.reference_time);
            // Nothing here says what changed in other subjects.
            let across = rule.joins.iter().any(|j| j.across);
            if !same || touched || across {
                continue;
            }
            state.counts = carried.counts();
            state.holds = holds;
            state.said = Table::carried(carried.said);
            if rule.input != Input::Resource {
                state.findings = carried.findings;
                state.again = Again::Some(BTreeSet::new());
                continue;
            }
            let same = carried.findings.into_iter().filter(|f| !self.changed.has(&f.key));
            let (again, findings): (Vec<Kept<'_>>, Vec<Kept<'_>>) = same.partition(|f| f.again);
            state.findings = findings;
            let again = again.iter().filter_map(|f| ResourceKey::new(&f.key).ok());
            state.again = Again::Some(again.collect());
        }
        self.changes = Some(by_kind);
    }

    /// Reads the targets of joins: all of them anew, else those that changed;
    /// then finds whose lookups may answer otherwise.
    pub(super) fn read_targets(
        &mut self,
        set: &RuleSet,
        facts: &dyn Facts,
    ) -> Result<(), FactsError> {
        if self.changes.is_none() {
            for kind in self.joins.kinds() {
                for loaded in self.hold(facts, &kind)?.iter() {
                    self.joins.add_target(loaded);
                }
            }
            self.joins.sort();
            self.joins.all_taken_in();
            return Ok(());
        }
        let mut dirty = self.joins.drop_changed(|key| self.changed.has(key));
        let gone = self.changes.iter().flat_map(BTreeMap::values).flatten();
        gone.filter(|c| c.op == ChangeOp::Remove).for_each(|c| self.joins.remove(&c.key));
        for kind in self.joins.kinds() {
            let keys = self.changed_keys(&kind);
            for loaded in self.fetch(facts, &keys)? {
                dirty.extend(self.joins.add_target(&Arc::new(loaded)));
            }
        }
        let affected = self.joins.watching(&dirty);
        self.joins.sort();
        for (target, key) in affected {
            for (n, state) in self.rules.iter_mut().enumerate() {
                let Some(rule) = set.definitions().get(state.at) else { continue };
                let of_kind = rule.meta.kinds.iter().any(|k| k.as_str() == key.kind());
                if let Again::Some(again) = &mut state.again
                    && of_kind
                    && self.joins.uses(n, target)
                {
                    again.insert(key.clone());
                }
            }
        }
        Ok(())
    }

    /// Brings findings and the numbers of resources up to date, once all resource rules
    /// have been asked.
    pub(super) fn settle(&mut self) {
        self.keys.values_mut().for_each(HashKeys::settle);
        self.rules.iter_mut().for_each(RuleState::settle);
    }

    /// Lets go of all that was read, once all is judged.
    pub(super) fn release(&mut self) {
        self.held = HashMap::new();
        self.joins.release();
    }

    /// The kinds that resource rules judge.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.keys.keys().cloned().collect()
    }

    /// The keys of a kind that changed and are still there.
    pub(super) fn changed_keys(&self, kind: &Kind) -> Vec<ResourceKey> {
        let changes = self.changes.as_ref().and_then(|c| c.get(kind)).into_iter().flatten();
        changes.filter(|c| c.op != ChangeOp::Remove).map(|c| c.key.clone()).collect()
    }

    /// Notes which resources of a kind are gone, everywhere.
    pub(super) fn drop_removed(&mut self, kind: &Kind) {
        let changes = self.changes.as_ref().and_then(|c| c.get(kind)).into_iter().flatten();
        let Some(keys) = self.keys.get_mut(kind) else { return };
        for change in changes.filter(|c| c.op == ChangeOp::Remove) {
            keys.news.insert(hash(change.key.as_str().as_bytes()), false);
        }
    }

    /// Notes a resource that a resource rule's kind holds; whether it is new
    /// or changed.
    pub(super) fn note(&mut self, loaded: &Loaded, looked: &[Lookup]) {
        let key = &loaded.resource.key;
        if self.changes.is_some() && !self.changed.has(key.as_str()) {
            return;
        }
        if let Some(keys) = self.keys.get_mut(&loaded.resource.kind) {
            let hash = hash(key.as_str().as_bytes());
            if self.changes.is_some() {
                keys.news.insert(hash, true);
            } else {
                keys.carried.push(hash);
            }
        }
        self.joins.add_watcher(loaded, looked);
    }

    /// Whether a resource changed since the prior blob; all have without one.
    pub(super) fn is_changed(&self, key: &ResourceKey) -> bool {
        self.changes.is_none() || self.changed.has(key.as_str())
    }

    /// All resources of a kind, read once and kept.
    pub(super) fn hold(
        &mut self,
        facts: &dyn Facts,
        kind: &Kind,
    ) -> Result<Arc<Vec<Arc<Loaded>>>, FactsError> {
        if let Some(held) = self.held.get(kind) {
            return Ok(Arc::clone(held));
        }
        let mut all = Vec::new();
        let bodies = &mut self.bodies;
        let mut batch = Vec::with_capacity(input::BATCH);
        facts.each(kind, &mut |fact| {
            batch.push(fact);
            if batch.len() == input::BATCH {
                all.extend(bodies.load(std::mem::take(&mut batch)).into_iter().map(Arc::new));
            }
        })?;
        all.extend(bodies.load(batch).into_iter().map(Arc::new));
        self.stats.read += all.len() as u64;
        let all = Arc::new(all);
        self.held.insert(kind.clone(), Arc::clone(&all));
        Ok(all)
    }

    /// A kind that has been read as a whole already.
    pub(super) fn held(&self, kind: &Kind) -> Option<Arc<Vec<Arc<Loaded>>>> {
        self.held.get(kind).map(Arc::clone)
    }

    /// The resources with these keys.
    pub(super) fn fetch(
        &mut self,
        facts: &dyn Facts,
        keys: &[ResourceKey],
    ) -> Result<Vec<Loaded>, FactsError> {
        let mut found = Vec::with_capacity(keys.len());
        if !keys.is_empty() {
            facts.fetch(keys, &mut |fact| found.push(fact))?;
        }
        self.stats.read += found.len() as u64;
        Ok(self.bodies.load(found))
    }

    /// What a rule said: its findings, in any order, and its counts without
    /// gaps in coverage.
    pub(super) fn outcome<'s>(
        &self,
        set: &'s RuleSet,
        at: usize,
    ) -> Option<(&'s Rule, Vec<Finding>, Counts)> {
        let state = self.rules.get(at)?;
        let rule = set.definitions().get(state.at)?;
        let said = state.said.read();
        let findings: Vec<Finding> = state.findings.iter().map(|k| k.finding(&said)).collect();
        if rule.input != Input::Resource {
            return Some((rule, findings, state.counts));
        }
        let total: usize =
            rule.meta.kinds.iter().filter_map(|k| self.keys.get(k)).map(|k| k.carried.len()).sum();
        let count = |verdict| findings.iter().filter(|f| f.verdict == verdict).count() as u64;
        let [fail, missing, abort] = [Verdict::Fail, Verdict::Missing, Verdict::Abort].map(count);
        let pass = (total as u64).saturating_sub(fail + missing + abort);
        Some((rule, findings, Counts { pass, fail, abort, missing }))
    }

    /// Until when the answers of a rule on collections hold. Those of resource
    /// rules are carried one by one, and the earliest of them may be gone.
    pub(super) fn valid_until(&self, rule: &Rule, at: usize) -> Option<Timestamp> {
        let state = self.rules.get(at).filter(|_| rule.input != Input::Resource)?;
        match state.holds {
            Holds::Until(until) => Some(until),
            Holds::Now | Holds::Forever => None,
        }
    }

    /// The blob for the next snapshot.
    pub(super) fn finish(
        mut self,
        set: &RuleSet,
        facts: &Derived<'_>,
        options: &Options<'_>,
    ) -> Vec<u8> {
        self.joins.sort();
        let judged = self.judged(set);
        let meta = facts.meta();
        let rules = self
            .rules
            .into_iter()
            .map(|r| RuleCarry::new(r.fingerprint, r.holds, r.counts, r.said, r.findings));
        let carry = Carry {
            digest: set.digest().0,
            judged,
            subject: meta.id.subject.as_str(),
            seq: meta.id.seq,
            reference: parts(options.reference_time),
            derived: Raw(facts.remember().into()),
            kinds: self.keys.iter().map(|(k, h)| KindKeys::new(k.as_str(), &h.carried)).collect(),
            joins: self.joins.carried(),
            rules: rules.collect(),
        };
        carry.write()
    }
}
