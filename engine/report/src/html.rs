//! HTML for auditors: one file that needs no network and no script.
//!
//! A summary over all clouds, then each cloud: scopes, what is new, what is
//! broken by rule and worst first, what could not be judged, what is waived,
//! what was not seen. Rules are folded and long lists folded again, so that
//! tens of thousands of findings stay usable. The script only adds a filter.
//! Names come from clouds: all text is escaped, and a Content Security Policy
//! admits nothing but the style and the script of this crate.

mod audit;
mod chart;
pub(crate) mod escape;
mod findings;
pub(crate) mod page;
mod subject;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use tidegate_model::{Severity, Subject, Verdict};

use crate::tally::{Tally, are, left_out};
use crate::{Report, TrendPoint};
use escape::Text;
use subject::{Cloud, verdict};

pub use audit::{AuditFile, AuditIndex, audit_index};
pub(crate) use escape::evidence;

/// What the page has besides the report.
#[derive(Debug, Clone, Copy, Default)]
pub struct HtmlOptions<'a> {
    /// The heading; `Compliance report` where absent.
    pub title: Option<&'a str>,
    /// Earlier snapshots of the report's clouds, in any order; what the report
    /// has itself need not be there, unless it leaves out what is known. A cloud with two or more snapshots in all
    /// gets a chart. Snapshots of other clouds are left out.
    pub history: &'a [TrendPoint],
}

/// Writes the page.
///
/// Each finding stands in it once, at the address `#s<n>-<id>`, where `n` is
/// the place of its cloud in the report, from 0.
///
/// # Errors
/// Those of `out`.
pub fn html(report: &Report, options: &HtmlOptions<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let tallies: Vec<Tally> = report.subjects.iter().map(Tally::of).collect();
    let mut all = Tally::default();
    tallies.iter().for_each(|t| all.add(t));
    all.compared |= report.summary.baseline.is_some();
    let title = options.title.unwrap_or("Compliance report");
    let worst = Verdict::of_set(report.subjects.iter().map(|s| s.verdict));
    page::head(&mut out, title)?;
    writeln!(
        out,
        "<header>\n<h1>{} <span class=\"chip {worst}\">{}</span></h1>\n<p class=\"lead\">{}</p>\n\
         <nav aria-label=\"Clouds\"><ul>",
        Text(title),
        verdict(worst),
        Text(period(report)),
    )?;
    for (n, subject) in report.subjects.iter().enumerate() {
        writeln!(out, "<li><a href=\"#s{n}\">{}</a>", Text(subject.snapshot.to_string()))?;
    }
    out.write_all(b"</ul></nav>\n</header>\n<main id=\"main\">\n")?;
    tiles(&mut out, report, &all)?;
    let known = left_out(report);
    if known > 0 {
        writeln!(
            out,
            "<p><strong>Not the whole state:</strong> {} left out as known to the baseline.</p>",
            are(known)
        )?;
    }
    clouds(&mut out, report, &tallies)?;
    trends(&mut out, report, options.history)?;
    page::filter(&mut out, &all)?;
    let baseline = report.summary.baseline.as_ref().map(|b| b.name.as_str());
    for (n, (subject, tally)) in report.subjects.iter().zip(&tallies).enumerate() {
        Cloud { n, subject, tally, mode: report.mode.as_deref(), baseline }.write(&mut out)?;
    }
    out.write_all(b"</main>\n")?;
    page::foot(&mut out, report)?;
    out.flush()
}

/// From when to when the snapshots were taken.
fn period(report: &Report) -> String {
    let times = || report.subjects.iter().map(|s| s.taken_at);
    match (times().min(), times().max()) {
        (Some(first), Some(last)) if first == last => format!("State of {first:.0}"),
        (Some(first), Some(last)) => format!("States of {first:.0} to {last:.0}"),
        (None, _) | (_, None) => "No cloud was judged".to_owned(),
    }
}

