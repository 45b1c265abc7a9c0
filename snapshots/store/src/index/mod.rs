//! The index: what can be looked up faster in sled than in segments. Whatever
//! is wrong with it is mended by rebuilding, since nothing stands here alone but
//! which snapshots lost their manifests.
//!
//! ```text
//! tree t/<subject>   k <kind> 0 <key without kind> → Entry
//!                    l <seq>           → log: what changed in a snapshot
//!                    m                 → through: the newest snapshot it holds
//!                    n <kind> 0 <first key without kind> → run: entries of neighbours
//! tree c/<subject>/<digest>  a      → age
//!                    b                 → SHA-256, blob of the policy engine
//! default tree       l/<subject>       → lost: a newer snapshot without manifest
//!                    p                 → bytes on disk when it was last written anew
//! ```
//! sled panics on much that it does not expect, so every call is caught.

mod apply;
mod carry;
mod entry;
mod files;
mod log;
mod name;
mod pack;
mod run;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sled::{Batch, Db, Tree};
use tidegate_model::{Digest, Kind, Salt, Subject};

pub(crate) use entry::{Entry, Standing, place, place_of};
pub(crate) use files::{Seal, remove, seal, sealed};
pub(crate) use name::index_key;
use name::{prefix, split};

use crate::fail::Fail;
use crate::segment::Op;

/// What sled may keep in memory. It reads 10 MB of a usual index in one go, so
/// less would only make it read twice.
const CACHE: u64 = 16 << 20;
/// Tests of crashes let every so manieth entry fail.
const BATCH: usize = 2048;

/// What the trees of subjects begin with.
const SUBJECT: &[u8] = b"t/";
/// What they began with before names were short, and before there were runs.
const OLD: [&[u8]; 2] = [b"s/", b"r/"];
const THROUGH: &[u8] = b"m";
const LOST: &[u8] = b"l/";

/// The index failed; the text says how, for a notice.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(pub(crate) String);

impl Broken {
    fn damaged() -> Self {
        Self("an entry is damaged".into())
    }
}

/// How far the index goes for a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Through {
    pub(crate) seq: u64,
    /// The layout whose segments it took over; rows are of those.
    pub(crate) generation: u64,
    /// SHA-256 of that manifest.
    pub(crate) manifest: Digest,
}

/// One thing that happened to a key.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// As in [`index_key`].
    pub(crate) key: Vec<u8>,
    /// In which snapshot.
    pub(crate) seq: u64,
    pub(crate) op: Op,
    /// Only with a put.
    pub(crate) put: Option<PutEvent>,
}

/// What the index keeps of a put.
#[derive(Debug, Clone)]
pub(crate) struct PutEvent {
    pub(crate) row: u32,
    pub(crate) salt: Salt,
    pub(crate) leaf: Digest,
    pub(crate) place: u64,
    pub(crate) region: Option<std::sync::Arc<str>>,
}

/// Takes kind, key and history.
type VisitHistory<'v> = dyn FnMut(&str, &str, &[(u64, Op, u32)]) -> Result<(), Broken> + 'v;
/// Takes kind and key of what was there, and its leaf.
type VisitStanding<'v> = dyn FnMut(&str, &str, Standing, Option<Digest>) -> Result<(), Broken> + 'v;

/// The open index.
pub(crate) struct Index {
    db: Db,
    fail: Fail,
    /// Held while entries are changed: they are read, and written later.
    writing: Mutex<()>,
    /// It has much room that it does not need, which sled keeps.
    loose: AtomicBool,
}

impl Index {
    /// Opens the index in `folder`, or creates it. The lock of the store is
    /// held, so nobody else uses it; sled's own lock may outlive the previous
    /// index of this process for a moment.
    pub(crate) fn open(folder: &Path, fail: Fail) -> Result<Self, Broken> {
        files::wait_until_closed(folder);
        let db = guard(|| config(folder).open())?;
        let index = Self { db, fail, writing: Mutex::default(), loose: AtomicBool::new(false) };
        // Every tree is opened here, inside the guard, so that damage shows.
        guard(|| index.db.tree_names().iter().try_for_each(|n| index.db.open_tree(n).map(drop)))?;
        Ok(index)
    }

    /// Refuses one of an older format, of which only [`Index::newest`] can be asked.
    pub(crate) fn of_this_format(self) -> Result<Self, Broken> {
        let is_old = |name: &sled::IVec| OLD.iter().any(|old| name.starts_with(old));
        match self.db.tree_names().iter().any(is_old) {
            true => Err(Broken("it has an older format".into())),
            false => Ok(self),
        }
    }

