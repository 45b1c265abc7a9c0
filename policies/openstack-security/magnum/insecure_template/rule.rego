# METADATA
# title: Cluster templates of Magnum are safe
# description: >-
#   TLS is on, no registry is used without it, and a public template offers no version of
#   Kubernetes whose support has ended (dates in the bundle `kubernetes-releases`; a
#   version it does not know, or none, is not judged).
# scope: package
# custom:
#   id: os.magnum.insecure-template
#   severity: high
#   input: resource
#   kinds: [container-infra.cluster_template]
#   absent: [container-infra.cluster_template]
#   requires:
#     container-infra.cluster_template: [/tls_disabled, /public, /insecure_registry]
#   time: true
#   standard: https://docs.openstack.org/magnum/latest/user/index.html#clustertemplate
#   remediation: >-
#     A template that clusters use cannot be changed: `openstack coe cluster template
#     create` a new one (without `--tls-disabled` and `--insecure-registry`, `--labels
#     kube_tag=v1.36.5`), hide the old one (`openstack coe cluster template update OLD
#     replace hidden=True`), and build clusters anew or `openstack coe cluster upgrade
#     CLUSTER NEW`.
package os.magnum.insecure_template

import rego.v1

import data.kubernetes_releases

body := input.resource.body

branches := data.kubernetes_releases.releases.branches

tag := object.get(object.get(body, "labels", {}), "kube_tag", "")

minor := to_number(found[0][1]) if {
	found := regex.find_all_string_submatch_n(`^v?1\.([0-9]+)([.+-]|$)`, tag, 1)
	count(found) == 1
}

# The minor versions whose dates are known.
known contains to_number(trim_prefix(branch, "1.")) if some branch, _ in branches

today := substring(input.now, 0, 10)

over if minor < min(known)

over if today > branches[sprintf("1.%d", [minor])].end_of_life

supported if today <= branches[sprintf("1.%d", [minor])].end_of_life

public if body.public == true

insecure := object.get(body, "insecure_registry", null)

violations contains {
	"message": "clusters of the template speak without TLS",
	"path": "/tls_disabled",
	"found": true,
	"wanted": false,
} if {
	body.tls_disabled == true
}

violations contains {
	"message": sprintf("clusters of the template fetch images from `%v` without TLS", [insecure]),
	"path": "/insecure_registry",
	"found": insecure,
	"wanted": null,
} if {
	not insecure in {null, ""}
}

violations contains {
	"message": sprintf("the public template offers Kubernetes %s, whose support has ended", [tag]),
	"path": "/labels/kube_tag",
	"found": tag,
	"wanted": "a supported version",
} if {
	public
	over
}

certain if body.public == false

certain if supported

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	body.tls_disabled == false
	certain
	count(violations) == 0
}

verdict := "abort" if {
	public
	not supported
	count(violations) == 0
}

reason := sprintf("the data on releases, of %s, do not know version `%s` of the public template", [data.kubernetes_releases.releases.as_of, tag]) if verdict == "abort"
