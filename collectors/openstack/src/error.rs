//! What makes any collection impossible, one variant per cause that a user can
//! tell apart, each with a hint that says what to do.

use std::path::PathBuf;
use std::sync::Arc;

/// A cloud could not be collected at all. What only concerns one service or
/// kind is coverage instead.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// No clouds.yaml and no `OS_AUTH_URL`.
    #[error("no clouds.yaml found in {}", places(.searched))]
    NoConfig {
        /// The folders that were searched, in order.
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
    /// The name is not in clouds.yaml.
    #[error("unknown cloud `{name}`")]
    UnknownCloud {
        /// The name asked for.
        name: String,
        /// The names there are, sorted.
        known: Vec<String>,
    },
    /// Several clouds and none chosen.
    #[error("which cloud is not said and clouds.yaml has {}", .known.len())]
    NoCloudChosen {
        /// The names there are, sorted.
        known: Vec<String>,
    },
    /// The configuration of the cloud lacks what its kind of sign-in needs.
    #[error("cloud `{cloud}` has no usable credentials: {why}")]
    NoUsableAuth {
        /// The cloud.
        cloud: String,
        /// What is missing or unknown.
        why: String,
    },
    /// Keystone refused user or password, or the application credential.
    #[error("`{auth_url}` refused the credentials of cloud `{cloud}`")]
    WrongPassword {
        /// The cloud.
        cloud: String,
        /// Where it signed in.
        auth_url: String,
    },
    /// Keystone refused the token that was given.
    #[error("the token given for cloud `{cloud}` is expired or not valid at `{auth_url}`")]
    ExpiredToken {
        /// The cloud.
        cloud: String,
        /// Where it signed in.
        auth_url: String,
    },
    /// The user is known but may not use this scope.
    #[error("the credentials of cloud `{cloud}` are not allowed in that project, domain or system")]
    ScopeRefused {
        /// The cloud.
        cloud: String,
        /// What Keystone said.
        said: String,
    },
    /// Nothing answers at the address.
    #[error("cannot reach `{auth_url}`: {why}")]
    Unreachable {
        /// The address.
        auth_url: String,
        /// The innermost cause.
        why: String,
    },
    /// The certificate is not signed by a known authority, or not for this name.
    #[error("the certificate of `{auth_url}` is not trusted: {why}")]
    UntrustedCertificate {
        /// The address.
        auth_url: String,
        /// What the TLS library said.
        why: String,
    },
    /// Something answers, but not as Keystone does.
    #[error("`{auth_url}` does not answer like Keystone: {why}")]
    NotKeystone {
        /// The address.
        auth_url: String,
        /// What came back.
        why: String,
    },
    /// The configured region has no endpoint in the catalog.
    #[error("cloud `{cloud}` has no region `{region}`")]
    UnknownRegion {
        /// The cloud.
        cloud: String,
        /// The region asked for.
        region: String,
        /// The regions in the catalog, sorted.
        known: Vec<String>,
    },
    /// Whoever took the resources went away.
    #[error("collecting stopped because nobody takes the results")]
    Stopped,
    /// The SDK failed in a way that fits none of the above.
    #[error("cannot sign in to cloud `{cloud}`")]
    SignIn {
        /// The cloud.
        cloud: String,
        /// What the SDK said.
        #[source]
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

impl CollectError {
    /// What the user can do about it, one sentence.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoConfig { .. } => {
                "write a clouds.yaml, point OS_CLIENT_CONFIG_FILE at one, or set OS_AUTH_URL and the other OS_ variables".to_owned()
            }
            Self::BadConfig { .. } => "correct the file; `openstack configuration show` reads the same one".to_owned(),
            Self::UnknownCloud { known, .. } if known.is_empty() => {
                "clouds.yaml names no clouds".to_owned()
            }
            Self::UnknownCloud { known, .. } => format!("known clouds: {}", known.join(", ")),
            Self::NoCloudChosen { known } => {
                format!("name one with --cloud or OS_CLOUD: {}", known.join(", "))
            }
            Self::NoUsableAuth { .. } => {
                "complete the `auth` section of the cloud in clouds.yaml or secure.yaml".to_owned()
            }
            Self::WrongPassword { .. } => {
                "check user name, domain and password, or whether the application credential still exists".to_owned()
            }
            Self::ExpiredToken { .. } => "get a new one with `openstack token issue`".to_owned(),
            Self::ScopeRefused { .. } => {
                "check project and domain names and that the user has a role there".to_owned()
            }
            Self::Unreachable { .. } => {
                "check the auth_url, name resolution, VPN and firewall".to_owned()
            }
            Self::UntrustedCertificate { .. } => {
                "set `cacert` of the cloud to the file with your certificate authority, or `verify: false` for a test cloud".to_owned()
            }
            Self::NotKeystone { .. } => {
                "auth_url must name the Identity service, such as https://cloud.example:5000/v3".to_owned()
            }
            Self::UnknownRegion { known, .. } => format!("known regions: {}", known.join(", ")),
            Self::Stopped => "see the error that ended the other side".to_owned(),
            Self::SignIn { .. } => "run again with -vv to see the requests".to_owned(),
        }
    }
}

fn places(searched: &[PathBuf]) -> String {
    let names: Vec<String> = searched.iter().map(|p| format!("`{}`", p.display())).collect();
    names.join(", ")
}

/// A pattern of kinds that matches none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no kind of an OpenStack cloud matches `{pattern}`")]
pub struct UnknownKind {
    /// The pattern.
    pub pattern: String,
}
