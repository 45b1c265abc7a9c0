//! What is known of resource types beforehand: which are noise, which members
//! change by themselves, where secrets stand, which types rules may ask for
//! although a cluster does not serve them.

/// Resource types that are not collected: group, plural (`*` for all), and why.
pub const NOISE: &[(&str, &str, &str)] = &[
    ("", "events", "what happened in the last hour"),
    ("events.k8s.io", "events", "the same events"),
    ("coordination.k8s.io", "*", "heartbeats and leader elections, renewed every few seconds"),
    ("", "endpoints", "copied to EndpointSlices, which are collected"),
    ("", "componentstatuses", "deprecated, and not objects"),
    ("metrics.k8s.io", "*", "measurements"),
    ("custom.metrics.k8s.io", "*", "measurements"),
    ("external.metrics.k8s.io", "*", "measurements"),
    ("extensions", "*", "old names of what apps, networking.k8s.io and policy serve"),
    ("authorization.openshift.io", "*", "copies of rbac.authorization.k8s.io"),
    ("packages.operators.coreos.com", "packagemanifests", "a catalog of what could be installed"),
];

/// Whether a resource type is not collected.
#[must_use]
pub fn is_noise(group: &str, plural: &str) -> bool {
    NOISE.iter().any(|(g, p, _)| *g == group && (*p == "*" || *p == plural))
}

/// Members that change by themselves: kind (`*` for all) and JSON Pointer with
/// `*` for array elements.
pub const VOLATILE: &[(&str, &str)] = &[
    ("*", "/metadata/managedFields"),
    ("*", "/metadata/resourceVersion"),
    ("*", "/metadata/selfLink"),
    // The election of a leader before there were leases.
    ("*", "/metadata/annotations/control-plane.alpha.kubernetes.io~1leader"),
    ("core.Node", "/status/conditions/*/lastHeartbeatTime"),
    ("core.Pod", "/status/conditions/*/lastProbeTime"),
    ("batch.Job", "/status/conditions/*/lastProbeTime"),
    ("autoscaling.HorizontalPodAutoscaler", "/status/currentMetrics"),
    ("autoscaling.HorizontalPodAutoscaler", "/status/currentCPUUtilizationPercentage"),
    (
        "autoscaling.HorizontalPodAutoscaler",
        "/metadata/annotations/autoscaling.alpha.kubernetes.io~1current-metrics",
    ),
    ("autoscaling.k8s.io.VerticalPodAutoscaler", "/status/recommendation"),
    ("argoproj.io.Application", "/status/reconciledAt"),
    ("velero.io.BackupStorageLocation", "/status/lastValidationTime"),
    ("velero.io.BackupStorageLocation", "/status/lastSyncedTime"),
];

/// Annotations that repeat the whole object as somebody applied it, secrets
/// included. They are left out.
pub const APPLIED: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    "objectset.rio.cattle.io/applied",
    "kapp.k14s.io/original",
    "banzaicloud.com/last-applied",
    "pulumi.com/last-applied-configuration",
];

/// Maps whose values never leave the collector, whatever their keys: kind and
/// JSON Pointer of the map.
pub const SECRET_MAPS: &[(&str, &str)] = &[
    ("core.Secret", "/data"),
    ("core.Secret", "/stringData"),
    // Nobody can look into these for secrets.
    ("core.ConfigMap", "/binaryData"),
];

/// Maps of free keys in built-in types, where a value is secret if its key
/// sounds so: kind (`*` for all) and the last member names of their pointers.
pub const KEYED_MAPS: &[(&str, &str)] = &[
    ("core.ConfigMap", "/data"),
    ("*", "/metadata/annotations"),
    ("*", "/volumeAttributes"),
    ("*", "/flexVolume/options"),
    ("*", "/parameters"),
    ("*", "/attachmentMetadata"),
];

/// Names of name-value pairs that hold secrets, besides those that
/// [`tidegate_redact::secret_name`] tells: HTTP headers.
pub const SECRET_HEADERS: &[&str] =
    &["authorization", "proxy-authorization", "cookie", "set-cookie"];

/// Members that are code of policies. A secret that can be told by itself is
/// replaced in them; `token: …` is part of the language and stays.
pub const CODE: &[(&str, &str)] = &[
    ("templates.gatekeeper.sh.ConstraintTemplate", "/spec/targets"),
    ("admissionregistration.k8s.io.ValidatingAdmissionPolicy", "/spec"),
    ("admissionregistration.k8s.io.MutatingAdmissionPolicy", "/spec"),
    ("apiextensions.k8s.io.CustomResourceDefinition", "/spec/versions"),
    ("kyverno.io.ClusterPolicy", "/spec/rules"),
    ("kyverno.io.Policy", "/spec/rules"),
];

