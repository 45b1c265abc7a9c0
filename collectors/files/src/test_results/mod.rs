//! Results of test suites, as Sonobuoy archives or plain JUnit files.
//!
//! One resource for each plugin of an archive that ran tests, one for each
//! JUnit file: how many tests passed, failed and were skipped, in all and of
//! the sets that certification asks for, the names of those that failed, when
//! they ran and against which version of Kubernetes. Files are read as a stream
//! with bounds; nothing is unpacked, and no entity of XML is expanded.

mod junit;
mod sonobuoy;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tidegate_model::{Collected, Digest, Timestamp, canonical};
use tidegate_redact::RedactionKey;

use crate::error::{FilesError, clause};
use crate::made::{Clean, Gathered};
use junit::Run;

/// The kind of a result.
pub const TEST_RESULT: &str = "kubernetes.test_result";

/// The most bytes of a file. An archive of a large cluster, logs of all its
/// pods included, has some hundred MiB.
const MOST_BYTES: u64 = 1 << 30;
/// The most bytes of one JUnit file: 7,000 tests with their output have 20 MiB.
const MOST_JUNIT: u64 = 128 << 20;

/// Reads results of tests, one page of [`TEST_RESULT`] in order of file and
/// plugin, and its coverage, always complete. A file named twice counts once.
///
/// The body of a result is `{"plugin"?, "suites", "passed", "failed",
/// "skipped", "sets": {"conformance": {"passed", "failed"}, "network_policy":
/// {…}}, "failed_tests", "started"?, "finished"?, "status"?,
/// "kubernetes_version"?, "tidegate": {"file", "sha256"}}`: of `failed_tests`
/// the first 100 by name, times in RFC 3339. Times of JUnit have no zone and
/// are taken as UTC, which is what test containers run in.
///
/// # Errors
/// [`FilesError::Unreadable`] if a file cannot be read,
/// [`FilesError::BadTestResults`] if it is neither a Sonobuoy archive nor JUnit,
/// breaks off, declares entities of its own or is larger than the bounds.
pub fn test_results(
    paths: &[PathBuf],
    read_at: Timestamp,
    key: Option<&RedactionKey>,
) -> Result<Vec<Collected>, FilesError> {
    let Some(mut out) = Gathered::new("evidence", "test results", TEST_RESULT, read_at) else {
        return Ok(Vec::new());
    };
    let mut seen = Vec::new();
    for path in paths {
        let bad = |why| FilesError::BadTestResults { path: path.clone(), why };
        let (sha256, results) = read(path)?;
        if seen.contains(&sha256) {
            continue;
        }
        seen.push(sha256);
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for result in results {
            let body = Body::new(&result, &file, sha256);
            let json = serde_json::to_vec(&body).map_err(|e| bad(e.to_string()))?;
            // A test may be named by an address.
            let body = canonical(&json, &Clean { key }).map_err(|e| bad(e.to_string()))?;
            let plugin = result.plugin.as_deref().unwrap_or_default();
            out.put(&[&sha256.to_string(), plugin], &file, body);
        }
    }
    Ok(out.into_collected())
}

/// What one plugin, or one plain file, found.
#[derive(Debug, Default)]
struct TestResult {
    plugin: Option<String>,
    run: Run,
    /// What the runner says of the plugin as a whole.
    status: Option<String>,
    kubernetes_version: Option<String>,
}

fn read(path: &Path) -> Result<(Digest, Vec<TestResult>), FilesError> {
    let unreadable = |why| FilesError::Unreadable { path: path.to_owned(), why };
    let file = File::open(path).map_err(|e| unreadable(clause(&e)))?;
    let meta = file.metadata().map_err(|e| unreadable(clause(&e)))?;
    if !meta.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    let bad = |why| FilesError::BadTestResults { path: path.to_owned(), why };
    if meta.len() > MOST_BYTES {
        return Err(bad(format!("it is larger than {} MiB", MOST_BYTES >> 20)));
    }
    let mut hashing = Hashing { inner: file.take(MOST_BYTES), hash: Sha256::new() };
    let mut first = [0_u8; 2];
    let got = hashing.read(&mut first).map_err(|e| unreadable(clause(&e)))?;
    let whole = first.get(..got).unwrap_or_default().chain(&mut hashing);
    let results = if first == [0x1f, 0x8b] {
        sonobuoy::read(whole).map_err(bad)?
    } else {
        if meta.len() > MOST_JUNIT {
            return Err(bad(format!("it is larger than {} MiB", MOST_JUNIT >> 20)));
        }
        let mut run = Run::default();
        run.read(BufReader::new(whole)).map_err(bad)?;
        vec![TestResult { run, ..TestResult::default() }]
    };
    std::io::copy(&mut hashing, &mut std::io::sink()).map_err(|e| unreadable(clause(&e)))?;
    Ok((Digest(hashing.hash.finalize().into()), results))
}

/// Hashes what is read through it.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let got = self.inner.read(buf)?;
        self.hash.update(buf.get(..got).unwrap_or_default());
        Ok(got)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin: Option<&'a str>,
    #[serde(flatten)]
    run: &'a Run,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kubernetes_version: Option<&'a str>,
    tidegate: Provenance<'a>,
}

#[derive(Serialize)]
struct Provenance<'a> {
    file: &'a str,
    sha256: Digest,
}

impl<'a> Body<'a> {
    fn new(result: &'a TestResult, file: &'a str, sha256: Digest) -> Self {
        let TestResult { plugin, run, status, kubernetes_version } = result;
        Self {
            plugin: plugin.as_deref(),
            run,
            status: status.as_deref(),
            kubernetes_version: kubernetes_version.as_deref(),
            tidegate: Provenance { file, sha256 },
        }
    }
}

#[cfg(test)]
mod tests;
