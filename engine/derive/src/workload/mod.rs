//! `kubernetes.workload`: what pods run as, whichever kind describes them.
//!
//! One fact for each resource that carries a pod spec, unless its controller
//! says the same. The [`Index`] holds the substance of every controller's
//! template and who is controlled by whom, so that a changed template finds
//! its pods.

pub(crate) mod component;
mod source;
mod spec;
mod substance;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_model::{Change, ChangeOp, Fact, Facts, FactsError, Kind, Resource, ResourceKey};

use crate::{fetched, unreadable, unwrapped, wrapped};
use source::{SHAPES, Source};
use substance::Substance;

pub(crate) const KIND: &str = "kubernetes.workload";

pub(crate) const POD: &str = "core.Pod";

/// The kind of the one fact that tells the version of the API server.
pub(crate) const VERSION: &str = "kubernetes.version";

/// Read ahead of the Pods, which come before it in order of key.
const LATE_CONTROLLER: &str = "core.ReplicationController";

/// What the facts of a snapshot depend on, beyond their own source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Index {
    /// Of the API server.
    minor: Option<u64>,
    /// By key, what controllers there are and what their templates say; none
    /// if that cannot be read.
    templates: BTreeMap<String, Option<Substance>>,
    /// Resource → its controller, there or not; both by key.
    controlled: BTreeMap<String, String>,
    /// The resources that there is a fact for, by key.
    shown: BTreeSet<String>,
}

/// Hands out all facts, in order of key. With the index of this snapshot in
/// `known`, no more is read than is handed out.
pub(crate) fn each(
    facts: &dyn Facts,
    kind: &Kind,
    known: Option<Index>,
    visit: &mut dyn FnMut(Fact),
) -> Result<Index, FactsError> {
    if let Some(index) = known {
        let keys = index.shown.iter().filter_map(|k| ResourceKey::new(k).ok());
        let mut found = fetched(facts, &keys.collect::<Vec<_>>())?;
        found.sort_by(|a, b| a.resource.key.cmp(&b.resource.key));
        found.iter().filter_map(|f| index.fact(&Source::read(f), kind)).for_each(visit);
        return Ok(index);
    }
    let mut index = Index { minor: minor(facts)?, ..Index::default() };
    let late = Kind::new(LATE_CONTROLLER);
    if let Ok(late) = &late {
        facts.each(late, &mut |fact| {
            index.note(&Source::read(&fact));
        })?;
    }
    for shape in &SHAPES {
        let Ok(input) = Kind::new(shape.kind) else { continue };
        facts.each(&input, &mut |fact| {
            let source = Source::read(&fact);
            if shape.kind != LATE_CONTROLLER {
                index.note(&source);
            }
            if let Some(made) = index.fact(&source, kind) {
                index.shown.insert(fact.resource.key.as_str().to_owned());
                visit(made);
            }
        })?;
    }
    Ok(index)
}

/// Hands out the facts with these keys, as far as there are. `known` is the
/// index of this snapshot, if it has been made.
pub(crate) fn fetch(
    facts: &dyn Facts,
    kind: &Kind,
    keys: &[ResourceKey],
    known: Option<&Index>,
    visit: &mut dyn FnMut(Fact),
) -> Result<(), FactsError> {
    let sources: Vec<ResourceKey> = keys.iter().filter_map(|k| unwrapped(k, KIND)).collect();
    let found = fetched(facts, &sources)?;
    let found: Vec<Source<'_>> = found.iter().map(Source::read).collect();
    if let Some(index) = known {
        found.iter().filter_map(|s| index.fact(s, kind)).for_each(visit);
        return Ok(());
    }
    let mut index = Index { minor: minor(facts)?, ..Index::default() };
    let controllers: BTreeSet<ResourceKey> =
        found.iter().filter_map(|s| ResourceKey::new(s.controller_key.as_ref()?).ok()).collect();
    let controllers = fetched(facts, &controllers.into_iter().collect::<Vec<_>>())?;
    for controller in &controllers {
        index.note(&Source::read(controller));
    }
    found.iter().filter_map(|s| index.fact(s, kind)).for_each(visit);
    Ok(())
}

/// The minor version of the API server; not known if the fact is missing, was
/// not seen this time, or does not look like `36` or `36+`.
fn minor(facts: &dyn Facts) -> Result<Option<u64>, FactsError> {
    let Ok(kind) = Kind::new(VERSION) else { return Ok(None) };
    let mut minor = None;
    facts.each(&kind, &mut |fact| {
        let body: Option<serde_json::Value> = serde_json::from_str(&fact.resource.body).ok();
        let text = body.as_ref().and_then(|b| b.get("minor")).and_then(serde_json::Value::as_str);
        if let (Some(text), None) = (text, fact.unseen_since) {
            minor = text.trim_end_matches('+').parse().ok();
        }
    })?;
    Ok(minor)
}

