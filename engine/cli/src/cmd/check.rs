//! `tidegate check`: judge snapshots that are in the store, and the part of
//! `scan` that judges and reports.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Instant;

use tidegate_gatekeeper::{Audit, Constraints, audit};
use tidegate_model::{
    Digest, Facts, FactsError, RuleId, RuleMeta, SnapshotId, SnapshotMeta, Subject,
};
use tidegate_policy::{Limits, Options, Others, evaluate};
use tidegate_report::SubjectReport;
use tidegate_store::{At, SnapshotReader, Store, StoreError};

use crate::args::{Check, Snapshots};
use crate::bundles::Resolved;
use crate::cmd::render::Run;
use crate::cmd::store::{failure, resolve};
use crate::cmd::{Context, render, waiver};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::rules::{Rules, System};

pub(crate) async fn run(ctx: &mut Context<'_>, args: Check) -> Result<Exit> {
    let rules = Rules::new(ctx.config.rules(&args.rules)?)?;
    let reporting = ctx.config.reporting(&args.reporting)?;
    render::one_place_each(&reporting)?;
    let waivers = waiver::read(&reporting.waivers.value)?;
    let (store, ids) = chosen(ctx, &args.snapshots).await?;
    let mut subjects = Vec::new();
    for id in ids {
        subjects.push(judge(&store, &id, &rules, args.fresh).await?.report);
    }
    let run = Run { rules: &rules, store: &store, waivers, duration: None, missed: false };
    render::finish(ctx, subjects, &reporting, run).await
}

/// Opens the store, and finds the snapshots that a command is about.
pub(crate) async fn chosen(
    ctx: &mut Context<'_>,
    args: &Snapshots,
) -> Result<(Store, Vec<SnapshotId>)> {
    let at = At::from_str(&args.at).map_err(|e| Failure::usage(e.to_string()))?;
    let store = ctx.store().await?;
    let ids = snapshots_of(ctx, &store, &args.cloud, &at).await?;
    Ok((store, ids))
}

/// The snapshots at a time of the clouds that `--cloud` or the configuration names.
pub(crate) async fn snapshots_of(
    ctx: &mut Context<'_>,
    store: &Store,
    clouds: &[String],
    at: &At,
) -> Result<Vec<SnapshotId>> {
    let mut ids = Vec::new();
    for subject in clouds_of(ctx, store, clouds, at).await? {
        ids.push(resolve(ctx, store, &subject, at).await?);
    }
    Ok(ids)
}

/// The clouds that `--cloud` or the configuration names; a snapshot's id needs no
/// configuration to name its own.
pub(crate) async fn clouds_of(
    ctx: &Context<'_>,
    store: &Store,
    named: &[String],
    at: &At,
) -> Result<Vec<Subject>> {
    let named = match at {
        At::Id(_) if named.is_empty() => Vec::new(),
        At::Id(_) | At::Latest { .. } | At::Time(_) => ctx.config.subjects(named),
    };
    subjects_of(store, &named, at).await
}

/// The subjects a reading command is about: those named, that of the snapshot
/// id, or all in the store.
pub(crate) async fn subjects_of(store: &Store, named: &[String], at: &At) -> Result<Vec<Subject>> {
    let known = store.subjects().await.map_err(failure)?;
    if let At::Id(id) = at {
        if named.iter().any(|name| name != id.subject.as_str()) {
            return Err(Failure::usage(format!("`{id}` is a snapshot of another cloud"))
                .hint("leave --cloud out, or name a time after --at"));
        }
        return Ok(vec![id.subject.clone()]);
    }
    if named.is_empty() {
        if known.is_empty() {
            return Err(Failure::usage("the store is empty")
                .hint("take a snapshot first: tidegate collect --cloud NAME"));
        }
        return Ok(known);
    }
    named
        .iter()
        .map(|name| {
            known.iter().find(|s| s.as_str() == name).cloned().ok_or_else(|| {
                let known: Vec<&str> = known.iter().map(Subject::as_str).collect();
                Failure::usage(format!("there is no cloud `{name}` in the store"))
                    .hint(format!("the store has: {}", known.join(", ")))
            })
        })
        .collect()
}

/// A judged snapshot.
pub(crate) struct Judged {
    pub(crate) report: SubjectReport,
    /// The evaluation as canonical JSON, for the record.
    pub(crate) record: Vec<u8>,
}

