//! Where the fleet of a plan comes from: snapshots, a file, or both.

use std::path::Path;

use serde_json::json;
use tidegate_fleet::{ExtractError, Extracted, Gap};
use tidegate_model::fleet::{Amount, HostState};
use tidegate_model::{Digest, Facts, Fleet, Plan, SnapshotId};
use tidegate_store::{At, SnapshotReader, Store};

use super::read::{self, File};
use crate::args;
use crate::cmd::Context;
use crate::cmd::check::snapshots_of;
use crate::cmd::show::pretty;
use crate::cmd::store::failure;
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output, columns};

/// More gaps than this are not listed.
const GAPS: usize = 20;

/// A fleet, and where it comes from.
pub(crate) struct Told {
    pub(crate) fleet: Fleet,
    /// Empty if all of it stood in a file.
    pub(crate) snapshots: Vec<SnapshotId>,
    /// Of the file, where there was one.
    pub(crate) sha256: Option<Digest>,
    /// Whether the file, where there was one, says when its facts were taken.
    pub(crate) dated: bool,
}

/// Opens the store for a command that works beside a wrong configuration until it
/// needs one.
pub(crate) async fn store(ctx: &mut Context<'_>) -> Result<Store> {
    ctx.config = Config::load(&ctx.global, ctx.env)?;
    ctx.store().await
}

/// The fleet that the options name.
pub(crate) async fn told(ctx: &mut Context<'_>, args: &args::PlanFleet) -> Result<Told> {
    if let (Some(path), true, None) = (&args.facts, args.cloud.is_empty(), &args.at) {
        return alone(ctx, path);
    }
    let store = store(ctx).await?;
    let ids = ids(ctx, &store, args).await?;
    collected(ctx, &store, &ids, args.facts.as_deref()).await
}

/// The snapshots that the options name.
pub(crate) async fn ids(
    ctx: &mut Context<'_>,
    store: &Store,
    args: &args::PlanFleet,
) -> Result<Vec<SnapshotId>> {
    let at: At = match &args.at {
        Some(text) => text.parse().map_err(|e| Failure::usage(format!("{e}")))?,
        None => At::default(),
    };
    snapshots_of(ctx, store, &args.cloud, &at).await
}

/// A snapshot to read.
pub(crate) async fn reader(store: &Store, id: &SnapshotId) -> Result<SnapshotReader> {
    store.snapshot(id).await.map_err(failure)
}

/// The fleet that a plan was made for, unless the options name another.
pub(crate) async fn of_plan(
    ctx: &mut Context<'_>,
    plan: &Plan,
    args: &args::PlanFleet,
) -> Result<Told> {
    with_its_file(plan, args)?;
    let named = !args.cloud.is_empty() || args.at.is_some();
    if named || plan.snapshots.is_empty() {
        return told(ctx, args).await;
    }
    let store = store(ctx).await?;
    collected(ctx, &store, &plan.snapshots, args.facts.as_deref()).await
}

/// That a file is named where a plan rests on one: quorums, Ceph and limits that it
/// brought would be gone, and nothing would look unsafe.
pub(crate) fn with_its_file(plan: &Plan, args: &args::PlanFleet) -> Result<()> {
    if plan.fleet_sha256.is_none() || args.facts.is_some() {
        return Ok(());
    }
    Err(match plan.snapshots.is_empty() {
        true => Failure::usage("the plan was made for a fleet from a file"),
        false => Failure::usage("the plan was made with facts from a file beside the snapshots"),
    }
    .hint("name the file that says how things are: --facts FILE"))
}

fn alone(ctx: &mut Context<'_>, path: &Path) -> Result<Told> {
    let File { value, digest } = read::facts(ctx.ui, path)?;
    Ok(Told { fleet: value, snapshots: Vec::new(), sha256: Some(digest), dated: true })
}

/// The fleet of these snapshots, with what a file adds.
async fn collected(
    ctx: &mut Context<'_>,
    store: &Store,
    ids: &[SnapshotId],
    more: Option<&Path>,
) -> Result<Told> {
    let mut readers = Vec::new();
    for id in ids {
        readers.push(reader(store, id).await?);
    }
    let extracted = tokio::task::spawn_blocking(move || {
        let facts: Vec<&dyn Facts> = readers.iter().map(|r| r as &dyn Facts).collect();
        tidegate_fleet::extract(&facts)
    })
    .await
    .map_err(|e| Failure::new("reading the fleet broke off").caused_by(Some(&e)))?;
    let extracted = extracted.map_err(undecided)?;
    with_file(ctx, extracted, more)
}

