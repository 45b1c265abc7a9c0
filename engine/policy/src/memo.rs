//! Answers given before, by what a rule read.
//!
//! Most rules read few fields of a resource, and most resources have the same in
//! them. So the parts that a rule reads ([`crate::reads`]) are written down as bytes,
//! and whoever has the same bytes gets the same answer: that costs a tenth of
//! asking. Bytes are compared, not hashes, so that nobody can make two resources
//! meet. A rule that hardly ever meets the same again, one that reads ids say, is
//! soon no longer looked up.

use std::collections::HashMap;

use regorus::Value;
use tidegate_model::{AbortCode, Resource, Verdict};

use crate::input;
use crate::joined::{Found, Joined};
use crate::outcome::{Answer, Holds};
use crate::reads::{Member, Shape};

/// How many answers are kept of a rule.
const KEPT: usize = 4096;

/// After so many that were new, it must have been worth it.
const TRIAL: usize = 256;

/// The answers of all rules of one evaluation, over which parameters and time are
/// the same.
pub(crate) struct Memo {
    rules: Vec<Known>,
    bytes: Vec<u8>,
}

/// The answers of one rule.
#[derive(Default)]
struct Known {
    answers: HashMap<Box<[u8]>, Given>,
    met: usize,
    new: usize,
}

/// An answer: a pass needs no room.
enum Given {
    Pass(Holds),
    Other(Box<Answer>),
}

impl Memo {
    pub(crate) fn new(rules: usize) -> Self {
        Self { rules: (0..rules).map(|_| Known::default()).collect(), bytes: Vec::new() }
    }

    /// The answer of a rule to a resource, with its body, and what is joined to it,
    /// asked for unless it is known.
    pub(crate) fn answer(
        &mut self,
        rule: usize,
        shape: &Shape,
        (resource, body, joined): (&Resource, &Value, &Joined<'_>),
        ask: impl FnOnce() -> Answer,
    ) -> Answer {
        let Some(known) = self.rules.get_mut(rule) else { return ask() };
        if shape.is_whole() || !known.is_worth_it() {
            return ask();
        }
        self.bytes.clear();
        if let Some((_, shape)) = shape.member("resource") {
            write_resource(shape, (resource, body), &mut self.bytes);
        }
        if let Some((_, shape)) = shape.member("joined") {
            write_joined(shape, joined, &mut self.bytes);
        }
        if let Some(given) = known.answers.get(self.bytes.as_slice()) {
            known.met += 1;
            return match given {
                Given::Pass(holds) => Answer { holds: *holds, ..Answer::pass() },
                Given::Other(answer) => answer.as_ref().clone(),
            };
        }
        known.new += 1;
        let answer = ask();
        let limit = answer.cause.as_ref().is_some_and(|c| c.code == AbortCode::Limit);
        if !limit && known.answers.len() < KEPT {
            let given = match answer.verdict {
                Verdict::Pass => Given::Pass(answer.holds),
                Verdict::Fail | Verdict::Abort | Verdict::Missing => {
                    Given::Other(Box::new(answer.clone()))
                }
            };
            known.answers.insert(Box::from(self.bytes.as_slice()), given);
        }
        answer
    }
}

impl Known {
    fn is_worth_it(&mut self) -> bool {
        let worth = self.new < TRIAL || self.met > self.new / 4;
        if !worth {
            self.answers = HashMap::new();
        }
        worth
    }
}

/// Writes what a shape reads of a resource, as [`write`] does of a value, without
/// putting the resource together where a rule reads some members of it.
fn write_resource(shape: &Shape, (resource, body): (&Resource, &Value), out: &mut Vec<u8>) {
    if shape.is_whole() || shape.each().is_some() {
        return write(shape, &input::with_body(resource, body.clone()), out);
    }
    for Member { name, below, .. } in shape.members() {
        match name.as_str() {
            "body" => write(below, body, out),
            name => write(below, &input::about(resource, name), out),
        }
    }
}

/// Writes what a shape reads of what is joined, as [`write`] does of its value, without
/// making one where a rule reads some joins or all bodies of one.
fn write_joined(shape: &Shape, joined: &Joined<'_>, out: &mut Vec<u8>) {
    if shape.is_whole() || shape.each().is_some() {
        return write(shape, &joined.value(), out);
    }
    out.push(b'{');
    for Member { name, below, .. } in shape.members() {
        match joined.get(name) {
            Some(found) => write_found(below, found, out),
            None => out.push(b'-'),
        }
    }
    out.push(b'}');
}

fn write_found(shape: &Shape, found: &Found, out: &mut Vec<u8>) {
    let Some(each) = each(shape) else { return write(shape, found.object(), out) };
    out.push(b'{');
    write_members(shape, each, found.bodies(), out);
    out.push(b'}');
}

/// What is read of every member or element.
fn each(shape: &Shape) -> Option<&Shape> {
    if shape.is_whole() { Some(shape) } else { shape.each() }
}

/// Writes members, in order of name, of all of which something is read.
fn write_members<'v>(
    shape: &Shape,
    each: &Shape,
    members: impl Iterator<Item = (&'v Value, &'v Value)>,
    out: &mut Vec<u8>,
) {
    let named = shape.keys() || !shape.members().is_empty();
    for (name, member) in members {
        if named {
            write(&Shape::whole(), name, out);
        }
        let known = name.as_string().ok().and_then(|n| shape.member(n));
        write(known.map_or(each, |(_, shape)| shape), member, out);
    }
}

