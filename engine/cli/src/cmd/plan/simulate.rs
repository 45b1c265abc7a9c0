//! `tidegate plan simulate`: hosts fail while a plan is followed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use tidegate_model::fleet::HostState;
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
    /// Every host before the first wave and after each phase of each.
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
        if !fleet.hosts.iter().any(|h| h.id == *host) {
            return Err(Failure::usage(format!("the fleet has no host `{host}`")));
        }
        told.push(replan.fail(fleet, Point { wave: *wave, phase: *phase }, host)?);
    }
    Ok(Simulation::new(plan, all.len(), told.iter().filter(|t| !t.holds).count(), told))
}

/// Every host before the first wave and after each phase of each wave. The rest is planned
/// anew for what is told: what does not hold, each as long as it is something new of its
/// host, and of each wave what leaves least.
fn any<'p>(replan: &Replan<'p>, fleet: &Fleet) -> Result<Simulation<'p>> {
    let plan = replan.plan;
    let (mut tried, mut broken, mut told) = (0, 0, Vec::new());
    let mut said: BTreeMap<String, Fall> = BTreeMap::new();
    let mut course = Course::new(fleet);
    let waves = std::iter::once(None).chain(plan.waves.iter().map(Some));
    for (n, wave) in (0..).zip(waves) {
        let phases: BTreeSet<u32> = wave.iter().flat_map(|w| &w.steps).map(|s| s.phase).collect();
        let last = phases.last().copied();
        let mut least: Option<(f64, Option<u32>, String)> = None;
        let moments =
            if phases.is_empty() { vec![None] } else { phases.into_iter().map(Some).collect() };
        for phase in moments {
            if let (Some(wave), Some(phase)) = (wave, phase) {
                course.phase(wave, phase);
            }
            // The last phase done, the wave is.
            let phase = phase.filter(|phase| Some(*phase) != last);
            let moment = Moment::new(&course, replan.intent.spare_hosts);
            let up = course.fleet.hosts.iter();
            for host in up.filter(|h| h.state != HostState::Down) {
                tried += 1;
                let (failure, restarts) = moment.fail(host);
                if !failure.holds() {
                    broken += 1;
                    if said.get(&host.id).is_none_or(|before| !before.same(&failure)) {
                        said.insert(host.id.clone(), failure.clone());
                        let rest = replan.rest(&restarts.apply(&course.fleet), whole(n, phase))?;
                        told.push(Told::new(n, phase, failure, rest));
                    }
                    continue;
                }
                let share =
                    failure.headroom.as_ref().map_or(1.0, tidegate_simulate::Headroom::share);
                if least.as_ref().is_none_or(|(least, ..)| share < *least) {
                    least = Some((share, phase, host.id.clone()));
                }
            }
        }
        if let Some((_, phase, host)) = least {
            let told_least = replan.fail(fleet, Point { wave: n, phase }, &host)?;
            broken += usize::from(!told_least.holds);
            told.push(told_least);
        }
    }
    Ok(Simulation::new(plan, tried, broken, told))
}

/// How many waves count as done at a point: one that is interrupted does not.
fn whole(wave: u32, phase: Option<u32>) -> u32 {
    wave.saturating_sub(u32::from(phase.is_some()))
}

/// What a plan for the rest is made with.
struct Replan<'p> {
    plan: &'p Plan,
    intent: &'p Intent,
    digest: tidegate_model::Digest,
}

impl Replan<'_> {
    /// Fails one host of the fleet at a point of the plan.
    fn fail(&self, fleet: &Fleet, point: Point, host: &str) -> Result<Told> {
        let course = Course::at(fleet, self.plan, point);
        let dead = course.fleet.hosts.iter().find(|h| h.id == host);
        let dead = dead.ok_or_else(|| Failure::new(format!("the fleet has no host `{host}`")))?;
        let (failure, restarts) = Moment::new(&course, self.intent.spare_hosts).fail(dead);
        let done = whole(point.wave, point.phase);
        let rest = self.rest(&restarts.apply(&course.fleet), done)?;
        Ok(Told::new(point.wave, point.phase, failure, rest))
    }

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
        let Fall { host: _, vms, lost, quorums, short, headroom } = failure;
        let _ = writeln!(text, "  {} of {vms} vms restart on other hosts", vms - lost.len());
        for lost in lost {
            let why = match (lost.why, &lost.group) {
                (Why::Group, Some(group)) => {
                    format!("group `{group}` keeps it from where there is room")
                }
                (Why::Group, None) => "a group keeps it from where there is room".to_owned(),
                (Why::Capacity, _) => "no host that it may be on has room".to_owned(),
                (Why::Cordoned, _) => "the wave keeps those out that have what it needs".to_owned(),
                (Why::Compatibility, _) => "no host has what it needs".to_owned(),
            };
            let _ = writeln!(text, "    vm `{}`: {why}", lost.vm);
        }
        for broken in quorums {
            let tidegate_simulate::Broken { quorum, up, needs, members, stopped: _ } = broken;
            let why = match broken.unavoidable() {
                true => format!(": one of its {members} is being updated, as has to be"),
                false => String::new(),
            };
            let _ =
                writeln!(text, "  quorum `{quorum}` has {up} members up and needs {needs}{why}");
        }
        if let Some(short) = short {
            let tidegate_simulate::Short { zone, class, more, load, room_then } = short;
            let _ = writeln!(
                text,
                "  zone `{zone}` could not bear {more} more: {room_then} {class} are there then for \
                 a load of {load}"
            );
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
