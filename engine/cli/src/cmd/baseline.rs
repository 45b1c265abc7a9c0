//! What earlier runs found: for `--baseline`, and for the trend of a report.

use std::path::Path;
use std::str::FromStr as _;

use tidegate_model::{Evaluation, SnapshotId, SnapshotMeta};
use tidegate_report::{Baseline, SubjectReport, TrendPoint};
use tidegate_store::{At, Record, Store};

use crate::cmd::check;
use crate::cmd::render::Run;
use crate::cmd::store::failure;
use crate::failure::{Failure, Result};
use crate::rules::{Rules, System};

/// Reads the baseline: a JSON report, or for each cloud of the report an earlier
/// snapshot. That is judged with the rules of today, and compared with what was
/// said of it then.
pub(crate) async fn read(
    text: &str,
    store: &Store,
    subjects: &[SubjectReport],
    rules: &Rules,
) -> Result<Baseline> {
    let path = Path::new(text);
    if path.is_file() {
        let raw = std::fs::read_to_string(path)
            .map_err(|e| Failure::new(format!("cannot read baseline `{text}`: {e}")))?;
        return Baseline::from_json(text, &raw).map_err(|e| {
            Failure::new(format!("cannot use baseline `{text}`"))
                .caused_by(Some(&e))
                .hint("make one with: tidegate scan -f json=FILE")
        });
    }
    let at = At::from_str(text).map_err(|e| {
        Failure::usage(format!("baseline `{text}` is no file and no snapshot: {e}"))
    })?;
    let mut baseline = Baseline::new(text);
    let mut names = Vec::new();
    for subject in subjects {
        if let At::Id(id) = &at
            && id.subject != subject.snapshot.subject
        {
            continue;
        }
        let id = store.resolve(&subject.snapshot.subject, &at).await.map_err(failure)?;
        if id.seq >= subject.snapshot.seq {
            let judged = &subject.snapshot;
            return Err(Failure::usage(format!(
                "baseline `{text}` is `{id}`, which is not before `{judged}`"
            ))
            .hint("name an earlier snapshot, such as latest~1"));
        }
        names.push(id.to_string());
        let rules = rules.of(System::of(&subject.coverage))?;
        let (_, judged) = check::evaluation(store, &id, &rules, None).await?;
        let mut then = recorded(store, &id).await?.map(|(_, evaluation)| evaluation);
        // What was asked then and is not now is neither known nor resolved.
        if let (Some(then), Some(asked)) = (&mut then, rules.asked(subject.reference_time)) {
            then.rules.retain(|rule, _| asked.contains(rule));
        }
        baseline.add(then.as_ref(), &judged.evaluation);
    }
    baseline.name = names.join(", ");
    Ok(baseline)
}

/// More nights than a chart can show apart.
const NIGHTS: usize = 60;

/// How a cloud did on earlier nights, as judged then, newest first; waivers are
/// those of today.
pub(crate) async fn history(subject: &SubjectReport, run: &Run<'_>) -> Result<Vec<TrendPoint>> {
    let (store, rules) = (run.store, run.rules.of(System::of(&subject.coverage))?);
    let mut points: Vec<TrendPoint> = Vec::new();
    let records = store.records(&subject.snapshot.subject).await.map_err(failure)?;
    for record in records.iter().rev().filter(|r| r.kind == "evaluation") {
        if points.len() == NIGHTS {
            break;
        }
        let Some(mut evaluation) = payload(store, record).await? else { continue };
        if points.last().is_some_and(|p| p.snapshot == evaluation.snapshot) {
            continue;
        }
        if let Some(asked) = rules.asked(evaluation.reference_time) {
            evaluation.rules.retain(|rule, _| asked.contains(rule));
        }
        let meta = SnapshotMeta {
            id: evaluation.snapshot.clone(),
            taken_at: evaluation.taken_at,
            coverage: Vec::new(),
        };
        let mut report = SubjectReport::new(evaluation, &rules.metas, &meta, Vec::new());
        run.waivers.apply(&mut report);
        points.push(TrendPoint::from(&report));
    }
    Ok(points)
}

/// The evaluation that a record holds; none if its payload was erased.
pub(crate) async fn payload(store: &Store, record: &Record) -> Result<Option<Evaluation>> {
    let Some(payload) = store.payload(record).await.map_err(failure)? else { return Ok(None) };
    serde_json::from_slice(&payload).map(Some).map_err(|e| {
        Failure::new(format!("record {} of `{}` is no evaluation", record.n, record.subject))
            .caused_by(Some(&e))
    })
}

/// The newest evaluation of a snapshot that was recorded when it was judged, and
/// its record.
pub(crate) async fn recorded(
    store: &Store,
    id: &SnapshotId,
) -> Result<Option<(Record, Evaluation)>> {
    let records = store.records(&id.subject).await.map_err(failure)?;
    for record in records.into_iter().rev().filter(|r| r.kind == "evaluation") {
        let Some(evaluation) = payload(store, &record).await? else { continue };
        if evaluation.snapshot == *id {
            return Ok(Some((record, evaluation)));
        }
        if evaluation.snapshot.seq < id.seq {
            break;
        }
    }
    Ok(None)
}
