//! Gatekeeper constraints, judged on snapshots as they are.
//!
//! ```text
//! folder ─▶ Folder ─▶ Constraints ──┐
//! snapshot ─▶ Constraints::from_cluster ─▶ audit(&Constraints, &dyn Facts) ─▶ Audit
//! folder ─▶ Folder::test ─▶ SuiteReport
//! ```
//!
//! [`Constraints`] are templates and constraints, from files or from the
//! snapshot. [`audit`] gives outcomes of the same type as rules of a bundle
//! have, one per constraint, to be merged into an evaluation. Templates run on
//! the engine of `tidegate-policy`, after its `rego` module has rewritten them.
//!
//! CEL, mutation, expansion and external data are not here: what needs them is
//! Abort, or a case that fails.

mod audit;
mod builtins;
mod carry;
mod cluster;
mod constraint;
mod constraints;
mod folder;
mod inventory;
mod kinds;
mod matching;
mod review;
mod sprintf;
mod status;
mod suite;
mod template;
mod yaml;

pub use audit::{Audit, audit};
pub use constraint::is_constraint;
pub use constraints::Constraints;
pub use folder::Folder;
pub use suite::SuiteReport;
