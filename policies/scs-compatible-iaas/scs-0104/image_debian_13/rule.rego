# METADATA
# title: There is an image Debian 13
# description: >-
#   In no version of the scope.
# scope: package
# custom:
#   id: scs-0104-image-debian-13
#   severity: low
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0104-v1-standard-images
#   remediation: >-
#     Upload it from https://cloud.debian.org/images/cloud/trixie/ as a public image:
#     openstack image create --public --property
#     image_source=https://cloud.debian.org/images/cloud/trixie/… "Debian 13"
#   parameters:
#     mode: reference
package scs.scs_0104.image_debian_13

import rego.v1

import data.scs.lib.standard_image

judgement := standard_image.presence(input, data.scs.standard_images["debian-13"])

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