impl Index {
    /// Takes in a resource; what it said before is forgotten. Whether what a
    /// controlled resource is compared with has changed.
    fn note(&mut self, source: &Source<'_>) -> bool {
        let key = source.fact.resource.key.as_str();
        match &source.controller_key {
            Some(controller) => {
                self.controlled.insert(key.to_owned(), controller.clone());
            }
            None => {
                self.controlled.remove(key);
            }
        }
        if !source.shape.is_some_and(|s| s.controls) {
            return false;
        }
        let template = source.pod.as_ref().ok().map(|pod| pod.substance());
        self.templates.insert(key.to_owned(), template) != Some(template)
    }

    /// Forgets a resource; whether it was a controller.
    fn forget(&mut self, key: &str) -> bool {
        self.controlled.remove(key);
        self.shown.remove(key);
        self.templates.remove(key).is_some()
    }

    /// Whether the controller of a resource stands for it.
    fn stands_for(&self, source: &Source<'_>) -> bool {
        let template = source.controller_key.as_ref().and_then(|c| self.templates.get(c));
        match (template, &source.pod) {
            (Some(_), Ok(_)) if source.idle => true,
            (Some(Some(template)), Ok(pod)) => *template == pod.substance(),
            (Some(None) | None, _) | (_, Err(_)) => false,
        }
    }

    /// The fact for a resource, unless its controller stands for it.
    fn fact(&self, source: &Source<'_>, kind: &Kind) -> Option<Fact> {
        if self.stands_for(source) {
            return None;
        }
        let of = &source.fact.resource;
        let body = match &source.pod {
            Ok(pod) => pod.body(source, self.minor),
            Err(why) => unreadable(why),
        };
        let resource = Resource {
            key: wrapped(&of.key, KIND)?,
            kind: kind.clone(),
            region: of.region.clone(),
            project: of.project.clone(),
            name: of.name.clone(),
            body: Arc::from(body),
            source: Arc::clone(&of.source),
            read_at: of.read_at,
        };
        Some(Fact { resource, unseen_since: source.fact.unseen_since })
    }

    /// Brings the index from an earlier snapshot to that of `facts`, given what
    /// changed of the inputs; the changes of the facts, in any order. None if
    /// everything may have changed.
    pub(crate) fn changes(
        &mut self,
        facts: &dyn Facts,
        kind: &Kind,
        changes: &[Change],
    ) -> Result<Option<Vec<Change>>, FactsError> {
        if changes.iter().any(|c| c.kind.as_str() == VERSION) && minor(facts)? != self.minor {
            return Ok(None);
        }
        let mut ops: BTreeMap<&str, ChangeOp> = BTreeMap::new();
        let mut there = Vec::new();
        let mut moved: BTreeSet<String> = BTreeSet::new();
        for change in changes.iter().filter(|c| c.kind.as_str() != VERSION) {
            ops.insert(change.key.as_str(), change.op);
            match change.op {
                ChangeOp::Put | ChangeOp::Seen | ChangeOp::Unseen => there.push(change.key.clone()),
                ChangeOp::Remove => {
                    if self.forget(change.key.as_str()) {
                        moved.insert(change.key.as_str().to_owned());
                    }
                }
            }
        }
        let changed = fetched(facts, &there)?;
        let changed: Vec<Source<'_>> = changed.iter().map(Source::read).collect();
        for source in &changed {
            if self.note(source) {
                moved.insert(source.fact.resource.key.as_str().to_owned());
            }
        }
        let others: Vec<ResourceKey> = self
            .controlled
            .iter()
            .filter(|(key, by)| moved.contains(*by) && !ops.contains_key(key.as_str()))
            .filter_map(|(key, _)| ResourceKey::new(key).ok())
            .collect();
        let others = fetched(facts, &others)?;
        let others: Vec<Source<'_>> = others.iter().map(Source::read).collect();
        let mut out = Vec::new();
        let mut push = |of: &ResourceKey, op| {
            out.extend(wrapped(of, KIND).map(|key| Change { key, kind: kind.clone(), op }));
        };
        for source in changed.iter().chain(&others) {
            let key = &source.fact.resource.key;
            let op = ops.get(key.as_str()).copied().unwrap_or(ChangeOp::Put);
            if self.stands_for(source) {
                // A fact that there was none of before is removed once more.
                self.shown.remove(key.as_str());
                push(key, ChangeOp::Remove);
            } else {
                self.shown.insert(key.as_str().to_owned());
                push(key, op);
            }
        }
        for change in changes.iter().filter(|c| c.op == ChangeOp::Remove) {
            if change.kind.as_str() != VERSION {
                push(&change.key, ChangeOp::Remove);
            }
        }
        Ok(Some(out))
    }
}
