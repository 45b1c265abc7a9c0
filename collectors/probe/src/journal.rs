//! What was created and may still be there: kept outside the process, by
//! appending only.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tidegate_model::Timestamp;

use crate::thing::{Thing, prefix};

/// Something that is about to be created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The run, a UUID.
    pub run: String,
    /// The region.
    pub region: String,
    /// The id of the project that the token was for; null if for none.
    pub project: Option<String>,
    /// The service, such as `block-storage`.
    pub service: String,
    /// What it is.
    #[serde(rename = "type")]
    pub thing: Thing,
    /// Its name, unique in run and region: `tidegate-probe-<run>-<what>`.
    pub name: String,
    /// When it was entered.
    pub at: Timestamp,
    /// Its id, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Entry {
    /// Whether the name has the form that names of its run have. Nothing is
    /// looked up or deleted for an entry of which this does not hold.
    #[must_use]
    pub fn well_formed(&self) -> bool {
        let uuid = self.run.len() == 36
            && self.run.chars().enumerate().all(|(at, c)| match at {
                8 | 13 | 18 | 23 => c == '-',
                _ => c.is_ascii_hexdigit(),
            });
        uuid && self.name.starts_with(&prefix(&self.run))
    }
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Written before the request that creates something.
    Open(Entry),
    /// The answer named its id.
    Created {
        /// The run.
        run: String,
        /// The region.
        region: String,
        /// The name.
        name: String,
        /// The id.
        id: String,
    },
    /// It is gone, or never was.
    Closed {
        /// The run.
        run: String,
        /// The region.
        region: String,
        /// The name.
        name: String,
    },
}

/// The format of [`Event`]s as JSON.
const SCHEMA: &str = "tidegate.probe-journal/v1";

#[derive(Serialize, Deserialize)]
struct Line {
    schema: String,
    #[serde(flatten)]
    event: Event,
}

impl Event {
    /// As JSON, for a journal that keeps bytes (schema
    /// `tidegate.probe-journal/v1`).
    ///
    /// # Errors
    /// [`JournalError`], which does not happen for events made here.
    pub fn to_json(&self) -> Result<Vec<u8>, JournalError> {
        let line = Line { schema: SCHEMA.to_owned(), event: self.clone() };
        serde_json::to_vec(&line).map_err(JournalError::new)
    }

    /// From JSON.
    ///
    /// # Errors
    /// [`JournalError`] if it is not such an event, or of a schema that this
    /// version does not know.
    pub fn from_json(bytes: &[u8]) -> Result<Self, JournalError> {
        let line: Line = serde_json::from_slice(bytes).map_err(JournalError::new)?;
        if line.schema != SCHEMA {
            let why = format!("it has the schema `{}`, not `{SCHEMA}`", line.schema);
            return Err(JournalError::new(why));
        }
        Ok(line.event)
    }
}

/// The journal cannot be written or read, so nothing may be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the journal of probes")]
pub struct JournalError {
    #[source]
    source: Box<dyn Error + Send + Sync>,
}

impl JournalError {
    /// Wraps what went wrong.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}

/// Keeps events beyond the end of the process, for one cloud.
#[async_trait::async_trait]
pub trait Journal: Send + Sync {
    /// Appends an event; it is durable once this returns.
    ///
    /// # Errors
    /// [`JournalError`] if that is not certain.
    async fn append(&self, event: &Event) -> Result<(), JournalError>;

    /// All events, oldest first.
    ///
    /// # Errors
    /// [`JournalError`] if any cannot be read.
    async fn read(&self) -> Result<Vec<Event>, JournalError>;
}

/// What the events leave open, by region and in order of deleting.
#[must_use]
pub fn open_entries(events: &[Event]) -> Vec<Entry> {
    let mut open: BTreeMap<(&str, &str, &str), Entry> = BTreeMap::new();
    for event in events {
        match event {
            Event::Open(entry) => {
                open.insert((&entry.run, &entry.region, &entry.name), entry.clone());
            }
            Event::Created { run, region, name, id } => {
                if let Some(entry) = open.get_mut(&(run.as_str(), region.as_str(), name.as_str())) {
                    entry.id = Some(id.clone());
                }
            }
            Event::Closed { run, region, name } => {
                open.remove(&(run.as_str(), region.as_str(), name.as_str()));
            }
        }
    }
    let mut open: Vec<Entry> = open.into_values().collect();
    open.sort_by(|a, b| (&a.region, a.thing, a.at).cmp(&(&b.region, b.thing, b.at)));
    open
}

/// The twin of a real journal, for tests. Clones share their events.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<Vec<Event>>>);

impl MemoryJournal {
    /// With these events.
    #[must_use]
    pub fn with(events: Vec<Event>) -> Self {
        Self(Arc::new(Mutex::new(events)))
    }
}

#[async_trait::async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, event: &Event) -> Result<(), JournalError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }

    async fn read(&self) -> Result<Vec<Event>, JournalError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    fn entry(thing: Thing, what: &str) -> Entry {
        Entry {
            run: RUN.into(),
            region: "R".into(),
            project: Some("p".into()),
            service: thing.place().service.into(),
            thing,
            name: format!("{}{what}", prefix(RUN)),
            at: "2026-11-23T00:00:00Z".parse().unwrap(),
            id: None,
        }
    }

    fn events() -> Vec<Event> {
        let volume = entry(Thing::Volume, "volume");
        let server = entry(Thing::Server, "server");
        let gone = entry(Thing::Secret, "secret");
        let at = |e: &Entry| (e.run.clone(), e.region.clone(), e.name.clone());
        let (run, region, name) = at(&volume);
        let created = Event::Created { run, region, name, id: "v1".into() };
        let (run, region, name) = at(&gone);
        let closed = Event::Closed { run, region, name };
        vec![Event::Open(volume), Event::Open(gone), created, Event::Open(server), closed]
    }

    #[test]
    fn what_is_not_closed_is_open_in_order_of_deleting() {
        let open = open_entries(&events());
        let found: Vec<_> = open.iter().map(|e| (e.thing, e.id.as_deref())).collect();
        assert_eq!(found, [(Thing::Server, None), (Thing::Volume, Some("v1"))]);
    }

    #[test]
    fn events_read_back_and_have_their_schema() {
        let schema = include_str!("../schemas/probe-journal.schema.json");
        let schema = serde_json::from_str(schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        for event in events() {
            let bytes = event.to_json().unwrap();
            let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            assert!(schema.is_valid(&value), "{value}");
            assert_eq!(Event::from_json(&bytes).unwrap(), event);
        }
        let newer = br#"{"schema":"tidegate.probe-journal/v2","event":"closed","run":"","region":"","name":""}"#;
        assert!(Event::from_json(newer).is_err());
    }

    #[test]
    fn only_names_of_the_own_run_are_well_formed() {
        let good = entry(Thing::Volume, "volume");
        assert!(good.well_formed());
        assert!(!Entry { name: "data".into(), ..good.clone() }.well_formed());
        let short = Entry { run: String::new(), name: "tidegate-probe--x".into(), ..good };
        assert!(!short.well_formed());
    }
}
