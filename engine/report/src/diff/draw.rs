//! A changed body for people: what went and came, line by line.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use similar::{ChangeTag, DiffOp, TextDiff};

use super::{DiffTextOptions, DiffView};
use crate::text::printable;

/// Lines shown around a change.
const CONTEXT: usize = 2;
const DIM: Style = Style::new().dimmed();
const WENT: Style = AnsiColor::Red.on_default();
const CAME: Style = AnsiColor::Green.on_default();

/// The text in a style, or as it is without colours.
pub(crate) fn paint(color: bool, style: Style, text: &str) -> String {
    if color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Draws what changed from one body to another, an empty line after each group
/// of neighbouring changes; nothing if only names are asked for.
pub(crate) fn bodies(
    out: &mut dyn Write,
    options: DiffTextOptions,
    before: &Value,
    after: &Value,
) -> io::Result<()> {
    let [before, after] = [before, after].map(lines);
    let diff = TextDiff::from_lines(&before, &after);
    for group in diff.grouped_ops(CONTEXT) {
        match options.view {
            DiffView::Unified => unified(out, options, &diff, &group)?,
            DiffView::SideBySide => side_by_side(out, options, &diff, &group)?,
            DiffView::Names => return Ok(()),
        }
        writeln!(out)?;
    }
    Ok(())
}

fn unified<'a>(
    out: &mut dyn Write,
    options: DiffTextOptions,
    diff: &TextDiff<'a, 'a, str>,
    group: &[DiffOp],
) -> io::Result<()> {
    for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
        let line = printable(change.value().trim_end_matches('\n'));
        let (sign, style) = match change.tag() {
            ChangeTag::Equal => (' ', DIM),
            ChangeTag::Delete => ('-', WENT),
            ChangeTag::Insert => ('+', CAME),
        };
        writeln!(out, "    {}", paint(options.color, style, &format!("{sign} {line}")))?;
    }
    Ok(())
}

fn side_by_side<'a>(
    out: &mut dyn Write,
    options: DiffTextOptions,
    diff: &TextDiff<'a, 'a, str>,
    group: &[DiffOp],
) -> io::Result<()> {
    let half = (options.width.max(40) - 7) / 2;
    for op in group {
        let of = |tag| {
            let changes = diff.iter_changes(op).filter(move |c| c.tag() == tag);
            changes.map(|c| printable(c.value().trim_end_matches('\n')).into_owned())
        };
        let equal: Vec<String> = of(ChangeTag::Equal).collect();
        let left: Vec<String> = equal.iter().cloned().chain(of(ChangeTag::Delete)).collect();
        let right: Vec<String> = equal.iter().cloned().chain(of(ChangeTag::Insert)).collect();
        for n in 0..left.len().max(right.len()) {
            let (l, r) = (left.get(n), right.get(n));
            let (mark, styles) = match (l, r) {
                (Some(_), Some(_)) if equal.len() > n => (' ', [DIM, DIM]),
                (Some(_), Some(_)) => ('|', [WENT, CAME]),
                (Some(_), None) => ('<', [WENT, CAME]),
                (None, _) => ('>', [WENT, CAME]),
            };
            let [l, r] = [l, r].map(|t| fit(t.map_or("", String::as_str), half));
            let [left_style, right_style] = styles;
            let l = paint(options.color, left_style, &l);
            let r = paint(options.color, right_style, r.trim_end());
            let line = format!("    {l} {mark} {r}");
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

/// A body as lines: indented JSON.
fn lines(body: &Value) -> String {
    let mut text = serde_json::to_string_pretty(body).unwrap_or_default();
    text.push('\n');
    text
}

/// Exactly so many columns, one for each character; what is cut ends in `…`.
fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:<width$}");
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}
