"""What authlib makes of our authority: every flow of a service, with nothing of ours on its side.

Reads where everything is as JSON on standard input, and prints what each attempt came to as one JSON object.
"""

import json
import sys
import time

from authlib.integrations.httpx_client import OAuth2Client
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc.jwk import ECKey

place = json.load(sys.stdin)
issuer = place["issuer"]
token_endpoint = f"{issuer}/protocol/openid-connect/token"


def asserted(audience):
    """Its own assertions live for an hour, ours to accept are five minutes, and for the issuer."""
    return PrivateKeyJWT(audience, claims={"exp": int(time.time()) + 240}, alg="ES256")


def by_secret(secret, method):
    return OAuth2Client(
        "order-service", secret, token_endpoint=token_endpoint, token_endpoint_auth_method=method, grant_type="client_credentials"
    )


def by_assertion(key, method):
    return OAuth2Client(
        "reporting", key, token_endpoint=token_endpoint, token_endpoint_auth_method=method, grant_type="client_credentials"
    )


def exchanged(subject_token, **more):
    with OAuth2Client("gateway", place["secrets"]["gateway"], token_endpoint=token_endpoint, token_endpoint_auth_method="client_secret_basic") as client:
        return client.fetch_token(
            grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token=subject_token,
            subject_token_type="urn:ietf:params:oauth:token-type:access_token",
            **more,
        )["access_token"]


def claims_of(token):
    with OAuth2Client("nobody") as client:
        keys = JsonWebKey.import_key_set(client.request("GET", f"{issuer}/protocol/openid-connect/certs", withhold_token=True).json())
    claims = jwt.decode(token, keys)
    claims.validate()
    return claims


def attempt(call):
    try:
        return call()
    except Exception as error:  # whatever the library raises is the outcome
        return type(error).__name__ + (f" {error.error}" if hasattr(error, "error") else "")


def fetched(client):
    with client:
        return client.fetch_token()["access_token"]


def audience(token):
    return f"for {claims_of(token)['aud']}"


def introspected(token):
    with OAuth2Client("data-service", place["secrets"]["data-service"], token_endpoint_auth_method="client_secret_basic") as client:
        answer = client.introspect_token(f"{token_endpoint}/introspect", token=token)
        return "active" if answer.json()["active"] else "inactive"


def revoked(token):
    with by_secret(place["secrets"]["order-service"], "client_secret_basic") as client:
        return str(client.revoke_token(f"{issuer}/protocol/openid-connect/revoke", token=token).status_code)


secret = place["secrets"]["order-service"]
key = ECKey.import_key(place["key"])
good = attempt(lambda: fetched(by_secret(secret, "client_secret_basic")))
for_gateway = attempt(lambda: fetched(by_assertion(key, asserted(issuer))))
outcomes = {
    "wrong secret": attempt(lambda: fetched(by_secret("wrong", "client_secret_basic"))),
    "assertion for the endpoint": attempt(lambda: fetched(by_assertion(key, asserted(token_endpoint)))),
    "assertion that lives for an hour": attempt(lambda: fetched(by_assertion(key, PrivateKeyJWT(issuer, alg="ES256")))),
    "assertion by a secret": attempt(lambda: fetched(by_assertion("a-secret-of-32-bytes-or-a-bit-more", ClientSecretJWT(issuer)))),
    "secret in the header": attempt(lambda: audience(good)),
    "secret in the body": attempt(lambda: audience(fetched(by_secret(secret, "client_secret_post")))),
    "assertion": attempt(lambda: audience(for_gateway)),
    "exchange": attempt(lambda: audience(exchanged(for_gateway, audience="data-service"))),
    "exchange for somebody else": attempt(lambda: exchanged(for_gateway, audience="ledger")),
    "exchange of another's token": attempt(lambda: exchanged(good, audience="data-service")),
    "introspection": attempt(lambda: introspected(good)),
    "revocation": attempt(lambda: revoked(good)),
    "introspection after it": attempt(lambda: introspected(good)),
}
print(json.dumps(outcomes))
