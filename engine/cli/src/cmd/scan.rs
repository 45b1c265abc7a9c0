//! `tidegate scan`: collect, judge, record and report in one go.

use std::sync::Arc;
use std::time::Instant;

use crate::args::Scan;
use crate::bundles;
use crate::cmd::store::failure;
use crate::cmd::{Context, check, collect};
use crate::env;
use crate::exit::Exit;
use crate::failure::Result;

pub(crate) async fn run(ctx: &mut Context<'_>, args: Scan) -> Result<Exit> {
    let started = Instant::now();
    // A bundle that does not compile is told before minutes are spent collecting.
    let rules = Arc::new(bundles::resolve(&args.rules)?);
    let targets = collect::targets(ctx, &args.targets).await?;
    let store = ctx.store().await?;
    let mut subjects = Vec::new();
    for target in &targets.reached {
        let id = collect::collect(ctx, &store, target).await?;
        let judged = check::judge(&store, &id, &rules, false).await?;
        let salt = env::salts()?();
        store
            .record(&id.subject, "evaluation", env::now(), salt, &judged.record)
            .await
            .map_err(failure)?;
        subjects.push(judged.report);
    }
    let run = check::Run { duration: Some(started.elapsed()), missed: targets.missed };
    check::finish(ctx.ui, subjects, &args.reporting, &run)
}
