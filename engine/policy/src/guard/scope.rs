//! Which names and expressions are surely defined.
//!
//! Sure are constants, local variables (they are bound outside of a negation,
//! or the engine refuses the rule), comprehensions, sets, rules that always
//! have a value, data that is in the bundles, the parts of `input` that the
//! host always gives, and calls of builtins on sure arguments: builtins raise
//! errors here instead of becoming undefined.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use regorus::unstable::{Expr, Rule as Node, RuleHead};

use crate::bundle::{Bundle, DataFile};
use crate::metadata::{Input, Rule};
use crate::module::{Module, constant, is_function, path_of};

/// Builtins that give a value, or an error, whenever their arguments are
/// defined. Others may be undefined, such as `max([])`.
const TOTAL: &[&str] = &[
    "abs",
    "array.concat",
    "base64.decode",
    "base64.encode",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "format_int",
    "glob.match",
    "indexof",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "json.marshal",
    "json.unmarshal",
    "lower",
    "net.cidr_contains",
    "object.get",
    "object.union",
    "regex.match",
    "replace",
    "round",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "sum",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "upper",
];

/// What is defined where, over all bundles.
pub(super) struct Index<'a> {
    /// Functions, by path below `data`.
    functions: BTreeSet<Vec<String>>,
    /// Rules by path below `data`, and whether they always have a value.
    rules: BTreeMap<Vec<String>, bool>,
    data: Vec<&'a DataFile>,
    /// Rules with metadata, by package.
    judged: BTreeMap<&'a str, &'a Rule>,
}

impl<'a> Index<'a> {
    pub(super) fn new(bundles: &'a [Bundle], judged: &'a [Rule]) -> Self {
        let mut index = Self {
            functions: BTreeSet::new(),
            rules: BTreeMap::new(),
            data: bundles.iter().flat_map(|b| &b.data).collect(),
            judged: judged.iter().map(|r| (r.package.as_str(), r)).collect(),
        };
        let modules: Vec<&Module> = bundles.iter().flat_map(|b| &b.modules).collect();
        for module in &modules {
            for (name, rule) in module.rules() {
                let path: Vec<String> = module.package.iter().cloned().chain(name).collect();
                if is_function(rule) {
                    index.functions.insert(path);
                } else {
                    *index.rules.entry(path).or_default() |= always(rule);
                }
            }
        }
        // Constants of constants: once more, now that the first are known, as
        // long as that finds any.
        loop {
            let mut found = Vec::new();
            for module in &modules {
                let mut names = Names::new(&index, module);
                for (name, rule) in module.rules() {
                    let path: Vec<String> = module.package.iter().cloned().chain(name).collect();
                    names.enter(rule);
                    if index.rules.get(&path) == Some(&false) && names.unconditional(rule) {
                        found.push(path);
                    }
                }
            }
            if found.is_empty() {
                return index;
            }
            index.rules.extend(found.into_iter().map(|path| (path, true)));
        }
    }

    /// Whether the path below `data` is in a data file.
    fn in_data(&self, path: &[String]) -> bool {
        self.data.iter().any(|file| {
            let Some(rest) = path.strip_prefix(file.at.as_slice()) else {
                return file.at.starts_with(path);
            };
            let step =
                |v: &'a Value, name: &String| v.as_object().ok()?.get(&Value::from(name.as_str()));
            let mut at: Option<&Value> = Some(&file.value);
            for name in rest {
                at = at.and_then(|v| step(v, name));
            }
            at.is_some()
        })
    }
}

/// Sets, partial objects and rules with a default have a value, come what may.
fn always(rule: &Node) -> bool {
    match rule {
        Node::Default { .. } => true,
        Node::Spec { head, .. } => match head {
            RuleHead::Set { .. } => true,
            RuleHead::Compr { refr, .. } => {
                matches!(refr.as_ref(), Expr::RefBrack { index, .. } if constant(index).is_none())
            }
            RuleHead::Func { .. } => false,
        },
    }
}

