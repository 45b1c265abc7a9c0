//! What takes the place of a secret.

use std::fmt;

use sha2::{Digest, Sha256};

/// A key of the user's, under which secrets are hashed in the place of being
/// blanked, so that a change is visible.
#[derive(Clone)]
pub struct RedactionKey([u8; 32]);

impl RedactionKey {
    /// Takes any text; it is hashed to the length needed.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// HMAC-SHA-256 of a secret, first 16 bytes in hexadecimal.
    fn hash(&self, secret: &[u8]) -> String {
        let pad = |with: u8| {
            let mut block = [with; 64];
            for (b, k) in block.iter_mut().zip(self.0) {
                *b ^= k;
            }
            block
        };
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(secret).finalize();
        let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
        outer.iter().take(16).map(|b| format!("{b:02x}")).collect()
    }
}

/// The key is itself a secret.
impl fmt::Debug for RedactionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedactionKey")
    }
}

/// What takes the place of a whole value: `[redacted]`, or under a key
/// `[redacted:<hash>]`, where the hash is 32 hexadecimal digits.
///
/// ```
/// # use tidegate_redact::{RedactionKey, blank};
/// assert_eq!(blank(b"hunter2", None), "[redacted]");
/// let key = RedactionKey::new("k");
/// assert_ne!(blank(b"hunter2", Some(&key)), blank(b"hunter3", Some(&key)));
/// ```
#[must_use]
pub fn blank(secret: &[u8], key: Option<&RedactionKey>) -> String {
    match key {
        None => "[redacted]".to_owned(),
        Some(key) => format!("[redacted:{}]", key.hash(secret)),
    }
}

/// What takes the place of a text that matches a pattern:
/// `[redacted:<pattern>]`, or under a key `[redacted:<pattern>:<hash>]`.
/// Rules can read the pattern.
#[must_use]
pub fn mark(pattern: &str, text: &str, key: Option<&RedactionKey>) -> String {
    match key {
        None => format!("[redacted:{pattern}]"),
        Some(key) => format!("[redacted:{pattern}:{}]", key.hash(text.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_hmac_sha_256() {
        // HMAC under the key SHA-256("k"), computed with Python's hmac.
        let key = RedactionKey::new("k");
        assert_eq!(blank(b"hunter2", Some(&key)), "[redacted:dd23bdf78f33d7b3c516dcc7b3d43953]");
    }

    #[test]
    fn a_pattern_stays_readable() {
        assert_eq!(mark("jwt", "eyJ", None), "[redacted:jwt]");
        let key = RedactionKey::new("k");
        let one = mark("jwt", "one", Some(&key));
        assert!(one.starts_with("[redacted:jwt:") && one != mark("jwt", "two", Some(&key)));
        assert_eq!(format!("{key:?}"), "RedactionKey");
    }
}
