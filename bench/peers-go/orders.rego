package orders

import rego.v1

default allow := false

allow if {
	input.principal == "spiffe://example.org/zone1/api-gateway"
	input.claims.azp == "web-app"
	input.claims.exp > time.now_ns() / 1000000000
	input.method in {"GET", "POST"}
	"orders:read" in input.claims.realm_access.roles
}
