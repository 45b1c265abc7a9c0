# Which flavors the rules look at.
package scs.lib.flavor

import rego.v1

# `reference`: what any project member is shown; a flavor of which the API does not
# say whether it is private counts, as it does for the reference suite. `strict`:
# private ones too. Undefined for any other mode.
in_scope(flavor, "reference") := object.get(flavor.body, "os-flavor-access:is_public", true) == true

in_scope(_, "strict") := true
