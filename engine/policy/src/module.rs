//! One Rego file: its text, its syntax tree and where it stands.
//!
//! The tree is the engine's own (`regorus::unstable`, which its authors may
//! change; the version is pinned exactly). A parser of our own would see other
//! programs than the ones that run.

use regorus::unstable::{Expr, Module as Tree, Parser, Rule as RuleNode, RuleHead, Span};
use regorus::{Source, Value};

use crate::error::Fault;

/// A parsed Rego file.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tree: Tree,
    /// The segments of its package, without `data`.
    pub(crate) package: Vec<String>,
}

impl Module {
    pub(crate) fn parse(bundle: &str, path: &str, text: &str) -> Result<Self, Fault> {
        let fault = |e: anyhow_like::Error| {
            let text = e.to_string();
            let (line, problem) = split_error(&text);
            Fault::new(bundle, path, line, problem)
        };
        let source =
            Source::from_contents(path.to_owned(), text.to_owned()).map_err(|e| fault(e.into()))?;
        let mut parser = Parser::new(&source).map_err(|e| fault(e.into()))?;
        parser.enable_rego_v1().map_err(|e| fault(e.into()))?;
        let tree = parser.parse().map_err(|e| fault(e.into()))?;
        let line = tree.package.span.line;
        let package = path_of(&tree.package.refr)
            .ok_or_else(|| Fault::new(bundle, path, line, "the package name is not a path"))?;
        Ok(Self { path: path.to_owned(), text: text.to_owned(), tree, package })
    }

    /// Whether the file holds tests rather than rules.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("_test.rego")
    }

    /// The package with dots, without `data`.
    pub(crate) fn package_name(&self) -> String {
        self.package.join(".")
    }

    /// Each rule's path below the package, with the rule.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (Vec<String>, &RuleNode)> {
        rules_of(&self.tree)
    }

    /// The span of the first rule with this name that is not a function.
    pub(crate) fn defines(&self, name: &str) -> Option<&Span> {
        self.rules()
            .find(|(path, rule)| {
                matches!(path.as_slice(), [one] if one == name) && !is_function(rule)
            })
            .map(|(_, rule)| rule.span())
    }
}

/// Each rule's path below the package, with the rule.
pub(crate) fn rules_of(tree: &Tree) -> impl Iterator<Item = (Vec<String>, &RuleNode)> {
    tree.policy.iter().map(|rule| {
        let refr = match rule.as_ref() {
            RuleNode::Spec { head, .. } => match head {
                RuleHead::Compr { refr, .. }
                | RuleHead::Set { refr, .. }
                | RuleHead::Func { refr, .. } => refr,
            },
            RuleNode::Default { refr, .. } => refr,
        };
        (path_prefix(refr), rule.as_ref())
    })
}

/// Whether a rule is a function.
pub(crate) fn is_function(rule: &RuleNode) -> bool {
    match rule {
        RuleNode::Spec { head, .. } => matches!(head, RuleHead::Func { .. }),
        RuleNode::Default { args, .. } => !args.is_empty(),
    }
}

/// The engine reports errors as `anyhow::Error`, a type this crate does not
/// name otherwise.
mod anyhow_like {
    pub(super) type Error = Box<dyn std::error::Error + Send + Sync>;
}

/// Takes line and text out of the engine's message, whose first lines look
/// like `--> file:3:7` and whose last looks like `error: text`.
pub(crate) fn split_error(message: &str) -> (Option<u32>, String) {
    let line = message
        .lines()
        .find_map(|l| l.trim_start().strip_prefix("--> "))
        .and_then(|at| at.rsplit(':').nth(1))
        .and_then(|n| n.trim().parse().ok());
    let text = message
        .lines()
        .rev()
        .find_map(|l| l.trim_start().strip_prefix("error: "))
        .map_or_else(|| message.trim().replace('\n', " "), str::to_owned);
    (line, text)
}

/// A reference of constant names as a path: `a.b["c"]`.
pub(crate) fn path_of(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Var { span, .. } => Some(vec![span.text().to_owned()]),
        Expr::RefDot { refr, field, .. } => {
            let mut path = path_of(refr)?;
            path.push(field.0.text().to_owned());
            Some(path)
        }
        Expr::RefBrack { refr, index, .. } => {
            let mut path = path_of(refr)?;
            path.push(constant(index)?.to_owned());
            Some(path)
        }
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Array { .. }
        | Expr::Set { .. }
        | Expr::Object { .. }
        | Expr::ArrayCompr { .. }
        | Expr::SetCompr { .. }
        | Expr::ObjectCompr { .. }
        | Expr::Call { .. }
        | Expr::UnaryExpr { .. }
        | Expr::BinExpr { .. }
        | Expr::BoolExpr { .. }
        | Expr::ArithExpr { .. }
        | Expr::AssignExpr { .. }
        | Expr::Membership { .. } => None,
    }
}

/// The constant beginning of a reference, as for the head `p.q[x]`.
fn path_prefix(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => {
            path_of(expr).unwrap_or_else(|| path_prefix(refr))
        }
        _ => path_of(expr).unwrap_or_default(),
    }
}

/// The text of a string constant.
pub(crate) fn constant(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::String { value: Value::String(s), .. }
        | Expr::RawString { value: Value::String(s), .. } => Some(s),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_package_and_rules() {
        let m = Module::parse(
            "b",
            "x.rego",
            "package a.b[\"c-d\"]\nverdict := \"pass\"\np.q := 1\ns contains x if some x in [1]\nf(x) := x",
        )
        .unwrap();
        assert_eq!(m.package, ["a", "b", "c-d"]);
        let names: Vec<String> = m.rules().map(|(p, _)| p.join(".")).collect();
        assert_eq!(names, ["verdict", "p.q", "s", "f"]);
        assert_eq!(m.defines("verdict").unwrap().line, 2);
    }

    #[test]
    fn errors_name_the_line() {
        let fault = Module::parse("b", "x.rego", "package a\n\nverdict := := 1\n").unwrap_err();
        assert_eq!((fault.line, fault.file.as_str()), (Some(3), "x.rego"), "{fault}");
        assert!(!fault.problem.contains('\n'), "{fault}");
    }
}
