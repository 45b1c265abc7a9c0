//! Label selectors and node selectors, as the API defines them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Labels of a node or pod.
pub(super) type Map = BTreeMap<String, String>;

/// `metav1.LabelSelector`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LabelSelector {
    pub(super) match_labels: Map,
    pub(super) match_expressions: Vec<Expression>,
}

/// A requirement of either sort of selector.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Expression {
    pub(super) key: String,
    pub(super) operator: String,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

impl Expression {
    /// Whether labels satisfy it; no operator that is not known is satisfied.
    pub(super) fn holds(&self, labels: &Map) -> bool {
        let found = labels.get(&self.key);
        let number = |text: &String| text.parse::<i64>().ok();
        let bound = || self.values.first().and_then(number);
        match self.operator.as_str() {
            "In" => found.is_some_and(|v| self.values.contains(v)),
            "NotIn" => found.is_none_or(|v| !self.values.contains(v)),
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            "Gt" => found.and_then(number).zip(bound()).is_some_and(|(v, b)| v > b),
            "Lt" => found.and_then(number).zip(bound()).is_some_and(|(v, b)| v < b),
            _ => false,
        }
    }
}

impl LabelSelector {
    /// Whether it selects these labels; an empty one selects all.
    pub(super) fn selects(&self, labels: &Map) -> bool {
        self.match_labels.iter().all(|(k, v)| labels.get(k) == Some(v))
            && self.match_expressions.iter().all(|e| e.holds(labels))
    }
}

/// `v1.NodeSelector`: any of its terms.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NodeSelector {
    pub(super) node_selector_terms: Vec<Term>,
}

/// All of its requirements; an empty term selects nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Term {
    pub(super) match_expressions: Vec<Expression>,
    /// Only `metadata.name`.
    pub(super) match_fields: Vec<Expression>,
}

impl NodeSelector {
    /// The node with this name alone.
    pub(super) fn only(name: &str) -> Self {
        let key = "metadata.name".to_owned();
        let values = vec![name.to_owned()];
        let only = Expression { key, operator: "In".to_owned(), values };
        let term = Term { match_expressions: Vec::new(), match_fields: vec![only] };
        Self { node_selector_terms: vec![term] }
    }

    pub(super) fn selects(&self, name: &str, labels: &Map) -> bool {
        let fields = Map::from([("metadata.name".to_owned(), name.to_owned())]);
        self.node_selector_terms.iter().any(|t| {
            !(t.match_expressions.is_empty() && t.match_fields.is_empty())
                && t.match_expressions.iter().all(|e| e.holds(labels))
                && t.match_fields.iter().all(|e| e.holds(&fields))
        })
    }

    /// The zone, if a zone is all that it asks for.
    pub(super) fn zone(&self) -> Option<&str> {
        let [Term { match_expressions, match_fields }] = self.node_selector_terms.as_slice() else {
            return None;
        };
        match match_expressions.as_slice() {
            [e] if match_fields.is_empty()
                && e.operator == "In"
                && e.key == "topology.kubernetes.io/zone" =>
            {
                match e.values.as_slice() {
                    [zone] => Some(zone),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_select_as_the_api_says() {
        let labels =
            Map::from([("app".to_owned(), "web".to_owned()), ("n".to_owned(), "5".to_owned())]);
        let holds = |key: &str, operator: &str, values: &[&str]| {
            let values = values.iter().map(|v| (*v).to_owned()).collect();
            Expression { key: key.to_owned(), operator: operator.to_owned(), values }.holds(&labels)
        };
        assert!(holds("app", "In", &["web", "db"]) && !holds("app", "NotIn", &["web"]));
        assert!(holds("x", "NotIn", &["web"]) && holds("x", "DoesNotExist", &[]));
        assert!(holds("app", "Exists", &[]) && !holds("x", "Exists", &[]));
        assert!(
            holds("n", "Gt", &["4"]) && !holds("n", "Lt", &["5"]) && !holds("app", "Gt", &["1"])
        );
        assert!(!holds("app", "Like", &["web"]), "what is not known selects nothing");
        assert!(LabelSelector::default().selects(&labels));
        assert!(!NodeSelector::default().selects("a", &labels));
        assert!(NodeSelector::only("a").selects("a", &labels));
        assert!(!NodeSelector::only("a").selects("b", &labels));
    }
}
