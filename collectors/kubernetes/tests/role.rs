//! The role that is handed out lets tidegate list what it collects, and do
//! nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_kubernetes::tables::{BUILT_IN, is_noise};
use tidegate_replay::kubernetes::Cluster;

const ROLES: &str = include_str!("../../../ci/package/kubernetes/reader.yaml");

/// The rules of a role, by its name.
fn rules(name: &str) -> Vec<Value> {
    let role = ROLES.split("\n---\n").find_map(|text| {
        let role: Value = yaml_serde::from_str(text).unwrap();
        (role["metadata"]["name"] == name).then_some(role)
    });
    role.unwrap()["rules"].as_array().unwrap().clone()
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_role_has_every_built_in_type_but_secrets_and_only_lists() {
    let granted: BTreeSet<(String, String)> = rules("tidegate-reader")
        .iter()
        .flat_map(|rule| {
            assert_eq!(texts(&rule["verbs"]), ["list".to_owned()].into());
            let (groups, resources) = (texts(&rule["apiGroups"]), texts(&rule["resources"]));
            groups
                .into_iter()
                .flat_map(move |g| resources.clone().into_iter().map(move |r| (g.clone(), r)))
        })
        .collect();
    assert!(granted.iter().all(|(g, r)| g != "*" && r != "*"));
    assert!(granted.iter().all(|(g, r)| !is_noise(g, r)), "noise is not asked for");
    let cluster = Cluster::example().unwrap();
    for group in cluster.groups.iter().filter(|g| BUILT_IN.contains(&g.name.as_str())) {
        for r in group.versions.iter().flat_map(|v| &v.resources) {
            let wanted = r.verbs.iter().any(|v| v == "list") && !is_noise(&group.name, &r.plural);
            let has = granted.contains(&(group.name.clone(), r.plural.clone()));
            assert_eq!(has, wanted && r.plural != "secrets", "{} {}", group.name, r.plural);
        }
    }
    let secrets = rules("tidegate-reader-secrets");
    assert_eq!(secrets.len(), 1);
    assert_eq!(texts(&secrets[0]["resources"]), ["secrets".to_owned()].into());
}
