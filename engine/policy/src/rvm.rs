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
//! a function that raises an error unless it is one ([`crate::strict`]). There a name
//! for a part of the input gives way to that part, too, for speed.
//!
//! Two values: `verdict` may have several definitions. Two of them are undefined
//! on the RVM and then the answer is Abort, as with the interpreter. All other
//! complete rules and functions must have one definition, or the same constant
//! in all, and no loop that could give several.

mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use regorus::unstable::{Expr, Literal, LiteralStmt, Rule as Node, RuleAssign, RuleHead};

use crate::bundle::Bundle;
use crate::metadata::Rule;
use crate::module::{Module, is_function, path_of};
use reader::Reader;

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

#[cfg(test)]
mod tests;
