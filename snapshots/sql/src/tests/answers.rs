//! Answers equal what is plain from the data.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_model::{Salt, Timestamp};
use tidegate_store::{At, Store, Upkeep};

use super::support::*;
use crate::{Session, Value};

#[test]
fn tables_are_as_of_the_snapshot() {
    let e = example();
    let servers = "SELECT id, status, vcpus, host, project, unseen_since FROM servers ORDER BY id";
    e.check("prod1@1", servers, &["a ACTIVE 1 h1 p1 -", "b ACTIVE 2 h1 p2 -"]);
    e.check("2026-01-03", servers, &["a ACTIVE 4 h1 p1 -", "b ACTIVE 2 h1 p2 -"]);
    e.check("latest", servers, &["a ACTIVE 4 h1 p1 -", "c ERROR 8 h1 p2 -"]);
    e.check("latest", "SELECT id FROM \"compute.server\" WHERE vcpus > 4", &["c"]);
    e.check("prod1@1", "SELECT body ->> '$.flavor.vcpus' FROM servers WHERE id = 'b'", &["2"]);
    let key = "SELECT name FROM servers WHERE key = 'openstack/compute.server/r1/a'";
    e.check("latest", key, &["vm-a"]);
    e.check("latest", "SELECT name FROM ports WHERE key = 'openstack/compute.server/r1/a'", &[]);
    e.check(
        "latest",
        "SELECT kind, count(*) FROM resources GROUP BY 1",
        &["compute.server 2", "network.port 3"],
    );
}

#[test]
fn history_has_a_row_for_each_version_with_its_time() {
    let e = example();
    let history = "SELECT id, change, ended, seq, until_seq, substr(valid_from, 9, 2), \
                   substr(valid_to, 9, 2), unseen_since FROM history ORDER BY kind, id, seq";
    let unseen = |id: &str| {
        [
            format!("{id} created unseen 1 4 02 05 -"),
            format!("{id} unseen - 4 - 05 - 2026-01-04T02:00:00Z"),
        ]
    };
    let mut expected: Vec<String> = [
        "a created changed 1 2 02 03 -",
        "a changed - 2 - 03 - -",
        "b created removed 1 3 02 04 -",
        "c created - 3 - 04 - -",
    ]
    .map(str::to_owned)
    .to_vec();
    expected.extend(["x1", "x2", "x3"].iter().flat_map(|id| unseen(id)));
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    e.check("latest", history, &expected);
    let then = "SELECT id, body ->> '$.flavor.vcpus' FROM history WHERE kind = 'compute.server' \
                AND valid_from <= '2026-01-02T12:00:00Z' \
                AND (valid_to > '2026-01-02T12:00:00Z' OR valid_to IS NULL) ORDER BY 1";
    e.check("latest", then, &["a 1", "b 2"]);
    e.check("prod1@2", "SELECT count(*) FROM history WHERE ended = 'removed'", &["0"]);
    e.check("latest", "SELECT name, region, project FROM history WHERE id = 'b'", &["vm-b r1 p2"]);
}

#[test]
fn the_chain_and_its_coverage_are_tables() {
    let e = example();
    let snapshots = "SELECT snapshot, current, resources, kinds, gaps, length(manifest_sha256) \
                     FROM snapshots";
    e.check("prod1@2", snapshots, &["prod1@1 0 5 2 0 64", "prod1@2 1 5 2 0 64"]);
    let chain = "SELECT count(DISTINCT manifest_sha256) FROM snapshots";
    e.check("latest", chain, &["4"]);
    let gaps = "SELECT snapshot, kind, region, status, detail, visibility FROM coverage \
                WHERE current = 1";
    e.check(
        "latest",
        gaps,
        &["prod1@4 compute.server r1 complete 0 all", "prod1@4 network.port r1 forbidden - all"],
    );
}