/// Judges one snapshot. Verdicts that cannot have changed since the last
/// judged snapshot are carried forward unless `fresh`.
pub(crate) async fn judge(
    store: &Store,
    id: &SnapshotId,
    rules: &Rules,
    fresh: bool,
) -> Result<Judged> {
    let rules = &of(store, id, rules).await?;
    let (at, subject) = (store.clone(), id.subject.clone());
    let prior = move |digest: &Digest| match fresh {
        true => None,
        false => at.carry(&subject, digest),
    };
    let Evaluated { meta, judged, constraints, carry } =
        evaluation(store, id, rules, prior).await?;
    // A look back must not cost the next night what it could have carried.
    let newest = store.resolve(&id.subject, &At::default()).await.map_err(failure)? == *id;
    if newest && rules.reference_time.is_none() {
        for (digest, blob) in &carry {
            store.set_carry(&id.subject, digest, blob);
        }
    }
    let record = serde_json::to_vec(&judged.evaluation)
        .map_err(|e| Failure::new("cannot write the evaluation").caused_by(Some(&e)))?;
    let evaluation = judged.evaluation;
    let scopes = rules.sum_up(&evaluation)?;
    let mut metas = constraints;
    metas.extend(rules.metas.clone());
    let report = SubjectReport::new(evaluation, &metas, &meta, scopes);
    Ok(Judged { report, record })
}

/// The rules for the system that a snapshot is of.
pub(crate) async fn of(store: &Store, id: &SnapshotId, rules: &Rules) -> Result<Arc<Resolved>> {
    let facts = store.snapshot(id).await.map_err(failure)?;
    rules.of(System::of(&facts.meta().coverage))
}

/// What the rules and constraints say of a snapshot.
pub(crate) struct Evaluated {
    pub(crate) meta: SnapshotMeta,
    pub(crate) judged: tidegate_policy::Judged,
    /// What readers need to know of Gatekeeper's constraints.
    constraints: BTreeMap<RuleId, RuleMeta>,
    /// For the next snapshot: of the rules, and of the constraints.
    carry: Vec<(Digest, Vec<u8>)>,
}

/// What the rules and constraints say of a snapshot, without what scopes make of
/// it. `prior` gives what was kept of an earlier one under a digest.
pub(crate) async fn evaluation(
    store: &Store,
    id: &SnapshotId,
    rules: &Arc<Resolved>,
    prior: impl Fn(&Digest) -> Option<Vec<u8>> + Send + 'static,
) -> Result<Evaluated> {
    let facts = store.snapshot(id).await.map_err(failure)?;
    let meta = facts.meta().clone();
    let others = match rules.rule_set.looks_across() {
        true => others(store, &meta).await?,
        false => Vec::new(),
    };
    let shared = Arc::clone(rules);
    let evaluated = tokio::task::spawn_blocking(move || {
        let reference_time = shared.reference_time.unwrap_or(facts.meta().taken_at);
        let digest = shared.rule_set.digest();
        let kept = prior(&digest);
        let options = Options {
            reference_time,
            limits: Limits::default(),
            prior: kept.as_deref(),
            only: shared.asked(reference_time),
            others: Others(others.iter().map(|o| o as &dyn Facts).collect()),
        };
        let started = Instant::now();
        let mut judged = evaluate(&shared.rule_set, &facts, &options)?;
        let mut carry = vec![(digest, std::mem::take(&mut judged.carry))];
        let mut constraints = BTreeMap::new();
        if let Some((digest, audit)) = audited(&shared, &facts, &prior)? {
            judged.evaluation.rules.extend(audit.outcomes);
            judged.evaluation.rule_set =
                Digest::of(&[digest.0, judged.evaluation.rule_set.0].concat());
            constraints = audit.metas;
            carry.push((digest, audit.carry));
        }
        let seconds = started.elapsed().as_secs_f64();
        let stats = judged.stats;
        tracing::info!(seconds, carried = stats.carried, read = stats.read, "judged");
        Ok(Evaluated { meta, judged, constraints, carry })
    })
    .await
    .map_err(|e| Failure::new(format!("judging `{id}` broke off")).caused_by(Some(&e)))?;
    evaluated.map_err(|e: FactsError| Failure::from_error(&e))
}

/// Judges with Gatekeeper's constraints: those of the folders named, and those
/// that stand in the snapshot; with their digest.
fn audited(
    rules: &Resolved,
    facts: &dyn Facts,
    prior: &dyn Fn(&Digest) -> Option<Vec<u8>>,
) -> std::result::Result<Option<(Digest, Audit)>, FactsError> {
    let mut constraints = rules.constraints.clone();
    constraints.extend(Constraints::from_cluster(facts)?);
    if constraints.is_empty() {
        return Ok(None);
    }
    let digest = constraints.digest();
    let audit = audit(&constraints, facts, prior(&digest).as_deref())?;
    Ok(Some((digest, audit)))
}

/// Of each other subject the newest snapshot that is not later than this one.
async fn others(store: &Store, here: &SnapshotMeta) -> Result<Vec<SnapshotReader>> {
    let mut out = Vec::new();
    for subject in store.subjects().await.map_err(failure)? {
        if subject == here.id.subject {
            continue;
        }
        match store.resolve(&subject, &At::Time(here.taken_at)).await {
            Ok(id) => out.push(store.snapshot(&id).await.map_err(failure)?),
            Err(StoreError::NoneBefore { .. }) => {}
            Err(e) => return Err(failure(e)),
        }
    }
    Ok(out)
}
