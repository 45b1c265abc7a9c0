//! What a template is given: the review that Gatekeeper makes of an object.

use std::collections::BTreeMap;

use regorus::Value;

use crate::matching::{Labels, Object};

/// An object under review.
#[derive(Debug, Clone)]
pub(crate) struct Review {
    /// What decides which constraints are about it.
    pub(crate) about: Object,
    /// `input.review`.
    value: Value,
}

impl Review {
    /// Reviews an object as audits do, or what an AdmissionReview asks.
    ///
    /// # Errors
    /// One clause, if it is no object with `apiVersion` and `kind`.
    pub(crate) fn new(object: &Value) -> Result<Self, String> {
        let of_admission =
            text(object, &["apiVersion"]).is_some_and(|v| v.starts_with("admission.k8s.io/"));
        if of_admission && text(object, &["kind"]) == Some("AdmissionReview") {
            let request = at(object, &["request"]).ok_or("the AdmissionReview has no `request`")?;
            return Self::of_request(request);
        }
        let about = about(object).ok_or("it has no `apiVersion` and `kind`")?;
        let version = text(object, &["apiVersion"]).unwrap_or_default();
        let version = version.rsplit('/').next().unwrap_or_default();
        let kind = [("group", about.group.as_str()), ("version", version), ("kind", &about.kind)];
        let resource = [("group", ""), ("version", ""), ("resource", "")];
        let mut members = vec![
            ("kind", texts(&kind)),
            ("resource", texts(&resource)),
            ("name", about.name.as_str().into()),
            ("operation", "".into()),
            ("uid", "".into()),
            ("userInfo", Value::new_object()),
            ("object", object.clone()),
        ];
        if !about.namespace.is_empty() {
            members.push(("namespace", about.namespace.as_str().into()));
        }
        Ok(Self { about, value: record(members) })
    }

    fn of_request(request: &Value) -> Result<Self, String> {
        let given = |name: &str| at(request, &[name]).filter(|v| !matches!(v, Value::Null));
        let (object, old) = (given("object"), given("oldObject"));
        let subject = object.or(old).ok_or("the request has neither `object` nor `oldObject`")?;
        let mut about = about(subject).ok_or("its object has no `apiVersion` and `kind`")?;
        if about.namespace.is_empty()
            && let Some(namespace) = text(request, &["namespace"])
            && !(about.group.is_empty() && about.kind == "Namespace")
        {
            about.namespace = namespace.to_owned();
        }
        let mut value = request.clone();
        if let (None, Some(old), Value::Object(members)) = (object, old, request) {
            let all = members.iter_sorted().map(|(k, v)| (k.clone(), v.clone()));
            let mut all: BTreeMap<Value, Value> = all.collect();
            all.insert("object".into(), old.clone());
            value = Value::from(all);
        }
        Ok(Self { about, value })
    }

    /// The input of a template, with the parameters of a constraint.
    pub(crate) fn input(&self, parameters: &Value) -> Value {
        record([("parameters", parameters.clone()), ("review", self.value.clone())])
    }
}

/// What decides which constraints are about an object.
pub(crate) fn about(object: &Value) -> Option<Object> {
    let version = text(object, &["apiVersion"])?;
    let own = |name: &str| text(object, &["metadata", name]).unwrap_or_default().to_owned();
    Some(Object {
        group: version.rsplit_once('/').map_or("", |(group, _)| group).to_owned(),
        kind: text(object, &["kind"])?.to_owned(),
        name: own("name"),
        generate_name: own("generateName"),
        namespace: own("namespace"),
        labels: labels(object),
    })
}

fn labels(object: &Value) -> Labels {
    let Some(Value::Object(labels)) = at(object, &["metadata", "labels"]) else {
        return Labels::new();
    };
    let label = |(k, v): (&Value, &Value)| match (k, v) {
        (Value::String(k), Value::String(v)) => Some((k.to_string(), v.to_string())),
        _ => None,
    };
    labels.iter_sorted().filter_map(label).collect()
}

/// A member of members.
pub(crate) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| match value {
        Value::Object(members) => members.get(&Value::from(*name)),
        _ => None,
    })
}

/// A text below members.
pub(crate) fn text<'v>(value: &'v Value, path: &[&str]) -> Option<&'v str> {
    match at(value, path) {
        Some(Value::String(text)) => Some(text.as_ref()),
        _ => None,
    }
}

/// An object of the engine.
pub(crate) fn record<'k>(members: impl IntoIterator<Item = (&'k str, Value)>) -> Value {
    let members = members.into_iter().map(|(k, v)| (Value::from(k), v));
    Value::from(members.collect::<BTreeMap<_, _>>())
}

fn texts(members: &[(&str, &str)]) -> Value {
    record(members.iter().map(|(k, v)| (*k, Value::from(*v))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(object: &str, expected: &str) {
        let review = Review::new(&Value::from_json_str(object).unwrap()).unwrap();
        let input = review.input(&Value::new_object());
        assert_eq!(input, Value::from_json_str(expected).unwrap(), "{input}");
    }

    #[test]
    fn an_object_is_reviewed_as_audits_do() {
        let object = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"n"}}"#;
        check(
            object,
            &format!(
                r#"{{"parameters":{{}},"review":{{"kind":{{"group":"apps","version":"v1","kind":"Deployment"}},
                "resource":{{"group":"","version":"","resource":""}},"name":"a","namespace":"n","operation":"",
                "uid":"","userInfo":{{}},"object":{object}}}}}"#
            ),
        );
        let node =
            Value::from_json_str(r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}}"#);
        let input = Review::new(&node.unwrap()).unwrap().input(&Value::new_object());
        assert_eq!(at(&input, &["review", "namespace"]), None);
        assert_eq!(text(&input, &["review", "kind", "group"]), Some(""));
    }

    #[test]
    fn a_request_is_taken_as_it_is_but_for_deletions() {
        let old = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}"#;
        check(
            &format!(
                r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"operation":"DELETE","namespace":"n","object":null,"oldObject":{old}}}}}"#
            ),
            &format!(
                r#"{{"parameters":{{}},"review":{{"operation":"DELETE","namespace":"n","object":{old},"oldObject":{old}}}}}"#
            ),
        );
    }
}
