//! What a rule said, each thing once.
//!
//! Tens of thousands of resources may fail for the very same reason. Findings name it by
//! number, so that it is written, read and kept once.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_model::{AbortCode, Cause, Finding, Verdict, Violation};

use crate::carry::Kept;
use crate::outcome::{Answer, Violations};
use crate::raw::Raw;

/// One thing that a rule said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) verdict: Verdict,
    pub(crate) violations: Arc<[Violation]>,
    pub(crate) cause: Option<Cause>,
}

/// All that one rule said, by number.
#[derive(Debug, Default)]
pub(crate) struct Table<'c> {
    carried: Vec<Raw<'c>>,
    /// Numbered after these, each with the violations of the answer that it comes from.
    new: Vec<(Option<Violations>, Said)>,
}

/// So many of what was said last are looked through: answers that are given again and
/// again are few ([`crate::memo`]), and to compare all would take quadratic time.
const LAST: usize = 8;

impl<'c> Table<'c> {
    pub(crate) fn carried(carried: Vec<Raw<'c>>) -> Self {
        Self { carried, new: Vec::new() }
    }

    /// The number of what an answer says.
    pub(crate) fn answer(&mut self, answer: &Answer) -> u32 {
        let Answer { verdict, violations, cause, holds: _ } = answer;
        let same = |(from, said): &&(Option<Violations>, Said)| {
            let alike = from.as_ref().is_some_and(|from| {
                Arc::ptr_eq(from, violations) || from.is_empty() && violations.is_empty()
            });
            alike && said.verdict == *verdict && said.cause == *cause
        };
        let from = self.new.len().saturating_sub(LAST);
        let last = self.new.get(from..).unwrap_or_default();
        if let Some(at) = last.iter().position(|new| same(&new)) {
            return number(self.carried.len() + from + at);
        }
        let plain = violations.iter().map(|(_, violation)| violation.clone()).collect();
        let said = Said { verdict: *verdict, violations: plain, cause: cause.clone() };
        self.push(Some(Arc::clone(violations)), said)
    }

    /// The number of what a finding says.
    pub(crate) fn finding(&mut self, finding: &Finding) -> u32 {
        let Finding { verdict, violations, cause, .. } = finding;
        let (violations, cause) = (Arc::clone(violations), cause.clone());
        self.push(None, Said { verdict: *verdict, violations, cause })
    }

    fn push(&mut self, from: Option<Violations>, said: Said) -> u32 {
        self.new.push((from, said));
        number(self.carried.len() + self.new.len() - 1)
    }

    /// All of it, in order of number.
    pub(crate) fn read(&self) -> Vec<Said> {
        let carried = self.carried.iter().map(|raw| decode(raw).unwrap_or_else(unreadable));
        carried.chain(self.new.iter().map(|(_, said)| said.clone())).collect()
    }

    /// What some findings say, which are numbered anew: for the next snapshot.
    pub(crate) fn write(self, findings: &mut [Kept<'c>]) -> Vec<Raw<'c>> {
        let mut numbers: Vec<Option<u32>> = vec![None; self.carried.len() + self.new.len()];
        let mut written: Vec<Raw<'c>> = Vec::new();
        for kept in findings {
            let at = kept.said as usize;
            let Some(known) = numbers.get_mut(at) else { continue };
            kept.said = *known.get_or_insert_with(|| {
                let new = at.checked_sub(self.carried.len()).and_then(|n| self.new.get(n));
                written.push(match (self.carried.get(at), new) {
                    (Some(raw), _) => raw.clone(),
                    (None, Some((_, said))) => encode(said).unwrap_or_default(),
                    (None, None) => Raw::default(),
                });
                number(written.len() - 1)
            });
        }
        written
    }
}

/// No rule says four billion things.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// [`Said`], as it is carried. Of a violation: message, path, and as JSON what was found
/// and wanted.
#[derive(Serialize, Deserialize)]
struct Carried<'f> {
    verdict: Verdict,
    #[serde(borrow)]
    violations: Vec<(&'f str, &'f str, Cow<'f, str>, Cow<'f, str>)>,
    cause: Option<(AbortCode, &'f str)>,
}

/// `None` if it cannot be written, which reads back as [`unreadable`].
fn encode<'s>(said: &'s Said) -> Option<Raw<'static>> {
    let Said { verdict, violations, cause } = said;
    let json = |value: &_| serde_json::to_string(value).map(Cow::Owned).ok();
    let one = |v: &'s Violation| Some((&*v.message, &*v.path, json(&v.found)?, json(&v.wanted)?));
    let carried = Carried {
        verdict: *verdict,
        violations: violations.iter().map(one).collect::<Option<_>>()?,
        cause: cause.as_ref().map(|c| (c.code, c.message.as_str())),
    };
    Some(Raw(postcard::to_allocvec(&carried).ok()?.into()))
}

fn decode(raw: &Raw<'_>) -> Option<Said> {
    let Carried { verdict, violations, cause } = postcard::from_bytes(&raw.0).ok()?;
    let one = |(message, path, found, wanted): (&str, &str, Cow<'_, str>, Cow<'_, str>)| {
        Some(Violation {
            message: message.to_owned(),
            path: path.to_owned(),
            found: serde_json::from_str(&found).ok()?,
            wanted: serde_json::from_str(&wanted).ok()?,
        })
    };
    let cause = cause.map(|(code, message)| Cause { code, message: message.to_owned() });
    let violations = violations.into_iter().map(one).collect::<Option<_>>()?;
    Some(Said { verdict, violations, cause })
}

/// In place of what cannot be read: an Abort.
pub(crate) fn unreadable() -> Said {
    let message = "what was found before cannot be read".to_owned();
    let cause = Some(Cause { code: AbortCode::Error, message });
    Said { verdict: Verdict::Abort, violations: Arc::default(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(message: &str) -> Answer {
        let violation = Violation {
            message: message.to_owned(),
            path: "/a".to_owned(),
            found: serde_json::json!({"b": [1, null]}),
            wanted: serde_json::Value::Null,
        };
        let violations = [(None, violation)].into();
        Answer { verdict: Verdict::Fail, violations, ..Answer::pass() }
    }

    fn kept(said: u32) -> Kept<'static> {
        Kept { key: "k".into(), again: false, about: Raw::default(), said }
    }

    #[test]
    fn the_same_answer_is_kept_once_and_unused_ones_are_not_written() {
        let (a, b) = (answer("a"), answer("b"));
        let none = |text: &str| Answer::abort(AbortCode::Join, text);
        let mut table = Table::default();
        let said =
            [&a, &b, &a.clone(), &none("x"), &none("x"), &none("y")].map(|a| table.answer(a));
        assert_eq!(said, [0, 1, 0, 2, 2, 3]);
        let before = table.read();
        let mut findings = [kept(3), kept(1), kept(3)];
        let written = table.write(&mut findings);
        assert_eq!(findings.map(|f| f.said), [0, 1, 0]);
        let mut table = Table::carried(written);
        assert_eq!(table.read(), [before[3].clone(), before[1].clone()]);
        assert_eq!(table.answer(&a), 2);
    }

    #[test]
    fn what_cannot_be_read_is_an_abort() {
        let table = Table::carried(vec![Raw((&[9, 9]).into())]);
        assert_eq!(table.read(), [unreadable()]);
    }
}
