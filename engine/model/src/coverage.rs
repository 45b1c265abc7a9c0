//! What was looked at, and with whose eyes.
//!
//! An API answers 200 with a filtered list to a weaker credential, so a fact is
//! only as good as the visibility under which it was read. Both stand in every
//! snapshot, per source, region and kind.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Kind, Timestamp};

/// How well one kind in one region was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCoverage {
    /// The API that was asked, such as `openstack/compute`.
    pub source: Arc<str>,
    /// The region asked; absent where a kind has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Arc<str>>,
    /// What was listed.
    pub kind: Kind,
    /// How it went.
    #[serde(flatten)]
    pub status: Status,
    /// What the credential could see of it.
    pub visibility: Visibility,
    /// When reading began.
    pub read_from: Timestamp,
    /// When reading ended.
    pub read_until: Timestamp,
}

/// How listing a kind went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Status {
    /// Every page was read.
    Complete {
        /// The number of resources listed.
        count: u64,
    },
    /// Only what a selector named was asked for.
    Subset {
        /// The selector.
        selector: String,
    },
    /// The API refused (403).
    Forbidden,
    /// The cloud does not offer the service or the kind.
    Absent,
    /// The listing broke off or did not start.
    Failed {
        /// One clause that says why.
        reason: String,
    },
    /// Paging had to start over, so the pages may not belong together.
    Inconsistent,
}

impl Status {
    /// The order in which statuses weigh when several listings make one kind:
    /// the worst is the status of the whole.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match self {
            Self::Complete { .. } => 0,
            Self::Absent => 1,
            Self::Subset { .. } => 2,
            Self::Inconsistent => 3,
            Self::Forbidden => 4,
            Self::Failed { .. } => 5,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete { count } => write!(f, "complete ({count})"),
            Self::Subset { selector } => write!(f, "subset ({selector})"),
            Self::Forbidden => f.write_str("forbidden"),
            Self::Absent => f.write_str("absent"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
            Self::Inconsistent => f.write_str("inconsistent: paging had to restart"),
        }
    }
}

/// Whose resources a listing showed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody's.
    All,
    /// Those of one domain, by id.
    Domain(Arc<str>),
    /// Those of some projects, by id, and what is public.
    Projects(BTreeSet<Arc<str>>),
    /// Those of some Kubernetes namespaces.
    Namespaces(BTreeSet<Arc<str>>),
    /// Only what everybody may see.
    Public,
}

impl Visibility {
    /// Whether a listing under `self` shows everything that one under `other`
    /// does. Where that cannot be told (a domain and a project), it is false.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) | (_, Self::Public) => true,
            (Self::Domain(a), Self::Domain(b)) => a == b,
            (Self::Projects(a), Self::Projects(b)) | (Self::Namespaces(a), Self::Namespaces(b)) => {
                b.is_subset(a)
            }
            (Self::Domain(_), Self::All | Self::Projects(_) | Self::Namespaces(_))
            | (Self::Projects(_), Self::All | Self::Domain(_) | Self::Namespaces(_))
            | (Self::Namespaces(_), Self::All | Self::Domain(_) | Self::Projects(_))
            | (
                Self::Public,
                Self::All | Self::Domain(_) | Self::Projects(_) | Self::Namespaces(_),
            ) => false,
        }
    }

    /// Whether a rule that needs `needed` can be judged on such a listing.
    #[must_use]
    pub fn suffices(&self, needed: Needed) -> bool {
        match (needed, self) {
            (_, Self::All) => true,
            (Needed::All, _) => false,
            (Needed::Member, Self::Domain(_) | Self::Projects(_) | Self::Namespaces(_)) => true,
            (Needed::Member, Self::Public) => false,
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, what: &str, ids: &BTreeSet<Arc<str>>| {
            let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
            write!(f, "{what} {}", ids.join(", "))
        };
        match self {
            Self::All => f.write_str("all"),
            Self::Domain(id) => write!(f, "domain {id}"),
            Self::Projects(ids) => list(f, "project", ids),
            Self::Namespaces(names) => list(f, "namespace", names),
            Self::Public => f.write_str("public"),
        }
    }
}

/// The least visibility that a rule needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Needed {
    /// Everybody's resources.
    #[default]
    All,
    /// What an ordinary project member is shown.
    Member,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projects(ids: &[&str]) -> Visibility {
        Visibility::Projects(ids.iter().map(|&i| Arc::from(i)).collect())
    }

    #[test]
    fn a_wider_view_contains_a_narrower_one_and_never_the_reverse() {
        let d = Visibility::Domain(Arc::from("d"));
        assert!(Visibility::All.contains(&projects(&["a"])));
        assert!(!projects(&["a"]).contains(&Visibility::All));
        assert!(projects(&["a", "b"]).contains(&projects(&["b"])));
        assert!(!projects(&["a"]).contains(&projects(&["a", "b"])));
        assert!(!d.contains(&projects(&["a"])), "whose project it is, is not known");
        assert!(d.contains(&Visibility::Public));
    }

    #[test]
    fn coverage_reads_back_in_the_written_shape() {
        let text = r#"{"source":"openstack/compute","region":"r","kind":"compute.server","status":"complete","count":2,"visibility":{"projects":["p"]},"read_from":"2026-11-22T00:00:00Z","read_until":"2026-11-22T00:00:01Z"}"#;
        let c: KindCoverage = serde_json::from_str(text).unwrap();
        assert_eq!(c.status, Status::Complete { count: 2 });
        assert_eq!(serde_json::to_string(&c).unwrap(), text);
    }
}
