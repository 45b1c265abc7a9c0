//! What the index says of one key: its newest version and where all versions
//! are.
//!
//! ```text
//! flags │ salt 16 │ leaf 32 │ place 8 │ region
//! │ (sequence number − previous one, operation + row · 4)…
//! ```
//! Numbers are varints. Of a put the row in its segment is kept, of the other
//! operations nothing.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tidegate_model::{Digest, Resource, Salt};

use crate::segment::Op;

/// All that the index knows of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Of the newest put.
    pub(crate) salt: Salt,
    /// Of the newest put.
    pub(crate) leaf: Digest,
    /// Of the newest put.
    pub(crate) place: u64,
    /// Of the newest put.
    pub(crate) region: Option<Arc<str>>,
    /// What happened when, oldest first: sequence number, operation, row.
    pub(crate) history: Vec<(u64, Op, u32)>,
}

/// What a key was at some snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The snapshot whose segment has its newest version.
    pub(crate) seq: u64,
    /// The row there.
    pub(crate) row: u32,
    /// Since which snapshot it is not seen, or 0.
    pub(crate) unseen: u64,
}

impl Standing {
    /// What a key was at snapshot `seq`, by its history.
    pub(crate) fn at(history: &[(u64, Op, u32)], seq: u64) -> Option<Self> {
        let until = history.iter().take_while(|(s, _, _)| *s <= seq);
        until.fold(None, |now, &(s, op, row)| Self::after(now, s, op, row))
    }

    /// What it is after one more thing happened.
    pub(crate) fn after(now: Option<Self>, seq: u64, op: Op, row: u32) -> Option<Self> {
        match op {
            Op::Put => Some(Self { seq, row, unseen: 0 }),
            Op::Remove => None,
            Op::Unseen => now.map(|s| Self { unseen: seq, ..s }),
            Op::Seen => now.map(|s| Self { unseen: 0, ..s }),
        }
    }
}

impl Entry {
    /// What the key was at snapshot `seq`; `None` if it was not there.
    pub(crate) fn at(&self, seq: u64) -> Option<Standing> {
        Standing::at(&self.history, seq)
    }

    /// The leaf, if the newest version is the one that counts at `seq`.
    pub(crate) fn leaf_at(&self, seq: u64) -> Option<Digest> {
        leaf_at(&self.history, self.leaf, seq)
    }

    /// As one value of its own, with a checksum.
    pub(super) fn encode(&self, key: &[u8]) -> Vec<u8> {
        let mut out = vec![0; 4];
        self.write(&mut out);
        seal(key, &mut out);
        out
    }

    /// Appends it without a checksum.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.region.is_some()));
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.leaf.0);
        out.extend_from_slice(&self.place.to_le_bytes());
        if let Some(region) = &self.region {
            push_number(out, region.len() as u64);
            out.extend_from_slice(region.as_bytes());
        }
        let mut before = 0;
        for &(seq, op, row) in &self.history {
            push_number(out, seq.saturating_sub(before));
            push_number(out, u64::from(row) << 2 | code(op));
            before = seq;
        }
    }

    /// Reads what [`Entry::write`] wrote.
    pub(super) fn read(entry: &[u8]) -> Option<Self> {
        let (newest, region, rest) = parts(entry)?;
        let (salt, rest_of_newest) = newest.split_first_chunk()?;
        let (leaf, place) = rest_of_newest.split_first_chunk()?;
        let mut history = Vec::new();
        read_history(rest, &mut history)?;
        Some(Self {
            salt: *salt,
            leaf: Digest(*leaf),
            place: u64::from_le_bytes(place.try_into().ok()?),
            region: region.map(Arc::from),
            history,
        })
    }
}

/// The leaf of the newest put, if that is the version that counts at `seq`.
pub(super) fn leaf_at(history: &[(u64, Op, u32)], leaf: Digest, seq: u64) -> Option<Digest> {
    let newest = history.iter().rfind(|(_, op, _)| *op == Op::Put)?;
    (newest.0 <= seq).then_some(leaf)
}

/// Reads only what happened when, as [`Entry::history`], in place of what
/// `history` held; gives the leaf of the newest put.
pub(super) fn read_only_history(entry: &[u8], history: &mut Vec<(u64, Op, u32)>) -> Option<Digest> {
    history.clear();
    let (newest, _, rest) = parts(entry)?;
    read_history(rest, history)?;
    Some(Digest(newest.get(16..48)?.try_into().ok()?))
}

