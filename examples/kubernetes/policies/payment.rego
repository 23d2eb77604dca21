# order-service may make payments, and nothing else.
package payment

default allow := false

allow if {
	input.mtls.spiffe_id == "spiffe://cluster.local/ns/production/sa/order-service"
	input.request.method == "POST"
	input.request.path == "/payments"
}
