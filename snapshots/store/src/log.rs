//! The log of a subject: its manifests as the leaves of one tree, and
//! checkpoints that name its size and root.
//!
//! A leaf is `SHA-256(0x00 ‖ manifest bytes)`, the first manifest's first; the
//! tree is that of RFC 6962. Whoever keeps a [`Checkpoint`] elsewhere can tell
//! later that no snapshot up to it was changed or taken away. Signatures below
//! a checkpoint are not looked at here.
//!
//! Source: C2SP tlog-checkpoint.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use object_store::path::Path;
use tidegate_model::{Digest, IdError, SnapshotId, Subject};

use crate::merkle;
use crate::store::Inner;
use crate::{Store, StoreError, manifest};

/// What the origin of a checkpoint opens with; the subject follows.
const ORIGIN: &str = "tidegate/";

/// Size and root of a log at some time.
///
/// Its text has three lines: `tidegate/<subject>`, how many snapshots there are,
/// the root in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose log it is.
    pub subject: Subject,
    /// How many snapshots it covers: all up to this number.
    pub size: u64,
    /// The root over their manifests.
    pub root: Digest,
}

impl Checkpoint {
    /// The newest snapshot that it covers.
    #[must_use]
    pub fn id(&self) -> SnapshotId {
        SnapshotId { subject: self.subject.clone(), seq: self.size }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, size, root } = self;
        writeln!(f, "{ORIGIN}{subject}\n{size}\n{}", STANDARD.encode(root.0))
    }
}

impl FromStr for Checkpoint {
    type Err = IdError;

    /// Reads the text of a checkpoint, or the whole note: signatures are left
    /// out.
    fn from_str(note: &str) -> Result<Self, IdError> {
        let first = note.lines().next().unwrap_or_default();
        let wrong = |why| IdError { what: "checkpoint", value: first.to_owned(), why };
        let text = note.split("\n\n").next().unwrap_or_default();
        let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
        let [origin, size, root] = lines.as_slice() else {
            return Err(wrong("its text must have three lines: origin, size, root"));
        };
        let subject = origin.strip_prefix(ORIGIN).ok_or(wrong("it is not one of tidegate"))?;
        let plain = |s: &&str| s.bytes().all(|b| b.is_ascii_digit()) && !s.starts_with('0');
        let size = Some(*size).filter(plain).and_then(|s| s.parse().ok());
        let root = STANDARD.decode(root).ok().and_then(|r| r.try_into().ok());
        Ok(Self {
            subject: Subject::new(subject)?,
            size: size.ok_or(wrong("its second line must be a number from 1"))?,
            root: Digest(root.ok_or(wrong("its third line must be 32 bytes in base64"))?),
        })
    }
}

/// A signed checkpoint in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// Its name: `checkpoints/<subject>/<size>-<SHA-256 of the note>.note`.
    pub object: String,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Its text with the signatures below it.
    pub note: String,
}

/// How a log and a checkpoint contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The checkpoint is one of another log.
    #[error("the checkpoint is of `{found}`")]
    OtherSubject {
        /// Whose it is.
        found: Subject,
    },
    /// The log is shorter than it was.
    #[error(
        "the checkpoint covers {size} snapshots, the store has {found}: \
         it was rolled back"
    )]
    RolledBack {
        /// Of the checkpoint.
        size: u64,
        /// Of the log.
        found: u64,
    },
    /// The log is at least as long, but other.
    #[error(
        "the first {size} manifests do not have the root of the checkpoint: \
         history was rewritten"
    )]
    Rewritten {
        /// Of the checkpoint.
        size: u64,
    },
}

/// The manifests of a subject as the leaves of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    subject: Subject,
    leaves: Vec<Digest>,
}

impl Log {
    pub(crate) fn new(subject: Subject) -> Self {
        Self { subject, leaves: Vec::new() }
    }

    pub(crate) fn push(&mut self, manifest: &[u8]) {
        self.leaves.push(merkle::entry_leaf(manifest));
    }

    pub(crate) fn truncate(&mut self, size: u64) {
        self.leaves.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    }

    /// How many snapshots it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// The checkpoint over the first `size` snapshots; `None` if there are fewer,
    /// and of none.
    #[must_use]
    pub fn checkpoint(&self, size: u64) -> Option<Checkpoint> {
        let leaves = self.first(size).filter(|l| !l.is_empty())?;
        Some(Checkpoint { subject: self.subject.clone(), size, root: merkle::root(leaves) })
    }

    /// Whether the log still begins as it did when `checkpoint` was made.
    ///
    /// # Errors
    /// [`Contradiction`] if it does not.
    pub fn check(&self, checkpoint: &Checkpoint) -> Result<(), Contradiction> {
        let Checkpoint { subject, size, root: _ } = checkpoint;
        if *subject != self.subject {
            return Err(Contradiction::OtherSubject { found: subject.clone() });
        }
        match self.checkpoint(*size) {
            Some(now) if now == *checkpoint => Ok(()),
            Some(_) => Err(Contradiction::Rewritten { size: *size }),
            None => Err(Contradiction::RolledBack { size: *size, found: self.size() }),
        }
    }

