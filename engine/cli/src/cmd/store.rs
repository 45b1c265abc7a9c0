//! `tidegate store`: look after the store itself.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tidegate_model::{SnapshotId, Subject};
use tidegate_store::{
    At, Bucket, Compacted, Erased, Pruned, Retention, Stats, Store as Opened, StoreError, Upkeep,
};

use crate::args::{self, Store};
use crate::cmd::Context;
use crate::cmd::check::clouds_of;
use crate::env::{self, Env};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output, columns};

/// How long superseded segments stay. Commands that read take minutes at most;
/// engines that read the bucket by themselves may take hours.
const GRACE: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn run(ctx: &mut Context<'_>, args: &Store) -> Result<Exit> {
    match args {
        Store::Stats { format } => stats(ctx, format).await,
        Store::Compact(args) => compact(ctx, args).await,
        Store::Prune { keep, upkeep } => prune(ctx, keep.as_ref(), upkeep).await,
        Store::Erase { project, yes: _, upkeep } => erase(ctx, project, upkeep).await,
        Store::Reindex => reindex(ctx).await,
    }
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    All,
    /// For records alone, so that others may collect meanwhile.
    Records,
}

/// Opens a folder, or the bucket of an `s3://` address.
pub(crate) async fn open_at(env: &Env, path: &Path, what: For) -> Result<Opened> {
    let store = match path.to_str().filter(|text| is_address(text)) {
        Some(url) => {
            let bucket = Bucket::new(url, &env.cache()?, &env.vars).map_err(failure)?;
            Opened::open_bucket(bucket).await
        }
        None if what == For::Records => Opened::open_for_records(path).await,
        None => Opened::open(path).await,
    };
    store.map_err(failure)
}

/// Whether a store is named by an address rather than a folder.
pub(crate) fn is_address(text: &str) -> bool {
    text.starts_with("s3://")
}

async fn reindex(ctx: &mut Context<'_>) -> Result<Exit> {
    let store = ctx.store().await?;
    let report = store.reindex().await.map_err(failure)?;
    let mut text = String::new();
    for (subject, snapshots) in &report.snapshots {
        text.push_str(&format!("{subject}: {snapshots} snapshots\n"));
    }
    for problem in &report.problems {
        ctx.ui.warn(problem);
    }
    ctx.ui.write(None, &text)?;
    Ok(if report.problems.is_empty() { Exit::Ok } else { Exit::Failed })
}

async fn stats(ctx: &mut Context<'_>, output: &Output) -> Result<Exit> {
    let store = ctx.store().await?;
    let stats = store.stats().await.map_err(failure)?;
    let text = match output.format {
        Format::Json => document("tidegate.store-stats/v1", &json!(stats))?,
        Format::Table => table(&stats),
    };
    ctx.ui.write(output.file.as_deref(), &text)?;
    Ok(Exit::Ok)
}

/// One column for each cloud.
fn table(stats: &Stats) -> String {
    type Pick = fn(&tidegate_store::SubjectStats) -> String;
    let rows: [(&str, Pick); 17] = [
        ("cloud", |s| s.subject.to_string()),
        ("snapshots", |s| s.snapshots.to_string()),
        ("pruned", |s| s.pruned.to_string()),
        ("oldest", |s| format!("{:.0}", s.oldest)),
        ("newest", |s| format!("{:.0}", s.newest)),
        ("resources", |s| s.resources.to_string()),
        ("versions", |s| s.versions.to_string()),
        ("erased", |s| s.erased.to_string()),
        ("records", |s| s.records.to_string()),
        ("generation", |s| s.generation.to_string()),
        ("segments", |s| s.segments.to_string()),
        ("bodies", |s| bytes(s.body_bytes)),
        ("in segments", |s| bytes(s.segment_bytes)),
        ("superseded", |s| bytes(s.superseded_bytes)),
        ("manifests", |s| bytes(s.manifest_bytes)),
        ("layouts", |s| bytes(s.layout_bytes)),
        ("with records", |s| bytes(s.record_bytes)),
    ];
    let row = |(name, pick): &(&str, Pick)| {
        std::iter::once((*name).to_owned()).chain(stats.subjects.iter().map(pick)).collect()
    };
    let mut rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    rows.push(vec!["index".to_owned(), bytes(stats.index_bytes)]);
    columns(&rows)
}

async fn compact(ctx: &mut Context<'_>, args: &args::Upkeep) -> Result<Exit> {
    let (store, subjects) = open(ctx, args).await?;
    let mut done = Vec::new();
    for subject in &subjects {
        done.push(store.compact(subject, &upkeep(args)).await.map_err(failure)?);
    }
    let line = |c: &Compacted| {
        format!(
            "{}: {} segments {} {} ({} {} {}){}\n",
            c.subject,
            c.segments_before,
            verb(args, "become", "would become"),
            c.segments_after,
            bytes(c.bytes_before),
            verb(args, "became", "would become"),
            bytes(c.bytes_after),
            swept(args, c.swept.segments, c.swept.bytes),
        )
    };
    write(ctx, args, "tidegate.store-compact/v1", &done, line)
}

