//! Who and what: subjects, snapshots, kinds, resources and rules by name.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

/// A name that does not have the form its type asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a {what}: {why}")]
pub struct IdError {
    /// What was to be read.
    pub what: &'static str,
    /// What stood there.
    pub value: String,
    /// What is wrong with it.
    pub why: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a name.
            ///
            /// # Errors
            /// [`IdError`] if the text does not have the form of this type.
            pub fn new(value: impl AsRef<str>) -> Result<Self, IdError> {
                let value = value.as_ref();
                let check: fn(&str) -> Result<(), &'static str> = $check;
                match check(value) {
                    Ok(()) => Ok(Self(Arc::from(value))),
                    Err(why) => Err(IdError { what: $what, value: value.to_owned(), why }),
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(s: &str) -> Result<Self, IdError> {
                Self::new(s)
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(s: String) -> Result<Self, IdError> {
                Self::new(s)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
        impl From<&$name> for Arc<str> {
            fn from(id: &$name) -> Self {
                Self::clone(&id.0)
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// One cloud (all its regions) or one cluster: the slug it has in the
    /// configuration, such as `prod1`. It is a folder name in the store.
    Subject,
    "subject",
    |s| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if s.is_empty() || s.len() > 128 {
            Err("it must have 1 to 128 characters")
        } else if s.starts_with('.') {
            Err("it must not start with a dot")
        } else if !s.chars().all(plain) {
            Err("only letters, digits, `-`, `_` and `.` are allowed")
        } else {
            Ok(())
        }
    }
);

text_id!(
    /// What a resource is, without API version and unique over all systems:
    /// `compute.server`, `apps.Deployment`.
    Kind,
    "kind",
    |s| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if s.contains('.') && s.chars().all(plain) && !s.starts_with('.') && !s.ends_with('.') {
            Ok(())
        } else {
            Err("it must look like `service.thing`")
        }
    }
);

text_id!(
    /// The stable id of a rule, such as `scs-0103-flavor-1v-4`.
    RuleId,
    "rule id",
    |s| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !s.is_empty() && s.chars().all(plain) {
            Ok(())
        } else {
            Err("only letters, digits, `-`, `_` and `.` are allowed")
        }
    }
);

text_id!(
    /// Names a resource inside its subject: `<system>/<kind>/<id…>`, segments
    /// percent-encoded, stable over API upgrades:
    /// `openstack/compute.server/<region>/<uuid>`. `-` stands where a kind has
    /// no region.
    ResourceKey,
    "resource key",
    |s| {
        let mut parts = s.split('/');
        let filled = |p: Option<&str>| p.is_some_and(|p| !p.is_empty());
        if filled(parts.next()) && filled(parts.next()) && filled(parts.next()) {
            Ok(())
        } else {
            Err("it must look like `system/kind/id`")
        }
    }
);

/// What stays readable in a key. `/` separates, `%` escapes.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'@');

impl ResourceKey {
    /// Builds a key; `id` holds the segments of the id, outermost first, at
    /// least one. An empty segment becomes `-`.
    ///
    /// ```
    /// # use tidegate_model::{Kind, ResourceKey};
    /// let kind = Kind::new("compute.aggregate").unwrap();
    /// let key = ResourceKey::build("openstack", &kind, &["RegionOne", "a/b"]);
    /// assert_eq!(key.as_str(), "openstack/compute.aggregate/RegionOne/a%2Fb");
    /// assert_eq!(key.id(), "a/b");
    /// ```
    #[must_use]
    pub fn build(system: &str, kind: &Kind, id: &[&str]) -> Self {
        let mut text = format!("{system}/{kind}");
        for segment in id {
            text.push('/');
            if segment.is_empty() {
                text.push('-');
            } else {
                text.extend(utf8_percent_encode(segment, SEGMENT));
            }
        }
        Self(Arc::from(text))
    }

    /// The system, such as `openstack`.
    #[must_use]
    pub fn system(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The kind as text, such as `compute.server`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or_default()
    }

    /// The last segment of the id, decoded: the id that the API gave.
    #[must_use]
    pub fn id(&self) -> Cow<'_, str> {
        let last = self.0.rsplit('/').next().unwrap_or_default();
        percent_decode_str(last).decode_utf8_lossy()
    }
}

/// One snapshot of one subject: `prod1@417`. Sequence numbers start at 1 and
/// are never used again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SnapshotId {
    /// The cloud or cluster.
    pub subject: Subject,
    /// The number in the chain of that subject, from 1.
    pub seq: u64,
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}@{}", self.subject, self.seq))
    }
}

impl FromStr for SnapshotId {
    type Err = IdError;
    fn from_str(s: &str) -> Result<Self, IdError> {
        let wrong = |why| IdError { what: "snapshot id", value: s.to_owned(), why };
        let (subject, seq) = s.rsplit_once('@').ok_or(wrong("it must look like `subject@7`"))?;
        let seq = seq.parse().map_err(|_| wrong("what follows `@` must be a number"))?;
        Ok(Self { subject: Subject::new(subject)?, seq })
    }
}

impl TryFrom<String> for SnapshotId {
    type Error = IdError;
    fn try_from(s: String) -> Result<Self, IdError> {
        s.parse()
    }
}

impl From<SnapshotId> for String {
    fn from(id: SnapshotId) -> String {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_encode_separators_and_round_trip() {
        let kind = Kind::new("identity.role_assignment").unwrap();
        let key = ResourceKey::build("openstack", &kind, &["-", "u/1 %", ""]);
        assert_eq!(key.as_str(), "openstack/identity.role_assignment/-/u%2F1%20%25/-");
        assert_eq!(key.kind(), "identity.role_assignment");
        assert_eq!(ResourceKey::new(key.as_str()).unwrap(), key);
        assert!(ResourceKey::new("openstack/compute.server").is_err());
    }

    #[test]
    fn subjects_are_safe_folder_names() {
        assert!(Subject::new("prod1-k8s_a.b").is_ok());
        for bad in ["", "..", "a/b", "ä", "a b"] {
            assert!(Subject::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn snapshot_ids_read_back() {
        let id: SnapshotId = "prod1@417".parse().unwrap();
        assert_eq!((id.subject.as_str(), id.seq), ("prod1", 417));
        assert_eq!(id.to_string(), "prod1@417");
        assert!("prod1".parse::<SnapshotId>().is_err());
        assert!("prod1@x".parse::<SnapshotId>().is_err());
    }
}
