//! Frameworks: catalogues of controls that auditors ask for, and the rules that
//! are evidence for each control.
//!
//! A [`Framework`] is two files. `framework.yaml` says what the catalogue is and
//! lists the ids of its controls; `mapping.yaml` has the ids of rules with those
//! of the controls that they speak for. [`FrameworkReport`] holds what rules said
//! of clouds against it. No verdict depends on either.
//!
//! ```yaml
//! # framework.yaml                          # mapping.yaml
//! id: house                                 my-volume-named: [H-1]
//! title: Rules of the house                 my-volume-encrypted: [H-1, H-2]
//! edition: "2026"
//! publisher: Example Ltd
//! source: https://example.org/house
//! licence: internal
//! verified: true    # the ids were taken from the publisher
//! complete: true    # all of them are there
//! controls: [H-1, H-2]
//! titles: {H-1: volumes}
//! ```

mod csv;
mod html;
mod judge;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_model::{RuleId, unreasonable_yaml};

pub use csv::framework_csv;
pub use html::framework_html;
pub use judge::{
    AtHand, ControlReport, ControlState, EvidenceFinding, FrameworkReport, FrameworkSubject,
    Reason, RuleEvidence, RuleState, StateCounts,
};
pub use table::framework_table;

/// What every output says once beside the states.
pub(crate) const NOTE: &str = "Satisfied means that every rule mapped to the control was judged \
    and holds. That is evidence from what the API shows, not proof of the whole control.";

/// The file that says what a framework is.
const FRAMEWORK: &str = "framework.yaml";

/// The file that says which rule speaks for which control.
const MAPPING: &str = "mapping.yaml";

/// A catalogue of controls with the rules mapped to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framework {
    /// What it is.
    pub about: About,
    /// Its controls, in the catalogue's order, each once.
    pub controls: Vec<Control>,
    /// By rule: the ids of the controls that it speaks for, at least one.
    pub rules: BTreeMap<RuleId, Vec<String>>,
}

/// What a framework is and where its ids come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// The name to ask for it by, such as `c5-2020`: small letters, digits, `-`
    /// and `.`.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Its edition, as its publisher has it.
    pub edition: String,
    /// Who publishes it.
    pub publisher: String,
    /// Where it is published.
    pub source: String,
    /// What may be repeated of it.
    pub licence: String,
    /// Whether the ids were taken from the publisher itself.
    pub verified: bool,
    /// Whether the list has all of its controls; otherwise a control that is
    /// not in it is not covered either.
    pub complete: bool,
}

/// A control of a framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// As the catalogue has it.
    pub id: String,
    /// What it is about, in our own few words, where there are any.
    pub title: Option<String>,
}

/// A file of a framework that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("framework `{framework}`: {place}: {problem}")]
pub struct FrameworkError {
    /// The framework's folder or id.
    pub framework: String,
    /// The file, with the line where one is known: `mapping.yaml:3`.
    pub place: String,
    /// What is wrong, as one clause.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    title: String,
    edition: String,
    publisher: String,
    source: String,
    licence: String,
    verified: bool,
    complete: bool,
    controls: Vec<String>,
    #[serde(default)]
    titles: BTreeMap<String, String>,
}

impl About {
    /// `BSI C5 2020`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.title, self.edition)
    }

    /// What has to be known about the list of ids wherever it is shown; empty
    /// if it is whole and from the publisher.
    #[must_use]
    pub fn caveat(&self) -> String {
        let verified =
            (!self.verified).then_some("unverified: the ids were not taken from the publisher");
        let complete =
            (!self.complete).then_some("the list does not have all controls of the catalogue");
        let parts: Vec<&str> = verified.into_iter().chain(complete).collect();
        parts.join("; ")
    }
}

