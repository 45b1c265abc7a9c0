//! What a rule may not contain, checked when it is loaded.
//!
//! - Builtins that are not deterministic, leave the process, print, or do not
//!   exist in this engine. The engine itself would find a missing one only when
//!   a rule first calls it, and gives undefined for some.
//! - Negations that this engine decides otherwise than OPA. OPA moves reference
//!   arguments of a call out of `not f(x.missing)`, so that the body is
//!   undefined; regorus 0.14.1 sees an undefined call and makes the negation
//!   **true**. Rules about missing attributes would silently flip. So whatever
//!   OPA would move out must be surely defined ([`scope`]); all else is refused
//!   with the rewrite. Comparisons with `==` are not moved by OPA and agree.
//! - `x.missing in {…}` where its value is used: OPA makes it undefined and this
//!   engine **false**, so that `false` would be recorded of what is unknown. What
//!   stands on either side must be surely defined, unless the `in` is a
//!   condition of a body: undefined and false both fail it.
//!
//! The check walks the engine's own syntax tree, see [`crate::module`].

mod scope;
pub(crate) mod walk;

use regorus::unstable::{BUILTINS, BoolOp, Expr, Literal};

use crate::bundle::Bundle;
use crate::error::Fault;
use crate::metadata::Rule;
use crate::module::{Module, constant, path_of};
use scope::{Index, Names};

/// Builtins that are refused, each with why and what instead.
pub(crate) const REFUSED: &[(&str, &str, &str)] = &[
    ("http.send", "rules do not use the network", "collect the fact as a kind of its own"),
    ("net.lookup_ip_addr", "rules do not use the network", "collect the fact as a kind"),
    ("time.now_ns", "rules do not read the clock", "set `time: true` and read `input.now`"),
    ("rand.intn", "rules must be deterministic", "remove it"),
    ("uuid.rfc4122", "rules must be deterministic", "remove it"),
    ("opa.runtime", "rules do not see the process they run in", "use `input.parameters`"),
    ("trace", "rules do not print", "remove it; use cases to look into a rule"),
    ("print", "rules do not print", "remove it; use cases to look into a rule"),
    ("rego.parse_module", "rules do not read rules", "remove it"),
];

