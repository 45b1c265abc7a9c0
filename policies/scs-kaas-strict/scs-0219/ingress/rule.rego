# METADATA
# title: There is a default ingress class
# description: >-
#   scs-0219-v1, recommended: an ingress controller is there, and its class is the
#   default.
# scope: package
# custom:
#   id: scs-strict-0219-ingress
#   severity: low
#   input: collection
#   per: subject
#   kinds: [networking.k8s.io.IngressClass]
#   visibility: member
#   requires:
#     networking.k8s.io.IngressClass: [/metadata]
#   standard: https://docs.scs.community/standards/scs-0219-v1-kaas-networking
#   remediation: >-
#     kubectl annotate ingressclass <name> ingressclass.kubernetes.io/is-default-
#     class=true
package scs_kaas_strict.scs_0219.ingress

import rego.v1

classes := input.resources["networking.k8s.io.IngressClass"]

annotation := "ingressclass.kubernetes.io/is-default-class"

defaults := {id | some id, c in classes; object.get(c.body, ["metadata", "annotations", annotation], "") == "true"}

verdict := "pass" if count(defaults) == 1

verdict := "fail" if count(defaults) != 1

violations contains {
	"message": sprintf("%d of %d ingress classes are the default", [count(defaults), count(classes)]),
	"path": "/metadata/annotations/ingressclass.kubernetes.io~1is-default-class",
	"found": sort(defaults),
	"wanted": "one",
} if {
	verdict == "fail"
}
