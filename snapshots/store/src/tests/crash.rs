//! A crash at any point leaves the snapshot before or the new one.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tidegate_model::Resource;

use super::faults::{Fault, Steps};
use super::support::*;
use crate::{At, Store};

const STORE: &str = "TIDEGATE_TEST_STORE";
const STEP: &str = "TIDEGATE_TEST_STEP";

/// What snapshot `seq` holds: most stays, some changes, some comes and goes.
fn state(seq: u64) -> Vec<Resource> {
    let there = |id: &u64| !(id + seq).is_multiple_of(11);
    let ids = 0..60;
    let one =
        |id: u64| resource(KINDS[usize::try_from(id % 3).unwrap()], "r", id, 1 + (seq + id) / 5);
    ids.filter(there).map(one).collect()
}

async fn collect_state(store: &Store, seq: u64) -> Result<(), crate::StoreError> {
    let covered = KINDS.iter().map(|k| complete(k, "r")).collect();
    let done = collect(store, &subject(), seq, state(seq), covered).await?;
    assert_eq!(done.id.seq, seq);
    Ok(())
}

/// Checks that snapshot `seq` is right.
async fn check(store: &Store, seq: u64) {
    let id = format!("prod1@{seq}").parse().unwrap();
    let snapshot = store.snapshot(&id).await.unwrap();
    let mut expected = state(seq);
    expected.sort_by(|a, b| a.key.cmp(&b.key));
    let found: Vec<_> = all(&snapshot).unwrap().into_values().map(|f| f.resource).collect();
    assert_eq!(found, expected, "snapshot {seq}");
}

async fn newest(store: &Store) -> u64 {
    store.resolve(&subject(), &At::default()).await.map_or(0, |id| id.seq)
}

/// Checks the store after a failure while snapshot `next` was written.
async fn check_after(path: &Path, next: u64, acknowledged: bool, what: &str) {
    let store = Store::open(path).await.unwrap();
    let head = newest(&store).await;
    assert!(head == next || (head == next - 1 && !acknowledged), "{what}: head {head}");
    for seq in 1..=head {
        check(&store, seq).await;
    }
    collect_state(&store, head + 1).await.unwrap();
    check(&store, head + 1).await;
    let left = std::fs::read_dir(path.join("tmp")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "{what}: files in tmp");
    let segments = std::fs::read_dir(path.join("segments/prod1")).map_or(0, Iterator::count);
    assert_eq!(segments as u64, head + 1, "{what}: segments");
}

async fn template(path: &Path, snapshots: u64) {
    let store = Store::open(path).await.unwrap();
    for seq in 1..=snapshots {
        collect_state(&store, seq).await.unwrap();
    }
}

async fn fail_everywhere(fault: Fault, before: u64) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let origin = folder.path().join("origin");
    if before > 0 {
        template(&origin, before).await;
    }
    for step in 0.. {
        let path = folder.path().join(format!("{step}"));
        if before > 0 {
            copy(&origin, &path);
        }
        let steps = Steps::new(step, fault);
        let store = steps.open(&path).await.unwrap();
        let done = collect_state(&store, before + 1).await;
        if let Err(e) = &done {
            assert!(steps.met(), "{e}");
        }
        drop(store);
        check_after(&path, before + 1, done.is_ok(), &format!("{fault:?} {step}")).await;
        if !steps.met() {
            return step;
        }
        std::fs::remove_dir_all(&path).unwrap();
    }
    unreachable!("some number of writes is enough")
}

#[tokio::test]
async fn a_write_that_fails_leaves_the_old_or_the_new_snapshot() {
    for fault in [Fault::Before, Fault::After] {
        let first = fail_everywhere(fault, 0).await;
        let later = fail_everywhere(fault, 2).await;
        // Format, versions, segment, manifest, index.
        assert!(first > 8 && later > 7, "{first} {later} places");
    }
}

#[tokio::test]
async fn a_full_disk_is_named() {
    let folder = tempfile::tempdir().unwrap();
    template(folder.path(), 1).await;
    let store = Steps::new(0, Fault::Before).open(folder.path()).await.unwrap();
    let e = collect_state(&store, 2).await.unwrap_err();
    let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("No space left"), "{e}: {cause}");
}

fn child(test: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(STORE, path);
    command
}

#[tokio::test]
#[ignore = "run by other tests, in a process of its own"]
async fn child_aborts() {
    let (Ok(path), Ok(step)) = (std::env::var(STORE), std::env::var(STEP)) else { return };
    let steps = Steps::new(step.parse().unwrap(), Fault::Abort);
    let store = steps.open(Path::new(&path)).await.unwrap();
    collect_state(&store, 3).await.unwrap();
    println!("ack 3");
}

