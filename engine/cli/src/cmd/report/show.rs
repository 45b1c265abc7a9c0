//! `tidegate report show`: what was said of a snapshot when it was scanned,
//! without judging again.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use tidegate_model::{Evaluation, Facts as _, RuleId, RuleMeta, Severity};
use tidegate_report::SubjectReport;
use tidegate_store::At;

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
    let at = At::from_str(&args.at).map_err(|e| Failure::usage(e.to_string()))?;
    let store = ctx.store().await?;
    let mut known: BTreeMap<RuleId, RuleMeta> = BTreeMap::new();
    for (_, set) in policy::each(Vec::new())? {
        known.extend(set.rules().map(|meta| (meta.id.clone(), meta.clone())));
    }
    let mut subjects = Vec::new();
    for subject in check::subjects_of(&store, &check::clouds(ctx, &args.cloud, &at), &at).await? {
        let id = store.resolve(&subject, &at).await.map_err(failure)?;
        let evaluation = baseline::recorded(&store, &id).await?.ok_or_else(|| {
            Failure::usage(format!("`{id}` was collected, and nobody recorded what rules said"))
                .hint(format!("judge it now: tidegate check --at {id}"))
        })?;
        let meta = store.snapshot(&id).await.map_err(failure)?.meta().clone();
        let rules = rules.of(System::of(&meta.coverage))?;
        let mut metas = rules.metas.clone();
        metas.extend(
            known
                .iter()
                .filter(|(id, _)| !rules.metas.contains_key(*id))
                .map(|(id, m)| (id.clone(), m.clone())),
        );
        unknown(&evaluation, &mut metas);
        let scopes = rules.sum_up(&evaluation)?;
        subjects.push(SubjectReport::new(evaluation, &metas, &meta, scopes));
    }
    let run = Run { rules: &rules, store: &store, waivers, duration: None, missed: false };
    render::finish(ctx, subjects, &reporting, run).await
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
