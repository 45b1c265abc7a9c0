//! What a user of the store meets on a good day.

use tidegate_model::{ChangeOp, Digest, Facts, Status};

use super::support::*;
use crate::{At, Store, StoreError};

#[tokio::test]
async fn opening_creates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let store = Store::open(&path).await.unwrap();
    assert!(store.subjects().await.unwrap().is_empty());
    assert!(store.snapshots(&subject()).await.unwrap().is_empty());
    let e = store.resolve(&subject(), &At::default()).await.unwrap_err();
    assert_eq!(
        e.to_string(),
        "no snapshots of subject `prod1`; the store is empty: run `tidegate collect` first"
    );
    assert!(store.carry(&subject(), &Digest::of(b"x")).is_none());
    drop(store);
    assert!(!path.exists());
}

#[tokio::test]
async fn records_can_be_written_while_another_collects() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let s = "compute.server";
    let holder = Store::open(&path).await.unwrap();
    collect(&holder, &subject(), 1, vec![resource(s, "r", 1, 1)], vec![complete(s, "r")])
        .await
        .unwrap();
    let records = Store::open_for_records(&path).await.unwrap();
    let now = tidegate_model::Timestamp::UNIX_EPOCH;
    records.record(&subject(), "probe-journal", now, [1; 16], b"{}").await.unwrap();
    collect(&holder, &subject(), 2, vec![resource(s, "r", 1, 2)], vec![complete(s, "r")])
        .await
        .unwrap();
    assert_eq!(records.records(&subject()).await.unwrap().len(), 1);
    drop(holder);
    // It has not kept anybody from writing.
    let next = Store::open(&path).await.unwrap();
    assert!(next.notices().is_empty(), "{:?}", next.notices());
    assert!(Store::open_for_records(&folder.path().join("none")).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_is_read_back_as_of_every_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::open(&path).await.unwrap();
    let s = "compute.server";
    let first = vec![resource(s, "r", 1, 1), resource(s, "r", 2, 1), resource(s, "r", 3, 1)];
    let done = collect(&store, &subject(), 1, first.clone(), vec![complete(s, "r")]).await.unwrap();
    assert_eq!((done.put, done.removed, done.unchanged), (3, 0, 0));
    assert_eq!(done.id.to_string(), "prod1@1");
    let second = vec![resource(s, "r", 1, 1), resource(s, "r", 2, 2), resource(s, "r", 4, 2)];
    let done =
        collect(&store, &subject(), 2, second.clone(), vec![complete(s, "r")]).await.unwrap();
    assert_eq!((done.put, done.removed, done.unchanged), (2, 1, 1));
    let same =
        collect(&store, &subject(), 3, second.clone(), vec![complete(s, "r")]).await.unwrap();
    assert_eq!((same.put, same.removed, same.unchanged, same.seen), (0, 0, 3, 0));
    drop(store);

    for index in [true, false] {
        if !index {
            std::fs::remove_dir_all(path.join("index")).unwrap();
        }
        let holder = Store::open(&path).await.unwrap();
        assert_eq!(holder.notices().is_empty(), index, "{:?}", holder.notices());
        let reader = if index {
            holder.clone()
        } else {
            let reader = Store::open(&path).await.unwrap();
            assert!(reader.notices()[0].contains("another process"), "{:?}", reader.notices());
            reader
        };
        for (seq, expected) in [(1, &first), (2, &second), (3, &second)] {
            let id = format!("prod1@{seq}").parse().unwrap();
            let snapshot = reader.snapshot(&id).await.unwrap();
            let found: Vec<_> = all(&snapshot).unwrap().into_values().map(|f| f.resource).collect();
            assert_eq!(&found, expected, "index {index} seq {seq}");
            let mut fetched = Vec::new();
            let keys: Vec<_> = expected.iter().map(|r| r.key.clone()).rev().collect();
            snapshot.fetch(&keys, &mut |f| fetched.push(f.resource)).unwrap();
            assert_eq!(&fetched, expected);
            snapshot.fetch(&[key(s, "r", 77)], &mut |_| panic!("not there")).unwrap();
        }
        let id = "prod1@3".parse().unwrap();
        let snapshot = reader.snapshot(&id).await.unwrap();
        let changes = snapshot.changes_since(1).unwrap().unwrap();
        let changes: Vec<_> = changes.into_iter().map(|c| (c.key, c.op)).collect();
        assert_eq!(
            changes,
            [
                (key(s, "r", 2), ChangeOp::Put),
                (key(s, "r", 3), ChangeOp::Remove),
                (key(s, "r", 4), ChangeOp::Put)
            ]
        );
        assert_eq!(snapshot.changes_since(2).unwrap().unwrap(), []);
        assert!(snapshot.changes_since(3).unwrap().is_none());
        let earlier = snapshot.at(1).unwrap().unwrap();
        assert_eq!(earlier.meta().id.seq, 1);
        assert!(snapshot.at(4).unwrap().is_none());
    }
}

