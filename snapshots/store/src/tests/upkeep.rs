//! A crash at any write of compaction, pruning, erasure and rebuilding leaves the
//! generation before or the new one, and loses no snapshot that is kept.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tidegate_model::Resource;

use super::faults::{Fault, Steps};
use super::support::*;
use crate::{Store, StoreError, Upkeep};

const STORE: &str = "TIDEGATE_TEST_STORE";
const STEP: &str = "TIDEGATE_TEST_STEP";
const VERB: &str = "TIDEGATE_TEST_VERB";
/// So many children are killed; `TIDEGATE_TEST_KILLS` asks for more.
const KILLS: &str = "TIDEGATE_TEST_KILLS";
/// If it is set, every write fails once; else every third, beginning with another
/// one for each verb.
const FULL: &str = "TIDEGATE_TEST_FULL";
/// So many days lie between two snapshots.
const DAYS: u64 = 6;
const TENANT: &str = "project-3";
const RULE: &str = "all for 20 days, then monthly";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Collect,
    Compact,
    Prune,
    Erase,
    Reindex,
}

const VERBS: [Verb; 5] = [Verb::Collect, Verb::Compact, Verb::Prune, Verb::Erase, Verb::Reindex];

/// What snapshot `seq` holds, every sixth day.
fn state(seq: u64) -> Vec<Resource> {
    let there = |id: &u64| !(id + seq).is_multiple_of(11);
    let one = |id: u64| resource(KINDS[0], "r", id, 1 + (seq + id) / 5);
    (0..16).filter(there).map(one).collect()
}

fn upkeep(seq: u64) -> Upkeep {
    Upkeep { now: day(seq * DAYS), grace: Duration::from_secs(3600), dry_run: false }
}

impl Verb {
    async fn run(self, store: &Store, head: u64) -> Result<(), StoreError> {
        let (subject, upkeep) = (subject(), upkeep(head));
        match self {
            Self::Collect => {
                let seq = head + 1;
                let covered = vec![complete(KINDS[0], "r")];
                collect(store, &subject, seq * DAYS, state(seq), covered).await.map(drop)
            }
            Self::Compact => store.compact(&subject, &upkeep).await.map(drop),
            Self::Prune => {
                let rule = RULE.parse().unwrap();
                store.prune(&subject, &rule, &upkeep, [1; 16]).await.map(drop)
            }
            Self::Erase => store.erase(&subject, TENANT, &upkeep, [2; 16]).await.map(drop),
            Self::Reindex => store.reindex().await.map(drop),
        }
    }
}

async fn head(store: &Store) -> u64 {
    store.snapshots(&subject()).await.unwrap().len() as u64
}

/// Checks all snapshots: each is right, or given up with a record. Bodies of the
/// tenant are there or not.
async fn check(store: &Store, what: &str) {
    let head = head(store).await;
    let pruned = store.pruned(&subject()).await.unwrap();
    for seq in (1..=head).filter(|seq| !pruned.contains(seq)) {
        let snapshot = store.snapshot(&format!("prod1@{seq}").parse().unwrap()).await.unwrap();
        let mut expected = state(seq);
        expected.sort_by(|a, b| a.key.cmp(&b.key));
        let facts = all(&snapshot).unwrap();
        assert_eq!(facts.len(), expected.len(), "{what}: snapshot {seq}");
        for (fact, mut expected) in facts.into_values().zip(expected) {
            if fact.resource.is_erased() {
                assert_eq!(expected.project.as_deref(), Some(TENANT), "{what}: snapshot {seq}");
                expected.body = "".into();
                expected.name = None;
            }
            assert_eq!(fact.resource, expected, "{what}: snapshot {seq}");
        }
    }
    assert!(!pruned.contains(&head), "{what}");
    let records = store.records(&subject()).await.unwrap();
    assert!(pruned.is_empty() || records.iter().any(|r| r.kind == "prune"), "{what}");
}

