//! Flipped bits and missing files: mended, or named; never believed.

use std::path::{Path, PathBuf};

use tidegate_model::{Facts as _, Resource};

use super::support::*;
use crate::{Store, StoreError};

const S: &str = "compute.server";
/// So many bits are flipped in each test of flips; this asks for another number.
const FLIPS: &str = "TIDEGATE_TEST_FLIPS";

fn state(seq: u64) -> Vec<Resource> {
    (0..300).map(|id| resource(S, "r", id, if id % 7 == seq { seq } else { 0 })).collect()
}

async fn template(path: &Path) {
    let store = Store::open(path).await.unwrap();
    for seq in 1..=3 {
        collect(&store, &subject(), seq, state(seq), vec![complete(S, "r")]).await.unwrap();
    }
    store.set_carry(&subject(), &tidegate_model::Digest::of(b"rules"), &[7; 50_000]);
}

async fn check(store: &Store, seq: u64) -> Result<(), StoreError> {
    let id = format!("prod1@{seq}").parse().unwrap();
    // Each by its key first: that asks other parts of the index than all together.
    let snapshot = store.snapshot(&id).await?;
    let mut wanted: Vec<_> = state(seq).into_iter().step_by(3).collect();
    wanted.sort_by(|a, b| a.key.cmp(&b.key));
    let keys: Vec<_> = wanted.iter().map(|r| r.key.clone()).collect();
    let mut found = Vec::new();
    snapshot.fetch(&keys, &mut |fact| found.push(fact.resource)).map_err(|e| own(&e))?;
    assert_eq!(found, wanted, "by key in snapshot {seq}");
    if seq > 2 {
        // By entries, not by logs.
        let changes = snapshot.changes_since(1).map_err(|e| own(&e))?.unwrap();
        let changed: Vec<_> = changes.into_iter().map(|c| c.key).collect();
        let all = state(seq).into_iter().enumerate();
        let mut expected: Vec<_> = all
            .filter(|(id, _)| (1..=seq).contains(&(*id as u64 % 7)))
            .map(|(_, r)| r.key)
            .collect();
        expected.sort();
        assert_eq!(changed, expected, "changes up to {seq}");
    }
    let facts = all(&snapshot)?;
    let found: Vec<_> = facts.into_values().map(|f| f.resource).collect();
    assert_eq!(found, state(seq), "snapshot {seq}");
    Ok(())
}

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Flips a bit of a byte that is not zero.
pub(super) fn flip(path: &Path, random: &mut Random) {
    let mut bytes = std::fs::read(path).unwrap();
    let filled: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i] != 0).collect();
    let at = filled[usize::try_from(random.below(filled.len() as u64)).unwrap()];
    bytes[at] ^= 1 << random.below(8);
    std::fs::write(path, bytes).unwrap();
}

/// Gives how many bits were flipped, and how often the index was mended.
async fn flips_in_the_index(sealed: bool) -> (u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let origin = folder.path().join("origin");
    template(&origin).await;
    assert!(origin.join("index.seal").exists());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (flips, mut rebuilt) = (asked(FLIPS, 45), 0);
    for n in 0..flips {
        let path = folder.path().join(n.to_string());
        copy(&origin, &path);
        if !sealed {
            std::fs::remove_file(path.join("index.seal")).unwrap();
        }
        // Large files in proportion to their size, the small ones now and then.
        let mut all = files(&path.join("index"));
        all.sort_by_key(|p| std::cmp::Reverse(std::fs::metadata(p).unwrap().len()));
        let which = if n % 5 == 0 { random.below(all.len() as u64) } else { 0 };
        flip(&all[usize::try_from(which).unwrap()], &mut random);
        let store = Store::open(&path).await.unwrap();
        rebuilt += u64::from(!store.notices().is_empty());
        for seq in 1..=3 {
            check(&store, seq).await.unwrap();
        }
        let blob = store.carry(&subject(), &tidegate_model::Digest::of(b"rules"));
        assert!(blob.is_none_or(|b| b == [7; 50_000]));
        collect(&store, &subject(), 4, state(4), vec![complete(S, "r")]).await.unwrap();
        for seq in 1..=4 {
            check(&store, seq).await.unwrap();
        }
        drop(store);
        let store = Store::open(&path).await.unwrap();
        check(&store, 4).await.unwrap();
        drop(store);
        std::fs::remove_dir_all(&path).unwrap();
    }
    (flips, rebuilt)
}

#[tokio::test]
async fn every_flip_in_a_closed_index_is_noticed() {
    let (flips, rebuilt) = flips_in_the_index(true).await;
    assert_eq!(rebuilt, flips);
    println!("{flips} flips in a closed index: all noticed");
}

