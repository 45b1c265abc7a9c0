//! Which objects a constraint is about: `spec.match`, which Gatekeeper decides
//! outside of Rego.
//!
//! Source: Gatekeeper 3.20, `pkg/mutation/match/match.go` and `pkg/util/wildcard.go`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The criteria; all given must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Match {
    #[serde(default)]
    pub(crate) kinds: Vec<Kinds>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    excluded_namespaces: Vec<String>,
    #[serde(default)]
    scope: Option<Scope>,
    #[serde(default)]
    label_selector: Option<Selector>,
    #[serde(default)]
    namespace_selector: Option<Selector>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    source: Option<Source>,
}

/// API groups and kinds, any of each.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Kinds {
    #[serde(default)]
    pub(crate) api_groups: Vec<String>,
    #[serde(default)]
    pub(crate) kinds: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Scope {
    #[serde(rename = "*")]
    All,
    Cluster,
    Namespaced,
}

/// Objects that workloads would make are not looked at here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Source {
    All,
    Original,
    Generated,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selector {
    #[serde(default)]
    match_labels: BTreeMap<String, String>,
    #[serde(default)]
    match_expressions: Vec<Requirement>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// Labels, by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// What of an object decides whether it is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) generate_name: String,
    /// Empty for an object of the cluster.
    pub(crate) namespace: String,
    pub(crate) labels: Labels,
}

impl Object {
    fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.kind == "Namespace"
    }

    /// The namespace it stands in, or is.
    fn where_it_is(&self) -> Option<&str> {
        match (self.is_namespace(), self.namespace.as_str()) {
            (true, _) => Some(&self.name),
            (false, "") => None,
            (false, namespace) => Some(namespace),
        }
    }
}

/// The labels of an object's namespace are needed and not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownNamespace(pub(crate) String);

impl Match {
    /// Whether an object of this group and kind may be meant.
    pub(crate) fn takes(&self, group: &str, kind: &str) -> bool {
        let any = |list: &[String], one: &str| {
            list.is_empty() || list.iter().any(|entry| entry == "*" || entry == one)
        };
        self.kinds.is_empty()
            || self.kinds.iter().any(|k| any(&k.api_groups, group) && any(&k.kinds, kind))
    }

    /// Whether it may have to know the labels of namespaces.
    pub(crate) fn needs_namespaces(&self) -> bool {
        self.namespace_selector.is_some()
    }

    /// Whether an object is meant. `labels_of` gives the labels of a namespace.
    pub(crate) fn holds<'l>(
        &self,
        object: &Object,
        labels_of: impl Fn(&str) -> Option<&'l Labels>,
    ) -> Result<bool, UnknownNamespace> {
        let place = object.where_it_is();
        let in_namespace = place.is_some() && !object.is_namespace();
        let scope = match self.scope {
            None | Some(Scope::All) => true,
            Some(Scope::Cluster) => !in_namespace,
            Some(Scope::Namespaced) => in_namespace,
        };
        let listed = |list: &[String]| place.is_some_and(|p| list.iter().any(|w| wild(w, p)));
        let name = self.name.as_deref().is_none_or(|pattern| {
            wild(pattern, &object.name) || generated(pattern, &object.generate_name)
        });
        let here = self.takes(&object.group, &object.kind)
            && scope
            && name
            && self.source != Some(Source::Generated)
            && (self.namespaces.is_empty() || place.is_none() || listed(&self.namespaces))
            && !listed(&self.excluded_namespaces)
            && self.label_selector.as_ref().is_none_or(|s| s.holds(&object.labels));
        let (true, Some(selector), Some(place)) = (here, &self.namespace_selector, place) else {
            return Ok(here);
        };
        if object.is_namespace() {
            return Ok(selector.holds(&object.labels));
        }
        match labels_of(place) {
            Some(labels) => Ok(selector.holds(labels)),
            None => Err(UnknownNamespace(place.to_owned())),
        }
    }
}

impl Selector {
    fn holds(&self, labels: &Labels) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|r| {
                let value = labels.get(&r.key);
                let listed = value.is_some_and(|v| r.values.contains(v));
                match r.operator {
                    Operator::In => listed,
                    Operator::NotIn => !listed,
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                }
            })
    }
}

/// Whether a name fits a pattern with `*` at its beginning, its end or both.
fn wild(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.strip_suffix('*').unwrap_or(rest)),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => pattern == name,
    }
}

