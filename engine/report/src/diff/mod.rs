//! What changed between two snapshots: [`DiffText`] for people, [`DiffJson`] for
//! machines. Both are given one resource at a time, so that a year's difference
//! is never in memory as a whole.

pub(crate) mod draw;
mod json;
mod text;

use json_patch::{Patch, PatchOperation};
use serde::Serialize;
use serde_json::Value;
use tidegate_model::{KindCoverage, ResourceKey, Severity, SnapshotId, Timestamp, Verdict};

use crate::{Change, Report, ReportFinding};

pub use json::DiffJson;
pub use text::{DiffText, DiffTextOptions, DiffView};

/// One of the two snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffPoint {
    /// Which.
    pub snapshot: SnapshotId,
    /// When it was taken.
    pub taken_at: Timestamp,
}

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DiffKind {
    /// It was not there before.
    Created,
    /// Its body, name, project or region is another.
    Changed,
    /// It is there no more.
    Removed,
    /// It was not seen in the later snapshot, though it may still be there.
    Unseen,
    /// It was not seen in the earlier snapshot, and is as it was.
    Seen,
}

impl DiffKind {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unseen => "unseen",
            Self::Seen => "seen",
        }
    }
}

/// A resource that is not the same in both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResourceDiff {
    /// The resource.
    pub key: ResourceKey,
    /// What happened.
    pub change: DiffKind,
    /// Its newest name, for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The project that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The body that was; absent where it was created.
    #[serde(skip)]
    pub before: Option<Value>,
    /// The body that is; absent where it was removed.
    #[serde(skip)]
    pub after: Option<Value>,
}

/// A step from the body that was to the one that is: RFC 6902, with the value
/// that it takes away or replaces.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiffOperation {
    /// The operation.
    #[serde(flatten)]
    pub operation: PatchOperation,
    /// What stood there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
}

impl ResourceDiff {
    /// The steps from the body before to the body after, in order; none unless
    /// both are there.
    #[must_use]
    pub fn operations(&self) -> Vec<DiffOperation> {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => operations(before, after),
            (None, _) | (_, None) => Vec::new(),
        }
    }
}

/// The steps from one document to another, in order: applied one after the
/// other to `before` they give `after`.
#[must_use]
pub fn operations(before: &Value, after: &Value) -> Vec<DiffOperation> {
    let mut state = before.clone();
    let Patch(steps) = json_patch::diff(before, after);
    let mut out = Vec::with_capacity(steps.len());
    for operation in steps {
        let was = match &operation {
            PatchOperation::Remove(o) => state.pointer(o.path.as_str()).cloned(),
            PatchOperation::Replace(o) => state.pointer(o.path.as_str()).cloned(),
            PatchOperation::Add(_)
            | PatchOperation::Move(_)
            | PatchOperation::Copy(_)
            | PatchOperation::Test(_) => None,
        };
        // Each step fits the state before it, or the list would be no patch.
        let _ = json_patch::patch(&mut state, std::slice::from_ref(&operation));
        out.push(DiffOperation { operation, was });
    }
    out
}

/// A kind that was seen otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverageDiff {
    /// The kind.
    pub kind: String,
    /// The region, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Status and visibility before; absent where it was not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Status and visibility now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The kinds whose status or visibility changed, in order of kind and region.
/// Numbers of resources do not count.
#[must_use]
pub fn coverage_diff(before: &[KindCoverage], after: &[KindCoverage]) -> Vec<CoverageDiff> {
    let table = |all: &[KindCoverage]| {
        let entry = |c: &KindCoverage| {
            let status = match &c.status {
                tidegate_model::Status::Complete { .. } => "complete".to_owned(),
                other => other.to_string(),
            };
            let place = (c.kind.to_string(), c.region.as_deref().map(str::to_owned));
            (place, format!("{status}, {}", c.visibility))
        };
        all.iter().map(entry).collect::<std::collections::BTreeMap<_, _>>()
    };
    let (before, after) = (table(before), table(after));
    let places: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let diff = |place: &(String, Option<String>)| {
        let (was, is) = (before.get(place), after.get(place));
        (was != is).then(|| CoverageDiff {
            kind: place.0.clone(),
            region: place.1.clone(),
            before: was.cloned(),
            after: is.cloned(),
        })
    };
    places.into_iter().filter_map(diff).collect()
}

/// What became of findings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingsDiff {
    /// Broken now and not before.
    pub new: Vec<FindingDiff>,
    /// Broken before and not now.
    pub resolved: Vec<FindingDiff>,
    /// Judged before and not now.
    pub undecidable: Vec<FindingDiff>,
    /// How many were broken before and are now.
    pub still_failing: usize,
}

/// A finding that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingDiff {
    /// The rule.
    pub rule: String,
    /// How much it matters; absent for a rule that is no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The resource, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What changed: the `cloud`, the `policy` or the `coverage`.
    pub cause: &'static str,
    /// What is wrong now, or why it cannot be judged.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl FindingsDiff {
    /// From a report that was compared with a baseline.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let mut diff = Self {
            new: Vec::new(),
            resolved: Vec::new(),
            undecidable: Vec::new(),
            still_failing: 0,
        };
        for subject in &report.subjects {
            for rule in &subject.rules {
                for found in &rule.findings {
                    let change = found.change.unwrap_or(Change::New);
                    match (found.finding.verdict, change) {
                        (Verdict::Fail, Change::Unchanged) => diff.still_failing += 1,
                        (Verdict::Fail, _) => {
                            diff.new.push(finding(&rule.meta, found, change));
                        }
                        (Verdict::Abort | Verdict::Missing, Change::Unchanged)
                        | (Verdict::Pass, _) => {}
                        (Verdict::Abort | Verdict::Missing, _) => {
                            diff.undecidable.push(finding(&rule.meta, found, change));
                        }
                    }
                }
            }
            diff.resolved.extend(subject.resolved.iter().map(|r| FindingDiff {
                rule: r.rule.clone(),
                severity: None,
                resource: r.resource.clone(),
                cause: cause(r.change),
                message: String::new(),
            }));
        }
        diff
    }
}

fn finding(meta: &tidegate_model::RuleMeta, found: &ReportFinding, change: Change) -> FindingDiff {
    FindingDiff {
        rule: meta.id.to_string(),
        severity: Some(meta.severity),
        resource: found.finding.resource.as_ref().map(ToString::to_string),
        cause: cause(change),
        message: crate::text::message(found),
    }
}

fn cause(change: Change) -> &'static str {
    match change {
        Change::New | Change::Unchanged => "cloud",
        Change::Policy => "policy",
        Change::Coverage => "coverage",
    }
}

#[cfg(test)]
mod tests;
