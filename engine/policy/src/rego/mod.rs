//! Templates' Rego, made such that the engine decides as OPA does.
//!
//! ```text
//! text ─▶ shape (tokens) ─▶ the engine's own parser ─▶ hoist (tree, by span) ─▶ text
//! ```
//!
//! regorus 0.14.1 and OPA 1.10 differ on some modules: silently, where what OPA
//! evaluates before a negation is undefined, and with errors, where the parser
//! is stricter. Both passes rewrite the text only where they must, so that the
//! rest reaches the engine as it was written.

mod hoist;
mod inventory;
mod shape;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::ops::Range;

use regorus::Source;
use regorus::unstable::{BUILTINS, Expr, Module as Tree, Parser, Span};

use crate::guard::{REFUSED, walk};
use crate::module::{is_function, path_of, rules_of, split_error};

pub use inventory::{Inventory, KindRead};

/// The longest line: a rewritten one has what goes before it on the same line.
pub const MAX_COL: NonZeroU32 = NonZeroU32::MIN.saturating_add(1 << 16);

/// What is wrong with a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In the module, from 1.
    pub line: Option<u32>,
    /// One clause.
    pub text: String,
}

impl Problem {
    /// Line and text of what the engine says.
    #[must_use]
    pub fn from_engine(error: &impl std::fmt::Display) -> Self {
        let (line, text) = split_error(&error.to_string());
        Self { line, text }
    }
}

/// A module that was written for OPA.
#[derive(Debug)]
pub struct Module {
    text: String,
    package: Vec<String>,
    tree: Tree,
}

/// What can be called besides what the engine has built in.
#[derive(Debug, Clone, Default)]
pub struct Functions {
    /// Defined by modules: their path below `data`.
    pub defined: BTreeSet<Vec<String>>,
    /// Added to the engine, such as `re_match`.
    pub added: &'static [&'static str],
}

impl Module {
    /// Parses a module, written in version 1 of the language or in the one
    /// before. It may import version 1 or some of its keywords.
    ///
    /// # Errors
    /// [`Problem`] if the engine cannot parse it.
    pub fn parse(text: &str, v1: bool) -> Result<Self, Problem> {
        let source = |text: &str| {
            Source::from_contents("rego".to_owned(), text.to_owned())
                .map_err(|e| Problem::from_engine(&e))
        };
        let text = shape::mend(&source(text)?, text, v1)?;
        let source = source(&text)?;
        let mut parser = Parser::new(&source).map_err(|e| Problem::from_engine(&e))?;
        parser.set_max_col(MAX_COL);
        if v1 {
            parser.enable_rego_v1().map_err(|e| Problem::from_engine(&e))?;
        }
        let tree = parser.parse().map_err(|e| Problem::from_engine(&e))?;
        let line = Some(tree.package.span.line);
        let package = path_of(&tree.package.refr)
            .ok_or(Problem { line, text: "the package name is not a path".to_owned() })?;
        Ok(Self { text, package, tree })
    }

    /// The segments of its package, without `data`.
    #[must_use]
    pub fn package(&self) -> &[String] {
        &self.package
    }

    /// The names of its rules below the package, and whether each is a function.
    pub fn rules(&self) -> impl Iterator<Item = (Vec<String>, bool)> {
        rules_of(&self.tree).map(|(path, rule)| (path, is_function(rule)))
    }

    /// What it reads of `data.inventory`.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        inventory::of(&self.tree)
    }

    /// The text for the engine: what OPA evaluates before a negation, or makes
    /// undefined beside `in`, stands before it; `print` is gone.
    ///
    /// # Errors
    /// [`Problem`] at the first call of something that neither `functions` nor
    /// the engine have, or that is refused, such as `http.send`; and at what
    /// cannot be rewritten.
    pub fn rewritten(&self, functions: &Functions) -> Result<String, Problem> {
        self.check_calls(functions)?;
        hoist::hoist(&self.text, &self.tree)
    }

    fn check_calls(&self, functions: &Functions) -> Result<(), Problem> {
        let mut found = Ok(());
        for rule in &self.tree.policy {
            walk::rule(rule, &mut |node| {
                if let walk::Node::Expr(Expr::Call { fcn, span, .. }) = node
                    && found.is_ok()
                    && let Err(text) = self.call(fcn, functions)
                {
                    found = Err(Problem { line: Some(span.line), text });
                }
            });
        }
        found
    }

    fn call(&self, fcn: &Expr, functions: &Functions) -> Result<(), String> {
        let path = path_of(fcn).ok_or("a call of something that is not a name")?;
        let name = path.join(".");
        let own: Vec<String> = self.package.iter().chain(&path).cloned().collect();
        let absolute = self.absolute(&path);
        if functions.defined.contains(&own) || functions.defined.contains(&absolute) {
            return Ok(());
        }
        if let Some((_, why, _)) = REFUSED.iter().find(|(refused, ..)| *refused == name)
            && !matches!(name.as_str(), "print" | "trace")
        {
            return Err(format!("`{name}` is refused: {why}"));
        }
        let known = BUILTINS.contains_key(name.as_str())
            || functions.added.contains(&name.as_str())
            || name == "print";
        if known { Ok(()) } else { Err(format!("unknown function `{name}`")) }
    }

    /// A path below `data`, with the alias of an import resolved.
    fn absolute(&self, path: &[String]) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        if first == "data" {
            return rest.to_vec();
        }
        let import = self.tree.imports.iter().find(|i| match &i.r#as {
            Some(alias) => alias.text() == first,
            None => path_of(&i.refr).and_then(|p| p.last().cloned()).as_ref() == Some(first),
        });
        let import = import.and_then(|i| path_of(&i.refr)).unwrap_or_default();
        import.into_iter().skip(1).chain(rest.iter().cloned()).collect()
    }
}

/// A change of text: what stands in a range becomes something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edit {
    start: usize,
    end: usize,
    text: String,
}

impl Edit {
    fn insert(at: usize, text: String) -> Self {
        Self { start: at, end: at, text }
    }
}

/// The text of a range with edits made in it. They do not overlap; of those at
/// one place, the earlier in the list comes first, insertions before all.
fn apply(text: &str, range: Range<usize>, edits: &[Edit]) -> String {
    let mut edits: Vec<&Edit> =
        edits.iter().filter(|e| range.start <= e.start && e.end <= range.end).collect();
    edits.sort_by_key(|e| (e.start, e.end));
    let mut out = String::new();
    let mut from = range.start;
    for edit in edits {
        out.push_str(text.get(from..edit.start).unwrap_or_default());
        out.push_str(&edit.text);
        from = edit.end;
    }
    out.push_str(text.get(from..range.end).unwrap_or_default());
    out
}

fn range(span: &Span) -> Range<usize> {
    let at = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    at(span.start)..at(span.end)
}

#[cfg(test)]
mod tests;
