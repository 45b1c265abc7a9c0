# Parts of a control plane that run as static pods, and the flags they were started with.
package scs_kaas_preview.lib.component

import rego.v1

# The pods of a component, such as kube-apiserver.
pods(all, name) := {id: p |
	some id, p in all
	p.body.metadata.namespace == "kube-system"
	object.get(p.body.metadata, ["labels", "component"], "") == name
}

# {flag: value} of all containers; a flag without value is "true". What a file says
# instead is not seen.
flags(p) := {flag: value |
	some c in p.body.spec.containers
	words := array.concat(object.get(c, "command", []), object.get(c, "args", []))
	some n, word in words
	startswith(word, "--")
	parts := split(trim_prefix(word, "--"), "=")
	flag := parts[0]
	value := written(parts, [w | w := words[n + 1]; startswith(w, "--") == false])
}

written(parts, _) := concat("=", array.slice(parts, 1, count(parts))) if count(parts) > 1

written(parts, next) := next[0] if {
	count(parts) == 1
	count(next) == 1
}

written(parts, next) := "true" if {
	count(parts) == 1
	count(next) == 0
}

# The values of a flag that is a list.
list(set, flag) := {trim_space(v) | some v in split(object.get(set, flag, ""), ",")} - {""}

# {"verdict", "reason"?} where pods may have faults.
judge(found, name, _) := {
	"verdict": "abort",
	"reason": sprintf("no pod of %s is shown: the control plane is managed elsewhere, or not made of static pods", [name]),
} if {
	count(found) == 0
}

judge(found, _, faults) := {"verdict": "fail"} if {
	count(found) > 0
	count(faults) > 0
}

judge(found, _, faults) := {"verdict": "pass"} if {
	count(found) > 0
	count(faults) == 0
}

fault(p, flag, value, wanted) := {
	"resource": p.key,
	"message": sprintf("`%s` is started with `--%s` %s", [p.body.metadata.name, flag, shown(value)]),
	"path": "/spec/containers",
	"found": value,
	"wanted": wanted,
}

shown(value) := "not set" if {
	value == null
} else := sprintf("set to `%v`", [value])
