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
use tidegate_model::{Counts, Finding, ResourceKey, Timestamp};

use crate::joins::JoinsCarry;
use crate::outcome::Holds;
use crate::raw::Raw;
use crate::said::{self, Said, Table};

const MARK: &[u8; 8] = b"tidegate";

/// Changes with the shape of [`Carry`].
const VERSION: u8 = 8;

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
    pub(crate) derived: Raw<'c>,
    #[serde(borrow)]
    pub(crate) kinds: Vec<KindKeys<'c>>,
    #[serde(borrow)]
    pub(crate) joins: JoinsCarry<'c>,
    #[serde(borrow)]
    pub(crate) rules: Vec<RuleCarry<'c>>,
}

/// The resources of one kind: hashes of their keys, in order.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KindKeys<'c> {
    pub(crate) kind: &'c str,
    /// 8 bytes each.
    #[serde(borrow)]
    hashes: Raw<'c>,
}

impl<'c> KindKeys<'c> {
    pub(crate) fn new(kind: &'c str, hashes: &[u64]) -> Self {
        let mut bytes = Vec::with_capacity(hashes.len() * 8);
        hashes.iter().for_each(|h| bytes.extend_from_slice(&h.to_le_bytes()));
        Self { kind, hashes: Raw(bytes.into()) }
    }

    pub(crate) fn hashes(&self) -> Vec<u64> {
        let (chunks, _) = self.hashes.0.as_chunks();
        chunks.iter().copied().map(u64::from_le_bytes).collect()
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
    /// What the rule said, by number.
    #[serde(borrow)]
    pub(crate) said: Vec<Raw<'c>>,
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
    /// Region, project and name, as [`About`].
    #[serde(borrow)]
    pub(crate) about: Raw<'c>,
    /// What was said of it, by number in the table of the rule.
    pub(crate) said: u32,
}

/// Region, project and name.
type About<'f> = (Option<&'f str>, Option<&'f str>, Option<&'f str>);

impl Kept<'_> {
    pub(crate) fn new(key: &str, about: About<'_>, again: bool, said: u32) -> Self {
        let about = postcard::to_allocvec(&about).unwrap_or_default();
        Self { key: Cow::Owned(key.to_owned()), again, about: Raw(about.into()), said }
    }

    /// The finding, given all that its rule said; an Abort if it cannot be read.
    pub(crate) fn finding(&self, said: &[Said]) -> Finding {
        let about = postcard::from_bytes(&self.about.0).ok();
        let said = about.and_then(|_: About<'_>| said.get(self.said as usize)).cloned();
        let Said { verdict, violations, cause } = said.unwrap_or_else(said::unreadable);
        let (region, project, name) = about.unwrap_or_default();
        Finding {
            resource: ResourceKey::new(&self.key).ok(),
            region: region.map(str::to_owned),
            project: project.map(str::to_owned),
            name: name.map(str::to_owned),
            verdict,
            violations,
            cause,
        }
    }
}

impl<'c> RuleCarry<'c> {
    pub(crate) fn new(
        coverage: u64,
        holds: Holds,
        counts: Counts,
        table: Table<'c>,
        mut findings: Vec<Kept<'c>>,
    ) -> Self {
        let said = table.write(&mut findings);
        let holds = match holds {
            Holds::Now => None,
            Holds::Until(time) => Some(Some(parts(time))),
            Holds::Forever => Some(None),
        };
        let Counts { pass, fail, abort, missing } = counts;
        Self { coverage, holds, counts: [pass, fail, abort, missing], said, findings }
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
        let mut blob = Vec::with_capacity(self.room());
        blob.extend_from_slice(MARK);
        blob.push(VERSION);
        postcard::to_extend(self, blob).unwrap_or_default()
    }

    /// About how many bytes it takes. A blob may be of 50 MB, and one that grows as it
    /// is written needs three times the room.
    fn room(&self) -> usize {
        let findings = self.rules.iter().flat_map(|r| &r.findings);
        let said = self.rules.iter().flat_map(|r| &r.said);
        self.derived.0.len()
            + self.kinds.iter().map(|k| k.hashes.0.len() + 64).sum::<usize>()
            + self.joins.len()
            + said.map(|s| s.0.len() + 8).sum::<usize>()
            + findings.map(|f| f.key.len() + f.about.0.len() + 16).sum::<usize>()
            + self.rules.len() * 64
            + 1024
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::joins::Joins;

    fn carry() -> Carry<'static> {
        let kept = Kept::new("k", (Some("r"), None, Some("n")), true, 0);
        Carry {
            digest: [7; 32],
            judged: 1,
            subject: "s",
            seq: 3,
            reference: (1, 2),
            derived: Raw((&[5]).into()),
            kinds: vec![KindKeys::new("a.b", &[1, u64::MAX])],
            joins: Joins::new(std::iter::empty()).carried(),
            rules: vec![RuleCarry::new(
                9,
                Holds::Until(Timestamp::UNIX_EPOCH),
                Counts { pass: 1, fail: 2, abort: 3, missing: 4 },
                Table::carried(vec![Raw((&[1, 2]).into())]),
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
