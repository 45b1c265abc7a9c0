//! The annotations of an audit policy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use tidegate_model::{Kind, Needed, RuleId, RuleMeta, Severity};

use crate::pointer::Pointer;

/// What the annotations of an audit policy say. Lists are separated by commas.
#[derive(Debug, Clone)]
pub(super) struct Annotations {
    pub(super) id: RuleId,
    title: String,
    description: String,
    severity: Severity,
    pub(super) kinds: Vec<Kind>,
    pub(super) absent: BTreeSet<Kind>,
    /// What must exist in the body beside what the schema requires; null exists.
    pub(super) requires: Vec<Pointer>,
    pub(super) visibility: Needed,
    pub(super) controls: Vec<String>,
    standard: Option<String>,
    remediation: String,
    /// What a violation says; the title if absent.
    pub(super) message: Option<String>,
    /// Where in the body stands what it found.
    pub(super) path: Option<Pointer>,
    /// What should stand there.
    pub(super) wanted: Json,
}

impl Annotations {
    /// Reads annotations; an error is one clause.
    pub(super) fn read(given: &BTreeMap<String, String>) -> Result<Self, String> {
        const KNOWN: [&str; 14] = [
            "id",
            "title",
            "description",
            "severity",
            "kinds",
            "absent",
            "requires",
            "visibility",
            "control",
            "standard",
            "remediation",
            "message",
            "path",
            "wanted",
        ];
        if let Some(other) = given.keys().find(|k| !KNOWN.contains(&k.as_str())) {
            return Err(format!("an audit policy has no annotation `@{other}`"));
        }
        let text = |name: &str| given.get(name).map(|t| t.trim().to_owned());
        let needed = |name: &str| {
            text(name).filter(|t| !t.is_empty()).ok_or(format!("an audit policy needs `@{name}`"))
        };
        let list = |name: &str| -> Vec<String> {
            let all = text(name).unwrap_or_default();
            all.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect()
        };
        let kinds = |name: &str| -> Result<Vec<Kind>, String> {
            let read = |k: &String| Kind::new(k).map_err(|e| format!("`@{name}`: {e}"));
            list(name).iter().map(read).collect()
        };
        let pointer = |name: &str, p: &str| {
            Pointer::new(p).ok_or(format!("`@{name}`: `{p}` is not a JSON Pointer"))
        };
        let id = RuleId::new(needed("id")?).map_err(|e| format!("`@id`: {e}"))?;
        needed("kinds")?;
        let visibility = match text("visibility").as_deref() {
            None | Some("all") => Needed::All,
            Some("member") => Needed::Member,
            Some(other) => {
                return Err(format!("`@visibility` must be `all` or `member`, not `{other}`"));
            }
        };
        Ok(Self {
            id,
            title: needed("title")?,
            description: text("description").unwrap_or_default(),
            severity: needed("severity")?.parse().map_err(|e| format!("`@severity`: {e}"))?,
            kinds: kinds("kinds")?,
            absent: kinds("absent")?.into_iter().collect(),
            requires: list("requires")
                .iter()
                .map(|p| pointer("requires", p))
                .collect::<Result<_, _>>()?,
            visibility,
            controls: list("control"),
            standard: text("standard"),
            remediation: text("remediation").unwrap_or_default(),
            message: text("message"),
            path: text("path").map(|p| pointer("path", &p)).transpose()?,
            wanted: text("wanted").map_or(Json::Null, Json::from),
        })
    }

    pub(super) fn meta(self, bundle: &str, file: &str) -> RuleMeta {
        RuleMeta {
            id: self.id,
            title: self.title,
            description: self.description,
            severity: self.severity,
            kinds: self.kinds,
            standard: self.standard,
            remediation: self.remediation,
            bundle: bundle.to_owned(),
            file: file.to_owned(),
        }
    }
}
