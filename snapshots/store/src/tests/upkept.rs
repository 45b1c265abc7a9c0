//! Checking and proving after compaction, pruning and erasure.

use std::path::Path;
use std::time::Duration;

use tidegate_model::{Digest, Resource};

use super::damage::{Random, files, flip};
use super::support::*;
use crate::layout::{self, Layout, LiveSegment};
use crate::manifest::Manifest;
use crate::{Store, Upkeep, Verified};

const S: &str = "compute.server";
const TENANT: &str = "project-6";
const NEWEST: u64 = 14;
/// So many days lie between two snapshots.
const DAYS: u64 = 6;

fn state(seq: u64) -> Vec<Resource> {
    let there = |id: &u64| !(id + seq).is_multiple_of(9);
    let one = |id: u64| resource(S, "r", id, if id % 4 == seq % 4 { seq } else { 0 });
    (0..20).filter(there).map(one).collect()
}

async fn template(path: &Path) {
    let store = Store::open(path).await.unwrap();
    for seq in 1..=NEWEST {
        let coverage = if seq % 5 == 0 { vec![] } else { vec![complete(S, "r")] };
        let mut seen = state(seq);
        if seq % 5 == 0 {
            seen.truncate(9);
        }
        collect(&store, &subject(), seq * DAYS, seen, coverage).await.unwrap();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Compact,
    Prune,
    Erase,
}

use Verb::{Compact, Erase, Prune};

async fn perform(path: &Path, verb: Verb) {
    let store = Store::open(path).await.unwrap();
    // A grace that is over at once: nothing superseded is left.
    let upkeep = Upkeep { now: day(NEWEST * DAYS), grace: Duration::ZERO, dry_run: false };
    match verb {
        Compact => {
            let done = store.compact(&subject(), &upkeep).await.unwrap();
            assert!(done.segments_before >= done.segments_after);
        }
        Prune => {
            let rule = "all for 20 days, then monthly".parse().unwrap();
            let done = store.prune(&subject(), &rule, &upkeep, [1; 16]).await.unwrap();
            assert!(done.snapshots.len() > 4, "{done:?}");
        }
        Erase => {
            let done = store.erase(&subject(), TENANT, &upkeep, [2; 16]).await.unwrap();
            assert!(done.versions > 0);
        }
    }
    let later = Upkeep { now: day(9000), ..upkeep };
    store.compact(&subject(), &later).await.unwrap();
}

async fn verify(path: &Path) -> Verified {
    let store = Store::open_for_records(path).await.unwrap();
    store.verify(&subject(), &[]).await.unwrap()
}

/// A store that all three were done to.
async fn upkept(path: &Path) {
    template(path).await;
    for verb in [Compact, Prune, Erase] {
        perform(path, verb).await;
    }
}

fn newest_layout(path: &Path) -> Layout {
    let numbers = files(&path.join("layout")).into_iter();
    let number = |p: std::path::PathBuf| p.file_stem()?.to_str()?.parse().ok();
    let newest: u64 = numbers.filter_map(number).max().unwrap();
    let bytes = std::fs::read(path.join(layout::path(&subject(), newest).to_string())).unwrap();
    Layout::open(&subject(), newest, &bytes).unwrap()
}

#[track_caller]
fn first(found: &Verified, object: &str, why: &str) {
    let fault = found.faults.first().unwrap_or_else(|| panic!("no fault, but {object}: {why}"));
    assert_eq!(fault.object, object, "{:?}", found.faults);
    assert!(fault.why.contains(why), "{}", fault.why);
}

#[tokio::test]
async fn every_order_of_upkeep_leaves_a_store_that_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let origin = folder.path().join("origin");
    template(&origin).await;
    let versions = verify(&origin).await.versions;
    for order in [
        [Compact, Prune, Erase],
        [Compact, Erase, Prune],
        [Prune, Compact, Erase],
        [Prune, Erase, Compact],
        [Erase, Compact, Prune],
        [Erase, Prune, Compact],
    ] {
        let path = folder.path().join("copy");
        copy(&origin, &path);
        let mut done = Vec::new();
        for verb in order {
            perform(&path, verb).await;
            done.push(verb);
            let found = verify(&path).await;
            assert_eq!(found.faults, [], "{done:?}");
            assert_eq!(found.roots, NEWEST - found.pruned, "{done:?}");
            assert_eq!(found.pruned > 4, done.contains(&Prune), "{done:?}");
            assert_eq!(found.erased > 0, done.contains(&Erase), "{done:?}");
            if found.pruned == 0 {
                assert_eq!(found.versions + found.erased, versions, "{done:?}");
            }
        }
        std::fs::remove_dir_all(&path).unwrap();
    }
}

