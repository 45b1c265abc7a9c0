//! From what the user typed after `--bundle` and `--scope` to rules.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use tidegate_model::{Evaluation, RuleId, RuleMeta, Timestamp};
use tidegate_policy::{Bundle, RuleSet};
use tidegate_report::{ScopeReport, TestcaseReport};

use crate::args::Rules;
use crate::failure::{Failure, Result};

/// The bundles of `policies/`, as part of the binary.
static POLICIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../policies");

/// What a scan judges with when nothing is asked for.
const DEFAULT: &str = "scs-compatible-iaas";

/// The names of the built-in bundles.
pub(crate) fn built_in() -> Vec<String> {
    let name = |d: &Dir<'_>| Some(d.path().to_str()?.to_owned());
    let mut names: Vec<String> = POLICIES.dirs().filter_map(name).collect();
    names.sort();
    names
}

/// Loads a built-in bundle by name, or a folder or archive by path.
pub(crate) fn load(name: &str) -> Result<Bundle> {
    if let Some(dir) = POLICIES.get_dir(name) {
        return Bundle::from_files(name, files(dir)).map_err(|e| Failure::from_error(&e));
    }
    let path = Path::new(name);
    if !path.exists() {
        return Err(Failure::usage(format!("there is no bundle `{name}`")).hint(format!(
            "built-in bundles: {}; anything else must be a folder or a .tar.gz file",
            built_in().join(", ")
        )));
    }
    Bundle::from_path(path).map_err(|e| Failure::from_error(&e))
}

fn files(root: &Dir<'_>) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    let mut open = vec![root];
    while let Some(dir) = open.pop() {
        open.extend(dir.dirs());
        for file in dir.files() {
            let path = file.path().strip_prefix(root.path()).unwrap_or(file.path());
            if let Some(path) = path.to_str() {
                out.push((path.to_owned(), file.contents().to_vec()));
            }
        }
    }
    out
}

/// The rules of a run, ready to judge.
pub(crate) struct Resolved {
    pub(crate) rule_set: RuleSet,
    pub(crate) metas: BTreeMap<RuleId, RuleMeta>,
    /// What `--reference-date` says.
    pub(crate) reference_time: Option<Timestamp>,
    scopes: Vec<WantedScope>,
}

struct WantedScope {
    name: String,
    version: Option<String>,
}

/// Loads and compiles what the options name.
pub(crate) fn resolve(rules: &Rules) -> Result<Resolved> {
    let wanted: Vec<(&str, Option<&str>)> = rules
        .scope
        .iter()
        .map(|text| match text.split_once('@') {
            Some((name, "effective")) => (name, None),
            Some((name, version)) => (name, Some(version)),
            None => (text.as_str(), None),
        })
        .collect();
    let mut names: Vec<&str> = rules.bundle.iter().map(String::as_str).collect();
    if names.is_empty() {
        names.extend(wanted.iter().map(|(name, _)| *name));
    }
    if names.is_empty() {
        names.push(DEFAULT);
    }
    names.dedup();
    let bundles = names.iter().map(|name| load(name)).collect::<Result<Vec<_>>>()?;
    let scopes = wanted
        .into_iter()
        .map(|(name, version)| wanted_scope(&bundles, name, version))
        .collect::<Result<Vec<_>>>()?;
    let rule_set = compile(bundles)?;
    let metas = rule_set.rules().map(|m| (m.id.clone(), m.clone())).collect();
    let reference_time = rules.reference_date.as_deref().map(time).transpose()?;
    Ok(Resolved { rule_set, metas, reference_time, scopes })
}

/// Compiles bundles into one rule set.
pub(crate) fn compile(bundles: Vec<Bundle>) -> Result<RuleSet> {
    RuleSet::compile(bundles, &tidegate_policy::Parameters::default())
        .map_err(|e| Failure::from_error(&e))
}

fn wanted_scope(_: &[Bundle], name: &str, version: Option<&str>) -> Result<WantedScope> {
    Ok(WantedScope { name: name.to_owned(), version: version.map(str::to_owned) })
}

impl Resolved {
    pub(crate) fn scopes(&self, _: &Evaluation) -> Result<Vec<ScopeReport>> { Ok(vec![]) }
}

/// A date (its midnight in UTC) or an RFC 3339 time.
fn time(text: &str) -> Result<Timestamp> {
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && let Ok(zoned) = date.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return Ok(zoned.timestamp());
    }
    text.parse().map_err(|e| {
        Failure::usage(format!("`{text}` is not a date or time: {e}"))
            .hint("write 2026-06-30 or 2026-06-30T12:00:00Z")
    })
}
