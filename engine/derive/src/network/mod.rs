//! `openstack.opening` and `openstack.exposure`: what security groups open to
//! the world, and what of each port the world can reach.
//!
//! ```text
//! collected facts ─▶ Item: as read ─┬▶ Tables: by region and id ─▶ bodies
//!                                   └▶ Topics: tells, reads ─▶ Index, for the next snapshot
//! ```
//!
//! Facts are made from [`Tables`], which hold everything of the inputs, or only
//! what some facts need ([`gather`]). The [`Index`] says what that is, and what
//! there is news of when some inputs changed.

mod address;
mod exposure;
mod index;
mod item;
mod look;
mod opening;
mod protocol;
mod ranges;
mod read;
mod tables;
mod topic;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_model::{
    Change, ChangeOp, Fact, Facts, FactsError, Kind, Resource, ResourceKey, Timestamp,
};

use crate::{fetched, unreadable, wrapped};
use exposure::Exposures;
use item::{INPUTS, Item, place, tail};
use look::Look;
use tables::OfPort;
use topic::{ALONE, Topic, Topical, Topics};

pub(crate) use index::Index;
pub(crate) use tables::Tables;

pub(crate) const OPENING: &str = "openstack.opening";
pub(crate) const EXPOSURE: &str = "openstack.exposure";

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Openings,
    Exposures,
}

impl Part {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Openings => OPENING,
            Self::Exposures => EXPOSURE,
        }
    }

    /// What a fact stands for.
    fn source(self) -> &'static str {
        match self {
            Self::Openings => "network.security_group",
            Self::Exposures => "network.port",
        }
    }
}

/// Whether a change of a kind can be one of these facts.
pub(crate) fn is_input(kind: &str) -> bool {
    place(kind).is_some()
}

/// The resource that findings on a fact name.
pub(crate) fn source_key(key: &ResourceKey, part: Part) -> Option<ResourceKey> {
    let (system, rest) = key.as_str().split_once('/')?;
    let rest = rest.strip_prefix(part.kind())?.strip_prefix('/')?;
    // What stands for itself has its kind before region and id.
    let source = if rest.split('/').count() > 2 {
        format!("{system}/{rest}")
    } else {
        format!("{system}/{}/{rest}", part.source())
    };
    ResourceKey::new(source).ok()
}

/// The key of something by what follows its kind.
fn key_of(kind: &str, tail: &str) -> Option<ResourceKey> {
    ResourceKey::new(format!("openstack/{kind}/{tail}")).ok()
}

/// Reads all inputs.
pub(crate) fn all(facts: &dyn Facts) -> Result<(Index, Tables), FactsError> {
    let (mut index, mut tables) = (Index::default(), Tables::default());
    let empty: Arc<str> = Arc::from("");
    for (at, name) in INPUTS.iter().enumerate() {
        let (Ok(kind), Some(lines)) = (Kind::new(name), index.of_mut(at)) else { continue };
        facts.each(&kind, &mut |fact| {
            let Some(item) = Item::read(fact, &empty) else { return };
            lines.push(tail(item.resource.key.as_str()), &topics(&item));
            tables.add(item);
        })?;
    }
    Ok((index, tables))
}

fn topics(item: &Item) -> Topics {
    Topical { region: item.region() }.of(item)
}

/// Reads what facts with these keys are made of.
pub(crate) fn gather(
    facts: &dyn Facts,
    index: &Index,
    keys: &[ResourceKey],
) -> Result<Tables, FactsError> {
    let mut reader = Reader::new(facts);
    let part = |k: &ResourceKey| match k.kind() {
        OPENING => source_key(k, Part::Openings),
        _ => source_key(k, Part::Exposures),
    };
    let mut news: BTreeSet<Topic> = reader.read(keys.iter().filter_map(part).collect())?;
    while !news.is_empty() {
        let of =
            |place: usize, kind| index.telling(place, &news).filter_map(move |t| key_of(kind, t));
        let found = INPUTS.iter().enumerate().flat_map(|(place, kind)| of(place, kind)).collect();
        news = reader.read(found)?;
    }
    Ok(reader.tables)
}

/// Fills tables, each resource once.
struct Reader<'f> {
    facts: &'f dyn Facts,
    tables: Tables,
    known: BTreeSet<ResourceKey>,
}

impl<'f> Reader<'f> {
    fn new(facts: &'f dyn Facts) -> Self {
        Self { facts, tables: Tables::default(), known: BTreeSet::new() }
    }

    /// Reads some resources; the topics that they read of.
    fn read(&mut self, mut keys: BTreeSet<ResourceKey>) -> Result<BTreeSet<Topic>, FactsError> {
        keys.retain(|key| !self.known.contains(key));
        let wanted: Vec<ResourceKey> = keys.iter().cloned().collect();
        self.known.append(&mut keys);
        let empty: Arc<str> = Arc::from("");
        let mut reads = BTreeSet::new();
        for item in fetched(self.facts, &wanted)?.into_iter().filter_map(|f| Item::read(f, &empty))
        {
            reads.extend(topics(&item).reads);
            self.tables.add(item);
        }
        Ok(reads)
    }
}

