//! Checking all objects of a subject against each other, without the index.
//!
//! ```text
//! manifests: each names the one before ─▶ log ─▶ checkpoints
//!     │ delta               │ kinds        │ record
//!     ▼                     ▼              ▼
//! segments: file, rows ─▶ roots        records ─▶ payloads
//! ```
//! What is wrong is data: a [`Fault`] names the object. An error means that the
//! store cannot be read. Where an object is damaged, what depends on it is not
//! blamed, only left out.
//!
//! This shows that the objects fit together. Who made them shows only a
//! signature below a checkpoint, and that nobody threw the newest away only a
//! checkpoint that was kept elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::once;

use object_store::path::Path;
use tidegate_model::{Digest, Kind, ResourceKey, Subject, leaf};

use crate::layout::{Layout, LiveSegment};
use crate::manifest::{self, KindTree, LastRecord, Manifest};
use crate::objects::Objects;
use crate::roots::{Happened, History};
use crate::segment::{Columns, Cursor, Op, Row, Segment, Source};
use crate::store::Inner;
use crate::{Checkpoint, Contradiction, Log, Store, StoreError, records};

/// An object that is not what others say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its name in the store.
    pub object: String,
    /// What is wrong, in one clause.
    pub why: String,
}

/// What checking a subject found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The cloud or cluster.
    pub subject: Subject,
    /// The snapshots up to the first manifest that is wrong; all, if none is.
    pub log: Log,
    /// Snapshots whose roots were computed anew.
    pub roots: u64,
    /// Versions of resources whose leaves were computed from their bodies.
    pub versions: u64,
    /// Versions of which only the leaf is left.
    pub erased: u64,
    /// Snapshots whose manifest is left and nothing else.
    pub pruned: u64,
    /// Records in the chain.
    pub records: u64,
    /// Records whose payload is gone.
    pub erased_payloads: u64,
    /// Checkpoints in the store.
    pub checkpoints: u64,
    /// All that is wrong: manifests, segments, roots, records, checkpoints, each
    /// oldest first. Empty if everything fits.
    pub faults: Vec<Fault>,
}

impl Store {
    /// The subjects that there is anything of, in order; also those whose
    /// manifests are gone.
    ///
    /// # Errors
    /// [`StoreError::Objects`] if the store cannot be read.
    pub async fn subjects_with_objects(&self) -> Result<BTreeSet<Subject>, StoreError> {
        let mut all = BTreeSet::new();
        let Some(objects) = self.inner.objects() else { return Ok(all) };
        for folder in ["manifests", "segments", "records", "checkpoints"] {
            all.extend(objects.subjects(folder).await?);
        }
        Ok(all)
    }

    /// Checks all objects of a subject. With `against`, checkpoints that were
    /// kept elsewhere, also that the log still begins as it did then.
    ///
    /// Reads everything once, one segment in memory at a time.
    ///
    /// # Errors
    /// [`StoreError::Objects`] if something cannot be read, and
    /// [`StoreError::Newer`] if it is of a newer format.
    pub async fn verify(
        &self,
        subject: &Subject,
        against: &[Checkpoint],
    ) -> Result<Verified, StoreError> {
        let verified = Verified {
            subject: subject.clone(),
            log: Log::new(subject.clone()),
            roots: 0,
            versions: 0,
            erased: 0,
            pruned: 0,
            records: 0,
            erased_payloads: 0,
            checkpoints: 0,
            faults: Vec::new(),
        };
        let mut pass = Pass { inner: &self.inner, subject, found: verified };
        // Checkpoints are listed first: another process may add a snapshot and sign.
        let kept = pass.inner.checkpoint_paths(subject).await?;
        let manifests = pass.manifests().await?;
        pass.segments(&manifests).await?;
        pass.records(&manifests).await?;
        pass.checkpoints(kept).await?;
        against.iter().for_each(|checkpoint| pass.compare(checkpoint, None));
        Ok(pass.found)
    }
}

struct Pass<'a> {
    inner: &'a Inner,
    subject: &'a Subject,
    found: Verified,
}

/// Manifests by number; those that are wrong are left out.
type Manifests = BTreeMap<u64, Manifest>;

/// A link of a chain: its hash, and that of the one before as it says.
type Link = (Digest, Option<Digest>);

