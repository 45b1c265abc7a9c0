//! Templates and the constraints made of them, from a folder or a cluster.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use tidegate_model::{Cause, Digest, RuleId};

use crate::constraint::Constraint;
use crate::template::Template;

/// Templates and constraints, ready to be judged with.
#[derive(Debug, Clone, Default)]
pub struct Constraints {
    /// By the kind of their constraints.
    pub(crate) templates: BTreeMap<String, Template>,
    /// In order of id.
    pub(crate) constraints: BTreeMap<RuleId, Constraint>,
    /// What could not be read of a cluster's constraints.
    pub(crate) unread: BTreeMap<RuleId, Cause>,
    /// The text of all of them.
    texts: BTreeSet<String>,
}

impl Constraints {
    /// Whether there is nothing to judge with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.constraints.is_empty() && self.unread.is_empty()
    }

    /// Names exactly these: SHA-256 over all templates and constraints, without
    /// what their status says.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(b"tidegate gatekeeper constraints");
        for text in &self.texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        Digest(hash.finalize().into())
    }

    /// These, and of others those that are not among them.
    pub fn extend(&mut self, other: Self) {
        let Self { templates, constraints, unread, texts } = other;
        for (id, constraint) in constraints {
            // A template of these takes the place of another that makes its kind.
            let known = self.templates.contains_key(&constraint.kind);
            if !known && let Some(template) = templates.get(&constraint.kind) {
                self.templates.insert(constraint.kind.clone(), template.clone());
            }
            self.constraints.entry(id).or_insert(constraint);
        }
        for (id, cause) in unread {
            self.unread.entry(id).or_insert(cause);
        }
        self.texts.extend(texts);
    }

    pub(crate) fn add_template(&mut self, template: Template, object: &Json) -> Result<(), String> {
        let new = self.texts.insert(text_of(object));
        if new && self.templates.contains_key(&template.kind) {
            return Err(format!("another template makes `{}` already", template.kind));
        }
        self.templates.entry(template.kind.clone()).or_insert(template);
        Ok(())
    }

    pub(crate) fn add(&mut self, constraint: Constraint, object: &Json) -> Result<(), String> {
        let new = self.texts.insert(text_of(object));
        if new && self.constraints.contains_key(&constraint.id) {
            let (kind, name) = (&constraint.kind, &constraint.name);
            return Err(format!("there is another `{kind}` of the name `{name}`"));
        }
        self.constraints.entry(constraint.id.clone()).or_insert(constraint);
        Ok(())
    }

    /// Tells which constraints have no template.
    pub(crate) fn check(&self, mut tell: impl FnMut(&Constraint, String)) {
        for constraint in self.constraints.values() {
            if !self.templates.contains_key(&constraint.kind) {
                tell(constraint, format!("there is no template that makes `{}`", constraint.kind));
            }
        }
    }
}

/// What of an object counts: not its status, nor what the server wrote into it.
fn text_of(object: &Json) -> String {
    let part = |name: &str| object.get(name).cloned().unwrap_or_default();
    let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
    Json::Array(vec![part("apiVersion"), part("kind"), name, part("spec")]).to_string()
}
