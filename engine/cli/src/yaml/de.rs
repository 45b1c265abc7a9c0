//! A tree of YAML as what serde reads from, so that an error of any type names
//! the line and the member that it is about.

use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer as _, Visitor};
use serde::forward_to_deserialize_any;

use super::{Entry, Node, Problem, Value};

/// Reads a value of any type; `ignored` is told of each member that the type
/// does not have and does not refuse.
///
/// # Errors
/// The first thing that does not fit, with its line and the members that lead
/// to it.
pub(crate) fn from_node<T: DeserializeOwned>(
    node: &Node,
    ignored: &mut dyn FnMut(serde_ignored::Path<'_>),
) -> Result<T, Problem> {
    serde_ignored::deserialize(De(node), ignored).map_err(|e: Error| {
        let line = e.line.unwrap_or(node.line);
        let path: String = e.path.iter().rev().fold(String::new(), |mut path, part| {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
            path
        });
        let problem = if path.is_empty() {
            Problem::new(line, e.text)
        } else {
            Problem::new(line, format!("`{path}`: {}", e.text))
        };
        let number = [": floating point", ": integer"].iter().any(|n| problem.text.contains(n));
        if number && problem.text.contains("expected a string") {
            return problem.hint("put versions in quotes: 2025.10 and 2025.1 are one number");
        }
        problem
    })
}

/// An error on its way out of the tree.
#[derive(Debug)]
pub(crate) struct Error {
    text: String,
    /// Known as soon as a node is left.
    line: Option<usize>,
    /// Members and places in lists, innermost first.
    path: Vec<String>,
}

impl Error {
    fn at(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }

    fn within(mut self, part: String) -> Self {
        self.path.push(part);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self { text: text.to_string(), line: None, path: Vec::new() }
    }
}

#[derive(Clone, Copy)]
struct De<'n>(&'n Node);

impl<'de> de::Deserializer<'de> for De<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let read = match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Number(n) => de::Deserializer::deserialize_any(n, visitor)
                .map_err(|e| de::Error::custom(e.to_string())),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Seq { items: items.iter(), n: 0 }),
            Value::Map(entries) => {
                visitor.visit_map(Map { entries: entries.iter(), current: None })
            }
        };
        read.map_err(|e| e.at(self.0.line))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// Enumerations here are words, or one member that names the word.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let read = match &self.0.value {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Map(entries) => visitor.visit_enum(de::value::MapAccessDeserializer::new(Map {
                entries: entries.iter(),
                current: None,
            })),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => {
                let (found, words) = (self.0.kind(), words.join(", "));
                Err(de::Error::custom(format!("{found} instead of one of {words}")))
            }
        };
        read.map_err(|e: Error| e.at(self.0.line))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Seq<'n> {
    items: std::slice::Iter<'n, Node>,
    n: usize,
}

impl<'de> de::SeqAccess<'de> for Seq<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let n = self.n;
        self.n += 1;
        seed.deserialize(De(node)).map(Some).map_err(|e| e.at(node.line).within(format!("[{n}]")))
    }
}

struct Map<'n> {
    entries: std::slice::Iter<'n, Entry>,
    current: Option<&'n Entry>,
}

impl<'de> de::MapAccess<'de> for Map<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.entries.next();
        let Some(entry) = self.current else { return Ok(None) };
        let key: StringDeserializer<Error> = entry.key.clone().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|e| e.at(entry.line))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some(entry) = self.current.take() else {
            return Err(de::Error::custom("a value without a key"));
        };
        // A key whose value is left out has none of its own.
        let read = seed.deserialize(De(&entry.node));
        read.map_err(|e| e.at(entry.node.line.max(entry.line)).within(entry.key.clone()))
    }
}
