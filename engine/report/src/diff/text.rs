//! The difference for people at a terminal.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{CoverageDiff, DiffKind, DiffPoint, FindingDiff, FindingsDiff, ResourceDiff, draw};
use crate::text::printable;

/// How changed resources are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiffView {
    /// Lines that went and came, one below the other.
    #[default]
    Unified,
    /// Before on the left, after on the right.
    SideBySide,
    /// Resources by name, without what changed in them.
    Names,
}

/// How the text is drawn.
#[derive(Debug, Clone, Copy, Default)]
pub struct DiffTextOptions {
    /// With ANSI colours.
    pub color: bool,
    /// What is shown of changed resources.
    pub view: DiffView,
    /// Columns of the terminal, for the view side by side; at least 40 are used.
    pub width: usize,
}

const BOLD: Style = Style::new().bold();

/// Draws a difference: [`DiffText::begin`], then resources, then
/// [`DiffText::end`].
pub struct DiffText<'w> {
    out: &'w mut dyn Write,
    options: DiffTextOptions,
    counts: BTreeMap<DiffKind, u64>,
}

impl<'w> DiffText<'w> {
    /// Draws the head and what was seen otherwise.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn begin(
        out: &'w mut dyn Write,
        options: DiffTextOptions,
        from: &DiffPoint,
        to: &DiffPoint,
        coverage: &[CoverageDiff],
    ) -> io::Result<Self> {
        let text = Self { out, options, counts: BTreeMap::new() };
        let title = text.paint(BOLD, &format!("{} → {}", from.snapshot, to.snapshot));
        writeln!(text.out, "{title}  taken {:.0} and {:.0}\n", from.taken_at, to.taken_at)?;
        for c in coverage {
            let [was, is] = [&c.before, &c.after].map(|s| s.as_deref().unwrap_or("not asked for"));
            let label = text.paint(AnsiColor::Yellow.on_default().bold(), "coverage");
            let region = c.region.as_deref().unwrap_or("-");
            writeln!(text.out, "{label}  {} {region}: {was} → {is}", c.kind)?;
        }
        if !coverage.is_empty() {
            writeln!(text.out)?;
        }
        Ok(text)
    }

    /// Draws one resource.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn resource(&mut self, resource: &ResourceDiff) -> io::Result<()> {
        *self.counts.entry(resource.change).or_default() += 1;
        let color = match resource.change {
            DiffKind::Created => AnsiColor::Green,
            DiffKind::Changed => AnsiColor::Cyan,
            DiffKind::Removed => AnsiColor::Red,
            DiffKind::Unseen | DiffKind::Seen => AnsiColor::Yellow,
        };
        let label =
            self.paint(color.on_default().bold(), &format!("{:<8}", resource.change.name()));
        let name = resource.name.as_deref().map(printable).unwrap_or_default();
        let name = if name.is_empty() { String::new() } else { format!("  {name}") };
        writeln!(self.out, "{label}  {}{name}", resource.key)?;
        let (Some(before), Some(after)) = (&resource.before, &resource.after) else {
            return Ok(());
        };
        if before == after || self.options.view == DiffView::Names {
            return Ok(());
        }
        draw::bodies(self.out, self.options, before, after)
    }

    /// Draws what became of findings, and the numbers.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(mut self, findings: Option<&FindingsDiff>) -> io::Result<()> {
        if !self.counts.is_empty() {
            writeln!(self.out)?;
        }
        if let Some(FindingsDiff { new, resolved, undecidable, still_failing }) = findings {
            for (what, style, all) in [
                ("new finding", AnsiColor::Red, new),
                ("resolved", AnsiColor::Green, resolved),
                ("not judged any more", AnsiColor::Yellow, undecidable),
            ] {
                for one in all {
                    self.finding(what, style.on_default().bold(), one)?;
                }
            }
            let numbers = [new.len(), resolved.len(), undecidable.len(), *still_failing];
            let [new, resolved, undecidable, still] = numbers;
            writeln!(
                self.out,
                "findings: {new} new, {resolved} resolved, {undecidable} not judged any more, \
                 {still} still failing"
            )?;
        }
        let count = |kind| self.counts.get(&kind).copied().unwrap_or(0);
        writeln!(
            self.out,
            "{} created, {} changed, {} removed, {} no longer seen, {} seen again",
            count(DiffKind::Created),
            count(DiffKind::Changed),
            count(DiffKind::Removed),
            count(DiffKind::Unseen),
            count(DiffKind::Seen),
        )?;
        self.out.flush()
    }

    fn finding(&mut self, what: &str, style: Style, one: &FindingDiff) -> io::Result<()> {
        let FindingDiff { rule, severity, resource, cause, message } = one;
        let label = self.paint(style, what);
        let severity = severity.map_or_else(String::new, |s| format!(" {s}"));
        let resource = resource.as_deref().unwrap_or("-");
        writeln!(self.out, "{label}  {rule}{severity}  {resource}  (changed: the {cause})")?;
        if !message.is_empty() {
            writeln!(self.out, "    {message}")?;
        }
        Ok(())
    }

    fn paint(&self, style: Style, text: &str) -> String {
        draw::paint(self.options.color, style, text)
    }
}
