//! Runs: the entries of neighbours in one value, written where many come at once, as
//! in a first snapshot. What happens to a key later makes an entry of its own, which
//! counts in place of the one in the run until the index is written anew.
//!
//! ```text
//! crc32 of name and the rest
//! │ (bytes of the name shared with the one before · 4, length and rest of the name,
//!    length of the entry, the entry without a checksum)…
//! ```
//! sled works for each value, and keeps each name in several places: 50,000 values of
//! one entry cost ten times as much to write as 1,000 runs, and three times as much to
//! read. Calls of sled are not caught here.

use std::cmp::Ordering;
use std::ops::Range;

use sled::{IVec, Tree};

use super::Broken;
use super::entry::{self, push_number, take_number};

/// So many entries are in a run, at most. Looking for one reads all before it.
const ENTRIES: usize = 48;
/// One that has so many bytes is long enough: histories grow.
const BYTES: usize = 16 << 10;

/// The name of a run that begins with this entry, or what such names begin with.
fn name_of(entry: &[u8]) -> Vec<u8> {
    [b"n", entry.get(1..).unwrap_or_default()].concat()
}

/// Whether this names an entry or a run.
pub(super) fn is_of_entries(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'k' | b'n'))
}

/// What all names of a kind have in common.
fn kind_of(name: &[u8]) -> &[u8] {
    name.split_inclusive(|byte| *byte == 0).next().unwrap_or_default()
}

/// Makes runs of entries that come in order, and writes them.
pub(super) struct Runs<'t> {
    tree: &'t Tree,
    first: Vec<u8>,
    last: Vec<u8>,
    count: usize,
    out: Vec<u8>,
}

impl<'t> Runs<'t> {
    pub(super) fn new(tree: &'t Tree) -> Self {
        Self { tree, first: Vec::new(), last: Vec::new(), count: 0, out: Vec::new() }
    }

    /// Appends an entry without its checksum.
    pub(super) fn push(&mut self, name: &[u8], entry: &[u8]) -> Result<(), Broken> {
        if !self.last.is_empty() && self.last.as_slice() >= name {
            return Err(Broken("entries come out of order".into()));
        }
        let full = self.count == ENTRIES || self.out.len() >= BYTES;
        if full || kind_of(&self.last) != kind_of(name) {
            self.flush()?;
        }
        if self.count == 0 {
            self.first.clear();
            self.first.extend_from_slice(name);
            self.last.clear();
            self.out.extend_from_slice(&[0; 4]);
        }
        entry::push_shared(&mut self.out, &mut self.last, name, 0);
        push_number(&mut self.out, entry.len() as u64);
        self.out.extend_from_slice(entry);
        self.count += 1;
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn flush(&mut self) -> Result<(), Broken> {
        if self.count == 0 {
            return Ok(());
        }
        let name = name_of(&self.first);
        entry::seal(&name, &mut self.out);
        self.tree.insert(name, self.out.as_slice())?;
        self.count = 0;
        self.out.clear();
        Ok(())
    }
}

/// A run, and where in it a reader is.
struct Run {
    value: IVec,
    at: usize,
    name: Vec<u8>,
    entry: Range<usize>,
}

impl Run {
    /// Stands before the first entry.
    fn open(name: &[u8], value: IVec) -> Result<Self, Broken> {
        entry::checked(name, &value).ok_or_else(Broken::damaged)?;
        Ok(Self { value, at: 4, name: Vec::new(), entry: 0..0 })
    }

    /// Goes to the next entry; false at the end.
    fn advance(&mut self) -> Result<bool, Broken> {
        let mut rest = self.value.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(false);
        }
        let mut step = || {
            entry::take_shared(&mut rest, &mut self.name)?;
            let length = usize::try_from(take_number(&mut rest)?).ok()?;
            let start = self.value.len() - rest.len();
            self.entry = start..start.checked_add(length)?;
            self.at = self.entry.end;
            self.value.get(self.entry.clone()).map(drop)
        };
        step().ok_or_else(Broken::damaged).map(|()| true)
    }

    fn entry(&self) -> &[u8] {
        self.value.get(self.entry.clone()).unwrap_or_default()
    }
}

/// Takes a name, and an entry without its checksum.
pub(super) type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> Result<(), Broken> + 'v;

/// Hands over all entries whose names begin with `prefix`, which is that of a kind or of
/// all kinds, in order.
pub(super) fn each(tree: &Tree, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Broken> {
    let (mut singles, mut runs) = (tree.scan_prefix(prefix), tree.scan_prefix(name_of(prefix)));
    let mut next = || singles.next().transpose();
    let mut next_run = || -> Result<Option<Run>, Broken> {
        let Some((name, value)) = runs.next().transpose()? else { return Ok(None) };
        let mut run = Run::open(&name, value)?;
        Ok(run.advance()?.then_some(run))
    };
    let (mut single, mut run) = (next()?, next_run()?);
    loop {
        let order = match (&single, &run) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((name, _)), Some(run)) => name.as_ref().cmp(&run.name),
        };
        if let (Ordering::Less | Ordering::Equal, Some((name, value))) = (order, &single) {
            visit(name, entry::checked(name, value).ok_or_else(Broken::damaged)?)?;
            single = next()?;
        }
        if let (Ordering::Equal | Ordering::Greater, Some(in_run)) = (order, &mut run) {
            if order == Ordering::Greater {
                visit(&in_run.name, in_run.entry())?;
            }
            if !in_run.advance()? {
                run = next_run()?;
            }
        }
    }
}

