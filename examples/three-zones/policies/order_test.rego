# What the order service must decide: sidegate policy test examples/three-zones/policies
package order_test

import rego.v1

import data.order

now := 1705312200

clock := now * 1000000000

john := {"sub": "user-123", "azp": "web-app", "exp": now + 300, "realm_access": {"roles": ["customer", "orders:create"]}}

# A POST by John, through the gateway: every case below changes one thing of it.
create := {
	"mtls": {"verified": true, "subject": {"CN": "api-gateway-client", "O": "MyOrg"}},
	"token": john,
	"request": {"method": "POST", "path": "/orders"},
}

changed(change) := object.union(create, change)

roles(names) := {"token": {"realm_access": {"roles": names}}}

refused := {
	"S3-192 no client certificate": changed({"mtls": {"verified": false, "subject": {"CN": ""}}}),
	"S3-192 no token": changed({"token": null}),
	"S3-192 nothing at all": {},
	"S3-193 an unverified certificate": changed({"mtls": {"verified": false}}),
	"S3-193 verified in words only": changed({"mtls": {"verified": "true"}}),
	"S3-193 another client": changed({"mtls": {"subject": {"CN": "payment-service-client"}}}),
	"S3-194 an empty subject": changed({"token": {"sub": ""}}),
	"S3-194 an expired token": changed({"token": {"exp": now - 1}}),
	"SD-08 a subject that is no text": changed({"token": {"sub": 123}}),
	"SD-08 no exp": json.remove(create, ["token/exp"]),
	"SD-08 exp as text": changed({"token": {"exp": "9999999999"}}),
	"SD-08 exp as a list": changed({"token": {"exp": [now + 300]}}),
	"SD-08 a GET without a role": object.union(changed({"request": {"method": "GET"}}), roles([])),
	"SD-08 a GET of /orders-admin": changed({"request": {"method": "GET", "path": "/orders-admin"}}),
	"SD-08 a POST to /orders-admin": changed({"request": {"path": "/orders-admin"}}),
	"SD-08 roles as an object": changed(roles({"a": "orders:create"})),
	"S3-195 a POST without orders:create": changed(roles(["customer"])),
	"S3-195 a DELETE by who may create": changed({"request": {"method": "DELETE"}}),
	"S3-195 a PUT by who may create": changed({"request": {"method": "PUT", "path": "/orders/1"}}),
}

test_refused[title] if {
	some title, case in refused
	not order.allow with input as case with time.now_ns as clock
}

allowed := {
	"S3-195 a POST with orders:create": create,
	"S3-195 a POST below /orders": changed({"request": {"path": "/orders/1/notes"}}),
	"S3-195 a GET by a customer": object.union(changed({"request": {"method": "GET", "path": "/orders/1"}}), roles(["customer"])),
	"S3-061 a GET with orders:read": object.union(changed({"request": {"method": "GET"}}), roles(["orders:read"])),
}

test_allowed[title] if {
	some title, case in allowed
	order.allow with input as case with time.now_ns as clock
}
