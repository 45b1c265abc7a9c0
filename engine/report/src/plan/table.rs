//! A plan for people at a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use tidegate_model::plan::DeadlineStatus;

use super::{Judgement, PlanReport, first, lasts, late, moves, numbers, word};
use crate::text::printable;

/// More blocked targets or due dates than this help nobody at a terminal.
const LISTED: usize = 50;
/// As many targets of a wave fit on a line or two.
const NAMES: usize = 8;

const BOLD: Style = Style::new().bold();

/// Draws a plan: its numbers, a row for each wave with the first of its targets,
/// what is blocked and why, which due dates are not met. `color` is with ANSI
/// colours.
///
/// # Errors
/// Those of `out`.
pub fn plan_table(report: &PlanReport<'_>, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let plan = report.plan;
    let paint = |style: Style, text: &str| {
        if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    };
    let style = match report.judgement {
        Judgement::Safe(_) => AnsiColor::Green.on_default().bold(),
        Judgement::Violated(_) => AnsiColor::Red.on_default().bold(),
        Judgement::NotChecked => AnsiColor::Yellow.on_default().bold(),
    };
    let title = paint(BOLD, &format!("plan {}", printable(&plan.id)));
    let verdict = paint(style, report.judgement.words());
    writeln!(out, "{title}  generation {}  {verdict}", plan.generation)?;
    match report.judgement {
        Judgement::Violated(why) => writeln!(out, "{}", printable(why))?,
        Judgement::NotChecked => {
            writeln!(out, "type: tidegate plan check PLAN --facts FILE --intent FILE")?;
        }
        Judgement::Safe(_) => {}
    }
    let totals = report.totals();
    writeln!(out, "{}", totals.done(plan))?;
    if !plan.waves.is_empty() {
        writeln!(out, "{}", totals.gap(plan))?;
    }
    waves(report, &paint, out)?;
    if !plan.blocked.is_empty() {
        writeln!(out)?;
    }
    for blocked in plan.blocked.iter().take(LISTED) {
        let label = paint(AnsiColor::Red.on_default().bold(), "BLOCKED");
        let target = printable(&blocked.target);
        writeln!(out, "{label}  {target}  {}: {}", word(&blocked.code), numbers(blocked))?;
        if let Some(fix) = &blocked.fix {
            writeln!(out, "         fix: {}", printable(fix))?;
        }
    }
    more(plan.blocked.len(), out)?;
    let open: Vec<_> = plan.deadlines.iter().filter(|d| d.status != DeadlineStatus::Met).collect();
    if !open.is_empty() {
        writeln!(out)?;
    }
    for deadline in open.iter().take(LISTED) {
        let label = paint(AnsiColor::Yellow.on_default().bold(), "LATE");
        writeln!(out, "{label}  {}  {}", printable(&deadline.target), late(deadline))?;
    }
    more(open.len(), out)
}

fn more(all: usize, out: &mut dyn Write) -> io::Result<()> {
    match all.saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more (-f json has all)"),
    }
}

fn waves(
    report: &PlanReport<'_>,
    paint: &dyn Fn(Style, &str) -> String,
    out: &mut dyn Write,
) -> io::Result<()> {
    let plan = report.plan;
    if plan.waves.is_empty() {
        return Ok(());
    }
    let times = report.times();
    let zone = |z: &Option<String>| z.as_deref().map_or("-".into(), |z| printable(z).into_owned());
    let width = plan.waves.iter().map(|w| zone(&w.zone).chars().count()).max().unwrap_or(0).max(4);
    let head = format!("wave  {:<width$}  targets  moves", "zone");
    let head = if times.is_some() { format!("{head}  {:<7}  begins", "lasts") } else { head };
    writeln!(out, "\n{}", paint(BOLD, &head))?;
    for (n, wave) in plan.waves.iter().enumerate() {
        write!(
            out,
            "{:>4}  {:<width$}  {:>7}  {:>5}",
            wave.n,
            zone(&wave.zone),
            wave.targets.len(),
            moves(wave).count()
        )?;
        if let Some(span) = times.as_ref().and_then(|t| t.get(n)) {
            write!(out, "  {:<7}  {}", lasts(span), span.start)?;
        }
        writeln!(out, "\n      {}", first(&wave.targets, NAMES))?;
    }
    Ok(())
}
