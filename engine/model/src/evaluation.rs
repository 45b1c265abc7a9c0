//! What a set of rules said about one snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, Kind, ResourceKey, RuleId, Severity, SnapshotId, Timestamp, Verdict};

/// What a reader needs to know of a rule; read from its METADATA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleMeta {
    /// Stable id.
    pub id: RuleId,
    /// One line.
    pub title: String,
    /// A few sentences, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How much it matters when broken.
    pub severity: Severity,
    /// The kinds it judges or is given.
    pub kinds: Vec<Kind>,
    /// URL of the clause that demands it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard: Option<String>,
    /// The smallest change that mends it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remediation: String,
    /// The bundle that brought it.
    pub bundle: String,
    /// The file it stands in, relative to the bundle.
    pub file: String,
}

/// The result of judging a snapshot with a rule set. Same snapshot, same rule
/// set and same reference time give the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The snapshot judged.
    pub snapshot: SnapshotId,
    /// When that snapshot was taken.
    pub taken_at: Timestamp,
    /// The time that rules see as now.
    pub reference_time: Timestamp,
    /// Identifies rules, data, parameters, engine and input shape.
    pub rule_set: Digest,
    /// By rule id.
    pub rules: BTreeMap<RuleId, RuleOutcome>,
}

/// What one rule said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleOutcome {
    /// The worst verdict among what it judged. A rule that judged nothing,
    /// because a completely listed kind is empty, passes.
    pub verdict: Verdict,
    /// How many resources (or, for a rule on collections, regions or subjects)
    /// got which verdict.
    pub counts: Counts,
    /// For a rule on collections that depends on the time: from when on it may
    /// answer otherwise although nothing changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// Everything that is not a pass, by resource key; the subject itself
    /// first.
    pub findings: Vec<Finding>,
}

/// Numbers of verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Passes.
    pub pass: u64,
    /// Fails.
    pub fail: u64,
    /// What could not be judged.
    pub abort: u64,
    /// What nobody has given evidence of.
    #[serde(default)]
    pub missing: u64,
}

/// One thing that is not a pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The resource; absent for a finding on the subject or one of its regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceKey>,
    /// The region, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The project that owns the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// For display only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Fail, Missing or Abort.
    pub verdict: Verdict,
    /// Why it failed; empty unless the verdict is Fail.
    #[serde(default, skip_serializing_if = "<[Violation]>::is_empty")]
    pub violations: Arc<[Violation]>,
    /// Why it was not judged; present exactly with Abort and Missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// One reason for a Fail, with the evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// One clause that names what is wrong.
    pub message: String,
    /// JSON Pointer into the body, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What stands there; null where nothing does.
    #[serde(default)]
    pub found: Value,
    /// What should stand there.
    #[serde(default)]
    pub wanted: Value,
}

/// Why something was not judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// For machines.
    pub code: AbortCode,
    /// One clause for people; it names the kind, the pointer or the limit.
    pub message: String,
}

/// The classes of reasons why something could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbortCode {
    /// A kind that the rule needs was not listed, or not completely.
    Coverage,
    /// It was listed, but with too weak a credential.
    Visibility,
    /// The resource was not seen by the last collection.
    Unseen,
    /// A field that the rule requires is absent.
    Requires,
    /// A joined resource cannot be looked up.
    Join,
    /// The rule gave no verdict, or two.
    Undefined,
    /// The rule itself says that it cannot tell.
    Rule,
    /// The rule says that nobody has given the evidence yet, or that it has
    /// expired: the verdict is Missing.
    Evidence,
    /// Evaluation failed.
    Error,
    /// Time or instructions ran out. Never carried to the next snapshot.
    Limit,
}

impl Evaluation {
    /// The worst verdict of all rules; Missing where there is none.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        Verdict::of_set(self.rules.values().map(|r| r.verdict))
    }
}
