//! The states of controls for spreadsheets.

use std::io::{self, BufWriter, Write};

use super::{About, ControlReport, FrameworkReport, FrameworkSubject, RuleEvidence};
use crate::{Report, csv_row};

const HEADER: [&str; 20] = [
    "framework",
    "edition",
    "list",
    "cloud",
    "snapshot",
    "control",
    "title",
    "state",
    "rule",
    "rule_title",
    "bundle",
    "rule_state",
    "pass",
    "fail",
    "waived",
    "not_judged",
    "without_evidence",
    "why",
    "resources",
    "findings",
];

/// A cell with more of them than this is read by no spreadsheet.
const LISTED: usize = 100;

/// Writes one row for each control and rule mapped to it, and one for each
/// control without a rule, after a header; rows end as RFC 4180 has it.
/// `resources` and `findings` list, separated by blanks, the first hundred
/// findings of the rule; `list` is what has to be known of the list of ids.
///
/// # Errors
/// Those of `out`.
pub fn framework_csv(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    csv_row(&mut out, &HEADER)?;
    for FrameworkReport { about, note: _, subjects } in &report.frameworks {
        for subject in subjects {
            for control in &subject.controls {
                rows(&mut out, about, subject, control)?;
            }
        }
    }
    out.flush()
}

fn rows(
    out: &mut impl Write,
    about: &About,
    subject: &FrameworkSubject,
    control: &ControlReport,
) -> io::Result<()> {
    let cloud = subject.snapshot.subject.as_str();
    let snapshot = subject.snapshot.to_string();
    let caveat = about.caveat();
    let title = control.title.as_deref().unwrap_or_default();
    let state = control.state.words();
    let lead = [
        about.id.as_str(),
        about.edition.as_str(),
        &caveat,
        cloud,
        &snapshot,
        &control.id,
        title,
        state,
    ];
    if control.rules.is_empty() {
        let blank = [""; HEADER.len() - 8];
        return csv_row(out, &[lead.as_slice(), blank.as_slice()].concat());
    }
    for (rule, evidence) in control.rules.iter().filter_map(|id| Some((id, subject.rules.get(id)?)))
    {
        let RuleEvidence { title, bundle, state, counts, waived, reasons: _, findings } = evidence;
        let number = |n: u64| counts.map_or_else(String::new, |_| n.to_string());
        let counts = counts.unwrap_or_default();
        let listed = || findings.iter().take(LISTED);
        let resources: Vec<String> = listed().map(|f| f.on.replace(' ', "%20")).collect();
        let ids: Vec<&str> = listed().map(|f| f.id.as_str()).collect();
        let numbers = [
            number(counts.pass),
            number(counts.fail.saturating_sub(*waived as u64)),
            number(*waived as u64),
            number(counts.abort),
            number(counts.missing),
        ];
        let mut cells = lead.to_vec();
        cells.extend([
            rule.as_str(),
            title.as_deref().unwrap_or_default(),
            bundle.as_deref().unwrap_or_default(),
            state.words(),
        ]);
        cells.extend(numbers.iter().map(String::as_str));
        let (why, resources, ids) = (evidence.why(), resources.join(" "), ids.join(" "));
        cells.extend([why.as_str(), &resources, &ids]);
        csv_row(out, &cells)?;
    }
    Ok(())
}
