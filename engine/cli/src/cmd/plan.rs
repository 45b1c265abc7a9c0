//! `tidegate plan`: makes plans of rolling updates, judges them, shows and
//! compares them.

mod read;
mod simulate;

use std::path::Path;

use serde_json::json;
use tidegate_checker::Checked;
use tidegate_model::plan::DeadlineStatus;
use tidegate_model::versions::VersionRules;
use tidegate_model::{Fleet, Plan};
use tidegate_planner::{Origin, PlanError};
use tidegate_report::{
    AnsibleError, Judgement, PlanReport, explain, plan_ansible, plan_diff, plan_diff_text,
    plan_html, plan_markdown, plan_table,
};

use crate::args::{self, Inputs, PlanCommand};
use crate::cmd::Context;
use crate::cmd::show::pretty;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output, PlanFormat, Ui};
use simulate::Wanted;

pub(crate) fn run(ctx: &mut Context<'_>, args: args::Plan) -> Result<Exit> {
    let ui = &mut *ctx.ui;
    match (args.command, args.facts, args.intent) {
        (Some(PlanCommand::Check { plan, inputs, format }), _, _) => {
            check(ui, &plan, &inputs, &format)
        }
        (Some(PlanCommand::Simulate { plan, inputs, fail, fail_any, format }), _, _) => {
            let wanted = if fail_any { Wanted::Any } else { Wanted::These(fail) };
            simulate::run(ui, &plan, &inputs, &wanted, &format)
        }
        (Some(PlanCommand::Show { plan, facts, intent, format }), _, _) => {
            let inputs = facts.zip(intent).map(|(facts, intent)| Inputs { facts, intent });
            show(ui, &plan, inputs.as_ref(), &format)
        }
        (Some(PlanCommand::Diff { before, after, format }), _, _) => {
            diff(ui, &before, &after, &format)
        }
        (Some(PlanCommand::Explain { host, plan, facts }), _, _) => {
            let plan = read::plan(ui, &plan)?;
            let fleet = facts.map(|path| read::facts(ui, &path)).transpose()?;
            tell(ui, &plan, fleet.as_ref().map(|f| &f.value), &host)
        }
        (None, Some(facts), Some(intent)) => make(ui, &Inputs { facts, intent }, &args.format),
        (None, _, _) => Err(Failure::usage("a plan needs facts and an intent")
            .hint("type: tidegate plan --facts FILE --intent FILE")),
    }
}

/// Makes a plan. It is checked before anybody sees it.
fn make(ui: &mut Ui, inputs: &Inputs, formats: &[Output<PlanFormat>]) -> Result<Exit> {
    let fleet = read::facts(ui, &inputs.facts)?;
    let intent = read::intent(&inputs.intent)?;
    let rules = VersionRules::bundled();
    let origin = Origin {
        snapshots: Vec::new(),
        fleet_sha256: Some(fleet.digest),
        intent_sha256: intent.digest,
        policy_digest: None,
        parent: None,
    };
    let (fleet, intent) = (fleet.value, intent.value);
    let plan = tidegate_planner::plan(&fleet, &intent, &rules, &origin).map_err(|e| match e {
        PlanError::Intent(problem) => {
            let shown = inputs.intent.display();
            Failure::new(format!("the intent `{shown}` cannot be followed: {problem}"))
        }
        PlanError::Fleet(_) | PlanError::Window(_) => Failure::from_error(&e),
    })?;
    let checked = tidegate_checker::check(&fleet, &intent, &plan, &rules).map_err(|violation| {
        Failure::new("the plan that was made is not safe, and is not shown")
            .also(violation.to_string())
            .hint("this is a fault of tidegate: report it together with both files")
    })?;
    let judgement = Judgement::Safe(checked.ends);
    let report = PlanReport { plan: &plan, fleet: Some(&fleet), judgement: &judgement };
    render(ui, &report, formats)?;
    Ok(exit(&plan))
}

/// Whether everything that is wanted is done, and in time.
fn exit(plan: &Plan) -> Exit {
    let late = plan.deadlines.iter().any(|d| d.status != DeadlineStatus::Met);
    if late || !plan.blocked.is_empty() { Exit::Undecided } else { Exit::Ok }
}

fn judge(ui: &mut Ui, plan: &Plan, inputs: &Inputs) -> Result<(Fleet, Judged)> {
    let fleet = read::facts(ui, &inputs.facts)?;
    let intent = read::intent(&inputs.intent)?;
    if plan.fleet_sha256.is_some_and(|digest| digest != fleet.digest) {
        let shown = inputs.facts.display();
        ui.warn(&format!("the plan was made for another fleet; it is judged for `{shown}`"));
    }
    if plan.intent_sha256 != intent.digest {
        let shown = inputs.intent.display();
        ui.warn(&format!("the plan was made for another intent; it is judged by `{shown}`"));
    }
    let rules = VersionRules::bundled();
    let judged = tidegate_checker::check(&fleet.value, &intent.value, plan, &rules);
    Ok((fleet.value, judged))
}

type Judged = std::result::Result<Checked, tidegate_checker::Violation>;

fn check(ui: &mut Ui, path: &Path, inputs: &Inputs, format: &Output) -> Result<Exit> {
    let plan = read::plan(ui, path)?;
    let (_, judged) = judge(ui, &plan, inputs)?;
    let text = match (format.format, &judged) {
        (Format::Json, _) => pretty(&verdict(&plan, &judged))?,
        (Format::Table, Ok(checked)) => {
            let Checked { updated, blocked, ends } = checked;
            let waves = ends.len();
            format!("safe: {updated} targets updated in {waves} waves, {blocked} blocked\n")
        }
        (Format::Table, Err(violation)) => format!("not safe: {violation}\n"),
    };
    ui.write(format.file.as_deref(), &text)?;
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

fn show(
    ui: &mut Ui,
    path: &Path,
    inputs: Option<&Inputs>,
    formats: &[Output<PlanFormat>],
) -> Result<Exit> {
    let plan = read::plan(ui, path)?;
    let judged = inputs.map(|inputs| judge(ui, &plan, inputs)).transpose()?;
    let (fleet, judgement) = match judged {
        None => (None, Judgement::NotChecked),
        Some((fleet, Ok(checked))) => (Some(fleet), Judgement::Safe(checked.ends)),
        Some((fleet, Err(violation))) => (Some(fleet), Judgement::Violated(violation.to_string())),
    };
    let report = PlanReport { plan: &plan, fleet: fleet.as_ref(), judgement: &judgement };
    render(ui, &report, formats)?;
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
