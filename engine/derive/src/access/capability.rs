//! What is asked of RBAC rules, and how the API server matches them.
//!
//! Source: `VerbMatches`, `APIGroupMatches`, `ResourceMatches` and
//! `ResourceNameMatches` of kubernetes/pkg/apis/rbac/v1 (1.36).

use std::collections::BTreeSet;

use super::read::Rule;

/// Something a rule may grant: any of `verbs` on any of `resources`.
#[derive(Debug)]
pub(super) struct Capability {
    pub(super) name: &'static str,
    asks: Asks,
}

#[derive(Debug)]
enum Asks {
    Everything,
    Wildcard,
    AllUrls,
    Any(&'static [On]),
}

/// Verbs on resources.
#[derive(Debug)]
struct On {
    /// Empty for every verb.
    verbs: &'static [&'static str],
    group: &'static str,
    resource: &'static str,
    /// Empty for the resource itself.
    subresource: &'static str,
    /// Whether objects are in namespaces, so that a RoleBinding grants it.
    namespaced: bool,
}

const fn on(
    verbs: &'static [&'static str],
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
) -> On {
    On { verbs, group, resource, subresource, namespaced: true }
}

const fn cluster(
    verbs: &'static [&'static str],
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
) -> On {
    On { verbs, group, resource, subresource, namespaced: false }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";

const READ: &[&str] = &["get", "list", "watch"];
const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const CREATE: &[&str] = &["create"];
const CHANGE: &[&str] = &["update", "patch"];
const SET: &[&str] = &["create", "update", "patch"];
const DELETE: &[&str] = &["delete", "deletecollection"];
const ENTER: &[&str] = &["get", "create"];

const fn any(name: &'static str, of: &'static [On]) -> Capability {
    Capability { name, asks: Asks::Any(of) }
}

/// Approval of certificate requests takes both of these.
pub(super) const APPROVE_CSR: usize = 0;
pub(super) const APPROVE_SIGNERS: usize = 1;

/// All of them; those that are documented have a name. A role's grants are bits
/// in this order.
pub(super) static CAPABILITIES: [Capability; 21] = [
    any("approve-csr", &[cluster(CHANGE, CERTIFICATES, "certificatesigningrequests", "approval")]),
    any("", &[cluster(&["approve"], CERTIFICATES, "signers", "")]),
    Capability { name: "everything", asks: Asks::Everything },
    Capability { name: "wildcard", asks: Asks::Wildcard },
    Capability { name: "all-urls", asks: Asks::AllUrls },
    any("read-secrets", &[on(READ, "", "secrets", "")]),
    any("write-secrets", &[on(WRITE, "", "secrets", "")]),
    any(
        "create-pods",
        &[
            on(CREATE, "", "pods", ""),
            on(CREATE, "", "replicationcontrollers", ""),
            on(CREATE, "apps", "deployments", ""),
            on(CREATE, "apps", "replicasets", ""),
            on(CREATE, "apps", "statefulsets", ""),
            on(CREATE, "apps", "daemonsets", ""),
            on(CREATE, "batch", "jobs", ""),
            on(CREATE, "batch", "cronjobs", ""),
        ],
    ),
    any(
        "change-workloads",
        &[
            on(CHANGE, "", "pods", ""),
            on(CHANGE, "", "replicationcontrollers", ""),
            on(CHANGE, "apps", "deployments", ""),
            on(CHANGE, "apps", "replicasets", ""),
            on(CHANGE, "apps", "statefulsets", ""),
            on(CHANGE, "apps", "daemonsets", ""),
            on(CHANGE, "batch", "jobs", ""),
            on(CHANGE, "batch", "cronjobs", ""),
        ],
    ),
    any(
        "exec",
        &[
            on(ENTER, "", "pods", "exec"),
            on(ENTER, "", "pods", "attach"),
            on(CHANGE, "", "pods", "ephemeralcontainers"),
        ],
    ),
    any("port-forward", &[on(ENTER, "", "pods", "portforward")]),
    any("nodes-proxy", &[cluster(&[], "", "nodes", "proxy")]),
    any(
        "escalate",
        &[on(&["escalate"], RBAC, "roles", ""), cluster(&["escalate"], RBAC, "clusterroles", "")],
    ),
    // The check is made in the namespace of the binding that is written, also
    // for cluster roles.
    any("bind", &[on(&["bind"], RBAC, "roles", ""), on(&["bind"], RBAC, "clusterroles", "")]),
    any(
        "write-rbac",
        &[
            on(SET, RBAC, "roles", ""),
            on(SET, RBAC, "rolebindings", ""),
            cluster(SET, RBAC, "clusterroles", ""),
            cluster(SET, RBAC, "clusterrolebindings", ""),
        ],
    ),
    any(
        "impersonate",
        &[
            cluster(&["impersonate"], "", "users", ""),
            cluster(&["impersonate"], "", "groups", ""),
            on(&["impersonate"], "", "serviceaccounts", ""),
        ],
    ),
    any("create-tokens", &[on(CREATE, "", "serviceaccounts", "token")]),
    any("create-volumes", &[cluster(CREATE, "", "persistentvolumes", "")]),
    any(
        "write-webhooks",
        &[
            cluster(WRITE, ADMISSION, "validatingwebhookconfigurations", ""),
            cluster(WRITE, ADMISSION, "mutatingwebhookconfigurations", ""),
        ],
    ),
    any(
        "write-configmaps",
        &[on(&["update", "patch", "delete", "deletecollection"], "", "configmaps", "")],
    ),
    any(
        "delete-events",
        &[on(DELETE, "", "events", ""), on(DELETE, "events.k8s.io", "events", "")],
    ),
];

/// The names of those that are documented.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CAPABILITIES.iter().map(|c| c.name).filter(|name| !name.is_empty())
}

