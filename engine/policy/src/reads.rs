//! Which rules see nothing of a resource but its body: they say the same of
//! resources with equal bodies.
//!
//! Told from the syntax: whatever stands in the modules of a rule's package, or
//! of a package that these may read, and begins with `input` must begin with
//! `input.resource.body`, `input.resource.kind`, `input.parameters` or
//! `input.joined`: what is joined is looked up by values of the body. Where a
//! function is called with `input` itself, its parameter is another name for
//! it. What is in doubt counts as seeing everything.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Rule as Node, RuleHead};

use crate::bundle::Bundle;
use crate::guard::walk;
use crate::metadata::{Input, Rule};
use crate::module::{Module, constant, is_function, path_of};

/// The parts of an input that equal bodies of one kind and region have in
/// common.
const COMMON: [&[&str]; 4] =
    [&["resource", "body"], &["resource", "kind"], &["parameters"], &["joined"]];

/// For each rule, whether it is one of them.
pub(crate) fn bodies_only(bundles: &[Bundle], rules: &[Rule]) -> Vec<bool> {
    let modules: Vec<&Module> =
        bundles.iter().flat_map(|b| &b.modules).filter(|m| !m.is_test()).collect();
    let mut functions = Functions::new(&modules);
    let packages = loop {
        let known = functions.given_input.len();
        let mut packages: BTreeMap<&[String], Reads> = BTreeMap::new();
        for module in &modules {
            packages.entry(&module.package).or_default().add(module, &mut functions);
        }
        // A function that is given the input may hand it on to others.
        if functions.given_input.len() == known {
            break packages;
        }
    };
    let one = |rule: &Rule| {
        let plain = rule.input == Input::Resource && !rule.time;
        let own = packages.keys().find(|p| p.join(".") == rule.package);
        plain && own.is_some_and(|own| all_common(&packages, own))
    };
    rules.iter().map(one).collect()
}

/// The functions of all packages, each by package and name in one path.
struct Functions {
    defined: BTreeSet<Vec<String>>,
    /// Those that are called with the input, with the place of that parameter.
    given_input: BTreeSet<(Vec<String>, usize)>,
}

impl Functions {
    fn new(modules: &[&Module]) -> Self {
        let defined = modules.iter().flat_map(|m| {
            let functions = m.rules().filter(|(_, rule)| is_function(rule));
            functions.map(|(name, _)| [m.package.clone(), name].concat())
        });
        Self { defined: defined.collect(), given_input: BTreeSet::new() }
    }
}

/// Whether a package, and all that it may read, reads common parts only.
fn all_common(packages: &BTreeMap<&[String], Reads>, own: &[String]) -> bool {
    let mut reached: BTreeSet<&[String]> = BTreeSet::new();
    let mut open = vec![own];
    while let Some(next) = open.pop() {
        let Some((next, reads)) = packages.get_key_value(next) else { continue };
        if !reached.insert(next) {
            continue;
        }
        if reads.other_input {
            return false;
        }
        for path in &reads.data {
            // `data.a.b` may be the package `a`, or hold the package `a.b.c`.
            let may_read = |p: &&&[String]| p.iter().zip(path).all(|(a, b)| a == b);
            open.extend(packages.keys().filter(may_read));
        }
    }
    true
}

/// What the modules of a package read.
#[derive(Default)]
struct Reads {
    /// Something of the input that is not in [`COMMON`].
    other_input: bool,
    /// Below `data`, as far as it is constant.
    data: BTreeSet<Vec<String>>,
}

impl Reads {
    fn add(&mut self, module: &Module, functions: &mut Functions) {
        let mut imports = BTreeMap::new();
        for import in &module.tree.imports {
            let Some(path) = path_of(&import.refr) else {
                self.other_input = true;
                continue;
            };
            let alias = import.r#as.as_ref().map(|span| span.text().to_owned());
            let Some(alias) = alias.or_else(|| path.last().cloned()) else { continue };
            self.path(&path);
            imports.insert(alias, path);
        }
        for (name, rule) in module.rules() {
            let function = [module.package.clone(), name].concat();
            self.rule(module, rule, &function, &imports, functions);
        }
    }

