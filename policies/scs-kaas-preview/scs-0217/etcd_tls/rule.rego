# METADATA
# title: etcd speaks TLS and asks for certificates
# description: >-
#   scs-0217-v1: etcd uses TLS towards clients and peers, and asks both for
#   certificates.
# scope: package
# custom:
#   id: scs-preview-0217-etcd-tls
#   severity: high
#   input: collection
#   per: subject
#   kinds: [core.Pod]
#   visibility: member
#   requires:
#     core.Pod: [/metadata/name, /spec/containers]
#   standard: https://docs.scs.community/standards/scs-0217-v1-baseline-cluster-security
#   remediation: >-
#     Start etcd with --cert-file, --key-file, --client-cert-auth=true and
#     --trusted-ca-file, and with the same flags for peers.
package scs_kaas_preview.scs_0217.etcd_tls

import rego.v1

import data.scs_kaas_preview.lib.component

found := component.pods(input.resources["core.Pod"], "etcd")

wanted := {
	"cert-file": "a certificate",
	"trusted-ca-file": "an authority",
	"client-cert-auth": "true",
	"peer-cert-file": "a certificate",
	"peer-trusted-ca-file": "an authority",
	"peer-client-cert-auth": "true",
}

faults := {component.fault(p, flag, value, value_wanted) |
	some p in found
	some flag, value_wanted in wanted
	value := object.get(component.flags(p), flag, null)
	value in {null, "", "false"}
}

judgement := component.judge(found, "etcd", faults)

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in faults