#[tokio::test]
async fn a_process_that_ends_at_any_write_leaves_the_old_or_the_new_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let origin = folder.path().join("origin");
    template(&origin, 2).await;
    for step in 0..100 {
        let path = folder.path().join(format!("{step}"));
        copy(&origin, &path);
        let mut command = child("tests::crash::child_aborts", &path);
        let out = command.env(STEP, step.to_string()).output().unwrap();
        let acknowledged = String::from_utf8_lossy(&out.stdout).contains("ack 3");
        check_after(&path, 3, acknowledged, &format!("abort {step}")).await;
        if out.status.success() {
            assert!(step > 7, "{step} places");
            return;
        }
    }
    panic!("too many writes");
}

#[tokio::test]
#[ignore = "run by other tests, in a process of its own"]
async fn child_collects() {
    let Ok(path) = std::env::var(STORE) else { return };
    let store = Store::open(Path::new(&path)).await.unwrap();
    let mut seq = newest(&store).await;
    loop {
        seq += 1;
        match collect_state(&store, seq).await {
            Ok(()) => println!("ack {seq}"),
            Err(e) => {
                println!("error {e}");
                return;
            }
        }
    }
}

#[tokio::test]
async fn killed_collections_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut acknowledged = 0;
    for kill in 0..60 {
        let mut command = child("tests::crash::child_collects", &path);
        let mut running = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(running.stdout.take().unwrap());
        let mut lines = out.lines().map_while(Result::ok);
        let mut heard = |line: &str| {
            let seq = line.strip_prefix("ack ").and_then(|n| n.parse().ok());
            acknowledged = seq.unwrap_or(acknowledged);
            seq.is_some()
        };
        // Half of them are let through the start first, however slow it is.
        if kill % 2 == 0 {
            lines.by_ref().any(|line| heard(&line));
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(Duration::from_micros(5_000 + random % 120_000));
        running.kill().unwrap();
        lines.for_each(|line| {
            heard(&line);
        });
        running.wait().unwrap();
        let store = Store::open(&path).await.unwrap();
        let head = newest(&store).await;
        assert!(head == acknowledged || head == acknowledged + 1, "kill {kill}: {head}");
        for seq in head.saturating_sub(2).max(1)..=head {
            check(&store, seq).await;
        }
        acknowledged = head;
    }
    let store = Store::open(&path).await.unwrap();
    for seq in 1..=newest(&store).await {
        check(&store, seq).await;
    }
    assert!(newest(&store).await > 20, "the children got no work done");
}

#[tokio::test]
async fn a_file_size_limit_is_an_error_and_the_store_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    template(&path, 1).await;
    // The index is the first file to grow over 600 KB.
    let script = r#"trap '' XFSZ; ulimit -f "$1"; shift; exec "$@""#;
    for blocks in ["0", "8", "1200"] {
        let inner = child("tests::crash::child_collects", &path);
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "3", "bash", "-c", script, "bash", blocks]);
        command.arg(inner.get_program()).args(inner.get_args()).env(STORE, &path);
        let out = command.stderr(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let store = Store::open(&path).await.unwrap();
        let head = newest(&store).await;
        assert!(head > 0, "{text}");
        for seq in head.saturating_sub(3).max(1)..=head {
            check(&store, seq).await;
        }
        if blocks == "0" {
            assert!(text.contains("error cannot") && !text.contains("ack"), "{text}");
        }
        collect_state(&store, head + 1).await.unwrap();
    }
}

#[tokio::test]
async fn a_full_file_system_is_an_error_and_the_store_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::tmpfs(folder.path(), "1500k") else { return };
    let path = folder.path().join("store");
    let mut last = 0;
    let mut failure = None;
    let store = Store::open(&path).await.unwrap();
    for seq in 1..2000 {
        match collect_state(&store, seq).await {
            Ok(()) => last = seq,
            Err(e) => {
                failure = Some(e);
                break;
            }
        }
    }
    drop(store);
    let store = Store::open(&path).await.unwrap();
    let head = newest(&store).await;
    assert!(head == last || head == last + 1);
    for seq in (1..=head).step_by(7).chain([head]) {
        check(&store, seq).await;
    }
    drop(store);
    drop(mount);
    let e = failure.unwrap();
    let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
    assert!(format!("{e}: {cause}").contains("No space left"), "{e}: {cause}");
}