/// What is of the newest put, its region, and the history.
fn parts(entry: &[u8]) -> Option<(&[u8], Option<&str>, &[u8])> {
    let mut rest = entry;
    let flags = *take(&mut rest, 1)?.first()?;
    let newest = take(&mut rest, 16 + 32 + 8)?;
    let region = if flags & 1 == 1 {
        let length = usize::try_from(take_number(&mut rest)?).ok()?;
        Some(std::str::from_utf8(take(&mut rest, length)?).ok()?)
    } else {
        None
    };
    Some((newest, region, rest))
}

fn read_history(mut rest: &[u8], history: &mut Vec<(u64, Op, u32)>) -> Option<()> {
    let mut seq = 0_u64;
    while !rest.is_empty() {
        seq = seq.checked_add(take_number(&mut rest)?)?;
        let code = take_number(&mut rest)?;
        history.push((seq, op(code & 3), u32::try_from(code >> 2).ok()?));
    }
    Some(())
}

/// The number that stands for an operation.
pub(super) fn code(op: Op) -> u64 {
    match op {
        Op::Put => 0,
        Op::Remove => 1,
        Op::Unseen => 2,
        Op::Seen => 3,
    }
}

/// As [`code`], back; only the last two bits count.
pub(super) fn op(code: u64) -> Op {
    match code & 3 {
        0 => Op::Put,
        1 => Op::Remove,
        2 => Op::Unseen,
        _ => Op::Seen,
    }
}

/// A number that changes when anything but the body does: then a new version
/// is kept although the body, and with it the leaf, is the same.
pub(crate) fn place_of(resource: &Resource) -> u64 {
    place(
        &resource.source,
        resource.region.as_deref(),
        resource.project.as_deref(),
        resource.name.as_deref(),
    )
}

/// As [`place_of`], from the parts.
pub(crate) fn place(
    source: &str,
    region: Option<&str>,
    project: Option<&str>,
    name: Option<&str>,
) -> u64 {
    let mut hash = Sha256::new();
    for part in [Some(source), region, project, name] {
        hash.update(part.map_or(u64::MAX, |p| p.len() as u64).to_le_bytes());
        hash.update(part.unwrap_or_default());
    }
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = hash.finalize().into();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The CRC of a key and of its value after the place of the CRC itself.
fn checksum(key: &[u8], value: &[u8]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(&(key.len() as u64).to_le_bytes());
    hash.update(key);
    hash.update(value.get(4..).unwrap_or_default());
    hash.finalize()
}

/// Puts the checksum of a value to where it has left four bytes free for it.
pub(super) fn seal(key: &[u8], value: &mut [u8]) {
    let sum = checksum(key, value).to_le_bytes();
    if let Some(head) = value.first_chunk_mut() {
        *head = sum;
    }
}

/// A value after its checksum; `None` if it is damaged or belongs to another key.
pub(super) fn checked<'v>(key: &[u8], value: &'v [u8]) -> Option<&'v [u8]> {
    let (sum, rest) = value.split_first_chunk()?;
    (u32::from_le_bytes(*sum) == checksum(key, value)).then_some(rest)
}

/// Appends a name without what it shares with the one before: how much that is, times
/// four, plus `code`; then the length of the rest, and the rest.
pub(super) fn push_shared(out: &mut Vec<u8>, last: &mut Vec<u8>, name: &[u8], code: u64) {
    let shared = last.iter().zip(name).take_while(|(a, b)| a == b).count();
    let rest = name.get(shared..).unwrap_or_default();
    push_number(out, (shared as u64) << 2 | code);
    push_number(out, rest.len() as u64);
    out.extend_from_slice(rest);
    last.truncate(shared);
    last.extend_from_slice(rest);
}

/// Reads what [`push_shared`] wrote, over the name before; gives the code.
pub(super) fn take_shared(rest: &mut &[u8], name: &mut Vec<u8>) -> Option<u64> {
    let code = take_number(rest)?;
    let length = usize::try_from(take_number(rest)?).ok()?;
    name.truncate(usize::try_from(code >> 2).ok()?);
    name.extend_from_slice(take(rest, length)?);
    Some(code & 3)
}

pub(super) fn push_number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

pub(super) fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut n = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *take(rest, 1)?.first()?;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(n);
        }
    }
    None
}

fn take<'r>(rest: &mut &'r [u8], n: usize) -> Option<&'r [u8]> {
    let (head, tail) = rest.split_at_checked(n)?;
    *rest = tail;
    Some(head)
}
