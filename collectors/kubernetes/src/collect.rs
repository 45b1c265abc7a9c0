//! Reads all kinds of a cluster at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;
use tidegate_model::{
    Collected, Kind, KindCoverage, Resource, ResourceKey, Status, Timestamp, Visibility, canonical,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::discovery::{ApiResource, Served, group_name};
use crate::error::CollectError;
use crate::item::SYSTEM;
use crate::listing;
use crate::options::{Options, Summary};
use crate::run::{Gone, Run};
use crate::tables::{OPTIONAL, is_noise};

/// Lists every kind that the cluster serves, less [`crate::tables::NOISE`], or those
/// of them that [`Options::kinds`] names.
/// Pages go to `tx` as they are read, in any order and mixed; the coverage of a
/// kind follows its last page. No key is sent twice. A full channel makes the
/// reading wait, so memory does not grow with the cluster.
///
/// Besides the kinds of the API, `kubernetes.version` is the body of
/// `/version`, and `kubernetes.api` has one resource for each resource type
/// that is served.
///
/// # Errors
/// [`CollectError::Stopped`] if the other end of `tx` is gone. What the cluster
/// does wrong is coverage.
pub async fn collect(
    cluster: &Cluster,
    options: &Options,
    tx: mpsc::Sender<Collected>,
) -> Result<Summary, CollectError> {
    let started = (options.now)();
    let run = Arc::new(Run::new(cluster, options, tx));
    about(&run, cluster).await.map_err(|_| CollectError::Stopped)?;
    let chosen = chosen(&cluster.served);
    unserved(&run, cluster, options, &chosen).await.map_err(|_| CollectError::Stopped)?;

    let mut tasks = JoinSet::new();
    let mut names = BTreeMap::new();
    let wanted = |kind: &Kind| options.kinds.as_ref().is_none_or(|some| some.contains(kind));
    for (kind, resource) in chosen.into_iter().filter(|(kind, _)| wanted(kind)) {
        let (run, resource, of) = (run.clone(), resource.clone(), kind.clone());
        let source = Arc::from(format!("{SYSTEM}/{}", resource.group_name()));
        let handle = tasks.spawn(async move { listing::read(&run, &resource, of).await });
        names.insert(handle.id(), (kind, source));
    }
    while let Some(ended) = tasks.join_next_with_id().await {
        match ended {
            Ok((_, Ok(()))) => {}
            Ok((_, Err(Gone))) => return Err(CollectError::Stopped),
            Err(broken) => {
                let Some((kind, source)) = names.remove(&broken.id()) else { continue };
                let status = Status::Failed { reason: "the collector broke off".to_owned() };
                let coverage = covered(source, kind, status, started, (options.now)());
                run.finish(coverage).await.map_err(|_| CollectError::Stopped)?;
            }
        }
    }
    let counts = run.session.counts();
    Ok(Summary {
        resources: run.resources.load(Ordering::Relaxed),
        requests: counts.requests.load(Ordering::Relaxed),
        retries: counts.retries.load(Ordering::Relaxed),
        bytes: counts.bytes.load(Ordering::Relaxed),
    })
}

/// The kind of a resource type; `None` if its names are none a kind can have.
pub(crate) fn kind_of(resource: &ApiResource) -> Option<Kind> {
    Kind::new(format!("{}.{}", resource.group_name(), resource.kind)).ok()
}

/// What is listed, by kind. Long lists stand first, since they take longest.
pub(crate) fn chosen(served: &Served) -> Vec<(Kind, &ApiResource)> {
    let mut chosen: BTreeMap<Kind, &ApiResource> = BTreeMap::new();
    for r in &served.resources {
        if r.preferred
            && r.listable()
            && !is_noise(&r.group, &r.plural)
            && let Some(kind) = kind_of(r)
        {
            chosen.entry(kind).or_insert(r);
        }
    }
    let mut chosen: Vec<_> = chosen.into_iter().collect();
    chosen.sort_by_key(|(_, r)| (r.group.as_str(), r.plural.as_str()) != ("", "pods"));
    chosen
}

/// Hands over what the cluster says of itself: its version and what it serves.
async fn about(run: &Run, cluster: &Cluster) -> Result<(), Gone> {
    let at = cluster.reached_at;
    // INVARIANT: both names have the form of a kind (tested).
    if let Ok(kind) = Kind::new("kubernetes.version") {
        let source: Arc<str> = Arc::from("kubernetes/version");
        let body = cluster.version.as_ref().as_ref().ok();
        let body = body.map(|b| canonical(b, &()));
        let status = match body {
            None => Status::Forbidden,
            Some(Err(e)) => Status::Failed { reason: format!("`/version` is not usable: {e}") },
            Some(Ok(body)) => {
                run.send(vec![own(&kind, &source, &["-", "version"], "version", body, at)]).await?;
                Status::Complete { count: 1 }
            }
        };
        run.finish(covered(source, kind, status, at, (run.now)())).await?;
    }
    if let Ok(kind) = Kind::new("kubernetes.api") {
        let source: Arc<str> = Arc::from("kubernetes/discovery");
        let served = &cluster.served;
        let page: Vec<Resource> =
            served.resources.iter().filter_map(|r| api(&kind, &source, r, at)).collect();
        let count = page.len() as u64;
        let silent = served.stale.iter().find(|(group, _)| !is_noise(group, "*"));
        let status = match silent {
            _ if served.starting => Status::Failed { reason: STARTING.to_owned() },
            None => Status::Complete { count },
            Some((group, version)) => Status::Failed { reason: does_not_say(group, version) },
        };
        run.send(page).await?;
        run.finish(covered(source, kind, status, at, (run.now)())).await?;
    }
    Ok(())
}

const STARTING: &str = "the API server was not ready (`/readyz`) when asked what it serves";

fn does_not_say(group: &str, version: &str) -> String {
    format!("the server of API group `{group}/{version}` does not say what it serves")
}

/// The body of a `kubernetes.api`.
#[derive(Serialize)]
struct ApiBody<'a> {
    group: &'a str,
    kind: &'a str,
    namespaced: bool,
    plural: &'a str,
    preferred: bool,
    verbs: &'a [String],
    version: &'a str,
}

