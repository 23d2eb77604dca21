# Orders: the gateway calls, the user's roles decide.
package order

import rego.v1

default allow := false

allow if {
	valid_mtls_client
	valid_user_token
	has_permission
}

valid_mtls_client if {
	input.mtls.verified == true
	input.mtls.subject.CN == "api-gateway-client"
}

valid_user_token if {
	is_string(input.token.sub)
	input.token.sub != ""
	is_number(input.token.exp)
	input.token.exp > time.now_ns() / 1000000000
}

has_permission if {
	input.request.method == "GET"
	orders_path
	some role in user_roles
	role in {"customer", "orders:read"}
}

has_permission if {
	input.request.method == "POST"
	orders_path
	"orders:create" in user_roles
}

# Whole segments: /orders-admin is another resource.
orders_path if input.request.path == "/orders"

orders_path if startswith(input.request.path, "/orders/")

user_roles := input.token.realm_access.roles if is_array(input.token.realm_access.roles)
