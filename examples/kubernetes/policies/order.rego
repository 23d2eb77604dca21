# Who may do what with orders. The sidecar has verified the certificate, and that its holder is on the list.
package order

default allow := false

permissions := {
	"checkout-service": ["GET", "POST"],
	"fulfillment-service": ["GET", "POST"],
}

allow if input.request.method in permissions[caller]

caller := name if {
	prefix := "spiffe://cluster.local/ns/production/sa/"
	startswith(input.mtls.spiffe_id, prefix)
	name := trim_prefix(input.mtls.spiffe_id, prefix)
}
