# What the gateway must decide: sidegate policy test examples/three-zones/policies
package gateway_test

import rego.v1

import data.gateway

now := 1705312200

clock := now * 1000000000

john := {"sub": "user-123", "azp": "web-app", "exp": now + 300}

refused := {
	"S3-191 an expired token": object.union(john, {"exp": now - 1}),
	"S3-191 a token in its last second": object.union(john, {"exp": now}),
	"S3-191 an empty subject": object.union(john, {"sub": ""}),
	"S3-051 no token": null,
	"SD-08 no exp": object.remove(john, ["exp"]),
	"SD-08 exp null": object.union(john, {"exp": null}),
	"SD-08 exp true": object.union(john, {"exp": true}),
	"SD-08 exp as text": object.union(john, {"exp": "9999999999"}),
	"SD-08 exp as a list": object.union(john, {"exp": [now + 300]}),
	"SD-08 exp as an object": object.union(john, {"exp": {"a": now + 300}}),
	"SD-08 a subject that is no text": object.union(john, {"sub": 123}),
}

test_refused[title] if {
	some title, token in refused
	not gateway.allow with input as {"token": token} with time.now_ns as clock
}

test_nothing_at_all_is_refused if not gateway.allow with input as {}

allowed := {
	"S3-191 a signed-in user with a current token": john,
	"S3-191 an exp with a fraction": object.union(john, {"exp": now + 0.5}),
}

test_allowed[title] if {
	some title, token in allowed
	gateway.allow with input as {"token": token} with time.now_ns as clock
}
