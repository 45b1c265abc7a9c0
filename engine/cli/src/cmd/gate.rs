//! `tidegate gate`: whether a wave of a plan may start now.

mod fresh;
mod gathered;
pub(crate) mod state;

use std::path::Path;

use jiff::SignedDuration;
use serde_json::json;
use tidegate_gate::{Event, Inputs, Judged, add_done, conditions, context, entities, wave_id};
use tidegate_model::gate::{Answer, Condition, ConditionName, ConditionState, GateDecision};
use tidegate_model::plan::{Plan, Wave};
use tidegate_model::versions::VersionRules;
use tidegate_policy::RuleSet;
use tidegate_policy::cedar::{Decision, PolicyInfo, Question};
use tidegate_report::{gate_junit, gate_markdown, gate_table};

pub(crate) use fresh::{Fresh, Unseen, read as fresh_facts};

use crate::args::WaveGate;
use crate::bundles;
use crate::cmd::Context;
use crate::cmd::plan::{fleet, read};
use crate::cmd::show::pretty;
use crate::env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{GateFormat, Output, Ui};

/// The bundle whose policies are asked, unless another one brings some.
const BUNDLE: &str = "upgrade-gate";

pub(crate) async fn run(ctx: &mut Context<'_>, args: WaveGate) -> Result<Exit> {
    let plan = read::plan(ctx.ui, &args.plan)?;
    let wave = wave_of(&plan, args.wave, &args.plan)?;
    let intent = read::intent(&args.intent)?;
    let policies = policies(&args.bundle)?;
    let user = || ctx.env.var("USER").map(str::to_owned);
    let principal = args.principal.clone().or_else(user).ok_or_else(|| {
        Failure::usage("it is not known who wants to start the wave").hint("name them: --as NAME")
    })?;
    let store = fleet::store(ctx).await?;
    let chains = state::Chains::of(&store, &plan)?;
    let history = chains.history().await?;
    let rules = VersionRules::bundled();
    let fresh = fresh::read(ctx, &store, &plan, &args.fleet, &policies).await?;
    let mut decision = GateDecision {
        schema: GateDecision::SCHEMA.to_owned(),
        plan: plan.id.clone(),
        wave: wave.n,
        principal,
        roles: args.role.clone(),
        at: env::now(),
        valid_until: None,
        answer: Answer::Undecided,
        snapshots: Vec::new(),
        conditions: Vec::new(),
        drift: Vec::new(),
    };
    match fresh {
        Err(Unseen(failure)) => {
            decision.conditions = vec![Condition {
                name: ConditionName::Facts,
                state: ConditionState::Unknown,
                text: failure.to_line(),
                numbers: [].into(),
            }];
        }
        Ok(Fresh { mut told, rules: blocking }) => {
            add_done(&history.done, &mut told.fleet).map_err(|c| state::contradiction(&c))?;
            decision.snapshots.clone_from(&told.snapshots);
            let inputs = Inputs {
                plan: &plan,
                wave,
                intent: (&intent.value, intent.digest),
                rules: &rules,
                fleet: &told.fleet,
                history: &history,
                now: decision.at,
                max_age: SignedDuration::from_secs(i64::from(args.max_age)),
            };
            let judged = conditions(&inputs);
            let policy = ask(&policies, &inputs, &judged, &blocking, &decision);
            let Judged { conditions, drift, valid_until } = judged;
            decision.conditions = conditions;
            decision.conditions.extend([blocking, policy]);
            decision.drift = drift;
            decision.valid_until = valid_until;
        }
    }
    decision.answer = GateDecision::answer_of(&decision.conditions);
    if decision.answer == Answer::Open {
        start(&chains, &plan, &mut decision).await?;
    }
    if decision.answer != Answer::Open {
        decision.valid_until = None;
    }
    let payload = serde_json::to_vec(&decision)
        .map_err(|e| Failure::new("cannot write the decision").caused_by(Some(&e)))?;
    chains.write("gate", &payload).await?;
    render(ctx.ui, &decision, &args.format)?;
    Ok(match decision.answer {
        Answer::Open => Exit::Ok,
        Answer::Denied => Exit::Findings,
        Answer::Undecided => Exit::Undecided,
    })
}

