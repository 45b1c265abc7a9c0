//! Which control a rule speaks for, and what a control's rules amount to.

use std::collections::BTreeMap;

use tidegate_model::{RuleId, RuleMeta, Verdict};

use crate::{
    ControlReport, ControlState, FrameworkSubject, ReportRule, RuleState, ScopeReport,
    SubjectReport, TestcaseReport,
};

/// The control that a rule judges: the SCS standard in the version its clause
/// links to, such as `scs-0102-v1`, otherwise the rule's own id.
///
/// This is the one place that knows; what it gives is a token of OSCAL, which
/// begins with a letter or `_`.
pub(super) fn control_id(meta: &RuleMeta) -> String {
    let standard = meta.standard.as_deref().and_then(scs_standard);
    token(standard.unwrap_or(meta.id.as_str()))
}

/// `scs-0102-v1` of `https://docs.scs.community/standards/scs-0102-v1-image-metadata#x`.
fn scs_standard(url: &str) -> Option<&str> {
    let page = url.strip_prefix("https://docs.scs.community/standards/")?;
    let page = page.split(['#', '?', '/']).next().unwrap_or_default();
    let mut parts = page.splitn(4, '-');
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (scs, number, version) = (parts.next()?, parts.next()?, parts.next()?);
    let versioned = version.strip_prefix(['v', 'w']).is_some_and(digits);
    let known = scs == "scs" && digits(number) && versioned;
    known.then(|| page.get(..scs.len() + number.len() + version.len() + 2)).flatten()
}

/// Ids of rules and testcases made fit for OSCAL: nothing but letters, digits,
/// `.`, `-` and `_`, a digit not in front.
pub(super) fn token(id: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let text: String = id.chars().map(|c| if fine(c) { c } else { '_' }).collect();
    let lead =
        if text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { "" } else { "_" };
    format!("{lead}{text}")
}

/// A control with all that was said about it in one cloud.
#[derive(Debug, Default)]
pub(super) struct Control<'a> {
    pub(super) rules: Vec<&'a ReportRule>,
    /// Testcases of scopes that are missing without a rule that says so.
    pub(super) testcases: Vec<(&'a ScopeReport, &'a TestcaseReport)>,
    /// Rules of a framework's mapping that were not asked.
    pub(super) not_asked: Vec<&'a RuleId>,
    /// The control of a framework that it is.
    pub(super) of: Option<&'a ControlReport>,
}

impl Control<'_> {
    /// Whether it stands for a cloud that no rule judged.
    pub(super) fn no_rule(&self) -> bool {
        self.rules.is_empty() && self.testcases.is_empty() && self.not_asked.is_empty()
    }

    /// Fail if a rule is broken, waived or not; a pass only if everything was
    /// judged and holds.
    pub(super) fn verdict(&self) -> Verdict {
        let undecided = |r: &&&ReportRule| r.counts.abort + r.counts.missing > 0;
        Verdict::of_set(
            self.rules
                .iter()
                .map(|r| r.verdict)
                .chain(self.rules.iter().filter(undecided).map(|_| Verdict::Abort))
                .chain(self.testcases.iter().map(|(_, t)| t.verdict)),
        )
    }
}

/// The control of a cloud of which the report has no rule. Without it the result
/// would have no finding and look clean.
const NO_RULE: &str = "tidegate.no-rule";

/// The controls of a cloud by id; never empty.
pub(super) fn controls(subject: &SubjectReport) -> BTreeMap<String, Control<'_>> {
    let mut controls: BTreeMap<String, Control<'_>> = BTreeMap::new();
    if subject.rules.is_empty() {
        controls.insert(NO_RULE.to_owned(), Control::default());
    }
    for rule in &subject.rules {
        controls.entry(control_id(&rule.meta)).or_default().rules.push(rule);
    }
    for scope in &subject.scopes {
        for testcase in &scope.testcases {
            let rule = subject.rules.iter().find(|r| r.meta.id.as_str() == testcase.id);
            let said = rule.is_some_and(|r| r.verdict == testcase.verdict);
            if !said && matches!(testcase.verdict, Verdict::Missing | Verdict::Abort) {
                let id = rule.map_or_else(|| token(&testcase.id), |r| control_id(&r.meta));
                controls.entry(id).or_default().testcases.push((scope, testcase));
            }
        }
    }
    controls
}

/// The controls of a framework that rules speak for in a cloud, by id; and the
/// ids of those that none does.
pub(super) fn of_framework<'a>(
    subject: &'a SubjectReport,
    framework: &'a FrameworkSubject,
) -> (BTreeMap<String, Control<'a>>, Vec<String>) {
    let asked: BTreeMap<&RuleId, &ReportRule> =
        subject.rules.iter().map(|r| (&r.meta.id, r)).collect();
    let not_asked =
        |id: &&RuleId| framework.rules.get(*id).is_some_and(|r| r.state == RuleState::NotEvaluated);
    let mut controls = BTreeMap::new();
    let mut not_covered = Vec::new();
    for control in &framework.controls {
        if control.state == ControlState::NotCovered {
            not_covered.push(token(&control.id));
            continue;
        }
        let of = Control {
            rules: control.rules.iter().filter_map(|id| asked.get(id).copied()).collect(),
            testcases: Vec::new(),
            not_asked: control.rules.iter().filter(not_asked).collect(),
            of: Some(control),
        };
        controls.insert(token(&control.id), of);
    }
    (controls, not_covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_of_an_scs_standard_is_the_control() {
        let base = "https://docs.scs.community/standards/";
        for (page, id) in [
            ("scs-0102-v1-image-metadata#a-b", Some("scs-0102-v1")),
            ("scs-0302-w1-domain-manager", Some("scs-0302-w1")),
            ("scs-0103-v12", Some("scs-0103-v12")),
            ("scs-0103", None),
            ("scs-0103-vx", None),
            ("", None),
        ] {
            assert_eq!(scs_standard(&format!("{base}{page}")), id, "{page}");
        }
        assert_eq!(scs_standard("https://example.org/scs-0102-v1"), None);
    }

    #[test]
    fn ids_become_tokens() {
        assert_eq!(token("os.block.volume-1"), "os.block.volume-1");
        assert_eq!(token("7/x"), "_7_x");
        assert_eq!(token(""), "_");
    }
}
