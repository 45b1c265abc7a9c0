//! `tidegate plan`: makes plans of rolling updates, judges them, shows and
//! compares them.

mod advance;
pub(crate) mod fleet;
pub(crate) mod read;
mod simulate;

use std::path::{Path, PathBuf};

use serde_json::json;
use tidegate_checker::Checked;
use tidegate_model::plan::DeadlineStatus;
use tidegate_model::versions::VersionRules;
use tidegate_model::{Fleet, Intent, Plan};
use tidegate_planner::{Origin, PlanError, Selection};
use tidegate_report::{
    AnsibleError, Judgement, PlanReport, explain, plan_ansible, plan_diff, plan_diff_text,
    plan_html, plan_markdown, plan_table,
};

use crate::args::{self, Inputs, PlanCommand};
use crate::cmd::Context;
use crate::cmd::gate::state;
use crate::cmd::show::pretty;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output, PlanFormat, Ui};

use fleet::Told;
use read::IntentFile;
use simulate::Wanted;

pub(crate) async fn run(ctx: &mut Context<'_>, args: args::Plan) -> Result<Exit> {
    match (args.command, args.intent) {
        (Some(PlanCommand::Facts { fleet, format }), _) => fleet::show(ctx, &fleet, &format).await,
        (Some(PlanCommand::Check { plan, inputs, format }), _) => {
            check(ctx, &plan, &inputs, &format).await
        }
        (Some(PlanCommand::Simulate { plan, inputs, fail, fail_any, format }), _) => {
            let wanted = if fail_any { Wanted::Any } else { Wanted::These(fail) };
            simulate::run(ctx, &plan, &inputs, &wanted, &format).await
        }
        (Some(PlanCommand::Show { plan, fleet, intent, format }), _) => {
            show(ctx, &plan, &fleet, intent, &format).await
        }
        (Some(PlanCommand::Advance(args)), _) => advance::advance(ctx, &args).await,
        (Some(PlanCommand::Status { plan, format }), _) => {
            advance::status(ctx, &plan, &format).await
        }
        (Some(PlanCommand::End { plan }), _) => advance::end(ctx, &plan).await,
        (Some(PlanCommand::Diff { before, after, format }), _) => {
            diff(ctx.ui, &before, &after, &format)
        }
        (Some(PlanCommand::Explain { host, plan, facts }), _) => {
            let plan = read::plan(ctx.ui, &plan)?;
            let fleet = facts.map(|path| read::facts(ctx.ui, &path)).transpose()?;
            tell(ctx.ui, &plan, fleet.as_ref().map(|f| &f.value), &host)
        }
        (None, Some(intent)) => {
            make(ctx, &Inputs { fleet: args.fleet, intent }, &args.format).await
        }
        (None, None) => Err(Failure::usage("a plan needs an intent")
            .hint("type: tidegate plan --intent FILE [--facts FILE]")),
    }
}

async fn make(
    ctx: &mut Context<'_>,
    inputs: &Inputs,
    formats: &[Output<PlanFormat>],
) -> Result<Exit> {
    let intent = read::intent(&inputs.intent)?;
    let Told { fleet, snapshots, sha256, .. } = fleet::told(ctx, &inputs.fleet).await?;
    let origin = Origin {
        snapshots,
        fleet_sha256: sha256,
        intent_sha256: intent.digest,
        policy_digest: None,
        parent: None,
        done: Vec::new(),
        since: None,
    };
    let made = planned(&fleet, (&inputs.intent, &intent), &origin)?;
    left_out(ctx.ui, &fleet, &intent.value);
    render_made(ctx, &made, &fleet, formats)
}

/// Tells what an intent selects and does not update: what is done, and what has another
/// version than `from`; and limits that hold for nothing.
fn left_out(ui: &mut Ui, fleet: &Fleet, intent: &Intent) {
    let rules = VersionRules::bundled();
    let selections = tidegate_planner::selections(fleet, intent, &rules);
    for (selection, target) in selections.iter().zip(&intent.targets) {
        let Selection { n, due: _, done: _, others } = selection;
        let Some(from) = target.from.as_ref().filter(|_| !others.is_empty()) else { continue };
        let found: Vec<String> = others.iter().map(|(v, n)| format!("`{v}` on {n}")).collect();
        let (component, found) = (&target.component, found.join(", "));
        ui.warn(&format!(
            "target {n} is from `{from}`: where `{component}` is {found}, it is left as it is"
        ));
    }
    for what in tidegate_planner::unmatched(fleet, intent) {
        ui.warn(&what);
    }
    if selections.iter().all(|s| s.due == 0) {
        ui.status("everything that is selected has the wanted version already");
    }
}

