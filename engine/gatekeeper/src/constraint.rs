//! Constraints: what a template is to be asked about, and with what parameters.

use serde_json::Value as Json;
use tidegate_model::{RuleId, Severity};

use crate::matching::Match;

/// A constraint.
#[derive(Debug, Clone)]
pub(crate) struct Constraint {
    pub(crate) id: RuleId,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// `gatekeeper.sh` objects come from a file or from the cluster.
    pub(crate) file: String,
    pub(crate) severity: Severity,
    pub(crate) criteria: Match,
    /// As written; `None` if absent.
    pub(crate) parameters: Option<Json>,
    /// What Gatekeeper's own audit said, if it came from a cluster.
    pub(crate) status: Option<Json>,
}

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// One clause, if its name or `spec` are not as Gatekeeper wants them.
    pub(crate) fn read(object: &Json, file: &str) -> Result<Self, String> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str);
        let kind = text("/kind").ok_or("`kind` is missing")?.to_owned();
        let name = text("/metadata/name").ok_or("`metadata.name` is missing")?.to_owned();
        let id = RuleId::new(format!("gatekeeper.{kind}.{name}")).map_err(|e| e.to_string())?;
        let criteria = match object.pointer("/spec/match") {
            None | Some(Json::Null) => Match::default(),
            Some(criteria) => serde_json::from_value(criteria.clone())
                .map_err(|e| format!("`spec.match`: {e}"))?,
        };
        Ok(Self {
            id,
            kind,
            name,
            file: file.to_owned(),
            severity: severity(object),
            criteria,
            parameters: object.pointer("/spec/parameters").cloned(),
            status: object.get("status").cloned(),
        })
    }

    /// Whether an object is a constraint.
    pub(crate) fn is(object: &Json) -> bool {
        let version = object.get("apiVersion").and_then(Json::as_str);
        version.is_some_and(|v| v.starts_with("constraints.gatekeeper.sh/"))
    }
}

/// Whether a rule of an evaluation is one of Gatekeeper's constraints.
#[must_use]
pub fn is_constraint(rule: &RuleId) -> bool {
    rule.as_str().starts_with("gatekeeper.")
}

/// What stops a request weighs more than what warns, and that more than what is
/// only written down. Of several scoped actions the strongest counts.
fn severity(object: &Json) -> Severity {
    let of = |action: &str| match action {
        "warn" => Severity::Medium,
        "dryrun" => Severity::Low,
        // Gatekeeper denies unless told otherwise.
        _ => Severity::High,
    };
    match object.pointer("/spec/enforcementAction").and_then(Json::as_str) {
        Some("scoped") => {
            let scoped = object.pointer("/spec/scopedEnforcementActions").and_then(Json::as_array);
            let actions = scoped.into_iter().flatten().filter_map(|s| s.get("action")?.as_str());
            actions.map(of).max().unwrap_or(Severity::High)
        }
        action => of(action.unwrap_or("deny")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(spec: Json) -> Result<Constraint, String> {
        let object = json!({
            "apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": "K8sX",
            "metadata": {"name": "x"}, "spec": spec,
        });
        assert!(Constraint::is(&object));
        Constraint::read(&object, "f.yaml")
    }

    #[test]
    fn actions_weigh() {
        let severity = |spec| read(spec).unwrap().severity;
        assert_eq!(severity(json!(null)), Severity::High);
        assert_eq!(severity(json!({"enforcementAction": "warn"})), Severity::Medium);
        assert_eq!(severity(json!({"enforcementAction": "dryrun"})), Severity::Low);
        let scoped = json!([{"action": "dryrun"}, {"action": "warn"}]);
        let scoped = json!({"enforcementAction": "scoped", "scopedEnforcementActions": scoped});
        assert_eq!(severity(scoped), Severity::Medium);
    }

    #[test]
    fn a_criterion_that_is_not_known_is_refused() {
        let error = read(json!({"match": {"namespace": ["a"]}})).unwrap_err();
        assert!(error.starts_with("`spec.match`: unknown field `namespace`"), "{error}");
        assert_eq!(read(json!({})).unwrap().id.as_str(), "gatekeeper.K8sX.x");
    }
}
