# METADATA
# title: Flavors that promise a GPU or InfiniBand attach one
# description: >-
#   scs-0100-v3, "GPU support" and "Infiniband". A flavor whose name promises a GPU needs
#   an extra spec that gives its servers a device. Which device that is, and whether
#   there is InfiniBand, is not in any API: unless `evidence` says which extra spec stands
#   for which promise (`GNa-64: ["pci_passthrough:alias=a100:1"]`), there is no verdict.
# scope: package
# custom:
#   id: scs-strict-0100-devices
#   severity: medium
#   input: resource
#   kinds: [compute.flavor]
#   requires:
#     compute.flavor: [/name, /extra_specs]
#   standard: https://docs.scs.community/standards/scs-0100-v3-flavor-naming#optional-gpu-support
#   remediation: >-
#     Attach the device: openstack flavor set --property pci_passthrough:alias=<alias>:1
#     <flavor> (pass-through) or --property resources:VGPU=1 (virtual GPU). Where there is
#     none, create a flavor with another name and delete this one.
#   parameters:
#     evidence: {}
package scs_strict.scs_0100.devices

import rego.v1

import data.scs_strict.lib.promise
import data.scs_strict.lib.tally

body := input.resource.body

promises := promise.of(input.resource)

# Extra specs that attach a device: pass-through and virtual GPU.
attaching := {
	"G": `^(pci_passthrough:alias|accel:device_profile|resources[^:]*:(PGPU|PCI_DEVICE|CUSTOM_.*))$`,
	"g": `^(accel:device_profile|resources[^:]*:(VGPU|CUSTOM_.*))$`,
}

attached(letter) := {key |
	some key, value in body.extra_specs
	regex.match(attaching[letter], key)
	count({sprintf("%v", [value])} & {"", "0"}) == 0
}

answers[name] := {
	"wrong": without(name, p),
	"unknown": {text |
		some kind in ["gpu", "ib"]
		promised := p.extensions[kind]
		promise.shown(input.resource, object.get(input.parameters.evidence, promised, [])) == false
		text := sprintf(
			"flavor `%s`: no API shows whether its servers have the `_%s` of `%s`",
			[body.name, promised, name],
		)
	},
} if {
	some name, p in promises
}

# A bare metal node has its GPU without any extra spec.
without(name, p) := {v |
	gpu := p.extensions.gpu
	letter := substring(gpu, 0, 1)
	object.get(p.extensions, "hypervisor", "") != "bms"
	count(attached(letter)) == 0
	v := {
		"message": sprintf(
			"flavor `%s`: `%s` promises the GPU `%s`, and no extra spec attaches one",
			[body.name, name, gpu],
		),
		"path": "/extra_specs",
		"found": body.extra_specs,
		"wanted": wanted[letter],
	}
}

wanted := {
	"G": "pci_passthrough:alias, accel:device_profile or resources:PGPU",
	"g": "resources:VGPU or accel:device_profile",
}

verdict := tally.verdict(answers, count(promises))

reason := tally.reason(answers) if verdict == "abort"

violations contains v if {
	verdict == "fail"
	some v in tally.wrong(answers)
}
