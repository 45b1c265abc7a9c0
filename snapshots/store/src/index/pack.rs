//! Keeping the files of the index small: they are written anew, from the entries,
//! where they have much room that nobody needs.

use std::path::Path;
use std::sync::atomic::Ordering;

use sled::Db;

use super::run::{self, Runs};
use super::{Broken, Index, SUBJECT, config, entry, files, guard};

/// It is written anew when it has grown by this part since the last time. sled frees
/// a segment of its file only once all pages in there were written again, and leaves
/// one half empty each time it is opened: a month of nights can double it. Writing
/// anew takes 0.15 CPU seconds for 50,000 resources and a year.
const PART: u64 = 4;
/// Up to this size it is not worth it. Tests do not fill that much.
const SMALL: u64 = if cfg!(test) { 1 << 20 } else { 48 << 20 };

/// In the default tree: its bytes on disk when it was last written anew.
const PACKED: &[u8] = b"p";

impl Index {
    /// Sees to it that it is written anew when it is closed, if it takes much more
    /// room than it needs.
    pub(super) fn note_growth(&self) -> Result<(), Broken> {
        let (size, packed) = guard(|| Ok((self.db.size_on_disk()?, self.db.get(PACKED)?)))?;
        let packed = packed.and_then(|value| {
            let packed = entry::checked(PACKED, &value)?;
            Some(u64::from_be_bytes(packed.try_into().ok()?))
        });
        let packed = packed.unwrap_or(0).max(SMALL);
        if size > packed.saturating_add(packed / PART) {
            self.pack_when_closed();
        }
        Ok(())
    }

    /// Lets it be written anew when it is closed.
    pub(crate) fn pack_when_closed(&self) {
        self.loose.store(true, Ordering::Relaxed);
    }
}

/// Copies all trees to a new place, entries as runs. Calls of sled are not caught.
pub(super) fn copy(db: &Db, folder: &Path) -> Result<(), Broken> {
    // What a crash left.
    files::remove(folder).map_err(|e| Broken(e.to_string()))?;
    let fresh = config(folder).open()?;
    for name in db.tree_names() {
        let (old, new) = (db.open_tree(&name)?, fresh.open_tree(&name)?);
        let of_subject = name.starts_with(SUBJECT);
        for pair in &old {
            let (key, value) = pair?;
            if !(of_subject && run::is_of_entries(&key)) {
                new.insert(key, value)?;
            }
        }
        if of_subject {
            let mut runs = Runs::new(&new);
            run::each(&old, b"k", &mut |name, entry| runs.push(name, entry))?;
            runs.flush()?;
        }
    }
    let mut value = vec![0; 4];
    fresh.flush()?;
    value.extend_from_slice(&fresh.size_on_disk()?.to_be_bytes());
    entry::seal(PACKED, &mut value);
    fresh.insert(PACKED, value)?;
    fresh.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tidegate_model::{Digest, Subject};

    use super::super::{Event, PutEvent, Through, index_key};
    use super::*;
    use crate::fail::Fail;
    use crate::segment::Op;

    fn put(n: u32, seq: u64) -> Event {
        let put = PutEvent { row: n, salt: [1; 16], leaf: Digest([2; 32]), place: 3, region: None };
        Event {
            key: index_key("a.kind", &format!("s/a.kind/{n:08}")),
            seq,
            op: Op::Put,
            put: Some(put),
        }
    }

    #[test]
    fn what_cannot_be_written_anew_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let index = Index::open(&path, Fail::default()).unwrap();
        let subject = Subject::new("prod1").unwrap();
        let tree = index.tree(&subject).unwrap();
        tree.insert("ka.kind\0s/1", "no entry").unwrap();
        drop(tree);
        index.pack_when_closed();
        index.close(&path).unwrap();
        assert!(!path.with_extension("packed").exists());
        let index = Index::open(&path, Fail::default()).unwrap();
        assert!(index.get(&subject, "a.kind", "s/a.kind/1").is_err());
    }

    #[test]
    fn what_grew_is_written_anew_once_and_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index");
        let subject = Subject::new("prod1").unwrap();
        let mut through = None;
        // Many keys, a few of them again, and what was lost of the note.
        for (seq, keys, grew) in [(1, 9000, true), (2, 5, false), (3, 5, true), (4, 5, false)] {
            let index = Index::open(&path, Fail::default()).unwrap();
            if seq == 3 {
                index.db.insert(PACKED, b"damaged").unwrap();
            }
            let next = Through { seq, generation: 0, manifest: Digest([seq as u8; 32]) };
            let mut events = (0..keys).map(|n| Ok(put(n, seq)));
            index.apply(&subject, through, next, &mut events).unwrap();
            through = Some(next);
            assert_eq!(index.loose.load(Ordering::Relaxed), grew, "{seq}");
            index.close(&path).unwrap();
        }
        let index = Index::open(&path, Fail::default()).unwrap();
        assert_eq!(index.through(&subject).unwrap(), through);
        let key = |n: u32| format!("s/a.kind/{n:08}");
        for n in 0..9000 {
            let entry = index.get(&subject, "a.kind", &key(n)).unwrap().unwrap();
            assert_eq!(entry.history.len(), if n < 5 { 4 } else { 1 }, "{n}");
        }
        assert!(index.get(&subject, "a.kind", &key(9000)).unwrap().is_none());
    }
}
