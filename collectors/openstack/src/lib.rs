//! Reads what is in an OpenStack cloud.
//!
//! [`Config`] finds a cloud the way the openstack client does, [`Cloud`] signs
//! in, [`collect`] lists every kind that [`kinds`] names and hands pages of
//! resources and the coverage of each kind to a channel as they come:
//!
//! ```text
//! Environment ─▶ Config ─▶ Settings ─▶ Cloud ─▶ collect ─▶ Collected*
//!                                        ▲         ▲
//!                              openstack_sdk      table of kinds
//! ```
//!
//! Kinds are rows of a table, one file per service in `kinds/`. A row says
//! what to ask, what identifies an item, who sees what, and which members are
//! secrets or noise. Authentication, catalog and version discovery are those of
//! `openstack_sdk`; response bytes become canonical JSON without a tree between.
//!
//! What hosts of the catalog say to people who are not signed in ([`Extra`]) is
//! gathered only if [`Options::with`] names it.
//!
//! It never judges, and reads neither environment nor clock: both are passed in.
//! Collecting never writes to the cloud, and a source that fails is coverage,
//! not an error. Writing is what [`Api`] is for, and whoever asks with it.

mod api;
mod cloud;
mod collect;
mod config;
mod config_files;
mod containers;
mod endpoint;
mod endpoints;
mod error;
mod images;
mod item;
mod kind;
mod kinds;
mod listing;
mod options;
mod probe;
mod reading;
mod redact;
mod request;
mod rows;
mod run;
mod s3;
mod scope;
mod single;
mod versions;

pub use api::{Api, ApiError, Reply};
pub use cloud::Cloud;
pub use collect::collect;
pub use config::{Config, Environment, Settings, Timeouts, list_clouds};
pub use endpoints::{BadDashboard, Extra, dashboard_address};
pub use error::{CollectError, UnknownKind};
pub use kinds::{KindInfo, kinds};
pub use options::{Listener, Options, Progress, Selector, Summary};
pub use tidegate_redact::RedactionKey;
pub use tidegate_retry::{Clock, Retry};

/// The methods that an [`Api`] sends.
pub use http::Method;
