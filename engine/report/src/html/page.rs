//! The frame of the page: head, policy against foreign code, filter, footer.

use std::fmt::Display;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate_model::{Digest, Severity};

use super::escape::Text;
use crate::Report;
use crate::tally::Tally;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("filter.js");

/// The hash by which a Content Security Policy admits an inline text.
fn hash(text: &str) -> impl Display {
    format!("'sha256-{}'", STANDARD.encode(Digest::of(text.as_bytes()).0))
}

/// Up to the opening of `body`. The policy admits this style and this script
/// and nothing else: even markup that came through could not load or run.
pub(crate) fn head(out: &mut impl Write, title: &str) -> io::Result<()> {
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; \
         script-src {}; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the content</a>\n",
        hash(STYLE),
        hash(SCRIPT),
        Text(title),
    )
}

/// The controls of the filter; without script they stay hidden.
pub(super) fn filter(out: &mut impl Write, tally: &Tally) -> io::Result<()> {
    out.write_all(
        b"<form id=\"filter\" role=\"search\" aria-label=\"Findings\" hidden>\n\
          <label>Search <input type=\"search\" name=\"text\" placeholder=\"name, id, project, words\"></label>\n",
    )?;
    let severities = Severity::ALL.map(|s| (s.to_string(), s.to_string()));
    options(out, "Severity", "severity", &severities)?;
    let states = [("open", "broken"), ("unknown", "not judged"), ("waived", "waived")]
        .map(|(value, label)| (value.to_owned(), label.to_owned()));
    options(out, "State", "state", &states)?;
    if tally.compared {
        out.write_all(
            b"<label><input type=\"checkbox\" name=\"new\"> only what the baseline does not have</label>\n",
        )?;
    }
    out.write_all(
        b"<button type=\"button\" id=\"unfold\">Open all</button>\n\
          <button type=\"button\" id=\"fold\">Close all</button>\n\
          <button type=\"reset\">Clear</button>\n\
          <output aria-live=\"polite\"></output>\n</form>\n",
    )
}

fn options(
    out: &mut impl Write,
    legend: &str,
    name: &str,
    options: &[(String, String)],
) -> io::Result<()> {
    write!(out, "<fieldset><legend>{legend}</legend>")?;
    for (value, label) in options {
        write!(
            out,
            "<label><input type=\"checkbox\" name=\"{name}\" value=\"{value}\" checked> {label}</label> "
        )?;
    }
    out.write_all(b"</fieldset>\n")
}

/// How to read the page, and the end of the document.
pub(super) fn foot(out: &mut impl Write, report: &Report) -> io::Result<()> {
    write!(
        out,
        "<footer>\n<h2>How to read this</h2>\n\
         <p><span class=\"chip fail\">fail</span> A rule is broken. \
         <span class=\"chip abort\">not judged</span> It could not be decided, because something \
         could not be seen or the rule could not tell; that is never a pass. \
         <span class=\"chip missing\">missing</span> Nobody has given evidence, or it has expired. \
         <span class=\"chip waived\">waived</span> A rule is broken and somebody answers for it until \
         the day given; it stays a fail of the cloud.</p>\n\
         <p>Each finding keeps its id from run to run; the id is the end of its address in this page. \
         All times are UTC. Written by tidegate {} from the snapshots named above; the same snapshots \
         and rules give the same page.</p>\n</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        Text(&report.tool_version),
    )
}