impl Framework {
    /// Reads the two files of a framework; `name` is what errors call it.
    ///
    /// # Errors
    /// [`FrameworkError`] with file and line on YAML that is none, unknown,
    /// absent or empty members, a control that stands twice, and a rule that is
    /// mapped to nothing, twice to the same, or to a control that is not listed.
    pub fn parse(name: &str, framework: &str, mapping: &str) -> Result<Self, FrameworkError> {
        let wrong = |file: &str, (line, problem): (Option<usize>, String)| FrameworkError {
            framework: name.to_owned(),
            place: line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")),
            problem,
        };
        let read: File = parse(framework).map_err(|e| wrong(FRAMEWORK, e))?;
        let (about, controls) = check(framework, read).map_err(|e| wrong(FRAMEWORK, e))?;
        // A file of comments maps nothing.
        let rules: Option<BTreeMap<RuleId, Vec<String>>> =
            parse(mapping).map_err(|e| wrong(MAPPING, e))?;
        let rules = rules.unwrap_or_default();
        let known: BTreeSet<&str> = controls.iter().map(|c| c.id.as_str()).collect();
        for (rule, ids) in &rules {
            let line = line_of(mapping, rule.as_str());
            let fail = |problem: String| Err(wrong(MAPPING, (line, problem)));
            if ids.is_empty() {
                return fail(format!("rule `{rule}` is mapped to no control"));
            }
            if let Some(id) = ids.iter().find(|id| !known.contains(id.as_str())) {
                return fail(format!("rule `{rule}`: there is no control `{id}` in {FRAMEWORK}"));
            }
            let distinct: BTreeSet<&String> = ids.iter().collect();
            if distinct.len() < ids.len() {
                return fail(format!("rule `{rule}` is mapped to a control twice"));
            }
        }
        Ok(Self { about, controls, rules })
    }

    /// The controls that a rule speaks for; empty if none.
    #[must_use]
    pub fn controls_of(&self, rule: &str) -> &[String] {
        self.rules.get(rule).map_or(&[], Vec::as_slice)
    }

    /// The rules that speak for each control, by control; in order of their ids.
    #[must_use]
    pub fn by_control(&self) -> BTreeMap<&str, Vec<&RuleId>> {
        let mut all: BTreeMap<&str, Vec<&RuleId>> = BTreeMap::new();
        for (rule, ids) in &self.rules {
            for id in ids {
                all.entry(id).or_default().push(rule);
            }
        }
        all
    }
}

/// What a framework's own file has to keep to; an error names the line if it
/// can be found.
fn check(text: &str, read: File) -> Result<(About, Vec<Control>), (Option<usize>, String)> {
    let File {
        id,
        title,
        edition,
        publisher,
        source,
        licence,
        verified,
        complete,
        controls,
        mut titles,
    } = read;
    let texts = [
        ("id", &id),
        ("title", &title),
        ("edition", &edition),
        ("publisher", &publisher),
        ("source", &source),
        ("licence", &licence),
    ];
    if let Some((key, _)) = texts.into_iter().find(|(_, value)| value.trim().is_empty()) {
        return Err((line_of(text, key), format!("`{key}` is empty")));
    }
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    if !id.chars().all(fine) {
        let problem = "`id` may have small letters, digits, `-` and `.` only";
        return Err((line_of(text, "id"), problem.to_owned()));
    }
    let at = line_of(text, "controls");
    if controls.is_empty() {
        return Err((at, "`controls` is empty".to_owned()));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = controls.iter().find(|c| c.trim().is_empty() || !seen.insert(*c)) {
        return Err((at, format!("control `{twice}` has no id or stands twice")));
    }
    let controls = controls.into_iter().map(|id| Control { title: titles.remove(&id), id });
    let controls = controls.collect();
    if let Some(id) = titles.keys().next() {
        let problem = format!("`titles` has `{id}`, which is no control of `controls`");
        return Err((line_of(text, id).or_else(|| line_of(text, "titles")), problem));
    }
    let about = About { id, title, edition, publisher, source, licence, verified, complete };
    Ok((about, controls))
}

/// YAML as a value; an error with its line.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, (Option<usize>, String)> {
    if let Some(problem) = unreasonable_yaml(text) {
        return Err((None, problem));
    }
    let told = |e: yaml_serde::Error| {
        let problem = e.to_string();
        // The place is told before the problem.
        let end = problem.find(" at line ").unwrap_or(problem.len());
        let short = problem.get(..end).unwrap_or(&problem).to_owned();
        (e.location().map(|l| l.line()), short)
    };
    // A typed map would keep the last of two equal keys, and say nothing.
    yaml_serde::from_str::<yaml_serde::Value>(text).map_err(told)?;
    yaml_serde::from_str(text).map_err(told)
}

