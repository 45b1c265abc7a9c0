//! One result.

use std::borrow::Cow;

use serde::Serialize;
use tidegate_model::Severity;

use super::group::{By, Group};
use crate::text::{State, message, place, printable, waiver};
use crate::{Change, ReportRule, SubjectReport};

/// GitHub shows this many locations of a result.
const LOCATIONS: usize = 100;

#[derive(Serialize)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found<'a> {
    rule_id: &'a str,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Text<'a>,
    locations: [Location<'a>; 1],
    partial_fingerprints: Fingerprints<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<&'static str>,
    suppressions: Vec<Suppression<'a>>,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: Physical<'a>,
    logical_locations: Vec<Logical<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical<'a> {
    artifact_location: Artifact<'a>,
    region: Region,
}

#[derive(Serialize)]
struct Artifact<'a> {
    uri: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fingerprints<'a> {
    primary_location_line_hash: String,
    #[serde(rename = "tidegate/v1")]
    own: &'a str,
}

#[derive(Serialize)]
struct Suppression<'a> {
    kind: &'static str,
    status: &'static str,
    justification: String,
    properties: Waiver<'a>,
}

#[derive(Serialize)]
struct Waiver<'a> {
    waiver: &'a str,
    owner: &'a str,
    expires: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
}

#[derive(Serialize)]
struct Properties<'a> {
    findings: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
}

/// What all results of a rule share.
pub(super) struct Of<'a> {
    pub(super) subject: &'a SubjectReport,
    pub(super) rule: &'a ReportRule,
    pub(super) index: usize,
    pub(super) path: &'a str,
    pub(super) by: By,
    pub(super) baseline: bool,
}

impl<'a> Of<'a> {
    /// Writes the result of a group.
    pub(super) fn write(
        &self,
        group: &Group<'a>,
        out: &mut impl std::io::Write,
    ) -> std::io::Result<()> {
        let (cloud, first) = (self.subject.snapshot.subject.as_str(), group.first);
        let text = self.text(group);
        let (kind, level) = match State::of(first) {
            State::Fail | State::Waived => ("fail", level(self.rule.meta.severity)),
            State::NotJudged => ("open", "none"),
            State::Missing => ("review", "none"),
        };
        let single = self.by == By::Resource;
        let logical = |f: &&'a crate::ReportFinding| Logical {
            name: f.finding.name.as_deref().map(printable),
            fully_qualified_name: format!("{cloud}/{}", place(f)),
            kind: if f.finding.resource.is_some() { "resource" } else { "namespace" },
        };
        let change = first.change.filter(|_| single).map(Change::name);
        let found = Found {
            rule_id: self.rule.meta.id.as_str(),
            rule_index: self.index,
            kind,
            level,
            message: Text { text: &text },
            locations: [Location {
                physical_location: Physical {
                    artifact_location: Artifact { uri: self.path },
                    region: Region { start_line: 1 },
                },
                logical_locations: group.findings.iter().take(LOCATIONS).map(logical).collect(),
            }],
            partial_fingerprints: Fingerprints {
                primary_location_line_hash: format!("{}:1", group.fingerprint),
                own: &group.fingerprint,
            },
            baseline_state: self.baseline.then(|| baseline_state(group)),
            suppressions: suppressions(group),
            properties: Properties {
                findings: group.findings.len(),
                region: first.finding.region.as_deref().filter(|_| single),
                project: first.finding.project.as_deref().filter(|_| self.by != By::Rule),
                change,
            },
        };
        Ok(serde_json::to_writer(out, &found)?)
    }

    /// Names the resource too: not every viewer shows logical locations.
    fn text(&self, group: &Group<'_>) -> String {
        let cloud = &self.subject.snapshot.subject;
        let (what, place) = (message(group.first), place(group.first));
        let text = match (self.by, group.findings.len().saturating_sub(1)) {
            (By::Resource, _) => format!("{what} ({cloud}: {place})"),
            (By::Project | By::Rule, more) => {
                let project = group.first.finding.project.as_deref();
                let project = project.filter(|_| self.by == By::Project);
                let project = project.map_or_else(String::new, |p| format!(" of project {p}"));
                let project = printable(&project);
                let note = self.by.note();
                format!("{what} ({cloud}: {place}), and {more} more{project}; {note}")
            }
        };
        // `](` in a name would make a link of it.
        text.replace("](", "\\](")
    }
}

fn suppressions<'a>(group: &Group<'a>) -> Vec<Suppression<'a>> {
    let waived = group.first.waiver.iter().filter(|_| State::of(group.first) == State::Waived);
    let suppression = |w: &'a crate::Waived| Suppression {
        kind: "external",
        status: "accepted",
        justification: waiver(w),
        properties: Waiver {
            waiver: &w.id,
            owner: &w.owner,
            expires: w.expires.to_string(),
            ticket: w.ticket.as_deref(),
        },
    };
    waived.map(suppression).collect()
}

/// A group is new if all of it is, and updated if a part is.
fn baseline_state(group: &Group<'_>) -> &'static str {
    let is_new = |f: &&crate::ReportFinding| f.change.is_none_or(Change::is_new);
    match group.findings.iter().copied().filter(is_new).count() {
        0 => "unchanged",
        n if n == group.findings.len() => "new",
        _ => "updated",
    }
}

/// The level that a rule's severity amounts to.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}