#[tokio::test]
async fn a_flip_in_an_index_left_by_a_crash_is_mended_or_has_no_effect() {
    let (flips, rebuilt) = flips_in_the_index(false).await;
    println!("{flips} flips in an open index: {rebuilt} mended, no answer changed");
}

#[tokio::test]
async fn a_torn_index_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let origin = folder.path().join("origin");
    template(&origin).await;
    for (n, keep) in [0_u64, 1, 100, 4096, 70_000].into_iter().enumerate() {
        let path = folder.path().join(n.to_string());
        copy(&origin, &path);
        std::fs::remove_file(path.join("index.seal")).unwrap();
        let db = std::fs::OpenOptions::new().write(true).open(path.join("index/db")).unwrap();
        db.set_len(keep.min(db.metadata().unwrap().len())).unwrap();
        drop(db);
        let store = Store::open(&path).await.unwrap();
        for seq in 1..=3 {
            check(&store, seq).await.unwrap();
        }
        collect(&store, &subject(), 4, state(4), vec![complete(S, "r")]).await.unwrap();
        check(&store, 4).await.unwrap();
    }
}

#[tokio::test]
async fn an_index_of_another_or_older_store_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    template(&path).await;
    let old = folder.path().join("old");
    copy(&path.join("index"), &old);
    let store = Store::open(&path).await.unwrap();
    collect(&store, &subject(), 4, state(4), vec![complete(S, "r")]).await.unwrap();
    drop(store);
    // Behind: replayed.
    std::fs::remove_dir_all(path.join("index")).unwrap();
    std::fs::remove_file(path.join("index.seal")).unwrap();
    copy(&old, &path.join("index"));
    let store = Store::open(&path).await.unwrap();
    assert!(store.notices()[0].contains("behind by 1 of `prod1`"), "{:?}", store.notices());
    check(&store, 4).await.unwrap();
    drop(store);
    // Ahead: the store was put back to an older copy.
    std::fs::remove_file(path.join("manifests/prod1/4.json")).unwrap();
    let store = Store::open(&path).await.unwrap();
    assert!(store.notices()[0].contains("ahead of `prod1@3`"), "{:?}", store.notices());
    check(&store, 3).await.unwrap();
}

#[tokio::test]
async fn an_index_of_an_older_format_is_built_anew() {
    for old in ["s/prod1", "r/prod1"] {
        let [folder, elsewhere] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        template(folder.path()).await;
        std::fs::remove_file(folder.path().join("index.seal")).unwrap();
        let index = sled::open(folder.path().join("index")).unwrap();
        let head = index.open_tree("t/prod1").unwrap().get("m").unwrap().unwrap();
        index.drop_tree("t/prod1").unwrap();
        index.open_tree(old).unwrap().insert("kcompute.server", "an entry").unwrap();
        index.open_tree(old).unwrap().insert("m", head).unwrap();
        index.flush().unwrap();
        drop(index);
        let lost = elsewhere.path().join("store");
        copy(folder.path(), &lost);
        let store = Store::open(folder.path()).await.unwrap();
        let notice = "the index was rebuilt: it has an older format";
        assert_eq!(store.notices(), [notice]);
        for seq in 1..=3 {
            check(&store, seq).await.unwrap();
        }
        drop(store);
        assert!(Store::open(folder.path()).await.unwrap().notices().is_empty());
        // It knew of a snapshot that is not there any more.
        std::fs::remove_file(lost.join("manifests/prod1/3.json")).unwrap();
        refused(&lost, "manifests/prod1/3.json").await;
    }
}

#[tokio::test]
async fn an_index_that_lost_an_entry_in_a_crash_is_built_anew() {
    let origin = tempfile::tempdir().unwrap();
    template(origin.path()).await;
    // An entry of its own, which counts in place of one in a run; and a run.
    for prefix in ["k", "n"] {
        let elsewhere = tempfile::tempdir().unwrap();
        let path = elsewhere.path().join("store");
        copy(origin.path(), &path);
        std::fs::remove_file(path.join("index.seal")).unwrap();
        let index = sled::open(path.join("index")).unwrap();
        let tree = index.open_tree("t/prod1").unwrap();
        let (name, _) = tree.scan_prefix(prefix).next().unwrap().unwrap();
        tree.remove(name).unwrap();
        index.flush().unwrap();
        drop((tree, index));
        let store = Store::open(&path).await.unwrap();
        let notice = "the index was rebuilt: it has not what `prod1@3` has";
        assert_eq!(store.notices(), [notice], "{prefix}");
        check(&store, 3).await.unwrap();
    }
}

