//! Bringing the index in step with the objects: what it lacks is replayed from
//! segments, and for another generation of these it is built anew.

use std::iter::once;

use tidegate_model::{Digest, Subject, leaf};

use crate::StoreError;
use crate::index::{Broken, Event, Index, PutEvent, Through, index_key, place};
use crate::layout::{Layout, LiveSegment};
use crate::manifest;
use crate::merkle::Tree;
use crate::segment::{Columns, Cursor, Op, Row, Segment, Source};
use crate::store::Inner;

impl Inner {
    /// Replays what an index lacks.
    pub(crate) async fn catch_up(
        &self,
        opened: Result<Index, Broken>,
    ) -> Result<Result<(Index, Vec<String>), Broken>, StoreError> {
        let index = match opened {
            Ok(index) => index,
            Err(broken) => return Ok(Err(broken)),
        };
        let mut notices = Vec::new();
        let subjects = self.open_objects()?.subjects("manifests").await?;
        let known = match index.subjects() {
            Ok(known) => known,
            Err(broken) => return Ok(Err(broken)),
        };
        if let Some(gone) = known.iter().find(|s| !subjects.contains(*s)) {
            return Ok(Err(Broken(format!("it holds `{gone}`, which the store does not"))));
        }
        for subject in subjects {
            match self.catch_up_subject(&Reach::Own(&index), &subject).await? {
                Ok(notice) => notices.extend(notice),
                Err(broken) => return Ok(Err(broken)),
            }
        }
        Ok(Ok((index, notices)))
    }

    /// Whether the entries of an index are all those of the newest snapshots that it holds:
    /// where a bit flipped after a crash, sled may have forgotten some, or what became of
    /// them. Takes a tenth of a CPU second for 50,000 resources.
    pub(crate) async fn has_its_roots(&self, index: &Index) -> Result<(), Broken> {
        for subject in index.subjects()? {
            let Some(through) = index.through(&subject)? else { continue };
            // Where there is none, or another one, is seen when it is brought in step.
            let Ok((manifest, _)) = self.manifest(&subject, through.seq).await else { continue };
            // By kind, in order.
            let mut trees: Vec<(String, Tree)> = Vec::new();
            index.standings(&subject, None, through.seq, &mut |kind, _, _, leaf| {
                if trees.last().is_none_or(|(last, _)| last != kind) {
                    trees.push((kind.to_owned(), Tree::default()));
                }
                if let Some((_, tree)) = trees.last_mut() {
                    tree.push(leaf.unwrap_or(Digest([0; 32])));
                }
                Ok(())
            })?;
            let found = trees.iter().map(|(k, t)| (k.as_str(), t.count(), t.root()));
            let named = manifest.kinds.iter().map(|(k, t)| (k.as_str(), t.count, t.root));
            if !found.eq(named) {
                return Err(Broken(format!("it has not what `{}` has", manifest.id())));
            }
        }
        Ok(())
    }

    /// Brings the index in step for one subject. A damaged object ends that,
    /// but is no reason not to open: older snapshots can be read.
    pub(crate) async fn catch_up_subject(
        &self,
        index: &Reach<'_>,
        subject: &Subject,
    ) -> Result<Result<Option<String>, Broken>, StoreError> {
        let head = self.head(subject).await?;
        let mut through = match index.ask(|i| i.through(subject)) {
            Ok(through) => through,
            Err(broken) => return Ok(Err(broken)),
        };
        let layout = match self.layout(subject).await {
            Ok(layout) if layout.through <= head => layout,
            Ok(layout) => {
                let path = manifest::path(subject, head + 1);
                let generation = layout.generation;
                return Ok(Ok(Some(format!(
                    "the index does not hold `{subject}`: `{path}` is missing, layout \
                     {generation} knows of it"
                ))));
            }
            Err(e) => return Ok(Ok(Some(format!("the index does not hold `{subject}`: {e}")))),
        };
        if through.is_some_and(|t| t.generation != layout.generation) {
            if let Err(broken) = index.ask(|i| i.drop_subject(subject)) {
                return Ok(Err(broken));
            }
            through = None;
        }
        let start = through.map_or(0, |t| t.seq);
        if start > head {
            return Ok(Err(Broken(format!("it is ahead of `{subject}@{head}`"))));
        }
        if let Some(through) = through {
            match self.manifest(subject, start).await {
                Ok((_, hash)) if hash == through.manifest => {}
                Ok(_) => {
                    return Ok(Err(Broken(format!("it holds another `{subject}@{start}`"))));
                }
                Err(e) => return Ok(Ok(Some(format!("the index stops at {start}: {e}")))),
            }
        }
        let steps = steps(&layout, start, head);
        let several = steps.len() > 1;
        for (upto, segment) in steps {
            match self.replay(index, &layout, through, upto, segment).await {
                Ok(Ok(next)) => through = Some(next),
                Ok(Err(broken)) => return Ok(Err(broken)),
                Err(e) => {
                    let last = through.map_or(0, |t| t.seq);
                    return Ok(Ok(Some(format!("the index stops at `{subject}@{last}`: {e}"))));
                }
            }
        }
        let lacked = head - start;
        if start == 0 && several {
            // The later ones made entries of their own.
            let _ = index.ask(|i| {
                i.pack_when_closed();
                Ok(())
            });
        }
        Ok(Ok((lacked > 0).then(|| {
            format!("the index was behind by {lacked} of `{subject}`: replayed from segments")
        })))
    }

