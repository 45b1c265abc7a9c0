//! YAML with the line of everything, which deserializers do not keep: a tree
//! of plain values, each with where it stands.
//!
//! Anchors, tags and several documents are refused: a file of settings needs
//! none of them, and without aliases it cannot grow when it is read.

mod de;

use std::path::Path;

use yaml_rust2::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::TScalarStyle;

use crate::failure::Failure;

pub(crate) use de::from_node;

/// What is wrong in a file, and where.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(line: usize, text: impl Into<String>) -> Self {
        Self { line, text: text.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// All that is wrong with a file, a line each, with the hint of each.
pub(crate) fn failure(path: &Path, problems: &[Problem]) -> Failure {
    let shown = path.display();
    let mut lines = problems.iter().map(|p| format!("{shown}:{}: {}", p.line, p.text));
    let first = lines.next().unwrap_or_else(|| format!("cannot read `{shown}`"));
    let failure = lines.fold(Failure::new(first), Failure::also);
    let mut hints: Vec<&str> = problems.iter().filter_map(|p| p.hint.as_deref()).collect();
    hints.dedup();
    hints.into_iter().fold(failure, Failure::hint)
}

/// Deeper than any setting; a parameter may hold a list of lists.
const DEEPEST: usize = 32;

/// A value and the line it begins in, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A member of a mapping. Keys are unique within it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) node: Node,
}

impl Node {
    /// What it is, for a person who wrote something else than wanted.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The line of what a JSON pointer (RFC 6901) leads to, or of the last on the way to it
    /// that is there; of the element `name`, if it leads to a list with that text in it.
    pub(crate) fn line_of(&self, pointer: &str, name: Option<&str>) -> usize {
        let (mut node, mut line) = (self, self.line);
        for part in pointer.split('/').skip(1) {
            let next = match &node.value {
                Value::List(items) => {
                    part.parse().ok().and_then(|n: usize| items.get(n)).map(|n| (n, n.line))
                }
                Value::Map(entries) => {
                    entries.iter().find(|e| e.key == part).map(|e| (&e.node, e.line))
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => None,
            };
            let Some(next) = next else { break };
            (node, line) = next;
        }
        let named = |n: &&Self| matches!(&n.value, Value::Text(t) if Some(t.as_str()) == name);
        match &node.value {
            Value::List(items) => items.iter().find(named).map_or(line, |n| n.line),
            _ => line,
        }
    }

    /// The same value as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Number(n) => Json::Number(n.clone()),
            Value::Text(t) => Json::String(t.clone()),
            Value::List(items) => items.iter().map(Self::json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|e| (e.key.clone(), e.node.json())).collect::<Json>()
            }
        }
    }
}

/// What is open while the events of a document come in.
enum Open {
    List { line: usize, items: Vec<Node> },
    Map { line: usize, entries: Vec<Entry>, key: Option<(String, usize)> },
}

/// Reads one document; an empty one is [`Value::Null`].
///
/// # Errors
/// What is not YAML, keys that stand twice or are no text, and what the module
/// does not take, with its line.
pub(crate) fn parse(text: &str) -> Result<Node, Problem> {
    // The parser takes the mark that some editors put first for a letter.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    loop {
        let (event, mark) = parser.next_token().map_err(|e| {
            Problem::new(e.marker().line(), format!("this is no YAML: {}", e.info()))
        })?;
        let line = mark.line();
        if open.len() > DEEPEST {
            return Err(Problem::new(line, format!("nested deeper than {DEEPEST} levels")));
        }
        let node = match event {
            Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentEnd => continue,
            Event::DocumentStart if root.is_some() => {
                return Err(Problem::new(line, "a second document begins")
                    .hint("keep one document, without `---` in between"));
            }
            Event::DocumentStart => continue,
            Event::Alias(_)
            | Event::Scalar(_, _, 1.., _)
            | Event::SequenceStart(1.., _)
            | Event::MappingStart(1.., _) => {
                return Err(Problem::new(line, "anchors (`&name`, `*name`) are not supported")
                    .hint("write the value out"));
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                return Err(Problem::new(line, "tags (`!name`) are not supported"));
            }
            Event::SequenceStart(..) => {
                open.push(Open::List { line, items: Vec::new() });
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map { line, entries: Vec::new(), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List { line, items }) => Node { line, value: Value::List(items) },
                Some(Open::Map { line, entries, .. }) => Node { line, value: Value::Map(entries) },
                None => continue,
            },
            Event::Scalar(text, TScalarStyle::Plain, ..) => Node { line, value: plain(text) },
            Event::Scalar(text, ..) => Node { line, value: Value::Text(text) },
        };
        match open.last_mut() {
            None => root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                None => *key = Some(new_key(node, entries)?),
                Some((key, line)) => entries.push(Entry { key, line, node }),
            },
        }
    }
    Ok(root.unwrap_or(Node { line: 1, value: Value::Null }))
}

