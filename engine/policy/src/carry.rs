//! What one evaluation leaves for the next: verdicts to carry, and what tells
//! which of them may have changed.
//!
//! The blob is opaque to whoever keeps it, and who keeps it sees to it that it is
//! the same when it comes back: there is no checksum in it (it would be a tenth of the
//! time of a carried evaluation, and the store has its own). It starts with a mark
//! and a version; a blob of another version is not used, and everything is judged
//! anew. Per rule set and snapshot it holds
//!
//! - per kind, hashes of the keys that were judged (they give the numbers of
//!   passes without a look at what did not change),
//! - what the derived kinds remember,
//! - the indexes of joins and who looked up what ([`crate::joins`]),
//! - per rule, everything that is not a pass, until when its answers hold, and
//!   a fingerprint of the coverage they rest on.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use tidegate_model::{Counts, Finding, Timestamp};

use crate::joins::Pair;
use crate::outcome::Holds;

const MARK: &[u8; 8] = b"tidegate";

/// Changes with the shape of [`Carry`].
const VERSION: u8 = 4;

/// What is carried.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Carry<'c> {
    pub(crate) digest: [u8; 32],
    /// The ids of the rules that were judged, hashed in order.
    pub(crate) judged: u64,
    pub(crate) subject: &'c str,
    pub(crate) seq: u64,
    pub(crate) reference: (i64, i32),
    /// Of [`tidegate_derive::Derived`].
    #[serde(borrow)]
    pub(crate) derived: Cow<'c, [u8]>,
    #[serde(borrow)]
    pub(crate) kinds: Vec<KindKeys<'c>>,
    #[serde(borrow)]
    pub(crate) index: Vec<Vec<Pair<'c>>>,
    #[serde(borrow)]
    pub(crate) watchers: Vec<Vec<Pair<'c>>>,
    #[serde(borrow)]
    pub(crate) rules: Vec<RuleCarry<'c>>,
}

/// The resources of one kind: hashes of their keys, in order.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KindKeys<'c> {
    pub(crate) kind: &'c str,
    /// 8 bytes each.
    #[serde(borrow)]
    hashes: Cow<'c, [u8]>,
}

impl<'c> KindKeys<'c> {
    pub(crate) fn new(kind: &'c str, hashes: &[u64]) -> Self {
        let hashes = hashes.iter().flat_map(|h| h.to_le_bytes()).collect();
        Self { kind, hashes: Cow::Owned(hashes) }
    }

    pub(crate) fn hashes(&self) -> Vec<u64> {
        let read = |b: &[u8]| b.try_into().map(u64::from_le_bytes).unwrap_or_default();
        self.hashes.chunks_exact(8).map(read).collect()
    }
}

/// What one rule said.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RuleCarry<'c> {
    pub(crate) coverage: u64,
    /// `None` for now, `Some(None)` for ever.
    holds: Option<Option<(i64, i32)>>,
    /// Counts of a rule on collections; those of resource rules follow from
    /// the findings and the number of resources.
    counts: [u64; 4],
    #[serde(borrow)]
    pub(crate) findings: Vec<Kept<'c>>,
}

/// One finding.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept<'c> {
    /// The resource; empty for a finding on the subject.
    #[serde(borrow)]
    pub(crate) key: Cow<'c, str>,
    /// A limit was hit: never carried.
    pub(crate) again: bool,
    /// The finding as JSON.
    #[serde(borrow)]
    json: Cow<'c, str>,
}

impl Kept<'_> {
    pub(crate) fn new(finding: &Finding, again: bool) -> Option<Self> {
        let key = finding.resource.as_ref().map(|k| k.as_str().to_owned()).unwrap_or_default();
        let json = serde_json::to_string(finding).ok()?;
        Some(Self { key: Cow::Owned(key), again, json: Cow::Owned(json) })
    }

    pub(crate) fn finding(&self) -> Option<Finding> {
        serde_json::from_str(&self.json).ok()
    }
}

impl<'c> RuleCarry<'c> {
    pub(crate) fn new(
        coverage: u64,
        holds: Holds,
        counts: Counts,
        findings: Vec<Kept<'c>>,
    ) -> Self {
        let holds = match holds {
            Holds::Now => None,
            Holds::Until(time) => Some(Some(parts(time))),
            Holds::Forever => Some(None),
        };
        let Counts { pass, fail, abort, missing } = counts;
        Self { coverage, holds, counts: [pass, fail, abort, missing], findings }
    }

    pub(crate) fn holds(&self) -> Holds {
        match self.holds {
            Some(None) => Holds::Forever,
            Some(Some((s, n))) => Timestamp::new(s, n).map_or(Holds::Now, Holds::Until),
            None => Holds::Now,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let [pass, fail, abort, missing] = self.counts;
        Counts { pass, fail, abort, missing }
    }
}

pub(crate) fn parts(time: Timestamp) -> (i64, i32) {
    (time.as_second(), time.subsec_nanosecond())
}

impl<'c> Carry<'c> {
    /// Reads a blob; `None` if it is none, or of another version.
    pub(crate) fn read(bytes: &'c [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MARK)?;
        let (version, rest) = rest.split_first()?;
        (*version == VERSION).then(|| postcard::from_bytes(rest).ok()).flatten()
    }

    /// The blob; empty, which is read as nothing, should writing fail.
    pub(crate) fn write(&self) -> Vec<u8> {
        let Ok(rest) = postcard::to_allocvec(self) else { return Vec::new() };
        [MARK.as_slice(), &[VERSION], &rest].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn carry() -> Carry<'static> {
        let kept = Kept { key: "k".into(), again: true, json: "{}".into() };
        let pair = Pair { hash: u64::MAX, key: "x".into() };
        Carry {
            digest: [7; 32],
            judged: 1,
            subject: "s",
            seq: 3,
            reference: (1, 2),
            derived: Cow::Borrowed(&[5]),
            kinds: vec![KindKeys::new("a.b", &[1, u64::MAX])],
            index: vec![vec![pair]],
            watchers: vec![],
            rules: vec![RuleCarry::new(
                9,
                Holds::Until(Timestamp::UNIX_EPOCH),
                Counts { pass: 1, fail: 2, abort: 3, missing: 4 },
                vec![kept],
            )],
        }
    }

    #[test]
    fn reads_back() {
        let bytes = carry().write();
        let read = Carry::read(&bytes).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", carry()));
        assert_eq!(read.kinds[0].hashes(), [1, u64::MAX]);
        assert_eq!(read.rules[0].holds(), Holds::Until(Timestamp::UNIX_EPOCH));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Carry::read(&bytes).is_none());
            let _ = postcard::from_bytes::<Carry<'_>>(&bytes);
        }
    }
}
