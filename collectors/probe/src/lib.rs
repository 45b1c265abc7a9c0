//! Finds out by trying what no listing tells: creates something small in a
//! cloud, looks at what comes of it, and takes it away again.
//!
//! ```text
//! Plan ─▶ run ─▶ create ─▶ Journal ◀─ clean
//!          │                            │
//!          ▼                            ▼
//!       Resource*                    Cleaned
//! ```
//!
//! [`run`] probes, [`clean`] removes what an earlier run left behind. Both go by
//! the [`Journal`]: each resource is entered before it is created and struck out
//! once it is gone, so a run that is killed at any point can be cleaned up after.
//! Everything is named `tidegate-probe-<run>-<what>`, and nothing is deleted
//! whose name does not begin with the prefix of the run that the journal names.
//!
//! It never judges, and reads neither clock, environment nor randomness: they
//! are passed in.

mod backup;
mod clean;
mod entropy;
mod fact;
mod journal;
mod key_manager;
mod plan;
mod region;
mod run;
mod security_group;
mod thing;

pub use clean::{Cleaned, Left, clean};
pub use journal::{Entry, Event, Journal, JournalError, MemoryJournal, open_entries};
pub use plan::{KINDS, Listener, Pace, Plan, Probe, Setting};
pub use run::{Probed, run};
pub use thing::Thing;
