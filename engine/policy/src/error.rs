//! What can be wrong with a bundle, and where.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// One thing that is wrong in one file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The bundle, by name.
    pub bundle: String,
    /// The file, relative to the bundle.
    pub file: String,
    /// The line, from 1; absent where the whole file is meant.
    pub line: Option<u32>,
    /// What is wrong, as one clause.
    pub problem: String,
    /// What to write instead, if that can be said.
    pub hint: Option<String>,
}

impl Fault {
    pub(crate) fn new(
        bundle: &str,
        file: &str,
        line: impl Into<Option<u32>>,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            bundle: bundle.to_owned(),
            file: file.to_owned(),
            line: line.into(),
            problem: problem.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bundle, file, line, problem, hint: _ } = self;
        match line {
            Some(line) => write!(f, "bundle `{bundle}`: {file}:{line}: {problem}"),
            None => write!(f, "bundle `{bundle}`: {file}: {problem}"),
        }
    }
}

/// A bundle or a set of bundles that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// A folder or archive cannot be read.
    #[error("cannot read bundle `{}`", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// An archive is not one, is too large, or names files outside of itself.
    #[error("cannot unpack bundle `{bundle}`: {problem}")]
    Archive {
        /// The bundle.
        bundle: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two bundles claim the same part of the namespace.
    #[error("bundles `{a}` and `{b}` overlap: root `{root_a}` and root `{root_b}`")]
    Overlap {
        /// One bundle.
        a: String,
        /// Its root.
        root_a: String,
        /// The other bundle.
        b: String,
        /// Its root.
        root_b: String,
    },
    /// Something in the files is wrong; at least one fault, in order of bundle,
    /// file and line.
    #[error("{}", first(.0))]
    Faults(Vec<Fault>),
    /// A parameter is given that no rule declares.
    #[error("no rule declares the parameter `{0}`")]
    UnknownParameter(String),
    /// The engine refuses the rules as a whole.
    #[error("cannot compile the rules: {0}")]
    Engine(String),
}

impl LoadError {
    /// All that is wrong in files; empty for the other variants.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Faults(faults) => faults,
            Self::Read { .. }
            | Self::Archive { .. }
            | Self::Overlap { .. }
            | Self::UnknownParameter(_)
            | Self::Engine(_) => &[],
        }
    }
}

impl From<Fault> for LoadError {
    fn from(fault: Fault) -> Self {
        Self::Faults(vec![fault])
    }
}

fn first(faults: &[Fault]) -> String {
    match faults {
        [] => "nothing is wrong".to_owned(),
        [one] => one.to_string(),
        [one, rest @ ..] => format!("{one} (and {} more)", rest.len()),
    }
}
