//! A vector that is read by ids made for it.

use std::collections::BTreeSet;
use std::ops::{Index, IndexMut};

/// Values by id. Ids are handed out by [`crate::ground::Ground`], from 0, for
/// tables of that length alone.
#[derive(Debug, Clone)]
pub(crate) struct Table<T>(Vec<T>);

impl<T> Table<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T: Clone> Table<T> {
    pub(crate) fn filled(value: T, len: usize) -> Self {
        Self(vec![value; len])
    }
}

impl<T> FromIterator<T> for Table<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

#[expect(clippy::indexing_slicing, reason = "INVARIANT: ids are below the length of their table")]
impl<T> Index<usize> for Table<T> {
    type Output = T;
    fn index(&self, id: usize) -> &T {
        &self.0[id]
    }
}

#[expect(clippy::indexing_slicing, reason = "INVARIANT: ids are below the length of their table")]
impl<T> IndexMut<usize> for Table<T> {
    fn index_mut(&mut self, id: usize) -> &mut T {
        &mut self.0[id]
    }
}

/// A set of ids that is asked far more often than it is changed.
#[derive(Debug, Clone)]
pub(crate) struct Marks {
    has: Table<bool>,
    all: BTreeSet<usize>,
}

impl Marks {
    /// None of `len` ids.
    pub(crate) fn none(len: usize) -> Self {
        Self { has: Table::filled(false, len), all: BTreeSet::new() }
    }

    pub(crate) fn contains(&self, id: usize) -> bool {
        self.has[id]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// In order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.all.iter().copied()
    }

    pub(crate) fn insert(&mut self, id: usize) {
        self.has[id] = true;
        self.all.insert(id);
    }

    pub(crate) fn remove(&mut self, id: usize) {
        self.has[id] = false;
        self.all.remove(&id);
    }
}
