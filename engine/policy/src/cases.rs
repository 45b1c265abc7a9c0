//! Cases: examples beside a rule that say what it must answer.
//!
//! `cases.yaml` in the folder of a rule (or `NAME.cases.yaml` beside
//! `NAME.rego`) is a list, or a mapping with `cases` and, optionally, `rule`
//! and `bases` (name → input):
//!
//! ```yaml
//! - name: a good name passes
//!   rule: r-name            # only where the folder has several rules
//!   input: {resource: {name: ab, body: {}}}
//!   now: 2026-01-01T00:00:00Z   # for rules with `time`
//!   verdict: pass
//! - name: a bad name fails
//!   base: a good name passes    # an earlier case or one of `bases`
//!   patch: {resource: {name: b}}    # merged; a list is a JSON Patch
//!   verdict: fail
//!   violations: [{message: bad name}]   # each must match one, in the members named
//! ```
//!
//! What an input leaves out is filled in: key, kind, region, project and name
//! of a resource, empty joins and kinds, the rule's parameters. Every case of
//! a rule that the RVM judges runs on both engines, which must agree; others run
//! on the interpreter. For every `requires` pointer a case
//! without it is made, which must be Abort. Rules without a passing and a
//! failing case fail. `test_` rules in `*_test.rego` run as `opa test` runs
//! them. Cases of gate policies: [`gate`].

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use regorus::unstable::RuleHead;
use serde::Deserialize;
use serde_json::Value as Json;
use tidegate_model::{AbortCode, RuleId, Verdict};

use crate::bundle::yaml_error;
use crate::input::check_requires;
use crate::metadata::Rule;
use crate::outcome::{Answer, finish};
use crate::parse::Parser;
use crate::patch;
use crate::program::{Limits, Runner};
use crate::ruleset::{Judge, RuleSet};
use covered::Covered;

mod covered;
mod fill;
mod gate;

pub use covered::RuleCoverage;

/// How a run of cases went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CaseReport {
    /// Cases, made cases and tests that gave what they should.
    pub passed: u64,
    /// Those that did not, and rules that lack cases.
    pub failed: u64,
    /// Each failure, in order of file.
    pub failures: Vec<CaseFailure>,
    /// How much of each rule its cases exercise, in order of id.
    pub coverage: Vec<RuleCoverage>,
}

/// A case that did not give what it should.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseFailure {
    /// The bundle.
    pub bundle: String,
    /// The file, relative to the bundle.
    pub file: String,
    /// The rule, where it is known.
    pub rule: Option<RuleId>,
    /// The name of the case, or of the test.
    pub case: String,
    /// What it should have given.
    pub expected: String,
    /// What it gave.
    pub got: String,
}

enum CaseFile {
    List(Vec<Case>),
    Mapping(CaseMapping),
    Gate(gate::GateFile),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseMapping {
    rule: Option<RuleId>,
    #[serde(default)]
    bases: BTreeMap<String, Json>,
    cases: Vec<Case>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rule: Option<RuleId>,
    input: Option<Json>,
    base: Option<Json>,
    patch: Option<Json>,
    now: Option<String>,
    verdict: Verdict,
    violations: Option<Vec<serde_json::Map<String, Json>>>,
    /// What the cause of an Abort or a Missing must contain.
    reason: Option<String>,
}

/// Runs all cases and tests of a rule set.
#[must_use]
pub fn run_cases(set: &RuleSet, limits: Limits) -> CaseReport {
    let runner = Runner::new(&set.machine, limits);
    let covered = Covered::new(set);
    let mut run = Run {
        set,
        runner,
        covered,
        report: CaseReport::default(),
        shown: BTreeMap::new(),
        decisions: BTreeSet::new(),
    };
    for (bundle, path, text) in &set.cases {
        run.file(bundle, path, text);
    }
    run.generated();
    run.completeness();
    run.gate_completeness();
    run.tests();
    run.report.failed = run.report.failures.len() as u64;
    run.report.coverage = run.covered.report(set, &|id| run.shown.get(id).map_or(0, Vec::len));
    run.report
}

struct Run<'s> {
    set: &'s RuleSet,
    runner: Runner<'s>,
    covered: Covered,
    report: CaseReport,
    /// Per rule: the inputs it judged, with the verdict.
    shown: BTreeMap<RuleId, Vec<Shown>>,
    /// The decisions of gate policies that cases expect.
    decisions: BTreeSet<String>,
}

