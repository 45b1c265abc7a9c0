//! Reads kinds of a snapshot, and keeps account of what was not seen.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use tidegate_model::{
    Fact, Facts, FactsError, Kind, KindCoverage, Needed, ResourceKey, Status, Subject,
};

/// Something that a fleet cannot be told without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The cloud or cluster.
    pub subject: Subject,
    /// The kind that is missing, in whole or in part.
    pub kind: String,
    /// The region, where it is missing in one.
    pub region: Option<Arc<str>>,
    /// Why, one clause.
    pub reason: String,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, kind, region, reason } = self;
        write!(f, "`{kind}` of `{subject}`")?;
        if let Some(region) = region {
            write!(f, " in `{region}`")?;
        }
        write!(f, ": {reason}")
    }
}

/// More resources of a kind than this are not named one by one.
const NAMED: usize = 5;

/// One snapshot that is being read.
pub(crate) struct Reader<'f> {
    facts: &'f dyn Facts,
    gaps: Vec<Gap>,
}

/// A resource that was read: its place, and its body.
pub(crate) struct Item<T> {
    pub(crate) key: ResourceKey,
    pub(crate) region: Option<Arc<str>>,
    pub(crate) body: T,
}

impl<'f> Reader<'f> {
    pub(crate) fn new(facts: &'f dyn Facts) -> Self {
        Self { facts, gaps: Vec::new() }
    }

    pub(crate) fn subject(&self) -> &Subject {
        &self.facts.meta().id.subject
    }

    pub(crate) fn is_cloud(&self) -> bool {
        self.entries("compute.service").next().is_some()
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.entries("core.Node").next().is_some()
    }

    pub(crate) fn into_gaps(self) -> Vec<Gap> {
        self.gaps
    }

    pub(crate) fn gap(&mut self, kind: &str, region: Option<Arc<str>>, reason: String) {
        let subject = self.subject().clone();
        self.gaps.push(Gap { subject, kind: kind.to_owned(), region, reason });
    }

    fn entries<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'f KindCoverage> + 's {
        self.facts.meta().coverage.iter().filter(move |c| c.kind.as_str() == kind)
    }

    /// The regions in which the cloud offers Nova.
    fn regions(&self) -> BTreeSet<Option<Arc<str>>> {
        let offered = self.entries("compute.service").filter(|c| c.status != Status::Absent);
        offered.map(|c| c.region.clone()).collect()
    }

    /// Everything of a kind, in order of key. What was not listed whole, for
    /// everybody, in every region that counts, is a gap; so is a resource that
    /// was not seen this time, was erased, or is not as its API describes it.
    pub(crate) fn all<T: DeserializeOwned>(
        &mut self,
        kind: &str,
    ) -> Result<Vec<Item<T>>, FactsError> {
        self.covered(kind);
        let mut items = Vec::new();
        let mut broken = Vec::new();
        let Ok(of) = Kind::new(kind) else { return Ok(items) };
        self.facts.each(&of, &mut |fact: Fact| {
            let Fact { resource, unseen_since } = fact;
            let why = match (unseen_since, resource.is_erased()) {
                (Some(time), _) => format!("was last seen at {time}"),
                (None, true) => "was erased".to_owned(),
                (None, false) => match serde_json::from_str(&resource.body) {
                    Ok(body) => {
                        items.push(Item { key: resource.key, region: resource.region, body });
                        return;
                    }
                    Err(e) => format!("cannot be read: {e}"),
                },
            };
            broken.push((resource.region, format!("`{}` {why}", resource.key)));
        })?;
        let more = broken.len().saturating_sub(NAMED);
        for (region, reason) in broken.into_iter().take(NAMED) {
            self.gap(kind, region, reason);
        }
        if more > 0 {
            self.gap(kind, None, format!("and {more} more like these"));
        }
        Ok(items)
    }

    /// The one resource of a kind that a fleet can be told without, as seen this time.
    pub(crate) fn one<T: DeserializeOwned>(&self, kind: &str) -> Result<Option<T>, FactsError> {
        let mut found = None;
        let Ok(of) = Kind::new(kind) else { return Ok(found) };
        self.facts.each(&of, &mut |Fact { resource, unseen_since }| {
            if unseen_since.is_none() && !resource.is_erased() {
                found = serde_json::from_str(&resource.body).ok();
            }
        })?;
        Ok(found)
    }

    /// Notes what keeps a kind from being known whole.
    fn covered(&mut self, kind: &str) {
        let regions =
            if kind.contains(char::is_uppercase) { BTreeSet::from([None]) } else { self.regions() };
        for region in regions {
            let here = |c: &&KindCoverage| c.region.is_none() || c.region == region;
            let entries: Vec<&KindCoverage> = self.entries(kind).filter(here).collect();
            if entries.is_empty() {
                self.gap(kind, region, "it was not collected".to_owned());
                continue;
            }
            for entry in entries {
                match &entry.status {
                    Status::Complete { .. } if entry.visibility.suffices(Needed::All) => {}
                    Status::Complete { .. } => {
                        let seen = format!("only what is visible to {} was seen", entry.visibility);
                        self.gap(kind, region.clone(), seen);
                    }
                    // Without Neutron or budgets there are no ports and no budgets.
                    Status::Absent if matches!(kind, "network.port" | PDB) => {}
                    Status::Absent
                    | Status::Subset { .. }
                    | Status::Forbidden
                    | Status::Failed { .. }
                    | Status::Inconsistent => {
                        self.gap(kind, region.clone(), entry.status.to_string());
                    }
                }
            }
        }
    }
}

/// Disruption budgets.
pub(crate) const PDB: &str = "policy.PodDisruptionBudget";
