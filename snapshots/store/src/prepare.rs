//! The part of a commit that only computes and writes temporary files: what
//! happened to each resource, the segment that says so, and the new roots.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use tidegate_model::{Digest, Kind, KindCoverage, ResourceKey};

use crate::StoreError;
use crate::index::{Event, PutEvent, index_key};
use crate::manifest::{KindTree, Manifest};
use crate::merkle::Tree;
use crate::removal::Listings;
use crate::segment::{NewRow, Op, Packing, SegmentWriter};
use crate::spool::TempFile;
use crate::writer::{Kinds, Known, Old, SnapshotWriter};

/// All that remains is to put it.
pub(crate) struct Prepared {
    pub(crate) segment: TempFile,
    pub(crate) sha256: Digest,
    pub(crate) coverage: Vec<KindCoverage>,
    pub(crate) kinds: BTreeMap<Kind, KindTree>,
    pub(crate) events: Vec<Event>,
    /// Put, removed, unseen, seen, unchanged.
    pub(crate) counts: [u64; 5],
}

/// Goes through all kinds in order.
pub(crate) fn prepare(mut writer: SnapshotWriter) -> Result<Prepared, StoreError> {
    let mut coverage = std::mem::take(&mut writer.coverage);
    coverage.sort_by(|a, b| order(a).cmp(&order(b)));
    let before: BTreeSet<Kind> =
        writer.head.iter().flat_map(|(m, _)| m.kinds.keys().cloned()).collect();
    let mut came = std::mem::take(&mut writer.kinds);
    let all: BTreeSet<Kind> = before.into_iter().chain(came.keys().cloned()).collect();

    let segment = TempFile::create(&writer.inner.temp_folder(), &writer.subject, "segment")?;
    let file = segment.file.try_clone().map_err(StoreError::io("open", &segment.path))?;
    let out = SegmentWriter::new(file, Packing::Fast, writer.inner.fail.clone());
    let out = out.map_err(|e| encode(&writer, e))?;
    let mut pass = Pass { writer, out, kinds: BTreeMap::new(), events: Vec::new(), counts: [0; 5] };
    for kind in all {
        let known = match came.remove(&kind) {
            Some(known) => known,
            None => pass.writer.load(&kind)?,
        };
        pass.kind(&kind, known, &coverage)?;
    }
    let Pass { writer, out, kinds, events, counts } = pass;
    let sha256 = out.finish().map_err(|e| encode(&writer, e))?.sha256;
    Ok(Prepared { segment, sha256, coverage, kinds, events, counts })
}

struct Pass {
    writer: SnapshotWriter,
    out: SegmentWriter,
    kinds: BTreeMap<Kind, KindTree>,
    events: Vec<Event>,
    counts: [u64; 5],
}

impl Pass {
    fn kind(
        &mut self,
        kind: &Kind,
        known: Kinds,
        coverage: &[KindCoverage],
    ) -> Result<(), StoreError> {
        let now = Listings::of(kind, coverage);
        let lasts = self.last_seen(&known)?;
        let lasts: BTreeMap<u64, Listings<'_>> =
            lasts.iter().map(|(&seq, m)| (seq, Listings::of(kind, &m.coverage))).collect();
        let gone = |old: &Old| {
            lasts.get(&old.unseen).is_some_and(|l| now.disprove(old.region.as_ref(), l))
        };
        let name = Bytes::copy_from_slice(kind.as_str().as_bytes());
        let mut tree = Tree::default();
        for (key, known) in known {
            let (op, leaf) = match &known {
                Known { new: Some(new), .. } => (Some(Op::Put), Some(new.leaf)),
                Known { old: Some(old), read_at: Some(_), .. } => {
                    ((old.unseen > 0).then_some(Op::Seen), Some(old.leaf))
                }
                Known { old: Some(old), read_at: None, .. } if gone(old) => {
                    (Some(Op::Remove), None)
                }
                Known { old: Some(old), read_at: None, .. } => {
                    ((old.unseen == 0).then_some(Op::Unseen), Some(old.leaf))
                }
                Known { old: None, new: None, .. } => continue,
            };
            if let Some(leaf) = leaf {
                tree.push(leaf);
            }
            let count = match op {
                Some(Op::Put) => 0,
                Some(Op::Remove) => 1,
                Some(Op::Unseen) => 2,
                Some(Op::Seen) => 3,
                None => 4,
            };
            // Unseen as before is neither a change nor unchanged.
            if let (Some(n), true) =
                (self.counts.get_mut(count), op.is_some() || known.read_at.is_some())
            {
                *n += 1;
            }
            if let Some(op) = op {
                self.row(&name, &key, op, known)?;
            }
        }
        if tree.count() > 0 {
            let tree = KindTree { count: tree.count(), root: tree.root() };
            self.kinds.insert(kind.clone(), tree);
        }
        Ok(())
    }

    /// The manifests of the snapshots that saw resources last, by what
    /// [`Old::unseen`] says: the one before, where it is 0.
    fn last_seen(&self, known: &Kinds) -> Result<BTreeMap<u64, Arc<Manifest>>, StoreError> {
        let mut manifests = BTreeMap::new();
        let Some((head, _)) = &self.writer.head else { return Ok(manifests) };
        manifests.insert(0, Arc::clone(head));
        for old in known.values().filter_map(|k| k.old.as_ref()) {
            if let Entry::Vacant(place) = manifests.entry(old.unseen) {
                let inner = &self.writer.inner;
                let seq = old.unseen.saturating_sub(1);
                place.insert(inner.wait(inner.manifest(&self.writer.subject, seq))?.0);
            }
        }
        Ok(manifests)
    }

    fn row(
        &mut self,
        kind: &Bytes,
        key: &ResourceKey,
        op: Op,
        known: Known,
    ) -> Result<(), StoreError> {
        let put = match &known.new {
            Some(new) => Some(self.writer.spool.read(new.spooled)?),
            None => None,
        };
        let seq = self.writer.id().seq;
        let row = NewRow {
            seq,
            key: Bytes::copy_from_slice(key.as_str().as_bytes()),
            kind: kind.clone(),
            op,
            put,
        };
        let row = self.out.push(row).map_err(|e| encode(&self.writer, e))?;
        let put = match known.new {
            Some(new) => Some(PutEvent {
                row: u32::try_from(row).map_err(|_| StoreError::BadResource {
                    key: key.to_string(),
                    why: "a snapshot has room for 4,294,967,295 changes",
                })?,
                salt: new.salt,
                leaf: new.leaf,
                place: new.place,
                region: new.region,
            }),
            None => None,
        };
        self.events.push(Event { key: index_key(key.kind(), key.as_str()), seq, op, put });
        Ok(())
    }
}

fn order(c: &KindCoverage) -> impl Ord + '_ {
    (&c.source, &c.region, &c.kind, &c.visibility, c.status.rank(), c.read_from, c.read_until)
}

fn encode(writer: &SnapshotWriter, source: ParquetError) -> StoreError {
    let id = writer.id();
    StoreError::Encode { subject: id.subject, seq: id.seq, source }
}
