//! `tidegate check`: judge snapshots that are in the store, and the part of
//! `scan` that judges and reports.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_model::{Facts as _, SnapshotId, Subject};
use tidegate_policy::{Limits, Options, evaluate};
use tidegate_report::{Report, ScsRun, SubjectReport, TableOptions};
use tidegate_store::{At, Store};

use crate::args::{Check, Reporting};
use crate::bundles::{self, Resolved};
use crate::cmd::Context;
use crate::cmd::store::failure;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, ReportFormat, Ui};

pub(crate) async fn run(ctx: &mut Context<'_>, args: Check) -> Result<Exit> {
    let rules = Arc::new(bundles::resolve(&args.rules)?);
    let at = At::from_str(&args.at).map_err(|e| Failure::usage(e.to_string()))?;
    let store = ctx.store().await?;
    let mut subjects = Vec::new();
    for subject in subjects_of(&store, &args.cloud, &at).await? {
        let id = store.resolve(&subject, &at).await.map_err(failure)?;
        subjects.push(judge(&store, &id, &rules, args.fresh).await?.report);
    }
    let run = Run { rules: Some(&rules), argv: ctx.env.argv(), ..Run::default() };
    finish(ctx.ui, subjects, &args.reporting, &run)
}

/// The subjects a reading command is about: those named, that of the snapshot
/// id, or all in the store.
pub(crate) async fn subjects_of(store: &Store, named: &[String], at: &At) -> Result<Vec<Subject>> {
    let known = store.subjects().await.map_err(failure)?;
    if let At::Id(id) = at {
        if named.iter().any(|name| name != id.subject.as_str()) {
            return Err(Failure::usage(format!("`{id}` is a snapshot of another cloud"))
                .hint("leave --cloud out, or name a time after --at"));
        }
        return Ok(vec![id.subject.clone()]);
    }
    if named.is_empty() {
        if known.is_empty() {
            return Err(Failure::usage("the store is empty")
                .hint("take a snapshot first: tidegate collect --cloud NAME"));
        }
        return Ok(known);
    }
    named
        .iter()
        .map(|name| {
            known.iter().find(|s| s.as_str() == name).cloned().ok_or_else(|| {
                let known: Vec<&str> = known.iter().map(Subject::as_str).collect();
                Failure::usage(format!("there is no cloud `{name}` in the store"))
                    .hint(format!("the store has: {}", known.join(", ")))
            })
        })
        .collect()
}

/// A judged snapshot.
pub(crate) struct Judged {
    pub(crate) report: SubjectReport,
    /// The evaluation as canonical JSON, for the record.
    pub(crate) record: Vec<u8>,
}

/// Judges one snapshot. Verdicts that cannot have changed since the last
/// judged snapshot are carried forward unless `fresh`.
pub(crate) async fn judge(
    store: &Store,
    id: &SnapshotId,
    rules: &Arc<Resolved>,
    fresh: bool,
) -> Result<Judged> {
    let digest = rules.rule_set.digest();
    let prior = match fresh {
        true => None,
        false => store.carry(&id.subject, &digest),
    };
    let facts = store.snapshot(id).await.map_err(failure)?;
    let meta = facts.meta().clone();
    let shared = Arc::clone(rules);
    let judged = tokio::task::spawn_blocking(move || {
        let options = Options {
            reference_time: shared.reference_time.unwrap_or(facts.meta().taken_at),
            limits: Limits::default(),
            prior: prior.as_deref(),
            only: None,
        };
        let started = Instant::now();
        let judged = evaluate(&shared.rule_set, &facts, &options);
        if let Ok(judged) = &judged {
            let seconds = started.elapsed().as_secs_f64();
            let stats = judged.stats;
            tracing::info!(seconds, carried = stats.carried, read = stats.read, "judged");
        }
        judged
    })
    .await
    .map_err(|e| Failure::new(format!("judging `{id}` broke off")).caused_by(Some(&e)))?
    .map_err(|e| Failure::from_error(&e))?;
    // A look back must not cost the next night what it could have carried.
    let newest = store.resolve(&id.subject, &At::default()).await.map_err(failure)? == *id;
    if newest && rules.reference_time.is_none() {
        store.set_carry(&id.subject, &digest, &judged.carry);
    }
    let record = serde_json::to_vec(&judged.evaluation)
        .map_err(|e| Failure::new("cannot write the evaluation").caused_by(Some(&e)))?;
    let mut evaluation = judged.evaluation;
    let scopes = rules.sum_up(&mut evaluation)?;
    let report = SubjectReport::new(evaluation, &rules.metas, &meta, scopes);
    Ok(Judged { report, record })
}

/// What the report cannot tell by itself.
#[derive(Default)]
pub(crate) struct Run<'r> {
    pub(crate) duration: Option<Duration>,
    /// Whether a cloud that was asked for is not in the report.
    pub(crate) missed: bool,
    /// What was judged with.
    pub(crate) rules: Option<&'r Resolved>,
    /// The arguments as typed.
    pub(crate) argv: &'r [String],
}

/// Writes the report in every format asked for and says how the run ends.
pub(crate) fn finish(
    ui: &mut Ui,
    subjects: Vec<SubjectReport>,
    reporting: &Reporting,
    run: &Run<'_>,
) -> Result<Exit> {
    let mut report = Report::new(env!("CARGO_PKG_VERSION"), subjects);
    let exit = if run.missed {
        Exit::Failed
    } else if report.fails_at(reporting.fail_on) {
        Exit::Findings
    } else if report.incomplete() && !reporting.no_fail_on_incomplete {
        Exit::Undecided
    } else {
        Exit::Ok
    };
    report.summary.exit = exit.code();
    report.mode = run.rules.and_then(|r| r.mode).map(str::to_owned);
    let table = [Output { format: ReportFormat::Table, file: None }];
    let outputs = if reporting.format.is_empty() { &table } else { reporting.format.as_slice() };
    for output in outputs {
        let text = match output.format {
            ReportFormat::Table => tidegate_report::table(
                &report,
                &TableOptions {
                    color: ui.color && output.file.is_none(),
                    verbose: ui.verbose,
                    quiet: ui.quiet,
                    duration: run.duration,
                },
            ),
            ReportFormat::Json => tidegate_report::json(&report)
                .map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))?,
            ReportFormat::Scs => {
                let forced = run.rules.map(Resolved::forced).unwrap_or_default();
                let run = ScsRun { argv: run.argv.to_vec(), forced };
                tidegate_report::scs(&report, &run).map_err(|e| {
                    Failure::new("cannot write the report of the SCS compliance monitor")
                        .caused_by(Some(&e))
                        .hint("name a scope: --scope scs-compatible-iaas")
                })?
            }
        };
        ui.write(output.file.as_deref(), &text)?;
    }
    Ok(exit)
}
