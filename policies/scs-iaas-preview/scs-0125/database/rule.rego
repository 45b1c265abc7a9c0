# METADATA
# title: Services check the certificate of their database
# description: >-
#   scs-0125-v1, "Database Connections": each service has TLS configured for its database
#   by `ssl_ca` in the address of the connection. Whether the database itself insists on
#   TLS is not in these files. A file without a connection is not judged.
# scope: package
# custom:
#   id: scs-preview-0125-database
#   severity: high
#   input: resource
#   kinds: [config.oslo]
#   requires:
#     config.oslo: [/service, /file, /sections]
#   standard: https://docs.scs.community/standards/scs-0125-v1-secure-connections#database-connections
#   remediation: >-
#     Add ?ssl_ca=<path of the CA's certificate> to `connection`; with kolla-ansible set
#     database_enable_tls_internal.
package scs_preview.scs_0125.database

import rego.v1

body := input.resource.body

# {[section, option]: address}, the last one, which counts.
connections[[section, option]] := address if {
	some section in ["database", "api_database", "placement_database"]
	some option in ["connection", "slave_connection"]
	some address in last(object.get(body.sections, [section, option], []))
}

last(values) := array.slice(values, count(values) - 1, count(values)) if count(values) > 0

last(values) := [] if count(values) == 0

plain := {at |
	some at, address in connections
	remote(address) == true
	contains(address, "ssl_ca=") == false
}

# A file on the host needs no TLS; an address that was taken for a secret as a
# whole tells nothing.
remote(address) := true if {
	contains(address, "://")
	not startswith(address, "sqlite:")
} else := false

hidden := {at | some at, address in connections; startswith(address, "[redacted"); contains(address, "://") == false}

readable if {
	is_object(body.sections) == true
	count([1 | some address in connections; is_string(address) == true]) == count(connections)
}

verdict := "fail" if {
	readable
	count(plain) > 0
}

verdict := "abort" if {
	readable
	count(plain) == 0
	count(hidden) > 0
}

verdict := "pass" if {
	readable
	count(plain) == 0
	count(hidden) == 0
}

reason := sprintf(
	"%s of `%s`: the address of the database was redacted as a whole",
	[body.file, body.service],
) if {
	count(hidden) > 0
}

violations contains {
	"message": sprintf(
		"%s of `%s`: `%s` in section `%s` has no `ssl_ca`",
		[body.file, body.service, at[1], at[0]],
	),
	"path": sprintf("/sections/%s/%s", [at[0], at[1]]),
	"found": connections[at],
	"wanted": "an address with ssl_ca=<path>",
} if {
	verdict == "fail"
	some at in plain
}
