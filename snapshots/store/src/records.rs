//! Records: what was decided or done, as said then. A chain of its own for
//! each subject.

use std::collections::BTreeSet;

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidegate_model::{Digest, Salt, Subject, Timestamp};

use crate::manifest::{self, LastRecord};
use crate::objects::Objects;
use crate::{Store, StoreError};

/// The format of records written here.
const RECORD: &str = "tidegate.record/v1";
/// How often a number is tried that somebody else took meanwhile.
const TRIES: usize = 64;

/// A link in the chain of records; `records/<subject>/<n>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// `tidegate.record/v1`.
    pub schema: String,
    /// The cloud or cluster.
    pub subject: Subject,
    /// The number in the chain of that subject, from 1.
    pub n: u64,
    /// What it is, such as `evaluation` or `gate`.
    pub kind: String,
    /// When it was made.
    pub time: Timestamp,
    /// SHA-256 of 16 random bytes and the payload. Both stand in
    /// `records/<subject>/<n>-<this>.payload`, where they can be erased.
    pub payload: Digest,
    /// SHA-256 of the previous record's bytes; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// SHA-256 of this record's canonical JSON without this member. The next
    /// record guards this one; this guards the newest, which has no next.
    pub checksum: Digest,
}

impl Store {
    /// Writes a record; gives its number. Needs no index, so it works while
    /// another process collects.
    ///
    /// `salt` is random and keeps an erased small payload from being guessed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if others keep being first;
    /// [`StoreError::Objects`] if storage fails.
    pub async fn record(
        &self,
        subject: &Subject,
        kind: &str,
        time: Timestamp,
        salt: Salt,
        payload: &[u8],
    ) -> Result<u64, StoreError> {
        if self.inner.objects().is_none() {
            self.inner.writable().await?;
        }
        let objects = self.inner.open_objects()?;
        let hash = salted(&salt, payload);
        let mut n = 0;
        for _ in 0..TRIES {
            let last = newest(objects, subject).await?;
            n = last.map_or(0, |l| l.n) + 1;
            let record = Record {
                schema: RECORD.to_owned(),
                subject: subject.clone(),
                n,
                kind: kind.to_owned(),
                time,
                payload: hash,
                previous: last.map(|l| l.hash),
                checksum: hash,
            };
            let path = path(subject, n);
            let (bytes, _) = manifest::seal(path.as_ref(), &record)?;
            let beside = payload_path(subject, n, &hash);
            objects.put(&beside, Bytes::from([salt.as_slice(), payload].concat())).await?;
            if objects.create(&path, bytes).await? {
                return Ok(n);
            }
            objects.delete(&beside).await?;
        }
        Err(StoreError::Conflict { subject: subject.clone(), seq: n })
    }

    /// The records of a subject, oldest first. The chain is checked.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] naming a record.
    pub async fn records(&self, subject: &Subject) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let Some(objects) = self.inner.objects() else { return Ok(records) };
        let mut previous = None;
        for n in 1..=newest_number(objects, subject).await? {
            let (record, hash) = read(objects, subject, n).await?;
            if record.previous != previous {
                let why = format!("it does not follow record {}", n - 1);
                return Err(StoreError::damaged(path(subject, n).to_string(), why));
            }
            previous = Some(hash);
            records.push(record);
        }
        Ok(records)
    }

    /// The payload of a record; `None` once it was erased.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it does not have the hash that the record
    /// names.
    pub async fn payload(&self, record: &Record) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(objects) = self.inner.objects() else { return Ok(None) };
        Ok(payload(objects, record).await?.map(|(_, payload)| payload))
    }
}

impl Store {
    /// The bytes of a record and, unless they were erased, salt and payload:
    /// what an auditor computes its hashes from.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] naming the object.
    pub async fn record_parts(
        &self,
        record: &Record,
    ) -> Result<(Bytes, Option<(Salt, Vec<u8>)>), StoreError> {
        let objects = self.inner.open_objects()?;
        let bytes = objects.get(&path(&record.subject, record.n)).await?;
        Ok((bytes, payload(objects, record).await?))
    }
}

/// Salt and payload of a record; `None` once they were erased.
pub(crate) async fn payload(
    objects: &Objects,
    record: &Record,
) -> Result<Option<(Salt, Vec<u8>)>, StoreError> {
    let path = payload_path(&record.subject, record.n, &record.payload);
    let Some(bytes) = objects.find(&path).await? else { return Ok(None) };
    let right = |(salt, payload): (&[u8], &[u8])| {
        let salt: Salt = salt.try_into().ok()?;
        (salted(&salt, payload) == record.payload).then(|| (salt, payload.to_vec()))
    };
    let payload = bytes.split_at_checked(16).and_then(right);
    let damaged = || StoreError::damaged(path.to_string(), "it does not have its hash");
    payload.map(Some).ok_or_else(damaged)
}

/// Names the newest record of a subject.
pub(crate) async fn newest(
    objects: &Objects,
    subject: &Subject,
) -> Result<Option<LastRecord>, StoreError> {
    match newest_number(objects, subject).await? {
        0 => Ok(None),
        n => Ok(Some(LastRecord { n, hash: read(objects, subject, n).await?.1 })),
    }
}

async fn newest_number(objects: &Objects, subject: &Subject) -> Result<u64, StoreError> {
    Ok(numbers(objects, subject).await?.last().copied().unwrap_or(0))
}

/// The numbers of records that are there.
pub(crate) async fn numbers(
    objects: &Objects,
    subject: &Subject,
) -> Result<BTreeSet<u64>, StoreError> {
    objects.numbers(&Path::from(format!("records/{subject}"))).await
}

pub(crate) async fn read(
    objects: &Objects,
    subject: &Subject,
    n: u64,
) -> Result<(Record, Digest), StoreError> {
    let path = path(subject, n);
    let object = path.to_string();
    let bytes = objects.get(&path).await?;
    let record: Record = manifest::unseal(&object, &bytes, RECORD)?;
    if record.subject != *subject || record.n != n {
        let why = format!("it is record {} of `{}`", record.n, record.subject);
        return Err(StoreError::damaged(object, why));
    }
    Ok((record, Digest::of(&bytes)))
}

pub(crate) fn path(subject: &Subject, n: u64) -> Path {
    Path::from(format!("records/{subject}/{n}.json"))
}

fn payload_path(subject: &Subject, n: u64, hash: &Digest) -> Path {
    Path::from(format!("records/{subject}/{n}-{hash}.payload"))
}

fn salted(salt: &Salt, payload: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update(salt).chain_update(payload).finalize().into())
}
