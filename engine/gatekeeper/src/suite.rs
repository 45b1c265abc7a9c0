//! gator's suites: cases of what constraints say of objects.
//!
//! Source: Gatekeeper 3.20, `pkg/gator/verify`.

use std::collections::BTreeMap;
use std::path::Path;

use regex::Regex;
use regorus::Value;
use serde::Deserialize;
use serde_json::Value as Json;
use tidegate_policy::CaseFailure;

use crate::constraint::Constraint;
use crate::inventory::Objects;
use crate::matching::Labels;
use crate::review::{self, Review};
use crate::template::{Found, Program, Template, Unanswered};
use crate::yaml;

/// What running suites gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SuiteReport {
    /// How many cases did as expected.
    pub passed: u64,
    /// How many did not, or could not be run.
    pub failed: u64,
    /// How many are marked to be skipped.
    pub skipped: u64,
    /// Each that failed, in order of file.
    pub failures: Vec<CaseFailure>,
}

#[derive(Deserialize)]
pub(crate) struct Suite {
    #[serde(default)]
    skip: bool,
    #[serde(default)]
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    #[serde(default)]
    name: String,
    #[serde(default)]
    template: String,
    #[serde(default)]
    constraint: String,
    #[serde(default)]
    expansion: Option<String>,
    #[serde(default)]
    invalid: bool,
    #[serde(default)]
    skip: bool,
    #[serde(default)]
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    name: String,
    #[serde(default)]
    object: String,
    #[serde(default)]
    inventory: Vec<String>,
    #[serde(default)]
    assertions: Vec<Assertion>,
    #[serde(default)]
    skip: bool,
}

#[derive(Deserialize)]
struct Assertion {
    /// `yes`, `no` or a number.
    #[serde(default)]
    violations: Json,
    #[serde(default)]
    message: Option<String>,
}

/// Whether a document is a suite.
pub(crate) fn is_suite(document: &Json) -> bool {
    let is = |name: &str, value: &str| document.get(name).and_then(Json::as_str) == Some(value);
    is("kind", "Suite") && is("apiVersion", "test.gatekeeper.sh/v1alpha1")
}

/// Runs suites and keeps count.
pub(crate) struct Runner<'f> {
    /// The name of the folder.
    pub(crate) bundle: &'f str,
    /// The suite's file in it.
    pub(crate) file: &'f str,
    /// The folder that the suite's paths start from.
    pub(crate) base: &'f Path,
    pub(crate) report: &'f mut SuiteReport,
}

impl Runner<'_> {
    pub(crate) fn suite(&mut self, suite: &Json) {
        match Suite::deserialize(suite) {
            Err(e) => self.fails("the suite", "a suite of gator", &e.to_string()),
            Ok(suite) => suite.tests.iter().for_each(|test| self.test(test, suite.skip)),
        }
    }

    /// Counts a file that is no YAML.
    pub(crate) fn broken(&mut self, (line, problem): (Option<u32>, String)) {
        let problem = line.map_or(problem.clone(), |line| format!("line {line}: {problem}"));
        self.fails("the suite", "a suite of gator", &problem);
    }

    fn fails(&mut self, case: &str, expected: &str, got: &str) {
        self.report.failed += 1;
        self.report.failures.push(CaseFailure {
            bundle: self.bundle.to_owned(),
            file: self.file.to_owned(),
            rule: None,
            case: case.to_owned(),
            expected: expected.to_owned(),
            got: got.to_owned(),
        });
    }

    fn test(&mut self, test: &Test, skip: bool) {
        if skip || test.skip {
            self.report.skipped += test.cases.len() as u64;
            return;
        }
        let asked = self.asked(test);
        if test.invalid {
            match asked {
                Err(_) => self.report.passed += 1,
                Ok(_) => self.fails(&test.name, "a template or constraint that is refused", "none"),
            }
            return;
        }
        let expansion = "expansion templates are not supported";
        let mut asked = match test.expansion.as_deref().filter(|e| !e.is_empty()) {
            Some(_) => Err(expansion.to_owned()),
            None => asked,
        };
        for case in &test.cases {
            let name = format!("{}/{}", test.name, case.name);
            if case.skip {
                self.report.skipped += 1;
                continue;
            }
            let result = match &mut asked {
                Ok(asked) => asked.found(self.base, case),
                Err(problem) => Err(problem.clone()),
            };
            match result.and_then(|found| check(&case.assertions, &found)) {
                Ok(None) => self.report.passed += 1,
                Ok(Some((expected, got))) => self.fails(&name, &expected, &got),
                Err(problem) => self.fails(&name, "an answer", &problem),
            }
        }
        if let (Err(problem), true) = (&asked, test.cases.is_empty()) {
            self.fails(&test.name, "a template and a constraint", problem);
        }
    }

    /// What a test asks about its cases.
    fn asked(&self, test: &Test) -> Result<Asked, String> {
        let object = |path: &str, what: &str| match path {
            "" => Err(format!("the test names no {what}")),
            path => Ok(one(self.base, path)?.value),
        };
        let template = object(&test.template, "template")?;
        let template = Template::read(&template)
            .map_err(|r| format!("`{}`: {}", test.template, place(r.line, &r.problem)))?;
        let constraint = object(&test.constraint, "constraint")?;
        let constraint = Constraint::read(&constraint, &test.constraint)
            .map_err(|problem| format!("`{}`: {problem}", test.constraint))?;
        if constraint.kind != template.kind {
            return Err(format!(
                "the constraint is a `{}`, the template makes `{}`",
                constraint.kind, template.kind
            ));
        }
        let parameters = Value::from(template.parameters(constraint.parameters.as_ref()));
        Ok(Asked { program: template.program?, constraint, parameters })
    }
}

