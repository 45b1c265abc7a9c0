# METADATA
# title: EC2 credentials end with their user and project
# description: >-
#   A key pair for S3 and EC2 whose user or project is disabled, or whose project is gone,
#   works again once that is enabled. Only type, user and project are read, never the key.
# scope: package
# custom:
#   id: os.identity.stale-ec2-credential
#   severity: medium
#   input: resource
#   kinds: [identity.credential]
#   absent: [identity.credential]
#   requires:
#     identity.credential: [/type, /user_id]
#     identity.user: [/enabled, /name]
#     identity.project: [/enabled, /name]
#   joins:
#   - {name: users, kind: identity.user, key: /user_id}
#   - {name: projects, kind: identity.project, key: /project_id}
#   standard: https://docs.openstack.org/api-ref/identity/v3/#credentials
#   remediation: >-
#     openstack credential delete CREDENTIAL (or openstack ec2 credentials delete --user USER
#     ACCESS_KEY). Programs that still use it are refused, in the object store too.
package os.identity.stale_ec2_credential

import rego.v1

body := input.resource.body

ec2 if body.type == "ec2"

user := one if some one in input.joined.users

project := one if some one in input.joined.projects

project_id := object.get(body, "project_id", null)

violations contains {
	"message": sprintf("the EC2 credential belongs to the disabled user `%s`", [user.name]),
	"path": "/user_id",
	"found": body.user_id,
	"wanted": "a user who is enabled",
} if {
	ec2
	user.enabled == false
}

violations contains {
	"message": sprintf("the EC2 credential is for the disabled project `%s`", [project.name]),
	"path": "/project_id",
	"found": project_id,
	"wanted": "a project that is enabled",
} if {
	ec2
	project.enabled == false
}

violations contains {
	"message": sprintf("the EC2 credential is for the project `%s`, which does not exist", [project_id]),
	"path": "/project_id",
	"found": project_id,
	"wanted": "a project that exists",
} if {
	ec2
	is_string(project_id)
	count(input.joined.projects) == 0
}

verdict := "pass" if {
	is_string(body.type)
	not ec2
}

verdict := "pass" if {
	ec2
	user.enabled == true
	count(violations) == 0
}

verdict := "fail" if count(violations) > 0

verdict := "abort" if {
	ec2
	count(violations) == 0
	not user
}

# Keystone lists the users of one LDAP domain at a time.
reason := sprintf("user `%s` is not in the listing of users", [body.user_id])
