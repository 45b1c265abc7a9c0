//! Reads reports of the suite, ours and the reference's, as far as the monitor
//! does, so that what it would refuse is told before it is signed or sent.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use yaml_serde::{Mapping, Value};

use super::uuid::is_uuid;

/// What the monitor takes from one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScsDocument {
    /// The cloud that it is about.
    pub subject: String,
    /// The UUID of the scope.
    pub scope: String,
    /// The UUID of the run: the report's id.
    pub run: String,
    /// When it was checked, as it stands there.
    pub checked_at: String,
    /// How many results it has.
    pub results: usize,
}

/// Why a file is not such a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScsReadError {
    /// There is no document.
    #[error("there is no report in it")]
    Empty,
    /// A document is not YAML.
    #[error("document {document} is not YAML: {problem}")]
    Yaml {
        /// Its number, from 1.
        document: usize,
        /// One clause with line and column.
        problem: String,
    },
    /// A value is not there, or not what the monitor needs.
    #[error("document {document}: `{path}` {problem}")]
    Value {
        /// Its number, from 1.
        document: usize,
        /// Its keys, with dots between them.
        path: String,
        /// One clause, such as `is missing`.
        problem: String,
    },
}

/// Reads a report file: one or more YAML documents.
///
/// # Errors
/// [`ScsReadError`] for the first thing that the monitor would stumble over.
pub fn read_scs(text: &str) -> Result<Vec<ScsDocument>, ScsReadError> {
    let mut out = Vec::new();
    let mut runs = BTreeSet::new();
    for (document, number) in yaml_serde::Deserializer::from_str(text).zip(1..) {
        let value = Value::deserialize(document)
            .map_err(|e| ScsReadError::Yaml { document: number, problem: e.to_string() })?;
        if value.is_null() {
            continue;
        }
        let read = Reader { document: number, root: &value }.read()?;
        if !runs.insert(read.run.clone()) {
            let problem = "is that of another document".to_owned();
            return Err(ScsReadError::Value { document: number, path: "run.uuid".into(), problem });
        }
        out.push(read);
    }
    if out.is_empty() { Err(ScsReadError::Empty) } else { Ok(out) }
}

struct Reader<'a> {
    document: usize,
    root: &'a Value,
}

impl<'a> Reader<'a> {
    fn wrong<T>(&self, path: &[&str], problem: &str) -> Result<T, ScsReadError> {
        // Keys of a file from elsewhere must not reach a terminal as they are.
        let (path, problem) = (super::one_line(&path.join(".")), problem.to_owned());
        Err(ScsReadError::Value { document: self.document, path, problem })
    }

    fn get(&self, path: &[&str]) -> Option<&'a Value> {
        path.iter().try_fold(self.root, |value, key| value.get(*key)).filter(|v| !v.is_null())
    }

    fn text(&self, path: &[&str]) -> Result<&'a str, ScsReadError> {
        match self.get(path) {
            None => self.wrong(path, "is missing"),
            Some(Value::String(text)) if text.chars().any(char::is_control) => {
                self.wrong(path, "has control characters")
            }
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(_) => self.wrong(path, "is not a text"),
        }
    }

    fn uuid(&self, path: &[&str]) -> Result<String, ScsReadError> {
        let text = self.text(path)?;
        if is_uuid(text) { Ok(text.to_owned()) } else { self.wrong(path, "is not a UUID") }
    }

    fn read(&self) -> Result<ScsDocument, ScsReadError> {
        if !self.root.is_mapping() {
            return self.wrong(&["spec"], "is missing: the document is not a mapping");
        }
        let scope = self.uuid(&["spec", "uuid"])?;
        let checked_at = self.text(&["checked_at"])?.to_owned();
        if !is_time(&checked_at) {
            return self.wrong(&["checked_at"], "is not a time like 2026-11-22 07:03:31");
        }
        let subject = self.text(&["subject"])?.to_owned();
        let run = self.uuid(&["run", "uuid"])?;
        let results = match self.get(&["versions"]) {
            // Reports of old have their results by version.
            Some(Value::Mapping(versions)) => self.count(&["versions"], versions, None)?,
            Some(_) => return self.wrong(&["versions"], "is not a mapping"),
            None => match self.get(&["run", "invocations"]) {
                Some(Value::Mapping(all)) => {
                    self.count(&["run", "invocations"], all, Some("results"))?
                }
                Some(_) => return self.wrong(&["run", "invocations"], "is not a mapping"),
                None => return self.wrong(&["run", "invocations"], "is missing"),
            },
        };
        Ok(ScsDocument { subject, scope, run, checked_at, results })
    }

    /// Checks the results of each invocation, or of each version.
    fn count(
        &self,
        path: &[&str],
        groups: &Mapping,
        member: Option<&str>,
    ) -> Result<usize, ScsReadError> {
        let mut count = 0;
        for (name, group) in groups {
            let mut path = path.to_vec();
            path.push(name.as_str().unwrap_or("?"));
            let results = match member {
                Some(member) => {
                    path.push(member);
                    group.get(member)
                }
                None => Some(group),
            };
            let Some(results) = results.and_then(Value::as_mapping) else {
                return self.wrong(&path, "is not a mapping");
            };
            for (testcase, value) in results {
                path.push(testcase.as_str().unwrap_or("?"));
                // Old reports have {result, invocation} for the value.
                let value = value.get("result").unwrap_or(value);
                if !testcase.is_string() || !value.as_i64().is_some_and(|n| (-1..=1).contains(&n)) {
                    return self.wrong(&path, "is not 1 (pass), 0 (abort) or -1 (fail)");
                }
                path.pop();
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Whether a text is a timestamp of YAML 1.1 with date and time.
fn is_time(text: &str) -> bool {
    let zoneless = text.replacen(' ', "T", 1);
    zoneless.parse::<jiff::civil::DateTime>().is_ok() && text.len() > 10
        || zoneless.parse::<jiff::Timestamp>().is_ok()
}