#[tokio::test]
async fn a_flip_in_an_object_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let origin = folder.path().join("origin");
    template(&origin).await;
    let mut random = Random(0x1234_5678_9abc_def1);
    let flips = asked(FLIPS, 60);
    for n in 0..flips {
        let path = folder.path().join(n.to_string());
        copy(&origin, &path);
        if n % 2 == 0 {
            std::fs::remove_dir_all(path.join("index")).unwrap();
        }
        let mut objects = files(&path.join("manifests"));
        objects.extend(files(&path.join("segments")));
        let object = &objects[usize::try_from(n).unwrap() % objects.len()];
        flip(object, &mut random);
        let name = object.strip_prefix(&path).unwrap().to_str().unwrap();
        let store = Store::open(&path).await.unwrap();
        let mut named = false;
        for seq in 1..=3 {
            if let Err(e) = check(&store, seq).await {
                assert!(e.to_string().contains(name), "{name}: {e}");
                named = true;
            }
        }
        let listed = store.snapshots(&subject()).await;
        named |= listed.is_err_and(|e| e.to_string().contains(name));
        assert!(named, "{name} was believed");
        // Nothing new may be built on what cannot be read. Where the index
        // still holds all that is needed, collecting goes on.
        match collect(&store, &subject(), 4, state(4), vec![complete(S, "r")]).await {
            Err(e) => assert!(e.to_string().contains(name), "{name}: {e}"),
            Ok(done) => assert_eq!(done.id.seq, 4),
        }
        std::fs::remove_dir_all(&path).unwrap();
    }
    println!("{flips} flips in objects: all named");
}

#[tokio::test]
async fn a_missing_object_is_named_and_others_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    template(folder.path()).await;
    let segment = files(&folder.path().join("segments/prod1"))[2].clone();
    std::fs::remove_file(&segment).unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    check(&store, 2).await.unwrap();
    let e = check(&store, 3).await.unwrap_err().to_string();
    assert!(e.contains(segment.file_name().unwrap().to_str().unwrap()), "{e}");
}

async fn refused(path: &Path, object: &str) {
    let store = Store::open(path).await.unwrap();
    let e = store.begin(&subject(), begin(9)).await.unwrap_err();
    assert!(matches!(&e, StoreError::Missing { object: o } if o == object), "{object}: {e}");
}

#[tokio::test]
async fn segments_whose_manifests_are_missing_are_kept_and_their_numbers_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    template(&path).await;
    let segments = files(&path.join("segments"));
    let aside = folder.path().join("aside");
    for (lost, indexed, named) in [
        (&[1, 2, 3][..], true, 1),
        (&[1, 2, 3], false, 1),
        (&[2, 3], true, 2),
        (&[2, 3], false, 2),
        (&[3], true, 3),
    ] {
        copy(&path.join("manifests"), &aside);
        for seq in lost {
            std::fs::remove_file(path.join(format!("manifests/prod1/{seq}.json"))).unwrap();
        }
        if lost.len() == 3 {
            std::fs::remove_dir_all(path.join("manifests")).unwrap();
        }
        if !indexed {
            std::fs::remove_dir_all(path.join("index")).unwrap();
        }
        // Reading, twice since the index is rebuilt meanwhile.
        for _ in 0..2 {
            let store = Store::open(&path).await.unwrap();
            let kept = store.snapshots(&subject()).await.unwrap().len();
            assert_eq!(kept, 3 - lost.len());
        }
        let object = format!("manifests/prod1/{named}.json");
        refused(&path, &object).await;
        Store::open(&path).await.unwrap().reindex().await.unwrap();
        refused(&path, &object).await;
        assert_eq!(files(&path.join("segments")), segments, "{lost:?} {indexed}");
        copy(&aside, &path.join("manifests"));
        let store = Store::open(&path).await.unwrap();
        for seq in 1..=3 {
            check(&store, seq).await.unwrap();
        }
        drop(store.begin(&subject(), begin(9)).await.unwrap());
    }
    let store = Store::open(&path).await.unwrap();
    collect(&store, &subject(), 4, state(4), vec![complete(S, "r")]).await.unwrap();
    check(&store, 4).await.unwrap();
}

