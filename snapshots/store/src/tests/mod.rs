//! Tests of the store as a whole; the sub-modules say of what.

#![allow(clippy::disallowed_methods, reason = "children are told by their environment")]

mod basic;
mod crash;
mod damage;
mod faults;
mod keep;
mod model;
mod proof;
mod schemas;
mod shared;
mod support;
mod upkeep;
mod upkept;
mod verify;
mod versions;
