//! Taking segments over into the index.

use std::collections::BTreeMap;
use std::iter::Peekable;

use sled::Tree;
use tidegate_model::Subject;

use super::log::{self, Log};
use super::run::Runs;
use super::{
    BATCH, Broken, Entry, Event, Index, PutEvent, THROUGH, Through, caught, entry, entry_of, guard,
};
use crate::segment::Op;

/// Events, each of which may be the error that ends them.
pub(crate) type Events<'e> = dyn Iterator<Item = Result<Event, Broken>> + 'e;

impl Index {
    /// Takes over what happened in the snapshots after `before` up to `through`,
    /// in order of (kind, key, seq). Doing it again changes nothing: what an entry
    /// says of these snapshots or later ones is replaced. An event that is an
    /// error ends it before the snapshots count as held. Where the index does not
    /// stand at `before`, somebody else was faster, and nothing is done.
    pub(crate) fn apply(
        &self,
        subject: &Subject,
        before: Option<Through>,
        through: Through,
        events: &mut Events<'_>,
    ) -> Result<(), Broken> {
        let _alone = self.alone();
        if self.through(subject)? != before {
            return Ok(());
        }
        let from = before.map_or(0, |t| t.seq) + 1;
        let known = before.is_some();
        if !known {
            // What a crash left before there was a head.
            guard(|| self.db.drop_tree(super::tree_name(subject)))?;
        }
        let tree = guard(|| self.tree(subject))?;
        let mut events = events.peekable();
        // Nothing is compared with what was before the first snapshot. The others
        // all have a log, so that a lost one shows.
        let mut logs: BTreeMap<u64, Log> =
            (from.max(2)..=through.seq).map(|seq| (seq, Log::new())).collect();
        // For a first snapshot there is nothing to look up, and all are neighbours.
        let (mut runs, mut bytes) = (Runs::new(&tree), Vec::new());
        // What is written counts once the head says so, which is written last: sled
        // keeps to the order. Batches would cost a third more.
        let put = |key: Vec<u8>, value: Vec<u8>| guard(|| tree.insert(key, value)).map(drop);
        let mut written = 0_usize;
        while let Some((key, entry)) = next(known.then_some(&tree), from, &mut events, &mut logs)? {
            if written.is_multiple_of(BATCH) {
                self.hit("index entries")?;
            }
            if known {
                let value = entry.encode(&key);
                put(key, value)?;
            } else {
                bytes.clear();
                entry.write(&mut bytes);
                caught(|| runs.push(&key, &bytes))?;
            }
            written += 1;
        }
        caught(|| runs.flush())?;
        for (seq, log) in logs {
            let name = log::name(seq);
            let value = log.finish(&name)?;
            put(name, value)?;
        }
        let mut head = vec![0; 4];
        head.extend_from_slice(&through.seq.to_be_bytes());
        head.extend_from_slice(&through.generation.to_be_bytes());
        head.extend_from_slice(&through.manifest.0);
        entry::seal(THROUGH, &mut head);
        self.hit("index head")?;
        put(THROUGH.to_vec(), head)?;
        self.hit("index flush")?;
        guard(|| self.db.flush())?;
        self.note_growth()
    }

    /// Forgets what it holds of a subject, but not its blobs: these do not
    /// depend on where versions are.
    pub(crate) fn drop_subject(&self, subject: &Subject) -> Result<(), Broken> {
        let _alone = self.alone();
        self.hit("index drop")?;
        self.pack_when_closed();
        guard(|| self.db.drop_tree(super::tree_name(subject))).map(drop)
    }
}

/// The entry of the next key that something happened to. `known` holds what is known
/// so far, if there is anything.
fn next<'e>(
    known: Option<&Tree>,
    from: u64,
    events: &mut Peekable<&mut Events<'e>>,
    logs: &mut BTreeMap<u64, Log>,
) -> Result<Option<(Vec<u8>, Entry)>, Broken> {
    let Some(event) = events.next() else { return Ok(None) };
    let mut event = event?;
    let key = std::mem::take(&mut event.key);
    let old = match known {
        Some(tree) => caught(|| entry_of(tree, &key))?,
        None => None,
    };
    let mut entry = old.map(|mut entry| {
        entry.history.retain(|(seq, _, _)| *seq < from);
        entry
    });
    loop {
        if let Some(log) = logs.get_mut(&event.seq) {
            log.push(&key, event.op);
        }
        entry = Some(next_entry(entry, event.seq, event.op, event.put)?);
        match events.next_if(|e| e.as_ref().is_ok_and(|e| e.key == key)) {
            Some(next) => event = next?,
            None => return Ok(entry.map(|entry| (key, entry))),
        }
    }
}

fn next_entry(
    old: Option<Entry>,
    seq: u64,
    op: Op,
    put: Option<PutEvent>,
) -> Result<Entry, Broken> {
    match (op, put, old) {
        (Op::Put, Some(put), old) => {
            let PutEvent { row, salt, leaf, place, region } = put;
            let mut history = old.map(|e| e.history).unwrap_or_default();
            history.push((seq, op, row));
            Ok(Entry { salt, leaf, place, region, history })
        }
        (Op::Remove | Op::Unseen | Op::Seen, None, Some(mut old)) => {
            old.history.push((seq, op, 0));
            Ok(old)
        }
        (Op::Put, None, _)
        | (Op::Remove | Op::Unseen | Op::Seen, Some(_), _)
        | (Op::Remove | Op::Unseen | Op::Seen, None, None) => {
            Err(Broken("it lacks an entry".into()))
        }
    }
}
