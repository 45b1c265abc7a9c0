//! Cedar: policies that are shaped like authorization.
//!
//! ```text
//! *.cedar, *.cedarschema ─▶ Policies (parsed, validated strictly)
//!                              ├─▶ Authorizer: gate policies ─▶ ask ─▶ Decision
//!                              └─▶ audit policies: rules like any other
//! ```
//!
//! A bundle holds policies of one sort. **Gate policies** say who may do what
//! and are asked through an [`Authorizer`]; nothing permits what no policy
//! permits. **Audit policies** carry `@kinds`: forbids on resources of a
//! snapshot, each a rule of the rule set, beside one blanket permit.
//!
//! Cedar skips a policy that errs, and takes an entity that it does not know
//! for one that is in nothing: a forbid would silently not count. Here both are
//! errors, and an error is never an Allow and never a Pass.

mod ask;
mod audit;
mod audit_rule;
mod read;
mod shape;

pub use ask::{Authorizer, Decision, PolicyInfo, Question};
pub(crate) use audit::{Audit, rules};
pub(crate) use read::{Policies, Source};

#[cfg(test)]
mod tests;
