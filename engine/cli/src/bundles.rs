//! From what the user typed after `--bundle` and `--scope` to rules.

mod scope;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use tidegate_gatekeeper::{Constraints, Folder};
use tidegate_model::{Evaluation, RuleId, RuleMeta, Timestamp};
use tidegate_policy::{Bundle, LoadError, Parameters, RuleSet};
use tidegate_report::ScopeReport;

use crate::config::{Origin, Parameter, RuleChoice, Setting};
use crate::failure::{Failure, Result};
use crate::rules::System;
pub(crate) use scope::is_scope_file;
use scope::{Wanted, WantedScope, split_version};

/// The bundles of `policies/`, as part of the binary.
static POLICIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../policies");

/// What a cloud is judged with when nothing is asked for: scopes at their
/// effective versions, and bundles as a whole.
fn defaults(system: System) -> (&'static [&'static str], &'static [&'static str]) {
    match system {
        System::OpenStack => (&["scs-compatible-iaas"], &[]),
        System::Kubernetes => (&["scs-compatible-kaas"], &["kubernetes-security"]),
    }
}

/// The names of the built-in bundles, without those that only lend packages to
/// others.
pub(crate) fn built_in() -> Vec<String> {
    let is_rule = |path: &str| path.ends_with("/rule.rego") || path.ends_with(".cedar");
    let rules = |d: &Dir<'_>| files(d).iter().any(|(path, _)| is_rule(path));
    let name = |d: &Dir<'_>| Some(d.path().to_str()?.to_owned());
    let mut names: Vec<String> = POLICIES.dirs().filter(|d| rules(d)).filter_map(name).collect();
    names.sort();
    names
}

/// The names of the built-in bundles that have saved queries.
pub(crate) fn with_queries() -> Vec<String> {
    let queries = |d: &&Dir<'_>| d.get_dir(d.path().join("queries")).is_some();
    let name = |d: &Dir<'_>| Some(d.path().to_str()?.to_owned());
    POLICIES.dirs().filter(queries).filter_map(name).collect()
}

/// The built-in frameworks: id, `framework.yaml` and `mapping.yaml`, in order of
/// ids.
pub(crate) fn built_in_frameworks() -> Vec<(String, &'static str, &'static str)> {
    let Some(root) = POLICIES.get_dir("frameworks") else { return Vec::new() };
    let of = |dir: &'static Dir<'static>| {
        let text = |file: &str| dir.get_file(dir.path().join(file))?.contents_utf8();
        let id = dir.path().file_name()?.to_str()?.to_owned();
        Some((id, text("framework.yaml")?, text("mapping.yaml")?))
    };
    let mut all: Vec<_> = root.dirs().filter_map(of).collect();
    all.sort();
    all
}

/// Whether a bundle of this name is part of the binary.
pub(crate) fn is_built_in(name: &str) -> bool {
    POLICIES.get_dir(name).is_some()
}

/// Loads bundles and all that they use, each once. What a folder uses stands
/// beside it, or is built in.
pub(crate) fn load_all<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Vec<Bundle>> {
    Ok(load_placed(names)?.into_iter().map(|(_, bundle)| bundle).collect())
}

/// As [`load_all`], each with its path or built-in name.
fn load_placed<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Vec<(String, Bundle)>> {
    let mut bundles: Vec<(String, Bundle)> = Vec::new();
    let mut wanted: Vec<String> = names.into_iter().map(str::to_owned).collect();
    wanted.reverse();
    let mut seen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) || bundles.iter().any(|(_, b)| b.name() == name) {
            continue;
        }
        let bundle = load(&name)?;
        let beside = |used: &String| {
            let folder = Path::new(&name).parent().filter(|_| !is_built_in(&name));
            let path = folder.map(|f| f.join(used)).filter(|p| p.is_dir());
            path.map_or_else(|| used.clone(), |p| p.to_string_lossy().into_owned())
        };
        // After what is named: a bundle that is named takes the place of the one
        // of its name that another uses.
        wanted.splice(0..0, bundle.uses().iter().map(beside));
        bundles.push((name, bundle));
    }
    Ok(bundles)
}

/// Takes the folders of Gatekeeper out of what stands after `--bundle`.
pub(crate) fn take_gatekeeper(names: &mut Vec<String>) -> Result<Vec<Folder>> {
    let mut folders = Vec::new();
    let mut rest = Vec::new();
    for name in std::mem::take(names) {
        let folder = match is_built_in(&name) {
            true => None,
            false => Folder::from_path(Path::new(&name)).map_err(|e| load_failure(&e))?,
        };
        match folder {
            Some(folder) => folders.push(folder),
            None => rest.push(name),
        }
    }
    *names = rest;
    Ok(folders)
}

