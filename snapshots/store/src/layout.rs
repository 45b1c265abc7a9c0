//! Layouts: which segments are live, and which snapshots were given up.
//!
//! Without a layout the live segments are the deltas that manifests name. A
//! layout is put by compaction, pruning and erasure; it replaces the deltas up
//! to its `through`. The newest one counts, and its create-only put is what
//! commits any of the three.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use tidegate_model::{Digest, Subject, Timestamp};

use crate::StoreError;
use crate::manifest::{self, Manifest};
use crate::segment::Segment;
use crate::store::{Inner, locked};

/// The format of layouts written here.
pub(crate) const LAYOUT: &str = "tidegate.layout/v1";

/// How often the newest layout is looked for again, if it went meanwhile.
const TRIES: usize = 8;

/// One generation; `layout/<subject>/<generation>.json`, canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    pub(crate) schema: String,
    pub(crate) subject: Subject,
    /// From 1; 0 stands for no layout at all.
    pub(crate) generation: u64,
    pub(crate) written_at: Timestamp,
    /// The newest snapshot whose changes are in these segments.
    pub(crate) through: u64,
    /// In order of `from`; they do not overlap.
    pub(crate) segments: Vec<LiveSegment>,
    /// The snapshots that cannot be read any more.
    #[serde(default, skip_serializing_if = "Spans::is_empty")]
    pub(crate) pruned: Spans,
    pub(crate) checksum: Digest,
}

/// A segment with the changes of some snapshots that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LiveSegment {
    /// File name below `segments/<subject>/`.
    pub(crate) name: String,
    pub(crate) sha256: Digest,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Numbers of snapshots that follow each other, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Span {
    pub(crate) fn holds(&self, seq: u64) -> bool {
        (self.from..=self.to).contains(&seq)
    }
}

/// A set of numbers, as spans in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn holds(&self, seq: u64) -> bool {
        self.0.iter().any(|s| s.holds(seq))
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|s| s.to - s.from + 1).sum()
    }

    /// Spans of numbers that ascend.
    pub(crate) fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut spans: Vec<Span> = Vec::new();
        for n in numbers {
            match spans.last_mut() {
                Some(last) if last.to + 1 == n => last.to = n,
                _ => spans.push(Span { from: n, to: n }),
            }
        }
        Self(spans)
    }

    /// The numbers from `from` to `to` that are not among these.
    pub(crate) fn others(&self, from: u64, to: u64) -> impl DoubleEndedIterator<Item = u64> {
        (from..=to).filter(|&n| !self.holds(n))
    }
}

impl LiveSegment {
    pub(crate) fn path(&self, subject: &Subject) -> Path {
        Path::from(format!("segments/{subject}/{}", self.name))
    }

    /// The segment of one snapshot, as first written.
    pub(crate) fn delta(manifest: &Manifest) -> Self {
        let Manifest { seq, delta, .. } = manifest;
        let name = segment_name(*seq, delta);
        Self { name, sha256: *delta, from: *seq, to: *seq }
    }
}

/// The file name of a segment; `to` is the newest snapshot that it holds.
pub(crate) fn segment_name(to: u64, sha256: &Digest) -> String {
    format!("{to}-{sha256}.parquet")
}

/// Where a layout is.
pub(crate) fn path(subject: &Subject, generation: u64) -> Path {
    Path::from(format!("layout/{subject}/{generation}.json"))
}

impl Layout {
    /// What holds while nothing was compacted.
    fn none(subject: &Subject) -> Self {
        Self {
            schema: LAYOUT.to_owned(),
            subject: subject.clone(),
            generation: 0,
            written_at: Timestamp::UNIX_EPOCH,
            through: 0,
            segments: Vec::new(),
            pruned: Spans::default(),
            checksum: Digest::of(&[]),
        }
    }

    /// Sets the checksum and gives the bytes to store.
    pub(crate) fn seal(&mut self) -> Result<Bytes, StoreError> {
        let object = path(&self.subject, self.generation).to_string();
        let (bytes, sum) = manifest::seal(&object, &*self)?;
        self.checksum = sum;
        Ok(bytes)
    }