#[test]
fn several_subjects_are_queried_at_once() {
    let e = example();
    let other = resource("compute.server", "a", r#"{"id":"a","name":"other","status":"BUILD"}"#);
    e.collect("prod2", 9, vec![other], vec![complete("compute.server")]);
    let all = "SELECT subject, id, status FROM servers ORDER BY 1, 2";
    e.check("latest", all, &["prod1 a ACTIVE", "prod1 c ERROR", "prod2 a BUILD"]);
    e.check("latest", "SELECT name FROM servers WHERE subject = 'prod2'", &["other"]);
    let one = "SELECT subject FROM servers WHERE key = 'openstack/compute.server/r1/a' ORDER BY 1";
    e.check("latest", one, &["prod1", "prod2"]);
    e.check("latest", "SELECT count(*) FROM history WHERE subject = 'prod2'", &["1"]);
    let twice = "SELECT subject, id FROM servers WHERE id = 'a' OR status = 'BUILD' ORDER BY 1";
    e.check("latest", twice, &["prod1 a", "prod2 a"]);
}

#[test]
fn verdicts_and_findings_are_what_was_recorded() {
    let e = example();
    let said = |seq: u64, rules: &str| {
        format!(
            r#"{{"snapshot":"prod1@{seq}","taken_at":"2026-01-02T02:00:00Z",
            "reference_time":"2026-01-02T02:00:00Z","rule_set":"{}","rules":{{{rules}}}}}"#,
            "ab".repeat(32)
        )
    };
    let passed = r#""r1":{"verdict":"pass","counts":{"pass":2,"fail":0,"abort":0},"findings":[]}"#;
    let failed = r#""r1":{"verdict":"fail","counts":{"pass":1,"fail":1,"abort":1},"findings":[
        {"resource":"openstack/compute.server/r1/a","name":"vm-a","verdict":"fail",
         "violations":[{"message":"too large","path":"/flavor","found":4,"wanted":1},
                       {"message":"too old"}]},
        {"verdict":"abort","cause":{"code":"coverage","message":"ports were not read"}}]}"#;
    let record = |kind: &str, text: &str| {
        let subject = "prod1".parse().unwrap();
        let (time, salt): (Timestamp, Salt) = (day(9), [7; 16]);
        let wrote = e.store.record(&subject, kind, time, salt, text.as_bytes());
        e.runtime.block_on(wrote).unwrap();
    };
    record("evaluation", &said(3, passed));
    record("gate", "not an evaluation");
    record("evaluation", &said(4, passed));
    record("evaluation", &said(4, failed));
    let verdicts = "SELECT snapshot, current, record, rule, verdict, pass, fail, abort \
                    FROM verdicts ORDER BY record";
    e.check(
        "latest",
        verdicts,
        &["prod1@3 0 1 r1 pass 2 0 0", "prod1@4 0 3 r1 pass 2 0 0", "prod1@4 1 4 r1 fail 1 1 1"],
    );
    e.check("prod1@3", verdicts, &["prod1@3 1 1 r1 pass 2 0 0"]);
    e.check("latest", "SELECT verdict FROM verdicts WHERE current = 1", &["fail"]);
    e.check("latest", "SELECT record FROM verdicts WHERE seq > 3 ORDER BY 1", &["3", "4"]);
    let findings = "SELECT rule, verdict, id, name, message, cause, \
                    violations ->> '$[0].found' FROM findings WHERE current = 1 ORDER BY 2";
    e.check(
        "latest",
        findings,
        &["r1 abort - - ports were not read coverage -", "r1 fail a vm-a too large; too old - 4"],
    );
    let joined = "SELECT s.status, f.message FROM findings f JOIN servers s ON s.key = f.key";
    e.check("latest", joined, &["ACTIVE too large; too old"]);
    record("evaluation", "{}");
    let error = e.ask("latest", "SELECT * FROM verdicts").unwrap_err().to_string();
    assert!(error.contains("cannot read record 5 of `prod1`"), "{error}");
}