/// Checks all modules of all bundles, tests included.
pub(crate) fn check(bundles: &[Bundle], rules: &[Rule]) -> Result<(), Vec<Fault>> {
    let index = Index::new(bundles, rules);
    let mut faults = Vec::new();
    for bundle in bundles {
        for module in &bundle.modules {
            let names = Names::new(&index, module);
            Guard { bundle: &bundle.name, module, names, faults: &mut faults }.module();
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

struct Guard<'a> {
    bundle: &'a str,
    module: &'a Module,
    names: Names<'a>,
    faults: &'a mut Vec<Fault>,
}

impl Guard<'_> {
    fn module(&mut self) {
        let module = self.module;
        for rule in &module.tree.policy {
            self.names.enter(rule);
            // Handed out right after the literal that it is the whole of.
            let mut condition: Option<&Expr> = None;
            walk::rule(rule, &mut |node| match node {
                walk::Node::Expr(expr) => {
                    self.call(expr);
                    if !condition.is_some_and(|c| std::ptr::eq(c, expr)) {
                        self.membership(expr);
                    }
                }
                walk::Node::Literal(Literal::NotExpr { expr, .. }) => {
                    condition = Some(expr);
                    self.negation(expr);
                }
                walk::Node::Literal(Literal::Expr { expr, .. }) => condition = Some(expr),
                walk::Node::Literal(
                    Literal::SomeVars { .. } | Literal::SomeIn { .. } | Literal::Every { .. },
                ) => {}
            });
        }
    }

    fn fault(&mut self, line: u32, problem: String, hint: String) {
        let fault = Fault::new(self.bundle, &self.module.path, line, problem).hint(hint);
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// A call must name a builtin of this engine or a function of the bundles.
    fn call(&mut self, expr: &Expr) {
        let Expr::Call { fcn, .. } = expr else { return };
        let line = expr.span().line;
        let Some(path) = path_of(fcn) else {
            let hint = "call functions by name".to_owned();
            return self.fault(line, "a call of something that is not a name".to_owned(), hint);
        };
        let name = path.join(".");
        if self.names.function(&path) {
            return;
        }
        if let Some((_, why, instead)) = REFUSED.iter().find(|(refused, ..)| *refused == name) {
            return self.fault(line, format!("`{name}` is refused: {why}"), (*instead).to_owned());
        }
        if name.starts_with("time.") && names_local_zone(expr) {
            let problem = "the time zone `Local` is that of the machine".to_owned();
            return self.fault(line, problem, "name the zone, such as `UTC`".to_owned());
        }
        if !BUILTINS.contains_key(name.as_str()) {
            let hint = "it is neither defined in the bundles nor built in; \
                        a `(` at the start of a line continues the line before";
            self.fault(line, format!("unknown function `{name}`"), hint.to_owned());
        }
    }

    /// What OPA would move out of a negation must be surely defined.
    fn negation(&mut self, expr: &Expr) {
        let mut doubtful = Vec::new();
        self.moved_out(expr, &mut doubtful);
        for part in doubtful {
            let (text, line) = (one_line(part.span().text()), part.span().line);
            let problem = format!(
                "`{text}` under `not` may be undefined, and then this engine takes the negation for true"
            );
            let hint = if matches!(part, Expr::Call { .. }) {
                format!("call it first: `x := {text}`, then use `x` under `not`")
            } else {
                format!(
                    "bind it first: `x := {text}`, then use `x` under `not`; \
                     or decide with `object.get` what stands for absent"
                )
            };
            self.fault(line, problem, hint);
        }
    }

    /// Both sides of an `in` whose value is used must be surely defined.
    fn membership(&mut self, expr: &Expr) {
        let Expr::Membership { key, value, collection, .. } = expr else { return };
        let mut doubtful = Vec::new();
        key.iter().chain([value, collection]).for_each(|p| self.operand(p, &mut doubtful));
        for part in doubtful {
            let (text, line) = (one_line(part.span().text()), part.span().line);
            let problem = format!(
                "`{text}` beside `in` may be undefined, and then this engine takes `in` for false"
            );
            let hint = format!(
                "bind it first, in the body: `x := {text}`, then use `x`; \
                 or make the `in` a condition of its own"
            );
            self.fault(line, problem, hint);
        }
    }

    /// Finds what of a negated expression OPA evaluates before it and is not
    /// surely defined.
    fn moved_out<'e>(&self, expr: &'e Expr, doubtful: &mut Vec<&'e Expr>) {
        match expr {
            Expr::Call { params, .. } => {
                params.iter().for_each(|p| self.operand(p, doubtful));
            }
            Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } | Expr::AssignExpr { lhs, rhs, .. } => {
                // A reference as a whole stays in; what is nested does not.
                [lhs, rhs].into_iter().for_each(|side| self.stays(side, doubtful));
            }
            Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::BinExpr { lhs, rhs, .. } => {
                [lhs, rhs].into_iter().for_each(|side| self.operand(side, doubtful));
            }
            Expr::Membership { key, value, collection, .. } => {
                let parts = key.iter().chain([value, collection]);
                parts.for_each(|p| self.operand(p, doubtful));
            }
            _ => self.stays(expr, doubtful),
        }
    }

    /// A term that stays inside the negation: only what is nested in it counts.
    fn stays<'e>(&self, expr: &'e Expr, doubtful: &mut Vec<&'e Expr>) {
        match expr {
            Expr::RefDot { refr, .. } => self.stays(refr, doubtful),
            Expr::RefBrack { refr, index, .. } => {
                self.stays(refr, doubtful);
                self.operand(index, doubtful);
            }
            Expr::Var { .. } => {}
            _ => self.operand(expr, doubtful),
        }
    }

    fn operand<'e>(&self, expr: &'e Expr, doubtful: &mut Vec<&'e Expr>) {
        self.names.doubtful(expr, doubtful);
    }
}

fn names_local_zone(expr: &Expr) -> bool {
    let mut found = false;
    walk::expr(expr, &mut |node| {
        if let walk::Node::Expr(expr) = node {
            found |= constant(expr) == Some("Local");
        }
    });
    found
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
