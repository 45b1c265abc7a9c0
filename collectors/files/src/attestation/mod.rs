//! Signed statements of people about what no machine can see.
//!
//! A statement is a YAML file, its signature the file beside it with `.sig` at
//! the end, as `ssh-keygen -Y sign -n attestation` writes it. The statement is
//! handed over whatever its signature is worth, and says what that is: rules
//! take only `valid` ones, and only from `issued` to the end of `expires`.

mod format;
mod notice;
mod signature;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use tidegate_model::{Collected, Digest, Subject, Timestamp, canonical};
use tidegate_redact::RedactionKey;

use crate::error::FilesError;
use crate::folder::{Entry, Folder};
use crate::made::{Clean, Gathered};
use format::{Statement, Verdict};
pub use notice::Notice;
use signature::Signature;
pub use signature::{SignatureStatus, Verify};

/// The most bytes of a statement or a signature, which have some hundred.
const MOST_BYTES: u64 = 1 << 20;
/// The most names in a folder: every testcase of every standard has room for
/// statements of a decade.
const MOST_NAMES: usize = 10_000;

/// What was read.
#[derive(Debug)]
pub struct Attestations {
    /// One page of `attestation.statement`, if there are any, in order of
    /// testcase, and its coverage, always complete.
    pub collected: Vec<Collected>,
    /// What does not count and why, in order of file. For people.
    pub notices: Vec<Notice>,
}

/// Reads statements about `subject` from files and folders.
///
/// Of a folder, `*.yaml` and `*.yml` directly in it are read. Without paths
/// there are 0 statements, which is complete too. `verify` checks signatures of
/// the namespace `attestation`; without it no signer is known. Several
/// statements for one testcase: one that is validly signed goes before one that
/// is not, then one that is already issued at `read_at`, then the one issued
/// last, then the one that says `fail`. The others are noticed.
///
/// # Errors
/// [`FilesError::Unreadable`] if a path or a file cannot be read or is a link
/// out of the folder, [`FilesError::TooMany`] above 10000 names,
/// [`FilesError::BadAttestation`] with file and line if one has not the form of
/// `schemas/attestation.schema.json`.
pub fn attestations(
    paths: &[PathBuf],
    subject: &Subject,
    read_at: Timestamp,
    key: Option<&RedactionKey>,
    verify: Option<&Verify<'_>>,
) -> Result<Attestations, FilesError> {
    let today = read_at.to_zoned(TimeZone::UTC).date();
    let mut notices = Vec::new();
    let mut found: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for path in paths {
        for one in read(path, verify, &mut notices)? {
            if one.statement.subject == *subject {
                found.entry(one.statement.testcase.to_string()).or_default().push(one);
            } else {
                let subject = one.statement.subject.to_string();
                notices.push(Notice::OtherSubject { file: one.path, subject });
            }
        }
    }
    let Some(mut out) = Gathered::new("evidence", "attestations", "attestation.statement", read_at)
    else {
        return Ok(Attestations { collected: Vec::new(), notices });
    };
    for (testcase, mut found) in found {
        found.sort_by_key(|f| (Reverse(f.rank(today)), f.path.clone()));
        let mut found = found.into_iter();
        let Some(first) = found.next() else { continue };
        notices.extend(found.map(|f| Notice::Superseded {
            file: f.path,
            testcase: testcase.clone(),
            by: first.path.clone(),
        }));
        notices.extend(first.notice(today));
        let body = first.body(key).map_err(|why| FilesError::BadAttestation {
            path: first.path.clone(),
            line: None,
            why,
        })?;
        out.put(&[&testcase], &testcase, body);
    }
    notices.sort();
    Ok(Attestations { collected: out.into_collected(), notices })
}

/// A statement and where it stood.
struct Found {
    path: PathBuf,
    file: String,
    sha256: Digest,
    statement: Statement,
    signature: Signature,
}

