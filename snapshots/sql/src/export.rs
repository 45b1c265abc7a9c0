//! Tables and answers as ordinary tables of an SQLite file, for an auditor's
//! own tools.

use std::path::Path;

use rusqlite::{Connection, Statement, params_from_iter};

use crate::catalog::{Field, Table};
use crate::json::unique;
use crate::value::{Value, time_text};
use crate::vtab::{declaration, quoted};
use crate::{Session, SqlError};

/// The table that says what the file was made of.
const ORIGIN: &str = "tidegate_snapshots";
/// The table of the answer to a query.
const ANSWER: &str = "answer";

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The tables with their numbers of rows, in the order they were named, an
    /// answer last.
    pub tables: Vec<(String, u64)>,
    /// As in [`crate::Answer`].
    pub notes: Vec<String>,
}

impl Session {
    /// Writes whole tables, and the answer to a query as the table `answer`, into
    /// a new SQLite file. Keys and ids have indexes. The table
    /// `tidegate_snapshots` names the snapshots with the SHA-256 of their
    /// manifests, `tidegate_query` holds the query, `tidegate_notes` what is not
    /// complete.
    ///
    /// # Errors
    /// As [`Session::query`], for tables that there are not, too;
    /// [`SqlError::Export`] if the file cannot be written.
    pub fn export(
        &self,
        file: &Path,
        tables: &[String],
        sql: Option<&str>,
    ) -> Result<Exported, SqlError> {
        let failed = |source: rusqlite::Error| SqlError::Export {
            path: file.to_path_buf(),
            source: Box::new(source),
        };
        let mut out = Connection::open(file).map_err(failed)?;
        // The file is given its name when it is whole, so no journal is needed.
        out.execute_batch("PRAGMA journal_mode = off; PRAGMA synchronous = normal")
            .map_err(failed)?;
        let into = out.transaction().map_err(failed)?;
        let mut done = Exported { tables: Vec::new(), notes: Vec::new() };
        for name in tables {
            let Some(table) = self.db.table(name) else {
                return Err(self.no_table(name));
            };
            let count = self.copy(table, &into, &failed)?;
            done.tables.push((table.name.clone(), count));
            done.notes.extend(self.take_notes());
        }
        if let Some(sql) = sql {
            let mut statement = self.prepare(sql)?;
            let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let columns: Vec<String> = unique(&names).iter().map(|n| quoted(n)).collect();
            let create = format!("CREATE TABLE {} ({})", quoted(ANSWER), columns.join(", "));
            into.execute_batch(&create).map_err(failed)?;
            let count = self.insert(&mut statement, ANSWER, names.len(), &into, &failed)?;
            done.tables.push((ANSWER.to_owned(), count));
            drop(statement);
            done.notes.extend(self.take_notes());
        }
        done.notes.sort();
        done.notes.dedup();
        self.origin(&into, sql, &done.notes, &failed)?;
        into.commit().map_err(failed)?;
        out.close().map_err(|(_, e)| failed(e))?;
        Ok(done)
    }

    fn copy(
        &self,
        table: &Table,
        into: &Connection,
        failed: &dyn Fn(rusqlite::Error) -> SqlError,
    ) -> Result<u64, SqlError> {
        into.execute_batch(&declaration(table, &table.name)).map_err(failed)?;
        let mut statement = self.prepare(&format!("SELECT * FROM {}", quoted(&table.name)))?;
        let count = self.insert(&mut statement, &table.name, table.columns.len(), into, failed)?;
        let looked_up = |c: &&crate::catalog::Column| {
            matches!(c.field, Field::Key | Field::Id) || matches!(c.name.as_str(), "key" | "rule")
        };
        for column in table.columns.iter().filter(looked_up) {
            let index = quoted(&format!("{}_by_{}", table.name, column.name));
            let (name, column) = (quoted(&table.name), quoted(&column.name));
            into.execute_batch(&format!("CREATE INDEX {index} ON {name} ({column})"))
                .map_err(failed)?;
        }
        Ok(count)
    }

    /// Runs a statement and puts its rows into a table.
    fn insert(
        &self,
        from: &mut Statement<'_>,
        table: &str,
        columns: usize,
        into: &Connection,
        failed: &dyn Fn(rusqlite::Error) -> SqlError,
    ) -> Result<u64, SqlError> {
        let places = vec!["?"; columns].join(", ");
        let sql = format!("INSERT INTO {} VALUES ({places})", quoted(table));
        let mut insert = into.prepare(&sql).map_err(failed)?;
        let mut count = 0;
        let mut rows = from.query([]).map_err(|e| self.wrong(e))?;
        while let Some(row) = rows.next().map_err(|e| self.wrong(e))? {
            let cell = |i| row.get_ref(i).map(Value::from_sql).map_err(|e| self.wrong(e));
            let cells = (0..columns).map(cell).collect::<Result<Vec<_>, _>>()?;
            insert.execute(params_from_iter(cells)).map_err(failed)?;
            count += 1;
        }
        Ok(count)
    }

    fn origin(
        &self,
        into: &Connection,
        sql: Option<&str>,
        notes: &[String],
        failed: &dyn Fn(rusqlite::Error) -> SqlError,
    ) -> Result<(), SqlError> {
        into.execute_batch(&format!(
            "CREATE TABLE {ORIGIN} (snapshot TEXT, taken_at TEXT, manifest_sha256 TEXT);
             CREATE TABLE tidegate_query (sql TEXT);
             CREATE TABLE tidegate_notes (note TEXT)"
        ))
        .map_err(failed)?;
        for chosen in &self.db.subjects {
            let manifest = chosen.reader.manifest();
            let hash = chosen.reader.manifest_sha256()?;
            let row = (chosen.id.to_string(), time_text(manifest.taken_at), hash.to_string());
            into.execute(&format!("INSERT INTO {ORIGIN} VALUES (?, ?, ?)"), row).map_err(failed)?;
        }
        if let Some(sql) = sql {
            into.execute("INSERT INTO tidegate_query VALUES (?)", [sql]).map_err(failed)?;
        }
        for note in notes {
            into.execute("INSERT INTO tidegate_notes VALUES (?)", [note]).map_err(failed)?;
        }
        Ok(())
    }
}
