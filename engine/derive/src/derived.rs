//! Facts with the derived kinds added.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tidegate_model::{Change, Fact, Facts, FactsError, Kind, ResourceKey, SnapshotMeta};

use crate::network;
use crate::workload;
use crate::{How, Row, TABLE, coverage, graph, row};

/// One snapshot with its derived kinds.
///
/// Derived facts are made when they are asked for. Their changes can be told
/// only if [`Derived::recall`] was given what [`Derived::remember`] gave at the
/// earlier snapshot; otherwise `changes_since` is `None`, and whoever asks
/// judges anew.
pub struct Derived<'f> {
    facts: Inner<'f>,
    meta: SnapshotMeta,
    /// The derived kinds whose changes are wanted.
    asked: Vec<(Kind, &'static Row)>,
    state: Mutex<State>,
}

enum Inner<'f> {
    Borrowed(&'f dyn Facts),
    Owned(Box<dyn Facts + 'f>),
}

impl Inner<'_> {
    fn get(&self) -> &dyn Facts {
        match self {
            Self::Borrowed(facts) => *facts,
            Self::Owned(facts) => facts.as_ref(),
        }
    }
}

#[derive(Default)]
struct State {
    /// What was remembered at an earlier snapshot.
    prior: Option<(u64, Memory)>,
    /// At this snapshot, so far.
    now: Memory,
    graphs: BTreeMap<&'static str, Arc<Vec<Fact>>>,
    tables: Option<Arc<network::Tables>>,
}

/// Indexes by kind.
type Memory = BTreeMap<String, Index>;

/// What tells the changes of a derived kind.
#[derive(Clone, Serialize, Deserialize)]
enum Index {
    Workloads(workload::Index),
    Graph(graph::Index),
    Network(Box<network::Index>),
}

/// The kinds of [`network`] share their index.
const NETWORK: &str = "openstack";

impl fmt::Debug for Derived<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Derived").field("id", &self.meta.id).finish_non_exhaustive()
    }
}

