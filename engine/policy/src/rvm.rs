//! Which rules the RVM may judge, and the text it is given for them.
//!
//! Seen with regorus 0.14.1, where the RVM goes on silently and the
//! interpreter does as OPA does:
//!
//! - `x := f(1)` holds in a body where `f(1)` is undefined, so that what only
//!   a defined `x` should reach is reached.
//! - Array and object comprehensions keep entries whose value is undefined.
//! - `else` is not tried after a body that failed in a loop or a lookup.
//! - A rule or function with two values is undefined instead of an error.
//! - `some x in 5` is an empty loop instead of an error.
//!
//! Each can turn what cannot be judged into a pass. So the RVM judges only rules
//! made of what is listed here as right, together with all that they can reach;
//! everything else, and what is in doubt, is left to the interpreter, which
//! costs about twice as much. Two things are too common to give up and are
//! mended in the text that the RVM compiles: after `x := …` comes `[x]`, which
//! fails where `x` is undefined (unless a condition compares `x`, which fails
//! then too), and the collection of a `some … in` goes through
//! a function that raises an error unless it is one ([`crate::strict`]).
//!
//! Two values: `verdict` may have several definitions. Two of them are undefined
//! on the RVM and then the answer is Abort, as with the interpreter. All other
//! complete rules and functions must have one definition, or the same constant
//! in all, and no loop that could give several.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use regorus::unstable::{
    AssignOp, BUILTINS, Expr, Literal, LiteralStmt, Rule as Node, RuleAssign, RuleBody, RuleHead,
};

use crate::bundle::Bundle;
use crate::metadata::Rule;
use crate::module::{Module, constant, is_function, path_of};
use crate::strict::COLLECTION;

/// What the RVM is given.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The packages of the rules that it judges.
    pub(crate) packages: BTreeSet<String>,
    /// `(path, text)` of these packages and all they reach.
    pub(crate) modules: Vec<(String, String)>,
}

/// Chooses the rules for the RVM.
pub(crate) fn choose(bundles: &[Bundle], rules: &[Rule]) -> Given {
    let mut packages: Packages<'_> = BTreeMap::new();
    for bundle in bundles {
        for module in bundle.modules.iter().filter(|m| !m.is_test()) {
            packages.entry(&module.package).or_default().push((&bundle.name, module));
        }
    }
    let judged: BTreeSet<&str> = rules.iter().map(|r| r.package.as_str()).collect();
    let mut read: BTreeMap<&[String], Option<Read<'_>>> = BTreeMap::new();
    for (package, modules) in &packages {
        let of_rule = judged.contains(package.join(".").as_str());
        read.insert(package, Read::new(&packages, modules, of_rule));
    }
    let mut given = Given::default();
    let mut taken: BTreeSet<&[String]> = BTreeSet::new();
    for package in packages.keys().filter(|p| judged.contains(p.join(".").as_str())) {
        let mut reached: BTreeSet<&[String]> = [*package].into();
        let mut open = vec![*package];
        let mut able = true;
        while let Some(next) = open.pop() {
            let Some(Some(found)) = read.get(next) else {
                able = false;
                break;
            };
            for other in &found.reached {
                // What another rule's `verdict` may be is not looked into.
                able &= !judged.contains(other.join(".").as_str());
                if reached.insert(other) {
                    open.push(other);
                }
            }
        }
        if able {
            given.packages.insert(package.join("."));
            taken.extend(reached);
        }
    }
    for found in taken.into_iter().filter_map(|p| read.remove(p)?) {
        given.modules.extend(found.texts);
    }
    given
}

/// Modules by package, each with the name of its bundle.
type Packages<'a> = BTreeMap<&'a [String], Vec<(&'a str, &'a Module)>>;

/// A package that consists of what the RVM gets right.
struct Read<'a> {
    texts: Vec<(String, String)>,
    reached: BTreeSet<&'a [String]>,
}

