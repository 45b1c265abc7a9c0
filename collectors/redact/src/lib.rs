//! Tells secrets and says what takes their place, for every collector alike.
//!
//! [`secret_name`] knows a secret by the name of the member that holds it,
//! [`secret_text`] by its own text. [`blank`] and [`mark`] make the text that
//! stands in its place: the same for all, or under a [`RedactionKey`] of the
//! user's a keyed hash, so that a change is visible.
//!
//! Which members exist, and what becomes of the rest of a body, is the
//! business of the collector.

mod key;
mod secrets;

pub use key::{RedactionKey, blank, mark};
pub use secrets::{secret_name, secret_text};
