//! What a cluster serves: aggregated discovery, or for servers before 1.26 one
//! document for each group and version.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;

use crate::request::{Answer, Failure, Session};

/// One resource type, in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiResource {
    /// Empty for the core group.
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
    pub(crate) verbs: Vec<String>,
    /// Whether this is the first version, in the server's order of preference,
    /// that has the resource.
    pub(crate) preferred: bool,
}

impl ApiResource {
    /// The group, `core` for the empty one.
    pub(crate) fn group_name(&self) -> &str {
        group_name(&self.group)
    }

    /// The path of its list, in one namespace or over all.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        let root = match self.group.as_str() {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        match namespace {
            None => format!("{root}/{}", self.plural),
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
        }
    }

    pub(crate) fn listable(&self) -> bool {
        self.verbs.iter().any(|v| v == "list")
    }
}

/// The name of a group, `core` for the empty one.
pub(crate) fn group_name(group: &str) -> &str {
    if group.is_empty() { "core" } else { group }
}

/// What a cluster serves.
#[derive(Debug, Default)]
pub(crate) struct Served {
    /// Every resource type in every version, subresources left out.
    pub(crate) resources: Vec<ApiResource>,
    /// Groups and versions whose own server does not say what it serves.
    pub(crate) stale: BTreeSet<(String, String)>,
    /// The server is still starting. It answers for some tenths of a second before
    /// it knows the custom types and aggregated APIs that it serves, so that what
    /// it does not name may be there.
    pub(crate) starting: bool,
}

/// Why nothing is known.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(Answer),
    Failed(Failure),
    NotJson(String),
}

/// Both forms of the aggregated document, and the old one.
///
/// Source: KEP-3352.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Asks what there is.
pub(crate) async fn discover(session: &Session) -> Result<Served, Stop> {
    // Asked first: who is ready stays so. Some clusters close it or do not have it.
    let ready = session.get("/readyz").await.map_err(Stop::Failed)?;
    let starting = ready.status == StatusCode::INTERNAL_SERVER_ERROR;
    let mut served = Served { starting, ..Served::default() };
    for root in ["/api", "/apis"] {
        let document: Document = read(session, root).await?.map_err(Stop::Refused)?;
        if document.kind == "APIGroupDiscoveryList" {
            served.take_aggregated(document.items);
            continue;
        }
        // `/api` lists the versions of the core group, `/apis` groups.
        let core = LegacyGroup {
            name: String::new(),
            versions: document
                .versions
                .into_iter()
                .map(|version| LegacyVersion { version })
                .collect(),
            preferred_version: None,
        };
        let groups = if root == "/api" { vec![core] } else { document.groups };
        for group in groups {
            served.take_legacy(session, root, group).await?;
        }
    }
    served.mark_preferred();
    Ok(served)
}

/// Reads a document; the inner error is an answer other than 200.
async fn read<D: for<'de> Deserialize<'de>>(
    session: &Session,
    path: &str,
) -> Result<Result<D, Answer>, Stop> {
    let answer = session.ask(&Method::GET, path, ACCEPT, Bytes::new()).await;
    let answer = answer.map_err(Stop::Failed)?;
    if answer.status != StatusCode::OK {
        return Ok(Err(answer));
    }
    let document = serde_json::from_slice(&answer.body);
    document.map(Ok).map_err(|_| Stop::NotJson(format!("`{path}` is not the JSON expected")))
}

impl Served {
    fn take_aggregated(&mut self, groups: Vec<Group>) {
        for group in groups {
            for version in group.versions {
                if version.freshness.as_deref() == Some("Stale") && version.resources.is_empty() {
                    self.stale.insert((group.metadata.name.clone(), version.version));
                    continue;
                }
                self.resources.extend(version.resources.into_iter().map(|r| ApiResource {
                    group: group.metadata.name.clone(),
                    version: version.version.clone(),
                    kind: r.response_kind.map(|k| k.kind).unwrap_or_default(),
                    plural: r.resource,
                    namespaced: r.scope == "Namespaced",
                    verbs: r.verbs,
                    preferred: false,
                }));
            }
        }
    }

