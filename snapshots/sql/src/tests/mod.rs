//! Tests of queries as a whole.

mod answers;
mod support;
mod unhappy;
