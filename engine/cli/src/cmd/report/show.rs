//! `tidegate report show`: what was said of a snapshot when it was scanned,
//! without judging again.

use std::collections::BTreeMap;

use tidegate_model::{Evaluation, Facts as _, RuleId, RuleMeta, Severity};
use tidegate_report::SubjectReport;
use tidegate_store::Store;

use crate::args::ReportShow;
use crate::cmd::render::Run;
use crate::cmd::store::failure;
use crate::cmd::{Context, baseline, check, policy, render, waiver};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::rules::{Rules, System};

pub(crate) async fn run(ctx: &mut Context<'_>, args: ReportShow) -> Result<Exit> {
    let rules = Rules::new(ctx.config.rules(&args.rules)?)?;
    let reporting = ctx.config.reporting(&args.reporting)?;
    render::one_place_each(&reporting)?;
    let waivers = waiver::read(&reporting.waivers.value)?;
    let (store, ids) = check::chosen(ctx, &args.snapshots).await?;
    let mut subjects = Vec::new();
    for id in ids {
        let (_, evaluation) = baseline::recorded(&store, &id).await?.ok_or_else(|| {
            Failure::usage(format!("`{id}` was collected, and nobody recorded what rules said"))
                .hint(format!("judge it now: tidegate check --at {id}"))
        })?;
        subjects.push(recorded(&store, evaluation, &rules).await?);
    }
    let run = Run { rules: &rules, store: &store, waivers, duration: None, missed: false };
    render::finish(ctx, subjects, &reporting, run).await
}

/// What was said of a snapshot when it was scanned, as a report. What a rule
/// demands is told by the rules chosen, else by the bundles at hand.
pub(crate) async fn recorded(
    store: &Store,
    evaluation: Evaluation,
    rules: &Rules,
) -> Result<SubjectReport> {
    let meta = store.snapshot(&evaluation.snapshot).await.map_err(failure)?.meta().clone();
    let rules = rules.of(System::of(&meta.coverage))?;
    let mut metas = rules.metas.clone();
    for (_, set) in policy::each(Vec::new())? {
        for meta in set.rules() {
            metas.entry(meta.id.clone()).or_insert_with(|| meta.clone());
        }
    }
    unknown(&evaluation, &mut metas);
    let scopes = rules.sum_up(&evaluation)?;
    Ok(SubjectReport::new(evaluation, &metas, &meta, scopes))
}

/// A rule that is no more must not take its findings with it. Nothing tells how
/// much it mattered, so it counts as much as any gate would look at.
fn unknown(evaluation: &Evaluation, metas: &mut BTreeMap<RuleId, RuleMeta>) {
    for id in evaluation.rules.keys() {
        metas.entry(id.clone()).or_insert_with(|| RuleMeta {
            id: id.clone(),
            title: "A rule that is not at hand (name its bundle with --bundle)".to_owned(),
            description: String::new(),
            severity: Severity::Critical,
            kinds: Vec::new(),
            standard: None,
            remediation: String::new(),
            bundle: "unknown".to_owned(),
            file: String::new(),
        });
    }
}
