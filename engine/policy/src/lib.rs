//! Bundles of rules in, verdicts out.
//!
//! ```text
//! files ─▶ Bundle ─▶ RuleSet::compile ─▶ evaluate(&RuleSet, &dyn Facts) ─▶ Evaluation
//!            (form, roots)  (metadata, guard)        │
//!                                                    └─ run_cases(&RuleSet) ─▶ CaseReport
//! ```
//!
//! A [`Bundle`] is an OPA bundle. A [`RuleSet`] is bundles compiled together,
//! named by a digest. What a rule must declare, what it is given and what it
//! may answer stand in [`Rule`] and [`evaluate`]. What cannot be judged is never a pass.
//!
//! Nothing here reads a clock, the environment or the network, and nothing
//! prints.

mod archive;
mod bundle;
mod carry;
mod cases;
mod coverage;
mod error;
mod evaluate;
mod guard;
mod input;
mod joins;
mod manifest;
mod metadata;
mod module;
mod outcome;
mod patch;
mod pointer;
mod program;
mod ruleset;
mod scope;
mod strict;

pub use bundle::Bundle;
pub use cases::{CaseFailure, CaseReport, run_cases};
pub use error::{Fault, LoadError};
#[doc(hidden)]
pub use evaluate::parse_only;
pub use evaluate::{EvaluateError, Judged, Options, Stats, evaluate};
pub use metadata::{Input, Join, Rule};
pub use pointer::Pointer;
pub use program::Limits;
pub use ruleset::{ENGINE, INPUT_VERSION, Parameters, RuleSet};
pub use scope::{Scope, ScopeError, ScopeOutcome, Testcase, TestcaseOutcome, Validity, Version};
