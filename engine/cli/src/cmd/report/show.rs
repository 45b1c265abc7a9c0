//! `tidegate report show`: what was said of a snapshot when it was scanned,
//! without judging again.

use std::str::FromStr as _;
use std::sync::Arc;

use tidegate_model::{Evaluation, Facts as _, RuleMeta, Severity};
use tidegate_report::SubjectReport;
use tidegate_store::At;

use crate::args::ReportShow;
use crate::bundles;
use crate::cmd::render::Run;
use crate::cmd::store::failure;
use crate::cmd::{Context, baseline, check, policy, render, waiver};
use crate::exit::Exit;
use crate::failure::{Failure, Result};

pub(crate) async fn run(ctx: &mut Context<'_>, args: ReportShow) -> Result<Exit> {
    let mut rules = bundles::resolve(&ctx.config.rules(&args.rules)?)?;
    let reporting = ctx.config.reporting(&args.reporting)?;
    render::one_place_each(&reporting)?;
    let waivers = waiver::read(&reporting.waivers.value)?;
    let at = At::from_str(&args.at).map_err(|e| Failure::usage(e.to_string()))?;
    let store = ctx.store().await?;
    for (_, set) in policy::each(Vec::new())? {
        for meta in set.rules() {
            rules.metas.entry(meta.id.clone()).or_insert_with(|| meta.clone());
        }
    }
    let mut subjects = Vec::new();
    for subject in check::subjects_of(&store, &check::clouds(ctx, &args.cloud, &at), &at).await? {
        let id = store.resolve(&subject, &at).await.map_err(failure)?;
        let evaluation = baseline::recorded(&store, &id).await?.ok_or_else(|| {
            Failure::usage(format!("`{id}` was collected, and nobody recorded what rules said"))
                .hint(format!("judge it now: tidegate check --at {id}"))
        })?;
        unknown(&evaluation, &mut rules.metas);
        let meta = store.snapshot(&id).await.map_err(failure)?.meta().clone();
        let scopes = rules.sum_up(&evaluation)?;
        subjects.push(SubjectReport::new(evaluation, &rules.metas, &meta, scopes));
    }
    let rules = Arc::new(rules);
    let run = Run { rules: &rules, store: &store, waivers, duration: None, missed: false };
    render::finish(ctx, subjects, &reporting, run).await
}

/// A rule that is no more must not take its findings with it. Nothing tells how
/// much it mattered, so it counts as much as any gate would look at.
fn unknown(
    evaluation: &Evaluation,
    metas: &mut std::collections::BTreeMap<tidegate_model::RuleId, RuleMeta>,
) {
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