/// The entry of one name, without its checksum.
pub(super) fn get(tree: &Tree, name: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
    if let Some(value) = tree.get(name)? {
        let entry = entry::checked(name, &value).ok_or_else(Broken::damaged)?;
        return Ok(Some(entry.to_vec()));
    }
    let last = name_of(name);
    let Some((found, value)) = tree.range(..=last.as_slice()).next_back().transpose()? else {
        return Ok(None);
    };
    if kind_of(&found) != kind_of(&last) {
        return Ok(None);
    }
    let mut run = Run::open(&found, value)?;
    while run.advance()? {
        match run.name.as_slice().cmp(name) {
            Ordering::Less => {}
            Ordering::Equal => return Ok(Some(run.entry().to_vec())),
            Ordering::Greater => break,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(n: u16) -> Vec<u8> {
        format!("k{}\0s/{n:04}", if n.is_multiple_of(3) { "a.kind" } else { "a.kinds" })
            .into_bytes()
    }

    fn single(tree: &Tree, name: &[u8], text: &[u8]) {
        let mut value = [&[0; 4], text].concat();
        entry::seal(name, &mut value);
        tree.insert(name, value).unwrap();
    }

    proptest! {
        #[test]
        fn runs_and_single_entries_read_as_one_map(
            runs in prop::collection::btree_map(0_u16..400, any::<u8>(), 0..200),
            singles in prop::collection::btree_map(0_u16..400, any::<u8>(), 0..40),
        ) {
            let db = sled::Config::new().temporary(true).open().unwrap();
            let tree = db.open_tree("t").unwrap();
            let mut model: std::collections::BTreeMap<_, _> =
                runs.iter().map(|(n, v)| (name(*n), vec![b'r', *v])).collect();
            let mut out = Runs::new(&tree);
            model.iter().for_each(|(n, v)| out.push(n, v).unwrap());
            out.flush().unwrap();
            for (n, v) in singles {
                single(&tree, &name(n), &[b's', v]);
                model.insert(name(n), vec![b's', v]);
            }
            // Others are near.
            tree.insert(b"l", b"a log").unwrap();
            tree.insert(b"m", b"a head").unwrap();
            for prefix in [b"k".to_vec(), b"ka.kind\0".to_vec(), b"ka.kinds\0".to_vec()] {
                let mut found = Vec::new();
                each(&tree, &prefix, &mut |n, v| {
                    found.push((n.to_vec(), v.to_vec()));
                    Ok(())
                })
                .unwrap();
                let of_prefix = model.iter().filter(|(n, _)| n.starts_with(&prefix));
                let expected: Vec<_> = of_prefix.map(|(n, v)| (n.clone(), v.clone())).collect();
                prop_assert_eq!(found, expected);
            }
            for n in 0..400 {
                prop_assert_eq!(get(&tree, &name(n)).unwrap(), model.get(&name(n)).cloned());
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_no_run_but_has_a_right_checksum_ends_reading(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let db = sled::Config::new().temporary(true).open().unwrap();
            let tree = db.open_tree("t").unwrap();
            let mut value = [&[0; 4], bytes.as_slice()].concat();
            let first = name_of(&name(0));
            entry::seal(&first, &mut value);
            tree.insert(first, value).unwrap();
            let mut found = 0;
            let _ = each(&tree, b"k", &mut |_, entry| {
                found += entry.len() + 3;
                Ok(())
            });
            prop_assert!(found <= bytes.len());
            let _ = get(&tree, &name(3));
        }
    }

    #[test]
    fn entries_out_of_order_are_refused() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let tree = db.open_tree("t").unwrap();
        let mut out = Runs::new(&tree);
        out.push(&name(6), b"an entry").unwrap();
        assert!(out.push(&name(6), b"again").is_err());
        assert!(out.push(&name(3), b"an earlier one").is_err());
    }

    #[test]
    fn a_flip_in_a_run_is_noticed() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let tree = db.open_tree("t").unwrap();
        let mut out = Runs::new(&tree);
        for n in (0..30).step_by(3) {
            out.push(&name(n), b"an entry").unwrap();
        }
        out.flush().unwrap();
        let (run, value) = tree.first().unwrap().unwrap();
        for bit in 0..value.len() * 8 {
            let mut flipped = value.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            tree.insert(&run, flipped).unwrap();
            assert!(get(&tree, &name(9)).is_err(), "{bit}");
            assert!(each(&tree, b"k", &mut |_, _| Ok(())).is_err(), "{bit}");
        }
    }
}
