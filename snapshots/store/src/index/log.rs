//! The change log of one snapshot, as the index keeps it: in order of (kind,
//! key), each name without what it shares with the one before.
//!
//! ```text
//! crc32 of name and the rest │ zstd of (operation + shared length · 4, length, bytes)…
//! ```

use super::Broken;
use super::entry;
use crate::segment::Op;

/// How hard logs are packed: they are small, and most of what is in one is ids.
const LEVEL: i32 = 9;

/// A log being made.
#[derive(Debug)]
pub(super) struct Log {
    out: Vec<u8>,
    last: Vec<u8>,
}

/// The name of the log of snapshot `seq`.
pub(super) fn name(seq: u64) -> Vec<u8> {
    [b"l".as_slice(), &seq.to_be_bytes()].concat()
}

impl Log {
    pub(super) fn new() -> Self {
        Self { out: Vec::new(), last: Vec::new() }
    }

    /// Appends a change of the key that is named as entries are.
    pub(super) fn push(&mut self, key: &[u8], op: Op) {
        entry::push_shared(&mut self.out, &mut self.last, key, entry::code(op));
    }

    pub(super) fn finish(self, name: &[u8]) -> Result<Vec<u8>, Broken> {
        let packed = zstd::bulk::compress(&self.out, LEVEL).map_err(|e| Broken(e.to_string()))?;
        let mut value = [[0; 4].as_slice(), &packed].concat();
        entry::seal(name, &mut value);
        Ok(value)
    }
}

/// Hands over every change; `None` if the log is damaged.
pub(super) fn read(name: &[u8], log: &[u8], visit: &mut dyn FnMut(&[u8], Op)) -> Option<()> {
    let packed = entry::checked(name, log)?;
    let size = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten()?;
    let log = zstd::bulk::decompress(packed, usize::try_from(size).ok()?).ok()?;
    let mut rest = log.as_slice();
    let mut key = Vec::new();
    while !rest.is_empty() {
        let code = entry::take_shared(&mut rest, &mut key)?;
        visit(&key, entry::op(code));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_flip_is_noticed() {
        let changes = [("kb\0a/b/1", Op::Put), ("kb\0a/b/12", Op::Remove), ("kc\0", Op::Seen)];
        let mut log = Log::new();
        changes.iter().for_each(|(key, op)| log.push(key.as_bytes(), *op));
        let mut bytes = log.finish(&name(7)).unwrap();
        let mut found = Vec::new();
        read(&name(7), &bytes, &mut |key, op| {
            found.push((String::from_utf8(key.to_vec()).unwrap(), op));
        })
        .unwrap();
        assert_eq!(found, changes.map(|(key, op)| (key.to_owned(), op)));
        assert!(read(&name(8), &bytes, &mut |_, _| ()).is_none());
        bytes[9] ^= 1;
        assert!(read(&name(7), &bytes, &mut |_, _| ()).is_none());
    }
}
