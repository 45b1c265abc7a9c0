//! Manifests: what was true when, each naming the one before it.

use std::collections::BTreeMap;

use bytes::Bytes;
use object_store::path::Path;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{Digest, Kind, KindCoverage, SnapshotId, SnapshotMeta, Subject, Timestamp};

use crate::StoreError;

/// The format of manifests written here.
pub(crate) const MANIFEST: &str = "tidegate.manifest/v1";

/// The head of one snapshot; its put is the commit.
///
/// Stored as canonical JSON in `manifests/<subject>/<seq>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `tidegate.manifest/v1`.
    pub schema: String,
    /// The cloud or cluster.
    pub subject: Subject,
    /// The number in the chain of that subject, from 1.
    pub seq: u64,
    /// When collecting began.
    pub taken_at: Timestamp,
    /// The tidegate that collected.
    pub tool_version: String,
    /// Per source, region and kind, in that order.
    pub coverage: Vec<KindCoverage>,
    /// The kinds that have resources, unseen ones included.
    pub kinds: BTreeMap<Kind, KindTree>,
    /// SHA-256 of the segment that holds what changed, as first written.
    pub delta: Digest,
    /// The newest record of the subject when this was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<LastRecord>,
    /// SHA-256 of the previous manifest's bytes; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// SHA-256 of this manifest's canonical JSON without this member. The next
    /// manifest guards this one; this guards the newest, which has no next.
    pub checksum: Digest,
}

/// The resources of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindTree {
    /// How many there are.
    pub count: u64,
    /// The RFC 6962 root over their leaves in order of key bytes.
    pub root: Digest,
}

/// Names a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRecord {
    /// Its number.
    pub n: u64,
    /// SHA-256 of its bytes.
    pub hash: Digest,
}

impl Manifest {
    /// The snapshot it is the head of.
    #[must_use]
    pub fn id(&self) -> SnapshotId {
        SnapshotId { subject: self.subject.clone(), seq: self.seq }
    }

    /// How many resources the snapshot holds.
    #[must_use]
    pub fn resources(&self) -> u64 {
        self.kinds.values().map(|k| k.count).sum()
    }

    /// What rules are told of the snapshot.
    #[must_use]
    pub fn meta(&self) -> SnapshotMeta {
        SnapshotMeta { id: self.id(), taken_at: self.taken_at, coverage: self.coverage.clone() }
    }

    /// Sets the checksum and gives the bytes to store.
    pub(crate) fn seal(&mut self) -> Result<Bytes, StoreError> {
        let (bytes, sum) = seal(path(&self.subject, self.seq).as_ref(), &*self)?;
        self.checksum = sum;
        Ok(bytes)
    }

    /// Reads and checks the manifest `seq` of `subject`.
    pub(crate) fn open(subject: &Subject, seq: u64, bytes: &[u8]) -> Result<Self, StoreError> {
        let object = path(subject, seq).to_string();
        let manifest: Self = unseal(&object, bytes, MANIFEST)?;
        if manifest.subject != *subject || manifest.seq != seq {
            let why = format!("it is the manifest of `{}`", manifest.id());
            return Err(StoreError::damaged(object, why));
        }
        Ok(manifest)
    }
}

/// Where a manifest is.
pub(crate) fn path(subject: &Subject, seq: u64) -> Path {
    Path::from(format!("manifests/{subject}/{seq}.json"))
}

/// Reads a JSON object in canonical form whose member `schema` must be `known`.
pub(crate) fn parse(object: &str, bytes: &[u8], known: &'static str) -> Result<Value, StoreError> {
    let canonical =
        tidegate_model::canonical(bytes, &()).map_err(|e| StoreError::damaged(object, e))?;
    if canonical.as_bytes() != bytes {
        return Err(StoreError::damaged(object, "it is not canonical JSON"));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|e| StoreError::damaged(object, e))?;
    let found = value.get("schema").and_then(Value::as_str).unwrap_or_default();
    check_schema(object, found, known)?;
    Ok(value)
}

/// Refuses a format that is not the known one; one with the same name and
/// another number is a newer one.
pub(crate) fn check_schema(
    object: &str,
    found: &str,
    known: &'static str,
) -> Result<(), StoreError> {
    if found == known {
        return Ok(());
    }
    let name = |s: &str| s.rsplit_once("/v").map(|(name, n)| (name.to_owned(), n.parse::<u64>()));
    match (name(found), name(known)) {
        (Some((a, Ok(n))), Some((b, Ok(m)))) if a == b && n > m => {
            Err(StoreError::Newer { object: object.to_owned(), found: found.to_owned(), known })
        }
        _ => {
            let why = format!("its format is `{found}`, expected `{known}`");
            Err(StoreError::damaged(object, why))
        }
    }
}

/// The canonical JSON of `content` with its member `checksum` set right, and that
/// checksum.
pub(crate) fn seal(object: &str, content: &impl Serialize) -> Result<(Bytes, Digest), StoreError> {
    let value = serde_json::to_value(content).map_err(|e| StoreError::damaged(object, e))?;
    let Value::Object(mut members) = value else {
        return Err(StoreError::damaged(object, "it is not a JSON object"));
    };
    members.remove("checksum");
    let sum = Digest::of(canonical(object, &members)?.as_bytes());
    members.insert("checksum".into(), sum.to_string().into());
    Ok((canonical(object, &members)?.into(), sum))
}

/// Reads what [`seal`] made.
pub(crate) fn unseal<T: DeserializeOwned>(
    object: &str,
    bytes: &[u8],
    known: &'static str,
) -> Result<T, StoreError> {
    let Value::Object(mut members) = parse(object, bytes, known)? else {
        return Err(StoreError::damaged(object, "it is not a JSON object"));
    };
    let said = members.remove("checksum").unwrap_or_default();
    let sum = Digest::of(canonical(object, &members)?.as_bytes());
    if said != sum.to_string() {
        let said = said.as_str().unwrap_or("none");
        let why = format!("its checksum is {said}, its content has {sum}");
        return Err(StoreError::damaged(object, why));
    }
    members.insert("checksum".into(), said);
    serde_json::from_value(Value::Object(members)).map_err(|e| StoreError::damaged(object, e))
}

fn canonical(object: &str, content: &impl Serialize) -> Result<String, StoreError> {
    let raw = serde_json::to_vec(content).map_err(|e| StoreError::damaged(object, e))?;
    tidegate_model::canonical(&raw, &()).map_err(|e| StoreError::damaged(object, e))
}
