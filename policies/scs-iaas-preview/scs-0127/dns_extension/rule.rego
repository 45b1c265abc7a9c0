# METADATA
# title: Neutron resolves the names of servers
# description: >-
#   scs-0127-v1, "DNS Extensions": one of the drivers that offer `dns-integration` should be
#   among the `extension_drivers` in section `ml2` of ml2_conf.ini.
# scope: package
# custom:
#   id: scs-preview-0127-dns-extension
#   severity: low
#   input: collection
#   per: subject
#   kinds: [config.oslo]
#   requires:
#     config.oslo: [/service, /file, /sections]
#   standard: https://docs.scs.community/standards/scs-0127-v1-dns#dns-extensions
#   remediation: >-
#     Add `subnet_dns_publish_fixed_ip` (or `dns`) to `extension_drivers` in section [ml2]
#     of ml2_conf.ini.
package scs_preview.scs_0127.dns_extension

import rego.v1

import data.scs.lib.oslo

offering := {"dns", "dns_domain_ports", "subnet_dns_publish_fixed_ip", "dns_domain_keywords"}

files := {f.key: f |
	some f in input.resources["config.oslo"]
	f.body.service == "neutron"
	f.body.file == "ml2_conf.ini"
}

# {key of a file: drivers}
drivers := {key: names |
	some key, f in files
	text := oslo.value(f, "ml2", "extension_drivers")
	names := names_in(text)
}

names_in(null) := set()

names_in(text) := {trim_space(name) | some name in split(text, ",")} - {""} if text != null

# Agents have a file of that name too, without drivers: where one says something,
# only those that do count.
telling := {key | some key, names in drivers; count(names) > 0}

without := {key | some key in telling; count(drivers[key] & offering) == 0} if count(telling) > 0

without := {key | some key, _ in drivers} if count(telling) == 0

judged if {
	count(files) > 0
	count(drivers) == count(files)
}

verdict := "pass" if {
	judged
	count(without) == 0
}

verdict := "fail" if {
	judged
	count(without) > 0
}

verdict := "abort" if count(files) == 0

reason := "no ml2_conf.ini is among the configuration files" if count(files) == 0

violations contains {
	"resource": key,
	"message": "ml2_conf.ini: no driver in `extension_drivers` of section `ml2` offers dns-integration",
	"path": "/sections/ml2/extension_drivers",
	"found": sort(drivers[key]),
	"wanted": sort(offering),
} if {
	verdict == "fail"
	some key in without
}