impl Pass<'_> {
    /// The chain of manifests.
    async fn manifests(&mut self) -> Result<Manifests, StoreError> {
        let Some(objects) = self.inner.objects() else { return Ok(Manifests::new()) };
        let path = |seq| manifest::path(self.subject, seq);
        // First: another process may add a snapshot and compact.
        let least = self.least(objects).await?;
        let numbers = objects.numbers(&Path::from(folder(self.subject))).await?;
        let mut wrong: BTreeMap<u64, Fault> = BTreeMap::new();
        for seq in gaps(&numbers, least) {
            wrong.insert(seq, fault(path(seq), "it is missing"));
        }
        let mut manifests = Manifests::new();
        let (mut links, mut log) = (BTreeMap::new(), Log::new(self.subject.clone()));
        for seq in numbers {
            let read = objects.get(&path(seq)).await;
            match told(read.and_then(|b| Ok((Manifest::open(self.subject, seq, &b)?, b))))? {
                Ok((mut manifest, bytes)) => {
                    links.insert(seq, (Digest::of(&bytes), manifest.previous));
                    log.push(&bytes);
                    // Nothing below needs it, and it is most of a manifest.
                    manifest.coverage = Vec::new();
                    manifests.insert(seq, manifest);
                }
                Err(fault) => drop(wrong.insert(seq, fault)),
            }
        }
        for (seq, why) in broken(&links, path) {
            manifests.remove(&seq);
            wrong.insert(seq, fault(path(seq), why));
        }
        if let Some((first, _)) = wrong.first_key_value() {
            log.truncate(first - 1);
        }
        self.found.log = log;
        self.found.faults.extend(wrong.into_values());
        Ok(manifests)
    }

    /// How many snapshots there must have been, going by the layout and by segments:
    /// a writer leaves one of the number after the newest manifest at most.
    async fn least(&self, objects: &Objects) -> Result<u64, StoreError> {
        let arranged = told(self.inner.layout(self.subject).await)?.map_or(0, |l| l.through);
        let names = objects.names(&Path::from(format!("segments/{}", self.subject))).await?;
        let numbers = names.iter().filter_map(|(n, _)| n.split_once('-')?.0.parse::<u64>().ok());
        Ok(numbers.max().unwrap_or(0).saturating_sub(1).max(arranged))
    }

    /// The segments that are live, and the roots that come of them. Snapshots that
    /// were pruned have none.
    async fn segments(&mut self, manifests: &Manifests) -> Result<(), StoreError> {
        let layout = match told(self.inner.layout(self.subject).await)? {
            Ok(layout) => layout,
            // What counts cannot be told without it.
            Err(fault) => {
                self.found.faults.push(fault);
                return Ok(());
            }
        };
        let mut histories: BTreeMap<Kind, History> = BTreeMap::new();
        // Roots of later snapshots cannot be computed without an earlier segment.
        let mut until = (1..).find(|seq| !manifests.contains_key(seq)).unwrap_or(u64::MAX);
        let later = manifests.range(layout.through + 1..).map(|(_, m)| LiveSegment::delta(m));
        for live in layout.segments.iter().cloned().chain(later) {
            if let Err(fault) = told(self.segment(&live, &mut histories).await)? {
                self.found.faults.push(fault);
                until = until.min(live.from);
            }
        }
        let kept = |seq: &u64| !layout.pruned.holds(*seq);
        let whole = manifests.range(..until).filter(|(seq, _)| kept(seq));
        let whole: Manifests = whole.map(|(seq, m)| (*seq, m.clone())).collect();
        let mut wrong: BTreeMap<u64, Fault> = BTreeMap::new();
        let kinds = whole.values().flat_map(|m| m.kinds.keys().cloned());
        let kinds: BTreeSet<Kind> = kinds.chain(histories.keys().cloned()).collect();
        for kind in kinds {
            let history = histories.remove(&kind).unwrap_or_default();
            for (seq, fault) in self.roots(&kind, history, &whole, &layout) {
                wrong.entry(seq).or_insert(fault);
            }
        }
        self.found.pruned = layout.pruned.count();
        self.found.roots = (whole.len() - wrong.len()) as u64;
        self.found.faults.extend(wrong.into_values());
        Ok(())
    }

    /// Reads one segment into the histories of its kinds.
    async fn segment(
        &mut self,
        live: &LiveSegment,
        histories: &mut BTreeMap<Kind, History>,
    ) -> Result<(), StoreError> {
        let path = live.path(self.subject);
        let bytes = self.inner.open_objects()?.get(&path).await?;
        let segment = Segment::open(path, &bytes, live)?;
        let rows = once(0..segment.rows());
        let mut cursor = Cursor::new(&segment, &Source::Whole(bytes), Columns::LEAVES, rows);
        let mut last: Option<(Kind, ResourceKey, u64)> = None;
        while let Some(row) = cursor.next()? {
            let key = segment.text(row.key())?;
            let key = ResourceKey::new(key).map_err(|e| segment.damaged(e))?;
            let kind = segment.text(row.kind())?;
            if key.kind() != kind {
                return Err(segment.damaged(format!("it has `{key}` among the `{kind}`")));
            }
            let kind = match &last {
                Some((before, _, _)) if before.as_str() == kind => before.clone(),
                _ => Kind::new(kind).map_err(|e| segment.damaged(e))?,
            };
            let after = |(k, before, seq): &(Kind, ResourceKey, u64)| {
                *k != kind || (before, *seq) < (&key, row.seq)
            };
            if !last.as_ref().is_none_or(after) {
                return Err(segment.damaged(format!("`{key}` is out of order")));
            }
            if !(live.from..=live.to).contains(&row.seq) {
                return Err(segment.damaged(format!("`{key}` changes in snapshot {}", row.seq)));
            }
            let happened = self.happened(&segment, &key, &row)?;
            let history = match histories.get_mut(&kind) {
                Some(history) => history,
                None => histories.entry(kind.clone()).or_default(),
            };
            history.push(row.seq, key.as_str(), happened);
            last = Some((kind, key, row.seq));
        }
        Ok(())
    }

    fn happened(
        &mut self,
        segment: &Segment,
        key: &ResourceKey,
        row: &Row,
    ) -> Result<Happened, StoreError> {
        let op = row.op.ok_or_else(|| segment.damaged("a row has no operation"))?;
        match (op, row.body(), row.salt, row.leaf) {
            (Op::Put, Some(body), Some(salt), None) => {
                self.found.versions += 1;
                Ok(Happened::Put(leaf(key.as_str(), &salt, segment.text(body)?)))
            }
            (Op::Put, None, None, Some(leaf)) => {
                self.found.erased += 1;
                Ok(Happened::Put(leaf))
            }
            (Op::Put, ..) => Err(segment.damaged(format!("the row of `{key}` lacks a value"))),
            (Op::Remove, ..) => Ok(Happened::Removed),
            (Op::Unseen | Op::Seen, ..) => Ok(Happened::Marked),
        }
    }

    /// Compares the roots of one kind with what manifests say; gives the first
    /// that differs, and the first thing that cannot have happened.
    fn roots(
        &self,
        kind: &Kind,
        history: History,
        manifests: &Manifests,
        layout: &Layout,
    ) -> BTreeMap<u64, Fault> {
        let mut wrong = BTreeMap::new();
        let mut outcomes = history.outcomes().into_iter().peekable();
        let mut now: Option<KindTree> = None;
        for (&seq, manifest) in manifests {
            while let Some(outcome) = outcomes.next_if(|o| o.seq <= seq) {
                now = outcome.tree;
                if let Some(key) = outcome.odd {
                    let delta = || LiveSegment::delta(manifest);
                    let named = layout.covering(outcome.seq).cloned().unwrap_or_else(delta);
                    let object = named.path(self.subject);
                    let why = format!("it changes `{key}`, which was not there");
                    wrong.insert(seq, Fault { object: object.to_string(), why });
                    return wrong;
                }
            }
            let said = manifest.kinds.get(kind).copied();
            if said != now {
                let object = manifest::path(self.subject, seq).to_string();
                let tree = |t: Option<KindTree>| match t {
                    Some(KindTree { count, root }) => format!("{count} with root {root}"),
                    None => "none".to_owned(),
                };
                let (said, found) = (tree(said), tree(now));
                let by = match layout.covering(seq) {
                    Some(live) => format!(" (`{}`)", live.path(self.subject)),
                    None => String::new(),
                };
                let why = format!("of `{kind}` it names {said}, the segments have {found}{by}");
                wrong.insert(seq, Fault { object, why });
                return wrong;
            }
        }
        wrong
    }

    /// The chain of records, and that manifests name what is in it.
    async fn records(&mut self, manifests: &Manifests) -> Result<(), StoreError> {
        let Some(objects) = self.inner.objects() else { return Ok(()) };
        let path = |n| records::path(self.subject, n);
        let named: BTreeMap<u64, (u64, Digest)> = manifests
            .values()
            .filter_map(|m| m.record.map(|LastRecord { n, hash }| (n, (m.seq, hash))))
            .collect();
        let numbers = records::numbers(objects, self.subject).await?;
        let least = named.keys().next_back().copied().unwrap_or(0);
        let mut wrong: BTreeMap<u64, Fault> = BTreeMap::new();
        for n in gaps(&numbers, least) {
            wrong.insert(n, fault(path(n), "it is missing"));
        }
        let mut links = BTreeMap::new();
        for n in numbers {
            let (record, hash) = match told(records::read(objects, self.subject, n).await)? {
                Ok(read) => read,
                Err(fault) => {
                    wrong.insert(n, fault);
                    continue;
                }
            };
            self.found.records += 1;
            links.insert(n, (hash, record.previous));
            if let Some((seq, _)) = named.get(&n).filter(|(_, said)| *said != hash) {
                let by = manifest::path(self.subject, *seq);
                wrong.insert(n, fault(path(n), format!("it is not the one that `{by}` names")));
            }
            match told(records::payload(objects, &record).await)? {
                Ok(Some(_)) => {}
                Ok(None) => self.found.erased_payloads += 1,
                Err(fault) => drop(wrong.insert(n, fault)),
            }
        }
        for (n, why) in broken(&links, path) {
            wrong.entry(n).or_insert(fault(path(n), why));
        }
        self.found.faults.extend(wrong.into_values());
        Ok(())
    }

    /// The checkpoints that are kept in the store.
    async fn checkpoints(&mut self, kept: Vec<Path>) -> Result<(), StoreError> {
        for path in kept {
            match told(self.inner.read_checkpoint(self.subject, &path).await)? {
                Ok(kept) => {
                    self.found.checkpoints += 1;
                    self.compare(&kept.checkpoint, Some(&path));
                }
                Err(fault) => self.found.faults.push(fault),
            }
        }
        Ok(())
    }

    /// Compares the log with a checkpoint. Beyond a manifest that is wrong there
    /// is nothing to compare, and it was blamed already.
    fn compare(&mut self, checkpoint: &Checkpoint, kept: Option<&Path>) {
        let Err(contradiction) = self.found.log.check(checkpoint) else { return };
        let object = match contradiction {
            Contradiction::RolledBack { found, .. } => {
                manifest::path(self.subject, found + 1).to_string()
            }
            Contradiction::OtherSubject { .. } | Contradiction::Rewritten { .. } => {
                folder(self.subject)
            }
        };
        if self.found.faults.iter().all(|f| f.object != object) {
            let kept = kept.map_or_else(String::new, |path| format!(" (`{path}`)"));
            self.found.faults.push(fault(object, format!("{contradiction}{kept}")));
        }
    }
}

