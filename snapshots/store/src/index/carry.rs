//! Blobs of the policy engine, by what they were made of.

use sled::Batch;
use tidegate_model::{Digest, Subject};

use super::{Broken, Index, guard};

/// So many are kept for a subject.
const CARRIES: usize = 8;

const AGE: &[u8] = b"a";
const BLOB: &[u8] = b"b";

impl Index {
    /// A blob of the policy engine; damaged ones are absent.
    pub(crate) fn carry(
        &self,
        subject: &Subject,
        digest: &Digest,
    ) -> Result<Option<Vec<u8>>, Broken> {
        let name = carry_tree(subject, &digest.to_string());
        let value = guard(|| {
            let known = self.db.tree_names().iter().any(|n| n.as_ref() == name.as_bytes());
            if known { self.db.open_tree(&name)?.get(BLOB) } else { Ok(None) }
        })?;
        Ok(value.and_then(|v| {
            let (sum, blob) = v.split_at_checked(32)?;
            (Digest::of(blob).0 == sum).then(|| blob.to_vec())
        }))
    }

    /// Keeps a blob, and forgets the oldest of the subject.
    pub(crate) fn set_carry(
        &self,
        subject: &Subject,
        digest: &Digest,
        blob: &[u8],
    ) -> Result<(), Broken> {
        self.hit("carry")?;
        guard(|| {
            let name = carry_tree(subject, &digest.to_string());
            let prefix = carry_tree(subject, "");
            let mut others = Vec::new();
            let mut newest = 0;
            for other in self.db.tree_names() {
                if other.starts_with(prefix.as_bytes()) {
                    let age = self.db.open_tree(&other)?.get(AGE)?;
                    let age = age.and_then(|a| a.as_ref().try_into().ok());
                    let age = age.map_or(0, u64::from_be_bytes);
                    newest = newest.max(age);
                    if other.as_ref() != name.as_bytes() {
                        others.push((age, other));
                    }
                }
            }
            others.sort();
            let surplus = (others.len() + 1).saturating_sub(CARRIES);
            for (_, other) in others.into_iter().take(surplus) {
                self.db.drop_tree(other)?;
            }
            let mut batch = Batch::default();
            batch.insert(AGE, newest.saturating_add(1).to_be_bytes().to_vec());
            batch.insert(BLOB, [&Digest::of(blob).0, blob].concat());
            self.db.open_tree(&name)?.apply_batch(batch)?;
            self.db.flush()
        })?;
        Ok(())
    }
}

/// A tree for each blob: sled keeps neighbours in one page, and would write
/// them all for each.
fn carry_tree(subject: &Subject, digest: &str) -> String {
    format!("c/{subject}/{digest}")
}
