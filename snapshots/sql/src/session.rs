//! Queries: SQLite in memory over the tables, with everything shut that does
//! not read them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Batch, Connection, ErrorCode, Statement};
use tidegate_model::{SnapshotId, Subject};
use tidegate_store::{At, Store};

use crate::SqlError;
use crate::db::{Db, Stop, locked};
use crate::value::Value;
use crate::vtab;

/// What SQLite itself may use, for what an answer is made of. Tables count apart.
const MEMORY_MIB: usize = 256;
/// What it sorts and groups in memory; what is more goes into temporary files.
const SORT_MIB: usize = if cfg!(test) { 1 } else { 48 };
/// The longest text or row. A body of a resource is some kilobytes.
const LENGTH: i32 = 64 << 20;
/// So many steps of SQLite pass between two looks at the time: a millisecond.
const STEPS: i32 = 10_000;
/// One in so many of them is at the temporary files, too.
const LOOKS: u32 = 32;

/// Tables over some snapshots, ready to be queried.
///
/// A session reads the snapshots that it was opened with, whatever is collected
/// meanwhile. It blocks on storage: not for an executor's own threads.
pub struct Session {
    pub(crate) connection: Connection,
    pub(crate) db: Arc<Db>,
    seen: Arc<Mutex<Seen>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("tables", &self.db.tables.len()).finish_non_exhaustive()
    }
}

/// What SQLite asked while it planned a query.
#[derive(Debug, Default)]
struct Seen {
    /// The tables read.
    read: BTreeSet<String>,
    /// The first thing that was refused.
    refused: Option<String>,
}

/// What a query gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The snapshots that it is about.
    pub snapshots: Vec<SnapshotId>,
    /// The names of the columns, in order.
    pub columns: Vec<String>,
    /// The rows, in order, with a value for each column.
    pub rows: Vec<Vec<Value>>,
    /// What must be known of it: which tables are not complete, and why. Each one
    /// clause.
    pub notes: Vec<String>,
}

impl Session {
    /// Opens tables over the snapshot of each subject that `at` means.
    ///
    /// `stop` is asked every millisecond or so; once it says true, the query
    /// ends with [`SqlError::TimeLimit`].
    ///
    /// # Errors
    /// [`SqlError::Store`] if a subject has no such snapshot, or cannot be read.
    pub fn open(
        store: &Store,
        subjects: &[Subject],
        at: &At,
        stop: Stop,
    ) -> Result<Self, SqlError> {
        Self::over(Db::open(store, subjects, at, stop)?)
    }