#[test]
fn tables_and_columns_are_listed() {
    let e = example();
    let listed = "SELECT name FROM sqlite_schema WHERE name IN ('servers', 'history', 'pods')";
    e.check("latest", listed, &["history", "pods", "servers"]);
    let columns = "SELECT name FROM pragma_table_info('snapshots') WHERE cid < 2";
    e.check("latest", columns, &["subject", "snapshot"]);
    assert!(e.ask("latest", "PRAGMA table_list").unwrap().rows.len() > 80);
}

#[test]
fn a_plan_names_constraints_and_columns() {
    let e = example();
    let sql = "SELECT s.name FROM ports p JOIN servers s ON s.id = p.device_id \
               WHERE p.key = 'k' AND s.vcpus > 1";
    assert_eq!(
        e.session("latest").explain(sql).unwrap(),
        ["SCAN p BY key=? | device_id,key", "SCAN s BY id=? | id,name,vcpus",]
    );
    let sql = "SELECT max(valid_to) FROM history WHERE valid_from >= '2026' AND kind = 'a.b'";
    let plan = e.session("latest").explain(sql).unwrap();
    assert_eq!(plan, ["SEARCH history BY kind=? valid_from>=? | valid_from,valid_to,kind"]);
    assert!(e.session("latest").explain("DROP TABLE servers").is_err());
}

#[test]
fn an_export_is_an_ordinary_database() {
    let e = example();
    let file = e.folder.path().join("audit.sqlite");
    let session = e.session("latest");
    let tables = ["servers", "ports", "history"].map(str::to_owned);
    let sql = "SELECT id, id FROM servers";
    let done = session.export(&file, &tables, Some(sql)).unwrap();
    let counts: Vec<_> = done.tables.iter().map(|(t, n)| (t.as_str(), *n)).collect();
    assert_eq!(counts, [("servers", 2), ("ports", 3), ("history", 10), ("answer", 2)]);
    assert_eq!(done.notes.len(), 2, "{:?}", done.notes);
    let db = rusqlite::Connection::open(&file).unwrap();
    let one = |sql: &str| db.query_row(sql, [], |r| r.get::<_, String>(0)).unwrap();
    assert_eq!(one("SELECT name FROM servers WHERE id = 'c'"), "vm-c");
    assert_eq!(one("SELECT id_2 FROM answer WHERE id = 'a'"), "a");
    assert_eq!(one("SELECT sql FROM tidegate_query"), sql);
    assert_eq!(one("SELECT snapshot FROM tidegate_snapshots"), "prod1@4");
    assert!(one("SELECT group_concat(note) FROM tidegate_notes").contains("forbidden"));
    assert_eq!(one("PRAGMA integrity_check"), "ok");
    let plan = "EXPLAIN QUERY PLAN SELECT * FROM history WHERE key = 'x'";
    let detail = db.query_row(plan, [], |r| r.get::<_, String>(3)).unwrap();
    assert!(detail.contains("history_by_key"), "{detail}");
    let hash = session.query("SELECT manifest_sha256 FROM snapshots WHERE current = 1", 1);
    let hash = hash.unwrap().rows[0][0].clone();
    assert_eq!(hash, Value::text(one("SELECT manifest_sha256 FROM tidegate_snapshots")));

    let other = e.folder.path().join("other.sqlite");
    let error = session.export(&other, &["serves".to_owned()], None).unwrap_err();
    assert!(error.to_string().contains("`servers`") && error.is_usage(), "{error}");
    let error = session.export(&other.join("no"), &[], Some("SELECT 1")).unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
}

