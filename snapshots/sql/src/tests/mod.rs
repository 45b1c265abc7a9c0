//! Tests of queries as a whole.

mod answers;
mod bodies;
mod model;
mod support;
mod unhappy;
