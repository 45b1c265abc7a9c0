//! `tidegate policy`: work on bundles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;
use tidegate_model::{RuleId, RuleMeta};
use tidegate_policy::{
    Bundle, CaseFailure, Difference, Input, Limits, Rule, RuleCoverage, RuleSet, run_cases,
};
use tidegate_report::Framework;

use crate::args::Policy;
use crate::bundles;
use crate::cmd::{Context, explain, who_can};
use crate::env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::frameworks;
use crate::output::{Format, Output, columns};

pub(crate) async fn run(ctx: &mut Context<'_>, args: Policy) -> Result<Exit> {
    match args {
        Policy::List { bundle, framework, format } => {
            let names = ctx.config.bundles(bundle);
            list(ctx, names, &framework, &format)
        }
        Policy::Export { oscal, bundle, framework } => {
            let names = ctx.config.bundles(bundle);
            let frameworks = match framework.is_empty() {
                true => known(ctx)?,
                false => frameworks::load(&framework)?,
            };
            export(ctx, names, &frameworks, oscal.flatten().as_deref())
        }
        Policy::Explain(args) => match args.rule {
            Some(rule) => {
                let named = !args.bundle.is_empty();
                let mut names = ctx.config.bundles(args.bundle);
                if !named && !names.is_empty() {
                    // A built-in rule can be looked up whatever is judged with.
                    names.extend(bundles::built_in());
                }
                explain(ctx, &rule, names)
            }
            None => explain::run(ctx, args).await,
        },
        Policy::WhoCan { action, resource, cloud, at, format } => {
            let asked = who_can::Asked { action, resource, cloud, at };
            who_can::run(ctx, asked, &format).await
        }
        Policy::Test { bundle } => {
            let names = ctx.config.bundles(bundle);
            test(ctx, names)
        }
    }
}

/// The bundles asked for, each compiled on its own with what it uses: two may
/// hold the same packages.
pub(crate) fn each(mut names: Vec<String>) -> Result<Vec<(Vec<Difference>, RuleSet)>> {
    if names.is_empty() {
        names = bundles::built_in();
    }
    if let Some(folder) = bundles::take_gatekeeper(&mut names)?.first() {
        let text = format!("`{}` is a folder of Gatekeeper constraints", folder.name());
        return Err(Failure::usage(text)
            .hint("its constraints are judged with check --bundle and tested with policy test"));
    }
    let one = |name: String| {
        let loaded = bundles::load_all([name.as_str()])?;
        let differences = loaded.iter().flat_map(Bundle::differences).cloned().collect();
        Ok((differences, bundles::compile(loaded)?))
    };
    names.into_iter().map(one).collect()
}

/// The built-in frameworks, and those of the configuration besides.
fn known(ctx: &Context<'_>) -> Result<Vec<Framework>> {
    let mut all = frameworks::built_in()?;
    let own = frameworks::load(&ctx.config.frameworks(&[]).value)?;
    all.extend(own);
    let mut seen = BTreeSet::new();
    all.retain(|f| seen.insert(f.about.id.clone()));
    Ok(all)
}

fn list(
    ctx: &mut Context<'_>,
    names: Vec<String>,
    framework: &[String],
    format: &Output,
) -> Result<Exit> {
    let only = frameworks::load(framework)?;
    let frameworks = if only.is_empty() { known(ctx)? } else { Vec::new() };
    let frameworks = if only.is_empty() { &frameworks } else { &only };
    let sets = each(names)?;
    let mapped = |r: &&Rule| {
        let id = r.meta.id.as_str();
        only.is_empty() || only.iter().any(|f| !f.controls_of(id).is_empty())
    };
    let rules = sets.iter().flat_map(|(_, set)| set.definitions()).filter(mapped);
    let rules: Vec<&Rule> = rules.collect();
    let text = match format.format {
        Format::Table => {
            let row = |rule: &&Rule| {
                let m = &rule.meta;
                let controls = only.iter().map(|f| f.controls_of(m.id.as_str()).join(" "));
                let lead = [m.id.to_string(), m.severity.to_string(), m.bundle.clone()];
                lead.into_iter().chain(controls).chain([m.title.clone()]).collect()
            };
            columns(&rules.iter().map(row).collect::<Vec<_>>())
        }
        Format::Json => {
            let rules: Vec<_> = rules.iter().map(|r| described(r, frameworks)).collect();
            let text = serde_json::to_string_pretty(&json!({ "rules": rules }));
            text.map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))? + "\n"
        }
    };
    ctx.ui.write(format.file.as_deref(), &text)?;
    Ok(Exit::Ok)
}

