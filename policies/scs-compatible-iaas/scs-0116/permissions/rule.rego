# METADATA
# title: Members can use the key manager
# description: >-
#   A probe creates, lists and deletes a secret as an ordinary member. A cloud without a
#   key manager passes.
# scope: package
# custom:
#   id: scs-0116-permissions
#   severity: high
#   input: collection
#   kinds: [identity.token, probe.key_manager]
#   visibility: member
#   requires:
#     identity.token: [/catalog]
#     probe.key_manager: [/probed_at, /outcome, /roles]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0116-v1-key-manager-standard
#   remediation: >-
#     Let role `member` create, list and delete secrets: leave Barbican its default policy
#     (remove secrets:* from its policy.yaml) and set enforce_new_defaults = True in
#     [oslo_policy] of barbican.conf, or give members the role `creator`: openstack
#     implied role create member --implied-role creator
#   parameters:
#     lifetime: week
package scs.scs_0116.permissions

import rego.v1

import data.scs.lib.catalog
import data.scs.lib.probe
import data.scs.lib.utc

offered := catalog.judge(input, {"key-manager"})

found := probe.state(input, "probe.key_manager", "scs-0116-permissions")

judgement := offered if offered.verdict == "abort"

judgement := {"verdict": "pass", "violations": set()} if offered.verdict == "fail"

judgement := probe.settled(found) if {
	offered.verdict == "pass"
	count({found.verdict} & {"judge", "absent"}) == 0
}

# The catalog has a key manager: either it came after the probe, or it has no
# endpoint where the probe looked for it.
judgement := {
	"verdict": "missing",
	"violations": set(),
	"reason": sprintf("the catalog has a key manager, which it had not when probed at %s; type: %s", [
		found.body.probed_at,
		probe.command("scs-0116-permissions"),
	]),
} if {
	offered.verdict == "pass"
	found.verdict == "absent"
	count(endpoints) > 0
}

judgement := fail(sprintf("the catalog has a key manager without an endpoint here: %v", [object.get(found.body, "reason", "no reason given")]), "/outcome", found.body.outcome, "done") if {
	offered.verdict == "pass"
	found.verdict == "absent"
	count(endpoints) == 0
}

judgement := judged(found.body.steps) if {
	offered.verdict == "pass"
	found.verdict == "judge"
	ordinary == true
}

judgement := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("the probe used the roles %s; it needs `member`, and neither `admin` nor `manager`", [concat(", ", sort(roles))]),
} if {
	offered.verdict == "pass"
	found.verdict == "judge"
	ordinary == false
}

# Where the probe was, or anywhere in a cloud of one region.
endpoints := [endpoint |
	some token in input.resources["identity.token"]
	some service in token.body.catalog
	service.type == "key-manager"
	some endpoint in service.endpoints
	here(endpoint)
]

here(endpoint) if endpoint.region == input.resources["probe.key_manager"][_].region

here(endpoint) if endpoint.region_id == input.resources["probe.key_manager"][_].region

roles := {lower(role) | some role in found.body.roles}

ordinary := {"member" in roles, count(roles & {"admin", "manager"}) == 0} == {true}

# The first operation that did not succeed decides.
judged(steps) := {"verdict": "pass", "violations": set()} if {
	count(unsuccessful(steps)) == 0
	{step.op | some step in steps} & {"create", "delete", "list"} == {"create", "delete", "list"}
}

judged(steps) := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("the probe of %s did not create, list and delete a secret", [found.body.probed_at]),
} if {
	count(unsuccessful(steps)) == 0
	{step.op | some step in steps} & {"create", "delete", "list"} != {"create", "delete", "list"}
}

judged(steps) := fail(
	sprintf("a member cannot %s a secret: status %d%s", [step.op, step.status, cause(object.get(step, "error", null))]),
	sprintf("/steps/%d/status", [n]),
	step.status,
	"a status of 200 to 299",
) if {
	[n, step] := unsuccessful(steps)[0]
	step.status in {403, 404}
}

judged(steps) := {
	"verdict": "abort",
	"violations": set(),
	"reason": sprintf("to %s a secret gave status %v%s", [step.op, object.get(step, "status", null), cause(object.get(step, "error", null))]),
} if {
	[_, step] := unsuccessful(steps)[0]
	count({object.get(step, "status", null)} & {403, 404}) == 0
}

unsuccessful(steps) := [[n, step] |
	some n, step in steps
	successful(object.get(step, "status", null)) == false
]

successful(status) := {status >= 200, status < 300} == {true} if is_number(status)

successful(status) := false if not is_number(status)

cause(null) := ""

cause(text) := sprintf(", %v", [text]) if text != null

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

valid_until := found.until if offered.verdict == "pass"

valid_until := utc.forever if offered.verdict != "pass"
