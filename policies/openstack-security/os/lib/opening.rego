# What rules on `openstack.opening` have in common.
package os.lib.opening

import rego.v1

# Whether a range that is open and a span `[from, to]` have a port in common.
meets(range, span) if {
	range.from <= span[1]
	span[0] <= range.to
}

violation(protocol, range, span) := {
	"message": sprintf("%s %s open to the whole world (%s %d-%d, by %s)", [
		protocol,
		words(span[0], span[1]),
		range.family,
		range.from,
		range.to,
		through(range),
	]),
	"path": sprintf("/%s/%s:%d-%d", [protocol, range.family, range.from, range.to]),
	"found": sprintf("%d-%d", [range.from, range.to]),
	"wanted": sprintf("nothing open on %s", [trim_suffix(trim_suffix(words(span[0], span[1]), " is"), " are")]),
}

words(from, to) := texts[single] if {
	single := from == to
	texts := {true: sprintf("port %d is", [from]), false: sprintf("ports %d-%d are", [from, to])}
}

# The security group rules that open it.
through(opened) := concat(", ", sort(object.keys(opened.rules)))
