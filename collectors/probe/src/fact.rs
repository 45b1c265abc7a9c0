//! What a probe found, as a resource.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tidegate_model::{Kind, Resource, ResourceKey, canonical};
use tidegate_openstack::Cloud;

use crate::plan::{Probe, Setting};

/// How a probe ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is a result, good or bad.
    Done,
    /// Nothing can be said, for this reason.
    Failed(String),
    /// The cloud does not have what would be tried.
    NotOffered(String),
}

/// What a probe found.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) outcome: Outcome,
    /// Further members of the body.
    pub(crate) members: Map<String, Value>,
}

impl Fact {
    pub(crate) fn done() -> Self {
        Self { outcome: Outcome::Done, members: Map::new() }
    }

    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self { outcome: Outcome::Failed(why.into()), members: Map::new() }
    }

    pub(crate) fn not_offered(why: impl Into<String>) -> Self {
        Self { outcome: Outcome::NotOffered(why.into()), members: Map::new() }
    }

    pub(crate) fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// The resource `openstack/<kind>/<region>/self`. `None` never happens: the
    /// kinds are well-formed (tested) and the body is JSON.
    pub(crate) fn resource(
        self,
        probe: Probe,
        cloud: &Cloud,
        region: &str,
        run: &str,
        setting: &Setting,
    ) -> Option<Resource> {
        let kind = Kind::new(probe.kind()).ok()?;
        let read_at = (setting.now)();
        let mut roles: Vec<&str> = cloud.roles().collect();
        roles.sort_unstable();
        let (outcome, reason) = match self.outcome {
            Outcome::Done => ("done", None),
            Outcome::Failed(why) => ("failed", Some(why)),
            Outcome::NotOffered(why) => ("not-offered", Some(why)),
        };
        let mut body = self.members;
        body.insert("probed_at".into(), json!(format!("{read_at:.0}")));
        body.insert("run".into(), json!(run));
        body.insert("roles".into(), json!(roles));
        body.insert("outcome".into(), json!(outcome));
        if let Some(reason) = reason {
            body.insert("reason".into(), json!(reason));
        }
        let body = canonical(Value::Object(body).to_string().as_bytes(), &()).ok()?;
        Some(Resource {
            key: ResourceKey::build("openstack", &kind, &[region, "self"]),
            kind,
            region: Some(Arc::from(region)),
            project: cloud.project().map(Arc::from),
            name: None,
            body: Arc::from(body),
            source: Arc::from("probe"),
            read_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::KINDS;

    #[test]
    fn kinds_are_well_formed() {
        assert!(KINDS.iter().all(|k| Kind::new(k).is_ok()));
    }
}