impl<'a> Read<'a> {
    /// `None` if there is anything in it that is not known to be right.
    fn new(
        packages: &Packages<'a>,
        modules: &[(&'a str, &'a Module)],
        of_rule: bool,
    ) -> Option<Self> {
        one_value_each(modules, of_rule)?;
        let mut names = BTreeSet::new();
        for (_, module) in modules {
            for (path, _) in module.rules() {
                // `p.q := 1` and `p[x] := 1` are parts of objects.
                let [name] = path.as_slice() else { return None };
                names.insert(name.clone());
            }
        }
        let collections = collections(modules);
        let parts = parts_of_input(modules);
        let mut read = Self { texts: Vec::new(), reached: BTreeSet::new() };
        for (bundle, module) in modules {
            let mut imports = BTreeMap::new();
            for import in &module.tree.imports {
                let path = path_of(&import.refr)?;
                let alias = match &import.r#as {
                    Some(span) => span.text().to_owned(),
                    None => path.last()?.clone(),
                };
                imports.insert(alias, path);
            }
            let mut reader = Reader {
                packages,
                names: &names,
                collections: &collections,
                parts: &parts,
                imports,
                locals: BTreeSet::new(),
                reached: &mut read.reached,
                edits: Vec::new(),
                added: 0,
            };
            for rule in &module.tree.policy {
                reader.rule(rule)?;
            }
            let (edits, added) = (reader.edits, reader.added);
            let text = edited(&module.text, edits)?;
            let path = format!("{bundle}/{}", module.path);
            let again = Module::parse(bundle, &module.path, &text).ok()?;
            let same = again.tree.policy.len() == module.tree.policy.len()
                && statements(&again) == statements(module) + added;
            if !same {
                return None;
            }
            read.texts.push((path, text));
        }
        Some(read)
    }
}

fn statements(module: &Module) -> usize {
    let of = |rule: &Node| match rule {
        Node::Spec { bodies, .. } => bodies.iter().map(|b| b.query.stmts.len()).sum(),
        Node::Default { .. } => 0,
    };
    module.tree.policy.iter().map(|r| of(r)).sum()
}

/// Puts pieces of text into the places of others. What is put before a piece comes
/// before what takes its place.
fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> Option<String> {
    edits.sort_by_key(|(at, _)| (at.start, at.end));
    let mut out = String::with_capacity(text.len() + edits.len() * 8);
    let mut from = 0;
    for (at, piece) in edits {
        out.push_str(text.get(from..at.start)?);
        out.push_str(&piece);
        from = at.end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}

/// Whether no complete rule or function can have two values.
fn one_value_each(modules: &[(&str, &Module)], of_rule: bool) -> Option<()> {
    let mut values: BTreeMap<String, BTreeSet<Option<&str>>> = BTreeMap::new();
    let mut many = BTreeSet::new();
    for (_, module) in modules {
        for (path, rule) in module.rules() {
            let [name] = path.as_slice() else { return None };
            let Node::Spec { head, bodies, .. } = rule else { return None };
            let assign = match head {
                RuleHead::Set { .. } => continue,
                RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => assign,
            };
            if of_rule && name == "verdict" && !is_function(rule) {
                continue;
            }
            let value = constant_value(assign.as_ref());
            let is_loop = |s: &LiteralStmt| matches!(s.literal, Literal::SomeIn { .. });
            if value.is_none() && bodies.iter().flat_map(|b| &b.query.stmts).any(is_loop) {
                return None;
            }
            let known = values.entry(name.clone()).or_default();
            if !known.is_empty() {
                many.insert(name.clone());
            }
            known.insert(value);
        }
    }
    let one = |name: &String| {
        values.get(name).is_some_and(|known| known.len() == 1 && !known.contains(&None))
    };
    many.iter().all(one).then_some(())
}

/// The text of a constant value; `true` is what a head without value means.
fn constant_value(assign: Option<&RuleAssign>) -> Option<&str> {
    let Some(assign) = assign else { return Some("true") };
    is_scalar(&assign.value).then(|| assign.value.span().text())
}

/// The names of rules without body whose value is written as a collection.
fn collections<'a>(modules: &[(&'a str, &'a Module)]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for rule in modules.iter().flat_map(|(_, m)| &m.tree.policy) {
        let Node::Spec { head, bodies, .. } = rule.as_ref() else { continue };
        let RuleHead::Compr { refr, assign: Some(assign), .. } = head else { continue };
        let plain = bodies.iter().all(|b| b.query.stmts.is_empty());
        if plain && is_collection(&assign.value) {
            found.extend(variable(refr));
        }
    }
    found
}

