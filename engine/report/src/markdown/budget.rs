//! Writes what fits and counts what does not.

use std::io::{self, Write};

use crate::tally::count;

/// What the last line may take.
const LAST_LINE: usize = 320;
/// What `And 44000 more.` may take.
const MORE: usize = 40;

/// What could not be listed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) clouds: usize,
    pub(super) scopes: usize,
    pub(super) rules: usize,
    pub(super) findings: usize,
    pub(super) resolved: usize,
    pub(super) gaps: usize,
}

pub(super) struct Budget<'a> {
    out: &'a mut dyn Write,
    used: usize,
    budget: usize,
    /// Up to where the part being written may go.
    limit: usize,
    pub(super) left: LeftOut,
}

impl<'a> Budget<'a> {
    pub(super) fn new(out: &'a mut dyn Write, budget: usize) -> Self {
        let limit = budget.saturating_sub(LAST_LINE);
        Self { out, used: 0, budget, limit, left: LeftOut::default() }
    }

    /// Gives the next part `share` hundredths of what is left, or of what is
    /// left of `of` equal parts.
    pub(super) fn part(&mut self, share: usize, of: usize) {
        let whole = self.budget.saturating_sub(LAST_LINE);
        let left = whole.saturating_sub(self.used) / of.max(1);
        self.limit = (self.used + left * share / 100).min(whole);
    }

    fn fits(&self, bytes: usize) -> bool {
        self.used + bytes <= self.limit
    }

    /// Writes all of `text` or, if it does not fit, nothing; whether it did.
    pub(super) fn put(&mut self, text: &str) -> io::Result<bool> {
        let fits = self.fits(text.len());
        if fits {
            self.used += text.len();
            self.out.write_all(text.as_bytes())?;
        }
        Ok(fits)
    }

    /// Writes `head`, as many `rows` as fit but at most `most`, how many are
    /// missing, and `tail`: how many rows of `total` were written, or `None`
    /// if not even one fits, and then nothing is written.
    pub(super) fn block(
        &mut self,
        head: &str,
        mut rows: impl Iterator<Item = String>,
        total: usize,
        most: usize,
        tail: &str,
    ) -> io::Result<Option<usize>> {
        let end = tail.len() + MORE;
        let Some(first) = rows.next() else { return Ok(Some(0)) };
        if !self.fits(head.len() + first.len() + end) {
            return Ok(None);
        }
        self.put(head)?;
        self.put(&first)?;
        let mut written = 1;
        for row in rows.take(most.saturating_sub(1)) {
            if !self.fits(row.len() + end) {
                break;
            }
            self.put(&row)?;
            written += 1;
        }
        if written < total {
            self.put(&format!("\nAnd {} more.\n", total - written))?;
        }
        self.put(tail)?;
        Ok(Some(written))
    }

    /// The last line, if anything was left out, and the end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let LeftOut { clouds, scopes, rules, findings, resolved, gaps } = self.left;
        let mut parts = Vec::new();
        if findings > 0 {
            parts.push(count(findings, "finding"));
        }
        if rules > 0 {
            parts.push(format!("{} with all their findings", count(rules, "rule")));
        }
        if clouds > 0 {
            parts.push(count(clouds, "cloud"));
        }
        if scopes > 0 {
            parts.push(count(scopes, "scope"));
        }
        if resolved > 0 {
            parts.push(format!("{} no longer found", count(resolved, "finding")));
        }
        if gaps > 0 {
            parts.push(count(gaps, "gap"));
        }
        if !parts.is_empty() {
            self.limit = self.budget;
            self.put(&format!(
                "**Left out here, to stay within {} bytes or for brevity: {}.** The report as HTML or JSON has them all.\n",
                self.budget,
                parts.join(", ")
            ))?;
        }
        self.out.flush()
    }
}
