# What an endpoint answered to a request of the collector's own.
package os.lib.answered

import rego.v1

success(answer) if {
	answer.status >= 200
	answer.status < 300
}

# Why an answer decides nothing.
unclear(answer) := sprintf("%s answered %d, which does not tell", [answer.url, answer.status]) if answer.reached == true

unclear(answer) := sprintf("%s could not be reached: %v", [answer.url, object.get(answer, "error", "no cause given")]) if {
	answer.reached == false
}