async fn prune(
    ctx: &mut Context<'_>,
    keep: Option<&Retention>,
    args: &args::Upkeep,
) -> Result<Exit> {
    let Some(rule) = keep.cloned().or_else(|| ctx.config.retention()) else {
        return Err(Failure::usage("nothing says what is to be kept").hint(
            "add --keep \"all for 90 days, then weekly for 1 year, then monthly\", \
             or set `retention` in tidegate.yaml",
        ));
    };
    let (store, subjects) = open(ctx, args).await?;
    let mut salts = env::salts()?;
    let mut done = Vec::new();
    for subject in &subjects {
        let pruned = store.prune(subject, &rule, &upkeep(args), salts()).await;
        done.push(pruned.map_err(failure)?);
    }
    let line = |p: &Pruned| {
        let mut text = format!(
            "{}: {} snapshots {}, {} are kept; {} changes {}: {} {} {}{}\n",
            p.subject,
            p.snapshots.len(),
            verb(args, "pruned", "would be pruned"),
            p.kept,
            p.changes,
            verb(args, "went", "would go"),
            bytes(p.bytes_before),
            verb(args, "became", "would become"),
            bytes(p.bytes_after),
            swept(args, p.swept.segments, p.swept.bytes),
        );
        if args.dry_run {
            for seq in &p.snapshots {
                let id = SnapshotId { subject: p.subject.clone(), seq: *seq };
                text.push_str(&format!("  {id}\n"));
            }
        }
        text
    };
    write(ctx, args, "tidegate.store-prune/v1", &done, line)
}

async fn erase(ctx: &mut Context<'_>, project: &str, args: &args::Upkeep) -> Result<Exit> {
    let (store, subjects) = open(ctx, args).await?;
    let mut salts = env::salts()?;
    let mut done = Vec::new();
    for subject in &subjects {
        let erased = store.erase(subject, project, &upkeep(args), salts()).await;
        done.push(erased.map_err(failure)?);
    }
    let line = |e: &Erased| {
        format!(
            "{}: {} versions of `{}` and {} payloads of records {}; {} superseded segments {}\n",
            e.subject,
            e.versions,
            e.project,
            e.payloads.len(),
            verb(args, "erased", "would be erased"),
            e.superseded,
            verb(args, "deleted", "would be deleted"),
        )
    };
    write(ctx, args, "tidegate.store-erase/v1", &done, line)
}

async fn open(ctx: &mut Context<'_>, args: &args::Upkeep) -> Result<(Opened, Vec<Subject>)> {
    let store = ctx.store().await?;
    let subjects = clouds_of(ctx, &store, &args.cloud, &At::default()).await?;
    Ok((store, subjects))
}

fn upkeep(args: &args::Upkeep) -> Upkeep {
    Upkeep { now: env::now(), grace: GRACE, dry_run: args.dry_run }
}

fn write<T: Serialize>(
    ctx: &mut Context<'_>,
    args: &args::Upkeep,
    schema: &str,
    done: &[T],
    line: impl Fn(&T) -> String,
) -> Result<Exit> {
    let text = match args.format.format {
        Format::Json => document(schema, &json!({ "dry_run": args.dry_run, "clouds": done }))?,
        Format::Table => done.iter().map(line).collect(),
    };
    ctx.ui.write(args.format.file.as_deref(), &text)?;
    Ok(Exit::Ok)
}

fn document(schema: &str, content: &serde_json::Value) -> Result<String> {
    let mut content = content.clone();
    if let Some(members) = content.as_object_mut() {
        members.insert("schema_version".to_owned(), schema.into());
    }
    let text = serde_json::to_string_pretty(&content);
    Ok(text.map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))? + "\n")
}

fn verb<'v>(args: &args::Upkeep, done: &'v str, told: &'v str) -> &'v str {
    if args.dry_run { told } else { done }
}

fn swept(args: &args::Upkeep, segments: u64, size: u64) -> String {
    if segments == 0 {
        return String::new();
    }
    let verb = verb(args, "deleted", "would be deleted");
    format!("; {segments} superseded segments {verb} ({})", bytes(size))
}

/// Bytes as people write them, in powers of ten.
fn bytes(n: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    match units.iter().find(|(_, size)| n >= *size) {
        Some((unit, size)) => format!("{}.{} {unit}", n / size, n % size * 10 / size),
        None => format!("{n} B"),
    }
}

/// Asking the store for what it does not hold is wrong usage; everything else
/// is a failure of the tool.
pub(crate) fn failure(error: StoreError) -> Failure {
    let mut text = Failure::from_error(&error);
    if let Some(hint) = error.hint() {
        text = text.hint(hint);
    }
    match error {
        StoreError::NoSubject { .. }
        | StoreError::NoSnapshot { .. }
        | StoreError::Pruned { .. }
        | StoreError::NoneBefore { .. }
        | StoreError::TooFarBack { .. }
        | StoreError::Bucket { .. }
        | StoreError::OtherSubject { .. } => text.into_usage(),
        StoreError::Locked { .. }
        | StoreError::Newer { .. }
        | StoreError::Damaged { .. }
        | StoreError::Missing { .. }
        | StoreError::Conflict { .. }
        | StoreError::Rearranged { .. }
        | StoreError::BadResource { .. }
        | StoreError::Objects { .. }
        | StoreError::Io { .. }
        | StoreError::Encode { .. }
        | StoreError::Index { .. } => text,
    }
}

/// The snapshot that is meant, with a note where newer ones that would be meant
/// were pruned.
pub(crate) async fn resolve(
    ctx: &mut Context<'_>,
    store: &Opened,
    subject: &Subject,
    at: &At,
) -> Result<SnapshotId> {
    let id = store.resolve(subject, at).await.map_err(failure)?;
    if let At::Time(time) = at
        && store.passed_over(&id, *time).await.map_err(failure)?
    {
        ctx.ui.warn(&format!("later snapshots up to {time:.0} were pruned: taking `{id}`"));
    }
    Ok(id)
}