    /// The audit path of snapshot `seq` among the first `size`.
    pub(crate) fn path(&self, seq: u64, size: u64) -> Option<Vec<Digest>> {
        merkle::path(self.first(size)?, usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    fn first(&self, size: u64) -> Option<&[Digest]> {
        self.leaves.get(..usize::try_from(size).ok()?)
    }
}

impl Store {
    /// The log of a subject; the chain of its manifests is checked.
    ///
    /// # Errors
    /// [`StoreError::NoSubject`] if there are no snapshots;
    /// [`StoreError::Damaged`] or [`StoreError::Missing`] naming a manifest.
    pub async fn log(&self, subject: &Subject) -> Result<Log, StoreError> {
        let newest = self.resolve(subject, &crate::At::default()).await?.seq;
        let objects = self.inner.open_objects()?;
        let mut log = Log::new(subject.clone());
        let mut before = None;
        for seq in 1..=newest {
            let path = manifest::path(subject, seq);
            let bytes = objects.get(&path).await?;
            let read = manifest::Manifest::open(subject, seq, &bytes)?;
            if read.previous != before {
                let why = format!("it does not follow `{subject}@{}`", seq - 1);
                return Err(StoreError::damaged(path.to_string(), why));
            }
            before = Some(Digest::of(&bytes));
            log.push(&bytes);
        }
        Ok(log)
    }

    /// Keeps a signed checkpoint in the store: `note` is the text of the
    /// checkpoint with signatures below it.
    ///
    /// # Errors
    /// [`StoreError::Objects`] if storage fails.
    pub async fn keep_checkpoint(&self, of: &Checkpoint, note: &str) -> Result<(), StoreError> {
        let name = format!("{}-{}.note", of.size, Digest::of(note.as_bytes()));
        let path = folder(&of.subject).join(name);
        self.inner.open_objects()?.put(&path, Bytes::from(note.to_owned())).await
    }

    /// The signed checkpoints that are kept of a subject, those over more
    /// snapshots first. Several may be over the same.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] naming one that is not what its name says.
    pub async fn checkpoints(&self, subject: &Subject) -> Result<Vec<KeptCheckpoint>, StoreError> {
        let mut kept = Vec::new();
        for path in self.inner.checkpoint_paths(subject).await? {
            kept.push(self.inner.read_checkpoint(subject, &path).await?);
        }
        kept.sort_by_key(|kept| std::cmp::Reverse(kept.checkpoint.size));
        Ok(kept)
    }
}

impl Inner {
    /// Where checkpoints of a subject are, in order of name.
    pub(crate) async fn checkpoint_paths(
        &self,
        subject: &Subject,
    ) -> Result<Vec<Path>, StoreError> {
        let Some(objects) = self.objects() else { return Ok(Vec::new()) };
        let folder = folder(subject);
        let mut names = objects.names(&folder).await?;
        names.retain(|(name, _)| name.ends_with(".note"));
        names.sort();
        Ok(names.into_iter().map(|(name, _)| folder.clone().join(name)).collect())
    }

    /// One of them, which must have the hash that it is named by.
    pub(crate) async fn read_checkpoint(
        &self,
        subject: &Subject,
        path: &Path,
    ) -> Result<KeptCheckpoint, StoreError> {
        let bytes = self.open_objects()?.get(path).await?;
        let damaged = |why: &dyn fmt::Display| StoreError::damaged(path.to_string(), why);
        let note = String::from_utf8(bytes.to_vec()).map_err(|e| damaged(&e))?;
        let checkpoint: Checkpoint = note.parse().map_err(|e| damaged(&e))?;
        let named = format!("{}-{}.note", checkpoint.size, Digest::of(&bytes));
        if path.filename() != Some(&named) || checkpoint.subject != *subject {
            return Err(damaged(&"it does not have the hash that it is named by"));
        }
        Ok(KeptCheckpoint { object: path.to_string(), checkpoint, note })
    }
}

fn folder(subject: &Subject) -> Path {
    Path::from(format!("checkpoints/{subject}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn log(manifests: &[u64]) -> Log {
        let mut log = Log::new(Subject::new("prod1").unwrap());
        manifests.iter().for_each(|m| log.push(&m.to_le_bytes()));
        log
    }

    #[test]
    fn a_checkpoint_reads_back_with_and_without_signatures() {
        let checkpoint = log(&[1, 2, 3]).checkpoint(3).unwrap();
        let text = checkpoint.to_string();
        assert!(text.starts_with("tidegate/prod1\n3\n"), "{text}");
        assert_eq!(text.parse(), Ok(checkpoint.clone()));
        assert_eq!(format!("{text}\n— a AAAAAAA=\n").parse(), Ok(checkpoint));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let good = log(&[1]).checkpoint(1).unwrap().to_string();
        for (from, to) in [
            ("tidegate/", ""),
            ("\n1\n", "\n01\n"),
            ("\n1\n", "\n0\n"),
            ("\n1\n", "\n+1\n"),
            ("=", ""),
            ("\n1", ""),
        ] {
            assert!(good.replacen(from, to, 1).parse::<Checkpoint>().is_err(), "{from} → {to}");
        }
    }

    #[test]
    fn a_longer_log_agrees_a_shorter_or_other_one_does_not() {
        let then = log(&[1, 2, 3]).checkpoint(3).unwrap();
        assert_eq!(log(&[1, 2, 3]).check(&then), Ok(()));
        assert_eq!(log(&[1, 2, 3, 4]).check(&then), Ok(()));
        assert_eq!(log(&[1, 2]).check(&then), Err(Contradiction::RolledBack { size: 3, found: 2 }));
        assert_eq!(log(&[1, 9, 3, 4]).check(&then), Err(Contradiction::Rewritten { size: 3 }));
        let found = Subject::new("prod2").unwrap();
        let other = Checkpoint { subject: found.clone(), ..then };
        assert_eq!(log(&[1, 2, 3]).check(&other), Err(Contradiction::OtherSubject { found }));
    }

    proptest! {
        #[test]
        fn anything_reads_or_is_refused(text in "(tidegate/)?[a-z]{0,3}\n[0-9+]{0,3}\n[A-Za-z=/+]{0,50}\n?|\\PC{0,60}") {
            let _ = text.parse::<Checkpoint>();
        }
    }
}
