//! Which resources have a value, as hashes with numbers of keys.

use crate::raw::Raw;

/// A hash with the number of a resource's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) hash: u64,
    pub(super) key: u32,
}

impl Pair {
    const BYTES: usize = 12;

    pub(super) fn write(pairs: &[Self]) -> Raw<'static> {
        let mut bytes = Vec::with_capacity(pairs.len() * Self::BYTES);
        for Self { hash, key } in pairs {
            bytes.extend_from_slice(&hash.to_le_bytes());
            bytes.extend_from_slice(&key.to_le_bytes());
        }
        Raw(bytes.into())
    }

    /// The pairs of keys that there are; `None` if another is among them.
    pub(super) fn read(raw: &Raw<'_>, keys: usize) -> Option<Vec<Self>> {
        let (chunks, []) = raw.0.as_chunks::<{ Self::BYTES }>() else { return None };
        let one = |[a, b, c, d, e, f, g, h, key @ ..]: &[u8; Self::BYTES]| {
            let hash = u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            let key = u32::from_le_bytes(*key);
            ((key as usize) < keys).then_some(Self { hash, key })
        };
        chunks.iter().map(one).collect()
    }
}

/// The pairs with a hash, of pairs in order. Mostly there is one, so the end is not
/// searched for.
pub(super) fn with_hash(pairs: &[Pair], hash: u64) -> impl Iterator<Item = &Pair> {
    let from = pairs.partition_point(|p| p.hash < hash);
    let rest = pairs.get(from..).unwrap_or_default();
    rest.iter().take_while(move |p| p.hash == hash)
}
