//! JUnit XML, as ginkgo and everybody else writes it.

use std::collections::BTreeSet;
use std::io::BufRead;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde::Serialize;
use tidegate_model::Timestamp;

/// The most names of failed tests that are kept: beyond that it is not single
/// tests that are wrong.
const MOST_NAMES: usize = 100;
/// The most characters of a name.
const LONGEST_NAME: usize = 400;

/// What ran, summed over any number of files.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Run {
    suites: BTreeSet<String>,
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    sets: Sets,
    failed_tests: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finished: Option<Timestamp>,
}

/// The sets of tests that certification asks for, by what their names contain.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Sets {
    conformance: Count,
    network_policy: Count,
}

#[derive(Debug, Default, PartialEq, Serialize)]
struct Count {
    passed: u64,
    failed: u64,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ended {
    Passed,
    Skipped,
    Failed,
}

impl Ended {
    /// From a word for it; `None` for one that says nothing.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "passed" => Some(Self::Passed),
            "skipped" | "pending" | "notrun" | "disabled" => Some(Self::Skipped),
            "failed" | "error" | "panicked" | "timedout" | "interrupted" | "aborted" => {
                Some(Self::Failed)
            }
            _ => None,
        }
    }
}

/// A test that is being read.
struct Case {
    name: String,
    ended: Ended,
}

/// A suite that is being read.
struct Suite {
    /// How many failed by its own account.
    declared: u64,
    /// How many had failed before it.
    before: u64,
}

impl Run {
    /// Counts one test.
    pub(super) fn count(&mut self, name: &str, ended: Ended) {
        let sets = [
            (name.contains("[Conformance]"), &mut self.sets.conformance),
            (name.contains("NetworkPolicy"), &mut self.sets.network_policy),
        ];
        for (_, count) in sets.into_iter().filter(|(within, _)| *within) {
            match ended {
                Ended::Passed => count.passed += 1,
                Ended::Failed => count.failed += 1,
                Ended::Skipped => {}
            }
        }
        match ended {
            Ended::Passed => self.passed += 1,
            Ended::Skipped => self.skipped += 1,
            Ended::Failed => {
                self.failed += 1;
                self.failed_tests.insert(name.chars().take(LONGEST_NAME).collect());
                if self.failed_tests.len() > MOST_NAMES {
                    self.failed_tests.pop_last();
                }
            }
        }
    }

    /// Reads a file; the error is one clause.
    pub(super) fn read(&mut self, from: impl BufRead) -> Result<(), String> {
        let mut reader = Reader::from_reader(from);
        let mut buf = Vec::new();
        let mut depth = 0_u64;
        let mut root = false;
        let mut suites: Vec<Suite> = Vec::new();
        let mut case: Option<Case> = None;
        loop {
            buf.clear();
            let at = reader.buffer_position();
            let event = reader
                .read_event_into(&mut buf)
                .map_err(|e| format!("it is not XML at byte {at}: {}", lower(&e.to_string())))?;
            let (element, empty) = match &event {
                Event::Start(element) => (element, false),
                Event::Empty(element) => (element, true),
                Event::End(element) => {
                    depth = depth.saturating_sub(1);
                    match element.name().as_ref() {
                        b"testcase" => {
                            if let Some(Case { name, ended }) = case.take() {
                                self.count(&name, ended);
                            }
                        }
                        b"testsuite" => self.close(suites.pop()),
                        _ => {}
                    }
                    continue;
                }
                Event::DocType(_) => return Err("it declares a document type".to_owned()),
                Event::Eof if !root => return Err("it is not XML".to_owned()),
                Event::Eof if depth > 0 => return Err("it breaks off".to_owned()),
                Event::Eof => return Ok(()),
                Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::GeneralRef(_) => continue,
            };
            let name = element.name();
            let name = name.as_ref();
            if !root && name != b"testsuites" && name != b"testsuite" {
                let name = String::from_utf8_lossy(name);
                return Err(format!("its root is `{name}`, not `testsuites` or `testsuite`"));
            }
            root = true;
            depth += u64::from(!empty);
            match name {
                b"testsuite" => {
                    let suite = self.open(element)?;
                    if empty {
                        self.close(Some(suite));
                    } else {
                        suites.push(suite);
                    }
                }
                b"testcase" => {
                    let one = test(element)?;
                    if empty {
                        self.count(&one.name, one.ended);
                    } else {
                        case = Some(one);
                    }
                }
                b"failure" | b"error" => set(&mut case, Ended::Failed),
                b"skipped" => set(&mut case, Ended::Skipped),
                _ => {}
            }
        }
    }

    fn open(&mut self, element: &BytesStart<'_>) -> Result<Suite, String> {
        let mut declared = 0_u64;
        let (mut begin, mut seconds) = (None, 0.0_f64);
        for (name, value) in attributes(element)? {
            match name.as_str() {
                "name" if self.suites.len() < MOST_NAMES => {
                    self.suites.insert(value.chars().take(LONGEST_NAME).collect());
                }
                "failures" | "errors" => {
                    declared = declared.saturating_add(value.trim().parse().unwrap_or_default());
                }
                "timestamp" => begin = instant(value.trim()),
                "time" => seconds = value.trim().replace(',', "").parse().unwrap_or_default(),
                _ => {}
            }
        }
        if let Some(begin) = begin {
            let lasted = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
            let end = begin.checked_add(lasted).unwrap_or(begin);
            self.started = Some(self.started.map_or(begin, |s| s.min(begin)));
            self.finished = Some(self.finished.map_or(end, |f| f.max(end)));
        }
        Ok(Suite { declared, before: self.failed })
    }

    /// A suite may count failures that no test of its shows.
    fn close(&mut self, suite: Option<Suite>) {
        if let Some(Suite { declared, before }) = suite {
            self.failed = self.failed.max(before.saturating_add(declared));
        }
    }
}

/// The worst that is said of a test counts.
fn set(case: &mut Option<Case>, ended: Ended) {
    if let Some(case) = case {
        case.ended = case.ended.max(ended);
    }
}

fn test(element: &BytesStart<'_>) -> Result<Case, String> {
    let mut case = Case { name: String::new(), ended: Ended::Passed };
    for (name, value) in attributes(element)? {
        match name.as_str() {
            "name" => case.name = value,
            "status" => {
                let ended = Ended::from_word(&value).unwrap_or(case.ended);
                case.ended = case.ended.max(ended);
            }
            _ => {}
        }
    }
    Ok(case)
}

fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, String> {
    let wrong = |e: String| format!("it is not XML: {}", lower(&e));
    let mut out = Vec::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|e| wrong(e.to_string()))?;
        // Only the entities of XML itself are known here.
        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
        let value = value.map_err(|e| wrong(e.to_string()))?.into_owned();
        out.push((String::from_utf8_lossy(attribute.key.as_ref()).into_owned(), value));
    }
    Ok(out)
}

fn instant(text: &str) -> Option<Timestamp> {
    let plain = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| Some(plain()?.timestamp()))
}

/// The message of another library, as one clause.
fn lower(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}
