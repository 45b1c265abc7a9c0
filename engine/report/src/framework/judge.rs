//! What rules said of clouds, put to the controls of a framework.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tidegate_model::{Counts, RuleId, RuleMeta, SnapshotId, Verdict};

use super::{About, Framework};
use crate::text::{State, message, place};
use crate::{ReportFinding, ReportRule, SubjectReport};

/// A framework with what is known of each of its controls, cloud by cloud.
#[derive(Debug, Clone, Serialize)]
pub struct FrameworkReport {
    /// Which framework.
    #[serde(flatten)]
    pub about: About,
    /// What the states mean and do not mean.
    pub note: &'static str,
    /// One for each cloud of the report, in its order.
    pub subjects: Vec<FrameworkSubject>,
}

/// The controls of a framework in one cloud.
#[derive(Debug, Clone, Serialize)]
pub struct FrameworkSubject {
    /// The snapshot judged.
    pub snapshot: SnapshotId,
    /// How many controls are in which state.
    pub counts: StateCounts,
    /// In the framework's order.
    pub controls: Vec<ControlReport>,
    /// The evidence, by rule: every rule that is mapped and meant for such a
    /// cloud.
    pub rules: BTreeMap<RuleId, RuleEvidence>,
}

/// Numbers of controls by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct StateCounts {
    /// Of [`ControlState::NotSatisfied`].
    pub not_satisfied: usize,
    /// Of [`ControlState::NotJudged`].
    pub not_judged: usize,
    /// Of [`ControlState::Waived`].
    pub waived: usize,
    /// Of [`ControlState::Satisfied`].
    pub satisfied: usize,
    /// Of [`ControlState::NotCovered`].
    pub not_covered: usize,
}

/// A control in one cloud.
#[derive(Debug, Clone, Serialize)]
pub struct ControlReport {
    /// As the catalogue has it.
    pub id: String,
    /// What it is about, in our own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What its rules amount to.
    pub state: ControlState,
    /// The rules that speak for it, worst first; empty if it is not covered.
    pub rules: Vec<RuleId>,
}

/// What is known of a control from the rules mapped to it; worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlState {
    /// A rule is broken by something that no waiver accepts.
    NotSatisfied,
    /// No rule is broken so, but one was not judged, wholly or in part, lacks
    /// evidence, or was not asked at all.
    NotJudged,
    /// Everything was judged, and all that is broken is accepted by waivers.
    Waived,
    /// All rules were judged and hold.
    Satisfied,
    /// No rule for such a cloud is mapped to it.
    NotCovered,
}

/// What a rule said of a cloud; worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// Broken, and not all of it is accepted.
    Fail,
    /// Something lacks evidence.
    Missing,
    /// Something could not be judged.
    NotJudged,
    /// It was not asked.
    NotEvaluated,
    /// Broken, and all of it is accepted.
    Waived,
    /// It holds.
    Pass,
}

/// A rule as evidence.
#[derive(Debug, Clone, Serialize)]
pub struct RuleEvidence {
    /// Its title; absent if no bundle at hand has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its bundle; absent if no bundle at hand has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// What it said.
    pub state: RuleState,
    /// How many things got which verdict; absent if it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// How many of the fails are waived.
    pub waived: usize,
    /// Why something has no verdict, most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Everything that is not a pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<EvidenceFinding>,
}

/// A reason for having no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// One clause.
    pub reason: String,
    /// How often it was given.
    pub count: usize,
}

/// A finding as evidence; the report has the rest of it under the same id.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceFinding {
    /// The finding's id.
    pub id: String,
    /// The resource's key, a region, or `cloud`.
    pub on: String,
    /// `fail`, `waived`, `not_judged` or `missing`.
    pub state: &'static str,
    /// What is wrong, for people.
    #[serde(skip)]
    pub message: String,
}

/// What is known of rules that were not asked.
#[derive(Clone, Copy)]
pub struct AtHand<'a> {
    /// The rules of all bundles at hand.
    pub rules: &'a BTreeMap<RuleId, RuleMeta>,
    /// Whether a rule is for clouds of another kind than this one.
    pub foreign: &'a dyn Fn(&RuleMeta, &SubjectReport) -> bool,
}

