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
use tidegate_model::{
    AbortCode, Cause, Counts, Finding, ResourceKey, Timestamp, Verdict, Violation,
};

use crate::joins::Pair;
use crate::outcome::Holds;

const MARK: &[u8; 8] = b"tidegate";

/// Changes with the shape of [`Carry`].
const VERSION: u8 = 5;

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
    /// The rest, as [`Rest`]. It is decoded when the findings are handed out; most
    /// go into the next blob as they are.
    #[serde(borrow)]
    rest: Cow<'c, [u8]>,
}

/// A violation: message, path, and as JSON what was found and wanted.
type Said<'f> = (&'f str, &'f str, Cow<'f, str>, Cow<'f, str>);

/// A finding but for its resource.
#[derive(Serialize, Deserialize)]
struct Rest<'f> {
    region: Option<&'f str>,
    project: Option<&'f str>,
    name: Option<&'f str>,
    verdict: Verdict,
    #[serde(borrow)]
    violations: Vec<Said<'f>>,
    cause: Option<(AbortCode, &'f str)>,
}

impl Kept<'_> {
    pub(crate) fn new(finding: &Finding, again: bool) -> Option<Self> {
        let Finding { resource, region, project, name, verdict, violations, cause } = finding;
        let key = resource.as_ref().map(|k| k.as_str().to_owned()).unwrap_or_default();
        let rest = Rest {
            region: region.as_deref(),
            project: project.as_deref(),
            name: name.as_deref(),
            verdict: *verdict,
            violations: violations.iter().map(said).collect::<serde_json::Result<_>>().ok()?,
            cause: cause.as_ref().map(|c| (c.code, c.message.as_str())),
        };
        let rest = Cow::Owned(postcard::to_allocvec(&rest).ok()?);
        Some(Self { key: Cow::Owned(key), again, rest })
    }

    /// The finding; an Abort if it cannot be decoded.
    pub(crate) fn finding(&self) -> Finding {
        self.decode().unwrap_or_else(|| Finding {
            resource: ResourceKey::new(&self.key).ok(),
            region: None,
            project: None,
            name: None,
            verdict: Verdict::Abort,
            violations: Vec::new(),
            cause: Some(Cause {
                code: AbortCode::Error,
                message: "what was found before cannot be read".to_owned(),
            }),
        })
    }

    fn decode(&self) -> Option<Finding> {
        let Rest { region, project, name, verdict, violations, cause } =
            postcard::from_bytes(&self.rest).ok()?;
        let resource =
            if self.key.is_empty() { None } else { Some(ResourceKey::new(&self.key).ok()?) };
        let violation = |(message, path, found, wanted): Said<'_>| {
            Some(Violation {
                message: message.to_owned(),
                path: path.to_owned(),
                found: serde_json::from_str(&found).ok()?,
                wanted: serde_json::from_str(&wanted).ok()?,
            })
        };
        Some(Finding {
            resource,
            region: region.map(str::to_owned),
            project: project.map(str::to_owned),
            name: name.map(str::to_owned),
            verdict,
            violations: violations.into_iter().map(violation).collect::<Option<_>>()?,
            cause: cause.map(|(code, message)| Cause { code, message: message.to_owned() }),
        })
    }
}

fn said(violation: &Violation) -> serde_json::Result<Said<'_>> {
    let json = |value| serde_json::to_string(value).map(Cow::Owned);
    let Violation { message, path, found, wanted } = violation;
    Ok((message, path, json(found)?, json(wanted)?))
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
        let mut blob = Vec::with_capacity(self.room());
        blob.extend_from_slice(MARK);
        blob.push(VERSION);
        postcard::to_extend(self, blob).unwrap_or_default()
    }

    /// About how many bytes it takes. A blob may be of 50 MB, and one that grows as it
    /// is written needs three times the room.
    fn room(&self) -> usize {
        let pairs = self.index.iter().chain(&self.watchers).flatten();
        let findings = self.rules.iter().flat_map(|r| &r.findings);
        self.derived.len()
            + self.kinds.iter().map(|k| k.hashes.len() + 64).sum::<usize>()
            + pairs.map(|p| p.key.len() + 12).sum::<usize>()
            + findings.map(|f| f.key.len() + f.rest.len() + 8).sum::<usize>()
            + self.rules.len() * 64
            + 1024
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn carry() -> Carry<'static> {
        let kept = Kept { key: "k".into(), again: true, rest: Cow::Borrowed(&[1, 2]) };
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