/// Adds what a file says to what was extracted.
pub(crate) fn with_file(
    ctx: &mut Context<'_>,
    extracted: Extracted,
    more: Option<&Path>,
) -> Result<Told> {
    let Extracted { fleet, snapshots, notes } = extracted;
    for note in &notes {
        ctx.ui.warn(note);
    }
    let Some(path) = more else { return Ok(Told { fleet, snapshots, sha256: None, dated: true }) };
    let File { value, digest } = read::facts_to_add(ctx.ui, path)?;
    let merged = tidegate_fleet::merge(&fleet, &value).map_err(|e| {
        let shown = path.display();
        Failure::new(format!("cannot add `{shown}` to what was collected")).caused_by(Some(&e))
    })?;
    let fleet = read::merged(ctx.ui, path, merged)?;
    let dated = value.get("taken_at").is_some();
    Ok(Told { fleet, snapshots, sha256: Some(digest), dated })
}

/// What was not seen, by kind and reason: no plan can be made, and none judged.
pub(crate) fn undecided(error: ExtractError) -> Failure {
    let ExtractError::Gaps(gaps) = error else { return Failure::from_error(&error) };
    let text = "could not decide: what the fleet rests on was not seen";
    let mut failure = Failure::undecided(text);
    for gap in gaps.iter().take(GAPS) {
        failure = failure.also(gap.to_string());
    }
    if gaps.len() > GAPS {
        failure = failure.also(format!("and {} more", gaps.len() - GAPS));
    }
    let refused = |gap: &Gap| gap.reason == "forbidden" || gap.reason.starts_with("only what");
    failure.hint(match gaps.iter().any(refused) {
        true => "collect with a credential that may read all of it: tidegate collect --preflight",
        false => "take a new snapshot: tidegate collect",
    })
}

/// `tidegate plan facts`.
pub(super) async fn show(
    ctx: &mut Context<'_>,
    args: &args::PlanFleet,
    output: &Output,
) -> Result<Exit> {
    let Told { fleet, .. } = told(ctx, args).await?;
    let text = match output.format {
        Format::Json => pretty(&json!(fleet))?,
        Format::Table => table(&fleet),
    };
    ctx.ui.write(output.file.as_deref(), &text)?;
    Ok(Exit::Ok)
}

/// A line for each host, and what there is besides.
fn table(fleet: &Fleet) -> String {
    let classes = ["vcpu", "memory_mib", "disk_gib"];
    let mut rows = vec![["host", "zone", "state", "vms"].map(str::to_owned).to_vec()];
    if let Some(head) = rows.first_mut() {
        head.extend(classes.map(|c| format!("{c} used/usable")));
    }
    for host in &fleet.hosts {
        let on = |v: &&tidegate_model::fleet::Vm| {
            v.host == host.id || v.migrating_to.as_ref() == Some(&host.id)
        };
        let vms: Vec<_> = fleet.vms.iter().filter(on).collect();
        let state = match host.state {
            HostState::Up => "up",
            HostState::Down => "down",
            HostState::Disabled => "disabled",
        };
        let mut row = vec![host.id.clone(), host.zone.clone(), state.to_owned()];
        row.push(vms.len().to_string());
        for class in classes {
            let used: Amount =
                vms.iter().map(|v| v.demand.get(class).copied().unwrap_or_default()).sum();
            row.push(format!("{used}/{}", host.usable(class)));
        }
        rows.push(row);
    }
    let mut text = columns(&rows);
    let fixed: Vec<_> = fleet.vms.iter().filter_map(|v| Some((v, v.reason.as_ref()?))).collect();
    for (vm, reason) in &fixed {
        text.push_str(&format!("vm {} on {} cannot be moved: {reason}\n", vm.id, vm.host));
    }
    let moving = fleet.vms.iter().filter_map(|v| Some((v, v.migrating_to.as_ref()?)));
    for (vm, to) in moving {
        text.push_str(&format!("vm {} is being moved between {} and {to}\n", vm.id, vm.host));
    }
    let cluster = fleet.kubernetes.as_ref();
    let of = |count: Option<usize>| count.unwrap_or(0);
    text.push_str(&format!(
        "{} hosts in {} zones, {} vms, {} groups, {} quorums; {} nodes, {} pods, {} budgets\n",
        fleet.hosts.len(),
        fleet.zones.len(),
        fleet.vms.len(),
        fleet.groups.len(),
        fleet.quorums.len(),
        of(cluster.map(|c| c.nodes.len())),
        of(cluster.map(|c| c.pods.len())),
        of(cluster.map(|c| c.pdbs.len())),
    ));
    text
}
