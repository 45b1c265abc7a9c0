//! Reads modules for the RVM, and tells what has to stand otherwise in the text that it
//! is given.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use regorus::unstable::{
    AssignOp, BUILTINS, Expr, Literal, LiteralStmt, Rule as Node, RuleBody, RuleHead,
};

use super::{Packages, compares, is_collection, is_scalar, variable};
use crate::module::{constant, path_of};
use crate::strict::COLLECTION;

/// Reads the rules of one module; everything gives `None` at the first thing
/// that is not known to be right.
pub(super) struct Reader<'r, 'a> {
    pub(super) packages: &'r Packages<'a>,
    /// What the package defines, over all its modules.
    pub(super) names: &'r BTreeSet<String>,
    /// Those that are surely collections.
    pub(super) collections: &'r BTreeSet<&'a str>,
    /// Those that name a part of the input, with its text.
    pub(super) parts: &'r BTreeMap<&'a str, &'a str>,
    /// Alias → path.
    pub(super) imports: BTreeMap<String, Vec<String>>,
    /// What the rule binds.
    pub(super) locals: BTreeSet<String>,
    pub(super) reached: &'r mut BTreeSet<&'a [String]>,
    /// Text to put into the place of other text.
    pub(super) edits: Vec<(Range<usize>, String)>,
    /// How many statements that adds.
    pub(super) added: usize,
}

