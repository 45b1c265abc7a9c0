# Points in time as the services write them, with or without zone: all are UTC.
package os.lib.moment

import rego.v1

# Nanoseconds since 1970, of whole seconds. Written as `+00:00`, since rego-cpp does not read
# `Z`.
ns(text) := time.parse_rfc3339_ns(sprintf("%s+00:00", [substring(text, 0, 19)]))

# Whether a text is such a time.
readable(text) if regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?$`, text)

# The same so many days later, or earlier.
after(instant, days) := instant + (((days * 86400) * 1000) * 1000000)

# What changes by no date.
never := "9999-01-01T00:00:00Z"

# As far as the engines' time functions reach: the 1st of January 2262.
end := 9214646400000000000
