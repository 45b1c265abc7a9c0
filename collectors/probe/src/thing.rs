//! What probes create: which API has it, under which names.

use serde::{Deserialize, Serialize};

/// A type of resource that a probe may create. The order is that of deleting:
/// what needs others stands before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are those of the APIs")]
pub enum Thing {
    Server,
    Port,
    Backup,
    Volume,
    Router,
    Subnet,
    Network,
    SecurityGroup,
    Secret,
}

/// Where an API keeps things of a type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// As in the kinds of the collector.
    pub(crate) service: &'static str,
    /// Where they are created and looked at.
    pub(crate) path: &'static str,
    /// Where they are listed with name and id.
    pub(crate) list_path: &'static str,
    /// The member of a listing that holds them.
    pub(crate) list: &'static str,
    /// JSON Pointer of one of them in an answer about it alone.
    pub(crate) one: &'static str,
    /// Whether it is gone once the request to delete it was answered.
    pub(crate) at_once: bool,
}

impl Thing {
    pub(crate) fn place(self) -> Place {
        let neutron = |path, one| Place {
            service: "network",
            path,
            list_path: path,
            list: match self {
                Self::SecurityGroup => "security_groups",
                _ => path,
            },
            one,
            at_once: true,
        };
        match self {
            Self::Server => Place {
                service: "compute",
                path: "servers",
                list_path: "servers",
                list: "servers",
                one: "/server",
                at_once: false,
            },
            Self::Backup => Place {
                service: "block-storage",
                path: "backups",
                list_path: "backups/detail",
                list: "backups",
                one: "/backup",
                at_once: false,
            },
            Self::Volume => Place {
                service: "block-storage",
                path: "volumes",
                list_path: "volumes/detail",
                list: "volumes",
                one: "/volume",
                at_once: false,
            },
            Self::Port => neutron("ports", "/port"),
            Self::Router => neutron("routers", "/router"),
            Self::Subnet => neutron("subnets", "/subnet"),
            Self::Network => neutron("networks", "/network"),
            Self::SecurityGroup => neutron("security-groups", "/security_group"),
            Self::Secret => Place {
                service: "key-manager",
                path: "secrets",
                list_path: "secrets",
                list: "secrets",
                one: "",
                at_once: true,
            },
        }
    }
}

/// Names everything that a run creates, and nothing else.
pub(crate) fn prefix(run: &str) -> String {
    format!("tidegate-probe-{run}-")
}

/// The id in an address such as Barbican's `secret_ref`.
pub(crate) fn id_of(address: &str) -> &str {
    address.trim_end_matches('/').rsplit('/').next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_others_is_deleted_before_them() {
        use Thing::*;
        for (first, then) in [
            (Server, Port),
            (Server, Volume),
            (Port, Subnet),
            (Backup, Volume),
            (Router, Subnet),
            (Subnet, Network),
            (Port, SecurityGroup),
        ] {
            assert!(first < then, "{first:?} before {then:?}");
        }
    }

    #[test]
    fn an_address_ends_in_its_id() {
        assert_eq!(id_of("https://h:9311/v1/secrets/ab-c"), "ab-c");
        assert_eq!(id_of("ab-c"), "ab-c");
    }
}
