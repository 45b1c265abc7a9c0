//! Certificate scopes: which testcases make up which version of a certificate,
//! and when each version counts.
//!
//! Scopes are data in the layout of the reference's own files: scripts declare
//! testcases, modules gather them under targets (`main` decides, others
//! inform), versions include modules, the timeline says which state each
//! version has from which day on. A testcase is judged by the rule with its id;
//! one without a rule is Missing.
//!
//! Source: SovereignCloudStack/standards, Tests/scs_cert_lib.py, 2026-08-21.

mod lifetime;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tidegate_model::{Evaluation, Timestamp, Verdict, unreasonable_yaml};

use crate::bundle::yaml_error;

pub use lifetime::Lifetime;

/// A scope that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read scope: {problem}")]
pub struct ScopeError {
    /// The line, where it is known.
    pub line: Option<u32>,
    /// One clause.
    pub problem: String,
}

/// A scope: testcases, versions and timeline.
#[derive(Debug, Clone)]
pub struct Scope {
    file: File,
}

/// The state of a version on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// Not yet in force.
    Draft,
    /// In force.
    Effective,
    /// In force, soon no longer.
    Warn,
    /// No longer in force.
    Deprecated,
}

/// One testcase.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Testcase {
    /// Unique in the scope; the id of the rule that judges it.
    pub id: String,
    /// What it tests.
    #[serde(default)]
    pub description: String,
    /// The clause that demands it.
    #[serde(default)]
    pub url: Option<String>,
    /// How long a result counts.
    #[serde(default)]
    pub lifetime: Lifetime,
    /// The section that a scheduled run picks it by.
    #[serde(default)]
    pub section: Option<String>,
}

/// A version of a scope with its testcases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version<'s> {
    /// Its name, such as `v5.1`.
    pub name: &'s str,
    /// The day from which it no longer changes.
    pub stabilized_at: Option<Date>,
    /// By target (`main`, `recommended`, …), in the order of the file.
    pub targets: BTreeMap<&'s str, Vec<&'s Testcase>>,
}

/// What an evaluation means for a version of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeOutcome {
    /// The scope's name.
    pub scope: String,
    /// The scope's UUID.
    pub uuid: String,
    /// The version.
    pub version: String,
    /// The worst verdict among the testcases of target `main`; Missing if there
    /// are none.
    pub verdict: Verdict,
    /// By target, in the order of the file.
    pub targets: BTreeMap<String, Vec<TestcaseOutcome>>,
}

