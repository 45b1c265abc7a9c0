//! Queries over the bodies of whole histories: joins of `history` with itself and
//! sorting of more than is kept in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use tidegate_model::Resource;
use tidegate_store::{At, Store};

use super::support::*;
use crate::{Session, spill};

const STATUS: [&str; 3] = ["ACTIVE", "ERROR", "SHUTOFF"];

/// By kind and number, the status.
type Night = BTreeMap<(bool, u8), u8>;

/// A version: kind, number, status, first snapshot, the one after the last.
type Version = (bool, u8, u8, u64, Option<u64>);

fn kind_of(port: bool) -> &'static str {
    if port { "network.port" } else { "compute.server" }
}

/// Numbers are ids of both kinds. Bodies are long enough to fill windows.
fn resources(night: &Night, long: usize) -> Vec<Resource> {
    let one = |(&(port, id), &status): (&(bool, u8), &u8)| {
        let text = "x".repeat(long + usize::from(id));
        let status = STATUS[usize::from(status)];
        let body = format!(r#"{{"id":"{id:03}","status":"{status}","text":"{text}"}}"#);
        resource(kind_of(port), &format!("{id:03}"), &body)
    };
    night.iter().map(one).collect()
}

fn collected(subjects: &[&str], nights: &[Night], long: usize) -> Example {
    let e = Example::new();
    for subject in subjects {
        for (taken, night) in (1..).zip(nights) {
            let covered = vec![complete("compute.server"), complete("network.port")];
            e.collect(subject, taken, resources(night, long), covered);
        }
    }
    e
}

fn versions(nights: &[Night]) -> Vec<Version> {
    let mut versions = Vec::new();
    for key in nights.iter().flat_map(Night::keys).copied().collect::<BTreeSet<_>>() {
        let mut now: Option<Version> = None;
        for (seq, night) in (1..).zip(nights) {
            let status = night.get(&key).copied();
            if now.map(|v| v.2) != status {
                versions.extend(now.map(|v| (v.0, v.1, v.2, v.3, Some(seq))));
                now = status.map(|status| (key.0, key.1, status, seq, None));
            }
        }
        versions.extend(now);
    }
    versions
}

fn counted<T: Ord>(all: impl Iterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    all.for_each(|one| *counts.entry(one).or_default() += 1);
    counts
}

/// Changes of the status from one version to the next: kind, number, before, after.
fn changes(versions: &[Version]) -> Vec<(bool, u8, u8, u8)> {
    let pairs = versions.windows(2).filter(|w| (w[0].0, w[0].1) == (w[1].0, w[1].1));
    let next = pairs.filter(|w| w[0].4 == Some(w[1].3));
    next.map(|w| (w[0].0, w[0].1, w[0].2, w[1].2)).collect()
}

/// What is asked, with the answer that is plain, of one subject of `subjects`.
fn questions(versions: &[Version], subjects: usize) -> Vec<(&'static str, Vec<String>)> {
    let status = |n: u8| STATUS[usize::from(n)];
    let by_status = counted(versions.iter().filter(|v| !v.0).map(|v| status(v.2)));
    let by_change = counted(changes(versions).into_iter().map(|c| (status(c.2), status(c.3))));
    let twins = versions.iter().filter(|v| !v.0).flat_map(|server| {
        let ports = versions.iter().filter(|v| v.0 && v.1 == server.1 && v.2 == server.2);
        ports.map(|port| format!("{:03} {} {}", server.1, server.3, port.3))
    });
    let times = subjects as u64;
    let changed = || by_change.iter().map(|((a, b), n)| format!("{a} {b} {}", n * times)).collect();
    let grown = versions.iter().map(|v| {
        let all = versions.iter().filter(|o| (o.0, o.1) == (v.0, v.1));
        format!("{} {:03} {} {}", kind_of(v.0), v.1, v.3, all.count())
    });
    vec![
        (
            "SELECT body ->> 'status', count(*) FROM history WHERE kind = 'compute.server' \
             GROUP BY 1",
            by_status.iter().map(|(s, n)| format!("{s} {}", n * times)).collect(),
        ),
        (
            "SELECT a.body ->> 'status', b.body ->> 'status', count(*) \
             FROM history a JOIN history b ON b.subject = a.subject AND b.key = a.key \
             AND b.seq = a.until_seq GROUP BY 1, 2",
            changed(),
        ),
        (
            "WITH v AS (SELECT body ->> 'status' AS now, seq, lag(body ->> 'status') OVER w \
             AS before, lag(until_seq) OVER w AS until FROM history \
             WINDOW w AS (PARTITION BY subject, key ORDER BY seq)) \
             SELECT before, now, count(*) FROM v WHERE until = seq GROUP BY 1, 2",
            changed(),
        ),
        (
            "SELECT s.id, s.seq, p.seq FROM history s CROSS JOIN history p ON p.id = s.id \
             AND p.subject = s.subject AND p.body ->> 'status' = s.body ->> 'status' \
             WHERE s.kind = 'compute.server' AND p.kind = 'network.port' AND s.subject = 'a'",
            twins.collect(),
        ),
        (
            "SELECT kind, id, seq, (SELECT count(b.body) FROM history b WHERE b.key = a.key \
             AND b.subject = 'a') FROM (SELECT * FROM history WHERE subject = 'a' \
             ORDER BY body DESC, seq LIMIT 9999) a",
            grown.collect(),
        ),
    ]
}

fn night() -> impl Strategy<Value = Night> {
    prop::collection::btree_map((any::<bool>(), 0..40_u8), 0..3_u8, 20..60)
}

proptest! {
    #![proptest_config(cases(24))]
    #[test]
    fn joins_of_histories_with_themselves_equal_a_plain_computation(
        nights in prop::collection::vec(night(), 1..6),
        long in prop::sample::select(vec![0_usize, 2_000]),
    ) {
        let subjects = ["a", "b"];
        let e = collected(&subjects, &nights, long);
        let alone = e.runtime.block_on(Store::open_for_records(e.folder.path())).unwrap();
        for store in [&e.store, &alone] {
            let session =
                Session::open(store, &e.subjects(), &At::default(), Arc::new(|| false)).unwrap();
            for (sql, mut expected) in questions(&versions(&nights), subjects.len()) {
                let mut found = lines(&session.query(sql, 100_000).unwrap());
                found.sort();
                expected.sort();
                prop_assert_eq!(found, expected, "{}", sql);
            }
        }
    }
}

/// Some megabytes of bodies, of which one is kept in memory.
#[test]
fn more_than_memory_holds_is_sorted_in_files() {
    let night = |n: u8| (0..60_u8).map(|id| ((id % 2 == 0, id), (id / 2 + n) % 3)).collect();
    let nights: Vec<Night> = (0..10).map(night).collect();
    let e = collected(&["a"], &nights, 20_000);
    let most = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&most);
    let stop = move || {
        seen.fetch_max(spill::bytes(), Ordering::Relaxed);
        false
    };
    let session = Session::open(&e.store, &e.subjects(), &At::default(), Arc::new(stop)).unwrap();
    for (sql, mut expected) in questions(&versions(&nights), 1) {
        let mut found = lines(&session.query(sql, 100_000).unwrap());
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{sql}");
    }
    if cfg!(target_os = "linux") {
        assert!(most.load(Ordering::Relaxed) > 2 << 20, "{most:?} bytes in files");
    }
}

/// Runs another test in a process of its own, with files of so many blocks at most;
/// gives what it printed.
fn child(test: &str, blocks: &str) -> String {
    let script = r#"trap '' XFSZ; ulimit -f "$1"; shift; exec "$@""#;
    let mut child = Command::new("bash");
    child.args(["-c", script, "bash", blocks]).arg(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("tests::bodies::{test}"), "--ignored", "--nocapture"]);
    let out = child.output().unwrap();
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
#[ignore = "run by other tests: it counts and limits the files of a whole process"]
fn child_sorts_without_end() {
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT hex(randomblob(100000)) AS x FROM n ORDER BY x";
    let error = Example::new().session("latest").query(endless, 10).unwrap_err();
    assert!(!error.is_usage());
    println!("{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn what_sorts_without_end_is_stopped_by_its_files() {
    let said = child("child_sorts_without_end", "unlimited");
    assert!(said.contains("need more than 64 MiB of temporary files"), "{said}");
}

#[test]
fn where_files_cannot_be_written_it_is_told_what_to_do() {
    let said = child("child_sorts_without_end", "100");
    assert!(said.contains("temporary files cannot be written ("), "{said}");
    assert!(said.contains("SQLITE_TMPDIR"), "{said}");
}
