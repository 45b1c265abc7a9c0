//! Rows, one after the other, as a plan finds them.

use std::sync::Arc;

use tidegate_model::Kind;

use crate::SqlError;
use crate::ahead::Ahead;
use crate::catalog::{Field, Source, Table};
use crate::db::{Db, Row};
use crate::loaded::Loaded;
use crate::plan::{Op, Plan, Term};
use crate::value::Value;
use crate::{history, records};

/// Rows as they are read.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<Row, SqlError>>>;

/// A position among rows.
pub(crate) enum Scan {
    /// In a table that was loaded: all of its rows, or some.
    Loaded { table: Arc<Loaded>, only: Option<Vec<u32>>, at: usize },
    /// Among rows that are read one by one.
    Stream { rows: Rows, now: Option<Row> },
}

/// What a term is about, with the value it has now.
pub(crate) struct Bound<'v> {
    pub(crate) field: &'v Field,
    pub(crate) name: &'v str,
    pub(crate) op: Op,
    pub(crate) value: &'v Value,
}

impl Scan {
    /// Stands before nothing.
    pub(crate) fn none() -> Self {
        Self::Stream { rows: Box::new(std::iter::empty()), now: None }
    }

    /// Finds rows. `again` says that this is one of several searches of one
    /// query, such as the inner side of a join, and `ahead` what was read on them.
    pub(crate) fn start(
        db: &Arc<Db>,
        table: &Arc<Table>,
        plan: &Plan,
        values: &[Value],
        again: bool,
        ahead: &mut Ahead,
    ) -> Result<Self, SqlError> {
        let terms = || plan.terms.iter().zip(values);
        // Nothing equals or is less than nothing.
        if terms().any(|(_, value)| *value == Value::Null) {
            return Ok(Self::none());
        }
        let bound: Vec<Bound<'_>> = terms()
            .filter_map(|(term, value)| {
                let column = table.columns.get(term.column)?;
                Some(Bound { field: &column.field, name: &column.name, op: term.op, value })
            })
            .collect();
        match &table.source {
            Source::History => Self::stream(history::rows(db, table, plan, &bound, ahead)?),
            Source::Verdicts => Self::stream(records::verdicts(db, &bound)),
            Source::Findings => Self::stream(records::findings(db, &bound)),
            Source::Kind(_) | Source::Resources | Source::Snapshots | Source::Coverage => {
                let by_kind = |(t, _): &(&Term, &Value)| {
                    table.source == Source::Resources
                        && table.columns.get(t.column).is_some_and(|c| c.field == Field::Kind)
                };
                let mut kind = None;
                if let Some((_, Value::Text(text))) = terms().find(by_kind) {
                    let Ok(known) = Kind::new(text) else { return Ok(Self::none()) };
                    kind = Some(known);
                }
                let rest = terms().find(|t| !by_kind(t));
                Self::of_loaded(db, table, plan, kind.as_ref(), rest, again)
            }
        }
    }

    fn of_loaded(
        db: &Db,
        table: &Table,
        plan: &Plan,
        kind: Option<&Kind>,
        term: Option<(&Term, &Value)>,
        again: bool,
    ) -> Result<Self, SqlError> {
        // A value that is no text may equal one by SQLite's rules: then all rows
        // are gone through.
        let term = term.and_then(|(term, value)| match value {
            Value::Text(text) => Some((term.column, text)),
            _ => None,
        });
        // One resource is read from its segment; who asks for a second one will
        // ask for many, and gets the table.
        if let Some((column, key)) = term
            && !again
            && table.columns.get(column).is_some_and(|c| c.field == Field::Key)
        {
            let rows = db.fetch(table, &plan.used, key)?;
            return Self::stream(Box::new(rows.into_iter().map(Ok)));
        }
        let mut used = plan.used.clone();
        used.extend(term.map(|(column, _)| column));
        let loaded = db.load(table, kind, &used)?;
        let only = term.map(|(column, text)| loaded.find(column, text));
        Ok(Self::Loaded { table: loaded, only, at: 0 })
    }

    fn stream(rows: Rows) -> Result<Self, SqlError> {
        let mut scan = Self::Stream { rows, now: None };
        scan.advance()?;
        Ok(scan)
    }

    /// The row it stands on; none at the end.
    pub(crate) fn row(&self) -> Option<&Row> {
        match self {
            Self::Loaded { table, only: None, at } => table.rows.get(*at),
            Self::Loaded { table, only: Some(only), at } => {
                table.rows.get(usize::try_from(*only.get(*at)?).ok()?)
            }
            Self::Stream { now, .. } => now.as_ref(),
        }
    }

    pub(crate) fn advance(&mut self) -> Result<(), SqlError> {
        match self {
            Self::Loaded { at, .. } => *at += 1,
            Self::Stream { rows, now } => *now = rows.next().transpose()?,
        }
        Ok(())
    }
}
