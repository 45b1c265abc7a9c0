# The endpoints of the service catalog, as the token shows it.
package scs.lib.endpoint

import rego.v1

# {[type, interface, region, url]} of all endpoints. Undefined if there is no token
# or its catalog cannot be read.
all(asked) := {[service.type, e.interface, object.get(e, "region", null), e.url] |
	some catalog in catalogs
	some service in catalog
	some e in service.endpoints
} if {
	tokens := asked.resources["identity.token"]
	count(tokens) > 0
	catalogs := [token.body.catalog | some token in tokens; is_array(token.body.catalog) == true]
	count(catalogs) == count(tokens)
	readable := [1 | some catalog in catalogs; some service in catalog; is_array(service.endpoints) == true]
	count(readable) == sum([count(catalog) | some catalog in catalogs])
}

# All regions that any endpoint is in.
regions(all_endpoints) := {e[2] | some e in all_endpoints} - {null}

# The regions in which one of the types has an endpoint of the interface.
covered(all_endpoints, types, interface) := {e[2] |
	some e in all_endpoints
	count({e[0]} & types) > 0
	e[1] == interface
}
