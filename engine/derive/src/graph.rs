//! Facts computed over whole kinds: what changed is told by comparing all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidegate_model::{Change, ChangeOp, Fact, Kind, ResourceKey};

/// What there was, by key: a hash of all that is seen of it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Index(BTreeMap<String, [u8; 32]>);

impl Index {
    pub(crate) fn new(facts: &[Fact]) -> Self {
        Self(facts.iter().map(|f| (f.resource.key.as_str().to_owned(), hash(f))).collect())
    }

    /// How what there is now differs. A key that cannot be read back has left
    /// no finding that would have to go.
    pub(crate) fn changes(mut self, kind: &Kind, facts: &[Fact]) -> Vec<Change> {
        let change = |key, op| Change { key, kind: kind.clone(), op };
        let mut out = Vec::new();
        for fact in facts {
            let key = &fact.resource.key;
            if self.0.remove(key.as_str()) != Some(hash(fact)) {
                let op = if fact.unseen_since.is_some() { ChangeOp::Unseen } else { ChangeOp::Put };
                out.push(change(key.clone(), op));
            }
        }
        let gone = self.0.keys().filter_map(|k| ResourceKey::new(k).ok());
        out.extend(gone.map(|key| change(key, ChangeOp::Remove)));
        out
    }
}

fn hash(fact: &Fact) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(format!("{:?}\n", fact.unseen_since).as_bytes());
    hash.update(fact.resource.body.as_bytes());
    hash.finalize().into()
}
