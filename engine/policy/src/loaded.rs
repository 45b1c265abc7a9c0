//! Resources as read and parsed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use regorus::Value;
use tidegate_model::{Fact, Kind, Resource, Timestamp, Verdict};

use crate::input::{self, BATCH};
use crate::outcome::Answer;
use crate::parse::Parser;
use crate::reads::Shape;

/// A resource as read and parsed.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// Without its body, which `value` holds.
    pub(crate) resource: Resource,
    /// Its body as far as rules read it, or why it cannot be read.
    pub(crate) value: Result<Value, String>,
    pub(crate) unseen_since: Option<Timestamp>,
    /// What is known of its body, where others without region may have the same.
    pub(crate) body: Option<Arc<Body>>,
}

impl Loaded {
    pub(crate) fn body(&self) -> Option<&Value> {
        self.value.as_ref().ok()
    }
}

/// Reads resources as far as the rules of a set do.
pub(crate) struct Reader<'m> {
    shapes: &'m BTreeMap<Kind, Shape>,
    /// Of kinds that stand nowhere.
    whole: Shape,
    parser: Parser,
    /// In place of bodies that have been parsed.
    nothing: Arc<str>,
}

impl<'m> Reader<'m> {
    pub(crate) fn new(shapes: &'m BTreeMap<Kind, Shape>) -> Self {
        Self { shapes, whole: Shape::whole(), parser: Parser::default(), nothing: Arc::default() }
    }

    pub(crate) fn load(&mut self, facts: Vec<Fact>) -> Vec<Loaded> {
        let one = |Fact { mut resource, unseen_since }| {
            let value = if resource.is_erased() {
                Err("its body was erased from the store".to_owned())
            } else {
                self.read(&resource)
            };
            resource.body = Arc::clone(&self.nothing);
            Loaded { resource, value, unseen_since, body: None }
        };
        facts.into_iter().map(one).collect()
    }

    fn read(&mut self, resource: &Resource) -> Result<Value, String> {
        let shape = self.shapes.get(&resource.kind).unwrap_or(&self.whole);
        input::read(&mut self.parser, shape, resource)
    }
}

/// A body that several resources may have, and what rules that see nothing
/// else of a resource said about it.
#[derive(Debug)]
pub(crate) struct Body {
    value: Result<Value, String>,
    /// By place of the rule in the evaluation.
    answers: Vec<OnceLock<Known>>,
}

/// The answer of a rule: a pass needs no room.
#[derive(Debug)]
enum Known {
    Pass,
    Other(Box<Answer>),
}

impl Body {
    /// What a rule said of it.
    pub(crate) fn answer(&self, rule: usize) -> Option<Answer> {
        Some(match self.answers.get(rule)?.get()? {
            Known::Pass => Answer::pass(),
            Known::Other(answer) => answer.as_ref().clone(),
        })
    }

    /// Keeps what a rule said of it.
    pub(crate) fn keep(&self, rule: usize, answer: &Answer) {
        if let Some(known) = self.answers.get(rule) {
            known.get_or_init(|| match answer.verdict {
                Verdict::Pass => Known::Pass,
                Verdict::Fail | Verdict::Abort | Verdict::Missing => {
                    Known::Other(Box::new(answer.clone()))
                }
            });
        }
    }
}

/// How many bodies are kept. Resources are read in order of key, and what has
/// equal bodies has similar keys: pods of one set follow each other.
const KEPT: usize = 512;

/// The bodies seen last of kinds whose bodies do not say whose they are.
pub(crate) struct Bodies<'m> {
    pub(crate) reader: Reader<'m>,
    by_text: HashMap<Arc<str>, Arc<Body>>,
    rules: usize,
}

impl<'m> Bodies<'m> {
    /// None so far; `rules` is the number of rules of the evaluation.
    pub(crate) fn new(reader: Reader<'m>, rules: usize) -> Self {
        Self { reader, by_text: HashMap::new(), rules }
    }

    /// Parses facts of one kind, equal bodies once where that can be.
    pub(crate) fn load(&mut self, facts: Vec<Fact>) -> Vec<Loaded> {
        if !facts.iter().all(|f| tidegate_derive::is_nameless(f.resource.kind.as_str())) {
            return self.reader.load(facts);
        }
        let mut out = Vec::with_capacity(facts.len());
        let mut facts = facts.into_iter().peekable();
        while facts.peek().is_some() {
            let batch: Vec<Fact> = facts.by_ref().take(BATCH).collect();
            self.read(&batch);
            out.extend(batch.into_iter().filter_map(|fact| self.loaded(fact)));
        }
        out
    }

    /// Sees to it that the bodies of a batch are known.
    fn read(&mut self, batch: &[Fact]) {
        if self.by_text.len() > KEPT {
            self.by_text.clear();
        }
        for Fact { resource, .. } in batch {
            if self.by_text.contains_key(&resource.body) {
                continue;
            }
            let answers = (0..self.rules).map(|_| OnceLock::new()).collect();
            let body = Body { value: self.reader.read(resource), answers };
            self.by_text.insert(Arc::clone(&resource.body), Arc::new(body));
        }
    }

    /// A fact whose body is known; there is none whose body is not.
    fn loaded(&self, fact: Fact) -> Option<Loaded> {
        let Fact { mut resource, unseen_since } = fact;
        let body = Arc::clone(self.by_text.get(&resource.body)?);
        resource.body = Arc::clone(&self.reader.nothing);
        let value = body.value.clone();
        // Lookups see the region of the resource.
        let body = resource.region.is_none().then_some(body);
        Some(Loaded { resource, value, unseen_since, body })
    }
}
