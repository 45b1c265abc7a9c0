# METADATA
# title: There is an image ubuntu-capi-image v…
# description: >-
#   Recommended in version 4 of the scope. The version has one digit before its first
#   dot; anything may follow it.
# scope: package
# custom:
#   id: scs-0104-image-capi-1
#   severity: low
#   input: collection
#   kinds: [image.image]
#   visibility: member
#   requires:
#     image.image: [/visibility, /tidegate/listings]
#   standard: https://docs.scs.community/standards/scs-0104-v1-standard-images
#   remediation: >-
#     Upload it from https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/
#     as a public image: openstack image create --public --property
#     image_source=https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/…
#     "ubuntu-capi-image v…"
#   parameters:
#     mode: reference
package scs.scs_0104.image_capi_1

import rego.v1

import data.scs.lib.standard_image

judgement := standard_image.presence(input, data.scs.standard_images["capi-1"])

verdict := judgement.verdict

reason := judgement.reason

violations contains v if some v in judgement.violations
