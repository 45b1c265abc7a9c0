//! Asks beforehand which kinds the credential may list.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tidegate_model::Kind;

use crate::cluster::Cluster;
use crate::collect::chosen;
use crate::discovery::ApiResource;

/// Whether a kind can be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The kind.
    pub kind: Kind,
    /// The group, empty for the core one.
    pub group: String,
    /// The resource, as roles name it.
    pub plural: String,
    /// Whether the credential may list it over all namespaces.
    pub allowed: bool,
    /// Whether it may at least list it in the namespace of the context.
    pub in_namespace: bool,
}

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// Asks for every kind that would be collected, in order of kinds. The
/// questions are `SelfSubjectAccessReview`s: they are sent with POST, and change
/// nothing.
///
/// # Errors
/// One clause, if the API server does not answer such questions.
pub async fn preflight(cluster: &Cluster) -> Result<Vec<Access>, String> {
    let mut out = Vec::new();
    for (kind, resource) in chosen(&cluster.served) {
        let allowed = may_list(cluster, resource, None).await?;
        let in_namespace = allowed
            || (resource.namespaced
                && may_list(cluster, resource, Some(&cluster.namespace)).await?);
        let (group, plural) = (resource.group.clone(), resource.plural.clone());
        out.push(Access { kind, group, plural, allowed, in_namespace });
    }
    out.sort_by(|a, b| a.kind.cmp(&b.kind));
    Ok(out)
}

#[derive(Deserialize)]
struct Review {
    status: ReviewStatus,
}

#[derive(Deserialize)]
struct ReviewStatus {
    allowed: bool,
}

async fn may_list(
    cluster: &Cluster,
    resource: &ApiResource,
    namespace: Option<&str>,
) -> Result<bool, String> {
    let question = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "verb": "list",
            "group": resource.group,
            "resource": resource.plural,
            "namespace": namespace.unwrap_or_default(),
        }},
    });
    let body = Bytes::from(question.to_string());
    let session = &cluster.session;
    let answer = session.ask(&Method::POST, REVIEWS, "application/json", body).await;
    let answer = answer.map_err(|f| f.why)?;
    if !matches!(answer.status, StatusCode::CREATED | StatusCode::OK) {
        return Err(format!("the API server answered {}", crate::request::describe(&answer)));
    }
    let review: Review = serde_json::from_slice(&answer.body)
        .map_err(|_| "the answer to an access review is not the JSON expected".to_owned())?;
    Ok(review.status.allowed)
}
