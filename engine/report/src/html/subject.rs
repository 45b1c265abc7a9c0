//! One cloud: scopes, what is new, what is broken, what could not be judged,
//! what is waived, what holds, and what was looked at.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use tidegate_model::{Status, Verdict};

use super::escape::{Prose, Text};
use super::findings::{Group, address, group, place, since, waiver};
use crate::tally::{Tally, count, without_rules};
use crate::text::{State, message};
use crate::{Change, ReportFinding, ReportRule, Resolved, ScopeReport, SubjectReport, Waived};

/// New findings named at the head of a cloud; all are marked where they stand.
const NEW: usize = 25;

pub(super) struct Cloud<'a> {
    pub(super) n: usize,
    pub(super) subject: &'a SubjectReport,
    pub(super) tally: &'a Tally,
    pub(super) mode: Option<&'a str>,
    /// The baseline's name, where there is one.
    pub(super) baseline: Option<&'a str>,
}

impl Cloud<'_> {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "<section class=\"cloud\" aria-labelledby=\"s{0}\">\n<h2 id=\"s{0}\">{1} <span class=\"chip {2}\">{3}</span></h2>",
            self.n,
            Text(self.subject.snapshot.subject.as_str()),
            self.subject.verdict,
            verdict(self.subject.verdict),
        )?;
        self.facts(out)?;
        if let Some(why) = without_rules(self.subject) {
            writeln!(
                out,
                "<p><span class=\"chip {}\">{}</span> {why}</p>",
                self.subject.verdict,
                verdict(self.subject.verdict)
            )?;
        }
        self.scopes(out)?;
        self.added(out)?;
        self.resolved(out)?;
        self.broken(out)?;
        self.unknown(out)?;
        self.waived(out)?;
        self.gaps(out)?;
        self.passed(out)?;
        self.coverage(out)?;
        out.write_all(b"</section>\n")
    }

    fn facts(&self, out: &mut impl Write) -> io::Result<()> {
        let SubjectReport { snapshot, taken_at, reference_time, rule_set, .. } = self.subject;
        write!(
            out,
            "<dl class=\"facts\"><dt>Snapshot<dd><code>{}</code><dt>Taken<dd>{taken_at:.0}",
            Text(snapshot.to_string())
        )?;
        if reference_time != taken_at {
            write!(out, "<dt>Judged as of<dd>{reference_time:.0}")?;
        }
        if let Some(mode) = self.mode {
            write!(out, "<dt>Mode<dd>{}", Text(mode))?;
        }
        writeln!(out, "<dt>Rule set<dd><code>{rule_set}</code></dl>")
    }

    fn scopes(&self, out: &mut impl Write) -> io::Result<()> {
        if self.subject.scopes.is_empty() {
            return Ok(());
        }
        out.write_all(
            b"<h3>Scopes</h3>\n<div class=\"wide\"><table><caption class=\"sr\">Verdicts of certificate scopes</caption>\
              <thead><tr><th scope=\"col\">Scope<th scope=\"col\">Verdict<th scope=\"col\" class=\"num\">Testcases\
              <th scope=\"col\" class=\"num\">Pass<th scope=\"col\" class=\"num\">Fail<th scope=\"col\" class=\"num\">Not judged\
              <th scope=\"col\" class=\"num\">Missing</thead><tbody>\n",
        )?;
        for scope in &self.subject.scopes {
            let of = |v| scope.testcases.iter().filter(|t| t.verdict == v).count();
            writeln!(
                out,
                "<tr><th scope=\"row\">{} {} <small>{}</small><td><span class=\"chip {}\">{}</span>\
                 <td class=num>{}<td class=num>{}<td class=num>{}<td class=num>{}<td class=num>{}",
                Text(&scope.title),
                Text(&scope.version),
                Text(&scope.state),
                scope.verdict,
                verdict(scope.verdict),
                scope.testcases.len(),
                of(Verdict::Pass),
                of(Verdict::Fail),
                of(Verdict::Abort),
                of(Verdict::Missing),
            )?;
        }
        out.write_all(b"</tbody></table></div>\n")?;
        self.subject.scopes.iter().try_for_each(|s| testcases(out, s))
    }

    /// What the baseline does not have, with links to where it stands.
    fn added(&self, out: &mut impl Write) -> io::Result<()> {
        if !self.tally.compared && self.baseline.is_none() {
            return Ok(());
        }
        writeln!(
            out,
            "<h3>New since {} <small>{}</small></h3>",
            Text(self.baseline.unwrap_or("the baseline")),
            count(self.tally.new, "finding")
        )?;
        if self.tally.new == 0 {
            return out.write_all(b"<p>Nothing.</p>\n");
        }
        let all = self.subject.rules.iter().flat_map(|r| r.findings.iter().map(move |f| (r, f)));
        let new = all
            .filter(|(_, f)| State::of(f) != State::Waived && f.change.is_some_and(Change::is_new));
        out.write_all(
            b"<table class=\"cells\"><caption class=\"sr\">New findings</caption><thead><tr>\
              <th scope=\"col\">Resource<th scope=\"col\">Finding</thead><tbody>\n",
        )?;
        for (rule, finding) in new.take(NEW) {
            out.write_all(b"<tr><td class=where>")?;
            place(out, finding)?;
            let change = finding.change.map_or("", since);
            writeln!(
                out,
                "<td><span class=\"chip {0}\">{0}</span> <span class=\"chip change\">{change}</span> \
                 {1} <small><a href=\"#{2}\">{3}</a></small>",
                rule.meta.severity,
                Prose(&message(finding)),
                address(self.n, finding),
                Text(rule.meta.id.as_str()),
            )?;
        }
        out.write_all(b"</tbody></table>\n")?;
        if let Some(more) = self.tally.new.checked_sub(NEW).filter(|&n| n > 0) {
            writeln!(out, "<p class=\"soft\">And {more} more, marked below.</p>")?;
        }
        Ok(())
    }

    /// What only the baseline has.
    fn resolved(&self, out: &mut impl Write) -> io::Result<()> {
        let resolved = &self.subject.resolved;
        if resolved.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<h3>No longer found <small>{}</small></h3>\n<details class=\"print\"><summary>What the baseline \
             has and this snapshot has not</summary><table class=\"cells\"><caption class=\"sr\">No longer \
             found</caption><thead><tr><th scope=\"col\">Resource<th scope=\"col\">Rule and reason</thead><tbody>",
            count(resolved.len(), "finding")
        )?;
        for Resolved { id: _, rule, resource, change } in resolved {
            let why = match change {
                Change::New | Change::Unchanged => "",
                Change::Policy => " – the rule changed",
                Change::Coverage => " – it can no longer be judged, and may still be there",
            };
            writeln!(
                out,
                "<tr><td class=where><code>{}</code><td><code>{}</code>{why}",
                Text(resource.as_deref().unwrap_or("–")),
                Text(rule)
            )?;
        }
        out.write_all(b"</tbody></table></details>\n")
    }

    /// By rule, worst severity first. A rule stands in the order of a subject by
    /// its worst verdict, which may be another one than that of these states.
    fn groups<'a>(&'a self, state: &'static str, states: &[State]) -> Vec<Group<'a>> {
        let rules = self.subject.rules.iter();
        let mut groups: Vec<_> = rules.filter_map(|r| group(self.n, r, state, states)).collect();
        groups.sort_by_key(|g| Reverse(g.rule.meta.severity));
        groups
    }

    /// A rule whose every fail is waived is not here.
    fn broken(&self, out: &mut impl Write) -> io::Result<()> {
        if without_rules(self.subject).is_some() {
            return Ok(());
        }
        let groups = self.groups("open", &[State::Fail]);
        let found = self.tally.fails();
        writeln!(
            out,
            "<h3>Broken <small>{} with {}</small></h3>",
            count(groups.len(), "rule"),
            count(found, "finding")
        )?;
        if groups.is_empty() {
            out.write_all(b"<p>No rule is broken without a waiver.</p>\n")?;
        }
        groups.iter().try_for_each(|g| g.write(out))
    }

    fn unknown(&self, out: &mut impl Write) -> io::Result<()> {
        let groups = self.groups("unknown", &[State::NotJudged, State::Missing]);
        if groups.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<h3>Could not be judged <small>{}, {} not judged, {} without evidence; none of it is a pass</small></h3>",
            count(groups.len(), "rule"),
            self.tally.not_judged,
            self.tally.missing
        )?;
        groups.iter().try_for_each(|g| g.write(out))
    }

    /// By waiver, the one that ends first at the head.
    fn waived(&self, out: &mut impl Write) -> io::Result<()> {
        type Rules<'a> = Vec<(&'a ReportRule, Vec<&'a ReportFinding>)>;
        let mut waivers: BTreeMap<(Date, &str), (&Waived, Rules<'_>)> = BTreeMap::new();
        for rule in &self.subject.rules {
            for finding in &rule.findings {
                let Some(waived) = finding.waiver.as_ref() else { continue };
                if State::of(finding) != State::Waived {
                    continue;
                }
                let key = (waived.expires, waived.id.as_str());
                let (_, rules) = waivers.entry(key).or_insert_with(|| (waived, Vec::new()));
                match rules.last_mut() {
                    Some((last, findings)) if std::ptr::eq(*last, rule) => findings.push(finding),
                    _ => rules.push((rule, vec![finding])),
                }
            }
        }
        if waivers.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<h3>Waived <small>{} under {}</small></h3>",
            count(self.tally.waived, "finding"),
            count(waivers.len(), "waiver")
        )?;
        let judged = self.subject.reference_time.to_zoned(TimeZone::UTC).date();
        for ((expires, _), (waived, rules)) in waivers {
            out.write_all(b"<article class=\"waiver\">\n")?;
            waiver(out, waived, judged.until(expires).ok().map(|s| s.get_days()))?;
            for (rule, findings) in rules {
                Group { subject: self.n, rule, findings, state: "waived" }.write(out)?;
            }
            out.write_all(b"</article>\n")?;
        }
        Ok(())
    }

    fn gaps(&self, out: &mut impl Write) -> io::Result<()> {
        let gaps = &self.subject.gaps;
        if gaps.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<h3>Not seen, or not completely <small>{} of {}</small></h3>\n\
             <div class=\"wide\"><table><caption class=\"sr\">Gaps of the collection</caption><thead><tr>\
             <th scope=\"col\">Kind<th scope=\"col\">Region<th scope=\"col\">Why\
             <th scope=\"col\" class=\"num\">Rules that could not be judged for want of it</thead><tbody>",
            gaps.len(),
            count(self.subject.coverage.len(), "listing"),
        )?;
        for gap in gaps {
            writeln!(
                out,
                "<tr><th scope=\"row\"><code>{}</code><td>{}<td>{}<td class=num>{}",
                Text(&gap.kind),
                Text(gap.region.as_deref().unwrap_or("–")),
                Text(&gap.reason),
                gap.rules_affected
            )?;
        }
        out.write_all(b"</tbody></table></div>\n")
    }

    fn passed(&self, out: &mut impl Write) -> io::Result<()> {
        let passed = || self.subject.rules.iter().filter(|r| r.verdict == Verdict::Pass);
        if passed().next().is_none() {
            return Ok(());
        }
        writeln!(
            out,
            "<h3>Rules that hold</h3>\n<details class=\"print\"><summary>{}</summary><ul class=\"plain\">",
            count(passed().count(), "rule")
        )?;
        for rule in passed() {
            writeln!(
                out,
                "<li>{} <small><code>{}</code>, {} judged</small>",
                Prose(&rule.meta.title),
                Text(rule.meta.id.as_str()),
                rule.counts.pass
            )?;
        }
        out.write_all(b"</ul></details>\n")
    }

    fn coverage(&self, out: &mut impl Write) -> io::Result<()> {
        if self.subject.coverage.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "<h3>What was looked at</h3>\n<details class=\"print\"><summary>{}</summary>\
             <div class=\"wide\"><table><caption class=\"sr\">Coverage</caption><thead><tr>\
             <th scope=\"col\">Kind<th scope=\"col\">Region<th scope=\"col\">Result\
             <th scope=\"col\">Whose<th scope=\"col\">Read until</thead><tbody>",
            count(self.subject.coverage.len(), "listing")
        )?;
        for c in &self.subject.coverage {
            let result = match &c.status {
                Status::Complete { count: n } => format!("complete, {n}"),
                Status::Subset { .. }
                | Status::Forbidden
                | Status::Absent
                | Status::Failed { .. }
                | Status::Inconsistent => c.status.to_string(),
            };
            writeln!(
                out,
                "<tr><th scope=\"row\"><code>{}</code><td>{}<td>{}<td>{}<td>{:.0}",
                Text(c.kind.as_str()),
                Text(c.region.as_deref().unwrap_or("–")),
                Text(result),
                Text(c.visibility.to_string()),
                c.read_until
            )?;
        }
        out.write_all(b"</tbody></table></div></details>\n")
    }
}

