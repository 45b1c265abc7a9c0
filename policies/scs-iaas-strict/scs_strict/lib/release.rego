# Releases of OpenStack, as `2025.1`.
package scs_strict.lib.release

import rego.v1

# Whether a release is 2024.2 or later; undefined for anything else than a release.
native_domain_manager(text) := to_number(written) >= 2024.2 if {
	written := sprintf("%v", [text])
	regex.match(`^20[0-9][0-9]\.[12]$`, written)
}

unknown := "set the parameter `keystone_release` to the release of Keystone, such as 2025.1"