#[tokio::test]
async fn a_reader_after_an_admin_removes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let s = "compute.server";
    let both = vec![resource(s, "r", 1, 1), resource(s, "r", 2, 1)];
    collect(&store, &subject(), 1, both.clone(), vec![complete(s, "r")]).await.unwrap();
    let reader = coverage(s, "r", Status::Complete { count: 1 }, projects(&["p"]));
    let one = vec![resource(s, "r", 1, 1)];
    let done = collect(&store, &subject(), 2, one.clone(), vec![reader.clone()]).await.unwrap();
    assert_eq!((done.removed, done.unseen, done.unchanged), (0, 1, 1));
    let facts = all(&store.snapshot(&done.id).await.unwrap()).unwrap();
    assert_eq!(facts[&key(s, "r", 2)].unseen_since, Some(day(1)));
    assert_eq!(facts[&key(s, "r", 1)].unseen_since, None);
    // Again: it was said already.
    let done = collect(&store, &subject(), 3, one.clone(), vec![reader.clone()]).await.unwrap();
    assert_eq!((done.removed, done.unseen, done.unchanged), (0, 0, 1));
    // The admin sees it again.
    let done = collect(&store, &subject(), 4, both, vec![complete(s, "r")]).await.unwrap();
    assert_eq!((done.put, done.seen, done.unchanged), (0, 1, 1));
    // Now the reader may remove what it alone saw last, and no more.
    collect(&store, &subject(), 5, one, vec![reader.clone()]).await.unwrap();
    let done = collect(&store, &subject(), 6, vec![], vec![reader]).await.unwrap();
    assert_eq!((done.removed, done.unseen), (1, 0));
    let done = collect(&store, &subject(), 7, vec![], vec![complete(s, "r")]).await.unwrap();
    assert_eq!(done.removed, 1);
    assert!(done.manifest.kinds.is_empty());
}

#[tokio::test]
async fn resolve_says_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    for taken in [1, 2, 3] {
        collect(&store, &subject(), taken, vec![], vec![]).await.unwrap();
    }
    let check = async |at: &str, expected: &str| {
        let found = store.resolve(&subject(), &at.parse().unwrap()).await;
        let found = found.map_or_else(|e| e.to_string(), |id| id.to_string());
        assert_eq!(found, expected, "{at}");
    };
    check("latest", "prod1@3").await;
    check("latest~2", "prod1@1").await;
    check("latest~3", "`latest~3` of `prod1` goes back too far; it has 3 snapshots").await;
    check("prod1@2", "prod1@2").await;
    check("prod1@9", "no snapshot `prod1@9`; `prod1` has 1 to 3").await;
    check("prod2@1", "`prod2@1` is not a snapshot of `prod1`").await;
    check("2026-01-03", "prod1@2").await;
    check("2026-01-03T00:00:00Z", "prod1@2").await;
    check("2026-01-02T23:59:59Z", "prod1@1").await;
    check(
        "2025-12-31",
        "no snapshot of `prod1` at or before 2025-12-31T23:59:59.999999999Z; \
         the first was taken at 2026-01-02T00:00:00Z",
    )
    .await;
    let other = tidegate_model::Subject::new("prod2").unwrap();
    let e = store.resolve(&other, &At::default()).await.unwrap_err();
    assert_eq!(e.to_string(), "no snapshots of subject `prod2`; the store knows `prod1`");
}

#[tokio::test]
async fn the_order_of_pages_does_not_matter() {
    let s = "compute.server";
    let mut late = resource(s, "r", 1, 2);
    late.read_at = day(9);
    let mut great = late.clone();
    great.body = r#"{"z":1}"#.into();
    let page = [resource(s, "r", 1, 1), late, great.clone()];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        for taken in [1, 2] {
            let page = order.iter().map(|&i| page[i].clone()).collect();
            let done = collect(&store, &subject(), taken, page, vec![]).await.unwrap();
            // In the second run the tie goes to what is new.
            let facts = all(&store.snapshot(&done.id).await.unwrap()).unwrap();
            let expected = if taken == 1 { &great.body } else { &page_other(&great).body };
            assert_eq!(&facts[&key(s, "r", 1)].resource.body, expected, "{order:?} {taken}");
        }
    }
    fn page_other(_: &tidegate_model::Resource) -> tidegate_model::Resource {
        resource("compute.server", "r", 1, 2)
    }
}

#[tokio::test]
async fn a_body_keeps_its_salt_until_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let s = "compute.server";
    let mut one = resource(s, "r", 1, 1);
    let a = collect(&store, &subject(), 1, vec![one.clone()], vec![]).await.unwrap();
    one.name = Some("renamed elsewhere".into());
    let b = collect(&store, &subject(), 2, vec![one.clone()], vec![]).await.unwrap();
    assert_eq!(b.put, 1);
    assert_eq!(a.manifest.kinds, b.manifest.kinds, "the leaf is of the body");
    let c = collect(&store, &subject(), 3, vec![resource(s, "r", 1, 2)], vec![]).await.unwrap();
    assert_ne!(b.manifest.kinds, c.manifest.kinds);
    let facts = all(&store.snapshot(&b.id).await.unwrap()).unwrap();
    assert_eq!(facts[&one.key].resource, one);
}