    pub(crate) fn over(db: Db) -> Result<Self, SqlError> {
        let db = Arc::new(db);
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch(&format!(
            "PRAGMA hard_heap_limit = {}; PRAGMA temp_store = file; PRAGMA cache_size = -{}; \
             PRAGMA trusted_schema = off",
            MEMORY_MIB << 20,
            SORT_MIB << 10,
        ))?;
        vtab::register(&connection, &db)?;
        for (limit, value) in [
            (Limit::SQLITE_LIMIT_LENGTH, LENGTH),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, 1 << 20),
            (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
            (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 100),
            (Limit::SQLITE_LIMIT_VDBE_OP, 1 << 20),
            (Limit::SQLITE_LIMIT_FUNCTION_ARG, 100),
            (Limit::SQLITE_LIMIT_ATTACHED, 0),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
            (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
            (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
        ] {
            connection.set_limit(limit, value)?;
        }
        let watch = Arc::clone(&db);
        let mut asked = 0_u32;
        let interrupts = move || {
            asked = asked.wrapping_add(1);
            watch.interrupts(asked.is_multiple_of(LOOKS))
        };
        connection.progress_handler(STEPS, Some(interrupts))?;
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let asked = Arc::clone(&seen);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            let mut seen = locked(&asked);
            match refusal(&context.action) {
                None => {
                    if let AuthAction::Read { table_name, .. } = context.action {
                        seen.read.insert(table_name.to_owned());
                    }
                    Authorization::Allow
                }
                Some(what) => {
                    seen.refused.get_or_insert(what);
                    Authorization::Deny
                }
            }
        }))?;
        Ok(Self { connection, db, seen })
    }

    /// Answers a query of one statement that reads, with at most `limit` rows.
    ///
    /// # Errors
    /// What is wrong with the query ([`SqlError::is_usage`]), which limit it
    /// reached, or that the store could not be read.
    pub fn query(&self, sql: &str, limit: usize) -> Result<Answer, SqlError> {
        let mut statement = self.prepare(sql)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = Vec::new();
        let mut found = statement.query([]).map_err(|e| self.wrong(e))?;
        while let Some(row) = found.next().map_err(|e| self.wrong(e))? {
            if rows.len() == limit {
                return Err(SqlError::RowLimit { limit });
            }
            let cell = |i| row.get_ref(i).map(Value::from_sql).map_err(|e| self.wrong(e));
            rows.push((0..columns.len()).map(cell).collect::<Result<_, _>>()?);
        }
        let snapshots = self.db.subjects.iter().map(|s| s.id.clone()).collect();
        Ok(Answer { snapshots, columns, rows, notes: self.take_notes() })
    }

    /// How a query would be answered: which tables are gone through in which
    /// order, by which constraints, reading which columns. A line each, indented
    /// by depth.
    ///
    /// # Errors
    /// As [`Session::query`]; nothing of the store is read.
    pub fn explain(&self, sql: &str) -> Result<Vec<String>, SqlError> {
        drop(self.prepare(sql)?);
        let sql = format!("EXPLAIN QUERY PLAN {}", sql.trim_start());
        let mut statement = self.prepare(&sql)?;
        let mut found = statement.query([]).map_err(|e| self.wrong(e))?;
        let mut depths = std::collections::BTreeMap::new();
        let mut lines = Vec::new();
        while let Some(row) = found.next().map_err(|e| self.wrong(e))? {
            let step = |i| row.get::<_, i64>(i).map_err(|e| self.wrong(e));
            let (id, parent) = (step(0)?, step(1)?);
            let depth = depths.get(&parent).map_or(0, |d| d + 1);
            depths.insert(id, depth);
            let detail: String = row.get(3).map_err(|e| self.wrong(e))?;
            // The number before it is always 0: constraints stand in the text.
            let detail = detail.replace("VIRTUAL TABLE INDEX 0:", "BY ");
            lines.push(format!("{}{detail}", "  ".repeat(depth)));
        }
        Ok(lines)
    }

    /// What must be known of the answer to the last query.
    pub(crate) fn take_notes(&self) -> Vec<String> {
        self.db.take_notes(&locked(&self.seen).read)
    }

    pub(crate) fn prepare(&self, sql: &str) -> Result<Statement<'_>, SqlError> {
        *locked(&self.seen) = Seen::default();
        self.db.failure();
        if sql.contains('\0') {
            return Err(SqlError::Syntax { message: "it contains a NUL character".to_owned() });
        }
        let mut batch = Batch::new(&self.connection, sql);
        let statement = batch.next().map_err(|e| self.wrong(e))?.ok_or(SqlError::Empty)?;
        if !matches!(batch.next(), Ok(None)) {
            return Err(SqlError::Several);
        }
        if !statement.readonly() {
            return Err(SqlError::NotRead { what: "this statement".to_owned() });
        }
        if statement.parameter_count() > 0 {
            let message = "it has parameters, write the values themselves".to_owned();
            return Err(SqlError::Syntax { message });
        }
        Ok(statement)
    }

    /// Says what SQLite's error means.
    pub(crate) fn wrong(&self, error: rusqlite::Error) -> SqlError {
        if let Some(error) = self.db.failure() {
            return error;
        }
        if let Some(what) = locked(&self.seen).refused.take() {
            return SqlError::NotRead { what };
        }
        let code = error.sqlite_error_code();
        match code {
            Some(ErrorCode::OperationInterrupted) => return SqlError::TimeLimit,
            Some(ErrorCode::OutOfMemory) => {
                return SqlError::MemoryLimit { limit_mib: MEMORY_MIB };
            }
            // Nothing else is written or opened by SQLite.
            Some(ErrorCode::DiskFull | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
                return SqlError::Temp { message: error.to_string() };
            }
            _ => {}
        }
        let (message, planning) = match error {
            rusqlite::Error::SqlInputError { msg, .. } => (msg, true),
            rusqlite::Error::SqliteFailure(_, Some(message)) => (message, false),
            other => (other.to_string(), false),
        };
        if let Some(name) = message.strip_prefix("no such table: ") {
            return self.no_table(name);
        }
        if let Some(name) = message.strip_prefix("no such column: ") {
            return SqlError::NoColumn { near: self.columns_near(name), name: name.to_owned() };
        }
        if message.ends_with(" may not be modified") {
            return SqlError::NotRead { what: "changing a table".to_owned() };
        }
        if planning { SqlError::Syntax { message } } else { SqlError::Failed { message } }
    }

    /// That there is no such table, and which has nearly that name.
    pub(crate) fn no_table(&self, name: &str) -> SqlError {
        let names = self.db.tables.values().map(|t| t.name.as_str());
        SqlError::NoTable { near: near(name, names), name: name.to_owned() }
    }

    /// Columns with a name like this one. Which tables the query reads is not
    /// known where it could not be planned, so all are looked at.
    fn columns_near(&self, name: &str) -> Vec<String> {
        let own = name.rsplit('.').next().unwrap_or(name);
        let columns = self.db.tables.values().flat_map(|t| &t.columns).map(|c| c.name.as_str());
        near(own, columns)
    }
}

