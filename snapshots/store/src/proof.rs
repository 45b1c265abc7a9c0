//! Proofs of inclusion: that a resource had this body in a snapshot of a log,
//! checked without the store.
//!
//! ```text
//! salt, body ─▶ leaf ─path─▶ root of its kind ─▶ manifest ─log_path─▶ root ─▶ checkpoint
//! ```
//! Only what the leaf holds is proven: key and body. Signatures below the
//! checkpoint are not looked at here.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{Digest, Fact, IdError, Kind, ResourceKey, Salt, leaf};

use crate::manifest::{self, MANIFEST, Manifest};
use crate::merkle;
use crate::{Checkpoint, Log, SnapshotReader, StoreError};

/// The format of proofs written here.
const PROOF: &str = "tidegate.proof/v1";

/// A proof as JSON; `schemas/proof.schema.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// `tidegate.proof/v1`.
    pub schema: String,
    /// The resource.
    pub key: ResourceKey,
    /// 32 hex digits.
    pub salt: String,
    /// The text of its canonical JSON.
    pub body: String,
    /// Its place among those of its kind, in order of key bytes, from 0.
    pub index: u64,
    /// From its leaf to the root of its kind.
    pub path: Vec<Digest>,
    /// The text of the manifest.
    pub manifest: String,
    /// From the manifest's leaf to the root of the log.
    pub log_path: Vec<Digest>,
    /// The checkpoint over the log, a note.
    pub checkpoint: String,
}

/// What a proof proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The snapshot that the resource was in.
    pub manifest: Manifest,
    /// The log that the snapshot is in.
    pub checkpoint: Checkpoint,
}

/// Why a proof proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The text is no proof.
    #[error("it is not a proof of format `{PROOF}`: {why}")]
    Format {
        /// One clause.
        why: String,
    },
    /// Its manifest is none, or was changed.
    #[error("its manifest is not one")]
    Manifest(#[source] Box<StoreError>),
    /// Its checkpoint is none.
    #[error("its checkpoint is not one")]
    Checkpoint(#[source] IdError),
    /// The manifest has no resources of this kind.
    #[error("snapshot `{snapshot}` has no `{kind}`")]
    NoKind {
        /// The snapshot.
        snapshot: String,
        /// The kind of the key.
        kind: String,
    },
    /// The body does not lead to the root that the manifest names.
    #[error("key, salt, body and path do not give the root that the manifest names")]
    Leaf,
    /// The manifest does not lead to the root of the checkpoint.
    #[error("the manifest and its path do not give the root of the checkpoint")]
    Log,
}

impl Proof {
    /// Reads a proof; white space does not matter.
    ///
    /// # Errors
    /// [`ProofError::Format`] if it is none, or not written as it should be.
    pub fn parse(json: &[u8]) -> Result<Self, ProofError> {
        let odd = |why: &dyn std::fmt::Display| ProofError::Format { why: why.to_string() };
        let value: Value = serde_json::from_slice(json).map_err(|e| odd(&e))?;
        let proof: Self = serde_json::from_value(value.clone()).map_err(|e| odd(&e))?;
        // Nothing may be written in two ways, or a changed proof would pass.
        if serde_json::to_value(&proof).map_err(|e| odd(&e))? != value {
            return Err(odd(&"a hash is not written in lower-case hex digits"));
        }
        if proof.schema != PROOF {
            return Err(odd(&format!("its schema is `{}`", proof.schema)));
        }
        Ok(proof)
    }

    /// Follows both paths.
    ///
    /// # Errors
    /// [`ProofError`] says at which step it does not lead on.
    pub fn check(&self) -> Result<Proven, ProofError> {
        let manifest = manifest::unseal::<Manifest>("manifest", self.manifest.as_bytes(), MANIFEST);
        let manifest = manifest.map_err(|e| ProofError::Manifest(Box::new(e)))?;
        let checkpoint: Checkpoint = self.checkpoint.parse().map_err(ProofError::Checkpoint)?;
        let tree = manifest.kinds.get(self.key.kind()).ok_or_else(|| ProofError::NoKind {
            snapshot: manifest.id().to_string(),
            kind: self.key.kind().to_owned(),
        })?;
        let salt = unhex(&self.salt).ok_or_else(|| ProofError::Format {
            why: "its salt does not have 32 lower-case hex digits".to_owned(),
        })?;
        let found = leaf(self.key.as_str(), &salt, &self.body);
        if merkle::root_of_path(found, self.index, tree.count, &self.path) != Some(tree.root) {
            return Err(ProofError::Leaf);
        }
        let entry = merkle::entry_leaf(self.manifest.as_bytes());
        let Manifest { subject, seq, .. } = &manifest;
        let at = seq.checked_sub(1).ok_or(ProofError::Log)?;
        let root = merkle::root_of_path(entry, at, checkpoint.size, &self.log_path);
        if root != Some(checkpoint.root) || checkpoint.subject != *subject {
            return Err(ProofError::Log);
        }
        Ok(Proven { manifest, checkpoint })
    }
}

/// A resource of a snapshot with what its leaf is made of.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The resource as rules see it.
    pub fact: Fact,
    /// `SHA-256(0x00 ‖ key ‖ SHA-256(salt ‖ body))`.
    pub leaf: Digest,
    /// 32 hex digits; absent if the body was erased.
    pub salt: Option<String>,
}