/// What the names in one rule of a module mean.
pub(super) struct Names<'a> {
    index: &'a Index<'a>,
    package: &'a [String],
    /// Alias → path, whose first segment is `data` or `input`.
    imports: BTreeMap<String, Vec<String>>,
    rule: Option<&'a Rule>,
    /// Names that the rule binds itself.
    locals: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(super) fn new(index: &'a Index<'a>, module: &'a Module) -> Self {
        let mut imports = BTreeMap::new();
        for import in &module.tree.imports {
            let Some(path) = path_of(&import.refr) else { continue };
            let alias = match &import.r#as {
                Some(span) => Some(span.text().to_owned()),
                None => path.last().cloned(),
            };
            if let (Some(alias), Some("data" | "input")) = (alias, path.first().map(String::as_str))
            {
                imports.insert(alias, path);
            }
        }
        let rule = index.judged.get(module.package_name().as_str()).copied();
        Self { index, package: &module.package, imports, rule, locals: BTreeSet::new() }
    }

    /// Turns to a rule: gathers the arguments of a function.
    pub(super) fn enter(&mut self, rule: &Node) {
        self.locals.clear();
        if let Node::Spec { head: RuleHead::Func { args, .. }, .. } = rule {
            for arg in args {
                super::walk::expr(arg, &mut |node| {
                    if let super::walk::Node::Expr(Expr::Var { span, .. }) = node {
                        self.locals.insert(span.text().to_owned());
                    }
                });
            }
        }
    }

    /// Whether a call of this name calls a function of the bundles.
    pub(super) fn function(&self, path: &[String]) -> bool {
        self.global(path).is_some_and(|p| match p.split_first() {
            Some((root, rest)) => root == "data" && self.index.functions.contains(rest),
            None => false,
        })
    }

    /// The path from `data` or `input` that a reference names; `None` for a
    /// local variable.
    fn global(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        if self.locals.contains(first) {
            return None;
        }
        if let Some(import) = self.imports.get(first) {
            return Some(import.iter().chain(rest).cloned().collect());
        }
        if first == "data" || first == "input" {
            return Some(path.to_vec());
        }
        let own: Vec<String> = self.package.iter().chain([first]).cloned().collect();
        let known = self.index.functions.contains(&own)
            || self.index.rules.keys().any(|p| p.starts_with(&own));
        known.then(|| {
            ["data".to_owned()].into_iter().chain(own).chain(rest.iter().cloned()).collect()
        })
    }

    /// Collects the parts of an expression that may be undefined.
    pub(super) fn doubtful<'e>(&self, expr: &'e Expr, out: &mut Vec<&'e Expr>) {
        match expr {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
            | Expr::ArrayCompr { .. }
            | Expr::SetCompr { .. }
            | Expr::ObjectCompr { .. } => {}
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                let sure = path_of(expr).is_some_and(|path| match self.global(&path) {
                    None => path.len() == 1,
                    Some(global) => self.sure(&global),
                });
                if !sure {
                    out.push(expr);
                }
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().for_each(|i| self.doubtful(i, out));
            }
            Expr::Object { fields, .. } => fields.iter().for_each(|(_, k, v)| {
                self.doubtful(k, out);
                self.doubtful(v, out);
            }),
            Expr::Call { fcn, params, .. } => {
                let name = path_of(fcn).unwrap_or_default();
                if self.function(&name) || !TOTAL.contains(&name.join(".").as_str()) {
                    out.push(expr);
                } else {
                    params.iter().for_each(|p| self.doubtful(p, out));
                }
            }
            Expr::UnaryExpr { expr, .. } => self.doubtful(expr, out),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.doubtful(lhs, out);
                self.doubtful(rhs, out);
            }
            Expr::Membership { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|p| self.doubtful(p, out));
            }
        }
    }

    /// Whether a path from `data` or `input` always has a value.
    fn sure(&self, path: &[String]) -> bool {
        match path.split_first() {
            Some((root, [])) => root == "data" || root == "input",
            Some((root, rest)) if root == "data" => {
                self.index.rules.get(rest).copied().unwrap_or_default() || self.index.in_data(rest)
            }
            Some((_, rest)) => self.rule.is_some_and(|rule| given(rule, rest)),
            None => false,
        }
    }

    /// Whether a rule has no body and a value that is surely defined.
    fn unconditional(&self, rule: &Node) -> bool {
        let Node::Spec { head: RuleHead::Compr { assign, .. }, bodies, .. } = rule else {
            return false;
        };
        let mut doubtful = Vec::new();
        assign.iter().for_each(|a| self.doubtful(&a.value, &mut doubtful));
        doubtful.is_empty() && bodies.iter().all(|b| b.query.stmts.is_empty())
    }
}

/// Whether the host always gives a rule this part of its input.
fn given(rule: &Rule, path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (rule.input, path.as_slice()) {
        (_, ["parameters"]) => true,
        (_, ["parameters", name]) => rule.parameters.contains_key(*name),
        (_, ["now"]) => rule.time,
        (Input::Resource, ["resource" | "joined"]) => true,
        (Input::Resource, ["joined", name]) => rule.joins.iter().any(|j| j.name == *name),
        (Input::Resource, ["resource", member]) => {
            ["key", "kind", "region", "project", "name", "body"].contains(member)
        }
        (Input::Resource, ["resource", "body", pointer @ ..]) => {
            let required = |kind| {
                let pointers = rule.requires.get(kind).into_iter().flatten();
                // A pointer that exists proves all that leads to it.
                pointers.into_iter().any(|p| {
                    let mut segments = p.segments();
                    pointer.iter().all(|s| segments.next() == Some(*s))
                })
            };
            rule.meta.kinds.iter().all(required)
        }
        (Input::Region | Input::Subject, ["resources" | "absent"]) => true,
        (Input::Region | Input::Subject, ["resources", kind]) => {
            rule.meta.kinds.iter().any(|k| k.as_str() == *kind)
        }
        _ => false,
    }
}