struct Shown {
    input: Json,
    verdict: Verdict,
}

/// Where a case stands.
struct Place<'p> {
    bundle: &'p str,
    file: &'p str,
}

impl Run<'_> {
    fn fail(
        &mut self,
        at: &Place<'_>,
        rule: Option<&RuleId>,
        case: &str,
        expected: &str,
        got: String,
    ) {
        self.report.failures.push(CaseFailure {
            bundle: at.bundle.to_owned(),
            file: at.file.to_owned(),
            rule: rule.cloned(),
            case: case.to_owned(),
            expected: expected.to_owned(),
            got,
        });
    }

    fn file(&mut self, bundle: &str, path: &str, text: &str) {
        let at = Place { bundle, file: path };
        let (rule, bases, cases) = match read(text) {
            Ok(CaseFile::Gate(file)) => return self.gate_file(&at, file),
            Ok(CaseFile::List(cases)) => (None, BTreeMap::new(), cases),
            Ok(CaseFile::Mapping(m)) => (m.rule, m.bases, m.cases),
            Err(error) => return self.fail(&at, None, "", "a file of cases", error),
        };
        let set = self.set;
        let beside = beside(set, bundle, path);
        let mut inputs = bases;
        for case in cases {
            let id = case.rule.as_ref().or(rule.as_ref());
            let found = match (id, beside.as_slice()) {
                (Some(id), _) => set.rule(id).ok_or(format!("there is no rule `{id}`")),
                (None, [only]) => Ok(*only),
                (None, []) => Err("there is no rule beside it; name one with `rule`".to_owned()),
                (None, _) => Err("there are several rules beside it; name one".to_owned()),
            };
            let outcome = found.and_then(|rule| {
                let (base, input) = build(rule, &case, &inputs)?;
                inputs.insert(case.name.clone(), base);
                Ok((rule, input))
            });
            match outcome {
                Ok((rule, input)) => self.case(&at, rule, &case, input),
                Err(problem) => self.fail(&at, id, &case.name, "a case", problem),
            }
        }
    }

    fn case(&mut self, at: &Place<'_>, rule: &Rule, case: &Case, input: Json) {
        let expected = expectation(case);
        let answer = match self.judge(rule, &input) {
            Ok(answer) => answer,
            Err(problem) => {
                return self.fail(at, Some(&rule.meta.id), &case.name, &expected, problem);
            }
        };
        self.covered.run(self.set, rule, &input);
        if matches(case, &answer) {
            self.report.passed += 1;
        } else {
            self.fail(at, Some(&rule.meta.id), &case.name, &expected, describe(&answer));
        }
        let shown = Shown { input, verdict: answer.verdict };
        self.shown.entry(rule.meta.id.clone()).or_default().push(shown);
    }

    fn judge(&mut self, rule: &Rule, input: &Json) -> Result<Answer, String> {
        on_both(&mut self.runner, self.set, rule, input)
    }

    /// Removes each required pointer from a case that was judged.
    fn generated(&mut self) {
        for rule in self.set.definitions() {
            let at = Place { bundle: &rule.meta.bundle, file: &rule.meta.file };
            let pointers = rule.requires.iter().flat_map(|(k, ps)| ps.iter().map(move |p| (k, p)));
            for (kind, pointer) in pointers {
                let name = format!("{kind} without {pointer}");
                let shown = self.shown.get(&rule.meta.id).map(Vec::as_slice).unwrap_or_default();
                let without = shown
                    .iter()
                    .filter(|s| matches!(s.verdict, Verdict::Pass | Verdict::Fail))
                    .find_map(|s| fill::without(rule, &s.input, kind, pointer));
                let Some(input) = without else {
                    let got = "no case with a verdict shows it".to_owned();
                    self.fail(&at, Some(&rule.meta.id), &name, "abort", got);
                    continue;
                };
                match self.judge(rule, &input) {
                    Ok(a) if a.cause.as_ref().is_some_and(|c| c.code == AbortCode::Requires) => {
                        self.report.passed += 1;
                    }
                    Ok(a) => self.fail(&at, Some(&rule.meta.id), &name, "abort", describe(&a)),
                    Err(problem) => self.fail(&at, Some(&rule.meta.id), &name, "abort", problem),
                }
            }
        }
    }

    /// Every rule needs a case that passes and one that fails.
    fn completeness(&mut self) {
        for rule in self.set.definitions() {
            let at = Place { bundle: &rule.meta.bundle, file: &rule.meta.file };
            for verdict in [Verdict::Pass, Verdict::Fail] {
                let shown = self.shown.get(&rule.meta.id).map(Vec::as_slice).unwrap_or_default();
                if !shown.iter().any(|s| s.verdict == verdict) {
                    let expected = format!("at least one case with verdict {verdict}");
                    self.fail(&at, Some(&rule.meta.id), "", &expected, "none".to_owned());
                }
            }
        }
    }

    /// Runs the rules named `test_` on the interpreter, which knows `with`.
    fn tests(&mut self) {
        let mut engine = self.set.machine.engine();
        for (bundle, module) in &self.set.tests {
            let path = format!("{bundle}/{}", module.path);
            if let Err(e) = engine.add_policy(path, module.text.clone()) {
                let at = Place { bundle, file: &module.path };
                self.fail(&at, None, "", "a file of tests", e.to_string());
            }
        }
        for (bundle, module) in &self.set.tests {
            let mut names: Vec<String> = Vec::new();
            for (path, rule) in module.rules() {
                let plain = matches!(
                    rule,
                    regorus::unstable::Rule::Spec { head: RuleHead::Compr { .. }, .. }
                );
                if let [name] = path.as_slice()
                    && plain
                    && name.starts_with("test_")
                    && !names.contains(name)
                {
                    names.push(name.clone());
                }
            }
            let at = Place { bundle, file: &module.path };
            for name in names {
                match engine.eval_rule(format!("data.{}.{name}", module.package_name())) {
                    Ok(Value::Bool(true)) => self.report.passed += 1,
                    Ok(other) => self.fail(&at, None, &name, "true", other.to_string()),
                    Err(e) => {
                        let (line, text) = crate::module::split_error(&e.to_string());
                        let got = line.map_or(text.clone(), |l| format!("{text} (line {l})"));
                        self.fail(&at, None, &name, "true", got);
                    }
                }
            }
        }
    }
}

