# METADATA
# title: Images are shared with few projects
# description: >-
#   At most `max_members` projects have accepted the image. Each of them can boot from it,
#   copy it, and read what was left in it.
# scope: package
# custom:
#   id: os.image.shared-too-widely
#   severity: medium
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/id, /visibility]
#     image.member: [/member_id, /status, /image_id]
#   joins:
#   - {name: members, kind: image.member, key: /id, field: /image_id}
#   controls: ['prowler:image_not_shared_with_multiple_projects']
#   standard: https://docs.openstack.org/api-ref/image/v2/index.html#sharing
#   remediation: >-
#     openstack image member list IMAGE, then `openstack image remove project IMAGE
#     PROJECT` for those who need it no longer. They can no longer boot from it; running
#     servers go on.
#   parameters:
#     max_members: 5
package os.image.shared_too_widely

import rego.v1

accepted contains member.member_id if {
	some member in input.joined.members
	member.status == "accepted"
}

shared := input.resource.body.visibility == "shared"

verdict := "pass" if {
	is_string(input.resource.body.visibility)
	not shared
}

verdict := "pass" if {
	shared
	count(accepted) <= input.parameters.max_members
}

verdict := "fail" if {
	shared
	count(accepted) > input.parameters.max_members
}

violations contains {
	"message": sprintf("%d projects have accepted the image", [count(accepted)]),
	"path": "",
	"found": count(accepted),
	"wanted": input.parameters.max_members,
} if {
	shared
	count(accepted) > input.parameters.max_members
}
