//! Compaction, pruning and erasure, as a user meets them.

use std::path::Path;
use std::time::Duration;

use tidegate_model::{Facts as _, Resource};

use super::support::*;
use crate::{At, Store, StoreError, Upkeep};

const S: &str = "compute.server";

fn state(seq: u64) -> Vec<Resource> {
    (0..40).map(|id| resource(S, "r", id, if id % 5 == seq % 5 { seq } else { 0 })).collect()
}

/// Snapshots on every third day of 2026.
async fn fill(store: &Store, range: std::ops::RangeInclusive<u64>) {
    for seq in range {
        let done = collect(store, &subject(), seq * 3, state(seq), vec![complete(S, "r")]).await;
        assert_eq!(done.unwrap().id.seq, seq);
    }
}

async fn check(store: &Store, seq: u64) {
    let snapshot = store.snapshot(&format!("prod1@{seq}").parse().unwrap()).await.unwrap();
    let found: Vec<_> = all(&snapshot).unwrap().into_values().map(|f| f.resource.body).collect();
    // What comes back as it was long before is a version of its own.
    let expected: Vec<_> = state(seq).into_iter().map(|r| r.body).collect();
    assert_eq!(found, expected, "snapshot {seq}");
}

fn upkeep(days: u64, grace: u64) -> Upkeep {
    Upkeep { now: day(days), grace: Duration::from_secs(grace * 86_400), dry_run: false }
}

fn names(path: &Path, folder: &str) -> Vec<String> {
    let items = std::fs::read_dir(path.join(folder).join("prod1")).into_iter().flatten();
    let mut names: Vec<_> =
        items.map(|i| i.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn months_become_one_segment_and_old_ones_go_after_their_grace() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    fill(&store, 1..=25).await;
    let before = names(folder.path(), "segments");
    assert_eq!(before.len(), 25);
    let told = Upkeep { dry_run: true, ..upkeep(9000, 7) };
    let told = store.compact(&subject(), &told).await.unwrap();
    assert_eq!((told.segments_before, told.segments_after, told.generation), (25, 8, None));
    assert!(names(folder.path(), "layout").is_empty());
    assert_eq!(names(folder.path(), "segments"), before);
    let done = store.compact(&subject(), &upkeep(9000, 7)).await.unwrap();
    assert_eq!((done.segments_before, done.segments_after, done.generation), (25, 8, Some(1)));
    assert_eq!((done.bytes_before, done.bytes_after), (told.bytes_before, told.bytes_after));
    assert!(done.bytes_after < done.bytes_before, "{done:?}");
    assert_eq!(done.swept.segments, 0);
    // Once more: there is nothing to do.
    let again = store.compact(&subject(), &upkeep(9006, 7)).await.unwrap();
    assert_eq!((again.generation, again.swept.segments), (None, 0));
    assert_eq!(names(folder.path(), "segments").len(), 27);
    let later = store.compact(&subject(), &upkeep(9008, 7)).await.unwrap();
    assert_eq!(later.swept.segments, 19);
    assert_eq!(names(folder.path(), "segments").len(), 8);
    fill(&store, 26..=26).await;
    drop(store);
    let store = Store::open(folder.path()).await.unwrap();
    assert!(store.notices().is_empty(), "{:?}", store.notices());
    for seq in 1..=26 {
        check(&store, seq).await;
    }
    assert_eq!(store.snapshots(&subject()).await.unwrap().len(), 26);
}

#[tokio::test]
async fn a_pruned_snapshot_is_named_with_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    fill(&store, 1..=25).await;
    let rule = "all for 20 days, then monthly".parse().unwrap();
    let done = store.prune(&subject(), &rule, &upkeep(76, 7), [9; 16]).await.unwrap();
    // 31 January is day 30, 28 February day 58.
    let kept: Vec<u64> = (1..=25).filter(|seq| !done.snapshots.contains(seq)).collect();
    assert_eq!(kept, [10, 19, 20, 21, 22, 23, 24, 25]);
    assert_eq!((done.kept, done.record), (8, Some(1)));
    assert!(done.changes > 0 && done.bytes_after < done.bytes_before, "{done:?}");
    let e = store.snapshot(&"prod1@12".parse().unwrap()).await.unwrap_err();
    assert_eq!(
        e.to_string(),
        "snapshot `prod1@12` was pruned; the nearest kept ones are `prod1@10` and `prod1@19`"
    );
    let e = store.snapshot(&"prod1@2".parse().unwrap()).await.unwrap_err().to_string();
    assert!(e.ends_with("the nearest kept one is `prod1@10`"), "{e}");
    for (at, seq) in [("2026-02-20", 10), ("latest~7", 10), ("latest~6", 19)] {
        let id = store.resolve(&subject(), &at.parse().unwrap()).await.unwrap();
        assert_eq!(id.seq, seq, "{at}");
    }
    let e = store.resolve(&subject(), &At::Latest { back: 8 }).await.unwrap_err();
    assert!(matches!(e, StoreError::TooFarBack { count: 8, .. }), "{e}");
    let e = store.resolve(&subject(), &"2026-01-20".parse().unwrap()).await.unwrap_err();
    assert!(matches!(e, StoreError::NoneBefore { first, .. } if first == day(30)), "{e}");
    for seq in kept {
        check(&store, seq).await;
    }
    // The chain is whole, and the record says what went.
    assert_eq!(store.snapshots(&subject()).await.unwrap().len(), 25);
    let record = &store.records(&subject()).await.unwrap()[0];
    assert_eq!(record.kind, "prune");
    let payload = store.payload(record).await.unwrap().unwrap();
    let payload: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(payload["snapshots"][0], serde_json::json!({"from": 1, "to": 9}));
    // Again: nothing is left to do, and no second record is written.
    let again = store.prune(&subject(), &rule, &upkeep(76, 7), [9; 16]).await.unwrap();
    assert_eq!((again.snapshots.len(), again.record), (0, None));
    fill(&store, 26..=26).await;
    check(&store, 26).await;
}

