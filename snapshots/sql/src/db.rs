//! What tables are made of: the chosen snapshots, and what was read of them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_model::{Facts as _, Kind, KindCoverage, SnapshotId, Status, Subject, Visibility};
use tidegate_store::{At, Manifest, SnapshotReader, Store};

use crate::catalog::{self, Source, Table};
use crate::history::Ids;
use crate::loaded::Loaded;
use crate::value::Value;
use crate::{SqlError, spill};

/// What SQLite may put into temporary files.
const TEMP_MIB: usize = if cfg!(test) { 64 } else { 4096 };

/// Asked now and then; true ends the query.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// Everything that a query can be about.
pub(crate) struct Db {
    pub(crate) store: Store,
    pub(crate) subjects: Vec<Chosen>,
    /// By name in lower case.
    pub(crate) tables: BTreeMap<String, Arc<Table>>,
    stop: Stop,
    /// Whether constraints are taken from SQLite. Tests compare both.
    pub(crate) pushdown: bool,
    pub(crate) loaded: Mutex<BTreeMap<Part, Arc<Loaded>>>,
    /// The ids that a subject, by its position, ever had.
    pub(crate) ids: Mutex<BTreeMap<usize, Arc<Ids>>>,
    /// What went wrong below SQLite, which keeps texts only.
    failed: Mutex<Option<SqlError>>,
    /// What a reader of the answer must know.
    notes: Mutex<BTreeSet<String>>,
}

/// A table, or of `resources` those of a kind.
type Part = (String, Option<Kind>);

/// One subject at the snapshot that was asked for.
pub(crate) struct Chosen {
    pub(crate) id: SnapshotId,
    pub(crate) reader: SnapshotReader,
    /// All up to that snapshot, oldest first.
    pub(crate) manifests: Vec<Manifest>,
}

/// A row of a table. Columns without a cell are nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: i64,
    /// Which columns the cells are of, ascending; all if not said.
    columns: Option<Arc<[usize]>>,
    cells: Box<[Value]>,
}

impl Row {
    /// `id` is what tells the row from all others of its table. SQLite needs
    /// that where `OR` finds a row in two ways; among a million rows two are
    /// mistaken for each other with a probability of 1 : 10⁷.
    pub(crate) fn new(id: impl std::hash::Hash, cells: Vec<Value>) -> Self {
        let mut hash = DefaultHasher::new();
        id.hash(&mut hash);
        Self { id: hash.finish().cast_signed(), columns: None, cells: cells.into() }
    }

    /// As [`Row::new`], with cells of some columns: of tens of thousands of
    /// resources the rest would take some 1,000 bytes each.
    pub(crate) fn of(id: impl std::hash::Hash, columns: &Arc<[usize]>, cells: Vec<Value>) -> Self {
        Self { columns: Some(Arc::clone(columns)), ..Self::new(id, cells) }
    }

    pub(crate) fn cell(&self, column: usize) -> Option<&Value> {
        let at = match &self.columns {
            Some(columns) => columns.binary_search(&column).ok()?,
            None => column,
        };
        self.cells.get(at)
    }
}

impl Db {
    pub(crate) fn open(
        store: &Store,
        subjects: &[Subject],
        at: &At,
        stop: Stop,
    ) -> Result<Self, SqlError> {
        let mut chosen = Vec::new();
        let mut kinds = BTreeSet::new();
        for subject in subjects {
            let id = store.wait(store.resolve(subject, at))?;
            let reader = store.wait(store.snapshot(&id))?;
            let mut manifests = store.wait(store.snapshots(subject))?;
            for manifest in &manifests {
                kinds.extend(manifest.kinds.keys().cloned());
                kinds.extend(manifest.coverage.iter().map(|c| c.kind.clone()));
            }
            manifests.retain(|m| m.seq <= id.seq);
            chosen.push(Chosen { id, reader, manifests });
        }
        let tables = catalog::tables(&kinds).into_iter().map(|(n, t)| (n, Arc::new(t))).collect();
        Ok(Self {
            store: store.clone(),
            subjects: chosen,
            tables,
            stop,
            pushdown: true,
            loaded: Mutex::default(),
            ids: Mutex::default(),
            failed: Mutex::default(),
            notes: Mutex::default(),
        })
    }

    /// The table of a name as SQL has it: its own, or that of its kind.
    pub(crate) fn table(&self, name: &str) -> Option<&Arc<Table>> {
        self.tables.get(&name.to_ascii_lowercase()).or_else(|| {
            let of_kind = |t: &&Arc<Table>| {
                matches!(&t.source, Source::Kind(k) if k.as_str().eq_ignore_ascii_case(name))
            };
            self.tables.values().find(of_kind)
        })
    }

