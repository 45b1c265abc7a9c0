//! Random histories of collections, compactions, prunings and erasures equal a
//! plain model, as of every snapshot: with the index, without it, and after a
//! rebuild.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use tidegate_model::{
    ChangeOp, Facts, KindCoverage, Resource, ResourceKey, Status, Timestamp, Visibility,
};

use super::support::*;
use crate::{SnapshotReader, Store, StoreError, Upkeep, diff};

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

/// So many days lie between two snapshots: some months are complete, then.
const DAYS: u64 = 9;

/// What is done to a store.
#[derive(Debug, Clone)]
enum Act {
    Collect(Run),
    Compact,
    Prune(&'static str),
    Erase(u64),
    Reindex,
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => run().prop_map(Act::Collect),
        2 => Just(Act::Compact),
        1 => prop_oneof![
            Just("all for 30 days"),
            Just("all for 20 days, then monthly"),
            Just("monthly"),
            Just("yearly"),
        ]
        .prop_map(Act::Prune),
        1 => prop_oneof![Just(0_u64), Just(3)].prop_map(Act::Erase),
        1 => Just(Act::Reindex),
        1 => Just(Act::Reopen),
    ]
}

/// All snapshots, and which of them are pruned.
#[derive(Debug, Default)]
struct Past {
    models: Vec<Model>,
    runs: Vec<Run>,
    pruned: Vec<u64>,
}

impl Past {
    fn head(&self) -> u64 {
        self.models.len() as u64
    }

    fn erase(&mut self, project: &str) {
        let all = self.models.iter_mut().flat_map(BTreeMap::values_mut);
        for (resource, _) in all.filter(|(r, _)| r.project.as_deref() == Some(project)) {
            resource.body = "".into();
            resource.name = None;
        }
    }
}

