//! A collection that is looked at and not kept.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::{
    Change, Collected, Fact, Facts, FactsError, Kind, ResourceKey, SnapshotId, SnapshotMeta,
};
use tokio::sync::mpsc;

use crate::cmd::Context;
use crate::cmd::collect::{self, PAGES_WAITING};
use crate::cmd::targets::Target;
use crate::env;
use crate::failure::{Failure, Result};

/// What a cloud or cluster showed just now, of some kinds.
pub(crate) struct Gathered {
    meta: SnapshotMeta,
    facts: BTreeMap<ResourceKey, Fact>,
}

impl Gathered {
    /// Reads these kinds of a target, whole. Nothing is stored: a collection of some
    /// kinds would make all others look unseen. Its number is 0, which no snapshot
    /// has.
    pub(crate) async fn read(
        ctx: &mut Context<'_>,
        target: &Target,
        kinds: &BTreeSet<Kind>,
    ) -> Result<Self> {
        let id = SnapshotId { subject: target.subject.clone(), seq: 0 };
        let meta = SnapshotMeta { id, taken_at: env::now(), coverage: Vec::new() };
        let mut gathered = Self { meta, facts: BTreeMap::new() };
        let (tx, mut rx) = mpsc::channel(PAGES_WAITING);
        ctx.ui.progress(&format!("{}: reading what the wave rests on", target.subject));
        let collector = collect::start(ctx, target, BTreeSet::new(), Some(kinds), tx)?;
        while let Some(message) = rx.recv().await {
            match message {
                Collected::Page(page) => {
                    for resource in page.into_iter().filter(|r| kinds.contains(&r.kind)) {
                        let fact = Fact { resource, unseen_since: None };
                        gathered.facts.insert(fact.resource.key.clone(), fact);
                    }
                }
                Collected::Coverage(coverage) if kinds.contains(&coverage.kind) => {
                    gathered.meta.coverage.push(coverage);
                }
                Collected::Coverage(_) => {}
            }
        }
        collector.await.map_err(|e| {
            Failure::new(format!("reading `{}` broke off", target.subject)).caused_by(Some(&e))
        })??;
        Ok(gathered)
    }
}

impl Facts for Gathered {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn each(
        &self,
        kind: &Kind,
        visit: &mut dyn FnMut(Fact),
    ) -> std::result::Result<(), FactsError> {
        self.facts.values().filter(|f| f.resource.kind == *kind).cloned().for_each(visit);
        Ok(())
    }

    fn fetch(
        &self,
        keys: &[ResourceKey],
        visit: &mut dyn FnMut(Fact),
    ) -> std::result::Result<(), FactsError> {
        keys.iter().filter_map(|k| self.facts.get(k)).cloned().for_each(visit);
        Ok(())
    }

    fn changes_since(&self, _seq: u64) -> std::result::Result<Option<Vec<Change>>, FactsError> {
        Ok(None)
    }

    fn at(&self, _seq: u64) -> std::result::Result<Option<Box<dyn Facts + '_>>, FactsError> {
        Ok(None)
    }
}
