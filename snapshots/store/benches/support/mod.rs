//! What the benches of the store and of SQL have in common: a cloud, dice, and the
//! clocks of the kernel.

#![allow(dead_code, reason = "no bench needs all of it")]

pub(crate) mod cloud;

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tidegate_model::Salt;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Without a runtime local files are read at once, so nothing is ever pending.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("local files need no waiting"),
    }
}

pub(crate) fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

pub(crate) fn uuid(seed: u64) -> String {
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

/// CPU seconds of the process: `utime` and `stime` of /proc/self/stat.
pub(crate) fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// CPU seconds of this thread, to the nanosecond.
pub(crate) fn thread_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e9
}

pub(crate) fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|l| l.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

pub(crate) fn disk(path: &Path) -> u64 {
    let items = std::fs::read_dir(path).into_iter().flatten().flatten();
    items
        .map(|i| {
            let meta = i.metadata().unwrap();
            if meta.is_dir() { disk(&i.path()) } else { meta.len() }
        })
        .sum()
}

/// Salts that are the same in every run.
pub(crate) fn salts(night: u64) -> Box<dyn FnMut() -> Salt + Send> {
    let mut n = night << 32;
    Box::new(move || {
        n += 1;
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&mix(n).to_le_bytes());
        salt[8..].copy_from_slice(&mix(!n).to_le_bytes());
        salt
    })
}
