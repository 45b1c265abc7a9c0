//! The templates and constraints that stand in a snapshot of a cluster.

use serde_json::Value as Json;
use tidegate_model::{AbortCode, Cause, Facts, FactsError, Kind, RuleId};

use crate::constraint::Constraint;
use crate::constraints::Constraints;
use crate::folder::is_template;
use crate::kinds::Kinds;
use crate::template::{Refused, Template};

const TEMPLATES: &str = "templates.gatekeeper.sh";
const CONSTRAINTS: &str = "constraints.gatekeeper.sh";

impl Constraints {
    /// Reads them from a snapshot; none if Gatekeeper is not there. What cannot
    /// be read of them is kept, and becomes Abort.
    ///
    /// # Errors
    /// [`FactsError`] if the snapshot cannot be read.
    pub fn from_cluster(facts: &dyn Facts) -> Result<Self, FactsError> {
        let kinds = Kinds::new(facts)?;
        let mut all = Self::default();
        let of_groups: Vec<Kind> =
            [TEMPLATES, CONSTRAINTS].iter().flat_map(|group| kinds.of_group(group)).collect();
        for kind in of_groups {
            if let Some(cause) = kinds.gap(&kind) {
                let name = kind.as_str().rsplit('.').next().unwrap_or_default();
                all.unread.extend(RuleId::new(format!("gatekeeper.{name}")).map(|id| (id, cause)));
            }
            facts.each(&kind, &mut |fact| {
                let key = fact.resource.key.as_str();
                match (fact.unseen_since, serde_json::from_str(&fact.resource.body)) {
                    (Some(since), _) => {
                        all.unread_object(key, AbortCode::Unseen, format!("last seen at {since}"));
                    }
                    (None, Err(e)) => all.unread_object(key, AbortCode::Error, e.to_string()),
                    (None, Ok(object)) => all.take(key, &object),
                }
            })?;
        }
        Ok(all)
    }

    fn take(&mut self, key: &str, object: &Json) {
        let result = if is_template(object) {
            let template = Template::read(object).or_else(|refused| broken(object, refused));
            template.and_then(|template| self.add_template(template, object))
        } else if Constraint::is(object) {
            Constraint::read(object, key).and_then(|constraint| self.add(constraint, object))
        } else {
            Ok(())
        };
        if let Err(problem) = result {
            self.unread_object(key, AbortCode::Error, problem);
        }
    }

    fn unread_object(&mut self, key: &str, code: AbortCode, problem: String) {
        let mut parts = key.rsplit('/');
        let name = parts.next().unwrap_or_default().replace('%', "-");
        let kind = parts.nth(1).and_then(|kind| kind.rsplit('.').next()).unwrap_or_default();
        if let Ok(id) = RuleId::new(format!("gatekeeper.{kind}.{name}")) {
            self.unread.insert(id, Cause { code, message: format!("{key}: {problem}") });
        }
    }
}

/// A template whose Rego is refused: its constraints say why.
fn broken(object: &Json, refused: Refused) -> Result<Template, String> {
    let Refused { text: _, line, problem } = refused;
    let at = line.map_or_else(String::new, |line| format!(" in line {line} of its Rego"));
    Template::without_program(object, format!("the template is refused{at}: {problem}"))
        .ok_or(problem)
}