pub(crate) fn wave_of<'p>(plan: &'p Plan, n: u32, path: &Path) -> Result<&'p Wave> {
    plan.waves.iter().find(|w| w.n == n).ok_or_else(|| {
        let (shown, count) = (path.display(), plan.waves.len());
        Failure::usage(format!("the plan `{shown}` has no wave {n}"))
            .hint(format!("it has {count} waves: tidegate plan show {shown}"))
    })
}

/// The bundles named, and the built-in gate policies if none of them has any.
fn policies(named: &[String]) -> Result<RuleSet> {
    let set = bundles::rule_set(named.iter().map(String::as_str))?;
    if set.authorizer().is_some() {
        return Ok(set);
    }
    bundles::rule_set(named.iter().map(String::as_str).chain([BUNDLE]))
}

/// Asks the gate policies.
fn ask(
    policies: &RuleSet,
    inputs: &Inputs<'_>,
    judged: &Judged,
    blocking: &Condition,
    decision: &GateDecision,
) -> Condition {
    let of = |state, text: String, by: &[String]| Condition {
        name: ConditionName::Policy,
        state,
        text,
        numbers: [("by".to_owned(), json!(by))].into(),
    };
    let Some(authorizer) = policies.authorizer() else {
        return of(ConditionState::Unknown, "there is no gate policy".to_owned(), &[]);
    };
    let quoted = |kind: &str, id: &str| format!("{kind}::{}", json!(id));
    let answer = authorizer.ask(&Question {
        principal: &quoted("Principal", &decision.principal),
        action: "Action::\"startWave\"",
        resource: &quoted("Wave", &wave_id(inputs.plan, inputs.wave)),
        context: &context(inputs, judged, blocking),
        entities: &entities(inputs, &decision.principal, &decision.roles),
    });
    let ids = |by: &[PolicyInfo]| -> Vec<String> { by.iter().map(|p| p.id.clone()).collect() };
    // What is forbidden because something is not known is not known to be forbidden.
    let all = judged.conditions.iter().chain([blocking]);
    let denied = match all.map(|c| c.state).any(|s| s == ConditionState::Unknown) {
        true => ConditionState::Unknown,
        false => ConditionState::Fails,
    };
    match answer {
        Decision::Allow { by } => {
            of(ConditionState::Holds, "the policies permit it".to_owned(), &ids(&by))
        }
        Decision::Deny { by } if by.is_empty() => {
            of(denied, "no policy permits it".to_owned(), &[])
        }
        Decision::Deny { by } => of(denied, "a policy forbids it".to_owned(), &ids(&by)),
        Decision::Error { errors } => of(ConditionState::Unknown, errors.join("; "), &[]),
    }
}

/// Notes that the plan is under way. Of two plans that are started at once the one
/// whose record stands first is; the gate of the other closes again.
async fn start(chains: &state::Chains<'_>, plan: &Plan, decision: &mut GateDecision) -> Result<()> {
    let facts_at = decision.at;
    let other = chains.start(&Event::Started { plan: plan.id.clone(), facts_at }).await?;
    let Some(other) = other else { return Ok(()) };
    for condition in &mut decision.conditions {
        if condition.name == ConditionName::Sequence {
            condition.state = ConditionState::Fails;
            condition.text = format!("plan `{other}` was started at the same time");
        }
    }
    decision.answer = Answer::Denied;
    Ok(())
}

fn render(ui: &mut Ui, decision: &GateDecision, formats: &[Output<GateFormat>]) -> Result<()> {
    for Output { format, file } in formats {
        let file = file.as_deref();
        match format {
            GateFormat::Table => ui.write_with(file, &mut |out| gate_table(decision, out))?,
            GateFormat::Junit => ui.write_with(file, &mut |out| gate_junit(decision, out))?,
            GateFormat::Markdown => ui.write_with(file, &mut |out| gate_markdown(decision, out))?,
            GateFormat::Json => ui.write(file, &pretty(&json!(decision))?)?,
        }
    }
    Ok(())
}
