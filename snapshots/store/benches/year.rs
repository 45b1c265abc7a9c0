//! Figures of a year of nightly snapshots, beside git and nightly dumps.
//!
//! `cargo bench -p tidegate-store --bench year [-- SIZExNIGHTS…] [--peers]
//! [--store DIR]`, each with one JSON object a line. The cloud is that of
//! `support/cloud.rs`. Segments are compacted on the first night of a month. Everything runs on one thread without
//! a runtime, so CPU seconds are of that thread, less those of making the
//! resources. `ratio` is our figure by the bound or by the peer's: below
//! 1 is better. `peak_bytes` is above what was in use at the beginning.
//!
//! `--peers` commits the same content to git (`fast-import`, then `repack`) and
//! dumps it with zstd each night, in the same run. `--store` keeps the store in DIR;
//! where one of that size is there already, it is only read.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench prints, and ends at the first error"
)]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_model::{Facts as _, Kind, Subject, Timestamp};
use tidegate_store::{Content, Selection, SnapshotReader, Store, Upkeep};

use support::cloud::{Cloud, KINDS, night, taken};
use support::{disk, now, status, thread_cpu, uuid};

/// How often the whole is read, of which the least counts: others use the machine too.
const RUNS: usize = 3;

/// So often short work is done.
const REPEAT: u32 = 50;
/// Bounds are for this size.
const FULL: (u64, u64) = (50_000, 365);

fn snapshot(store: &Store, subject: &Subject, seq: u64) -> SnapshotReader {
    now(store.snapshot(&format!("{subject}@{seq}").parse().unwrap())).unwrap()
}

/// CPU seconds of some work.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = thread_cpu();
    let done = work();
    (thread_cpu() - start, done)
}

struct Lines {
    size: u64,
    nights: u64,
}

impl Lines {
    fn print(&self, what: &str, figures: Value, against: &str, other: f64, ours: f64) {
        let head = json!({
            "bench": "store-year", "what": what, "resources": self.size, "nights": self.nights,
        });
        let ratio = (ours / other * 1000.0).round() / 1000.0;
        let mut line = head.as_object().unwrap().clone();
        line.extend(figures.as_object().unwrap().clone());
        line.insert(against.to_owned(), json!(other));
        line.insert("ratio".to_owned(), json!(ratio));
        println!("{}", Value::Object(line));
    }

    /// A figure beside its bound; smaller sizes are shown beside it, too.
    fn bound(&self, what: &str, figures: Value, bound: f64, ours: f64) {
        self.print(what, figures, "bound", bound, ours);
    }
}

fn run(size: u64, nights: u64, peers: bool, keep: Option<&Path>) {
    let folder = std::env::temp_dir().join(format!("tidegate-year-{}", std::process::id()));
    let path = keep.unwrap_or(&folder);
    let lines = Lines { size, nights };
    let subject = Subject::new("prod1").unwrap();
    if path.join("manifests").exists() {
        reads(&lines, path, &subject, nights);
        return walks(&lines, path, &subject, nights);
    }
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let resident = status("VmRSS");
    let wall = Instant::now();
    let mut cloud = Cloud::new(size);
    let (mut raw, mut compacting, mut compactions, mut each) = (0, 0.0, 0, Vec::new());
    let mut most_index = 0;
    for n in 1..=nights {
        if n > 1 {
            cloud.pass_night();
        }
        let start = thread_cpu();
        let store = now(Store::open(path)).unwrap();
        let (making, bytes) = night(&store, &subject, &cloud, n);
        drop(store);
        raw += bytes;
        each.push(thread_cpu() - start - making);
        if taken(n).to_string().get(8..10) == Some("01") && n > 1 {
            let store = now(Store::open(path)).unwrap();
            // A grace that is over at once: what the disk holds is what is live.
            let upkeep = Upkeep { now: Timestamp::now(), grace: Duration::ZERO, dry_run: false };
            let (cpu, _) = timed(|| now(store.compact(&subject, &upkeep)).unwrap());
            let upkeep = Upkeep { now: Timestamp::now(), ..upkeep };
            now(store.compact(&subject, &upkeep)).unwrap();
            compacting += cpu;
            compactions += 1;
        }
        most_index = most_index.max(disk(&path.join("index")));
    }
    let (segments, index) = (disk(&path.join("segments")), disk(&path.join("index")));
    let peak = status("VmHWM").saturating_sub(resident);
    let sizes =
        json!({ "raw_bytes": raw, "segment_bytes": segments, "wall_s": wall.elapsed().as_secs() });
    lines.bound("segments", sizes, 60e6, segments as f64);
    // It grows until it is written anew, so the night on which it was largest counts.
    let sizes = json!({ "index_bytes": index, "most_index_bytes": most_index });
    lines.bound("index", sizes, 100e6, most_index as f64);
    lines.bound("peak memory", json!({ "peak_bytes": peak }), 400e6, peak as f64);
    let first = each.remove(0);
    lines.bound("first night", json!({ "cpu_s": first }), 0.6, first);
    let all: f64 = each.iter().sum::<f64>() / each.len().max(1) as f64;
    let most = each.iter().copied().fold(0.0, f64::max);
    lines.bound("a night", json!({ "cpu_s": all, "most_cpu_s": most }), 0.6, all);
    let one = compacting / f64::from(compactions.max(1));
    lines.bound("a compaction", json!({ "cpu_s": one, "times": compactions }), 0.6 * 30.0, one);
    reads(&lines, path, &subject, nights);
    walks(&lines, path, &subject, nights);
    if peers {
        git(&lines, size, nights, segments);
        dumps(&lines, size, nights, segments);
    }
    if keep.is_none() {
        let _ = std::fs::remove_dir_all(path);
    }
}