    /// Takes the snapshots after `before` up to `upto` over into the index, whose
    /// changes are in `segment`; gives where the index stands then.
    async fn replay(
        &self,
        index: &Reach<'_>,
        layout: &Layout,
        before: Option<Through>,
        upto: u64,
        segment: Option<LiveSegment>,
    ) -> Result<Result<Through, Broken>, StoreError> {
        let subject = &layout.subject;
        let mut previous = before.map(|t| t.manifest);
        for seq in before.map_or(0, |t| t.seq) + 1..=upto {
            let (manifest, hash) = self.manifest(subject, seq).await?;
            if manifest.previous != previous {
                let why = format!("it does not follow `{subject}@{}`", seq - 1);
                return Err(StoreError::damaged(manifest::path(subject, seq).to_string(), why));
            }
            previous = Some(hash);
        }
        let Some(hash) = previous else { return Ok(Err(Broken("there is no snapshot".into()))) };
        let through = Through { seq: upto, generation: layout.generation, manifest: hash };
        let named = match segment {
            Some(named) => named,
            None if upto <= layout.through => {
                let apply = |i: &Index| i.apply(subject, before, through, &mut std::iter::empty());
                return Ok(index.ask(apply).map(|()| through));
            }
            None => LiveSegment::delta(&self.manifest(subject, upto).await?.0),
        };
        let bytes = self.open_objects()?.get(&named.path(subject)).await?;
        let segment = Segment::open(named.path(subject), &bytes, &named)?;
        let mut cursor =
            Cursor::new(&segment, &Source::Whole(bytes), Columns::ALL, once(0..segment.rows()));
        let mut row = 0_u32;
        let mut failed = None;
        let mut events = std::iter::from_fn(|| {
            let next = cursor.next().and_then(|r| r.map(|r| event(&segment, &r, row)).transpose());
            row += 1;
            next.transpose().map(|e| {
                e.map_err(|e| {
                    let broken = Broken(e.to_string());
                    failed = Some(e);
                    broken
                })
            })
        });
        let applied = index.ask(|i| i.apply(subject, before, through, &mut events));
        failed.map_or_else(|| Ok(applied.map(|()| through)), Err)
    }
}

/// The index, as it is brought in step: one that only this task knows, or the
/// one in use.
pub(crate) enum Reach<'i> {
    Own(&'i Index),
    Slot(&'i Inner),
}

impl Reach<'_> {
    fn ask<T>(&self, question: impl FnOnce(&Index) -> Result<T, Broken>) -> Result<T, Broken> {
        match self {
            Self::Own(index) => question(index),
            Self::Slot(inner) => {
                inner.try_ask(question).unwrap_or_else(|| Err(Broken("it is not in use".into())))
            }
        }
    }
}

/// The steps from snapshot `start` to `head`: how far each leads, and its segment.
/// Without one it is the delta of that snapshot; within the layout there are no
/// changes then.
fn steps(layout: &Layout, start: u64, head: u64) -> Vec<(u64, Option<LiveSegment>)> {
    let live = layout.segments.iter().filter(|s| s.to > start);
    let mut steps: Vec<_> = live.map(|s| (s.to, Some(s.clone()))).collect();
    let last = steps.last().map_or(start, |(upto, _)| *upto);
    if last < layout.through {
        steps.push((layout.through, None));
    }
    steps.extend((layout.through.max(start) + 1..=head).map(|seq| (seq, None)));
    steps
}

/// What a row tells the index.
fn event(segment: &Segment, row: &Row, n: u32) -> Result<Event, StoreError> {
    let op = row.op.ok_or_else(|| segment.damaged("a row has no operation"))?;
    let key = segment.text(row.key())?;
    let kind = segment.text(row.kind())?;
    let text = |t: Option<&[u8]>| -> Result<Option<String>, StoreError> {
        t.map(|t| segment.text(t).map(str::to_owned)).transpose()
    };
    let put = if op == Op::Put {
        let lacking = || segment.damaged(format!("the row of `{key}` lacks a value"));
        let (salt, leaf) = match (row.body(), row.salt, row.leaf) {
            (Some(body), Some(salt), None) => (salt, leaf(key, &salt, segment.text(body)?)),
            // Erased. No body has the leaf with this salt, so the next that is
            // seen is a new version.
            (None, None, Some(leaf)) => ([0; 16], leaf),
            _ => return Err(lacking()),
        };
        let source = segment.text(row.source().ok_or_else(lacking)?)?;
        let (region, project, name) =
            (text(row.region())?, text(row.project())?, text(row.name())?);
        Some(PutEvent {
            row: n,
            salt,
            leaf,
            place: place(source, region.as_deref(), project.as_deref(), name.as_deref()),
            region: region.map(Into::into),
        })
    } else {
        None
    };
    Ok(Event { key: index_key(kind, key), seq: row.seq, op, put })
}
