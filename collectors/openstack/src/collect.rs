//! Reads all kinds of a cloud at the same time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tidegate_model::{Collected, Status};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cloud::Cloud;
use crate::endpoints::{self, Extra};
use crate::error::CollectError;
use crate::kind::{Row, Service};
use crate::kinds::rows;
use crate::options::{Options, Progress, Summary};
use crate::reading::Place;
use crate::rows::read;
use crate::run::Run;

/// Lists every chosen kind of the cloud. Pages go to `tx` as they are read, in
/// any order and mixed; the coverage of a kind follows its last page, once per
/// region. No key is sent twice. A full channel makes the reading wait, so
/// memory does not grow with the cloud.
///
/// # Errors
/// [`CollectError::Stopped`] if the other end of `tx` is gone. What a service
/// does wrong is coverage.
pub async fn collect(
    cloud: &Cloud,
    options: &Options,
    tx: mpsc::Sender<Collected>,
) -> Result<Summary, CollectError> {
    let started = (options.now)();
    let chosen = |kind: &str| options.kinds.as_ref().is_none_or(|s| s.contains(kind));
    let children = rows().map(|(_, r)| r).filter(|r| chosen(r.kind) && r.parent.is_some());
    let children: Vec<&'static Row> = children.collect();
    let parents: BTreeSet<&'static str> = children.iter().filter_map(|r| r.parent).collect();
    let run = Arc::new(Run::new(cloud, options, tx, children));

    let mut work: Vec<(&'static Service, &'static Row, usize)> = Vec::new();
    for (service, row) in rows().filter(|(_, r)| chosen(r.kind) || parents.contains(r.kind)) {
        let regions = if row.regional { cloud.regions.len() } else { 1 };
        work.extend((0..regions).map(|region| (service, row, region)));
    }
    let extras: Vec<(Extra, usize)> = (0..cloud.regions.len())
        .flat_map(|region| options.with.iter().map(move |extra| (*extra, region)))
        .collect();
    let kinds = work.iter().filter(|w| chosen(w.1.kind)).count() + extras.len();
    run.tell(Progress::Started { kinds });

    let mut tasks = JoinSet::new();
    let mut names = HashMap::new();
    for (extra, region) in extras {
        let place = Place::new(&run, &endpoints::SERVICE, extra.row(), region, true);
        let Some(place) = place else { continue };
        let dashboard = options.dashboard.clone();
        let handle = tasks.spawn(endpoints::read(run.clone(), place.clone(), extra, dashboard));
        names.insert(handle.id(), place);
    }
    for (service, row, region) in work {
        let place = Place::new(&run, service, row, region, chosen(row.kind));
        let Some(place) = place else { continue };
        let handle = tasks.spawn(read(run.clone(), place.clone()));
        names.insert(handle.id(), place);
    }
    let (mut complete, mut incomplete) = (0, 0);
    while let Some(ended) = tasks.join_next_with_id().await {
        let coverage = match ended {
            Ok((_, Ok(coverage))) => coverage,
            Ok((_, Err(_gone))) => return Err(CollectError::Stopped),
            Err(broken) => {
                let Some(place) = names.get(&broken.id()) else { continue };
                let status = Status::Failed { reason: "the collector broke off".to_owned() };
                let coverage = place.coverage(&run, status, started);
                place.announce(&run, &coverage, Vec::new());
                if place.wanted && run.finish(coverage.clone()).await.is_err() {
                    return Err(CollectError::Stopped);
                }
                coverage
            }
        };
        let asked_for =
            chosen(coverage.kind.as_str()) || coverage.kind.as_str().starts_with("endpoint.");
        if asked_for {
            match coverage.status {
                Status::Complete { .. } => complete += 1,
                Status::Absent => {}
                Status::Subset { .. }
                | Status::Forbidden
                | Status::Failed { .. }
                | Status::Inconsistent => incomplete += 1,
            }
        }
    }
    let [requests, retries, bytes, resources] = run.counts();
    Ok(Summary {
        started,
        ended: (options.now)(),
        resources,
        requests,
        retries,
        bytes,
        complete,
        incomplete,
    })
}
