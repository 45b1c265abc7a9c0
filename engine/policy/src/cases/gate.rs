//! Cases of gate policies.
//!
//! A file of cases with a member `gate` is about the gate policies of its
//! bundle:
//!
//! ```yaml
//! gate:
//! - name: an operator starts a checked wave
//!   ask:
//!     principal: Person::"alice"
//!     action: Action::"startWave"
//!     resource: Wave::"1"
//!     context: {checked: true}
//!     entities: [{uid: {type: Person, id: alice}, attrs: {}, parents: []}, …]
//!   decision: allow
//!   by: [operators-start-checked-waves]   # exactly these, where it is given
//! - name: an unchecked one is not started
//!   base: an operator starts a checked wave
//!   patch: {context: {checked: false}}    # merged; a list is a JSON Patch
//!   decision: deny
//! - name: nobody asks
//!   base: an operator starts a checked wave
//!   patch: [{op: remove, path: /entities/0}]
//!   decision: error
//!   reason: is not there
//! ```
//!
//! Gate policies need at least one case of each decision.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Place, Run};
use crate::cedar::{Authorizer, Decision, PolicyInfo, Question};
use crate::patch;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GateFile {
    gate: Vec<GateCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GateCase {
    name: String,
    ask: Option<Json>,
    base: Option<String>,
    patch: Option<Json>,
    decision: String,
    by: Option<BTreeSet<String>>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    principal: String,
    action: String,
    resource: String,
    context: Json,
    entities: Json,
}

const DECISIONS: [&str; 3] = ["allow", "deny", "error"];

impl Run<'_> {
    /// Runs a file of cases of gate policies.
    pub(super) fn gate_file(&mut self, at: &Place<'_>, file: GateFile) {
        let authorizer = self.set.authorizer().filter(|a| a.bundle() == at.bundle);
        let Some(authorizer) = authorizer else {
            let got = "the bundle has no gate policies".to_owned();
            return self.fail(at, None, "", "gate policies", got);
        };
        let mut earlier = BTreeMap::new();
        for case in file.gate {
            let expected = expectation(&case);
            let decision = build(&case, &earlier).and_then(|json| {
                let ask = serde_json::from_value(json.clone()).map_err(|e| e.to_string())?;
                earlier.insert(case.name.clone(), json);
                Ok(decide(authorizer, &ask))
            });
            match decision {
                Ok(decision) if matches(&case, &decision) => self.report.passed += 1,
                Ok(decision) => self.fail(at, None, &case.name, &expected, describe(&decision)),
                Err(problem) => self.fail(at, None, &case.name, "a case", problem),
            }
            self.decisions.insert(case.decision);
        }
    }

    /// Gate policies need a case of each decision.
    pub(super) fn gate_completeness(&mut self) {
        let Some(authorizer) = self.set.authorizer() else { return };
        let file = authorizer.policies().first().map_or("", |p| p.file.as_str());
        let at = Place { bundle: authorizer.bundle(), file };
        for decision in
            DECISIONS.iter().filter(|d| !self.decisions.contains(**d)).copied().collect::<Vec<_>>()
        {
            let expected = format!("at least one case with decision {decision}");
            self.fail(&at, None, "", &expected, "none".to_owned());
        }
    }
}

fn build(case: &GateCase, earlier: &BTreeMap<String, Json>) -> Result<Json, String> {
    if !DECISIONS.contains(&case.decision.as_str()) {
        let known = DECISIONS.join(", ");
        return Err(format!("`decision` must be one of {known}, not `{}`", case.decision));
    }
    let mut ask = match (&case.ask, &case.base) {
        (Some(ask), None) => ask.clone(),
        (None, Some(name)) => {
            earlier.get(name).ok_or(format!("there is no case `{name}` before it"))?.clone()
        }
        (None, None) => return Err("it has neither `ask` nor `base`".to_owned()),
        (Some(_), Some(_)) => return Err("it has both `ask` and `base`".to_owned()),
    };
    if let Some(patch) = &case.patch {
        patch::apply(&mut ask, patch)?;
    }
    Ok(ask)
}

fn decide(authorizer: &Authorizer, ask: &Ask) -> Decision {
    let Ask { principal, action, resource, context, entities } = ask;
    authorizer.ask(&Question { principal, action, resource, context, entities })
}

/// The word for a decision, what decided it, and why it could not be decided.
fn parts(decision: &Decision) -> (&'static str, BTreeSet<String>, String) {
    let ids = |by: &[PolicyInfo]| by.iter().map(|p| p.id.clone()).collect();
    match decision {
        Decision::Allow { by } => ("allow", ids(by), String::new()),
        Decision::Deny { by } => ("deny", ids(by), String::new()),
        Decision::Error { errors } => ("error", BTreeSet::new(), errors.join("; ")),
    }
}

fn matches(case: &GateCase, decision: &Decision) -> bool {
    let (word, by, reason) = parts(decision);
    word == case.decision
        && case.by.as_ref().is_none_or(|wanted| *wanted == by)
        && case.reason.as_ref().is_none_or(|wanted| reason.contains(wanted))
}

fn expectation(case: &GateCase) -> String {
    let by = case.by.as_ref().map(|by| format!(" by {}", list(by)));
    let reason = case.reason.as_ref().map(|r| format!(" because {r}"));
    format!("{}{}{}", case.decision, by.unwrap_or_default(), reason.unwrap_or_default())
}

fn describe(decision: &Decision) -> String {
    let (word, by, reason) = parts(decision);
    match reason.is_empty() {
        true => format!("{word} by {}", list(&by)),
        false => format!("{word} because {reason}"),
    }
}

fn list(by: &BTreeSet<String>) -> String {
    if by.is_empty() {
        return "no policy".to_owned();
    }
    by.iter().cloned().collect::<Vec<_>>().join(", ")
}
