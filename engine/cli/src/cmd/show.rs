//! `tidegate snapshot`: look at what the store holds.

use std::str::FromStr as _;

use serde_json::json;
use tidegate_derive::Derived;
use tidegate_model::{Fact, Facts as _, Kind, Resource, Status, Subject};
use tidegate_store::{At, Manifest, Store};

use crate::args::Snapshot;
use crate::cmd::check::{clouds_of, subjects_of};
use crate::cmd::store::{failure, resolve};
use crate::cmd::{Context, diff, export, history, prove, verify};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Format, Output, columns};

pub(crate) async fn run(ctx: &mut Context<'_>, args: Snapshot) -> Result<Exit> {
    match args {
        Snapshot::List { cloud, format } => list(ctx, &cloud, &format).await,
        Snapshot::Show { kind, id, cloud, at, format } => {
            let at = At::from_str(&at).map_err(|e| Failure::usage(e.to_string()))?;
            let wanted = Wanted { kind, id, cloud, at };
            show(ctx, wanted, &format).await
        }
        Snapshot::Diff(args) => diff::run(ctx, *args).await,
        Snapshot::History(args) => history::run(ctx, args).await,
        Snapshot::Verify(args) => verify::run(ctx, &args).await,
        Snapshot::VerifyProof(args) => verify::proof::run(ctx, &args),
        Snapshot::Checkpoint(args) => prove::checkpoint(ctx, &args).await,
        Snapshot::Prove(args) => prove::run(ctx, &args).await,
        Snapshot::Export(args) => export::run(ctx, &args).await,
    }
}

/// The subject that a command about one of them means: that of a snapshot's id,
/// the one named, or the only one.
pub(crate) async fn one_subject(
    ctx: &Context<'_>,
    store: &Store,
    cloud: Option<&str>,
    points: &[&At],
) -> Result<Subject> {
    let named: Vec<String> =
        cloud.into_iter().flat_map(|name| ctx.config.subjects(&[name.to_owned()])).collect();
    let latest = At::default();
    let at = points.iter().find(|at| matches!(at, At::Id(_))).copied().unwrap_or(&latest);
    match subjects_of(store, &named, at).await?.as_slice() {
        [one] => Ok(one.clone()),
        many => {
            let known: Vec<&str> = many.iter().map(|s| s.as_str()).collect();
            Err(Failure::usage("the store has several clouds")
                .hint(format!("name one with --cloud: {}", known.join(", "))))
        }
    }
}

async fn list(ctx: &mut Context<'_>, clouds: &[String], output: &Output) -> Result<Exit> {
    let store = ctx.store().await?;
    let subjects = if clouds.is_empty() {
        store.subjects().await.map_err(failure)?
    } else {
        clouds_of(ctx, &store, clouds, &At::default()).await?
    };
    let mut manifests = Vec::new();
    for subject in &subjects {
        let all = store.snapshots(subject).await.map_err(failure)?;
        let pruned = store.pruned(subject).await.map_err(failure)?;
        manifests.extend(all.into_iter().rev().map(|m| (pruned.contains(&m.seq), m)));
    }
    let text = match output.format {
        Format::Json => {
            let rows: Vec<_> = manifests
                .iter()
                .map(|(pruned, m)| {
                    json!({
                        "snapshot": m.id().to_string(),
                        "pruned": pruned,
                        "taken_at": m.taken_at,
                        "tool_version": m.tool_version,
                        "resources": m.resources(),
                        "kinds": m.kinds.len(),
                        "gaps": gaps(m),
                    })
                })
                .collect();
            pretty(&json!({ "schema_version": "tidegate.snapshots/v1", "snapshots": rows }))?
        }
        Format::Table => {
            let head = ["SNAPSHOT", "TAKEN", "RESOURCES", "KINDS", "GAPS"].map(str::to_owned);
            let rows = manifests.iter().map(|(pruned, m)| {
                vec![
                    m.id().to_string(),
                    format!("{:.0}", m.taken_at),
                    m.resources().to_string(),
                    m.kinds.len().to_string(),
                    if *pruned { "pruned".to_owned() } else { gaps(m).to_string() },
                ]
            });
            columns(&std::iter::once(head.to_vec()).chain(rows).collect::<Vec<_>>())
        }
    };
    ctx.ui.write(output.file.as_deref(), &text)?;
    Ok(Exit::Ok)
}

/// How many kinds could not be read as they should.
fn gaps(manifest: &Manifest) -> usize {
    let whole = |s: &Status| matches!(s, Status::Complete { .. } | Status::Absent);
    manifest.coverage.iter().filter(|c| !whole(&c.status)).count()
}

/// What `snapshot show` was asked for.
struct Wanted {
    kind: Option<String>,
    id: Option<String>,
    cloud: Option<String>,
    at: At,
}

async fn show(ctx: &mut Context<'_>, wanted: Wanted, output: &Output) -> Result<Exit> {
    let store = ctx.store().await?;
    let subject = one_subject(ctx, &store, wanted.cloud.as_deref(), &[&wanted.at]).await?;
    let id = resolve(ctx, &store, &subject, &wanted.at).await?;
    let snapshot = store.snapshot(&id).await.map_err(failure)?;
    let (kind, wanted_id) = (wanted.kind, wanted.id);
    let format = output.format;
    let text = tokio::task::spawn_blocking(move || {
        let facts = Derived::new(&snapshot, []);
        match (kind, wanted_id) {
            (None, _) => coverage(&facts, format),
            (Some(kind), None) => resources(&facts, &kind, format),
            (Some(kind), Some(id)) => resource(&facts, &kind, &id),
        }
    })
    .await
    .map_err(|e| Failure::new(format!("reading `{id}` broke off")).caused_by(Some(&e)))??;
    ctx.ui.write(output.file.as_deref(), &text)?;
    Ok(Exit::Ok)
}