/// What [`diff`] tells is what the models differ in, less times of reading.
fn differences(from: &dyn Facts, old: &Model, to: &dyn Facts, new: &Model, how: &str) {
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

async fn check(store: &Store, past: &Past, how: &str) {
    for (seq, model) in (1..).zip(&past.models) {
        let id = format!("prod1@{seq}").parse().unwrap();
        if past.pruned.contains(&seq) {
            let e = store.snapshot(&id).await.unwrap_err();
            assert!(matches!(e, StoreError::Pruned { .. }), "{how}, snapshot {seq}: {e}");
            continue;
        }
        check_one(&store.snapshot(&id).await.unwrap(), past, how);
        let mut fetched = BTreeMap::new();
        let fresh = store.snapshot(&id).await.unwrap();
        let keys: Vec<_> = past.models.iter().flat_map(|m| m.keys().cloned()).collect();
        let mut keep = |f: tidegate_model::Fact| {
            fetched.insert(f.resource.key.clone(), (f.resource, f.unseen_since));
        };
        fresh.fetch(&keys, &mut keep).unwrap();
        assert_eq!(fetched, expected(model), "{how}, fetched from {seq}");
    }
}

fn expected(model: &Model) -> BTreeMap<ResourceKey, (Resource, Option<Timestamp>)> {
    let one = |(k, (r, u)): (&ResourceKey, &(Resource, Option<u64>))| {
        (k.clone(), (r.clone(), u.map(|u| day((u - 1) * DAYS))))
    };
    model.iter().map(one).collect()
}

/// Checks one snapshot, and what changed since all earlier ones.
fn check_one(snapshot: &SnapshotReader, past: &Past, how: &str) {
    let seq = snapshot.meta().id.seq;
    let model = &past.models[usize::try_from(seq - 1).unwrap()];
    let facts = all(snapshot).unwrap().into_iter();
    let read: BTreeMap<_, _> = facts.map(|(k, f)| (k, (f.resource, f.unseen_since))).collect();
    assert_eq!(read, expected(model), "{how}, snapshot {seq}");
    for (since, old) in (1..seq).zip(&past.models) {
        let changes = snapshot.changes_since(since).unwrap();
        if past.pruned.contains(&since) {
            assert_eq!(changes, None, "{how}: from {since} to {seq}");
            continue;
        }
        let changes = changes.unwrap();
        let changed: Vec<_> = changes.iter().map(|c| &c.key).collect();
        assert!(changed.is_sorted(), "{how}");
        for key in model.keys().chain(old.keys()) {
            if model.get(key) != old.get(key) {
                assert!(changed.contains(&key), "{how}: {key} from {since} to {seq}");
            }
        }
        for change in &changes {
            let gone = change.op == ChangeOp::Remove;
            assert_eq!(gone, !model.contains_key(&change.key), "{how}: {change:?}");
        }
        let earlier = snapshot.at(since).unwrap().unwrap();
        differences(&*earlier, old, snapshot, model, how);
    }
}

/// Does it to the store and to the model.
async fn perform(store: &mut Store, past: &mut Past, act: &Act, grace: Duration) {
    let upkeep = Upkeep { now: day(9000 + past.head()), grace, dry_run: false };
    match act {
        Act::Collect(run) => {
            past.runs.push(run.clone());
            let seq = past.runs.len() as u64;
            let model = next(past.models.last().unwrap_or(&Model::new()), &past.runs, seq);
            let (page, covered) = (run.resources(), run.coverage());
            let done = collect(store, &subject(), seq * DAYS, page, covered).await.unwrap();
            assert_eq!(done.manifest.resources(), model.len() as u64);
            past.models.push(model);
        }
        _ if past.models.is_empty() => {}
        Act::Compact => drop(store.compact(&subject(), &upkeep).await.unwrap()),
        Act::Prune(rule) => {
            let now = Upkeep { now: day(past.head() * DAYS), ..upkeep };
            let rule = rule.parse().unwrap();
            let told = Upkeep { dry_run: true, ..now };
            let told = store.prune(&subject(), &rule, &told, [1; 16]).await.unwrap();
            let done = store.prune(&subject(), &rule, &now, [1; 16]).await.unwrap();
            assert_eq!((&told.snapshots, told.changes), (&done.snapshots, done.changes));
            assert!(!done.snapshots.contains(&past.head()));
            past.pruned.extend(done.snapshots);
            past.pruned.sort_unstable();
            assert_eq!(store.pruned(&subject()).await.unwrap(), past.pruned);
        }
        Act::Erase(project) => {
            let project = format!("project-{project}");
            store.erase(&subject(), &project, &upkeep, [2; 16]).await.unwrap();
            past.erase(&project);
        }
        Act::Reindex => drop(store.reindex().await.unwrap()),
        Act::Reopen => {
            let path = store.path().to_path_buf();
            *store = Store::open_for_records(&path).await.unwrap();
            *store = Store::open(&path).await.unwrap();
            assert!(store.notices().is_empty(), "{:?}", store.notices());
        }
    }
}

proptest! {
    #![proptest_config(cases(48))]
    #[test]
    fn histories_equal_the_model(
        acts in prop::collection::vec(act(), 1..14),
        grace in prop::bool::ANY,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(folder.path()).await.unwrap();
            let mut past = Past::default();
            let grace = Duration::from_secs(if grace { 0 } else { 86_400 * 20_000 });
            for act in &acts {
                perform(&mut store, &mut past, act, grace).await;
            }
            check(&store, &past, "with the index").await;
            let second = Store::open(folder.path()).await.unwrap();
            check(&second, &past, "from segments").await;
            let verified = second.verify(&subject(), &[]).await.unwrap();
            assert_eq!(verified.faults, []);
            assert_eq!(verified.pruned, past.pruned.len() as u64);
            drop(second);
            store.reindex().await.unwrap();
            check(&store, &past, "after a rebuild").await;
            drop(store);
            let store = Store::open(folder.path()).await.unwrap();
            assert!(store.notices().is_empty(), "{:?}", store.notices());
            check(&store, &past, "opened again").await;
        });
    }

    #[test]
    fn readers_of_an_older_generation_are_not_disturbed(
        runs in prop::collection::vec(run(), 2..9),
        act in prop_oneof![Just(Act::Compact), Just(Act::Prune("all for 15 days, then monthly"))],
        late in run(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut store = Store::open(folder.path()).await.unwrap();
            let mut past = Past::default();
            let grace = Duration::from_secs(3600);
            for run in runs {
                perform(&mut store, &mut past, &Act::Collect(run), grace).await;
            }
            let second = Store::open(folder.path()).await.unwrap();
            let mut readers = Vec::new();
            for seq in 1..=past.head() {
                let id = format!("prod1@{seq}").parse().unwrap();
                readers.push(store.snapshot(&id).await.unwrap());
                readers.push(second.snapshot(&id).await.unwrap());
            }
            perform(&mut store, &mut past, &act, grace).await;
            let pruned = std::mem::take(&mut past.pruned);
            perform(&mut store, &mut past, &Act::Collect(late), grace).await;
            readers.iter().for_each(|r| check_one(r, &past, "old generation"));
            past.pruned = pruned;
            check(&second, &past, "new generation, from segments").await;
            check(&store, &past, "new generation").await;
        });
    }
}
