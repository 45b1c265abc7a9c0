//! Gatekeeper constraints, judged on snapshots as they are.
