"""Python's side of the X-Signature scheme: what it writes as JSON, what it signs, and whether it accepts what we signed.

Reads one JSON object on standard input:
  {"texts": [...]}                       -> {"written": [...]}: each text read and written with sorted keys
  {"random": n}                          -> {"pairs": [[text, written], ...]}: n values of its own
  {"sign": {"secret", "body", "at"}}     -> {"signature", "timestamp"}
  {"verify": {"secret", "body", "timestamp", "signature", "now"}} -> {"outcome": "accepted" | the reason}
"""

import hashlib
import hmac
import json
import random
import struct
import sys
from datetime import datetime, timedelta

CHARACTERS = ["a", "Z", '"', "\\", "/", "\n", "\x00", "\x7f", "é", "e\u0301", "😀", "\uffff", "𐀀", "\ud800", "\udc00", "\u2028"]
NUMBERS = [0.0, -0.0, 1.0, 1e16, 1e15, 1e-4, 1e-5, 0.1, 2**53 + 1, 1e22, 5e-324, 1.7976931348623157e308, -(10**40)]


def written(value):
    return json.dumps(value, sort_keys=True)


def text_of(rng):
    return "".join(rng.choice(CHARACTERS) for _ in range(rng.randint(0, 5)))


def number_of(rng):
    if rng.random() < 0.5:
        return rng.choice(NUMBERS)
    while True:
        (value,) = struct.unpack("d", rng.randbytes(8))
        if value - value == 0:
            return value


def value_of(rng, depth=0):
    kind = rng.random()
    if depth > 3 or kind < 0.25:
        return number_of(rng)
    if kind < 0.5:
        return text_of(rng)
    if kind < 0.6:
        return rng.choice([True, False, None])
    if kind < 0.8:
        return [value_of(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return {text_of(rng): value_of(rng, depth + 1) for _ in range(rng.randint(0, 4))}


def sent(rng, value):
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 2]))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def pairs(count):
    rng = random.Random(9421)
    texts = [sent(rng, value_of(rng)) for _ in range(count)]
    return [[text, written(json.loads(text))] for text in texts]


def signature(secret, body, timestamp):
    message = written(json.loads(body)) + timestamp
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def sign(secret, body, at):
    timestamp = datetime.fromisoformat(at).isoformat()
    return {"signature": signature(secret, body, timestamp), "timestamp": timestamp}


def verify(secret, body, timestamp, given, now):
    age = datetime.fromisoformat(now) - datetime.fromisoformat(timestamp)
    if age > timedelta(seconds=60):
        return "too old"
    return "accepted" if hmac.compare_digest(given, signature(secret, body, timestamp)) else "other signature"


def main():
    asked = json.load(sys.stdin)
    answer = {}
    if "texts" in asked:
        answer["written"] = [written(json.loads(text)) for text in asked["texts"]]
    if "random" in asked:
        answer["pairs"] = pairs(asked["random"])
    if "sign" in asked:
        answer.update(sign(asked["sign"]["secret"], asked["sign"]["body"], asked["sign"]["at"]))
    if "verify" in asked:
        of = asked["verify"]
        answer["outcome"] = verify(of["secret"], of["body"], of["timestamp"], of["signature"], of["now"])
    json.dump(answer, sys.stdout)


main()
