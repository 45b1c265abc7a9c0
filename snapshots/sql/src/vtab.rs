//! The virtual tables as SQLite calls them; the only `unsafe` of the workspace.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_int};
use std::marker::PhantomData;
use std::sync::Arc;

use rusqlite::vtab::{
    Context, CreateVTab, Filters, IndexConstraintOp, IndexInfo, Module, VTab, VTabConnection,
    VTabCursor, VTabKind, sqlite3_vtab, sqlite3_vtab_cursor,
};
use rusqlite::{Connection, Result};

use crate::SqlError;
use crate::ahead::Ahead;
use crate::catalog::{Source, Table};
use crate::db::Db;
use crate::plan::{self, Op, Plan, Term};
use crate::scan::Scan;
use crate::value::{Type, Value};

/// Which table it is, and of what.
type Aux = (Arc<Db>, Arc<Table>);

/// Makes all tables known to a connection. Each kind is there under its exact
/// name, too, though that is not listed.
pub(crate) fn register(connection: &Connection, db: &Arc<Db>) -> Result<()> {
    const MODULE: &Module<'static, Tab> = &Module::read_only_module();
    for table in db.tables.values() {
        let module = match &table.source {
            Source::Kind(kind) => kind.as_str(),
            Source::Resources
            | Source::History
            | Source::Snapshots
            | Source::Coverage
            | Source::Verdicts
            | Source::Findings => &table.name,
        };
        let aux = (Arc::clone(db), Arc::clone(table));
        connection.create_module(module, MODULE, Some(aux))?;
        let [name, module] = [&table.name, module].map(quoted);
        connection.execute_batch(&format!("CREATE VIRTUAL TABLE {name} USING {module}"))?;
    }
    Ok(())
}

/// An identifier as SQL has it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What declares the columns of a table.
pub(crate) fn declaration(table: &Table, name: &str) -> String {
    let column = |c: &crate::catalog::Column| {
        let ty = match c.ty {
            Type::Text => "TEXT",
            Type::Integer => "INTEGER",
        };
        format!("{} {ty}", quoted(&c.name))
    };
    let columns: Vec<String> = table.columns.iter().map(column).collect();
    format!("CREATE TABLE {} ({})", quoted(name), columns.join(", "))
}

#[repr(C)]
pub(crate) struct Tab {
    /// SQLite's own part, which must be the first.
    base: sqlite3_vtab,
    db: Arc<Db>,
    table: Arc<Table>,
}

// SAFETY: `Tab` is `repr(C)` and its first member is `sqlite3_vtab`, so that a
// pointer to one is a pointer to the other, as the trait demands.
#[allow(unsafe_code, reason = "rusqlite asks for the layout that SQLite's C code relies on")]
unsafe impl<'vtab> VTab<'vtab> for Tab {
    type Aux = Aux;
    type Cursor = Cursor<'vtab>;