fn place(line: Option<u32>, problem: &str) -> String {
    line.map_or_else(|| problem.to_owned(), |line| format!("line {line} of its Rego: {problem}"))
}

struct Asked {
    program: Program,
    constraint: Constraint,
    parameters: Value,
}

impl Asked {
    fn found(&mut self, base: &Path, case: &Case) -> Result<Vec<Found>, String> {
        if case.object.is_empty() {
            return Err("the case names no object".to_owned());
        }
        let mut objects = Objects::default();
        let mut namespaces: BTreeMap<String, Labels> = BTreeMap::new();
        for path in &case.inventory {
            for document in read(base, path)? {
                let object = Value::from(document.value);
                let about = review::about(&object)
                    .ok_or_else(|| format!("`{path}`: it has no `apiVersion` and `kind`"))?;
                if about.group.is_empty() && about.kind == "Namespace" {
                    namespaces.insert(about.name.clone(), about.labels.clone());
                }
                objects.add(&about, &object);
            }
        }
        let object = Value::from(one(base, &case.object)?.value);
        let review = Review::new(&object).map_err(|p| format!("`{}`: {p}", case.object))?;
        let about = &review.about;
        if about.group.is_empty() && about.kind == "Namespace" {
            namespaces.insert(about.name.clone(), about.labels.clone());
        }
        let meant = self.constraint.criteria.holds(about, |name| namespaces.get(name));
        if !meant.map_err(|n| format!("the inventory has no namespace `{}`", n.0))? {
            return Ok(Vec::new());
        }
        let answer = self
            .program
            .give(objects.inventory())
            .and_then(|()| self.program.violations(review.input(&self.parameters)));
        answer.map_err(|(Unanswered::Limit(text) | Unanswered::Error(text))| text)
    }
}

fn read(base: &Path, path: &str) -> Result<Vec<yaml::Document>, String> {
    if Path::new(path).is_absolute() {
        return Err(format!("`{path}` is absolute: name files from the suite on"));
    }
    let text = std::fs::read_to_string(base.join(path)).map_err(|e| format!("`{path}`: {e}"))?;
    yaml::documents(&text).map_err(|(line, problem)| match line {
        Some(line) => format!("`{path}`:{line}: {problem}"),
        None => format!("`{path}`: {problem}"),
    })
}

/// The first document of a file.
fn one(base: &Path, path: &str) -> Result<yaml::Document, String> {
    read(base, path)?.into_iter().next().ok_or_else(|| format!("`{path}` is empty"))
}

/// Which assertion does not hold: what it expects and what there is.
fn check(assertions: &[Assertion], found: &[Found]) -> Result<Option<(String, String)>, String> {
    if assertions.is_empty() {
        return Err("the case asserts nothing".to_owned());
    }
    for assertion in assertions {
        let fitting = assertion.message.as_deref().map(|m| Regex::new(&pattern(m))).transpose();
        let fitting = fitting.map_err(|e| format!("`message`: {e}"))?;
        let fits = |f: &&Found| fitting.as_ref().is_none_or(|p| p.is_match(&f.message));
        let count = found.iter().filter(fits).count() as u64;
        let (holds, expected) = match &assertion.violations {
            Json::Null => (count > 0, "violations".to_owned()),
            Json::Bool(true) => (count > 0, "violations".to_owned()),
            Json::Bool(false) => (count == 0, "no violations".to_owned()),
            Json::String(text) if text == "yes" => (count > 0, "violations".to_owned()),
            Json::String(text) if text == "no" => (count == 0, "no violations".to_owned()),
            other => match other.as_u64() {
                Some(n) => (count == n, format!("{n} violations")),
                None => {
                    return Err(format!("`violations` is neither yes, no nor a number: {other}"));
                }
            },
        };
        if !holds {
            let expected = match &assertion.message {
                Some(message) => format!("{expected} whose message fits `{message}`"),
                None => expected,
            };
            let messages: Vec<&str> = found.iter().map(|f| f.message.as_str()).collect();
            let got = match messages.as_slice() {
                [] => "none".to_owned(),
                some => format!("{}: {}", some.len(), some.join("; ")),
            };
            return Ok(Some((expected, got)));
        }
    }
    Ok(None)
}

/// A pattern of Go: a `{` that begins no repetition stands for itself there.
fn pattern(go: &str) -> String {
    let mut out = String::with_capacity(go.len());
    let (mut escaped, mut class) = (false, false);
    for (at, c) in go.char_indices() {
        let rest = go.get(at + c.len_utf8()..).unwrap_or_default();
        match c {
            '{' if !escaped && !class && !repeats(rest) => out.push('\\'),
            '[' if !escaped => class = true,
            ']' if !escaped => class = false,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out
}

/// Whether `3}`, `3,}` or `3,5}` follows.
fn repeats(rest: &str) -> bool {
    let Some((inner, _)) = rest.split_once('}') else { return false };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_go() {
        let fits = |go: &str, text: &str| Regex::new(&pattern(go)).unwrap().is_match(text);
        assert!(fits("Allowed: {\"max\": 2}", "Allowed: {\"max\": 2}"));
        assert!(fits("a{2,3}[{]b\\{", "aa{b{"));
        assert!(!fits("a{3}", "aa"));
    }
}
