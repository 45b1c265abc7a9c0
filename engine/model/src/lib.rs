//! The plain types that every part of tidegate shares.
//!
//! A collector turns live state into [`Resource`]s and [`KindCoverage`]
//! ([`Collected`]); the store keeps them as snapshots and hands them out as
//! [`Facts`]; the policy engine turns facts into an [`Evaluation`]; reports
//! render it. Of a [`Fleet`] and an [`Intent`] the planner makes a [`Plan`].
//!
//! Nothing here does I/O, reads a clock or is asynchronous.

mod canonical;
mod coverage;
mod evaluation;
mod facts;
pub mod fleet;
pub mod gate;
mod hash;
mod id;
pub mod intent;
pub mod plan;
mod resource;
mod verdict;
pub mod versions;
mod yaml;

pub use canonical::{Action, CanonicalError, Rewrite, canonical};
pub use coverage::{KindCoverage, Needed, Status, Visibility};
pub use evaluation::{
    AbortCode, Cause, Counts, Evaluation, Finding, RuleMeta, RuleOutcome, Violation,
};
pub use facts::{Change, ChangeOp, Collected, Fact, Facts, FactsError, SnapshotMeta};
pub use fleet::Fleet;
pub use hash::{Digest, Salt, leaf};
pub use id::{IdError, Kind, ResourceKey, RuleId, SnapshotId, Subject};
pub use intent::Intent;
pub use plan::Plan;
pub use resource::Resource;
pub use verdict::{Severity, Verdict};
pub use yaml::unreasonable_yaml;

/// A moment in UTC, to the nanosecond; written as RFC 3339.
pub type Timestamp = jiff::Timestamp;
