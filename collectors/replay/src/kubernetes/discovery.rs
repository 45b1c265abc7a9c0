//! The discovery documents of a cluster.

use serde_json::{Value, json};

use super::cluster::{ApiVersion, Cluster, Group};

/// `/api` or `/apis` in the aggregated form.
///
/// Source: KEP-3352; a version whose server is down is `Stale` and has no
/// member `resources`.
pub(crate) fn aggregated(cluster: &Cluster, core: bool) -> Value {
    let groups = cluster.groups.iter().filter(|g| g.name.is_empty() == core);
    let items: Vec<Value> = groups.map(group).collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {}, "items": items,
    })
}

fn group(group: &Group) -> Value {
    let versions: Vec<Value> = group.versions.iter().map(version).collect();
    match group.name.as_str() {
        "" => json!({"metadata": {}, "versions": versions}),
        name => json!({"metadata": {"name": name}, "versions": versions}),
    }
}

fn version(version: &ApiVersion) -> Value {
    if version.stale {
        return json!({"version": version.version, "freshness": "Stale"});
    }
    let resources = version.resources.iter().map(|r| {
        let below = r.subresources.iter().map(|s| {
            json!({"subresource": s, "responseKind": {"group": "", "version": "", "kind": r.kind},
                "verbs": ["get", "patch", "update"]})
        });
        json!({
            "resource": r.plural, "scope": if r.namespaced { "Namespaced" } else { "Cluster" },
            "responseKind": {"group": "", "version": "", "kind": r.kind},
            "singularResource": r.kind.to_lowercase(), "verbs": r.verbs,
            "subresources": below.collect::<Vec<_>>(),
        })
    });
    json!({
        "version": version.version, "freshness": "Current",
        "resources": resources.collect::<Vec<_>>(),
    })
}

/// `/api` in the form of servers before 1.26.
pub(crate) fn legacy_core(cluster: &Cluster) -> Value {
    let core = cluster.groups.iter().find(|g| g.name.is_empty());
    let versions: Vec<&str> =
        core.iter().flat_map(|g| &g.versions).map(|v| v.version.as_str()).collect();
    json!({"kind": "APIVersions", "versions": versions})
}

/// `/apis` in that form.
pub(crate) fn legacy_groups(cluster: &Cluster) -> Value {
    let named = cluster.groups.iter().filter(|g| !g.name.is_empty());
    let groups: Vec<Value> = named
        .map(|g| {
            let of = |v: &ApiVersion| {
                json!({"groupVersion": format!("{}/{}", g.name, v.version), "version": v.version})
            };
            // In order of names, as if an old version came first.
            let mut versions: Vec<&ApiVersion> = g.versions.iter().collect();
            versions.sort_by_key(|v| &v.version);
            let versions: Vec<Value> = versions.into_iter().map(of).collect();
            json!({"name": g.name, "versions": versions,
                "preferredVersion": g.versions.first().map(of)})
        })
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// `/api/v1` or `/apis/GROUP/VERSION`.
pub(crate) fn legacy_version(group: &str, version: &ApiVersion) -> Value {
    let name = match group {
        "" => version.version.clone(),
        group => format!("{group}/{}", version.version),
    };
    let mut resources = Vec::new();
    for r in &version.resources {
        resources.push(json!({"name": r.plural, "singularName": "", "namespaced": r.namespaced,
            "kind": r.kind, "verbs": r.verbs}));
        resources.extend(r.subresources.iter().map(|s| {
            json!({"name": format!("{}/{s}", r.plural), "singularName": "",
                "namespaced": r.namespaced, "kind": r.kind, "verbs": ["get", "patch", "update"]})
        }));
    }
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name,
        "resources": resources})
}
