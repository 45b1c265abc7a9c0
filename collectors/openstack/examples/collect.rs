//! Lists what can be seen of a cloud: kind, region, status, visibility.
//!
//! `cargo run --release -p tidegate-openstack --example collect -- CLOUD [KIND…]`
//!
//! Two further spellings: `--dump` prints every body, `--quiet` only the sums.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "an example is its own outermost layer"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_model::Collected;
use tidegate_openstack::{Cloud, Config, Environment, Options, Selector, Timeouts, collect};

#[tokio::main]
async fn main() -> ExitCode {
    let (flags, words): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|f| f == flag);
    match run(&words, has("--dump"), has("--quiet")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(words: &[String], dump: bool, quiet: bool) -> Result<(), String> {
    let env = Environment {
        vars: std::env::vars().collect(),
        cwd: std::env::current_dir().unwrap_or_default(),
        home: std::env::var_os("HOME").map(Into::into),
    };
    let settings = Config::load(&env)
        .and_then(|c| c.cloud(words.first().map(String::as_str)))
        .map_err(|e| format!("{e}\n hint: {}", e.hint()))?;
    let started = Instant::now();
    let timeouts = Timeouts { request: Duration::from_secs(60), ..Timeouts::default() };
    let cloud = Cloud::connect(&settings, &timeouts).await.map_err(|e| {
        let below = std::error::Error::source(&e).map(|s| format!(": {s}")).unwrap_or_default();
        format!("{e}{below}\n hint: {}", e.hint())
    })?;
    let signed_in = started.elapsed();

    let mut options = Options::new(Arc::new(jiff::Timestamp::now));
    if let Some(kinds) = words.get(1..).filter(|k| !k.is_empty()) {
        options.kinds = Some(Selector::new(kinds).map_err(|e| e.to_string())?);
    }
    let (tx, mut rx) = tokio::sync::mpsc::channel(8);
    let reader = async move {
        let mut lines = Vec::new();
        while let Some(got) = rx.recv().await {
            match got {
                Collected::Coverage(c) => {
                    let region = c.region.as_deref().unwrap_or("-");
                    let took = c.read_until.duration_since(c.read_from).as_millis();
                    let (kind, seen) = (c.kind, c.visibility);
                    lines
                        .push(format!("{kind:38} {region:12} {:22} {seen:30} {took} ms", c.status));
                }
                Collected::Page(page) if dump => {
                    for r in page {
                        println!("{} {}", r.key, r.body);
                    }
                }
                Collected::Page(_) => {}
            }
        }
        lines.sort();
        lines
    };
    let (summary, lines) = tokio::join!(collect(&cloud, &options, tx), reader);
    let summary = summary.map_err(|e| e.to_string())?;
    if !quiet {
        for line in lines {
            println!("{line}");
        }
    }
    println!(
        "{} resources, {} requests ({} repeated), {} kB; signed in after {signed_in:.1?}, done after {:.1?}",
        summary.resources,
        summary.requests,
        summary.retries,
        summary.bytes / 1000,
        started.elapsed()
    );
    Ok(())
}
