# The data zone: which service may do what. The user is known here for the audit trail only.
package dataservice

import rego.v1

default allow := false

result := {
	"allow": allow,
	"reasons": reasons,
	"audit": {
		"service": "data-service",
		"calling_service": service_name,
		"user_context": header("X-User-Context"),
		"correlation_id": header("X-Correlation-ID"),
		"action": action,
		"resource": trim_prefix(request_path, "/"),
	},
}

allow if {
	valid_mtls_client
	valid_service_token
	has_service_permission
}

reasons contains "valid mTLS client" if valid_mtls_client

reasons contains "valid service token" if valid_service_token

reasons contains reason if {
	has_service_permission
	reason := sprintf("service %s has permission %s", [service_name, get_required_permission])
}

reasons contains "no valid mTLS client" if not valid_mtls_client

reasons contains "no valid service token for this client" if not valid_service_token

reasons contains reason if {
	not has_service_permission
	reason := sprintf("service %s lacks permission %s", [service_name, get_required_permission])
}

reasons contains reason if {
	not get_required_permission
	reason := sprintf("no permission covers %s %s", [request_method, request_path])
}

valid_mtls_client if {
	input.mtls.verified == true
	allowed_services[input.mtls.subject.CN]
}

# Whose certificate goes with whose token.
allowed_services := {
	"order-service-client": "order-service",
	"payment-service-client": "payment-service",
}

valid_service_token if {
	input.token.azp == allowed_services[input.mtls.subject.CN]
	is_number(input.token.exp)
	input.token.exp > time.now_ns() / 1000000000
}

has_service_permission if get_required_permission in service_permissions[service_name]

get_required_permission := "read-inventory" if {
	request_method == "GET"
	below("/inventory")
}

get_required_permission := "write-orders" if {
	request_method == "POST"
	below("/orders")
}

get_required_permission := "read-orders" if {
	request_method == "GET"
	below("/orders")
}

get_required_permission := "write-payments" if {
	request_method == "POST"
	below("/payments")
}

service_permissions := {
	"order-service": ["read-inventory", "write-orders", "read-orders"],
	"payment-service": ["read-orders", "write-payments"],
}

# Whole segments: /orders-admin is another resource.
below(prefix) if request_path == prefix

below(prefix) if startswith(request_path, concat("", [prefix, "/"]))

# What follows is defined for every input, so that result is too: a missing value is an empty one.
service_name := text(["token", "azp"])

request_method := text(["request", "method"])

request_path := text(["request", "path"])

action := object.get({"GET": "read", "POST": "write"}, request_method, "other")

header(name) := text(["headers", name])

text(path) := value if {
	value := object.get(input, path, "")
	is_string(value)
} else := ""
