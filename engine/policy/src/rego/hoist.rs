//! Moves out of negations what OPA evaluates before them.
//!
//! OPA turns `not f(x.y, g(z))` into `a := g(z); b := x.y; not f(b, a)`: every
//! call inside of another expression, and every reference that is an argument,
//! is evaluated first, and where it is undefined the body is. Sides of a
//! comparison with `==` or `=` and a reference that is all of the condition stay
//! where they are, but not what stands in their brackets. The engine takes the
//! whole negation for true instead. Infix operators, `in` and `!=` are calls.
//!
//! The same holds beside an `in` whose value is used: OPA is undefined where one
//! of its sides is, and the engine says false.
//!
//! And it holds for keys and values in the head of a partial rule: OPA leaves a
//! member out of which a part is undefined, the engine ends the rule there.
//!
//! Comprehensions are always defined and stay; their bodies, and those of
//! `every` and of functions, are rewritten like any other.
//!
//! Source: OPA 1.10, `ast/compile.go`: `rewriteExprTerms`, `rewriteEquals`,
//! `rewriteDynamicTerms`, in this order.

use std::collections::BTreeSet;

use regorus::unstable::{
    BoolOp, Expr, Literal, LiteralStmt, Module as Tree, Query, Rule, RuleBody, RuleHead,
};

use super::{Edit, Problem, apply, range};
use crate::module::{constant, path_of, rules_of};

pub(super) fn hoist(text: &str, tree: &Tree) -> Result<String, Problem> {
    // What is not bound in a body but is a reference all the same.
    let mut globals: BTreeSet<String> = BTreeSet::from(["input".to_owned(), "data".to_owned()]);
    globals.extend(rules_of(tree).filter_map(|(path, _)| path.into_iter().next()));
    for import in &tree.imports {
        globals.extend(import.r#as.as_ref().map(|alias| alias.text().to_owned()));
        globals.extend(path_of(&import.refr).and_then(|path| path.into_iter().last()));
    }
    let mut prefix = "__moved".to_owned();
    while text.contains(&prefix) {
        prefix.push('_');
    }
    let braces_only = !tree.rego_v1
        && !tree.imports.iter().filter_map(|i| path_of(&i.refr)).any(|path| {
            path.first().is_some_and(|p| p == "future")
                && path.get(2).is_none_or(|keyword| keyword == "if")
        });
    let mut hoist = Hoist { text, globals, prefix, count: 0, edits: Vec::new(), braces_only };
    for rule in &tree.policy {
        hoist.rule(rule)?;
    }
    Ok(apply(text, 0..text.len(), &hoist.edits))
}

struct Hoist<'t> {
    text: &'t str,
    globals: BTreeSet<String>,
    /// What names that are put in begin with.
    prefix: String,
    count: usize,
    edits: Vec<Edit>,
    /// Whether a body comes without `if`.
    braces_only: bool,
}

