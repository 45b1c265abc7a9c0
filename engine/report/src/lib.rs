//! Renders what was found: one [`Report`], several formats.
//!
//! The binary fills a [`Report`] from evaluations and coverage; [`json`] gives
//! it to machines, [`table`] to people, [`scs`] to the compliance monitor of
//! SCS. All are functions of the report and their options alone: same report,
//! same bytes. Nothing here prints.

mod finding;
mod json;
mod report;
mod scs;
mod table;

pub use finding::{Change, ReportFinding, Waived};
pub use json::json;
pub use report::{Gap, Report, ReportRule, ScopeReport, SubjectReport, Summary, TestcaseReport};
pub use scs::{ScsDocument, ScsError, ScsReadError, ScsRun, read_scs, scs};
pub use table::{TableOptions, table};
