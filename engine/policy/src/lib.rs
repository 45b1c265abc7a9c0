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
//! ```
//! use tidegate_policy::{Bundle, Limits, Parameters, RuleSet, run_cases};
//!
//! let rule = r#"# METADATA
//! ## title: volumes are encrypted
//! ## custom:
//! ##   id: volume-encrypted
//! ##   severity: high
//! ##   input: resource
//! ##   kinds: [block.volume]
//! ##   requires: {block.volume: [/encrypted]}
//! package volume.encrypted
//!
//! violations contains {"message": "not encrypted", "path": "/encrypted", "found": false, "wanted": true} if {
//!     input.resource.body.encrypted == false
//! }
//! verdict := "pass" if count(violations) == 0
//! verdict := "fail" if count(violations) > 0
//! "#;
//! let cases = "
//! - {name: yes, input: {resource: {body: {encrypted: true}}}, verdict: pass}
//! - {name: no, input: {resource: {body: {encrypted: false}}}, verdict: fail}
//! ";
//! let files = [("v.rego", rule), ("cases.yaml", cases)];
//! let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
//! let set = RuleSet::compile(vec![Bundle::from_files("mine", files)?], &Parameters::default())?;
//! let report = run_cases(&set, Limits::default());
//! // The third is made: without `/encrypted` it must be Abort.
//! assert_eq!((report.passed, report.failed), (3, 0));
//! # Ok::<(), tidegate_policy::LoadError>(())
//! ```
//!
//! Nothing here reads a clock, the environment or the network, and nothing
//! prints.

mod across;
mod archive;
mod bundle;
mod carry;
mod cases;
pub mod cedar;
mod coverage;
mod differences;
mod error;
mod evaluate;
mod guard;
mod input;
mod joined;
mod joins;
mod keys;
mod loaded;
mod manifest;
mod memo;
mod metadata;
mod module;
mod outcome;
mod parse;
mod patch;
mod pointer;
mod program;
mod raw;
mod reads;
pub mod rego;
mod ruleset;
mod rvm;
mod said;
mod scope;
mod strict;

pub use bundle::Bundle;
pub use cases::{CaseFailure, CaseReport, RuleCoverage, run_cases};
pub use differences::Difference;
pub use error::{Fault, LoadError};
#[doc(hidden)]
pub use evaluate::parse_only;
pub use evaluate::{Judged, Options, Others, Stats, evaluate};
pub use metadata::{Input, Join, Rule};
pub use pointer::Pointer;
pub use program::Limits;
pub use ruleset::{CEDAR, ENGINE, INPUT_VERSION, Parameters, RuleSet};
pub use scope::{
    Lifetime, Scope, ScopeError, ScopeOutcome, Testcase, TestcaseOutcome, Validity, Version,
};
