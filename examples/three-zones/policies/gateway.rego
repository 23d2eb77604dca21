# The front door: a signed-in user with a token that is still valid. What the user may do is decided where it is done.
package gateway

import rego.v1

default allow := false

allow if {
	is_string(input.token.sub)
	input.token.sub != ""
	not is_token_expired
}

# Expired unless the token proves otherwise: a missing or oddly typed exp proves nothing.
default is_token_expired := true

is_token_expired := false if {
	is_number(input.token.exp)
	input.token.exp > time.now_ns() / 1000000000
}
