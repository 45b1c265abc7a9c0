//! Kinds whose facts need no more than one resource each: nothing has to be
//! remembered to tell what changed.

use std::collections::BTreeMap;

use tidegate_model::{Change, ChangeOp, Fact, Facts, FactsError, Kind, Resource, ResourceKey};

use crate::{fetched, unwrapped, wrapped};

/// How the facts of such a kind are made.
pub(crate) struct Single {
    pub(crate) kind: &'static str,
    /// The kind that it is made from.
    pub(crate) input: &'static str,
    /// The keys of all resources that a fact can stand for begin so.
    pub(crate) possible: &'static str,
    /// The body for a resource; none if no fact stands for it.
    pub(crate) body: fn(&Fact) -> Option<String>,
}

impl Single {
    /// Hands out all facts, in order of key.
    pub(crate) fn each(
        &self,
        facts: &dyn Facts,
        kind: &Kind,
        visit: &mut dyn FnMut(Fact),
    ) -> Result<(), FactsError> {
        let Ok(input) = Kind::new(self.input) else { return Ok(()) };
        facts.each(&input, &mut |of| {
            if let Some(made) = self.made(&of, kind) {
                visit(made);
            }
        })
    }

    /// Hands out the facts with these keys, as far as there are.
    pub(crate) fn fetch(
        &self,
        facts: &dyn Facts,
        kind: &Kind,
        keys: &[ResourceKey],
        visit: &mut dyn FnMut(Fact),
    ) -> Result<(), FactsError> {
        let of: Vec<ResourceKey> = keys.iter().filter_map(|k| unwrapped(k, self.kind)).collect();
        fetched(facts, &of)?.iter().filter_map(|of| self.made(of, kind)).for_each(visit);
        Ok(())
    }

    /// The changes of the facts, in any order, given those of the input. A
    /// resource that no fact stands for has its fact removed, whether or not there
    /// was one before.
    pub(crate) fn changes(
        &self,
        facts: &dyn Facts,
        kind: &Kind,
        changes: &[Change],
    ) -> Result<Vec<Change>, FactsError> {
        let ops: BTreeMap<&ResourceKey, ChangeOp> = changes
            .iter()
            .filter(|c| c.key.as_str().starts_with(self.possible))
            .map(|c| (&c.key, c.op))
            .collect();
        let keys: Vec<ResourceKey> = ops.keys().map(|key| (*key).clone()).collect();
        let of = fetched(facts, &keys)?;
        let made = of.iter().filter(|of| self.made(of, kind).is_some());
        let there: BTreeMap<&ResourceKey, ChangeOp> = made
            .filter_map(|of| ops.get_key_value(&of.resource.key))
            .map(|(key, op)| (*key, *op))
            .collect();
        let change = |key: &&ResourceKey| {
            let op = there.get(*key).copied().unwrap_or(ChangeOp::Remove);
            Some(Change { key: wrapped(key, self.kind)?, kind: kind.clone(), op })
        };
        Ok(ops.keys().filter_map(change).collect())
    }

    /// The fact for a resource, if there is one.
    fn made(&self, fact: &Fact, kind: &Kind) -> Option<Fact> {
        let of = &fact.resource;
        if !of.key.as_str().starts_with(self.possible) {
            return None;
        }
        let resource = Resource {
            key: wrapped(&of.key, self.kind)?,
            kind: kind.clone(),
            body: (self.body)(fact)?.into(),
            ..of.clone()
        };
        Some(Fact { resource, unseen_since: fact.unseen_since })
    }
}
