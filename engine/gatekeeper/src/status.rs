//! Whether Gatekeeper's own audit said the same of a constraint.

use serde_json::Value as Json;
use tidegate_model::{Finding, Verdict};

use crate::constraint::Constraint;

/// How Gatekeeper's audit differs from findings, as a note; `None` if it does
/// not, or never ran. Its list is cut (at 20 by default), its total is not.
pub(crate) fn differs(constraint: &Constraint, findings: &[Finding]) -> Option<String> {
    let status = constraint.status.as_ref()?;
    let at = status.get("auditTimestamp").and_then(Json::as_str)?;
    let there = status.get("totalViolations").and_then(Json::as_u64).unwrap_or(0);
    let failed = findings.iter().filter(|f| f.verdict == Verdict::Fail);
    let violations = failed.clone().flat_map(|f| f.violations.iter());
    let here = violations.clone().count() as u64;
    if there != here {
        return Some(format!("Gatekeeper's audit at {at} found {there} violations, {here} here"));
    }
    let listed = status.get("violations").and_then(Json::as_array);
    let unknown = listed.into_iter().flatten().find(|v| {
        let text = |name: &str| v.get(name).and_then(Json::as_str).unwrap_or_default();
        let same = |f: &&Finding| {
            f.name.as_deref().unwrap_or_default() == text("name")
                && f.project.as_deref().unwrap_or_default() == text("namespace")
        };
        !failed.clone().any(|f| same(&f))
    })?;
    let text = |name: &str| unknown.get(name).and_then(Json::as_str).unwrap_or_default();
    let (kind, namespace, name) = (text("kind"), text("namespace"), text("name"));
    let place = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
    Some(format!("Gatekeeper's audit at {at} lists {kind} {place}, which is not found here"))
}
