//! Every version of resources, up to a snapshot.
//!
//! The index knows when what happened to a key; without it the segments are
//! gone through, keys and operations only. Rows are read from segments only for
//! what is asked for, one kind at a time, so that a year's bodies are never in
//! memory together.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

use tidegate_model::{ChangeOp, Kind, ResourceKey, Timestamp};

use crate::index::{Broken, Standing};
use crate::layout::Layout;
use crate::manifest::Manifest;
use crate::reader::Shared;
use crate::rows::Rows;
use crate::segment::{Columns, Op, Row, Segment};
use crate::state::{Happened, holds};
use crate::store::Inner;
use crate::{SnapshotReader, StoreError};

/// Of which resources the versions are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every kind that any snapshot so far held.
    All,
    /// All resources of these kinds.
    Kinds(BTreeSet<Kind>),
    /// These resources; ones that never were are left out.
    Keys(BTreeSet<ResourceKey>),
}

/// How much of each version is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// When what happened. With the index no segment is read.
    Times,
    /// Also where the resource was and where that was read.
    Places,
    /// Also its body.
    Bodies,
}

/// A snapshot as a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Its number.
    pub seq: u64,
    /// When collecting began.
    pub taken_at: Timestamp,
}

/// How a version ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The first snapshot for which it does not hold.
    pub at: Moment,
    /// What happened then.
    pub op: ChangeOp,
}

/// What a resource was over some snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The resource.
    pub key: ResourceKey,
    /// What began it. A removal is a version, too: that of not being there.
    pub op: ChangeOp,
    /// A put of what was not there before.
    pub created: bool,
    /// The first snapshot for which it holds.
    pub from: Moment,
    /// Absent while it holds at the snapshot that was asked.
    pub until: Option<End>,
    /// Set if collections did not see it, though it may still have been there:
    /// the time it was last seen.
    pub unseen_since: Option<Timestamp>,
    /// As far as it was asked for; absent with a removal.
    pub placed: Option<Placed>,
}

/// The content of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The region, where the kind has one.
    pub region: Option<Arc<str>>,
    /// The project that owned it.
    pub project: Option<Arc<str>>,
    /// Its name then.
    pub name: Option<Arc<str>>,
    /// The API that said so.
    pub source: Arc<str>,
    /// When that version was first read.
    pub read_at: Timestamp,
    /// Canonical JSON; absent if it was not asked for or has been erased.
    pub body: Option<Arc<str>>,
}

/// What happened to one key, oldest first: snapshot, operation, row of a put.
type Events = Vec<(u64, Op, u32)>;

/// A kind, with keys if not all of its resources are wanted.
type Group = (Kind, Option<BTreeSet<ResourceKey>>);

impl SnapshotReader {
    /// Every version that chosen resources had up to and including this
    /// snapshot, in order of kind, key and time.
    ///
    /// `begun` limits them to versions that began in snapshots with these
    /// numbers; what is asked for is read of no others. One resource costs some
    /// microseconds through the index and the reading of its rows.
    #[must_use]
    pub fn versions(
        &self,
        selection: Selection,
        content: Content,
        begun: RangeInclusive<u64>,
    ) -> Versions {
        Versions {
            inner: Arc::clone(self.inner()),
            manifest: Arc::clone(self.shared_manifest()),
            layout: Arc::clone(self.layout()),
            content,
            begun,
            selection: Some(selection),
            groups: VecDeque::new(),
            keys: Vec::new().into_iter(),
            rows: None,
            shared: Shared::default(),
            ready: VecDeque::new(),
        }
    }
}

/// An iterator over versions; made by [`SnapshotReader::versions`]. It ends
/// after the first error.
pub struct Versions {
    inner: Arc<Inner>,
    manifest: Arc<Manifest>,
    layout: Arc<Layout>,
    content: Content,
    begun: RangeInclusive<u64>,
    /// Until the first step.
    selection: Option<Selection>,
    /// Those to come.
    groups: VecDeque<Group>,
    /// The keys of the current kind to come.
    keys: std::vec::IntoIter<(ResourceKey, Events)>,
    rows: Option<Rows>,
    shared: Shared,
    ready: VecDeque<Version>,
}

impl std::fmt::Debug for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Versions").field("through", &self.manifest.id()).finish_non_exhaustive()
    }
}