/// The verdict on one testcase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TestcaseOutcome {
    /// The testcase.
    pub id: String,
    /// Missing if no rule has its id, or if the result no longer counts.
    pub verdict: Verdict,
    /// From the beginning of which day a result of this evaluation does not
    /// count any more; absent if no rule has the testcase's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
    /// Whether that is before the lifetime of the testcase is over: the rule
    /// says that its answer will not hold so long.
    pub early: bool,
    /// The clause that demands it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    uuid: String,
    name: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default, rename = "prerequisite")]
    _prerequisite: serde_json::Value,
    #[serde(default, rename = "variables")]
    _variables: serde_json::Value,
    #[serde(default)]
    scripts: Vec<Script>,
    #[serde(default)]
    modules: Vec<Module>,
    #[serde(default)]
    timeline: Vec<Entry>,
    #[serde(default)]
    versions: Vec<FileVersion>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default, rename = "executable")]
    _executable: Option<String>,
    #[serde(default, rename = "env")]
    _env: serde_json::Value,
    #[serde(default, rename = "args")]
    _args: serde_json::Value,
    #[serde(default)]
    testcases: Vec<Testcase>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Module {
    id: String,
    #[serde(default, rename = "name")]
    _name: Option<String>,
    #[serde(default, rename = "url")]
    _url: Option<String>,
    #[serde(default, rename = "parameters")]
    _parameters: serde_json::Value,
    #[serde(default)]
    targets: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    date: Date,
    versions: BTreeMap<String, Validity>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileVersion {
    version: String,
    #[serde(default)]
    stabilized_at: Option<Date>,
    #[serde(default)]
    include: Vec<Include>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Include {
    Plain(String),
    With {
        r#ref: String,
        #[serde(default, rename = "parameters")]
        _parameters: serde_json::Value,
    },
}

impl Include {
    fn module(&self) -> &str {
        match self {
            Self::Plain(id) | Self::With { r#ref: id, .. } => id,
        }
    }
}

impl Scope {
    /// Reads a scope file.
    ///
    /// # Errors
    /// [`ScopeError`] on unknown keys, doubled ids and names that lead nowhere.
    pub fn parse(yaml: &str) -> Result<Self, ScopeError> {
        if let Some(problem) = unreasonable_yaml(yaml) {
            return Err(ScopeError { line: None, problem });
        }
        let file: File = yaml_serde::from_str(yaml).map_err(|e| {
            let (line, problem) = yaml_error(&e);
            ScopeError { line, problem }
        })?;
        let wrong = |problem: String| Err(ScopeError { line: None, problem });
        let mut ids = BTreeSet::new();
        for testcase in file.scripts.iter().flat_map(|s| &s.testcases) {
            if !ids.insert(testcase.id.as_str()) {
                return wrong(format!("testcase `{}` stands twice", testcase.id));
            }
        }
        let mut modules = BTreeSet::new();
        for module in &file.modules {
            if !modules.insert(module.id.as_str()) {
                return wrong(format!("module `{}` stands twice", module.id));
            }
            let unknown = module.targets.values().flatten().find(|t| !ids.contains(t.as_str()));
            if let Some(unknown) = unknown {
                return wrong(format!("module `{}`: no testcase `{unknown}`", module.id));
            }
        }
        let mut versions = BTreeSet::new();
        for version in &file.versions {
            if !versions.insert(version.version.as_str()) {
                return wrong(format!("version `{}` stands twice", version.version));
            }
            let mut included = version.include.iter().map(Include::module);
            if let Some(unknown) = included.find(|m| !modules.contains(m)) {
                return wrong(format!("version `{}`: no module `{unknown}`", version.version));
            }
        }
        for entry in &file.timeline {
            if let Some(unknown) = entry.versions.keys().find(|v| !versions.contains(v.as_str())) {
                return wrong(format!("timeline {}: no version `{unknown}`", entry.date));
            }
        }
        Ok(Self { file })
    }

    /// The scope's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The scope's UUID.
    #[must_use]
    pub fn uuid(&self) -> &str {
        &self.file.uuid
    }

    /// Where the reference keeps the file.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.file.url.as_deref()
    }

    /// The names of all versions, in the order of the file.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        self.file.versions.iter().map(|v| v.version.as_str())
    }

    /// The state of each version on a day. The entry of the timeline with the
    /// greatest date up to that day counts as a whole: what it does not name
    /// has no state, and neither has anything before the first entry.
    #[must_use]
    pub fn validity(&self, date: Date) -> BTreeMap<&str, Validity> {
        let past = self.file.timeline.iter().filter(|e| e.date <= date);
        let entry = past.max_by_key(|e| e.date);
        let states = entry.into_iter().flat_map(|e| &e.versions);
        states.map(|(version, state)| (version.as_str(), *state)).collect()
    }

    /// The versions that are effective on a day, in the order of the file.
    #[must_use]
    pub fn effective(&self, date: Date) -> Vec<&str> {
        let states = self.validity(date);
        self.versions().filter(|v| states.get(v) == Some(&Validity::Effective)).collect()
    }

    /// A version by name.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<Version<'_>> {
        let version = self.file.versions.iter().find(|v| v.version == name)?;
        let included: BTreeSet<&str> = version.include.iter().map(Include::module).collect();
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for module in self.file.modules.iter().filter(|m| included.contains(m.id.as_str())) {
            for (target, testcases) in &module.targets {
                wanted.entry(target).or_default().extend(testcases.iter().map(String::as_str));
            }
        }
        let all = || self.file.scripts.iter().flat_map(|s| &s.testcases);
        let targets = wanted
            .into_iter()
            .map(|(target, ids)| (target, all().filter(|t| ids.contains(t.id.as_str())).collect()))
            .collect();
        Some(Version { name: &version.version, stabilized_at: version.stabilized_at, targets })
    }

    /// What an evaluation says about a version; `None` if there is no such
    /// version. A result is as old as the snapshot judged, and Missing once
    /// its lifetime is over at the reference time.
    #[must_use]
    pub fn outcome(&self, version: &str, evaluation: &Evaluation) -> Option<ScopeOutcome> {
        let version = self.version(version)?;
        let day = |time: Timestamp| time.to_zoned(TimeZone::UTC).date();
        let (checked, today) = (day(evaluation.taken_at), day(evaluation.reference_time));
        let judge = |t: &&Testcase| {
            let rule = evaluation.rules.get(t.id.as_str());
            let whole = t.lifetime.expiry(checked);
            let expires = rule.map(|r| r.valid_until.map_or(whole, |until| whole.min(day(until))));
            let current = rule.filter(|_| expires.is_some_and(|day| today < day));
            TestcaseOutcome {
                id: t.id.clone(),
                verdict: current.map_or(Verdict::Missing, |r| r.verdict),
                expires,
                early: expires.is_some_and(|day| day < whole),
                url: t.url.clone(),
            }
        };
        let targets: BTreeMap<String, Vec<TestcaseOutcome>> = version
            .targets
            .iter()
            .map(|(target, all)| ((*target).to_owned(), all.iter().map(judge).collect()))
            .collect();
        let main = targets.get("main").into_iter().flatten().map(|t| t.verdict);
        Some(ScopeOutcome {
            scope: self.file.name.clone(),
            uuid: self.file.uuid.clone(),
            version: version.name.to_owned(),
            verdict: Verdict::of_set(main),
            targets,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use tidegate_model::{Counts, Digest, RuleOutcome, Timestamp};

    use super::*;

    const FILE: &str = "
uuid: u
name: S
scripts:
- executable: x
  testcases: [{id: a, url: https://a}, {id: b, lifetime: year}]
- testcases: [{id: c}, {id: d, section: light}]
modules:
- {id: m1, targets: {main: [b, a]}}
- {id: m2, targets: {main: [c], recommended: [d]}}
- {id: empty}
versions:
- {version: next, include: [m1, m2]}
- version: v2
  stabilized_at: 2024-12-19
  include: [empty, m2, {ref: m1, parameters: {k: v}}]
- {version: v1, include: [m1]}
timeline:
- {date: 2025-07-01, versions: {next: draft, v2: effective}}
- {date: 2025-02-01, versions: {v2: effective, v1: warn}}
- {date: 2024-12-19, versions: {v2: effective, v1: effective}}
";

    fn evaluation(verdicts: &[(&str, Verdict)]) -> Evaluation {
        let outcome = |verdict| RuleOutcome {
            verdict,
            counts: Counts::default(),
            valid_until: None,
            findings: vec![],
        };
        Evaluation {
            snapshot: "s@1".parse().unwrap(),
            taken_at: Timestamp::UNIX_EPOCH,
            reference_time: Timestamp::UNIX_EPOCH,
            rule_set: Digest([0; 32]),
            rules: verdicts.iter().map(|(id, v)| (id.parse().unwrap(), outcome(*v))).collect(),
        }
    }

    #[test]
    fn the_newest_entry_counts_as_a_whole() {
        let scope = Scope::parse(FILE).unwrap();
        assert!(scope.effective(date(2024, 12, 18)).is_empty());
        assert_eq!(scope.effective(date(2024, 12, 19)), ["v2", "v1"]);
        assert_eq!(scope.effective(date(2025, 6, 30)), ["v2"]);
        assert_eq!(scope.validity(date(2025, 6, 30)).get("v1"), Some(&Validity::Warn));
        assert_eq!(scope.validity(date(2026, 1, 1)).get("v1"), None);
    }

    #[test]
    fn a_version_is_the_union_of_its_modules() {
        let scope = Scope::parse(FILE).unwrap();
        let version = scope.version("v2").unwrap();
        let ids = |target: &str| -> Vec<&str> {
            version.targets[target].iter().map(|t| t.id.as_str()).collect()
        };
        assert_eq!(ids("main"), ["a", "b", "c"]);
        assert_eq!(ids("recommended"), ["d"]);
        assert_eq!(version.stabilized_at, Some(date(2024, 12, 19)));
        assert!(scope.version("v9").is_none());
    }

    #[test]
    fn fail_outweighs_missing_outweighs_abort_outweighs_pass() {
        use Verdict::{Abort, Fail, Missing, Pass};
        let scope = Scope::parse(FILE).unwrap();
        let verdict = |verdicts: &[(&str, Verdict)]| {
            scope.outcome("v2", &evaluation(verdicts)).unwrap().verdict
        };
        assert_eq!(verdict(&[("a", Pass), ("b", Pass), ("c", Pass), ("d", Fail)]), Pass);
        assert_eq!(verdict(&[("a", Pass), ("b", Abort), ("c", Pass)]), Abort);
        assert_eq!(verdict(&[("a", Pass), ("b", Abort)]), Missing);
        assert_eq!(verdict(&[("a", Fail)]), Fail);
        let outcome = scope.outcome("v2", &evaluation(&[("a", Pass)])).unwrap();
        assert_eq!(outcome.targets["recommended"][0].verdict, Missing);
    }

    #[test]
    fn a_result_counts_for_its_lifetime() {
        use Verdict::{Fail, Missing, Pass};
        let scope = Scope::parse(FILE).unwrap();
        let mut evaluation = evaluation(&[("a", Pass), ("b", Fail)]);
        let mut verdicts = |later: &str| -> Vec<Verdict> {
            evaluation.reference_time = later.parse().unwrap();
            let outcome = scope.outcome("v1", &evaluation).unwrap();
            outcome.targets["main"].iter().map(|t| t.verdict).collect()
        };
        // Taken on 1970-01-01, a Thursday.
        assert_eq!(verdicts("1970-01-11T23:59:59Z"), [Pass, Fail]);
        assert_eq!(verdicts("1970-01-12T00:00:00Z"), [Missing, Fail]);
        assert_eq!(verdicts("1971-02-28T23:59:59Z"), [Missing, Fail]);
        assert_eq!(verdicts("1971-03-01T00:00:00Z"), [Missing, Missing]);
    }

    #[test]
    fn mistakes_are_named() {
        let fails =
            |from: &str, to: &str| Scope::parse(&FILE.replace(from, to)).unwrap_err().problem;
        assert_eq!(fails("main: [c]", "main: [z]"), "module `m2`: no testcase `z`");
        assert_eq!(fails("include: [m1, m2]", "include: [m3]"), "version `next`: no module `m3`");
        assert_eq!(fails("{id: c}", "{id: a}"), "testcase `a` stands twice");
        assert!(fails("uuid: u", "uuid: u\nlevel: 1").contains("unknown field `level`"));
        assert_eq!(fails("v1: warn", "v9: warn"), "timeline 2025-02-01: no version `v9`");
    }
}
