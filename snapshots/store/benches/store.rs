//! Figures of the store: a first night, nights with 1 % changed, a full read
//! now and as of the first night, a rebuild, a verification. One JSON object a
//! line.
//!
//! `cargo bench -p tidegate-store [-- SIZE…]`; sizes default to 5,000 and
//! 50,000 resources of 1,670 bytes on average. Everything runs on one thread
//! without a runtime. `cpu_s` is the time of the process less that of making
//! the resources; the kernel counts it in steps of 10 ms. `peak_bytes` is above
//! what was in use at the beginning, with 500 resources in flight.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench prints, and ends at the first error"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tidegate_model::{
    Facts, Kind, KindCoverage, Resource, ResourceKey, Status, Subject, Timestamp, Visibility,
};
use tidegate_store::{At, Begin, Store};

const KINDS: [(&str, u64); 4] = [
    ("compute.server", 25),
    ("network.port", 35),
    ("network.security_group", 20),
    ("volume.volume", 20),
];
const NIGHTS: u64 = 5;

/// Without a runtime local files are read at once, so nothing is ever pending.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("local files need no waiting"),
    }
}

fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The version of resource `id` on night `night`: 1 % change each night.
fn version(id: u64, night: u64) -> u64 {
    (2..=night).filter(|n| mix(id ^ (n << 40)).is_multiple_of(100)).count() as u64
}

fn uuid(seed: u64) -> String {
    let (a, b) = (mix(seed), mix(!seed));
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        a >> 32,
        a & 0xffff,
        b & 0xfff,
        b >> 52,
        b >> 16 & 0xffff_ffff_ffff
    )
}

fn resource(kind: &Kind, id: u64, version: u64) -> Resource {
    let project = uuid(mix(id % 97));
    let me = uuid(id);
    let mut body = format!(
        r#"{{"OS-EXT-AZ:availability_zone":"nova-{}","created":"2026-01-{:02}T00:00:00Z","id":"{me}","#,
        id % 3,
        id % 28 + 1
    );
    for n in 0..14 {
        let _ = write!(
            body,
            r#""link_{n:02}":{{"href":"https://cloud.example.org:8774/v2.1/{}","rel":"bookmark"}},"#,
            uuid(id * 16 + n)
        );
    }
    let _ = write!(
        body,
        r#""metadata":{{"owner":"team-{}","tier":"{}"}},"name":"vm-{id}","status":"ACTIVE","tenant_id":"{project}","version":{version}}}"#,
        id % 41,
        ["gold", "silver", "bronze"][(id % 3) as usize]
    );
    Resource {
        key: ResourceKey::build("openstack", kind, &["RegionOne", &me]),
        kind: kind.clone(),
        region: Some("RegionOne".into()),
        project: Some(project.into()),
        name: Some(format!("vm-{id}").into()),
        body: body.into(),
        source: Arc::from("openstack/compute"),
        read_at: Timestamp::from_second(1_767_225_600 + version.cast_signed()).unwrap(),
    }
}

/// CPU seconds of the process: `utime` and `stime` of /proc/self/stat.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// CPU seconds of this thread, to the nanosecond.
fn thread_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|l| l.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

struct Measure {
    cpu: f64,
    wall: Instant,
    resident: u64,
}

impl Measure {
    fn start() -> Self {
        // Makes the peak count from here.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self { cpu: cpu(), wall: Instant::now(), resident: status("VmRSS") }
    }

    fn line(self, size: u64, what: &str, less: f64, bytes: u64, path: &Path) {
        let cpu = (cpu() - self.cpu - less).max(0.0);
        let wall = self.wall.elapsed().as_secs_f64();
        let peak = status("VmHWM").saturating_sub(self.resident);
        println!(
            r#"{{"bench":"store","what":"{what}","resources":{size},"raw_bytes":{bytes},"cpu_s":{cpu:.3},"wall_s":{wall:.3},"peak_bytes":{peak},"segment_bytes":{},"index_bytes":{}}}"#,
            disk(&path.join("segments")),
            disk(&path.join("index"))
        );
    }
}

fn disk(path: &Path) -> u64 {
    let items = std::fs::read_dir(path).into_iter().flatten().flatten();
    items
        .map(|i| {
            let meta = i.metadata().unwrap();
            if meta.is_dir() { disk(&i.path()) } else { meta.len() }
        })
        .sum()
}

