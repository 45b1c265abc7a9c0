# The API server, for rules that are given all of `kubernetes.version`. Apart from
# `k8s.lib.version`: whoever uses a package that reads more of its input than a body is
# judged for every resource, equal or not.
package k8s.lib.server

import rego.v1

import data.k8s.lib.version

# Its minor version. Undefined if it is not known.
minor(asked) := version.minor(shown.body.gitVersion) if some shown in asked.resources["kubernetes.version"]