fn reads(lines: &Lines, path: &Path, subject: &Subject, nights: u64) {
    let open = || now(Store::open(path)).unwrap();
    let began = Instant::now();
    let (cpu, mut store) = timed(open);
    assert!(store.notices().is_empty(), "{:?}", store.notices());
    let figures = json!({ "cpu_s": cpu, "wall_s": began.elapsed().as_secs_f64() });
    lines.bound("open after a clean close", figures, 0.1, cpu);
    for (what, seq) in [("full read, latest", nights), ("full read, half-way", nights / 2)] {
        let mut least = [f64::MAX; 2];
        let mut bytes = 0;
        for _ in 0..RUNS {
            // Cold at first: no segment was opened and checked yet.
            drop(store);
            store = open();
            for least in &mut least {
                let (cpu, read) = timed(|| read(&snapshot(&store, subject, seq)));
                (*least, bytes) = (least.min(cpu), read);
            }
        }
        for (heat, cpu) in ["cold", "warm"].into_iter().zip(least) {
            let figures = json!({ "cpu_s": cpu, "bytes": bytes, "segments": heat });
            lines.bound(what, figures, 0.6, cpu);
        }
    }
    // The kernel counts a thread's time at its ticks, so what is short is repeated.
    let diff = |what: &str, from: u64, to: u64, bound: f64| {
        let mut changes = 0;
        let (cpu, ()) = timed(|| {
            for _ in 0..REPEAT {
                let to = snapshot(&store, subject, to);
                changes = to.changes_since(from).unwrap().unwrap().len();
            }
        });
        let cpu = cpu / f64::from(REPEAT);
        lines.bound(what, json!({ "cpu_s": cpu, "changes": changes }), bound, cpu);
    };
    diff("adjacent diff, newest", nights - 1, nights, 0.005);
    diff("adjacent diff, compacted", 7, 8, 0.005);
    diff("first-to-last diff", 1, nights, 0.15);
    let snapshot = snapshot(&store, subject, nights);
    let kind = Kind::new("block-storage.volume").unwrap();
    let mut keys = Vec::new();
    snapshot.each(&kind, &mut |fact| keys.push(fact.resource.key)).unwrap();
    let key = keys[keys.len() / 2].clone();
    let fresh = now(store.snapshot(&snapshot.meta().id)).unwrap();
    let (cpu, ()) = timed(|| fresh.fetch(&[key], &mut |_| ()).unwrap());
    lines.bound("one resource", json!({ "cpu_s": cpu }), 0.01, cpu);
    for content in [Content::Times, Content::Bodies] {
        let mut versions = 0;
        let (cpu, ()) = timed(|| {
            for key in keys.iter().step_by(keys.len() / REPEAT as usize).cloned() {
                let of = Selection::Keys([key].into());
                versions += fresh.versions(of, content, 1..=nights).map(Result::unwrap).count();
            }
        });
        let cpu = cpu / f64::from(REPEAT);
        let figures = json!({ "cpu_s": cpu, "content": format!("{content:?}"), "resources_asked": REPEAT, "versions": versions });
        lines.bound("history of one resource", figures, 0.001, cpu);
    }
}

/// Rebuilding the index and verifying everything, of which the bounds are a night's
/// share for every night.
fn walks(lines: &Lines, path: &Path, subject: &Subject, nights: u64) {
    let store = now(Store::open(path)).unwrap();
    let (cpu, ()) = timed(|| now(store.reindex()).map(drop).unwrap());
    lines.bound("reindex", json!({ "cpu_s": cpu }), 0.6 * nights as f64, cpu);
    let (cpu, found) = timed(|| now(store.verify(subject, &[])).unwrap());
    assert_eq!((found.roots, found.faults.len()), (nights, 0));
    lines.bound("verify", json!({ "cpu_s": cpu }), 0.6 * nights as f64, cpu);
}

