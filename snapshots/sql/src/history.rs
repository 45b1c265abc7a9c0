//! The table `history`: a row for each version of a resource, with the time for
//! which it held.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use tidegate_model::{ChangeOp, Kind, ResourceKey, SnapshotId};
use tidegate_store::{Content, Manifest, Selection, Version};

use crate::SqlError;
use crate::ahead::Ahead;
use crate::catalog::{Column, Field, Table};
use crate::db::{Chosen, Db, Row, locked};
use crate::plan::{Op, Plan};
use crate::scan::{Bound, Rows};
use crate::value::Value;

/// So many versions are read between two looks at the time.
const PATIENCE: usize = 256;

/// Rows of which SQLite tests the constraints itself. `ahead` is what this cursor
/// read on earlier searches of the same query.
pub(crate) fn rows(
    db: &Arc<Db>,
    table: &Arc<Table>,
    plan: &Plan,
    bound: &[Bound<'_>],
    ahead: &mut Ahead,
) -> Result<Rows, SqlError> {
    let content = content(table, &plan.used);
    let used: Arc<[usize]> = plan.used.iter().copied().collect();
    let ahead = ahead.of(&used);
    let mut all: Vec<Rows> = Vec::new();
    for (place, chosen) in db.subjects.iter().enumerate() {
        let Some(selection) = selection(db, place, chosen, bound)? else { continue };
        if let Selection::Keys(keys) = &selection
            && let Some(found) = looked_up(ahead, (place, chosen), keys, content, table, &used)?
        {
            all.extend(found);
            continue;
        }
        let Some(begun) = begun(chosen, bound) else { continue };
        let id = chosen.id.clone();
        let versions = chosen.reader.versions(selection, content, begun);
        let (table, used, db) = (Arc::clone(table), Arc::clone(&used), Arc::clone(db));
        let rows = versions.enumerate().filter_map(move |(n, version)| {
            if n.is_multiple_of(PATIENCE)
                && let Err(e) = db.go_on()
            {
                return Some(Err(e));
            }
            match version {
                Ok(version) => row(&table, &used, &id, &version).map(Ok),
                Err(e) => Some(Err(e.into())),
            }
        });
        all.push(Box::new(rows));
    }
    Ok(Box::new(all.into_iter().flatten()))
}

/// The rows of some keys, if they are better looked up in what is read ahead.
fn looked_up(
    ahead: &mut Ahead,
    of: (usize, &Chosen),
    keys: &BTreeSet<ResourceKey>,
    content: Content,
    table: &Table,
    used: &Arc<[usize]>,
) -> Result<Option<Vec<Rows>>, SqlError> {
    let mut all: Vec<Rows> = Vec::new();
    for key in keys {
        let found =
            ahead.find(of, key, content, &mut |version| row(table, used, &of.1.id, version))?;
        let Some(found) = found else { return Ok(None) };
        let mut n = 0;
        all.push(Box::new(std::iter::from_fn(move || {
            n += 1;
            found.get(n - 1).cloned().map(Ok)
        })));
    }
    Ok(Some(all))
}

/// How much of each resource the columns need.
pub(crate) fn content(table: &Table, used: &BTreeSet<usize>) -> Content {
    let needs = used.iter().filter_map(|&i| table.columns.get(i)).map(|c| match c.field {
        Field::Body | Field::Pointer(_) => Content::Bodies,
        Field::Name | Field::Project | Field::Region | Field::Source | Field::ReadAt => {
            Content::Places
        }
        Field::Subject
        | Field::Snapshot
        | Field::Key
        | Field::Kind
        | Field::Id
        | Field::UnseenSince
        | Field::Change
        | Field::Ended
        | Field::Seq
        | Field::UntilSeq
        | Field::ValidFrom
        | Field::ValidTo
        | Field::At(_) => Content::Times,
    });
    needs.max().unwrap_or(Content::Times)
}

/// The snapshots in which a version may have begun; none if there are none.
/// Times need not ascend with numbers, so all are compared.
fn begun(chosen: &Chosen, bound: &[Bound<'_>]) -> Option<RangeInclusive<u64>> {
    let fits = |m: &&Manifest| {
        bound.iter().all(|b| match (b.field, b.value) {
            (Field::Seq, Value::Integer(_)) => compare(&Value::number(m.seq), b.op, b.value),
            (Field::ValidFrom, Value::Text(_)) => compare(&Value::time(m.taken_at), b.op, b.value),
            _ => true,
        })
    };
    let seqs: Vec<u64> = chosen.manifests.iter().filter(fits).map(|m| m.seq).collect();
    Some(*seqs.first()?..=*seqs.last()?)
}

/// Compares whole numbers with each other and texts with each other.
fn compare(left: &Value, op: Op, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        _ => return true,
    };
    match op {
        Op::Eq => order.is_eq(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
    }
}

/// Of which resources versions are read; nothing if of none.
fn selection(
    db: &Db,
    place: usize,
    chosen: &Chosen,
    bound: &[Bound<'_>],
) -> Result<Option<Selection>, SqlError> {
    let text = |field: &Field| {
        bound.iter().find_map(|b| match b.value {
            Value::Text(text) if b.field == field && b.op == Op::Eq => Some(text.as_ref()),
            _ => None,
        })
    };
    if text(&Field::Subject).is_some_and(|s| s != chosen.id.subject.as_str()) {
        return Ok(None);
    }
    let kind = match text(&Field::Kind).map(Kind::new) {
        None => None,
        Some(Ok(kind)) => Some(kind),
        Some(Err(_)) => return Ok(None),
    };
    if let Some(key) = text(&Field::Key) {
        let key = ResourceKey::new(key).ok();
        return Ok(key.map(|key| Selection::Keys([key].into())));
    }
    let Some(id) = text(&Field::Id) else {
        return Ok(Some(kind.map_or(Selection::All, |kind| Selection::Kinds([kind].into()))));
    };
    let ids = ids(db, place, chosen)?;
    let keys = ids.get(id).into_iter().flatten();
    let of_kind = |key: &&ResourceKey| kind.as_ref().is_none_or(|k| k.as_str() == key.kind());
    let keys: BTreeSet<ResourceKey> = keys.filter(of_kind).cloned().collect();
    Ok((!keys.is_empty()).then_some(Selection::Keys(keys)))
}

/// The keys that end in an id, in whichever region and of whichever kind.
pub(crate) type Ids = HashMap<Box<str>, Vec<ResourceKey>>;

/// All that a subject ever had, found when they are first needed.
fn ids(db: &Db, place: usize, chosen: &Chosen) -> Result<Arc<Ids>, SqlError> {
    if let Some(known) = locked(&db.ids).get(&place) {
        return Ok(Arc::clone(known));
    }
    let mut ids = Ids::new();
    let versions = chosen.reader.versions(Selection::All, Content::Times, 0..=u64::MAX);
    for (n, version) in versions.enumerate() {
        if n.is_multiple_of(PATIENCE) {
            db.go_on()?;
        }
        let key = version?.key;
        let keys = ids.entry(key.id().into()).or_default();
        // The versions of a resource follow each other.
        if keys.last() != Some(&key) {
            keys.push(key);
        }
    }
    let ids = Arc::new(ids);
    locked(&db.ids).insert(place, Arc::clone(&ids));
    Ok(ids)
}

/// A row with the columns used. Where nothing is, there is no row: the one before
/// has an end.
fn row(table: &Table, used: &Arc<[usize]>, id: &SnapshotId, version: &Version) -> Option<Row> {
    if version.op == ChangeOp::Remove {
        return None;
    }
    let placed = version.placed.as_ref();
    let cell = |column: &Column| match &column.field {
        Field::Subject => Value::text(id.subject.as_str()),
        Field::Snapshot => Value::text(id.to_string()),
        Field::Key => Value::text(version.key.as_str()),
        Field::Kind => Value::text(version.key.kind()),
        Field::Id => Value::text(version.key.id()),
        Field::Name => Value::maybe(placed.and_then(|p| p.name.as_ref())),
        Field::Project => Value::maybe(placed.and_then(|p| p.project.as_ref())),
        Field::Region => Value::maybe(placed.and_then(|p| p.region.as_ref())),
        Field::Source => Value::maybe(placed.map(|p| &p.source)),
        Field::ReadAt => placed.map_or(Value::Null, |p| Value::time(p.read_at)),
        Field::UnseenSince => version.unseen_since.map_or(Value::Null, Value::time),
        Field::Body => Value::maybe(placed.and_then(|p| p.body.as_ref())),
        Field::Change => Value::text(change(version.op, version.created)),
        Field::Ended => version.until.map_or(Value::Null, |e| Value::text(change(e.op, false))),
        Field::Seq => Value::number(version.from.seq),
        Field::UntilSeq => version.until.map_or(Value::Null, |e| Value::number(e.at.seq)),
        Field::ValidFrom => Value::time(version.from.taken_at),
        Field::ValidTo => version.until.map_or(Value::Null, |e| Value::time(e.at.taken_at)),
        Field::Pointer(_) | Field::At(_) => Value::Null,
    };
    let cells = used.iter().filter_map(|&i| table.columns.get(i)).map(cell).collect();
    Some(Row::of((id.subject.as_str(), version.key.as_str(), version.from.seq), used, cells))
}

fn change(op: ChangeOp, created: bool) -> &'static str {
    match op {
        ChangeOp::Put if created => "created",
        ChangeOp::Put => "changed",
        ChangeOp::Remove => "removed",
        ChangeOp::Unseen => "unseen",
        ChangeOp::Seen => "seen",
    }
}