/// Judges an input with the interpreter, and as production does: with the RVM where
/// it may judge the rule, given no more of the input than the rule is known to read.
/// `Err` if the two disagree.
pub(crate) fn on_both(
    runner: &mut Runner<'_>,
    set: &RuleSet,
    rule: &Rule,
    input: &Json,
) -> Result<Answer, String> {
    let whole = Value::from(input.clone());
    if let Some(abort) = check_requires(rule, &whole) {
        return Ok(abort);
    }
    let at = set.definitions().iter().position(|r| r.meta.id == rule.meta.id);
    let at = at.ok_or("the rule is gone")?;
    let entry = match set.judges.get(at).ok_or("the rule is gone")? {
        Judge::Rego(entry) => entry,
        Judge::Cedar(audit) => return Ok(audit.judge(rule, &whole)),
    };
    let result = runner.ask_engine(&entry.result, &whole);
    let slow = finish(rule, entry, result, &mut |ask| runner.ask_engine(ask, &whole));
    let read = set.inputs.get(at).ok_or("the rule is gone")?;
    let part = Parser::default().parse(&input.to_string(), read).map_err(|e| e.to_string())?;
    let result = runner.ask(&entry.result, &part);
    let fast = finish(rule, entry, result, &mut |ask| runner.ask(ask, &part));
    let code = |a: &Answer| a.cause.as_ref().map(|c| c.code);
    let same = (fast.verdict, &fast.violations, fast.holds, code(&fast))
        == (slow.verdict, &slow.violations, slow.holds, code(&slow));
    if same {
        return Ok(fast);
    }
    let (fast, slow) = (describe(&fast), describe(&slow));
    Err(format!("the engines disagree: {fast} (as in production), {slow} (interpreter)"))
}

