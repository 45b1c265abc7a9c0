//! Several machines and one bucket. Here the bucket is in memory, with the same
//! conditional puts; with `TIDEGATE_TEST_S3=s3://bucket/prefix` and the variables
//! of AWS it is a real one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use tidegate_model::{Facts as _, Resource};

use super::support::*;
use crate::objects::Wrap;
use crate::store::Inner;
use crate::{Bucket, Store, StoreError, Upkeep};

const S: &str = "compute.server";
const WRITERS: u64 = 16;
const ROUNDS: u64 = 5;

/// A bucket that is empty at first.
struct Shared {
    url: String,
    variables: BTreeMap<String, String>,
    memory: Option<Arc<dyn ObjectStore>>,
}

impl Shared {
    fn new(test: &str) -> Self {
        match std::env::var("TIDEGATE_TEST_S3") {
            Ok(url) => {
                let now = std::time::SystemTime::now();
                let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
                let variables = std::env::vars().collect();
                Self { url: format!("{url}/{test}-{now}"), variables, memory: None }
            }
            Err(_) => Self {
                url: format!("s3://bucket/{test}"),
                variables: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
                    .map(|name| (name.to_owned(), "k".to_owned()))
                    .into(),
                memory: Some(Arc::new(InMemory::new())),
            },
        }
    }

    /// Opens it on a machine, told by its cache folder.
    async fn open(&self, machine: &Path) -> Store {
        let bucket = Bucket::new(&self.url, machine, &self.variables).unwrap();
        let mut inner = Inner::in_bucket(bucket).unwrap();
        if let Some(memory) = &self.memory {
            let memory = Arc::clone(memory);
            let memory: Box<Wrap> = Box::new(move |_| Arc::clone(&memory));
            inner.wrap = Some(memory);
        }
        Store::open_with(inner).await.unwrap()
    }
}

fn state(seq: u64) -> Vec<Resource> {
    (0..40).map(|id| resource(S, "r", id, if id % 5 == seq % 5 { seq } else { 0 })).collect()
}

async fn next(store: &Store, seq: u64) {
    let done = collect(store, &subject(), seq * 9, state(seq), vec![complete(S, "r")]).await;
    assert_eq!(done.unwrap().id.seq, seq);
}

async fn check(store: &Store, seqs: std::ops::RangeInclusive<u64>) {
    for seq in seqs {
        let snapshot = store.snapshot(&format!("prod1@{seq}").parse().unwrap()).await.unwrap();
        let found = tokio::task::spawn_blocking(move || all(&snapshot).unwrap()).await.unwrap();
        let found: Vec<_> = found.into_values().map(|f| f.resource.body).collect();
        assert_eq!(found, state(seq).into_iter().map(|r| r.body).collect::<Vec<_>>(), "{seq}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_machines_take_turns_and_the_index_follows() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Shared::new("turns");
    let a = shared.open(&folder.path().join("a")).await;
    assert!(a.subjects().await.unwrap().is_empty());
    assert_eq!(a.name(), shared.url);
    next(&a, 1).await;
    let b = shared.open(&folder.path().join("b")).await;
    assert!(b.notices()[0].contains("the index was rebuilt"), "{:?}", b.notices());
    for seq in 2..=9 {
        next(if seq % 2 == 0 { &b } else { &a }, seq).await;
    }
    let upkeep =
        Upkeep { now: day(9000), grace: std::time::Duration::from_secs(60), dry_run: false };
    assert_eq!(b.compact(&subject(), &upkeep).await.unwrap().generation, Some(1));
    check(&a, 1..=9).await;
    next(&a, 10).await;
    check(&a, 1..=10).await;
    check(&b, 1..=10).await;
    // A machine that was off.
    drop(a);
    next(&b, 11).await;
    let a = shared.open(&folder.path().join("a")).await;
    assert_eq!(a.notices().len(), 1, "{:?}", a.notices());
    assert!(a.notices()[0].contains("behind by 1"), "{:?}", a.notices());
    let stats = a.stats().await.unwrap();
    assert_eq!((stats.subjects[0].snapshots, stats.subjects[0].generation), (11, 1));
    // Two processes on one machine do not share an index.
    let second = shared.open(&folder.path().join("a")).await;
    assert_ne!(a.path(), second.path());
    check(&second, 1..=11).await;
    next(&second, 12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_one_wins_and_the_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Shared::new("race");
    let mut stores = Vec::new();
    for n in 0..WRITERS {
        stores.push(shared.open(&folder.path().join(n.to_string())).await);
    }
    for seq in 1..=ROUNDS {
        let mut writers = Vec::new();
        for (n, store) in (0..).zip(&stores) {
            let begin = crate::Begin { taken_at: day(seq * 9), ..begin(seq * 100 + n) };
            let mut writer = store.begin(&subject(), begin).await.unwrap();
            writer.put(state(seq)).unwrap();
            writer.cover(complete(S, "r"));
            writers.push(writer);
        }
        let racing = writers.into_iter().map(|w| tokio::spawn(w.commit()));
        let mut won = 0;
        for done in futures::future::join_all(racing).await {
            match done.unwrap() {
                Ok(done) => {
                    assert_eq!(done.id.seq, seq);
                    won += 1;
                }
                Err(e) => assert!(matches!(e, StoreError::Conflict { seq: s, .. } if s == seq)),
            }
        }
        assert_eq!(won, 1, "round {seq}");
        for store in &stores {
            check(store, seq..=seq).await;
        }
    }
    // What the losers put stays until it is old, then goes.
    let upkeep = |days| Upkeep { now: day(days), grace: std::time::Duration::ZERO, dry_run: false };
    stores[0].compact(&subject(), &upkeep(9000)).await.unwrap();
    let swept = stores[1].compact(&subject(), &upkeep(9001)).await.unwrap().swept;
    let total =
        swept.segments + stores[0].compact(&subject(), &upkeep(9001)).await.unwrap().swept.segments;
    assert!(total < WRITERS * ROUNDS, "{total}");
    for store in stores.iter().take(2) {
        check(store, 1..=ROUNDS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_while_another_machine_writes_and_compacts_is_consistent() {
    let folder = tempfile::tempdir().unwrap();
    let shared = Shared::new("reading");
    let a = shared.open(&folder.path().join("a")).await;
    next(&a, 1).await;
    let b = shared.open(&folder.path().join("b")).await;
    let writing = tokio::spawn(async move {
        let upkeep =
            Upkeep { now: day(9000), grace: std::time::Duration::from_secs(60), dry_run: false };
        for seq in 2..=14 {
            next(&a, seq).await;
            if seq % 4 == 0 {
                a.compact(&subject(), &upkeep).await.unwrap();
            }
        }
    });
    let mut newest = 0;
    while newest < 14 {
        newest = b.resolve(&subject(), &crate::At::default()).await.unwrap().seq;
        check(&b, newest.saturating_sub(3).max(1)..=newest).await;
        let snapshot = b.snapshot(&format!("prod1@{newest}").parse().unwrap()).await.unwrap();
        let changes = tokio::task::spawn_blocking(move || snapshot.changes_since(1).unwrap());
        assert_eq!(changes.await.unwrap().is_none(), newest == 1);
    }
    writing.await.unwrap();
}
