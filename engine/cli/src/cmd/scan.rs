//! `tidegate scan`: collect, judge, record and report in one go.

use std::time::Instant;

use tidegate_report::SubjectReport;
use tidegate_store::Store;

use crate::args::Scan;
use crate::cmd::render::Run;
use crate::cmd::store::failure;
use crate::cmd::targets::{self, Target};
use crate::cmd::{Context, check, collect, render, waiver};
use crate::env;
use crate::exit::Exit;
use crate::failure::Result;
use crate::rules::Rules;

pub(crate) async fn run(ctx: &mut Context<'_>, args: Scan) -> Result<Exit> {
    let started = Instant::now();
    // A bundle that does not compile is told before minutes are spent collecting.
    let rules = Rules::new(ctx.config.rules(&args.rules)?)?;
    let reporting = ctx.config.reporting(&args.reporting)?;
    render::one_place_each(&reporting)?;
    let waivers = waiver::read(&reporting.waivers.value)?;
    let targets = targets::reach(ctx, &args.targets, &args.sources).await?;
    for target in &targets.reached {
        rules.of(target.source.system())?;
    }
    let store = ctx.store().await?;
    let mut subjects = Vec::new();
    let mut missed = targets.missed;
    let several = targets.reached.len() > 1;
    for target in &targets.reached {
        match one(ctx, &store, target, &rules).await {
            Ok(report) => subjects.push(report),
            // What the other clouds have to say is not lost for this one.
            Err(failure) if several => {
                ctx.ui.failure(&failure);
                missed = true;
            }
            Err(failure) => return Err(failure),
        }
    }
    let duration = Some(started.elapsed());
    let run = Run { rules: &rules, store: &store, waivers, duration, missed };
    render::finish(ctx, subjects, &reporting, run).await
}

async fn one(
    ctx: &mut Context<'_>,
    store: &Store,
    target: &Target,
    rules: &Rules,
) -> Result<SubjectReport> {
    let given = collect::read(ctx, target)?;
    let id = collect::collect(ctx, store, target, given).await?;
    let judged = check::judge(store, &id, rules, false).await?;
    let salt = env::salts()?();
    store
        .record(&id.subject, "evaluation", env::now(), salt, &judged.record)
        .await
        .map_err(failure)?;
    Ok(judged.report)
}
