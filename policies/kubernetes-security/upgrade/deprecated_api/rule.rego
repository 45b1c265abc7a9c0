# METADATA
# title: The next version serves all that is in use
# description: >-
#   Looks for API versions that the cluster serves and the target version does not. If no
#   other version of the type is served, its objects are lost: fail. If another one is,
#   objects are safe, but whoever still asks for the old version breaks: who does is in the
#   metric `apiserver_requested_deprecated_apis` and in the audit log, not in the API, so
#   that is not judged unless `unused` lists it (`<group>/<version> <plural>`, the
#   operator's word). `target_minor` is the minor version to upgrade to; the next one if it
#   is null.
# scope: package
# custom:
#   id: k8s.upgrade.deprecated-api
#   severity: critical
#   input: collection
#   per: subject
#   kinds: [kubernetes.api, kubernetes.version]
#   requires:
#     kubernetes.api: [/group, /version, /plural]
#     kubernetes.version: [/gitVersion]
#   standard: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
#   remediation: >-
#     Find who asks (`kubectl get --raw /metrics | grep
#     apiserver_requested_deprecated_apis`, audit annotation `k8s.io/deprecated`), move
#     manifests and clients to the version that stays (`kubectl convert`), then upgrade.
#   parameters:
#     target_minor: null
#     unused: []
package k8s.upgrade.deprecated_api

import rego.v1

import data.k8s.lib.server
import data.k8s.lib.version
import data.k8s.tables

removed := tables.removed.apis

target := input.parameters.target_minor if is_number(input.parameters.target_minor)

target := server.minor(input) + 1 if input.parameters.target_minor == null

served contains {"name": name, "api": api} if {
	some api in input.resources["kubernetes.api"]
	name := sprintf("%s/%s %s", [api.body.group, api.body.version, api.body.plural])
}

ending contains s if {
	some s in served
	removed[s.name] <= target
}

# Types that some version stays of.
kept contains [s.api.body.group, s.api.body.plural] if {
	some s in served
	not s in ending
}

# What took over under another group.
kept contains ["extensions", "ingresses"] if {
	some s in served
	s.name == "networking.k8s.io/v1 ingresses"
}

violations contains {
	"resource": s.api.key,
	"message": sprintf("1.%d removes `%s`, and no other version of it is served", [removed[s.name], s.name]),
	"path": "/version",
	"found": s.name,
	"wanted": null,
} if {
	some s in ending
	type := [s.api.body.group, s.api.body.plural]
	not type in kept
	name := s.name
	not name in input.parameters.unused
}

doubts contains version.unknown if not target

doubts contains sprintf("what 1.%d removes is not known here, only up to 1.%d", [target, tables.removed.known_until]) if {
	target > tables.removed.known_until
}

doubts contains sprintf("1.%d removes `%s`: who still asks for it is in the metric apiserver_requested_deprecated_apis", [removed[s.name], s.name]) if {
	some s in ending
	[s.api.body.group, s.api.body.plural] in kept
	name := s.name
	not name in input.parameters.unused
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(violations) == 0
	count(doubts) == 0
}

verdict := "abort" if {
	count(violations) == 0
	count(doubts) > 0
}

reason := min(doubts)
