//! Renders what was found: one [`Report`], several formats.
//!
//! The binary fills a [`Report`] from evaluations and coverage; [`json`] gives
//! it to machines, [`table`] to people at a terminal, [`markdown`] to those who
//! review a change, [`html`] and [`oscal`] to auditors, [`scs`] to the
//! compliance monitor of SCS. [`ndjson`], [`csv`], [`sarif`], [`junit`],
//! [`code_quality`], [`prometheus`], [`openreports`] and [`ocsf`] write, item by
//! item, what other tools read. All are functions of the report and their
//! options alone: same report, same bytes. A [`PlanReport`] does the same for
//! plans, a [`FrameworkReport`] for what auditors ask for. Nothing here prints.

mod baseline;
mod code_quality;
mod csv;
mod diff;
mod finding;
mod framework;
mod gate;
mod history;
mod html;
mod json;
mod junit;
mod markdown;
mod ndjson;
mod ocsf;
mod openreports;
mod oscal;
mod plan;
mod prometheus;
mod report;
mod sarif;
mod scs;
mod table;
mod tally;
mod text;
mod waiver;

pub use baseline::{Baseline, BaselineError};
pub use code_quality::code_quality;
pub use csv::{csv, csv_row};
pub use diff::{
    CoverageDiff, DiffJson, DiffKind, DiffOperation, DiffPoint, DiffText, DiffTextOptions,
    DiffView, FindingDiff, FindingsDiff, ResourceDiff, coverage_diff, operations,
};
pub use finding::{Change, ReportFinding, Waived};
pub use framework::{
    About, AtHand, Control, ControlReport, ControlState, EvidenceFinding, Framework,
    FrameworkError, FrameworkReport, FrameworkSubject, Reason, RuleEvidence, RuleState,
    StateCounts, framework_csv, framework_html, framework_table,
};
pub use gate::{gate_junit, gate_markdown, gate_table};
pub use history::{History, HistoryVerdict, HistoryVersion, history_text};
pub use html::{AuditFile, AuditIndex, HtmlOptions, audit_index, html};
pub use json::json;
pub use junit::junit;
pub use markdown::{MarkdownOptions, markdown};
pub use ndjson::ndjson;
pub use ocsf::ocsf;
pub use openreports::openreports;
pub use oscal::{component_definition, oscal};
pub use plan::{
    AnsibleError, Explanation, Judgement, Moved, Place, PlanDiff, PlanReport, TargetDiff, explain,
    plan_ansible, plan_diff, plan_diff_text, plan_html, plan_markdown, plan_table,
};
pub use prometheus::prometheus;
pub use report::{
    BaselineSummary, Gap, Report, ReportRule, Resolved, ScopeReport, SubjectReport, Summary,
    TestcaseReport,
};
pub use sarif::{SarifOptions, sarif};
pub use scs::{ScsDocument, ScsError, ScsReadError, ScsRun, read_scs, scs};
pub use table::{TableOptions, table};
pub use tally::TrendPoint;
pub use waiver::{Waiver, WaiverError, WaiverState, Waivers};
