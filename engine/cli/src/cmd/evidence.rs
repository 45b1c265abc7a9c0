//! Facts of a snapshot that no listing of the cloud gives: what probes found,
//! carried from the last snapshot into the next, and what people hand in.

use std::collections::BTreeSet;
use std::sync::Arc;

use tidegate_model::{
    Collected, Facts as _, FactsError, Kind, KindCoverage, Resource, ResourceKey, SnapshotId,
    Status, Subject, Timestamp, Visibility,
};
use tidegate_openstack::Cloud;
use tidegate_store::{At, Store, StoreError};

use crate::cmd::store::failure;
use crate::failure::{Failure, Result};

/// The kinds of what probes find.
const KINDS: [&str; 4] =
    ["probe.entropy", "probe.key_manager", "probe.backup", "probe.default_security_group"];

/// What probes have found: `fresh`, and of the rest what the last snapshot
/// holds. Every kind is complete, so that a rule can tell "never probed" from
/// "not looked". How long a result counts is for the rules to say.
pub(crate) async fn probed(
    store: &Store,
    subject: &Subject,
    cloud: &Cloud,
    fresh: Vec<Resource>,
    now: Timestamp,
) -> Result<Vec<Collected>> {
    let known: BTreeSet<ResourceKey> = fresh.iter().map(|r| r.key.clone()).collect();
    let mut all = fresh;
    match store.resolve(subject, &At::default()).await {
        Ok(last) => {
            let carried = held(store, &last).await?;
            all.extend(carried.into_iter().filter(|r| !known.contains(&r.key)));
        }
        Err(StoreError::NoSubject { .. }) => {}
        Err(e) => return Err(failure(e)),
    }
    let mut coverage = Vec::new();
    for kind in kinds()? {
        for region in cloud.regions() {
            let here = |r: &&Resource| r.kind == kind && r.region.as_deref() == Some(region);
            coverage.push(Collected::Coverage(KindCoverage {
                source: Arc::from("probe"),
                region: Some(Arc::from(region)),
                status: Status::Complete { count: all.iter().filter(here).count() as u64 },
                kind: kind.clone(),
                visibility: Visibility::All,
                read_from: now,
                read_until: now,
            }));
        }
    }
    // What a region that is not asked this time once showed stays as it is.
    all.retain(|r| cloud.regions().any(|region| r.region.as_deref() == Some(region)));
    Ok(std::iter::once(Collected::Page(all)).chain(coverage).collect())
}

fn kinds() -> Result<Vec<Kind>> {
    let kind = |name: &str| Kind::new(name).map_err(|e| Failure::from_error(&e));
    KINDS.into_iter().map(kind).collect()
}

/// The results of probes in a snapshot.
async fn held(store: &Store, id: &SnapshotId) -> Result<Vec<Resource>> {
    let facts = store.snapshot(id).await.map_err(failure)?;
    let kinds = kinds()?;
    let read = move || -> std::result::Result<Vec<Resource>, FactsError> {
        let mut all = Vec::new();
        for kind in &kinds {
            facts.each(kind, &mut |fact| all.push(fact.resource))?;
        }
        Ok(all)
    };
    let broke =
        |e| Failure::new(format!("reading the probes of `{id}` broke off")).caused_by(Some(&e));
    tokio::task::spawn_blocking(read).await.map_err(broke)?.map_err(|e| Failure::from_error(&e))
}