/// What is not allowed, if it is not.
fn refusal(action: &AuthAction<'_>) -> Option<String> {
    let said = match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => return None,
        AuthAction::Function { function_name } => {
            // It could load code. The other functions only compute.
            if !function_name.eq_ignore_ascii_case("load_extension") {
                return None;
            }
            "the function load_extension".to_owned()
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            // These tell of tables and columns.
            let tells = ["table_list", "table_info", "table_xinfo", "function_list"];
            if tells.iter().any(|p| p.eq_ignore_ascii_case(pragma_name)) {
                return None;
            }
            let set = pragma_value.map_or(String::new(), |v| format!(" = {v}"));
            format!("PRAGMA {pragma_name}{set}")
        }
        // Whatever creates or drops something begins with this.
        AuthAction::Insert { table_name } | AuthAction::Delete { table_name }
            if table_name.starts_with("sqlite_") =>
        {
            "changing the schema".to_owned()
        }
        AuthAction::Insert { table_name } => format!("INSERT into `{table_name}`"),
        AuthAction::Update { table_name, .. } => format!("UPDATE of `{table_name}`"),
        AuthAction::Delete { table_name } => format!("DELETE from `{table_name}`"),
        AuthAction::Attach { .. } => "ATTACH".to_owned(),
        AuthAction::Detach { .. } => "DETACH".to_owned(),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => "a transaction".to_owned(),
        _ => "this statement".to_owned(),
    };
    Some(said)
}

/// Up to three names that are nearly this one, the nearest first.
fn near<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let name = name.trim_start_matches("main.").to_ascii_lowercase();
    let most = name.len() / 3 + 1;
    // A part of a name that stands for the whole, such as the thing without its
    // service, is near, too.
    let part = |n: &str| name.len() > 2 && (n.starts_with(&name) || n.ends_with(&name));
    let names: BTreeSet<&str> = names.collect();
    let names = names.into_iter().map(|n| (strsim::osa_distance(&name, n), n));
    let mut found: Vec<(usize, &str)> = names.filter(|(d, n)| *d <= most || part(n)).collect();
    let least = found.iter().map(|(d, _)| *d).min().unwrap_or(0);
    found.retain(|(d, n)| *d == least || part(n));
    found.sort_unstable();
    found.into_iter().take(3).map(|(_, n)| n.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &[&str]) {
        let names = ["servers", "server_groups", "pods", "ports", "history"];
        assert_eq!(near(name, names.into_iter()), expected);
    }

    #[test]
    fn near_names_are_found() {
        check("server", &["servers", "server_groups"]);
        check("SERVRES", &["servers"]);
        check("main.pod", &["pods"]);
        check("nothing", &[]);
    }
}
