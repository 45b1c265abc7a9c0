# METADATA
# title: Domain managers manage their domain and nothing else
# description: >-
#   Decided by people, who test it with two domains.
# scope: package
# custom:
#   id: domain-manager-check
#   severity: medium
#   input: collection
#   per: subject
#   kinds: [attestation.statement]
#   visibility: member
#   time: true
#   standard: https://docs.scs.community/standards/scs-0302-v1-domain-manager-role
#   remediation: >-
#     Write a statement on that domain managers manage users, projects, groups and role
#     assignments of their domain only, with `testcase: domain-manager-check` and the
#     documents it rests on; sign it: ssh-keygen -Y sign -f <key> -n attestation <file>;
#     and collect again with it.
package scs.scs_0302.domain_manager_check

import rego.v1

import data.scs.lib.attestation

judgement := attestation.judge(input, "domain-manager-check")

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations

valid_until := judgement.until