/// A plan that was checked.
struct Made {
    plan: Plan,
    checked: Checked,
}

/// Makes a plan, and has it checked before anybody sees it.
fn planned(fleet: &Fleet, (path, file): (&Path, &IntentFile), origin: &Origin) -> Result<Made> {
    let (rules, intent) = (VersionRules::bundled(), &file.value);
    let plan = tidegate_planner::plan(fleet, intent, &rules, origin).map_err(|e| match &e {
        PlanError::Intent(problem) => file.failure(path, problem),
        PlanError::Window(window) => file.window_failure(path, window),
        PlanError::Fleet(_) => Failure::from_error(&e),
    })?;
    let plan = tidegate_gate::sealed(plan, fleet);
    let checked = tidegate_checker::check(fleet, intent, &plan, &rules).map_err(|violation| {
        Failure::new("the plan that was made is not safe, and is not shown")
            .also(violation.to_string())
            .hint("this is a fault of tidegate: report it together with both files")
    })?;
    Ok(Made { plan, checked })
}

fn render_made(
    ctx: &mut Context<'_>,
    Made { plan, checked }: &Made,
    fleet: &Fleet,
    formats: &[Output<PlanFormat>],
) -> Result<Exit> {
    let judgement = Judgement::Safe(checked.ends.clone());
    let report = PlanReport { plan, fleet: Some(fleet), judgement: &judgement };
    render(ctx.ui, &report, formats)?;
    Ok(exit(plan))
}

/// Whether everything that is wanted is done, and in time.
fn exit(plan: &Plan) -> Exit {
    let late = plan.deadlines.iter().any(|d| d.status != DeadlineStatus::Met);
    if late || !plan.blocked.is_empty() { Exit::Undecided } else { Exit::Ok }
}

async fn judge(
    ctx: &mut Context<'_>,
    plan: &Plan,
    args: &args::PlanFleet,
    path: &Path,
) -> Result<(Fleet, Judged)> {
    let intent = read::intent(path)?;
    let mut told = fleet::of_plan(ctx, plan, args).await?;
    tidegate_gate::add_done(&plan.done, &mut told.fleet).map_err(|c| state::contradiction(&c))?;
    let ui = &mut *ctx.ui;
    if (&plan.snapshots, plan.fleet_sha256) != (&told.snapshots, told.sha256) {
        let file = args.facts.as_ref().map(|f| f.display().to_string());
        let names: Vec<String> =
            told.snapshots.iter().map(ToString::to_string).chain(file).collect();
        let shown = names.join(", ");
        ui.warn(&format!("the plan was made for another fleet; it is judged for `{shown}`"));
    }
    if plan.intent_sha256 != intent.digest {
        let shown = path.display();
        ui.warn(&format!("the plan was made for another intent; it is judged by `{shown}`"));
    }
    let rules = VersionRules::bundled();
    let judged = tidegate_checker::check(&told.fleet, &intent.value, plan, &rules);
    Ok((told.fleet, judged))
}

type Judged = std::result::Result<Checked, tidegate_checker::Violation>;

async fn check(
    ctx: &mut Context<'_>,
    path: &Path,
    inputs: &Inputs,
    format: &Output,
) -> Result<Exit> {
    let plan = read::plan(ctx.ui, path)?;
    let (_, judged) = judge(ctx, &plan, &inputs.fleet, &inputs.intent).await?;
    let text = match (format.format, &judged) {
        (Format::Json, _) => pretty(&verdict(&plan, &judged))?,
        (Format::Table, Ok(checked)) => {
            let Checked { updated, blocked, ends } = checked;
            let waves = ends.len();
            format!("safe: {updated} targets updated in {waves} waves, {blocked} blocked\n")
        }
        (Format::Table, Err(violation)) => format!("not safe: {violation}\n"),
    };
    ctx.ui.write(format.file.as_deref(), &text)?;
    Ok(if judged.is_ok() { Exit::Ok } else { Exit::Findings })
}