impl Reader<'_, '_> {
    pub(super) fn rule(&mut self, rule: &Node) -> Option<()> {
        let Node::Spec { head, bodies, .. } = rule else { return None };
        self.locals.clear();
        let (refr, parts) = match head {
            RuleHead::Compr { refr, assign, .. } => {
                (refr, assign.iter().map(|a| &a.value).collect())
            }
            RuleHead::Set { refr, key, .. } => (refr, key.iter().collect::<Vec<_>>()),
            RuleHead::Func { refr, args, assign, .. } => {
                for arg in args {
                    match variable(arg) {
                        Some(name) => self.bind(name),
                        None if is_scalar(arg) => {}
                        None => return None,
                    }
                }
                (refr, assign.iter().map(|a| &a.value).collect())
            }
        };
        variable(refr)?;
        let body: &[LiteralStmt] = match bodies.as_slice() {
            [] => &[],
            [RuleBody { assign: None, is_else: false, query, .. }] => &query.stmts,
            _ => return None,
        };
        for statement in body {
            match &statement.literal {
                Literal::SomeIn { key, value, .. } => {
                    self.bind(variable(value)?);
                    if let Some(key) = key {
                        self.bind(variable(key)?);
                    }
                }
                Literal::Expr { expr, .. } => {
                    if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                        self.bind(variable(lhs)?);
                    }
                }
                Literal::NotExpr { .. } | Literal::SomeVars { .. } | Literal::Every { .. } => {}
            }
        }
        for part in parts {
            self.expr(part)?;
        }
        body.iter().try_for_each(|s| self.statement(s, body))
    }

    fn bind(&mut self, name: &str) {
        if name != "_" {
            self.locals.insert(name.to_owned());
        }
    }

    fn statement(&mut self, statement: &LiteralStmt, body: &[LiteralStmt]) -> Option<()> {
        if !statement.with_mods.is_empty() {
            return None;
        }
        match &statement.literal {
            Literal::SomeIn { collection, .. } => {
                self.expr(collection)?;
                match collection.as_ref() {
                    written if is_collection(written) => {}
                    Expr::Var { span, .. }
                        if self.collections.contains(span.text())
                            && !self.locals.contains(span.text()) => {}
                    Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                        let span = collection.span();
                        let at = |n: u32| usize::try_from(n).ok();
                        let (start, end) = (at(span.start)?, at(span.end)?);
                        self.edits.push((start..start, format!("{COLLECTION}(")));
                        self.edits.push((end..end, ")".to_owned()));
                    }
                    _ => return None,
                }
                Some(())
            }
            Literal::Expr { expr, .. } => match expr.as_ref() {
                Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => {
                    let name = variable(lhs)?;
                    self.expr(rhs)?;
                    let checked = is_scalar(rhs) || body.iter().any(|s| compares(s, name));
                    if checked { Some(()) } else { self.check(rhs, name) }
                }
                other => self.condition(other),
            },
            Literal::NotExpr { expr, .. } => self.condition(expr),
            Literal::SomeVars { .. } | Literal::Every { .. } => None,
        }
    }

    /// Puts `[name]` after an assignment.
    fn check(&mut self, value: &Expr, name: &str) -> Option<()> {
        if name == "_" {
            return None;
        }
        let span = value.span();
        let mut at = usize::try_from(span.end).ok()?;
        // What follows are the parentheses around the value, if any.
        let rest = span.source.contents().get(at..)?;
        let inner = rest.trim_start_matches([' ', '\t', '\r', '\n', ')']);
        if let Some(last) = rest.get(..rest.len() - inner.len())?.rfind(')') {
            at += last + 1;
        }
        self.edits.push((at..at, format!("; [{name}]")));
        self.added += 1;
        Some(())
    }

    /// An expression whose value is asked for truth only.
    fn condition(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            // Undefined and false are the same here; under `not` the guard has
            // seen to it that both sides are defined.
            Expr::Membership { key: None, value, collection, .. } => {
                self.expr(value)?;
                self.expr(collection)
            }
            _ => self.expr(expr),
        }
    }

    fn expr(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => Some(()),
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                let mut path = Vec::new();
                self.reference(expr, &mut path)?;
                self.resolve(&path)?;
                self.put_part(expr)
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().try_for_each(|i| self.expr(i))
            }
            Expr::Object { fields, .. } => fields.iter().try_for_each(|(_, key, value)| {
                self.expr(key)?;
                self.expr(value)
            }),
            Expr::Call { fcn, params, .. } => {
                params.iter().try_for_each(|p| self.expr(p))?;
                let path = path_of(fcn)?;
                let first = path.first()?;
                if first == "data" || self.names.contains(first) || self.imports.contains_key(first)
                {
                    let path: Vec<Option<String>> = path.into_iter().map(Some).collect();
                    return self.resolve(&path);
                }
                let name = path.join(".");
                let (_, arity) = BUILTINS.get(name.as_str())?;
                // One argument more binds the result.
                (name != "walk" && params.len() == usize::from(*arity)).then_some(())
            }
            Expr::BoolExpr { lhs, rhs, .. } | Expr::ArithExpr { lhs, rhs, .. } => {
                self.expr(lhs)?;
                self.expr(rhs)
            }
            Expr::ArrayCompr { .. }
            | Expr::SetCompr { .. }
            | Expr::ObjectCompr { .. }
            | Expr::UnaryExpr { .. }
            | Expr::BinExpr { .. }
            | Expr::AssignExpr { .. }
            | Expr::Membership { .. } => None,
        }
    }

    /// The segments of a reference, `None` for those that are not constant.
    fn reference(&mut self, expr: &Expr, path: &mut Vec<Option<String>>) -> Option<()> {
        match expr {
            Expr::Var { span, .. } => path.push(Some(span.text().to_owned())),
            Expr::RefDot { refr, field, .. } => {
                self.reference(refr, path)?;
                path.push(Some(field.0.text().to_owned()));
            }
            Expr::RefBrack { refr, index, .. } => {
                self.reference(refr, path)?;
                match (constant(index), variable(index)) {
                    (Some(name), _) => path.push(Some(name.to_owned())),
                    // A name that nothing binds would be a loop.
                    (None, Some(name)) if !self.locals.contains(name) => return None,
                    (None, Some(_)) => path.push(None),
                    (None, None) if matches!(index.as_ref(), Expr::Number { .. }) => {
                        path.push(None)
                    }
                    (None, None) => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Puts the part of the input that a reference begins with into the place of its
    /// name.
    fn put_part(&mut self, expr: &Expr) -> Option<()> {
        let mut root = expr;
        while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = root {
            root = refr;
        }
        let name = variable(root)?;
        if let Some(part) = self.parts.get(name)
            && !self.locals.contains(name)
            && !self.imports.contains_key(name)
        {
            let at = |n: u32| usize::try_from(n).ok();
            let span = root.span();
            self.edits.push((at(span.start)?..at(span.end)?, (*part).to_owned()));
        }
        Some(())
    }

    /// Notes which package a reference reads.
    fn resolve(&mut self, path: &[Option<String>]) -> Option<()> {
        let (first, rest) = path.split_first()?;
        let first = first.as_ref()?;
        if self.locals.contains(first) {
            return Some(());
        }
        let import = self.imports.get(first).cloned();
        let imported = import.is_some();
        let head = import.unwrap_or_else(|| vec![first.clone()]);
        match head.split_first()? {
            (root, _) if root == "input" => Some(()),
            (root, below) if root == "data" => {
                let constant = rest.iter().map_while(Option::as_ref);
                self.data(&below.iter().chain(constant).collect::<Vec<_>>())
            }
            _ => (!imported && self.names.contains(first)).then_some(()),
        }
    }

    /// A reference below `data`, as far as it is constant: a rule of one package,
    /// or data that no package adds to.
    fn data(&mut self, path: &[&String]) -> Option<()> {
        let begins = |a: &[&String], b: &[String]| {
            a.len() <= b.len() && a.iter().zip(b).all(|(x, y)| *x == y)
        };
        if self.packages.keys().any(|p| begins(path, p)) {
            return None;
        }
        let prefix =
            |p: &&&[String]| p.len() < path.len() && p.iter().zip(path).all(|(x, y)| x == *y);
        let mut above = self.packages.iter().filter(|(p, _)| prefix(p));
        let Some((package, modules)) = above.next() else {
            return Some(());
        };
        let name = path.get(package.len())?;
        let defined =
            modules.iter().flat_map(|(_, m)| m.rules()).any(|(p, _)| p.first() == Some(*name));
        if !defined || above.next().is_some() {
            return None;
        }
        self.reached.insert(package);
        Some(())
    }
}