impl<'f> Derived<'f> {
    /// Adds the derived kinds to `facts`; `asked` are the kinds whose changes
    /// will be wanted, those that are not derived among them or not. All
    /// derived kinds can be read.
    #[must_use]
    pub fn new<'k>(facts: &'f dyn Facts, asked: impl IntoIterator<Item = &'k Kind>) -> Self {
        let asked = asked.into_iter().filter_map(|k| Some((k.clone(), row(k.as_str())?))).collect();
        Self::over(Inner::Borrowed(facts), asked)
    }

    fn over(facts: Inner<'f>, asked: Vec<(Kind, &'static Row)>) -> Self {
        let mut meta = facts.get().meta().clone();
        let derived = TABLE.iter().filter_map(|r| Some((r, Kind::new(r.kind).ok()?)));
        let entries: Vec<_> = derived.flat_map(|(r, k)| coverage::of(r, &k, &meta)).collect();
        meta.coverage.extend(entries);
        Self { facts, meta, asked, state: Mutex::default() }
    }

    /// Takes back what was remembered at snapshot `seq` of the same subject;
    /// what cannot be read is forgotten.
    pub fn recall(&self, seq: u64, memory: &[u8]) {
        self.state().prior = postcard::from_bytes(memory).ok().map(|memory| (seq, memory));
    }

    /// What [`Derived::recall`] takes at a later snapshot; opaque. Of kinds that
    /// were neither read whole nor asked for changes there is nothing in it.
    #[must_use]
    pub fn remember(&self) -> Vec<u8> {
        let mut state = self.state();
        if let Some((seq, prior)) = state.prior.take() {
            // Nobody asks a snapshot what changed since itself.
            if seq == self.meta.id.seq {
                for (kind, index) in prior {
                    state.now.entry(kind).or_insert(index);
                }
            }
        }
        postcard::to_allocvec(&state.now).unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, row: &Row, index: Index) {
        self.state().now.insert(row.kind.to_owned(), index);
    }

    /// The facts of a graph, made once.
    fn graph(
        &self,
        row: &'static Row,
        make: fn(&dyn Facts) -> Result<Vec<Fact>, FactsError>,
    ) -> Result<Arc<Vec<Fact>>, FactsError> {
        if let Some(known) = self.state().graphs.get(row.kind) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(make(self.facts.get())?);
        let mut state = self.state();
        state.now.insert(row.kind.to_owned(), Index::Graph(graph::Index::new(&made)));
        state.graphs.insert(row.kind, Arc::clone(&made));
        Ok(made)
    }

    /// Everything of the networks, read once.
    fn tables(&self) -> Result<Arc<network::Tables>, FactsError> {
        if let Some(known) = &self.state().tables {
            return Ok(Arc::clone(known));
        }
        let (index, tables) = network::all(self.facts.get())?;
        let tables = Arc::new(tables);
        let mut state = self.state();
        state.now.insert(NETWORK.to_owned(), Index::Network(Box::new(index)));
        state.tables = Some(Arc::clone(&tables));
        Ok(tables)
    }

    /// As much of the networks as some facts need.
    fn tables_for(&self, keys: &[ResourceKey]) -> Result<Arc<network::Tables>, FactsError> {
        let index = {
            let mut state = self.state();
            let index = state.now.remove(NETWORK);
            match (&state.tables, index) {
                (None, Some(Index::Network(index))) => index,
                (_, index) => {
                    state.now.extend(index.map(|index| (NETWORK.to_owned(), index)));
                    drop(state);
                    return self.tables();
                }
            }
        };
        let tables = network::gather(self.facts.get(), &index, keys);
        self.state().now.insert(NETWORK.to_owned(), Index::Network(index));
        Ok(Arc::new(tables?))
    }

    /// Adds the changes of the networks' kinds that are asked for; false if they
    /// cannot be told.
    fn network_changes(
        &self,
        prior: Option<Index>,
        changes: &mut Vec<Change>,
    ) -> Result<bool, FactsError> {
        let asked: Vec<&Kind> = self
            .asked
            .iter()
            .filter(|(_, r)| matches!(r.how, How::Network(_)))
            .map(|(k, _)| k)
            .collect();
        if asked.is_empty() {
            return Ok(true);
        }
        let touched = changes.iter().filter(|c| network::is_input(c.kind.as_str())).cloned();
        let touched: Vec<Change> = touched.collect();
        let Some(Index::Network(mut index)) = prior else { return Ok(touched.is_empty()) };
        if !touched.is_empty() {
            let found = network::changes(&mut index, self.facts.get(), &touched)?;
            changes.extend(found.into_iter().filter(|c| asked.contains(&&c.kind)));
        }
        self.state().now.insert(NETWORK.to_owned(), Index::Network(index));
        Ok(true)
    }

    /// Adds the changes of a derived kind; false if they cannot be told.
    fn changes_of(
        &self,
        (kind, row): &(Kind, &'static Row),
        prior: Option<Index>,
        changes: &mut Vec<Change>,
    ) -> Result<bool, FactsError> {
        let of_input = |c: &&Change| row.inputs.iter().any(|i| i.kind == c.kind.as_str());
        let touched: Vec<Change> = changes.iter().filter(of_input).cloned().collect();
        if touched.is_empty() {
            if let Some(index) = prior {
                self.note(row, index);
            }
            return Ok(true);
        }
        match (&row.how, prior) {
            (How::Workloads, Some(Index::Workloads(mut index))) => {
                let Some(found) = index.changes(self.facts.get(), kind, &touched)? else {
                    return Ok(false);
                };
                changes.extend(found);
                self.note(row, Index::Workloads(index));
                Ok(true)
            }
            (How::Single(single), _) => {
                changes.extend(single.changes(self.facts.get(), kind, &touched)?);
                Ok(true)
            }
            (How::Graph(make), Some(Index::Graph(index))) => {
                changes.extend(index.changes(kind, &self.graph(row, *make)?));
                Ok(true)
            }
            (How::Workloads | How::Graph(_), _) => Ok(false),
            // Both kinds at once: [`Self::network_changes`].
            (How::Network(_), _) => Ok(true),
        }
    }
}