impl Tables {
    /// All facts of a kind that these tables hold whole, in order of key; only
    /// those with a key in `wanted`, if there is one.
    pub(crate) fn facts(
        &self,
        part: Part,
        kind: &Kind,
        wanted: Option<&BTreeSet<&str>>,
    ) -> Vec<Fact> {
        let is_wanted = |key: &ResourceKey| wanted.is_none_or(|w| w.contains(key.as_str()));
        let mut out = Vec::new();
        let mut push = |key, of: &Resource, (body, unseen): (Result<String, String>, _)| {
            let body = body.unwrap_or_else(|why| unreadable(&why));
            out.push(fact(key, kind, of, body, unseen));
        };
        for region in self.regions.values() {
            match part {
                Part::Openings => {
                    for (id, group) in &region.groups {
                        let Some(key) = key_of(OPENING, tail(group.value.key.as_str())) else {
                            continue;
                        };
                        if is_wanted(&key) {
                            let mut look = Look::new(region, group.unseen);
                            push(key, &group.value, opening::body(&mut look, &group.value, id));
                        }
                    }
                }
                Part::Exposures => {
                    let mut exposures = Exposures::new(region);
                    for (id, seen) in &region.ports {
                        let OfPort { resource: of, port } = &seen.value;
                        let Some(key) = key_of(EXPOSURE, tail(of.key.as_str())) else {
                            continue;
                        };
                        if is_wanted(&key) {
                            let made = match port {
                                Ok(port) => exposures.body(of, id, port, seen.unseen),
                                Err(why) => (Err(why.clone()), seen.unseen),
                            };
                            push(key, of, made);
                        }
                    }
                }
            }
        }
        for (of, unseen, why) in &self.alone {
            let mine = part_of(of.kind.as_str()) == part;
            if let (true, Some(key)) = (mine, wrapped(&of.key, part.kind()))
                && is_wanted(&key)
            {
                push(key, of, (Err(why.clone()), *unseen));
            }
        }
        out.sort_by(|a, b| a.resource.key.cmp(&b.resource.key));
        out
    }
}

/// Whose facts are short of something if a resource cannot be read.
fn part_of(input: &str) -> Part {
    match input {
        "network.security_group_rule" => Part::Openings,
        _ => Part::Exposures,
    }
}

fn fact(
    key: ResourceKey,
    kind: &Kind,
    of: &Resource,
    body: String,
    unseen_since: Option<Timestamp>,
) -> Fact {
    let resource = Resource { key, kind: kind.clone(), body: Arc::from(body), ..of.clone() };
    Fact { resource, unseen_since }
}

/// Brings an index from an earlier snapshot to that of `facts`, given what
/// changed of the inputs; the changes of both kinds, in any order.
pub(crate) fn changes(
    index: &mut Index,
    facts: &dyn Facts,
    touched: &[Change],
) -> Result<Vec<Change>, FactsError> {
    let there = touched.iter().filter(|c| c.op != ChangeOp::Remove).map(|c| c.key.clone());
    let empty: Arc<str> = Arc::from("");
    let read = fetched(facts, &there.collect::<Vec<_>>())?.into_iter();
    let mut now: BTreeMap<ResourceKey, Topics> = read
        .filter_map(|fact| Item::read(fact, &empty))
        .map(|item| (item.resource.key.clone(), topics(&item)))
        .collect();
    let mut changed: Vec<BTreeMap<&str, Option<Topics>>> =
        INPUTS.iter().map(|_| BTreeMap::new()).collect();
    let mut out = Vec::new();
    let mut push = |key: Option<ResourceKey>, part: Part, op| {
        let kind = Kind::new(part.kind()).ok();
        out.extend(key.zip(kind).map(|(key, kind)| Change { key, kind, op }));
    };
    let mut ops: BTreeMap<&ResourceKey, ChangeOp> = BTreeMap::new();
    for change in touched {
        let Some(place) = place(change.key.kind()) else { continue };
        let topics = now.remove(&change.key);
        let part = part_of(change.key.kind());
        let is_alone = |tells: &[Topic]| tells.contains(&ALONE);
        let tail = tail(change.key.as_str());
        if topics.as_ref().is_some_and(|t| is_alone(&t.tells)) {
            push(wrapped(&change.key, part.kind()), part, change.op);
        } else if index.of(place).find(tail).is_some_and(|line| is_alone(line.tells)) {
            push(wrapped(&change.key, part.kind()), part, ChangeOp::Remove);
        }
        ops.insert(&change.key, change.op);
        if let Some(of_kind) = changed.get_mut(place) {
            of_kind.insert(tail, topics);
        }
    }
    let news = index.update(&changed);
    for (part, tails) in [(Part::Openings, news.groups), (Part::Exposures, news.ports)] {
        for tail in tails {
            let own = key_of(part.source(), &tail).and_then(|key| ops.get(&key).copied());
            push(key_of(part.kind(), &tail), part, own.unwrap_or(ChangeOp::Put));
        }
    }
    Ok(out)
}
