//! What somebody did to the objects is found, and named.

use std::path::Path;

use proptest::prelude::*;
use tidegate_model::{Digest, Kind, Resource};

use super::damage::{Random, files, flip};
use super::support::*;
use crate::layout::LiveSegment;
use crate::manifest::Manifest;
use crate::segment::{Columns, Cursor, Segment, Source};
use crate::{Checkpoint, Fault, Store, StoreError, Verified};

const S: &str = "compute.server";
const P: &str = "network.port";

fn state(seq: u64) -> Vec<Resource> {
    let servers = (0..60).filter(|id| id % 11 != seq);
    let servers = servers.map(|id| resource(S, "r", id, if id % 7 == seq { seq } else { 0 }));
    servers.chain((0..9).map(|id| resource(P, "r", id, 0))).collect()
}

/// Four snapshots with records between them; ports are not seen in the third.
async fn template(path: &Path) -> Checkpoint {
    let store = Store::open(path).await.unwrap();
    for seq in 1..=4 {
        let coverage = match seq {
            3 => vec![complete(S, "r")],
            _ => vec![complete(S, "r"), complete(P, "r")],
        };
        let unseen = |r: &Resource| seq != 3 || r.kind.as_str() != P;
        let seen = state(seq).into_iter().filter(unseen).collect();
        collect(&store, &subject(), seq, seen, coverage).await.unwrap();
        let payload = format!("payload {seq}");
        let salt = [seq as u8; 16];
        store.record(&subject(), "gate", day(seq), salt, payload.as_bytes()).await.unwrap();
    }
    let log = store.log(&subject()).await.unwrap();
    let checkpoint = log.checkpoint(3).unwrap();
    let note = format!("{checkpoint}\n— somebody AAAAAAA=\n");
    store.keep_checkpoint(&checkpoint, &note).await.unwrap();
    log.checkpoint(4).unwrap()
}

async fn verify(path: &Path, against: Option<&Checkpoint>) -> Result<Verified, StoreError> {
    let against: Vec<Checkpoint> = against.into_iter().cloned().collect();
    Store::open_for_records(path).await?.verify(&subject(), &against).await
}

#[track_caller]
fn first(verified: &Verified, object: &str, why: &str) {
    let Fault { object: found, why: said } = &verified.faults[0];
    assert_eq!(found, object, "{:?}", verified.faults);
    assert!(said.contains(why), "{said}");
}

/// Writes a manifest anew, with the right checksum.
fn forge(path: &Path, seq: u64, change: impl FnOnce(&mut Manifest)) -> Digest {
    let file = path.join(format!("manifests/prod1/{seq}.json"));
    let bytes = std::fs::read(&file).unwrap();
    let mut manifest = Manifest::open(&subject(), seq, &bytes).unwrap();
    change(&mut manifest);
    let bytes = manifest.seal().unwrap();
    std::fs::write(file, &bytes).unwrap();
    Digest::of(&bytes)
}

#[tokio::test]
async fn a_store_that_nobody_touched_is_consistent() {
    let folder = tempfile::tempdir().unwrap();
    let then = template(folder.path()).await;
    let found = verify(folder.path(), Some(&then)).await.unwrap();
    assert_eq!(found.faults, []);
    assert_eq!((found.log.size(), found.roots, found.records, found.checkpoints), (4, 4, 4, 1));
    assert_eq!((found.erased, found.erased_payloads), (0, 0));
    assert!(found.versions > 69, "{found:?}");
    let store = Store::open_for_records(folder.path()).await.unwrap();
    assert_eq!(store.subjects_with_objects().await.unwrap(), [subject()].into());
    assert_eq!(store.log(&subject()).await.unwrap(), found.log);
}

#[tokio::test]
async fn a_forged_manifest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let then = template(path).await;
    let untouched = folder.path().join("untouched");
    copy(&path.join("manifests"), &untouched);
    let restore = || copy(&untouched, &path.join("manifests"));

    for seq in 1..=3 {
        forge(path, seq, |m| m.taken_at = day(99));
        let found = verify(path, None).await.unwrap();
        first(&found, &format!("manifests/prod1/{seq}.json"), "it is not the one that");
        assert_eq!(found.log.size(), seq - 1);
        restore();
    }
    // One that is forged so that it names another one before it is named itself.
    forge(path, 3, |m| m.previous = Some(Digest::of(b"another")));
    let found = verify(path, None).await.unwrap();
    first(
        &found,
        "manifests/prod1/3.json",
        "it is not the one that `manifests/prod1/4.json` follows",
    );
    assert_eq!(found.faults.len(), 1, "{:?}", found.faults);
    restore();
    forge(path, 1, |m| m.previous = Some(Digest::of(b"an older one")));
    first(&verify(path, None).await.unwrap(), "manifests/prod1/1.json", "");
    restore();

    // The newest: what it says of resources is compared with the segments …
    forge(path, 4, |m| m.kinds.retain(|kind, _| kind.as_str() != S));
    let found = verify(path, None).await.unwrap();
    first(&found, "manifests/prod1/4.json", "of `compute.server` it names none");
    restore();
    // … the rest only with a checkpoint.
    forge(path, 4, |m| m.coverage.clear());
    assert_eq!(verify(path, None).await.unwrap().faults, []);
    let found = verify(path, Some(&then)).await.unwrap();
    first(&found, "manifests/prod1", "history was rewritten");
}