impl Facts for Derived<'_> {
    fn meta(&self) -> &SnapshotMeta {
        &self.meta
    }

    fn each(&self, kind: &Kind, visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        let Some(row) = row(kind.as_str()) else { return self.facts.get().each(kind, visit) };
        match &row.how {
            How::Workloads => {
                let known = match self.state().now.remove(row.kind) {
                    Some(Index::Workloads(known)) => Some(known),
                    Some(Index::Graph(_) | Index::Network(_)) | None => None,
                };
                let index = workload::each(self.facts.get(), kind, known, visit)?;
                self.note(row, Index::Workloads(index));
            }
            How::Single(single) => single.each(self.facts.get(), kind, visit)?,
            How::Graph(make) => self.graph(row, *make)?.iter().cloned().for_each(visit),
            How::Network(part) => {
                self.tables()?.facts(*part, kind, None).into_iter().for_each(visit);
            }
        }
        Ok(())
    }

    fn fetch(&self, keys: &[ResourceKey], visit: &mut dyn FnMut(Fact)) -> Result<(), FactsError> {
        let of = |name: &str| keys.iter().filter(|k| k.kind() == name).cloned().collect();
        for row in &TABLE {
            let Ok(kind) = Kind::new(row.kind) else { continue };
            let wanted: Vec<ResourceKey> = of(row.kind);
            if wanted.is_empty() {
                continue;
            }
            match &row.how {
                How::Workloads => {
                    // A copy of the index would cost more than what is fetched.
                    let index = self.state().now.remove(row.kind);
                    let known = match &index {
                        Some(Index::Workloads(known)) => Some(known),
                        Some(Index::Graph(_) | Index::Network(_)) | None => None,
                    };
                    let found = workload::fetch(self.facts.get(), &kind, &wanted, known, visit);
                    if let Some(index) = index {
                        self.note(row, index);
                    }
                    found?;
                }
                How::Single(single) => single.fetch(self.facts.get(), &kind, &wanted, visit)?,
                How::Graph(make) => {
                    let wanted: BTreeSet<&str> = wanted.iter().map(ResourceKey::as_str).collect();
                    let all = self.graph(row, *make)?;
                    let found = all.iter().filter(|f| wanted.contains(f.resource.key.as_str()));
                    found.cloned().for_each(&mut *visit);
                }
                How::Network(part) => {
                    let tables = self.tables_for(&wanted)?;
                    let wanted = wanted.iter().map(ResourceKey::as_str).collect();
                    tables.facts(*part, &kind, Some(&wanted)).into_iter().for_each(&mut *visit);
                }
            }
        }
        let rest: Vec<ResourceKey> =
            keys.iter().filter(|k| row(k.kind()).is_none()).cloned().collect();
        if rest.is_empty() { Ok(()) } else { self.facts.get().fetch(&rest, visit) }
    }

    fn changes_since(&self, seq: u64) -> Result<Option<Vec<Change>>, FactsError> {
        let Some(mut changes) = self.facts.get().changes_since(seq)? else { return Ok(None) };
        let prior = self.state().prior.take();
        let mut prior = match prior {
            Some((at, memory)) if at == seq => memory,
            Some(_) | None => Memory::new(),
        };
        if !self.network_changes(prior.remove(NETWORK), &mut changes)? {
            return Ok(None);
        }
        for asked in &self.asked {
            let index = prior.remove(asked.1.kind);
            if !self.changes_of(asked, index, &mut changes)? {
                return Ok(None);
            }
        }
        changes.sort();
        Ok(Some(changes))
    }

    fn at(&self, seq: u64) -> Result<Option<Box<dyn Facts + '_>>, FactsError> {
        let Some(facts) = self.facts.get().at(seq)? else { return Ok(None) };
        Ok(Some(Box::new(Derived::over(Inner::Owned(facts), self.asked.clone()))))
    }
}
