//! Whether what was collected is enough for a rule to judge.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};
use tidegate_model::{AbortCode, Cause, Kind, KindCoverage, Needed, Status};

use crate::metadata::{Input, Rule};

/// The part of a subject that a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place<'r> {
    /// All regions together.
    Everywhere,
    /// One region, and what has none.
    Region(&'r str),
    /// Exactly what was listed for this region, or without one.
    Listed(Option<&'r str>),
}

impl Place<'_> {
    fn holds(self, entry: &KindCoverage) -> bool {
        let region = entry.region.as_deref();
        match self {
            Self::Everywhere => true,
            Self::Region(r) => region.is_none_or(|e| e == r),
            Self::Listed(r) => region == r,
        }
    }

    fn suffix(self) -> String {
        match self {
            Self::Region(r) | Self::Listed(Some(r)) => format!(" in region `{r}`"),
            Self::Everywhere | Self::Listed(None) => String::new(),
        }
    }
}

/// How well a kind was seen in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Completely, by somebody who sees enough.
    Enough,
    /// The cloud does not offer it, and the rule allows that.
    Absent,
    /// Not well enough, and why.
    No(Cause),
}

/// The coverage of a snapshot.
pub(crate) struct Coverage<'f> {
    by_kind: BTreeMap<&'f str, Vec<&'f KindCoverage>>,
}

impl<'f> Coverage<'f> {
    pub(crate) fn new(entries: &'f [KindCoverage]) -> Self {
        let mut by_kind: BTreeMap<&str, Vec<&KindCoverage>> = BTreeMap::new();
        for entry in entries {
            by_kind.entry(entry.kind.as_str()).or_default().push(entry);
        }
        Self { by_kind }
    }

    fn of(&self, kind: &Kind) -> impl Iterator<Item = &'f KindCoverage> {
        self.by_kind.get(kind.as_str()).into_iter().flatten().copied()
    }

    /// The regions that kinds were listed for.
    pub(crate) fn regions(&self, kinds: &[Kind]) -> BTreeSet<&'f str> {
        kinds.iter().flat_map(|k| self.of(k)).filter_map(|c| c.region.as_deref()).collect()
    }

    /// Whether a rule can judge a kind in a place. The worst listing there
    /// decides, except that what is absent from one region is not absent where
    /// another has it. That a kind is absent is believed only of somebody who
    /// would see enough of it: the catalog of others may be shorter.
    pub(crate) fn check(&self, rule: &Rule, kind: &Kind, place: Place<'_>) -> Seen {
        let no = |code, text: String| {
            let message = format!("`{kind}`{}: {text}", place.suffix());
            Seen::No(Cause { code, message })
        };
        let there = || self.of(kind).filter(|c| place.holds(c));
        let order = |a: &&KindCoverage, b: &&KindCoverage| {
            let (a, b) = (&a.status, &b.status);
            a.rank().cmp(&b.rank()).then_with(|| a.to_string().cmp(&b.to_string()))
        };
        let Some(worst) = there().max_by(order) else {
            return no(AbortCode::Coverage, "it was not collected".to_owned());
        };
        let weak = |c: &&KindCoverage| {
            let seen = matches!(c.status, Status::Complete { .. } | Status::Absent);
            seen && !c.visibility.suffices(rule.visibility)
        };
        match &worst.status {
            Status::Subset { .. }
            | Status::Forbidden
            | Status::Failed { .. }
            | Status::Inconsistent => no(AbortCode::Coverage, worst.status.to_string()),
            Status::Absent if !rule.absent.contains(kind) => {
                no(AbortCode::Coverage, "it is absent from this cloud".to_owned())
            }
            Status::Complete { .. } | Status::Absent => {
                let order = |c: &&KindCoverage| (c.status.rank(), c.visibility.to_string());
                if let Some(weak) = there().filter(weak).min_by_key(order) {
                    let needed = match rule.visibility {
                        Needed::All => "all",
                        Needed::Member => "at least that of a project member",
                    };
                    let text = format!("visibility is {}, needed is {needed}", weak.visibility);
                    let text = match weak.status {
                        Status::Absent => format!("it is absent, but {text}"),
                        _ => text,
                    };
                    return no(AbortCode::Visibility, text);
                }
                let absent = there().all(|c| matches!(c.status, Status::Absent));
                if absent { Seen::Absent } else { Seen::Enough }
            }
        }
    }

    /// For a resource rule: what keeps it from having judged everything, with
    /// the region.
    pub(crate) fn gaps(&self, rule: &Rule) -> Vec<(Option<&'f str>, Cause)> {
        let mut gaps = Vec::new();
        for kind in &rule.meta.kinds {
            let mut regions: BTreeSet<Option<&str>> =
                self.of(kind).map(|c| c.region.as_deref()).collect();
            if regions.is_empty() {
                regions.insert(None);
            }
            for region in regions {
                match self.check(rule, kind, Place::Listed(region)) {
                    Seen::Enough | Seen::Absent => {}
                    Seen::No(cause) => gaps.push((region, cause)),
                }
            }
        }
        gaps
    }

    /// A fingerprint of the coverage that verdicts of a rule depend on, beyond
    /// its gaps: of joined kinds for a resource rule, of all its kinds for one
    /// on collections. Counts and times are not part of it.
    pub(crate) fn fingerprint(&self, rule: &Rule) -> u64 {
        let kinds: BTreeSet<&Kind> = match rule.input {
            Input::Resource => rule.joins.iter().map(|j| &j.kind).collect(),
            Input::Region | Input::Subject => rule.meta.kinds.iter().collect(),
        };
        let mut lines = BTreeSet::new();
        for c in kinds.into_iter().flat_map(|k| self.of(k)) {
            let status = match &c.status {
                Status::Complete { .. } => "complete".to_owned(),
                other => other.to_string(),
            };
            lines.insert([
                c.kind.to_string(),
                c.source.to_string(),
                format!("{:?}", c.region),
                status,
                format!("{:?}", c.visibility),
            ]);
        }
        let mut hash = Sha256::new();
        for part in lines.iter().flatten() {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}