/// Reads everything; gives the bytes of the bodies.
fn read(snapshot: &SnapshotReader) -> u64 {
    let kinds: Vec<Kind> = snapshot.kinds().map(|(k, _)| k.clone()).collect();
    let mut bytes = 0;
    for kind in kinds {
        snapshot.each(&kind, &mut |fact| bytes += fact.resource.body.len() as u64).unwrap();
    }
    bytes
}

/// CPU seconds of children that have ended.
fn children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[13].parse::<f64>().unwrap() + fields[14].parse::<f64>().unwrap()) / 100.0
}

/// Each night as a commit; each resource a file. What did not change is not even
/// mentioned, which is more than `git add` could spare.
fn git(lines: &Lines, size: u64, nights: u64, ours: u64) {
    let folder = std::env::temp_dir().join(format!("tidegate-git-{}", std::process::id()));
    let run = |args: &[&str]| {
        let mut git = Command::new("git");
        let done = git.arg("-C").arg(&folder).args(args).stderr(Stdio::null()).status();
        assert!(done.unwrap().success(), "git {args:?}");
    };
    std::fs::create_dir_all(&folder).unwrap();
    let before = children();
    run(&["init", "-q", "--bare", "."]);
    let mut import = Command::new("git")
        .arg("-C")
        .arg(&folder)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = std::io::BufWriter::new(import.stdin.take().unwrap());
    let mut cloud = Cloud::new(size);
    let mut last = std::collections::BTreeMap::new();
    for n in 1..=nights {
        if n > 1 {
            cloud.pass_night();
        }
        let mut there = std::collections::BTreeMap::new();
        for (kind, all) in cloud.there.iter().enumerate() {
            there.extend(all.iter().map(|&(id, version)| ((kind, id), version)));
        }
        let when = taken(n).as_second();
        writeln!(out, "commit refs/heads/main\ncommitter b <b@example.org> {when} +0000").unwrap();
        writeln!(out, "data 0").unwrap();
        for (&(kind, id), &version) in &there {
            if last.get(&(kind, id)) != Some(&version) {
                let body = cloud.body(kind, id, version);
                let (name, me) = (KINDS[kind].0, uuid(id << 8));
                writeln!(out, "M 100644 inline {name}/{}/{me}", &me[..2]).unwrap();
                writeln!(out, "data {}\n{body}", body.len()).unwrap();
            }
        }
        for (kind, id) in last.keys().filter(|k| !there.contains_key(k)) {
            let (name, me) = (KINDS[*kind].0, uuid(id << 8));
            writeln!(out, "D {name}/{}/{me}", &me[..2]).unwrap();
        }
        last = there;
    }
    drop(out);
    assert!(import.wait().unwrap().success());
    run(&["repack", "-adfq", "--depth=50", "--window=20"]);
    let (cpu, bytes) = (children() - before, disk(&folder.join("objects/pack")));
    let figures = json!({ "segment_bytes": ours, "git_cpu_s": cpu });
    lines.print("segments beside git", figures, "git_bytes", bytes as f64, ours as f64);
    let _ = std::fs::remove_dir_all(folder);
}

/// Each night as one file of JSON lines through `zstd -3`.
fn dumps(lines: &Lines, size: u64, nights: u64, ours: u64) {
    let before = children();
    let (mut total, mut cloud) = (0, Cloud::new(size));
    for n in 1..=nights {
        if n > 1 {
            cloud.pass_night();
        }
        let mut zstd = Command::new("zstd")
            .args(["-3", "-q", "-c"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = std::io::BufWriter::new(zstd.stdin.take().unwrap());
        let mut output = zstd.stdout.take().unwrap();
        let counting =
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()).unwrap());
        for (kind, all) in cloud.there.iter().enumerate() {
            for &(id, version) in all {
                writeln!(input, "{}", cloud.body(kind, id, version)).unwrap();
            }
        }
        drop(input);
        total += counting.join().unwrap();
        assert!(zstd.wait().unwrap().success());
    }
    let figures = json!({ "segment_bytes": ours, "dumps_cpu_s": children() - before });
    lines.print("segments beside dumps", figures, "dumps_bytes", total as f64, ours as f64);
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let peers = args.iter().any(|a| a == "--peers");
    let size = |a: &String| {
        let (size, nights) = a.split_once('x')?;
        Some((size.parse().ok()?, nights.parse().ok()?))
    };
    let sizes: Vec<(u64, u64)> = args.iter().filter_map(size).collect();
    let default = vec![(5_000, 60), (50_000, 60), FULL];
    let keep = args.iter().position(|a| a == "--store").and_then(|at| args.get(at + 1));
    for (size, nights) in if sizes.is_empty() { default } else { sizes } {
        run(size, nights, peers, keep.map(Path::new));
    }
}
