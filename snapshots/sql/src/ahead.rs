//! Versions of one resource after the other, as the inner side of a join asks for
//! them.
//!
//! A search of its own costs most of a millisecond, which for all resources of a
//! year is minutes. Where keys are asked for in their order, as a join of `history`
//! with itself does, those that follow are read along, more of them as long as
//! they are used.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tidegate_model::{Kind, ResourceKey};
use tidegate_store::{Content, Selection, Versions};

use crate::SqlError;
use crate::db::{Chosen, Row};

/// So many searches are made one by one before keys are listed, which takes long.
const FEW: u32 = if cfg!(test) { 2 } else { 8 };
/// The most keys that are read at once, and about how many bytes of bodies.
const MOST: usize = 1024;
const ROOM: usize = if cfg!(test) { 20_000 } else { 8 << 20 };
/// One in so many must have been asked for, for reading on to be worth it.
const USED: usize = 16;

/// All snapshots.
const EVER: RangeInclusive<u64> = 0..=u64::MAX;

/// What was read ahead by one cursor, of each subject, by its position, and kind.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// The columns of the rows.
    used: Arc<[usize]>,
    searches: u32,
    windows: BTreeMap<(usize, Kind), Window>,
}

/// Keys that follow each other, with their rows.
#[derive(Debug)]
struct Window {
    /// All of the kind, in order.
    keys: Vec<ResourceKey>,
    /// Where the window begins among them.
    first: usize,
    /// By key from there on.
    rows: Vec<Arc<[Row]>>,
    /// How many searches it answered.
    used: usize,
}

/// Makes a row of a version; none of what is no row.
pub(crate) type Make<'m> = dyn FnMut(&tidegate_store::Version) -> Option<Row> + 'm;

impl Ahead {
    /// Forgets what has other columns than those.
    pub(crate) fn of(&mut self, used: &Arc<[usize]>) -> &mut Self {
        if self.used != *used {
            *self = Self { used: Arc::clone(used), ..Self::default() };
        }
        self
    }

    /// The rows of a key of the subject at `place`; `None` if it is better searched
    /// for alone.
    pub(crate) fn find(
        &mut self,
        (place, chosen): (usize, &Chosen),
        key: &ResourceKey,
        content: Content,
        make: &mut Make<'_>,
    ) -> Result<Option<Arc<[Row]>>, SqlError> {
        self.searches = self.searches.saturating_add(1);
        if self.searches <= FEW {
            return Ok(None);
        }
        // A key of what is no kind is of nothing that was stored.
        let Ok(kind) = Kind::new(key.kind()) else { return Ok(Some(Arc::default())) };
        let place = (place, kind);
        if !self.windows.contains_key(&place) {
            let window =
                Window { keys: keys(chosen, &place.1)?, first: 0, rows: Vec::new(), used: 0 };
            self.windows.insert(place.clone(), window);
        }
        let Some(window) = self.windows.get_mut(&place) else { return Ok(None) };
        let Ok(at) = window.keys.binary_search(key) else { return Ok(Some(Arc::default())) };
        if window.at(at).is_none() {
            window.read(chosen, at, content, make)?;
        }
        window.used += 1;
        Ok(Some(window.at(at).cloned().unwrap_or_default()))
    }
}

/// All keys that a kind ever had, in order.
fn keys(chosen: &Chosen, kind: &Kind) -> Result<Vec<ResourceKey>, SqlError> {
    let of = Selection::Kinds([kind.clone()].into());
    let mut keys: Vec<ResourceKey> = Vec::new();
    for version in chosen.reader.versions(of, Content::Times, EVER) {
        let key = version?.key;
        if keys.last() != Some(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

impl Window {
    fn at(&self, key: usize) -> Option<&Arc<[Row]>> {
        self.rows.get(key.checked_sub(self.first)?)
    }

    /// Moves it to begin with the key at `at`.
    fn read(
        &mut self,
        chosen: &Chosen,
        at: usize,
        content: Content,
        make: &mut Make<'_>,
    ) -> Result<(), SqlError> {
        let onwards = at.checked_sub(self.first);
        let dense = onwards.is_some_and(|passed| passed <= self.used * USED);
        let reach = if dense { (self.rows.len() * 2).clamp(1, MOST) } else { 1 };
        let wanted = self.keys.get(at..).unwrap_or_default();
        let wanted = wanted.get(..reach).unwrap_or(wanted);
        let of = Selection::Keys(wanted.iter().cloned().collect());
        let versions = chosen.reader.versions(of, content, EVER);
        self.rows = group(wanted, versions, make)?;
        (self.first, self.used) = (at, 0);
        Ok(())
    }
}

/// The rows of each key, as far as there is room.
fn group(
    keys: &[ResourceKey],
    versions: Versions,
    make: &mut Make<'_>,
) -> Result<Vec<Arc<[Row]>>, SqlError> {
    let mut versions = versions.peekable();
    let mut groups = Vec::new();
    let mut bytes = 0;
    for key in keys {
        let mut rows = Vec::new();
        while let Some(version) = versions.next_if(|v| v.as_ref().map_or(true, |v| v.key == *key)) {
            let version = version?;
            let body = version.placed.as_ref().and_then(|p| p.body.as_ref());
            bytes += body.map_or(0, |b| b.len());
            rows.extend(make(&version));
        }
        groups.push(rows.into());
        if bytes > ROOM {
            break;
        }
    }
    Ok(groups)
}
