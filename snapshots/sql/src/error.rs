//! What can go wrong with a query.

use std::path::PathBuf;

use tidegate_store::StoreError;

/// A query could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// There is no statement.
    #[error("the query is empty")]
    Empty,
    /// There is more than one statement.
    #[error("the query has more than one statement; leave all but one out")]
    Several,
    /// It would do something else than read.
    #[error("the query may only read: {what} is not allowed")]
    NotRead {
        /// What it would do, such as `INSERT into servers`.
        what: String,
    },
    /// It reads a table that does not exist.
    #[error("there is no table `{name}`{}", suggestion(near))]
    NoTable {
        /// The name.
        name: String,
        /// Tables with a similar name.
        near: Vec<String>,
    },
    /// It names a column that does not exist.
    #[error("there is no column `{name}`{}", suggestion(near))]
    NoColumn {
        /// The name.
        name: String,
        /// Columns of the tables that the query reads, with a similar name.
        near: Vec<String>,
    },
    /// SQLite does not understand it.
    #[error("cannot understand the query: {message}")]
    Syntax {
        /// What SQLite says.
        message: String,
    },
    /// It takes too long.
    #[error("the query was stopped: it reached the time limit")]
    TimeLimit,
    /// It gives too many rows.
    #[error("the query was stopped: it gives more than {limit} rows")]
    RowLimit {
        /// The most that were wanted.
        limit: usize,
    },
    /// It needs too much memory.
    #[error(
        "the query was stopped: it needs more than {limit_mib} MiB of memory; \
         select fewer rows or columns before sorting or grouping"
    )]
    MemoryLimit {
        /// The most that it may have.
        limit_mib: usize,
    },
    /// It sorts or groups more than may be put aside on disk.
    #[error(
        "the query was stopped: sorting and grouping need more than {limit_mib} MiB of \
         temporary files; select fewer rows or columns before"
    )]
    TempLimit {
        /// The most that it may have.
        limit_mib: usize,
    },
    /// There is no room for what it sorts or groups.
    #[error(
        "the query was stopped: temporary files cannot be written ({message}); name a folder \
         with room for them in SQLITE_TMPDIR"
    )]
    Temp {
        /// What SQLite says.
        message: String,
    },
    /// A value is not what a function of SQL needs, for instance.
    #[error("the query failed: {message}")]
    Failed {
        /// What SQLite says.
        message: String,
    },
    /// The store could not be read.
    #[error("cannot read the store")]
    Store(#[from] StoreError),
    /// A snapshot could not be read.
    #[error(transparent)]
    Facts(#[from] tidegate_model::FactsError),
    /// A record does not hold what it should.
    #[error("cannot read record {n} of `{subject}`: {why}")]
    Record {
        /// The cloud or cluster.
        subject: String,
        /// Its number.
        n: u64,
        /// What is wrong.
        why: String,
    },
    /// SQLite cannot be set up, or a file cannot be written.
    #[error("cannot use SQLite")]
    Sqlite(#[from] rusqlite::Error),
    /// The export failed.
    #[error("cannot write `{}`", path.display())]
    Export {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SqlError {
    /// Whether the query itself is wrong, rather than what it was asked of.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Empty
            | Self::Several
            | Self::NotRead { .. }
            | Self::NoTable { .. }
            | Self::NoColumn { .. }
            | Self::Syntax { .. } => true,
            Self::TimeLimit
            | Self::RowLimit { .. }
            | Self::MemoryLimit { .. }
            | Self::TempLimit { .. }
            | Self::Temp { .. }
            | Self::Failed { .. }
            | Self::Store(_)
            | Self::Facts(_)
            | Self::Record { .. }
            | Self::Sqlite(_)
            | Self::Export { .. } => false,
        }
    }
}

fn suggestion(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let names: Vec<String> = near.iter().map(|n| format!("`{n}`")).collect();
    format!("; did you mean {}?", names.join(" or "))
}