/// Whether any file below holds the text.
fn holds(folder: &Path, text: &str) -> Option<std::path::PathBuf> {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            if let Some(found) = holds(&path, text) {
                return Some(found);
            }
        } else if std::fs::read(&path).unwrap().windows(text.len()).any(|w| w == text.as_bytes()) {
            return Some(path);
        }
    }
    None
}

#[tokio::test]
async fn an_erased_tenant_is_nowhere_and_everything_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    fill(&store, 1..=12).await;
    // Two generations, an index with blobs, and records.
    store.compact(&subject(), &upkeep(9000, 7)).await.unwrap();
    let mut secret = resource(S, "r", 6, 99);
    secret.name = Some("name-of-the-secret".into());
    let mut page = state(13);
    page[6] = secret.clone();
    collect(&store, &subject(), 39, page, vec![complete(S, "r")]).await.unwrap();
    let mine = format!(r#"{{"resource":"{}"}}"#, secret.key);
    store.record(&subject(), "evaluation", day(39), [1; 16], mine.as_bytes()).await.unwrap();
    store.record(&subject(), "evaluation", day(39), [2; 16], b"nothing").await.unwrap();
    let before = store.snapshots(&subject()).await.unwrap();
    store.set_carry(&subject(), &tidegate_model::Digest::of(b"r"), b"name-of-the-secret");

    let left = format!("segments/prod1/13-{}.parquet", tidegate_model::Digest::of(b"left"));
    std::fs::write(folder.path().join(left), "name-of-the-secret of a crashed writer").unwrap();

    let told = Upkeep { dry_run: true, ..upkeep(9000, 7) };
    let told = store.erase(&subject(), "project-6", &told, [3; 16]).await.unwrap();
    assert_eq!((told.record, told.payloads.clone()), (None, vec![1]));
    assert!(holds(&folder.path().join("segments"), "name-of-the-secret").is_some());
    assert!(told.versions > 2, "{told:?}");
    check(&store, 1).await;
    let done = store.erase(&subject(), "project-6", &upkeep(9000, 7), [3; 16]).await.unwrap();
    assert_eq!((done.versions, &done.payloads), (told.versions, &told.payloads));
    assert_eq!(done.record, Some(3));

    for seq in 1..=13 {
        let snapshot = store.snapshot(&format!("prod1@{seq}").parse().unwrap()).await.unwrap();
        let mut erased = 0;
        snapshot
            .each(&kind(S), &mut |fact| {
                let mine = fact.resource.project.as_deref() == Some("project-6");
                assert_eq!(fact.resource.is_erased(), mine);
                assert_eq!(fact.resource.name.is_none(), mine);
                erased += usize::from(mine);
            })
            .unwrap();
        assert_eq!(erased, 2, "things 6 and 27");
    }
    assert_eq!(store.snapshots(&subject()).await.unwrap(), before, "the chain is as it was");
    let records = store.records(&subject()).await.unwrap();
    assert_eq!(store.payload(&records[0]).await.unwrap(), None);
    assert_eq!(store.payload(&records[1]).await.unwrap().unwrap(), b"nothing");
    assert_eq!(records[2].kind, "erasure");
    assert!(store.carry(&subject(), &tidegate_model::Digest::of(b"r")).is_none());
    assert_eq!(names(folder.path(), "layout").len(), 1);
    drop(store);
    assert_eq!(holds(folder.path(), "name-of-the-secret"), None);

    // It is still in the cloud, so it comes back.
    let store = Store::open(folder.path()).await.unwrap();
    fill(&store, 14..=14).await;
    check(&store, 14).await;
    let again = store.erase(&subject(), "project-6", &upkeep(9001, 7), [4; 16]).await.unwrap();
    assert_eq!(again.versions, 2);
    let none = store.erase(&subject(), "project-6", &upkeep(9001, 7), [4; 16]).await.unwrap();
    assert_eq!((none.versions, none.record), (0, None));
}

