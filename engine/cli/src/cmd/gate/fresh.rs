//! The facts that a gate judges by: read just now, unless a file or a snapshot is
//! named.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use tidegate_fleet::{ExtractError, KINDS};
use tidegate_model::gate::{Condition, ConditionName, ConditionState};
use tidegate_model::{Facts, FactsError, Kind, Plan, RuleId, Severity, SnapshotId, Verdict};
use tidegate_policy::{Options, RuleSet, evaluate};
use tidegate_store::Store;

use super::gathered::Gathered;
use crate::args::{PlanFleet, Sources, Targets};
use crate::cmd::Context;
use crate::cmd::plan::fleet::{self, Told};
use crate::cmd::targets;
use crate::failure::{Failure, Result};
use crate::rules::System;

/// A fleet as it is now, and what the blocking rules say of it.
pub(crate) struct Fresh {
    pub(crate) told: Told,
    pub(crate) rules: Condition,
}

/// What the fleet rests on was not seen; says what.
pub(crate) struct Unseen(pub(crate) Failure);

type Source = Box<dyn Facts + Send>;

/// Reads the fleet of a plan. Rules are judged on the same facts; a fleet from a file
/// has no resources to judge.
pub(crate) async fn read(
    ctx: &mut Context<'_>,
    store: &Store,
    plan: &Plan,
    args: &PlanFleet,
    policies: &RuleSet,
) -> Result<std::result::Result<Fresh, Unseen>> {
    fleet::with_its_file(plan, args)?;
    let sources: Vec<Source> = if args.at.is_some() {
        let mut readers: Vec<Source> = Vec::new();
        let of_plan = PlanFleet { cloud: subjects(plan, args), ..args.clone() };
        for id in fleet::ids(ctx, store, &of_plan).await? {
            readers.push(Box::new(fleet::reader(store, &id).await?));
        }
        readers
    } else if plan.snapshots.is_empty() && args.cloud.is_empty() {
        let told = fleet::told(ctx, args).await?;
        return Ok(Ok(Fresh { told, rules: judge(policies, &[])? }));
    } else {
        live(ctx, plan, args, policies).await?
    };
    let read = |s: &&SnapshotId| sources.iter().any(|r| r.meta().id.subject == s.subject);
    if let Some(left_out) = plan.snapshots.iter().find(|s| !read(s)) {
        let subject = &left_out.subject;
        return Ok(Err(Unseen(Failure::undecided(format!(
            "the plan rests on `{subject}`, too, which was not read"
        )))));
    }
    let sources: Arc<Vec<Source>> = Arc::new(sources);
    let shared = Arc::clone(&sources);
    let extracted = tokio::task::spawn_blocking(move || {
        let facts: Vec<&dyn Facts> = shared.iter().map(|s| s.as_ref() as &dyn Facts).collect();
        tidegate_fleet::extract(&facts)
    })
    .await
    .map_err(|e| Failure::new("reading the fleet broke off").caused_by(Some(&e)))?;
    let mut extracted = match extracted {
        Ok(extracted) => extracted,
        Err(gaps @ ExtractError::Gaps(_)) => return Ok(Err(Unseen(fleet::undecided(gaps)))),
        Err(e) => return Err(Failure::from_error(&e)),
    };
    // What was read just now is no snapshot of the store.
    extracted.snapshots.retain(|id| id.seq > 0);
    let rules = judge(policies, &sources)?;
    let told = fleet::with_file(ctx, extracted, args.facts.as_deref())?;
    if !told.dated {
        return Ok(Err(Unseen(Failure::undecided(
            "the file with facts does not say how old they are: give it `taken_at`",
        ))));
    }
    Ok(Ok(Fresh { told, rules }))
}

/// The clouds and clusters that a plan is about, unless others are named.
fn subjects(plan: &Plan, args: &PlanFleet) -> Vec<String> {
    match args.cloud.is_empty() {
        true => plan.snapshots.iter().map(|s| s.subject.to_string()).collect(),
        false => args.cloud.clone(),
    }
}

/// Collects what the fleet and the rules rest on.
async fn live(
    ctx: &mut Context<'_>,
    plan: &Plan,
    args: &PlanFleet,
    policies: &RuleSet,
) -> Result<Vec<Source>> {
    let targets = Targets { cloud: subjects(plan, args), ..Targets::default() };
    let reached = targets::reach(ctx, &targets, &Sources::default()).await?;
    if reached.missed {
        return Err(Failure::new("not all that the plan is about could be signed in to"));
    }
    let wanted = KINDS.iter().filter_map(|k| Kind::new(k).ok());
    let mut kinds = policies.kinds();
    kinds.extend(tidegate_derive::collected(wanted));
    let mut sources: Vec<Source> = Vec::new();
    for target in &reached.reached {
        sources.push(Box::new(Gathered::read(ctx, target, &kinds).await?));
    }
    Ok(sources)
}

/// The blocking rules, those of severity high and critical, on all sources: each on
/// those of its system. One for which there is no source could not be judged.
fn judge(policies: &RuleSet, sources: &[Source]) -> Result<Condition> {
    let (mut passed, mut failed, mut undecided) = (0, Vec::new(), Vec::new());
    let blocking = || policies.rules().filter(|r| r.severity >= Severity::High);
    let mut nowhere: BTreeSet<RuleId> = blocking().map(|r| r.id.clone()).collect();
    for source in sources {
        let system = System::of(&source.meta().coverage);
        let of_it = |r: &&tidegate_model::RuleMeta| {
            r.kinds.iter().all(|k| System::of_kind(k).is_none_or(|s| s == system))
        };
        let only: BTreeSet<RuleId> = blocking().filter(of_it).map(|r| r.id.clone()).collect();
        if only.is_empty() {
            continue;
        }
        nowhere.retain(|rule| !only.contains(rule));
        let meta = source.meta();
        let options = Options { only: Some(only), ..Options::fresh(meta.taken_at) };
        let judged = evaluate(policies, source.as_ref(), &options)
            .map_err(|e: FactsError| Failure::from_error(&e))?;
        for (rule, outcome) in &judged.evaluation.rules {
            match outcome.verdict {
                Verdict::Pass => passed += 1,
                Verdict::Fail => failed.push(rule.to_string()),
                Verdict::Abort | Verdict::Missing => undecided.push(rule.to_string()),
            }
        }
    }
    undecided.extend(nowhere.iter().map(ToString::to_string));
    let counts = [passed, failed.len(), undecided.len()];
    Ok(match (failed.as_slice(), undecided.as_slice()) {
        ([], []) => rules(ConditionState::Holds, "all blocking rules pass".to_owned(), counts),
        ([], some) => rules(
            ConditionState::Unknown,
            format!("could not be judged: {}", some.join(", ")),
            counts,
        ),
        (some, _) => rules(ConditionState::Fails, format!("broken: {}", some.join(", ")), counts),
    })
}

fn rules(
    state: ConditionState,
    text: String,
    [passed, failed, undecided]: [usize; 3],
) -> Condition {
    let numbers = [("pass", passed), ("fail", failed), ("undecided", undecided)];
    let numbers = numbers.into_iter().map(|(k, v)| (k.to_owned(), json!(v))).collect();
    Condition { name: ConditionName::Rules, state, text, numbers }
}
