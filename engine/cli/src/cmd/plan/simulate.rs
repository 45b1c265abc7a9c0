//! `tidegate plan simulate`: hosts fail while a plan is followed.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use tidegate_model::intent::Intent;
use tidegate_model::plan::{BlockedCode, Done};
use tidegate_model::versions::VersionRules;
use tidegate_model::{Fleet, Plan};
use tidegate_planner::Origin;
use tidegate_simulate::{Course, Failure as Fall, Moment, Point, Why};

use super::read;
use crate::args::{FailAt, Inputs};
use crate::cmd::Context;
use crate::cmd::show::pretty;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output};

/// Which failures are simulated.
pub(super) enum Wanted {
    /// These.
    These(Vec<FailAt>),
    /// Every host before the first wave and after each.
    Any,
}

/// What is told.
#[derive(Serialize)]
struct Simulation<'p> {
    schema_version: &'static str,
    plan: &'p str,
    holds: bool,
    tried: usize,
    /// How many of them do not hold.
    broken: usize,
    failures: Vec<Told>,
}

/// One failure and what comes of it.
#[derive(Serialize)]
struct Told {
    wave: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<u32>,
    holds: bool,
    #[serde(flatten)]
    failure: Fall,
    rest: Rest,
}

/// The plan for what is left.
#[derive(Serialize)]
struct Rest {
    /// Absent if the checker refuses it.
    safe: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    violation: Option<String>,
    waves: usize,
    updated: usize,
    blocked: Vec<Left>,
}

#[derive(Serialize)]
struct Left {
    target: String,
    code: BlockedCode,
}

pub(super) async fn run(
    ctx: &mut Context<'_>,
    path: &Path,
    inputs: &Inputs,
    wanted: &Wanted,
    format: &Output,
) -> Result<Exit> {
    let plan = read::plan(ctx.ui, path)?;
    let (fleet, judged) = super::judge(ctx, &plan, &inputs.fleet, &inputs.intent).await?;
    let intent = read::intent(&inputs.intent)?;
    if let Err(violation) = judged {
        ctx.ui.write(format.file.as_deref(), &refusal(&plan, &violation, format.format)?)?;
        return Ok(Exit::Findings);
    }
    let replan = Replan { plan: &plan, intent: &intent.value, digest: intent.digest };
    let simulation = match wanted {
        Wanted::These(all) => these(&replan, &fleet, all)?,
        Wanted::Any => any(&replan, &fleet)?,
    };
    let text = match format.format {
        Format::Json => {
            let value = serde_json::to_value(&simulation)
                .map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))?;
            pretty(&value)?
        }
        Format::Table => table(&simulation),
    };
    ctx.ui.write(format.file.as_deref(), &text)?;
    Ok(if simulation.holds { Exit::Ok } else { Exit::Findings })
}

/// A plan that is not safe is not followed.
fn refusal(plan: &Plan, violation: &tidegate_checker::Violation, format: Format) -> Result<String> {
    match format {
        Format::Json => pretty(&serde_json::json!({
            "schema_version": SCHEMA, "plan": plan.id, "holds": false, "tried": 0, "broken": 0,
            "failures": [], "violation": violation.to_string(),
        })),
        Format::Table => Ok(format!("not safe, and not followed: {violation}\n")),
    }
}

const SCHEMA: &str = "tidegate.plan-simulation/v1";

fn these<'p>(replan: &Replan<'p>, fleet: &Fleet, all: &[FailAt]) -> Result<Simulation<'p>> {
    let plan = replan.plan;
    let mut told = Vec::with_capacity(all.len());
    for FailAt { host, wave, phase } in all {
        if *wave as usize > plan.waves.len() {
            let text = format!("the plan has {} waves, and no wave {wave}", plan.waves.len());
            return Err(Failure::usage(text).hint("list waves: tidegate plan show PLAN"));
        }
        let steps = plan.waves.iter().filter(|w| w.n == *wave).flat_map(|w| &w.steps);
        let last = steps.map(|s| s.phase).max().unwrap_or(0);
        if let Some(phase) = phase.filter(|phase| *phase > last) {
            let text = format!("wave {wave} has {last} phases, and no phase {phase}");
            return Err(
                Failure::usage(text).hint("phases stand in the plan's JSON, with its steps")
            );
        }
        let course = Course::at(fleet, plan, Point { wave: *wave, phase: *phase });
        let Some(dead) = course.fleet.hosts.iter().find(|h| h.id == *host) else {
            return Err(Failure::usage(format!("the fleet has no host `{host}`")));
        };
        let (failure, restarts) = Moment::new(&course).fail(dead);
        // A wave that is interrupted does not count as done.
        let whole = wave.saturating_sub(u32::from(phase.is_some()));
        let rest = replan.rest(&restarts.apply(&course.fleet), whole)?;
        told.push(Told::new(*wave, *phase, failure, rest));
    }
    Ok(Simulation::new(plan, all.len(), told.iter().filter(|t| !t.holds).count(), told))
}