    /// How many resources there are, of a kind or in all.
    pub(crate) fn count(&self, kind: Option<&Kind>) -> u64 {
        let of = |m: &Manifest| match kind {
            Some(kind) => m.kinds.get(kind).map_or(0, |k| k.count),
            None => m.resources(),
        };
        self.subjects.iter().map(|s| of(s.reader.manifest())).sum()
    }

    /// Fails once time is over.
    pub(crate) fn go_on(&self) -> Result<(), SqlError> {
        if self.is_over() { Err(SqlError::TimeLimit) } else { Ok(()) }
    }

    pub(crate) fn is_over(&self) -> bool {
        (self.stop)()
    }

    /// Whether SQLite must stop, since time is over or, where `look` says to look for
    /// that, disk is used up.
    pub(crate) fn interrupts(&self, look: bool) -> bool {
        let spilled = look && spill::bytes() > (TEMP_MIB as u64) << 20;
        if spilled {
            self.fail(SqlError::TempLimit { limit_mib: TEMP_MIB });
        }
        spilled || self.is_over()
    }

    /// Keeps an error that SQLite is told of as a text only.
    pub(crate) fn fail(&self, error: SqlError) -> rusqlite::Error {
        let text = error.to_string();
        *locked(&self.failed) = Some(error);
        rusqlite::Error::ModuleError(text)
    }

    pub(crate) fn failure(&self) -> Option<SqlError> {
        locked(&self.failed).take()
    }

    pub(crate) fn note(&self, text: String) {
        locked(&self.notes).insert(text);
    }

    /// What must be known of the tables that a query read, and forgets it.
    pub(crate) fn take_notes(&self, read: &BTreeSet<String>) -> Vec<String> {
        for name in read {
            let Some(table) = self.table(name) else { continue };
            match &table.source {
                Source::Kind(kind) => self.note_kind(name, kind),
                Source::Resources => self.note_gaps(name, true),
                Source::History => self.note_gaps(name, false),
                Source::Snapshots | Source::Coverage | Source::Verdicts | Source::Findings => {}
            }
        }
        std::mem::take(&mut *locked(&self.notes)).into_iter().collect()
    }

    /// Says of a kind what was not seen of it.
    fn note_kind(&self, name: &str, kind: &Kind) {
        let lists = |m: &Manifest| m.coverage.iter().any(|c| c.kind == *kind);
        let some_did = self.subjects.iter().any(|s| s.manifests.iter().any(lists));
        for chosen in &self.subjects {
            let meta = chosen.reader.meta();
            let mut listed = meta.coverage_of(kind).peekable();
            // A cluster beside clouds has no servers, and nobody misses them.
            let misses = !some_did || chosen.manifests.iter().any(lists);
            if listed.peek().is_none() && misses {
                self.note(format!("`{name}`: `{}` did not look at `{kind}`", chosen.id));
            }
            for c in listed {
                if let Some(gap) = gap(c) {
                    let region = c.region.as_ref().map_or(String::new(), |r| format!(" in {r}"));
                    let id = &chosen.id;
                    self.note(format!("`{name}` is not complete: `{kind}`{region} {gap} (`{id}`)"));
                }
            }
        }
    }

    /// Says of how many kinds or snapshots not all was seen.
    fn note_gaps(&self, name: &str, current: bool) {
        for Chosen { id, reader, manifests } in &self.subjects {
            let gaps = |m: &&Manifest| m.coverage.iter().any(|c| gap(c).is_some());
            if current && gaps(&reader.manifest()) {
                let coverage = &reader.manifest().coverage;
                let kinds: BTreeSet<&str> =
                    coverage.iter().filter(|c| gap(c).is_some()).map(|c| c.kind.as_str()).collect();
                let kinds: Vec<&str> = kinds.into_iter().collect();
                let kinds = kinds.join(", ");
                self.note(format!(
                    "`{name}` is not complete: see `coverage` of `{id}` for {kinds}"
                ));
            }
            let some = manifests.iter().filter(gaps).count();
            if !current && some > 0 {
                let (subject, all) = (&id.subject, manifests.len());
                self.note(format!(
                    "`{name}` is not complete: {some} of {all} snapshots of `{subject}` have gaps, \
                     see `coverage`"
                ));
            }
        }
    }
}

/// What a listing lacks; nothing if it has all there is.
pub(crate) fn gap(coverage: &KindCoverage) -> Option<String> {
    match (&coverage.status, &coverage.visibility) {
        (Status::Absent, _) | (Status::Complete { .. }, Visibility::All) => None,
        (Status::Complete { .. }, visibility) => Some(format!("was seen as far as {visibility}")),
        (
            status @ (Status::Subset { .. }
            | Status::Forbidden
            | Status::Failed { .. }
            | Status::Inconsistent),
            _,
        ) => Some(format!("was not read: {status}")),
    }
}

/// Locks; that another thread panicked meanwhile does not matter to a cache.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