impl Hoist<'_> {
    fn rule(&mut self, rule: &Rule) -> Result<(), Problem> {
        let Rule::Spec { span, head, bodies } = rule else { return Ok(()) };
        // What the head needs is evaluated last, in the body.
        let mut tail = Vec::new();
        match head {
            // The engine gives up a partial rule where a key or a value of its head
            // is undefined; for OPA only that one is not there.
            RuleHead::Compr { refr, assign, .. } if is_partial(refr) => {
                self.brackets(refr, &mut tail);
                assign.iter().for_each(|a| self.argument(&a.value, &mut tail));
            }
            RuleHead::Compr { refr, assign, .. } => {
                self.value(refr, &mut tail);
                assign.iter().for_each(|a| self.value(&a.value, &mut tail));
            }
            RuleHead::Set { refr, key, .. } => {
                self.brackets(refr, &mut tail);
                key.iter().for_each(|k| self.argument(k, &mut tail));
            }
            RuleHead::Func { assign, .. } => {
                assign.iter().for_each(|a| self.value(&a.value, &mut tail));
            }
        }
        let Some((first, others)) = bodies.split_first() else {
            if !tail.is_empty() {
                let [before, after] = if self.braces_only { [" {", "}"] } else { [" if {", "}"] };
                let body = format!("{before} {} {after}", tail.join("; "));
                self.edits.push(Edit::insert(range(span).end, body));
            }
            return Ok(());
        };
        self.body(first, tail)?;
        for body in others {
            let mut tail = Vec::new();
            body.assign.iter().for_each(|a| self.value(&a.value, &mut tail));
            self.body(body, tail)?;
        }
        Ok(())
    }

    fn body(&mut self, body: &RuleBody, tail: Vec<String>) -> Result<(), Problem> {
        if body.query.stmts.is_empty() && !tail.is_empty() {
            let text = "the value of an `else` without body needs a side of `in` that may be \
                        undefined; give it a body";
            return Err(Problem { line: Some(body.span.line), text: text.to_owned() });
        }
        let before = self.edits.len();
        self.query(&body.query, tail);
        // `if` takes one statement without braces.
        if let [only] = body.query.stmts.as_slice()
            && only.span.start == body.query.span.start
            && self.edits.len() > before
        {
            let range = range(&only.span);
            self.edits.insert(before, Edit::insert(range.start, "{ ".to_owned()));
            self.edits.push(Edit::insert(range.end, " }".to_owned()));
        }
        Ok(())
    }

    /// Rewrites a body; `tail` is put after it.
    fn query(&mut self, query: &Query, tail: Vec<String>) {
        for stmt in &query.stmts {
            let mut first = Vec::new();
            self.statement(stmt, &mut first);
            if !first.is_empty() {
                let text = format!("{}; ", first.join("; "));
                self.edits.push(Edit::insert(range(&stmt.span).start, text));
            }
        }
        if let (Some(last), false) = (query.stmts.last(), tail.is_empty()) {
            let text = format!("; {}", tail.join("; "));
            self.edits.push(Edit::insert(range(&last.span).end, text));
        }
    }

    fn statement(&mut self, stmt: &LiteralStmt, first: &mut Vec<String>) {
        let before = first.len();
        match &stmt.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|e| self.value(e, first));
            }
            Literal::Expr { expr, .. } => self.condition(expr, first),
            Literal::NotExpr { expr, .. } => self.negated(expr, first),
            Literal::Every { domain, query, .. } => {
                self.value(domain, first);
                self.query(query, Vec::new());
            }
        }
        if let (Some(with), Some(last)) = (stmt.with_mods.first(), stmt.with_mods.last()) {
            let negated = matches!(stmt.literal, Literal::NotExpr { .. });
            let mut values = Vec::new();
            for with in &stmt.with_mods {
                let of_document = path_of(&with.refr)
                    .is_some_and(|p| p.first().is_some_and(|r| r == "input" || r == "data"));
                match negated && of_document {
                    true => self.argument(&with.r#as, &mut values),
                    false => self.value(&with.r#as, &mut values),
                }
            }
            let range = range(&with.span).start..range(&last.span).end;
            let with = apply(self.text, range, &self.edits);
            first.iter_mut().skip(before).for_each(|text| *text = format!("{text} {with}"));
            first.splice(before..before, values);
        }
    }

    /// A condition that is not negated: undefined and false are the same, but
    /// not in what it is made of.
    fn condition(&mut self, expr: &Expr, first: &mut Vec<String>) {
        match expr {
            Expr::Call { fcn, .. } if path_of(fcn).is_some_and(|path| path == ["print"]) => {
                let range = range(expr.span());
                let text = "true".to_owned();
                self.edits.push(Edit { start: range.start, end: range.end, text });
            }
            Expr::Membership { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|e| self.value(e, first));
            }
            _ => self.value(expr, first),
        }
    }

    /// What a negation is about.
    fn negated(&mut self, expr: &Expr, first: &mut Vec<String>) {
        match expr {
            Expr::Call { params, .. } => params.iter().for_each(|p| self.argument(p, first)),
            Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } | Expr::AssignExpr { lhs, rhs, .. } => {
                [lhs, rhs].into_iter().for_each(|side| self.stays(side, first));
            }
            Expr::BoolExpr { .. }
            | Expr::ArithExpr { .. }
            | Expr::BinExpr { .. }
            | Expr::UnaryExpr { .. }
            | Expr::Membership { .. } => {
                children(expr).into_iter().for_each(|e| self.argument(e, first));
            }
            _ => self.stays(expr, first),
        }
    }

    /// A term that stays inside the negation, less what is nested in it.
    fn stays(&mut self, expr: &Expr, first: &mut Vec<String>) {
        match expr {
            Expr::RefDot { .. } | Expr::RefBrack { .. } => self.brackets(expr, first),
            Expr::Var { .. } => {}
            _ => self.argument(expr, first),
        }
    }

    /// What stands in the brackets of a reference, and what it refers into.
    fn brackets(&mut self, expr: &Expr, first: &mut Vec<String>) {
        match expr {
            Expr::RefDot { refr, .. } => self.brackets(refr, first),
            Expr::RefBrack { refr, index, .. } => {
                self.brackets(refr, first);
                self.argument(index, first);
            }
            Expr::Var { .. } => {}
            _ => self.argument(expr, first),
        }
    }

    /// A term that OPA evaluates first.
    fn argument(&mut self, expr: &Expr, first: &mut Vec<String>) {
        match expr {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
            Expr::Var { span, .. } => {
                if self.globals.contains(span.text()) {
                    self.lift(expr, first);
                }
            }
            Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.brackets(expr, first);
                self.lift(expr, first);
            }
            Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => {
                children(expr).into_iter().for_each(|e| self.argument(e, first));
            }
            Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => {
                self.value(expr, first);
            }
            Expr::Call { fcn, params, .. } if is_walk(fcn, params.len()) => {
                params.iter().for_each(|e| self.argument(e, first));
                self.walk(expr, first);
            }
            Expr::Call { .. }
            | Expr::UnaryExpr { .. }
            | Expr::BinExpr { .. }
            | Expr::BoolExpr { .. }
            | Expr::ArithExpr { .. }
            | Expr::AssignExpr { .. }
            | Expr::Membership { .. } => {
                children(expr).into_iter().for_each(|e| self.argument(e, first));
                self.lift(expr, first);
            }
        }
    }

    /// `walk(x)` gives one pair after another. The engine knows that only where
    /// the pair is an argument: `walk(x, pair)`.
    fn walk(&mut self, expr: &Expr, first: &mut Vec<String>) {
        self.lift(expr, first);
        if let (Some(lifted), Some(name)) = (first.pop(), self.edits.last().map(|e| &e.text)) {
            let call = lifted.split_once(" := ").map_or("", |(_, call)| call);
            let open = call.strip_suffix(')').unwrap_or(call);
            first.push(format!("{open}, {name})"));
        }
    }

    /// A term outside of a negation, whose value is used: the sides of each
    /// `in` are evaluated first.
    fn value(&mut self, expr: &Expr, first: &mut Vec<String>) {
        let mut tail = Vec::new();
        let query = match expr {
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.value(term, &mut tail);
                query
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.value(key, &mut tail);
                self.value(value, &mut tail);
                query
            }
            Expr::Membership { .. } => {
                children(expr).into_iter().for_each(|e| self.argument(e, first));
                return;
            }
            Expr::Call { fcn, params, .. } if is_walk(fcn, params.len()) => {
                params.iter().for_each(|e| self.value(e, first));
                self.walk(expr, first);
                return;
            }
            _ => {
                children(expr).into_iter().for_each(|e| self.value(e, first));
                return;
            }
        };
        self.query(query, tail);
    }

    /// Puts an expression, with what was changed in it, before the statement
    /// and a name in its place.
    fn lift(&mut self, expr: &Expr, first: &mut Vec<String>) {
        let range = range(expr.span());
        let text = apply(self.text, range.clone(), &self.edits);
        self.edits.retain(|e| !(range.start <= e.start && e.end <= range.end));
        self.count += 1;
        let name = format!("{}{}", self.prefix, self.count);
        first.push(format!("{name} := {text}"));
        self.edits.push(Edit { start: range.start, end: range.end, text: name });
    }
}