/// The first line that begins with a key, from 1.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let begins = |line: &str| {
        let line = line.trim_start().trim_start_matches(['"', '\'']);
        let rest = line.strip_prefix(key).map(|r| r.trim_start_matches(['"', '\'']));
        rest.is_some_and(|r| r.trim_start().starts_with(':'))
    };
    text.lines().position(begins).map(|n| n + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUSE: &str = "id: house\ntitle: House\nedition: \"1\"\npublisher: We\n\
        source: https://example.org/\nlicence: ours\nverified: true\ncomplete: true\n\
        controls: [A-1, A-2]\ntitles: {A-1: doors}\n";

    #[track_caller]
    fn fails(framework: &str, mapping: &str, expected: &str) {
        let error = Framework::parse("house", framework, mapping).unwrap_err().to_string();
        assert_eq!(error, format!("framework `house`: {expected}"));
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        fails(
            &HOUSE.replace("verified: true", "verified: maybe"),
            "",
            "framework.yaml:7: verified: invalid type: string \"maybe\", expected a boolean",
        );
        fails(
            &HOUSE.replace("id: house", "id: My House"),
            "",
            "framework.yaml:1: `id` may have small letters, digits, `-` and `.` only",
        );
        fails(
            &HOUSE.replace("licence: ours", "licence: ''"),
            "",
            "framework.yaml:6: `licence` is empty",
        );
        fails(
            &HOUSE.replace("A-2]", "A-1]"),
            "",
            "framework.yaml:9: control `A-1` has no id or stands twice",
        );
        fails(
            &HOUSE.replace("{A-1:", "{A-3:"),
            "",
            "framework.yaml:10: `titles` has `A-3`, which is no control of `controls`",
        );
        fails(HOUSE, "# none\nr-1: [A-1\n", "mapping.yaml:3: did not find expected ',' or ']'");
        fails(
            HOUSE,
            "r-1: [A-1]\nr-2: [A-9]\n",
            "mapping.yaml:2: rule `r-2`: there is no control `A-9` in framework.yaml",
        );
        fails(HOUSE, "r-1: []\n", "mapping.yaml:1: rule `r-1` is mapped to no control");
        fails(
            HOUSE,
            "r-1: [A-1, A-1]\n",
            "mapping.yaml:1: rule `r-1` is mapped to a control twice",
        );
        assert!(Framework::parse("h", HOUSE, "r-1: [A-1]\nr-1: [A-2]\n").is_err());
    }

    #[test]
    fn a_framework_knows_its_controls_and_rules() {
        let house = Framework::parse("h", HOUSE, "r-2: [A-1]\nr-1: [A-2, A-1]\n").unwrap();
        assert_eq!(house.controls[0].title.as_deref(), Some("doors"));
        assert_eq!(house.controls_of("r-1"), ["A-2", "A-1"]);
        assert!(house.controls_of("r-3").is_empty());
        let by: Vec<String> = house.by_control()["A-1"].iter().map(ToString::to_string).collect();
        assert_eq!(by, ["r-1", "r-2"]);
        assert_eq!(house.about.caveat(), "");
        let empty = Framework::parse("h", &HOUSE.replace("verified: true", "verified: false"), "");
        let empty = empty.unwrap();
        assert!(empty.rules.is_empty() && empty.about.caveat().starts_with("unverified"));
    }
}
