# METADATA
# title: There is an image Debian 12
# description: >-
#   Recommended.
# scope: package
# custom:
#   id: scs-0104-image-debian-12
#   severity: low
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0104-v1-standard-images
#   remediation: >-
#     Upload it from https://cloud.debian.org/images/cloud/bookworm/ as a public image:
#     openstack image create --public --property
#     image_source=https://cloud.debian.org/images/cloud/bookworm/… "Debian 12"
#   parameters:
#     mode: reference
package scs.scs_0104.image_debian_12

import rego.v1

import data.scs.lib.standard_image

judgement := standard_image.presence(input, data.scs.standard_images["debian-12"])

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
