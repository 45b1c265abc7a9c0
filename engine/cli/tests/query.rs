//! `tidegate query` as people use it, the unhappy cases first.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may")]

mod shell;

use shell::{Ran, Shell};

/// A shell whose store has a snapshot of the example cloud.
fn example() -> Shell {
    let shell = Shell::new();
    assert_eq!(shell.run("scan --example --no-fail-on-incomplete -q -f json=report.json").code, 2);
    shell
}

fn query(shell: &Shell, sql: &str, more: &str) -> Ran {
    let mut args = vec!["query", sql];
    args.extend(more.split_whitespace());
    shell.run_args(&args, &[])
}

#[test]
fn without_a_query_or_a_store_it_says_what_to_type() {
    let shell = Shell::new();
    shell.run("query").refused(64, &["the store is empty", "tidegate collect"]);
    query(&shell, "SELECT 1", "--file x.sql").refused(64, &["--file"]);
    query(&shell, "SELECT 1", "-f xml").refused(64, &["table, json, csv or parquet"]);
    query(&shell, "SELECT 1", "--table servers").refused(64, &["--export"]);
    query(&shell, "SELECT 1", "--at someday").refused(64, &["latest~3"]);
    shell.run("query --file nothing.sql").refused(64, &["nothing.sql", "hint: "]);
    shell.run("query --saved nothing").refused(64, &["`nothing`", "open-to-all-port-22"]);
}

#[test]
fn what_is_wrong_with_a_query_is_told_and_nothing_is_changed() {
    let shell = example();
    let no = |sql: &str, code: i32, texts: &[&str]| query(&shell, sql, "").refused(code, texts);
    shell.run("query").refused(64, &["there is no query", "--list"]);
    no("SELECT * FROM server", 64, &["no table `server`", "`servers`", "PRAGMA table_list"]);
    no("SELECT nmae FROM servers", 64, &["no column `nmae`", "`name`"]);
    no("SELECT 1; DELETE FROM servers", 64, &["more than one statement"]);
    no("DELETE FROM servers", 64, &["the query may only read"]);
    no("ATTACH 'x.sqlite' AS x", 64, &["the query may only read: ATTACH"]);
    no("VACUUM INTO 'x.sqlite'", 64, &["the query may only read"]);
    assert!(!shell.path("x.sqlite").exists());
    no("SELEC 1", 64, &["near \"SELEC\": syntax error"]);
    no("", 64, &["the query is empty"]);
    query(&shell, "SELECT 1", "--cloud prod9").refused(64, &["no cloud `prod9`", "example"]);
    query(&shell, "SELECT 1", "--at example@9").refused(64, &["no snapshot `example@9`"]);
}

#[test]
fn limits_are_named() {
    let shell = example();
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let stopped = query(&shell, endless, "--max-seconds 1");
    stopped.refused(1, &["it reached the time limit", "--max-seconds"]);
    let many = query(&shell, "SELECT * FROM resources", "--max-rows 10");
    many.refused(1, &["it gives more than 10 rows", "--max-rows"]);
    let export = query(&shell, "SELECT 1", "--export no/where.sqlite");
    export.refused(1, &["cannot write `no/where.sqlite"]);
    let half = query(&shell, endless, "--max-seconds 1 --export half.sqlite --table servers");
    half.refused(1, &["it reached the time limit"]);
    let left: Vec<_> = std::fs::read_dir(shell.dir.path()).unwrap().flatten().collect();
    assert!(left.iter().all(|f| !f.file_name().to_string_lossy().contains("half")), "{left:?}");
}

#[test]
fn answers_are_tables_and_what_was_not_seen_is_told_beside_them() {
    let shell = example();
    let sql = "SELECT flavor, count(*) AS servers, sum(vcpus) AS vcpus FROM servers \
               GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2";
    let table = query(&shell, sql, "");
    assert_eq!((table.code, table.stderr.as_str()), (0, ""), "{table:?}");
    let lines: Vec<Vec<&str>> =
        table.stdout.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["flavor", "servers", "vcpus"]);
    assert_eq!(lines.len(), 3, "{table:?}");
    let csv = query(&shell, sql, "-f csv");
    assert_eq!(csv.stdout.lines().next(), Some("flavor,servers,vcpus"), "{csv:?}");
    assert_eq!(csv.stdout.lines().nth(1), Some(lines[1].join(",").as_str()), "{csv:?}");
    let json = query(&shell, sql, "-f json").json();
    assert_eq!(json["snapshots"], serde_json::json!(["example@1"]));
    assert_eq!(json["rows"][0]["flavor"], lines[1][0]);
    let file = query(&shell, sql, "-f parquet=out.parquet");
    assert_eq!((file.code, file.stdout.as_str()), (0, ""), "{file:?}");
    assert!(std::fs::read(shell.path("out.parquet")).unwrap().starts_with(b"PAR1"));

    let gaps = query(&shell, "SELECT count(*) FROM hypervisors", "");
    assert_eq!((gaps.code, gaps.stdout.as_str()), (0, "count(*)\n0\n"));
    let told = "warning: `hypervisors` is not complete: `compute.hypervisor` in RegionOne \
                was not read: forbidden (`example@1`)\n";
    assert_eq!(gaps.stderr, told);
}

#[test]
fn what_a_scan_said_can_be_asked_for() {
    let shell = example();
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(shell.path("report.json")).unwrap()).unwrap();
    let rules = report["subjects"][0]["rules"].as_array().unwrap();
    let failed = rules.iter().filter(|r| r["verdict"] == "fail").count();
    let sql = "SELECT count(*) AS n FROM verdicts WHERE current = 1 AND verdict = 'fail'";
    let counted = query(&shell, sql, "-f json").json();
    assert_eq!(counted["rows"][0]["n"], failed);
}

#[test]
fn saved_queries_are_listed_and_run() {
    let shell = example();
    let list = shell.run("query --list");
    assert_eq!(list.code, 0, "{list:?}");
    let names: Vec<&str> =
        list.stdout.lines().skip(1).filter_map(|l| l.split_whitespace().next()).collect();
    assert!(names.len() >= 5, "{list:?}");
    for name in names {
        let ran = shell.run(&format!("query --saved {name}"));
        assert_eq!(ran.code, 0, "{name}: {ran:?}");
        let plan = shell.run(&format!("query --explain --saved {name}"));
        assert!(plan.code == 0 && plan.stdout.contains(" BY "), "{name}: {plan:?}");
    }
    shell.write("mine/queries/count.sql", "-- How many servers\nSELECT count(*) FROM servers\n");
    let listed = shell.run("query --list --bundle ./mine");
    assert!(listed.stdout.contains("How many servers"), "{listed:?}");
    let ran = shell.run("query --saved mine/count --bundle ./mine");
    assert!(ran.code == 0 && ran.stdout.starts_with("count(*)\n"), "{ran:?}");
}

#[test]
fn an_export_is_an_sqlite_file() {
    let shell = example();
    let ran = query(
        &shell,
        "SELECT id FROM servers",
        "--export audit.sqlite --table servers --table history",
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
    assert!(ran.stderr.contains("servers: ") && ran.stderr.contains("answer: "), "{ran:?}");
    assert!(ran.stderr.contains("warning: `history` is not complete"), "{ran:?}");
    let bytes = std::fs::read(shell.path("audit.sqlite")).unwrap();
    assert!(bytes.starts_with(b"SQLite format 3\0"));
}