/// Whether the names that are made from a beginning fit a pattern.
fn generated(pattern: &str, beginning: &str) -> bool {
    !beginning.is_empty()
        && match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(rest), Some(_)) => beginning.contains(rest.strip_suffix('*').unwrap_or(rest)),
            (None, Some(start)) => beginning.starts_with(start),
            (Some(_) | None, None) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, namespace: &str) -> Object {
        let (group, kind) = kind.split_once('.').unwrap_or(("", kind));
        Object {
            group: group.to_owned(),
            kind: kind.to_owned(),
            name: "web-1".to_owned(),
            namespace: namespace.to_owned(),
            labels: Labels::from([("app".to_owned(), "web".to_owned())]),
            ..Object::default()
        }
    }

    #[track_caller]
    fn check(criteria: &str, object: &Object, expected: bool) {
        let criteria: Match = serde_json::from_str(criteria).unwrap();
        let prod = Labels::from([("env".to_owned(), "prod".to_owned())]);
        let none = Labels::new();
        let labels_of = |namespace: &str| match namespace {
            "prod" => Some(&prod),
            "dev" => Some(&none),
            _ => None,
        };
        assert_eq!(criteria.holds(object, labels_of), Ok(expected));
    }

    #[test]
    fn kinds_and_scope() {
        let pod = object("Pod", "prod");
        check("{}", &pod, true);
        check(r#"{"kinds":[{"apiGroups":[""],"kinds":["Pod"]}]}"#, &pod, true);
        check(r#"{"kinds":[{"apiGroups":["apps"],"kinds":["*"]}]}"#, &pod, false);
        check(r#"{"kinds":[{"apiGroups":["*"],"kinds":["Service","Pod"]}]}"#, &pod, true);
        check(r#"{"kinds":[{"kinds":["Pod"]}]}"#, &pod, true);
        check(r#"{"scope":"Cluster"}"#, &pod, false);
        check(r#"{"scope":"Namespaced"}"#, &pod, true);
        check(r#"{"scope":"Cluster"}"#, &object("Namespace", ""), true);
        check(r#"{"scope":"*"}"#, &pod, true);
        check(r#"{"source":"Generated"}"#, &pod, false);
    }

    #[test]
    fn namespaces_with_stars_leave_cluster_objects_alone() {
        let pod = object("Pod", "kube-system");
        check(r#"{"namespaces":["kube-*"]}"#, &pod, true);
        check(r#"{"namespaces":["*-system"]}"#, &pod, true);
        check(r#"{"namespaces":["*be-sy*"]}"#, &pod, true);
        check(r#"{"namespaces":["kube"]}"#, &pod, false);
        check(r#"{"excludedNamespaces":["kube-*"]}"#, &pod, false);
        check(r#"{"excludedNamespaces":["other"]}"#, &pod, true);
        let role = object("rbac.authorization.k8s.io/ClusterRole".replace('/', ".").as_str(), "");
        check(r#"{"namespaces":["kube-*"]}"#, &role, true);
        check(r#"{"excludedNamespaces":["*"]}"#, &role, true);
        let namespace = Object { name: "kube-system".to_owned(), ..object("Namespace", "") };
        check(r#"{"excludedNamespaces":["kube-*"]}"#, &namespace, false);
        check(r#"{"namespaces":["prod"]}"#, &namespace, false);
    }

    #[test]
    fn selectors_and_names() {
        let pod = object("Pod", "prod");
        check(r#"{"labelSelector":{"matchLabels":{"app":"web"}}}"#, &pod, true);
        check(r#"{"labelSelector":{"matchLabels":{"app":"db"}}}"#, &pod, false);
        let expressions = |operator: &str, values: &str| {
            format!(
                r#"{{"labelSelector":{{"matchExpressions":[{{"key":"app","operator":"{operator}","values":{values}}}]}}}}"#
            )
        };
        check(&expressions("In", r#"["web","db"]"#), &pod, true);
        check(&expressions("NotIn", r#"["web"]"#), &pod, false);
        check(&expressions("Exists", "[]"), &pod, true);
        check(&expressions("DoesNotExist", "[]"), &pod, false);
        let selector = r#"{"namespaceSelector":{"matchLabels":{"env":"prod"}}}"#;
        check(selector, &pod, true);
        check(selector, &object("Pod", "dev"), false);
        check(selector, &object("Node", ""), true);
        let unknown = serde_json::from_str::<Match>(selector).unwrap();
        assert_eq!(
            unknown.holds(&object("Pod", "new"), |_| None),
            Err(UnknownNamespace("new".to_owned()))
        );
        check(r#"{"name":"web-*"}"#, &pod, true);
        check(r#"{"name":"db-*"}"#, &pod, false);
        let made = Object { name: String::new(), generate_name: "web-".to_owned(), ..pod };
        check(r#"{"name":"web-*"}"#, &made, true);
    }

    #[test]
    fn criteria_that_are_not_known_are_refused() {
        assert!(serde_json::from_str::<Match>(r#"{"namespace":["a"]}"#).is_err());
    }
}
