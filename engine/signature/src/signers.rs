//! Who may sign what, and whether a signature is theirs.

use jiff::Timestamp;
use ssh_key::{PublicKey, SshSig};

use crate::line::{self, Line};
use crate::pattern::list_matches;
use crate::{FIT, fingerprint, unfit};

/// A line of an allowed-signers file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct SignersError {
    /// Its number, from 1.
    pub line: usize,
    /// One clause.
    pub problem: String,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The text is no SSH signature.
    #[error("it is not an SSH signature: {problem}")]
    NotASignature {
        /// One clause.
        problem: String,
    },
    /// The signature was made for another purpose.
    #[error("it was made for namespace `{found}`, not `{wanted}`")]
    WrongNamespace {
        /// The namespace of the signature.
        found: String,
        /// The one it should have.
        wanted: String,
    },
    /// The key that made it does not count for anybody.
    #[error("{problem}: {FIT}")]
    UnfitKey {
        /// One clause.
        problem: String,
    },
    /// The signature is not one over this message.
    #[error("it does not match: what was signed with key `{key}` has other content")]
    Mismatch {
        /// The fingerprint of the key that the signature names.
        key: String,
    },
    /// It fits, but the key is not among the signers.
    #[error("key `{key}` is not among the allowed signers")]
    UnknownKey {
        /// Its fingerprint.
        key: String,
    },
    /// It fits, but the signer is not allowed this namespace.
    #[error("`{principal}` may not sign for namespace `{namespace}`")]
    NotForNamespace {
        /// The signer.
        principal: String,
        /// What it was signed for.
        namespace: String,
    },
    /// It fits, but the signer's key did not count yet.
    #[error("the key of `{principal}` does not count before {from}")]
    NotYetValid {
        /// The signer.
        principal: String,
        /// The first moment that counts.
        from: Timestamp,
    },
    /// It fits, but the signer's key no longer counted.
    #[error("the key of `{principal}` does not count after {until}")]
    Expired {
        /// The signer.
        principal: String,
        /// The last moment that counts.
        until: Timestamp,
    },
}

/// Whose signature it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The principals of the line that lists the key, as they stand there: one
    /// name, or a list of patterns.
    pub principal: String,
    /// The key: `SHA256:` and base64.
    pub key_fingerprint: String,
    /// The last moment at which the key counts, if the line names one.
    pub valid_before: Option<Timestamp>,
}

impl Signer {
    /// Whether this signer may sign as `identity`, such as `ops@example.org`.
    #[must_use]
    pub fn may_sign_as(&self, identity: &str) -> bool {
        list_matches(&self.principal, identity)
    }
}

/// The signers of an allowed-signers file.
#[derive(Debug, Clone, Default)]
pub struct AllowedSigners {
    lines: Vec<Line>,
}

impl AllowedSigners {
    /// Reads an allowed-signers file: a line for each key with its principals,
    /// options (`namespaces`, `valid-after`, `valid-before`) and the key. An
    /// empty file allows nobody.
    ///
    /// Narrower than OpenSSH on purpose: `cert-authority`, times without a zone
    /// and keys that would not count anyway are refused rather than read in a
    /// way that its author may not have meant.
    ///
    /// # Errors
    /// [`SignersError`] for the first line that cannot be used.
    pub fn parse(text: &str) -> Result<Self, SignersError> {
        let mut lines = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let read = line::parse(line);
            lines.extend(read.map_err(|problem| SignersError { line: number, problem })?);
        }
        Ok(Self { lines })
    }

    /// How many keys are listed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether nobody is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Says whose signature over `message` this is. `armored` is the text of
    /// the `.sig` file, `at` the moment at which the signer must have counted:
    /// not before `valid-after`, not after `valid-before`. A key that is listed
    /// several times counts if one of its lines allows it.
    ///
    /// # Errors
    /// [`VerifyError`]; where several things are wrong, the first in the order
    /// of its variants.
    pub fn verify(
        &self,
        armored: &str,
        namespace: &str,
        message: &[u8],
        at: Timestamp,
    ) -> Result<Signer, VerifyError> {
        let key = check(armored, namespace, message)?;
        let mut closest = None;
        for line in self.lines.iter().filter(|l| l.key.key_data() == key.key_data()) {
            match allowed(line, namespace, at) {
                Ok(()) => {
                    let principal = line.principals.clone();
                    let (key_fingerprint, valid_before) = (fingerprint(&key), line.valid_before);
                    return Ok(Signer { principal, key_fingerprint, valid_before });
                }
                // What comes closest to counting tells most.
                Err(e) => closest = Some(closest.filter(|c| rank(c) >= rank(&e)).unwrap_or(e)),
            }
        }
        Err(closest.unwrap_or_else(|| VerifyError::UnknownKey { key: fingerprint(&key) }))
    }
}

fn allowed(line: &Line, namespace: &str, at: Timestamp) -> Result<(), VerifyError> {
    let principal = || line.principals.clone();
    if line.namespaces.as_ref().is_some_and(|list| !list_matches(list, namespace)) {
        let namespace = namespace.to_owned();
        return Err(VerifyError::NotForNamespace { principal: principal(), namespace });
    }
    if let Some(from) = line.valid_after.filter(|from| at < *from) {
        return Err(VerifyError::NotYetValid { principal: principal(), from });
    }
    if let Some(until) = line.valid_before.filter(|until| at > *until) {
        return Err(VerifyError::Expired { principal: principal(), until });
    }
    Ok(())
}

/// How far a signer got: the greater, the closer to counting.
fn rank(error: &VerifyError) -> u8 {
    match error {
        VerifyError::NotASignature { .. }
        | VerifyError::WrongNamespace { .. }
        | VerifyError::UnfitKey { .. }
        | VerifyError::Mismatch { .. }
        | VerifyError::UnknownKey { .. } => 0,
        VerifyError::NotForNamespace { .. } => 1,
        VerifyError::NotYetValid { .. } | VerifyError::Expired { .. } => 2,
    }
}

/// Checks that a signature fits a message and gives the fingerprint of the key
/// that made it. This says nothing about whose key that is.
///
/// # Errors
/// [`VerifyError`], but never one about signers.
pub fn signed_by(armored: &str, namespace: &str, message: &[u8]) -> Result<String, VerifyError> {
    check(armored, namespace, message).map(|key| fingerprint(&key))
}

fn check(armored: &str, namespace: &str, message: &[u8]) -> Result<PublicKey, VerifyError> {
    let signature = SshSig::from_pem(armored.trim_start())
        .map_err(|e| VerifyError::NotASignature { problem: e.to_string() })?;
    // The version is not part of what is signed; there is no other than 1.
    if signature.version() != SshSig::VERSION {
        let problem = format!("version {} is unknown", signature.version());
        return Err(VerifyError::NotASignature { problem });
    }
    if signature.namespace() != namespace {
        let (found, wanted) = (signature.namespace().to_owned(), namespace.to_owned());
        return Err(VerifyError::WrongNamespace { found, wanted });
    }
    let key = PublicKey::new(signature.public_key().clone(), "");
    if let Some(problem) = unfit(&key) {
        return Err(VerifyError::UnfitKey { problem });
    }
    match key.verify(namespace, message, &signature) {
        Ok(()) => Ok(key),
        Err(_) => Err(VerifyError::Mismatch { key: fingerprint(&key) }),
    }
}
