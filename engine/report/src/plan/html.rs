//! A plan as one page that needs no network and no script of others.
//!
//! Numbers, waves by zone and host, capacity over time, what is blocked and why,
//! due dates, and the moves of each wave, folded. Names come from clouds: all
//! text is escaped. Large plans are cut where the page would become unusable;
//! what is left out is said.

use std::io::{self, BufWriter, Write};

use tidegate_model::plan::DeadlineStatus;

use super::{Judgement, PlanReport, ends, gantt, lasts, late, moves, numbers, word};
use crate::html::escape::{Prose, Text};
use crate::html::page;

/// Moves on the page, about 2 MiB; more are in the JSON.
const MOVES: usize = 20_000;
/// Blocked targets and due dates in a table.
const ROWS: usize = 1_000;

/// Writes the page.
///
/// # Errors
/// Those of `out`.
pub fn plan_html(report: &PlanReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let plan = report.plan;
    let title = format!("Plan {}", plan.id);
    page::head(&mut out, &title)?;
    let chip = match report.judgement {
        Judgement::Safe(_) => "pass",
        Judgement::Violated(_) => "fail",
        Judgement::NotChecked => "abort",
    };
    let totals = report.totals();
    writeln!(
        out,
        "<header>\n<h1>{} <span class=\"chip {chip}\">{}</span></h1>\n<p class=\"lead\">{}</p>\n\
         </header>\n<main id=\"main\">",
        Text(&title),
        report.judgement.words(),
        Text(totals.done(plan)),
    )?;
    match report.judgement {
        Judgement::Violated(why) => writeln!(out, "<p><strong>{}</strong></p>", Prose(why))?,
        Judgement::NotChecked => {
            writeln!(out, "<p><strong>Nobody has checked whether this plan is safe.</strong></p>")?;
        }
        Judgement::Safe(_) => {}
    }
    if !plan.waves.is_empty() {
        writeln!(out, "<p>In waves: {}.</p>\n<h2>Waves</h2>", Text(totals.gap(plan)))?;
        waves(report, &mut out)?;
        gantt::waves(plan, &mut out)?;
    }
    if let Some(fleet) = report.fleet.filter(|_| !plan.waves.is_empty()) {
        out.write_all(
            b"<h2>Capacity</h2>\n<p class=\"soft\">What is allotted when a wave has moved what it \
              must, against what is usable on the hosts that stay.</p>\n",
        )?;
        gantt::rooms(&gantt::capacity(plan, fleet), &mut out)?;
    }
    blocked(report, &mut out)?;
    deadlines(report, &mut out)?;
    drain(report, &mut out)?;
    out.write_all(
        b"</main>\n<footer><p>Waves run in sequence, and the phases of a wave in sequence; the \
          moves of one phase run in any order. All times are UTC.</p></footer>\n</body>\n</html>\n",
    )?;
    out.flush()
}

fn waves(report: &PlanReport<'_>, out: &mut impl Write) -> io::Result<()> {
    out.write_all(
        b"<div class=\"wide\"><table><caption class=\"sr\">Waves</caption><thead><tr>\
          <th scope=\"col\" class=\"num\">Wave<th scope=\"col\">Zone<th scope=\"col\" class=\"num\">Targets\
          <th scope=\"col\" class=\"num\">Moves<th scope=\"col\">Begins<th scope=\"col\">Lasts</thead><tbody>\n",
    )?;
    let times = report.times();
    for (n, wave) in report.plan.waves.iter().enumerate() {
        let span = times.as_ref().and_then(|t| t.get(n));
        writeln!(
            out,
            "<tr><td class=num>{}<td>{}<td class=num>{}<td class=num>{}<td>{}<td>{}",
            wave.n,
            Text(wave.zone.as_deref().unwrap_or("-")),
            wave.targets.len(),
            moves(wave).count(),
            span.map_or_else(String::new, |s| s.start.to_string()),
            span.map_or_else(String::new, lasts),
        )?;
    }
    out.write_all(b"</tbody></table></div>\n")
}

fn blocked(report: &PlanReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let blocked = &report.plan.blocked;
    if blocked.is_empty() {
        return Ok(());
    }
    out.write_all(
        b"<h2>Blocked</h2>\n<div class=\"wide\"><table><caption class=\"sr\">Blocked targets</caption>\
          <thead><tr><th scope=\"col\">Target<th scope=\"col\">Reason<th scope=\"col\">Fix</thead><tbody>\n",
    )?;
    for one in blocked.iter().take(ROWS) {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}<td>{}: {}<td>{}",
            Text(&one.target),
            word(&one.code),
            Text(numbers(one)),
            Prose(one.fix.as_deref().unwrap_or("-")),
        )?;
    }
    out.write_all(b"</tbody></table></div>\n")?;
    more(blocked.len(), ROWS, out)
}

fn deadlines(report: &PlanReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let open = || report.plan.deadlines.iter().filter(|d| d.status != DeadlineStatus::Met);
    if open().next().is_none() {
        return Ok(());
    }
    out.write_all(
        b"<h2>Due dates that are not met</h2>\n<div class=\"wide\"><table>\
          <caption class=\"sr\">Due dates that are not met</caption>\
          <thead><tr><th scope=\"col\">Target<th scope=\"col\">What becomes of it</thead><tbody>\n",
    )?;
    for one in open().take(ROWS) {
        writeln!(out, "<tr><th scope=\"row\">{}<td>{}", Text(&one.target), Text(late(one)))?;
    }
    out.write_all(b"</tbody></table></div>\n")?;
    more(open().count(), ROWS, out)
}

/// The moves of each wave, folded.
fn drain(report: &PlanReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let all: usize = report.plan.waves.iter().map(|w| moves(w).count()).sum();
    if all == 0 {
        return Ok(());
    }
    out.write_all(b"<h2>Moves</h2>\n")?;
    let mut left = MOVES;
    for wave in report.plan.waves.iter().filter(|w| moves(w).next().is_some()) {
        if left == 0 {
            break;
        }
        writeln!(
            out,
            "<details><summary>Wave {}: {}</summary><div class=\"wide\"><table>\
             <caption class=\"sr\">Moves of wave {}</caption><thead><tr>\
             <th scope=\"col\" class=\"num\">Phase<th scope=\"col\">What<th scope=\"col\">From\
             <th scope=\"col\">To<th scope=\"col\">How</thead><tbody>",
            wave.n,
            crate::tally::count(moves(wave).count(), "move"),
            wave.n,
        )?;
        for step in moves(wave).take(left) {
            let (what, from, to) = ends(step);
            writeln!(
                out,
                "<tr><td class=num>{}<td>{}<td>{}<td>{}<td>{}",
                step.phase,
                Text(what),
                Text(from),
                Text(to),
                step.kind.as_ref().map_or_else(|| word(&step.op), word),
            )?;
        }
        left = left.saturating_sub(moves(wave).count());
        out.write_all(b"</tbody></table></div></details>\n")?;
    }
    more(all, MOVES, out)
}

fn more(all: usize, most: usize, out: &mut impl Write) -> io::Result<()> {
    match all.saturating_sub(most) {
        0 => Ok(()),
        more => writeln!(out, "<p>And {more} more, which the JSON has.</p>"),
    }
}
