//! `tidegate collect`: take snapshots of clouds into the store, and the part
//! of `scan` that collects.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_model::{Collected, SnapshotId, Status, Subject};
use tidegate_openstack::{
    Cloud, CollectError, Config, Environment, Options, RedactionKey, Settings, Timeouts,
};
use tidegate_replay::{Recording, Replay};
use tidegate_store::{Begin, SnapshotWriter, Store, StoreError};
use tokio::sync::mpsc;

use crate::args::{Collect, Sources, Targets};
use crate::cmd::Context;
use crate::cmd::evidence::Evidence;
use crate::cmd::store::failure;
use crate::config::Wanted;
use crate::env;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Ui;

/// How many pages may wait for the store. Each is at most one page of the API,
/// so this bounds the memory of a collection together with the collector's own
/// cap on requests under way.
const PAGES_WAITING: usize = 4;

pub(crate) async fn run(ctx: &mut Context<'_>, args: &Collect) -> Result<Exit> {
    let targets = targets(ctx, &args.targets, &args.sources).await?;
    let store = ctx.store().await?;
    for target in &targets.reached {
        let given = read(ctx, target)?;
        let id = collect(ctx, &store, target, given).await?;
        ctx.ui.write(None, &format!("{id}\n"))?;
    }
    Ok(if targets.missed { Exit::Failed } else { Exit::Ok })
}

/// The clouds asked for.
pub(crate) struct Reached {
    pub(crate) reached: Vec<Target>,
    /// Whether one of several could not be signed in to. The others are
    /// collected all the same, and the run fails in the end.
    pub(crate) missed: bool,
}

/// A cloud to collect, signed in.
pub(crate) struct Target {
    pub(crate) subject: Subject,
    pub(crate) cloud: Cloud,
    /// The files handed in for it.
    pub(crate) sources: Sources,
    /// Serves the example while it is collected.
    _example: Option<Replay>,
}

/// Signs in to every cloud asked for, before anything is written.
pub(crate) async fn targets(
    ctx: &mut Context<'_>,
    args: &Targets,
    sources: &Sources,
) -> Result<Reached> {
    if args.example {
        let wanted = ctx.config.wanted(args, sources, || Ok(Vec::new()))?;
        let sources = wanted.into_iter().next().map(|w| w.sources).unwrap_or_default();
        return Ok(Reached { reached: vec![example(sources).await?], missed: false });
    }
    let env = Environment {
        vars: ctx.env.vars.clone(),
        cwd: ctx.env.cwd.clone(),
        home: ctx.env.var("HOME").map(PathBuf::from),
    };
    let config = Config::load(&env).map_err(collect_failure)?;
    let all = || {
        let all = config.names();
        if all.is_empty() {
            // The same text as for no configuration at all.
            config.cloud(None).map_err(collect_failure)?;
        }
        Ok(all)
    };
    let wanted = ctx.config.wanted(args, sources, all)?;
    let several = wanted.len() > 1;
    let mut out = Reached { reached: Vec::new(), missed: false };
    for Wanted { cloud, subject, sources, origin } in wanted {
        let settings = config.cloud(cloud.as_deref()).map_err(|e| match &origin {
            Some(origin) => collect_failure(e).also(format!("it is named by {origin}")),
            None => collect_failure(e),
        })?;
        ctx.ui.progress("signing in");
        let cloud = match connect(&settings).await {
            Ok(cloud) => cloud,
            Err(failure) if several => {
                ctx.ui.failure(&failure);
                out.missed = true;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let subject = subject.map_or_else(|| Subject::new(cloud.name()), Ok).map_err(|e| {
            Failure::usage(e.to_string()).hint(
                "its name names a folder of the store: rename the cloud in clouds.yaml, or make \
                 it a target of another name in tidegate.yaml",
            )
        })?;
        out.reached.push(Target { subject, cloud, sources, _example: None });
    }
    if out.reached.is_empty() {
        return Err(Failure::new("none of the clouds could be signed in to"));
    }
    Ok(out)
}

/// The bundled example cloud, served on loopback and read like any other.
async fn example(sources: Sources) -> Result<Target> {
    let recording = Recording::example().map_err(|e| Failure::from_error(&e))?;
    let account = recording.accounts.first().cloned();
    let account = account.ok_or_else(|| Failure::new("the example cloud has no account"))?;
    let replay = Replay::start(recording)
        .await
        .map_err(|e| Failure::new("cannot serve the example cloud").caused_by(Some(&e)))?;
    let vars = [
        ("OS_AUTH_URL", replay.auth_url()),
        ("OS_USERNAME", account.user),
        ("OS_PASSWORD", account.password),
        ("OS_PROJECT_NAME", account.project.unwrap_or_default()),
        ("OS_USER_DOMAIN_NAME", "Default".to_owned()),
        ("OS_PROJECT_DOMAIN_NAME", "Default".to_owned()),
    ];
    let vars = vars.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    let env = Environment { vars, cwd: PathBuf::from("/"), home: None };
    let settings = Config::load(&env).and_then(|c| c.cloud(Some("envvars")));
    let cloud = connect(&settings.map_err(collect_failure)?).await?;
    let subject = Subject::new("example").map_err(|e| Failure::from_error(&e))?;
    Ok(Target { subject, cloud, sources, _example: Some(replay) })
}

async fn connect(settings: &Settings) -> Result<Cloud> {
    Cloud::connect(settings, &Timeouts::default()).await.map_err(collect_failure)
}

fn collect_failure(error: CollectError) -> Failure {
    let hint = error.hint();
    let text = Failure::from_error(&error).hint(hint);
    match error {
        CollectError::UnknownCloud { .. }
        | CollectError::NoCloudChosen { .. }
        | CollectError::UnknownRegion { .. } => text.into_usage(),
        _ => text,
    }
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
    let (subject, now) = (&target.subject, env::now());
    let evidence = given.complete(store, subject, &target.cloud, now).await?;
    let mut writer = begin(ctx, store, &target.subject).await?;
    let (tx, rx) = mpsc::channel(PAGES_WAITING);
    let mut options = Options::new(Arc::new(env::now));
    options.redaction_key = redaction_key(ctx);
    let cloud = target.cloud.clone();
    let collector =
        tokio::spawn(async move { tidegate_openstack::collect(&cloud, &options, tx).await });
    let mut seen =
        Seen { subject: target.subject.clone(), started, kinds: BTreeMap::new(), gaps: 0 };
    receive(rx, &mut writer, ctx.ui, &mut seen).await?;
    collector
        .await
        .map_err(|e| {
            Failure::new(format!("collecting `{}` broke off", target.subject)).caused_by(Some(&e))
        })?
        .map_err(collect_failure)?;
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

/// How often a store that another process uses is tried again, twice a second:
/// long enough for somebody who only looks something up, short enough that two
/// nightly scans at once are told.
const TRIES: u32 = 20;

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
