# METADATA
# title: Services use TLS to the message queue
# description: >-
#   scs-0125-v1, "Message Queue Connections": with RabbitMQ `ssl` is on in section
#   `oslo_messaging_rabbit`, with Kafka `security_protocol` is one of TLS. Whether the
#   broker itself insists on TLS is not in these files. A file without a message queue is
#   not judged.
# scope: package
# custom:
#   id: scs-preview-0125-message-queue
#   severity: high
#   input: resource
#   kinds: [config.oslo]
#   requires:
#     config.oslo: [/service, /file, /sections]
#   standard: https://docs.scs.community/standards/scs-0125-v1-secure-connections#message-queue-connections
#   remediation: >-
#     Set `ssl = true` and `ssl_ca_file` in section [oslo_messaging_rabbit]; with
#     kolla-ansible set rabbitmq_enable_tls.
package scs_preview.scs_0125.message_queue

import rego.v1

import data.scs.lib.oslo

body := input.resource.body

transports := {address |
	some section in ["DEFAULT", "oslo_messaging_notifications"]
	address := oslo.value(input.resource, section, "transport_url")
	address != null
}

schemes := {split(address, "://")[0] | some address in transports; contains(address, "://")}

hidden := {address | some address in transports; contains(address, "://") == false}

# The section alone tells of RabbitMQ too.
rabbit if count(schemes & {"rabbit", "kombu"}) > 0

rabbit if {
	count(transports) == 0
	is_object(object.get(body.sections, "oslo_messaging_rabbit", null)) == true
}

# The query of an address stands above the section.
by_address := true if {
	count(transports) > 0
	count({a | some a in transports; regex.match(`[?&]ssl=(1|true|yes|on)(&|$)`, lower(a))}) == count(transports)
} else := false

kafka if count(schemes & {"kafka"}) > 0

ssl := oslo.value(input.resource, "oslo_messaging_rabbit", "ssl")

protocol := oslo.value(input.resource, "oslo_messaging_kafka", "security_protocol")

problems contains {
	"message": sprintf(
		"%s of `%s`: `ssl` in section `oslo_messaging_rabbit` is %s, wanted true",
		[body.file, body.service, shown(ssl)],
	),
	"path": "/sections/oslo_messaging_rabbit/ssl",
	"found": ssl,
	"wanted": true,
} if {
	rabbit
	oslo.boolean(ssl) != true
	by_address == false
}

problems contains {
	"message": sprintf(
		"%s of `%s`: `security_protocol` in section `oslo_messaging_kafka` is %s, wanted SSL or SASL_SSL",
		[body.file, body.service, shown(protocol)],
	),
	"path": "/sections/oslo_messaging_kafka/security_protocol",
	"found": protocol,
	"wanted": ["SSL", "SASL_SSL"],
} if {
	kafka
	count({protocol} & {"SSL", "SASL_SSL"}) == 0
}

shown(null) := "not set"

shown(value) := sprintf("`%v`", [value]) if value != null

readable if {
	is_object(body.sections) == true
	count([1 | some address in transports; is_string(address) == true]) == count(transports)
	count({ssl, protocol}) > 0
}

verdict := "fail" if {
	readable
	count(problems) > 0
}

verdict := "abort" if {
	readable
	count(problems) == 0
	count(hidden) > 0
}

verdict := "pass" if {
	readable
	count(problems) == 0
	count(hidden) == 0
}

reason := sprintf("%s of `%s` does not tell which message queue it uses", [body.file, body.service]) if {
	count(hidden) > 0
}

violations contains v if {
	verdict == "fail"
	some v in problems
}
