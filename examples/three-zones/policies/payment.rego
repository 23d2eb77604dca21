# Payments: the gateway calls, the user's roles decide.
package payment

import rego.v1

default allow := false

allow if {
	valid_mtls_client
	valid_user_token
	has_payment_permission
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

# Who may create payments may also look at them; nobody may change or delete one.
has_payment_permission if {
	input.request.method in {"GET", "POST"}
	payments_path
	"payments:create" in user_roles
}

has_payment_permission if {
	input.request.method == "GET"
	payments_path
	"payments:read" in user_roles
}

# Whole segments: /payments-admin is another resource.
payments_path if input.request.path == "/payments"

payments_path if startswith(input.request.path, "/payments/")

user_roles := input.token.realm_access.roles if is_array(input.token.realm_access.roles)