impl Iterator for Versions {
    type Item = Result<Version, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            self.groups.clear();
            self.keys = Vec::new().into_iter();
            self.ready.clear();
        }
        next.transpose()
    }
}

impl Versions {
    fn advance(&mut self) -> Result<Option<Version>, StoreError> {
        if let Some(selection) = self.selection.take() {
            self.groups = self.inner.groups(&self.manifest, selection)?;
        }
        loop {
            if let Some(version) = self.ready.pop_front() {
                return Ok(Some(version));
            }
            if let Some((key, events)) = self.keys.next() {
                self.expand(&key, &events)?;
            } else if let Some((kind, keys)) = self.groups.pop_front() {
                self.start(&kind, keys.as_ref())?;
            } else {
                return Ok(None);
            }
        }
    }

    /// Begins with the next kind.
    fn start(
        &mut self,
        kind: &Kind,
        keys: Option<&BTreeSet<ResourceKey>>,
    ) -> Result<(), StoreError> {
        let found = self.inner.events(&self.layout, &self.manifest, kind, keys)?;
        let columns = match self.content {
            Content::Times => None,
            Content::Places => Some(Columns::PLACES),
            Content::Bodies => Some(Columns::FACTS),
        };
        self.rows = match columns {
            None => None,
            Some(columns) => {
                let wanted = found.iter().flat_map(|(_, events)| {
                    let mut puts: Vec<_> =
                        spans(events, &self.begun).filter_map(|s| s.put).collect();
                    puts.dedup();
                    puts
                });
                Some(Rows::new(&self.inner, &self.layout, columns, wanted)?)
            }
        };
        self.keys = found.into_iter();
        Ok(())
    }

    fn expand(&mut self, key: &ResourceKey, events: &Events) -> Result<(), StoreError> {
        let mut placed: Option<((u64, u32), Placed)> = None;
        for span in spans(events, &self.begun) {
            let content = match (span.put, &mut self.rows) {
                (Some(put), Some(rows)) => {
                    if placed.as_ref().is_none_or(|(known, _)| *known != put)
                        && let Some((segment, row)) = rows.next(put.0, key)?
                    {
                        placed = Some((put, place(&mut self.shared, segment, key, &row)?));
                    }
                    placed.as_ref().map(|(_, p)| p.clone())
                }
                _ => None,
            };
            let until = span.until.map(|(seq, op)| {
                let at = self.inner.moment(&self.manifest, seq)?;
                Ok::<_, StoreError>(End { at, op: op.into() })
            });
            let unseen_since = match span.unseen {
                0 => None,
                seq => Some(self.inner.moment(&self.manifest, seq.saturating_sub(1))?.taken_at),
            };
            self.ready.push_back(Version {
                key: key.clone(),
                op: span.op.into(),
                created: span.created,
                from: self.inner.moment(&self.manifest, span.from)?,
                until: until.transpose()?,
                unseen_since,
                placed: content,
            });
        }
        Ok(())
    }
}

pub(crate) fn place(
    shared: &mut Shared,
    segment: &Segment,
    key: &ResourceKey,
    row: &Row,
) -> Result<Placed, StoreError> {
    let lacking = || segment.damaged(format!("the row of `{key}` lacks a value"));
    let read_at = Timestamp::from_microsecond(row.read_at.ok_or_else(lacking)?);
    Ok(Placed {
        region: shared.text(segment, row.region())?,
        project: shared.text(segment, row.project())?,
        name: row.name().map(|n| segment.text(n).map(Arc::from)).transpose()?,
        source: shared.text(segment, row.source())?.ok_or_else(lacking)?,
        read_at: read_at.map_err(|e| segment.damaged(e))?,
        body: row.body().map(|b| segment.text(b).map(Arc::from)).transpose()?,
    })
}

/// One version, by numbers.
struct Span {
    op: Op,
    created: bool,
    from: u64,
    until: Option<(u64, Op)>,
    /// Since which snapshot it is not seen, or 0.
    unseen: u64,
    /// Where its content is.
    put: Option<(u64, u32)>,
}

/// The versions that began in `begun`.
fn spans(events: &Events, begun: &RangeInclusive<u64>) -> impl Iterator<Item = Span> {
    let mut now: Option<Standing> = None;
    let next = events.iter().skip(1).map(Some).chain([None]);
    events.iter().zip(next).filter_map(move |(&(from, op, row), next)| {
        let before = now;
        now = Standing::after(before, from, op, row);
        begun.contains(&from).then(|| Span {
            op,
            created: op == Op::Put && before.is_none(),
            from,
            until: next.map(|&(seq, op, _)| (seq, op)),
            unseen: now.map_or(0, |s| s.unseen),
            put: now.map(|s| (s.seq, s.row)),
        })
    })
}