fn coverage(snapshot: &Derived<'_>, format: Format) -> Result<String> {
    let meta = snapshot.meta();
    match format {
        Format::Json => pretty(&json!({
            "schema_version": "tidegate.snapshot/v1",
            "snapshot": meta.id.to_string(),
            "taken_at": meta.taken_at,
            "coverage": meta.coverage,
        })),
        Format::Table => {
            let head = ["KIND", "REGION", "STATUS", "VISIBILITY"].map(str::to_owned);
            let rows = meta.coverage.iter().map(|c| {
                vec![
                    c.kind.to_string(),
                    c.region.as_deref().unwrap_or("-").to_owned(),
                    c.status.to_string(),
                    c.visibility.to_string(),
                ]
            });
            let rows: Vec<_> = std::iter::once(head.to_vec()).chain(rows).collect();
            Ok(format!("{}  taken {:.0}\n\n{}", meta.id, meta.taken_at, columns(&rows)))
        }
    }
}

/// All resources of a kind, or a failure that lists the kinds there are.
fn facts(snapshot: &Derived<'_>, kind: &str) -> Result<Vec<Fact>> {
    let meta = snapshot.meta();
    let wanted = Kind::new(kind).ok().filter(|k| meta.coverage_of(k).next().is_some());
    let Some(wanted) = wanted else {
        let mut known: Vec<&str> = meta.coverage.iter().map(|c| c.kind.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        return Err(Failure::usage(format!("snapshot `{}` has no kind `{kind}`", meta.id))
            .hint(format!("its kinds: {}", known.join(", "))));
    };
    let mut out = Vec::new();
    snapshot.each(&wanted, &mut |fact| out.push(fact)).map_err(|e| Failure::from_error(&e))?;
    Ok(out)
}

fn resources(snapshot: &Derived<'_>, kind: &str, format: Format) -> Result<String> {
    let facts = facts(snapshot, kind)?;
    match format {
        Format::Json => {
            let all = facts.iter().map(document).collect::<Result<Vec<_>>>()?;
            pretty(&json!({ "schema_version": "tidegate.resources/v1", "resources": all }))
        }
        Format::Table => {
            let head = ["ID", "NAME", "REGION", "PROJECT", "SEEN"].map(str::to_owned);
            let or_dash =
                |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or("-").to_owned();
            let rows = facts.iter().map(|f| {
                vec![
                    f.resource.key.id().into_owned(),
                    or_dash(&f.resource.name),
                    or_dash(&f.resource.region),
                    or_dash(&f.resource.project),
                    match f.unseen_since {
                        _ if f.resource.is_erased() => "erased".to_owned(),
                        None => "yes".to_owned(),
                        Some(t) => format!("not since {t:.0}"),
                    },
                ]
            });
            Ok(columns(&std::iter::once(head.to_vec()).chain(rows).collect::<Vec<_>>()))
        }
    }
}

/// One resource as JSON: there is no better table of a document.
fn resource(snapshot: &Derived<'_>, kind: &str, wanted: &str) -> Result<String> {
    let named = |r: &Resource| {
        r.key.as_str() == wanted || r.key.id() == wanted || r.name.as_deref() == Some(wanted)
    };
    let found: Vec<Fact> =
        facts(snapshot, kind)?.into_iter().filter(|f| named(&f.resource)).collect();
    match found.as_slice() {
        [one] => pretty(&document(one)?),
        [] => Err(Failure::usage(format!(
            "there is no {kind} `{wanted}` in `{}`",
            snapshot.meta().id
        ))
        .hint(format!("list them: tidegate snapshot show {kind}"))),
        many => {
            let keys: Vec<&str> = many.iter().map(|f| f.resource.key.as_str()).collect();
            Err(Failure::usage(format!("`{wanted}` names {} resources", many.len()))
                .hint(format!("name one by its key: {}", keys.join(", "))))
        }
    }
}

/// The body of a resource as a document; null if it was erased.
pub(crate) fn body(resource: &Resource) -> Result<serde_json::Value> {
    if resource.is_erased() {
        return Ok(serde_json::Value::Null);
    }
    serde_json::from_str(&resource.body).map_err(|e| {
        Failure::new(format!("cannot read the body of `{}`", resource.key)).caused_by(Some(&e))
    })
}

fn document(fact: &Fact) -> Result<serde_json::Value> {
    let r = &fact.resource;
    let body = body(r)?;
    Ok(json!({
        "key": r.key, "kind": r.kind, "region": r.region, "project": r.project, "name": r.name,
        "source": r.source, "read_at": r.read_at, "unseen_since": fact.unseen_since, "erased": r.is_erased(),
        "body": body,
    }))
}

/// JSON for machines that people can read, too.
pub(crate) fn pretty(value: &serde_json::Value) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|e| Failure::new("cannot write JSON").caused_by(Some(&e)))
}
