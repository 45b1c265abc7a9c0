//! Plays the API server of a Kubernetes cluster back.
//!
//! A [`Cluster`] holds objects by resource type: the bundled
//! [`Cluster::example`], recorded of a server v1.36, or one that [`generate`]
//! makes of it. [`KubeReplay`] serves it: discovery in both forms, lists with
//! `limit` and `continue`, gzip, bearer tokens of [`Account`]s, access reviews,
//! and the errors that such a server gives; others are [`crate::Fault`]s.

mod cluster;
mod discovery;
mod generate;
mod server;

pub use cluster::{Account, ApiResource, ApiVersion, Cluster, Group};
pub use generate::generate;
pub use server::KubeReplay;
