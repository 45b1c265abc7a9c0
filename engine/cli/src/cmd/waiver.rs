//! `tidegate waiver`, and reading waivers for a report.

use std::path::{Path, PathBuf};

use tidegate_model::{Timestamp, Verdict};
use tidegate_report::{ReportFinding, ReportRule, WaiverError, WaiverState, Waivers};

use crate::args::{Draft, Waiver};
use crate::cmd::{Context, check};
use crate::env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::columns;
use crate::rules::Rules;

pub(crate) async fn run(ctx: &mut Context<'_>, args: Waiver) -> Result<Exit> {
    match args {
        Waiver::List { path } => {
            let waivers = read_strictly(&named(ctx, &path)?)?;
            ctx.ui.write(None, &listed(&waivers, env::now(), |_| true)).map(|()| Exit::Ok)
        }
        Waiver::Check { path } => {
            let (waivers, now) = (read_strictly(&named(ctx, &path)?)?, env::now());
            let wrong = |state| state != WaiverState::Valid;
            let bad = waivers.all().iter().any(|w| wrong(w.state(now)));
            ctx.ui.write(None, &listed(&waivers, now, wrong))?;
            Ok(if bad { Exit::Findings } else { Exit::Ok })
        }
        Waiver::Draft(args) => draft(ctx, &args).await,
    }
}

/// The waivers asked for: those named, else those of the configuration.
fn named(ctx: &Context<'_>, paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let paths = ctx.config.waivers(paths, false).value;
    if paths.is_empty() {
        return Err(Failure::usage("no waivers are named")
            .hint("name a YAML file or a folder of them, or set `waivers` in tidegate.yaml"));
    }
    Ok(paths)
}

/// Reads waivers for a report: files, and of folders every `*.yaml` and `*.yml`
/// in order of name. What is wrong with one is a finding of the report.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Waivers> {
    each(paths, Waivers::add_for_report)
}

/// Reads waivers for those who write them: the first that is wrong is told.
fn read_strictly(paths: &[PathBuf]) -> Result<Waivers> {
    each(paths, Waivers::add)
}

type Add = fn(&mut Waivers, &str, &str) -> std::result::Result<(), WaiverError>;

fn each(paths: &[PathBuf], add: Add) -> Result<Waivers> {
    let mut waivers = Waivers::default();
    for file in files(paths)? {
        let text = std::fs::read_to_string(&file).map_err(|e| unreadable(&file, &e))?;
        add(&mut waivers, &file.display().to_string(), &text)
            .map_err(|e| Failure::from_error(&e))?;
    }
    Ok(waivers)
}

/// The files that are named, and those in folders that are.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let entries =
            std::fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let yaml = |p: &PathBuf| p.extension().is_some_and(|e| e == "yaml" || e == "yml");
        let entries = entries.map_err(|e| unreadable(path, &e))?;
        let mut files: Vec<_> = entries.iter().map(std::fs::DirEntry::path).filter(yaml).collect();
        files.sort();
        all.extend(files);
    }
    Ok(all)
}

fn unreadable(path: &Path, e: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot read waivers `{}`: {e}", path.display()))
        .hint("name a YAML file or a folder of them")
}

fn listed(waivers: &Waivers, now: Timestamp, shown: impl Fn(WaiverState) -> bool) -> String {
    let mut rows = Vec::new();
    for waiver in waivers.all().iter().filter(|w| shown(w.state(now))) {
        let state = match waiver.state(now) {
            WaiverState::Valid => "valid",
            WaiverState::Expired => "expired",
            WaiverState::TooLong => "longer than a year",
            WaiverState::TooBroad => "too broad",
        };
        let terms = &waiver.terms;
        rows.push(vec![
            terms.id.clone(),
            state.to_owned(),
            terms.expires.to_string(),
            terms.owner.clone(),
            waiver.rules().collect::<Vec<_>>().join(" "),
            terms.reason.clone(),
        ]);
    }
    columns(&rows)
}

/// Writes a waiver for a finding of a snapshot; the person fills in the rest.
async fn draft(ctx: &mut Context<'_>, args: &Draft) -> Result<Exit> {
    let rules = Rules::new(ctx.config.rules(&args.rules)?)?;
    let (store, ids) = check::chosen(ctx, &args.snapshots).await?;
    let mut found: Vec<(ReportRule, ReportFinding, String)> = Vec::new();
    for id in ids {
        let report = check::judge(&store, &id, &rules, false).await?.report;
        for rule in report.rules {
            let fits = |f: &&ReportFinding| f.id.starts_with(&args.finding);
            let mine: Vec<ReportFinding> = rule.findings.iter().filter(fits).cloned().collect();
            found.extend(mine.into_iter().map(|f| (rule.clone(), f, id.subject.to_string())));
        }
    }
    let (rule, finding, subject) = match found.as_slice() {
        [one] => one,
        [] => {
            return Err(Failure::usage(format!("there is no finding `{}`", args.finding))
                .hint("its id stands in the JSON report: tidegate check -f json"));
        }
        several => {
            return Err(Failure::usage(format!(
                "`{}` is the beginning of {} findings' ids",
                args.finding,
                several.len()
            ))
            .hint("write more of the id"));
        }
    };
    if finding.finding.verdict != Verdict::Fail {
        return Err(Failure::usage("what could not be judged cannot be waived")
            .hint("find out why: tidegate check -v"));
    }
    let resource = finding.finding.resource.as_ref().map_or("\"\"".to_owned(), ToString::to_string);
    let message = finding.finding.violations.first().map(|v| v.message.clone()).unwrap_or_default();
    let today = env::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let expires = today.saturating_add(jiff::Span::new().days(90));
    let text = format!(
        "waivers:\n# {}\n- id: W-{}\n  rules: [{}]\n  resources: [{resource}]\n  subjects: [{subject}]\n  \
         reason: \"\"  # why this is accepted\n  owner: \"\"   # who answers for it\n  expires: {expires}\n",
        message.replace(char::is_control, " "),
        finding.id.get(..8).unwrap_or_default(),
        rule.meta.id,
    );
    ctx.ui.write(None, &text).map(|()| Exit::Ok)
}