    /// Writes everything out to `folder`, where it was opened, and closes. If it
    /// has much room that it does not need, it is written anew, without that.
    pub(crate) fn close(self, folder: &Path) -> std::io::Result<()> {
        let Self { db, fail: _, writing: _, loose } = self;
        let packed = folder.with_extension("packed");
        let copied = loose.into_inner().then(|| caught(|| pack::copy(&db, &packed)));
        let flushed = guard(|| db.flush()).map(drop);
        let dropped = guard(|| {
            drop(db);
            Ok(())
        });
        flushed.and(dropped).map_err(std::io::Error::other)?;
        match copied {
            None => {}
            Some(Ok(())) => {
                files::wait_until_closed(folder);
                files::wait_until_closed(&packed);
                std::fs::remove_dir_all(folder)?;
                std::fs::rename(&packed, folder)?;
            }
            // For want of room, for instance: it stays as it is.
            Some(Err(error)) => {
                tracing::debug!(%error, "the index is not written anew");
                files::remove(&packed)?;
            }
        }
        Ok(())
    }

    fn tree(&self, subject: &Subject) -> sled::Result<Tree> {
        self.db.open_tree(tree_name(subject))
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hit(&self, point: &'static str) -> Result<(), Broken> {
        self.fail.hit(point).map_err(|e| Broken(e.to_string()))
    }

    /// The subjects that it holds.
    pub(crate) fn subjects(&self) -> Result<Vec<Subject>, Broken> {
        guard(|| {
            let names = self.db.tree_names();
            let subject = |n: &sled::IVec| {
                Subject::new(std::str::from_utf8(n.strip_prefix(SUBJECT)?).ok()?).ok()
            };
            Ok(names.iter().filter_map(subject).collect())
        })
    }

    /// By subject, the newest snapshot that it holds or was told to be lost; one of an
    /// older format knows that, too.
    pub(crate) fn newest(&self) -> Result<BTreeMap<Subject, u64>, Broken> {
        let mut newest = BTreeMap::new();
        for name in guard(|| Ok(self.db.tree_names()))? {
            let subject = || {
                let mut all = std::iter::once(&SUBJECT).chain(&OLD);
                let subject = all.find_map(|prefix| name.strip_prefix(*prefix))?;
                Subject::new(std::str::from_utf8(subject).ok()?).ok()
            };
            if let Some(subject) = subject() {
                let seq = self.head_of(&name)?.map_or(0, |t| t.seq);
                newest.insert(subject, seq);
            }
        }
        for pair in guard(|| self.db.scan_prefix(LOST).collect::<sled::Result<Vec<_>>>())? {
            let (name, value) = (&pair.0, &pair.1);
            let decode = || {
                let subject = std::str::from_utf8(name.get(LOST.len()..)?).ok()?;
                let seq = entry::checked(name, value)?;
                let seq = u64::from_be_bytes(seq.try_into().ok()?);
                Some((Subject::new(subject).ok()?, seq))
            };
            let (subject, seq) = decode().ok_or_else(Broken::damaged)?;
            let known = newest.entry(subject).or_default();
            *known = seq.max(*known);
        }
        Ok(newest)
    }

    /// Keeps in mind which snapshots were committed that have no manifest.
    pub(crate) fn set_lost(&self, lost: &BTreeMap<Subject, u64>) -> Result<(), Broken> {
        if lost.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for (subject, seq) in lost {
            let name = [LOST, subject.as_str().as_bytes()].concat();
            let mut value = vec![0; 4];
            value.extend_from_slice(&seq.to_be_bytes());
            entry::seal(&name, &mut value);
            batch.insert(name, value);
        }
        guard(|| self.db.apply_batch(batch))?;
        guard(|| self.db.flush()).map(drop)
    }

    /// The newest snapshot that it holds wholly.
    pub(crate) fn through(&self, subject: &Subject) -> Result<Option<Through>, Broken> {
        self.head_of(&tree_name(subject))
    }

    fn head_of(&self, tree: &[u8]) -> Result<Option<Through>, Broken> {
        let value = guard(|| self.db.open_tree(tree)?.get(THROUGH))?;
        let decode = |v: &[u8]| {
            let (seq, rest) = entry::checked(THROUGH, v)?.split_at_checked(8)?;
            let (generation, hash) = rest.split_at_checked(8)?;
            Some(Through {
                seq: u64::from_be_bytes(seq.try_into().ok()?),
                generation: u64::from_be_bytes(generation.try_into().ok()?),
                manifest: Digest(hash.try_into().ok()?),
            })
        };
        match value {
            None => Ok(None),
            Some(v) => decode(&v).map(Some).ok_or_else(|| Broken("its head is damaged".into())),
        }
    }

    /// Hands over every entry of a kind, in order.
    pub(crate) fn scan(
        &self,
        subject: &Subject,
        kind: &Kind,
        visit: &mut dyn FnMut(&str, Entry) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let mut key = String::new();
        self.each(subject, &prefix(kind.as_str()), &mut |name, value| {
            split(name, &mut key).ok_or_else(Broken::damaged)?;
            visit(&key, Entry::read(value).ok_or_else(Broken::damaged)?)
        })
    }

    /// Hands over kind and key of every key of a kind, or of all kinds, that was there at
    /// snapshot `seq`, in order, with its leaf, if that is still known.
    pub(crate) fn standings(
        &self,
        subject: &Subject,
        kind: Option<&Kind>,
        seq: u64,
        visit: &mut VisitStanding<'_>,
    ) -> Result<(), Broken> {
        let (mut key, mut history) = (String::new(), Vec::new());
        self.each(subject, &prefix_of(kind), &mut |name, value| {
            let kind = split(name, &mut key).ok_or_else(Broken::damaged)?;
            let leaf = entry::read_only_history(value, &mut history);
            let leaf = leaf.ok_or_else(Broken::damaged)?;
            match Standing::at(&history, seq) {
                Some(standing) => visit(kind, &key, standing, entry::leaf_at(&history, leaf, seq)),
                None => Ok(()),
            }
        })
    }

    /// Hands over kind, key and history of every entry of a kind, or of all
    /// kinds, in order.
    pub(crate) fn histories(
        &self,
        subject: &Subject,
        kind: Option<&Kind>,
        visit: &mut VisitHistory<'_>,
    ) -> Result<(), Broken> {
        let (mut key, mut history) = (String::new(), Vec::new());
        self.each(subject, &prefix_of(kind), &mut |name, value| {
            let kind = split(name, &mut key).ok_or_else(Broken::damaged)?;
            entry::read_only_history(value, &mut history).ok_or_else(Broken::damaged)?;
            visit(kind, &key, &history)
        })
    }

    /// Hands over the entries whose names begin with `prefix`, in order.
    fn each(
        &self,
        subject: &Subject,
        prefix: &[u8],
        visit: &mut run::Visit<'_>,
    ) -> Result<(), Broken> {
        caught(|| run::each(&self.tree(subject)?, prefix, visit))
    }

    /// Hands over what changed in a snapshot that it holds, and that is not the
    /// first: kind, key, operation.
    pub(crate) fn log(
        &self,
        subject: &Subject,
        seq: u64,
        visit: &mut dyn FnMut(&str, &str, Op) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let name = log::name(seq);
        let value = guard(|| self.tree(subject)?.get(&name))?;
        let value = value.ok_or_else(|| Broken(format!("it lacks the log of {seq}")))?;
        let (mut key, mut result) = (String::new(), Ok(()));
        log::read(&name, &value, &mut |name, op| {
            if result.is_ok() {
                result = match split(name, &mut key) {
                    Some(kind) => visit(kind, &key, op),
                    None => Err(Broken::damaged()),
                };
            }
        })
        .ok_or_else(Broken::damaged)?;
        result
    }

    /// The entry of one key.
    pub(crate) fn get(
        &self,
        subject: &Subject,
        kind: &str,
        key: &str,
    ) -> Result<Option<Entry>, Broken> {
        caught(|| entry_of(&self.tree(subject)?, &index_key(kind, key)))
    }
}

/// The entry of one name. Calls of sled are not caught.
fn entry_of(tree: &Tree, name: &[u8]) -> Result<Option<Entry>, Broken> {
    let entry = run::get(tree, name)?;
    entry.map(|entry| Entry::read(&entry).ok_or_else(Broken::damaged)).transpose()
}

/// What the names of entries of a kind, or of all, begin with.
fn prefix_of(kind: Option<&Kind>) -> Vec<u8> {
    kind.map_or_else(|| vec![b'k'], |k| prefix(k.as_str()))
}

fn tree_name(subject: &Subject) -> Vec<u8> {
    [SUBJECT, subject.as_str().as_bytes()].concat()
}

fn config(folder: &Path) -> sled::Config {
    sled::Config::new()
        .path(folder)
        .cache_capacity(CACHE)
        .flush_every_ms(None)
        .mode(sled::Mode::LowSpace)
}

impl From<sled::Error> for Broken {
    fn from(e: sled::Error) -> Self {
        match e {
            sled::Error::Io(e) => Self(e.to_string()),
            e => Self(e.to_string()),
        }
    }
}

/// Calls sled; a panic becomes an error like any other.
fn guard<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, Broken> {
    caught(|| Ok(call()?))
}

/// As [`guard`], for what may fail otherwise, too.
fn caught<T>(call: impl FnOnce() -> Result<T, Broken>) -> Result<T, Broken> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Broken(format!("sled stopped: {}", text.unwrap_or("no reason given"))))
        }
    }
}
