//! Tests of queries as a whole.

mod answers;
mod model;
mod support;
mod unhappy;