#[tokio::test]
async fn only_a_writer_deletes_what_a_crashed_one_left_and_only_that() {
    let folder = tempfile::tempdir().unwrap();
    template(folder.path()).await;
    let place = |name: &str| folder.path().join(name);
    let garbage = [
        place(&format!("segments/prod1/4-{}.parquet", tidegate_model::Digest::of(b"4"))),
        place("segments/prod1/4-x.parquet#1"),
        place("tmp/prod1-0.spool"),
    ];
    let other = place(&format!("segments/prod1/3-{}.parquet", tidegate_model::Digest::of(b"3")));
    for path in garbage.iter().chain([&other]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "half").unwrap();
    }
    let store = Store::open(folder.path()).await.unwrap();
    check(&store, 3).await.unwrap();
    assert!(garbage.iter().all(|p| p.exists()));
    let one = store.begin(&subject(), begin(4)).await.unwrap();
    assert!(!garbage[0].exists() && !garbage[1].exists() && other.exists());
    // The first writer's spool has the name that was free then.
    assert_ne!(std::fs::read(&garbage[2]).unwrap(), b"half");
    let two = store.begin(&subject(), begin(4)).await.unwrap();
    assert!(garbage[2].exists(), "the spool of a writer at work");
    drop((one, two));
    collect(&store, &subject(), 4, state(4), vec![complete(S, "r")]).await.unwrap();
    check(&store, 4).await.unwrap();
}

#[tokio::test]
async fn a_newer_format_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    template(folder.path()).await;
    let manifest = folder.path().join("manifests/prod1/3.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("manifest/v1", "manifest/v2")).unwrap();
    let store = Store::open(folder.path()).await.unwrap();
    let e = store.snapshots(&subject()).await.unwrap_err();
    assert_eq!(
        e.to_string(),
        "cannot read `manifests/prod1/3.json`: it has format `tidegate.manifest/v2`, this \
         tidegate knows `tidegate.manifest/v1`; use a newer tidegate for this store"
    );
    drop(store);
    std::fs::write(folder.path().join("format.json"), r#"{"schema":"tidegate.store/v2"}"#).unwrap();
    let e = Store::open(folder.path()).await.unwrap_err();
    assert!(matches!(e, StoreError::Newer { .. }), "{e}");
}

#[tokio::test]
async fn a_second_process_reads_and_is_told_why_it_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    template(folder.path()).await;
    let holder = Store::open(folder.path()).await.unwrap();
    let second = Store::open(folder.path()).await.unwrap();
    check(&second, 2).await.unwrap();
    let e = collect(&second, &subject(), 4, vec![], vec![]).await.unwrap_err();
    assert!(e.to_string().contains("another process is using it"), "{e}");
    assert!(matches!(second.reindex().await.unwrap_err(), StoreError::Locked { .. }));
    // What the holder commits meanwhile is seen, and then the way is free.
    collect(&holder, &subject(), 4, state(4), vec![complete(S, "r")]).await.unwrap();
    check(&second, 4).await.unwrap();
    drop(holder);
    collect(&second, &subject(), 5, state(5), vec![complete(S, "r")]).await.unwrap();
    check(&second, 5).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_about_to_be_let_go_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    template(folder.path()).await;
    let lock = std::fs::File::open(folder.path().join("lock")).unwrap();
    lock.lock().unwrap();
    // As a child has it between its start and its program.
    let child = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(30));
        drop(lock);
    });
    let store = Store::open(folder.path()).await.unwrap();
    child.join().unwrap();
    assert!(store.notices().is_empty(), "{:?}", store.notices());
    collect(&store, &subject(), 4, state(4), vec![complete(S, "r")]).await.unwrap();
}

#[tokio::test]
async fn the_second_of_two_writers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    template(folder.path()).await;
    let store = Store::open(folder.path()).await.unwrap();
    let mut one = store.begin(&subject(), begin(4)).await.unwrap();
    let mut two = store.begin(&subject(), begin(5)).await.unwrap();
    one.put(state(4)).unwrap();
    two.put(state(5)).unwrap();
    one.cover(complete(S, "r"));
    two.cover(complete(S, "r"));
    one.commit().await.unwrap();
    let e = two.commit().await.unwrap_err();
    assert!(matches!(e, StoreError::Conflict { seq: 4, .. }), "{e}");
    check(&store, 4).await.unwrap();
    collect(&store, &subject(), 5, state(5), vec![complete(S, "r")]).await.unwrap();
    check(&store, 5).await.unwrap();
    let report = store.reindex().await.unwrap();
    assert_eq!(report.snapshots, [(subject(), 5)]);
    assert!(report.problems.is_empty());
    check(&store, 4).await.unwrap();
    let id = "prod1@5".parse().unwrap();
    let snapshot = store.snapshot(&id).await.unwrap();
    assert!(snapshot.changes_since(4).unwrap().is_some());
}
