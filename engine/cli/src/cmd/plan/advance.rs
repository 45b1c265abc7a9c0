//! `tidegate plan advance`, `status` and `end`: from one wave to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;
use tidegate_gate::{EndedWave, Event, History, Outcome, add_done};
use tidegate_model::plan::{Done, Op, Plan, Wave};
use tidegate_model::{Facts as _, Timestamp};
use tidegate_planner::Origin;
use tidegate_store::Store;

use super::fleet::Told;
use super::{Made, fleet, planned, read, render_made};
use crate::args::Advance;
use crate::bundles;
use crate::cmd::Context;
use crate::cmd::gate::{Fresh, Unseen, fresh_facts, state, wave_of};
use crate::cmd::show::pretty;
use crate::env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output};

/// Records how a wave went, if one is named, and plans the rest anew.
pub(super) async fn advance(ctx: &mut Context<'_>, args: &Advance) -> Result<Exit> {
    let plan = read::plan(ctx.ui, &args.plan)?;
    let intent = read::intent(&args.inputs.intent)?;
    if plan.intent_sha256 != intent.digest {
        return Err(Failure::usage("the plan was made for another intent")
            .hint("what is wanted anew is a new plan: tidegate plan end, then tidegate plan"));
    }
    let ended = match (args.wave, args.outcome) {
        (Some(n), Some(outcome)) => {
            let wave = wave_of(&plan, n, &args.plan)?;
            if n != 1 {
                return Err(Failure::usage(format!("wave {n} is not next: wave 1 is")));
            }
            Some(came_to(wave, outcome.into(), &args.updated)?)
        }
        (_, _) => None,
    };
    let store = fleet::store(ctx).await?;
    let chains = state::Chains::of(&store, &plan)?;
    let mut history = chains.history().await?;
    under_way(&plan, &history)?;
    let before = history.last;
    // As the records will be once the plan that is made now is entered.
    let event_of =
        |next: String| Event::Advanced { plan: plan.id.clone(), ended: ended.clone(), next };
    history.take(env::now(), event_of(String::new()));
    let policies = bundles::rule_set([])?;
    let mut from = args.inputs.fleet.clone();
    if !plan.snapshots.is_empty() && from.at.is_none() {
        // The new plan names what it was made from, so that is in the store.
        from.at = Some("latest".to_owned());
    }
    let fresh = fresh_facts(ctx, &store, &plan, &from, &policies).await?;
    let Fresh { mut told, .. } = fresh.map_err(|Unseen(failure)| failure)?;
    for (what, taken_at) in taken(&store, &told).await? {
        if before.is_some_and(|last| taken_at <= last) {
            return Err(Failure::undecided(format!(
                "could not decide: {what} is from before the wave"
            ))
            .hint("see how things are now: tidegate collect, or a new file after --facts"));
        }
    }
    add_done(&history.done, &mut told.fleet).map_err(|c| state::contradiction(&c))?;
    let origin = Origin {
        snapshots: told.snapshots.clone(),
        fleet_sha256: told.sha256,
        intent_sha256: intent.digest,
        policy_digest: None,
        parent: Some((plan.id.clone(), plan.generation)),
        done: history.done.clone(),
        since: history.since,
    };
    let made = planned(&told.fleet, (&args.inputs.intent, &intent), &origin)?;
    let exit = render_made(ctx, &made, &told.fleet, &args.format)?;
    let Made { plan: next, .. } = made;
    chains.happened(&event_of(next.id.clone())).await?;
    if next.waves.is_empty() && next.blocked.is_empty() {
        chains.happened(&Event::Ended { plan: next.id }).await?;
        ctx.ui.status("every target is done: the plan is at its end");
    }
    Ok(exit)
}

/// When the facts of a fleet were taken, each by its name.
async fn taken(store: &Store, told: &Told) -> Result<Vec<(String, Timestamp)>> {
    let mut all = Vec::new();
    for id in &told.snapshots {
        let taken_at = fleet::reader(store, id).await?.meta().taken_at;
        all.push((format!("snapshot `{id}`"), taken_at));
    }
    // A file may be older than what it was added to.
    if told.sha256.is_some() {
        all.push(("the fleet".to_owned(), told.fleet.taken_at));
    }
    Ok(all)
}

