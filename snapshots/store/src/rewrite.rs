//! Writing live segments anew: merged, with versions left out, or with bodies
//! taken away.
//!
//! ```text
//! live segments ─▶ merge by (kind, key, seq) ─▶ fate of each change ─▶ new segments ─▶ layout
//! ```
//! Compaction, pruning and erasure differ in which segments they take together
//! and in the fates. Nothing is committed before the layout is put; then the old
//! segments are superseded, not gone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::iter::once;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use parquet::errors::ParquetError;
use tidegate_model::{Digest, Subject, Timestamp, leaf};

use crate::StoreError;
use crate::follow::Reach;
use crate::index::index_key;
use crate::layout::{self, LAYOUT, Layout, LiveSegment, Span, Spans, segment_name};
use crate::segment::{
    Columns, Content, Cursor, NewRow, Op, Packing, PutRow, Row, Segment, SegmentWriter,
};
use crate::spool::TempFile;
use crate::store::Inner;

/// What becomes of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Keep,
    Drop,
    /// It stays without body, salt and name.
    Erase,
}

/// Says what becomes of all changes of one key, oldest first.
pub(crate) type Judge<'j> = dyn FnMut(&[NewRow]) -> Vec<Fate> + Send + 'j;

/// Segments that follow each other and become one.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) sources: Vec<LiveSegment>,
}

impl Target {
    fn span(&self) -> Span {
        let ends = self.sources.first().zip(self.sources.last());
        ends.map_or(Span { from: 0, to: 0 }, |(a, b)| Span { from: a.from, to: b.to })
    }
}

/// Segments that take the place of others; nothing is put yet.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    pub(crate) fresh: Vec<Fresh>,
    /// The names of those that they replace.
    pub(crate) replaced: Vec<String>,
    /// Changes left out.
    pub(crate) dropped: u64,
    /// Versions that lost their body.
    pub(crate) erased: u64,
}

/// A new segment in a temporary file; none where no change is left.
#[derive(Debug)]
pub(crate) struct Fresh {
    span: Span,
    written: Option<(TempFile, Digest)>,
}

/// The segment being written for one target.
struct Out {
    span: Span,
    file: TempFile,
    writer: SegmentWriter,
    rows: u64,
    touched: bool,
}

/// Merges the changes of segments, in order of (kind, key, seq).
struct Merge<'s> {
    cursors: Vec<Cursor<&'s Segment>>,
    /// The next row of each, by the name of its key.
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
    rows: BTreeMap<usize, Row>,
}