#[tokio::test]
async fn a_history_that_was_rewritten_from_some_snapshot_on_contradicts_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let then = template(path).await;
    let mut before = forge(path, 3, |m| m.tool_version = "forged".into());
    before = forge(path, 4, |m| m.previous = Some(before));
    assert_ne!(before, Digest::of(b""));
    let kept = files(&path.join("checkpoints"));
    let found = verify(path, None).await.unwrap();
    first(&found, "manifests/prod1", "checkpoints/prod1/3-");
    std::fs::remove_file(&kept[0]).unwrap();
    assert_eq!(verify(path, None).await.unwrap().faults, []);
    let found = verify(path, Some(&then)).await.unwrap();
    first(&found, "manifests/prod1", "the first 4 manifests do not have the root");
}

#[tokio::test]
async fn a_swapped_segment_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    template(path).await;
    let segments = files(&path.join("segments/prod1"));
    let name = |n: usize| segments[n].strip_prefix(path).unwrap().to_str().unwrap().to_owned();
    let original = std::fs::read(&segments[1]).unwrap();
    std::fs::copy(&segments[2], &segments[1]).unwrap();
    let found = verify(path, None).await.unwrap();
    first(&found, &name(1), "its SHA-256 is");
    assert_eq!(found.roots, 1, "those of the first only");
    std::fs::remove_file(&segments[1]).unwrap();
    first(&verify(path, None).await.unwrap(), &name(1), "it is missing");
    std::fs::write(&segments[1], original).unwrap();

    // A manifest that names it, with the chain made anew, still names other roots.
    let other = std::fs::read(&segments[2]).unwrap();
    let digest = Digest::of(&other);
    std::fs::write(path.join(format!("segments/prod1/4-{digest}.parquet")), &other).unwrap();
    forge(path, 4, |m| m.delta = digest);
    let found = verify(path, None).await.unwrap();
    assert!(!found.faults.is_empty());
    let fourth = |f: &Fault| f.object.contains("/4.json") || f.object.contains("/4-");
    assert!(found.faults.iter().all(fourth), "{:?}", found.faults);
}

#[tokio::test]
async fn a_removed_snapshot_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let then = template(path).await;
    let segments = files(&path.join("segments/prod1"));
    let remove = |seq: usize| {
        std::fs::remove_file(path.join(format!("manifests/prod1/{seq}.json"))).unwrap();
        std::fs::remove_file(&segments[seq - 1]).unwrap();
    };
    // The newest is missed only by who knows that there was one.
    remove(4);
    assert_eq!(verify(path, None).await.unwrap().faults, []);
    let found = verify(path, Some(&then)).await.unwrap();
    first(
        &found,
        "manifests/prod1/4.json",
        "covers 4 snapshots, the store has 3: it was rolled back",
    );
    remove(2);
    let found = verify(path, Some(&then)).await.unwrap();
    first(&found, "manifests/prod1/2.json", "it is missing");
    assert_eq!((found.log.size(), found.roots), (1, 1));
    // The checkpoint that is kept in the store is over three.
    remove(3);
    remove(1);
    let found = verify(path, None).await.unwrap();
    first(&found, "manifests/prod1/1.json", "the store has 0");
    let store = Store::open_for_records(path).await.unwrap();
    assert_eq!(store.subjects_with_objects().await.unwrap(), [subject()].into());
}

#[tokio::test]
async fn manifests_that_only_segments_tell_of_are_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    template(path).await;
    std::fs::remove_file(path.join("manifests/prod1/4.json")).unwrap();
    std::fs::remove_file(path.join("manifests/prod1/3.json")).unwrap();
    first(&verify(path, None).await.unwrap(), "manifests/prod1/3.json", "it is missing");
    // A name alone must not make it look for ever.
    std::fs::write(path.join("segments/prod1/18446744073709551615-x.parquet"), "").unwrap();
    std::fs::copy(
        path.join("manifests/prod1/2.json"),
        path.join("manifests/prod1/18446744073709551615.json"),
    )
    .unwrap();
    first(&verify(path, None).await.unwrap(), "manifests/prod1/3.json", "it is missing");
}

