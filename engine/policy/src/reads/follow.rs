//! Follows the parts of the input through the definitions that a rule reaches.

mod reference;

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Literal, Query, Ref, Rule as Node, RuleHead};

use super::definitions::{Definition, Definitions};
use super::shape::{Shape, Step};
use crate::module::path_of;

/// Parts of the input, any of which something may stand for.
type Parts = BTreeSet<Vec<Step>>;

/// What may stand for parts of the input.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    /// A rule by its path.
    Rule(Vec<String>),
    /// A parameter of a function, by the function's path and its place.
    Parameter(Vec<String>, usize),
    /// A variable of a definition, which is known by its address.
    Variable(*const Node, String),
}

/// The state of following one rule.
pub(super) struct Follow<'d, 'a> {
    definitions: &'d Definitions<'a>,
    stands_for: BTreeMap<Name, Parts>,
    /// The rules that may be evaluated.
    reached: BTreeSet<&'d Vec<String>>,
    read: Shape,
    /// Whether something was learnt that earlier steps did not know.
    news: bool,
}

/// Where an expression stands.
#[derive(Clone, Copy)]
struct Here<'d, 'a> {
    path: &'d [String],
    definition: &'d Definition<'a>,
}

impl<'d, 'a> Follow<'d, 'a> {
    pub(super) fn new(definitions: &'d Definitions<'a>) -> Self {
        Self {
            definitions,
            stands_for: BTreeMap::new(),
            reached: BTreeSet::new(),
            read: Shape::default(),
            news: false,
        }
    }

    /// What these rules of a package read.
    pub(super) fn all(mut self, package: &str, asked: &[&str]) -> Shape {
        let is_asked = |path: &&Vec<String>| {
            path.split_last()
                .is_some_and(|(name, of)| asked.contains(&name.as_str()) && of.join(".") == package)
        };
        let asked: Vec<&Vec<String>> = self.definitions.by_path.keys().filter(is_asked).collect();
        self.reached.extend(asked.iter().copied());
        loop {
            self.news = false;
            for path in self.reached.clone() {
                for definition in self.definitions.by_path.get(path).into_iter().flatten() {
                    self.definition(Here { path, definition });
                }
            }
            if !self.news {
                break;
            }
        }
        for path in asked {
            self.read_all(&self.of(&Name::Rule(path.clone())));
        }
        self.read
    }

    fn of(&self, name: &Name) -> Parts {
        self.stands_for.get(name).cloned().unwrap_or_default()
    }

    fn reach(&mut self, path: &[String]) {
        if let Some((path, _)) = self.definitions.by_path.get_key_value(path) {
            self.news |= self.reached.insert(path);
        }
    }

    fn read_all(&mut self, parts: &Parts) {
        parts.iter().for_each(|p| self.read.read(p));
    }

    fn touch_all(&mut self, parts: &Parts) {
        for part in parts {
            self.read.touch(part);
        }
    }

    /// A name stands for these parts, too.
    fn name(&mut self, name: Name, parts: Parts) {
        self.touch_all(&parts);
        let known = self.stands_for.entry(name).or_default();
        let before = known.len();
        known.extend(parts);
        self.news |= known.len() > before;
    }

    /// A name has the value of an expression.
    fn bind(&mut self, here: Here<'d, 'a>, name: Name, value: &'d Expr) {
        match self.part(here, value) {
            Some(parts) => self.name(name, parts),
            None => self.value(here, value),
        }
    }