#[tokio::test]
async fn a_flipped_bit_in_a_compacted_segment_or_layout_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    upkept(path).await;
    let mut random = Random(0xf11b);
    let mut objects = files(&path.join("segments"));
    objects.extend(files(&path.join("layout")));
    assert!(objects.len() < 9, "{objects:?}");
    for object in objects.iter().cycle().take(60) {
        let name = object.strip_prefix(path).unwrap().to_str().unwrap();
        let original = std::fs::read(object).unwrap();
        flip(object, &mut random);
        let store = Store::open_for_records(path).await.unwrap();
        match store.verify(&subject(), &[]).await {
            Ok(found) => first(&found, name, ""),
            // The number of a format is now another one.
            Err(e) => assert!(e.to_string().contains(name), "{name}: {e}"),
        }
        std::fs::write(object, original).unwrap();
    }
    assert_eq!(verify(path).await.faults, []);
}

#[tokio::test]
async fn a_layout_that_names_wrong_segments_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    upkept(path).await;
    let layout = newest_layout(path);
    let file = path.join(layout::path(&subject(), layout.generation).to_string());
    let put = |segments: Vec<LiveSegment>| {
        let mut forged = Layout { segments, ..layout.clone() };
        std::fs::write(&file, forged.seal().unwrap()).unwrap();
    };
    let [one, two, ..] = &layout.segments[..] else { panic!("{layout:?}") };
    let object = |s: &LiveSegment| s.path(&subject()).to_string();

    let mut swapped = layout.segments.clone();
    (swapped[0].name, swapped[0].sha256) = (two.name.clone(), two.sha256);
    (swapped[1].name, swapped[1].sha256) = (one.name.clone(), one.sha256);
    put(swapped);
    first(&verify(path).await, &object(two), "changes in snapshot");

    let mut gone = layout.segments.clone();
    gone[1].name = format!("{}-{}.parquet", two.to, Digest::of(b"none"));
    put(gone.clone());
    first(&verify(path).await, &object(&gone[1]), "it is missing");

    put(layout.segments[1..].to_vec());
    let found = verify(path).await;
    assert!(!found.faults.is_empty());

    put(layout.segments.clone());
    assert_eq!(verify(path).await.faults, []);
}

#[tokio::test]
async fn a_wrong_root_is_found_in_what_was_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    template(path).await;
    perform(path, Compact).await;
    let mut previous = None;
    for seq in 3..=NEWEST {
        let file = path.join(format!("manifests/prod1/{seq}.json"));
        let bytes = std::fs::read(&file).unwrap();
        let mut manifest = Manifest::open(&subject(), seq, &bytes).unwrap();
        match previous {
            None => manifest.kinds.get_mut(&kind(S)).unwrap().root = Digest::of(b"another"),
            previous => manifest.previous = previous,
        }
        let bytes = manifest.seal().unwrap();
        std::fs::write(file, &bytes).unwrap();
        previous = Some(Digest::of(&bytes));
    }
    let segment = newest_layout(path).covering(3).unwrap().path(&subject()).to_string();
    first(&verify(path).await, "manifests/prod1/3.json", &segment);
}

#[tokio::test]
async fn a_manifest_that_only_a_layout_tells_of_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    template(path).await;
    // Rewrites the newest segment, too.
    perform(path, Erase).await;
    assert_eq!(newest_layout(path).through, NEWEST);
    std::fs::remove_file(path.join(format!("manifests/prod1/{NEWEST}.json"))).unwrap();
    first(&verify(path).await, &format!("manifests/prod1/{NEWEST}.json"), "it is missing");
}

#[tokio::test]
async fn what_is_left_can_be_proven_and_what_was_erased_cannot() {
    let folder = tempfile::tempdir().unwrap();
    upkept(folder.path()).await;
    let store = Store::open_for_records(folder.path()).await.unwrap();
    let log = store.log(&subject()).await.unwrap();
    let note = log.checkpoint(NEWEST).unwrap().to_string();
    let pruned = store.pruned(&subject()).await.unwrap();
    let (mut proven, mut erased) = (0, 0);
    for seq in (1..=NEWEST).filter(|seq| !pruned.contains(seq)) {
        let snapshot = store.snapshot(&format!("prod1@{seq}").parse().unwrap()).await.unwrap();
        for (key, fact) in all(&snapshot).unwrap() {
            match snapshot.prove(&key, &log, &note).unwrap() {
                Some(proof) => {
                    proof.check().unwrap();
                    assert_eq!(proof.body, fact.resource.body.as_ref());
                    proven += 1;
                }
                None => {
                    assert!(fact.resource.is_erased());
                    erased += 1;
                }
            }
        }
    }
    assert!(proven > 50 && erased > 3, "{proven} and {erased}");
    // Every manifest is in the log, that of a pruned snapshot, too.
    for seq in 1..=NEWEST {
        let text = store.manifest_text(&format!("prod1@{seq}").parse().unwrap()).await.unwrap();
        assert!(text.contains("tidegate.manifest/v1"));
    }
}
