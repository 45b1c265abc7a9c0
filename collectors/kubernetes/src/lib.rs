//! Reads what is in a Kubernetes cluster.
//!
//! [`Config`] finds a cluster the way kubectl does, [`Cluster`] reaches it and
//! asks what it serves, [`collect`] lists every kind of that and hands pages of
//! resources and the coverage of each kind to a channel as they come:
//!
//! ```text
//! Environment ─▶ Config ─▶ Settings ─▶ Cluster ─▶ collect ─▶ Collected*
//!                                        ▲           ▲
//!                                 kube, discovery  tables
//! ```
//!
//! Every resource type that the cluster lists is read, custom ones included,
//! less what [`tables`] names as noise. That file also says which members are
//! volatile and where secrets stand. Kubeconfig, certificates and exec plugins
//! are those of `kube`; response bytes become canonical JSON without a tree
//! between.
//!
//! It never judges, and reads neither environment nor clock: both are passed
//! in. It only asks; a source that fails is coverage, not an error.

mod access;
mod cluster;
mod collect;
mod config;
mod discovery;
mod error;
mod item;
mod listing;
mod options;
mod proxy;
mod redact;
mod request;
mod run;
pub mod tables;

pub use access::{Access, preflight};
pub use cluster::Cluster;
pub use collect::collect;
pub use config::{Config, Environment, IN_CLUSTER, Settings, Timeouts};
pub use error::CollectError;
pub use options::{Options, Summary};
pub use tidegate_redact::RedactionKey;
pub use tidegate_retry::{Clock, Retry};
