//! SARIF 2.1.0 for code scanning, DefectDojo and editors.
//!
//! A run is a cloud. GitHub refuses a file in which one result has no physical
//! location, so each points to the file of its rule and names the resource as
//! a logical location. Two resources at one line would become one alert, so
//! each result brings its own `primaryLocationLineHash`.
//!
//! Source: OASIS SARIF 2.1.0; docs.github.com, SARIF support for
//! code scanning and its limits.

mod group;
mod result;
mod run;

use std::io::{self, BufWriter, Write};

use crate::Report;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SarifOptions {
    /// Leaves waived findings out instead of marking them as suppressed. For
    /// uploads to GitHub, which shows suppressed results as open alerts.
    pub leave_out_waived: bool,
}

/// Of a run's results GitHub keeps this many and drops the rest.
const RESULTS: usize = 5_000;

/// Writes one run for each cloud, in the category `tidegate/<cloud>/`, with a
/// result on a line of its own.
///
/// - A Fail has kind `fail`; an Abort `open` and a Missing `review`, which code
///   scanning does not show and nothing takes for a pass. Either makes
///   `executionSuccessful` false; gaps of the coverage are notifications.
/// - Waivers are suppressions, baselines are `baselineState`.
/// - A run of more than 5,000 results is grouped by rule and project, and if
///   that does not help by rule; the messages say so.
///
/// GitHub takes at most 20 runs in a file.
///
/// # Errors
/// Those of `out`.
pub fn sarif(report: &Report, options: &SarifOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    out.write_all(
        b"{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[",
    )?;
    for (n, subject) in report.subjects.iter().enumerate() {
        out.write_all(if n == 0 { b"\n" } else { b",\n" })?;
        run::write(report, subject, *options, &mut out)?;
    }
    out.write_all(b"\n]}\n")?;
    out.flush()
}
