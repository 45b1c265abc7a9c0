# METADATA
# title: Stored custom resources can be read
# description: >-
#   Every version in `status.storedVersions` of a CustomResourceDefinition is still one that
#   it serves. Objects of a version that is gone cannot be read, and an upgrade of the
#   operator that drops it is refused.
# scope: package
# custom:
#   id: k8s.upgrade.crd-stored-version
#   severity: high
#   input: resource
#   kinds: [apiextensions.k8s.io.CustomResourceDefinition]
#   requires:
#     apiextensions.k8s.io.CustomResourceDefinition: [/spec/versions, /status/storedVersions]
#   standard: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#upgrade-existing-objects-to-a-new-stored-version
#   remediation: >-
#     Serve the version again, rewrite all objects (`kubectl get KIND -A -o json | kubectl
#     replace -f -`, or a StorageVersionMigration), then `kubectl patch
#     customresourcedefinition NAME --subresource=status --type=merge -p '{"status":
#     {"storedVersions": ["v1"]}}'`.
package k8s.upgrade.crd_stored_version

import rego.v1

body := input.resource.body

served contains v.name if {
	some v in body.spec.versions
	v.served == true
}

violations contains {
	"message": sprintf("objects may be stored as `%s`, which is not served any more", [stored]),
	"path": sprintf("/status/storedVersions/%d", [n]),
	"found": stored,
	"wanted": null,
} if {
	some n, stored in body.status.storedVersions
	not stored in served
}

verdict := "pass" if count(violations) == 0

verdict := "fail" if count(violations) > 0