    fn rule(
        &mut self,
        module: &Module,
        rule: &Node,
        name: &[String],
        imports: &BTreeMap<String, Vec<String>>,
        functions: &mut Functions,
    ) {
        // Of `input.a.b`, the parts `input.a` and `input` are handed out too;
        // they are no references of their own.
        let mut parts: BTreeSet<*const Expr> = BTreeSet::new();
        let mut input = BTreeSet::from(["input".to_owned()]);
        if let Node::Spec { head: RuleHead::Func { args, .. }, .. } = rule {
            for (n, arg) in args.iter().enumerate() {
                let given = functions.given_input.contains(&(name.to_vec(), n));
                match arg.as_ref() {
                    Expr::Var { span, .. } => {
                        parts.insert(std::ptr::from_ref(arg.as_ref()));
                        if given {
                            input.insert(span.text().to_owned());
                        }
                    }
                    _ => self.other_input |= given,
                }
            }
        }
        let resolve = |path: Vec<String>| match path.first() {
            Some(first) if input.contains(first) => {
                let rest = path.get(1..).unwrap_or_default();
                [&["input".to_owned()], rest].concat()
            }
            Some(first) => match imports.get(first) {
                Some(imported) => [imported, path.get(1..).unwrap_or_default()].concat(),
                None => path,
            },
            None => path,
        };
        walk::rule(rule, &mut |node| {
            let walk::Node::Expr(expr) = node else { return };
            match expr {
                Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. }
                    if !parts.contains(&std::ptr::from_ref(expr)) =>
                {
                    self.path(&resolve(reference(expr, &mut parts)));
                }
                Expr::Call { fcn, params, .. } => {
                    let path = resolve(reference(fcn, &mut parts));
                    self.path(&path);
                    let function = match path.split_first() {
                        Some((root, rest)) if root == "data" => rest.to_vec(),
                        Some(_) | None => [module.package.clone(), path].concat(),
                    };
                    for (n, param) in params.iter().enumerate() {
                        let Expr::Var { span, .. } = param.as_ref() else { continue };
                        // A builtin sees all that it is given.
                        if input.contains(span.text()) && functions.defined.contains(&function) {
                            parts.insert(std::ptr::from_ref(param.as_ref()));
                            functions.given_input.insert((function.clone(), n));
                        }
                    }
                }
                _ => {}
            }
        });
    }

    fn path(&mut self, path: &[String]) {
        let Some((root, rest)) = path.split_first() else { return };
        let begins = |with: &&[&str]| {
            rest.len() >= with.len() && rest.iter().zip(with.iter()).all(|(a, b)| a == b)
        };
        match root.as_str() {
            "input" => self.other_input |= !COMMON.iter().any(begins),
            "data" => {
                self.data.insert(rest.to_vec());
            }
            _ => {}
        }
    }
}

/// The constant beginning of a reference; notes its inner parts.
fn reference(expr: &Expr, parts: &mut BTreeSet<*const Expr>) -> Vec<String> {
    let (refr, segment) = match expr {
        Expr::Var { span, .. } => return vec![span.text().to_owned()],
        Expr::RefDot { refr, field, .. } => (refr, Some(field.0.text().to_owned())),
        Expr::RefBrack { refr, index, .. } => (refr, constant(index).map(str::to_owned)),
        _ => return Vec::new(),
    };
    parts.insert(std::ptr::from_ref(refr.as_ref()));
    let inner =
        matches!(refr.as_ref(), Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. });
    if !inner {
        // `f(x).y`: what stands inside is handed out by itself.
        return Vec::new();
    }
    let depth = depth(refr);
    let mut path = reference(refr, parts);
    // After something that is not constant, nothing is.
    if path.len() == depth {
        path.extend(segment);
    }
    path
}

