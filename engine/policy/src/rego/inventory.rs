//! What a module reads of `data.inventory`, as far as its text tells.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Module as Tree};

use crate::guard::walk;
use crate::module::{constant, path_of};

/// What is read of the objects of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inventory {
    /// Nothing of others.
    Nothing,
    /// Only these.
    Kinds(BTreeSet<KindRead>),
    /// That cannot be told: any of it.
    Everything,
}

/// One kind that is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KindRead {
    /// Its `apiVersion`; any if absent.
    pub api_version: Option<String>,
    /// Its kind.
    pub kind: String,
}

impl Inventory {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (Self::Everything, _) | (_, Self::Everything) => Self::Everything,
            (Self::Kinds(mut kinds), Self::Kinds(more)) => {
                kinds.extend(more);
                Self::Kinds(kinds)
            }
        }
    }
}

/// One step of a reference: a constant, or anything.
type Step<'t> = Option<&'t str>;

pub(super) fn of(tree: &Tree) -> Inventory {
    let mut found = Inventory::Nothing;
    for import in &tree.imports {
        let path = path_of(&import.refr).unwrap_or_default();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if matches!(path.as_slice(), ["data"] | ["data", "inventory", ..]) {
            found = Inventory::Everything;
        }
    }
    // A reference is handed out before those it continues.
    let mut continued: BTreeSet<*const Expr> = BTreeSet::new();
    for rule in &tree.policy {
        walk::rule(rule, &mut |node| {
            let walk::Node::Expr(expr) = node else { return };
            let inner = continued.remove(&std::ptr::from_ref(expr));
            if let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = expr {
                continued.insert(std::ptr::from_ref(refr.as_ref()));
            }
            let mut steps = Vec::new();
            if !inner && steps_of(expr, &mut steps) {
                found = std::mem::replace(&mut found, Inventory::Nothing).and(read(&steps));
            }
        });
    }
    found
}

/// The steps of a reference that begins with a name; false for all else.
fn steps_of<'t>(expr: &'t Expr, steps: &mut Vec<Step<'t>>) -> bool {
    match expr {
        Expr::Var { span, .. } => {
            steps.push(Some(span.text()));
            true
        }
        Expr::RefDot { refr, field, .. } => {
            let named = steps_of(refr, steps);
            steps.push(Some(field.0.text()));
            named
        }
        Expr::RefBrack { refr, index, .. } => {
            let named = steps_of(refr, steps);
            steps.push(constant(index));
            named
        }
        _ => false,
    }
}

fn read(steps: &[Step<'_>]) -> Inventory {
    let [Some("data"), below @ ..] = steps else { return Inventory::Nothing };
    let kind = match below {
        [Some("inventory"), Some("cluster"), api_version, Some(kind), ..]
        | [Some("inventory"), Some("namespace"), _, api_version, Some(kind), ..] => {
            KindRead { api_version: api_version.map(str::to_owned), kind: (*kind).to_owned() }
        }
        [Some("inventory"), ..] | [None, ..] | [] => return Inventory::Everything,
        [Some(_), ..] => return Inventory::Nothing,
    };
    Inventory::Kinds(BTreeSet::from([kind]))
}
