# METADATA
# title: Volumes of one zone are not attached to servers of another
# description: >-
#   scs-0121-v1, "Standard": where there are several availability zones for storage,
#   attaching across zones should not be possible. Nova decides by `cross_az_attach` in
#   section `cinder` of nova.conf, which is true unless set. Each nova.conf counts.
# scope: package
# custom:
#   id: scs-strict-0121-cross-attach
#   severity: low
#   input: collection
#   kinds: [block-storage.service, config.oslo]
#   requires:
#     block-storage.service: [/binary, /zone]
#     config.oslo: [/service, /file, /sections]
#   standard: https://docs.scs.community/standards/scs-0121-v1-Availability-Zones-Standard#standard
#   remediation: "Set `cross_az_attach = False` in section [cinder] of nova.conf."
package scs_strict.scs_0121.cross_attach

import rego.v1

import data.scs.lib.oslo

zones := {s.body.zone |
	some s in input.resources["block-storage.service"]
	s.body.binary == "cinder-volume"
}

files := {f.key: f |
	some f in input.resources["config.oslo"]
	f.body.service == "nova"
	f.body.file == "nova.conf"
}

# {key of a file: text}; null where it is not set, which allows it.
values := {key: found |
	some key, f in files
	found := oslo.value(f, "cinder", "cross_az_attach")
}

allowing := {key | some key, found in values; found == null} | {key |
	some key, found in values
	oslo.boolean(found) == true
}

refusing := {key | some key, found in values; oslo.boolean(found) == false}

verdict := "pass" if count(zones) == 1

verdict := "pass" if {
	count(zones) > 1
	count(files) > 0
	count(refusing) == count(files)
}

verdict := "fail" if {
	count(zones) > 1
	count(allowing) > 0
}

verdict := "abort" if count(zones) == 0

verdict := "abort" if {
	count(zones) > 1
	count(allowing) == 0
	count(refusing) < count(files)
}

verdict := "abort" if {
	count(zones) > 1
	count(files) == 0
}

reason := "Cinder shows no volume service" if count(zones) == 0

reason := "no nova.conf is among the configuration files" if {
	count(zones) > 1
	count(files) == 0
}

reason := "nova.conf says neither true nor false to `cross_az_attach`" if {
	count(zones) > 1
	count(refusing | allowing) < count(files)
}

violations contains {
	"resource": key,
	"message": sprintf(
		"nova.conf: `cross_az_attach` in section `cinder` is %s, and there are the storage zones %s: wanted false",
		[shown(values[key]), concat(", ", sort(zones))],
	),
	"path": "/sections/cinder/cross_az_attach",
	"found": values[key],
	"wanted": false,
} if {
	verdict == "fail"
	some key in allowing
}

shown(null) := "not set"

shown(found) := sprintf("`%v`", [found]) if found != null