#[tokio::test]
async fn a_key_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let mut bad = resource("compute.server", "r", 1, 1);
    bad.kind = kind("network.port");
    let e = collect(&store, &subject(), 1, vec![bad], vec![]).await.unwrap_err();
    assert!(matches!(e, StoreError::BadResource { .. }), "{e}");
    assert!(store.subjects().await.unwrap().is_empty());
}

#[tokio::test]
async fn carried_blobs_stay_and_old_ones_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    collect(&store, &subject(), 1, vec![], vec![]).await.unwrap();
    let digest = |n: u8| Digest::of(&[n]);
    for n in 0..20 {
        store.set_carry(&subject(), &digest(n), &vec![n; 100_000]);
    }
    drop(store);
    let store = Store::open(folder.path()).await.unwrap();
    assert!(store.notices().is_empty(), "{:?}", store.notices());
    assert_eq!(store.carry(&subject(), &digest(19)), Some(vec![19; 100_000]));
    assert_eq!(store.carry(&subject(), &digest(12)), Some(vec![12; 100_000]));
    assert_eq!(store.carry(&subject(), &digest(11)), None);
    let other = tidegate_model::Subject::new("prod").unwrap();
    assert_eq!(store.carry(&other, &digest(19)), None);
}

#[tokio::test]
async fn records_chain_and_their_payloads_can_go() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    assert_eq!(store.record(&subject(), "gate", day(1), [1; 16], b"open").await.unwrap(), 1);
    assert_eq!(store.record(&subject(), "plan", day(2), [2; 16], b"{}").await.unwrap(), 2);
    let records = store.records(&subject()).await.unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].kind, "plan");
    assert_eq!(store.payload(&records[0]).await.unwrap().unwrap(), b"open");
    let done = collect(&store, &subject(), 3, vec![], vec![]).await.unwrap();
    assert_eq!(done.manifest.record.unwrap().n, 2);
    let path = folder.path().join(format!("records/prod1/1-{}.payload", records[0].payload));
    std::fs::remove_file(path).unwrap();
    assert_eq!(store.payload(&records[0]).await.unwrap(), None);
    assert_eq!(store.records(&subject()).await.unwrap(), records);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_subjects_and_a_reader_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let s = "compute.server";
    collect(&store, &subject(), 1, vec![resource(s, "r", 1, 1)], vec![]).await.unwrap();
    let writer = |name: &'static str| {
        let store = store.clone();
        tokio::spawn(async move {
            let subject = tidegate_model::Subject::new(name).unwrap();
            for taken in 2..12 {
                let page = (0..200).map(|id| resource(s, "r", id, taken)).collect();
                collect(&store, &subject, taken, page, vec![complete(s, "r")]).await.unwrap();
            }
        })
    };
    let writers = [writer("prod1"), writer("prod2")];
    let reader = tokio::task::spawn_blocking({
        let store = store.clone();
        let id = "prod1@1".parse().unwrap();
        move || {
            for _ in 0..50 {
                let snapshot = store.inner.wait(store.snapshot(&id)).unwrap();
                assert_eq!(all(&snapshot).unwrap().len(), 1);
            }
        }
    });
    for task in writers {
        task.await.unwrap();
    }
    reader.await.unwrap();
    for (name, newest) in [("prod1", 11), ("prod2", 10)] {
        let subject = tidegate_model::Subject::new(name).unwrap();
        let id = store.resolve(&subject, &At::default()).await.unwrap();
        assert_eq!(id.seq, newest);
        let facts = all(&store.snapshot(&id).await.unwrap()).unwrap();
        assert_eq!(facts.len(), 200);
        assert!(facts.values().all(|f| f.resource.body.contains("\"version\":11")));
    }
}

#[test]
fn a_large_object_goes_in_parts_without_a_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..17_000_000_u32).map(|n| (n % 251) as u8).collect();
    let file = folder.path().join("large");
    std::fs::write(&file, &bytes).unwrap();
    let objects = crate::objects::Objects::local(folder.path(), None).unwrap();
    let path = object_store::path::Path::from("a/b");
    crate::block::block(None, objects.put_file(&path, &file)).unwrap();
    assert!(crate::block::block(None, objects.get(&path)).unwrap() == bytes);
}

#[tokio::test]
async fn stats_count_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    assert!(store.stats().await.unwrap().subjects.is_empty());
    let s = "compute.server";
    let page = vec![resource(s, "r", 1, 1), resource(s, "r", 2, 1)];
    collect(&store, &subject(), 1, page.clone(), vec![]).await.unwrap();
    collect(&store, &subject(), 2, page, vec![]).await.unwrap();
    store.record(&subject(), "gate", day(2), [0; 16], b"open").await.unwrap();
    let stats = store.stats().await.unwrap();
    let one = &stats.subjects[0];
    assert_eq!((one.snapshots, one.resources, one.records), (2, 2, 1));
    assert_eq!(one.newest, day(2));
    assert!(
        one.segment_bytes > 1000 && one.manifest_bytes > 500 && one.record_bytes > 100,
        "{one:?}"
    );
    assert!(stats.index_bytes > 0);
}
