//! `tidegate scan`: collect, judge, record and report in one go.

use std::sync::Arc;
use std::time::Instant;

use tidegate_report::SubjectReport;
use tidegate_store::Store;

use crate::args::{Scan, Sources};
use crate::bundles::{self, Resolved};
use crate::cmd::collect::Target;
use crate::cmd::render::Run;
use crate::cmd::store::failure;
use crate::cmd::{Context, check, collect, render, waiver};
use crate::env;
use crate::exit::Exit;
use crate::failure::Result;

pub(crate) async fn run(ctx: &mut Context<'_>, args: Scan) -> Result<Exit> {
    let started = Instant::now();
    // A bundle that does not compile is told before minutes are spent collecting.
    let rules = Arc::new(bundles::resolve(&args.rules)?);
    let waivers = waiver::read(&args.reporting.waivers)?;
    collect::one_configuration(&args.sources, &args.targets)?;
    let targets = collect::targets(ctx, &args.targets).await?;
    let store = ctx.store().await?;
    let mut subjects = Vec::new();
    let mut missed = targets.missed;
    let several = targets.reached.len() > 1;
    for target in &targets.reached {
        match one(ctx, &store, target, &rules, &args.sources).await {
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
    render::finish(ctx, subjects, &args.reporting, run).await
}

async fn one(
    ctx: &mut Context<'_>,
    store: &Store,
    target: &Target,
    rules: &Arc<Resolved>,
    sources: &Sources,
) -> Result<SubjectReport> {
    let given = collect::read(ctx, sources, target)?;
    let id = collect::collect(ctx, store, target, given).await?;
    let judged = check::judge(store, &id, rules, false).await?;
    let salt = env::salts()?();
    store
        .record(&id.subject, "evaluation", env::now(), salt, &judged.record)
        .await
        .map_err(failure)?;
    Ok(judged.report)
}