fn verdict(plan: &Plan, judged: &Judged) -> serde_json::Value {
    let schema = "tidegate.plan-check/v1";
    match judged {
        Ok(Checked { updated, blocked, ends }) => json!({
            "schema_version": schema, "plan": plan.id, "safe": true,
            "updated": updated, "blocked": blocked, "ends": ends,
        }),
        Err(tidegate_checker::Violation { invariant, wave, step, problem }) => json!({
            "schema_version": schema, "plan": plan.id, "safe": false,
            "violation": {
                "invariant": invariant.name(), "wave": wave, "step": step, "problem": problem,
            },
        }),
    }
}

async fn show(
    ctx: &mut Context<'_>,
    path: &Path,
    fleet: &args::PlanFleet,
    intent: Option<PathBuf>,
    formats: &[Output<PlanFormat>],
) -> Result<Exit> {
    if intent.is_none() && fleet.facts.is_some() {
        return Err(Failure::usage("a plan is checked for a fleet and an intent")
            .hint("name both: --facts FILE --intent FILE"));
    }
    let plan = read::plan(ctx.ui, path)?;
    let judged = match intent {
        Some(intent) => Some(judge(ctx, &plan, fleet, &intent).await?),
        None => None,
    };
    let (fleet, judgement) = match judged {
        None => (None, Judgement::NotChecked),
        Some((fleet, Ok(checked))) => (Some(fleet), Judgement::Safe(checked.ends)),
        Some((fleet, Err(violation))) => (Some(fleet), Judgement::Violated(violation.to_string())),
    };
    let report = PlanReport { plan: &plan, fleet: fleet.as_ref(), judgement: &judgement };
    render(ctx.ui, &report, formats)?;
    Ok(match judgement {
        Judgement::Violated(_) => Exit::Findings,
        Judgement::NotChecked | Judgement::Safe(_) => Exit::Ok,
    })
}

fn render(ui: &mut Ui, report: &PlanReport<'_>, formats: &[Output<PlanFormat>]) -> Result<()> {
    for Output { format, file } in formats {
        let file = file.as_deref();
        let color = ui.color && file.is_none();
        match format {
            PlanFormat::Json => {
                ui.write_with(file, &mut |out| {
                    serde_json::to_writer_pretty(&mut *out, report.plan)?;
                    out.write_all(b"\n")
                })?;
            }
            PlanFormat::Table => ui.write_with(file, &mut |out| plan_table(report, color, out))?,
            PlanFormat::Markdown => ui.write_with(file, &mut |out| plan_markdown(report, out))?,
            PlanFormat::Html => ui.write_with(file, &mut |out| plan_html(report, out))?,
            PlanFormat::Ansible => {
                let mut text = Vec::new();
                plan_ansible(report, &mut text).map_err(|e| ansible(&e))?;
                ui.write_with(file, &mut |out| out.write_all(&text))?;
            }
        }
    }
    Ok(())
}

fn ansible(error: &AnsibleError) -> Failure {
    let failure = Failure::new("cannot write the plan as an inventory").caused_by(Some(error));
    match error {
        AnsibleError::NotSafe => {
            failure.hint("type: tidegate plan show PLAN --facts FILE --intent FILE -f ansible")
        }
        AnsibleError::Name(_) | AnsibleError::Io(_) => failure,
    }
}

fn diff(ui: &mut Ui, before: &Path, after: &Path, format: &Output) -> Result<Exit> {
    let [before, after] = [read::plan(ui, before)?, read::plan(ui, after)?];
    let diff = plan_diff(&before, &after);
    let file = format.file.as_deref();
    match format.format {
        Format::Json => {
            let value = serde_json::to_value(&diff)
                .map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))?;
            ui.write(file, &pretty(&value)?)?;
        }
        Format::Table => ui.write_with(file, &mut |out| plan_diff_text(&diff, out))?,
    }
    Ok(Exit::Ok)
}

fn tell(ui: &mut Ui, plan: &Plan, fleet: Option<&Fleet>, host: &str) -> Result<Exit> {
    let Some(explanation) = explain(plan, fleet, host) else {
        return Err(Failure::usage(format!("plan `{}` knows no host or node `{host}`", plan.id))
            .hint("list targets: tidegate plan show PLAN"));
    };
    ui.write_with(None, &mut |out| explanation.write(out))?;
    Ok(Exit::Ok)
}
