//! Figures of queries. One JSON object a line: CPU and wall seconds from opening
//! the store to the last row, and the peak of memory above what was in use.
//!
//! `cargo bench -p tidegate-sql --bench sql -- --store DIR` asks a store that is there.
//! Without it one is made for the time being: `--resources N --nights M`, by
//! default 5,000 and 60; each night 1 % change and 0.2 % come and go.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench prints, and ends at the first error"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tidegate_model::{
    Kind, KindCoverage, Resource, ResourceKey, Status, Subject, Timestamp, Visibility,
};
use tidegate_sql::Session;
use tidegate_store::{At, Begin, Store};

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

const KINDS: [(&str, u64); 4] = [
    ("compute.server", 25),
    ("network.port", 35),
    ("network.security_group", 20),
    ("block-storage.volume", 20),
];

fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn uuid(seed: u64) -> String {
    let (a, b) = (mix(seed), mix(!seed));
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        a & 0xffff,
        b & 0xfff,
        b >> 52,
        b >> 16
    )
}

fn resource(kind: &Kind, id: u64, device: u64, version: u64) -> Resource {
    let project = uuid(mix(id % 97));
    let me = uuid(id);
    let mut body = format!(r#"{{"device_id":"{}","id":"{me}","#, uuid(device));
    for n in 0..14 {
        let _ = write!(
            body,
            r#""link_{n:02}":{{"href":"https://cloud.example.org/{}"}},"#,
            uuid(id * 16 + n)
        );
    }
    let status = ["ACTIVE", "SHUTOFF"][usize::from((id + version).is_multiple_of(10))];
    let _ = write!(
        body,
        r#""name":"thing-{id}","status":"{status}","tenant_id":"{project}","version":{version}}}"#
    );
    Resource {
        key: ResourceKey::build("openstack", kind, &["RegionOne", &me]),
        kind: kind.clone(),
        region: Some("RegionOne".into()),
        project: Some(project.into()),
        name: Some(format!("thing-{id}").into()),
        body: body.into(),
        source: Arc::from("openstack/bench"),
        read_at: Timestamp::from_second(1_767_225_600 + version.cast_signed()).unwrap(),
    }
}

/// Makes a store with a history.
async fn make(store: &Store, resources: u64, nights: u64) {
    let subject = Subject::new("prod1").unwrap();
    // Identity and version of each place; a place gets a new identity when what
    // was there is deleted.
    let mut places: Vec<(u64, u64)> = (0..resources).map(|id| (id, 1)).collect();
    let mut next = resources;
    for night in 1..=nights {
        if night > 1 {
            for n in 0..resources / 500 {
                places[(mix(night << 32 | n) % resources) as usize] = (next, 1);
                next += 1;
            }
            for n in 0..resources / 100 {
                places[(mix(night << 40 | n) % resources) as usize].1 += 1;
            }
        }
        let taken_at =
            Timestamp::from_second(1_767_225_600 + night.cast_signed() * 86_400).unwrap();
        let mut n = night << 32;
        let salts = Box::new(move || {
            n += 1;
            let mut salt = [0; 16];
            salt[..8].copy_from_slice(&mix(n).to_le_bytes());
            salt
        });
        let begin = Begin { taken_at, tool_version: "bench".into(), salts };
        let mut writer = store.begin(&subject, begin).await.unwrap();
        let mut from = 0;
        let servers = resources * KINDS[0].1 / 100;
        for (name, share) in KINDS {
            let kind = Kind::new(name).unwrap();
            let until = from + resources * share / 100;
            for start in (from..until).step_by(500) {
                let page = (start..until.min(start + 500)).map(|place| {
                    let (id, version) = places[place as usize];
                    resource(&kind, id, places[(id % servers) as usize].0, version)
                });
                writer.put(page.collect()).unwrap();
            }
            writer.cover(KindCoverage {
                source: "openstack/bench".into(),
                region: Some("RegionOne".into()),
                kind,
                status: Status::Complete { count: until - from },
                visibility: Visibility::All,
                read_from: taken_at,
                read_until: taken_at,
            });
            from = until;
        }
        writer.commit().await.unwrap();
    }
}

/// CPU seconds of the process: `utime` and `stime` of /proc/self/stat.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|l| l.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
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
            let rows = session.query(&sql, 1_000_000).unwrap().rows.len();
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
        runtime.block_on(make(&store, number("--resources", 5_000), number("--nights", 60)));
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