fn night(store: &Store, subject: &Subject, size: u64, night: u64) -> (f64, u64) {
    let taken_at = Timestamp::from_second(1_767_225_600 + night.cast_signed() * 86_400).unwrap();
    let mut n = night << 32;
    let salts = Box::new(move || {
        n += 1;
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&mix(n).to_le_bytes());
        salt[8..].copy_from_slice(&mix(!n).to_le_bytes());
        salt
    });
    let begin = Begin { taken_at, tool_version: "bench".into(), salts };
    let mut writer = now(store.begin(subject, begin)).unwrap();
    let (mut making, mut bytes, mut from) = (0.0, 0, 0);
    for (name, share) in KINDS {
        let kind = Kind::new(name).unwrap();
        let until = from + size * share / 100;
        let mut at = from;
        while at < until {
            let start = thread_cpu();
            let end = (at + 500).min(until);
            let page: Vec<_> =
                (at..end).map(|id| resource(&kind, id, version(id, night))).collect();
            bytes += page.iter().map(|r| r.body.len() as u64).sum::<u64>();
            at = end;
            making += thread_cpu() - start;
            writer.put(page).unwrap();
        }
        writer.cover(KindCoverage {
            source: "openstack/compute".into(),
            region: Some("RegionOne".into()),
            kind,
            status: Status::Complete { count: until - from },
            visibility: Visibility::All,
            read_from: taken_at,
            read_until: taken_at,
        });
        from = until;
    }
    now(writer.commit()).unwrap();
    (making, bytes)
}

fn read(store: &Store, subject: &Subject, at: &At) -> u64 {
    let id = now(store.resolve(subject, at)).unwrap();
    let snapshot = now(store.snapshot(&id)).unwrap();
    let kinds: Vec<Kind> = snapshot.kinds().map(|(k, _)| k.clone()).collect();
    let mut bytes = 0;
    for kind in kinds {
        snapshot.each(&kind, &mut |fact| bytes += fact.resource.body.len() as u64).unwrap();
    }
    bytes
}

fn run(size: u64) {
    let folder = std::env::temp_dir().join(format!("tidegate-bench-{}", std::process::id()));
    let path = folder.as_path();
    let subject = Subject::new("prod1").unwrap();
    for n in 1..=NIGHTS {
        let measure = Measure::start();
        let store = now(Store::open(path)).unwrap();
        let (making, bytes) = night(&store, &subject, size, n);
        drop(store);
        let what = if n == 1 { "first night" } else { "night, 1 % changed" };
        measure.line(size, what, making, bytes, path);
    }
    for (what, at) in [("read latest", "latest"), ("read as of the first night", "prod1@1")] {
        let measure = Measure::start();
        let store = now(Store::open(path)).unwrap();
        let bytes = read(&store, &subject, &at.parse().unwrap());
        drop(store);
        measure.line(size, what, 0.0, bytes, path);
    }
    let holder = now(Store::open(path)).unwrap();
    let measure = Measure::start();
    let store = now(Store::open(path)).unwrap();
    let bytes = read(&store, &subject, &At::default());
    measure.line(size, "read latest without index", 0.0, bytes, path);
    drop((store, holder));
    let measure = Measure::start();
    let store = now(Store::open(path)).unwrap();
    let id = now(store.resolve(&subject, &At::default())).unwrap();
    let changes = now(store.snapshot(&id)).unwrap().changes_since(NIGHTS - 1).unwrap();
    assert!(changes.is_some_and(|c| !c.is_empty()));
    measure.line(size, "open and adjacent diff", 0.0, 0, path);
    let measure = Measure::start();
    now(store.reindex()).unwrap();
    drop(store);
    measure.line(size, "reindex", 0.0, 0, path);
    let measure = Measure::start();
    let store = now(Store::open_for_records(path)).unwrap();
    let found = now(store.verify(&subject, &[])).unwrap();
    assert_eq!((found.roots, found.faults.len()), (NIGHTS, 0));
    measure.line(size, "verify", 0.0, 0, path);
    let _ = std::fs::remove_dir_all(path);
}

fn main() {
    let sizes: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    for size in if sizes.is_empty() { vec![5_000, 50_000] } else { sizes } {
        run(size);
    }
}