/// Every host at every prefix. The rest is planned anew for what is told: what
/// does not hold, and of each prefix what leaves least.
fn any<'p>(replan: &Replan<'p>, fleet: &Fleet) -> Result<Simulation<'p>> {
    let plan = replan.plan;
    let (mut tried, mut broken, mut told) = (0, 0, Vec::new());
    let mut course = Course::new(fleet);
    let waves = std::iter::once(None).chain(plan.waves.iter().map(Some));
    for (n, wave) in (0..).zip(waves) {
        let whole = n;
        if let Some(wave) = wave {
            course.run(wave, None);
        }
        let moment = Moment::new(&course);
        let mut least: Option<(f64, Fall, tidegate_simulate::Restarts<'_>)> = None;
        let up = course.fleet.hosts.iter();
        for host in up.filter(|h| h.state != tidegate_model::fleet::HostState::Down) {
            tried += 1;
            let (failure, restarts) = moment.fail(host);
            if !failure.holds() {
                broken += 1;
                let rest = replan.rest(&restarts.apply(&course.fleet), whole)?;
                told.push(Told::new(n, None, failure, rest));
                continue;
            }
            let share = failure.headroom.as_ref().map_or(1.0, tidegate_simulate::Headroom::share);
            if least.as_ref().is_none_or(|(least, _, _)| share < *least) {
                least = Some((share, failure, restarts));
            }
        }
        if let Some((_, failure, restarts)) = least {
            let rest = replan.rest(&restarts.apply(&course.fleet), whole)?;
            broken += usize::from(!rest.safe);
            told.push(Told::new(n, None, failure, rest));
        }
    }
    Ok(Simulation::new(plan, tried, broken, told))
}

/// What a plan for the rest is made with.
struct Replan<'p> {
    plan: &'p Plan,
    intent: &'p Intent,
    digest: tidegate_model::Digest,
}

impl Replan<'_> {
    /// Plans a fleet in which so many waves are done.
    fn rest(&self, fleet: &Fleet, waves: u32) -> Result<Rest> {
        let rules = VersionRules::bundled();
        let of = |wave: &tidegate_model::plan::Wave| Done {
            zone: wave.zone.clone(),
            targets: wave.targets.clone(),
            versions: std::collections::BTreeMap::new(),
        };
        let waves = self.plan.waves.iter().take(waves as usize).map(of);
        let origin = Origin {
            snapshots: Vec::new(),
            fleet_sha256: None,
            intent_sha256: self.digest,
            policy_digest: None,
            parent: Some((self.plan.id.clone(), self.plan.generation)),
            done: self.plan.done.iter().cloned().chain(waves).collect(),
            since: self.plan.since.or(Some(fleet.taken_at)),
        };
        let plan = tidegate_planner::plan(fleet, self.intent, &rules, &origin)
            .map_err(|e| Failure::from_error(&e))?;
        let judged = tidegate_checker::check(fleet, self.intent, &plan, &rules);
        let left = plan.blocked.iter();
        Ok(Rest {
            safe: judged.is_ok(),
            violation: judged.err().map(|violation| violation.to_string()),
            waves: plan.waves.len(),
            updated: plan.waves.iter().map(|w| w.targets.len()).sum(),
            blocked: left.map(|b| Left { target: b.target.clone(), code: b.code }).collect(),
        })
    }
}

impl Told {
    fn new(wave: u32, phase: Option<u32>, failure: Fall, rest: Rest) -> Self {
        Self { wave, phase, holds: failure.holds() && rest.safe, failure, rest }
    }
}

impl<'p> Simulation<'p> {
    fn new(plan: &'p Plan, tried: usize, broken: usize, failures: Vec<Told>) -> Self {
        let (schema_version, holds) = (SCHEMA, broken == 0);
        Self { schema_version, plan: &plan.id, holds, tried, broken, failures }
    }
}

fn table(simulation: &Simulation<'_>) -> String {
    let Simulation { schema_version: _, plan, holds: _, tried, broken, failures } = simulation;
    let mut text = format!("plan {plan}  {tried} failures tried, {broken} do not hold\n");
    for told in failures {
        let Told { wave, phase, holds, failure, rest } = told;
        let when = match (wave, phase) {
            (0, _) => "before the first wave".to_owned(),
            (wave, None) => format!("after wave {wave}"),
            (wave, Some(phase)) => format!("after phase {phase} of wave {wave}"),
        };
        let verdict = if *holds { "holds" } else { "DOES NOT HOLD" };
        // Writing to a text does not fail.
        let _ = writeln!(text, "\n{} fails {when}: {verdict}", failure.host);
        let Fall { host: _, vms, lost, quorums, headroom } = failure;
        let _ = writeln!(text, "  {} of {vms} vms restart on other hosts", vms - lost.len());
        for lost in lost {
            let why = match (lost.why, &lost.group) {
                (Why::Group, Some(group)) => {
                    format!("group `{group}` keeps it from where there is room")
                }
                (Why::Group, None) => "a group keeps it from where there is room".to_owned(),
                (Why::Capacity, _) => "no host that it may be on has room".to_owned(),
                (Why::Compatibility, _) => "no host has what it needs".to_owned(),
            };
            let _ = writeln!(text, "    vm `{}`: {why}", lost.vm);
        }
        for broken in quorums {
            let tidegate_simulate::Broken { quorum, up, needs } = broken;
            let _ = writeln!(text, "  quorum `{quorum}` has {up} members up and needs {needs}");
        }
        if let Some(h) = headroom {
            let percent = 100.0 * h.share();
            let (free, usable, class, zone) = (h.free, h.usable, &h.class, &h.zone);
            let _ =
                writeln!(text, "  free then: {free} of {usable} {class} in {zone}, {percent:.1} %");
        }
        let _ = writeln!(text, "  the rest: {}", rest_line(rest));
    }
    text
}

fn rest_line(rest: &Rest) -> String {
    let Rest { safe: _, violation, waves, updated, blocked } = rest;
    if let Some(violation) = violation {
        return format!("no safe plan was made: {violation}");
    }
    let word = |code: &BlockedCode| {
        let value = serde_json::to_value(code).unwrap_or_default();
        value.as_str().unwrap_or_default().to_owned()
    };
    let names: Vec<String> =
        blocked.iter().map(|b| format!("{} {}", b.target, word(&b.code))).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    format!("{updated} targets in {waves} waves, {} blocked{names}", blocked.len())
}
