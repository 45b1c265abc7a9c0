//! What is looked up, and by what it is found.

use std::sync::LazyLock;

use regorus::Value;
use sha2::{Digest as _, Sha256};
use tidegate_model::Kind;

use crate::loaded::Loaded;
use crate::metadata::{Join, Rule};
use crate::pointer::Pointer;

/// The first 8 bytes of a SHA-256: whoever names resources in a cloud must not
/// be able to make two of them meet.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    first(Sha256::digest(bytes).into())
}

fn first(digest: [u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The hash of a scalar; text and numbers never have the same.
pub(super) fn hash_value(value: &Value) -> u64 {
    let tagged = |tag: &[u8], text: &str| {
        first(Sha256::new_with_prefix(tag).chain_update(text).finalize().into())
    };
    match value {
        Value::String(text) => tagged(b"s", text),
        other => tagged(b"v", &other.to_string()),
    }
}

/// Under this hash stand the targets whose fields cannot be read, or are not there though
/// the rule requires them: any value may be theirs.
pub(super) fn unreadable() -> u64 {
    static HASH: LazyLock<u64> = LazyLock::new(|| hash(b"unreadable"));
    *HASH
}

/// What is looked up: a kind by a field, its id if there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) kind: Kind,
    pub(super) field: Option<Pointer>,
    /// Whether every resource of the kind has the field, so that one without it may
    /// belong to any value.
    required: bool,
}

impl Target {
    pub(super) fn of(rule: &Rule, join: &Join) -> Self {
        let requires = rule.requires.get(&join.kind).map_or(&[][..], Vec::as_slice);
        let required = join.field.as_ref().is_some_and(|field| requires.contains(field));
        Self { kind: join.kind.clone(), field: join.field.clone(), required }
    }

    /// Whether the values that a resource is found by can be told.
    pub(super) fn can_tell(&self, loaded: &Loaded) -> bool {
        match (&self.field, loaded.body()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(field), Some(body)) => !self.required || field.get(body).is_some(),
        }
    }

    /// Hands out the values that a resource is found by.
    pub(super) fn values(&self, loaded: &Loaded, found: &mut dyn FnMut(&Value)) {
        match (&self.field, loaded.body()) {
            (None, _) => found(&Value::from(&*loaded.resource.key.id())),
            (Some(field), Some(body)) => field.scalars(body, found),
            (Some(_), None) => {}
        }
    }

    /// Whether a resource is found by a value.
    pub(super) fn has(&self, loaded: &Loaded, value: &Value) -> bool {
        match (&self.field, value) {
            (None, Value::String(text)) => *loaded.resource.key.id() == **text,
            (None, _) => false,
            (Some(_), _) => {
                let mut same = false;
                self.values(loaded, &mut |v| same |= v == value);
                same
            }
        }
    }
}