/// The testcases of a scope, folded, worst first.
fn testcases(out: &mut impl Write, scope: &ScopeReport) -> io::Result<()> {
    writeln!(
        out,
        "<details class=\"print\"><summary>Testcases of {} {}</summary><div class=\"wide\"><table>\
         <caption class=\"sr\">Testcases</caption><thead><tr><th scope=\"col\">Testcase\
         <th scope=\"col\">Verdict<th scope=\"col\">Counts for<th scope=\"col\">Counts until</thead><tbody>",
        Text(&scope.title),
        Text(&scope.version)
    )?;
    let mut testcases: Vec<_> = scope.testcases.iter().collect();
    testcases.sort_by_key(|t| Reverse(t.verdict));
    for testcase in testcases {
        write!(
            out,
            "<tr><th scope=\"row\"><code>{}</code><td><span class=\"chip {}\">{}</span><td>{}<td>",
            Text(&testcase.id),
            testcase.verdict,
            verdict(testcase.verdict),
            Text(&testcase.target)
        )?;
        match (testcase.expires, testcase.expired) {
            (None, _) => out.write_all(b"no rule judges it\n")?,
            (Some(day), true) => writeln!(out, "expired on {day}")?,
            (Some(day), false) => writeln!(out, "{day}")?,
        }
    }
    out.write_all(b"</tbody></table></div></details>\n")
}

/// A verdict as people read it.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Abort => "not judged",
        Verdict::Missing => "missing",
        Verdict::Fail => "fail",
    }
}
