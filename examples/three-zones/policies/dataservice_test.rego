# What the data zone must decide: sidegate policy test examples/three-zones/policies
package dataservice_test

import rego.v1

import data.dataservice

now := 1705312200

clock := now * 1000000000

# The order service writes an order: every case below changes one thing of it.
write_order := {
	"mtls": {"verified": true, "subject": {"CN": "order-service-client", "O": "MyOrg"}},
	"token": {"sub": "service-account-order-service", "azp": "order-service", "exp": now + 300},
	"request": {"method": "POST", "path": "/orders"},
	"headers": {"X-User-Context": "user-123", "X-Correlation-ID": "req-abc"},
}

changed(change) := object.union(write_order, change)

asks(method, path) := {"request": {"method": method, "path": path}}

as_payment := {"mtls": {"subject": {"CN": "payment-service-client"}}, "token": {"azp": "payment-service"}}

payment_asks(method, path) := object.union(changed(as_payment), asks(method, path))

refused := {
	"S3-198 nothing at all": {},
	"S3-198 no client certificate": changed({"mtls": {"verified": false, "subject": {"CN": ""}}}),
	"S3-198 no token": changed({"token": null}),
	"S3-199 the gateway": changed({"mtls": {"subject": {"CN": "api-gateway-client"}}, "token": {"azp": "api-gateway"}}),
	"S3-199 an unknown client": changed({"mtls": {"subject": {"CN": "report-service-client"}}}),
	"S3-200 an empty azp": changed({"token": {"azp": ""}}),
	"S3-200 no azp": json.remove(write_order, ["token/azp"]),
	"S3-200 an expired token": changed({"token": {"exp": now - 1}}),
	"SD-08 no exp": json.remove(write_order, ["token/exp"]),
	"SD-08 exp as text": changed({"token": {"exp": "9999999999"}}),
	"SD-05 the payment service's token": changed({"token": {"azp": "payment-service"}}),
	"SD-05 the payment service's certificate": changed({"mtls": {"subject": {"CN": "payment-service-client"}}}),
	"S3-201 a DELETE": changed(asks("DELETE", "/orders/1")),
	"S3-201 a POST to the inventory": changed(asks("POST", "/inventory/PROD-123")),
	"S3-201 a GET of a payment": payment_asks("GET", "/payments/1"),
	"S3-201 any other path": changed(asks("GET", "/")),
	"SD-08 a GET of /inventory-admin": changed(asks("GET", "/inventory-admin")),
	"SD-08 a GET of /orders-admin": changed(asks("GET", "/orders-admin")),
	"SD-08 a POST to /orders-admin": changed(asks("POST", "/orders-admin")),
	"SD-08 a POST to /payments-admin": payment_asks("POST", "/payments-admin"),
	"S3-083 the payment service writes an order": payment_asks("POST", "/orders"),
	"S3-084 the payment service reads the inventory": payment_asks("GET", "/inventory/PROD-123"),
	"S3-084 the order service writes a payment": changed(asks("POST", "/payments")),
}

test_refused[title] if {
	some title, case in refused
	result := dataservice.result with input as case with time.now_ns as clock
	result.allow == false
}

allowed := {
	"S3-081 the order service reads the inventory": changed(asks("GET", "/inventory/PROD-123")),
	"S3-081 the order service writes an order": write_order,
	"S3-081 the order service reads an order": changed(asks("GET", "/orders/1")),
	"S3-202 the payment service reads an order": payment_asks("GET", "/orders/1"),
	"S3-202 the payment service writes a payment": payment_asks("POST", "/payments"),
}

test_allowed[title] if {
	some title, case in allowed
	result := dataservice.result with input as case with time.now_ns as clock
	result.allow == true
}

test_permit_names_the_permission if {
	reasons := dataservice.reasons with input as write_order with time.now_ns as clock
	reasons == {"valid mTLS client", "valid service token", "service order-service has permission write-orders"}
}

test_denial_names_the_missing_permission if {
	reasons := dataservice.reasons with input as payment_asks("POST", "/orders") with time.now_ns as clock
	"service payment-service lacks permission write-orders" in reasons
}

test_denial_names_what_no_permission_covers if {
	reasons := dataservice.reasons with input as changed(asks("DELETE", "/orders/1")) with time.now_ns as clock
	"no permission covers DELETE /orders/1" in reasons
}

test_denial_names_all_that_is_missing if {
	reasons := dataservice.reasons with input as {}
	reasons == {"no permission covers  ", "no valid mTLS client", "no valid service token for this client"}
}

test_audit_tells_who_did_what_for_whom if {
	result := dataservice.result with input as write_order with time.now_ns as clock
	result.audit == {
		"service": "data-service",
		"calling_service": "order-service",
		"user_context": "user-123",
		"correlation_id": "req-abc",
		"action": "write",
		"resource": "orders",
	}
}

# S3-205 SD-06: the seed's result was undefined without these headers.
test_missing_headers_are_empty if {
	result := dataservice.result with input as json.remove(write_order, ["headers"]) with time.now_ns as clock
	result.allow == true
	result.audit.user_context == ""
	result.audit.correlation_id == ""
}

test_header_that_is_no_text_is_empty if {
	result := dataservice.result with input as changed({"headers": {"X-User-Context": 7}}) with time.now_ns as clock
	result.audit.user_context == ""
}
