# METADATA
# title: Public images are current
# description: >-
#   A public image that is not hidden is no older than its `replace_frequency` and
#   `tolerance_percent` more (SCS-0102), and its `provided_until` has not passed. Without
#   a build date or frequency that can be read nobody knows, and it is not judged. A
#   frequency of `never` or `critical_bug` sets no time.
# scope: package
# custom:
#   id: os.image.outdated
#   severity: high
#   input: resource
#   kinds: [image.image]
#   requires:
#     image.image: [/visibility, /os_hidden, /status]
#   time: true
#   standard: https://docs.scs.community/standards/scs-0102-v1-image-metadata
#   remediation: >-
#     Upload a current build and hide the old one: `openstack image set --hidden IMAGE`.
#     Servers of it go on and can be rebuilt; those who name it in templates have to
#     change them (`openstack-image-manager` does all of this).
#   parameters:
#     tolerance_percent: 10
package os.image.outdated

import rego.v1

import data.os.lib.moment

body := input.resource.body

offered if {
	body.visibility == "public"
	body.os_hidden == false
	body.status == "active"
}

days := {"yearly": 365, "quarterly": 92, "monthly": 31, "weekly": 7, "daily": 1}

# The day that a text begins with, in nanoseconds. Undefined if it begins with none.
day(text) := moment.ns(sprintf("%sT00:00:00", [substring(text, 0, 10)])) if {
	regex.match(`^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])`, text)
}

now := moment.ns(input.now)

due := moment.after(day(body.image_build_date), ceil((days[body.replace_frequency] * (100 + input.parameters.tolerance_percent)) / 100))

# The end of its last day.
ends := moment.after(day(body.provided_until), 1)

# Words for no end, as scs-0102 has them.
endless if object.get(body, "provided_until", null) in {null, "", "none", "notice"}

unclear if {
	not endless
	not ends
}

dated if due

dated if body.replace_frequency in {"never", "critical_bug"}

violations contains {
	"message": sprintf("the image was built on %s and is replaced %s", [body.image_build_date, body.replace_frequency]),
	"path": "/image_build_date",
	"found": body.image_build_date,
	"wanted": "a newer build",
} if {
	offered
	now > due
}

violations contains {
	"message": sprintf("the image was provided until %s", [body.provided_until]),
	"path": "/provided_until",
	"found": body.provided_until,
	"wanted": "an image that is hidden by then",
} if {
	offered
	now >= ends
}

verdict := "fail" if count(violations) > 0

verdict := "pass" if {
	offered
	dated
	not unclear
	count(violations) == 0
}

verdict := "pass" if {
	is_string(body.visibility)
	is_boolean(body.os_hidden)
	is_string(body.status)
	not offered
}

verdict := "abort" if {
	offered
	not dated
	count(violations) == 0
}

verdict := "abort" if {
	offered
	dated
	unclear
	count(violations) == 0
}

reason := "nobody knows how old it may get: `image_build_date` or `replace_frequency` cannot be read" if not dated

reason := "`provided_until` is no date" if {
	dated
	unclear
}

changes contains moment.end

changes contains due if {
	offered
	now <= due
}

changes contains ends if {
	offered
	now < ends
}

valid_until := time.format(min(changes))
