//! Waivers: findings that somebody accepts, for a reason and for a time.
//!
//! Waivers are entries of YAML files, kept in git. They come after judging and
//! change no verdict: a waived finding is still a Fail and is shown with the
//! reason, and only stops counting against the cloud. What could not be judged
//! cannot be waived. A waiver that is wrong, too broad, over or of no use is a
//! finding itself.
//!
//! ```yaml
//! waivers:
//! - id: W-17
//!   rules: [scs-0102-prop-min_ram]         # ids, `*` for any text
//!   resources: [openstack/image.image/*]   # keys, `*` for any text
//!   subjects: [prod1]                      # all if absent
//!   reason: The vendor publishes the value with the next release.
//!   owner: jane@example.org
//!   ticket: https://tickets.example.org/17 # optional
//!   expires: 2027-02-01                    # the last day, at most a year ahead
//! ```

mod apply;
mod pattern;

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tidegate_model::{Timestamp, unreasonable_yaml};

use crate::finding::Waived;
use pattern::Pattern;

pub(crate) use apply::BUNDLE;

/// Longer than a year nobody accepts a risk without looking at it again. 366
/// days, so that a leap year is a year too.
const LONGEST_DAYS: i64 = 366;

/// All waivers of a run.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    entries: Vec<Waiver>,
    invalid: Vec<Invalid>,
}

/// An entry that is no waiver.
#[derive(Debug, Clone)]
struct Invalid {
    file: String,
    id: String,
    problem: String,
}

/// One waiver.
#[derive(Debug, Clone)]
pub struct Waiver {
    /// The file it stands in.
    pub file: String,
    /// What findings are shown of it.
    pub terms: Waived,
    rules: Vec<Pattern>,
    resources: Vec<Pattern>,
    subjects: Vec<Pattern>,
}

/// What is wrong with a waiver, as far as that can be told without findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaiverState {
    /// It counts.
    Valid,
    /// Its last day is over.
    Expired,
    /// It is for longer than a year from the day it is looked at.
    TooLong,
    /// It names neither a single rule nor a single resource.
    TooBroad,
}

/// A file of waivers that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read waivers `{file}`: {problem}")]
pub struct WaiverError {
    /// The file.
    pub file: String,
    /// The line and one clause.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    waivers: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LooseFile {
    waivers: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    rules: Vec<String>,
    resources: Vec<String>,
    #[serde(default)]
    subjects: Vec<String>,
    reason: String,
    owner: String,
    #[serde(default)]
    ticket: Option<String>,
    expires: Date,
}

impl Waivers {
    /// Adds the waivers of one file, all of which have to be right: for those who
    /// write them.
    ///
    /// # Errors
    /// [`WaiverError`] on unknown, absent and empty members, dates that are
    /// none, and an id that another waiver has.
    pub fn add(&mut self, file: &str, yaml: &str) -> Result<(), WaiverError> {
        let wrong = |problem: String| WaiverError { file: file.to_owned(), problem };
        let parsed: File = parse(yaml).map_err(wrong)?;
        for entry in parsed.waivers {
            self.push(file, entry).map_err(wrong)?;
        }
        Ok(())
    }

    /// Adds the waivers of one file for a report: those that are wrong accept
    /// nothing and become findings.
    ///
    /// # Errors
    /// [`WaiverError`] if it is no file of waivers at all.
    pub fn add_for_report(&mut self, file: &str, yaml: &str) -> Result<(), WaiverError> {
        let wrong = |problem: String| WaiverError { file: file.to_owned(), problem };
        let parsed: LooseFile = parse(yaml).map_err(wrong)?;
        for (n, value) in parsed.waivers.into_iter().enumerate() {
            let id = value.get("id").and_then(serde_json::Value::as_str);
            let id = id.map_or_else(|| format!("number {} of {file}", n + 1), str::to_owned);
            let pushed = match serde_json::from_value::<Entry>(value) {
                Ok(entry) => self.push(file, entry),
                Err(e) => Err(format!("waiver `{id}`: {e}")),
            };
            if let Err(problem) = pushed {
                self.invalid.push(Invalid { file: file.to_owned(), id, problem });
            }
        }
        Ok(())
    }

    fn push(&mut self, file: &str, entry: Entry) -> Result<(), String> {
        let id = entry.id.clone();
        let texts = [("id", &entry.id), ("reason", &entry.reason), ("owner", &entry.owner)];
        if let Some((name, _)) = texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
            return Err(format!("waiver `{id}`: `{name}` is empty"));
        }
        let lists = [("rules", &entry.rules), ("resources", &entry.resources)];
        if let Some((name, _)) = lists.into_iter().find(|(_, list)| list.is_empty()) {
            let hint = "name what is accepted; `*` stands for any text";
            return Err(format!("waiver `{id}`: `{name}` is empty: {hint}"));
        }
        if let Some(other) = self.entries.iter().find(|w| w.terms.id == id) {
            return Err(format!("waiver `{id}` stands in `{}` already", other.file));
        }
        let patterns = |list: Vec<String>| list.into_iter().map(Pattern::new).collect();
        self.entries.push(Waiver {
            file: file.to_owned(),
            rules: patterns(entry.rules),
            resources: patterns(entry.resources),
            subjects: patterns(entry.subjects),
            terms: Waived {
                id: entry.id,
                reason: entry.reason,
                owner: entry.owner,
                ticket: entry.ticket,
                expires: entry.expires,
            },
        });
        Ok(())
    }

    /// All of them, in order of files and of their place in the file.
    #[must_use]
    pub fn all(&self) -> &[Waiver] {
        &self.entries
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.invalid.is_empty()
    }
}

fn parse<T: DeserializeOwned>(yaml: &str) -> Result<T, String> {
    match unreasonable_yaml(yaml) {
        Some(problem) => Err(problem),
        None => yaml_serde::from_str(yaml).map_err(|e| e.to_string()),
    }
}

impl Waiver {
    /// Whether it counts on the day (UTC) of a time, whatever it meets.
    #[must_use]
    pub fn state(&self, at: Timestamp) -> WaiverState {
        let today = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let days = (self.terms.expires - today).get_days();
        // The empty text stands for all findings that have no resource.
        let any = |patterns: &[Pattern]| patterns.iter().any(|p| !p.is_exact());
        let resources = any(&self.resources) || self.resources.iter().any(|p| p.text().is_empty());
        if days < 0 {
            WaiverState::Expired
        } else if i64::from(days) > LONGEST_DAYS {
            WaiverState::TooLong
        } else if any(&self.rules) && resources {
            WaiverState::TooBroad
        } else {
            WaiverState::Valid
        }
    }

    /// The rules it names, as written.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(Pattern::text)
    }

    /// The resources it names, as written.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(Pattern::text)
    }
}

#[cfg(test)]
mod tests;
