# METADATA
# title: There are two ways to authenticate, service accounts among them
# description: >-
#   scs-0217-v1: the API server takes tokens of service accounts and at least one
#   other method: client certificates, OpenID Connect, a webhook or a configuration
#   file.
# scope: package
# custom:
#   id: scs-preview-0217-authentication
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [core.Pod]
#   visibility: member
#   requires:
#     core.Pod: [/metadata/name, /spec/containers]
#   standard: https://docs.scs.community/standards/scs-0217-v1-baseline-cluster-security
#   remediation: >-
#     Start kube-apiserver with --client-ca-file or --authentication-config beside
#     the flags for service accounts.
package scs_kaas_preview.scs_0217.authentication

import rego.v1

import data.scs_kaas_preview.lib.component

found := component.pods(input.resources["core.Pod"], "kube-apiserver")

others := ["client-ca-file", "oidc-issuer-url", "authentication-config", "authentication-token-webhook-config-file", "requestheader-client-ca-file"]

faults := tokens | methods

tokens := {component.fault(p, "service-account-issuer", null, "the issuer of service accounts") |
	some p in found
	flags := component.flags(p)
	count({f | some f in ["service-account-issuer", "service-account-key-file"]; flags[f]}) == 0
}

methods := {component.fault(p, "client-ca-file", null, "an authority, or another method") |
	some p in found
	flags := component.flags(p)
	count({f | some f in others; flags[f]}) == 0
}

judgement := component.judge(found, "kube-apiserver", faults)

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in faults