fn under_way(plan: &Plan, history: &History) -> Result<()> {
    match &history.active {
        Some(active) if *active == plan.id => Ok(()),
        Some(active) => {
            let id = &plan.id;
            Err(Failure::usage(format!("plan `{id}` is not under way: plan `{active}` is")))
        }
        None => Err(Failure::usage(format!("plan `{}` is not under way", plan.id))
            .hint("a gate that opens starts it: tidegate gate")),
    }
}

/// What a wave came to.
fn came_to(wave: &Wave, outcome: Outcome, updated: &[String]) -> Result<EndedWave> {
    let all: BTreeSet<&str> = wave.targets.iter().map(String::as_str).collect();
    let some: BTreeSet<&str> = updated.iter().map(String::as_str).collect();
    if let Some(stranger) = some.iter().find(|id| !all.contains(*id)) {
        return Err(Failure::usage(format!("`{stranger}` is no target of wave {}", wave.n)));
    }
    let fits = match outcome {
        Outcome::Partial => !some.is_empty() && some.len() < all.len(),
        Outcome::Done | Outcome::Failed => some.is_empty(),
    };
    if !fits {
        return Err(Failure::usage("what was updated does not fit the outcome")
            .hint("after a partial wave name each target that was updated: --updated HOST"));
    }
    let done = match outcome {
        Outcome::Done => all,
        Outcome::Failed => BTreeSet::new(),
        Outcome::Partial => some,
    };
    let mut versions: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for step in wave.steps.iter().filter(|s| s.op == Op::Update) {
        let target = step.host.as_ref().or(step.node.as_ref());
        let target = target.filter(|t| done.contains(t.as_str()));
        if let (Some(target), Some(component), Some(version)) =
            (target, &step.component, &step.version)
        {
            let of = versions.entry(target.clone()).or_default();
            of.insert(component.clone(), version.clone());
        }
    }
    let targets: Vec<String> = done.into_iter().map(str::to_owned).collect();
    let any = !targets.is_empty();
    let done = any.then(|| Done { zone: wave.zone.clone(), targets, versions });
    Ok(EndedWave { wave: wave.n, outcome, done, soak_s: wave.soak_s })
}

/// Gives the plan that is under way up, so that another one may start.
pub(super) async fn end(ctx: &mut Context<'_>, path: &Path) -> Result<Exit> {
    let plan = read::plan(ctx.ui, path)?;
    let store = fleet::store(ctx).await?;
    let chains = state::Chains::of(&store, &plan)?;
    // One that shares the fleet with another plan may end all the same.
    if !chains.any().await? {
        under_way(&plan, &chains.history().await?)?;
    }
    chains.happened(&Event::Ended { plan: plan.id.clone() }).await?;
    ctx.ui.write(None, &format!("plan {} is ended\n", plan.id))?;
    Ok(Exit::Ok)
}

/// What is recorded of a plan's fleet.
pub(super) async fn status(ctx: &mut Context<'_>, path: &Path, output: &Output) -> Result<Exit> {
    let plan = read::plan(ctx.ui, path)?;
    let store = fleet::store(ctx).await?;
    let history = state::Chains::of(&store, &plan)?.history().await?;
    let text = match output.format {
        Format::Json => pretty(&json!({
            "schema_version": "tidegate.plan-status/v1", "plan": plan.id, "active": history.active,
            "since": history.since, "done": history.done, "last_failed": history.failed,
            "last_ended": history.ended.map(|(at, _)| at),
        }))?,
        Format::Table => {
            let mut text = match &history.active {
                Some(active) if *active == plan.id => format!("plan {active} is under way\n"),
                Some(active) => format!("plan {active} is under way, {} is not\n", plan.id),
                None => "no plan of this fleet is under way\n".to_owned(),
            };
            for (n, wave) in (1..).zip(&history.done) {
                text.push_str(&format!("done {n}: {}\n", wave.targets.join(", ")));
            }
            if history.failed {
                text.push_str("the last wave was not done in whole\n");
            }
            text
        }
    };
    ctx.ui.write(output.file.as_deref(), &text)?;
    Ok(Exit::Ok)
}