impl ControlState {
    /// All, worst first.
    pub const ALL: [Self; 5] =
        [Self::NotSatisfied, Self::NotJudged, Self::Waived, Self::Satisfied, Self::NotCovered];

    /// In words, such as `not satisfied`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NotSatisfied => "not satisfied",
            Self::NotJudged => "not judged",
            Self::Waived => "waived",
            Self::Satisfied => "satisfied",
            Self::NotCovered => "not covered",
        }
    }

    /// What the states of its rules make of a control.
    fn of(rules: impl Iterator<Item = RuleState>) -> Self {
        match rules.min() {
            None => Self::NotCovered,
            Some(RuleState::Fail) => Self::NotSatisfied,
            Some(RuleState::Missing | RuleState::NotJudged | RuleState::NotEvaluated) => {
                Self::NotJudged
            }
            Some(RuleState::Waived) => Self::Waived,
            Some(RuleState::Pass) => Self::Satisfied,
        }
    }
}

impl RuleState {
    /// In words, such as `not evaluated`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Missing => "no evidence",
            Self::NotJudged => "not judged",
            Self::NotEvaluated => "not evaluated",
            Self::Waived => "waived",
            Self::Pass => "pass",
        }
    }

    fn of(rule: &ReportRule) -> Self {
        let counts = &rule.counts;
        if rule.open() > 0 {
            return Self::Fail;
        }
        match rule.verdict {
            _ if counts.missing > 0 => Self::Missing,
            _ if counts.abort > 0 => Self::NotJudged,
            Verdict::Missing => Self::Missing,
            Verdict::Abort => Self::NotJudged,
            Verdict::Fail if rule.waived() > 0 => Self::Waived,
            // A fail without a finding has nothing that could be accepted.
            Verdict::Fail => Self::Fail,
            Verdict::Pass => Self::Pass,
        }
    }
}

impl StateCounts {
    /// How many controls are in a state.
    #[must_use]
    pub fn of(&self, state: ControlState) -> usize {
        match state {
            ControlState::NotSatisfied => self.not_satisfied,
            ControlState::NotJudged => self.not_judged,
            ControlState::Waived => self.waived,
            ControlState::Satisfied => self.satisfied,
            ControlState::NotCovered => self.not_covered,
        }
    }

    fn add(&mut self, state: ControlState) {
        let count = match state {
            ControlState::NotSatisfied => &mut self.not_satisfied,
            ControlState::NotJudged => &mut self.not_judged,
            ControlState::Waived => &mut self.waived,
            ControlState::Satisfied => &mut self.satisfied,
            ControlState::NotCovered => &mut self.not_covered,
        };
        *count += 1;
    }
}

impl FrameworkReport {
    /// Holds clouds against a framework. Waivers must have been applied, and
    /// nothing left out as known.
    #[must_use]
    pub fn new(framework: &Framework, subjects: &[SubjectReport], at_hand: AtHand<'_>) -> Self {
        let one = |subject| FrameworkSubject::new(framework, subject, at_hand);
        Self {
            about: framework.about.clone(),
            note: super::NOTE,
            subjects: subjects.iter().map(one).collect(),
        }
    }
}

impl FrameworkSubject {
    fn new(framework: &Framework, subject: &SubjectReport, at_hand: AtHand<'_>) -> Self {
        let asked: BTreeMap<&RuleId, &ReportRule> =
            subject.rules.iter().map(|r| (&r.meta.id, r)).collect();
        let mut rules: BTreeMap<RuleId, RuleEvidence> = BTreeMap::new();
        for id in framework.rules.keys() {
            let evidence = match (asked.get(id), at_hand.rules.get(id)) {
                (Some(rule), _) => RuleEvidence::of(rule),
                (None, Some(meta)) if (at_hand.foreign)(meta, subject) => continue,
                (None, meta) => RuleEvidence::not_asked(meta),
            };
            rules.insert(id.clone(), evidence);
        }
        let state = |id: &RuleId| rules.get(id).map(|r| r.state);
        let by_control = framework.by_control();
        let mut counts = StateCounts::default();
        let controls = framework.controls.iter().map(|control| {
            let mapped = by_control.get(control.id.as_str()).into_iter().flatten();
            let mut own: Vec<(RuleState, RuleId)> =
                mapped.filter_map(|id| Some((state(id)?, (*id).clone()))).collect();
            own.sort();
            let state = ControlState::of(own.iter().map(|(state, _)| *state));
            counts.add(state);
            ControlReport {
                id: control.id.clone(),
                title: control.title.clone(),
                state,
                rules: own.into_iter().map(|(_, id)| id).collect(),
            }
        });
        let controls = controls.collect();
        Self { snapshot: subject.snapshot.clone(), counts, controls, rules }
    }

