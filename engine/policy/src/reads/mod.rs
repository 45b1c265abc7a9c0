//! What each rule reads of its input, told from the syntax.
//!
//! Bodies are parsed only as far as some rule reads them ([`crate::parse`]),
//! and rules that see nothing of a resource but its body are asked once about
//! resources with equal bodies.
//!
//! What is not surely a narrower read counts as reading everything. A name may
//! stand for a part of the input: a variable after `x := input.a`, the parameter
//! of a function that is called with one, a rule that is defined as one, what
//! `some x in` goes through. Each is followed ([`follow`]); everything else that
//! uses a part of the input reads that part whole.

mod definitions;
mod follow;
mod shape;

use std::collections::BTreeMap;

use tidegate_model::Kind;

use crate::bundle::Bundle;
use crate::metadata::{Input, Rule};
use definitions::Definitions;
use follow::Follow;
pub(crate) use shape::{Member, Shape, Step};

/// What the host asks of the package of a rule.
const ASKED: [&str; 4] = ["verdict", "violations", "reason", "valid_until"];

/// For each rule, what it reads of its input.
pub(crate) fn inputs(bundles: &[Bundle], rules: &[Rule]) -> Vec<Shape> {
    let definitions = Definitions::new(bundles);
    let one = |rule: &Rule| {
        // A policy in Cedar is given all of it.
        if rule.package.is_empty() {
            return Shape::whole();
        }
        let mut input = Follow::new(&definitions).all(&rule.package, &ASKED);
        if rule.input == Input::Resource {
            add_required(rule, &mut input);
        }
        input.settle();
        input
    };
    rules.iter().map(one).collect()
}

/// Adds what the host sees to before it asks a resource rule.
fn add_required(rule: &Rule, input: &mut Shape) {
    let name = |name: &str| Step::Name(name.to_owned());
    for (kind, pointers) in &rule.requires {
        input.read(&[name("resource"), name("kind")]);
        let body = [name("resource"), name("body")];
        if rule.meta.kinds.contains(kind) {
            pointers.iter().for_each(|p| input.touch(&body).point(p, false));
        }
        for join in rule.joins.iter().filter(|j| j.kind == *kind) {
            let each = [name("joined"), name(&join.name), Step::Each];
            pointers.iter().for_each(|p| input.touch(&each).point(p, false));
        }
    }
}

/// Whether a rule says the same of resources of one kind and region with equal
/// bodies: what is joined is looked up by values of the body.
pub(crate) fn is_of_bodies(rule: &Rule, input: &Shape) -> bool {
    let common = |shape: &Shape, names: &[&str]| {
        !shape.is_whole()
            && shape.each().is_none()
            && shape.members().iter().all(|m| names.contains(&m.name.as_str()))
    };
    let resource = input.at(&[Step::Name("resource".to_owned())]);
    rule.input == Input::Resource
        && !rule.time
        && common(input, &["resource", "parameters", "joined"])
        && common(&resource, &["body", "kind"])
}

/// For each kind that rules are given or joined with, what they and the host
/// read of a body.
pub(crate) fn bodies(rules: &[Rule], inputs: &[Shape]) -> BTreeMap<Kind, Shape> {
    let name = |name: &str| Step::Name(name.to_owned());
    let mut bodies: BTreeMap<Kind, Shape> = BTreeMap::new();
    for (rule, input) in rules.iter().zip(inputs) {
        for kind in &rule.meta.kinds {
            let path = match rule.input {
                Input::Resource => vec![name("resource"), name("body")],
                Input::Region | Input::Subject => {
                    vec![name("resources"), name(kind.as_str()), Step::Each, name("body")]
                }
            };
            let body = bodies.entry(kind.clone()).or_default();
            body.add(&input.at(&path));
            rule.joins.iter().for_each(|j| body.point(&j.key, true));
        }
        for join in rule.joins.iter().filter(|j| !j.across) {
            let body = bodies.entry(join.kind.clone()).or_default();
            body.add(&input.at(&[name("joined"), name(&join.name), Step::Each]));
            join.field.iter().for_each(|f| body.point(f, true));
        }
        for (kind, pointers) in &rule.requires {
            if let Some(body) = bodies.get_mut(kind) {
                pointers.iter().for_each(|p| body.point(p, false));
            }
        }
    }
    for (kind, body) in &mut bodies {
        if tidegate_derive::is_derived(kind.as_str()) {
            body.read(&[name("tidegate"), name("unreadable")]);
        }
        body.settle();
    }
    bodies
}

#[cfg(test)]
mod tests;
