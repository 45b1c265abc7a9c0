//! SQL over snapshots: read-only virtual tables in SQLite over the index and
//! the segments of a store.
//!
//! ```text
//! SQL ─▶ Session ─▶ SQLite ─▶ vtab: plan ─▶ scan ─▶ store
//!                                    │        ├ loaded   resources at a snapshot
//!                              constraints    ├ history  their versions
//!                              and columns    └ records  verdicts and findings
//! ```
//!
//! A [`Session`] has the tables of some subjects at a time; [`Session::query`]
//! gives an [`Answer`], whose notes say of which tables not all was seen:
//! nothing found must not be taken for nothing there. What a query needs is
//! found by kind, key, time or whatever text a column is compared with; the rest
//! is not read.
//!
//! It does not change anything, and does not print or read the clock.

mod ahead;
mod catalog;
mod db;
mod error;
mod export;
mod history;
mod json;
mod loaded;
mod parquet;
mod plan;
mod records;
mod scan;
mod session;
mod spill;
mod value;
mod vtab;

pub use db::Stop;
pub use error::SqlError;
pub use export::Exported;
pub use session::{Answer, Session};
pub use value::Value;

#[cfg(test)]
mod tests;
