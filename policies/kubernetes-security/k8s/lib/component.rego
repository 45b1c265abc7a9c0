# Components of the control plane, as the mirror pods of kube-system show their command
# lines.
package k8s.lib.component

import rego.v1

# {{"key", "path", "words"}} of all containers that run a component. None where the
# control plane is not made of static pods (k3s) or not shown (managed clusters).
found(asked, component) := {server |
	some pod in asked.resources["kubernetes.component"]
	some name, c in pod.body.containers
	runs(name, c, component)
	server := {"key": pod.key, "path": c.path, "words": words(c)}
}

runs(name, _, component) if name == component

runs(_, c, component) if regex.match(concat("", ["(^|/)", component, "$"]), c.command[0])

words(c) := array.concat(object.get(c, "command", []), object.get(c, "args", []))

# The values given for a flag, as `--flag=value` or as two words; `true` for a flag
# without a value.
values(server, flag) := {value |
	some n, word in server.words
	value := value_at(server.words, n, word, flag)
}

value_at(_, _, word, flag) := trim_prefix(word, beginning) if {
	beginning := concat("", ["--", flag, "="])
	startswith(word, beginning)
}

value_at(all_words, n, word, flag) := "true" if {
	word == concat("", ["--", flag])
	bare(all_words, n)
}

value_at(all_words, n, word, flag) := all_words[n + 1] if {
	word == concat("", ["--", flag])
	not bare(all_words, n)
}

bare(all_words, n) if n + 1 == count(all_words)

bare(all_words, n) if startswith(all_words[n + 1], "--")

given(server, flag) if count(values(server, flag)) > 0

# The parts of all comma-separated values of a flag.
parts(server, flag) := {part |
	some value in values(server, flag)
	some part in split(value, ",")
}

# Containers of a component that no flag can be read of.
mute(servers) := {server |
	some server in servers
	count({word | some word in server.words; startswith(word, "--")}) == 0
}

hidden(component) := sprintf("no static pod in kube-system shows the command line of %s", [component])
