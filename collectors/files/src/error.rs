//! What keeps files from being read at all.

use std::path::PathBuf;

/// Files cannot be used, and the user has to mend something first. What only
/// concerns one file of a configuration folder is coverage instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// A folder or file that was named is not there or cannot be read.
    #[error("cannot read `{}`: {why}", .path.display())]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// One clause that says why.
        why: String,
    },
    /// The folder holds nothing that belongs to a service.
    #[error("no configuration of an OpenStack service in `{}`", .path.display())]
    NoConfiguration {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds more files than a folder of this sort does.
    #[error("`{}` holds more than {most} files", .path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
        /// The most that are read.
        most: usize,
    },
    /// An attestation file does not have the form of one.
    #[error("attestation `{}`{} is not usable: {why}", .path.display(), at(.line))]
    BadAttestation {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where it can be told.
        line: Option<usize>,
        /// One clause that says what is wrong.
        why: String,
    },
    /// A file with results of tests cannot be used.
    #[error("test results `{}` are not usable: {why}", .path.display())]
    BadTestResults {
        /// The file.
        path: PathBuf,
        /// One clause that says what is wrong.
        why: String,
    },
}

fn at(line: &Option<usize>) -> String {
    line.map(|l| format!(" line {l}")).unwrap_or_default()
}

impl FilesError {
    /// What the user can do about it, one sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "check the path and its permissions",
            Self::NoConfiguration { .. } => {
                "name the folder that has one folder per service, so that it holds keystone/keystone.conf, such as /etc/kolla"
            }
            Self::TooMany { .. } => "name a folder that holds nothing else",
            Self::BadAttestation { .. } => {
                "correct the file, then sign it again: ssh-keygen -Y sign -f KEY -n attestation FILE"
            }
            Self::BadTestResults { .. } => {
                "name the archive that `sonobuoy retrieve` wrote, or a JUnit file such as junit_01.xml"
            }
        }
    }
}

/// The reason of an I/O error in one lower-case clause, without the number of
/// the operating system, which says nothing to a reader.
pub(crate) fn clause(e: &std::io::Error) -> String {
    let text = e.to_string().to_lowercase();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
