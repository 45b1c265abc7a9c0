# Series of OpenStack by the microversion of Nova.
package os.lib.series

import rego.v1

import data.os.tables.series as table

# Where a series stands in the order of releases. Undefined if the table does not know it.
position[one.id] := at if some at, one in table.series

about[one.id] := one if some one in table.series

# The series that a maximum microversion means, narrowed down by what the operator says.
candidates(version, "") := {one | some one in list} if list := table.compute[version]

candidates(version, said) := {said} if {
	said != ""
	said in table.compute[version]
}

slurp(id) if about[id].slurp == true

# The next series of those from which one can skip one.
next_slurp(id) := min(later) if {
	here := position[id]
	later := {at | some at in slurps; at > here}
}

slurps contains at if {
	some id, at in position
	slurp(id)
}

unknown(version, "") := sprintf("the data on series, of %s, do not know microversion %s of Nova", [table.as_of, version])

unknown(version, said) := sprintf("the data on series, of %s, do not know microversion %s of Nova in series %s", [
	table.as_of,
	version,
	said,
]) if {
	said != ""
}
