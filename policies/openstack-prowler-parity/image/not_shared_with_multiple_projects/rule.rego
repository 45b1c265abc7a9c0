# METADATA
# title: Images are not shared with an excessive number of projects
# description: >-
#   More accepted members than `max_members`.
# scope: package
# custom:
#   id: prowler.image_not_shared_with_multiple_projects
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/visibility]
#     image.member: [/image_id]
#   joins:
#   - {name: members, kind: image.member, key: /id, field: /image_id}
#   controls: ['prowler:image_not_shared_with_multiple_projects']
#   standard: https://hub.prowler.com/check/image_not_shared_with_multiple_projects
#   remediation: >-
#     openstack image remove project IMAGE PROJECT. That project cannot start servers of
#     it any more.
#   parameters:
#      max_members: 5
package prowler.image_not_shared_with_multiple_projects

import rego.v1

body := input.resource.body

accepted contains id if {
	some id, member in input.joined.members
	member.status == "accepted"
}

bad if {
	body.visibility == "shared"
	count(accepted) > input.parameters.max_members
}

verdict := "fail" if bad

verdict := "pass" if {
	is_string(body.visibility)
	not bad
}

violations contains {
	"message": sprintf("%d projects have accepted the image", [count(accepted)]),
	"path": "/visibility",
	"found": count(accepted),
	"wanted": input.parameters.max_members,
} if {
	bad
}
