//! Verdicts and severities.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::IdError;

/// What a rule says. The order is that of the set: the greatest verdict in a
/// set is the verdict of the set.
///
/// Source: SCS certification, scs-0003: Fail > Missing > Abort > Pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The rule holds.
    Pass,
    /// It could not be judged.
    Abort,
    /// Nobody has judged it.
    Missing,
    /// The rule is broken.
    Fail,
}

impl Verdict {
    /// The verdict of a set: the worst in it; nothing judged is Missing.
    #[must_use]
    pub fn of_set(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max().unwrap_or(Self::Missing)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Abort => "abort",
            Self::Missing => "missing",
            Self::Fail => "fail",
        })
    }
}

/// How much a broken rule matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Act now.
    Critical,
}

impl Severity {
    /// All severities, worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

impl FromStr for Severity {
    type Err = IdError;
    fn from_str(s: &str) -> Result<Self, IdError> {
        Self::ALL.into_iter().find(|v| v.to_string() == s).ok_or_else(|| IdError {
            what: "severity",
            value: s.to_owned(),
            why: "it must be critical, high, medium, low or info",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Abort, Fail, Missing, Pass};
    use super::*;

    #[test]
    fn the_worst_verdict_wins_and_an_empty_set_is_missing() {
        assert_eq!(Verdict::of_set([Pass, Abort]), Abort);
        assert_eq!(Verdict::of_set([Abort, Missing]), Missing);
        assert_eq!(Verdict::of_set([Missing, Fail, Abort, Pass]), Fail);
        assert_eq!(Verdict::of_set([Pass]), Pass);
        assert_eq!(Verdict::of_set([]), Missing);
    }
}
