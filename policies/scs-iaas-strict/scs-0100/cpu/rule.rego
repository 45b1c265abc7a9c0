# METADATA
# title: Servers have the CPU that a flavor's name promises
# description: >-
#   scs-0100-v3, "CPU Architecture Details" and "Hardware virtualization". The traits of
#   every compute host on which a flavor can start have to show the vendor, and VMX or SVM
#   where nested virtualization is promised. The generation and the frequency are not in
#   any API: unless `evidence` says which extra spec stands for which promise (`i3:
#   ["trait:CUSTOM_CPU_ICELAKE=required"]`), there is no verdict.
# scope: package
# custom:
#   id: scs-strict-0100-cpu
#   severity: medium
#   input: collection
#   kinds: [compute.flavor, placement.trait, placement.resource_provider]
#   requires:
#     compute.flavor: [/name, /extra_specs]
#     placement.trait: [/traits]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming#optional-cpu-architecture-details
#   remediation: >-
#     Have the scheduler choose hosts with the CPU: openstack flavor set --property
#     trait:<trait>=required <flavor>. Where there are none, create a flavor with another
#     name and delete this one.
#   parameters:
#     evidence: {}
package scs_strict.scs_0100.cpu

import rego.v1

import data.scs_strict.lib.host
import data.scs_strict.lib.promise
import data.scs_strict.lib.tally

flavors := input.resources["compute.flavor"]

hosts := host.all(input)

# Traits that only a CPU of the vendor has.
vendors := {
	"i": `^HW_CPU_X86_(VMX|INTEL_.*)$`,
	"z": `^HW_CPU_(X86_)?(SVM|SEV|AMD_.*)$`,
	"a": `^HW_(ARCH_AARCH64|CPU_AARCH64_.*|CPU_ARM_.*)$`,
	"r": `^HW_ARCH_RISCV.*$`,
}

shown_vendors := {id: letters |
	some id, traits in hosts
	letters := {letter | some letter, form in vendors; some trait in traits; regex.match(form, trait)}
}

nesting := `^HW_CPU_X86_(VMX|SVM|INTEL_VMX|AMD_SVM)$`

nested contains id if {
	some id, traits in hosts
	some trait in traits
	regex.match(nesting, trait)
}

x86 contains id if {
	some id, traits in hosts
	some trait in traits
	startswith(trait, "HW_CPU_X86_")
}

answers[id] := {"wrong": wrong, "unknown": unknown} if {
	is_object(hosts) == true
	some id, flavor in flavors
	promises := promise.of(flavor)
	promised := {[name, kind, text] |
		some name, p in promises
		some kind in ["cpu", "hwv"]
		text := p.extensions[kind]
	}
	bare := {name | some name, p in promises; p.extensions.hypervisor == "bms"}
	wrong := {violation(flavor, p, places) |
		some p in promised
		count({p[0]} & bare) == 0
		host.bound(flavor) == false
		places := misses(flavor, p[1], p[2])
		count(places) > 0
	}
	proven := {p | some p in promised; shown(flavor, p, bare) == true}
	unproven := promised - proven
	unknown := {text |
		some p in unproven
		text := sprintf(
			"flavor `%s`: it is not shown whether its servers have the `_%s` of `%s`",
			[flavor.body.name, p[2], p[0]],
		)
	}
}

starts_on(flavor) := host.candidates(hosts, host.wants(flavor))

# Hosts that certainly lack what is promised.
misses(flavor, "cpu", text) := {id |
	some id in starts_on(flavor)
	letters := shown_vendors[id]
	count(letters) > 0
	count(letters & {substring(text, 0, 1)}) == 0
}

misses(flavor, "hwv", _) := (starts_on(flavor) & x86) - nested

# Hosts that certainly have it.
has("cpu", text) := {id | some id, letters in shown_vendors; letters == {substring(text, 0, 1)}}

has("hwv", _) := nested

shown(flavor, p, _) := true if promise.shown(flavor, object.get(input.parameters.evidence, p[2], [])) == true

shown(flavor, p, bare) := {count({p[0]} & bare) == 0, count(places) > 0, count(places - has(p[1], p[2])) == 0, plain(p[2])} == {true} if {
	promise.shown(flavor, object.get(input.parameters.evidence, p[2], [])) == false
	places := starts_on(flavor)
}

# Whether nothing but the vendor, or nesting, is promised.
plain(text) := regex.match(`^([izar]0*|hwv)$`, text)

violation(flavor, p, places) := {
	"resource": flavor.key,
	"message": sprintf(
		"flavor `%s`: `%s` promises `_%s`, and it can start on %s, which lacks it",
		[flavor.body.name, p[0], p[2], tally.some_of(names)],
	),
	"path": "/name",
	"found": sort(names),
	"wanted": sprintf("hosts with `_%s`", [p[2]]),
} if {
	names := {host.name(input, id) | some id in places}
}

verdict := tally.verdict(answers, count(flavors))

reason := tally.reason(answers) if verdict == "abort"

violations contains v if {
	verdict == "fail"
	some v in tally.wrong(answers)
}
