//! What is refused, stopped or not wholly known says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_model::{Status, Visibility};
use tidegate_store::At;

use super::support::*;
use crate::{Session, SqlError};

#[track_caller]
fn refused(sql: &str, expected: &str) {
    let error = example().ask("latest", sql).unwrap_err();
    assert_eq!(error.to_string(), expected, "{sql}");
    assert!(error.is_usage(), "{sql}");
}

#[test]
fn what_does_not_only_read_is_refused() {
    let no = |what: &str| format!("the query may only read: {what} is not allowed");
    refused("INSERT INTO servers (id) VALUES ('x')", &no("INSERT into `servers`"));
    refused("DELETE FROM servers", &no("changing a table"));
    refused("UPDATE servers SET name = 'x'", &no("changing a table"));
    refused("DROP TABLE servers", &no("changing the schema"));
    refused("CREATE TABLE t (a)", &no("changing the schema"));
    refused("CREATE TEMP TABLE t AS SELECT 1", &no("changing the schema"));
    refused("ATTACH 'x.sqlite' AS x", &no("ATTACH"));
    refused("VACUUM INTO 'x.sqlite'", &no("this statement"));
    refused("BEGIN", &no("a transaction"));
    refused("PRAGMA hard_heap_limit = 0", &no("PRAGMA hard_heap_limit = 0"));
    refused("PRAGMA writable_schema = 1", &no("PRAGMA writable_schema = 1"));
    refused("SELECT load_extension('x')", &no("the function load_extension"));
    refused("WITH d AS (SELECT 1) DELETE FROM servers", &no("changing a table"));
}

#[test]
fn one_statement_is_asked_for() {
    refused("", "the query is empty");
    refused("  -- nothing\n;", "the query is empty");
    let several = "the query has more than one statement; leave all but one out";
    refused("SELECT 1; DROP TABLE servers", several);
    refused("SELECT 1; nonsense", several);
    refused("SELECT 1; SELECT 2", several);
    refused("SELECT '\0'", "cannot understand the query: it contains a NUL character");
    example().check("latest", "SELECT 1; -- and no more\n ;", &["1"]);
}

#[test]
fn what_is_misspelt_is_told_with_what_is_near() {
    refused(
        "SELECT * FROM server",
        "there is no table `server`; did you mean `servers` or `server_groups`?",
    );
    refused("SELECT * FROM main.prots", "there is no table `main.prots`; did you mean `ports`?");
}

#[test]
fn a_misspelt_column_or_word_is_told() {
    refused("SELECT nmae FROM servers", "there is no column `nmae`; did you mean `name`?");
    refused("SELEC 1", "cannot understand the query: near \"SELEC\": syntax error");
    refused("SELECT nofun(1)", "cannot understand the query: no such function: nofun");
    refused(
        "SELECT ?1",
        "cannot understand the query: it has parameters, write the values themselves",
    );
}

#[test]
fn an_endless_query_is_stopped() {
    let e = example();
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let stop = Arc::new(move || count.fetch_add(1, Ordering::Relaxed) > 50);
    let session = Session::open(&e.store, &e.subjects(), &At::default(), stop).unwrap();
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n";
    let error = session.query(endless, 10).unwrap_err();
    assert!(matches!(error, SqlError::TimeLimit), "{error}");
    assert!(asked.load(Ordering::Relaxed) > 50);
    assert!(!error.is_usage());
    let error = session.query("SELECT id FROM history", 10).unwrap_err();
    assert!(matches!(error, SqlError::TimeLimit), "tables look at the time, too: {error}");
}

#[test]
fn too_many_rows_and_too_much_memory_are_limits_by_name() {
    let e = example();
    let session = e.session("latest");
    assert_eq!(session.query("SELECT id FROM servers", 2).unwrap().rows.len(), 2);
    let error = session.query("SELECT id FROM servers", 1).unwrap_err();
    assert_eq!(error.to_string(), "the query was stopped: it gives more than 1 rows");
    let large = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) \
                 SELECT group_concat(hex(zeroblob(4000000))) FROM n";
    let error = session.query(large, 10).unwrap_err().to_string();
    assert!(error.contains("too big") || error.contains("MiB of memory"), "{error}");
    let parts: Vec<String> = (0..9).map(|n| format!("group_concat(x, '{n}')")).collect();
    let parts = format!(
        "WITH RECURSIVE n(i, x) AS (SELECT 1, '' UNION ALL \
         SELECT i + 1, hex(zeroblob(2000000)) FROM n WHERE i < 10) SELECT {} FROM n",
        parts.join(", ")
    );
    let error = session.query(&parts, 10).unwrap_err();
    assert!(matches!(error, SqlError::MemoryLimit { .. }), "{error}");
    assert_eq!(session.query("SELECT 1", 1).unwrap().rows.len(), 1, "and it goes on");
}

