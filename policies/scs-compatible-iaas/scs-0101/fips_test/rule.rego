# METADATA
# title: Random numbers of a new server pass the FIPS 140-2 test
# description: >-
#   A probe starts a server and runs `rngtest -c 1000`. The reference suite accepts up
#   to 5 failures; mode `strict` fewer, as the text does.
# scope: package
# custom:
#   id: scs-0101-fips-test
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
#     mode: reference
#     lifetime: week
package scs.scs_0101.fips_test

import rego.v1

import data.scs.lib.probe

found := probe.state(input, "probe.entropy", "scs-0101-fips-test")

judgement := probe.settled(found) if found.verdict != "judge"

judgement := judged(failures) if {
	found.verdict == "judge"
	lines := object.get(found.body, ["output", "fips-test"], [])
	failures := [to_number(groups[0][1]) |
		some line in lines
		groups := regex.find_all_string_submatch_n(`failures: *([0-9]+)`, line, 1)
		count(groups) == 1
	]
}

most := {"reference": 5, "strict": 4}[input.parameters.mode]

judged(failures) := {"verdict": "abort", "violations": set(), "reason": "the server printed no number of failures"} if {
	count(failures) == 0
}

judged(failures) := {"verdict": "pass", "violations": set()} if failures[0] <= most

judged(failures) := {"verdict": "fail", "violations": {{
	"resource": found.key,
	"message": sprintf("%d of 1000 blocks of random numbers of a new server fail, at most %d may", [failures[0], most]),
	"path": "/output/fips-test",
	"found": failures[0],
	"wanted": most,
}}} if {
	failures[0] > most
}

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := found.until
