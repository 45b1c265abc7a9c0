//! What is joined to a resource, made a value only for rules that are asked: most
//! answers are known by what a rule reads of it.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use regorus::Value;

/// The bodies that a lookup found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By id, in order, each once.
    bodies: Vec<(Value, Value)>,
    object: OnceCell<Value>,
}

impl Found {
    pub(crate) fn new(bodies: BTreeMap<Value, Value>) -> Self {
        Self { bodies: bodies.into_iter().collect(), object: OnceCell::new() }
    }

    /// Ids and bodies, in order of id.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (&Value, &Value)> {
        self.bodies.iter().map(|(id, body)| (id, body))
    }

    /// `{<id>: body}`.
    pub(crate) fn object(&self) -> &Value {
        self.object.get_or_init(|| {
            Value::from(self.bodies.iter().cloned().collect::<BTreeMap<Value, Value>>())
        })
    }
}

/// `input.joined` of one resource, by name of the join.
#[derive(Debug, Default)]
pub(crate) struct Joined<'j>(Vec<(&'j str, &'j Found)>);

impl<'j> Joined<'j> {
    pub(crate) fn add(&mut self, name: &'j str, found: &'j Found) {
        self.0.push((name, found));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'j Found> {
        self.0.iter().find(|(of, _)| *of == name).map(|(_, found)| *found)
    }

    /// `{<name>: {<id>: body}}`.
    pub(crate) fn value(&self) -> Value {
        let one = |(name, found): &(&str, &Found)| (Value::from(*name), found.object().clone());
        Value::from(self.0.iter().map(one).collect::<BTreeMap<Value, Value>>())
    }
}
