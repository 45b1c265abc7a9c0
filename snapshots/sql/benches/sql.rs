//! Figures of queries. One JSON object a line: CPU and wall seconds from opening
//! the store to the last row, and the peak of memory above what was in use.
//! `plain_cpu_s` is what it takes to read the same bodies and to compute the answer,
//! which must be the same, without SQL.
//!
//! `cargo bench -p tidegate-sql --bench sql -- --store DIR` asks a store that is there.
//! Without it one is made for the time being: `--resources N --nights M`, by
//! default 5,000 and 60.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench prints, and ends at the first error"
)]

#[path = "../../store/benches/support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tidegate_model::{ChangeOp, Subject};
use tidegate_sql::{Answer, Session, Value};
use tidegate_store::{At, Content, Selection, Store, Version};

use support::cloud::{Cloud, night};
use support::{cpu, status};

/// A question, of which snapshot it is asked, and the CPU seconds that it may take
/// of 50,000 resources and 365 nights.
struct Question {
    what: &'static str,
    at: &'static str,
    sql: &'static str,
    bound: Option<f64>,
}

const fn question(
    what: &'static str,
    at: &'static str,
    bound: Option<f64>,
    sql: &'static str,
) -> Question {
    Question { what, at, sql, bound }
}

/// By what is said of the bodies of a history.
const BY_STATUS: &str =
    "SELECT body ->> 'status', count(*), count(DISTINCT project) FROM history GROUP BY 1";
/// What became of a body with the next version.
const CHANGED: &str = "SELECT a.body ->> 'status', b.body ->> 'status', count(*) FROM history a \
                       JOIN history b ON b.key = a.key AND b.seq = a.until_seq GROUP BY 1, 2";

const QUESTIONS: [Question; 10] = [
    question("count at a date", "latest~10", None, "SELECT count(*) FROM servers"),
    question(
        "join at a date",
        "latest~10",
        Some(0.5),
        "SELECT s.project, count(*) FROM servers s JOIN ports p ON p.device_id = s.id \
         WHERE s.status = 'ACTIVE' GROUP BY 1 ORDER BY 2 DESC",
    ),
    question(
        "join on bodies at a date",
        "latest~10",
        None,
        "SELECT count(*) FROM ports p JOIN servers s ON s.id = p.body ->> 'device_id'",
    ),
    question("one resource by key", "latest", None, "SELECT body FROM servers WHERE key = $KEY"),
    question(
        "history of one resource",
        "latest",
        None,
        "SELECT valid_from, body FROM history WHERE key = $KEY",
    ),
    question(
        "changes of a week",
        "latest",
        None,
        "SELECT kind, change, count(*) FROM history \
         WHERE valid_from > (SELECT taken_at FROM snapshots ORDER BY seq DESC LIMIT 1 OFFSET 7) \
         GROUP BY 1, 2",
    ),
    question(
        "aggregate over history",
        "latest",
        Some(2.0),
        "SELECT substr(valid_from, 1, 7), kind, change, count(*) FROM history GROUP BY 1, 2, 3",
    ),
    question("aggregate over bodies of history", "latest", Some(5.0), BY_STATUS),
    question("join of history with itself on bodies", "latest", Some(10.0), CHANGED),
    question(
        "versions beside the one before",
        "latest",
        Some(8.0),
        "SELECT count(*) FROM (SELECT lag(body) OVER (PARTITION BY key ORDER BY seq) AS old, \
         body FROM history) WHERE old <> body",
    ),
];
/// Peak memory, in bytes.
const PEAK: f64 = 400e6;

/// Makes a store with a history.
fn make(store: &Store, resources: u64, nights: u64) {
    let (subject, mut cloud) = (Subject::new("prod1").unwrap(), Cloud::new(resources));
    for n in 1..=nights {
        if n > 1 {
            cloud.pass_night();
        }
        night(store, &subject, &cloud, n);
    }
}

/// How often each is asked, of which the least counts: others use the machine too.
const RUNS: usize = 3;

/// What one question took, from opening the store on.
struct Once {
    opened: f64,
    spent: f64,
    took: f64,
    again: f64,
    peak: u64,
    found: Answer,
}

fn once(
    runtime: &tokio::runtime::Runtime,
    path: &Path,
    index: bool,
    (at, sql): (&str, &str),
) -> Once {
    // Makes the peak count from here.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let (before, wall, resident) = (cpu(), Instant::now(), status("VmRSS"));
    let store = match index {
        true => runtime.block_on(Store::open(path)).unwrap(),
        false => runtime.block_on(Store::open_for_records(path)).unwrap(),
    };
    let subjects = runtime.block_on(store.subjects()).unwrap();
    let at: At = at.parse().unwrap();
    let session = Session::open(&store, &subjects, &at, Arc::new(|| false)).unwrap();
    let opened = cpu() - before;
    let found = session.query(sql, 1_000_000).unwrap();
    let (spent, took) = (cpu() - before, wall.elapsed().as_secs_f64());
    let peak = status("VmHWM").saturating_sub(resident);
    let again = Instant::now();
    session.query(sql, 1_000_000).unwrap();
    Once { opened, spent, took, again: again.elapsed().as_secs_f64(), peak, found }
}