    fn definition(&mut self, here: Here<'d, 'a>) {
        if here.definition.strange {
            self.read.read(&[]);
        }
        let (head, bodies) = match here.definition.node {
            Node::Spec { head, bodies, .. } => (head, bodies),
            Node::Default { value, .. } => return self.value(here, value),
        };
        let own = || Name::Rule(here.path.to_vec());
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                let complete = matches!(refr.as_ref(), Expr::Var { .. });
                if !complete {
                    self.indexes(here, refr);
                }
                let bodies = bodies.iter().filter_map(|b| b.assign.as_ref());
                for assign in assign.iter().chain(bodies) {
                    if complete {
                        self.bind(here, own(), &assign.value);
                    } else {
                        self.value(here, &assign.value);
                    }
                }
            }
            RuleHead::Set { key, .. } => key.iter().for_each(|k| self.value(here, k)),
            RuleHead::Func { args, assign, .. } => {
                for (n, arg) in args.iter().enumerate() {
                    if !matches!(arg.as_ref(), Expr::Var { .. }) {
                        // It is compared with what stands here.
                        self.read_all(&self.of(&Name::Parameter(here.path.to_vec(), n)));
                        self.value(here, arg);
                    }
                }
                let bodies = bodies.iter().filter_map(|b| b.assign.as_ref());
                assign.iter().chain(bodies).for_each(|a| self.value(here, &a.value));
            }
        }
        bodies.iter().for_each(|b| self.query(here, &b.query));
    }

    fn query(&mut self, here: Here<'d, 'a>, query: &'d Query) {
        for statement in &query.stmts {
            if !statement.with_mods.is_empty() {
                self.read.read(&[]);
            }
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn { key, value, collection, .. } => {
                    key.iter().for_each(|k| self.value(here, k));
                    let name = match value.as_ref() {
                        Expr::Var { span, .. } => Some(span.text()),
                        other => {
                            self.value(here, other);
                            None
                        }
                    };
                    let keyed = key.as_ref().is_some_and(|k| !is_blank(k));
                    self.each(here, collection, name, keyed);
                }
                Literal::Every { key, value, domain, query, .. } => {
                    self.each(here, domain, Some(value.text()), key.is_some());
                    self.query(here, query);
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => {
                    self.condition(here, expr);
                }
            }
        }
    }

    /// A loop over a collection, each value of which has the name.
    fn each(&mut self, here: Here<'d, 'a>, collection: &'d Expr, name: Option<&str>, keyed: bool) {
        let Some(parts) = self.part(here, collection) else {
            return self.value(here, collection);
        };
        let step = [if keyed { Step::Keyed } else { Step::Each }];
        let each = |part: &Vec<Step>| [part.as_slice(), &step].concat();
        match name {
            Some("_") => self.touch_all(&parts.iter().map(each).collect()),
            Some(name) => {
                let variable = Name::Variable(here.definition.node, name.to_owned());
                self.name(variable, parts.iter().map(each).collect());
            }
            None => self.read_all(&parts),
        }
    }

    /// An expression that holds or does not.
    fn condition(&mut self, here: Here<'d, 'a>, expr: &'d Expr) {
        if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } = expr
            && let Expr::Var { span, .. } = lhs.as_ref()
        {
            let variable = Name::Variable(here.definition.node, span.text().to_owned());
            return self.bind(here, variable, rhs);
        }
        // No object or array is false, whatever is in it.
        match self.part(here, expr) {
            Some(parts) => parts.iter().for_each(|p| self.read.look(p)),
            None => self.value(here, expr),
        }
    }

    /// An expression whose value is used.
    fn value(&mut self, here: Here<'d, 'a>, expr: &'d Expr) {
        if let Some(parts) = self.part(here, expr) {
            return self.read_all(&parts);
        }
        match expr {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::Var { .. } => {}
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().for_each(|i| self.value(here, i));
            }
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.value(here, key);
                    self.value(here, value);
                }
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.query(here, query);
                self.value(here, term);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.query(here, query);
                self.value(here, key);
                self.value(here, value);
            }
            Expr::Call { fcn, params, .. } => self.call(here, fcn, params),
            Expr::UnaryExpr { expr, .. } => self.value(here, expr),
            // Where it begins with a name, all has been looked at.
            Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => match root(refr) {
                Expr::Var { .. } => {}
                other => self.value(here, other),
            },
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.value(here, lhs);
                self.value(here, rhs);
            }
            Expr::Membership { key, value, collection, .. } => {
                key.iter().for_each(|k| self.value(here, k));
                self.value(here, value);
                self.value(here, collection);
            }
        }
    }

    /// The indexes of a reference.
    fn indexes(&mut self, here: Here<'d, 'a>, expr: &'d Expr) {
        match expr {
            Expr::RefDot { refr, .. } => self.indexes(here, refr),
            Expr::RefBrack { refr, index, .. } => {
                self.indexes(here, refr);
                self.value(here, index);
            }
            _ => {}
        }
    }

    fn call(&mut self, here: Here<'d, 'a>, fcn: &'d Expr, params: &'d [Ref<Expr>]) {
        let name = path_of(fcn).unwrap_or_default();
        if let Some(function) = self.function(here, &name) {
            self.reach(&function);
            for (n, param) in params.iter().enumerate() {
                self.bind(here, Name::Parameter(function.clone(), n), param);
            }
            return;
        }
        let looks = match name.join(".").as_str() {
            "is_array" | "is_boolean" | "is_null" | "is_number" | "is_object" | "is_set"
            | "is_string" | "type_name" => Some(&[][..]),
            "count" => Some(&[Step::Each][..]),
            "object.keys" => Some(&[Step::Keyed][..]),
            _ => None,
        };
        for param in params {
            match (looks, self.part(here, param)) {
                (Some(below), Some(parts)) => {
                    for part in parts {
                        // The length of a text is counted, too.
                        if !below.is_empty() {
                            self.read.look(&part);
                        }
                        self.read.touch(&[part.as_slice(), below].concat());
                    }
                }
                (_, _) => self.value(here, param),
            }
        }
    }
}

/// Whether it is the variable that nothing refers to.
fn is_blank(expr: &Expr) -> bool {
    matches!(expr, Expr::Var { span, .. } if span.text() == "_")
}

/// What a reference begins with.
fn root(expr: &Expr) -> &Expr {
    match expr {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => root(refr),
        other => other,
    }
}
