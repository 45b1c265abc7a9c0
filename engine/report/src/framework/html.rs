//! The states of controls for auditors: one page that needs no network and no
//! script.

use std::io::{self, BufWriter, Write};

use super::{
    About, ControlReport, ControlState, FrameworkReport, FrameworkSubject, RuleEvidence, RuleState,
};
use crate::Report;
use crate::html::escape::{Prose, Text};
use crate::html::page;
use crate::text::link;

/// So many findings of a rule are listed; `-f json` has all of them.
const LISTED: usize = 50;

/// Writes the page: for each framework and cloud the numbers, then each control
/// with its rules and what they found, and the controls without a rule by id.
///
/// # Errors
/// Those of `out`.
pub fn framework_html(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let names: Vec<String> = report.frameworks.iter().map(|f| f.about.name()).collect();
    let title = format!("Controls of {}", names.join(", "));
    page::head(&mut out, &title)?;
    writeln!(out, "<header>\n<h1>{}</h1>\n</header>\n<main id=\"main\">", Text(&title))?;
    for (n, framework) in report.frameworks.iter().enumerate() {
        one(&mut out, n, framework)?;
    }
    write!(
        out,
        "</main>\n<footer>\n<h2>How to read this</h2>\n\
         <p><span class=\"chip fail\">not satisfied</span> A rule is broken, and nobody accepts it. \
         <span class=\"chip abort\">not judged</span> No rule is broken so, but one could not be judged, lacks evidence \
         or was not asked; that is never satisfied. \
         <span class=\"chip waived\">waived</span> What is broken is accepted by waivers; it stays broken. \
         <span class=\"chip pass\">satisfied</span> {} \
         <span class=\"chip\">not covered</span> No rule for such a cloud is mapped to the control.</p>\n\
         <p>All times are UTC. Written by tidegate {} from the snapshots named above; the same snapshots, rules and \
         mappings give the same page.</p>\n</footer>\n</body>\n</html>\n",
        super::NOTE,
        Text(&report.tool_version),
    )?;
    out.flush()
}

fn one(out: &mut impl Write, n: usize, framework: &FrameworkReport) -> io::Result<()> {
    let FrameworkReport { about, note: _, subjects } = framework;
    let About { id, title: _, edition: _, publisher, source, licence, verified: _, complete: _ } =
        about;
    writeln!(
        out,
        "<section aria-labelledby=\"f{n}\">\n<h2 id=\"f{n}\">{}</h2>\n<dl class=\"facts\">\
         <dt>Id<dd>{}\n<dt>Publisher<dd>{}\n<dt>Source<dd>{}\n<dt>Licence<dd>{}",
        Text(about.name()),
        Text(id),
        Text(publisher),
        match link(source) {
            Some(url) => format!("<a href=\"{0}\">{0}</a>", Text(url)),
            None => Text(source).to_string(),
        },
        Text(licence),
    )?;
    if !about.caveat().is_empty() {
        writeln!(out, "<dt>List<dd><strong>{}</strong>", Text(about.caveat()))?;
    }
    out.write_all(b"</dl>\n")?;
    for (s, subject) in subjects.iter().enumerate() {
        cloud(out, &format!("f{n}-{s}"), subject)?;
    }
    out.write_all(b"</section>\n")
}

fn cloud(out: &mut impl Write, place: &str, subject: &FrameworkSubject) -> io::Result<()> {
    writeln!(
        out,
        "<h3 id=\"{place}\">{}</h3>\n<ul class=\"tiles\">",
        Text(subject.snapshot.to_string())
    )?;
    for state in ControlState::ALL {
        let tile = match state {
            ControlState::NotSatisfied => "fail",
            ControlState::NotJudged => "unknown",
            ControlState::Waived => "waived",
            ControlState::Satisfied => "pass",
            ControlState::NotCovered => "soft",
        };
        writeln!(
            out,
            "<li class=\"{tile}\"><b>{}</b><span>{}</span>",
            subject.counts.of(state),
            state.words()
        )?;
    }
    out.write_all(b"</ul>\n")?;
    for control in subject.controls.iter().filter(|c| c.state != ControlState::NotCovered) {
        self::control(out, subject, control)?;
    }
    let mut bare =
        subject.controls.iter().filter(|c| c.state == ControlState::NotCovered).peekable();
    if bare.peek().is_some() {
        out.write_all(b"<p>Not covered by any rule for such a cloud:</p>\n<ul class=\"plain\">\n")?;
        for ControlReport { id, title, .. } in bare {
            let title = title.as_deref().unwrap_or_default();
            writeln!(out, "<li>{} <span class=\"soft\">{}</span>", Text(id), Text(title))?;
        }
        out.write_all(b"</ul>\n")?;
    }
    Ok(())
}

fn control(
    out: &mut impl Write,
    subject: &FrameworkSubject,
    control: &ControlReport,
) -> io::Result<()> {
    let ControlReport { id, title, state, rules } = control;
    let chip = match state {
        ControlState::NotSatisfied => "fail",
        ControlState::NotJudged => "abort",
        ControlState::Waived => "waived",
        ControlState::Satisfied => "pass",
        ControlState::NotCovered => "",
    };
    let plural = if rules.len() == 1 { "rule" } else { "rules" };
    writeln!(
        out,
        "<details class=\"rule\"><summary><span class=\"chip {chip}\">{}</span><h4>{} {}</h4>\
         <span class=\"count\">{} {plural}</span></summary><div class=\"body\">\n\
         <table><thead><tr><th scope=\"col\">Rule<th scope=\"col\">Verdict<th scope=\"col\">Evidence</thead><tbody>",
        state.words(),
        Text(id),
        Text(title.as_deref().unwrap_or_default()),
        rules.len(),
    )?;
    for (rule, evidence) in rules.iter().filter_map(|id| Some((id, subject.rules.get(id)?))) {
        row(out, rule.as_str(), evidence)?;
    }
    out.write_all(b"</tbody></table>\n</div></details>\n")
}

fn row(out: &mut impl Write, rule: &str, evidence: &RuleEvidence) -> io::Result<()> {
    let chip = match evidence.state {
        RuleState::Fail => "fail",
        RuleState::Missing => "missing",
        RuleState::NotJudged | RuleState::NotEvaluated => "abort",
        RuleState::Waived => "waived",
        RuleState::Pass => "pass",
    };
    write!(
        out,
        "<tr><th scope=\"row\"><code>{}</code><small>{}</small>\
         <td><span class=\"chip {chip}\">{}</span><td><p>{}</p>",
        Text(rule),
        Prose(evidence.title.as_deref().unwrap_or_default()),
        evidence.state.words(),
        evidence.numbers(),
    )?;
    let why = evidence.why();
    if !why.is_empty() {
        write!(out, "<p>{}</p>", Prose(&why))?;
    }
    let broken = || evidence.findings.iter().filter(|f| matches!(f.state, "fail" | "waived"));
    for finding in broken().take(LISTED) {
        write!(
            out,
            "<p><code>{}</code> {}{} <small>{}</small></p>",
            Text(&finding.on),
            Prose(&finding.message),
            if finding.state == "waived" { " (waived)" } else { "" },
            Text(&finding.id),
        )?;
    }
    let more = broken().count().saturating_sub(LISTED);
    if more > 0 {
        write!(out, "<p class=\"soft\">… and {more} more</p>")?;
    }
    writeln!(out)
}