#[tokio::test]
async fn records_are_a_chain_that_manifests_hold_on_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    template(path).await;
    let record = |n: u64| path.join(format!("records/prod1/{n}.json"));
    let original = std::fs::read_to_string(record(2)).unwrap();
    let changed = original.replace(r#""kind":"gate""#, r#""kind":"fate""#);
    std::fs::write(record(2), &changed).unwrap();
    first(&verify(path, None).await.unwrap(), "records/prod1/2.json", "its checksum is");
    let changed: serde_json::Value = serde_json::from_str(&changed).unwrap();
    std::fs::write(record(2), crate::manifest::seal("", &changed).unwrap().0).unwrap();
    let found = verify(path, None).await.unwrap();
    first(&found, "records/prod1/2.json", "it is not the one that");
    std::fs::remove_file(record(2)).unwrap();
    first(&verify(path, None).await.unwrap(), "records/prod1/2.json", "it is missing");
    std::fs::write(record(2), original).unwrap();
    assert_eq!(verify(path, None).await.unwrap().faults, []);

    // The fourth was made after the last manifest; the third is named by it.
    std::fs::remove_file(record(4)).unwrap();
    assert_eq!(verify(path, None).await.unwrap().faults, []);
    std::fs::remove_file(record(3)).unwrap();
    first(&verify(path, None).await.unwrap(), "records/prod1/3.json", "it is missing");
}

#[tokio::test]
async fn an_erased_payload_is_counted_and_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    template(path).await;
    let payloads = files(&path.join("records"));
    let payload = payloads.iter().find(|p| p.extension().is_some_and(|e| e == "payload"));
    std::fs::remove_file(payload.unwrap()).unwrap();
    let found = verify(path, None).await.unwrap();
    assert_eq!((found.faults.as_slice(), found.erased_payloads), (&[][..], 1));
}

#[tokio::test]
async fn every_flipped_bit_in_an_object_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    template(path).await;
    std::fs::remove_dir_all(path.join("index")).unwrap();
    std::fs::remove_file(path.join("index.seal")).unwrap();
    std::fs::remove_dir_all(path.join("tmp")).unwrap();
    let objects: Vec<_> =
        files(path).into_iter().filter(|p| p.file_name().unwrap() != "lock").collect();
    assert_eq!(objects.len(), 4 + 4 + 8 + 1 + 1, "{objects:?}");
    let mut random = Random(0x0dd_ba11);
    for n in 0..200 {
        let object = &objects[n % objects.len()];
        let name = object.strip_prefix(path).unwrap().to_str().unwrap();
        let original = std::fs::read(object).unwrap();
        flip(object, &mut random);
        match verify(path, None).await {
            Ok(found) => {
                let named = found.faults.first().map(|f| f.object.as_str());
                assert_eq!(named, Some(name), "{:?}", found.faults);
            }
            // The number of a format is now another one.
            Err(e) => assert!(e.to_string().contains(name), "{name}: {e}"),
        }
        std::fs::write(object, original).unwrap();
    }
    assert_eq!(verify(path, None).await.unwrap().faults, []);
}

#[tokio::test]
async fn a_segment_that_somebody_made_with_its_right_hash_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    template(folder.path()).await;
    let bytes = std::fs::read(&files(&folder.path().join("segments"))[0]).unwrap();
    let mut random = Random(0x5eed);
    for _ in 0..2000 {
        let mut bytes = bytes.clone();
        for _ in 0..=random.below(3) {
            let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            bytes[at] ^= 1 << random.below(8);
        }
        if random.below(8) == 0 {
            bytes.truncate(usize::try_from(random.below(bytes.len() as u64)).unwrap());
        }
        let bytes = bytes::Bytes::from(bytes);
        let sha256 = Digest::of(&bytes);
        let named = LiveSegment { name: "x".to_owned(), sha256, from: 1, to: 1 };
        if let Ok(segment) = Segment::open("segments/x".into(), &bytes, &named) {
            let rows = std::iter::once(0..segment.rows());
            let mut cursor = Cursor::new(&segment, &Source::Whole(bytes), Columns::LEAVES, rows);
            while let Ok(Some(_)) = cursor.next() {}
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_manifest_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Manifest::open(&subject(), 1, &bytes).is_err());
        let json = format!(r#"{{"schema":"tidegate.manifest/v1","x":{:?}}}"#, bytes.escape_ascii().to_string());
        prop_assert!(Manifest::open(&subject(), 1, json.as_bytes()).is_err());
        prop_assert!(Kind::new(json).is_err());
    }
}
