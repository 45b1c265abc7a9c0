//! Figures of queries. One JSON object a line: CPU and wall seconds from opening
//! the store to the last row, and the peak of memory above what was in use.
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

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tidegate_model::Subject;
use tidegate_sql::Session;
use tidegate_store::{At, Store};

use support::cloud::{Cloud, night};
use support::{cpu, status};

/// What is asked, of which snapshot.
const QUERIES: [(&str, &str, &str); 8] = [
    ("count at a date", "latest~10", "SELECT count(*) FROM servers"),
    (
        "join at a date",
        "latest~10",
        "SELECT s.project, count(*) FROM servers s JOIN ports p ON p.device_id = s.id \
         WHERE s.status = 'ACTIVE' GROUP BY 1 ORDER BY 2 DESC",
    ),
    (
        "join on bodies at a date",
        "latest~10",
        "SELECT count(*) FROM ports p JOIN servers s ON s.id = p.body ->> 'device_id'",
    ),
    ("one resource by key", "latest", "SELECT body FROM servers WHERE key = $KEY"),
    ("history of one resource", "latest", "SELECT valid_from, body FROM history WHERE key = $KEY"),
    (
        "changes of a week",
        "latest",
        "SELECT kind, change, count(*) FROM history \
         WHERE valid_from > (SELECT taken_at FROM snapshots ORDER BY seq DESC LIMIT 1 OFFSET 7) \
         GROUP BY 1, 2",
    ),
    (
        "aggregate over history",
        "latest",
        "SELECT substr(valid_from, 1, 7), kind, change, count(*) FROM history GROUP BY 1, 2, 3",
    ),
    (
        "aggregate over bodies of history",
        "latest",
        "SELECT body ->> 'status', count(*), count(DISTINCT project) FROM history GROUP BY 1",
    ),
];

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

fn ask(runtime: &tokio::runtime::Runtime, path: &Path, key: &str) {
    for index in [true, false] {
        for (what, at, sql) in QUERIES {
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
            let sql = sql.replace("$KEY", &format!("'{key}'"));
            let rows = match session.query(&sql, 1_000_000) {
                Ok(found) => found.rows.len(),
                // Larger than a session may be in memory.
                Err(e) => {
                    println!(
                        r#"{{"bench":"sql","what":"{what}","index":{index},"refused":"{e}"}}"#
                    );
                    continue;
                }
            };
            let (spent, took) = (cpu() - before, wall.elapsed().as_secs_f64());
            let again = Instant::now();
            session.query(&sql, 1_000_000).unwrap();
            let again = again.elapsed().as_secs_f64();
            drop((session, store));
            println!(
                r#"{{"bench":"sql","what":"{what}","index":{index},"rows":{rows},"open_cpu_s":{opened:.2},"cpu_s":{spent:.2},"wall_s":{took:.3},"again_wall_s":{again:.4},"peak_bytes":{}}}"#,
                status("VmHWM").saturating_sub(resident)
            );
        }
    }
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