impl Inner {
    fn moment(&self, manifest: &Manifest, seq: u64) -> Result<Moment, StoreError> {
        let (manifest, _) = self.wait(self.manifest(&manifest.subject, seq))?;
        Ok(Moment { seq, taken_at: manifest.taken_at })
    }

    /// What is to be gone through, kind by kind.
    fn groups(
        &self,
        manifest: &Manifest,
        selection: Selection,
    ) -> Result<VecDeque<Group>, StoreError> {
        let kinds = match selection {
            Selection::Kinds(kinds) => kinds,
            Selection::All => {
                let mut kinds = BTreeSet::new();
                for seq in 1..=manifest.seq {
                    let (manifest, _) = self.wait(self.manifest(&manifest.subject, seq))?;
                    kinds.extend(manifest.kinds.keys().cloned());
                }
                kinds
            }
            Selection::Keys(keys) => {
                let mut by_kind: BTreeMap<Kind, BTreeSet<ResourceKey>> = BTreeMap::new();
                for key in keys {
                    // A key of what is no kind is of nothing that was stored.
                    if let Ok(kind) = Kind::new(key.kind()) {
                        by_kind.entry(kind).or_default().insert(key);
                    }
                }
                return Ok(by_kind.into_iter().map(|(kind, keys)| (kind, Some(keys))).collect());
            }
        };
        Ok(kinds.into_iter().map(|kind| (kind, None)).collect())
    }

    /// What happened to the resources of a kind, or to some, in order of key.
    fn events(
        &self,
        layout: &Layout,
        manifest: &Manifest,
        kind: &Kind,
        keys: Option<&BTreeSet<ResourceKey>>,
    ) -> Result<Vec<(ResourceKey, Events)>, StoreError> {
        if let Some(found) = self.events_by_index(layout, manifest, kind, keys) {
            let live = |(_, events): &&(ResourceKey, Events)| {
                events.last().is_some_and(|(_, op, _)| *op != Op::Remove)
            };
            let live = found.iter().filter(live).count() as u64;
            let expected = manifest.kinds.get(kind).map_or(0, |tree| tree.count);
            if keys.is_some() || live == expected {
                return Ok(found);
            }
            self.discard(&Broken(format!("it has {live} of {expected} resources of `{kind}`")));
        }
        let mut found: BTreeMap<ResourceKey, Events> = BTreeMap::new();
        for segment in self.wait(self.live(layout, manifest.seq))? {
            self.each_change(layout, &segment, Some(kind), &mut |change| {
                let Happened { key, seq, op, row, .. } = change;
                if seq <= manifest.seq && keys.is_none_or(|k| k.contains(&key)) {
                    found.entry(key).or_default().push((seq, op, row));
                }
                Ok(())
            })?;
        }
        Ok(found.into_iter().collect())
    }

    fn events_by_index(
        &self,
        layout: &Layout,
        manifest: &Manifest,
        kind: &Kind,
        keys: Option<&BTreeSet<ResourceKey>>,
    ) -> Option<Vec<(ResourceKey, Events)>> {
        let (subject, seq) = (&manifest.subject, manifest.seq);
        let until = |events: &[(u64, Op, u32)]| {
            let end = events.partition_point(|(s, _, _)| *s <= seq);
            events.get(..end).unwrap_or_default().to_vec()
        };
        self.ask(|index| {
            if !holds(index, layout, seq)? {
                return Ok(None);
            }
            let mut found = Vec::new();
            let mut keep = |key: ResourceKey, events: Events| {
                if !events.is_empty() {
                    found.push((key, events));
                }
            };
            match keys {
                Some(keys) => {
                    for key in keys {
                        if let Some(entry) = index.get(subject, kind.as_str(), key.as_str())? {
                            keep(key.clone(), until(&entry.history));
                        }
                    }
                }
                None => index.histories(subject, Some(kind), &mut |_, key, history| {
                    let key = ResourceKey::new(key).map_err(|e| Broken(e.to_string()))?;
                    keep(key, until(history));
                    Ok(())
                })?,
            }
            Ok(Some(found))
        })
        .flatten()
    }
}