/// Whether a head makes an object member by member: a part of it is no constant.
fn is_partial(refr: &Expr) -> bool {
    match refr {
        Expr::RefDot { refr, .. } => is_partial(refr),
        Expr::RefBrack { refr, index, .. } => constant(index).is_none() || is_partial(refr),
        _ => false,
    }
}

fn is_walk(fcn: &Expr, arguments: usize) -> bool {
    arguments == 1 && path_of(fcn).is_some_and(|path| path == ["walk"])
}

/// What an expression is made of, without the bodies of comprehensions.
fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. }
        | Expr::ArrayCompr { .. }
        | Expr::SetCompr { .. }
        | Expr::ObjectCompr { .. } => Vec::new(),
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().map(AsRef::as_ref).collect()
        }
        Expr::Object { fields, .. } => {
            fields.iter().flat_map(|(_, k, v)| [k.as_ref(), v.as_ref()]).collect()
        }
        Expr::Call { params, .. } => params.iter().map(AsRef::as_ref).collect(),
        Expr::UnaryExpr { expr, .. } | Expr::RefDot { refr: expr, .. } => vec![expr.as_ref()],
        Expr::RefBrack { refr: lhs, index: rhs, .. }
        | Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => vec![lhs.as_ref(), rhs.as_ref()],
        Expr::Membership { key, value, collection, .. } => {
            key.iter().chain([value, collection]).map(AsRef::as_ref).collect()
        }
    }
}
