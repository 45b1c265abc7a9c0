//! What several formats say in the same words, and which characters of a
//! cloud's names they let through.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tidegate_model::{AbortCode, RuleMeta, Verdict};

use crate::{ReportFinding, SubjectReport, Waived};

/// Where a finding stands, as formats with a small vocabulary have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Broken, and nobody accepts it.
    Fail,
    /// Broken, and accepted by a waiver.
    Waived,
    /// It could not be judged.
    NotJudged,
    /// Nobody has given evidence.
    Missing,
}

impl State {
    /// A waiver accepts a Fail and nothing else.
    pub(crate) fn of(finding: &ReportFinding) -> Self {
        match finding.finding.verdict {
            Verdict::Fail if finding.open() => Self::Fail,
            Verdict::Fail => Self::Waived,
            Verdict::Missing => Self::Missing,
            // No finding is a Pass; if one were, nothing here could vouch for it.
            Verdict::Abort | Verdict::Pass => Self::NotJudged,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Waived => "waived",
            Self::NotJudged => "not_judged",
            Self::Missing => "missing",
        }
    }
}

/// Text on one line without characters that a terminal, a browser or an XML
/// reader would obey or refuse: control characters and line separators become
/// blanks, direction marks and non-characters U+FFFD.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let seen = |c: char| -> char {
        match c {
            c if c.is_control() => ' ',
            '\u{2028}' | '\u{2029}' => ' ',
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => '\u{fffd}',
            '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c => c,
        }
    };
    // Nearly all text is plain ASCII, which needs no copy.
    let plain = |b: u8| (b' '..0x7f).contains(&b);
    if text.bytes().all(plain) || text.chars().all(|c| seen(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(seen).collect())
}

/// What is wrong, on one line: the violations of a Fail, otherwise why there is
/// no verdict. Never empty.
pub(crate) fn message(finding: &ReportFinding) -> String {
    let f = &finding.finding;
    let mut text = String::new();
    if let Some(cause) = &f.cause {
        text.push_str(if f.verdict == Verdict::Missing { "no evidence: " } else { "not judged: " });
        text.push_str(&printable(&cause.message));
    }
    for violation in f.violations.iter() {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&printable(&violation.message));
    }
    if text.is_empty() {
        let _ = write!(text, "{}", f.verdict);
    }
    text
}

/// The class of the reason why there is no verdict, as the JSON has it; empty
/// for a Fail.
pub(crate) fn code(finding: &ReportFinding) -> &'static str {
    match finding.finding.cause.as_ref().map(|c| c.code) {
        None => "",
        Some(AbortCode::Coverage) => "coverage",
        Some(AbortCode::Visibility) => "visibility",
        Some(AbortCode::Unseen) => "unseen",
        Some(AbortCode::Requires) => "requires",
        Some(AbortCode::Join) => "join",
        Some(AbortCode::Undefined) => "undefined",
        Some(AbortCode::Rule) => "rule",
        Some(AbortCode::Evidence) => "evidence",
        Some(AbortCode::Error) => "error",
        Some(AbortCode::Limit) => "limit",
    }
}

/// What the finding is about, without its name: the resource key, the region,
/// or `cloud` for all of it. Keys are ASCII.
pub(crate) fn place(finding: &ReportFinding) -> Cow<'_, str> {
    let f = &finding.finding;
    match (&f.resource, &f.region) {
        (Some(key), _) => Cow::Borrowed(key.as_str()),
        (None, Some(region)) => Cow::Owned(format!("region {}", printable(region))),
        (None, None) => Cow::Borrowed("cloud"),
    }
}

/// Like [`place`], but unlike that of any other finding of the same rule and
/// cloud: several reasons why one region was not judged are several findings,
/// and so are several waivers, which have names and no keys.
pub(crate) fn unique_place(finding: &ReportFinding) -> Cow<'_, str> {
    let f = &finding.finding;
    if f.resource.is_none() && (f.cause.is_some() || f.name.is_some()) {
        let short = finding.id.get(..8).unwrap_or(&finding.id);
        return Cow::Owned(format!("{} #{short}", place(finding)));
    }
    place(finding)
}

/// Who accepts a finding until when and why, on one line.
pub(crate) fn waiver(waived: &Waived) -> String {
    let mut text = format!(
        "waived until {} by {}: {}",
        waived.expires,
        printable(&waived.owner),
        printable(&waived.reason)
    );
    if let Some(ticket) = &waived.ticket {
        let _ = write!(text, " ({})", printable(ticket));
    }
    text
}

/// What may stand in the path of a URI.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// The rule's file in a checkout that keeps bundles in `policies`, as a
/// relative URI: `policies/scs-compatible-iaas/scs-0103/rule.rego`. What is
/// wrong with a waiver is of no kind and stands in the file of waivers itself.
pub(crate) fn rule_path(meta: &RuleMeta) -> String {
    let path = if meta.kinds.is_empty() {
        let file = meta.file.trim_start_matches("./").trim_start_matches('/');
        Cow::Borrowed(if file.is_empty() { "waivers" } else { file })
    } else {
        Cow::Owned(format!("policies/{}/{}", meta.bundle, meta.file))
    };
    utf8_percent_encode(&path, PATH).to_string()
}

/// A link that can stand in a document as it is: `https` or `http`, and no
/// characters that a URI has to escape.
pub(crate) fn link(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let fine = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b);
    (!rest.is_empty() && rest.bytes().all(fine)).then_some(url)
}

/// The seconds of the snapshot's time since 1970.
pub(crate) fn taken_at(subject: &SubjectReport) -> i64 {
    subject.taken_at.as_second()
}

/// Whether no rule said anything about a cloud. Where all that rules said was
/// left out as known from the baseline, some did.
pub(crate) fn silent(subject: &SubjectReport) -> bool {
    subject.rules.is_empty() && subject.verdict == Verdict::Missing
}

/// Whether everything about a cloud was judged: some rule was asked, and no
/// rule and no scope's testcase is left without a verdict.
pub(crate) fn complete(subject: &SubjectReport) -> bool {
    let mut testcases = subject.scopes.iter().flat_map(|s| &s.testcases);
    !silent(subject)
        && subject.rules.iter().all(|r| {
            let judged = matches!(r.verdict, Verdict::Pass | Verdict::Fail);
            judged && r.counts.abort == 0 && r.counts.missing == 0
        })
        && testcases.all(|t| matches!(t.verdict, Verdict::Pass | Verdict::Fail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_prints_gets_through() {
        assert!(matches!(printable("a b"), Cow::Borrowed("a b")));
        assert!(matches!(printable("Zürich"), Cow::Borrowed("Zürich")));
        assert_eq!(printable("a\u{1b}[31m\r\n\u{0}\u{85}\u{2028}b"), "a [31m     b");
        assert_eq!(printable("x\u{202e}gpj\u{ffff}"), "x\u{fffd}gpj\u{fffd}");
    }

    #[test]
    fn links_are_whole_or_absent() {
        assert_eq!(link("https://example.org/a#b"), Some("https://example.org/a#b"));
        for bad in ["", "scs-0103", "https://", "javascript:x", "https://a b", "http://a\"b"] {
            assert_eq!(link(bad), None, "{bad}");
        }
    }
}
