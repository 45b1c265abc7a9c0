# METADATA
# title: Hypervisors are of nearly one version
# description: >-
#   A host whose QEMU is more than `releases` releases behind the newest of the region: live
#   migration from newer to older hosts fails, and an upgrade was not finished. The API shows
#   the version of the hypervisor, not that of Nova.
# scope: package
# custom:
#   id: os.compute.service-version-skew
#   severity: high
#   input: collection
#   kinds: [compute.hypervisor]
#   requires:
#     compute.hypervisor: [/hypervisor_type, /hypervisor_hostname]
#   standard: https://docs.openstack.org/nova/latest/admin/upgrades.html
#   remediation: >-
#     Drain the host (openstack compute service set --disable --disable-reason upgrade HOST
#     nova-compute, then openstack server migrate --live-migration …), upgrade its packages or
#     images, and enable it again. Servers take the new QEMU only when they are started anew
#     or migrated.
#   parameters:
#     releases: 1
package os.compute.service_version_skew

import rego.v1

hypervisors := input.resources["compute.hypervisor"]

qemu[id] := hypervisor if {
	some id, hypervisor in hypervisors
	hypervisor.body.hypervisor_type in ["QEMU", "KVM"]
}

# Since 5.0 there are three releases of QEMU a year: 8.0, 8.1, 8.2, 9.0, …
# libvirt writes 8.2.2 as 8002002.
number[id] := (floor(version / 1000000) * 3) + (floor(version / 1000) % 1000) if {
	some id, hypervisor in qemu
	version := hypervisor.body.hypervisor_version
	is_number(version)
	version >= 5000000
}

newest := max({n | some n in number})

text(version) := sprintf("%d.%d", [floor(version / 1000000), floor(version / 1000) % 1000])

violations contains {
	"resource": hypervisor.key,
	"message": sprintf("host `%s` has QEMU %s, %d releases behind", [
		hypervisor.body.hypervisor_hostname,
		text(hypervisor.body.hypervisor_version),
		newest - n,
	]),
	"path": "/hypervisor_version",
	"found": text(hypervisor.body.hypervisor_version),
	"wanted": sprintf("at most %d behind", [input.parameters.releases]),
} if {
	some id, n in number
	newest - n > input.parameters.releases
	hypervisor := qemu[id]
}

# Those whose numbers say nothing must be equal within their type.
others contains [hypervisor.body.hypervisor_type, hypervisor.body.hypervisor_version] if {
	some id, hypervisor in hypervisors
	not number[id]
}

types contains pair[0] if some pair in others

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	count(violations) == 0
	count(others) == count(types)
	count(unreadable) == 0
}

verdict := "abort" if {
	count(violations) == 0
	count(unreadable) == 0
	count(others) > count(types)
}

unreadable contains id if {
	some id, hypervisor in hypervisors
	version := object.get(hypervisor, ["body", "hypervisor_version"], null)
	not is_number(version)
}

reason := sprintf("how far apart versions of %s are is not known", [concat(", ", sort(types))])
