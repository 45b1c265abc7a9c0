//! Tables that are read as a whole when they are first needed: the resources at
//! a snapshot, the snapshots, the coverage.
//!
//! Of resources only the columns that a query uses are kept, so that bodies are
//! in memory only where one is asked for whole. What equals a text in a column
//! is found through a table made when it is first looked for: joins of
//! thousands of resources would take minutes otherwise.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value as Json;
use tidegate_model::{
    Fact, Facts as _, Kind, KindCoverage, Resource, ResourceKey, SnapshotId, Status,
};
use tidegate_store::{Content, Manifest, Outline, Placed, StoreError};

use crate::SqlError;
use crate::catalog::{Field, Source, Table};
use crate::db::{Chosen, Db, Row, gap, locked};
use crate::history;
use crate::value::Value;

/// Where the rows with a text are.
type Places = HashMap<Arc<str>, Vec<u32>>;

/// The rows of a table.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) rows: Vec<Row>,
    /// The columns that were read.
    used: BTreeSet<usize>,
    lookups: Mutex<BTreeMap<usize, Arc<Places>>>,
}

impl Loaded {
    /// The rows that have this text in a column of texts.
    pub(crate) fn find(&self, column: usize, text: &str) -> Vec<u32> {
        let places = {
            let mut lookups = locked(&self.lookups);
            Arc::clone(lookups.entry(column).or_insert_with(|| Arc::new(self.places(column))))
        };
        places.get(text).cloned().unwrap_or_default()
    }

    fn places(&self, column: usize) -> Places {
        let mut places = Places::new();
        for (i, row) in (0..).zip(&self.rows) {
            if let Some(Value::Text(text)) = row.cell(column) {
                places.entry(Arc::clone(text)).or_default().push(i);
            }
        }
        places
    }
}