/// A rule as `policy list -f json` has it.
fn described(rule: &Rule, frameworks: &[Framework]) -> serde_json::Value {
    let mut out = serde_json::to_value(&rule.meta).unwrap_or_default();
    if let Some(members) = out.as_object_mut() {
        members.insert("input".to_owned(), given(rule.input).into());
        members.insert("parameters".to_owned(), json!(rule.parameters));
        members.insert("visibility".to_owned(), json!(rule.visibility));
        members.insert("time".to_owned(), rule.time.into());
        let of = |f: &Framework| (f.about.id.clone(), f.controls_of(rule.meta.id.as_str()).into());
        let controls: serde_json::Map<String, serde_json::Value> =
            frameworks.iter().map(of).filter(|(_, c)| c != &json!([])).collect();
        members.insert("controls".to_owned(), controls.into());
    }
    out
}

/// Writes which rules speak for which controls.
fn export(
    ctx: &mut Context<'_>,
    names: Vec<String>,
    frameworks: &[Framework],
    file: Option<&Path>,
) -> Result<Exit> {
    let sets = each(names)?;
    let metas = sets.iter().flat_map(|(_, set)| set.rules());
    let rules: BTreeMap<RuleId, RuleMeta> = metas.map(|m| (m.id.clone(), m.clone())).collect();
    let (version, now) = (env!("CARGO_PKG_VERSION"), env::now());
    ctx.ui.write_with(file, &mut |out| {
        tidegate_report::component_definition(&rules, frameworks, version, now, out)
    })?;
    Ok(Exit::Ok)
}

fn given(input: Input) -> &'static str {
    match input {
        Input::Resource => "resource",
        Input::Region => "all of a region",
        Input::Subject => "all of a cloud",
    }
}

fn explain(ctx: &mut Context<'_>, id: &str, names: Vec<String>) -> Result<Exit> {
    let sets = each(names)?;
    let found = sets.iter().find_map(|(differences, set)| {
        let rule = set.definitions().iter().find(|r| r.meta.id.as_str() == id)?;
        Some((differences, rule))
    });
    let Some((differences, rule)) = found else {
        let all = sets.iter().flat_map(|(_, set)| set.rules()).map(|m| m.id.as_str());
        let near: Vec<&str> = all.filter(|other| alike(id, other)).take(8).collect();
        let hint = if near.is_empty() {
            "tidegate policy list shows all rules".to_owned()
        } else {
            format!("did you mean: {}", near.join(", "))
        };
        return Err(Failure::usage(format!("there is no rule `{id}`")).hint(hint));
    };
    let concerning: Vec<&Difference> =
        differences.iter().filter(|d| d.concerns(rule.meta.id.as_str())).collect();
    let frameworks = known(ctx)?;
    ctx.ui.write(None, &explained(rule, &concerning, &frameworks))?;
    Ok(Exit::Ok)
}

/// Whether somebody who typed one may have meant the other: it has all the
/// words typed but one at most.
fn alike(typed: &str, id: &str) -> bool {
    let (typed, id) = (typed.to_ascii_lowercase(), id.to_ascii_lowercase());
    let words: Vec<&str> = typed.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let known = words.iter().filter(|w| id.contains(**w)).count();
    known > 0 && known + 1 >= words.len()
}