/// A session is about the snapshots it was opened with.
#[test]
fn what_is_collected_meanwhile_does_not_show() {
    let e = example();
    let session = e.session("latest");
    let sql = "SELECT (SELECT count(*) FROM servers), (SELECT count(*) FROM history), \
               (SELECT max(seq) FROM snapshots)";
    let before = session.query(sql, 1).unwrap();
    assert_eq!(lines(&before), ["2 10 4"]);
    let all = || vec![complete("compute.server"), complete("network.port")];
    e.collect("prod1", 5, Vec::new(), all());
    assert_eq!(session.query(sql, 1).unwrap(), before);
    let sql = "SELECT count(*), max(seq), count(until_seq) FROM history";
    assert_eq!(lines(&session.query(sql, 1).unwrap()), ["10 4 5"]);
    assert_eq!(lines(&e.ask("latest", sql).unwrap()), ["10 4 10"]);
}

/// Whatever is committed while tables are read, an answer is of one snapshot
/// alone: with the index, and beside the process that has it.
#[test]
fn reading_beside_a_writer_is_consistent() {
    let e = Example::new();
    // Night n has n servers, each of which says n.
    let collect = |n: u64| {
        let server = |i| {
            let body = format!(r#"{{"id":"s{i}","status":"{n}"}}"#);
            resource("compute.server", &format!("s{i}"), &body)
        };
        e.collect("prod1", n, (0..n).map(server).collect(), vec![complete("compute.server")]);
    };
    collect(1);
    let beside = e.runtime.block_on(Store::open(e.folder.path())).unwrap();
    let done = AtomicBool::new(false);
    let sql = "SELECT (SELECT max(seq) FROM snapshots), count(*), min(status), max(status), \
               (SELECT count(*) FROM history WHERE until_seq IS NULL) FROM servers";
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (2..40).for_each(collect);
            done.store(true, Ordering::Relaxed);
        });
        for store in [&e.store, &beside] {
            scope.spawn(|| {
                let subjects = ["prod1".parse().unwrap()];
                while !done.load(Ordering::Relaxed) {
                    let at = At::default();
                    let session = Session::open(store, &subjects, &at, Arc::new(|| false)).unwrap();
                    let found = lines(&session.query(sql, 1).unwrap());
                    let n = found[0].split(' ').next().unwrap();
                    assert_eq!(found, [format!("{n} {n} {n} {n} {n}")]);
                }
            });
        }
    });
    e.check("latest", sql, &["39 39 39 39 39"]);
}

#[test]
fn an_erased_body_is_nothing() {
    let example = Example::new();
    let server = |id: &str, tenant: &str, status: &str| {
        let body =
            format!(r#"{{"id":"{id}","name":"web","status":"{status}","tenant_id":"{tenant}"}}"#);
        resource("compute.server", id, &body)
    };
    for (taken, status) in [(1, "ACTIVE"), (2, "ERROR")] {
        let seen = vec![server("s1", "gone", status), server("s2", "stays", "ACTIVE")];
        example.collect("prod1", taken, seen, vec![complete("compute.server")]);
    }
    let upkeep = Upkeep { now: day(3), grace: std::time::Duration::ZERO, dry_run: false };
    let subject = &example.subjects()[0];
    let erased = example.store.erase(subject, "gone", &upkeep, [1; 16]);
    assert_eq!(example.runtime.block_on(erased).unwrap().versions, 2);
    for at in ["latest", "latest~1"] {
        let sql = "SELECT id, project, name, status, body IS NULL FROM servers ORDER BY id";
        example.check(at, sql, &["s1 gone - - 1", "s2 stays web ACTIVE 0"]);
        let sql = "SELECT status FROM servers WHERE key LIKE '%/s1'";
        example.check(at, sql, &["-"]);
        example.check(at, "SELECT count(*), count(body) FROM resources", &["2 1"]);
    }
    let sql = "SELECT id, seq, name, body ->> 'status' FROM history ORDER BY id, seq";
    example.check("latest", sql, &["s1 1 - -", "s1 2 - -", "s2 1 web ACTIVE"]);
    let sql = "SELECT status FROM servers WHERE key = 'openstack/compute.server/r1/s1'";
    example.check("latest", sql, &["-"]);
}
