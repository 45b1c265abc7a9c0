# METADATA
# title: Images called ubuntu-capi-image-v… come from the publisher
# description: >-
#   An image of another name passes, and so does having none.
# scope: package
# custom:
#   id: scs-0104-source-capi-2
#   severity: medium
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0104-v1-standard-images
#   remediation: >-
#     Upload the image from one of the places that the standard names and set
#     `image_source` to its URL, or give the image another name: openstack image set
#     --property image_source=<url> <image>
#   parameters:
#     mode: reference
package scs.scs_0104.source_capi_2

import rego.v1

import data.scs.lib.standard_image

judgement := standard_image.source(input, data.scs.standard_images["capi-2"])

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