impl Db {
    /// All rows of a table, of `resources` those of a kind if one is given, with
    /// at least the columns `used`.
    pub(crate) fn load(
        &self,
        table: &Table,
        kind: Option<&Kind>,
        used: &BTreeSet<usize>,
    ) -> Result<Arc<Loaded>, SqlError> {
        let place = (table.name.clone(), kind.cloned());
        let mut used = used.clone();
        if let Some(known) = locked(&self.loaded).get(&place) {
            if known.used.is_superset(&used) {
                return Ok(Arc::clone(known));
            }
            used.extend(&known.used);
        }
        let mut rows = Vec::new();
        for chosen in &self.subjects {
            self.go_on()?;
            match &table.source {
                Source::Kind(kind) => read(table, &used, chosen, kind, &mut rows)?,
                Source::Resources => {
                    let kinds: Vec<Kind> = match kind {
                        Some(kind) => vec![kind.clone()],
                        None => chosen.reader.kinds().map(|(k, _)| k.clone()).collect(),
                    };
                    for kind in &kinds {
                        self.go_on()?;
                        read(table, &used, chosen, kind, &mut rows)?;
                    }
                }
                Source::Snapshots => snapshots(chosen, &mut rows)?,
                Source::Coverage => coverage(chosen, &mut rows),
                Source::History | Source::Verdicts | Source::Findings => {}
            }
        }
        let loaded = Arc::new(Loaded { rows, used, lookups: Mutex::default() });
        locked(&self.loaded).insert(place, Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The resource of a key, in every subject that has it; of one kind if the
    /// table is about one.
    pub(crate) fn fetch(
        &self,
        table: &Table,
        used: &BTreeSet<usize>,
        key: &str,
    ) -> Result<Vec<Row>, SqlError> {
        let mut rows = Vec::new();
        let Ok(key) = ResourceKey::new(key) else { return Ok(rows) };
        if matches!(&table.source, Source::Kind(kind) if kind.as_str() != key.kind()) {
            return Ok(rows);
        }
        for chosen in &self.subjects {
            collect(table, used, chosen, &mut rows, &mut |visit| {
                let keys = std::slice::from_ref(&key);
                Ok(chosen.reader.fetch(keys, &mut |fact| visit(outline(fact)))?)
            })?;
        }
        Ok(rows)
    }
}

fn read(
    table: &Table,
    used: &BTreeSet<usize>,
    chosen: &Chosen,
    kind: &Kind,
    rows: &mut Vec<Row>,
) -> Result<(), SqlError> {
    let reader = &chosen.reader;
    let content = history::content(table, used);
    collect(table, used, chosen, rows, &mut |visit| match content {
        Content::Bodies => Ok(reader.each(kind, &mut |fact| visit(outline(fact)))?),
        Content::Places => Ok(reader.outline(kind, true, visit)?),
        Content::Times => Ok(reader.outline(kind, false, visit)?),
    })
}

/// A resource with its body, as those without are given.
fn outline(fact: Fact) -> Outline {
    let erased = fact.resource.is_erased();
    let Resource { key, kind: _, region, project, name, body, source, read_at } = fact.resource;
    let body = (!erased).then_some(body);
    let placed = Placed { region, project, name, source, read_at, body };
    Outline { key, unseen_since: fact.unseen_since, placed: Some(placed) }
}

/// Hands resources to the visitor it is given.
type Each<'f> = dyn FnMut(&mut dyn FnMut(Outline)) -> Result<(), SqlError> + 'f;

fn collect(
    table: &Table,
    used: &BTreeSet<usize>,
    chosen: &Chosen,
    rows: &mut Vec<Row>,
    each: &mut Each<'_>,
) -> Result<(), SqlError> {
    let members = members(table, used);
    let places: Arc<[usize]> = used.iter().copied().collect();
    let subject = Value::text(chosen.id.subject.as_str());
    let snapshot = Value::text(chosen.id.to_string());
    let mut odd = None;
    each(&mut |resource| {
        let placed = resource.placed.as_ref();
        let body = placed.and_then(|p| p.body.as_ref());
        let picked = match body.map(|body| pick(body, &members)).transpose() {
            Ok(picked) => picked.unwrap_or_default(),
            Err(e) => {
                odd.get_or_insert((resource.key, e));
                return;
            }
        };
        let key = &resource.key;
        let cell = |i: &usize| {
            let Some(column) = table.columns.get(*i) else { return Value::Null };
            match &column.field {
                Field::Subject => subject.clone(),
                Field::Snapshot => snapshot.clone(),
                Field::Key => Value::text(key.as_str()),
                Field::Kind => Value::text(key.kind()),
                Field::Id => Value::text(key.id()),
                Field::Name => Value::maybe(placed.and_then(|p| p.name.as_ref())),
                Field::Project => Value::maybe(placed.and_then(|p| p.project.as_ref())),
                Field::Region => Value::maybe(placed.and_then(|p| p.region.as_ref())),
                Field::Source => Value::maybe(placed.map(|p| &p.source)),
                Field::ReadAt => placed.map_or(Value::Null, |p| Value::time(p.read_at)),
                Field::UnseenSince => resource.unseen_since.map_or(Value::Null, Value::time),
                Field::Body => Value::maybe(body),
                Field::Pointer(pointer) => Value::of_json(picked.pointer(pointer), column.ty),
                Field::Change
                | Field::Ended
                | Field::Seq
                | Field::UntilSeq
                | Field::ValidFrom
                | Field::ValidTo
                | Field::At(_) => Value::Null,
            }
        };
        let cells = places.iter().map(cell).collect();
        rows.push(Row::of((chosen.id.subject.as_str(), key.as_str()), &places, cells));
    })?;
    match odd {
        None => Ok(()),
        Some((key, e)) => {
            Err(StoreError::Damaged { object: key.to_string(), why: e.to_string() }.into())
        }
    }
}

/// The members of bodies that the used columns look into.
fn members(table: &Table, used: &BTreeSet<usize>) -> BTreeSet<String> {
    let columns = used.iter().filter_map(|&i| table.columns.get(i));
    columns
        .filter_map(|c| match &c.field {
            Field::Pointer(pointer) => {
                let first = pointer.split('/').nth(1)?;
                Some(first.replace("~1", "/").replace("~0", "~"))
            }
            _ => None,
        })
        .collect()
}

/// Some members of a JSON object. The others are skipped, which costs a quarter
/// of reading them, and what follows the last one wanted is not looked at: that a
/// body is JSON was seen to when it was stored, and it has its leaf.
fn pick(body: &str, members: &BTreeSet<String>) -> serde_json::Result<Json> {
    let mut picked = serde_json::Map::new();
    if !members.is_empty() {
        let mut reader = serde_json::Deserializer::from_str(body);
        let read = reader.deserialize_map(Pick { members, picked: &mut picked });
        // That it stopped before the end is an error, too.
        if picked.len() < members.len() {
            read?;
        }
    }
    Ok(Json::Object(picked))
}

struct Pick<'m> {
    members: &'m BTreeSet<String>,
    picked: &'m mut serde_json::Map<String, Json>,
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while self.picked.len() < self.members.len()
            && let Some(name) = map.next_key::<Cow<'de, str>>()?
        {
            if self.members.contains(name.as_ref()) {
                self.picked.insert(name.into_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// What rows of snapshots begin with, as `HEAD` in the catalog has it.
pub(crate) fn head(chosen: &Chosen, id: &SnapshotId, taken_at: Value, current: bool) -> Vec<Value> {
    vec![
        Value::text(chosen.id.subject.as_str()),
        Value::text(id.to_string()),
        Value::number(id.seq),
        taken_at,
        Value::Integer(i64::from(current)),
    ]
}

fn head_of(chosen: &Chosen, manifest: &Manifest) -> Vec<Value> {
    let id = manifest.id();
    head(chosen, &id, Value::time(manifest.taken_at), id == chosen.id)
}

/// In the order of [`crate::catalog::SNAPSHOTS`].
fn snapshots(chosen: &Chosen, rows: &mut Vec<Row>) -> Result<(), SqlError> {
    let last = chosen.reader.manifest_sha256()?;
    let hashes = chosen.manifests.iter().skip(1).map(|m| m.previous).chain([Some(last)]);
    for (manifest, hash) in chosen.manifests.iter().zip(hashes) {
        let mut cells = head_of(chosen, manifest);
        cells.extend([
            Value::number(manifest.resources()),
            Value::number(manifest.kinds.len() as u64),
            Value::number(manifest.coverage.iter().filter(|c| gap(c).is_some()).count() as u64),
            Value::text(&manifest.tool_version),
            hash.map_or(Value::Null, |h| Value::text(h.to_string())),
        ]);
        rows.push(Row::new((manifest.subject.as_str(), manifest.seq), cells));
    }
    Ok(())
}

/// In the order of [`crate::catalog::COVERAGE`].
fn coverage(chosen: &Chosen, rows: &mut Vec<Row>) {
    for manifest in &chosen.manifests {
        for (i, c) in manifest.coverage.iter().enumerate() {
            let mut cells = head_of(chosen, manifest);
            let (status, detail) = status(c);
            cells.extend([
                Value::text(c.kind.as_str()),
                Value::maybe(c.region.as_ref()),
                Value::Text(Arc::clone(&c.source)),
                Value::text(status),
                detail,
                Value::text(c.visibility.to_string()),
                Value::time(c.read_from),
                Value::time(c.read_until),
            ]);
            rows.push(Row::new((manifest.subject.as_str(), manifest.seq, i), cells));
        }
    }
}

/// The name of a status, and what it says besides.
fn status(coverage: &KindCoverage) -> (&'static str, Value) {
    match &coverage.status {
        Status::Complete { count } => ("complete", Value::text(count.to_string())),
        Status::Subset { selector } => ("subset", Value::text(selector)),
        Status::Forbidden => ("forbidden", Value::Null),
        Status::Absent => ("absent", Value::Null),
        Status::Failed { reason } => ("failed", Value::text(reason)),
        Status::Inconsistent => ("inconsistent", Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, members: &[&str], expected: Option<&str>) {
        let members = members.iter().map(|m| (*m).to_owned()).collect();
        let picked = pick(body, &members).ok().map(|json| json.to_string());
        assert_eq!(picked.as_deref(), expected, "{members:?} of {body}");
    }

    #[test]
    fn members_are_read_as_far_as_they_are_wanted() {
        let body = r#"{"a":1,"b":{"c":[2]},"d":"e"}"#;
        check(body, &["b"], Some(r#"{"b":{"c":[2]}}"#));
        check(body, &["d", "a"], Some(r#"{"a":1,"d":"e"}"#));
        check(body, &["a", "none"], Some(r#"{"a":1}"#));
        check(body, &["none"], Some("{}"));
        check(body, &[], Some("{}"));
        check(r#"{"a":1,"b":}"#, &["b"], None);
        check(r#"{"a":1,"b":}"#, &["c"], None);
        check(r#"{"a":1,"#, &["b"], None);
        check("[1]", &["a"], None);
        // What follows is not looked at.
        check(r#"{"a":1,"b":}"#, &["a"], Some(r#"{"a":1}"#));
    }
}
