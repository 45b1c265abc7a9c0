//! What a cluster holds.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::recording::RecordingError;

/// The objects of a cluster, and who may see them.
#[derive(Debug, Clone, Deserialize)]
pub struct Cluster {
    /// The body of `/version`.
    pub version: Value,
    /// What is served, in order of preference; the core group's name is empty.
    pub groups: Vec<Group>,
    /// `<group>/<version>/<plural>` → objects in order of namespace and name,
    /// as they stand in a list. The core group is `core`.
    pub lists: BTreeMap<String, Vec<Box<RawValue>>>,
    /// Who may sign in. The first is in the kubeconfig.
    #[serde(default = "administrator")]
    pub accounts: Vec<Account>,
    /// Whether discovery is that of servers before 1.26.
    #[serde(default)]
    pub legacy: bool,
}

/// A group of the API.
#[derive(Debug, Clone, Deserialize)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its versions, preferred one first.
    pub versions: Vec<ApiVersion>,
}

/// A version of a group.
#[derive(Debug, Clone, Deserialize)]
pub struct ApiVersion {
    /// Its name.
    pub version: String,
    /// What it serves.
    pub resources: Vec<ApiResource>,
    /// Whether the server behind it is down.
    #[serde(default)]
    pub stale: bool,
}

/// A resource type.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "as in the API's own discovery documents")]
pub struct ApiResource {
    pub plural: String,
    pub kind: String,
    pub namespaced: bool,
    pub verbs: Vec<String>,
    #[serde(default)]
    pub subresources: Vec<String>,
}

/// Who signs in by a token.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// The name.
    pub user: String,
    /// The bearer token.
    pub token: String,
    /// What it may list: group (`*` for all), plural (`*` for all) and namespace,
    /// empty for all namespaces.
    pub list: Vec<(String, String, String)>,
}

impl Account {
    /// Whether it may list a resource type, over all namespaces if `namespace`
    /// is empty.
    pub(crate) fn may_list(&self, group: &str, plural: &str, namespace: &str) -> bool {
        let fits = |have: &str, want: &str| have == "*" || have == want;
        self.list
            .iter()
            .any(|(g, p, n)| fits(g, group) && fits(p, plural) && (n.is_empty() || n == namespace))
    }
}

fn administrator() -> Vec<Account> {
    let all = (String::from("*"), String::from("*"), String::new());
    let (user, token) = ("admin".to_owned(), "replayed-admin-token".to_owned());
    vec![Account { user, token, list: vec![all] }]
}

impl Cluster {
    /// The bundled cluster: a part of a recorded one with three nodes and eight
    /// pods, in which the server of `metrics.k8s.io` is down.
    ///
    /// # Errors
    /// [`RecordingError`] if the bundled file is damaged.
    pub fn example() -> Result<Self, RecordingError> {
        let text = include_str!("../../cluster/cluster.json");
        let file = || "cluster.json".to_owned();
        serde_json::from_str(text).map_err(|source| RecordingError::Json { file: file(), source })
    }

    /// Takes objects of a resource type in the place of those it had. `path` is
    /// `<group>/<version>/<plural>`.
    pub fn set(&mut self, path: &str, objects: impl IntoIterator<Item = Value>) {
        let raw = |v: Value| serde_json::value::to_raw_value(&v).ok();
        self.lists.insert(path.to_owned(), objects.into_iter().filter_map(raw).collect());
    }

    /// Serves one more resource type, namespaced and listable.
    pub fn serve(&mut self, group: &str, version: &str, plural: &str, kind: &str) {
        let resource = ApiResource {
            plural: plural.to_owned(),
            kind: kind.to_owned(),
            namespaced: true,
            verbs: vec!["get".to_owned(), "list".to_owned()],
            subresources: Vec::new(),
        };
        let version =
            ApiVersion { version: version.to_owned(), resources: vec![resource], stale: false };
        self.groups.push(Group { name: group.to_owned(), versions: vec![version] });
    }

    /// The version of a group, if it is served.
    pub(crate) fn version(&self, group: &str, version: &str) -> Option<&ApiVersion> {
        let group = self.groups.iter().find(|g| g.name == group)?;
        group.versions.iter().find(|v| v.version == version)
    }

    /// The objects of a resource type.
    pub(crate) fn objects(&self, group: &str, version: &str, plural: &str) -> &[Box<RawValue>] {
        let group = if group.is_empty() { "core" } else { group };
        self.lists.get(&format!("{group}/{version}/{plural}")).map_or(&[], Vec::as_slice)
    }
}
