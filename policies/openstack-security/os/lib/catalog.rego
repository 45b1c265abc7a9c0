# Endpoints of the catalog.
package os.lib.catalog

import rego.v1

# The verdict on the address of an endpoint, if it is of these interfaces.
encrypted(endpoint, interfaces) := "pass" if {
	is_string(endpoint.url)
	interface := endpoint.interface
	not interface in interfaces
}

encrypted(endpoint, interfaces) := "pass" if {
	is_string(endpoint.url)
	endpoint.interface in interfaces
	endpoint.enabled == false
}

encrypted(endpoint, interfaces) := "pass" if {
	endpoint.interface in interfaces
	endpoint.enabled == true
	startswith(lower(endpoint.url), "https://")
}

encrypted(endpoint, interfaces) := "fail" if {
	endpoint.interface in interfaces
	endpoint.enabled == true
	is_string(endpoint.url)
	url := lower(endpoint.url)
	not startswith(url, "https://")
}

plain(endpoint) := {
	"message": sprintf("the %s endpoint is not encrypted: %s", [endpoint.interface, endpoint.url]),
	"path": "/url",
	"found": endpoint.url,
	"wanted": "https://",
}
