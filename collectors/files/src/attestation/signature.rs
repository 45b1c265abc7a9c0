//! What a signature is worth.

use serde::Serialize;
use tidegate_model::Timestamp;

/// Checks the signature of a file: given the bytes of the file and the text of
/// the signature beside it (`-----BEGIN SSH SIGNATURE-----` …), says what it is
/// worth. Namespace, known signers and time are the business of whoever makes
/// this.
pub type Verify<'a> = dyn Fn(&[u8], &str) -> SignatureStatus + 'a;

/// What a signature is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureStatus {
    /// It is of a known signer and fits the file.
    Valid {
        /// The signer, as the list of allowed signers names it.
        principal: String,
        /// The fingerprint of the key, `SHA256:…`.
        key: String,
        /// The last moment at which that key counts, if there is one.
        until: Option<Timestamp>,
    },
    /// It does not fit the file, is for another namespace, or is none.
    Invalid {
        /// One clause that says why.
        problem: String,
    },
    /// It may fit, but nobody allowed at this time made it.
    UnknownSigner {
        /// One clause that says why.
        problem: String,
        /// The fingerprint of the key, where it can be told.
        key: Option<String>,
    },
}

/// As it stands in a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Signature {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Valid,
    Absent,
    Invalid,
    UnknownSigner,
}

impl Signature {
    /// Judges the signature of `file`; `sig` are the bytes beside it, if any.
    pub(crate) fn of(file: &[u8], sig: Option<&[u8]>, verify: Option<&Verify<'_>>) -> Self {
        let problem = |status, why: &str| Self {
            status,
            principal: None,
            key: None,
            valid_until: None,
            problem: Some(why.to_owned()),
        };
        let Some(sig) = sig else {
            return problem(Status::Absent, "there is no signature beside it");
        };
        let Ok(armored) = std::str::from_utf8(sig) else {
            return problem(Status::Invalid, "the signature is not text");
        };
        let Some(verify) = verify else {
            return problem(Status::UnknownSigner, "no list of allowed signers was given");
        };
        match verify(file, armored) {
            SignatureStatus::Valid { principal, key, until } => Self {
                status: Status::Valid,
                principal: Some(principal),
                key: Some(key),
                valid_until: until,
                problem: None,
            },
            SignatureStatus::Invalid { problem: why } => problem(Status::Invalid, &why),
            SignatureStatus::UnknownSigner { problem: why, key } => {
                Self { key, ..problem(Status::UnknownSigner, &why) }
            }
        }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.status == Status::Valid
    }

    /// Why it does not count, in one clause.
    pub(crate) fn problem(&self) -> Option<String> {
        let why =
            || self.problem.clone().unwrap_or_else(|| "the signature is not valid".to_owned());
        (!self.is_valid()).then(why)
    }
}
