//! The tables `verdicts` and `findings`: what was said of snapshots, as it was
//! recorded then.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;
use tidegate_model::{Digest, Evaluation, Finding, RuleId, RuleOutcome, SnapshotId, Subject};
use tidegate_store::Record;

use crate::SqlError;
use crate::catalog::Field;
use crate::db::{Db, Row};
use crate::loaded::head;
use crate::plan::Op;
use crate::scan::{Bound, Rows};
use crate::value::Value;

/// The kind of record that holds an [`Evaluation`].
const EVALUATION: &str = "evaluation";

pub(crate) fn verdicts(db: &Arc<Db>, bound: &[Bound<'_>]) -> Rows {
    of_records(db, bound, |at, rule, outcome, rows| {
        let counts = outcome.counts;
        let mut cells = at.head.clone();
        cells.extend([
            Value::number(at.record.n),
            Value::time(at.record.time),
            Value::time(at.evaluation.reference_time),
            Value::text(at.evaluation.rule_set.to_string()),
            Value::text(rule.as_str()),
            Value::text(outcome.verdict.to_string()),
            Value::number(counts.pass),
            Value::number(counts.fail),
            Value::number(counts.abort),
            Value::number(counts.missing),
        ]);
        let id = (at.record.subject.as_str(), at.record.n, rule.as_str());
        rows.push(Row::new(id, cells));
    })
}

pub(crate) fn findings(db: &Arc<Db>, bound: &[Bound<'_>]) -> Rows {
    of_records(db, bound, |at, rule, outcome, rows| {
        for (i, finding) in outcome.findings.iter().enumerate() {
            let mut cells = at.head.clone();
            let key = finding.resource.as_ref();
            cells.extend([
                Value::number(at.record.n),
                Value::time(at.record.time),
                Value::text(rule.as_str()),
                Value::text(finding.verdict.to_string()),
                key.map_or(Value::Null, |k| Value::text(k.as_str())),
                key.map_or(Value::Null, |k| Value::text(k.kind())),
                key.map_or(Value::Null, |k| Value::text(k.id())),
                finding.name.as_ref().map_or(Value::Null, Value::text),
                finding.project.as_ref().map_or(Value::Null, Value::text),
                finding.region.as_ref().map_or(Value::Null, Value::text),
                Value::text(message(finding)),
                cause(finding),
                violations(finding),
            ]);
            let id = (at.record.subject.as_str(), at.record.n, rule.as_str(), i);
            rows.push(Row::new(id, cells));
        }
    })
}

fn message(finding: &Finding) -> String {
    match &finding.cause {
        Some(cause) => cause.message.clone(),
        None => {
            let all: Vec<&str> = finding.violations.iter().map(|v| v.message.as_str()).collect();
            all.join("; ")
        }
    }
}

/// The code of the cause, as reports have it.
fn cause(finding: &Finding) -> Value {
    let code = finding.cause.as_ref().and_then(|c| serde_json::to_value(c.code).ok());
    code.as_ref().and_then(|c| c.as_str()).map_or(Value::Null, Value::text)
}

fn violations(finding: &Finding) -> Value {
    if finding.violations.is_empty() {
        return Value::Null;
    }
    serde_json::to_string(&finding.violations).map_or(Value::Null, Value::text)
}

/// An evaluation as it was recorded.
struct Recorded<'r> {
    head: Vec<Value>,
    record: &'r Record,
    evaluation: &'r Evaluation,
}

/// Makes rows of what one rule said.
type Make = fn(&Recorded<'_>, &RuleId, &RuleOutcome, &mut Vec<Row>);

/// The evaluations that terms ask for, the newest first, in rows.
fn of_records(db: &Arc<Db>, bound: &[Bound<'_>], make: Make) -> Rows {
    let subject = bound.iter().find_map(|b| match (b.field, b.value) {
        (Field::At(_), Value::Text(text)) if b.name == "subject" => Some(Arc::clone(text)),
        _ => None,
    });
    let number = |name: &str, op: Op| {
        bound.iter().find_map(|b| match b.value {
            Value::Integer(n) if b.name == name && b.op == op => Some(*n),
            _ => None,
        })
    };
    let current = number("current", Op::Eq) == Some(1);
    let least = [Op::Eq, Op::Ge, Op::Gt].iter().filter_map(|op| number("seq", *op)).max();
    let least = u64::try_from(least.unwrap_or(0)).unwrap_or(0);
    let chosen = db.subjects.iter().enumerate();
    let wanted = chosen
        .filter(|(_, c)| subject.as_ref().is_none_or(|s| s.as_ref() == c.id.subject.as_str()));
    let subjects: Vec<usize> = wanted.map(|(i, _)| i).collect();
    let db = Arc::clone(db);
    Box::new(subjects.into_iter().flat_map(move |i| {
        let walk = Walk::new(&db, i, if current { u64::MAX } else { least }, make);
        match walk {
            Ok(walk) => Box::new(walk.flatten_rows()) as Rows,
            Err(e) => Box::new(std::iter::once(Err(e))) as Rows,
        }
    }))
}

/// Goes through the evaluations of one subject, the newest first.
struct Walk {
    db: Arc<Db>,
    subject: usize,
    /// Those to come, in order of number.
    records: Vec<Record>,
    /// Rule sets that have judged the snapshot asked for.
    current: BTreeSet<Digest>,
    make: Make,
}

impl Walk {
    /// `least` is the number of the first snapshot that is asked for; none of
    /// the evaluations before its manifest is one of it or of a later one.
    fn new(db: &Arc<Db>, subject: usize, least: u64, make: Make) -> Result<Self, SqlError> {
        let mut records = Vec::new();
        if let Some(chosen) = db.subjects.get(subject) {
            let least = least.min(chosen.id.seq);
            let manifest = chosen.manifests.iter().find(|m| m.seq >= least);
            let before = manifest.and_then(|m| m.record).map_or(0, |r| r.n);
            records = db.store.wait(db.store.records(&chosen.id.subject))?;
            records.retain(|r| r.kind == EVALUATION && r.n > before);
        }
        let (db, current) = (Arc::clone(db), BTreeSet::new());
        Ok(Self { db, subject, records, current, make })
    }

    fn flatten_rows(self) -> impl Iterator<Item = Result<Row, SqlError>> {
        self.flat_map(|rows| match rows {
            Ok(rows) => rows.into_iter().map(Ok).collect::<Vec<_>>(),
            Err(e) => vec![Err(e)],
        })
    }

    /// The rows of one evaluation.
    fn rows(&mut self, record: &Record) -> Result<Vec<Row>, SqlError> {
        let mut rows = Vec::new();
        self.db.go_on()?;
        let Some(chosen) = self.db.subjects.get(self.subject) else { return Ok(rows) };
        let odd = |why: String| SqlError::Record {
            subject: record.subject.to_string(),
            n: record.n,
            why,
        };
        let Some(payload) = self.db.store.wait(self.db.store.payload(record))? else {
            self.db.note(erased(&record.subject));
            return Ok(rows);
        };
        let of: Of = serde_json::from_slice(&payload).map_err(|e| odd(e.to_string()))?;
        if of.snapshot.subject != chosen.id.subject || of.snapshot.seq > chosen.id.seq {
            return Ok(rows);
        }
        let evaluation: Evaluation =
            serde_json::from_slice(&payload).map_err(|e| odd(e.to_string()))?;
        let of_now = evaluation.snapshot == chosen.id;
        let current = of_now && self.current.insert(evaluation.rule_set);
        let taken_at = Value::time(evaluation.taken_at);
        let head = head(chosen, &evaluation.snapshot, taken_at, current);
        let recorded = Recorded { head, record, evaluation: &evaluation };
        for (rule, outcome) in &evaluation.rules {
            (self.make)(&recorded, rule, outcome, &mut rows);
        }
        Ok(rows)
    }
}

/// Of an evaluation only what it is of.
#[derive(Deserialize)]
struct Of {
    snapshot: SnapshotId,
}

fn erased(subject: &Subject) -> String {
    format!("some evaluations of `{subject}` were erased")
}

impl Iterator for Walk {
    type Item = Result<Vec<Row>, SqlError>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.pop()?;
        Some(self.rows(&record))
    }
}
