//! Reads bindings, roles and their rules as the API has them.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_model::{Fact, Kind, ResourceKey};

use super::{CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE};

/// Somebody that a binding may name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub(super) kind: &'static str,
    /// Of a ServiceAccount.
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

/// A ClusterRoleBinding or RoleBinding.
#[derive(Debug)]
pub(super) struct Binding {
    pub(super) key: String,
    pub(super) name: String,
    /// Where it counts; everywhere if absent.
    pub(super) namespace: Option<String>,
    /// The key of the role.
    pub(super) role: String,
    pub(super) role_name: String,
    pub(super) subjects: Vec<Subject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBinding {
    role_ref: RawRef,
    #[serde(default)]
    subjects: Option<Vec<RawSubject>>,
}

#[derive(Deserialize)]
struct RawRef {
    kind: String,
    name: String,
}

#[derive(Deserialize)]
struct RawSubject {
    kind: String,
    name: String,
    namespace: Option<String>,
}

impl Binding {
    /// An error is one clause.
    pub(super) fn read(fact: &Fact) -> Result<Self, String> {
        let of = &fact.resource;
        let raw: RawBinding =
            serde_json::from_str(&of.body).map_err(|e| format!("it is not a binding: {e}"))?;
        let namespace = match of.kind.as_str() {
            CLUSTER_ROLE_BINDING => None,
            _ => match of.project.as_deref() {
                Some(namespace) => Some(namespace.to_owned()),
                None => return Err("it is a RoleBinding without a namespace".to_owned()),
            },
        };
        let (kind, place) = match (raw.role_ref.kind.as_str(), namespace.as_deref()) {
            ("ClusterRole", _) => (CLUSTER_ROLE, ""),
            ("Role", Some(namespace)) => (ROLE, namespace),
            (other, _) => return Err(format!("`/roleRef/kind` is `{other}`")),
        };
        let kind = Kind::new(kind).map_err(|e| e.to_string())?;
        let role = ResourceKey::build(of.key.system(), &kind, &[place, &raw.role_ref.name]);
        let subjects = raw.subjects.unwrap_or_default().into_iter().enumerate();
        Ok(Self {
            key: of.key.as_str().to_owned(),
            name: of.name.as_deref().unwrap_or_default().to_owned(),
            namespace,
            role: role.as_str().to_owned(),
            role_name: raw.role_ref.name,
            subjects: subjects.map(|(n, s)| subject(n, s)).collect::<Result<_, _>>()?,
        })
    }
}

/// How the API server calls service accounts as users. A binding may name one
/// by either; it is one subject.
const USER_OF_ACCOUNT: &str = "system:serviceaccount:";

fn subject(n: usize, raw: RawSubject) -> Result<Subject, String> {
    let account = |namespace: &str, name: &str| Subject {
        kind: "ServiceAccount",
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    };
    match (raw.kind.as_str(), &raw.namespace) {
        ("ServiceAccount", Some(namespace)) => Ok(account(namespace, &raw.name)),
        ("ServiceAccount", None) => Err(format!("`/subjects/{n}` has no namespace")),
        ("User", _) => {
            let user = raw.name.strip_prefix(USER_OF_ACCOUNT).and_then(|n| n.split_once(':'));
            Ok(match user {
                Some((namespace, name)) => account(namespace, name),
                None => Subject { kind: "User", namespace: None, name: raw.name },
            })
        }
        ("Group", _) => Ok(Subject { kind: "Group", namespace: None, name: raw.name }),
        (other, _) => Err(format!("`/subjects/{n}/kind` is `{other}`")),
    }
}

/// A ClusterRole or Role.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawRole {
    metadata: Option<RawMeta>,
    rules: Option<Vec<Rule>>,
    aggregation_rule: Option<RawAggregation>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawMeta {
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawAggregation {
    cluster_role_selectors: Option<Vec<Selector>>,
}

/// One rule of a role. Null and absent lists are empty ones.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Rule {
    #[serde(deserialize_with = "list")]
    pub(crate) verbs: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) api_groups: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) resources: Vec<String>,
    #[serde(deserialize_with = "list")]
    pub(crate) resource_names: Vec<String>,
    #[serde(rename = "nonResourceURLs", deserialize_with = "list")]
    pub(crate) urls: Vec<String>,
}

/// A label selector; without any requirement it chooses everything.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Selector {
    match_labels: Option<BTreeMap<String, String>>,
    match_expressions: Option<Vec<Requirement>>,
}

#[derive(Debug, Deserialize)]
struct Requirement {
    key: String,
    operator: Operator,
    #[serde(default, deserialize_with = "list")]
    values: Vec<String>,
}

#[derive(Debug, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

fn list<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(from)?.unwrap_or_default())
}

/// What a role says.
#[derive(Debug, Default)]
pub(crate) struct Role {
    pub(super) labels: BTreeMap<String, String>,
    pub(crate) rules: Vec<Rule>,
    /// Of an aggregated ClusterRole.
    pub(super) selectors: Vec<Selector>,
}

impl Role {
    /// An error is one clause.
    pub(crate) fn read(fact: &Fact) -> Result<Self, String> {
        let raw: RawRole = serde_json::from_str(&fact.resource.body)
            .map_err(|e| format!("it is not a role: {e}"))?;
        let aggregation = raw.aggregation_rule.unwrap_or_default();
        Ok(Self {
            labels: raw.metadata.and_then(|m| m.labels).unwrap_or_default(),
            rules: raw.rules.unwrap_or_default(),
            selectors: aggregation.cluster_role_selectors.unwrap_or_default(),
        })
    }
}

impl Selector {
    /// A label that everything it chooses has.
    pub(super) fn first_label(&self) -> Option<(&str, &str)> {
        let (key, value) = self.match_labels.as_ref()?.first_key_value()?;
        Some((key, value))
    }

    pub(super) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let equal = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        let fits = |r: &Requirement| {
            let value = labels.get(&r.key);
            let listed = value.is_some_and(|v| r.values.contains(v));
            match r.operator {
                Operator::In => listed,
                Operator::NotIn => !listed,
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        };
        self.match_labels.iter().flatten().all(equal)
            && self.match_expressions.iter().flatten().all(fits)
    }
}
