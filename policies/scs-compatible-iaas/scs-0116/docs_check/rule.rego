# METADATA
# title: The provider documents how the key manager keeps keys
# description: >-
#   Decided by people: keys and the master key are stored encrypted and apart, and the
#   documentation says how.
# scope: package
# custom:
#   id: key-manager-docs-check
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [attestation.statement]
#   visibility: member
#   time: true
#   standard: https://docs.scs.community/standards/scs-0116-v1-key-manager-standard
#   remediation: >-
#     Write a statement on how keys and the master key are stored, with `testcase:
#     key-manager-docs-check` and the documents it rests on; sign it: ssh-keygen -Y sign
#     -f <key> -n attestation <file>; and collect again with it.
package scs.scs_0116.docs_check

import rego.v1

import data.scs.lib.attestation

judgement := attestation.judge(input, "key-manager-docs-check")

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
