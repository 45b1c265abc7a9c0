//! A plan for the review of a change, in GitHub's and GitLab's Markdown.

use std::io::{self, Write};

use tidegate_model::plan::DeadlineStatus;

use super::{Judgement, PlanReport, lasts, late, moves, numbers, word};
use crate::markdown::escape::{code, prose};

/// Longer tables are cut: GitHub refuses a comment of more than 65,536
/// characters.
const ROWS: usize = 100;
/// Names of targets in one row.
const NAMES: usize = 10;

/// Writes a plan: a sentence, and tables of waves, of what is blocked and of due
/// dates that are not met.
///
/// # Errors
/// Those of `out`.
pub fn plan_markdown(report: &PlanReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let plan = report.plan;
    writeln!(out, "## Plan {}: {}\n", code(&plan.id), report.judgement.words())?;
    match report.judgement {
        Judgement::Violated(why) => writeln!(out, "{}\n", prose(why))?,
        Judgement::NotChecked | Judgement::Safe(_) => {}
    }
    let totals = report.totals();
    writeln!(out, "{}.", prose(&totals.done(plan)))?;
    if !plan.waves.is_empty() {
        writeln!(out, "In waves: {}.", prose(&totals.gap(plan)))?;
        writeln!(out, "\n| Wave | Zone | Targets | Moves | Begins | Lasts |")?;
        writeln!(out, "|---:|---|---|---:|---|---|")?;
        let times = report.times();
        for (n, wave) in plan.waves.iter().enumerate().take(ROWS) {
            let mut names: Vec<String> = wave.targets.iter().take(NAMES).map(|t| code(t)).collect();
            if wave.targets.len() > NAMES {
                names.push(format!("and {} more", wave.targets.len() - NAMES));
            }
            let span = times.as_ref().and_then(|t| t.get(n));
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} |",
                wave.n,
                wave.zone.as_deref().map_or_else(String::new, code),
                names.join(", "),
                moves(wave).count(),
                span.map_or_else(String::new, |s| s.start.to_string()),
                span.map_or_else(String::new, lasts),
            )?;
        }
        more(plan.waves.len(), out)?;
    }
    if !plan.blocked.is_empty() {
        writeln!(out, "\n### Blocked\n\n| Target | Reason | Fix |\n|---|---|---|")?;
        for blocked in plan.blocked.iter().take(ROWS) {
            let fix = blocked.fix.as_deref().map(prose).unwrap_or_default();
            let why = prose(&format!("{}: {}", word(&blocked.code), numbers(blocked)));
            writeln!(out, "| {} | {why} | {fix} |", code(&blocked.target))?;
        }
        more(plan.blocked.len(), out)?;
    }
    let open: Vec<_> = plan.deadlines.iter().filter(|d| d.status != DeadlineStatus::Met).collect();
    if !open.is_empty() {
        writeln!(
            out,
            "\n### Due dates that are not met\n\n| Target | What becomes of it |\n|---|---|"
        )?;
        for deadline in open.iter().take(ROWS) {
            writeln!(out, "| {} | {} |", code(&deadline.target), prose(&late(deadline)))?;
        }
        more(open.len(), out)?;
    }
    Ok(())
}

fn more(all: usize, out: &mut dyn Write) -> io::Result<()> {
    match all.saturating_sub(ROWS) {
        0 => Ok(()),
        more => writeln!(out, "\nand {more} more, in the JSON."),
    }
}
