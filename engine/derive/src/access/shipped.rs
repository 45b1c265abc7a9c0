//! The bindings that Kubernetes and kubeadm ship.
//!
//! A label says which ones the API server wrote, but not that nobody added to
//! them since: it puts back what is missing and leaves what is more. So they
//! are known by binding, role and subject.
//!
//! Source: kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy and
//! cmd/kubeadm/app (1.36).

use super::read::{Binding, Subject};

pub(super) const ANONYMOUS: &str = "system:anonymous";
pub(super) const AUTHENTICATED: &str = "system:authenticated";
pub(super) const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
pub(super) const UNAUTHENTICATED: &str = "system:unauthenticated";

/// What API servers built for OpenShift ship beside `system:public-info-viewer`.
const OPENSHIFT_INFO: &str = "system:openshift:public-info-viewer";

/// Cluster-wide: binding, role, kind and name of the subject.
const CLUSTER: [(&str, &str, &str, &str); 22] = [
    ("cluster-admin", "cluster-admin", "Group", "system:masters"),
    ("kubeadm:cluster-admins", "cluster-admin", "Group", "kubeadm:cluster-admins"),
    (
        "kubeadm:get-nodes",
        "kubeadm:get-nodes",
        "Group",
        "system:bootstrappers:kubeadm:default-node-token",
    ),
    (
        "kubeadm:kubelet-bootstrap",
        "system:node-bootstrapper",
        "Group",
        "system:bootstrappers:kubeadm:default-node-token",
    ),
    (
        "kubeadm:node-autoapprove-bootstrap",
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        "Group",
        "system:bootstrappers:kubeadm:default-node-token",
    ),
    (
        "kubeadm:node-autoapprove-certificate-rotation",
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        "Group",
        "system:nodes",
    ),
    ("kubeadm:node-proxier", "system:node-proxier", "ServiceAccount", "kube-system/kube-proxy"),
    ("system:basic-user", "system:basic-user", "Group", AUTHENTICATED),
    ("system:coredns", "system:coredns", "ServiceAccount", "kube-system/coredns"),
    ("system:discovery", "system:discovery", "Group", AUTHENTICATED),
    (
        "system:kube-controller-manager",
        "system:kube-controller-manager",
        "User",
        "system:kube-controller-manager",
    ),
    ("system:kube-dns", "system:kube-dns", "ServiceAccount", "kube-system/kube-dns"),
    ("system:kube-scheduler", "system:kube-scheduler", "User", "system:kube-scheduler"),
    ("system:monitoring", "system:monitoring", "Group", "system:monitoring"),
    ("system:node", "system:node", "Group", "system:nodes"),
    ("system:node-proxier", "system:node-proxier", "User", "system:kube-proxy"),
    (OPENSHIFT_INFO, OPENSHIFT_INFO, "Group", AUTHENTICATED),
    (OPENSHIFT_INFO, OPENSHIFT_INFO, "Group", UNAUTHENTICATED),
    ("system:public-info-viewer", "system:public-info-viewer", "Group", AUTHENTICATED),
    ("system:public-info-viewer", "system:public-info-viewer", "Group", UNAUTHENTICATED),
    (
        "system:service-account-issuer-discovery",
        "system:service-account-issuer-discovery",
        "Group",
        SERVICE_ACCOUNTS,
    ),
    ("system:volume-scheduler", "system:volume-scheduler", "User", "system:kube-scheduler"),
];

/// In `kube-system` and `kube-public`: binding, role, kind and name of the
/// subject.
const NAMESPACED: [(&str, &str, &str, &str); 11] = [
    ("kube-proxy", "kube-proxy", "Group", "system:bootstrappers:kubeadm:default-node-token"),
    (
        "kubeadm:bootstrap-signer-clusterinfo",
        "kubeadm:bootstrap-signer-clusterinfo",
        "User",
        ANONYMOUS,
    ),
    (
        "kubeadm:kubeadm-config",
        "kubeadm:kubeadm-config",
        "Group",
        "system:bootstrappers:kubeadm:default-node-token",
    ),
    ("kubeadm:kubeadm-config", "kubeadm:kubeadm-config", "Group", "system:nodes"),
    (
        "kubeadm:kubelet-config",
        "kubeadm:kubelet-config",
        "Group",
        "system:bootstrappers:kubeadm:default-node-token",
    ),
    ("kubeadm:kubelet-config", "kubeadm:kubelet-config", "Group", "system:nodes"),
    (
        "system::extension-apiserver-authentication-reader",
        "extension-apiserver-authentication-reader",
        "User",
        "system:kube-controller-manager",
    ),
    (
        "system::extension-apiserver-authentication-reader",
        "extension-apiserver-authentication-reader",
        "User",
        "system:kube-scheduler",
    ),
    (
        "system::leader-locking-kube-controller-manager",
        "system::leader-locking-kube-controller-manager",
        "User",
        "system:kube-controller-manager",
    ),
    (
        "system::leader-locking-kube-scheduler",
        "system::leader-locking-kube-scheduler",
        "User",
        "system:kube-scheduler",
    ),
    (
        "system::leader-locking-kube-scheduler",
        "system::leader-locking-kube-scheduler",
        "ServiceAccount",
        "kube-system/kube-scheduler",
    ),
];

const CONTROLLER: &str = "system:controller:";

/// Whether a binding ships with this role and this subject.
pub(super) fn is_shipped(binding: &Binding, subject: &Subject) -> bool {
    let account;
    let name = match &subject.namespace {
        Some(namespace) => {
            account = format!("{namespace}/{}", subject.name);
            account.as_str()
        }
        None => subject.name.as_str(),
    };
    let known: &[(&str, &str, &str, &str)] = match binding.namespace.as_deref() {
        None => &CLUSTER,
        Some("kube-system" | "kube-public") => &NAMESPACED,
        Some(_) => return false,
    };
    // Each controller has a service account, role and binding of its name.
    let own = binding.name.strip_prefix(CONTROLLER);
    if binding.role_name == binding.name
        && own.is_some_and(|own| name == format!("kube-system/{own}"))
    {
        return subject.kind == "ServiceAccount";
    }
    let this = (binding.name.as_str(), binding.role_name.as_str(), subject.kind, name);
    let manager = "system::leader-locking-kube-controller-manager";
    let leader = ["kube-system/kube-controller-manager", "kube-system/leader-election-controller"];
    known.contains(&this)
        || (binding.namespace.as_deref() == Some("kube-system")
            && this.0 == manager
            && this.1 == manager
            && leader.contains(&name))
}

/// Whether anybody, or any pod, is in this group.
pub(super) fn is_open(subject: &Subject) -> bool {
    let name = subject.name.as_str();
    match subject.kind {
        "User" => name == ANONYMOUS,
        "Group" => {
            let of = name.strip_prefix(SERVICE_ACCOUNTS);
            [AUTHENTICATED, UNAUTHENTICATED].contains(&name)
                || of.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        }
        _ => false,
    }
}