fn new_key(node: Node, entries: &[Entry]) -> Result<(String, usize), Problem> {
    let line = node.line;
    let key = match node.value {
        Value::Text(text) => text,
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => {
            return Err(Problem::new(line, format!("a key is {}, not a text", node.kind())));
        }
    };
    match entries.iter().find(|e| e.key == key) {
        Some(first) => {
            Err(Problem::new(line, format!("`{key}` stands in line {} already", first.line)))
        }
        None => Ok((key, line)),
    }
}

/// A plain scalar as the core schema of YAML 1.2 takes it.
fn plain(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(&text).map_or(Value::Text(text), Value::Number)
}

fn number(text: &str) -> Option<serde_json::Number> {
    if let Ok(n) = text.parse::<i64>() {
        return Some(n.into());
    }
    // `inf` and `nan`, which Rust reads and JSON lacks, stay texts.
    let like = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    let number = text.chars().all(like) && text.contains(|c: char| c.is_ascii_digit());
    text.parse().ok().filter(|_| number).and_then(serde_json::Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let problem = |text: &str| parse(text).map_err(|p| (p.line, p.text)).unwrap_err();
        assert_eq!(problem("a: 1\nb: 2\na: 3\n"), (3, "`a` stands in line 1 already".to_owned()));
        assert_eq!(problem("a: 1\nb: [\n").0, 3);
        assert!(problem("a: 1\nb: [\n").1.starts_with("this is no YAML: "));
        assert_eq!(problem("a: &x 1\nb: *x\n").0, 1);
        assert_eq!(problem("a: 1\nb: !!str 2\n").0, 2);
        assert_eq!(problem("a: 1\n---\nb: 2\n"), (2, "a second document begins".to_owned()));
        assert_eq!(problem("[a]: 1\n").1, "a key is a list, not a text");
        assert!(problem(&"[".repeat(40)).1.contains("nested deeper"));
        // The parser has a limit of its own.
        assert_eq!(problem(&"[".repeat(200_000)).0, 1);
    }

    #[test]
    fn values_are_those_of_yaml_1_2_and_know_their_lines() {
        let text = "a: 1\nb: ['1', 1.5, -2e3, yes, no, ~, .inf, 2026-01-01]\nc:\n  d: true\n  e:\n";
        let node = parse(text).unwrap();
        let want = json!({
            "a": 1, "b": ["1", 1.5, -2000.0, "yes", "no", null, ".inf", "2026-01-01"],
            "c": {"d": true, "e": null},
        });
        assert_eq!(node.json(), want);
        let Value::Map(top) = node.value else { panic!("a mapping") };
        let Value::Map(c) = &top[2].node.value else { panic!("a mapping") };
        assert_eq!((top[1].line, c[1].line), (2, 5));
        let lines =
            [("/b", None), ("/c/e", None), ("/c/x/y", None), ("/b/9", Some("yes")), ("", None)];
        let node = parse("a: 1\nb:\n- 1\n- yes\nc:\n  d: 1\n  e:\n").unwrap();
        assert_eq!(lines.map(|(at, name)| node.line_of(at, name)), [2, 7, 5, 4, 1]);
        assert_eq!(parse("# nothing\n").unwrap().value, Value::Null);
        assert_eq!(parse("\u{feff}a: 1\r\nb: x\r\n").unwrap().json(), json!({"a": 1, "b": "x"}));
    }
}
