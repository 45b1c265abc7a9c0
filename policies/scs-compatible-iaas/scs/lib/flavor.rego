# Which flavors the rules look at.
package scs.lib.flavor

import rego.v1

# `reference`: what any project member is shown. `strict`: private ones too.
# Undefined for any other mode.
in_scope(flavor, "reference") := flavor.body["os-flavor-access:is_public"] == true

in_scope(_, "strict") := true
