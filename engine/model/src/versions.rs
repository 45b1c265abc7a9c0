//! The table of version skew and order, as data: which steps between versions
//! are allowed, how far versions of one component may differ while it is being
//! updated, how far those of components that talk to each other may, and which
//! component comes first.
//!
//! Sources: Kubernetes version skew policy; OpenStack TC resolution 2022-02-10
//! (SLURP) and Nova's upgrade documentation; etcd, Ceph (cephadm), RabbitMQ and
//! MariaDB upgrade guides. Planner and checker each read it in their own way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRules {
    /// Names this edition; a plan says which it was made with.
    pub version: String,
    /// Components, first to be updated first. One that is not here has no place
    /// and comes last, in order of name.
    pub order: Vec<String>,
    /// Releases by name of a project, oldest first.
    pub releases: BTreeMap<String, Vec<String>>,
    /// OpenStack's skip-level releases.
    pub slurp: Vec<String>,
    /// Names that an intent may use for several components, of which each target
    /// gets those that it has.
    pub bundles: BTreeMap<String, Vec<String>>,
    /// What is known of components; any step forward is allowed for others.
    pub components: BTreeMap<String, ComponentRules>,
    /// How far versions of components of `minor` scheme may be apart, at any time.
    pub skew: Vec<Skew>,
}

/// What is known of one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentRules {
    /// How its versions follow each other.
    pub scheme: Scheme,
    /// Where it runs.
    #[serde(default)]
    pub on: On,
    /// How many versions one step may go forward: minors or majors; 1 if absent.
    #[serde(default = "one")]
    pub skip: u32,
    /// How far versions may differ within the fleet at any time, in releases,
    /// minors or majors; no limit if absent.
    #[serde(default)]
    pub spread: Option<u32>,
    /// For `edges`: from which `major.minor` to which.
    #[serde(default)]
    pub edges: BTreeMap<String, Vec<String>>,
}

fn one() -> u32 {
    1
}

/// Where a component runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// On hosts of the fleet.
    #[default]
    Hosts,
    /// On Kubernetes nodes.
    Nodes,
}

/// How far one component may be from another that it talks to, or from its own
/// kind. It holds for every two of them; what is not known is too far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skew {
    /// The component that is limited.
    pub component: String,
    /// The one that limits it.
    pub beside: String,
    /// Which two of them talk to each other.
    pub within: Within,
    /// How far the two may be apart.
    #[serde(flatten)]
    pub limits: Limits,
    /// Other limits for old versions of `component`.
    #[serde(default)]
    pub before: Option<Before>,
}

/// Which components talk to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Within {
    /// Any two of a cluster.
    Cluster,
    /// Those of one node.
    Node,
}

/// So many minors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// By which it may be older.
    pub older: u32,
    /// By which it may be newer.
    pub newer: u32,
}

/// Limits for what is older than a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// The first version for which they do not hold, `major.minor`.
    pub version: String,
    /// The limits.
    #[serde(flatten)]
    pub limits: Limits,
}

/// How versions follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// OpenStack's releases: to the next one, or from one SLURP to the next.
    Openstack,
    /// `major.minor.patch`: within a minor, or `skip` minors on, same major.
    Minor,
    /// `major.minor.patch`: within a major, or `skip` majors on.
    Major,
    /// What `edges` lists, or within one `major.minor`.
    Edges,
}

impl VersionRules {
    /// The components that an intent means by a name: those of a bundle, or the one
    /// of that name.
    #[must_use]
    pub fn meant<'r>(&'r self, name: &'r str) -> Vec<&'r str> {
        match self.bundles.get(name) {
            Some(parts) => parts.iter().map(String::as_str).collect(),
            None => vec![name],
        }
    }

    /// The table that this version of tidegate ships.
    #[must_use]
    pub fn bundled() -> Self {
        #[expect(clippy::expect_used, reason = "a test reads the same text")]
        serde_json::from_str(include_str!("../data/versions.json"))
            .expect("INVARIANT: the bundled table is of this shape")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_and_hangs_together() {
        let rules: VersionRules =
            serde_json::from_str(include_str!("../data/versions.json")).unwrap();
        assert_eq!(VersionRules::bundled(), rules);
        assert!(rules.slurp.iter().all(|r| rules.releases["openstack"].contains(r)));
        assert!(rules.components.keys().all(|c| rules.order.contains(c)));
        let minor = |c: &String| rules.components[c].scheme == Scheme::Minor;
        assert!(rules.bundles.values().flatten().all(|c| rules.components.contains_key(c)));
        assert!(rules.skew.iter().all(|s| minor(&s.component) && minor(&s.beside)));
    }
}