fn ask(runtime: &tokio::runtime::Runtime, path: &Path, key: &str) {
    for index in [true, false] {
        for question in &QUESTIONS {
            // Without the index each search of a history goes through all segments.
            if !index && question.sql == CHANGED {
                continue;
            }
            let sql = question.sql.replace("$KEY", &format!("'{key}'"));
            let mut runs: Vec<Once> =
                (0..RUNS).map(|_| once(runtime, path, index, (question.at, &sql))).collect();
            runs.sort_by(|a, b| a.spent.total_cmp(&b.spent));
            let Once { opened, spent, took, again, peak, found } = runs.swap_remove(0);
            let mut line = json!({
                "bench": "sql", "what": question.what, "index": index, "rows": found.rows.len(),
                "open_cpu_s": short(opened), "cpu_s": short(spent), "wall_s": short(took),
                "again_wall_s": short(again),
                "peak_bytes": peak, "peak_ratio": short(peak as f64 / PEAK),
            });
            if let Some(bound) = question.bound.filter(|_| index) {
                line["bound"] = json!(bound);
                line["ratio"] = json!(short(spent / bound));
            }
            if let Some(plain) = plain(question.sql).filter(|_| index) {
                let store = runtime.block_on(Store::open(path)).unwrap();
                let subject = runtime.block_on(store.subjects()).unwrap().remove(0);
                let before = cpu();
                let expected = plain(&store, &subject);
                line["plain_cpu_s"] = json!(short(cpu() - before));
                assert_eq!(texts(&found), expected, "{}", question.what);
            }
            println!("{line}");
        }
    }
}

/// To four digits.
fn short(figure: f64) -> f64 {
    (figure * 1e4).round() / 1e4
}

/// The rows as texts, in order.
fn texts(answer: &Answer) -> BTreeSet<Vec<String>> {
    answer.rows.iter().map(|row| row.iter().map(Value::to_string).collect()).collect()
}

/// Computes an answer from all versions with their bodies.
type Plain = fn(&Store, &Subject) -> BTreeSet<Vec<String>>;

fn plain(sql: &str) -> Option<Plain> {
    match sql {
        BY_STATUS => Some(by_status),
        CHANGED => Some(changed),
        _ => None,
    }
}

fn each_body(store: &Store, subject: &Subject, visit: &mut dyn FnMut(&Version, String)) {
    let id = store.wait(store.resolve(subject, &At::default())).unwrap();
    let reader = store.wait(store.snapshot(&id)).unwrap();
    for version in reader.versions(Selection::All, Content::Bodies, 1..=id.seq) {
        let version = version.unwrap();
        let body = version.placed.as_ref().and_then(|p| p.body.as_ref());
        let Some(body) = body.filter(|_| version.op != ChangeOp::Remove) else { continue };
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let status = body["status"].as_str().unwrap_or_default().to_owned();
        visit(&version, status);
    }
}

fn by_status(store: &Store, subject: &Subject) -> BTreeSet<Vec<String>> {
    let mut counts: BTreeMap<String, (u64, BTreeSet<String>)> = BTreeMap::new();
    each_body(store, subject, &mut |version, status| {
        let (count, projects) = counts.entry(status).or_default();
        *count += 1;
        projects
            .extend(version.placed.as_ref().and_then(|p| p.project.as_deref()).map(str::to_owned));
    });
    let text = |(s, (n, p)): (String, (u64, BTreeSet<String>))| {
        vec![s, n.to_string(), p.len().to_string()]
    };
    counts.into_iter().map(text).collect()
}

fn changed(store: &Store, subject: &Subject) -> BTreeSet<Vec<String>> {
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut last: Option<(Version, String)> = None;
    each_body(store, subject, &mut |version, status| {
        if let Some((before, old)) = last.take()
            && before.key == version.key
            && before.until.is_some_and(|until| until.at.seq == version.from.seq)
        {
            *counts.entry((old, status.clone())).or_default() += 1;
        }
        last = Some((version.clone(), status));
    });
    counts.into_iter().map(|((a, b), n)| vec![a, b, n.to_string()]).collect()
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = args.iter().position(|a| a == name)?;
        args.get(at + 1).cloned()
    };
    let number = |name: &str, default| option(name).map_or(default, |n| n.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let made = option("--store").is_none();
    let path = option("--store").map_or_else(
        || std::env::temp_dir().join(format!("tidegate-sql-bench-{}", std::process::id())),
        PathBuf::from,
    );
    let store = runtime.block_on(Store::open(&path)).unwrap();
    if made || !path.join("manifests").exists() {
        make(&store, number("--resources", 5_000), number("--nights", 60));
    }
    let subjects = runtime.block_on(store.subjects()).unwrap();
    let session =
        Session::open(&store, &subjects[..1], &At::default(), Arc::new(|| false)).unwrap();
    let some = "SELECT key FROM history WHERE kind = 'compute.server' GROUP BY 1 \
                HAVING count(*) > 2 AND count(until_seq) < count(*) LIMIT 1";
    let key = session.query(some, 1).unwrap().rows[0][0].to_string();
    drop((session, store));
    ask(&runtime, &path, &key);
    if made {
        let _ = std::fs::remove_dir_all(&path);
    }
}