impl Found {
    /// The highest counts.
    fn rank(&self, today: Date) -> (bool, bool, Date, bool) {
        let s = &self.statement;
        let issued = s.issued.0;
        (self.signature.is_valid(), issued <= today, issued, s.verdict == Verdict::Fail)
    }

    fn notice(&self, today: Date) -> Option<Notice> {
        let file = self.path.clone();
        let (issued, expires) = (self.statement.issued.0, self.statement.expires.0);
        if let Some(problem) = self.signature.problem() {
            Some(Notice::NotSigned { file, problem })
        } else if expires < today {
            Some(Notice::Expired { file, expires })
        } else if today < issued {
            Some(Notice::NotYet { file, issued })
        } else {
            None
        }
    }

    fn body(&self, key: Option<&RedactionKey>) -> Result<String, String> {
        let tidegate =
            Provenance { file: &self.file, sha256: self.sha256, signature: &self.signature };
        let body = Body { statement: &self.statement, tidegate };
        let json = serde_json::to_vec(&body).map_err(|e| e.to_string())?;
        // Somebody may quote a password in a statement.
        canonical(&json, &Clean { key }).map_err(|e| e.to_string())
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    statement: &'a Statement,
    tidegate: Provenance<'a>,
}

#[derive(Serialize)]
struct Provenance<'a> {
    file: &'a str,
    sha256: Digest,
    signature: &'a Signature,
}

/// The statements of one path, in order of file.
fn read(
    path: &Path,
    verify: Option<&Verify<'_>>,
    notices: &mut Vec<Notice>,
) -> Result<Vec<Found>, FilesError> {
    let unreadable = |path: &Path, why| FilesError::Unreadable { path: path.to_owned(), why };
    let is_file = path.metadata().is_ok_and(|m| m.is_file());
    let (folder, names) = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if is_file => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            (parent, vec![name.to_string_lossy().into_owned()])
        }
        _ => (path, Vec::new()),
    };
    let inside = Folder::open(folder)?;
    let names = if is_file {
        names
    } else {
        let names = inside.names("").map_err(|why| unreadable(folder, why))?;
        if names.len() > MOST_NAMES {
            return Err(FilesError::TooMany { path: folder.to_owned(), most: MOST_NAMES });
        }
        for name in &names {
            if let Some(signed) = name.strip_suffix(".sig")
                && is_yaml(signed)
                && names.binary_search_by(|n| n.as_str().cmp(signed)).is_err()
            {
                notices.push(Notice::NothingSigned { file: folder.join(name) });
            }
        }
        names.into_iter().filter(|n| is_yaml(n)).collect()
    };
    let mut out = Vec::new();
    for name in names {
        let at = folder.join(&name);
        let wrong = |why| unreadable(&at, why);
        if !is_file && inside.entry(&name).map_err(wrong)? == Entry::Folder {
            continue;
        }
        let bytes = inside.read(&name, MOST_BYTES).map_err(wrong)?;
        let bytes = bytes.ok_or_else(|| wrong("it is gone".to_owned()))?;
        let bad = |line, why| FilesError::BadAttestation { path: at.clone(), line, why };
        let text = std::str::from_utf8(&bytes).map_err(|e| {
            let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|b| **b == b'\n').count() + 1;
            bad(Some(line), "it is not UTF-8".to_owned())
        })?;
        let statement = format::parse(text).map_err(|w| bad(w.line, w.why))?;
        let sig = inside
            .read(&format!("{name}.sig"), MOST_BYTES)
            .map_err(|why| unreadable(&folder.join(format!("{name}.sig")), why))?;
        let signature = Signature::of(&bytes, sig.as_deref(), verify);
        let sha256 = Digest::of(&bytes);
        out.push(Found { path: at, file: name, sha256, statement, signature });
    }
    Ok(out)
}

fn is_yaml(name: &str) -> bool {
    name.ends_with(".yaml") || name.ends_with(".yml")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