    async fn take_legacy(
        &mut self,
        session: &Session,
        root: &str,
        group: LegacyGroup,
    ) -> Result<(), Stop> {
        let preferred = group.preferred_version.map(|v| v.version);
        let mut versions: Vec<String> = group.versions.into_iter().map(|v| v.version).collect();
        // The sort is stable: what follows the preferred one keeps its order.
        versions.sort_by_key(|v| Some(v) != preferred.as_ref());
        for version in versions {
            let path = match group.name.as_str() {
                "" => format!("{root}/{version}"),
                name => format!("{root}/{name}/{version}"),
            };
            let list: LegacyList = match read(session, &path).await? {
                Ok(list) => list,
                Err(answer) if answer.status == StatusCode::UNAUTHORIZED => {
                    return Err(Stop::Refused(answer));
                }
                Err(_) => {
                    self.stale.insert((group.name.clone(), version));
                    continue;
                }
            };
            let own = list.resources.into_iter().filter(|r| !r.name.contains('/'));
            self.resources.extend(own.map(|r| ApiResource {
                group: group.name.clone(),
                version: version.clone(),
                kind: r.kind,
                plural: r.name,
                namespaced: r.namespaced,
                verbs: r.verbs,
                preferred: false,
            }));
        }
        Ok(())
    }

    fn mark_preferred(&mut self) {
        let mut seen = BTreeSet::new();
        for r in &mut self.resources {
            r.preferred = seen.insert((r.group.clone(), r.plural.clone()));
        }
    }
}

/// An empty list of Go is `null`.
fn nullable<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// `/api` or `/apis`, in either form.
#[derive(Debug, Deserialize)]
struct Document {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    groups: Vec<LegacyGroup>,
}

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Named,
    #[serde(default, deserialize_with = "nullable")]
    versions: Vec<Version>,
}

#[derive(Debug, Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: String,
    #[serde(default, deserialize_with = "nullable")]
    resources: Vec<Resource>,
    freshness: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource: String,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LegacyGroup {
    name: String,
    #[serde(default)]
    versions: Vec<LegacyVersion>,
    preferred_version: Option<LegacyVersion>,
}

#[derive(Debug, Deserialize)]
struct LegacyVersion {
    version: String,
}

#[derive(Debug, Deserialize)]
struct LegacyList {
    #[serde(default, deserialize_with = "nullable")]
    resources: Vec<LegacyResource>,
}

#[derive(Debug, Deserialize)]
struct LegacyResource {
    name: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_of_a_resource_is_preferred_and_a_stale_one_is_told() {
        let text = r#"{"kind":"APIGroupDiscoveryList","items":[
            {"metadata":{"name":"autoscaling"},"versions":[
                {"version":"v2","resources":[{"resource":"hpas","responseKind":{"kind":"HPA"},"scope":"Namespaced","verbs":["list"]}]},
                {"version":"v1","resources":[{"resource":"hpas","responseKind":{"kind":"HPA"},"scope":"Namespaced","verbs":["list"]},
                    {"resource":"old","responseKind":{"kind":"Old"},"scope":"Cluster","verbs":["get"]}]}]},
            {"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale"}]}]}"#;
        let document: Document = serde_json::from_str(text).unwrap();
        let mut served = Served::default();
        served.take_aggregated(document.items);
        served.mark_preferred();
        let shown: Vec<(String, bool, bool)> =
            served.resources.iter().map(|r| (r.path(None), r.preferred, r.listable())).collect();
        assert_eq!(
            shown,
            [
                ("/apis/autoscaling/v2/hpas".to_owned(), true, true),
                ("/apis/autoscaling/v1/hpas".to_owned(), false, true),
                ("/apis/autoscaling/v1/old".to_owned(), true, false),
            ]
        );
        assert_eq!(
            served.stale.into_iter().collect::<Vec<_>>(),
            [("metrics.k8s.io".into(), "v1beta1".into())]
        );
    }
}