/// Writes what a shape reads of a value, so that two values that differ in it give
/// different bytes.
fn write(shape: &Shape, value: &Value, out: &mut Vec<u8>) {
    let each = each(shape);
    match value {
        Value::Undefined => out.push(b'u'),
        Value::Null => out.push(b'n'),
        Value::Bool(_) if !shape.is_looked_at() => out.push(b'b'),
        Value::Bool(value) => out.push(if *value { b't' } else { b'f' }),
        Value::Number(_) => {
            out.push(b'd');
            if shape.is_looked_at() {
                text(&value.to_string(), out);
            }
        }
        Value::String(value) => {
            out.push(b's');
            if shape.is_looked_at() {
                text(value, out);
            }
        }
        Value::Array(items) => {
            out.push(b'[');
            if let Some(each) = each {
                items.iter().for_each(|item| write(each, item, out));
            }
            out.push(b']');
        }
        Value::Set(items) => {
            out.push(b'<');
            items.iter_sorted().for_each(|item| write(&Shape::whole(), item, out));
            out.push(b'>');
        }
        Value::Object(members) => {
            out.push(b'{');
            if let Some(each) = each {
                write_members(shape, each, members.iter_sorted(), out);
            } else {
                for Member { key, below, .. } in shape.members() {
                    match members.get(key) {
                        Some(member) => write(below, member, out),
                        None => out.push(b'-'),
                    }
                }
            }
            out.push(b'}');
        }
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&text.len().to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use tidegate_model::{Kind, ResourceKey, Timestamp};

    use super::*;
    use crate::reads::Step;

    fn shape(paths: &[&str]) -> Shape {
        let mut shape = Shape::default();
        for path in paths {
            let step = |s: &str| match s {
                "*" => Step::Each,
                "*k" => Step::Keyed,
                name => Step::Name(name.to_owned()),
            };
            shape.read(&path.split('/').map(step).collect::<Vec<_>>());
        }
        shape.settle();
        shape
    }

    fn bytes(paths: &[&str], text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write(&shape(paths), &Value::from_json_str(text).unwrap(), &mut out);
        out
    }

    #[test]
    fn what_is_read_alike_is_written_alike_and_nothing_else_is() {
        let check = |paths: &[&str], a: &str, b: &str, same: bool| {
            assert_eq!(bytes(paths, a) == bytes(paths, b), same, "{paths:?} {a} {b}");
        };
        check(&["a"], r#"{"a":1,"b":2}"#, r#"{"a":1,"b":3}"#, true);
        check(&["a"], r#"{"a":1}"#, r#"{"a":"1"}"#, false);
        check(&["a"], r#"{"a":1}"#, r#"{"a":2}"#, false);
        check(&["a"], r#"{"a":null}"#, "{}", false);
        check(&["a", "b"], r#"{"a":"x","b":"yz"}"#, r#"{"a":"xy","b":"z"}"#, false);
        check(&["a"], r#"{"a":[[1],[]]}"#, r#"{"a":[[1,[]]]}"#, false);
        check(&["a/*/x"], r#"{"a":[{"x":1,"y":2}]}"#, r#"{"a":[{"x":1}]}"#, true);
        check(&["a/*/x"], r#"{"a":[{"x":1}]}"#, r#"{"a":[{"x":1},{}]}"#, false);
        check(&["*"], r#"{"a":1}"#, r#"{"b":1}"#, true);
        check(&["*"], r#"{"a":1}"#, r#"{"b":2}"#, false);
        check(&["*k"], r#"{"a":1}"#, r#"{"b":1}"#, false);
        check(&["*/x", "a"], r#"{"a":{"y":1}}"#, r#"{"a":{"y":2}}"#, false);
        check(&["*/x", "a"], r#"{"b":{"y":1}}"#, r#"{"b":{"y":2}}"#, true);
        check(&["a/b"], r#"{"a":[1]}"#, r#"{"a":{}}"#, false);
        check(&["a/b"], r#"{"a":"x"}"#, r#"{"a":"y"}"#, true);
        check(&["a/b"], r#"{"a":1}"#, r#"{"a":"y"}"#, false);
        check(&["a/b"], r#"{"a":true}"#, r#"{"a":false}"#, true);
    }

    #[test]
    fn what_is_joined_is_written_as_its_value_is() {
        let found = |text: &str| {
            let bodies = Value::from_json_str(text).unwrap();
            let bodies = bodies.as_object().unwrap().iter_sorted();
            Found::new(bodies.map(|(id, body)| (id.clone(), body.clone())).collect())
        };
        let (groups, none) = (found(r#"{"g":{"n":1,"m":2},"h":{"n":3}}"#), found("{}"));
        let mut joined = Joined::default();
        joined.add("groups", &groups);
        joined.add("none", &none);
        for paths in [
            &["groups/*/n"][..],
            &["groups/*k/n", "none/*"],
            &["groups/g/n", "absent/*"],
            &["groups/*/n", "groups/g"],
            &["groups", "none"],
            &["*k/*/n"],
            &["none"],
            &[],
        ] {
            let (shape, mut a, mut b) = (shape(paths), Vec::new(), Vec::new());
            write_joined(&shape, &joined, &mut a);
            write(&shape, &joined.value(), &mut b);
            assert_eq!(a, b, "{paths:?}");
        }
    }

    #[test]
    fn a_rule_that_never_meets_the_same_again_is_no_longer_looked_up() {
        let mut memo = Memo::new(1);
        let shape = shape(&["resource/body/id", "joined/x"]);
        let key = ResourceKey::new("openstack/a.b/R/1").unwrap();
        let resource = Resource {
            kind: Kind::new(key.kind()).unwrap(),
            key,
            region: None,
            project: None,
            name: None,
            body: "".into(),
            source: "s".into(),
            read_at: Timestamp::UNIX_EPOCH,
        };
        let mut asked = 0;
        let mut ask = |memo: &mut Memo, id: usize| {
            let body = Value::from_json_str(&format!(r#"{{"id":{id}}}"#)).unwrap();
            let joined = Joined::default();
            memo.answer(0, &shape, (&resource, &body, &joined), || {
                asked += 1;
                Answer::pass()
            })
        };
        ask(&mut memo, 0);
        ask(&mut memo, 0);
        (1..400).for_each(|id| drop(ask(&mut memo, id)));
        assert!(memo.rules[0].answers.is_empty());
        ask(&mut memo, 0);
        assert_eq!(asked, 401);
    }
}
