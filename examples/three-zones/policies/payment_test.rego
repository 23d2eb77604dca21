# What the payment service must decide: sidegate policy test examples/three-zones/policies
package payment_test

import rego.v1

import data.payment

now := 1705312200

clock := now * 1000000000

mary := {"sub": "user-456", "azp": "web-app", "exp": now + 300, "realm_access": {"roles": ["customer", "payments:create"]}}

# A POST by Mary, through the gateway: every case below changes one thing of it.
pay := {
	"mtls": {"verified": true, "subject": {"CN": "api-gateway-client", "O": "MyOrg"}},
	"token": mary,
	"request": {"method": "POST", "path": "/payments"},
}

changed(change) := object.union(pay, change)

reader := {"token": {"realm_access": {"roles": ["payments:read"]}}}

refused := {
	"S3-196 no client certificate": changed({"mtls": {"verified": false, "subject": {"CN": ""}}}),
	"S3-196 another client": changed({"mtls": {"subject": {"CN": "order-service-client"}}}),
	"S3-196 no token": changed({"token": null}),
	"S3-196 an expired token": changed({"token": {"exp": now - 1}}),
	"S3-196 an empty subject": changed({"token": {"sub": ""}}),
	"SD-08 no exp": json.remove(pay, ["token/exp"]),
	"SD-08 exp as text": changed({"token": {"exp": "9999999999"}}),
	"SD-08 roles as an object": changed({"token": {"realm_access": {"roles": {"a": "payments:create"}}}}),
	"S3-070 a POST without payments:create": changed({"token": {"realm_access": {"roles": ["customer", "orders:create"]}}}),
	"S3-197 payments:read alone cannot POST": changed(reader),
	"SD-08 payments:create does not DELETE": changed({"request": {"method": "DELETE", "path": "/payments/1"}}),
	"SD-08 payments:create does not PUT": changed({"request": {"method": "PUT", "path": "/payments/1"}}),
	"SD-08 payments:create does not reach /payments-admin": changed({"request": {"path": "/payments-admin"}}),
	"SD-08 payments:read does not reach /admin": object.union(changed({"request": {"method": "GET", "path": "/admin"}}), reader),
}

test_refused[title] if {
	some title, case in refused
	not payment.allow with input as case with time.now_ns as clock
}

allowed := {
	"S3-197 a POST with payments:create": pay,
	"S3-197 a GET with payments:create": changed({"request": {"method": "GET", "path": "/payments/1"}}),
	"S3-197 a GET with payments:read": object.union(changed({"request": {"method": "GET", "path": "/payments/1"}}), reader),
}

test_allowed[title] if {
	some title, case in allowed
	payment.allow with input as case with time.now_ns as clock
}
