//! The archive that `sonobuoy retrieve` writes.
//!
//! ```text
//! serverversion.json                               the version of the API server
//! plugins/e2e/results/global/junit_01.xml          every test
//! plugins/e2e/results/global/e2e.log               its beginning names the version, too
//! plugins/e2e/sonobuoy_results.yaml                the same as Sonobuoy sums it up
//! plugins/e2e/errors/…                             the plugin broke off
//! ```

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use serde::Deserialize;
use tidegate_model::{Timestamp, unreasonable_yaml};

use super::junit::Ended;
use super::{MOST_BYTES, MOST_JUNIT, TestResult};

/// The most bytes of an archive, unpacked.
const MOST_UNPACKED: u64 = 2 * MOST_BYTES;
/// The most files in it; a large cluster has some ten thousand logs.
const MOST_FILES: usize = 200_000;
/// The most bytes of `sonobuoy_results.yaml`.
const MOST_YAML: u64 = 4 << 20;
/// As much of a log as its beginning.
const BEGINNING: u64 = 256 << 10;
/// The plugin that runs the tests of Kubernetes, which is told even if it
/// left nothing behind.
const E2E: &str = "e2e";

/// A plugin while it is read.
#[derive(Default)]
struct Plugin {
    result: TestResult,
    has_junit: bool,
    /// The text of `sonobuoy_results.yaml`.
    summary: Option<String>,
    broke_off: bool,
    /// When its JUnit file was written.
    written: Option<Timestamp>,
}

/// The results of every plugin that ran tests, by name; the error is one
/// clause.
pub(super) fn read(from: impl Read) -> Result<Vec<TestResult>, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(from));
    let mut plugins: BTreeMap<String, Plugin> = BTreeMap::new();
    let mut version = None;
    let (mut unpacked, mut files) = (0_u64, 0_usize);
    for entry in archive.entries().map_err(|e| broken(&e))? {
        let entry = entry.map_err(|e| broken(&e))?;
        unpacked = unpacked.saturating_add(entry.size());
        files += 1;
        if unpacked > MOST_UNPACKED || files > MOST_FILES {
            let most = MOST_UNPACKED >> 20;
            return Err(format!("it unpacks to more than {most} MiB or {MOST_FILES} files"));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let parts: Vec<&str> = path.split('/').filter(|p| !matches!(*p, "" | ".")).collect();
        match parts.as_slice() {
            ["serverversion.json"] => {
                let text = text(entry, BEGINNING, &path)?;
                let read: ServerVersion = serde_json::from_str(&text).unwrap_or_default();
                version = read.git_version.or(version);
            }
            ["plugins", name, "errors", ..] => {
                plugins.entry((*name).to_owned()).or_default().broke_off = true;
            }
            ["plugins", name, "sonobuoy_results.yaml"] => {
                let text = text(entry, MOST_YAML, &path)?;
                plugins.entry((*name).to_owned()).or_default().summary = Some(text);
            }
            ["plugins", name, "results", .., "e2e.log"] => {
                let mut beginning = Vec::new();
                let mut entry = entry.take(BEGINNING);
                entry.read_to_end(&mut beginning).map_err(|e| broken(&e))?;
                let told = told_version(&String::from_utf8_lossy(&beginning));
                let plugin = plugins.entry((*name).to_owned()).or_default();
                plugin.result.kubernetes_version = told;
            }
            ["plugins", name, "results", .., file]
                if file.starts_with("junit") && file.ends_with(".xml") =>
            {
                if entry.size() > MOST_JUNIT {
                    return Err(format!("`{path}` is larger than {} MiB", MOST_JUNIT >> 20));
                }
                let plugin = plugins.entry((*name).to_owned()).or_default();
                plugin.has_junit = true;
                let written = entry.header().mtime().ok().and_then(|s| i64::try_from(s).ok());
                plugin.written = written.and_then(|s| Timestamp::from_second(s).ok());
                let run = &mut plugin.result.run;
                run.read(BufReader::new(entry)).map_err(|why| format!("`{path}`: {why}"))?;
            }
            _ => {}
        }
    }
    let out: Vec<TestResult> = plugins
        .into_iter()
        .filter(|(name, plugin)| plugin.has_junit || name == E2E)
        .map(|(name, plugin)| plugin.finish(name, version.as_deref()))
        .collect::<Result<_, _>>()?;
    if out.is_empty() {
        return Err("it holds no results of tests: neither `plugins/e2e` nor a JUnit file of \
                    another plugin"
            .to_owned());
    }
    Ok(out)
}

impl Plugin {
    fn finish(self, name: String, version: Option<&str>) -> Result<TestResult, String> {
        let Self { mut result, has_junit, summary, broke_off, written } = self;
        if let Some(summary) = &summary {
            let status = summary.lines().find_map(|l| l.strip_prefix("status:"));
            result.status = status.map(|s| s.trim().to_owned());
            if !has_junit {
                let wrong = |why: String| format!("`plugins/{name}/sonobuoy_results.yaml`: {why}");
                if let Some(why) = unreasonable_yaml(summary) {
                    return Err(wrong(why));
                }
                let read: Item = yaml_serde::from_str(summary).map_err(|e| wrong(e.to_string()))?;
                read.count(&mut result.run);
            }
        }
        if broke_off {
            result.status = Some("failed".to_owned());
        }
        result.run.finished = result.run.finished.or(written);
        // What the server said of itself goes before what a log says of it.
        let told = version.map(str::to_owned);
        result.kubernetes_version = told.or(result.kubernetes_version);
        result.plugin = Some(name);
        Ok(result)
    }
}

#[derive(Deserialize, Default)]
struct ServerVersion {
    #[serde(rename = "gitVersion")]
    git_version: Option<String>,
}

/// A node of `sonobuoy_results.yaml`; those without items are tests.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    name: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    items: Vec<Item>,
    #[serde(default)]
    meta: BTreeMap<String, yaml_serde::Value>,
}

impl Item {
    /// Counts the tests below. The depth is bounded by that of the text.
    fn count(&self, run: &mut super::Run) {
        // Files and the whole have a type; a test has none.
        if self.items.is_empty() && !self.meta.contains_key("type") {
            // A word that is not known is no success.
            run.count(&self.name, Ended::from_word(&self.status).unwrap_or(Ended::Failed));
        }
        self.items.iter().for_each(|item| item.count(run));
    }
}

fn text(entry: impl Read, most: u64, path: &str) -> Result<String, String> {
    let mut text = String::new();
    entry.take(most + 1).read_to_string(&mut text).map_err(|e| format!("`{path}`: {e}"))?;
    if text.len() as u64 > most {
        return Err(format!("`{path}` is larger than {} KiB", most >> 10));
    }
    Ok(text)
}

/// The version that the beginning of a log names.
fn told_version(log: &str) -> Option<String> {
    let (_, rest) = log.split_once("kube-apiserver version: ")?;
    let version: String = rest.chars().take_while(|c| !c.is_whitespace()).take(64).collect();
    version.starts_with('v').then_some(version)
}

fn broken(e: &std::io::Error) -> String {
    format!("the archive is damaged: {}", e.to_string().to_lowercase())
}