    /// Reads and checks a layout.
    pub(crate) fn open(
        subject: &Subject,
        generation: u64,
        bytes: &[u8],
    ) -> Result<Self, StoreError> {
        let object = path(subject, generation).to_string();
        let layout: Self = manifest::unseal(&object, bytes, LAYOUT)?;
        if layout.subject != *subject || layout.generation != generation {
            let why = format!("it is layout {} of `{}`", layout.generation, layout.subject);
            return Err(StoreError::damaged(object, why));
        }
        let order = |w: &[LiveSegment]| matches!(w, [a, b] if a.to < b.from);
        let ends = layout.segments.last().is_none_or(|s| s.to <= layout.through);
        if !layout.segments.windows(2).all(order) || !ends {
            return Err(StoreError::damaged(object, "its segments overlap"));
        }
        Ok(layout)
    }

    /// The segment that has the changes of a snapshot; `None` if it had none, or
    /// if its delta still counts.
    pub(crate) fn covering(&self, seq: u64) -> Option<&LiveSegment> {
        let at = self.segments.partition_point(|s| s.to < seq);
        self.segments.get(at).filter(|s| s.from <= seq)
    }

    /// A number that snapshots have in common whose changes are in one segment.
    pub(crate) fn group(&self, seq: u64) -> u64 {
        self.covering(seq).map_or(seq, |s| s.from)
    }
}

impl Inner {
    /// The newest layout of a subject.
    pub(crate) async fn layout(&self, subject: &Subject) -> Result<Arc<Layout>, StoreError> {
        let none = || Ok(Arc::new(Layout::none(subject)));
        let Some(objects) = self.objects() else { return none() };
        let folder = Path::from(format!("layout/{subject}"));
        let mut found = Err(StoreError::Missing { object: folder.to_string() });
        for _ in 0..TRIES {
            let Some(&newest) = objects.numbers(&folder).await?.last() else { return none() };
            if let Some(known) = locked(&self.layouts).get(subject)
                && known.generation == newest
            {
                return Ok(Arc::clone(known));
            }
            found = match objects.get(&path(subject, newest)).await {
                Ok(bytes) => Layout::open(subject, newest, &bytes).map(Arc::new),
                Err(e) => Err(e),
            };
            match &found {
                Ok(layout) => {
                    locked(&self.layouts).insert(subject.clone(), Arc::clone(layout));
                    break;
                }
                // A newer one was put and this one swept away.
                Err(StoreError::Missing { .. }) => {}
                Err(_) => break,
            }
        }
        found
    }

    /// The live segments with the changes up to snapshot `until`, oldest first.
    pub(crate) async fn live(
        &self,
        layout: &Layout,
        until: u64,
    ) -> Result<Vec<LiveSegment>, StoreError> {
        let mut live: Vec<_> =
            layout.segments.iter().filter(|s| s.from <= until).cloned().collect();
        for seq in layout.through + 1..=until {
            live.push(LiveSegment::delta(&self.manifest(&layout.subject, seq).await?.0));
        }
        Ok(live)
    }

    /// A segment, checked when it is first opened.
    pub(crate) async fn open_segment(
        &self,
        subject: &Subject,
        named: &LiveSegment,
    ) -> Result<Arc<Segment>, StoreError> {
        let id = (subject.clone(), named.name.clone());
        if let Some(known) = locked(&self.segments).get(&id) {
            return Ok(Arc::clone(known));
        }
        let path = named.path(subject);
        let missing = || StoreError::Missing { object: path.to_string() };
        let bytes = self.objects().ok_or_else(missing)?.get(&path).await?;
        let segment = Arc::new(Segment::open(path, &bytes, named)?);
        locked(&self.segments).insert(id, Arc::clone(&segment));
        Ok(segment)
    }

    /// The segment that has the changes of a snapshot.
    pub(crate) async fn segment(
        &self,
        layout: &Layout,
        seq: u64,
    ) -> Result<Arc<Segment>, StoreError> {
        let subject = &layout.subject;
        let named = match layout.covering(seq) {
            Some(named) => named.clone(),
            None => LiveSegment::delta(&self.manifest(subject, seq).await?.0),
        };
        self.open_segment(subject, &named).await
    }
}
