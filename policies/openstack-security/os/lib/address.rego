# Addresses as Nova and Neutron write them: lower case, IPv6 shortened.
package os.lib.address

import rego.v1

# Whether the internet does not route it; `more` are beginnings of further ones.
internal(address, _) if strings.any_prefix_match(address, data.os.tables.addresses.private)

internal(address, more) if strings.any_prefix_match(address, more)