fn tiles(out: &mut impl Write, report: &Report, all: &Tally) -> io::Result<()> {
    let s = &report.summary;
    let mut tiles = vec![
        ("fail", all.fails(), "open findings"),
        ("fail", s.failed, "rules broken"),
        ("unknown", s.not_judged, "rules not judged"),
        ("unknown", s.missing, "without evidence"),
        ("waived", all.waived, "findings waived"),
        ("pass", s.passed, "rules hold"),
    ];
    if all.compared {
        tiles.insert(1, ("new", all.new, "new since the baseline"));
    }
    out.write_all(b"<ul class=\"tiles\">\n")?;
    for (class, n, label) in tiles {
        writeln!(out, "<li class=\"{class}\"><b>{n}</b><span>{label}</span>")?;
    }
    out.write_all(b"</ul>\n")
}

/// A row for each cloud, with a bar of its findings.
fn clouds(out: &mut impl Write, report: &Report, tallies: &[Tally]) -> io::Result<()> {
    out.write_all(
        b"<section aria-labelledby=\"clouds\">\n<h2 id=\"clouds\">Clouds</h2>\n\
          <div class=\"wide\"><table class=\"clouds\"><caption class=\"sr\">Clouds and their open findings</caption>\
          <thead><tr><th scope=\"col\">Cloud<th scope=\"col\">Verdict<th scope=\"col\">Open findings",
    )?;
    for severity in Severity::ALL {
        write!(out, "<th scope=\"col\" class=\"num\">{severity}")?;
    }
    out.write_all(
        b"<th scope=\"col\" class=\"num\">not judged<th scope=\"col\" class=\"num\">waived\
          <th scope=\"col\" class=\"num\">gaps</thead><tbody>\n",
    )?;
    let most = tallies.iter().map(Tally::fails).max().unwrap_or(0);
    for (n, (subject, tally)) in report.subjects.iter().zip(tallies).enumerate() {
        write!(
            out,
            "<tr><th scope=\"row\"><a href=\"#s{n}\">{}</a><td><span class=\"chip {}\">{}</span><td class=bar>",
            Text(subject.snapshot.to_string()),
            subject.verdict,
            verdict(subject.verdict)
        )?;
        chart::bar(out, tally, most)?;
        for severity in Severity::ALL {
            write!(out, "<td class=num>{}", tally.open.get(&severity).unwrap_or(&0))?;
        }
        writeln!(
            out,
            "<td class=num>{}<td class=num>{}<td class=num>{}",
            tally.not_judged + tally.missing,
            tally.waived,
            subject.gaps.len()
        )?;
    }
    out.write_all(b"</tbody></table></div>\n")?;
    chart::legend(out)?;
    out.write_all(b"</section>\n")
}

/// A chart for each cloud of which several snapshots are known.
fn trends(out: &mut impl Write, report: &Report, history: &[TrendPoint]) -> io::Result<()> {
    // A report that leaves out what is known cannot say how much there is.
    let whole = left_out(report) == 0;
    let own = report.subjects.iter().filter(|_| whole);
    let own: Vec<TrendPoint> = own.map(TrendPoint::from).collect();
    let mut clouds: BTreeMap<&Subject, BTreeMap<u64, &TrendPoint>> = BTreeMap::new();
    for subject in &report.subjects {
        clouds.entry(&subject.snapshot.subject).or_default();
    }
    for point in &own {
        clouds.entry(&point.snapshot.subject).or_default().insert(point.snapshot.seq, point);
    }
    for point in history {
        if let Some(points) = clouds.get_mut(&point.snapshot.subject) {
            points.entry(point.snapshot.seq).or_insert(point);
        }
    }
    clouds.retain(|_, points| points.len() > 1);
    if clouds.is_empty() {
        return Ok(());
    }
    out.write_all(
        b"<section aria-labelledby=\"trend\">\n<h2 id=\"trend\">Open findings over time</h2>\n\
          <p class=\"soft\">What no waiver accepts. A mark under the axis says that something could not be judged.</p>\n",
    )?;
    for (name, points) in clouds {
        let points: Vec<&TrendPoint> = points.into_values().collect();
        writeln!(out, "<h3>{}</h3>", Text(name.as_str()))?;
        chart::trend(out, name.as_str(), &points)?;
        chart::numbers(out, &points)?;
    }
    out.write_all(b"</section>\n")
}

#[cfg(test)]
mod tests;
