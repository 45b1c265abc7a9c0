# Points in time as the services write them, with or without zone: all are UTC.
package os.lib.moment

import rego.v1

# Nanoseconds since 1970.
ns(text) := time.parse_rfc3339_ns(sprintf("%sZ", [trim_suffix(text, "Z")]))

# The same so many days later, or earlier.
after(instant, days) := instant + (((days * 86400) * 1000) * 1000000)

# What changes by no date.
never := "9999-01-01T00:00:00Z"

# As far as the engines' time functions reach: the 1st of January 2262.
end := 9214646400000000000