impl<'s> Merge<'s> {
    fn new(inner: &Inner, segments: &'s [Arc<Segment>]) -> Result<Self, StoreError> {
        let source = inner.source()?;
        let cursor =
            |s: &'s Arc<Segment>| Cursor::new(&**s, &source, Columns::ALL, once(0..s.rows()));
        let cursors = segments.iter().map(cursor).collect();
        let mut merge = Self { cursors, heads: BinaryHeap::new(), rows: BTreeMap::new() };
        for at in 0..segments.len() {
            merge.advance(at)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, at: usize) -> Result<(), StoreError> {
        let Some(cursor) = self.cursors.get_mut(at) else { return Ok(()) };
        if let Some(row) = cursor.next()? {
            let segment = cursor.segment();
            let name = index_key(segment.text(row.kind())?, segment.text(row.key())?);
            // INVARIANT: segments are given oldest first, so that of one key the
            // changes come in order of seq.
            self.heads.push(Reverse((name, at)));
            self.rows.insert(at, row);
        }
        Ok(())
    }

    /// The next change.
    fn next(&mut self) -> Result<Option<NewRow>, StoreError> {
        let Some(Reverse((_, at))) = self.heads.pop() else { return Ok(None) };
        let row = self.rows.remove(&at);
        let row = match (row, self.cursors.get(at)) {
            (Some(row), Some(cursor)) => Some(copy(cursor.segment(), &row)?),
            _ => None,
        };
        self.advance(at)?;
        Ok(row)
    }
}

/// A row as it is written again.
fn copy(segment: &Segment, row: &Row) -> Result<NewRow, StoreError> {
    let bytes = |t: Option<&[u8]>| t.map(Bytes::copy_from_slice);
    let lacking = || segment.damaged("a row lacks a value");
    let op = row.op.ok_or_else(lacking)?;
    let put = if op == Op::Put {
        let content = match (row.body(), row.salt, row.leaf) {
            (Some(body), Some(salt), None) => {
                Content::Whole { body: Bytes::copy_from_slice(body), salt }
            }
            (None, None, Some(leaf)) => Content::Erased { leaf },
            _ => return Err(lacking()),
        };
        Some(PutRow {
            content,
            source: bytes(row.source()).ok_or_else(lacking)?,
            read_at: row.read_at.ok_or_else(lacking)?,
            region: bytes(row.region()),
            project: bytes(row.project()),
            name: bytes(row.name()),
        })
    } else {
        None
    };
    let (key, kind) = (Bytes::copy_from_slice(row.key()), Bytes::copy_from_slice(row.kind()));
    Ok(NewRow { key, kind, op, seq: row.seq, put })
}

/// Takes body, salt and name away.
fn erase(row: &mut NewRow) {
    let Some(put) = &mut row.put else { return };
    if let Content::Whole { body, salt } = &put.content {
        let text = |b: &Bytes| String::from_utf8_lossy(b).into_owned();
        put.content = Content::Erased { leaf: leaf(&text(&row.key), salt, &text(body)) };
        put.name = None;
    }
}

impl Inner {
    /// Writes what becomes of the segments of `targets`, which follow each other,
    /// into temporary files. A target of one segment in which nothing changes is
    /// left as it is.
    pub(crate) fn rewrite(
        &self,
        subject: &Subject,
        targets: &[Target],
        judge: &mut Judge<'_>,
    ) -> Result<Rewritten, StoreError> {
        let mut segments = Vec::new();
        let mut outs = Vec::new();
        for target in targets {
            for source in &target.sources {
                segments.push(self.wait(self.open_segment(subject, source))?);
            }
            let span = target.span();
            let file = TempFile::create(&self.temp_folder(), subject, "segment")?;
            let handle = file.file.try_clone().map_err(StoreError::io("open", &file.path))?;
            let writer = SegmentWriter::new(handle, Packing::Tight, self.fail.clone());
            let writer = writer.map_err(|e| encode(subject, span, e))?;
            outs.push(Out { span, file, writer, rows: 0, touched: target.sources.len() > 1 });
        }
        let mut done = Rewritten::default();
        let mut merge = Merge::new(self, &segments)?;
        let mut group: Vec<NewRow> = Vec::new();
        loop {
            let next = merge.next()?;
            let ends = match (group.last(), &next) {
                (Some(last), Some(next)) => last.key != next.key || last.kind != next.kind,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if ends {
                place(subject, &mut outs, std::mem::take(&mut group), judge, &mut done)?;
            }
            let Some(next) = next else { break };
            group.push(next);
        }
        for (out, target) in outs.into_iter().zip(targets) {
            let written = out.writer.finish().map_err(|e| encode(subject, out.span, e))?;
            if out.touched {
                done.replaced.extend(target.sources.iter().map(|s| s.name.clone()));
                let written = (out.rows > 0).then_some((out.file, written.sha256));
                done.fresh.push(Fresh { span: out.span, written });
            }
        }
        Ok(done)
    }

    /// Puts new segments and the layout that names them: the commit. Then brings
    /// the index in step; if that fails it is rebuilt later.
    pub(crate) async fn publish(
        &self,
        layout: &Layout,
        live: &[LiveSegment],
        rewritten: Rewritten,
        pruned: Spans,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (objects, subject) = (self.open_objects()?, &layout.subject);
        let mut segments: Vec<LiveSegment> =
            live.iter().filter(|s| !rewritten.replaced.contains(&s.name)).cloned().collect();
        let mut put = Vec::new();
        let mut through = layout.through;
        for Fresh { span, written } in rewritten.fresh {
            through = through.max(span.to);
            let Some((file, sha256)) = written else { continue };
            let name = segment_name(span.to, &sha256);
            let segment = LiveSegment { name, sha256, from: span.from, to: span.to };
            let path = segment.path(subject);
            objects.put_file(&path, &file.path).await?;
            put.push(path);
            segments.push(segment);
        }
        segments.retain(|s| s.to <= through);
        segments.sort_by_key(|s| s.from);
        let generation = layout.generation + 1;
        let mut next = Layout {
            schema: LAYOUT.to_owned(),
            subject: subject.clone(),
            generation,
            written_at: now,
            through,
            segments,
            pruned,
            checksum: Digest::of(&[]),
        };
        let bytes = next.seal()?;
        if !objects.create(&layout::path(subject, generation), bytes).await? {
            for path in put {
                // What stays is swept later.
                let _ = objects.delete(&path).await;
            }
            return Err(StoreError::Rearranged { subject: subject.clone() });
        }
        self.realign(subject).await;
        Ok(generation)
    }

    /// Makes the index fit the newest layout.
    pub(crate) async fn realign(&self, subject: &Subject) {
        match self.catch_up_subject(&Reach::Slot(self), subject).await {
            Ok(Ok(_)) => {}
            Ok(Err(broken)) => self.discard(&broken),
            Err(error) => tracing::warn!(%error, "the index is behind"),
        }
    }

    /// The bytes of each segment of a subject, by file name.
    pub(crate) async fn segment_sizes(
        &self,
        subject: &Subject,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let folder = Path::from(format!("segments/{subject}"));
        Ok(self.open_objects()?.names(&folder).await?.into_iter().collect())
    }
}

impl Rewritten {
    /// The bytes of the segments that are replaced, and of those that replace
    /// them.
    pub(crate) fn bytes(&self, sizes: &BTreeMap<String, u64>) -> (u64, u64) {
        let before = self.replaced.iter().filter_map(|name| sizes.get(name)).sum();
        let files = self.fresh.iter().filter_map(|f| f.written.as_ref());
        let after = files.filter_map(|(file, _)| file.file.metadata().ok()).map(|m| m.len()).sum();
        (before, after)
    }
}

/// Writes the changes of one key to where they belong.
fn place(
    subject: &Subject,
    outs: &mut [Out],
    group: Vec<NewRow>,
    judge: &mut Judge<'_>,
    done: &mut Rewritten,
) -> Result<(), StoreError> {
    let fates = judge(&group);
    for (mut row, fate) in group.into_iter().zip(fates) {
        let at = outs.partition_point(|o| o.span.to < row.seq);
        let Some(out) = outs.get_mut(at) else { continue };
        out.touched |= fate != Fate::Keep;
        match fate {
            Fate::Keep => {}
            Fate::Drop => {
                done.dropped += 1;
                continue;
            }
            Fate::Erase => {
                done.erased += 1;
                erase(&mut row);
            }
        }
        out.rows += 1;
        out.writer.push(row).map_err(|e| encode(subject, out.span, e))?;
    }
    Ok(())
}

fn encode(subject: &Subject, span: Span, source: ParquetError) -> StoreError {
    StoreError::Encode { subject: subject.clone(), seq: span.to, source }
}
