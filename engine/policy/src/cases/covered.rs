//! Which lines of a rule its cases exercise.

use regorus::{Engine, Value};
use serde_json::Value as Json;
use tidegate_model::RuleId;

use crate::metadata::Rule;
use crate::ruleset::{Judge, RuleSet};

/// How much of a rule its cases exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCoverage {
    /// The rule.
    pub rule: RuleId,
    /// How many cases there are for it.
    pub cases: usize,
    /// Lines of its file that some case evaluated; 0 for a policy in Cedar, of
    /// which that is not known.
    pub covered: usize,
    /// Lines of its file that none did, in order.
    pub not_covered: Vec<u32>,
}

/// Runs each case once more on an interpreter that takes notes.
pub(super) struct Covered {
    engine: Engine,
}

impl Covered {
    pub(super) fn new(set: &RuleSet) -> Self {
        let mut engine = set.machine.engine();
        engine.set_enable_coverage(true);
        Self { engine }
    }

    pub(super) fn run(&mut self, set: &RuleSet, rule: &Rule, input: &Json) {
        let at = set.definitions().iter().position(|r| r.meta.id == rule.meta.id);
        let Some(Judge::Rego(entry)) = at.and_then(|n| set.judges.get(n)) else { return };
        self.engine.set_input(Value::from(input.clone()));
        for ask in std::iter::once(&entry.result).chain(&entry.reason).chain(&entry.until) {
            // What it answers was looked at already.
            let _ = self.engine.eval_rule(ask.path().to_owned());
        }
    }

    /// One entry per rule, in order of id.
    pub(super) fn report(
        &self,
        set: &RuleSet,
        cases: &dyn Fn(&RuleId) -> usize,
    ) -> Vec<RuleCoverage> {
        let report = self.engine.get_coverage_report();
        let files = report.map(|r| r.files).unwrap_or_default();
        let of = |rule: &Rule| {
            let path = format!("{}/{}", rule.meta.bundle, rule.meta.file);
            let file = files.iter().find(|f| f.path == path);
            RuleCoverage {
                rule: rule.meta.id.clone(),
                cases: cases(&rule.meta.id),
                covered: file.map_or(0, |f| f.covered.len()),
                not_covered: file
                    .map(|f| f.not_covered.difference(&f.covered).copied().collect())
                    .unwrap_or_default(),
            }
        };
        set.definitions().iter().map(of).collect()
    }
}