/// The constraints of folders, together.
fn constraints(folders: &[Folder]) -> Result<Constraints> {
    let mut all = Constraints::default();
    for folder in folders {
        let constraints = folder.constraints().map_err(|e| load_failure(&e))?;
        if constraints.is_empty() {
            let name = folder.name();
            return Err(Failure::new(format!("there is no constraint in bundle `{name}`"))
                .hint("tidegate policy test runs a folder that only has suites"));
        }
        all.extend(constraints);
    }
    Ok(all)
}

/// Loads a built-in bundle by name, or a folder or archive by path.
fn load(name: &str) -> Result<Bundle> {
    if let Some(dir) = POLICIES.get_dir(name) {
        return Bundle::from_files(name, files(dir)).map_err(|e| load_failure(&e));
    }
    let path = Path::new(name);
    if !path.exists() {
        return Err(Failure::usage(format!("there is no bundle `{name}`")).hint(format!(
            "built-in bundles: {}; anything else must be a folder or a .tar.gz file",
            built_in().join(", ")
        )));
    }
    Bundle::from_path(path).map_err(|e| load_failure(&e))
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

/// The files of the bundles that a choice names and of those that they use, by
/// path below a folder for all of them: what it takes to judge again. An archive
/// is one file.
pub(crate) fn sources(choice: &RuleChoice) -> Result<BTreeMap<String, Vec<u8>>> {
    let scopes = choice.scopes.value.iter().map(|s| split_version(s).0);
    let scopes: Vec<&str> = scopes.filter(|s| is_built_in(s)).collect();
    let unread =
        |place: &str, e: std::io::Error| Failure::new(format!("cannot read bundle `{place}`: {e}"));
    let mut sources = BTreeMap::new();
    let mut bundles = choice.bundles.value.clone();
    for folder in take_gatekeeper(&mut bundles)? {
        let place = folder.root();
        walk(place, folder.name(), &mut sources)
            .map_err(|e| unread(&place.display().to_string(), e))?;
    }
    let named = bundles.iter().map(String::as_str).chain(scopes);
    for (place, bundle) in load_placed(named)? {
        let name = bundle.name();
        if let Some(dir) = POLICIES.get_dir(&place) {
            let files = files(dir).into_iter();
            sources.extend(files.map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
            continue;
        }
        let path = Path::new(&place);
        let unread = |e| unread(&place, e);
        if path.is_dir() {
            walk(path, name, &mut sources).map_err(unread)?;
        } else {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            sources.insert(file, std::fs::read(path).map_err(unread)?);
        }
    }
    Ok(sources)
}

/// Takes the files that count of a folder: hidden ones do not, but `.manifest`.
fn walk(folder: &Path, name: &str, files: &mut BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{name}/{file}");
        if file.starts_with('.') && file != ".manifest" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else {
            files.insert(path, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// The rules of a run, ready to judge.
pub(crate) struct Resolved {
    pub(crate) rule_set: Arc<RuleSet>,
    pub(crate) metas: BTreeMap<RuleId, RuleMeta>,
    /// The Gatekeeper constraints of the folders named.
    pub(crate) constraints: Constraints,
    /// What `--reference-date` says.
    pub(crate) reference_time: Option<Timestamp>,
    scopes: Vec<WantedScope>,
    /// The bundles of which all rules are asked, not only those of the scopes'
    /// testcases.
    whole: BTreeSet<String>,
}

/// Loads and compiles what was chosen. Without any choice, that is the
/// effective version of the system's scope: its bundle also has rules of drafts
/// and of versions that are over, which nobody wants to fail for.
pub(crate) fn resolve(choice: &RuleChoice, system: System) -> Result<Resolved> {
    let (chosen, scopes) = (&choice.bundles.value, &choice.scopes.value);
    let mut wanted: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let mut whole = chosen.clone();
    if choice.by_default() {
        let (scopes, bundles) = defaults(system);
        wanted.extend(scopes);
        whole.extend(bundles.iter().map(|b| (*b).to_owned()));
    }
    let wanted = wanted.into_iter().map(Wanted::read).collect::<Result<Vec<_>>>()?;
    let mut names: Vec<String> = chosen.clone();
    let constraints = constraints(&take_gatekeeper(&mut names)?)?;
    if chosen.is_empty() {
        names.extend(wanted.iter().map(|w| w.name.clone()));
        names.extend(whole.iter().cloned());
    }
    let bundles = load_all(names.iter().map(String::as_str))?;
    // A bundle is named by its path, a rule by the bundle's own name.
    let own = |b: &Bundle| chosen.is_empty().then(|| whole.contains(&b.name().to_owned()));
    let whole = bundles.iter().filter(|b| own(b).unwrap_or(true)).map(|b| b.name().to_owned());
    let whole = whole.collect();
    let scopes = wanted.into_iter().map(|w| w.find(&bundles)).collect::<Result<Vec<_>>>()?;
    let rule_set = Arc::new(with_parameters(bundles, &names, choice, system)?);
    let metas = rule_set.rules().map(|m| (m.id.clone(), m.clone())).collect();
    let reference_time = reference_time(choice)?;
    Ok(Resolved { rule_set, metas, constraints, reference_time, scopes, whole })
}

/// What `--reference-date` says.
pub(crate) fn reference_time(choice: &RuleChoice) -> Result<Option<Timestamp>> {
    choice.reference_date.as_deref().map(time).transpose()
}

/// Compiles bundles with the parameters of a choice. Those of the file that no
/// rule has are left out where the command line chose the rules: the file is
/// about others then. So are those that only rules of another system have, where
/// each system has its own.
fn with_parameters(
    mut bundles: Vec<Bundle>,
    names: &[String],
    choice: &RuleChoice,
    system: System,
) -> Result<RuleSet> {
    let mut given: Vec<&Setting<Parameter>> = choice.parameters.iter().collect();
    loop {
        let mut parameters = Parameters::default();
        let mode = choice.mode.value.map(|m| ("mode".to_owned(), m.name().into()));
        parameters.all.extend(mode);
        for Parameter { rule, name, value } in given.iter().map(|p| &p.value) {
            let of = match rule {
                None => &mut parameters.all,
                Some(rule) => parameters.rules.entry(rule.clone()).or_default(),
            };
            of.insert(name.clone(), value.clone());
        }
        let error = match RuleSet::compile(bundles, &parameters) {
            Ok(rule_set) => return some_rules(rule_set, names),
            Err(error) => error,
        };
        let LoadError::UnknownParameter(unknown) = &error else { return Err(load_failure(&error)) };
        let said = |p: &Setting<Parameter>| match &p.value.rule {
            None => p.value.name == *unknown,
            Some(rule) => format!("{rule}.{}", p.value.name) == *unknown,
        };
        let Some(origin) = given.iter().rfind(|p| said(p)).map(|p| &p.origin) else {
            return Err(load_failure(&error));
        };
        let of_others = matches!(origin, Origin::File { .. }) && choice.other_rules();
        let left_out = of_others || (choice.by_default() && elsewhere(unknown, system)?);
        if !left_out {
            return Err(load_failure(&error).also(format!("it is set by {origin}")));
        }
        given.retain(|p| !said(p));
        bundles = load_all(names.iter().map(String::as_str))?;
    }
}

/// Whether a rule that judges other systems by default has a parameter, named
/// `NAME` or `RULE.NAME`.
fn elsewhere(parameter: &str, system: System) -> Result<bool> {
    for other in System::ALL.into_iter().filter(|s| *s != system) {
        let (scopes, whole) = defaults(other);
        let bundles = load_all(scopes.iter().chain(whole).copied())?;
        let mut parameters = Parameters::default();
        let rule = parameter
            .rsplit_once('.')
            .and_then(|(rule, name)| Some((RuleId::new(rule).ok()?, name)));
        let (of, name) = match rule {
            Some((rule, name)) => (parameters.rules.entry(rule).or_default(), name),
            None => (&mut parameters.all, parameter),
        };
        of.insert(name.to_owned(), serde_json::Value::Null);
        match RuleSet::compile(bundles, &parameters) {
            Err(LoadError::UnknownParameter(_)) => {}
            Ok(_) | Err(_) => return Ok(true),
        }
    }
    Ok(false)
}

/// The rules and gate policies of these bundles, of which there may be none.
pub(crate) fn rule_set<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<RuleSet> {
    RuleSet::compile(load_all(names)?, &Parameters::default()).map_err(|e| load_failure(&e))
}

/// Compiles bundles into one rule set, to look at it or test it. It may have gate
/// policies alone.
pub(crate) fn compile(bundles: Vec<Bundle>) -> Result<RuleSet> {
    let names: Vec<String> = bundles.iter().map(|b| b.name().to_owned()).collect();
    let rule_set =
        RuleSet::compile(bundles, &Parameters::default()).map_err(|e| load_failure(&e))?;
    if rule_set.authorizer().is_some() {
        return Ok(rule_set);
    }
    some_rules(rule_set, &names)
}

/// A rule set without rules would pass everything, so it is refused: most often
/// a path names the wrong folder.
fn some_rules(rule_set: RuleSet, bundles: &[String]) -> Result<RuleSet> {
    let empty = rule_set.definitions().is_empty() && rule_set.authorizer().is_none();
    if empty && !bundles.is_empty() {
        let names: Vec<String> = bundles.iter().map(|b| format!("`{b}`")).collect();
        return Err(Failure::new(format!("there is no rule in bundle {}", names.join(", ")))
            .hint("name the folder that holds the rules; a rule has METADATA with an id"));
    }
    Ok(rule_set)
}

/// All that is wrong with a bundle, a line each, with the hint of each.
fn load_failure(error: &LoadError) -> Failure {
    let mut failure = Failure::from_error(error);
    for fault in error.faults().iter().skip(1) {
        failure = failure.also(fault.to_string());
    }
    if let LoadError::UnknownParameter(_) = error {
        failure = failure.hint("tidegate policy explain RULE shows the parameters that it has");
    }
    let hints: BTreeSet<&str> = error.faults().iter().filter_map(|f| f.hint.as_deref()).collect();
    hints.into_iter().fold(failure, Failure::hint)
}

impl Resolved {
    /// The rules that are asked at a time: those of the bundles that count as a
    /// whole, and those that judge testcases of the scopes. `None` for all.
    pub(crate) fn asked(&self, at: Timestamp) -> Option<BTreeSet<RuleId>> {
        if self.metas.values().all(|m| self.whole.contains(&m.bundle)) {
            return None;
        }
        let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let whole = self.metas.values().filter(|m| self.whole.contains(&m.bundle));
        let whole = whole.map(|m| m.id.clone());
        Some(self.scopes.iter().flat_map(|s| s.rules(date)).chain(whole).collect())
    }

    /// The same rules for a subject of another system than those of some of its
    /// bundles: these are not asked, and their scopes not summed up. If that left
    /// none, all are, and abort for want of facts.
    pub(crate) fn narrowed(&self, system: System) -> Self {
        let mut systems: BTreeMap<&str, BTreeSet<System>> = BTreeMap::new();
        for meta in self.metas.values() {
            let of = systems.entry(&meta.bundle).or_default();
            of.extend(meta.kinds.iter().filter_map(System::of_kind));
        }
        let foreign =
            |b: &str| systems.get(b).is_some_and(|s| !s.is_empty() && !s.contains(&system));
        let all_foreign = systems.keys().all(|b| foreign(b));
        let keep = |b: &str| all_foreign || !foreign(b);
        Self {
            rule_set: self.rule_set.clone(),
            metas: self.metas.clone(),
            constraints: self.constraints.clone(),
            reference_time: self.reference_time,
            scopes: self.scopes.iter().filter(|s| keep(&s.name)).cloned().collect(),
            whole: self.whole.iter().filter(|b| keep(b)).cloned().collect(),
        }
    }

    /// The scopes whose version was named, with it.
    pub(crate) fn forced(&self) -> Vec<(String, String)> {
        let named = |s: &WantedScope| Some((s.name.clone(), s.version.clone()?));
        self.scopes.iter().filter_map(named).collect()
    }

    /// Sums the requested scopes up over an evaluation.
    pub(crate) fn sum_up(&self, evaluation: &Evaluation) -> Result<Vec<ScopeReport>> {
        let mut out = Vec::new();
        for wanted in &self.scopes {
            out.extend(wanted.sum_up(evaluation, &self.metas)?);
        }
        Ok(out)
    }
}

/// An RFC 3339 time, or a date: its midnight in UTC.
fn time(text: &str) -> Result<Timestamp> {
    // jiff reads the date of a longer text, so only the plain form is taken.
    if text.len() == 10
        && let Ok(date) = text.parse::<jiff::civil::Date>()
        && let Ok(zoned) = date.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return Ok(zoned.timestamp());
    }
    text.parse().map_err(|e| {
        Failure::usage(format!("`{text}` is not a date or time: {e}"))
            .hint("write 2026-06-30, 2026-06-30T12:00:00Z or 2026-06-30T12:00:00+02:00")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_keeps_its_offset_and_needs_one() {
        let at = |text: &str| time(text).map(|t| t.to_string()).ok();
        assert_eq!(at("2026-06-30").as_deref(), Some("2026-06-30T00:00:00Z"));
        assert_eq!(at("2026-06-30T12:00:00+02:00").as_deref(), Some("2026-06-30T10:00:00Z"));
        assert_eq!(at("2026-06-30T12:00:00"), None);
    }
}