#[test]
fn a_kind_that_was_not_seen_is_told_and_keeps_what_was_seen_before() {
    let e = example();
    let ports =
        e.ask("latest", "SELECT id, unseen_since FROM ports WHERE device_id = 'b'").unwrap();
    assert_eq!(lines(&ports), ["x2 2026-01-04T02:00:00Z", "x3 2026-01-04T02:00:00Z"]);
    let forbidden =
        "`ports` is not complete: `network.port` in r1 was not read: forbidden (`prod1@4`)";
    assert_eq!(ports.notes, [forbidden]);
    let counted = e.ask("latest", "SELECT count(*) FROM \"network.port\"").unwrap();
    assert_eq!(counted.notes, [forbidden.replace("`ports`", "`network.port`")]);
    let before = e.ask("prod1@3", "SELECT count(*) FROM ports").unwrap();
    assert_eq!(before.notes, Vec::<String>::new());
    let never = e.ask("latest", "SELECT * FROM volumes").unwrap();
    assert_eq!(never.rows.len(), 0);
    assert_eq!(never.notes, ["`volumes`: `prod1@4` did not look at `block-storage.volume`"]);
    let all = e.ask("latest", "SELECT count(*) FROM resources").unwrap();
    let gap = "`resources` is not complete: see `coverage` of `prod1@4` for network.port";
    assert_eq!(all.notes, [gap]);
    let history = e.ask("latest", "SELECT count(*) FROM history").unwrap();
    let gap = "`history` is not complete: 1 of 4 snapshots of `prod1` have gaps, see `coverage`";
    assert_eq!(history.notes, [gap]);
    let none = e.ask("latest", "SELECT count(*) FROM snapshots, servers").unwrap();
    assert_eq!(none.notes, Vec::<String>::new());
}

#[test]
fn a_subject_of_another_system_misses_nothing() {
    let e = example();
    e.collect("k8s", 1, Vec::new(), vec![complete("core.Pod")]);
    let notes = |sql: &str| e.ask("latest", sql).unwrap().notes;
    assert_eq!(notes("SELECT * FROM servers"), Vec::<String>::new());
    assert_eq!(notes("SELECT * FROM pods"), Vec::<String>::new());
    assert_eq!(notes("SELECT * FROM volumes").len(), 2);
    e.collect("prod1", 5, Vec::new(), vec![complete("network.port")]);
    let gone = "`servers`: `prod1@5` did not look at `compute.server`";
    assert_eq!(notes("SELECT * FROM servers"), [gone]);
}

#[test]
fn a_weaker_view_is_told() {
    let e = Example::new();
    let own = Visibility::Projects(["p1".into()].into());
    let covered = vec![coverage("network.port", Status::Complete { count: 0 }, own)];
    e.collect("prod1", 1, Vec::new(), covered);
    let ports = e.ask("latest", "SELECT * FROM ports").unwrap();
    let seen =
        "`ports` is not complete: `network.port` in r1 was seen as far as project p1 (`prod1@1`)";
    assert_eq!(ports.notes, [seen]);
}

#[test]
fn a_damaged_segment_is_named() {
    let e = example();
    let folder = e.folder.path().join("segments/prod1");
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let mut bytes = std::fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&file, bytes).unwrap();
    }
    let error = e.ask("latest", "SELECT body FROM servers").unwrap_err();
    let mut text = error.to_string();
    let mut below = std::error::Error::source(&error);
    while let Some(cause) = below {
        text.push_str(&format!(": {cause}"));
        below = cause.source();
    }
    assert!(text.contains("segments/prod1/") && text.contains("SHA-256"), "{text}");
    assert!(!error.is_usage());
}
