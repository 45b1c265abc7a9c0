# Addresses, as Prowler tells public from private ones: by Python's `ipaddress.is_global`,
# without multicast.
package prowler.lib.address

import rego.v1

special := concat("|", [
	`^(0|10|127)\.`,
	`^100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.`,
	`^169\.254\.`,
	`^172\.(1[6-9]|2[0-9]|3[01])\.`,
	`^192\.(0\.0|0\.2|168)\.`,
	`^198\.(18|19|51\.100)\.`,
	`^203\.0\.113\.`,
	`^(22[4-9]|2[345][0-9])\.`,
	`^::`,
	`^64:ff9b:1:`,
	`^100:`,
	`^2001:(:|[0-9a-f]{1,2}:|1[0-9a-f]{2}:|db8:)`,
	`^2002:`,
	`^3fff:`,
	`^f[cd]`,
	`^fe[89ab]`,
	`^ff`,
])

private(address) if regex.match(special, address)

public(address) if {
	address != ""
	not private(address)
}
