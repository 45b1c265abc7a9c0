//! Random histories of collections equal a plain model, as of every snapshot:
//! with the index, without it, and after a rebuild.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tidegate_model::{Facts as _, KindCoverage, Resource, ResourceKey, Status, Visibility};

use super::support::*;
use crate::{SnapshotReader, Store, diff};

const REGIONS: [&str; 2] = ["r1", "r2"];

/// One collection: versions by (kind, region, id), and coverage.
#[derive(Debug, Clone)]
pub(super) struct Run {
    seen: BTreeMap<(usize, usize, u64), u64>,
    coverage: Vec<(usize, usize, u8, u8)>,
}

pub(super) fn run() -> impl Strategy<Value = Run> {
    let seen = prop::collection::btree_map((0..2_usize, 0..2_usize, 0..5_u64), 0..3_u64, 0..12);
    let coverage = prop::collection::vec((0..2_usize, 0..2_usize, 0..4_u8, 0..4_u8), 0..5);
    (seen, coverage).prop_map(|(seen, coverage)| Run { seen, coverage })
}

impl Run {
    pub(super) fn resources(&self) -> Vec<Resource> {
        let one = |(&(k, r, id), &version)| resource(KINDS[k], REGIONS[r], id, version);
        self.seen.iter().map(one).collect()
    }

    pub(super) fn coverage(&self) -> Vec<KindCoverage> {
        let one = |&(k, r, status, visibility): &(usize, usize, u8, u8)| {
            let status = match status {
                0 | 1 => Status::Complete { count: 0 },
                2 => Status::Failed { reason: "500".into() },
                _ => Status::Forbidden,
            };
            let visibility = match visibility {
                0 => Visibility::All,
                1 => projects(&["a"]),
                2 => projects(&["a", "b"]),
                _ => Visibility::Public,
            };
            coverage(KINDS[k], REGIONS[r], status, visibility)
        };
        self.coverage.iter().map(one).collect()
    }
}

/// A resource, and since which snapshot it is unseen.
type Model = BTreeMap<ResourceKey, (Resource, Option<u64>)>;

fn place(c: &KindCoverage, r: &Resource) -> bool {
    c.kind == r.kind && c.region == r.region
}

/// The rule of removal, written down once more.
fn next(before: &Model, runs: &[Run], seq: u64) -> Model {
    let now = runs[usize::try_from(seq - 1).unwrap()].coverage();
    let mut after: Model = runs[usize::try_from(seq - 1).unwrap()]
        .resources()
        .into_iter()
        .map(|r| {
            let stays = before.get(&r.key).filter(|(old, _)| old.body == r.body);
            (r.key.clone(), (stays.map_or(r, |(old, _)| old.clone()), None))
        })
        .collect();
    for (key, (resource, unseen)) in before {
        if after.contains_key(key) {
            continue;
        }
        let last = unseen.unwrap_or(seq) - 1;
        let seen_by: Vec<Visibility> = runs[usize::try_from(last - 1).unwrap()]
            .coverage()
            .into_iter()
            .filter(|c| place(c, resource))
            .map(|c| c.visibility)
            .collect();
        let seen_by = if seen_by.is_empty() { vec![Visibility::All] } else { seen_by };
        let listings: Vec<&KindCoverage> = now.iter().filter(|c| place(c, resource)).collect();
        let gone = !listings.is_empty()
            && listings.iter().all(|c| matches!(c.status, Status::Complete { .. }))
            && seen_by.iter().all(|v| listings.iter().any(|c| c.visibility.contains(v)));
        if !gone {
            after.insert(key.clone(), (resource.clone(), Some(unseen.unwrap_or(seq))));
        }
    }
    after
}

/// What [`diff`] tells is what the models differ in, less times of reading.
fn differences(from: &SnapshotReader, old: &Model, to: &SnapshotReader, new: &Model, how: &str) {
    let told = |m: &Model, key: &ResourceKey| {
        let (resource, unseen) = m.get(key)?;
        Some((resource.body.clone(), resource.name.clone(), unseen.is_some()))
    };
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let expected: BTreeSet<_> =
        keys.into_iter().filter(|k| told(old, k) != told(new, k)).cloned().collect();
    let mut found = BTreeSet::new();
    diff(from, to, &|_| true, &mut |d| {
        let side = |f: Option<tidegate_model::Fact>| f.map(|f| f.resource.body);
        assert_eq!(side(d.before), old.get(&d.key).map(|(r, _)| r.body.clone()), "{how}");
        assert_eq!(side(d.after), new.get(&d.key).map(|(r, _)| r.body.clone()), "{how}");
        assert!(found.insert(d.key), "{how}: told twice");
    })
    .unwrap();
    assert_eq!(found, expected, "{how}");
}

async fn check(store: &Store, models: &[Model], how: &str) {
    for (seq, model) in (1..).zip(models) {
        let id = format!("prod1@{seq}").parse().unwrap();
        let snapshot = store.snapshot(&id).await.unwrap();
        let expected: BTreeMap<_, _> = model
            .iter()
            .map(|(k, (r, u))| (k.clone(), (r.clone(), u.map(|u| day(u - 1)))))
            .collect();
        let read: BTreeMap<_, _> = all(&snapshot)
            .unwrap()
            .into_iter()
            .map(|(k, f)| (k, (f.resource, f.unseen_since)))
            .collect();
        assert_eq!(read, expected, "{how}, snapshot {seq}");
        let mut fetched = BTreeMap::new();
        let fresh = store.snapshot(&id).await.unwrap();
        let keys: Vec<_> = models.iter().flat_map(|m| m.keys().cloned()).collect();
        let mut keep = |f: tidegate_model::Fact| {
            fetched.insert(f.resource.key.clone(), (f.resource, f.unseen_since));
        };
        fresh.fetch(&keys, &mut keep).unwrap();
        assert_eq!(fetched, expected, "{how}, fetched from {seq}");
        for (since, old) in (1..seq).zip(models) {
            let changes = snapshot.changes_since(since).unwrap().unwrap();
            let changed: Vec<_> = changes.iter().map(|c| &c.key).collect();
            assert!(changed.is_sorted(), "{how}");
            for key in model.keys().chain(old.keys()) {
                if model.get(key) != old.get(key) {
                    assert!(changed.contains(&key), "{how}: {key} from {since} to {seq}");
                }
            }
            let earlier = store.snapshot(&format!("prod1@{since}").parse().unwrap()).await.unwrap();
            differences(&earlier, old, &snapshot, model, how);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn histories_equal_the_model(runs in prop::collection::vec(run(), 1..7)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).await.unwrap();
            let mut models: Vec<Model> = Vec::new();
            for (seq, run) in (1..).zip(&runs) {
                let model = next(models.last().unwrap_or(&Model::new()), &runs, seq);
                let (page, covered) = (run.resources(), run.coverage());
                let done = collect(&store, &subject(), seq, page, covered).await.unwrap();
                assert_eq!(done.manifest.resources(), model.len() as u64);
                models.push(model);
            }
            check(&store, &models, "with the index").await;
            let second = Store::open(folder.path()).await.unwrap();
            check(&second, &models, "from segments").await;
            drop(second);
            store.reindex().await.unwrap();
            check(&store, &models, "after a rebuild").await;
            drop(store);
            let store = Store::open(folder.path()).await.unwrap();
            assert!(store.notices().is_empty(), "{:?}", store.notices());
            check(&store, &models, "opened again").await;
        });
    }
}
