//! Which parts of the input a reference may lead to.

use regorus::unstable::{Expr, Rule as Node, RuleHead};

use super::{Follow, Here, Name, Parts, is_blank};
use crate::module::{constant, path_of};
use crate::reads::shape::Step;

impl<'d, 'a> Follow<'d, 'a> {
    /// The path of a function that is defined by a rule.
    pub(super) fn function(&self, here: Here<'d, 'a>, name: &[String]) -> Option<Vec<String>> {
        let (first, rest) = name.split_first()?;
        let imported = here.definition.imports.get(first).and_then(|p| p.split_first());
        let path = match imported {
            Some((root, path)) if root == "data" => [path, rest].concat(),
            _ if first == "data" => rest.to_vec(),
            _ => [here.definition.module.package.as_slice(), name].concat(),
        };
        self.definitions.has(&path).then_some(path)
    }

    /// The parts of the input that an expression is, if that is all it is.
    pub(super) fn part(&mut self, here: Here<'d, 'a>, expr: &'d Expr) -> Option<Parts> {
        let parts = match expr {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.reference(here, expr)
            }
            Expr::Call { fcn, params, .. } => {
                let [object, key, default] = params.as_slice() else { return None };
                let name = path_of(fcn)?;
                if name.join(".") != "object.get" || self.function(here, &name).is_some() {
                    return None;
                }
                let keys: Vec<&str> = match key.as_ref() {
                    Expr::Array { items, .. } => {
                        items.iter().map(|i| constant(i)).collect::<Option<_>>()?
                    }
                    one => vec![constant(one)?],
                };
                let of = self.part(here, object)?;
                self.touch_all(&of);
                self.value(here, default);
                let steps: Vec<Step> = keys.into_iter().map(|k| Step::Name(k.to_owned())).collect();
                of.into_iter().map(|part| [part, steps.clone()].concat()).collect()
            }
            _ => return None,
        };
        (!parts.is_empty()).then_some(parts)
    }

    /// The parts that a reference may lead to; none if it leads elsewhere.
    fn reference(&mut self, here: Here<'d, 'a>, expr: &'d Expr) -> Parts {
        let mut steps: Vec<Step> = Vec::new();
        let mut root = expr;
        loop {
            match root {
                Expr::RefDot { refr, field, .. } => {
                    steps.push(Step::Name(field.0.text().to_owned()));
                    root = refr;
                }
                Expr::RefBrack { refr, index, .. } => {
                    steps.push(match constant(index) {
                        Some(name) => Step::Name(name.to_owned()),
                        None if is_blank(index) => Step::Each,
                        None => {
                            self.value(here, index);
                            Step::Keyed
                        }
                    });
                    root = refr;
                }
                _ => break,
            }
        }
        steps.reverse();
        let Expr::Var { span, .. } = root else {
            let parts = self.part(here, root).unwrap_or_default();
            return below(&parts, &steps);
        };
        let name = span.text();
        let mut parts = Parts::new();
        if name == "input" {
            parts.insert(Vec::new());
        }
        parts.extend(self.of(&Name::Variable(here.definition.node, name.to_owned())));
        if let Node::Spec { head: RuleHead::Func { args, .. }, .. } = here.definition.node {
            let is = |arg: &Expr| matches!(arg, Expr::Var { span, .. } if span.text() == name);
            for (n, _) in args.iter().enumerate().filter(|(_, arg)| is(arg)) {
                parts.extend(self.of(&Name::Parameter(here.path.to_vec(), n)));
            }
        }
        let mut parts = below(&parts, &steps);
        let own = [here.definition.module.package.as_slice(), &[name.to_owned()]].concat();
        if self.definitions.below(&own).next().is_some() {
            parts.extend(self.data(own, &steps));
        }
        match here.definition.imports.get(name).and_then(|p| p.split_first()) {
            Some((root, path)) if root == "data" => parts.extend(self.data(path.to_vec(), &steps)),
            Some((root, path)) if root == "input" => {
                let start: Vec<Step> = path.iter().cloned().map(Step::Name).collect();
                parts.extend(below(&Parts::from([start]), &steps));
            }
            Some(_) | None => {}
        }
        if name == "data" {
            parts.extend(self.data(Vec::new(), &steps));
        }
        parts
    }

    /// The parts that a reference into `data` may lead to. Rules whose values it
    /// may take together with others are read whole.
    fn data(&mut self, mut path: Vec<String>, steps: &[Step]) -> Parts {
        let mut rest = steps.iter();
        while !self.definitions.has(&path) {
            match rest.next() {
                Some(Step::Name(name)) => path.push(name.clone()),
                Some(Step::Each | Step::Keyed) | None => {
                    let all: Vec<Vec<String>> = self.definitions.below(&path).cloned().collect();
                    for rule in all {
                        self.reach(&rule);
                        self.read_all(&self.of(&Name::Rule(rule)));
                    }
                    return Parts::new();
                }
            }
            if self.definitions.below(&path).next().is_none() {
                return Parts::new();
            }
        }
        self.reach(&path);
        // `p` and `p.q` may both be rules.
        let also: Vec<Vec<String>> =
            self.definitions.below(&path).filter(|p| **p != path).cloned().collect();
        for rule in also {
            self.reach(&rule);
            self.read_all(&self.of(&Name::Rule(rule)));
        }
        below(&self.of(&Name::Rule(path)), rest.as_slice())
    }
}

/// What is below each of some parts.
fn below(parts: &Parts, steps: &[Step]) -> Parts {
    parts.iter().map(|part| [part.as_slice(), steps].concat()).collect()
}
