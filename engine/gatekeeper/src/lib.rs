//! Gatekeeper constraints, judged on snapshots as they are.
#![allow(dead_code)]
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
