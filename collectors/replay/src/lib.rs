//! Plays a cloud back over HTTP on loopback: for `tidegate scan --example`, for
//! tests and for benches.
//!
//! A [`Recording`] holds answers by service, path and query: read from a folder,
//! the bundled [`Recording::example`], or made by [`generate`]. [`Replay`] serves
//! one, with a Keystone that checks passwords and tokens, version documents, a
//! catalog that names the port it was bound to, paging, microversions, the refusal
//! of an S3 request where there is an object store, and [`Fault`]s for tests:
//!
//! ```text
//! folder | example | generate ─▶ Recording ─▶ Replay ◀─HTTP─ collector
//!                                               ▲
//!                                             Fault*
//! ```
//!
//! [`kubernetes`] does the same for the API server of a cluster, and [`accept`]
//! serves what a test makes up itself.
//!
//! It binds to loopback only and takes no command that changes anything.

#![recursion_limit = "256"]

mod example;
mod fault;
mod generate;
mod keystone;
pub mod kubernetes;
mod listen;
mod paging;
mod recording;
mod server;
mod wire;

pub use fault::{Action, Fault};
pub use generate::{Mix, Size, generate};
pub use listen::{Service, accept};
pub use recording::{Account, Recording, RecordingError};
pub use server::Replay;
pub use wire::{Request, Response};
