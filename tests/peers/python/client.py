"""What a service or user written in Python does here, with httpx and authlib as they are.

Reads where everything is as JSON on standard input, and prints what each attempt came to as one JSON object.
"""

import asyncio
import json
import ssl
import sys

import httpx
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2Client

place = json.load(sys.stdin)
certificates = place["certificates"]


def trusting(authority, client=None):
    """A TLS context that trusts one authority, and shows the certificate of a client."""
    context = ssl.create_default_context(cafile=f"{certificates}/ca/{authority}-ca.crt")
    if client is not None:
        context.load_cert_chain(f"{certificates}/{client}.crt", f"{certificates}/{client}.key")
    return context


def token_url(realm):
    return f"{place['idp']}/realms/{realm}/protocol/openid-connect/token"


def service_client(name, certificate, secret=None, kind=OAuth2Client):
    return kind(
        client_id=name,
        client_secret=place["secrets"][name] if secret is None else secret,
        token_endpoint=token_url("services"),
        token_endpoint_auth_method="client_secret_post",
        grant_type="client_credentials",
        scope="data-service:read",
        verify=trusting("keycloak", certificate),
    )


def fetched(client):
    with client:
        return client.fetch_token()["access_token"]


def outcome(call):
    """A status with the code of a problem, or the kind of failure."""
    try:
        answer = call()
    except Exception as error:  # whatever the library raises is the outcome
        return type(error).__name__ + (f" {error.error}" if hasattr(error, "error") else "")
    if isinstance(answer, str):
        return answer
    problem = answer.headers.get("content-type") == "application/problem+json"
    return f"{answer.status_code} {answer.json()['code']}" if problem else str(answer.status_code)


def at_data(token, certificate, method="GET", path="/inventory/PROD-123", body=None):
    def call():
        with httpx.Client(verify=trusting("zone3", certificate)) as client:
            headers = {"X-User-Context": "user-123"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
            return client.request(method, place["data"] + path, headers=headers, json=body)

    return call


def as_user(client_id="web-app", password=None):
    """john signs in by authlib and orders at the gateway."""

    def call():
        with OAuth2Client(client_id=client_id, token_endpoint_auth_method="none", verify=trusting("keycloak")) as idp:
            token = idp.fetch_token(
                token_url("users"),
                grant_type="password",
                username="john",
                password=place["password"] if password is None else password,
            )["access_token"]
        with httpx.Client(verify=trusting("zone1")) as client:
            order = {"product_id": "PROD-123", "quantity": 1}
            return client.post(f"{place['gateway']}/api/v1/orders", headers={"Authorization": f"Bearer {token}"}, json=order)

    return call


def no_token_at_gateway():
    with httpx.Client(verify=trusting("zone1")) as client:
        return client.post(f"{place['gateway']}/api/v1/orders", json={})


async def many_at_once():
    """authlib's own token handling on an asynchronous client whose one certificate is for both."""
    context = trusting("zone3", ORDER)
    context.load_verify_locations(f"{certificates}/ca/keycloak-ca.crt")
    client = service_client("order-service", ORDER, kind=AsyncOAuth2Client)
    async with client:
        token = await client.fetch_token()
    async with AsyncOAuth2Client(token=token, verify=context) as bearer:
        answers = await asyncio.gather(*(bearer.get(f"{place['data']}/inventory/PROD-123") for _ in range(30)))
    return " ".join(sorted({str(answer.status_code) for answer in answers}))


ORDER = "order-service/client-zone3"
PAYMENT = "payment-service/client-zone3"

order_token = fetched(service_client("order-service", ORDER))
payment_token = fetched(service_client("payment-service", PAYMENT))
stock = {"product_id": "PROD-123", "quantity": 1}

ATTEMPTS = {
    "token without a certificate": lambda: fetched(service_client("order-service", None)),
    "token with a wrong secret": lambda: fetched(service_client("order-service", ORDER, secret="guessed")),
    "call without a certificate": at_data(order_token, None),
    "call without a token": at_data(None, ORDER),
    "call with the certificate of another": at_data(order_token, PAYMENT),
    "call with the token of another": at_data(payment_token, ORDER),
    "call that the policy denies": at_data(payment_token, PAYMENT, "POST", "/orders", stock),
    "call": at_data(order_token, ORDER),
    "call with a body": at_data(order_token, ORDER, "POST", "/orders", stock),
    "many calls at once": lambda: asyncio.run(many_at_once()),
    "user with a wrong password": as_user(password="guessed"),
    "user without a token": no_token_at_gateway,
    "user": as_user(),
}

print(json.dumps({name: outcome(call) for name, call in ATTEMPTS.items()}))
