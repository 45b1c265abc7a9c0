//! A finding in a report: what a rule said, with the name it keeps from run to
//! run, what changed since an earlier run, and whether it was waived.

use jiff::civil::Date;
use serde::Serialize;
use tidegate_model::{Digest, Finding, RuleId, Subject};

/// A finding with what a reader has to know besides.
#[derive(Debug, Clone, Serialize)]
pub struct ReportFinding {
    /// The same from run to run for the same rule and resource: 32 hexadecimal
    /// digits. Names and messages do not count.
    pub id: String,
    /// What the rule said.
    #[serde(flatten)]
    pub finding: Finding,
    /// How it stands to the baseline; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// The waiver that accepts it, if it is a Fail and there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waived>,
}

/// How a finding stands to the one that the baseline has for the same rule and
/// resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The baseline has it with the same verdict.
    Unchanged,
    /// The baseline does not have it, and the cloud is what changed.
    New,
    /// The baseline does not have it, and the rule is what changed.
    Policy,
    /// What could be seen changed: it could be judged then and cannot be now,
    /// or the other way round.
    Coverage,
}

impl Change {
    /// Whether `--only-new` shows it: everything the baseline does not have.
    #[must_use]
    pub fn is_new(self) -> bool {
        match self {
            Self::Unchanged => false,
            Self::New | Self::Policy | Self::Coverage => true,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::New => "new",
            Self::Policy => "policy",
            Self::Coverage => "coverage",
        }
    }
}

/// A waiver, as far as it concerns a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waived {
    /// The waiver's id.
    pub id: String,
    /// Why the finding is accepted.
    pub reason: String,
    /// Who answers for that.
    pub owner: String,
    /// Where it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The last day (UTC) on which it counts.
    pub expires: Date,
}

impl ReportFinding {
    pub(crate) fn new(subject: &Subject, rule: &RuleId, finding: Finding) -> Self {
        let resource = finding.resource.as_ref().map(|k| k.as_str());
        let region = finding.region.as_deref().filter(|_| resource.is_none());
        let cause = finding.cause.as_ref().filter(|_| resource.is_none());
        let parts = [resource, region, cause.map(|c| c.message.as_str())];
        let id = id(subject, rule, &parts.map(Option::unwrap_or_default));
        Self { id, finding, change: None, waiver: None }
    }

    /// A finding about something that is no resource, known by its name.
    pub(crate) fn about(subject: &Subject, rule: &RuleId, what: &str, finding: Finding) -> Self {
        Self { id: id(subject, rule, &[what]), finding, change: None, waiver: None }
    }

    /// Whether it counts against the cloud: no waiver accepts it.
    #[must_use]
    pub fn open(&self) -> bool {
        self.waiver.is_none()
    }
}

/// Names a finding by what it is about. A finding without a resource is told
/// from its like by the region and by why it could not be judged.
fn id(subject: &Subject, rule: &RuleId, about: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in [subject.as_str(), rule.as_str()].iter().chain(about) {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    let mut text = Digest::of(&bytes).to_string();
    text.truncate(32);
    text
}