impl SnapshotReader {
    /// Hands over the resources of a kind in order of key bytes, with their
    /// leaves; the root over these is checked at the end.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] naming an object.
    pub fn each_with_leaf(
        &self,
        kind: &Kind,
        visit: &mut dyn FnMut(Sealed),
    ) -> Result<(), StoreError> {
        self.each_sealed(kind, &mut |fact, leaf, salt| {
            visit(Sealed { fact, leaf, salt: salt.map(|s| hex(&s)) });
        })
    }

    /// Proves that a resource is in this snapshot, and that in the log that
    /// `note` is a checkpoint of. `None` if the snapshot does not hold it, or no
    /// longer holds its body. Reads all of its kind.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] naming an object, also
    /// if the checkpoint is not one of this log or does not cover the snapshot.
    pub fn prove(
        &self,
        key: &ResourceKey,
        log: &Log,
        note: &str,
    ) -> Result<Option<Proof>, StoreError> {
        let manifest = self.manifest();
        let object = manifest::path(&manifest.subject, manifest.seq).to_string();
        let odd = |why: &dyn std::fmt::Display| StoreError::damaged(&object, why);
        let checkpoint: Checkpoint = note.parse().map_err(|e| odd(&e))?;
        log.check(&checkpoint).map_err(|e| odd(&e))?;
        let log_path = log.path(manifest.seq, checkpoint.size);
        let log_path = log_path.ok_or_else(|| odd(&"the checkpoint does not cover it"))?;
        let Ok(kind) = Kind::new(key.kind()) else { return Ok(None) };
        let mut leaves = Vec::new();
        let mut found = None;
        self.each_sealed(&kind, &mut |fact, leaf, salt| {
            if fact.resource.key == *key {
                found = salt.map(|salt| (leaves.len(), salt, fact.resource.body));
            }
            leaves.push(leaf);
        })?;
        let Some((at, salt, body)) = found else { return Ok(None) };
        Ok(Some(Proof {
            schema: PROOF.to_owned(),
            key: key.clone(),
            salt: hex(&salt),
            body: body.as_ref().to_owned(),
            index: at as u64,
            path: merkle::path(&leaves, at).unwrap_or_default(),
            manifest: self.manifest_text()?,
            log_path,
            checkpoint: note.to_owned(),
        }))
    }
}

fn hex(salt: &Salt) -> String {
    salt.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<Salt> {
    let plain = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 32 || !text.bytes().all(plain) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