    fn connect(
        _: &mut VTabConnection,
        aux: Option<&Aux>,
        _module: &[u8],
        _database: &[u8],
        _name: &[u8],
        _arguments: &[&[u8]],
    ) -> Result<(Cow<'static, CStr>, Self)> {
        let lacking = || rusqlite::Error::ModuleError("a table is registered without data".into());
        let (db, table) = aux.cloned().ok_or_else(lacking)?;
        let sql = CString::new(declaration(&table, "x"))?;
        Ok((Cow::Owned(sql), Self { base: sqlite3_vtab::default(), db, table }))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        let mut possible = Vec::new();
        if self.db.pushdown {
            let constraints: Vec<(usize, c_int, Option<Op>)> = info
                .constraints()
                .enumerate()
                .filter(|(_, c)| c.is_usable())
                .map(|(i, c)| (i, c.column(), op(&c.operator())))
                .collect();
            for (i, column, op) in constraints {
                let (Ok(column), Some(op)) = (usize::try_from(column), op) else { continue };
                // Another way to compare would find what is not equal here.
                if info.collation(i)? == "BINARY" {
                    possible.push((i, Term { column, op }));
                }
            }
        }
        let terms: Vec<Term> = possible.iter().map(|(_, term)| *term).collect();
        let chosen = plan::choose(&self.table, &terms);
        let mut taken = BTreeSet::new();
        for (position, term) in (1..).zip(&chosen) {
            let of = possible.iter().find(|(i, t)| t == term && !taken.contains(i));
            if let Some((i, _)) = of {
                taken.insert(*i);
                info.constraint_usage(*i).set_argv_index(position);
            }
        }
        let mask = info.col_used();
        // The last bit stands for all columns from there on.
        let used = |i: &usize| mask >> (*i).min(63) & 1 == 1;
        let used = (0..self.table.columns.len()).filter(used).collect();
        let estimate = plan::estimate(&self.db, &self.table, &chosen);
        info.set_estimated_cost(estimate.cost);
        info.set_estimated_rows(estimate.rows as i64);
        info.set_idx_str(&Plan { terms: chosen, used }.text(&self.table));
        Ok(true)
    }

    fn open(&'vtab mut self) -> Result<Cursor<'vtab>> {
        Ok(Cursor {
            base: sqlite3_vtab_cursor::default(),
            db: Arc::clone(&self.db),
            table: Arc::clone(&self.table),
            scan: Scan::none(),
            searches: 0,
            ahead: Ahead::default(),
            tab: PhantomData,
        })
    }
}

impl CreateVTab<'_> for Tab {
    // A table is also there under the name of its module, the kind.
    const KIND: VTabKind = VTabKind::Eponymous;
}

fn op(op: &IndexConstraintOp) -> Option<Op> {
    match op {
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ => Some(Op::Eq),
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_GT => Some(Op::Gt),
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_GE => Some(Op::Ge),
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LT => Some(Op::Lt),
        IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_LE => Some(Op::Le),
        _ => None,
    }
}

#[repr(C)]
pub(crate) struct Cursor<'vtab> {
    /// SQLite's own part, which must be the first.
    base: sqlite3_vtab_cursor,
    db: Arc<Db>,
    table: Arc<Table>,
    scan: Scan,
    /// How often rows were looked for.
    searches: u64,
    ahead: Ahead,
    tab: PhantomData<&'vtab Tab>,
}

// SAFETY: `Cursor` is `repr(C)` and its first member is `sqlite3_vtab_cursor`, so
// that a pointer to one is a pointer to the other, as the trait demands.
#[allow(unsafe_code, reason = "rusqlite asks for the layout that SQLite's C code relies on")]
unsafe impl VTabCursor for Cursor<'_> {
    fn filter(&mut self, _: c_int, plan: Option<&str>, values: &Filters<'_>) -> Result<()> {
        let plan = plan.and_then(|text| Plan::parse(&self.table, text));
        let odd = || rusqlite::Error::ModuleError("a plan does not read back".into());
        let plan = plan.ok_or_else(odd)?;
        let values: Vec<Value> = values.iter().map(Value::from_sql).collect();
        let again = self.searches > 0;
        self.searches += 1;
        if self.db.is_over() {
            return Err(self.db.fail(SqlError::TimeLimit));
        }
        let scan = Scan::start(&self.db, &self.table, &plan, &values, again, &mut self.ahead);
        self.scan = scan.map_err(|e| self.db.fail(e))?;
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.scan.advance().map_err(|e| self.db.fail(e))
    }

    fn eof(&self) -> bool {
        self.scan.row().is_none()
    }

    fn column(&self, context: &mut Context, i: c_int) -> Result<()> {
        let cell = self.scan.row().zip(usize::try_from(i).ok());
        context.set_result(cell.and_then(|(row, i)| row.cell(i)).unwrap_or(&Value::Null))
    }

    fn rowid(&self) -> Result<i64> {
        Ok(self.scan.row().map_or(0, |row| row.id))
    }
}