fn api(kind: &Kind, source: &Arc<str>, r: &ApiResource, at: Timestamp) -> Option<Resource> {
    let ApiResource { group, version, kind: of, plural, namespaced, verbs, preferred } = r;
    let (namespaced, preferred) = (*namespaced, *preferred);
    let body = ApiBody { group, kind: of, namespaced, plural, preferred, verbs, version };
    let body = canonical(&serde_json::to_vec(&body).ok()?, &()).ok()?;
    let name = match group.as_str() {
        "" => format!("{plural}.{version}"),
        group => format!("{plural}.{version}.{group}"),
    };
    Some(own(kind, source, &[group_name(group), version, plural], &name, body, at))
}

fn own(
    kind: &Kind,
    source: &Arc<str>,
    id: &[&str],
    name: &str,
    body: String,
    read_at: Timestamp,
) -> Resource {
    Resource {
        key: ResourceKey::build(SYSTEM, kind, id),
        kind: kind.clone(),
        region: None,
        project: None,
        name: Some(Arc::from(name)),
        body: Arc::from(body),
        source: source.clone(),
        read_at,
    }
}

/// Tells of kinds that are not listed: those that rules may ask for, and those
/// that the last snapshot holds.
async fn unserved(
    run: &Run,
    cluster: &Cluster,
    options: &Options,
    chosen: &[(Kind, &ApiResource)],
) -> Result<(), Gone> {
    let optional = OPTIONAL.iter().filter_map(|k| Kind::new(k).ok());
    let asked: std::collections::BTreeSet<Kind> =
        optional.chain(options.known.iter().cloned()).collect();
    for kind in asked {
        let Some((group, _)) = kind.as_str().rsplit_once('.') else { continue };
        let listed = chosen.iter().any(|(k, _)| *k == kind);
        if listed || group == SYSTEM {
            continue;
        }
        let api_group = if group == "core" { "" } else { group };
        let silent = cluster.served.stale.iter().find(|(g, _)| g == api_group);
        let served = cluster.served.resources.iter().any(|r| kind_of(r).as_ref() == Some(&kind));
        let status = match silent {
            Some((group, version)) => Status::Failed { reason: does_not_say(group, version) },
            // It was collected by a version that had other noise.
            None if served => continue,
            None if cluster.served.starting => Status::Failed { reason: STARTING.to_owned() },
            None if options.known.contains(&kind) => Status::Complete { count: 0 },
            None => Status::Absent,
        };
        let source = Arc::from(format!("{SYSTEM}/{group}"));
        let at = cluster.reached_at;
        run.finish(covered(source, kind, status, at, (run.now)())).await?;
    }
    Ok(())
}

fn covered(
    source: Arc<str>,
    kind: Kind,
    status: Status,
    read_from: Timestamp,
    read_until: Timestamp,
) -> KindCoverage {
    let visibility = Visibility::All;
    KindCoverage { source, region: None, kind, status, visibility, read_from, read_until }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_tables_are_kinds() {
        for name in OPTIONAL.iter().chain(&["kubernetes.version", "kubernetes.api"]) {
            assert!(Kind::new(name).is_ok(), "{name}");
        }
    }
}
