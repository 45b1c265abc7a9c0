//! What makes any collection impossible, one variant per cause that a user can
//! tell apart, each with a hint that says what to do.

use std::path::PathBuf;

/// A cluster could not be collected at all. What only concerns one kind is
/// coverage instead.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// No kubeconfig, and not inside a cluster.
    #[error("no kubeconfig found in {}", places(.searched))]
    NoConfig {
        /// The files that were looked for, in order.
        searched: Vec<PathBuf>,
    },
    /// A configuration file is not what it should be.
    #[error("cannot read `{}`: {why}", .path.display())]
    BadConfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The name is not in the kubeconfig.
    #[error("unknown context `{name}`")]
    UnknownContext {
        /// The name asked for.
        name: String,
        /// The names there are, sorted.
        known: Vec<String>,
    },
    /// No context is asked for and the kubeconfig has no current one.
    #[error("which context is not said and the kubeconfig has no current-context")]
    NoContextChosen {
        /// The names there are, sorted.
        known: Vec<String>,
    },
    /// The configuration of the context cannot be used.
    #[error("context `{context}` cannot be used: {why}")]
    BadContext {
        /// The context.
        context: String,
        /// What is missing or wrong.
        why: String,
    },
    /// The API server does not know the credential.
    #[error("`{server}` refused the credential of context `{context}`")]
    Unauthorized {
        /// The context.
        context: String,
        /// The API server.
        server: String,
    },
    /// The credential may not even ask what the cluster serves.
    #[error("the credential of context `{context}` may not ask `{server}` what it serves")]
    DiscoveryForbidden {
        /// The context.
        context: String,
        /// The API server.
        server: String,
    },
    /// Nothing answers at the address.
    #[error("cannot reach `{server}`: {why}")]
    Unreachable {
        /// The API server.
        server: String,
        /// The innermost cause.
        why: String,
    },
    /// The certificate is not signed by a known authority, or not for this name.
    #[error("the certificate of `{server}` is not trusted: {why}")]
    UntrustedCertificate {
        /// The API server.
        server: String,
        /// What the TLS library said.
        why: String,
    },
    /// Something answers, but not as an API server does.
    #[error("`{server}` does not answer like a Kubernetes API server: {why}")]
    NotKubernetes {
        /// The address.
        server: String,
        /// What came back.
        why: String,
    },
    /// Whoever took the resources went away.
    #[error("collecting stopped because nobody takes the results")]
    Stopped,
}

impl CollectError {
    /// What the user can do about it, one sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoConfig { .. } => {
                "point KUBECONFIG or --kubeconfig at a kubeconfig".to_owned()
            }
            Self::BadConfig { .. } => {
                "correct the file; `kubectl config view` reads the same one".to_owned()
            }
            Self::UnknownContext { known, .. } if known.is_empty() => {
                "the kubeconfig names no contexts".to_owned()
            }
            Self::UnknownContext { known, .. } => format!("known contexts: {}", known.join(", ")),
            Self::NoContextChosen { known } => {
                format!("name one with --context: {}", known.join(", "))
            }
            Self::BadContext { .. } => {
                "see whether `kubectl version` works with that context".to_owned()
            }
            Self::Unauthorized { .. } => {
                "get a new token or certificate; `kubectl auth whoami` must work".to_owned()
            }
            Self::DiscoveryForbidden { .. } => {
                "bind the ClusterRole system:discovery to it, which all who sign in usually have"
                    .to_owned()
            }
            Self::Unreachable { .. } => {
                "check the server's address, name resolution, VPN, proxy and firewall".to_owned()
            }
            Self::UntrustedCertificate { .. } => {
                "set `certificate-authority` of the cluster in the kubeconfig to the file with its authority"
                    .to_owned()
            }
            Self::NotKubernetes { .. } => {
                "`server` of the cluster must name the API server, such as https://k8s.example:6443"
                    .to_owned()
            }
            Self::Stopped => "see the error that ended the other side".to_owned(),
        }
    }
}

fn places(searched: &[PathBuf]) -> String {
    let names: Vec<String> = searched.iter().map(|p| format!("`{}`", p.display())).collect();
    names.join(", ")
}
