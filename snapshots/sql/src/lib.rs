//! SQL over snapshots.
