//! `tidegate snapshot history`: every version of one resource, and what rules
//! said of each.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::str::FromStr as _;

use tidegate_model::{ChangeOp, Evaluation, Kind, ResourceKey, SnapshotId, Subject, Verdict};
use tidegate_report::{
    DiffKind, DiffPoint, DiffTextOptions, History, HistoryVerdict, HistoryVersion, history_text,
};
use tidegate_store::{At, Content, Moment, Selection, SnapshotReader, Store, Version};

use crate::args::HistoryOf;
use crate::cmd::show::{one_subject, pretty};
use crate::cmd::store::{failure, resolve};
use crate::cmd::{Context, baseline};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Format;

/// All snapshots up to the one that is read.
const EVER: RangeInclusive<u64> = 1..=u64::MAX;
/// More candidates than this help nobody to choose.
const LISTED: usize = 20;

pub(crate) async fn run(ctx: &mut Context<'_>, args: HistoryOf) -> Result<Exit> {
    let at = At::from_str(&args.at).map_err(|e| Failure::usage(e.to_string()))?;
    let kind = args.kind.as_deref().map(Kind::new).transpose();
    let kind = kind.map_err(|e| Failure::usage(e.to_string()))?;
    if let Some(field) = &args.field
        && !field.starts_with('/')
    {
        return Err(Failure::usage(format!("`{field}` is no JSON Pointer"))
            .hint(format!("begin it with a slash: --field /{field}")));
    }
    let store = ctx.store().await?;
    let subject = one_subject(ctx, &store, args.cloud.as_deref(), &[&at]).await?;
    let id = resolve(ctx, &store, &subject, &at).await?;
    let snapshot = store.snapshot(&id).await.map_err(failure)?;
    let key = key(&snapshot, &args.resource, kind)?;
    let chosen = Selection::Keys([key.clone()].into());
    let versions = snapshot.versions(chosen, Content::Bodies, EVER);
    let versions = versions.collect::<std::result::Result<Vec<_>, _>>().map_err(failure)?;
    let name = versions.iter().rev().find_map(|v| v.placed.as_ref()?.name.clone());
    let said = said(&store, &id, &key).await?;
    let versions: Result<Vec<_>> =
        versions.into_iter().map(|v| version(&subject, v, &said)).collect();
    let name = name.map(|n| n.as_ref().to_owned());
    let history = History::new(key, name, args.field, versions?);
    let output = &args.format;
    match output.format {
        Format::Json => {
            let value = serde_json::to_value(&history)
                .map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))?;
            ctx.ui.write(output.file.as_deref(), &pretty(&value)?)?;
        }
        Format::Table => {
            let color = ctx.ui.color && output.file.is_none();
            let options = DiffTextOptions { color, ..DiffTextOptions::default() };
            ctx.ui.write_with(output.file.as_deref(), &mut |out| {
                history_text(&history, options, out)
            })?;
        }
    }
    Ok(Exit::Ok)
}

/// The resource that is meant by a key, an id or a name that it has or had.
pub(crate) fn key(
    snapshot: &SnapshotReader,
    wanted: &str,
    kind: Option<Kind>,
) -> Result<ResourceKey> {
    if let Ok(key) = ResourceKey::new(wanted) {
        let mut found =
            snapshot.versions(Selection::Keys([key.clone()].into()), Content::Times, EVER);
        if found.next().transpose().map_err(failure)?.is_some() {
            return Ok(key);
        }
    }
    let selection = kind.map_or(Selection::All, |kind| Selection::Kinds([kind].into()));
    let mut found: BTreeMap<ResourceKey, Option<String>> = BTreeMap::new();
    for version in snapshot.versions(selection, Content::Places, EVER) {
        let version = version.map_err(failure)?;
        let name = version.placed.as_ref().and_then(|p| p.name.as_deref());
        if name == Some(wanted) || version.key.id() == wanted {
            let name = name.map(str::to_owned);
            found.entry(version.key).and_modify(|n| *n = name.clone()).or_insert(name);
        }
    }
    let id = tidegate_model::Facts::meta(snapshot).id.clone();
    match found.len() {
        0 => Err(Failure::usage(format!(
            "up to `{id}` no resource has or had the key, id or name `{wanted}`"
        ))
        .hint("list resources: tidegate snapshot show KIND")),
        1 => found.into_keys().next().ok_or_else(|| Failure::new("the resource is gone")),
        count => {
            let mut keys: Vec<&str> = found.keys().map(|k| k.as_str()).take(LISTED).collect();
            if count > LISTED {
                keys.push("…");
            }
            Err(Failure::usage(format!("`{wanted}` names {count} resources"))
                .hint(format!("name one by its key: {}", keys.join(", "))))
        }
    }
}

