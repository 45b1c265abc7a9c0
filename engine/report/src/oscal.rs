//! OSCAL assessment-results 1.1.3 for auditors' tools.
//!
//! A result is a cloud. Each finding of a rule is an observation on a resource;
//! what a rule found in order is one more. Each control has one finding, which
//! is satisfied only if everything was judged and holds: what could not be
//! judged is `not-satisfied` with reason `other`. Fails are risks, one for each
//! rule; what a waiver accepts is one with status `deviation-approved` and the
//! waiver's end as deadline. Ids are derived from cloud, rule and resource, so
//! that they stay from run to run.
//!
//! There is no assessment plan apart from the rules; `import-ap` points to them
//! in the back matter. Controls are told by rule, see [`control`]. A report with
//! frameworks has a result for each cloud and framework instead, with the
//! framework's controls; those that no rule speaks for are excluded from what
//! was reviewed. [`component_definition`] says which rule speaks for which
//! control without a cloud.
//!
//! Source: NIST OSCAL 1.1.3, assessment-results and component-definition models.

mod component;
mod control;
mod item;
mod result;
mod risk;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};

use serde::Serialize;
use tidegate_model::{Digest, RuleId};
use uuid::Uuid;

use crate::tally::left_out;
use crate::{About, Report};
use item::{Props, id, member, time};
use result::{Cloud, snapshot};

pub use component::component_definition;

/// The version of OSCAL that is written: that of BSI's catalogues.
const OSCAL: &str = "1.1.3";

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Metadata {
    title: String,
    last_modified: String,
    version: String,
    oscal_version: &'static str,
}

#[derive(Serialize)]
struct ImportAp {
    href: String,
    remarks: &'static str,
}

#[derive(Serialize)]
struct BackMatter {
    resources: Vec<Resource>,
}

#[derive(Serialize)]
struct Resource {
    uuid: Uuid,
    title: String,
    #[serde(skip_serializing_if = "Props::is_empty")]
    props: Props,
    rlinks: Vec<Rlink>,
}

#[derive(Serialize)]
struct Rlink {
    href: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
}

#[derive(Serialize)]
struct Hash {
    algorithm: &'static str,
    value: String,
}

/// Writes the document, an observation, risk or finding on a line of its own.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] if the report has no cloud, as OSCAL has no
/// document without a result, or if findings were left out of it as known from
/// a baseline, as controls would look satisfied. Otherwise those of `out`.
pub fn oscal(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let times = report.subjects.iter().map(|s| s.taken_at.max(s.reference_time));
    let Some(last) = times.max() else {
        let text = "no cloud was judged, and OSCAL has no assessment results without a result";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    };
    if left_out(report) > 0 {
        let text = "findings that the baseline has were left out, and without them controls would look satisfied: \
                    write OSCAL of the whole report";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let names: Vec<String> = report.subjects.iter().map(|s| s.snapshot.to_string()).collect();
    let plan = id(&["plan", &names.join(" "), &rule_sets(report).join(" ")]);
    write!(out, "{{\"assessment-results\":{{\"uuid\":\"{}\"", document(report))?;
    let metadata = Metadata {
        title: format!("Compliance of {}", names.join(", ")),
        last_modified: time(last),
        version: time(last),
        oscal_version: OSCAL,
    };
    member(&mut out, "metadata", &metadata)?;
    let import = ImportAp {
        href: format!("#{plan}"),
        remarks: "There is no separate assessment plan: the rules in the back matter are the plan.",
    };
    member(&mut out, "import-ap", &import)?;
    out.write_all(b",\n\"results\":[\n")?;
    let mut of_cloud: BTreeMap<&str, usize> = BTreeMap::new();
    for subject in &report.subjects {
        *of_cloud.entry(subject.snapshot.subject.as_str()).or_default() += 1;
    }
    let mut begun = false;
    for (n, (subject, name)) in report.subjects.iter().zip(&names).enumerate() {
        // Two snapshots of a cloud in one document must not share ids.
        let cloud = subject.snapshot.subject.as_str();
        let base = if of_cloud.get(cloud).is_some_and(|n| *n > 1) { name } else { cloud };
        // A result for each framework, or one for the controls that rules name.
        let framed = report.frameworks.iter().filter_map(|f| Some((&f.about, f.subjects.get(n)?)));
        let own = report.frameworks.is_empty().then_some(None);
        for framework in framed.map(Some).chain(own) {
            if std::mem::replace(&mut begun, true) {
                out.write_all(b",\n")?;
            }
            let framed = framework.map(|(about, _)| format!("{base} {}", about.id));
            let base = framed.as_deref().unwrap_or(base);
            Cloud { report, subject, base, framework }.write(&mut out)?;
        }
    }
    out.write_all(b"]")?;
    member(&mut out, "back-matter", &back_matter(report, plan))?;
    out.write_all(b"}}\n")?;
    out.flush()
}

/// The digests of the rule sets, each once.
fn rule_sets(report: &Report) -> Vec<String> {
    let sets: BTreeSet<Digest> = report.subjects.iter().map(|s| s.rule_set).collect();
    sets.iter().map(ToString::to_string).collect()
}

/// The uuid of the document: another one for another content.
fn document(report: &Report) -> Uuid {
    let mut parts = vec![report.tool_version.clone(), report.mode.clone().unwrap_or_default()];
    for subject in &report.subjects {
        parts.push(subject.snapshot.to_string());
        parts.push(subject.reference_time.to_string());
        parts.push(subject.rule_set.to_string());
        for finding in subject.rules.iter().flat_map(|r| &r.findings) {
            if let Some(change) = finding.change {
                parts.push(change.name().to_owned());
            }
            if let Some(waived) = &finding.waiver {
                parts.push(format!("{} {} {}", finding.id, waived.id, waived.expires));
            }
        }
    }
    for framework in &report.frameworks {
        parts.push(format!("{} {}", framework.about.id, framework.about.edition));
        for control in framework.subjects.iter().flat_map(|s| &s.controls) {
            let rules: Vec<&str> = control.rules.iter().map(RuleId::as_str).collect();
            parts.push(format!("{} {} {}", control.id, control.state.words(), rules.join(" ")));
        }
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    id(&parts)
}

fn back_matter(report: &Report, plan: Uuid) -> BackMatter {
    let rules = rule_sets(report).into_iter().map(|value| Rlink {
        href: format!("urn:tidegate:rule-set:{value}"),
        hashes: vec![Hash { algorithm: "SHA-256", value }],
    });
    let mut resources = vec![Resource {
        uuid: plan,
        title: "Rules".to_owned(),
        props: Props::default().core("version", &report.tool_version),
        rlinks: rules.collect(),
    }];
    resources.extend(report.frameworks.iter().map(|f| framework(&f.about)));
    let mut seen = BTreeSet::new();
    for subject in report.subjects.iter().filter(|s| seen.insert(&s.snapshot)) {
        resources.push(Resource {
            uuid: snapshot(subject),
            title: format!("Snapshot {}", subject.snapshot),
            props: Props::default(),
            rlinks: vec![Rlink {
                href: format!("urn:tidegate:snapshot:{}", subject.snapshot),
                hashes: Vec::new(),
            }],
        });
    }
    BackMatter { resources }
}

/// A framework in the back matter.
fn framework(about: &About) -> Resource {
    Resource {
        uuid: id(&["framework", &about.id, &about.edition]),
        title: about.name(),
        props: Props::default()
            .core("version", &about.edition)
            .with("framework", &about.id)
            .with("framework-list", &about.caveat()),
        rlinks: vec![Rlink { href: about.source.clone(), hashes: Vec::new() }],
    }
}
