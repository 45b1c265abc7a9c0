# METADATA
# title: Keystone enforces scopes and the new defaults
# description: >-
#   scs-0302-v1, "For OpenStack Keystone 2024.2 or later": `enforce_scope` and
#   `enforce_new_defaults` are enabled in section `oslo_policy` of keystone.conf. Before
#   2024.2 they may be as they are. What is not set depends on the version of oslo.policy,
#   which the file does not tell.
# scope: package
# custom:
#   id: scs-strict-0302-keystone-conf
#   severity: high
#   input: collection
#   per: subject
#   kinds: [config.oslo]
#   requires:
#     config.oslo: [/service, /file, /sections]
#   standard: https://docs.scs.community/standards/scs-0302-v1-domain-manager-role#for-openstack-keystone-20242-or-later
#   remediation: >-
#     Set `enforce_scope = True` and `enforce_new_defaults = True` in section
#     [oslo_policy] of keystone.conf.
#   parameters:
#     keystone_release: ""
package scs_strict.scs_0302.keystone_conf

import rego.v1

import data.scs.lib.oslo
import data.scs_strict.lib.release

native := release.native_domain_manager(input.parameters.keystone_release)

files := {f.key: f |
	some f in input.resources["config.oslo"]
	f.body.service == "keystone"
	f.body.file == "keystone.conf"
}

options := {"enforce_scope", "enforce_new_defaults"}

# {[key, option]: text}; null where it is not set.
found[[key, option]] := text if {
	some key, f in files
	some option in options
	text := oslo.value(f, "oslo_policy", option)
}

off := {at | some at, text in found; text != null; oslo.boolean(text) == false}

unset := {at[1] | some at, text in found; text == null}

unreadable := {at[1] | some at, text in found; text != null; oslo.boolean(text) == null}

judged if {
	native == true
	count(files) > 0
	count(found) == count(files) * 2
}

verdict := "pass" if native == false

verdict := "fail" if {
	judged
	count(off) > 0
}

verdict := "abort" if {
	judged
	count(off) == 0
	count(unset | unreadable) > 0
}

verdict := "pass" if {
	judged
	count(off) == 0
	count(unset | unreadable) == 0
}

verdict := "abort" if {
	native == true
	count(files) == 0
}

verdict := "abort" if not native_known

native_known if is_boolean(native)

reason := release.unknown if not native_known

reason := "no keystone.conf is among the configuration files" if {
	native == true
	count(files) == 0
}

reason := sprintf(
	"keystone.conf does not say true or false to %s in section `oslo_policy`, and defaults differ by version",
	[concat(" and ", sort(unset | unreadable))],
) if {
	judged
	count(unset | unreadable) > 0
}

violations contains {
	"resource": at[0],
	"message": sprintf(
		"keystone.conf: `%s` in section `oslo_policy` is `%s`, wanted true",
		[at[1], found[at]],
	),
	"path": sprintf("/sections/oslo_policy/%s", [at[1]]),
	"found": found[at],
	"wanted": true,
} if {
	verdict == "fail"
	some at in off
}