#[tokio::test]
async fn a_store_written_before_segments_knew_their_snapshots_is_read() {
    // Its first format is what a delta was: without the last column.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/v1")), &path);
    let store = Store::open(&path).await.unwrap();
    for seq in 1..=3 {
        check(&store, seq).await;
    }
    fill(&store, 4..=14).await;
    store.compact(&subject(), &upkeep(9000, 0)).await.unwrap();
    store.compact(&subject(), &upkeep(9000, 0)).await.unwrap();
    assert_eq!(names(&path, "segments").len(), 5);
    for seq in 1..=14 {
        check(&store, seq).await;
    }
}

#[tokio::test]
async fn a_lost_layout_or_manifest_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    fill(&store, 1..=12).await;
    store.compact(&subject(), &upkeep(9000, 0)).await.unwrap();
    store.compact(&subject(), &upkeep(9000, 0)).await.unwrap();
    drop(store);
    let layout = folder.path().join("layout/prod1/1.json");
    let text = std::fs::read_to_string(&layout).unwrap();
    for broken in [text.replace("\"through\":", "\"throwgh\":"), text.replace("10-", "11-")] {
        std::fs::write(&layout, broken).unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let e = store.snapshot(&"prod1@3".parse().unwrap()).await.unwrap_err().to_string();
        assert!(e.contains("`layout/prod1/1.json` is damaged"), "{e}");
    }
    std::fs::write(&layout, &text).unwrap();
    for seq in [11, 12] {
        let manifest = folder.path().join(format!("manifests/prod1/{seq}.json"));
        std::fs::rename(&manifest, folder.path().join(format!("{seq}.aside"))).unwrap();
    }
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let e = store.begin(&subject(), begin(50)).await.unwrap_err();
    assert!(matches!(&e, StoreError::Missing { object } if object.ends_with("11.json")), "{e}");
}
