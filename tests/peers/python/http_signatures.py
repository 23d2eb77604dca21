"""HTTP Message Signatures by the Python package http-message-signatures, and service JWTs by PyJWT.

Reads {"sign": [...], "verify": [...], "jwt": {...}} on standard input and answers in the same order.
"""

import json
import sys
import uuid
from datetime import datetime, timezone
from types import SimpleNamespace

import jwt
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, MappingKeyResolver, algorithms

ALGORITHMS = {
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
    "rsa-v1_5-sha256": algorithms.RSA_V1_5_SHA256,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "ecdsa-p384-sha384": algorithms.ECDSA_P384_SHA384,
    "ed25519": algorithms.ED25519,
    "hmac-sha256": algorithms.HMAC_SHA256,
}


def message_of(task):
    return SimpleNamespace(method=task["method"], url=task["url"], headers=dict(task["headers"]))


def key_of(task, half):
    return bytes.fromhex(task["secret"]) if "secret" in task else task[half].encode()


def sign(task):
    message = message_of(task)
    keys = MappingKeyResolver(public_keys={}, private_keys={task["keyid"]: key_of(task, "private")})
    signer = HTTPMessageSigner(signature_algorithm=ALGORITHMS[task["algorithm"]], key_resolver=keys)
    signer.sign(
        message,
        key_id=task["keyid"],
        created=datetime.now(timezone.utc),
        nonce=str(uuid.uuid4()),
        label="python",
        covered_component_ids=task["components"],
        use_existing_digest=True,
    )
    return {name: message.headers[name] for name in ("Signature-Input", "Signature")}


def verify(task):
    keys = MappingKeyResolver(public_keys={task["keyid"]: key_of(task, "public")}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=ALGORITHMS[task["algorithm"]], key_resolver=keys)
    try:
        results = verifier.verify(message_of(task), body=task["body"].encode())
    except Exception as error:
        return type(error).__name__
    return [sorted(str(component) for component in result.covered_components) for result in results]


def service_jwt(task):
    claims = jwt.decode(
        task["token"], task["public"], algorithms=["RS256"], audience=task["audience"], issuer=task["issuer"]
    )
    try:
        jwt.decode(task["token"], task["public"], algorithms=["RS256"], audience="another")
        elsewhere = "accepted"
    except jwt.InvalidAudienceError:
        elsewhere = "refused"
    return {"claims": claims, "elsewhere": elsewhere, "token": jwt.encode(task["claims"], task["private"], algorithm="RS256")}


def main():
    asked = json.load(sys.stdin)
    answer = {"signed": [sign(task) for task in asked["sign"]], "verified": [verify(task) for task in asked["verify"]]}
    if "jwt" in asked:
        answer["jwt"] = service_jwt(asked["jwt"])
    json.dump(answer, sys.stdout)


main()
