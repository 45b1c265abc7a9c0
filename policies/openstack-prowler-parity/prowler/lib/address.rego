# Addresses, as Prowler tells public from private ones: by Python's `ipaddress.is_global`,
# without multicast.
package prowler.lib.address

import rego.v1

special := [
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"::/127", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", "3fff::/20", "fc00::/7", "fe80::/10", "ff00::/8",
]

private(address) if {
	some range in special
	contains(range, ":") == contains(address, ":")
	net.cidr_contains(range, address)
}

public(address) if {
	address != ""
	not private(address)
}
