//! Facts that no API tells, read from files that the operator hands over.
//!
//! [`oslo`] reads a folder with the configuration of OpenStack services, as
//! kolla-ansible and OSISM write it: options of `oslo.config` files and rules of
//! `oslo.policy` files. [`attestations`] reads signed statements of people about
//! what no machine can see. [`test_results`] reads what test suites left behind.
//! All give the same as any collector: resources, then one coverage per kind.
//!
//! ```text
//! DIR/keystone/keystone.conf ─▶ oslo         ─▶ config.oslo, config.policy
//! FILE.yaml + FILE.yaml.sig  ─▶ attestations ─▶ attestation.statement
//! FILE.tar.gz, junit_01.xml  ─▶ test_results ─▶ kubernetes.test_result
//! ```
//!
//! Secrets of configuration files are replaced before a body is made. Links are
//! not followed out of the folder, and depth, number and size of files are
//! bounded. Nothing here knows how a signature is checked: whoever calls passes
//! that in.

mod attestation;
mod error;
mod folder;
mod made;
mod oslo;
mod test_results;

pub use attestation::{Attestations, Notice, SignatureStatus, Verify, attestations};
pub use error::FilesError;
pub use oslo::oslo;
pub use test_results::{TEST_RESULT, test_results};