/// What evaluations recorded of a resource up to a snapshot, by snapshot and in
/// the order in which they were recorded.
async fn said(
    store: &Store,
    until: &SnapshotId,
    key: &ResourceKey,
) -> Result<BTreeMap<u64, Vec<HistoryVerdict>>> {
    let mut said: BTreeMap<u64, Vec<HistoryVerdict>> = BTreeMap::new();
    for record in store.records(&until.subject).await.map_err(failure)? {
        if record.kind != "evaluation" {
            continue;
        }
        let Some(evaluation) = baseline::payload(store, &record).await? else { continue };
        let seq = evaluation.snapshot.seq;
        if seq <= until.seq {
            said.entry(seq).or_default().push(verdict(evaluation, key));
        }
    }
    Ok(said)
}

fn verdict(evaluation: Evaluation, key: &ResourceKey) -> HistoryVerdict {
    let (mut fail, mut not_judged) = (BTreeSet::new(), BTreeSet::new());
    for (rule, outcome) in evaluation.rules {
        for finding in outcome.findings.iter().filter(|f| f.resource.as_ref() == Some(key)) {
            match finding.verdict {
                Verdict::Fail => fail.insert(rule.clone()),
                Verdict::Abort | Verdict::Missing => not_judged.insert(rule.clone()),
                Verdict::Pass => false,
            };
        }
    }
    HistoryVerdict {
        snapshot: evaluation.snapshot,
        fail: fail.into_iter().collect(),
        not_judged: not_judged.into_iter().collect(),
    }
}

fn version(
    subject: &Subject,
    version: Version,
    said: &BTreeMap<u64, Vec<HistoryVerdict>>,
) -> Result<HistoryVersion> {
    let point = |m: Moment| DiffPoint {
        snapshot: SnapshotId { subject: subject.clone(), seq: m.seq },
        taken_at: m.taken_at,
    };
    let change = match version.op {
        ChangeOp::Put if version.created => DiffKind::Created,
        ChangeOp::Put => DiffKind::Changed,
        ChangeOp::Remove => DiffKind::Removed,
        ChangeOp::Unseen => DiffKind::Unseen,
        ChangeOp::Seen => DiffKind::Seen,
    };
    let body = version.placed.as_ref().and_then(|p| p.body.as_deref());
    let value = body.map(serde_json::from_str).transpose().map_err(|e| {
        Failure::new(format!("cannot read the body of `{}`", version.key)).caused_by(Some(&e))
    })?;
    let end = version.until.map_or(u64::MAX, |u| u.at.seq);
    let mut verdicts: Vec<HistoryVerdict> = Vec::new();
    if change != DiffKind::Removed {
        for one in said.range(version.from.seq..end).flat_map(|(_, all)| all) {
            let same = |v: &HistoryVerdict| v.fail == one.fail && v.not_judged == one.not_judged;
            if !verdicts.last().is_some_and(same) {
                verdicts.push(one.clone());
            }
        }
    }
    Ok(HistoryVersion {
        change,
        from: point(version.from),
        until: version.until.map(|u| point(u.at)),
        unseen_since: version.unseen_since,
        operations: Vec::new(),
        value,
        verdicts,
    })
}