/// Members that name things, at any depth. A secret that can be told by itself
/// is replaced in them; `example.org/secret:v1.2` is an image.
pub const NAMES: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "image",
    "imageID",
    "containerID",
    "names",
    "uid",
    "nodeName",
    "serviceAccountName",
    "secretName",
    "claimName",
    "clusterName",
    "providerID",
    "kind",
    "apiVersion",
];

/// Groups whose types are part of Kubernetes. In all others a member is secret
/// if its name sounds so; in these the name is known and its secrets stand
/// above.
pub const BUILT_IN: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Endings of member names of custom resources that only point at a secret or
/// tell about it.
pub const HARMLESS_ENDINGS: &[&str] = &[
    "Name",
    "Names",
    "Ref",
    "Refs",
    "Reference",
    "References",
    "Namespace",
    "Namespaces",
    "Selector",
    "Type",
    "Kind",
    "Class",
    "Path",
    "File",
    "Url",
    "URL",
    "Uri",
    "URI",
    "Id",
    "ID",
    "Policy",
    "Mode",
    "Version",
    "Template",
    "TTL",
    "Ttl",
    "Duration",
    "Seconds",
    "Period",
    "Interval",
    "Time",
    "Timestamp",
    "Status",
    "Algorithm",
    "Size",
    "Format",
    "Prefix",
    "Endpoint",
    "Role",
    "Issuer",
    "Provider",
    "Store",
    "Resource",
    "Strategy",
];

/// Kinds that rules may ask for and that not every cluster serves. Where one is
/// not served, that is told.
pub const OPTIONAL: &[&str] = &[
    "admissionregistration.k8s.io.MutatingAdmissionPolicy",
    "admissionregistration.k8s.io.MutatingAdmissionPolicyBinding",
    "admissionregistration.k8s.io.ValidatingAdmissionPolicy",
    "admissionregistration.k8s.io.ValidatingAdmissionPolicyBinding",
    "autoscaling.HorizontalPodAutoscaler",
    "batch.CronJob",
    "cert-manager.io.Certificate",
    "certificates.k8s.io.CertificateSigningRequest",
    "certificates.k8s.io.ClusterTrustBundle",
    "cilium.io.CiliumClusterwideNetworkPolicy",
    "cilium.io.CiliumNetworkPolicy",
    "cluster.x-k8s.io.Cluster",
    "cluster.x-k8s.io.Machine",
    "cluster.x-k8s.io.MachineDeployment",
    "cluster.x-k8s.io.MachineHealthCheck",
    "clusterstack.x-k8s.io.ClusterStackRelease",
    "controlplane.cluster.x-k8s.io.KubeadmControlPlane",
    "core.gardener.cloud.CloudProfile",
    "crd.projectcalico.org.GlobalNetworkPolicy",
    "crd.projectcalico.org.NetworkPolicy",
    "discovery.k8s.io.EndpointSlice",
    "flowcontrol.apiserver.k8s.io.FlowSchema",
    "flowcontrol.apiserver.k8s.io.PriorityLevelConfiguration",
    "gateway.networking.k8s.io.Gateway",
    "gateway.networking.k8s.io.GatewayClass",
    "gateway.networking.k8s.io.HTTPRoute",
    "infrastructure.cluster.x-k8s.io.OpenStackCluster",
    "infrastructure.cluster.x-k8s.io.OpenStackMachine",
    "k3s.cattle.io.ETCDSnapshotFile",
    "networking.k8s.io.Ingress",
    "networking.k8s.io.IngressClass",
    "networking.k8s.io.IPAddress",
    "networking.k8s.io.NetworkPolicy",
    "networking.k8s.io.ServiceCIDR",
    "node.k8s.io.RuntimeClass",
    "policy.PodDisruptionBudget",
    "policy.PodSecurityPolicy",
    "policy.networking.k8s.io.AdminNetworkPolicy",
    "policy.networking.k8s.io.BaselineAdminNetworkPolicy",
    "policy.networking.k8s.io.ClusterNetworkPolicy",
    "resource.k8s.io.DeviceClass",
    "resource.k8s.io.ResourceClaim",
    "resource.k8s.io.ResourceClaimTemplate",
    "resource.k8s.io.ResourceSlice",
    "snapshot.storage.k8s.io.VolumeSnapshot",
    "snapshot.storage.k8s.io.VolumeSnapshotClass",
    "snapshot.storage.k8s.io.VolumeSnapshotContent",
    "storage.k8s.io.CSIStorageCapacity",
    "storage.k8s.io.VolumeAttributesClass",
    "templates.gatekeeper.sh.ConstraintTemplate",
    "velero.io.Backup",
];
