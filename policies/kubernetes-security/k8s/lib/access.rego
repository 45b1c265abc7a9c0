# What rules on `kubernetes.access` have in common.
package k8s.lib.access

import rego.v1

import data.k8s.lib.names

# Whether a binding counts: Kubernetes did not ship it, and the subject is none of those
# that the rule leaves out (`<kind>/<namespace or ->/<name>`, with `*`).
counts(asked, binding) if {
	not asked.resource.body.bindings[binding].built_in == true
	not exempt(asked)
}

exempt(asked) if names.listed(asked.parameters.exempt_subjects, subject(asked))

subject(asked) := trim_prefix(asked.resource.key, "kubernetes/kubernetes.access/")

# The part of a key after its kind.
short(key) := trim_prefix(trim_prefix(key, "kubernetes/rbac.authorization.k8s.io."), "kubernetes/")

message(asked, what, where, binding, role) := sprintf("%s %s %s, by `%s` through `%s`", [
	subject(asked),
	what,
	place(where),
	short(binding),
	short(role),
])

# Where a grant counts, in words.
place(where) := object.get({"*": "in the whole cluster"}, where, sprintf("in namespace `%s`", [where]))

# Groups that everybody with some credential, or without, is in.
open_group(body) if {
	body.subject.kind == "Group"
	body.subject.name in {"system:unauthenticated", "system:authenticated", "system:serviceaccounts"}
}

open_group(body) if {
	body.subject.kind == "Group"
	startswith(body.subject.name, "system:serviceaccounts:")
}

open_group(body) if {
	body.subject.kind == "User"
	body.subject.name == "system:anonymous"
}
