//! What an audit need not ask again at the next snapshot.
//!
//! Whether a constraint is about an object is decided anew each time: that is
//! cheap. What its template then says is taken over for an object that did not
//! change, if the template looks at nothing but the object.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_model::{Digest, Facts, FactsError, Kind, ResourceKey, RuleId, Subject, Violation};
use tidegate_policy::ENGINE;

use crate::constraints::Constraints;

/// What is handed from one audit to the next.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Carry {
    made_by: String,
    digest: Digest,
    subject: Subject,
    seq: u64,
    pub(crate) judged: BTreeMap<RuleId, Kept>,
}

/// What a constraint said; of objects that are not named, nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) kinds: BTreeSet<Kind>,
    pub(crate) failed: BTreeMap<ResourceKey, Arc<[Violation]>>,
    /// Where there was no answer.
    pub(crate) again: BTreeSet<ResourceKey>,
}

/// What of an earlier audit still holds.
#[derive(Debug, Default)]
pub(crate) struct Prior {
    changed: HashSet<ResourceKey>,
    judged: BTreeMap<RuleId, Kept>,
}

impl Carry {
    pub(crate) fn new(set: &Constraints, facts: &dyn Facts) -> Self {
        let id = facts.meta().id.clone();
        let made_by = format!("{} {ENGINE}", env!("CARGO_PKG_VERSION"));
        let (digest, judged) = (set.digest(), BTreeMap::new());
        Self { made_by, digest, subject: id.subject, seq: id.seq, judged }
    }

    /// Opaque; empty where it cannot be written.
    pub(crate) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Prior {
    /// Reads what an earlier audit left; nothing if it was made with other
    /// constraints or an other version, or what changed since is not known.
    pub(crate) fn read(
        bytes: Option<&[u8]>,
        set: &Constraints,
        facts: &dyn Facts,
    ) -> Result<Self, FactsError> {
        let now = Carry::new(set, facts);
        let prior = bytes.and_then(|bytes| serde_json::from_slice::<Carry>(bytes).ok());
        let same = |prior: &Carry| {
            prior.made_by == now.made_by
                && prior.digest == now.digest
                && prior.subject == now.subject
                && prior.seq <= now.seq
        };
        let Some(prior) = prior.filter(same) else { return Ok(Self::default()) };
        let changes = match prior.seq == now.seq {
            true => Some(Vec::new()),
            false => facts.changes_since(prior.seq)?,
        };
        let Some(changes) = changes else { return Ok(Self::default()) };
        let changed = changes.into_iter().map(|c| c.key).collect();
        Ok(Self { changed, judged: prior.judged })
    }

    /// What a constraint said of an object that is as it was; `None` if it has to
    /// be asked.
    pub(crate) fn answer(
        &self,
        constraint: &RuleId,
        kind: &Kind,
        key: &ResourceKey,
    ) -> Option<Arc<[Violation]>> {
        let kept = self.judged.get(constraint)?;
        let holds =
            kept.kinds.contains(kind) && !kept.again.contains(key) && !self.changed.contains(key);
        holds.then(|| kept.failed.get(key).cloned().unwrap_or_default())
    }
}
