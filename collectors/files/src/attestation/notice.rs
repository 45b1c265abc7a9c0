//! What does not count, told to people.

use std::fmt;
use std::path::PathBuf;

use jiff::civil::Date;

/// A file that does not count, or not any more. `Display` gives one clause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// The statement is about another cloud.
    OtherSubject {
        /// The file.
        file: PathBuf,
        /// The cloud it is about.
        subject: String,
    },
    /// Another file for the same testcase goes before it.
    Superseded {
        /// The file.
        file: PathBuf,
        /// The testcase.
        testcase: String,
        /// The file that counts.
        by: PathBuf,
    },
    /// Its signature is missing, wrong or of an unknown signer.
    NotSigned {
        /// The file.
        file: PathBuf,
        /// One clause that says why.
        problem: String,
    },
    /// Its last day is over.
    Expired {
        /// The file.
        file: PathBuf,
        /// Its last day.
        expires: Date,
    },
    /// Its first day has not come.
    NotYet {
        /// The file.
        file: PathBuf,
        /// Its first day.
        issued: Date,
    },
    /// A signature without a file that it signs.
    NothingSigned {
        /// The signature.
        file: PathBuf,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSubject { file, subject } => {
                write!(f, "attestation `{}` is about `{subject}`", file.display())
            }
            Self::Superseded { file, testcase, by } => write!(
                f,
                "attestation `{}` gives way to `{}`, both for `{testcase}`",
                file.display(),
                by.display()
            ),
            Self::NotSigned { file, problem } => {
                write!(f, "attestation `{}` does not count: {problem}", file.display())
            }
            Self::Expired { file, expires } => {
                write!(f, "attestation `{}` counted until {expires}", file.display())
            }
            Self::NotYet { file, issued } => {
                write!(f, "attestation `{}` counts from {issued} on", file.display())
            }
            Self::NothingSigned { file } => {
                write!(f, "signature `{}` has no file that it signs", file.display())
            }
        }
    }
}
