//! Which constraints of a query are used to find rows, and at what cost.
//!
//! A plan travels from planning to reading as a text that `--explain` shows:
//! `key=? | id,name`, the constraints, then the columns that are read. What a
//! plan gives may be more than what was asked for, never less: SQLite tests all
//! constraints itself.

use std::collections::BTreeSet;
use std::fmt;

use crate::catalog::{Field, Source, Table};
use crate::db::Db;
use crate::value::Type;

/// How a column is constrained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Gt,
    Ge,
    Lt,
    Le,
}

impl Op {
    const ALL: [Self; 5] = [Self::Ge, Self::Le, Self::Eq, Self::Gt, Self::Lt];

    fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Lt => "<",
            Self::Le => "<=",
        }
    }
}

/// A constraint with a value that is known when rows are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) column: usize,
    pub(crate) op: Op,
}

/// The terms that are used, in the order of their values, and the columns read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Plan {
    pub(crate) terms: Vec<Term>,
    pub(crate) used: BTreeSet<usize>,
}

/// What a plan is expected to give.
pub(crate) struct Estimate {
    pub(crate) rows: f64,
    pub(crate) cost: f64,
}

/// Picks from constraints those that help.
pub(crate) fn choose(table: &Table, possible: &[Term]) -> Vec<Term> {
    let mut terms: Vec<Term> =
        possible.iter().copied().filter(|t| rank(table, *t).is_some()).collect();
    terms.sort_by_key(|t| rank(table, *t));
    match table.source {
        Source::Kind(_) | Source::Snapshots | Source::Coverage => terms.truncate(1),
        Source::Resources => {
            let kind = terms.iter().position(|t| is(table, *t, &Field::Kind));
            let kind = kind.map(|i| terms.remove(i));
            terms.truncate(1);
            terms.extend(kind);
        }
        Source::History | Source::Verdicts | Source::Findings => {}
    }
    terms
}

fn is(table: &Table, term: Term, field: &Field) -> bool {
    table.columns.get(term.column).is_some_and(|c| c.field == *field)
}

/// How much a term helps, the least number most; nothing if not at all.
fn rank(table: &Table, term: Term) -> Option<u8> {
    let column = table.columns.get(term.column)?;
    let name = column.name.as_str();
    match (&table.source, term.op) {
        (Source::Kind(_) | Source::Resources, Op::Eq) if column.ty == Type::Text => {
            match column.field {
                Field::Key => Some(0),
                Field::Id => Some(1),
                // The same in all rows, or nearly.
                Field::Subject | Field::Snapshot => Some(9),
                Field::Kind if table.source != Source::Resources => Some(9),
                _ => Some(5),
            }
        }
        (Source::Snapshots | Source::Coverage, Op::Eq) if column.ty == Type::Text => Some(5),
        (Source::History, Op::Eq)
            if matches!(column.field, Field::Subject | Field::Kind | Field::Key | Field::Id) =>
        {
            Some(5)
        }
        (Source::History, _) if matches!(column.field, Field::Seq | Field::ValidFrom) => Some(6),
        (Source::Verdicts | Source::Findings, Op::Eq)
            if matches!(name, "subject" | "current" | "seq") =>
        {
            Some(5)
        }
        (Source::Verdicts | Source::Findings, Op::Gt | Op::Ge) if name == "seq" => Some(6),
        (
            Source::Kind(_)
            | Source::Resources
            | Source::History
            | Source::Snapshots
            | Source::Coverage
            | Source::Verdicts
            | Source::Findings,
            Op::Eq | Op::Gt | Op::Ge | Op::Lt | Op::Le,
        ) => None,
    }
}

