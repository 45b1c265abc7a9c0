//! Renders what was found: one [`Report`], several formats.
//!
//! The binary fills a [`Report`] from evaluations and coverage; [`json`] gives
//! it to machines, [`table`] to people. Both are functions of the report alone:
//! same report, same bytes. Nothing here prints.

mod json;
mod report;
mod table;

pub use json::json;
pub use report::{Gap, Report, ReportRule, ScopeReport, SubjectReport, Summary, TestcaseReport};
pub use table::{TableOptions, table};
