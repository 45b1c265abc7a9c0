//! Tests of the store as a whole; the sub-modules say of what.

#![allow(clippy::disallowed_methods, reason = "tests read the environment of their child")]

mod basic;
mod support;