fn folder(subject: &Subject) -> String {
    format!("manifests/{subject}")
}

fn fault(object: impl ToString, why: impl ToString) -> Fault {
    Fault { object: object.to_string(), why: why.to_string() }
}

/// Tells what is wrong with an object from what keeps it from being read.
fn told<T>(result: Result<T, StoreError>) -> Result<Result<T, Fault>, StoreError> {
    match result {
        Ok(right) => Ok(Ok(right)),
        Err(StoreError::Damaged { object, why }) => Ok(Err(fault(object, why))),
        Err(StoreError::Missing { object }) => Ok(Err(fault(object, "it is missing"))),
        Err(other) => Err(other),
    }
}

/// The first number of each gap in numbers that begin with 1 and reach at least
/// to `least`. Not all of them: whoever writes one file could make that endless.
fn gaps(numbers: &BTreeSet<u64>, least: u64) -> Vec<u64> {
    let mut gaps = Vec::new();
    let mut next = 1;
    for &n in numbers {
        if n > next {
            gaps.push(next);
        }
        next = n.saturating_add(1);
    }
    if least >= next {
        gaps.push(next);
    }
    gaps
}

/// The links of a chain that the next one does not name, and a first one that
/// names another. The newer one is believed, unless it is itself not the one
/// that is named; across a gap there is nothing to compare.
fn broken(links: &BTreeMap<u64, Link>, path: impl Fn(u64) -> Path) -> Vec<(u64, String)> {
    let mut broken = Vec::new();
    let mut named: Option<Option<Digest>> = None;
    for (&n, (hash, previous)) in links.iter().rev() {
        let right = match links.get(&(n + 1)).and(named) {
            Some(named) if named != Some(*hash) => {
                broken.push((n, format!("it is not the one that `{}` follows", path(n + 1))));
                false
            }
            Some(_) | None => true,
        };
        if n == 1 && right && previous.is_some() {
            broken.push((n, "it names one before it".to_owned()));
        }
        named = right.then_some(*previous);
    }
    broken
}
