//! The end of every command that judges: waivers, baseline, formats, exit code.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_report::{
    HtmlOptions, MarkdownOptions, Report, SarifOptions, ScsRun, SubjectReport, TableOptions,
    TrendPoint, Waivers,
};
use tidegate_store::Store;

use crate::cmd::{Context, baseline};
use crate::config::Reporting;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, ReportFormat};
use crate::rules::Rules;

/// What a report is made from besides the subjects.
pub(crate) struct Run<'r> {
    /// What was judged with.
    pub(crate) rules: &'r Rules,
    /// Where earlier snapshots are.
    pub(crate) store: &'r Store,
    pub(crate) waivers: Waivers,
    pub(crate) duration: Option<Duration>,
    /// Whether a cloud that was asked for is not in the report.
    pub(crate) missed: bool,
}

/// Writes the report in every format asked for and says how the run ends.
pub(crate) async fn finish(
    ctx: &mut Context<'_>,
    mut subjects: Vec<SubjectReport>,
    reporting: &Reporting,
    run: Run<'_>,
) -> Result<Exit> {
    let baseline = match &reporting.baseline.value {
        Some(text) => Some(baseline::read(text, run.store, &subjects, run.rules).await?),
        None => None,
    };
    if !run.waivers.is_empty() {
        subjects.iter_mut().for_each(|subject| run.waivers.apply(subject));
    }
    // Of all that is, before the baseline may leave something out.
    let frameworks = run.rules.frameworks(&subjects);
    let mut report = Report::new(env!("CARGO_PKG_VERSION"), subjects);
    report.frameworks = frameworks;
    if let Some(baseline) = baseline {
        baseline.compare(&mut report, reporting.only_new.value);
    }
    let exit = if run.missed {
        Exit::Failed
    } else if report.fails_at(reporting.fail_on.value) {
        Exit::Findings
    } else if report.incomplete() && reporting.fail_on_incomplete.value {
        Exit::Undecided
    } else {
        Exit::Ok
    };
    report.summary.exit = exit.code();
    report.mode = run.rules.mode().map(str::to_owned);
    report.parameters = run.rules.parameters();
    let mut history = Vec::new();
    if reporting.formats.value.iter().any(|o| o.format == ReportFormat::Html) {
        for subject in &report.subjects {
            history.extend(baseline::history(subject, &run).await?);
        }
    }
    let mut failed = None;
    for output in &reporting.formats.value {
        // What the others were to hold is not lost for one that cannot be written.
        if let Err(failure) = write(ctx, &report, output, &run, &history)
            && let Some(before) = failed.replace(failure)
        {
            ctx.ui.failure(&before);
        }
    }
    match failed {
        Some(failure) => Err(failure),
        None => Ok(exit),
    }
}

/// Two results in one place would leave only the last, or neither readable.
pub(crate) fn one_place_each(reporting: &Reporting) -> Result<()> {
    let mut places = BTreeSet::new();
    for output in &reporting.formats.value {
        let stream = |p: &&PathBuf| !p.starts_with("/dev");
        let place = output.file.as_ref();
        if place.is_none_or(|p| stream(&p)) && !places.insert(place) {
            let place = place
                .map_or_else(|| "standard output".to_owned(), |p| format!("`{}`", p.display()));
            return Err(Failure::usage(format!("two formats are to be written to {place}"))
                .hint("give each a file of its own: -f table -f json=FILE"));
        }
    }
    Ok(())
}

fn write(
    ctx: &mut Context<'_>,
    report: &Report,
    output: &Output<ReportFormat>,
    run: &Run<'_>,
    history: &[TrendPoint],
) -> Result<()> {
    let table = TableOptions {
        color: ctx.ui.color && output.file.is_none(),
        verbose: ctx.ui.verbose,
        quiet: ctx.ui.quiet,
        duration: run.duration,
    };
    let scs = match output.format {
        ReportFormat::Scs => Some(scs(ctx, report, run)?),
        _ => None,
    };
    let framed = !report.frameworks.is_empty();
    let mut to = |out: &mut dyn Write| match output.format {
        ReportFormat::Table if framed => {
            out.write_all(tidegate_report::framework_table(report, &table).as_bytes())
        }
        ReportFormat::Csv if framed => tidegate_report::framework_csv(report, out),
        ReportFormat::Html if framed => tidegate_report::framework_html(report, out),
        ReportFormat::Table => out.write_all(tidegate_report::table(report, &table).as_bytes()),
        ReportFormat::Json => tidegate_report::json(report, out),
        ReportFormat::Ndjson => tidegate_report::ndjson(report, out),
        ReportFormat::Csv => tidegate_report::csv(report, out),
        ReportFormat::Sarif => tidegate_report::sarif(report, &SarifOptions::default(), out),
        ReportFormat::Junit => tidegate_report::junit(report, out),
        ReportFormat::CodeQuality => tidegate_report::code_quality(report, out),
        ReportFormat::Prometheus => tidegate_report::prometheus(report, out),
        ReportFormat::OpenReports => tidegate_report::openreports(report, out),
        ReportFormat::Ocsf => tidegate_report::ocsf(report, out),
        ReportFormat::Oscal => tidegate_report::oscal(report, out),
        ReportFormat::Html => {
            let options = HtmlOptions { history, ..HtmlOptions::default() };
            tidegate_report::html(report, &options, out)
        }
        ReportFormat::Markdown => {
            tidegate_report::markdown(report, &MarkdownOptions::default(), out)
        }
        ReportFormat::Scs => out.write_all(scs.as_deref().unwrap_or_default().as_bytes()),
    };
    ctx.ui.write_with(output.file.as_deref(), &mut to)
}

fn scs(ctx: &Context<'_>, report: &Report, run: &Run<'_>) -> Result<String> {
    let run = ScsRun { argv: ctx.env.argv().to_vec(), forced: run.rules.forced() };
    tidegate_report::scs(report, &run).map_err(|e| {
        Failure::new("cannot write the report of the SCS compliance monitor")
            .caused_by(Some(&e))
            .hint("name a scope: --scope scs-compatible-iaas")
    })
}
