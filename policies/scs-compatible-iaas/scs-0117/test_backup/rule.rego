# METADATA
# title: Members can back volumes up and restore them
# description: >-
#   A probe creates a volume, backs it up and restores the backup to another one.
#   Whatever goes wrong is a fail.
# scope: package
# custom:
#   id: scs-0117-test-backup
#   severity: high
#   input: collection
#   kinds: [probe.backup]
#   visibility: member
#   requires:
#     probe.backup: [/probed_at, /outcome]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0117-v1-volume-backup-service
#   remediation: >-
#     Set up cinder-backup with a driver (backup_driver in [DEFAULT] of cinder.conf), see
#     that it is up (openstack volume service list --service cinder-backup), and leave
#     Cinder its default policy of backups.
#   parameters:
#     lifetime: week
package scs.scs_0117.test_backup

import rego.v1

import data.scs.lib.probe

found := probe.state(input, "probe.backup", "scs-0117-test-backup")

judgement := probe.settled(found) if count({found.verdict} & {"judge", "absent"}) == 0

# To the reference suite everything that goes wrong is a fail.
judgement := fail(found.reason, "/outcome", "not-offered", "done") if found.verdict == "absent"

judgement := judged(found.body.steps) if found.verdict == "judge"

all_steps := {"create-volume", "wait-volume", "create-backup", "wait-backup", "restore", "wait-restored"}

judged(steps) := {"verdict": "pass", "violations": set()} if {
	count(undone(steps)) == 0
	all_steps - {step.op | some step in steps} == set()
}

judged(steps) := fail(
	sprintf("%s failed after %v seconds%s", [step.op, object.get(step, "seconds", 0), cause(object.get(step, "error", null))]),
	sprintf("/steps/%d", [n]),
	step,
	{"op": step.op, "ok": true},
) if {
	[n, step] := undone(steps)[0]
}

judged(steps) := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("the probe ended without a word on %s", [concat(", ", sort(left))]),
} if {
	count(undone(steps)) == 0
	left := all_steps - {step.op | some step in steps}
	count(left) > 0
}

undone(steps) := [[n, step] |
	some n, step in steps
	object.get(step, "ok", false) != true
]

cause(null) := ""

cause(text) := sprintf(": %v", [text]) if text != null

fail(message, path, what, wanted) := {"verdict": "fail", "violations": {{
	"resource": found.key,
	"message": message,
	"path": path,
	"found": what,
	"wanted": wanted,
}}}

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := found.until
