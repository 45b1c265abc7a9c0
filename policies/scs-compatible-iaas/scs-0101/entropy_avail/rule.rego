# METADATA
# title: A new server has all the entropy that it can have
# description: >-
#   A probe starts a server and reads `/proc/sys/kernel/random/entropy_avail`: current
#   kernels say 256.
# scope: package
# custom:
#   id: scs-0101-entropy-avail
#   severity: medium
#   input: collection
#   kinds: [probe.entropy]
#   visibility: member
#   requires:
#     probe.entropy: [/probed_at, /outcome]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0101-v1-entropy
#   remediation: >-
#     Let hypervisors hand out randomness: images with `hw_rng_model=virtio` (openstack
#     image set --property hw_rng_model=virtio <image>), flavors with
#     `hw_rng:allowed=True` (openstack flavor set --property hw_rng:allowed=True
#     <flavor>), and kernels of 5.18 or newer in the images.
#   parameters:
#     lifetime: week
package scs.scs_0101.entropy_avail

import rego.v1

import data.scs.lib.probe

found := probe.state(input, "probe.entropy", "scs-0101-entropy-avail")

judgement := probe.settled(found) if found.verdict != "judge"

judgement := judged(object.get(found.body, ["output", "entropy-avail"], [])) if found.verdict == "judge"

judged(lines) := {"verdict": "abort", "violations": set(), "reason": "the server printed no entropy"} if {
	count(lines) == 0
}

judged(lines) := {"verdict": "pass", "violations": set()} if trim_space(lines[0]) == "256"

judged(lines) := {"verdict": "fail", "violations": {{
	"resource": found.key,
	"message": sprintf("a new server says that it has `%s` bits of entropy, must be 256", [trim_space(lines[0])]),
	"path": "/output/entropy-avail/0",
	"found": lines[0],
	"wanted": "256",
}}} if {
	trim_space(lines[0]) != "256"
}

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := found.until
