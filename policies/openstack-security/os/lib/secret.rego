# What stands where the collector took a secret out.
package os.lib.secret

import rego.v1

# Whether a value was a secret, by its own text or by the name of its member.
taken(value) if startswith(value, "[redacted")