/// Guesses what terms give. Only the proportions matter.
pub(crate) fn estimate(db: &Db, table: &Table, terms: &[Term]) -> Estimate {
    let snapshots: usize = db.subjects.iter().map(|s| s.manifests.len()).sum();
    let snapshots = snapshots as f64;
    let nights = snapshots / (db.subjects.len() as f64).max(1.0);
    let mut rows = match &table.source {
        Source::Kind(kind) => db.count(Some(kind)) as f64,
        Source::Resources => db.count(None) as f64,
        Source::History => db.count(None) as f64 * (1.0 + nights / 60.0),
        Source::Snapshots => snapshots,
        Source::Coverage => snapshots * 60.0,
        Source::Verdicts => snapshots * 150.0,
        Source::Findings => snapshots * 1000.0,
    };
    let versioned = table.source == Source::History;
    for term in terms {
        let Some(column) = table.columns.get(term.column) else { continue };
        rows = match (&column.field, term.op) {
            (Field::Key | Field::Id, Op::Eq) if versioned => 1.0 + nights / 60.0,
            (Field::Key | Field::Id, Op::Eq) => 1.0,
            (Field::Subject | Field::Snapshot, Op::Eq) => rows,
            // Between a status, that many have, and the id of another resource.
            (_, Op::Eq) => rows.sqrt(),
            (_, Op::Gt | Op::Ge | Op::Lt | Op::Le) => rows / 3.0,
        };
    }
    rows = rows.max(1.0);
    // Versions are read anew each time, resources are at hand.
    let each = if versioned { 10.0 } else { 1.0 };
    let by_id = terms.iter().any(|t| is(table, *t, &Field::Id));
    let finding = if versioned && by_id { 1e5 } else { 1.0 };
    Estimate { rows, cost: finding + rows * each }
}

impl Plan {
    /// As a text for [`Plan::parse`], and for people.
    pub(crate) fn text(&self, table: &Table) -> String {
        let name = |i: usize| table.columns.get(i).map_or("", |c| c.name.as_str());
        let term = |t: &Term| format!("{}{}?", name(t.column), t.op.as_str());
        let terms: Vec<String> = self.terms.iter().map(term).collect();
        let used: Vec<&str> = self.used.iter().map(|&i| name(i)).collect();
        let terms = if terms.is_empty() { "all".to_owned() } else { terms.join(" ") };
        format!("{terms} | {}", used.join(","))
    }

    pub(crate) fn parse(table: &Table, text: &str) -> Option<Self> {
        let column = |name: &str| table.columns.iter().position(|c| c.name == name);
        let (terms, used) = text.split_once(" | ")?;
        let mut plan = Self::default();
        for word in terms.split(' ').filter(|w| *w != "all") {
            let word = word.strip_suffix('?')?;
            let op = Op::ALL.into_iter().find(|op| word.ends_with(op.as_str()))?;
            plan.terms.push(Term { column: column(word.strip_suffix(op.as_str())?)?, op });
        }
        for name in used.split(',').filter(|n| !n.is_empty()) {
            plan.used.insert(column(name)?);
        }
        Some(plan)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn a_plan_reads_back_from_its_text() {
        let tables = catalog::tables(&BTreeSet::new());
        for table in tables.values() {
            for (column, op) in (0..table.columns.len()).zip(Op::ALL.into_iter().cycle()) {
                let terms = vec![Term { column, op }, Term { column: 0, op: Op::Eq }];
                let plan = Plan { terms, used: [0, column].into() };
                assert_eq!(Plan::parse(table, &plan.text(table)), Some(plan));
            }
            let plan = Plan::default();
            assert_eq!(plan.text(table), "all | ");
            assert_eq!(Plan::parse(table, &plan.text(table)), Some(plan));
        }
    }

    #[track_caller]
    fn check(table: &str, constraints: &[(&str, Op)], expected: &str) {
        let tables = catalog::tables(&BTreeSet::new());
        let table = &tables[table];
        let term = |&(name, op): &(&str, Op)| Term {
            column: table.columns.iter().position(|c| c.name == name).unwrap(),
            op,
        };
        let possible: Vec<Term> = constraints.iter().map(term).collect();
        let plan = Plan { terms: choose(table, &possible), used: BTreeSet::new() };
        assert_eq!(plan.text(table), format!("{expected} | "));
    }

    #[test]
    fn the_constraint_that_finds_least_is_used() {
        check("servers", &[("status", Op::Eq), ("id", Op::Eq), ("key", Op::Eq)], "key=?");
        check("servers", &[("subject", Op::Eq), ("status", Op::Eq)], "status=?");
        check("servers", &[("vcpus", Op::Eq), ("created", Op::Gt)], "all");
        check("resources", &[("kind", Op::Eq), ("project", Op::Eq)], "project=? kind=?");
        let window = [("valid_from", Op::Ge), ("valid_from", Op::Lt), ("kind", Op::Eq)];
        check("history", &window, "kind=? valid_from>=? valid_from<?");
        check("history", &[("name", Op::Eq), ("valid_to", Op::Gt)], "all");
        check("findings", &[("current", Op::Eq), ("rule", Op::Eq)], "current=?");
    }
}
