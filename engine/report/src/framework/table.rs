//! The states of controls for people at a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{ControlReport, ControlState, FrameworkReport, FrameworkSubject, RuleState};
use crate::text::printable;
use crate::{Report, TableOptions};

/// More resources of one rule than fit a line help nobody at a terminal.
const SHOWN: usize = 5;

/// Draws the frameworks of a report, one after the other: for each cloud the
/// numbers, then its controls in the catalogue's order. Controls that are
/// satisfied or not covered are only counted unless `verbose`; `quiet` leaves
/// those that are not satisfied. The text ends in a newline.
#[must_use]
pub fn framework_table(report: &Report, options: &TableOptions) -> String {
    let mut text = String::new();
    for (n, framework) in report.frameworks.iter().enumerate() {
        if n > 0 {
            text.push('\n');
        }
        one(framework, options, &mut text);
    }
    text
}

fn one(framework: &FrameworkReport, options: &TableOptions, text: &mut String) {
    let FrameworkReport { about, note, subjects } = framework;
    let head = format!("{}  ({}, {})", about.name(), about.id, about.publisher);
    let _ = writeln!(text, "{}", paint(options, Style::new().bold(), &printable(&head)));
    if !about.caveat().is_empty() {
        let _ = writeln!(text, "{}", about.caveat());
    }
    text.push('\n');
    for subject in subjects {
        cloud(subject, options, text);
    }
    if !options.quiet {
        let _ = writeln!(text, "{note}");
    }
}

fn cloud(subject: &FrameworkSubject, options: &TableOptions, text: &mut String) {
    let numbers = ControlState::ALL.map(|s| format!("{} {}", subject.counts.of(s), s.words()));
    let _ = writeln!(text, "{}  {}\n", subject.snapshot, numbers.join(" · "));
    for control in &subject.controls {
        let shown = match control.state {
            ControlState::NotSatisfied => true,
            ControlState::NotJudged | ControlState::Waived => !options.quiet,
            ControlState::Satisfied | ControlState::NotCovered => options.verbose,
        };
        if shown {
            draw(subject, control, options, text);
        }
    }
    let bundles: Vec<&str> = subject.bundles_not_asked().into_iter().collect();
    if !bundles.is_empty() && !options.quiet {
        let _ = writeln!(
            text,
            "Not asked were rules of {}: name them with --bundle, or give check only --framework.\n",
            bundles.join(", ")
        );
    }
}

fn draw(
    subject: &FrameworkSubject,
    control: &ControlReport,
    options: &TableOptions,
    text: &mut String,
) {
    let ControlReport { id, title, state, rules } = control;
    let label = paint(options, style(*state), &format!("{:<13}", state.words()));
    let line = format!("{label}  {}  {}", printable(id), printable(title.as_deref().unwrap_or("")));
    let _ = writeln!(text, "{}", line.trim_end());
    for (rule, evidence) in rules.iter().filter_map(|id| Some((id, subject.rules.get(id)?))) {
        if evidence.state == RuleState::Pass && !options.verbose {
            continue;
        }
        let mut line = format!("               {rule}: {}", evidence.numbers());
        let why = evidence.why();
        if !why.is_empty() {
            let _ = write!(line, " ({})", printable(&why));
        }
        let _ = writeln!(text, "{line}");
        let broken = evidence.findings.iter().filter(|f| matches!(f.state, "fail" | "waived"));
        let shown = if options.verbose { usize::MAX } else { SHOWN };
        for finding in broken.clone().take(shown) {
            let waived = if finding.state == "waived" { "  (waived)" } else { "" };
            let _ = writeln!(text, "                 {}{waived}", printable(&finding.on));
        }
        let more = broken.count().saturating_sub(shown);
        if more > 0 {
            let _ = writeln!(text, "                 … and {more} more (-v lists them)");
        }
    }
    text.push('\n');
}

fn style(state: ControlState) -> Style {
    let color = match state {
        ControlState::NotSatisfied => AnsiColor::Red,
        ControlState::NotJudged => AnsiColor::Yellow,
        ControlState::Waived => AnsiColor::Magenta,
        ControlState::Satisfied => AnsiColor::Green,
        ControlState::NotCovered => return Style::new().dimmed(),
    };
    color.on_default().bold()
}

fn paint(options: &TableOptions, style: Style, text: &str) -> String {
    if options.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}
