//! Hashes: SHA-256 digests, salts and the leaf of one resource version.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::id::IdError;

/// A SHA-256 digest; written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = IdError;
    fn from_str(s: &str) -> Result<Self, IdError> {
        let wrong = || IdError {
            what: "SHA-256 digest",
            value: s.to_owned(),
            why: "it must have 64 hex digits",
        };
        if s.len() != 64 || !s.is_ascii() {
            return Err(wrong());
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(s.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(out))
    }
}

impl TryFrom<String> for Digest {
    type Error = IdError;
    fn try_from(s: String) -> Result<Self, IdError> {
        s.parse()
    }
}

impl From<Digest> for String {
    fn from(d: Digest) -> String {
        d.to_string()
    }
}

/// 16 random bytes that live as long as one version of a body and are erased
/// with it, so that an erased small body cannot be guessed from its leaf.
pub type Salt = [u8; 16];

/// The leaf of one version of a resource:
/// `SHA-256(0x00 ‖ key ‖ SHA-256(salt ‖ body))`.
///
/// `body` is canonical JSON. Source: RFC 6962 §2.1 for the leading zero byte.
#[must_use]
pub fn leaf(key: &str, salt: &Salt, body: &str) -> Digest {
    let inner = Sha256::new().chain_update(salt).chain_update(body).finalize();
    Digest(Sha256::new().chain_update([0]).chain_update(key).chain_update(inner).finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_read_back() {
        let d = Digest::of(b"abc");
        assert_eq!(
            d.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(d.to_string().parse::<Digest>().unwrap(), d);
        assert!("xyz".parse::<Digest>().is_err());
    }

    #[test]
    fn a_leaf_depends_on_key_salt_and_body() {
        let base = leaf("a/b.c/d", &[1; 16], "{}");
        assert_ne!(base, leaf("a/b.c/e", &[1; 16], "{}"));
        assert_ne!(base, leaf("a/b.c/d", &[2; 16], "{}"));
        assert_ne!(base, leaf("a/b.c/d", &[1; 16], "[]"));
    }
}