fn explained(rule: &Rule, differences: &[&Difference], frameworks: &[Framework]) -> String {
    let RuleMeta { id, title, description, severity, kinds, standard, remediation, bundle, file } =
        &rule.meta;
    let mut text = format!("{id}  {title}\n\n");
    if !description.is_empty() {
        text.push_str(&format!("{}\n\n", description.trim()));
    }
    let list = |items: Vec<String>| items.join(", ");
    let mut rows = vec![
        vec!["severity".to_owned(), severity.to_string()],
        vec!["bundle".to_owned(), bundle.clone()],
        vec!["file".to_owned(), file.clone()],
        vec!["given".to_owned(), given(rule.input).to_owned()],
        vec!["reads".to_owned(), list(kinds.iter().map(ToString::to_string).collect())],
    ];
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    row("may be absent", list(rule.absent.iter().map(ToString::to_string).collect()));
    let fields = |(kind, pointers): (&tidegate_model::Kind, &Vec<tidegate_policy::Pointer>)| {
        let pointers: Vec<String> = pointers.iter().map(ToString::to_string).collect();
        format!("{kind} {}", pointers.join(" "))
    };
    row("requires", rule.requires.iter().map(fields).collect::<Vec<_>>().join("; "));
    row("joins", list(rule.joins.iter().map(|j| format!("{} ({})", j.name, j.kind)).collect()));
    row(
        "needs to see",
        match rule.visibility {
            tidegate_model::Needed::All => "everybody's resources".to_owned(),
            tidegate_model::Needed::Member => "what a project member is shown".to_owned(),
        },
    );
    row("reads the time", if rule.time { "yes".to_owned() } else { String::new() });
    let parameter = |(name, value): (&String, &serde_json::Value)| format!("{name}: {value}");
    row("parameters", list(rule.parameters.iter().map(parameter).collect()));
    row("clause", standard.clone().unwrap_or_default());
    for framework in frameworks {
        let of = framework.controls_of(id.as_str());
        let titled = |control: &String| {
            let known = framework.controls.iter().find(|c| c.id == *control);
            match known.and_then(|c| c.title.as_deref()) {
                Some(title) => format!("{control} ({title})"),
                None => control.clone(),
            }
        };
        let list = list(of.iter().map(titled).collect());
        let unverified = !framework.about.verified && !of.is_empty();
        let note = if unverified { "; ids unverified" } else { "" };
        row(&framework.about.id, format!("{list}{note}"));
    }
    row("see also", list(rule.controls.clone()));
    text.push_str(&columns(&rows));
    if !remediation.is_empty() {
        text.push_str(&format!("\nTo mend it: {}\n", remediation.trim()));
    }
    if !differences.is_empty() {
        text.push_str("\nWhere it differs from the official test:\n");
    }
    for difference in differences {
        text.push_str(&differs(difference));
    }
    text
}

fn differs(difference: &Difference) -> String {
    let Difference { testcase: _, vectors, when, reference, strict, ours, reason } = difference;
    let when = match (when, vectors.as_slice()) {
        (Some(when), _) => when.clone(),
        (None, vectors) => format!("example: {}", vectors.join("; ")),
    };
    let mut text = format!("- {when}\n    official test: {reference}\n");
    for (name, verdict) in [("here", ours), ("--mode strict", strict)] {
        if let Some(verdict) = verdict {
            text.push_str(&format!("    {name}: {verdict}\n"));
        }
    }
    text.push_str(&format!("    {}\n", reason.trim()));
    text
}

/// Runs the cases of each bundle on its own, so that one bundle's rules cannot
/// lend another's cases a verdict.
fn test(ctx: &mut Context<'_>, mut names: Vec<String>) -> Result<Exit> {
    let (mut passed, mut failed) = (0, 0);
    let folders = bundles::take_gatekeeper(&mut names)?;
    for folder in &folders {
        let report = folder.test();
        failures(ctx, &report.failures)?;
        if report.skipped > 0 {
            ctx.ui.status(&format!("{}: {} cases are skipped", folder.name(), report.skipped));
        }
        passed += report.passed;
        failed += report.failed;
    }
    let sets = if names.is_empty() && !folders.is_empty() { Vec::new() } else { each(names)? };
    for (_, rule_set) in sets {
        let report = run_cases(&rule_set, Limits::default());
        failures(ctx, &report.failures)?;
        if !ctx.ui.quiet {
            let rows: Vec<Vec<String>> = report.coverage.iter().map(covered).collect();
            ctx.ui.write(None, &columns(&rows))?;
        }
        passed += report.passed;
        failed += report.failed;
    }
    ctx.ui.write(None, &format!("{passed} passed, {failed} failed\n"))?;
    Ok(if failed == 0 { Exit::Ok } else { Exit::Findings })
}

fn failures(ctx: &mut Context<'_>, failures: &[CaseFailure]) -> Result<()> {
    for f in failures {
        let text = format!(
            "FAIL {}/{}: {}\n     expected {}\n     got      {}\n",
            f.bundle, f.file, f.case, f.expected, f.got
        );
        ctx.ui.write(None, &text)?;
    }
    Ok(())
}

fn covered(coverage: &RuleCoverage) -> Vec<String> {
    let RuleCoverage { rule, cases, covered, not_covered } = coverage;
    let lines = covered + not_covered.len();
    let percent = (covered * 100).checked_div(lines).unwrap_or(0);
    let missed: Vec<String> = not_covered.iter().map(ToString::to_string).collect();
    let missed = match missed.as_slice() {
        [] => String::new(),
        lines => format!("not reached: line {}", lines.join(", ")),
    };
    // Of a policy in Cedar it is not known which lines were reached.
    let percent = if lines == 0 { String::new() } else { format!("{percent} %") };
    vec![rule.to_string(), format!("{cases} cases"), percent, missed]
}
