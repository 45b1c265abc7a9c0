# METADATA
# title: There is an image Ubuntu 24.04
# description: >-
#   Mandatory from version 5 of the scope on.
# scope: package
# custom:
#   id: scs-0104-image-ubuntu-2404
#   severity: medium
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0104-v1-standard-images
#   remediation: >-
#     Upload it from https://cloud-images.ubuntu.com/releases/noble/ as a public image:
#     openstack image create --public --property
#     image_source=https://cloud-images.ubuntu.com/releases/noble/… "Ubuntu 24.04"
#   parameters:
#     mode: reference
package scs.scs_0104.image_ubuntu_2404

import rego.v1

import data.scs.lib.standard_image

judgement := standard_image.presence(input, data.scs.standard_images["ubuntu-2404"])

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