/// The rules of a package that name a part of the input and nothing else, such as
/// `body := input.resource.body`, with the text of that part.
///
/// To ask the RVM for a rule, though it knows the answer already, costs more than to
/// walk through the input again.
fn parts_of_input<'a>(modules: &[(&'a str, &'a Module)]) -> BTreeMap<&'a str, &'a str> {
    let mut found = BTreeMap::new();
    let mut several = BTreeSet::new();
    for rule in modules.iter().flat_map(|(_, m)| &m.tree.policy) {
        let (refr, part) = match rule.as_ref() {
            Node::Spec {
                head: RuleHead::Compr { refr, assign: Some(assign), .. }, bodies, ..
            } if bodies.iter().all(|b| b.query.stmts.is_empty()) => {
                (refr, part_of_input(&assign.value))
            }
            Node::Spec { head, .. } => match head {
                RuleHead::Compr { refr, .. }
                | RuleHead::Set { refr, .. }
                | RuleHead::Func { refr, .. } => (refr, None),
            },
            Node::Default { refr, .. } => (refr, None),
        };
        let Some(name) = variable(refr) else { continue };
        if part.is_none_or(|part| found.insert(name, part).is_some()) {
            several.insert(name);
        }
    }
    found.retain(|name, _| !several.contains(name));
    found
}

/// The text of an expression that is `input` and constant members below it.
fn part_of_input(expr: &Expr) -> Option<&str> {
    let mut at = expr;
    while let Expr::RefDot { refr, .. } = at {
        at = refr;
    }
    let from = at.span();
    let text = from.source.contents();
    let [start, end] = [from.start, expr.span().end].map(|n| usize::try_from(n).ok());
    let whole = text.get(start?..end?)?;
    (variable(at) == Some("input") && !whole.contains(char::is_whitespace)).then_some(whole)
}

fn is_collection(expr: &Expr) -> bool {
    matches!(expr, Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. })
}

/// Whether a condition compares the variable, which fails where it is undefined.
fn compares(statement: &LiteralStmt, name: &str) -> bool {
    let Literal::Expr { expr, .. } = &statement.literal else { return false };
    let Expr::BoolExpr { lhs, rhs, .. } = expr.as_ref() else { return false };
    [lhs, rhs].into_iter().any(|side| variable(side) == Some(name))
}

fn is_scalar(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
    )
}

fn variable(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Var { span, .. } => Some(span.text()),
        _ => None,
    }
}

/// Reads the rules of one module; everything gives `None` at the first thing
/// that is not known to be right.
struct Reader<'r, 'a> {
    packages: &'r Packages<'a>,
    /// What the package defines, over all its modules.
    names: &'r BTreeSet<String>,
    /// Those that are surely collections.
    collections: &'r BTreeSet<&'a str>,
    /// Those that name a part of the input, with its text.
    parts: &'r BTreeMap<&'a str, &'a str>,
    /// Alias → path.
    imports: BTreeMap<String, Vec<String>>,
    /// What the rule binds.
    locals: BTreeSet<String>,
    reached: &'r mut BTreeSet<&'a [String]>,
    /// Text to put into the place of other text.
    edits: Vec<(Range<usize>, String)>,
    /// How many statements that adds.
    added: usize,
}

impl Reader<'_, '_> {
    fn rule(&mut self, rule: &Node) -> Option<()> {
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

#[cfg(test)]
mod tests;