/// The rules that a file of cases is about unless it says so.
fn beside<'s>(set: &'s RuleSet, bundle: &str, path: &str) -> Vec<&'s Rule> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.rsplit_once('.').map_or(file, |(s, _)| s);
    let stem = [".cases", "_cases"].iter().find_map(|e| stem.strip_suffix(e));
    let rules = set.definitions().iter().filter(|r| r.meta.bundle == bundle);
    let of = rules.filter(|r| {
        let (its_folder, its_file) = r.meta.file.rsplit_once('/').unwrap_or(("", &r.meta.file));
        let its_stem = its_file.rsplit_once('.').map(|(s, _)| s);
        let same = stem.is_none_or(|s| its_stem == Some(s));
        its_folder == folder && same
    });
    of.collect()
}

fn read(text: &str) -> Result<CaseFile, String> {
    if let Some(problem) = tidegate_model::unreasonable_yaml(text) {
        return Err(problem);
    }
    let shape: Json = yaml_serde::from_str(text).map_err(|e| yaml_error(&e).1)?;
    match shape {
        Json::Array(_) => {
            yaml_serde::from_str(text).map(CaseFile::List).map_err(|e| yaml_error(&e).1)
        }
        Json::Object(members) if members.contains_key("gate") => {
            yaml_serde::from_str(text).map(CaseFile::Gate).map_err(|e| yaml_error(&e).1)
        }
        _ => yaml_serde::from_str(text).map(CaseFile::Mapping).map_err(|e| yaml_error(&e).1),
    }
}

/// The input as written, for later cases to build on, and as given.
fn build(
    rule: &Rule,
    case: &Case,
    earlier: &BTreeMap<String, Json>,
) -> Result<(Json, Json), String> {
    let mut base = match (&case.input, &case.base) {
        (Some(input), None) => input.clone(),
        (None, Some(Json::String(name))) => {
            earlier.get(name).ok_or(format!("there is no case `{name}` before it"))?.clone()
        }
        (None, Some(input)) => input.clone(),
        (None, None) => return Err("it has neither `input` nor `base`".to_owned()),
        (Some(_), Some(_)) => return Err("it has both `input` and `base`".to_owned()),
    };
    if let Some(patch) = &case.patch {
        patch::apply(&mut base, patch)?;
    }
    let input = fill::fill(rule, base.clone(), case.now.as_deref())?;
    Ok((base, input))
}

fn matches(case: &Case, answer: &Answer) -> bool {
    if case.verdict != answer.verdict {
        return false;
    }
    let cause = answer.cause.as_ref().map(|c| c.message.as_str()).unwrap_or_default();
    if case.reason.as_ref().is_some_and(|r| !cause.contains(r.as_str())) {
        return false;
    }
    let Some(expected) = &case.violations else { return true };
    let mut got: Vec<Json> = answer.violations.iter().map(json).collect();
    let mut found = |wanted: &serde_json::Map<String, Json>| {
        let fits = |v: &Json| wanted.iter().all(|(k, w)| v.get(k) == Some(w));
        got.iter().position(fits).map(|at| got.swap_remove(at)).is_some()
    };
    let all = expected.iter().all(&mut found);
    all && got.is_empty()
}

fn json((resource, violation): &(Option<String>, tidegate_model::Violation)) -> Json {
    let mut out = serde_json::to_value(violation).unwrap_or_default();
    if let (Some(resource), Some(members)) = (resource, out.as_object_mut()) {
        members.insert("resource".to_owned(), resource.as_str().into());
    }
    out
}

fn expectation(case: &Case) -> String {
    let violations = case.violations.as_ref().map(|v| {
        let v: Vec<String> = v.iter().map(|v| Json::Object(v.clone()).to_string()).collect();
        format!(" with {}", if v.is_empty() { "no violation".to_owned() } else { v.join(", ") })
    });
    let reason = case.reason.as_ref().map(|r| format!(" because {r}"));
    format!("{}{}{}", case.verdict, violations.unwrap_or_default(), reason.unwrap_or_default())
}

fn describe(answer: &Answer) -> String {
    let Answer { verdict, violations, cause, holds: _ } = answer;
    match cause {
        Some(cause) => format!("{verdict} because {}", cause.message),
        None if violations.is_empty() => verdict.to_string(),
        None => {
            let all: Vec<String> = violations.iter().map(|v| json(v).to_string()).collect();
            format!("{verdict} with {}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests;
