//! Certificate scopes: from what the user typed after `--scope` to what is summed up.

use std::collections::BTreeMap;

use jiff::civil::Date;
use tidegate_model::{Evaluation, RuleId, RuleMeta, Verdict};
use tidegate_policy::{Bundle, Scope, ScopeOutcome, TestcaseOutcome, Validity};
use tidegate_report::{ScopeReport, TestcaseReport};

use crate::failure::{Failure, Result};

/// A scope as asked for: `NAME[@VERSION]` or `PATH[@VERSION]`.
pub(super) struct Wanted<'t> {
    /// The slug of its name, `scs-compatible-iaas` for `SCS-compatible IaaS`:
    /// also the name of the bundle that has the rules.
    pub(super) name: String,
    /// The effective ones if absent.
    version: Option<&'t str>,
    /// The scope, where a path was given.
    file: Option<Scope>,
}

impl<'t> Wanted<'t> {
    pub(super) fn read(text: &'t str) -> Result<Self> {
        let (place, version) = split_version(text);
        if !is_file(place) {
            return Ok(Self { name: place.to_owned(), version, file: None });
        }
        let text = std::fs::read_to_string(place).map_err(|e| {
            Failure::usage(format!("cannot read scope file `{place}`: {e}"))
                .hint("name a file that exists, or a scope of a bundle without `/` and `.yaml`")
        })?;
        let scope = Scope::parse(&text).map_err(|e| {
            Failure::new(format!("cannot use scope file `{place}`")).caused_by(Some(&e))
        })?;
        let name = slug(&scope);
        // It becomes the name of a bundle, and must not lead to a folder.
        if name.is_empty() || name.contains(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
            return Err(Failure::new(format!("cannot use scope file `{place}`"))
                .also("its `name` is not made of letters, digits, blanks and `-`"));
        }
        Ok(Self { name, version, file: Some(scope) })
    }

    pub(super) fn find(self, bundles: &[Bundle]) -> Result<WantedScope> {
        let Self { name, version, file } = self;
        let scope = match file {
            Some(scope) => scope,
            None => in_bundles(bundles, &name)?,
        };
        if let Some(version) = version
            && scope.version(version).is_none()
        {
            let known: Vec<&str> = scope.versions().collect();
            return Err(Failure::usage(format!("scope `{name}` has no version `{version}`"))
                .hint(format!("its versions: {}", known.join(", "))));
        }
        Ok(WantedScope { name, scope, version: version.map(str::to_owned) })
    }
}

/// `PLACE[@VERSION]`; no version stands for the effective ones.
pub(super) fn split_version(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((place, "effective")) => (place, None),
        Some((place, version)) if !version.contains('/') => (place, Some(version)),
        _ => (text, None),
    }
}

fn is_file(place: &str) -> bool {
    place.contains('/') || place.ends_with(".yaml") || place.ends_with(".yml")
}

/// Whether a scope is asked for by the path of its file.
pub(crate) fn is_scope_file(text: &str) -> bool {
    is_file(split_version(text).0)
}

fn slug(scope: &Scope) -> String {
    scope.name().to_ascii_lowercase().replace(' ', "-")
}

fn in_bundles(bundles: &[Bundle], name: &str) -> Result<Scope> {
    let mut known = Vec::new();
    for (bundle, file, text) in
        bundles.iter().flat_map(|b| b.scopes().iter().map(move |(f, t)| (b.name(), f, t)))
    {
        let scope = Scope::parse(text).map_err(|e| {
            Failure::new(format!("bundle `{bundle}`: cannot read `{file}`")).caused_by(Some(&e))
        })?;
        if slug(&scope) == name {
            return Ok(scope);
        }
        known.push(slug(&scope));
    }
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(Failure::usage(format!("there is no scope `{name}`"))
        .hint(format!("the bundles of this run have: {known}")))
}

/// A scope that is summed up.
#[derive(Clone)]
pub(super) struct WantedScope {
    pub(super) name: String,
    scope: Scope,
    /// The effective ones if absent.
    pub(super) version: Option<String>,
}

impl WantedScope {
    /// The versions asked for on a day: the one named, or the effective ones.
    fn versions(&self, date: Date) -> Vec<&str> {
        match &self.version {
            Some(version) => vec![version.as_str()],
            None => self.scope.effective(date),
        }
    }

    /// The rules that judge its testcases on a day.
    pub(super) fn rules(&self, date: Date) -> Vec<RuleId> {
        let versions = self.versions(date).into_iter();
        let targets = versions.filter_map(|v| self.scope.version(v)).map(|v| v.targets);
        let ids = targets.flat_map(|t| t.into_values().flatten()).map(|t| &t.id);
        ids.filter_map(|id| RuleId::new(id).ok()).collect()
    }

    /// Sums it up over an evaluation, a report for each version.
    pub(super) fn sum_up(
        &self,
        evaluation: &Evaluation,
        metas: &BTreeMap<RuleId, RuleMeta>,
    ) -> Result<Vec<ScopeReport>> {
        let date = evaluation.reference_time.to_zoned(jiff::tz::TimeZone::UTC).date();
        let Self { name, scope, .. } = self;
        let versions = self.versions(date);
        if versions.is_empty() {
            let known: Vec<&str> = scope.versions().collect();
            let text = format!("no version of scope `{name}` is effective on {date}");
            return Err(
                Failure::usage(text).hint(format!("name one after `@`: {}", known.join(", ")))
            );
        }
        let states = scope.validity(date);
        let report = |version: &str| {
            let outcome = scope.outcome(version, evaluation)?;
            Some(ScopeReport {
                scope: name.clone(),
                title: scope.name().to_owned(),
                uuid: scope.uuid().to_owned(),
                url: scope.url().map(str::to_owned),
                version: version.to_owned(),
                state: states.get(version).map_or("not in the timeline", |v| state(*v)).into(),
                verdict: outcome.verdict,
                testcases: testcases(outcome, evaluation, metas),
            })
        };
        Ok(versions.into_iter().filter_map(report).collect())
    }
}

/// The kinds of evidence that is gathered before a snapshot and carried into it.
const EVIDENCE: [&str; 3] = ["probe.", "attestation.", tidegate_files::TEST_RESULT];

fn testcases(
    outcome: ScopeOutcome,
    evaluation: &Evaluation,
    metas: &BTreeMap<RuleId, RuleMeta>,
) -> Vec<TestcaseReport> {
    let on_evidence = |id: &str| {
        let kinds = metas.get(id).into_iter().flat_map(|m| &m.kinds);
        kinds.into_iter().any(|k| EVIDENCE.iter().any(|e| k.as_str().starts_with(e)))
    };
    let of = |(target, all): (String, Vec<TestcaseOutcome>)| {
        let on_evidence = &on_evidence;
        let one = move |t: TestcaseOutcome| {
            let judged = evaluation.rules.get(t.id.as_str()).map(|r| r.verdict);
            TestcaseReport {
                // Missing although its rule has a verdict: that no longer counts.
                expired: t.verdict == Verdict::Missing && judged.is_some_and(|v| v != t.verdict),
                older: t.early && on_evidence(&t.id),
                target: target.clone(),
                verdict: t.verdict,
                expires: t.expires,
                id: t.id,
            }
        };
        all.into_iter().map(one)
    };
    outcome.targets.into_iter().flat_map(of).collect()
}

fn state(validity: Validity) -> &'static str {
    match validity {
        Validity::Draft => "draft",
        Validity::Effective => "effective",
        Validity::Warn => "warn",
        Validity::Deprecated => "deprecated",
    }
}