    /// The bundles of rules that are mapped and were not asked.
    #[must_use]
    pub fn bundles_not_asked(&self) -> BTreeSet<&str> {
        let not_asked = self.rules.values().filter(|r| r.state == RuleState::NotEvaluated);
        not_asked.filter_map(|r| r.bundle.as_deref()).collect()
    }
}

impl RuleEvidence {
    fn of(rule: &ReportRule) -> Self {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for cause in rule.findings.iter().filter_map(|f| f.finding.cause.as_ref()) {
            *reasons.entry(&cause.message).or_default() += 1;
        }
        let mut reasons: Vec<Reason> = reasons
            .into_iter()
            .map(|(reason, count)| Reason { reason: reason.to_owned(), count })
            .collect();
        reasons.sort_by_key(|r| std::cmp::Reverse(r.count));
        let finding = |f: &ReportFinding| EvidenceFinding {
            id: f.id.clone(),
            on: place(f).into_owned(),
            state: State::of(f).name(),
            message: message(f),
        };
        Self {
            title: Some(rule.meta.title.clone()),
            bundle: Some(rule.meta.bundle.clone()),
            state: RuleState::of(rule),
            counts: Some(rule.counts),
            waived: rule.waived(),
            reasons,
            findings: rule.findings.iter().map(finding).collect(),
        }
    }

    fn not_asked(meta: Option<&RuleMeta>) -> Self {
        let reason = match meta {
            Some(meta) => format!("it was not among the rules asked (bundle `{}`)", meta.bundle),
            None => "no bundle at hand has the rule".to_owned(),
        };
        Self {
            title: meta.map(|m| m.title.clone()),
            bundle: meta.map(|m| m.bundle.clone()),
            state: RuleState::NotEvaluated,
            counts: None,
            waived: 0,
            reasons: vec![Reason { reason, count: 1 }],
            findings: Vec::new(),
        }
    }

    /// What it said in numbers, such as `2 fail, 1 waived, 7 pass`.
    #[must_use]
    pub fn numbers(&self) -> String {
        let Some(Counts { pass, fail, abort, missing }) = self.counts else {
            return RuleState::NotEvaluated.words().to_owned();
        };
        let waived = self.waived as u64;
        let parts = [
            (fail.saturating_sub(waived), "fail"),
            (waived, "waived"),
            (abort, "not judged"),
            (missing, "without evidence"),
            (pass, "pass"),
        ];
        let told = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
        let text = told.collect::<Vec<_>>().join(", ");
        if text.is_empty() { "nothing there is to judge".to_owned() } else { text }
    }

    /// Why something has no verdict, on one line; empty if everything has one.
    #[must_use]
    pub fn why(&self) -> String {
        let one = |r: &Reason| match r.count {
            1 => r.reason.clone(),
            n => format!("{} ({n} times)", r.reason),
        };
        self.reasons.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_rule_decides_and_nothing_unknown_satisfies() {
        use RuleState::{Fail, Missing, NotEvaluated, NotJudged, Pass, Waived};
        let of = |rules: &[RuleState]| ControlState::of(rules.iter().copied());
        assert_eq!(of(&[]), ControlState::NotCovered);
        assert_eq!(of(&[Pass, Pass]), ControlState::Satisfied);
        assert_eq!(of(&[Pass, Waived]), ControlState::Waived);
        for unknown in [Missing, NotJudged, NotEvaluated] {
            assert_eq!(of(&[Pass, unknown]), ControlState::NotJudged);
            assert_eq!(of(&[Waived, unknown]), ControlState::NotJudged);
            assert_eq!(of(&[Fail, unknown]), ControlState::NotSatisfied);
        }
    }
}