/// What some rules grant of all capabilities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Grants {
    /// Bits of [`CAPABILITIES`]: of any object, by a ClusterRoleBinding.
    everywhere: u32,
    /// The same by a RoleBinding, in its namespace.
    in_namespace: u32,
    /// Of objects by name: capability, whether by a RoleBinding too, name.
    named: BTreeSet<(usize, bool, String)>,
}

impl Grants {
    /// Adds what a rule grants.
    pub(super) fn add(&mut self, rule: &Rule) {
        for (n, capability) in CAPABILITIES.iter().enumerate() {
            let (everywhere, in_namespace) = match capability.asks {
                Asks::Everything => both(is_everything(rule)),
                Asks::Wildcard => both(has_wildcard(rule)),
                Asks::AllUrls => (grants_all_urls(rule), false),
                Asks::Any(of) => {
                    let mut granted = of.iter().filter(|on| on.granted(rule)).peekable();
                    (granted.peek().is_some(), granted.any(|on| on.namespaced))
                }
            };
            if !everywhere {
                continue;
            }
            // URLs have no names.
            if rule.resource_names.is_empty() || matches!(capability.asks, Asks::AllUrls) {
                self.everywhere |= 1 << n;
                if in_namespace {
                    self.in_namespace |= 1 << n;
                }
            } else {
                let names = rule.resource_names.iter().cloned();
                self.named.extend(names.map(|name| (n, in_namespace, name)));
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.everywhere |= other.everywhere;
        self.in_namespace |= other.in_namespace;
        self.named.extend(other.named.iter().cloned());
    }

    /// Whether a binding of the role grants a capability on any object.
    pub(super) fn has(&self, capability: usize, in_namespace: bool) -> bool {
        let bits = if in_namespace { self.in_namespace } else { self.everywhere };
        bits & (1 << capability) != 0
    }

    /// The names of the objects that a binding grants a capability on.
    pub(super) fn names(&self, capability: usize, in_namespace: bool) -> BTreeSet<&str> {
        let at = |namespaced| (capability, namespaced, String::new());
        let from = self.named.range(at(in_namespace)..at(true));
        let rest = self.named.range(at(true)..).take_while(|(n, _, _)| *n == capability);
        from.chain(rest).map(|(_, _, name)| name.as_str()).collect()
    }

    /// Whether there is anything in it.
    pub(super) fn is_empty(&self, in_namespace: bool) -> bool {
        let bits = if in_namespace { self.in_namespace } else { self.everywhere };
        bits == 0 && !self.named.iter().any(|(_, namespaced, _)| *namespaced || !in_namespace)
    }
}

fn both(granted: bool) -> (bool, bool) {
    (granted, granted)
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == wanted)
}

fn is_everything(rule: &Rule) -> bool {
    has(&rule.verbs, "*") && has(&rule.api_groups, "*") && has(&rule.resources, "*")
}

/// A rule without resources is about URLs; there `*` is `all-urls`.
fn has_wildcard(rule: &Rule) -> bool {
    let star = |r: &String| r == "*" || r.starts_with("*/");
    !rule.resources.is_empty()
        && !rule.api_groups.is_empty()
        && !rule.verbs.is_empty()
        && (has(&rule.verbs, "*") || has(&rule.api_groups, "*") || rule.resources.iter().any(star))
}

fn grants_all_urls(rule: &Rule) -> bool {
    !rule.verbs.is_empty() && (has(&rule.urls, "*") || has(&rule.urls, "/*"))
}

impl On {
    /// Whether a rule grants this, names aside.
    fn granted(&self, rule: &Rule) -> bool {
        let verb = match self.verbs {
            [] => !rule.verbs.is_empty(),
            verbs => rule.verbs.iter().any(|v| v == "*" || verbs.contains(&v.as_str())),
        };
        let group = rule.api_groups.iter().any(|g| g == "*" || g == self.group);
        verb && group && rule.resources.iter().any(|r| self.is(r))
    }

    /// Whether a rule's resource is this one.
    fn is(&self, resource: &str) -> bool {
        if resource == "*" {
            return true;
        }
        match resource.split_once('/') {
            None => self.subresource.is_empty() && resource == self.resource,
            Some((of, sub)) => {
                !self.subresource.is_empty()
                    && sub == self.subresource
                    && (of == self.resource || of == "*")
            }
        }
    }
}