/// How many segments a reference has.
fn depth(expr: &Expr) -> usize {
    match expr {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => 1 + depth(refr),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use crate::ruleset::tests::compile;

    const LIB: &str = "package lib.names\nimport rego.v1\n\
        name := input.resource.name\n\
        bad(body) if body.x == 1\n";

    const OTHER: &str = "package lib.bodies\nimport rego.v1\n\
        bad(body) if body.x == input.parameters.x\n\
        worse if bad(input.resource.body)\n\
        exempt(asked) if listed(asked, asked.parameters.names)\n\
        listed(given, names) if given.resource.body.namespace in names\n\
        own(given) if given.resource.body.x\n";

    const HANDS_ON: &str = "package lib.handing\nimport rego.v1\n\
        on(asked) if named(1, asked)\n\
        named(_, given) if given.resource.name == \"x\"\n\
        first([a, _]) if a\n";

    /// Whether a rule with this condition sees nothing but the body.
    #[track_caller]
    fn check(head: &str, condition: &str, expected: bool) {
        let rule = format!(
            "# METADATA\n# title: t\n# custom:\n#   id: r\n#   severity: low\n#   input: resource\n\
             #   kinds: [a.b]\n{head}verdict := \"pass\" if {{ {condition} }}\n\
             violations contains {{\"message\": \"m\"}} if false\n"
        );
        let files = [
            ("r.rego", rule.as_str()),
            ("lib.rego", LIB),
            ("other.rego", OTHER),
            ("on.rego", HANDS_ON),
        ];
        let set = compile(&files).unwrap();
        assert_eq!(set.bodies_only, [expected], "{condition}");
    }

    #[test]
    fn tells_bodies_from_the_rest() {
        let head = "package p\nimport rego.v1\n";
        for same in [
            "input.resource.body.x == 1",
            "input[\"resource\"][\"body\"]",
            "input.resource.body[_].y[input.parameters.z]",
            "some k, v in input.resource.body; k == input.resource.kind; v",
            "data.lib.bodies.worse",
            "count(input.joined.x) == 1",
            "data.lib.bodies.bad(input.resource.body)",
            "data.lib.bodies.exempt(input)",
            "not data.lib.bodies.exempt(input)",
            "count([b | some b in input.resource.body]) == 1",
        ] {
            check(head, same, true);
        }
        for different in [
            "input.resource.key == \"x\"",
            "input.resource.body.x == input.resource.name",
            "object.get(input, \"x\", 1) == 1",
            "object.get(input.resource, \"name\", 1) == 1",
            "x := \"name\"; input.resource[x]",
            "json.marshal(input) == \"x\"",
            "data.lib.names.bad(input.resource.body)",
            "data.lib[x].name; x",
            "data.lib.handing.on(input)",
            "data.lib.handing.first(input)",
            "x := input; data.lib.bodies.exempt(x)",
            "data.lib.bodies.exempt([input])",
            "data.lib.names.name",
            "some x in [y | y := input.resource.name]; x",
            "every x in [1] { x == input.resource.project }",
            "f(input.resource) == 1",
        ] {
            let head = format!("{head}f(x) := 1 if x\n");
            check(&head, different, false);
        }
        let import = "package p\nimport rego.v1\nimport data.lib.names\n";
        check(import, "names.bad(input.resource.body)", false);
        let import = "package p\nimport rego.v1\nimport data.lib.bodies as b\n";
        check(import, "b.bad(input.resource.body)", true);
        let import = "package p\nimport rego.v1\nimport input.resource as r\n";
        check(import, "r.body.x == 1", false);
    }

    #[test]
    fn time_is_more_than_a_body() {
        let rule = |more: &str| {
            format!(
                "# METADATA\n# title: t\n# custom:\n#   id: r\n#   severity: low\n\
                 #   input: resource\n#   kinds: [a.b]\n{more}package p\nimport rego.v1\n\
                 verdict := \"pass\" if input.resource.body.x\n\
                 violations contains {{\"message\": \"m\"}} if false\n"
            )
        };
        let one = |more: &str| compile(&[("r.rego", &rule(more))]).unwrap().bodies_only;
        assert_eq!(one(""), [true]);
        assert_eq!(one("#   time: true\n"), [false]);
        assert_eq!(one("#   joins: [{name: j, kind: a.c, key: /x}]\n"), [true]);
    }
}
