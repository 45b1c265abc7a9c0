//! Charts as inline SVG. All they show stands in words and numbers beside them.

use std::io::{self, Write};

use tidegate_model::Severity;

use super::escape::Text;
use crate::TrendPoint;
use crate::tally::{Tally, count};

/// A bar of open findings by severity, worst first. Its length is in proportion
/// to `most`, the count of the longest bar of its group.
pub(super) fn bar(out: &mut impl Write, tally: &Tally, most: usize) -> io::Result<()> {
    let parts: Vec<String> = Severity::ALL
        .iter()
        .filter_map(|s| tally.open.get(s).map(|n| format!("{n} {s}")))
        .collect();
    let label = if parts.is_empty() { "none".to_owned() } else { parts.join(", ") };
    write!(
        out,
        "<svg class=\"chart\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{label}\"><title>{label}</title><rect class=\"none\" y=\"9\" width=\"1000\" height=\"1\"/>"
    )?;
    let mut x = 0;
    for severity in Severity::ALL {
        let n = tally.open.get(&severity).copied().unwrap_or(0);
        if n > 0 {
            // A single critical finding beside thousands must still be seen.
            let width = (n * 1000 / most.max(1)).max(4).min(1000_usize.saturating_sub(x));
            write!(out, "<rect class=\"{severity}\" x=\"{x}\" width=\"{width}\" height=\"10\"/>")?;
            x += width;
        }
    }
    out.write_all(b"</svg>")
}

/// Which colour is what.
pub(super) fn legend(out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"<ul class=\"legend\" aria-hidden=\"true\">")?;
    let names = Severity::ALL.map(|s| (s.to_string(), s.to_string()));
    for (class, name) in names {
        write!(
            out,
            "<li><svg viewBox=\"0 0 1 1\"><rect class=\"{class}\" width=\"1\" height=\"1\"/></svg>{name}</li>"
        )?;
    }
    out.write_all(b"</ul>\n")
}

/// More snapshots than this have no room; the newest are drawn.
const SNAPSHOTS: usize = 90;

const WIDTH: usize = 900;
const HEIGHT: usize = 190;
const LEFT: usize = 44;
const BOTTOM: usize = 26;
const TOP: usize = 8;

/// One column for each of `points`, in their order: open findings by severity
/// upwards, and under the axis a mark where something could not be judged.
pub(super) fn trend(out: &mut impl Write, name: &str, points: &[&TrendPoint]) -> io::Result<()> {
    let points = points.get(points.len().saturating_sub(SNAPSHOTS)..).unwrap_or_default();
    let most = points.iter().map(|p| p.findings.values().sum::<usize>()).max().unwrap_or(0);
    let step = nice(most);
    let top = step * most.div_ceil(step).max(1);
    let (width, height) = (WIDTH - LEFT, HEIGHT - BOTTOM - TOP);
    let y = |n: usize| TOP + height - n * height / top;
    write!(
        out,
        "<div class=\"trend\" role=\"region\" aria-label=\"Open findings over time\" tabindex=\"0\">\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Open findings of {} in {}; \
         the table below has the numbers\">",
        Text(name),
        count(points.len(), "snapshot"),
    )?;
    for n in (0..=top).step_by(step) {
        let y = y(n);
        write!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{n}</text>",
            LEFT - 6,
            y + 4,
        )?;
    }
    // Few snapshots make columns, not walls.
    let span = width.min(80 * points.len());
    let slot = (span / points.len().max(1)).max(1);
    let column = (slot * 7 / 10).max(1);
    let each_label = (70 / slot.max(1) + 1).max(1);
    for (n, point) in points.iter().enumerate() {
        let x = LEFT + n * span / points.len().max(1) + (slot - column) / 2;
        write!(out, "<g><title>{}</title>", Text(sentence(point)))?;
        let mut below = 0;
        for severity in Severity::ALL {
            let findings = point.findings.get(&severity).copied().unwrap_or(0);
            if findings > 0 {
                let (from, to) = (y(below), y(below + findings));
                write!(
                    out,
                    "<rect class=\"{severity}\" x=\"{x}\" y=\"{to}\" width=\"{column}\" height=\"{}\"/>",
                    (from - to).max(1),
                )?;
                below += findings;
            }
        }
        if point.not_judged > 0 {
            let axis = y(0) + 2;
            write!(
                out,
                "<rect class=\"unknown\" x=\"{x}\" y=\"{axis}\" width=\"{column}\" height=\"4\"/>"
            )?;
        }
        out.write_all(b"</g>")?;
        if n % each_label == 0 {
            write!(
                out,
                "<text x=\"{x}\" y=\"{}\">{}</text>",
                HEIGHT - 4,
                point.taken_at.strftime("%Y-%m-%d")
            )?;
        }
    }
    out.write_all(b"</svg></div>\n")
}

/// The numbers of a trend, newest first, folded.
pub(super) fn numbers(out: &mut impl Write, points: &[&TrendPoint]) -> io::Result<()> {
    out.write_all(
        b"<details><summary>Numbers</summary><div class=\"wide\"><table><caption class=\"sr\">Open findings by snapshot</caption>\
          <thead><tr><th scope=\"col\">Snapshot<th scope=\"col\">Taken",
    )?;
    for severity in Severity::ALL {
        write!(out, "<th scope=\"col\" class=\"num\">{severity}")?;
    }
    out.write_all(
        b"<th scope=\"col\" class=\"num\">waived<th scope=\"col\" class=\"num\">not judged</thead><tbody>\n",
    )?;
    for point in points.iter().rev() {
        let TrendPoint { snapshot, taken_at, findings, waived, not_judged } = point;
        write!(out, "<tr><th scope=\"row\">{}<td>{taken_at:.0}", Text(snapshot.to_string()))?;
        for severity in Severity::ALL {
            write!(out, "<td class=num>{}", findings.get(&severity).unwrap_or(&0))?;
        }
        writeln!(out, "<td class=num>{waived}<td class=num>{not_judged}")?;
    }
    out.write_all(b"</tbody></table></div></details>\n")
}

fn sentence(point: &TrendPoint) -> String {
    let parts: Vec<String> = Severity::ALL
        .iter()
        .filter_map(|s| point.findings.get(s).map(|n| format!("{n} {s}")))
        .collect();
    let open = if parts.is_empty() { "nothing open".to_owned() } else { parts.join(", ") };
    let TrendPoint { snapshot, taken_at, findings: _, waived, not_judged } = point;
    format!("{snapshot}, {taken_at:.0}: {open}, {waived} waived, {not_judged} not judged")
}

/// A step of an axis: 1, 2 or 5 times a power of ten, five steps at most.
fn nice(most: usize) -> usize {
    let mut ten = 1;
    loop {
        for step in [ten, 2 * ten, 5 * ten] {
            if most <= step * 5 {
                return step;
            }
        }
        ten *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps() {
        let cases = [(0, 1), (5, 1), (6, 2), (11, 5), (26, 10), (44_000, 10_000), (51_000, 20_000)];
        for (most, step) in cases {
            assert_eq!(nice(most), step, "{most}");
        }
    }
}
