//! YAML as Kubernetes' tools read it: several documents, anchors, merge keys,
//! and plain words such as `yes` and `0644` by the rules of YAML 1.1.
//!
//! Source: `sigs.k8s.io/yaml`, which reads with go-yaml 2 (`resolve.go`). Times
//! stay text, as there.

use serde_json::{Map, Number, Value};
use yaml_rust2::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::TScalarStyle;

/// The most values that aliases may add to a file, so that a small one cannot
/// become a large one.
const MOST_COPIED: usize = 100_000;

/// A document of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// Where it begins, from 1.
    pub(crate) line: u32,
    pub(crate) value: Value,
    /// The texts written as blocks (`|`), each with the line before its first.
    pub(crate) blocks: Vec<(u32, String)>,
}

impl Document {
    /// The line of the file that a line of a text in it is.
    pub(crate) fn line_of(&self, text: &str, line: Option<u32>) -> u32 {
        let block = self.blocks.iter().find(|(_, block)| block == text);
        block.map_or(self.line, |(before, _)| before + line.unwrap_or(1))
    }
}

/// Reads the documents of a file; empty ones are left out.
///
/// # Errors
/// Line and one clause, where it is not YAML.
pub(crate) fn documents(text: &str) -> Result<Vec<Document>, (Option<u32>, String)> {
    if let Some(problem) = tidegate_model::unreasonable_yaml(text) {
        return Err((None, problem));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str(text);
    let mut reader = Reader::default();
    loop {
        let (event, mark) = parser.next_token().map_err(|e| {
            (u32::try_from(e.marker().line()).ok(), format!("this is no YAML: {}", e.info()))
        })?;
        let line = u32::try_from(mark.line()).unwrap_or(u32::MAX);
        if matches!(event, Event::StreamEnd) {
            return Ok(reader.documents);
        }
        reader.take(event, line).map_err(|problem| (Some(line), problem))?;
    }
}

/// What is open while events come in.
enum Open {
    List(Vec<Value>),
    Map { members: Map<String, Value>, merged: Map<String, Value>, key: Option<String> },
}

#[derive(Default)]
struct Reader {
    documents: Vec<Document>,
    line: u32,
    blocks: Vec<(u32, String)>,
    /// Each with its anchor, 0 for none.
    open: Vec<(Open, usize)>,
    anchors: std::collections::BTreeMap<usize, Value>,
    copied: usize,
}

impl Reader {
    fn take(&mut self, event: Event, line: u32) -> Result<(), String> {
        match event {
            Event::DocumentStart => {
                self.line = 0;
                self.blocks.clear();
                self.anchors.clear();
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::SequenceStart(anchor, _) => {
                self.begin(line);
                self.open.push((Open::List(Vec::new()), anchor));
            }
            Event::MappingStart(anchor, _) => {
                self.begin(line);
                let (members, merged) = (Map::new(), Map::new());
                self.open.push((Open::Map { members, merged, key: None }, anchor));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((open, anchor)) = self.open.pop() {
                    let value = match open {
                        Open::List(items) => Value::Array(items),
                        Open::Map { members, mut merged, .. } => {
                            merged.extend(members);
                            Value::Object(merged)
                        }
                    };
                    self.value(value, anchor)?;
                }
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().unwrap_or_default();
                self.copied += size(&value);
                if self.copied > MOST_COPIED {
                    return Err("its aliases make it too large".to_owned());
                }
                self.value(value, 0)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.begin(line);
                if style == TScalarStyle::Literal {
                    self.blocks.push((line.saturating_sub(1), text.clone()));
                }
                let is_text = tag.is_some_and(|t| t.suffix == "str");
                let value = match style {
                    TScalarStyle::Plain if !is_text => plain(text),
                    _ => Value::String(text),
                };
                self.value(value, anchor)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, line: u32) {
        if self.line == 0 {
            self.line = line;
        }
    }

    fn value(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => {
                if !value.is_null() {
                    let blocks = std::mem::take(&mut self.blocks);
                    self.documents.push(Document { line: self.line, value, blocks });
                }
            }
            Some((Open::List(items), _)) => items.push(value),
            Some((Open::Map { members, merged, key }, _)) => match key.take() {
                None => *key = Some(name(value)?),
                Some(name) if name == "<<" => merge(merged, value)?,
                // The last of two counts, as there.
                Some(name) => drop(members.insert(name, value)),
            },
        }
        Ok(())
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(size).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

/// A key as JSON has it.
fn name(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => Err("a key is not a text".to_owned()),
    }
}

/// Members that a `<<` brings in; the first to say something wins.
fn merge(into: &mut Map<String, Value>, value: Value) -> Result<(), String> {
    let all = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    for one in all {
        let Value::Object(members) = one else {
            return Err("`<<` needs a mapping".to_owned());
        };
        for (key, value) in members {
            into.entry(key).or_insert(value);
        }
    }
    Ok(())
}

/// What a plain word means in YAML 1.1.
fn plain(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    let number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    match number.then(|| self::number(&text.replace('_', ""))).flatten() {
        Some(number) => Value::Number(number),
        None => Value::String(text),
    }
}

fn number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let radix = |prefix: &str, radix| {
        lower
            .strip_prefix(prefix)
            .map(|rest| (rest.to_owned(), radix))
            .filter(|(r, _)| !r.is_empty())
    };
    let (digits, radix) = radix("0x", 16)
        .or_else(|| radix("0b", 2))
        .or_else(|| radix("0o", 8))
        .or_else(|| radix("0", 8))
        .unwrap_or((digits.to_owned(), 10));
    if digits.chars().all(|c| c.is_digit(radix))
        && let Ok(n) = u64::from_str_radix(&digits, radix)
    {
        return match negative {
            false => Some(n.into()),
            true => i64::try_from(n).ok().map(|n| Number::from(-n)),
        };
    }
    let decimal = lower.trim_start_matches('0');
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-');
    let digit = decimal.contains(|c: char| c.is_ascii_digit()) || lower.contains('0');
    // An exponent needs its sign there.
    let exponent = lower.split_once('e').is_none_or(|(_, e)| e.starts_with(['+', '-']));
    if digit
        && exponent
        && text.trim_start_matches(['-', '+']).to_ascii_lowercase().chars().all(plain)
    {
        return text.parse().ok().and_then(Number::from_f64);
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Value) {
        let values: Vec<Value> = documents(text).unwrap().into_iter().map(|d| d.value).collect();
        assert_eq!(Value::Array(values), expected, "{text}");
    }

    #[test]
    fn words_mean_what_they_mean_in_yaml_1_1() {
        check(
            "a: [yes, No, on, off, y, true]",
            json!([{"a": [true, false, true, false, true, true]}]),
        );
        check("a: ['yes', \"no\", !!str on]", json!([{"a": ["yes", "no", "on"]}]));
        check(
            "a: [0644, 0x1F, 010, -7, +3, 1_000, 0]",
            json!([{"a": [420, 31, 8, -7, 3, 1000, 0]}]),
        );
        check("a: [1.5, -0.5, 1e3, 1e+3, .5]", json!([{"a": [1.5, -0.5, "1e3", 1000.0, 0.5]}]));
        check(
            "a: [100m, 1Gi, 1.2.3, 2026-01-01, 09, +]",
            json!([{"a": ["100m", "1Gi", "1.2.3", "2026-01-01", 9.0, "+"]}]),
        );
        check("a: 1\na: 2", json!([{"a": 2}]));
        check("a: ~\nb:\nc: null", json!([{"a": null, "b": null, "c": null}]));
        check("1: a\ntrue: b", json!([{"1": "a", "true": "b"}]));
    }

    #[test]
    fn takes_documents_anchors_and_merges() {
        check("---\n# nothing\n---\na: 1\n---\nb: 2\n", json!([{"a": 1}, {"b": 2}]));
        check(
            "a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\nc: *x",
            json!([{"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}, "c": {"k": 1, "l": 2}}]),
        );
    }

    #[test]
    fn problems_have_a_line() {
        assert_eq!(documents("a: 1\nb: [\n").unwrap_err().0, Some(3));
        let many = "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
        assert!(documents(many).is_err());
    }

    #[test]
    fn a_line_of_a_block_is_found_in_the_file() {
        let documents = documents("x: 1\nz:\n  rego: |\n    package a\n    p\n").unwrap();
        let rego = documents[0].value["z"]["rego"].as_str().unwrap();
        assert_eq!(documents[0].line_of(rego, Some(2)), 5);
        assert_eq!(documents[0].line_of("other", Some(2)), 1);
    }
}