/// Checks a store that something happened to, then that all goes on.
async fn check_after(path: &Path, verb: Verb, what: &str) {
    let store = Store::open(path).await.unwrap();
    assert_eq!(head(&store).await, 12, "{what}");
    check(&store, what).await;
    for verb in [Verb::Collect, verb] {
        let head = head(&store).await;
        verb.run(&store, head).await.unwrap();
    }
    check(&store, &format!("{what}, then again")).await;
    let left = std::fs::read_dir(path.join("tmp")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "{what}: files in tmp");
    drop(store);
    let store = Store::open(path).await.unwrap();
    assert!(store.notices().is_empty(), "{what}: {:?}", store.notices());
}

/// A store of 12 snapshots, the first 7 compacted, with a record of the tenant.
async fn template(path: &Path) {
    let store = Store::open(path).await.unwrap();
    for seq in 0..12 {
        Verb::Collect.run(&store, seq).await.unwrap();
        if seq == 7 {
            Verb::Compact.run(&store, seq).await.unwrap();
            let text = format!("about {TENANT}");
            store.record(&subject(), "gate", day(1), [7; 16], text.as_bytes()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_write_that_fails_leaves_the_old_or_the_new_generation() {
    let folder = tempfile::tempdir().unwrap();
    let origin = folder.path().join("origin");
    template(&origin).await;
    for (first, verb) in (0..).zip([Verb::Compact, Verb::Prune, Verb::Erase, Verb::Reindex]) {
        for (fault, later) in [(Fault::Before, 0), (Fault::After, 1)] {
            let mut places = (first + later) % stride();
            loop {
                let path = folder.path().join("copy");
                copy(&origin, &path);
                let steps = Steps::new(places, fault);
                let store = steps.open(&path).await.unwrap();
                let done = verb.run(&store, 12).await;
                drop(store);
                let what = format!("{verb:?} {fault:?} {places}");
                if let Err(e) = &done {
                    assert!(steps.met(), "{what}: {e}");
                    let text = with_causes(e);
                    let told = ["No space left", "answer got lost", "`"];
                    assert!(told.iter().any(|t| text.contains(t)), "{what}: {text}");
                }
                check_after(&path, verb, &what).await;
                std::fs::remove_dir_all(&path).unwrap();
                if !steps.met() {
                    break;
                }
                places += stride();
            }
            assert!(places > 4, "{verb:?}: {places} places");
        }
    }
}

/// How far apart the writes are that fail.
fn stride() -> i64 {
    if std::env::var_os(FULL).is_some() { 1 } else { 3 }
}

fn with_causes(e: &dyn std::error::Error) -> String {
    e.source().map_or_else(|| e.to_string(), |s| format!("{e}: {}", with_causes(s)))
}

#[tokio::test]
async fn a_full_file_system_leaves_the_old_or_the_new_generation() {
    let (folder, small) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mount) = Mount::tmpfs(small.path(), "6m") else { return };
    let origin = folder.path().join("origin");
    template(&origin).await;
    for verb in [Verb::Compact, Verb::Prune, Verb::Erase, Verb::Reindex] {
        let mut failed = 0;
        for room in [0, 4096, 16_384, 65_536, 262_144] {
            let path = small.path().join("store");
            copy(&origin, &path);
            let store = Store::open(&path).await.unwrap();
            let filler = mount.fill(room);
            let done = verb.run(&store, 12).await;
            drop(store);
            std::fs::remove_file(filler).unwrap();
            let what = format!("{verb:?} with {room} bytes left");
            if let Err(e) = done {
                let text = with_causes(&e);
                let told = ["No space left", "make room"];
                assert!(told.iter().any(|t| text.contains(t)), "{what}: {text}");
                failed += 1;
            }
            let store = Store::open(&path).await.unwrap();
            let verified = store.verify(&subject(), &[]).await.unwrap();
            assert!(verified.faults.is_empty(), "{what}: {:?}", verified.faults);
            drop(store);
            check_after(&path, verb, &what).await;
            std::fs::remove_dir_all(&path).unwrap();
        }
        // The index that is built anew has the room of the one that was there.
        assert!(failed > 0 || verb == Verb::Reindex, "{verb:?} needed no room");
    }
}

fn child(test: &str, path: &Path, verb: Verb) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let test = format!("tests::upkeep::{test}");
    command.args(["--exact", &test, "--ignored", "--nocapture"]);
    command.env(STORE, path).env(VERB, format!("{verb:?}"));
    command
}

fn told() -> Option<(std::path::PathBuf, Verb)> {
    let (path, verb) = (std::env::var(STORE).ok()?, std::env::var(VERB).ok()?);
    Some((path.into(), *VERBS.iter().find(|v| format!("{v:?}") == verb)?))
}

#[tokio::test]
#[ignore = "run by other tests, in a process of its own"]
async fn child_aborts() {
    let Some((path, verb)) = told() else { return };
    let step = std::env::var(STEP).unwrap().parse().unwrap();
    let store = Steps::new(step, Fault::Abort).open(&path).await.unwrap();
    verb.run(&store, 12).await.unwrap();
}

#[tokio::test]
async fn a_process_that_ends_at_any_write_leaves_the_old_or_the_new_generation() {
    let folder = tempfile::tempdir().unwrap();
    let origin = folder.path().join("origin");
    template(&origin).await;
    for (first, verb) in (0..).zip([Verb::Compact, Verb::Prune, Verb::Erase, Verb::Reindex]) {
        for step in (first % stride()..200).step_by(usize::try_from(stride()).unwrap()) {
            let path = folder.path().join("copy");
            copy(&origin, &path);
            let out = child("child_aborts", &path, verb).env(STEP, step.to_string()).output();
            check_after(&path, verb, &format!("{verb:?} abort {step}")).await;
            std::fs::remove_dir_all(&path).unwrap();
            if out.unwrap().status.success() {
                assert!(step > 4, "{verb:?}: {step} places");
                break;
            }
            assert!(step < 190, "too many writes");
        }
    }
}

#[tokio::test]
#[ignore = "run by other tests, in a process of its own"]
async fn child_goes_on() {
    let Some((path, first)) = told() else { return };
    let store = Store::open(&path).await.unwrap();
    for verb in [first].into_iter().chain(VERBS.into_iter().cycle()) {
        let head = head(&store).await;
        verb.run(&store, head).await.unwrap();
        println!("ack {verb:?} {}", head + u64::from(verb == Verb::Collect));
    }
}

#[tokio::test]
async fn killed_upkeep_loses_nothing() {
    let kills = asked(KILLS, 15);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    template(&path).await;
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut acknowledged = 12;
    let mut heard = 0;
    for kill in 0..kills {
        let verb = VERBS[usize::try_from(kill % 5).unwrap()];
        let mut command = child("child_goes_on", &path, verb);
        let mut running = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let out = BufReader::new(running.stdout.take().unwrap());
        let mut lines = out.lines().map_while(Result::ok);
        // Half of them get through their first verb before the clock starts.
        let mut listen = |line: String| {
            let seq = line.strip_prefix("ack ").and_then(|l| l.split(' ').nth(1)?.parse().ok());
            acknowledged = seq.unwrap_or(acknowledged);
            heard += u64::from(seq.is_some());
            seq.is_some()
        };
        if kill % 2 == 0 {
            lines.by_ref().any(&mut listen);
        }
        std::thread::sleep(Duration::from_micros(5_000 + random % 150_000));
        running.kill().unwrap();
        for line in lines {
            listen(line);
        }
        running.wait().unwrap();
        let store = Store::open(&path).await.unwrap();
        let now = head(&store).await;
        assert!(now == acknowledged || now == acknowledged + 1, "kill {kill}: {now}");
        check(&store, &format!("kill {kill} of {verb:?}")).await;
        acknowledged = now;
    }
    assert!(heard >= kills / 2, "the children got no work done: {heard}");
    println!("{kills} kills, {heard} acknowledged");
}
