//! Parses bodies as far as somebody reads them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use regorus::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::reads::Shape;

/// How many texts are kept.
const KEPT: usize = 4096;

/// The texts met lately, which values share: of a hundred servers, most have the same
/// project, image, flavor and state. Without that, parsed bodies take half as much
/// memory again.
///
/// Each has one place, told by its length and ends. Where two meet, the later one stays.
#[derive(Debug)]
pub(crate) struct Parser {
    kept: Box<[Option<Arc<str>>]>,
}

impl Default for Parser {
    fn default() -> Self {
        Self { kept: vec![None; KEPT].into() }
    }
}

impl Parser {
    /// Parses one document; what the shape does not name is left out.
    pub(crate) fn parse(&mut self, text: &str, shape: &Shape) -> Result<Value, serde_json::Error> {
        let mut from = serde_json::Deserializer::from_str(text);
        let value = Part { shape, parser: self }.deserialize(&mut from)?;
        from.end()?;
        Ok(value)
    }

    fn text(&mut self, text: &str) -> Value {
        let Some(place) = self.kept.get_mut(place(text)) else { return Value::from(text) };
        Value::String(match place {
            Some(known) if **known == *text => Arc::clone(known),
            _ => Arc::clone(place.insert(Arc::from(text))),
        })
    }
}

fn place(text: &str) -> usize {
    let bytes = text.as_bytes();
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let first = bytes.first_chunk().map_or_else(|| word(bytes), |b| u64::from_le_bytes(*b));
    let last = bytes.last_chunk().map_or(0, |b| u64::from_le_bytes(*b));
    let mixed = first ^ last.rotate_left(29) ^ bytes.len() as u64;
    // 2^64 divided by the golden ratio: what differs anywhere differs in the upper bits.
    let spread = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    usize::try_from(spread).unwrap_or_default() % KEPT
}

/// A part of the document with what is read of it.
struct Part<'s, 'p> {
    shape: &'s Shape,
    parser: &'p mut Parser,
}

impl<'de> DeserializeSeed<'de> for Part<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(self.parser.text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let Self { shape, parser } = self;
        let each = if shape.is_whole() { Some(shape) } else { shape.each() };
        let mut items = Vec::new();
        match each {
            Some(shape) => {
                while let Some(item) =
                    from.next_element_seed(Part { shape, parser: &mut *parser })?
                {
                    items.push(item);
                }
            }
            None => while from.next_element::<IgnoredAny>()?.is_some() {},
        }
        Ok(Value::from(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let Self { shape, parser } = self;
        let each = if shape.is_whole() { Some(shape) } else { shape.each() };
        let mut at = 0;
        let mut members = Vec::with_capacity(shape.members().len());
        while let Some(known) =
            from.next_key_seed(Key { shape, at: &mut at, each, parser: &mut *parser })?
        {
            match known {
                Some((name, shape)) => {
                    let value = from.next_value_seed(Part { shape, parser: &mut *parser })?;
                    members.push((name, value));
                }
                None => drop(from.next_value::<IgnoredAny>()?),
            }
        }
        // All at once: they are in order already, and to find the place of each would
        // take a tenth of the time of parsing.
        Ok(Value::from(BTreeMap::from_iter(members)))
    }
}

/// The name of a member, with what is read below it; nothing if it is not read.
struct Key<'s, 'p> {
    shape: &'s Shape,
    /// Where the member before stands in the shape.
    at: &'p mut usize,
    each: Option<&'s Shape>,
    parser: &'p mut Parser,
}

impl<'de, 's> DeserializeSeed<'de> for Key<'s, '_> {
    type Value = Option<(Value, &'s Shape)>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'s> Visitor<'_> for Key<'s, '_> {
    type Value = Option<(Value, &'s Shape)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(match self.shape.next_member(self.at, name) {
            Some((name, below)) => Some((name.clone(), below)),
            None => self.each.map(|each| (self.parser.text(name), each)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reads::Step;

    fn path(text: &str) -> Vec<Step> {
        let step = |s: &str| if s == "*" { Step::Each } else { Step::Name(s.to_owned()) };
        text.split('/').filter(|s| !s.is_empty()).map(step).collect()
    }

    #[track_caller]
    fn check(read: &[&str], touched: &[&str], text: &str, expected: &str) {
        let mut shape = Shape::default();
        read.iter().for_each(|p| shape.read(&path(p)));
        touched.iter().for_each(|p| {
            shape.touch(&path(p));
        });
        shape.settle();
        let got = Parser::default().parse(text, &shape).unwrap();
        assert_eq!(got, Value::from_json_str(expected).unwrap(), "{read:?} {touched:?}");
    }

    const TEXT: &str =
        r#"{"a":{"b":[1,{"c":2,"d":-1.5e3},[]],"e":null},"f":"é\n","g":[{"c":true}]}"#;

    #[test]
    fn what_is_read_is_there_and_what_is_not_is_left_out() {
        check(&["/"], &[], TEXT, TEXT);
        check(&["a/b"], &[], TEXT, r#"{"a":{"b":[1,{"c":2,"d":-1500},[]]}}"#);
        check(&["a/b/*/c"], &[], TEXT, r#"{"a":{"b":[1,{"c":2},[]]}}"#);
        check(&["f"], &["a"], TEXT, r#"{"a":{},"f":"é\n"}"#);
        check(&[], &["a/b"], TEXT, r#"{"a":{"b":[]}}"#);
        check(&["*/e"], &[], TEXT, r#"{"a":{"e":null},"f":"é\n","g":[]}"#);
        check(&["*/e", "g/*"], &[], TEXT, r#"{"a":{"e":null},"f":"é\n","g":[{"c":true}]}"#);
        check(
            &[],
            &["a/*"],
            TEXT,
            r#"{"a":{"b":[],"e":null},"g":[]}"#.replace(r#","g":[]"#, "").as_str(),
        );
        check(&["none/x"], &[], TEXT, "{}");
    }

    #[test]
    fn numbers_are_what_the_engine_reads() {
        let text = "[0, -1, 18446744073709551615, 1.5, 1e300, -9223372036854775808, 1.0]";
        check(&["/"], &[], text, text);
    }

    #[test]
    fn what_is_no_json_is_an_error_even_where_nothing_is_read() {
        for text in ["", "{", r#"{"a":}"#, "{} {}", r#"{"a":[1,}"#] {
            assert!(Parser::default().parse(text, &Shape::default()).is_err(), "{text}");
        }
    }
}
