//! `tidegate collect`: take snapshots of clouds and clusters into the store, and
//! the part of `scan` that collects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_model::{Collected, Facts as _, Kind, SnapshotId, Status, Subject};
use tidegate_redact::RedactionKey;
use tidegate_store::{At, Begin, SnapshotWriter, Store, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::args::Collect;
use crate::cmd::evidence::Evidence;
use crate::cmd::store::failure;
use crate::cmd::targets::{self, Source, Target};
use crate::cmd::{Context, preflight};
use crate::env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Ui;
use crate::rules::System;

/// How many pages may wait for the store. Each is at most one page of the API,
/// so this bounds the memory of a collection together with the collector's own
/// cap on requests under way.
pub(crate) const PAGES_WAITING: usize = 4;

pub(crate) async fn run(ctx: &mut Context<'_>, args: &Collect) -> Result<Exit> {
    let targets = targets::reach(ctx, &args.targets, &args.sources).await?;
    if args.preflight {
        return preflight::run(ctx, args, &targets).await;
    }
    let store = ctx.store().await?;
    for target in &targets.reached {
        let given = read(ctx, target)?;
        let id = collect(ctx, &store, target, given).await?;
        ctx.ui.write(None, &format!("{id}\n"))?;
    }
    Ok(if targets.missed { Exit::Failed } else { Exit::Ok })
}

/// Reads the files handed in for a target.
pub(crate) fn read(ctx: &mut Context<'_>, target: &Target) -> Result<Evidence> {
    let key = redaction_key(ctx);
    Evidence::read(ctx.ui, &target.sources, &target.subject, key.as_ref(), env::now())
}

fn redaction_key(ctx: &Context<'_>) -> Option<RedactionKey> {
    ctx.env.var("TIDEGATE_REDACTION_KEY").map(RedactionKey::new)
}

/// Takes one snapshot. Whatever of the cloud cannot be read is coverage of the
/// snapshot; only a store that cannot be written fails.
pub(crate) async fn collect(
    ctx: &mut Context<'_>,
    store: &Store,
    target: &Target,
    given: Evidence,
) -> Result<SnapshotId> {
    let started = Instant::now();
    let now = env::now();
    let known = known(store, target).await?;
    let evidence = given.complete(store, target, now).await?;
    let mut writer = begin(ctx, store, &target.subject).await?;
    let (tx, rx) = mpsc::channel(PAGES_WAITING);
    let collector = start(ctx, target, known, None, tx)?;
    let mut seen =
        Seen { subject: target.subject.clone(), started, kinds: BTreeMap::new(), gaps: 0 };
    receive(rx, &mut writer, ctx.ui, &mut seen).await?;
    collector.await.map_err(|e| {
        Failure::new(format!("collecting `{}` broke off", target.subject)).caused_by(Some(&e))
    })??;
    for one in evidence {
        take(one, &mut writer, ctx.ui, &mut seen)?;
    }
    let done = writer.commit().await.map_err(failure)?;
    ctx.ui.status(&format!(
        "{}: {} resources, {} changed, {} gone, {} not seen; {} kinds, {} with gaps; {:.1} s",
        done.id,
        done.manifest.resources(),
        done.put,
        done.removed,
        done.unseen,
        done.manifest.coverage.len(),
        seen.gaps,
        started.elapsed().as_secs_f64(),
    ));
    Ok(done.id)
}

/// The kinds that the last snapshot of a target has resources of.
///
/// # Errors
/// If that is of another system: the name is taken.
async fn known(store: &Store, target: &Target) -> Result<BTreeSet<Kind>> {
    let subject = &target.subject;
    let last = match store.resolve(subject, &At::default()).await {
        Ok(last) => store.snapshot(&last).await.map_err(failure)?,
        Err(StoreError::NoSubject { .. }) => return Ok(BTreeSet::new()),
        Err(e) => return Err(failure(e)),
    };
    if System::of(&last.meta().coverage) != target.source.system() {
        let is = match target.source.system() {
            System::OpenStack => "a cluster",
            System::Kubernetes => "a cloud",
        };
        return Err(Failure::usage(format!("`{subject}` is {is} in the store")).hint(
            "make it a target of another name in tidegate.yaml: targets: {NAME: {context: ...}}",
        ));
    }
    Ok(last.kinds().filter(|(_, count)| *count > 0).map(|(kind, _)| kind.clone()).collect())
}

/// Begins to read a target; pages and coverage go to `tx`. Only these kinds, if some
/// are named.
pub(crate) fn start(
    ctx: &Context<'_>,
    target: &Target,
    known: BTreeSet<Kind>,
    kinds: Option<&BTreeSet<Kind>>,
    tx: mpsc::Sender<Collected>,
) -> Result<JoinHandle<Result<()>>> {
    let redaction_key = redaction_key(ctx);
    Ok(match &target.source {
        Source::OpenStack(cloud) => {
            let mut options = tidegate_openstack::Options::new(Arc::new(env::now));
            options.redaction_key = redaction_key;
            options.with = target.sources.with.iter().map(|w| (*w).into()).collect();
            options.dashboard = target.sources.dashboard.as_deref().map(Arc::from);
            if let Some(kinds) = kinds {
                let own = |k: &&Kind| System::of_kind(k) == Some(System::OpenStack);
                let kinds: Vec<&str> = kinds.iter().filter(own).map(Kind::as_str).collect();
                let chosen = tidegate_openstack::Selector::new(&kinds);
                options.kinds = Some(chosen.map_err(|e| Failure::from_error(&e))?);
            }
            let cloud = cloud.clone();
            tokio::spawn(async move {
                let done = tidegate_openstack::collect(&cloud, &options, tx).await;
                done.map(drop).map_err(targets::openstack_failure)
            })
        }
        Source::Kubernetes(cluster) => {
            let mut options = tidegate_kubernetes::Options::new(Arc::new(env::now));
            // What evidence is about is not the API's to say.
            let own = |kind: &Kind| System::of_kind(kind) == Some(System::Kubernetes);
            options.known = known.into_iter().filter(own).collect();
            options.kinds = kinds.cloned();
            options.redaction_key = redaction_key;
            let cluster = cluster.clone();
            tokio::spawn(async move {
                let done = tidegate_kubernetes::collect(&cluster, &options, tx).await;
                done.map(drop).map_err(targets::kubernetes_failure)
            })
        }
    })
}

/// How often a store that another process uses is tried again, twice a second:
/// longer than a query takes that has its usual limit, short enough that two nightly
/// scans at once are told.
const TRIES: u32 = 140;

async fn begin(ctx: &mut Context<'_>, store: &Store, subject: &Subject) -> Result<SnapshotWriter> {
    let mut tries = 0;
    loop {
        let begin = Begin {
            taken_at: env::now(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            salts: env::salts()?,
        };
        match store.begin(subject, begin).await {
            Err(StoreError::Locked { .. }) if tries < TRIES => {
                if tries == 0 {
                    ctx.ui.status("waiting for another process that uses the store");
                }
                tries += 1;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            other => return other.map_err(failure),
        }
    }
}

/// What came in so far, for the line of progress.
struct Seen {
    subject: Subject,
    started: Instant,
    kinds: BTreeMap<String, usize>,
    gaps: usize,
}

async fn receive(
    mut rx: mpsc::Receiver<Collected>,
    writer: &mut SnapshotWriter,
    ui: &mut Ui,
    seen: &mut Seen,
) -> Result<()> {
    while let Some(message) = rx.recv().await {
        take(message, writer, ui, seen)?;
    }
    Ok(())
}

fn take(
    message: Collected,
    writer: &mut SnapshotWriter,
    ui: &mut Ui,
    seen: &mut Seen,
) -> Result<()> {
    match message {
        Collected::Page(resources) => {
            if let Some(first) = resources.first() {
                let kind = first.kind.to_string();
                let count = seen.kinds.entry(kind.clone()).or_default();
                *count += resources.len();
                let (count, all) = (*count, seen.kinds.values().sum::<usize>());
                #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
                let rate = all as f64 / seen.started.elapsed().as_secs_f64().max(0.001);
                ui.progress(&format!(
                    "{}: {kind} {count}, {all} resources in all, {rate:.0}/s",
                    seen.subject
                ));
            }
            writer.put(resources).map_err(failure)?;
        }
        Collected::Coverage(coverage) => {
            if !matches!(coverage.status, Status::Complete { .. } | Status::Absent) {
                seen.gaps += 1;
            }
            writer.cover(coverage);
        }
    }
    Ok(())
}
