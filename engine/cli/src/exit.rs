//! Exit codes: what a script may rely on.

/// Shown below `--help` of the tool and in its man page.
pub(crate) const HELP: &str = "\
Exit codes:
   0  nothing found at or above --fail-on
   1  the tool failed, or a bundle or the configuration is bad
   2  findings; or policy test, plan check, snapshot verify or verify-proof failed
   3  could not decide: something was not judged
  64  wrong usage or unknown target
1 beats 2 beats 3.";

/// Shown below `tidegate policy who-can --help`.
pub(crate) const WHO_CAN: &str = "\
Exit codes:
   0  everybody who can is listed; that may be nobody
   1  the tool failed
   3  too little was seen to say who can
  64  wrong usage, unknown action or resource";

/// Shown below `tidegate plan --help`.
pub(crate) const PLAN: &str = "\
Exit codes:
   0  every target is in a wave, and every due date is met
   1  the tool failed, or what it made was found not to be safe
   3  a safe plan was made, but some target is blocked, or some due date is
      not met; or the fleet cannot be told from what was collected
  64  wrong usage";

/// Shown below `tidegate plan facts --help`.
pub(crate) const PLAN_FACTS: &str = "\
Exit codes:
   0  the fleet is shown
   1  the tool failed, or a file is bad
   3  it cannot be told from what was collected; what is missing is named
  64  wrong usage";

/// Shown below `tidegate gate --help`.
pub(crate) const GATE: &str = "\
Exit codes:
   0  the gate is open until the time that is shown
   1  the tool failed, or a file is bad: the gate is closed
   2  the gate is closed: a condition does not hold
   3  the gate is closed: a condition could not be decided
  64  wrong usage";

/// Shown below `tidegate plan check --help`.
pub(crate) const PLAN_CHECK: &str = "\
Exit codes:
   0  the plan is safe, and what it says of itself is true
   1  the tool failed, or a file is bad
   2  it is not; the first thing that is broken is named
  64  wrong usage";

/// Shown below `tidegate plan simulate --help`.
pub(crate) const PLAN_SIMULATE: &str = "\
Exit codes:
   0  capacity, groups and quorums hold, and the rest can be planned safely
   1  the tool failed, or a file is bad
   2  something does not hold, or the plan is not safe
  64  wrong usage";

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing at or above the threshold.
    Ok,
    /// The tool failed.
    Failed,
    /// Findings, or failed cases.
    Findings,
    /// Something could not be decided.
    Undecided,
    /// Wrong usage or unknown target.
    Usage,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Findings => 2,
            Self::Undecided => 3,
            Self::Usage => 64,
        }
    }
}
